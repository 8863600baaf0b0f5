//! How a length of time is called, in English.

use super::period::{Expression, Feast, MonthDay, Named, Part, Period, Season, Span, Unit};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A month's name; nothing for a number that is no month.
pub(super) fn month(number: i8) -> &'static str {
    nth(&MONTHS, number)
}

/// The entry of a table that is counted from 1.
fn nth(table: &[&'static str], number: i8) -> &'static str {
    usize::try_from(number - 1).ok().and_then(|i| table.get(i)).copied().unwrap_or_default()
}

/// What some words of a question were taken for.
pub(super) fn expression(expression: Expression) -> String {
    match expression {
        Expression::In(found) => period(found),
        Expression::Between(first, last) => format!("{} to {}", period(first), period(last)),
        Expression::Since(from) => format!("since {}", period(from)),
        Expression::After(from) => format!("after {}", period(from)),
        Expression::Before(to) => format!("before {}", period(to)),
        Expression::Until(to) => format!("until {}", period(to)),
        Expression::DayBefore(next) => format!("the day before {}", period(next)),
        Expression::DayAfter(last) => format!("the day after {}", period(last)),
    }
}

fn period(period: Period) -> String {
    let part = match period.part {
        None => "",
        Some(Part::Early) => "early ",
        Some(Part::Middle) => "mid ",
        Some(Part::Late) => "late ",
    };
    let whole = span(period.span);
    match whole.strip_prefix("every ") {
        Some(whole) if !part.is_empty() => format!("every {part}{whole}"),
        _ => format!("{part}{whole}"),
    }
}

fn span(span: Span) -> String {
    match span {
        Span::Each(Named::Weekend) => "weekends".to_owned(),
        Span::Each(Named::Weekday(day)) => format!("{}s", nth(&WEEKDAYS, day)),
        Span::Each(named @ (Named::Span(..) | Named::Day(_) | Named::ThisDay)) => {
            format!("{} of every year", self::named(named))
        }
        Span::Each(named) => format!("every {}", self::named(named)),
        Span::In(named, year) => format!("{} {year}", self::named(named)),
        Span::Year(year) => year.to_string(),
        Span::WinterFrom(year) => format!("winter {year}–{:02}", (i32::from(year) + 1).rem_euclid(100)),
        Span::Decade(year) => format!("the {year}s"),
        Span::Last(named, 0) => format!("this {}", self::named(named)),
        Span::Last(named, 1) => format!("last {}", self::named(named)),
        Span::Last(named, 2) => format!("the {} before last", self::named(named)),
        Span::Last(named, count) => format!("the {} {count} times ago", self::named(named)),
        Span::Back(unit, 0) => format!("this {}", self::unit(unit)),
        Span::Back(unit, 1) => format!("last {}", self::unit(unit)),
        Span::Back(unit, count) => format!("the {} {}", self::unit(unit), ago(unit, count)),
        Span::Past(unit, count) => format!("the last {}", counted(unit, count)),
        Span::Ago(Unit::Day, 0) => "today".to_owned(),
        Span::Ago(Unit::Day, 1) => "yesterday".to_owned(),
        Span::Ago(Unit::Day, count) => ago(Unit::Day, count),
        Span::Ago(unit, count) => format!("the day {}", ago(unit, count)),
        Span::About(unit, count) => format!("about {}", ago(unit, count)),
    }
}

fn named(named: Named) -> String {
    match named {
        Named::Day(day) => self::day(day),
        Named::Month(number) => month(number).to_owned(),
        Named::Season(season) => self::season(season).to_owned(),
        Named::Feast(feast) => self::feast(feast).to_owned(),
        Named::Span((from, 1), (to, 31)) => format!("{} to {}", month(from), month(to)),
        Named::Span(from, to) => format!("{} to {}", day(from), day(to)),
        Named::Weekday(day) => nth(&WEEKDAYS, day).to_owned(),
        Named::Weekend => "weekend".to_owned(),
        Named::ThisDay => "this day".to_owned(),
    }
}

fn day((of, day): MonthDay) -> String {
    format!("{day} {}", month(of))
}

fn season(season: Season) -> &'static str {
    match season {
        Season::Spring => "spring",
        Season::Summer => "summer",
        Season::Autumn => "autumn",
        Season::Winter => "winter",
    }
}

fn feast(feast: Feast) -> &'static str {
    match feast {
        Feast::Christmas => "Christmas",
        Feast::ChristmasEve => "Christmas Eve",
        Feast::ChristmasDay => "Christmas Day",
        Feast::BoxingDay => "Boxing Day",
        Feast::NewYear => "New Year",
        Feast::NewYearsEve => "New Year’s Eve",
        Feast::NewYearsDay => "New Year’s Day",
        Feast::Easter => "Easter",
        Feast::MayDay => "May Day",
        Feast::Halloween => "Halloween",
        Feast::Valentine => "Valentine’s Day",
    }
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Day => "day",
        Unit::Week => "week",
        Unit::Month => "month",
        Unit::Year => "year",
    }
}

fn counted(unit: Unit, count: u16) -> String {
    format!("{count} {}{}", self::unit(unit), if count == 1 { "" } else { "s" })
}

fn ago(unit: Unit, count: u16) -> String {
    format!("{} ago", counted(unit, count))
}
