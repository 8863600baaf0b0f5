//! Looking at the tokens of a question from a place in them.

use super::kind::Kind;
use super::lexicon::Lexicon;
use super::period::Unit;
use super::token::{Gap, Token};

/// The tokens of a question, and what helps to read them.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub tokens: &'a [Token],
    pub lexicon: &'a Lexicon,
    /// The first and the last year of the diary.
    pub years: (i16, i16),
}

impl Look<'_> {
    /// What a token may say; behind the last it says nothing.
    pub fn kind(&self, i: usize) -> Kind {
        self.tokens.get(i).map_or(Kind::Word, |token| token.kind)
    }

    /// What stands before a token.
    pub fn gap(&self, i: usize) -> Option<Gap> {
        self.tokens.get(i).map(|token| token.gap)
    }

    /// Whether nothing but space, a comma or a point stands before a token.
    pub fn follows(&self, i: usize) -> bool {
        matches!(self.gap(i), Some(Gap::Space | Gap::Mark))
    }

    /// Whether digits are money, a share, or part of a longer number.
    pub fn is_amount(&self, i: usize) -> bool {
        self.tokens.get(i).is_none_or(|token| token.amount)
    }

    /// Whether digits count or number something: `1500 words`, `£1500`, `room 1912`.
    pub fn is_counted(&self, i: usize) -> bool {
        let before = i.checked_sub(1).map_or(Kind::Word, |before| self.kind(before));
        self.is_amount(i) || before == Kind::Counted || self.kind(i + 1) == Kind::Counted
    }

    /// A number of things: `2`, `two`, `a`.
    pub fn number(&self, i: usize) -> Option<u16> {
        match self.kind(i) {
            Kind::Digits(count, 1..=3) if !self.is_amount(i) => Some(count),
            Kind::Number(count) => Some(count),
            Kind::A => Some(1),
            _ => None,
        }
    }

    /// What is counted.
    pub fn unit(&self, i: usize) -> Option<Unit> {
        match self.kind(i) {
            Kind::Unit(unit) | Kind::Units(unit) => Some(unit),
            Kind::TheYear => Some(Unit::Year),
            _ => None,
        }
    }

    /// The day of a month: `3`, `3rd`, `third`.
    pub fn day(&self, i: usize) -> Option<i8> {
        match self.kind(i) {
            Kind::Digits(day @ 1..=31, 1..=2) if !self.is_amount(i) => Some(day as i8),
            Kind::Ordinal(day @ 1..=31) => Some(day),
            _ => None,
        }
    }

    /// `two`, `twenty-five`: the number and the place behind it.
    fn whole_number(&self, i: usize) -> Option<(u16, usize)> {
        let joined = self.follows(i + 1) || self.gap(i + 1) == Some(Gap::Sign('-'));
        match (self.kind(i), self.kind(i + 1)) {
            (Kind::Number(tens @ (20 | 30 | 40 | 50 | 60 | 70 | 80 | 90)), Kind::Number(ones @ 1..=9))
                if joined =>
            {
                Some((tens + ones, i + 2))
            }
            _ => Some((self.number(i)?, i + 1)),
        }
    }

    /// `two weeks`, `twenty-five years`, `a fortnight`, `half a year`: how many, of what, and the place behind it.
    pub fn counted(&self, i: usize) -> Option<(u16, Unit, usize)> {
        if let Kind::Length(times, unit) = self.kind(i) {
            return Some((times, unit, i + 1));
        }
        let (count, at) = self.whole_number(i)?;
        let (times, unit) = match self.kind(at) {
            Kind::Length(times, unit) => (times, unit),
            _ => (1, self.unit(at)?),
        };
        self.follows(at).then_some((count.checked_mul(times)?, unit, at + 1))
    }

    /// `vor zwei Jahren`, `il y a deux ans`, `hace dos años`: the number and the unit, and the place behind.
    pub fn ago_behind(&self, i: usize) -> Option<(u16, Unit, usize)> {
        let before = matches!(self.kind(i), Kind::Before | Kind::AgoBefore);
        self.counted(i + 1).filter(|_| before && self.follows(i + 1))
    }

    /// Whether a sentence's mark stands before a token, which parts a month from a number that is not its day.
    pub fn is_marked(&self, i: usize) -> bool {
        self.gap(i) == Some(Gap::Mark)
    }

    /// A year: `1912`, or `'12` in the century of the diary.
    pub fn year(&self, i: usize) -> Option<i16> {
        match self.kind(i) {
            Kind::Digits(year @ 1000..=2999, 4) if !self.is_amount(i) => i16::try_from(year).ok(),
            Kind::Digits(year, 2) if self.tokens[i].apostrophe && !self.is_amount(i) => {
                Some(self.with_century(i16::try_from(year).ok()?, 1))
            }
            _ => None,
        }
    }

    /// So many years that begin with one of which two figures are known: the last within the diary, or those nearest to it.
    pub fn with_century(&self, short: i16, count: i16) -> i16 {
        let (first, last) = self.years;
        let distance = |year: i16| {
            (first.saturating_sub(year.saturating_add(count - 1))).max(year.saturating_sub(last)).max(0)
        };
        let centuries = (0..=29).rev().map(|century| century * 100 + short);
        centuries.min_by_key(|year| distance(*year)).unwrap_or(short)
    }
}
