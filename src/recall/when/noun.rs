//! The part of the grammar that reads a length of time, without the preposition before it.

use super::found::Found;
use super::kind::Kind;
use super::look::Look;
use super::period::{Named, Season, Span, Unit};
use super::token::Gap;

impl Look<'_> {
    /// A length of time and the place behind it.
    pub fn found(&self, i: usize) -> Option<(Found, usize)> {
        self.part_of(i).or_else(|| self.whole(i))
    }

    /// `early March`, `the end of 1912`, `mid-1660s`.
    fn part_of(&self, i: usize) -> Option<(Found, usize)> {
        let Kind::Part(part) = self.kind(i) else { return None };
        let mut start = i + 1;
        let hyphen = self.gap(start) == Some(Gap::Sign('-'));
        while matches!(self.kind(start), Kind::Of | Kind::The | Kind::In) && self.follows(start) {
            start += 1;
        }
        let (found, end) = self.whole(start).filter(|_| hyphen || self.follows(start))?;
        let has_parts = matches!(
            found.span,
            Span::Year(_)
                | Span::Decade(_)
                | Span::WinterFrom(_)
                | Span::Back(Unit::Month | Unit::Year, _)
                | Span::Each(Named::Month(_) | Named::Season(_))
                | Span::In(Named::Month(_) | Named::Season(_), _)
                | Span::Last(Named::Month(_) | Named::Season(_), _)
        );
        has_parts.then_some((Found { part: Some(part), is_sure: true, ..found }, end))
    }

    fn whole(&self, i: usize) -> Option<(Found, usize)> {
        self.figures(i)
            .or_else(|| self.today(i))
            .or_else(|| self.relative_and_same(i))
            .or_else(|| self.weekday_and_date(i))
            .or_else(|| self.date(i))
            .or_else(|| self.month(i))
            .or_else(|| self.season(i))
            .or_else(|| self.feast(i))
            .or_else(|| self.decade(i))
            .or_else(|| self.year_alone(i))
            .or_else(|| self.weekday(i))
    }

    /// `yesterday`, `heute vor einem Jahr`, `on this day`, `this day last year`, `this month in 1912`.
    fn today(&self, i: usize) -> Option<(Found, usize)> {
        match self.kind(i) {
            Kind::Day(0) => {
                let ago = self.ago_behind(i + 1).filter(|_| self.follows(i + 1));
                let (count, unit, end) = ago.unwrap_or((0, Unit::Day, i + 1));
                Some((Found::sure(Span::Ago(unit, count)), end))
            }
            Kind::Day(count) => Some((Found::sure(Span::Ago(Unit::Day, count)), i + 1)),
            Kind::OnThisDay => Some(self.same(i).unwrap_or((Found::sure(Span::Each(Named::ThisDay)), i + 1))),
            Kind::ThisDay | Kind::ThisTime | Kind::This => self.same(i),
            _ => None,
        }
    }

    /// `this day last year`, `this month two years ago`, `this week in 1912`, `this time last year`.
    fn same(&self, i: usize) -> Option<(Found, usize)> {
        let (same, mut next) = self.what_is_now(i)?;
        while matches!(self.kind(next), Kind::In | Kind::On | Kind::Of | Kind::The) && self.follows(next) {
            next += 1;
        }
        if !self.follows(next) {
            return None;
        }
        if let Some((Found { span: Span::Back(outer, count), .. }, end)) = self.relative(next) {
            return same.ago(outer, count).map(|span| (Found::sure(span), end));
        }
        let year = self.year(next).filter(|_| !self.is_counted(next))?;
        let named = match same {
            // "On this day" picks from the year.
            Same::Day => return Some((Found::sure(Span::Each(Named::ThisDay)), i + 1)),
            Same::Week | Same::Time => Named::ThisWeek,
            Same::Month => Named::ThisMonth,
        };
        Some((Found::sure(Span::In(named, year)), next + 1))
    }

    /// `this day`, `this week`, `this month`, `this time`, and the place behind it.
    fn what_is_now(&self, i: usize) -> Option<(Same, usize)> {
        match (self.kind(i), self.kind(i + 1)) {
            (Kind::OnThisDay | Kind::ThisDay, _) => Some((Same::Day, i + 1)),
            (Kind::ThisTime, _) => Some((Same::Time, i + 1)),
            (Kind::This, Kind::Unit(Unit::Week)) if self.follows(i + 1) => Some((Same::Week, i + 2)),
            (Kind::This, Kind::Unit(Unit::Month)) if self.follows(i + 1) => Some((Same::Month, i + 2)),
            _ => None,
        }
    }

    /// `last year`, `last year at this time`, `vor zwei Jahren um diese Zeit`.
    fn relative_and_same(&self, i: usize) -> Option<(Found, usize)> {
        let (found, end) = self.relative(i)?;
        let next = end + usize::from(matches!(self.kind(end), Kind::In | Kind::On));
        let is_near = (end..=next).all(|i| self.gap(i) == Some(Gap::Space));
        if let (Span::Back(outer, count), Some((same, behind))) = (found.span, self.what_is_now(next))
            && let Some(span) = same.ago(outer, count).filter(|_| is_near)
        {
            return Some((Found::sure(span), behind));
        }
        Some((found, end))
    }

    /// `last spring`, `l'été dernier`, `this year`, `two years ago`, `hace dos años`.
    fn relative(&self, i: usize) -> Option<(Found, usize)> {
        if let Some((count, unit, end)) = self.ago_behind(i) {
            return Some((Found::sure(back(unit, count)), end));
        }
        if let Some((count, unit, end)) = self.counted(i).filter(|(.., end)| self.kind(*end) == Kind::Ago) {
            let is_week = self.kind(end + 1) == Kind::This && self.unit(end + 2) == Some(Unit::Week);
            return Some(match self.kind(end + 1) {
                Kind::Day(0) => (Found::sure(Span::Ago(unit, count)), end + 2),
                _ if is_week => (Found::sure(Span::About(unit, count)), end + 3),
                _ => (Found::sure(back(unit, count)), end + 1),
            });
        }
        if let (Some(count), Kind::Seasons(season), Kind::Ago) =
            (self.number(i), self.kind(i + 1), self.kind(i + 2))
        {
            return Some((Found::sure(Span::Last(Named::Season(season), count)), i + 3));
        }
        let before = match self.kind(i) {
            Kind::Last => Some(1),
            Kind::This => Some(0),
            _ => None,
        };
        if let Some(count) = before {
            let before = i.checked_sub(1).map_or(Kind::Word, |before| self.kind(before));
            let of_something = self.kind(i + 2) == Kind::Of
                || before == Kind::My
                || (before == Kind::The && count == 1 && self.lexicon.is_english());
            let span = self.again(i + 1, count).filter(|_| self.follows(i + 1) && !of_something)?;
            return Some((Found::sure(span), i + 2));
        }
        let behind = match self.kind(i + 1) {
            Kind::LastBehind => 1,
            Kind::BeforeLast => 2,
            _ => return None,
        };
        let span = self.again(i, behind).filter(|_| self.follows(i + 1))?;
        Some((Found::sure(span), i + 2))
    }

    /// What has been before: a month, a season, a week. `The last day` is not yesterday.
    pub fn again(&self, i: usize, count: u16) -> Option<Span> {
        let named = match self.kind(i) {
            Kind::Month(month) => Named::Month(month),
            Kind::Season(season) => Named::Season(season),
            Kind::Feast(feast) | Kind::SureFeast(feast) => Named::Feast(feast),
            Kind::Weekday(day) => Named::Weekday(day),
            Kind::Weekend => Named::Weekend,
            _ => return self.unit(i).filter(|unit| *unit != Unit::Day).map(|unit| Span::Back(unit, count)),
        };
        Some(Span::Last(named, count))
    }

    fn month(&self, i: usize) -> Option<(Found, usize)> {
        let month = self.any_month(i)?;
        if let Some((year, end)) = self.year_of_month(month, i + 1) {
            return Some((Found::sure(Span::In(Named::Month(month), year)), end));
        }
        let is_whole = matches!(self.kind(i), Kind::Month(_)) || self.tokens[i].capital;
        is_whole.then(|| (Found::doubtful(Span::Each(Named::Month(month))), i + 1))
    }

    /// `spring 1912`, `the summer of '12`, `winter 1912–13`, `spring`.
    fn season(&self, i: usize) -> Option<(Found, usize)> {
        let (Kind::Season(season) | Kind::Seasons(season)) = self.kind(i) else { return None };
        let Some((year, end)) = self.year_after(i + 1) else {
            // "Two summers" are counted.
            matches!(self.kind(i), Kind::Season(_)).then_some(())?;
            return Some((Found::doubtful(Span::Each(Named::Season(season))), i + 1));
        };
        let two_years = season == Season::Winter
            && matches!(self.gap(end), Some(Gap::Sign('-' | '–' | '/')))
            && match self.kind(end) {
                Kind::Digits(next, 2) => {
                    i16::try_from(next).is_ok_and(|next| (year + 1).rem_euclid(100) == next)
                }
                Kind::Digits(next, 4) => i16::try_from(next).is_ok_and(|next| year + 1 == next),
                _ => false,
            };
        Some(if two_years {
            (Found::sure(Span::WinterFrom(year)), end + 1)
        } else {
            (Found::sure(Span::In(Named::Season(season), year)), end)
        })
    }

    fn feast(&self, i: usize) -> Option<(Found, usize)> {
        let (feast, is_sure) = match self.kind(i) {
            Kind::Feast(feast) => (feast, false),
            Kind::SureFeast(feast) => (feast, true),
            _ => return None,
        };
        // "Christmas Day in 1913" is one, where "March in 1913" may be a family.
        let after = i + 1 + usize::from(self.kind(i + 1) == Kind::In && self.follows(i + 1));
        Some(match self.year_after(after) {
            Some((year, end)) => (Found::sure(Span::In(Named::Feast(feast), year)), end),
            None => (Found { is_sure, ..Found::sure(Span::Each(Named::Feast(feast))) }, i + 1),
        })
    }

    /// `1910s`, `'60s`, `sixties`, `1910er Jahre`, `années 1910`.
    fn decade(&self, i: usize) -> Option<(Found, usize)> {
        if self.kind(i) == Kind::Units(Unit::Year) && self.lexicon.is_romance() {
            let year = self.year(i + 1).filter(|year| year % 10 == 0 && self.follows(i + 1))?;
            return Some((Found::sure(Span::Decade(year)), i + 2));
        }
        let found = match self.kind(i) {
            Kind::Decade(year @ 1000..=2999) => Found::sure(Span::Decade(year)),
            Kind::ShortDecade(short) => Found::doubtful(Span::Decade(self.with_century(short, 10))),
            _ => return None,
        };
        let years = self.unit(i + 1) == Some(Unit::Year) && self.follows(i + 1) && !self.lexicon.is_english();
        Some((found, i + 1 + usize::from(years)))
    }

    /// `1912`, `the year 1912`.
    fn year_alone(&self, i: usize) -> Option<(Found, usize)> {
        if self.kind(i) == Kind::TheYear {
            let of = usize::from(self.kind(i + 1) == Kind::Of);
            let year = self.year(i + 1 + of).filter(|_| (i + 1..=i + 1 + of).all(|i| self.follows(i)))?;
            return Some((Found::sure(Span::Year(year)), i + 2 + of));
        }
        Some((Found::doubtful(Span::Year(self.year(i)?)), i + 1))
    }

    fn weekday(&self, i: usize) -> Option<(Found, usize)> {
        let each = |day| Span::Each(Named::Weekday(day));
        match self.kind(i) {
            Kind::Weekday(day) | Kind::Weekdays(day) => Some((Found::doubtful(each(day)), i + 1)),
            Kind::EveryWeekday(day) => Some((Found::sure(each(day)), i + 1)),
            Kind::Weekend => Some((Found::doubtful(Span::Each(Named::Weekend)), i + 1)),
            _ => None,
        }
    }
}

/// What is now, and may be asked for as it was then.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Same {
    Day,
    Week,
    Month,
    /// More or less.
    Time,
}

impl Same {
    /// The same so long ago; none where it is no part of that.
    fn ago(self, outer: Unit, count: u16) -> Option<Span> {
        match (self, outer) {
            (_, Unit::Day) => None,
            (Same::Time, _) => Some(Span::About(outer, count)),
            (Same::Day, _) => Some(Span::Same(Unit::Day, outer, count)),
            (Same::Week, Unit::Month | Unit::Year) => Some(Span::Same(Unit::Week, outer, count)),
            (Same::Month, Unit::Year) => Some(Span::Same(Unit::Month, outer, count)),
            _ => None,
        }
    }
}

fn back(unit: Unit, count: u16) -> Span {
    match unit {
        Unit::Day => Span::Ago(unit, count),
        _ => Span::Back(unit, count),
    }
}
