//! How a message opens in a WhatsApp export: its date and time, in the writing of many countries.

use jiff::civil::{Date, Time};

use crate::journal::format::DateOrder;

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
    pub time: Time,
    /// The hour was followed by `AM` or `PM`, in capitals.
    pub capitals: bool,
    pub rest: &'a str,
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
    let capitals = clock.half.is_some_and(|half| half.capitals);
    let rest = at.rest.strip_prefix([' ', '\u{a0}']).unwrap_or(at.rest);
    Some(Opening { style, day, time: clock.time()?, capitals, rest })
}

/// Whether a line that [`opening`] does not know may be a message all the same: numbers, and a name's colon behind them.
pub fn may_open(line: &str) -> bool {
    let Some((stamp, _)) = line.split_once(": ") else { return false };
    let digits = stamp.chars().filter(|c| c.is_numeric()).count();
    opens_with_a_word(line) || (opens_with_a_number(line) && digits >= LEAST_DIGITS)
}

/// Whether a line opens with a word, the numbers of a date and time, and the sign behind them: `Jan 5, 2024, 9:30 PM - `.
pub fn opens_with_a_word(line: &str) -> bool {
    let end = [" - ", " – ", "] "].iter().filter_map(|sign| line.find(sign)).min();
    let Some(stamp) = end.map(|end| &line[..end]) else { return false };
    let numbers = stamp.split(|c: char| !c.is_numeric()).filter(|number| !number.is_empty()).count();
    let brief = stamp.split_whitespace().count() <= MOST_WORDS;
    !opens_with_a_number(line) && numbers >= LEAST_NUMBERS && brief
}

/// Whether a line opens with a number, as every country's dates do here.
pub fn opens_with_a_number(line: &str) -> bool {
    let mut at = Cursor { rest: line };
    at.blanks();
    at.eat('[');
    at.rest.starts_with(char::is_numeric)
}

/// `5/1/24 9:30`.
const LEAST_DIGITS: usize = 7;

/// `Jan 5, 24, 9:30`.
const LEAST_NUMBERS: usize = 4;

/// `Friday, 5 de enero de 2024, 9:30 p. m.` has nine.
const MOST_WORDS: usize = 10;

/// Signs that only say in which direction text runs.
pub fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The half of the day that a time of twelve hours is in.
#[derive(Debug, Clone, Copy)]
struct Half {
    afternoon: bool,
    capitals: bool,
}

/// Without points and spaces, in small letters.
const MORNING: [&str; 18] = [
    "am", "vorm", "fm", "πμ", "ص", "öö", "sa", "de", "pg", "قظ", "上午", "凌晨", "清晨", "早上", "午前",
    "오전", "tm", "damanhã",
];
const AFTERNOON: [&str; 16] = [
    "pm", "nachm", "em", "μμ", "م", "ös", "ch", "du", "ptg", "بظ", "下午", "中午", "晚上", "午後", "오후",
    "datarde",
];

/// Words between date and time, or behind it.
const JOINING: [&str; 10] = ["klo", "kl", "um", "at", "à", "às", "alle", "a las", "в", "ч"];

/// A time as it is written.
#[derive(Debug, Clone, Copy)]
struct Clock {
    hour: i16,
    minute: i8,
    second: Option<i8>,
    half: Option<Half>,
    /// A space stood behind its numbers.
    spaced: bool,
}

impl Clock {
    fn time(self) -> Option<Time> {
        let hour = match self.half {
            Some(Half { afternoon: true, .. }) if self.hour < 12 => self.hour + 12,
            Some(Half { afternoon: false, .. }) if self.hour == 12 => 0,
            _ if self.hour == 24 => 0,
            _ => self.hour,
        };
        Time::new(i8::try_from(hour).ok()?, self.minute, self.second.unwrap_or(0), 0).ok()
    }
}

struct Cursor<'a> {
    rest: &'a str,
}

impl Cursor<'_> {
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

    fn day_and_clock(&mut self, brackets: bool) -> Option<(Option<Day>, Clock)> {
        let day = self.day(brackets)?;
        self.eat_word("г.");
        self.eat('.');
        let _ = self.eat(',') || self.eat('،');
        self.blanks();
        Some((day, self.clock()?))
    }

    /// `09:30, 05/01/2024`, as in Vietnam and in what is copied from WhatsApp Web.
    fn clock_and_day(&mut self) -> Option<(Option<Day>, Clock)> {
        let clock = self.clock()?;
        let apart = self.eat(',') | self.blanks() | clock.spaced;
        let day = self.day(false).filter(|_| apart)?;
        Some((day, Clock { spaced: false, ..clock }))
    }

    /// `9:30`, `9.30.15`, `9:30 PM`, `下午9:30`, `09 h 30 min 15 s`.
    fn clock(&mut self) -> Option<Clock> {
        let before = self.half_of_day();
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
        let behind = self.half_of_day();
        Some(Clock { hour, minute, second, half: before.or(behind), spaced: spaced || behind.is_some() })
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

    /// `PM`, `nachm.`, `下午`; a word that joins date and time is passed over.
    fn half_of_day(&mut self) -> Option<Half> {
        let is_part = |c: char| c.is_alphabetic() || c == '.' || c.is_whitespace() || is_direction_mark(c);
        let end = self.rest.find(|c: char| !is_part(c)).unwrap_or(self.rest.len());
        let written = &self.rest[..end];
        let word: String =
            written.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
        let (morning, afternoon) = (MORNING.contains(&word.as_str()), AFTERNOON.contains(&word.as_str()));
        if morning || afternoon || JOINING.contains(&word.as_str()) {
            self.rest = &self.rest[end..];
        }
        (morning || afternoon).then(|| Half { afternoon, capitals: written.contains('M') })
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
