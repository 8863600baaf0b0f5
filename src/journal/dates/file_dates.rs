//! The days that files' names and folders tell.

use std::collections::HashMap;
use std::path::Path;

use jiff::civil::Date;

use super::parts::Known;
use super::reading::Reading;
use super::recognise::{recognise, recognise_without_year};
use super::{names, scan};
use crate::journal::options::DateOrder;

/// The day that a file's name (without its extension) opens with, and what follows it: `2024-01-05`, `2024_01_05`,
/// `05.01.2024`, `20240105`, `202401050930`, with or without words after it (`2024-01-05 Friday`,
/// `20240105_a-walk`), or a date line in words (`5 May 2020`, `5 May 2020 Rain`), which below a folder's year may go
/// without its own (`5 May`, `05.05`). A name with two dates in it spans days and gives none.
pub fn in_file_name(stem: &str, year: Option<i16>) -> Option<(Reading, &str)> {
    let stem = without_conflict(stem);
    let Some((reading, rest)) = numeric_name(stem) else {
        let known = Known { year, ..Known::default() };
        let line = recognise(stem).or_else(|| recognise_without_year(stem, known));
        let in_words = line.filter(|line| line.style.heading == 0);
        return in_words
            .map(|line| (line.reading, &stem[line.rest..]))
            .or_else(|| before_words(stem))
            .or_else(|| Some((two_numbers(stem, year?)?, "")));
    };
    let another = rest
        .char_indices()
        .filter(|(i, c)| c.is_ascii_digit() && !rest[..*i].ends_with(|c: char| c.is_ascii_digit()))
        .any(|(i, _)| numeric_name(&rest[i..]).is_some());
    (!another).then_some((reading, rest))
}

/// `5 May 2020 Rain`: a name is a heading, in which words may follow a date directly.
fn before_words(stem: &str) -> Option<(Reading, &str)> {
    let heading = format!("# {stem}");
    let line = recognise(&heading).filter(|line| line.time.is_none())?;
    Some((line.reading, &stem[line.rest - "# ".len()..]))
}

/// A name without what synchronisation adds to a copy: `2024-01-05.sync-conflict-20240106-101010-ABC`,
/// `2024-01-05 (Ann's conflicted copy 2024-01-06)`.
fn without_conflict(stem: &str) -> &str {
    const WORDS: [&str; 5] = ["conflict", "konflikt", "conflit", "conflicto", "conflitto"];
    if let Some(at) = stem.find(".sync-conflict-") {
        return &stem[..at];
    }
    let in_brackets = stem.ends_with(')').then(|| stem.rfind(" (")).flatten();
    match in_brackets {
        Some(at) if WORDS.iter().any(|word| stem[at..].to_lowercase().contains(word)) => &stem[..at],
        _ => stem,
    }
}

/// The words in a file's name behind its date: `2024-01-05 Friday, a walk` has "a walk". The day's own weekday goes only
/// where it stands apart: "Friday at last" and "Sun came out" are words. `year` as in [`in_file_name`].
pub fn without_date(stem: &str, year: Option<i16>) -> &str {
    let stem = without_conflict(stem);
    let Some((reading, rest)) = in_file_name(stem, year) else { return stem.trim() };
    without_copy(without_weekday(reading, without_time(stem, rest)))
}

/// The same for a name whose folder tells the rest of its day: `2024/01/05 Friday, a walk`, `2024/01-05`.
pub fn behind_day(stem: &str, day: Date) -> &str {
    let rest = stem.trim_start_matches(|c: char| c.is_ascii_digit() || "-_".contains(c));
    without_weekday(Reading::Certain(day), rest)
}

fn without_weekday(reading: Reading, rest: &str) -> &str {
    let signs = |c: char| "-_. ,".contains(c);
    let rest = rest.trim_start_matches(signs).trim_end();
    let word = rest.split(|c: char| !c.is_alphabetic()).next().unwrap_or("");
    let behind = &rest[word.len()..];
    let apart = |full| behind.trim_matches(signs).is_empty() || (full && behind.starts_with(','));
    let own = [true, false].map(|month_leads| reading.day(month_leads).weekday().to_monday_one_offset());
    // `2024-01-14(日)`, `2024-01-15 (Monday)`
    let bracketed = rest.strip_prefix(['(', '（']).and_then(|rest| rest.split_once([')', '）']));
    if let Some((word, behind)) = bracketed
        && names::weekday(word.trim().trim_end_matches(['.', '曜']))
            .is_some_and(|(weekday, _)| own.contains(&weekday))
    {
        return behind.trim_start_matches(signs);
    }
    let goes = names::weekday(word).is_some_and(|(weekday, full)| own.contains(&weekday) && apart(full));
    if goes { behind.trim_start_matches(signs) } else { rest }
}

/// Without what a system adds to the name of a copy: `2`, `(1)`, `copy`; nor the sign for "year" that ends a Russian date.
fn without_copy(rest: &str) -> &str {
    const WORDS: [&str; 7] = ["copy", "kopie", "copie", "copia", "cópia", "kopia", "г"];
    let number = |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let bare = rest.trim_matches(|c: char| c == '(' || c == ')' || c == '.').to_lowercase();
    let word = bare.split_once(' ').map_or(bare.as_str(), |(word, n)| if number(n) { word } else { &bare });
    if number(&bare) || WORDS.contains(&word) { "" } else { rest }
}

/// Without the time in one number that goes on a date in one number, or stands behind a `T`: "2020-05-05 1984" has none.
fn without_time<'a>(stem: &str, rest: &'a str) -> &'a str {
    let in_one = stem.bytes().take(8).all(|b| b.is_ascii_digit());
    let sign = rest.strip_prefix('T').or_else(|| rest.strip_prefix(['_', '-']).filter(|_| in_one));
    let Some(time) = sign else { return without_clock(rest) };
    let digits = time.bytes().take_while(u8::is_ascii_digit).count();
    let behind = &time[digits..];
    let is_time = matches!(digits, 4 | 6) && time[..2] < *"24" && time[2..4] < *"60";
    if is_time && !behind.starts_with(char::is_alphabetic) { behind } else { without_clock(rest) }
}

/// Without the clock that stands apart behind a date: `09-30`, `09.30.15`, `at 9.30 PM`, or `0930` with nothing more, so
/// long as it is no year.
fn without_clock(rest: &str) -> &str {
    let time = rest.trim_start_matches([' ', '_', ',']);
    let time = time.strip_prefix("at ").unwrap_or(time);
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let all = digits(time);
    let number = |text: &str| text.parse::<u32>().ok();
    if all == 4 && time.len() == 4 {
        let clock =
            time[..2] < *"24" && time[2..] < *"60" && !(1800..2100).contains(&number(time).unwrap_or(0));
        return if clock { "" } else { rest };
    }
    let sign = |text: &str| text.chars().next().filter(|c| "-.:h".contains(*c));
    let Some(separator) = (1..=2).contains(&all).then(|| sign(&time[all..])).flatten() else { return rest };
    let minutes = &time[all + 1..];
    if digits(minutes) != 2 || time[..all].parse::<u8>().is_ok_and(|hour| hour > 23) || minutes[..2] > *"59" {
        return rest;
    }
    let mut behind = &minutes[2..];
    if let Some(seconds) = behind.strip_prefix(separator).filter(|seconds| digits(seconds) == 2) {
        behind = &seconds[2..];
    }
    let half = behind.trim_start();
    let half = ["am", "pm", "AM", "PM"].iter().find_map(|half_day| half.strip_prefix(half_day));
    let behind = half.filter(|rest| !rest.starts_with(char::is_alphanumeric)).unwrap_or(behind);
    let alone = behind.trim().is_empty();
    let apart = behind.starts_with([' ', '_', ',']) && all == 2;
    if alone || apart { behind } else { rest }
}

/// A date in numbers that opens a file's name, and what follows it.
fn numeric_name(stem: &str) -> Option<(Reading, &str)> {
    let digits = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
    let ([a, b, c], rest) = match digits(stem) {
        // `202401050930` is a note's moment.
        all @ (8 | 12 | 14) => ([&stem[..4], &stem[4..6], &stem[6..8]], &stem[all..]),
        first @ (1 | 2 | 4) => {
            let separator = stem[first..].chars().next().filter(|c| "-_. ".contains(*c))?;
            let (second, rest) = stem[first + 1..].split_at(digits(&stem[first + 1..]));
            let rest = rest.strip_prefix(separator)?;
            let (third, rest) = rest.split_at(digits(rest));
            ([&stem[..first], second, third], rest)
        }
        _ => return None,
    };
    let reading = if a.len() == 4 {
        Reading::Certain(scan::date(a.parse().ok()?, small(b)?, small(c)?)?)
    } else {
        let year = c.parse().ok().filter(|_| c.len() == 4)?;
        either(year, small(a)?, small(b)?)?
    };
    // `20240105T093000` goes on with a time; any other letter makes another word of it.
    let clean = !rest.starts_with(char::is_alphanumeric) || rest.starts_with('T');
    clean.then_some((reading, rest))
}

/// `05.12`, in a year.
fn two_numbers(stem: &str, year: i16) -> Option<Reading> {
    let (a, b) = stem.split_once('.')?;
    either(year.into(), small(a)?, small(b)?)
}

fn small(number: &str) -> Option<i8> {
    let digits = (1..=2).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    number.parse().ok().filter(|_| digits)
}

fn either(year: i32, a: i8, b: i8) -> Option<Reading> {
    let (day_first, month_first) = (scan::date(year, b, a), scan::date(year, a, b));
    day_first.or(month_first)?;
    Some(Reading::DayMonth { day_first, month_first })
}

/// The order of day and month in each file's name, as the names in its folder tell it together: where `25-12-2023.md`
/// lies, `05-01-2024.md` is of January.
pub fn orders(paths: &[&Path]) -> Vec<Option<DateOrder>> {
    let mut votes: HashMap<Option<&Path>, i64> = HashMap::new();
    for path in paths {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
        let in_name = in_file_name(stem, year_above(path)).map(|(reading, _)| reading);
        if let Some(Reading::DayMonth { day_first, month_first }) = in_name.or_else(|| reading_in_path(path))
        {
            let vote = i64::from(month_first.is_some()) - i64::from(day_first.is_some());
            *votes.entry(path.parent()).or_default() += vote;
        }
    }
    let order = |path: &&Path| match votes.get(&path.parent())?.signum() {
        1 => Some(DateOrder::Mdy),
        -1 => Some(DateOrder::Dmy),
        _ => None,
    };
    paths.iter().map(order).collect()
}

/// The year that the nearest folder is called by of those whose name is a year: `2014/may.txt`.
pub fn year_above(path: &Path) -> Option<i16> {
    let above = path.parent().into_iter().flat_map(Path::ancestors);
    above.filter_map(|path| year(path.file_name()?.to_str()?)).next()
}

/// A name that is a year.
pub fn year(name: &str) -> Option<i16> {
    let digits = name.len() == 4 && name.bytes().all(|b| b.is_ascii_digit());
    name.parse().ok().filter(|year| digits && (1800..2200).contains(year))
}

/// The day of a file whose name alone tells none: `2014/05/03.txt`, `2014/May/3.md`, `2014-05/03.md`, `2014/05-03.md`,
/// `2024/01-January/05 Friday.md`. Of two numbers below a year the month leads, unless the order says otherwise. A file
/// that is called as every such file is (`index.md`, `text.md`) is of the day of its folder.
pub fn in_path(path: &Path, order: Option<DateOrder>) -> Option<Date> {
    let stem = path.file_stem()?.to_str()?;
    if OF_ITS_FOLDER.iter().any(|name| stem.eq_ignore_ascii_case(name)) {
        let folder = path.parent()?;
        let name = folder.file_name()?.to_str()?;
        let name = [".textbundle", ".textpack"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        let in_name = in_file_name(name, year_above(folder)).map(|(reading, _)| reading);
        return in_name
            .map(|reading| reading.day(order == Some(DateOrder::Mdy)))
            .or_else(|| in_path(folder, order));
    }
    let reading = reading_in_path(path).map(|reading| reading.day(order != Some(DateOrder::Dmy)));
    reading.or_else(|| by_leading_numbers(path))
}

/// What a file is called that is alone in a folder of its own.
const OF_ITS_FOLDER: [&str; 9] =
    ["index", "text", "note", "notes", "readme", "content", "entry", "page", "document"];

/// The day of a file in folders of years and months, each of which opens with its number: `2024/01 - January/05 - Friday.md`.
fn by_leading_numbers(path: &Path) -> Option<Date> {
    let mut above = path.parent()?.iter().rev().filter_map(|name| name.to_str());
    let (day, folder) = (leading_number(path.file_stem()?.to_str()?, 2)?, above.next()?);
    let in_one = leading_number(folder, 4).zip(folder.get(5..).and_then(|rest| leading_number(rest, 2)));
    let (year, month) = match in_one {
        Some(year_and_month) => year_and_month,
        None => (leading_number(above.next()?, 4)?, leading_number(folder, 2)?),
    };
    let date = Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()?;
    (1800..2200).contains(&date.year()).then_some(date)
}

/// The number that a name opens with, of so many digits (a short one may have one).
fn leading_number(name: &str, digits: usize) -> Option<i16> {
    let found = name.bytes().take_while(u8::is_ascii_digit).count();
    let fits = found == digits || (digits == 2 && found == 1);
    let rest = &name[found..];
    // `03-04` spans days.
    let goes_on = digits == 2
        && rest.trim_start_matches(['-', '_', '.']).len() < rest.len()
        && rest[1..].starts_with(|c: char| c.is_ascii_digit());
    (fits && !goes_on && !rest.starts_with(char::is_alphabetic)).then(|| name[..found].parse().ok()).flatten()
}

fn reading_in_path(path: &Path) -> Option<Reading> {
    let mut parts = path.components().rev().filter_map(|part| part.as_os_str().to_str());
    parts.next()?; // the name, without its extension below
    let stem = path.file_stem()?.to_str()?;
    let folder = parts.next()?;
    let joined = match stem.split_once(['-', '_']) {
        Some((a, b)) if small(a).is_some() => return either(four_digits(folder)?, small(a)?, small(b)?),
        Some((month, day)) => [folder, month, day],
        None => match folder.split_once(['-', '_']) {
            Some((year, month)) => [year, month, stem],
            None => [parts.next()?, folder, stem],
        },
    };
    let [year, month, day] = joined;
    let month = small(month).or_else(|| Some(names::month(month)?.0))?;
    Some(Reading::Certain(scan::date(four_digits(year)?, month, small(day)?)?))
}

fn four_digits(year: &str) -> Option<i32> {
    year.parse().ok().filter(|_| year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_in_paths_of_many_forms() {
        let day = |path: &str| in_path(Path::new(path), None).map(|day| day.to_string());
        assert_eq!(day("a/2024/01/05.md").as_deref(), Some("2024-01-05"));
        assert_eq!(day("2024/2024-01/05-Friday.md").as_deref(), Some("2024-01-05"));
        assert_eq!(day("2024/1 Jan/5.md").as_deref(), Some("2024-01-05"));
        assert_eq!(day("2024/01-05.md").as_deref(), Some("2024-01-05"));
        assert_eq!(day("Journal/2024/01 - January/05 - Friday.html").as_deref(), Some("2024-01-05"));
        for path in [
            "posts/2024-01-05-walk/index.md",
            "2024-01-05.textbundle/text.md",
            "2024-01-05 Rain/notes.md",
            "2024/01/05/index.html",
        ] {
            assert_eq!(day(path).as_deref(), Some("2024-01-05"), "{path}");
        }
        for path in [
            "2024-01-05 Rain/walk.md",
            "index.md",
            "2024/index.md",
            "2024/05.md",
            "2024/01/32.md",
            "2024/01/5th.md",
            "x/01/05.md",
            "05.md",
            "2024/01/2024.md",
        ] {
            assert_eq!(day(path), None, "{path}");
        }
    }

    #[test]
    fn names_without_their_dates() {
        for (stem, rest) in [
            ("2024-01-05 Friday, a walk", "a walk"),
            ("2024-01-05 Friday at last", "Friday at last"),
            ("2024-01-05 Saturday", "Saturday"),
            ("2024-01-05 5 things", "5 things"),
            ("20240105T093000", ""),
            ("20240105_0930", ""),
            ("20240105_093000 Tea", "Tea"),
            ("2024-01-05T0930 Tea", "Tea"),
            ("2024-01-05Tea", "Tea"),
            ("202401050930 A walk", "A walk"),
            ("25.12.2023 Mon.", ""),
            ("2020-05-04 Mon anniversaire", "Mon anniversaire"),
            ("2020-05-03 So war es", "So war es"),
            ("2020-05-05 1984", "1984"),
            ("20200505_1984", "1984"),
            ("2020-05-05 1200 calories", "1200 calories"),
            ("2020-05-05_2001_A Space Odyssey", "2001_A Space Odyssey"),
            ("2020-05-05 What now...", "What now..."),
            ("5 May 2020 Rain", "Rain"),
            ("5 May 2020 9 things", "9 things"),
            ("a walk", "a walk"),
            ("2024-01-05 0930", ""),
            ("2020-05-05 1945", "1945"),
            ("2024-01-06 09-30", ""),
            ("2024-01-07 09.30.15 Tea", "Tea"),
            ("2024-01-08_09-30-00", ""),
            ("2024-01-09 at 09.30", ""),
            ("2024-01-10 9.30 PM", ""),
            ("2024-01-10 3.50 for tea", "3.50 for tea"),
            ("2024-01-14(日)", ""),
            ("2024-01-15 (Monday)", ""),
            ("2024-01-15 (Tuesday)", "(Tuesday)"),
            ("2024-01-11 2", ""),
            ("2024-01-12 (1)", ""),
            ("2024-01-13 copy 2", ""),
            ("2024-01-13 copycat", "copycat"),
            ("2024-01-05.sync-conflict-20240106-101010-ABCDEFG", ""),
            ("2024-01-07 Tea (Ann's conflicted copy 2024-01-08)", "Tea"),
        ] {
            assert_eq!(without_date(stem, None), rest, "{stem}");
        }
        assert_eq!((without_date("5 May", Some(2014)), without_date("5 May", None)), ("", "5 May"));
    }
}
