//! Which days a feast is.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::days::Days;
use super::period::Feast;

/// The days of a feast that begins in a year.
pub(super) fn feast(feast: Feast, year: i16) -> Option<Days> {
    let between = |(month, day), count: i32| {
        let first = Date::new(year, month, day).ok()?;
        Some(first..=first.saturating_add((count - 1).days()))
    };
    match feast {
        Feast::Christmas => between((12, 24), 3),
        Feast::ChristmasEve => between((12, 24), 1),
        Feast::ChristmasDay => between((12, 25), 1),
        Feast::BoxingDay => between((12, 26), 1),
        Feast::NewYear => Some(Date::new(year, 1, 1).ok()?.yesterday().ok()?..=Date::new(year, 1, 1).ok()?),
        Feast::NewYearsEve => between((12, 31), 1),
        Feast::NewYearsDay => between((1, 1), 1),
        Feast::MayDay => between((5, 1), 1),
        Feast::Halloween => between((10, 31), 1),
        Feast::Valentine => between((2, 14), 1),
        Feast::AshWednesday => about_easter(year, -46, -46),
        Feast::PalmSunday => about_easter(year, -7, -7),
        Feast::GoodFriday => about_easter(year, -2, -2),
        Feast::Easter => about_easter(year, -2, 1),
        Feast::EasterSunday => about_easter(year, 0, 0),
        Feast::EasterMonday => about_easter(year, 1, 1),
        Feast::Whitsun => about_easter(year, 49, 50),
    }
}

/// The days from so many after Easter Sunday to so many after it.
fn about_easter(year: i16, from: i32, to: i32) -> Option<Days> {
    let sunday = easter(year)?;
    Some(sunday.saturating_add(from.days())..=sunday.saturating_add(to.days()))
}

/// Easter Sunday in the Gregorian calendar: the Sunday after the fourteenth day of the first moon of spring, by the tables of 1582.
fn easter(year: i16) -> Option<Date> {
    let year_number = i32::from(year);
    let century = year_number.div_euclid(100);
    let golden = year_number.rem_euclid(19);
    // What the tables' moon has gained on the calendar: leap days left out, and a day in about 312 years.
    let solar = century - century.div_euclid(4);
    let lunar = (8 * century + 13).div_euclid(25);
    let mut age = (solar - lunar + 19 * golden + 15).rem_euclid(30);
    // Two of the moons of spring are a day shorter, so that no two years of a cycle share one.
    if age == 29 || (age == 28 && golden > 10) {
        age -= 1;
    }
    let full_moon = Date::new(year, 3, 21).ok()?.saturating_add(age.days());
    full_moon.nth_weekday(1, Weekday::Sunday).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn easter_falls_where_it_fell() {
        for (year, month, day) in [
            (1818, 3, 22),
            (1912, 4, 7),
            (1913, 3, 23),
            (1943, 4, 25),
            (1954, 4, 18),
            (1981, 4, 19),
            (2024, 3, 31),
            (2049, 4, 18),
        ] {
            assert_eq!(easter(year), Some(date(year, month, day)));
        }
    }
}
