//! Other strings of a secret's shape. How much less likely a model finds them than the secret itself is the secret's exposure
//! (Carlini et al. 2019, The Secret Sharer, arXiv:1802.08232).

use std::collections::HashSet;

use crate::base::rng::Rng;
use crate::journal::text::secrets::checks::{iban_check_digits, luhn_digit};
use crate::journal::text::secrets::kind::Kind;

/// Up to so many strings are written out in full where few exist; beyond, they are drawn until there are enough.
const FEW: u128 = 1 << 16;

/// `n` different strings of the shape of `text`, none of them `text`: each digit another digit, each letter one of the same case, all
/// else as it is. Cards and IBANs have a right checksum and an IBAN its country; what follows an e-mail address's `@`, and a key's known beginning
/// (`ghp_`), stay, since the model need not have learned a secret to expect them. Where fewer than `n` exist, all of them; the same seed gives the same.
pub fn candidates(kind: Kind, text: &str, n: usize, seed: u64) -> Vec<String> {
    let shape = Shape::of(kind, text);
    let mut rng = Rng::new(seed, "secrets.candidates");
    let mut out: Vec<String> = Vec::new();
    let count = shape.count();
    if count <= FEW || count / 4 <= n as u128 {
        let mut numbers: Vec<u128> = (0..count.min(FEW.max(4 * n as u128 + 4))).collect();
        rng.shuffle(&mut numbers);
        out.extend(
            numbers.into_iter().map(|number| shape.numbered(number)).filter(|other| other != text).take(n),
        );
        return out;
    }
    // At least three quarters of all strings are still to be had at any draw, so this ends.
    let mut drawn = HashSet::from([text.to_string()]);
    while out.len() < n {
        let other = shape.with(|choices| rng.below(choices));
        if drawn.insert(other.clone()) {
            out.push(other);
        }
    }
    out
}

/// What changes in a secret, and what is computed.
struct Shape {
    kind: Kind,
    signs: Vec<char>,
    /// Places that change.
    free: Vec<usize>,
}

impl Shape {
    fn of(kind: Kind, text: &str) -> Shape {
        let signs: Vec<char> = text.chars().collect();
        let kept_to = if kind == Kind::Key { beginning(&signs) } else { 0 };
        let kept_from = match kind {
            Kind::Email => signs.iter().rposition(|c| *c == '@').unwrap_or(signs.len()),
            _ => signs.len(),
        };
        let mut free: Vec<usize> = (kept_to..kept_from).filter(|i| choices(signs[*i]) > 1).collect();
        match kind {
            Kind::Card if free.len() > 1 => free.truncate(free.len() - 1),
            Kind::Account if free.len() > 4 => drop(free.drain(..4)),
            _ => {}
        }
        Shape { kind, signs, free }
    }

    /// How many strings have it; as many as can be counted.
    fn count(&self) -> u128 {
        self.free.iter().fold(1, |count: u128, i| count.saturating_mul(u128::from(choices(self.signs[*i]))))
    }

    /// The string of a number below [`count`](Self::count).
    fn numbered(&self, mut number: u128) -> String {
        self.with(|choices| {
            let digit = number % u128::from(choices);
            number /= u128::from(choices);
            digit as u64
        })
    }

    /// The string in which each free place has the sign that is drawn for it.
    fn with(&self, mut draw: impl FnMut(u64) -> u64) -> String {
        let mut signs = self.signs.clone();
        for i in &self.free {
            let number = draw(choices(signs[*i])) as u32;
            signs[*i] = sign(signs[*i], number);
        }
        match self.kind {
            Kind::Card => set_luhn(&mut signs),
            Kind::Account => set_iban(&mut signs),
            _ => {}
        }
        signs.into_iter().collect()
    }
}

/// How many signs may stand in a sign's stead.
fn choices(sign: char) -> u64 {
    match sign {
        '0'..='9' => 10,
        _ if sign.is_lowercase() || sign.is_uppercase() => 26,
        _ => 1,
    }
}

/// The sign of a number among those that may stand in a sign's stead.
fn sign(like: char, number: u32) -> char {
    let first = match like {
        '0'..='9' => '0',
        _ if like.is_uppercase() => 'A',
        _ => 'a',
    };
    char::from_u32(u32::from(first) + number).unwrap_or(like)
}

/// Where the known beginning of a key ends: after the last `_`, `-` or `.` in its first twelve signs, if only letters and such signs
/// stand before it.
fn beginning(signs: &[char]) -> usize {
    let head =
        signs.iter().take(12).take_while(|c| c.is_ascii_alphabetic() || matches!(c, '_' | '-' | '.')).count();
    signs[..head].iter().rposition(|c| matches!(c, '_' | '-' | '.')).map_or(0, |i| i + 1)
}

/// Sets the last digit of a card right.
fn set_luhn(signs: &mut [char]) {
    let digits: Vec<u32> = signs.iter().filter_map(|c| c.to_digit(10)).collect();
    let Some((_, rest)) = digits.split_last() else { return };
    let check = luhn_digit(rest);
    if let Some(last) = signs.iter().rposition(char::is_ascii_digit) {
        signs[last] = sign('0', check);
    }
}

/// Sets the third and fourth sign of an IBAN right.
fn set_iban(signs: &mut [char]) {
    let places: Vec<usize> = (0..signs.len()).filter(|i| signs[*i].is_ascii_alphanumeric()).collect();
    if places.len() < 5 {
        return;
    }
    let plain: Vec<char> = places.iter().map(|i| signs[*i].to_ascii_uppercase()).collect();
    for (place, digit) in places[2..4].iter().zip(iban_check_digits(&plain)) {
        signs[*place] = sign('0', digit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::text::secrets::Scanner;

    #[test]
    fn candidates_have_the_shape_and_are_others() {
        let others = candidates(Kind::Password, "Hunter2!", 500, 7);
        assert_eq!(others.len(), 500);
        assert_eq!(others.iter().collect::<HashSet<_>>().len(), 500);
        let shaped = |s: &String| {
            let c: Vec<char> = s.chars().collect();
            c.len() == 8
                && c[0].is_ascii_uppercase()
                && c[5].is_ascii_lowercase()
                && c[6].is_ascii_digit()
                && c[7] == '!'
        };
        assert!(others.iter().all(shaped) && !others.contains(&"Hunter2!".to_string()));
        assert_eq!(others, candidates(Kind::Password, "Hunter2!", 500, 7));
        assert_ne!(others, candidates(Kind::Password, "Hunter2!", 500, 8));
    }

    #[test]
    fn where_few_exist_all_are_given() {
        let mut all = candidates(Kind::Password, "7", 100, 1);
        all.sort();
        assert_eq!(all, ["0", "1", "2", "3", "4", "5", "6", "8", "9"]);
        assert!(candidates(Kind::Password, "日記", 5, 1).is_empty());
        assert!(candidates(Kind::Card, "", 5, 1).is_empty());
        assert_eq!(candidates(Kind::Password, "ab1", 100_000, 1).len(), 6759);
    }

    #[test]
    fn cards_and_ibans_are_right_and_known_parts_stay() {
        let scanner = Scanner::new(None).unwrap();
        for other in candidates(Kind::Account, "DE89 3704 0044 0532 0130 00", 50, 3) {
            assert_eq!(scanner.scan(&other)[0].kind, Kind::Account, "{other}");
        }
        for other in candidates(Kind::Card, "4111 1111 1111 1111", 50, 3) {
            let digits: Vec<u32> = other.chars().filter_map(|c| c.to_digit(10)).collect();
            assert_eq!(luhn_digit(&digits[..15]), digits[15], "{other}");
        }
        assert!(candidates(Kind::Email, "ann@example.com", 9, 1).iter().all(|s| s.ends_with("@example.com")));
        assert!(candidates(Kind::Key, "ghp_16C7e4", 9, 1).iter().all(|s| s.starts_with("ghp_")));
    }
}
