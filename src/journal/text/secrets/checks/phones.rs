//! Phone numbers, told from dates, times, prices and scores.

use super::seen::{Pass, Seen};

/// What is counted or measured after a number that is no phone's.
const UNITS: [&str; 34] = [
    "€",
    "$",
    "£",
    "¥",
    "%",
    "°",
    "eur",
    "euro",
    "euros",
    "usd",
    "gbp",
    "chf",
    "pounds",
    "dollars",
    "franken",
    "francs",
    "km",
    "kg",
    "m²",
    "mi",
    "miles",
    "meter",
    "metres",
    "meters",
    "people",
    "steps",
    "schritte",
    "words",
    "bytes",
    "mb",
    "kwh",
    "einwohner",
    "habitants",
    "habitantes",
];

/// A number with its country's code: `+` or `00`, 8 to 15 digits.
pub fn international(seen: &Seen) -> Option<Pass> {
    let digits = seen.digits();
    let digits = if seen.secret().starts_with('+') { &digits[..] } else { digits.strip_prefix(&[0, 0])? };
    let country = *digits.first()?;
    let decimal = seen.secret().matches('.').count() == 1 && !seen.secret().contains([' ', '-', '/', '(']);
    let nanp = country != 1 || (digits.len() == 11 && is_nanp(&digits[1..]));
    let good = (8..=15).contains(&digits.len()) && country != 0 && nanp && !decimal && !is_round(digits);
    seen.pass_if(good && !is_measured(seen) && is_paired(seen.secret()))
}

/// A number of North America: area and exchange begin with 2 to 9, and neither is a service's, like 911.
pub fn north_american(seen: &Seen) -> Option<Pass> {
    let digits = seen.digits();
    let digits = if digits.len() == 11 { digits.strip_prefix(&[1])? } else { &digits[..] };
    seen.pass_if(is_nanp(digits) && one_separator(seen.secret()) && !is_measured(seen))
}

fn is_nanp(digits: &[u32]) -> bool {
    let service = |part: &[u32]| part[1] == 1 && part[2] == 1;
    digits.len() == 10
        && digits[0] >= 2
        && digits[3] >= 2
        && !service(&digits[..3])
        && !service(&digits[3..6])
        && !is_round(digits)
}

/// Whether it has but one way of separating groups, the area's brackets set aside.
fn one_separator(secret: &str) -> bool {
    let rest = secret.rsplit_once(')').map_or(secret, |(_, rest)| rest.trim_start());
    let separators: Vec<char> = rest.chars().filter(|c| !c.is_ascii_digit() && *c != '+').collect();
    separators.iter().all(|c| Some(c) == separators.first())
}

/// A number written in pairs, as in France: not five numbers that rise, as those of a lottery do.
pub fn pairs(seen: &Seen) -> Option<Pass> {
    let digits = seen.digits();
    let values: Vec<u32> =
        digits.chunks(2).map(|pair| pair.iter().fold(0, |value, digit| value * 10 + digit)).collect();
    let rises = values.windows(2).all(|pair| pair[0] < pair[1]);
    let is_drawn = rises && seen.secret().contains(|c: char| !c.is_ascii_digit());
    let goes_on = seen.after().strip_prefix([' ', '-', '.']).is_some_and(starts_with_digit);
    let follows = seen.before().strip_suffix([' ', '-', '.']).is_some_and(ends_with_digit);
    let one = one_separator(seen.secret());
    seen.pass_if(one && !is_drawn && !goes_on && !follows && !is_measured(seen) && !is_round(&digits))
}

/// A number without a country's code: 7 to 13 digits that are no date, no time, no years, no price.
pub fn national(seen: &Seen) -> Option<Pass> {
    let digits = seen.digits();
    let groups: Vec<&str> =
        seen.secret().split(|c: char| !c.is_ascii_digit()).filter(|g| !g.is_empty()).collect();
    let neighbours = seen.before().strip_suffix(' ').is_some_and(ends_with_digit)
        || seen.after().strip_prefix(' ').is_some_and(starts_with_digit);
    let good = (7..=13).contains(&digits.len())
        && !is_date(&groups)
        && !is_round(&digits)
        && !is_measured(seen)
        && is_paired(seen.secret())
        && !neighbours;
    seen.pass_if(good)
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

fn ends_with_digit(text: &str) -> bool {
    text.ends_with(|c: char| c.is_ascii_digit())
}

/// Whether groups of digits are a date, a time, or years.
fn is_date(groups: &[&str]) -> bool {
    let value = |group: &&str| group.parse::<u32>().unwrap_or(u32::MAX);
    let is_year = |group: &&str| group.len() == 4 && (1000..2200).contains(&value(group));
    let small = |group: &&str| group.len() <= 2 && value(group) <= 59;
    let years = groups.iter().filter(|group| is_year(group)).count();
    let smalls = groups.iter().filter(|group| small(group)).count();
    match groups {
        [one] if one.len() == 8 => {
            let date = |y: u32, m: u32, d: u32| {
                (1800..2200).contains(&y) && (1..=12).contains(&m) && (1..=31).contains(&d)
            };
            let n = value(one);
            date(n / 10_000, n / 100 % 100, n % 100)
                || date(n % 10_000, n / 10_000 % 100, n / 1_000_000)
                || date(n % 10_000, n / 1_000_000, n / 10_000 % 100)
        }
        _ => {
            years == groups.len()
                || (years >= 1 && years + smalls == groups.len())
                || (smalls == groups.len() && groups.len() <= 4)
        }
    }
}

/// Whether more than half of a number's digits, from its end on, are zero: people count so, and no phone rings.
fn is_round(digits: &[u32]) -> bool {
    let zeros = digits.iter().rev().take_while(|digit| **digit == 0).count();
    zeros * 2 > digits.len() || digits.iter().all(|digit| Some(digit) == digits.first())
}

/// Whether a unit or a currency stands beside it.
fn is_measured(seen: &Seen) -> bool {
    let before = seen.before().trim_end_matches(' ');
    let word = |c: char| c.is_alphanumeric() || matches!(c, '€' | '$' | '£' | '¥' | '%' | '°' | '²');
    let after = seen.after().trim_start_matches([' ', '\u{a0}']);
    let end = after.find(|c: char| !word(c)).unwrap_or(after.len());
    let unit = after[..end].to_lowercase();
    before.ends_with(['$', '£', '€', '¥', '#', '§', '№']) || UNITS.contains(&unit.as_str())
}

/// Whether brackets are closed and in order, at most one pair.
fn is_paired(secret: &str) -> bool {
    match (secret.find('('), secret.find(')')) {
        (None, None) => true,
        (Some(open), Some(close)) => open < close && secret.matches(['(', ')']).count() == 2,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(check: fn(&Seen) -> Option<Pass>, text: &str) -> bool {
        check(&Seen { text, range: 0..text.len() }).is_some()
    }

    #[test]
    fn dates_and_scores_are_no_phone_numbers() {
        for date in
            ["01.02.2023", "2023-01-15", "15/01/2023", "20230115", "1998-2004", "12.30-14.45", "15012023"]
        {
            assert!(!passes(national, date), "{date}");
        }
        assert!(!passes(national, "10000000") && !passes(national, "(030 1234567"));
        assert!(passes(national, "030/1234567") && passes(national, "0451 2234567"));
        assert!(!passes(pairs, "03 11 24 35 42") && passes(pairs, "06 12 34 11 78"));
    }

    #[test]
    fn a_country_has_a_code_and_north_america_a_plan() {
        assert!(passes(international, "+44 20 7946 0958") && passes(international, "0049 171 1234567"));
        assert!(!passes(international, "+1 000 000 0000") && !passes(international, "+40.7127768"));
        assert!(passes(north_american, "(415) 234-5678") && passes(north_american, "1-415-234-5678"));
        assert!(!passes(north_american, "115-234-5678") && !passes(north_american, "415-234.5678"));
    }
}
