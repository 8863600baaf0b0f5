//! The time of day that follows a date, and its distance from UTC.

use jiff::civil::Time;
use jiff::tz::Offset;

use super::scan::Cursor;

/// A time as it stands behind a date.
#[derive(Clone, Copy)]
pub struct Clock {
    /// None for 24:00, which may be either end of the day.
    pub time: Option<Time>,
    pub offset: Option<Offset>,
    /// It is written as clocks and apps write it, with minutes and with neither a word nor a dash before it.
    pub plain: bool,
}

const BEFORE_A_TIME: &[&str] = &["at", "um", "à", "alle", "om", "às", "kl"];
const AFTER_A_TIME: &[&str] = &[
    "am",
    "pm",
    "a.m.",
    "p.m.",
    "a.m",
    "p.m",
    "a. m.",
    "p. m.",
    "a.\u{a0}m.",
    "p.\u{a0}m.",
    "uhr",
    "h",
    "hrs",
];
/// East Asian halves of the day, before a time: whether it is the second.
const HALF_DAYS: [(&str, bool); 6] =
    [("上午", false), ("下午", true), ("午前", false), ("午後", true), ("오전", false), ("오후", true)];
/// Zones that say no offset: many a short name means more than one place.
const ZONES: &[&str] = &[
    "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT", "AKST", "AKDT", "HST", "AST", "ADT", "NST",
    "NDT", "BRT", "BST", "IST", "WET", "WEST", "CET", "CEST", "MEZ", "MESZ", "EET", "EEST", "MSK", "SAST",
    "SGT", "HKT", "JST", "KST", "AWST", "ACST", "ACDT", "AEST", "AEDT", "NZST", "NZDT",
];

impl Cursor<'_> {
    /// A time after a date: `, 9:30`, ` at 9 pm`, `T09:30:00+01:00`, ` (21.30 Uhr)`.
    pub fn time(&mut self) -> Option<Clock> {
        let glued = self.eat_any(&['T', 't']).is_some();
        let mut sign = None;
        if !glued {
            let spaced = self.spaces();
            sign = self.eat_any(&[',', '@', '-', '–', '—']);
            if !(spaced | self.spaces() | sign.is_some()) {
                return None;
            }
        }
        let worded = !glued && self.eat_word(BEFORE_A_TIME);
        if worded {
            self.eat(".");
            self.spaces();
        }
        let bracket = self.eat_any(&['(', '[']);
        let hour = self.small().filter(|hour| *hour <= 24)?;
        let minutes = self.minutes();
        let before_suffix = self.at;
        self.spaces();
        let suffix = self.suffix();
        if suffix.is_none() {
            self.at = before_suffix;
        }
        if minutes.is_none() && suffix.is_none() {
            return None;
        }
        let offset = self.zone();
        if bracket.is_some() {
            self.eat_any(&[')', ']'])?;
        }
        if self.peek().is_some_and(char::is_alphanumeric) {
            return None;
        }
        let time = time_of_day(hour, minutes, suffix);
        let plain = minutes.is_some() && !worded && matches!(sign, None | Some(','));
        Some(Clock { time, offset: offset.filter(|_| time.is_some()), plain })
    }

    /// A time before a date, as editors stamp it: `21:15 05/03/2024`, `9:15 PM, March 5, 2024`, `下午 9:15 2024/3/5`.
    pub fn time_before(&mut self) -> Option<Clock> {
        let half = HALF_DAYS.iter().find(|(word, _)| self.eat(word));
        self.spaces();
        let hour = self.small().filter(|hour| *hour < 24)?;
        let minutes = self.minutes()?;
        let before_suffix = self.at;
        self.spaces();
        let behind = self.suffix();
        if behind.is_none() {
            self.at = before_suffix;
        }
        let suffix = half.map(|(_, second)| if *second { "pm" } else { "am" }).or(behind);
        let spaced = self.spaces();
        let sign = self.eat_any(&[',', '-', '–', '—', '|']);
        if !(spaced | self.spaces()) && sign.is_none() {
            return None;
        }
        Some(Clock { time: time_of_day(hour, Some(minutes), suffix), offset: None, plain: true })
    }

    /// `:30`, `:30:15.250`, `h30`, `.30`: minutes and seconds.
    fn minutes(&mut self) -> Option<(i8, i8)> {
        let start = *self;
        let two =
            |c: &mut Self| c.number().filter(|(n, digits)| *digits == 2 && *n < 60).map(|(n, _)| n as i8);
        let minutes = self.eat_any(&[':', '.', 'h']).and_then(|_| two(self));
        let Some(minutes) = minutes else {
            *self = start;
            return None;
        };
        let before_seconds = *self;
        let seconds = if self.eat(":") { two(self) } else { None };
        let Some(seconds) = seconds else {
            *self = before_seconds;
            return Some((minutes, 0));
        };
        let before_fraction = *self;
        if !(self.eat(".") && self.number().is_some()) {
            *self = before_fraction;
        }
        Some((minutes, seconds))
    }

    fn suffix(&mut self) -> Option<&'static str> {
        let found = AFTER_A_TIME.iter().filter(|s| {
            let word = self.rest().get(..s.len());
            word.is_some_and(|w| w.eq_ignore_ascii_case(s))
                && !self.rest()[s.len()..].starts_with(char::is_alphanumeric)
        });
        let longest = found.max_by_key(|s| s.len())?;
        self.at += longest.len();
        Some(longest)
    }

    /// `Z`, `+01:00`, ` +0100`, ` UTC`, ` GMT+2`, or ` CET` with no word behind it: the day stays the writer's own.
    fn zone(&mut self) -> Option<Offset> {
        let start = *self;
        if self.eat_any(&['Z', 'z']).is_some() {
            return Some(Offset::UTC);
        }
        self.spaces();
        let closes = |after: &str| after.starts_with([']', ')']) || !after.contains(char::is_alphanumeric);
        if let Some(name) = ZONES.iter().find(|name| self.rest().strip_prefix(**name).is_some_and(closes)) {
            self.at += name.len();
            return None;
        }
        let named = self.eat_word(&["utc", "gmt"]);
        let end_of_name = *self;
        if let Some(offset) = self.offset(named) {
            return Some(offset);
        }
        *self = if named { end_of_name } else { start };
        named.then_some(Offset::UTC)
    }

    /// `+01:00`, `-0330`; after a name hours alone will do.
    fn offset(&mut self, named: bool) -> Option<Offset> {
        let sign = if self.eat_any(&['+', '-'])? == '-' { -1 } else { 1 };
        let (hours, minutes) = match self.number()? {
            (n, 4) => (n / 100, n % 100),
            (n, 2) if self.eat(":") => (n, self.small()?.into()),
            (n, 1..=2) if named => (n, 0),
            _ => return None,
        };
        Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
    }
}

/// 12 am is midnight, 12 pm is noon.
fn time_of_day(hour: i8, minutes: Option<(i8, i8)>, suffix: Option<&str>) -> Option<Time> {
    let hour = match suffix.and_then(|suffix| suffix.chars().next()) {
        Some('a') if hour == 12 => 0,
        Some('p') if hour < 12 => hour + 12,
        _ => hour,
    };
    let (minutes, seconds) = minutes.unwrap_or((0, 0));
    Time::new(hour, minutes, seconds, 0).ok()
}
