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
//! clocks write it), in brackets, and, if they are a name, after a comma ("5 May 2020, London"): "5 May 2020 was wet" is
//! prose. A span of days ("1 May 2020 - 3 May 2020") is no date line, nor is
//! a day that does not exist. Below a year a date may go without its own. A time after the date, a weekday before or after it, `**`, `_` or brackets around it
//! belong to the date line; so does a time before it, as editors stamp it (`21:15 05/03/2024`).

use jiff::civil::Time;
use jiff::tz::Offset;

use super::names::MonthForm;
use super::parts::{Known, Order, Parts};
use super::reading::Reading;
use super::scan::{self, Cursor};

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
    /// Which of the parts are there.
    pub parts: Parts,
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
    /// The time of day.
    pub time: Option<Time>,
    /// How far that time was from UTC, where the line says it in numbers, as `Z` or as UTC.
    pub offset: Option<Offset>,
    /// Where in the line the words after the date begin, in bytes; the line's length where there are none.
    pub rest: usize,
}

impl DateLine {
    /// Whether a few words in brackets or behind a comma are all that stands beside it, or a label before it (`Date: `),
    /// as in a letter that was pasted.
    pub fn is_loose(&self) -> bool {
        let words = self.time.is_none() && matches!(self.style.tail, Some('(' | ','));
        self.style.heading == 0 && (words || self.style.wrap.ends_with(": "))
    }
}

impl Style {
    /// Whether a line of shape `other` is in the style of a file whose first date line has this shape.
    pub fn takes(&self, other: &Style) -> bool {
        let tail = other.tail.is_none() || other.tail == self.tail || self.heading > 0;
        tail && self.month.fits(other.month)
            && Style { month: self.month, tail: self.tail, ..*other } == *self
    }

    /// Whether it is a heading, of Markdown or of a wiki.
    pub fn is_heading(&self) -> bool {
        self.heading > 0 || self.wrap.starts_with('=')
    }
}

/// Opening and closing marks, the longer first.
const WRAPS: [(&str, &str); 27] = [
    ("====== ", " ======"),
    ("===== ", " ====="),
    ("==== ", " ===="),
    ("=== ", " ==="),
    ("== ", " =="),
    ("======", "======"),
    ("=====", "====="),
    ("====", "===="),
    ("===", "==="),
    ("==", "=="),
    ("*** ", " ***"),
    ("--- ", " ---"),
    ("<u>", "</u>"),
    ("📅 ", ""),
    ("Date: ", ""),
    ("DATE: ", ""),
    ("Datum: ", ""),
    ("Fecha: ", ""),
    ("Data: ", ""),
    ("***", "***"),
    ("**", "**"),
    ("__", "__"),
    ("[[", "]]"),
    ("*", "*"),
    ("_", "_"),
    ("[", "]"),
    ("(", ")"),
];

/// How far into a line its first digit may stand: behind the marks, a weekday and a month.
const BEFORE_A_DIGIT: usize = 96;

/// A quick look that most lines of prose do not pass and every line that is a date, a year or a month does.
pub fn may_be_date(line: &str) -> bool {
    let bytes = line.trim_start().as_bytes();
    let start = &bytes[..bytes.len().min(BEFORE_A_DIGIT)];
    matches!(start.first(), Some(b'#' | b'='))
        || start.iter().any(u8::is_ascii_digit)
        || line
            .trim_start()
            .chars()
            .take(BEFORE_A_DIGIT / 3)
            .any(|c| !c.is_ascii() && scan::digit(c).is_some())
}

/// Reads a line (without its line feed) as a date line.
pub fn recognise(line: &str) -> Option<DateLine> {
    recognise_with(line, Known::default())
}

/// The same, by what is known.
pub fn recognise_with(line: &str, known: Known) -> Option<DateLine> {
    read(line, known, Cursor::date)
}

/// Reads a line as a date without its year, in the year that is known: `## 5 May`, `Tuesday 5 May`, `5.5.`, `05/05`; and
/// `## 5` where the month is known. Words follow only after a month's name, in a heading or behind a colon or a dash.
pub fn recognise_without_year(line: &str, known: Known) -> Option<DateLine> {
    let found = read(line, known, Cursor::day_in_year)?;
    let DateLine { style, rest, .. } = found;
    let divided = matches!(style.tail, Some(':' | '：' | '—' | '–' | '-'));
    let takes_words = (style.heading > 0 || divided) && style.month != MonthForm::Number;
    // "5 May 98" and "May 5 reasons" say something else.
    let other = style.tail == Some(' ')
        && (style.order != Order::DayMonthYear
            || line[rest..].starts_with(|c: char| c.is_ascii_digit() || c == '\''));
    let alone = style.tail.is_none() && (style.parts != Parts::Day || style.heading > 0);
    (alone || (takes_words && style.tail.is_some() && !other)).then_some(found)
}

/// A line that is a year or a month and nothing more: `# 2014`, `2014:`, `== 2014 ==`, `# May 2014`, `## 2014-05`,
/// `## May`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct YearLine {
    /// The year; none for a month alone, which is read only in a heading.
    pub year: Option<i16>,
    /// The month.
    pub month: Option<i8>,
    /// Its heading level, 0 for none.
    pub heading: u8,
}

/// Reads a line as a year or a month.
pub fn recognise_year(line: &str) -> Option<YearLine> {
    let (mut c, heading, (wrap, close)) = opened(line, Known::default())?;
    let year = |y: i32| i16::try_from(y).ok().filter(|y| (1500..2200).contains(y));
    let (year, month) = match c.year() {
        Some(y) => {
            c.eat_any(&['年', '년']);
            let start = c;
            let month = c.eat_any(&['-', '/', '.']).and_then(|_| c.small()).filter(|m| (1..=12).contains(m));
            c = if month.is_some() { c } else { start };
            (Some(year(y)?), month)
        }
        None => {
            let (month, _) = c.month()?;
            let end_of_month = c;
            let y = c.separator().and_then(|_| c.year());
            c = if y.is_some() { c } else { end_of_month };
            (y.map(year).unwrap_or_default(), Some(month))
        }
    };
    c.eat(close);
    let nothing = |c: char| c.is_whitespace() || ".,:#".contains(c);
    let alone = c.rest().trim_matches(nothing).is_empty();
    let is_heading = heading > 0 || wrap.starts_with('=');
    (alone && (year.is_some() || is_heading)).then_some(YearLine {
        year,
        month,
        heading: u8::from(is_heading).max(heading),
    })
}

/// A line's heading level and the marks around its date, and the cursor behind them.
fn opened(line: &str, known: Known) -> Option<(Cursor<'_>, u8, (&'static str, &'static str))> {
    let mut c = Cursor::new(line, known);
    c.invisible();
    c.spaces();
    let heading = heading(&mut c)?;
    c.invisible();
    let wrap = WRAPS.into_iter().find(|(open, _)| c.eat(open)).unwrap_or(("", ""));
    Some((c, heading, wrap))
}

fn read<'a>(
    line: &'a str,
    known: Known,
    grammar: fn(&mut Cursor<'a>) -> Option<scan::Found>,
) -> Option<DateLine> {
    let (mut c, heading, (wrap, close)) = opened(line, known)?;

    // "mar 5 2020" opens with March, "mar 5 mars 2020" with a Tuesday in French.
    let dated = |c: &mut Cursor<'a>| {
        let start = *c;
        if let Some(found) = grammar(c) {
            return Some((found, None));
        }
        *c = start;
        c.article();
        let weekday = c.weekday()?.0;
        c.spaces();
        c.eat_any(&[',', '.', ':', '-', '–', '—']);
        c.spaces();
        c.after_weekday = heading > 0;
        c.weekday_named = true;
        Some((grammar(c)?, Some(weekday)))
    };
    let start = c;
    let mut stamp = None;
    let (found, before) = dated(&mut c).or_else(|| {
        // A date without its year is too little to make a stamp of a time and a number.
        c = start;
        stamp = Some(c.time_before().filter(|_| known.year.is_none())?);
        dated(&mut c)
    })?;

    // The longest reading that leaves a clean end wins: a weekday and a time, one of them, neither.
    let after_date = c;
    for (with_weekday, with_time) in [(true, true), (true, false), (false, true), (false, false)] {
        c = after_date;
        let after = if with_weekday { weekday_after(&mut c, &found) } else { None };
        // "2024. március 5. 21:15"
        if with_time
            && !with_weekday
            && found.order == Order::YearMonthDay
            && found.month != MonthForm::Number
        {
            c.eat(".");
        }
        let clock = if with_time { c.time() } else { stamp };
        let twice = with_time && stamp.is_some();
        if (with_weekday && (after.is_none() || before.is_some())) || (with_time && clock.is_none()) || twice
        {
            continue;
        }
        // Behind a stamp in numbers words follow as they may; "21:15 5 May 2020 was" is prose.
        let spaces_divide = clock.is_some_and(|clock| clock.plain)
            && (stamp.is_none() || found.month == MonthForm::Number)
            || (heading > 0 && after.is_none())
            || (found.separator == '年' && clock.is_none());
        let Some((tail, rest)) = end(&mut c, close, spaces_divide) else { continue };
        let weekday = match (before, after) {
            (Some(_), _) => Weekday::Before,
            (None, Some(_)) => Weekday::After,
            (None, None) => Weekday::None,
        };
        let scan::Found { order, separator, month, parts, reading } = found;
        let style = Style { heading, wrap, weekday, order, separator, month, parts, tail };
        let (time, offset) = clock.map_or((None, None), |clock| (clock.time, clock.offset));
        return Some(DateLine { style, reading, weekday: before.or(after), time, offset, rest });
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

/// `, Tuesday`, ` (Tue)`; `. 금요일` and `., kedd` where the year leads, `金曜日` right after the date in Chinese and Japanese. A short name
/// without brackets is read only where nothing but punctuation follows: "So" and "Sun" also begin sentences.
fn weekday_after(c: &mut Cursor, date: &scan::Found) -> Option<i8> {
    let year_leads = date.order == Order::YearMonthDay;
    let full_stop = year_leads && matches!(date.separator, '.' | ' ') && c.eat(".");
    let mut divided = full_stop || matches!(date.separator, '年' | '月');
    divided |= c.spaces();
    divided |= c.eat(",");
    divided |= c.rest().starts_with(['(', '（']);
    if !divided {
        return None;
    }
    c.spaces();
    let bracket = c.eat_any(&['(', '（']).is_some();
    let (day, full) = c.weekday()?;
    if bracket {
        return c.eat_any(&[')', '）']).map(|_| day);
    }
    let alone = c.rest().trim_end_matches(|c: char| c.is_whitespace() || "*_])#.,:=".contains(c)).is_empty();
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
    let before_spaces = c.at;
    let spaced = c.spaces();
    // A column of a table, pasted.
    let spaces_divide = spaces_divide || line[before_spaces..c.at].contains('\t');
    let nothing = |c: char| c.is_whitespace() || ".,:：;-–—#*_".contains(c);
    if c.rest().trim_end_matches(nothing).is_empty() {
        return Some((None, line.len()));
    }
    let words = c.at;
    let inner = c.rest().trim_end().strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    if close.is_empty() && !spaces_divide && inner.is_some_and(|inner| !inner.contains(')')) {
        return Some((Some('('), words));
    }
    let divider = match c.eat_any(&[':', '：', '—', '–', '.', '-', ',']) {
        Some('-') => {
            while c.eat("-") {} // a dash typed as two or three hyphens
            c.spaces().then_some('-')
        }
        Some('.') => c.spaces().then_some('.'),
        Some(',') => (c.spaces() && (spaces_divide || is_name(c.rest()))).then_some(','),
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

/// Whether the rest of a line is a name, such as a place's: four words at most, all with capitals where there are such.
fn is_name(rest: &str) -> bool {
    let mut words = rest.split_whitespace();
    let name = |word: &str| {
        let mut letters = word.chars();
        letters.next().is_some_and(|first| first.is_alphabetic() && !first.is_lowercase())
            && letters.all(|c| c.is_alphanumeric() || "'’-".contains(c))
    };
    words.by_ref().take(4).all(name) && words.next().is_none()
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

#[cfg(test)]
mod tests;
