//! How a length of time is called, in English.

use super::period::{
    Distance, Expression, Feast, Frame, MonthDay, Named, Nth, Part, Period, Piece, Season, Side, Span, Unit,
};

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
/// What [`Nth::First`] counts.
pub(super) const ORDINALS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];
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
        Expression::Beside(how_far, side, from) => {
            let side = if side == Side::Before { "before" } else { "after" };
            format!("{} {side} {}", distance(how_far), period(from))
        }
        Expression::Around(found) => format!("around {}", period(found)),
        Expression::Holding(Frame::Week, found) => format!("the week of {}", period(found)),
        Expression::Holding(Frame::Weekend, found) => format!("the weekend of {}", period(found)),
        Expression::Nth(nth, piece, found) => {
            let which = match nth {
                Nth::Last => "last",
                Nth::First(count) => ORDINALS.get(usize::from(count) - 1).copied().unwrap_or_default(),
            };
            let piece = match piece {
                Piece::Unit(of) => unit(of).to_owned(),
                Piece::Named(of) => named(of),
            };
            format!("the {which} {piece} of {}", period(found))
        }
    }
}

fn distance(distance: Distance) -> String {
    match distance {
        Distance::All(of, 1) => format!("the {}", unit(of)),
        Distance::All(of, count) => format!("the {}", counted(of, count)),
        Distance::Away(Unit::Day, 1) => "the day".to_owned(),
        Distance::Away(of, count) => counted(of, count),
        Distance::Nearest(named) => format!("the {}", self::named(named)),
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
        Span::Each(
            named @ (Named::Span(..) | Named::Day(_) | Named::ThisDay | Named::ThisWeek | Named::ThisMonth),
        ) => {
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
        Span::Same(of, outer, 1) => format!("this {} last {}", unit(of), unit(outer)),
        Span::Same(of, outer, count) => format!("this {} {}", unit(of), ago(outer, count)),
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
        Named::ThisWeek => "this week".to_owned(),
        Named::ThisMonth => "this month".to_owned(),
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
        Feast::AshWednesday => "Ash Wednesday",
        Feast::PalmSunday => "Palm Sunday",
        Feast::GoodFriday => "Good Friday",
        Feast::Easter => "Easter",
        Feast::EasterSunday => "Easter Sunday",
        Feast::EasterMonday => "Easter Monday",
        Feast::Whitsun => "Whitsun",
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
