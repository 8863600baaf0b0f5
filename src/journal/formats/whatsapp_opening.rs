//! How a message opens in a WhatsApp export: its date and time, in the writing of many countries.

use jiff::civil::{Date, Time};

use crate::journal::options::DateOrder;

/// The first year that there were chats.
const FIRST_YEAR: i16 = 2009;

/// Years by the calendar of Thailand, and how far they are ahead.
const BUDDHIST_YEARS: std::ops::Range<i16> = 2552..2650;
const BUDDHIST_AHEAD: i16 = 543;

/// The sign between a message's date and its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `[05/01/2024, 09:30:15] `, as on an iPhone.
    Brackets,
    /// `05/01/2024, 09:30 - `, as on Android.
    Dash,
    /// `05/01/2024 09:30:15: `, as on iPhones until 2017.
    Colon,
}

/// A date and time, and what follows them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Opening<'a> {
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
pub(super) struct Day {
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
}

/// Reads a message's date and time off its first line.
pub(super) fn opening(line: &str) -> Option<Opening<'_>> {
    let mut at = Cursor { rest: line };
    at.blanks();
    let brackets = at.eat('[');
    at.blanks();
    let day = at.day(brackets)?;
    at.eat('.');
    let _ = at.eat(',') || at.eat('،');
    at.blanks();
    let before = at.half_of_day();
    let (hour, _) = at.number(2)?;
    let sign = at.any(&[':', '.'])?;
    let minute = at.two_digits()?;
    let second =
        if at.rest.starts_with(sign) && at.second_follows() { at.two_digits_after(sign) } else { None };
    let colon = second.is_some() && !brackets && at.rest.starts_with(": ");
    let spaced = at.blanks();
    let after = if colon { None } else { at.half_of_day() };
    let style = if brackets {
        at.eat(']').then_some(Style::Brackets)
    } else if colon {
        at.eat(':').then_some(Style::Colon)
    } else {
        let dash = (spaced || after.is_some()) && at.any(&['-', '–', '—']).is_some();
        (dash && (at.rest.is_empty() || at.rest.starts_with(' '))).then_some(Style::Dash)
    }?;
    let half = before.or(after);
    let hour = match half {
        Some(Half { afternoon: true, .. }) if hour < 12 => hour + 12,
        Some(Half { afternoon: false, .. }) if hour == 12 => 0,
        _ if hour == 24 => 0,
        _ => hour,
    };
    let time = Time::new(i8::try_from(hour).ok()?, minute, second.unwrap_or(0), 0).ok()?;
    let rest = at.rest.strip_prefix([' ', '\u{a0}']).unwrap_or(at.rest);
    Some(Opening { style, day, time, capitals: half.is_some_and(|half| half.capitals), rest })
}

/// Signs that only say in which direction text runs.
pub(super) fn is_direction_mark(c: char) -> bool {
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

/// Words between date and time.
const JOINING: [&str; 9] = ["klo", "kl", "um", "at", "à", "às", "alle", "a las", "в"];

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

    fn two_digits_after(&mut self, sign: char) -> Option<i8> {
        self.eat(sign);
        self.two_digits()
    }

    fn second_follows(&self) -> bool {
        self.rest.chars().nth(1).and_then(digit).is_some()
    }

    /// Three numbers with one sign between them; two may do in brackets, which gives no day.
    fn day(&mut self, brackets: bool) -> Option<Option<Day>> {
        let first = self.number(4)?;
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

/// What a file's dates say about the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct Orders {
    tallies: [Tally; 3],
    /// One date that reads otherwise in another order, and whether it is short and with `AM` or `PM`.
    open: Option<(Day, bool)>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    impossible: usize,
    steps_back: usize,
    last: Option<Date>,
}

const ORDERS: [DateOrder; 3] = [DateOrder::Dmy, DateOrder::Mdy, DateOrder::Ymd];

impl Orders {
    /// Takes a date into account, in the order of the file.
    pub fn weigh(&mut self, day: Day, capitals: bool) {
        for (tally, order) in self.tallies.iter_mut().zip(ORDERS) {
            match day.date(order) {
                Some(date) => {
                    tally.steps_back += usize::from(tally.last.is_some_and(|last| date < last));
                    tally.last = Some(date);
                }
                None => tally.impossible += 1,
            }
        }
        if self.open.is_none() && day.date(DateOrder::Dmy) != day.date(DateOrder::Mdy) {
            self.open = Some((day, day.is_short() && capitals));
        }
    }

    /// The order in which most dates exist and follow each other; where two do equally well, the one `asked` for. With
    /// it a date that nothing tells the order of, where there is one.
    pub fn settle(&self, asked: Option<DateOrder>) -> (DateOrder, Option<Day>) {
        let badness = |tally: &Tally| (tally.impossible, tally.steps_back);
        let least = self.tallies.iter().map(badness).min().unwrap_or_default();
        let holds = |order: DateOrder| badness(&self.tallies[order as usize]) == least;
        if let Some(order) = asked.filter(|order| holds(*order)) {
            return (order, None);
        }
        let american = self.open.is_some_and(|(_, american)| american);
        let first = if american { DateOrder::Mdy } else { DateOrder::Dmy };
        let order = [first].into_iter().chain(ORDERS).find(|order| holds(*order)).unwrap_or(first);
        let tied = ORDERS.iter().filter(|order| holds(**order)).count() > 1;
        // Nobody writes 5.1.2024 month first.
        let open = self.open.map(|(day, _)| day).filter(|day| tied && day.separator != '.');
        (order, open)
    }
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
#[path = "whatsapp_opening_tests.rs"]
mod tests;
