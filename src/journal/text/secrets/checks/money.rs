//! Payment cards.

use super::seen::{Pass, Seen};

/// A payment card: issuer, length, grouping and the checksum of ISO/IEC 7812-1 (Luhn 1960).
pub fn card(seen: &Seen) -> Option<Pass> {
    let digits = seen.digits();
    let all_same = digits.iter().all(|digit| digit == &digits[0]);
    let good =
        is_issued(&digits) && !all_same && luhn_sum(&digits).is_multiple_of(10) && is_grouped(seen.secret());
    seen.pass_if(good)
}

/// Whether some issuer gives numbers that begin so and are as long.
fn is_issued(digits: &[u32]) -> bool {
    let head = |n: usize| digits.iter().take(n).fold(0, |value, digit| value * 10 + digit);
    let (two, three, four) = (head(2), head(3), head(4));
    match digits.len() {
        13 => head(1) == 4,
        14 => matches!(three, 300..=305) || matches!(two, 36 | 38 | 39),
        15 => matches!(two, 34 | 37),
        16 => {
            head(1) == 4
                || matches!(two, 51..=55 | 62 | 65 | 50 | 67)
                || matches!(four, 2221..=2720 | 3528..=3589 | 6011 | 5610 | 5612 | 5893 | 6304 | 6390)
                || matches!(three, 644..=649)
        }
        17 | 18 => two == 62 || matches!(four, 6304 | 6759 | 6761..=6763),
        19 => head(1) == 4 || two == 62 || matches!(four, 6304 | 6759 | 6761..=6763),
        _ => false,
    }
}

/// Whether it is written as cards are: in one piece or in groups of at least two digits, with one separator throughout.
fn is_grouped(secret: &str) -> bool {
    let separators: Vec<char> = secret.chars().filter(|c| !c.is_ascii_digit()).collect();
    let one_kind = separators.iter().all(|c| Some(c) == separators.first());
    let groups = secret.split(|c: char| !c.is_ascii_digit());
    one_kind && (separators.is_empty() || groups.map(str::len).all(|len| (2..=7).contains(&len)))
}

/// The sum that a number with a right last digit has a multiple of ten of.
fn luhn_sum(digits: &[u32]) -> u32 {
    let doubled = |(i, digit): (usize, &u32)| match (i % 2, digit * 2) {
        (0, _) => *digit,
        (_, twice @ 10..) => twice - 9,
        (_, twice) => twice,
    };
    digits.iter().rev().enumerate().map(doubled).sum()
}

/// The last digit that makes `digits` followed by it a right number.
pub fn luhn_digit(digits: &[u32]) -> u32 {
    let with_zero: Vec<u32> = digits.iter().copied().chain([0]).collect();
    (10 - luhn_sum(&with_zero) % 10) % 10
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_card(text: &str) -> bool {
        card(&Seen { text, range: 0..text.len() }).is_some()
    }

    #[test]
    fn a_card_has_an_issuer_a_length_and_a_checksum() {
        for good in ["4111 1111 1111 1111", "5500-0000-0000-0004", "378282246310005", "6011 1111 1111 1117"] {
            assert!(is_card(good), "{good}");
        }
        for bad in
            ["4111 1111 1111 1112", "9111111111111111", "4111 1111-1111 1111", "411111111111111", "4 1 1 1"]
        {
            assert!(!is_card(bad), "{bad}");
        }
        assert_eq!(luhn_digit(&[7, 9, 9, 2, 7, 3, 9, 8, 7, 1]), 3);
    }
}
