//! The days that files' names and folders tell.

use std::path::Path;

use jiff::civil::Date;

use super::dates::{DateLine, Reading, recognise};
use super::{names, scan};

/// The day that a file's name (without its extension) opens with: `2024-01-05`, `2024_01_05`, `2024.01.05`, `20240105`,
/// with or without words after it (`2024-01-05 Friday`, `20240105_a-walk`), or a date line in words (`5 May 2020`). A
/// name with two dates in it spans days and gives none.
pub fn in_file_name(stem: &str) -> Option<Date> {
    let Some((date, rest)) = numeric_name(stem) else {
        return match recognise(stem)? {
            DateLine { reading: Reading::Certain(date), style, .. } if style.heading == 0 => Some(date),
            _ => None,
        };
    };
    let another = rest
        .char_indices()
        .filter(|(i, c)| c.is_ascii_digit() && !rest[..*i].ends_with(|c: char| c.is_ascii_digit()))
        .any(|(i, _)| numeric_name(&rest[i..]).is_some());
    (!another).then_some(date)
}

/// A date in numbers, year first, that opens a file's name, and what follows it.
fn numeric_name(stem: &str) -> Option<(Date, &str)> {
    let digits = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
    let (y, m, d, rest) = match digits(stem) {
        8 => (&stem[..4], &stem[4..6], &stem[6..8], &stem[8..]),
        4 => {
            let separator = stem[4..].chars().next().filter(|c| "-_. ".contains(*c))?;
            let (m, rest) = stem[5..].split_at(digits(&stem[5..]).min(3));
            let rest = rest.strip_prefix(separator)?;
            let (d, rest) = rest.split_at(digits(rest).min(3));
            (&stem[..4], m, d, rest)
        }
        _ => return None,
    };
    let small = |s: &str| s.parse::<i8>().ok().filter(|_| s.len() <= 2);
    let date = scan::date(y.parse().ok()?, small(m)?, small(d)?)?;
    // `20240105T093000` goes on with a time; any other letter makes another word of it.
    let clean = !rest.starts_with(char::is_alphanumeric) || rest.starts_with('T');
    clean.then_some((date, rest))
}

/// The day of a file whose name alone tells none: `2014/05/03.txt`, `2014/May/3.md`, `2014-05/03.md`, `2014/05-03.md`.
pub fn in_path(path: &Path) -> Option<Date> {
    let mut parts = path.components().rev().filter_map(|part| part.as_os_str().to_str());
    parts.next()?; // the name, without its extension below
    let stem = path.file_stem()?.to_str()?;
    let folder = parts.next()?;
    let joined = match stem.split_once(['-', '_']) {
        Some((month, day)) => [folder, month, day],
        None => match folder.split_once(['-', '_']) {
            Some((year, month)) => [year, month, stem],
            None => [parts.next()?, folder, stem],
        },
    };
    let number = |text: &str, longest: usize| {
        let digits = (1..=longest).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i16>().ok().filter(|_| digits)
    };
    let [year, month, day] = joined;
    let year = number(year, 4).filter(|_| year.len() == 4)?;
    let month = match number(month, 2) {
        Some(month) => month as i8,
        None => names::month(month)?.0,
    };
    scan::date(year.into(), month, number(day, 2)? as i8)
}
