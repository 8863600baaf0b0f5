//! The part of the grammar that reads a date: a day, or a month of a year in figures.

use super::found::Found;
use super::kind::Kind;
use super::look::Look;
use super::period::{MonthDay, Named, Span};
use super::token::Gap;

/// The most days of each month.
const LENGTHS: [i8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

impl Look<'_> {
    /// `2014-03-03`, `2014/3/3`, `3.3.2014`, `3/4/14` (the day first, unless it cannot be), `2014-03`, `3/2014`.
    pub fn figures(&self, i: usize) -> Option<(Found, usize)> {
        let Gap::Sign(sign @ ('-' | '/' | '.')) = self.gap(i + 1)? else { return None };
        let digits = |i: usize| match self.kind(i) {
            Kind::Digits(value, count) => Some((i16::try_from(value).ok()?, count)),
            _ => None,
        };
        let (first, second) = (digits(i)?, digits(i + 1)?);
        let third = digits(i + 2).filter(|_| self.gap(i + 2) == Some(Gap::Sign(sign)));
        let day = |year, month: i16, day: i16| {
            let of = month_day(i8::try_from(month).ok()?, i8::try_from(day).ok()?)?;
            Some((Found::sure(Span::In(Named::Day(of), year)), i + 3))
        };
        match (first, second, third) {
            ((year, 4), (month, 1..=2), Some((number, 1..=2))) => day(year, month, number),
            ((a, 1..=2), (b, 1..=2), Some((year, digits @ (2 | 4)))) => {
                let year = if digits == 2 { self.with_century(year, 1) } else { year };
                day(year, b, a).or_else(|| day(year, a, b))
            }
            ((year @ 1000..=2999, 4), (month @ 1..=12, 2), None) if sign == '-' => {
                // "1905-07" are years, where the diary has both.
                let other = year - year.rem_euclid(100) + month;
                let is_years = other > year && self.years.0 <= year && other <= self.years.1;
                let month = Named::Month(i8::try_from(month).ok()?);
                (!is_years).then(|| (Found::sure(Span::In(month, year)), i + 2))
            }
            ((month @ 1..=12, 1..=2), (year @ 1000..=2999, 4), None) if sign != '-' => {
                let month = Named::Month(i8::try_from(month).ok()?);
                Some((Found::sure(Span::In(month, year)), i + 2))
            }
            _ => None,
        }
    }

    /// `Sunday, 3 March`.
    pub fn weekday_and_date(&self, i: usize) -> Option<(Found, usize)> {
        let is_weekday = matches!(self.kind(i), Kind::Weekday(_)) && self.follows(i + 1);
        let next = if matches!(self.kind(i + 1), Kind::The | Kind::On) { i + 2 } else { i + 1 };
        self.figures(next).or_else(|| self.date(next)).filter(|_| is_weekday)
    }

    /// `3 March 2014`, `the 3rd of March`, `3. März`, `3 de marzo de 2014`, `March 3rd, 2014`.
    pub fn date(&self, i: usize) -> Option<(Found, usize)> {
        self.day_first(i).or_else(|| self.month_first(i))
    }

    fn day_first(&self, i: usize) -> Option<(Found, usize)> {
        let day = self.day(i)?;
        let of = usize::from(self.kind(i + 1) == Kind::Of);
        let at = i + 1 + of;
        let month = self.any_month(at).filter(|_| (i + 1..=at).all(|i| self.follows(i)))?;
        self.dated(
            month,
            day,
            at + 1,
            of > 0 || !self.is_verb(at) || matches!(self.kind(i), Kind::Ordinal(_)),
        )
    }

    fn month_first(&self, i: usize) -> Option<(Found, usize)> {
        let month = self.any_month(i)?;
        let the = usize::from(self.kind(i + 1) == Kind::The);
        let at = i + 1 + the;
        let is_short = matches!(self.kind(i), Kind::ShortMonth(_));
        let joined = self.follows(i + 1) && self.follows(at) && (is_short || !self.is_marked(at));
        let is_ordinal = matches!(self.kind(at), Kind::Ordinal(_));
        let day =
            self.day(at).filter(|_| joined && (is_ordinal || the == 0) && !self.tokens[at].apostrophe)?;
        if !self.lexicon.is_english() || self.is_counted(at) {
            return None;
        }
        self.dated(month, day, at + 1, is_ordinal || !self.is_verb(i))
    }

    /// A day of a month, with the year that may follow; without one it must be sure.
    fn dated(&self, month: i8, day: i8, end: usize, is_sure: bool) -> Option<(Found, usize)> {
        let named = Named::Day(month_day(month, day)?);
        match self.year_of_month(month, end) {
            Some((year, end)) => Some((Found::sure(Span::In(named, year)), end)),
            None => is_sure.then(|| (Found::sure(Span::Each(named)), end)),
        }
    }

    /// Whether a month may be `march` or `may`.
    fn is_verb(&self, i: usize) -> bool {
        let is_small = self.tokens.get(i).is_some_and(|token| !token.capital);
        is_small && self.lexicon.is_english() && matches!(self.any_month(i), Some(3 | 5))
    }

    /// The month that a token names.
    pub fn any_month(&self, i: usize) -> Option<i8> {
        match self.kind(i) {
            Kind::Month(month) | Kind::ShortMonth(month) => Some(month),
            _ => None,
        }
    }

    /// The year behind a month, which may be of two: `3 March 1665/6` was in 1665 where the year began on Lady Day, and in ours in 1666.
    pub fn year_of_month(&self, month: i8, i: usize) -> Option<(i16, usize)> {
        let (year, end) = self.year_after(i)?;
        let next = year.checked_add(1)?;
        let is_next = month <= 3
            && self.gap(end) == Some(Gap::Sign('/'))
            && match self.kind(end) {
                Kind::Digits(ones, 1) => i16::try_from(ones).is_ok_and(|ones| next.rem_euclid(10) == ones),
                Kind::Digits(short, 2) => {
                    i16::try_from(short).is_ok_and(|short| next.rem_euclid(100) == short)
                }
                _ => false,
            };
        Some(if is_next { (next, end + 1) } else { (year, end) })
    }

    /// The year behind a month, a day, a season: ` 1912`, `, 1912`, ` of '12`, ` des Jahres 1912`.
    pub fn year_after(&self, mut i: usize) -> Option<(i16, usize)> {
        for kind in [Kind::Of, Kind::The, Kind::TheYear] {
            if self.kind(i) == kind && self.follows(i) {
                i += 1;
            }
        }
        let year = self.year(i).filter(|_| self.follows(i) && !self.is_counted(i))?;
        Some((year, i + 1))
    }
}

/// A month and its day, if it can have that.
fn month_day(month: i8, day: i8) -> Option<MonthDay> {
    let most = LENGTHS.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
    (1..=*most).contains(&day).then_some((month, day))
}
