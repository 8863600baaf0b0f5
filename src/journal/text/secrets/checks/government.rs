//! Numbers of persons: United States, United Kingdom, Germany, France, Spain.

use super::seen::{Pass, Seen};

/// A Social Security number: no area 000, 666 or from 900 on, no group 00, no serial 0000; nor the one from an advertisement of 1938
/// that thousands took for theirs.
pub fn ssn(seen: &Seen) -> Option<Pass> {
    let digits = seen.digits();
    if digits.len() != 9 {
        return None;
    }
    let value = |part: &[u32]| part.iter().fold(0, |value, digit| value * 10 + digit);
    let (area, group, serial) = (value(&digits[..3]), value(&digits[3..5]), value(&digits[5..]));
    let famous = (area, group, serial) == (78, 5, 1120);
    seen.pass_if(area != 0 && area != 666 && area < 900 && group != 0 && serial != 0 && !famous)
}

/// A National Insurance number, by the rules of HMRC for its two first letters and its last.
pub fn nino(seen: &Seen) -> Option<Pass> {
    let signs = seen.signs();
    let [first, second, .., last] = signs[..] else { return None };
    let prefix: String = [first, second].iter().collect();
    let unused = ["BG", "GB", "NK", "KN", "TN", "NT", "ZZ"].contains(&prefix.as_str());
    let letters = !"DFIQUV".contains(first) && !"DFIOQUV".contains(second) && ('A'..='D').contains(&last);
    seen.pass_if(signs.len() == 9 && letters && !unused)
}

/// A German Steuer-Identifikationsnummer: of its first ten digits one stands two or three times and the others at most once; the last is
/// the check digit of ISO 7064, MOD 11,10.
pub fn steuer_id(seen: &Seen) -> Option<Pass> {
    let digits = seen.digits();
    if digits.len() != 11 || digits[0] == 0 {
        return None;
    }
    let counts = (0..10).map(|digit| digits[..10].iter().filter(|d| **d == digit).count());
    let mut repeated: Vec<usize> = counts.filter(|count| *count > 1).collect();
    repeated.sort_unstable();
    let product = digits[..10].iter().fold(10, |product, digit| {
        let sum = (digit + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    let check = (11 - product) % 10;
    seen.pass_if((repeated == [2] || repeated == [3]) && digits[10] == check)
}

/// A French NIR (numéro de sécurité sociale) with its key, 97 less the remainder by 97; Corsica's 2A and 2B count as 19 and 18.
pub fn nir(seen: &Seen) -> Option<Pass> {
    let written: String = seen.signs().into_iter().collect();
    let counted = written.replacen("2A", "19", 1).replacen("2B", "18", 1);
    let number: u64 = counted.get(..13)?.parse().ok()?;
    let key: u64 = counted.get(13..)?.parse().ok()?;
    let month: u32 = counted.get(3..5)?.parse().ok()?;
    let month_is_one = matches!(month, 1..=12 | 20..=42 | 50..=99);
    seen.pass_if(counted.len() == 15 && month_is_one && key == 97 - number % 97)
}

/// A Spanish DNI: eight digits and the letter of their remainder by 23.
pub fn dni(seen: &Seen) -> Option<Pass> {
    seen.pass_if(dni_is_right(&seen.signs()))
}

/// A Spanish NIE: X, Y or Z, which count as 0, 1, 2, then as a DNI.
pub fn nie(seen: &Seen) -> Option<Pass> {
    let mut signs = seen.signs();
    let first = signs.first_mut()?;
    *first = match first {
        'X' => '0',
        'Y' => '1',
        'Z' => '2',
        _ => return None,
    };
    seen.pass_if(dni_is_right(&signs))
}

fn dni_is_right(signs: &[char]) -> bool {
    let Some((letter, digits)) = signs.split_last() else { return false };
    let value = digits.iter().try_fold(0, |value, sign| Some(value * 10 + sign.to_digit(10)? as usize));
    let right = value.and_then(|value| "TRWAGMYFPDXBNJZSQVHLCKE".chars().nth(value % 23));
    digits.len() == 8 && right == Some(*letter)
}

/// The number of a passport, where one is spoken of: most of it digits.
pub fn passport(seen: &Seen) -> Option<Pass> {
    let digits = seen.digits().len();
    seen.pass_if(digits >= 5 && digits * 2 > seen.signs().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(check: fn(&Seen) -> Option<Pass>, text: &str) -> bool {
        check(&Seen { text, range: 0..text.len() }).is_some()
    }

    #[test]
    fn numbers_of_persons_are_held_to_their_rules() {
        assert!(passes(ssn, "219-09-9999") && !passes(ssn, "078-05-1120"));
        for bad in ["000-12-3456", "666-12-3456", "912-12-3456", "219-00-9999", "219-09-0000", "219"] {
            assert!(!passes(ssn, bad), "{bad}");
        }
        assert!(passes(nino, "AB 12 34 56 C") && !passes(nino, "QQ123456C") && !passes(nino, "GB123456A"));
        assert!(passes(steuer_id, "65 929 970 489") && !passes(steuer_id, "65929970488"));
        assert!(!passes(steuer_id, "12345678901"));
        assert!(passes(nir, "2 55 08 14 168 025 38") && !passes(nir, "255081416802539"));
        assert!(!passes(nir, "é55081416802538"));
        assert!(passes(dni, "12345678Z") && !passes(dni, "12345678A") && !passes(dni, ""));
        assert!(passes(nie, "X-1234567-L") && !passes(nie, "X1234567Z"));
    }
}
