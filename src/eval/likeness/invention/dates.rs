//! Dates in a text, in English and in figures.

use std::ops::Range;

use crate::eval::likeness::names::MONTHS;
use crate::eval::likeness::words::{Word, words};

/// A date, as far as it is given. A day and a month, or a month and a year, at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Date {
    pub year: Option<u16>,
    pub month: Option<u8>,
    pub day: Option<u8>,
}

impl Date {
    /// What can be said of a day with less: itself, the day of any year, the month of the year.
    pub fn less(self) -> [Date; 3] {
        let whole = self.year.is_some() && self.day.is_some();
        [
            self,
            Date { year: self.year.filter(|_| !whole), ..self },
            Date { day: self.day.filter(|_| !whole), ..self },
        ]
    }
}

/// The dates of a text and where they stand: `1912-03-04`, `4.3.1912` or `3/14/12` (the day first, unless it cannot be),
/// `4th of March, 1912`, `March 4`, `Sept. 1912`. A year alone is a number.
pub(super) fn dates(text: &str) -> Vec<(Range<usize>, Date)> {
    let found: Vec<Word> = words(text).collect();
    let (mut dates, mut i) = (Vec::new(), 0);
    while i < found.len() {
        let rest = Rest { text, words: &found[i..] };
        match rest.figures().or_else(|| rest.day_first()).or_else(|| rest.month_first()) {
            Some((date, count)) => {
                dates.push((found[i].at..found[i + count - 1].range().end, date));
                i += count;
            }
            None => i += 1,
        }
    }
    dates
}

/// The words from some place on.
struct Rest<'a> {
    text: &'a str,
    words: &'a [Word<'a>],
}

impl Rest<'_> {
    /// What stands between a word and the next.
    fn gap(&self, i: usize) -> Option<&str> {
        Some(&self.text[self.words.get(i)?.range().end..self.words.get(i + 1)?.at])
    }

    fn figures(&self) -> Option<(Date, usize)> {
        let first = self.words.first()?.text;
        if let [year, month, day] = first.split('-').collect::<Vec<_>>()[..] {
            return Some((date(self::year(year), month.parse().ok(), day.parse().ok())?, 1))
                .filter(|(date, _)| date.year.is_some());
        }
        let separator = self.gap(0).filter(|gap| matches!(*gap, "." | "/"))?;
        let year = self.words.get(2).filter(|_| self.gap(1) == Some(separator))?.text;
        let year: u16 = if matches!(year.len(), 2 | 4) { year.parse().ok()? } else { return None };
        let [a, b] = [first, self.words[1].text].map(|part| part.parse::<u8>().ok());
        date(Some(year), b, a).or_else(|| date(Some(year), a, b)).map(|date| (date, 3))
    }

    fn day_first(&self) -> Option<(Date, usize)> {
        let number = day(self.words.first()?)?;
        let of = usize::from(self.words.get(1)?.text == "of");
        let month = month(self.words.get(1 + of)?)?;
        let joined = (0..=of).all(|i| self.gap(i).is_some_and(is_space));
        let year = self.year_after(1 + of);
        let date = date(year, Some(month), Some(number)).filter(|_| joined)?;
        Some((date, 2 + of + usize::from(year.is_some())))
    }

    fn month_first(&self) -> Option<(Date, usize)> {
        let month = month(self.words.first()?)?;
        if let Some(year) = self.year_after(0) {
            return Some((date(Some(year), Some(month), None)?, 2));
        }
        let gap = self.gap(0)?;
        let number = day(self.words.get(1)?).filter(|_| is_space(gap.strip_prefix('.').unwrap_or(gap)))?;
        let year = self.year_after(1);
        Some((date(year, Some(month), Some(number))?, 2 + usize::from(year.is_some())))
    }

    /// The year that follows a word, after a comma or a point or none.
    fn year_after(&self, i: usize) -> Option<u16> {
        let gap = self.gap(i)?;
        year(self.words.get(i + 1)?.text).filter(|_| is_space(gap.strip_prefix([',', '.']).unwrap_or(gap)))
    }
}

fn is_space(gap: &str) -> bool {
    matches!(gap, " " | "\u{a0}" | "\n")
}

/// A date, if it can be one.
fn date(year: Option<u16>, month: Option<u8>, day: Option<u8>) -> Option<Date> {
    let fits = month.is_some_and(|m| (1..=12).contains(&m)) && day.is_none_or(|d| (1..=31).contains(&d));
    fits.then_some(Date { year, month, day })
}

fn year(text: &str) -> Option<u16> {
    text.parse().ok().filter(|year| text.len() == 4 && (1000..=2999).contains(year))
}

/// `4`, `4th`.
fn day(word: &Word) -> Option<u8> {
    let text = word.text;
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|end| text.strip_suffix(end)).unwrap_or(text);
    digits.parse().ok().filter(|day| (1..=31).contains(day))
}

/// A month with a capital, in whole or by its first three letters (or four: `Sept`).
fn month(word: &Word) -> Option<u8> {
    let key = word.key();
    let whole = |month: &&str| **month == *key || (3..=4).contains(&key.len()) && month.starts_with(&*key);
    let place = MONTHS.iter().position(whole).filter(|_| word.text.starts_with(char::is_uppercase))?;
    u8::try_from(place + 1).ok()
}
