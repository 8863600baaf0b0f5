//! Sets of days, as ranges.

use std::ops::RangeInclusive;

use jiff::civil::Date;

use super::names;

/// Days from one to another, both included.
pub(super) type Days = RangeInclusive<Date>;

/// The same days in order, none twice, with nothing between two ranges left out that touches both.
pub(super) fn union(mut all: Vec<Days>) -> Vec<Days> {
    all.retain(|days| days.start() <= days.end());
    all.sort_by_key(|days| *days.start());
    let mut union: Vec<Days> = Vec::with_capacity(all.len());
    for days in all {
        match union.last_mut() {
            Some(last) if *days.start() <= last.end().tomorrow().unwrap_or(Date::MAX) => {
                *last = *last.start()..=*last.end().max(days.end());
            }
            _ => union.push(days),
        }
    }
    union
}

/// What two ranges share.
pub(super) fn shared(a: &Days, b: &Days) -> Option<Days> {
    let shared = *a.start().max(b.start())..=*a.end().min(b.end());
    (shared.start() <= shared.end()).then_some(shared)
}

/// `3 Mar 2014`, `1 Mar – 31 May 1912`, `1 Dec 1912 – 28 Feb 1913`.
pub(super) fn written(days: &Days) -> String {
    let (first, last) = (*days.start(), *days.end());
    if first == last {
        day(first)
    } else if first.year() == last.year() {
        format!("{} – {}", day_and_month(first), day(last))
    } else {
        format!("{} – {}", day(first), day(last))
    }
}

/// `3 Mar 2014`.
pub(super) fn day(date: Date) -> String {
    format!("{} {}", day_and_month(date), date.year())
}

fn day_and_month(date: Date) -> String {
    let month = names::month(date.month());
    format!("{} {}", date.day(), month.get(..3).unwrap_or(month))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days_that_touch_are_one_range_and_days_apart_are_two() {
        let (a, b) = (date(1912, 1, 1)..=date(1912, 1, 31), date(1912, 2, 1)..=date(1912, 2, 29));
        let c = date(1912, 3, 2)..=date(1912, 3, 5);
        let backwards = RangeInclusive::new(date(1912, 3, 9), date(1912, 3, 8));
        let found = union(vec![c.clone(), b, backwards, a.clone(), a]);
        assert_eq!(found, [date(1912, 1, 1)..=date(1912, 2, 29), c]);
    }

    #[test]
    fn a_range_names_its_year_once_where_it_has_one() {
        assert_eq!(written(&(date(1912, 3, 1)..=date(1912, 5, 31))), "1 Mar – 31 May 1912");
        assert_eq!(written(&(date(1912, 12, 1)..=date(1913, 2, 28))), "1 Dec 1912 – 28 Feb 1913");
        assert_eq!(written(&(date(2014, 9, 3)..=date(2014, 9, 3))), "3 Sep 2014");
    }
}
