//! Date lines: which lines are dates, in what style, and what words follow them.
//!
//! A date line is a date with its year, alone on its line or followed by words, as people head the entries of a diary:
//!
//! ```text
//! 2020-05-05                          5 May 2020, 9:30                     # Tuesday, May 5th, 2020
//! **5. Mai 2020**                     [2020-05-05 09:30] Rain all day      5 May 2020 — Rain all day
//! ```
//!
//! Words may follow after `:`, `—`, `–`, ` - ` or `. ` (in a heading after a space or a comma too, and after a time as
//! clocks write it): "5 May 2020 was wet" is prose. A span of days ("1 May 2020 - 3 May 2020") is no date line, nor is
//! a day that does not exist. A time after the date, a weekday before or after it, `**`, `_` or brackets around it
//! belong to the date line.

use jiff::civil::Date;

use super::names::MonthForm;
use super::scan::{self, Cursor};

/// In what order the parts stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `2020-05-03`.
    YearMonthDay,
    /// `3 May 2020`.
    DayMonthYear,
    /// `May 3, 2020`.
    MonthDayYear,
}

/// The day that a line names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// One day.
    Certain(Date),
    /// `03/04/2020`: two numbers of which either may be the day. At least one reading exists.
    DayMonth {
        /// 3 April, where there is such a day.
        day_first: Option<Date>,
        /// 4 March, where there is such a day.
        month_first: Option<Date>,
    },
}

/// The shape of a date line; lines of one shape head the entries of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Markdown heading level, 1–6; 0 for none. A line underlined with `=` or `-` has level 1 or 2.
    pub heading: u8,
    /// What stands around the date: `**`, `[`…, or nothing.
    pub wrap: &'static str,
    /// Where a weekday stands.
    pub weekday: Weekday,
    /// The order of the parts.
    pub order: Order,
    /// What stands between them: `-`, `/`, `.`, a space (and commas), or NUL for nothing at all.
    pub separator: char,
    /// How the month is written.
    pub month: MonthForm,
    /// What divides the date from the words after it; none where the date stands alone.
    pub tail: Option<char>,
}

/// Where a date's weekday stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weekday {
    /// Nowhere.
    None,
    /// `Tuesday, 5 May 2020`.
    Before,
    /// `5 May 2020 (Tue)`.
    After,
}

/// A line that opens with a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateLine {
    /// Its shape.
    pub style: Style,
    /// Its day.
    pub reading: Reading,
    /// The weekday it names, Monday 1 to Sunday 7. People do err here: it is evidence, not a condition.
    pub weekday: Option<i8>,
    /// Where in the line the words after the date begin, in bytes; the line's length where there are none.
    pub rest: usize,
}

impl Style {
    /// Whether a line of shape `other` is in the style of a file whose first date line has this shape.
    pub fn takes(&self, other: &Style) -> bool {
        let tail = other.tail.is_none() || other.tail == self.tail || self.heading > 0;
        tail && self.month.fits(other.month)
            && Style { month: self.month, tail: self.tail, ..*other } == *self
    }
}

/// Opening and closing marks, the longer first.
const WRAPS: [(&str, &str); 8] = [
    ("***", "***"),
    ("**", "**"),
    ("__", "__"),
    ("[[", "]]"),
    ("*", "*"),
    ("_", "_"),
    ("[", "]"),
    ("(", ")"),
];

/// Reads a line (without its line feed) as a date line.
pub fn recognise(line: &str) -> Option<DateLine> {
    let mut c = Cursor::new(line);
    c.spaces();
    let heading = heading(&mut c)?;
    let (wrap, close) = WRAPS.into_iter().find(|(open, _)| c.eat(open)).unwrap_or(("", ""));

    // "mar 5 2020" opens with March, "mar 5 mars 2020" with a Tuesday in French.
    let start = c;
    let mut before = None;
    let found = c.date().or_else(|| {
        c = start;
        before = Some(c.weekday()?.0);
        c.spaces();
        c.eat_any(&[',', '.', ':', '-', '–', '—']);
        c.spaces();
        c.date()
    })?;

    // The longest reading that leaves a clean end wins: a weekday and a time, one of them, neither.
    let after_date = c;
    for (with_weekday, with_time) in [(true, true), (true, false), (false, true), (false, false)] {
        c = after_date;
        let after = if with_weekday { weekday_after(&mut c) } else { None };
        let time = if with_time { c.time() } else { None };
        if (with_weekday && (after.is_none() || before.is_some())) || (with_time && time.is_none()) {
            continue;
        }
        let spaces_divide = time == Some(true) || (heading > 0 && after.is_none());
        let Some((tail, rest)) = end(&mut c, close, spaces_divide) else { continue };
        let weekday = match (before, after) {
            (Some(_), _) => Weekday::Before,
            (None, Some(_)) => Weekday::After,
            (None, None) => Weekday::None,
        };
        let scan::Found { order, separator, month, reading } = found;
        let style = Style { heading, wrap, weekday, order, separator, month, tail };
        return Some(DateLine { style, reading, weekday: before.or(after), rest });
    }
    None
}

/// The level of a Markdown heading, 0 for a plain line; none for a `#tag`.
fn heading(c: &mut Cursor) -> Option<u8> {
    let mut level = 0;
    while level < 7 && c.eat("#") {
        level += 1;
    }
    (level == 0 || (level < 7 && c.spaces())).then_some(level)
}

/// `, Tuesday`, ` (Tue)`. A short name without brackets is read only where nothing but punctuation follows: "So" and
/// "Sun" also begin sentences.
fn weekday_after(c: &mut Cursor) -> Option<i8> {
    let spaced = c.spaces();
    let comma = c.eat(",");
    if !(spaced | comma) {
        return None;
    }
    c.spaces();
    let bracket = c.eat("(");
    let (day, full) = c.weekday()?;
    if bracket {
        return c.eat(")").then_some(day);
    }
    let alone = c.rest().trim_end_matches(|c: char| c.is_whitespace() || "*_])#.,:".contains(c)).is_empty();
    (full || alone).then_some(day)
}

/// How a date line may end: the closing mark, then nothing, or a divider and words. Gives the divider and where the
/// words begin.
fn end(c: &mut Cursor, close: &str, spaces_divide: bool) -> Option<(Option<char>, usize)> {
    let line = c.line;
    if !close.is_empty() {
        if !c.eat(close) {
            c.eat_any(&['.', ',', ':']);
            c.eat(close).then_some(())?;
        }
        c.eat_any(&['.', ',', ':']);
    }
    let spaced = c.spaces();
    let nothing = |c: char| c.is_whitespace() || ".,:;-–—#*_".contains(c);
    if c.rest().trim_end_matches(nothing).is_empty() {
        return Some((None, line.len()));
    }
    let words = c.at;
    let divider = match c.eat_any(&[':', '—', '–', '.', '-', ',']) {
        Some('-') => {
            while c.eat("-") {} // a dash typed as two or three hyphens
            c.spaces().then_some('-')
        }
        Some('.') => c.spaces().then_some('.'),
        Some(',') => (spaces_divide && c.spaces()).then_some(','),
        Some(sign) => {
            c.spaces();
            Some(sign)
        }
        None if !close.is_empty() => close.chars().next_back(),
        None => (spaces_divide && spaced).then_some(' '),
    };
    let divider = divider.or_else(|| {
        c.at = words; // the sign belongs to the words: "5 May 2020 -5 degrees" in a heading
        (spaces_divide && spaced).then_some(' ')
    })?;
    (!ends_a_span(*c, divider)).then_some((Some(divider), c.at))
}

/// Whether what follows a date makes a span of days of it: "– 3 May 2020", "to 3 May", "- 7".
fn ends_a_span(mut c: Cursor, divider: char) -> bool {
    let dash = matches!(divider, '-' | '–' | '—' | ' ');
    for word in ["to ", "until ", "till ", "through ", "and ", "& ", "bis ", "und ", "- ", "– ", "— "] {
        if c.eat(word) {
            break;
        }
    }
    c.spaces();
    let start = c;
    if dash && c.date().is_some() {
        return true;
    }
    c = start;
    if c.weekday().is_some() {
        c.eat(",");
        c.spaces();
        if dash && c.date().is_some() {
            return true;
        }
    }
    dash && start.day_without_year()
}

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

#[cfg(test)]
#[path = "dates_tests.rs"]
mod tests;
