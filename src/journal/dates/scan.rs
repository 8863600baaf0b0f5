//! The grammar of a written date: a cursor over one line that reads numbers, names, dates and times, or gives up.
//! It looks at a bounded piece of the line, so a line of a gigabyte costs no more than a short one.

use jiff::civil::Date;
use unicode_normalization::char::is_combining_mark;

use super::names::{self, LONGEST_NAME, MonthForm};
use super::parts::{Known, Order, Parts};
use super::reading::Reading;

/// A place in a line. A method that gives up may leave the cursor anywhere; callers that try again set `at` back.
#[derive(Clone, Copy)]
pub struct Cursor<'a> {
    pub line: &'a str,
    /// Bytes read so far; always on a character's border.
    pub at: usize,
    pub known: Known,
    /// A weekday stands before the date, in a heading: `## Tue, 5.5` is a day.
    pub after_weekday: bool,
    /// A weekday stands before the date, anywhere.
    pub weekday_named: bool,
}

/// A date as the grammar found it.
#[derive(Clone, Copy)]
pub struct Found {
    pub order: Order,
    pub separator: char,
    pub month: MonthForm,
    pub parts: Parts,
    pub reading: Reading,
}

impl Found {
    fn without_year(self) -> Found {
        Found { parts: Parts::MonthAndDay, ..self }
    }
}

const ARTICLES: &[&str] = &["the", "le", "il", "el", "den", "der"];
const CONNECTORS: &[&str] = &["of", "de", "del", "di", "do"];
const ORDINALS: &[&str] = &["st", "nd", "rd", "th", "er", "re", "º", "ª", "°"];
/// What follows a year in Polish, Russian, Bulgarian and Ukrainian.
const AFTER_A_YEAR: &[&str] = &["roku", "r", "года", "г", "року", "р"];

/// Eras of Japan and Taiwan, and the year before their first.
const ERAS: &[(&str, i32)] =
    &[("令和", 2018), ("平成", 1988), ("昭和", 1925), ("民國", 1911), ("民国", 1911)];

impl<'a> Cursor<'a> {
    pub fn new(line: &'a str, known: Known) -> Self {
        Cursor { line, at: 0, known, after_weekday: false, weekday_named: false }
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

    /// Skips what has no width: marks of byte order and of direction.
    pub fn invisible(&mut self) {
        let zero_width = |c| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(zero_width).len();
    }

    /// Skips spaces; true if there were any.
    pub fn spaces(&mut self) -> bool {
        let rest = self.rest();
        let skipped = rest.len() - rest.trim_start().len();
        self.at += skipped;
        skipped > 0
    }

    /// A run of one to eight digits, with its length.
    pub fn number(&mut self) -> Option<(i32, usize)> {
        let (mut value, mut digits) = (0, 0);
        while let Some((c, digit)) = self.peek().and_then(|c| Some((c, digit(c)?))) {
            (value, digits) = (value * 10 + digit, digits + 1);
            if digits > 8 {
                return None;
            }
            self.at += c.len_utf8();
        }
        (digits > 0).then_some((value, digits))
    }

    /// A number of one or two digits.
    pub fn small(&mut self) -> Option<i8> {
        let (n, digits) = self.number()?;
        if digits <= 2 { i8::try_from(n).ok() } else { None }
    }

    /// A run of letters short enough to be a name; not read yet.
    fn word(&self) -> &'a str {
        let rest = self.rest();
        let goes_on = |(at, c): &(usize, char)| {
            c.is_alphabetic()
                || (*at > 0 && is_combining_mark(*c))
                || (matches!(c, '\'' | '’')
                    && *at > 0
                    && rest[at + c.len_utf8()..].starts_with(char::is_alphabetic))
        };
        let mut ends = rest.char_indices().take(LONGEST_NAME + 1).skip_while(goes_on);
        match ends.next() {
            Some((end, _)) => &rest[..end],
            None if rest.chars().nth(LONGEST_NAME).is_none() => rest,
            None => "",
        }
    }

    /// One of the words given, whole, in any case.
    pub fn eat_word(&mut self, expected: &[&str]) -> bool {
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

    pub fn month(&mut self) -> Option<(i8, MonthForm)> {
        let word = self.word();
        let found = names::month(word)?;
        self.at += word.len();
        self.eat(".");
        Some(found)
    }

    /// What stands between the parts of a date: `-`, `/`, `.`, or `' '` for spaces and commas.
    pub fn separator(&mut self) -> Option<char> {
        let mut spaced = self.spaces();
        let mut sign = self.eat_any(&['-', '/', '.', ',']);
        if !spaced && sign.is_none() {
            // Hyphens as word processors set them, and what stands for one in names of files.
            sign = self.eat_any(&['‑', '‐', '–', '_']);
        }
        spaced |= self.spaces();
        match sign {
            Some(',') => Some(' '),
            Some('‑' | '‐' | '–') => (!spaced).then_some('-'),
            Some(sign) => Some(sign),
            None => spaced.then_some(' '),
        }
    }

    pub fn ordinal(&mut self) -> bool {
        let word = self.rest();
        let mark = ORDINALS.iter().find(|o| {
            word.get(..o.len()).is_some_and(|w| w.eq_ignore_ascii_case(o))
                && !word[o.len()..].starts_with(char::is_alphanumeric)
        });
        self.at += mark.map_or(0, |m| m.len());
        mark.is_some()
    }

    /// `the `, `le `, `d. ` (Danish), before a date or its weekday.
    pub fn article(&mut self) {
        let start = *self;
        let found = self.eat_word(ARTICLES) || (self.eat_word(&["d"]) && self.eat("."));
        if !(found && self.spaces()) {
            *self = start;
        }
    }

    /// A date with its year, ending where a word could end.
    pub fn date(&mut self) -> Option<Found> {
        self.article();
        if let Some((_, before)) = ERAS.iter().find(|(name, _)| self.eat(name)) {
            let y = if self.eat("元") { 1 } else { self.number()?.0 };
            return self.rest().starts_with('年').then(|| self.after_year(before + y))?;
        }
        let found = match self.number() {
            Some((n, 8)) => self.compact(n)?,
            Some((y, 4)) => self.after_year(y)?,
            Some((n, digits @ 1..=2)) => self.after_small(n as i8, digits)?,
            Some(_) => return None,
            None => self.month_first()?,
        };
        (found.separator == '年' || self.ends_cleanly()).then_some(found)
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
        if self.eat_any(&['年', '년']).is_some() {
            let (m, d) = self.east_asian_day()?;
            return Some(found(Order::YearMonthDay, '年', MonthForm::Number, date(y, m, d)?));
        }
        let first = self.separator()?;
        let (m, form) = match digit(self.peek()?).is_some() {
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

    /// `1月5日`, `1월 5일`, after the year.
    fn east_asian_day(&mut self) -> Option<(i8, i8)> {
        self.spaces();
        let m = self.small()?;
        self.eat_any(&['月', '월'])?;
        self.spaces();
        let d = self.small()?;
        self.eat_any(&['日', '일', '号', '號'])?;
        Some((m, d))
    }

    /// `3 May 2020`, `3/5/2020`, after the first number.
    fn after_small(&mut self, n: i8, digits: usize) -> Option<Found> {
        let ordinal = self.ordinal();
        let first = self.separator()?;
        if !ordinal && digit(self.peek()?).is_some() {
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
        let y = self.short_year(first == '-' && second == '-').or_else(|| self.year())?;
        self.after_its_year();
        Some(found(Order::DayMonthYear, joined(form, first, second)?, form, date(y, m, n)?))
    }

    /// `’20`; and `20` between hyphens (`5-May-20`).
    fn short_year(&mut self, hyphens: bool) -> Option<i32> {
        let start = *self;
        let marked = self.eat_any(&['\'', '’', '‘']).is_some();
        let year = self.number().filter(|(_, digits)| *digits == 2 && (marked || hyphens));
        if year.is_none() {
            *self = start;
        }
        year.map(|(year, _)| century(year))
    }

    /// `5 мая 2020г.`, `05.05.2020 r.`
    fn after_its_year(&mut self) {
        let start = *self;
        self.spaces();
        if !(self.eat_word(AFTER_A_YEAR) && (self.eat(".") || self.ends_cleanly())) {
            *self = start;
        }
    }

    /// The rest of `3/5/2020`: which number is the day is for the whole file to tell.
    fn after_small_and_separator(&mut self, n: i8, digits: usize, first: char) -> Option<Found> {
        let start = self.at;
        let second_number = self.small()?;
        let two_digits = digits == 2 && self.at - start == 2;
        let separator = joined(MonthForm::Number, first, self.separator()?)?;
        let (last, last_digits) = self.number()?;
        // `5/3/98` is a date; `1.2.10` may number a section, `05.03.98` and `Tue 1.2.10` do not.
        let short = last_digits == 2
            && (separator == '/' || (separator == '.' && (two_digits || self.weekday_named)));
        if self.known.year_leads && (short || (last_digits == 2 && two_digits)) {
            let year_first = date(century(n.into()), second_number, last as i8);
            if let Some(day) = year_first {
                return Some(found(Order::YearMonthDay, separator, MonthForm::Number, day));
            }
        }
        let y = match last_digits {
            4 => {
                self.after_its_year();
                last
            }
            2 if short => century(last),
            _ => return None,
        };
        let (day_first, month_first) = (date(y, second_number, n), date(y, n, second_number));
        open(separator, Parts::All, day_first, month_first)
    }

    /// `May 3, 2020`.
    fn month_first(&mut self) -> Option<Found> {
        let (m, form) = self.month()?;
        let first = self.separator()?;
        self.article();
        let d = self.small()?;
        self.ordinal();
        let second = self.separator()?;
        let y = self.short_year(false).or_else(|| self.year())?;
        Some(found(Order::MonthDayYear, joined(form, first, second)?, form, date(y, m, d)?))
    }

    /// A date without its year, read in the year that is known: `5 May`, `May 5th`, `5.5.`, `05/05`, `5月5日`; and a day
    /// alone where the month is known too.
    pub fn day_in_year(&mut self) -> Option<Found> {
        let year = self.known.year?.into();
        self.article();
        let start = *self;
        if let Some((m, d)) = self.east_asian_day() {
            return Some(
                found(Order::YearMonthDay, '月', MonthForm::Number, date(year, m, d)?).without_year(),
            );
        }
        *self = start;
        let found = match self.number() {
            Some((n, 1..=2)) => self.after_day(n as i8, year)?,
            Some(_) => return None,
            None => {
                let (m, form) = self.month()?;
                let separator = self.separator().filter(|sign| *sign == ' ')?;
                let d = self.small()?;
                self.ordinal();
                found(Order::MonthDayYear, separator, form, date(year, m, d)?).without_year()
            }
        };
        self.ends_cleanly().then_some(found)
    }

    fn after_day(&mut self, n: i8, year: i32) -> Option<Found> {
        let ordinal = self.ordinal();
        let start = *self;
        if let Some(separator) = self.separator() {
            if !ordinal && self.peek().and_then(digit).is_some() {
                let second = self.small()?;
                let day_first = date(year, second, n);
                return match separator {
                    '/' => open('/', Parts::MonthAndDay, day_first, date(year, n, second)),
                    // Without its last full stop `5.5` is a number.
                    '.' if self.eat(".") || self.after_weekday => {
                        open('.', Parts::MonthAndDay, day_first, None)
                    }
                    _ => None,
                };
            }
            if self.eat_word(CONNECTORS) {
                self.spaces();
            }
            if let Some((m, form)) = self.month() {
                let separator = joined(form, separator, separator)?;
                return Some(found(Order::DayMonthYear, separator, form, date(year, m, n)?).without_year());
            }
        }
        *self = start;
        let day = date(year, self.known.month?, n)?;
        let found = found(Order::DayMonthYear, '\0', MonthForm::Number, day);
        Some(Found { parts: Parts::Day, ..found })
    }

    pub fn year(&mut self) -> Option<i32> {
        self.number().filter(|(_, digits)| *digits == 4).map(|(y, _)| y)
    }

    /// No letter, digit or longer number goes on where the date ends; an ISO time may (`…T09:30`).
    pub fn ends_cleanly(&self) -> bool {
        let mut next = self.rest().chars();
        let (first, second) = (next.next(), next.next());
        match first {
            Some('T' | 't') => second.and_then(digit).is_some(),
            Some('-' | '/' | '.' | '_') => !second.is_some_and(char::is_alphanumeric),
            Some(c) => !c.is_alphanumeric(),
            None => true,
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
    Found { order, separator, month, parts: Parts::All, reading: Reading::Certain(date) }
}

/// A date in numbers that may be read two ways; none where neither is a day.
fn open(separator: char, parts: Parts, day_first: Option<Date>, month_first: Option<Date>) -> Option<Found> {
    day_first.or(month_first)?;
    let reading = Reading::DayMonth { day_first, month_first };
    // The order is settled once the whole file is read.
    Some(Found { order: Order::DayMonthYear, separator, month: MonthForm::Number, parts, reading })
}

/// The year that two digits stand for.
fn century(year: i32) -> i32 {
    year + if year < 69 { 2000 } else { 1900 }
}

/// What a digit of Western, Arabic, Persian, Hindi, Bengali, Thai or full-width writing counts.
pub fn digit(c: char) -> Option<i32> {
    let zeros = ['0', '٠', '۰', '०', '০', '๐', '０'];
    zeros.iter().map(|zero| c as i32 - *zero as i32).find(|n| (0..10).contains(n))
}

/// A day that exists, in a year that a person may have lived through or copied from: years of other calendars (1403,
/// 2567, 5784) are not read as if they were of this one.
pub fn date(y: i32, m: i8, d: i8) -> Option<Date> {
    let y = i16::try_from(y).ok().filter(|y| (1500..2200).contains(y))?;
    Date::new(y, m, d).ok()
}
