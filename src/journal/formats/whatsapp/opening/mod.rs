//! How a message opens in a WhatsApp export: its date and time, in the writing of many countries.

mod halves;

use jiff::civil::{Date, Time};

use crate::journal::format::DateOrder;
use crate::journal::syntax::stamps;
use halves::Half;

pub use halves::is_direction_mark;

/// The first year that there were chats.
const FIRST_YEAR: i16 = 2009;

/// Years by the calendar of Thailand, and how far they are ahead.
const BUDDHIST_YEARS: std::ops::Range<i16> = 2552..2650;
const BUDDHIST_AHEAD: i16 = 543;

/// The sign between a message's date and its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `[05/01/2024, 09:30:15] `, as on an iPhone.
    Brackets,
    /// `05/01/2024, 09:30 - `, as on Android.
    Dash,
    /// `05/01/2024 09:30:15: `, as on iPhones until 2017.
    Colon,
    /// `2024년 1월 5일 오후 9:30, `, as on Android in Korea.
    Comma,
}

/// A date and time, and what follows them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Opening<'a> {
    pub style: Style,
    /// Messages that were copied from a chat have a day without a year, or none at all.
    pub day: Option<Day>,
    /// As the clock has it, whichever half of the day it is in.
    pub clock: Time,
    /// The clock has seconds, as a program writes them.
    pub seconds: bool,
    /// A word beside the clock that is not known here: the half of the day, perhaps.
    pub unknown: Option<&'a str>,
    /// The hour was followed by `AM` or `PM`, in capitals.
    pub capitals: bool,
    pub rest: &'a str,
}

impl Opening<'_> {
    /// The time of day, where its half is known.
    pub fn time(&self) -> Option<Time> {
        (self.unknown.is_none() || self.clock.hour() > 12).then_some(self.clock)
    }
}

/// Three numbers that are a day in one order or another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    numbers: [i16; 3],
    /// How many digits each had.
    digits: [usize; 3],
    pub separator: char,
}

impl Day {
    /// The day, if there is one in this order.
    pub fn date(self, order: DateOrder) -> Option<Date> {
        let [year, month, day] = match order {
            DateOrder::Dmy => [2, 1, 0],
            DateOrder::Mdy => [2, 0, 1],
            DateOrder::Ymd => [0, 1, 2],
        };
        let full_year = match (self.digits[year], self.numbers[year]) {
            (4, ahead) if BUDDHIST_YEARS.contains(&ahead) => ahead - BUDDHIST_AHEAD,
            (4, full) => full,
            (2, short) => 2000 + short,
            _ => return None,
        };
        let part = |i: usize| i8::try_from(self.numbers[i]).ok();
        Date::new(full_year, part(month)?, part(day)?).ok().filter(|date| date.year() >= FIRST_YEAR)
    }

    /// A day that is written in words, for which there is one order only.
    fn certain(day: Date) -> Day {
        let numbers = [day.year(), day.month().into(), day.day().into()];
        Day { numbers, digits: [4, 2, 2], separator: '-' }
    }

    /// Whether it is written as in the United States: `1/5/24`.
    pub fn is_short(self) -> bool {
        self.separator == '/' && self.digits[2] == 2 && self.digits[..2].contains(&1)
    }

    /// Whether its day or month begins with a nought, as New Zealand's `5/01/24` does and America's never.
    pub fn is_padded(self) -> bool {
        (0..2).any(|i| self.digits[i] == 2 && self.numbers[i] < 10)
    }

    /// `2024. 1. 5.`, `2024년 1월 5일`; a diary's `5/1/2024 9:30, Mum: …` is neither.
    fn is_korean(self) -> bool {
        matches!(self.separator, '.' | '년') && self.digits[0] == 4
    }
}

/// Reads a message's date and time off its first line.
pub fn opening(line: &str) -> Option<Opening<'_>> {
    in_numbers(line).or_else(|| in_words(line))
}

fn in_numbers(line: &str) -> Option<Opening<'_>> {
    let mut at = Cursor { rest: line };
    at.blanks();
    let brackets = at.eat('[');
    at.blanks();
    let start = at.rest;
    let (day, clock) = at.day_and_clock(brackets).or_else(|| {
        at.rest = start;
        at.clock_and_day()
    })?;
    let spaced = at.blanks() || clock.spaced;
    let style = if brackets {
        at.eat(']').then_some(Style::Brackets)
    } else if clock.second.is_some() && at.rest.starts_with(": ") {
        at.eat(':').then_some(Style::Colon)
    } else if day.is_some_and(Day::is_korean) && at.rest.starts_with(", ") && at.rest.contains(": ") {
        at.eat(',').then_some(Style::Comma)
    } else {
        let dash = spaced && at.any(&['-', '–', '—']).is_some();
        (dash && (at.rest.is_empty() || at.rest.starts_with(' '))).then_some(Style::Dash)
    }?;
    let rest = at.rest.strip_prefix([' ', '\u{a0}']).unwrap_or(at.rest);
    let unknown = match clock.half {
        Some(Half::Unknown(word)) => Some(word),
        _ => None,
    };
    let (seconds, capitals) = (clock.second.is_some(), clock.capitals);
    Some(Opening { style, day, clock: clock.time()?, seconds, unknown, capitals, rest })
}

/// `[14 mars 2024 à 21:30:15] `, `Mar 14, 2024, 9:30 PM - `.
fn in_words(line: &str) -> Option<Opening<'_>> {
    let (stamp, style, rest) = stamp_and_rest(line).filter(|(_, style, _)| style.is_some())?;
    let read = || stamps::read(stamp).filter(|stamp| !stamp.reading.is_open());
    let found = stamp.contains(char::is_alphabetic).then(read)??;
    let (day, clock) = (Day::certain(found.reading.day(false)), found.time?);
    let seconds = stamp.matches(':').count() > 1;
    let capitals = stamp.contains("AM") || stamp.contains("PM");
    Some(Opening { style: style?, day: Some(day), clock, seconds, unknown: None, capitals, rest })
}

/// What stands before the sign that divides a message's date and time from its words, that sign, and what follows.
fn stamp_and_rest(line: &str) -> Option<(&str, Option<Style>, &str)> {
    let line = line.trim_start_matches(|c: char| c.is_whitespace() || is_direction_mark(c));
    let start: &str = line.get(..LONGEST_STAMP).unwrap_or(line);
    let signs: &[(&str, Option<Style>)] = if line.starts_with('[') {
        &[("] ", Some(Style::Brackets))]
    } else {
        &[(" - ", Some(Style::Dash)), (" – ", Some(Style::Dash)), (" — ", Some(Style::Dash)), (" > ", None)]
    };
    let found = signs.iter().filter_map(|(sign, style)| Some((start.find(sign)?, sign.len(), *style)));
    let (at, length, style) = found.min_by_key(|(at, ..)| *at)?;
    Some((line[..at].trim_start_matches('['), style, &line[at + length..]))
}

/// Whether a line that [`opening`] does not know may be a message all the same, `21:30, 14 Mar - Ann: …`: a few words with
/// a clock and a number more, the sign behind them, and a name's colon. Gives what follows that sign.
pub fn may_open(line: &str) -> Option<&str> {
    let (stamp, _, rest) = stamp_and_rest(line)?;
    let numbers = stamp.split(|c: char| !c.is_numeric()).filter(|number| !number.is_empty()).count();
    let brief = stamp.split_whitespace().count() <= MOST_WORDS;
    let named = rest.contains(": ") || rest.ends_with(':');
    let seconds = usize::from(stamp.matches(':').count() > 1);
    (brief && named && numbers >= LEAST_NUMBERS + seconds && has_clock(stamp)).then_some(rest)
}

/// Whether a text has a time of day in it: `9:30`, `9h30`, or `9.30` that is no part of `9.30.2024`.
fn has_clock(text: &str) -> bool {
    let signs: Vec<char> = text.chars().collect();
    let digit = |i: usize| signs.get(i).is_some_and(|c| c.is_numeric());
    (1..signs.len()).any(|i| {
        let two = digit(i - 1) && digit(i + 1) && digit(i + 2) && !digit(i + 3);
        let short = i < 3 || !digit(i - 3) || !digit(i - 2);
        let alone = || {
            let begins = (0..i).rev().find(|i| !digit(*i)).is_none_or(|at| signs[at] != '.');
            begins && signs.get(i + 3) != Some(&'.')
        };
        two && short && (matches!(signs[i], ':' | 'h') || (signs[i] == '.' && alone()))
    })
}

/// A clock has two numbers, and a day one at least.
const LEAST_NUMBERS: usize = 3;

/// `Friday, 5 de enero de 2024, 9:30 p. m.` has nine.
const MOST_WORDS: usize = 10;

/// No date and time is longer, in bytes.
const LONGEST_STAMP: usize = 120;

/// A time as it is written.
#[derive(Debug, Clone, Copy)]
struct Clock<'a> {
    hour: i16,
    minute: i8,
    second: Option<i8>,
    half: Option<Half<'a>>,
    /// The half is `AM` or `PM`, in capitals.
    capitals: bool,
    /// A space stood behind its numbers.
    spaced: bool,
}

impl Clock<'_> {
    fn time(self) -> Option<Time> {
        let hour = match self.half {
            Some(Half::Afternoon) if self.hour < 12 => self.hour + 12,
            Some(Half::Morning) if self.hour == 12 => 0,
            _ if self.hour == 24 => 0,
            _ => self.hour,
        };
        Time::new(i8::try_from(hour).ok()?, self.minute, self.second.unwrap_or(0), 0).ok()
    }
}

struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn eat(&mut self, sign: char) -> bool {
        self.any(&[sign]).is_some()
    }

    fn any(&mut self, signs: &[char]) -> Option<char> {
        let sign = self.rest.chars().next().filter(|c| signs.contains(c))?;
        self.rest = &self.rest[sign.len_utf8()..];
        Some(sign)
    }

    /// Passes over a word, and what is blank before it.
    fn eat_word(&mut self, word: &str) -> bool {
        let past = self.rest.trim_start().strip_prefix(word);
        self.rest = past.unwrap_or(self.rest);
        past.is_some()
    }

    /// Passes over spaces and direction marks; whether there was a space.
    fn blanks(&mut self) -> bool {
        let past =
            self.rest.trim_start_matches(|c: char| c != '\n' && (c.is_whitespace() || is_direction_mark(c)));
        let spaced = self.rest[..self.rest.len() - past.len()].contains(char::is_whitespace);
        self.rest = past;
        spaced
    }

    /// A number and how many digits it has.
    fn number(&mut self, most: usize) -> Option<(i16, usize)> {
        let (mut value, mut count) = (0, 0);
        while let Some((digit, length)) = self.rest.chars().next().and_then(digit) {
            if count == most {
                return None;
            }
            (value, count) = (value * 10 + digit, count + 1);
            self.rest = &self.rest[length..];
        }
        (count > 0).then_some((value, count))
    }

    fn two_digits(&mut self) -> Option<i8> {
        let (value, count) = self.number(2)?;
        i8::try_from(value).ok().filter(|_| count == 2)
    }

    fn day_and_clock(&mut self, brackets: bool) -> Option<(Option<Day>, Clock<'a>)> {
        let day = self.day(brackets)?;
        self.eat_word("г.");
        self.eat('.');
        let _ = self.eat(',') || self.eat('،');
        self.blanks();
        Some((day, self.clock(true)?))
    }

    /// `09:30, 05/01/2024`, as in Vietnam and in what is copied from WhatsApp Web.
    fn clock_and_day(&mut self) -> Option<(Option<Day>, Clock<'a>)> {
        let clock = self.clock(false)?;
        let apart = self.eat(',') | self.blanks() | clock.spaced;
        let day = self.day(false).filter(|_| apart)?;
        Some((day, Clock { spaced: false, ..clock }))
    }

    /// `9:30`, `9.30.15`, `9:30 PM`, `下午9:30`, `09 h 30 min 15 s`.
    ///
    /// Only behind a day may a word stand before it that is not known.
    fn clock(&mut self, behind_day: bool) -> Option<Clock<'a>> {
        let (before, capitals_before) =
            self.half_of_day(&|rest| behind_day && rest.starts_with(char::is_numeric));
        let (hour, _) = self.number(2)?;
        let sign = self.any(&[':', '.']);
        if sign.is_none() {
            self.eat_word("h").then_some(())?;
            self.blanks();
        }
        let minute = self.two_digits()?;
        let second = match sign {
            Some(sign) => self.second_behind(sign),
            None if self.eat_word("min") => {
                self.blanks();
                let second = self.two_digits();
                self.eat_word("s");
                second
            }
            None => None,
        };
        let spaced = self.blanks();
        let (behind, capitals) = self.half_of_day(&|rest| rest.starts_with(['-', '–', '—', ']']));
        // Of an unknown word and a known one the known one tells.
        let half = match (before, behind) {
            (None | Some(Half::Unknown(_)), Some(behind)) => Some(behind),
            (before, _) => before,
        };
        let (spaced, capitals) = (spaced || behind.is_some(), capitals || capitals_before);
        Some(Clock { hour, minute, second, half, capitals, spaced })
    }

    fn second_behind(&mut self, sign: char) -> Option<i8> {
        let digits = self.rest.strip_prefix(sign)?;
        digits.chars().next().and_then(digit)?;
        self.rest = digits;
        self.two_digits()
    }

    /// Three numbers with one sign between them, or with East Asian ones behind them; two may do in brackets, which gives
    /// no day.
    fn day(&mut self, brackets: bool) -> Option<Option<Day>> {
        let first = self.number(4)?;
        if let Some(separator) = self.any(&['年', '년']) {
            let mut part = |sign| {
                self.blanks();
                self.number(2).filter(|_| self.any(sign).is_some())
            };
            let (second, third) = (part(&['月', '월'])?, part(&['日', '일'])?);
            let (numbers, digits) = ([first.0, second.0, third.0], [first.1, second.1, third.1]);
            return Some(Some(Day { numbers, digits, separator }));
        }
        self.blanks();
        let separator = self.any(&['/', '.', '-'])?;
        self.blanks();
        let second = self.number(2)?;
        let past = self.rest;
        self.blanks();
        if !self.eat(separator) {
            self.rest = past;
            return (brackets && self.rest.starts_with(',')).then_some(None);
        }
        self.blanks();
        let third = self.number(4)?;
        let numbers = [first.0, second.0, third.0];
        Some(Some(Day { numbers, digits: [first.1, second.1, third.1], separator }))
    }

    /// `PM`, `nachm.`, `下午`, as [`halves::read`] has it; with whether it is in capitals.
    fn half_of_day(&mut self, ends: &dyn Fn(&str) -> bool) -> (Option<Half<'a>>, bool) {
        let (half, capitals, rest) = halves::read(self.rest, ends);
        self.rest = rest;
        (half, capitals)
    }
}

/// The value of a digit, European, Arabic, Persian or Indian, and its length in bytes.
fn digit(c: char) -> Option<(i16, usize)> {
    let zero = match c {
        '0'..='9' => '0',
        '\u{660}'..='\u{669}' => '\u{660}',
        '\u{6f0}'..='\u{6f9}' => '\u{6f0}',
        '\u{966}'..='\u{96f}' => '\u{966}',
        '\u{9e6}'..='\u{9ef}' => '\u{9e6}',
        _ => return None,
    };
    Some((i16::try_from(c as u32 - zero as u32).ok()?, c.len_utf8()))
}

/// As it stands in the file, for a message.
impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let sign = self.separator;
        let [(a, x), (b, y), (c, z)] = [0, 1, 2].map(|i| (self.numbers[i], self.digits[i]));
        write!(f, "{a:0x$}{sign}{b:0y$}{sign}{c:0z$}")
    }
}

#[cfg(test)]
mod tests;
