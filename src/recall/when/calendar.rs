//! Which days a length of time is.

use std::ops::RangeInclusive;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::days::{Days, shared};
use super::distance;
use super::feasts::feast;
use super::period::{
    Distance, Expression, Feast, Frame, Named, Nth, Part, Period, Piece, Season, Side, Span, Unit,
};

/// The days about another, on each side.
const ABOUT: i32 = 7;
/// Years to look back for what comes every year: 29 February may be eight years away.
const LOOK_BACK: i16 = 10;

/// What days are counted from and to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Calendar {
    /// The day that is "today".
    pub today: Date,
    /// The diary's first day.
    pub first: Date,
    /// The diary's last day.
    pub last: Date,
}

impl Calendar {
    /// The days that an expression means, which need not be days of the diary; what comes again, where it falls within the diary.
    pub fn days(&self, expression: Expression) -> Vec<Days> {
        let hull = |period| {
            let all = self.period(period);
            let first = all.iter().map(|days| *days.start()).min()?;
            Some(first..=all.iter().map(|days| *days.end()).max()?)
        };
        let one = match expression {
            Expression::In(period) => return self.period(period),
            Expression::Beside(how_far, side, period) => {
                return self.near(period, |days| match how_far {
                    Distance::Away(unit, count) => distance::away(days, side, unit, count),
                    Distance::All(unit, count) => distance::all(days, side, unit, count),
                    Distance::Nearest(named) => self.nearest(named, side, days),
                });
            }
            Expression::Around(period) => {
                return self.near(period, |days| Some(distance::widened(days, ABOUT)));
            }
            Expression::Holding(frame, period) => {
                return self.near(period, |days| Some(holding(frame, *days.start())));
            }
            Expression::Nth(nth, piece, period) => {
                return self.near(period, |days| self.nth(nth, piece, days));
            }
            Expression::Between(from, to) => {
                hull(from).zip(hull(to)).map(|(from, to)| *from.start()..=*to.end())
            }
            Expression::Since(from) => hull(from).map(|from| *from.start()..=*from.end().max(&self.last)),
            Expression::After(from) => hull(from).and_then(|from| {
                let next = from.end().tomorrow().ok()?;
                Some(next..=next.max(self.last))
            }),
            Expression::Before(to) => hull(to).and_then(|to| {
                let before = to.start().yesterday().ok()?;
                Some(before.min(self.first)..=before)
            }),
            Expression::Until(to) => hull(to).map(|to| *to.start().min(&self.first)..=*to.end()),
        };
        one.filter(|days| days.start() <= days.end()).into_iter().collect()
    }

    /// What lies near to something, of what comes again near to each that is near the diary.
    fn near(&self, period: Period, of: impl Fn(&Days) -> Option<Days>) -> Vec<Days> {
        let Span::Each(named) = period.span else {
            return self.period(period).iter().filter_map(of).collect();
        };
        let diary = self.first..=self.last;
        let reach = self.first.saturating_sub(1.year())..=self.last.saturating_add(1.year());
        let each = self.each(named, period.part, &reach);
        each.iter().filter_map(of).filter(|days| shared(days, &diary).is_some()).collect()
    }

    /// The nearest of what comes again on one side of some days.
    fn nearest(&self, named: Named, side: Side, days: &Days) -> Option<Days> {
        let reach = if named.is_weekly() { 3.weeks() } else { LOOK_BACK.years() };
        let around = days.start().saturating_sub(reach)..=days.end().saturating_add(reach);
        let mut all = self.each(named, None, &around).into_iter();
        match side {
            Side::Before => all.rfind(|found| found.end() < days.start()),
            Side::After => all.find(|found| found.start() > days.end()),
        }
    }

    /// The first, second… or last of its kind within some days.
    fn nth(&self, nth: Nth, piece: Piece, within: &Days) -> Option<Days> {
        let unit = match piece {
            Piece::Named(named) => {
                let mut all = self.each(named, None, within).into_iter();
                return match nth {
                    Nth::First(count) => all.nth(usize::from(count) - 1),
                    Nth::Last => all.next_back(),
                };
            }
            Piece::Unit(unit) => unit,
        };
        // Weeks and months are counted from the first day, the last ones back from the last.
        let (before, after) = (within.start().yesterday().ok()?, within.end().tomorrow().ok()?);
        let found = match nth {
            Nth::First(count) => {
                let gone = distance::all(&(before..=before), Side::After, unit, count - 1);
                let whole = distance::all(&(before..=before), Side::After, unit, count)?;
                gone.map_or(*whole.start(), |gone| gone.end().tomorrow().unwrap_or(after))..=*whole.end()
            }
            Nth::Last => distance::all(&(after..=after), Side::Before, unit, 1)?,
        };
        shared(&found, within)
    }

    fn period(&self, period: Period) -> Vec<Days> {
        let whole = match period.span {
            Span::Each(named) => return self.each(named, period.part, &(self.first..=self.last)),
            Span::In(Named::Season(Season::Winter), year) if period.part.is_none() => {
                let begins = months(year, 1, 2).into_iter();
                return begins.chain(named(Named::Season(Season::Winter), year)).collect();
            }
            Span::In(Named::Weekday(_) | Named::Weekend, year) | Span::Year(year) => months(year, 1, 12),
            Span::In(named @ (Named::ThisDay | Named::ThisWeek | Named::ThisMonth), year) => {
                self.of_today(named, year)
            }
            // A new year begins, and may be the one that ends.
            Span::In(Named::Feast(Feast::NewYear), year) => {
                let ends = year.checked_add(1).and_then(|next| named(Named::Feast(Feast::NewYear), next));
                return named(Named::Feast(Feast::NewYear), year).into_iter().chain(ends).collect();
            }
            Span::In(named, year) => self::named(named, year),
            Span::WinterFrom(year) => named(Named::Season(Season::Winter), year),
            Span::Decade(year) => years(year, year.saturating_add(9)),
            Span::Last(named, count) => self.last(named, count),
            Span::Back(unit, count) => self.back(unit, count),
            Span::Past(unit, count) => self.ago(unit, count).map(|day| day..=self.today),
            Span::Ago(unit, count) => self.ago(unit, count).map(|day| day..=day),
            Span::About(unit, count) => {
                self.ago(unit, count).map(|day| distance::widened(&(day..=day), ABOUT))
            }
            Span::Same(unit, outer, count) => self.ago(outer, count).map(|day| unit_of(unit, day)),
        };
        whole.map(|days| third(days, period.part)).into_iter().collect()
    }

    /// Where something that comes again falls within some days.
    pub fn each(&self, named: Named, part: Option<Part>, within: &Days) -> Vec<Days> {
        match named {
            Named::Weekday(number) => return weekdays(number, within),
            Named::Weekend => {
                return weekends(within).iter().filter_map(|days| shared(days, within)).collect();
            }
            _ => {}
        }
        // What begins in December may end in January, and the other way about.
        let years = within.start().year().saturating_sub(1)..=within.end().year().saturating_add(1);
        let found = years.filter_map(|year| match named {
            Named::ThisDay | Named::ThisWeek | Named::ThisMonth => self.of_today(named, year),
            _ => self::named(named, year),
        });
        found.filter_map(|days| shared(&third(days, part), within)).collect()
    }

    /// The last time that something came: that is over, or (with 0) that has begun.
    fn last(&self, named: Named, count: u16) -> Option<Days> {
        let today = self.today;
        let weeks = || today.saturating_sub((i32::from(count) + 2).weeks())..=today;
        let found = match named {
            Named::Weekday(number) => weekdays(number, &weeks()),
            Named::Weekend => weekends(&weeks()),
            _ => (today.year().saturating_sub(LOOK_BACK.max(i16::try_from(count).unwrap_or(i16::MAX)))
                ..=today.year().saturating_add(1))
                .filter_map(|year| self::named(named, year))
                .collect(),
        };
        let is_past = |days: &&Days| if count == 0 { *days.start() <= today } else { *days.end() < today };
        found.iter().rev().filter(is_past).nth(usize::from(count.saturating_sub(1))).cloned()
    }

    fn back(&self, unit: Unit, count: u16) -> Option<Days> {
        Some(unit_of(unit, self.ago(unit, count)?))
    }

    fn ago(&self, unit: Unit, count: u16) -> Option<Date> {
        self.today.checked_sub(distance::length(unit, count)?).ok()
    }

    /// Today's day, the week about it, or today's month, in a year.
    fn of_today(&self, named: Named, year: i16) -> Option<Days> {
        let (month, day) = (self.today.month(), self.today.day());
        match named {
            Named::ThisMonth => months(year, month, 1),
            // 29 February is not in every year.
            Named::ThisWeek => {
                let day = Date::new(year, month, day).or_else(|_| Date::new(year, month, day - 1)).ok()?;
                Some(unit_of(Unit::Week, day))
            }
            _ => Date::new(year, month, day).ok().map(|day| day..=day),
        }
    }
}

/// The day, week, month or year that a day lies in.
fn unit_of(unit: Unit, day: Date) -> Days {
    match unit {
        Unit::Day => day..=day,
        Unit::Week => holding(Frame::Week, day),
        Unit::Month => day.first_of_month()..=day.last_of_month(),
        Unit::Year => day.first_of_year()..=day.last_of_year(),
    }
}

/// The week that holds a day, or its weekend.
fn holding(frame: Frame, day: Date) -> Days {
    let monday = day.saturating_sub(i32::from(day.weekday().to_monday_zero_offset()).days());
    let first = if frame == Frame::Weekend { monday.saturating_add(5.days()) } else { monday };
    first..=monday.saturating_add(6.days())
}

/// What comes every year, as it begins in one.
fn named(named: Named, year: i16) -> Option<Days> {
    let day = |(month, day)| Date::new(year, month, day).ok();
    match named {
        Named::Day(of) => day(of).map(|day| day..=day),
        Named::Month(number) => months(year, number, 1),
        Named::Season(season) => {
            let first = match season {
                Season::Spring => 3,
                Season::Summer => 6,
                Season::Autumn => 9,
                Season::Winter => 12,
            };
            months(year, first, 3)
        }
        Named::Feast(which) => feast(which, year),
        Named::Span(from, (month, day)) => {
            let to_year = if (month, day) < from { year.checked_add(1)? } else { year };
            let last = Date::new(to_year, month, 1).ok()?.last_of_month();
            let to = Date::new(to_year, month, day).unwrap_or(last);
            Some(Date::new(year, from.0, from.1).ok()?..=to)
        }
        Named::Weekday(_) | Named::Weekend | Named::ThisDay | Named::ThisWeek | Named::ThisMonth => None,
    }
}

/// So many whole months from a month on.
fn months(year: i16, first: i8, count: i32) -> Option<Days> {
    let first = Date::new(year, first, 1).ok()?;
    Some(first..=first.saturating_add((count - 1).months()).last_of_month())
}

fn years(from: i16, to: i16) -> Option<Days> {
    let days = Date::new(from, 1, 1).ok()?..=Date::new(to, 12, 31).ok()?;
    (days.start() <= days.end()).then_some(days)
}

/// The weekends that some days touch.
fn weekends(within: &Days) -> Vec<Days> {
    let from = within.start().yesterday().unwrap_or(*within.start());
    let saturdays = weekdays(6, &(from..=*within.end()));
    saturdays.iter().map(|days| *days.start()..=days.start().saturating_add(1.days())).collect()
}

/// Every Monday (1), every Tuesday… of some days.
fn weekdays(number: i8, within: &Days) -> Vec<Days> {
    let Ok(weekday) = Weekday::from_monday_one_offset(number) else { return Vec::new() };
    let start = *within.start();
    let ahead = start.weekday().until(weekday);
    let first = start.checked_add(i32::from(ahead).days()).ok();
    let every = std::iter::successors(first, |day| day.checked_add(1.week()).ok());
    every.take_while(|day| day <= within.end()).map(|day| day..=day).collect()
}

/// A third of some days: of a year four months, of a decade four, three and three years, of a season a month, of a month ten
/// days, ten, and the rest. Of anything else there are no thirds.
fn third(days: Days, part: Option<Part>) -> Days {
    let Some(part) = part else { return days };
    let (first, last) = (*days.start(), *days.end());
    let count =
        (i32::from(last.year()) - i32::from(first.year())) * 12 + i32::from(last.month() - first.month()) + 1;
    if first != first.first_of_month() || last != last.last_of_month() {
        return days;
    }
    if count == 1 {
        let (from, to) = match part {
            Part::Early => (1, 10),
            Part::Middle => (11, 20),
            Part::Late => (21, last.day()),
        };
        let day = |day| Date::new(first.year(), first.month(), day).unwrap_or(first);
        return RangeInclusive::new(day(from), day(to));
    }
    let (one, two) = if count == 120 { (48, 84) } else { (count / 3, count * 2 / 3) };
    let (from, to) = match part {
        Part::Early => (0, one),
        Part::Middle => (one, two),
        Part::Late => (two, count),
    };
    let month = |ahead: i32| first.saturating_add(ahead.months());
    RangeInclusive::new(month(from), month(to - 1).last_of_month())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn thirds_of_what_has_whole_months_leave_no_day_out() {
        for days in [months(1912, 2, 1), months(1912, 12, 3), years(1912, 1912), years(1910, 1919)] {
            let days = days.unwrap();
            let thirds = [Part::Early, Part::Middle, Part::Late].map(|part| third(days.clone(), Some(part)));
            assert_eq!(super::super::days::union(thirds.to_vec()), [days]);
        }
    }

    #[test]
    fn the_last_of_something_is_over_and_this_has_begun() {
        let calendar = |today| Calendar { today, first: date(1900, 1, 1), last: date(2030, 1, 1) };
        let spring = Named::Season(Season::Spring);
        let april = calendar(date(2026, 4, 5));
        assert_eq!(april.last(spring, 1), months(2025, 3, 3));
        assert_eq!(april.last(spring, 0), months(2026, 3, 3));
        assert_eq!(april.last(spring, 2), months(2024, 3, 3));
        let sunday = date(2026, 4, 5);
        assert_eq!(april.last(Named::Weekday(7), 0), Some(sunday..=sunday));
        assert_eq!(april.last(Named::Weekday(7), 1), Some(date(2026, 3, 29)..=date(2026, 3, 29)));
    }
}
