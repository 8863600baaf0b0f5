//! Dates in the brackets of a jrnl file that no one writes by hand, but that its `timeformat` can ask for: `20191213 0905`,
//! `2019-12-13-09-05`, `13 Dec 19`, `09:05, 13 December 2019`, seconds since 1970.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use regex::{Captures, Regex};

use crate::journal::syntax::stamps::{self, Stamp};

/// Years of two digits up to this one are of this century.
const LAST_OF_2000: i32 = 69;

/// Year, month, day, hour, minute and second by name, as far as they are there.
static NUMBERS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let clock = r"(?P<h>\d\d)[:.h-]?(?P<m>\d\d)(?:[:.-]?(?P<s>\d\d))?";
    [
        format!(r"^(?P<y>\d{{4}})(?P<mo>\d\d)(?P<d>\d\d)(?:[ T_-]?{clock})?$"),
        format!(r"^(?P<y>\d{{4}})[-/.](?P<mo>\d\d)[-/.](?P<d>\d\d)[ T_-]{clock}$"),
        format!(r"^(?P<y>\d\d)-(?P<mo>\d\d)-(?P<d>\d\d)(?:[ T_]{clock})?$"),
        format!(r"^(?P<y>\d\d)(?P<mo>\d\d)(?P<d>\d\d) {clock}$"),
    ]
    .map(|pattern| Regex::new(&pattern).expect("a pattern that is tested"))
    .into()
});

static WORDS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^(?P<d>\d{1,2})[ -]?(?P<mo>\p{L}{3,})\.?[ -]?(?P<y>\d{4}|\d\d)(?:,? (?P<h>\d\d):?(?P<m>\d\d))?$",
    )
    .expect("a pattern that is tested")
});

static CLOCK_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?P<clock>\d{1,2}:\d\d(?::\d\d)?),? (?P<day>\D?.*\d.*)$").expect("a pattern that is tested")
});

/// Reads such a date.
pub fn read(text: &str) -> Option<Stamp> {
    if text.len() == 10 && text.starts_with('1') && text.bytes().all(|b| b.is_ascii_digit()) {
        let at = Timestamp::from_second(text.parse().ok()?).ok()?.to_zoned(TimeZone::UTC).datetime();
        return stamps::read(&at.strftime("%Y-%m-%d %H:%M:%S").to_string());
    }
    if let Some(found) = NUMBERS.iter().find_map(|pattern| pattern.captures(text)) {
        let day = format!("{}-{}-{}", year(&found["y"]), &found["mo"], &found["d"]);
        return stamps::read(&(day + &clock(&found)));
    }
    if let Some(found) = WORDS.captures(text) {
        let day = format!("{} {} {}", &found["d"], &found["mo"], year(&found["y"]));
        return stamps::read(&(day + &clock(&found)));
    }
    let found = CLOCK_FIRST.captures(text)?;
    stamps::read(&format!("{} {}", &found["day"], &found["clock"]))
}

fn year(written: &str) -> String {
    match written.parse::<i32>() {
        Ok(short) if written.len() == 2 => {
            (short + if short > LAST_OF_2000 { 1900 } else { 2000 }).to_string()
        }
        _ => written.to_string(),
    }
}

fn clock(found: &Captures) -> String {
    let part = |name: &str| found.name(name).map(|part| part.as_str());
    let Some((hour, minute)) = part("h").zip(part("m")) else { return String::new() };
    format!(" {hour}:{minute}:{}", part("s").unwrap_or("00"))
}
