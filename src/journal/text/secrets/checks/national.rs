//! Numbers of persons: Italy, the Netherlands, Switzerland, Austria, Portugal, Brazil.

use super::seen::{Pass, Seen};

/// What a sign at an odd place of a codice fiscale counts (decree of 23 December 1976), digits and letters A to J alike, then K to Z.
const ODD: [u32; 26] =
    [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

/// An Italian codice fiscale: sixteen signs, a month's letter, and the check letter.
pub fn codice_fiscale(seen: &Seen) -> Option<Pass> {
    let signs = seen.signs();
    let (last, rest) = signs.split_last()?;
    let place = |sign: &char| sign.to_digit(36).map(|value| if value < 10 { value } else { value - 10 });
    let counted = |(i, sign): (usize, &char)| {
        let place = place(sign)?;
        if i % 2 == 0 { ODD.get(place as usize).copied() } else { Some(place) }
    };
    let sum: u32 = rest.iter().enumerate().map(counted).sum::<Option<u32>>()?;
    let check = char::from_digit(10 + sum % 26, 36)?.to_ascii_uppercase();
    let month = "ABCDEHLMPRST".contains(*rest.get(8)?);
    seen.pass_if(signs.len() == 16 && month && *last == check)
}

/// A Dutch burgerservicenummer: nine digits, the test by eleven. One number in eleven passes, so a word for it has to stand before.
pub fn bsn(seen: &Seen) -> Option<Pass> {
    let digits = seen.digits();
    let sum: u32 = digits.iter().take(8).zip((2..=9).rev()).map(|(digit, weight)| digit * weight).sum();
    let last = digits.last().copied()?;
    let varied = digits.iter().any(|digit| *digit != last);
    seen.pass_if(digits.len() == 9 && varied && sum % 11 == last)
}

/// A Swiss AHV number: 756 and ten digits, with the check digit of EAN-13.
pub fn ahv(seen: &Seen) -> Option<Pass> {
    let digits = seen.digits();
    let sum: u32 =
        digits.iter().enumerate().map(|(i, digit)| if i % 2 == 0 { *digit } else { digit * 3 }).sum();
    seen.pass_if(digits.len() == 13 && digits.starts_with(&[7, 5, 6]) && sum.is_multiple_of(10))
}

/// An Austrian Sozialversicherungsnummer: a serial, its check digit by eleven, a date of birth.
pub fn svnr(seen: &Seen) -> Option<Pass> {
    let digits = seen.digits();
    let [serial @ .., d1, d2, m1, m2, y1, y2] = &digits[..] else { return None };
    let [a, b, c, check] = serial else { return None };
    let sum = a * 3 + b * 7 + c * 9 + d1 * 5 + d2 * 8 + m1 * 4 + m2 * 2 + y1 + y2 * 6;
    let (day, month) = (d1 * 10 + d2, m1 * 10 + m2);
    seen.pass_if(*a > 0 && sum % 11 == *check && (1..=31).contains(&day) && (1..=15).contains(&month))
}

/// A Portuguese número de identificação fiscal: nine digits, the last by eleven.
pub fn nif(seen: &Seen) -> Option<Pass> {
    let digits = seen.digits();
    seen.pass_if(
        digits.len() == 9 && matches!(digits[0], 1..=3) && check_by_eleven(&digits[..8]) == digits[8],
    )
}

/// A Brazilian cadastro de pessoas físicas: eleven digits, the last two by eleven.
pub fn cpf(seen: &Seen) -> Option<Pass> {
    let digits = seen.digits();
    let good = digits.len() == 11
        && digits.iter().any(|digit| *digit != digits[0])
        && check_by_eleven(&digits[..9]) == digits[9]
        && check_by_eleven(&digits[..10]) == digits[10];
    seen.pass_if(good)
}

/// The check digit that weighs the last digit with 2, the one before with 3, and so on.
fn check_by_eleven(digits: &[u32]) -> u32 {
    let sum: u32 = digits.iter().rev().zip(2..).map(|(digit, weight)| digit * weight).sum();
    match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(check: fn(&Seen) -> Option<Pass>, text: &str) -> bool {
        check(&Seen { text, range: 0..text.len() }).is_some()
    }

    #[test]
    fn numbers_of_persons_are_held_to_their_checksums() {
        assert!(passes(codice_fiscale, "RSSMRA85T10A562S") && !passes(codice_fiscale, "RSSMRA85T10A562T"));
        assert!(!passes(codice_fiscale, "") && !passes(codice_fiscale, "A"));
        assert!(passes(bsn, "111222333") && !passes(bsn, "111222334") && !passes(bsn, "111111111"));
        assert!(passes(ahv, "756.9217.0769.85") && !passes(ahv, "756.9217.0769.84"));
        assert!(passes(svnr, "1237 010180") && !passes(svnr, "1238 010180") && !passes(svnr, "12"));
        assert!(passes(nif, "123456789") && !passes(nif, "123456780"));
        assert!(passes(cpf, "529.982.247-25") && !passes(cpf, "529.982.247-26"));
    }
}
