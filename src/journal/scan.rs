//! The grammar of a written date: a cursor over one line that reads numbers, names, dates and times, or gives up.
//! It looks at a bounded piece of the line, so a line of a gigabyte costs no more than a short one.

use jiff::civil::Date;

use super::dates::{Order, Reading};
use super::names::{self, LONGEST_NAME, MonthForm};

/// A place in a line. A method that gives up may leave the cursor anywhere; callers that try again set `at` back.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub line: &'a str,
    /// Bytes read so far; always on a character's border.
    pub at: usize,
}

/// A date as the grammar found it.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub order: Order,
    pub separator: char,
    pub month: MonthForm,
    pub reading: Reading,
}

const ARTICLES: &[&str] = &["the", "le", "il", "el", "den", "der"];
const CONNECTORS: &[&str] = &["of", "de", "del", "di", "do"];
const ORDINALS: &[&str] = &["st", "nd", "rd", "th", "er", "re", "º", "ª", "°"];
const BEFORE_A_TIME: &[&str] = &["at", "um", "à", "alle", "om", "às", "kl"];
const AFTER_A_TIME: &[&str] = &["am", "pm", "a.m.", "p.m.", "a.m", "p.m", "uhr", "h", "hrs"];

impl<'a> Cursor<'a> {
    pub fn new(line: &'a str) -> Self {
        Cursor { line, at: 0 }
    }

    pub fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }

    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub fn eat(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        self.at += if found { expected.len() } else { 0 };
        found
    }

    pub fn eat_any(&mut self, expected: &[char]) -> Option<char> {
        let c = self.peek().filter(|c| expected.contains(c))?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Skips spaces; true if there were any.
    pub fn spaces(&mut self) -> bool {
        let rest = self.rest();
        let skipped = rest.len() - rest.trim_start().len();
        self.at += skipped;
        skipped > 0
    }

    /// A run of one to eight ASCII digits, with its length.
    fn number(&mut self) -> Option<(i32, usize)> {
        let digits = self.rest().bytes().take(9).take_while(u8::is_ascii_digit).count();
        let value = self.rest()[..digits].parse().ok()?;
        self.at += digits;
        (digits <= 8).then_some((value, digits))
    }

    /// A number of one or two digits.
    fn small(&mut self) -> Option<i8> {
        let (n, digits) = self.number()?;
        if digits <= 2 { i8::try_from(n).ok() } else { None }
    }

    /// A run of letters short enough to be a name; not read yet.
    fn word(&self) -> &'a str {
        let rest = self.rest();
        let mut ends = rest.char_indices().take(LONGEST_NAME + 1).skip_while(|(_, c)| c.is_alphabetic());
        match ends.next() {
            Some((end, _)) => &rest[..end],
            None if rest.chars().nth(LONGEST_NAME).is_none() => rest,
            None => "",
        }
    }

    /// One of the words given, whole, in any case.
    fn eat_word(&mut self, expected: &[&str]) -> bool {
        let word = self.word();
        let found = !word.is_empty() && expected.contains(&word.to_lowercase().as_str());
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// A weekday's name, a short one with its full stop, and whether it was the full name.
    pub fn weekday(&mut self) -> Option<(i8, bool)> {
        let word = self.word();
        let found = names::weekday(word)?;
        self.at += word.len();
        // After a full name a full stop divides the date from what follows.
        self.eat(if found.1 { "-feira" } else { "." });
        Some(found)
    }

    fn month(&mut self) -> Option<(i8, MonthForm)> {
        let word = self.word();
        let found = names::month(word)?;
        self.at += word.len();
        self.eat(".");
        Some(found)
    }

    /// What stands between the parts of a date: `-`, `/`, `.`, or `' '` for spaces and commas.
    fn separator(&mut self) -> Option<char> {
        let mut spaced = self.spaces();
        let sign = self.eat_any(&['-', '/', '.', ',']);
        spaced |= self.spaces();
        match sign {
            Some(',') => Some(' '),
            Some(sign) => Some(sign),
            None => spaced.then_some(' '),
        }
    }

    fn ordinal(&mut self) -> bool {
        let word = self.rest();
        let mark = ORDINALS.iter().find(|o| {
            word.get(..o.len()).is_some_and(|w| w.eq_ignore_ascii_case(o))
                && !word[o.len()..].starts_with(char::is_alphanumeric)
        });
        self.at += mark.map_or(0, |m| m.len());
        mark.is_some()
    }

    /// A date with its year, ending where a word could end.
    pub fn date(&mut self) -> Option<Found> {
        if self.eat_word(ARTICLES) {
            self.spaces();
        }
        let found = match self.number() {
            Some((n, 8)) => self.compact(n)?,
            Some((y, 4)) => self.after_year(y)?,
            Some((n, digits @ 1..=2)) => self.after_small(n as i8, digits)?,
            Some(_) => return None,
            None => self.month_first()?,
        };
        self.ends_cleanly().then_some(found)
    }

    /// `20200503`.
    fn compact(&mut self, n: i32) -> Option<Found> {
        let date = date(n / 10_000, (n / 100 % 100) as i8, (n % 100) as i8)?;
        // Any other run of eight digits is a telephone number more often than a date.
        let plausible = (1800..=2100).contains(&date.year());
        plausible.then_some(found(Order::YearMonthDay, '\0', MonthForm::Number, date))
    }

    /// `2020-05-03`, `2020 May 3`, after the year.
    fn after_year(&mut self, y: i32) -> Option<Found> {
        let first = self.separator()?;
        let (m, form) = match self.peek()?.is_ascii_digit() {
            true => (self.small()?, MonthForm::Number),
            false => self.month()?,
        };
        let second = self.separator()?;
        let d = self.small()?;
        if form != MonthForm::Number {
            self.ordinal();
        }
        let separator = joined(form, first, second)?;
        Some(found(Order::YearMonthDay, separator, form, date(y, m, d)?))
    }

    /// `3 May 2020`, `3/5/2020`, after the first number.
    fn after_small(&mut self, n: i8, digits: usize) -> Option<Found> {
        let ordinal = self.ordinal();
        let first = self.separator()?;
        if !ordinal && self.peek()?.is_ascii_digit() {
            return self.after_small_and_separator(n, digits, first);
        }
        if self.eat_word(CONNECTORS) {
            self.spaces();
        }
        let (m, form) = self.month()?;
        let second = self.separator()?;
        if self.eat_word(CONNECTORS) {
            self.spaces();
        }
        let y = self.year()?;
        Some(found(Order::DayMonthYear, joined(form, first, second)?, form, date(y, m, n)?))
    }

    /// The rest of `3/5/2020`: which number is the day is for the whole file to tell.
    fn after_small_and_separator(&mut self, n: i8, digits: usize, first: char) -> Option<Found> {
        let start = self.at;
        let second_number = self.small()?;
        let two_digits = digits == 2 && self.at - start == 2;
        let separator = joined(MonthForm::Number, first, self.separator()?)?;
        let (y, year_digits) = self.number()?;
        let y = match year_digits {
            4 => y,
            // Two digits of a year: `5/3/98` is a date; `1.2.10` may number a section, `05.03.98` does not.
            2 if separator == '/' || (separator == '.' && two_digits) => y + if y < 69 { 2000 } else { 1900 },
            _ => return None,
        };
        let (day_first, month_first) = (date(y, second_number, n), date(y, n, second_number));
        let reading = Reading::DayMonth { day_first, month_first };
        let order = Order::DayMonthYear; // until the file is read: entries.rs settles it
        let some = day_first.is_some() || month_first.is_some();
        some.then_some(Found { order, separator, month: MonthForm::Number, reading })
    }

    /// `May 3, 2020`.
    fn month_first(&mut self) -> Option<Found> {
        let (m, form) = self.month()?;
        let first = self.separator()?;
        if self.eat_word(ARTICLES) {
            self.spaces();
        }
        let d = self.small()?;
        self.ordinal();
        let second = self.separator()?;
        let y = self.year()?;
        Some(found(Order::MonthDayYear, joined(form, first, second)?, form, date(y, m, d)?))
    }

    fn year(&mut self) -> Option<i32> {
        self.number().filter(|(_, digits)| *digits == 4).map(|(y, _)| y)
    }

    /// No letter, digit or longer number goes on where the date ends; an ISO time may (`…T09:30`).
    fn ends_cleanly(&self) -> bool {
        let mut next = self.rest().chars();
        let (first, second) = (next.next(), next.next());
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        match first {
            Some('T' | 't') => digit(second),
            Some('-' | '/' | '.' | '_') => !second.is_some_and(char::is_alphanumeric),
            Some(c) => !c.is_alphanumeric(),
            None => true,
        }
    }

    /// A time after a date: `, 9:30`, ` at 9 pm`, `T09:30:00+01:00`, ` (21.30 Uhr)`. True where it is written as clocks
    /// and apps write it, with minutes and with neither a word nor a dash before it.
    pub fn time(&mut self) -> Option<bool> {
        let glued = self.eat_any(&['T', 't']).is_some();
        let mut sign = None;
        if !glued {
            let spaced = self.spaces();
            sign = self.eat_any(&[',', '@', '-', '–', '—']);
            if !(spaced | self.spaces() | sign.is_some()) {
                return None;
            }
        }
        let worded = !glued && self.eat_word(BEFORE_A_TIME);
        if worded {
            self.eat(".");
            self.spaces();
        }
        let bracket = self.eat_any(&['(', '[']);
        self.small().filter(|h| *h <= 24)?;
        let minutes = self.minutes();
        let before_suffix = self.at;
        self.spaces();
        let suffix = self.suffix();
        if !suffix {
            self.at = before_suffix;
        }
        if !minutes && !suffix {
            return None;
        }
        self.zone();
        if bracket.is_some() {
            self.eat_any(&[')', ']'])?;
        }
        (!self.peek().is_some_and(char::is_alphanumeric))
            .then_some(minutes && !worded && matches!(sign, None | Some(',')))
    }

    /// `:30`, `:30:15.250`, `h30`, `.30`.
    fn minutes(&mut self) -> bool {
        let start = *self;
        let two = |c: &mut Self| c.number().is_some_and(|(n, digits)| digits == 2 && n < 60);
        if self.eat_any(&[':', '.', 'h']).is_none() || !two(self) {
            *self = start;
            return false;
        }
        let before_seconds = *self;
        if !(self.eat(":") && two(self)) {
            *self = before_seconds;
            return true;
        }
        let before_fraction = *self;
        if !(self.eat(".") && self.number().is_some()) {
            *self = before_fraction;
        }
        true
    }

    fn suffix(&mut self) -> bool {
        let found = AFTER_A_TIME.iter().filter(|s| {
            let word = self.rest().get(..s.len());
            word.is_some_and(|w| w.eq_ignore_ascii_case(s))
                && !self.rest()[s.len()..].starts_with(char::is_alphanumeric)
        });
        let length = found.map(|s| s.len()).max();
        self.at += length.unwrap_or(0);
        length.is_some()
    }

    /// `Z`, `+01:00`, ` +0100`, ` UTC`, ` GMT+2`: the day stays the writer's own.
    fn zone(&mut self) {
        let start = *self;
        if self.eat_any(&['Z', 'z']).is_some() {
            return;
        }
        self.spaces();
        let named = self.eat_word(&["utc", "gmt"]);
        let end_of_name = *self;
        let offset = |c: &mut Self| match c.number() {
            Some((_, 4)) => true,
            Some((_, 2)) => (c.eat(":") && c.small().is_some()) || named,
            Some((_, 1)) => named,
            _ => false,
        };
        if self.eat_any(&['+', '-']).is_none() || !offset(self) {
            *self = if named { end_of_name } else { start };
        }
    }

    /// A day that borrows the year or the month of another date, up to the end of the line: the `7`, `7 May` or
    /// `May 7th` that ends a span of days.
    pub fn day_without_year(mut self) -> bool {
        let month_first = self.month().is_some();
        self.spaces();
        if self.small().is_none() {
            return false;
        }
        self.ordinal();
        self.spaces();
        if !month_first && self.month().is_some() {
            self.spaces();
        }
        self.rest().trim_matches(|c: char| c.is_whitespace() || c == '.').is_empty()
    }
}

/// The separator of a whole date: a date in numbers has one sign twice, a date with a name may mix spaces, commas and
/// full stops but not those with `-` or `/`.
fn joined(form: MonthForm, first: char, second: char) -> Option<char> {
    let loose = |c| if c == '.' { ' ' } else { c };
    match form {
        MonthForm::Number => (first == second && first != ' ').then_some(first),
        _ => (loose(first) == loose(second)).then_some(loose(first)),
    }
}

fn found(order: Order, separator: char, month: MonthForm, date: Date) -> Found {
    Found { order, separator, month, reading: Reading::Certain(date) }
}

/// A day that exists, in a year that a person may have lived through or copied from.
pub(super) fn date(y: i32, m: i8, d: i8) -> Option<Date> {
    let y = i16::try_from(y).ok().filter(|y| (1000..3000).contains(y))?;
    Date::new(y, m, d).ok()
}
