//! How far days lie from others: `two weeks before`, `the month after`.

use jiff::ToSpan;
use jiff::civil::Date;

use super::days::Days;
use super::period::{Side, Unit};

/// So many days about a day that is weeks, months or years away from another: nobody counts them.
const LOOSE: [(Unit, i32); 3] = [(Unit::Week, 3), (Unit::Month, 7), (Unit::Year, 7)];

/// A length of time; none where it is beyond the calendar.
pub(super) fn length(unit: Unit, count: u16) -> Option<jiff::Span> {
    let count = i32::from(count);
    match unit {
        Unit::Day => Some(count.days()),
        Unit::Week => Some(count.weeks()),
        Unit::Month => jiff::Span::new().try_months(count).ok(),
        Unit::Year => jiff::Span::new().try_years(count).ok(),
    }
}

/// A day so far away on one side.
fn moved(day: Date, side: Side, unit: Unit, count: u16) -> Option<Date> {
    let length = length(unit, count)?;
    match side {
        Side::Before => day.checked_sub(length).ok(),
        Side::After => day.checked_add(length).ok(),
    }
}

/// `two weeks before`: the days about the day that is so far away. Of what is itself as long as the unit, the unit that lies so far
/// away: `two years before 1914` is 1912.
pub(super) fn away(days: &Days, side: Side, unit: Unit, count: u16) -> Option<Days> {
    let (first, last) = (*days.start(), *days.end());
    if unit == Unit::Day || last < moved(first, Side::After, unit, 1)?.yesterday().ok()? {
        let from = if unit == Unit::Day && side == Side::After { last } else { first };
        let to = if unit == Unit::Day && side == Side::Before { first } else { last };
        let found = moved(from, side, unit, count)?..=moved(to, side, unit, count)?;
        let loose = LOOSE.iter().find(|(of, _)| *of == unit && first == last);
        return Some(loose.map_or(found.clone(), |(_, days)| widened(&found, *days)));
    }
    let before = count.checked_sub(1)?;
    match side {
        Side::Before => {
            Some(moved(first, side, unit, count)?..=moved(first, side, unit, before)?.yesterday().ok()?)
        }
        Side::After => {
            let next = last.tomorrow().ok()?;
            Some(moved(next, side, unit, before)?..=moved(next, side, unit, count)?.yesterday().ok()?)
        }
    }
}

/// `the two weeks before`: all days up to it, or from it on.
pub(super) fn all(days: &Days, side: Side, unit: Unit, count: u16) -> Option<Days> {
    match side {
        Side::Before => Some(moved(*days.start(), side, unit, count)?..=days.start().yesterday().ok()?),
        Side::After => {
            let next = days.end().tomorrow().ok()?;
            Some(next..=moved(next, side, unit, count)?.yesterday().ok()?)
        }
    }
}

/// The same with so many days more on each side.
pub(super) fn widened(days: &Days, by: i32) -> Days {
    days.start().saturating_sub(by.days())..=days.end().saturating_add(by.days())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_distance_is_counted_from_the_nearer_end() {
        let day = date(1912, 3, 31)..=date(1912, 3, 31);
        assert_eq!(away(&day, Side::Before, Unit::Day, 2), Some(date(1912, 3, 29)..=date(1912, 3, 29)));
        assert_eq!(away(&day, Side::Before, Unit::Week, 2), Some(date(1912, 3, 14)..=date(1912, 3, 20)));
        assert_eq!(away(&day, Side::Before, Unit::Month, 1), Some(date(1912, 2, 22)..=date(1912, 3, 7)));
        let march = date(1912, 3, 1)..=date(1912, 3, 31);
        assert_eq!(away(&march, Side::After, Unit::Day, 1), Some(date(1912, 4, 1)..=date(1912, 4, 1)));
        assert_eq!(away(&march, Side::Before, Unit::Month, 2), Some(date(1912, 1, 1)..=date(1912, 1, 31)));
        assert_eq!(away(&march, Side::After, Unit::Month, 2), Some(date(1912, 5, 1)..=date(1912, 5, 31)));
        assert_eq!(away(&march, Side::Before, Unit::Year, 2), Some(date(1910, 3, 1)..=date(1910, 3, 31)));
        assert_eq!(all(&march, Side::Before, Unit::Week, 1), Some(date(1912, 2, 23)..=date(1912, 2, 29)));
        assert_eq!(all(&day, Side::After, Unit::Month, 1), Some(date(1912, 4, 1)..=date(1912, 4, 30)));
        assert_eq!(away(&(Date::MIN..=Date::MIN), Side::Before, Unit::Week, 2), None);
        assert_eq!(all(&march, Side::After, Unit::Year, u16::MAX), None);
    }
}
