//! Bank accounts: ISO 13616.

use super::seen::{Pass, Seen};

/// How long the IBANs of a country are.
const LENGTHS: [(&str, usize); 81] = [
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BI", 27),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DJ", 27),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FK", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NI", 28),
    ("NL", 18),
    ("NO", 15),
    ("OM", 23),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("RU", 33),
    ("SA", 24),
    ("SC", 31),
    ("SD", 18),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("SO", 23),
    ("ST", 25),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
];

/// An IBAN: as many signs as its country gives it, and a remainder of 1 by 97. What is matched beyond them is no part of it.
pub fn iban(seen: &Seen) -> Option<Pass> {
    let secret = seen.secret();
    let country = secret.get(..2)?.to_ascii_uppercase();
    let length = LENGTHS.iter().find(|(code, _)| *code == country)?.1;
    let mut signs = secret.char_indices().filter(|(_, c)| c.is_ascii_alphanumeric());
    let end = signs.nth(length - 1)?.0 + 1;
    let mut shorter = seen.clone();
    shorter.range.end = seen.range.start + end;
    let goes_on = shorter.after().starts_with(|c: char| c.is_alphanumeric());
    shorter.pass_if(!goes_on && remainder(&shorter.signs()) == 1)
}

/// The remainder by 97 of an IBAN read as a number: its first four signs put last, letters as 10 to 35.
fn remainder(signs: &[char]) -> u32 {
    let turned = signs.iter().skip(4).chain(signs.iter().take(4));
    turned.fold(0, |value, sign| match sign.to_digit(36) {
        Some(digit @ 0..=9) => (value * 10 + digit) % 97,
        Some(letter) => (value * 100 + letter) % 97,
        None => value,
    })
}

/// The two digits that make an IBAN right whose signs are otherwise these; those that stand in their place are not looked at.
pub fn check_digits(signs: &[char]) -> [u32; 2] {
    let zeroed: Vec<char> =
        signs.iter().enumerate().map(|(i, sign)| if i == 2 || i == 3 { '0' } else { *sign }).collect();
    let check = 98 - remainder(&zeroed);
    [check / 10, check % 10]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_iban_is_as_long_as_its_country_says() {
        let found =
            |text: &str| iban(&Seen { text, range: 0..text.len() }).map(|pass| text[pass.range].to_string());
        assert_eq!(found("DE89 3704 0044 0532 0130 00 AND MORE").unwrap(), "DE89 3704 0044 0532 0130 00");
        assert_eq!(found("gb29nwbk60161331926819").unwrap(), "gb29nwbk60161331926819");
        assert_eq!(found("DE88 3704 0044 0532 0130 00"), None);
        assert_eq!(found("DE89 3704 0044 0532 0130 001"), None);
        assert_eq!(found("XX89 3704 0044 0532 0130 00"), None);
        assert_eq!(found("DÉ"), None);
    }

    #[test]
    fn check_digits_make_an_iban_right() {
        let signs: Vec<char> = "GB00NWBK60161331926819".chars().collect();
        assert_eq!(check_digits(&signs), [2, 9]);
    }
}
