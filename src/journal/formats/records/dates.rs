//! Dates as records hold them: ISO 8601, mail's and X's forms, seconds or milliseconds since 1970, or as people write.

use std::sync::LazyLock;

use jiff::civil::{Date, Time};
use jiff::fmt::{rfc2822, strtime};
use jiff::{Timestamp, ToSpan, Zoned};
use regex::Regex;
use serde_json::Value;

use crate::journal::dates::{self, Reading};
use crate::journal::format::{DateOrder, When};
use crate::journal::syntax::csv::Record;
use crate::journal::syntax::stamps;

/// When a record was written; `zone` is where, should the date be an instant.
pub(super) fn when(value: &Value, zone: Option<&str>, month_first: bool) -> Option<When> {
    let when = match value {
        Value::Number(number) => {
            stamps::in_one_number(&number.to_string()).or_else(|| number_since_1970(number.as_f64()?))
        }
        Value::String(text) => written(text.trim(), month_first),
        Value::Object(fields) => of_database(fields),
        _ => None,
    }?;
    match when.instant() {
        Some(instant) if zone.is_some() => Some(When::at(instant, zone)),
        _ => Some(when),
    }
}

/// Whether a date is no more than a number.
pub(super) fn is_number(value: &Value) -> bool {
    value.is_number() || value.as_str().is_some_and(|text| text.trim().parse::<f64>().is_ok())
}

/// A date as databases export it: MongoDB's `{"$date": …}`, Firestore's `{"seconds": …}`, Google's `{"timestamp": …}`, Parse's `{"iso": …}`.
fn of_database(fields: &Record) -> Option<When> {
    let date = ["$date", "$numberLong", "iso", "dateTime", "date", "timestamp"]
        .iter()
        .find_map(|name| fields.get(*name));
    let seconds = || ["seconds", "_seconds"].iter().find_map(|name| fields.get(*name));
    when(date.or_else(seconds)?, None, false)
}

/// Seconds, milliseconds, microseconds or nanoseconds, told by their size: 1973 is the first year of each.
fn number_since_1970(number: f64) -> Option<When> {
    let millis = match number {
        3e4..6e4 => return of_spreadsheet(number),
        1e7..1e8 => return stamps::compact(number as i32).map(When::day),
        1e8..1e11 => number * 1e3,
        1e11..1e14 => number,
        1e14..1e17 => number / 1e3,
        // .NET's ticks, of 100 ns since the year 1; as nanoseconds these would all be of 1989 to 1991.
        6.2e17..6.6e17 => (number - TICKS_1970) / 1e4,
        1e17..1e20 => number / 1e6,
        _ => return None,
    };
    // A day centuries ahead is no day.
    When::at_millis(millis as i64, None).filter(|when| when.day.year() < 2200)
}

const TICKS_1970: f64 = 621_355_968e9;

/// Days since the end of 1899, as spreadsheets count them: 1982 to 2064.
fn of_spreadsheet(days: f64) -> Option<When> {
    let seconds = (days.fract() * 86_400.0).round().min(86_399.0) as i32;
    let day = Date::constant(1899, 12, 30).checked_add((days.trunc() as i64).days()).ok()?;
    let time = Time::new((seconds / 3600) as i8, (seconds / 60 % 60) as i8, (seconds % 60) as i8, 0).ok()?;
    Some(When { day, time: (seconds > 0).then_some(time), offset: None })
}

/// Whether a date leaves nothing open: ISO 8601, a mail's, or a number.
pub(super) fn is_plain(value: &Value) -> bool {
    match value {
        Value::String(text) => plain(text.trim()).is_some(),
        Value::Number(_) => true,
        _ => false,
    }
}

/// The day of such a date, where it is written out.
pub(super) fn plain_day(value: &Value) -> Option<Date> {
    let text = value.as_str()?.trim();
    let is_number = text.parse::<f64>().is_ok();
    (!is_number).then(|| plain(text)).flatten().map(|when| when.day)
}

/// The day that a date as people write it may mean.
pub(super) fn said(text: &str) -> Option<Reading> {
    dates::recognise(text.trim()).map(|line| line.reading)
}

fn written(text: &str, month_first: bool) -> Option<When> {
    plain(text).or_else(|| by_hand(text, month_first))
}

fn plain(text: &str) -> Option<When> {
    // The standard takes eight digits for a date and ten for nothing; both are numbers first.
    if let Ok(number) = text.parse::<f64>() {
        return stamps::in_one_number(text).or_else(|| number_since_1970(number));
    }
    if let Some(millis) = text.strip_prefix("/Date(").and_then(|rest| rest.strip_suffix(")/")) {
        let end = millis.rfind(['+', '-']).filter(|at| *at > 0).unwrap_or(millis.len());
        return number_since_1970(millis[..end].parse().ok()?);
    }
    text.parse().ok().or_else(|| closed_up(text).parse().ok()).or_else(|| named(text))
}

/// `2024-01-05 09:30:00 +0100` and `… UTC` without the space, as the standard has it.
fn closed_up(text: &str) -> String {
    let text = text
        .strip_suffix(" UTC")
        .or(text.strip_suffix(" GMT"))
        .map_or(text.to_string(), |at| format!("{at}Z"));
    text.replace(" +", "+").replace(" -", "-")
}

/// `Fri, 05 Jan 2024 09:30:00 +0100`; `Fri Jan 05 09:30:00 +0000 2024`.
fn named(text: &str) -> Option<When> {
    let of = |at: Zoned| When { day: at.date(), time: Some(at.time()), offset: Some(at.offset()) };
    if let Ok(at) = rfc2822::parse(text) {
        return Some(of(at));
    }
    let instant: Option<Timestamp> =
        strtime::parse("%a %b %d %H:%M:%S %z %Y", text).and_then(|parsed| parsed.to_timestamp()).ok();
    instant.map(|instant| When::at(instant, None))
}

/// `5 January 2024 at 9:30`, `1/5/24, 9:30 PM`.
fn by_hand(text: &str, month_first: bool) -> Option<When> {
    let day = match dates::recognise(text) {
        Some(line) => line.reading.day(month_first),
        None => short_month(text)?,
    };
    Some(When { day, time: clock(text), offset: None })
}

/// `05-Mar-24`, as spreadsheets show a day.
fn short_month(text: &str) -> Option<Date> {
    let day = text.split_whitespace().next()?;
    let long = || Date::strptime("%d-%b-%Y", day).ok().filter(|day| day.year() > 1000);
    long().or_else(|| Date::strptime("%d-%b-%y", day).ok())
}

/// The time of day in a text.
pub(super) fn clock(text: &str) -> Option<Time> {
    static CLOCK: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r"(?i)(?:^|[^\d:])(\d{1,2}):(\d{2})(?::(\d{2}))?(?:[.,]\d+)?\s*(?:([ap])\.?m\b)?";
        Regex::new(pattern).expect("a pattern")
    });
    let found = CLOCK.captures(text)?;
    let number = |i| found.get(i).map_or(Some(0), |part| part.as_str().parse::<i8>().ok());
    let hour = match found.get(4).map(|half| half.as_str().to_ascii_lowercase()) {
        Some(half) => {
            number(1).filter(|hour| (1..=12).contains(hour))? % 12 + if half == "p" { 12 } else { 0 }
        }
        None => number(1)?,
    };
    Time::new(hour, number(2)?, number(3)?, 0).ok()
}

/// What the dates of a file say of dates that leave day and month open.
#[derive(Default)]
pub(super) struct Evidence {
    decided: Option<bool>,
    /// A date was met whose two readings differ.
    open: bool,
    last: Option<[Date; 2]>,
    /// Dates that follow the one before, and that go before it, read day first and month first.
    forward: [usize; 2],
    backward: [usize; 2],
}

impl Evidence {
    /// Weighs a date; false where no further one is needed.
    pub fn weigh(&mut self, value: Option<&Value>) -> bool {
        let Some(text) = value.and_then(Value::as_str).filter(|text| !text.trim().is_empty()) else {
            return true;
        };
        let Some(Reading::DayMonth { day_first, month_first }) =
            dates::recognise(text).map(|line| line.reading)
        else {
            return false;
        };
        let (Some(day), Some(month)) = (day_first, month_first) else {
            self.decided = Some(month_first.is_some());
            return false;
        };
        self.open |= day != month;
        for (order, now) in [day, month].into_iter().enumerate() {
            if let Some(last) = self.last {
                self.forward[order] += usize::from(last[order] <= now);
                self.backward[order] += usize::from(last[order] >= now);
            }
        }
        self.last = Some([day, month]);
        true
    }

    /// Whether the month comes first, and whether that is a guess.
    pub fn month_first(&self, asked: Option<DateOrder>) -> (bool, bool) {
        if let Some(order) = asked {
            return (order == DateOrder::Mdy, false);
        }
        let in_order = |order: usize| self.forward[order].max(self.backward[order]);
        let (day, month) = (in_order(0), in_order(1));
        let by_sequence = (day != month).then_some(month > day);
        let decided = self.decided.or(by_sequence);
        (decided.unwrap_or(false), decided.is_none() && self.open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn dates_in_all_their_forms() {
        let shown = |value: Value| when(&value, None, false).map(|when| when.to_string()).unwrap_or_default();
        for (value, expected) in [
            (json!("2024-01-05"), "2024-01-05"),
            (json!("2024-01-05T09:30:00.123Z"), "2024-01-05T09:30:00+00:00"),
            (json!("2024-01-05 09:30:00 +0100"), "2024-01-05T09:30:00+01:00"),
            (json!("2024-01-05 09:30:00 UTC"), "2024-01-05T09:30:00+00:00"),
            (json!("Fri, 05 Jan 2024 09:30:00 -0500"), "2024-01-05T09:30:00-05:00"),
            (json!("Fri Jan 05 09:30:00 +0000 2024"), "2024-01-05T09:30:00+00:00"),
            (json!(1704447000), "2024-01-05T09:30:00+00:00"),
            (json!(1704447000.5), "2024-01-05T09:30:00+00:00"),
            (json!(1704447000000u64), "2024-01-05T09:30:00+00:00"),
            (json!("1704447000000000"), "2024-01-05T09:30:00+00:00"),
            (json!(20240105), "2024-01-05"),
            (json!("20240105"), "2024-01-05"),
            (json!("20240105093000000"), "2024-01-05T09:30:00+00:00"),
            (json!(20240105093000u64), "2024-01-05T09:30:00"),
            (json!(20241305093000u64), ""),
            (json!("21:15 05/03/2024"), "2024-03-05T21:15:00"),
            (json!("Friday, 5 January 2024 at 9:30 PM"), "2024-01-05T21:30:00"),
            (json!("1/2/2024 12:05 a.m."), "2024-02-01T00:05:00"),
            (json!("2024/01/05 09:30"), "2024-01-05T09:30:00"),
            (json!("202401050930"), "2024-01-05T09:30:00"),
            (json!(638400438000000000u64), "2024-01-05T09:30:00+00:00"),
            (json!(45296.395833), "2024-01-05T09:30:00"),
            (json!("45296"), "2024-01-05"),
            (json!("/Date(1704447000000+0100)/"), "2024-01-05T09:30:00+00:00"),
            (json!("05-Jan-24"), "2024-01-05"),
            (json!("5-Jan-2024 09:30"), "2024-01-05T09:30:00"),
            (json!({"$date": "2024-01-05T09:30:00Z"}), "2024-01-05T09:30:00+00:00"),
            (json!({"$date": {"$numberLong": "1704447000000"}}), "2024-01-05T09:30:00+00:00"),
            (json!({"_seconds": 1704447000, "_nanoseconds": 0}), "2024-01-05T09:30:00+00:00"),
            (json!({"a": 1}), ""),
            (json!("someday"), ""),
            (json!(7), ""),
            (json!(-1e300), ""),
            (json!(null), ""),
            (json!(["2024"]), ""),
        ] {
            assert_eq!(shown(value.clone()), expected, "{value}");
        }
        let in_paris = when(&json!("2024-01-05T23:30:00Z"), Some("Europe/Paris"), false);
        assert_eq!(in_paris.unwrap().to_string(), "2024-01-06T00:30:00+01:00");
    }

    #[test]
    fn day_and_month_are_told_apart() {
        let told = |dates: &[&str]| {
            let mut evidence = Evidence::default();
            let _ = dates.iter().all(|date| evidence.weigh(Some(&json!(date))));
            evidence.month_first(None)
        };
        assert_eq!(told(&["1/2/2024", "1/13/2024"]), (true, false));
        assert_eq!(told(&["1/2/2024", "13/1/2024"]), (false, false));
        assert_eq!(told(&["1/2/2024", "1/3/2024", "2/1/2024"]), (true, false));
        assert_eq!(told(&["1/2/2024"]), (false, true));
        assert_eq!(told(&["2/2/2024", "", "x"]), (false, false));
        assert_eq!(Evidence::default().month_first(Some(DateOrder::Mdy)), (true, false));
    }

    #[test]
    fn clocks() {
        assert_eq!(clock("at 09:30:15").unwrap().to_string(), "09:30:15");
        assert_eq!(clock("12:00 PM").unwrap().to_string(), "12:00:00");
        assert!(["", "25:00", "13:00 pm", "9 pm", "1:2"].iter().all(|text| clock(text).is_none()));
    }
}
