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

const BEFORE_A_TIME: &[&str] = &[
    "at", "um", "à", "alle", "ore", "om", "às", "las", "kl", "klo", "klockan", "godz", "ora", "saat",
    "pukul", "в", "v",
];
/// Those that stand before hours alone too: they mean nothing but the clock.
const BEFORE_AN_HOUR: &[&str] = &["ore", "kl", "klo", "klockan", "godz", "ora", "saat", "pukul"];
/// What may stand in a time's place at the end of a line, in English, German, French, Spanish, Italian and Dutch.
const PARTS_OF_DAY: &[&str] = &[
    "morning",
    "noon",
    "midday",
    "afternoon",
    "evening",
    "night",
    "midnight",
    "morgens",
    "vormittags",
    "mittags",
    "nachmittags",
    "abends",
    "nachts",
    "matin",
    "midi",
    "soir",
    "nuit",
    "mañana",
    "tarde",
    "noche",
    "mattina",
    "pomeriggio",
    "sera",
    "notte",
    "ochtend",
    "middag",
    "avond",
    "nacht",
];
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
    "π.μ.",
    "μ.μ.",
    "uhr",
    "uur",
    "h",
    "hrs",
];
/// Halves of the day as they stand before a time in East Asia, and whether it is the second.
const HALF_DAYS: [(&str, bool); 9] = [
    ("上午", false),
    ("早上", false),
    ("凌晨", false),
    ("下午", true),
    ("晚上", true),
    ("午前", false),
    ("午後", true),
    ("오전", false),
    ("오후", true),
];
/// Zones that say no offset: many a short name means more than one place.
const ZONES: &[&str] = &[
    "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT", "AKST", "AKDT", "HST", "AST", "ADT", "NST",
    "NDT", "BRT", "BST", "IST", "WET", "WEST", "CET", "CEST", "MEZ", "MESZ", "EET", "EEST", "MSK", "SAST",
    "SGT", "HKT", "JST", "KST", "AWST", "ACST", "ACDT", "AEST", "AEDT", "NZST", "NZDT",
];

impl Cursor<'_> {
    /// A time after a date: `, 9:30`, ` at 9 pm`, `T09:30:00+01:00`, ` (21.30 Uhr)`.
    pub fn time(&mut self) -> Option<Clock> {
        let compact = self.line[..self.at].bytes().rev().take_while(u8::is_ascii_digit).count() == 8;
        let glued = self.eat_any(&['T', 't']).is_some();
        let mut sign = None;
        if !glued {
            let spaced = self.spaces();
            sign = self.eat_any(&[',', '@', '-', '–', '—', '·', '|']);
            if !(spaced | self.spaces() | sign.is_some()) {
                return None;
            }
        }
        // "a las 21:15"
        let start = *self;
        if !(self.eat_word(&["a"]) && self.spaces()) {
            *self = start;
        }
        if !glued && self.part_of_day() {
            return Some(Clock { time: None, offset: None, plain: false });
        }
        let before_word = *self;
        let hours_alone = self.eat_word(BEFORE_AN_HOUR);
        *self = before_word;
        let worded = !glued && self.eat_word(BEFORE_A_TIME);
        if worded {
            self.eat(".");
            self.spaces();
        }
        let bracket = self.eat_any(&['(', '[']);
        let half = self.half_day();
        let (hour, minutes) = match self.time_in_one(compact) {
            Some((hour, minutes)) => (hour, Some(minutes)),
            None => (self.small().filter(|hour| *hour <= 24)?, self.minutes()),
        };
        // "9:15p"
        let letter = if minutes.is_some() && half.is_none() { self.half_letter() } else { None };
        let suffix = half.or(letter).or(self.suffix_behind());
        if minutes.is_none() && suffix.is_none() && !hours_alone {
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
        let half = self.half_day();
        let hour = self.small().filter(|hour| *hour < 24)?;
        let minutes = self.minutes()?;
        let suffix = half.or(self.suffix_behind());
        let spaced = self.spaces();
        let sign = self.eat_any(&[',', '-', '–', '—', '|']);
        if !(spaced | self.spaces()) && sign.is_none() {
            return None;
        }
        Some(Clock { time: time_of_day(hour, Some(minutes), suffix), offset: None, plain: true })
    }

    /// `2115h`, `0905 hrs`; behind eight digits or `T` also `2115` and `211500`.
    fn time_in_one(&mut self, compact: bool) -> Option<(i8, (i8, i8))> {
        let start = *self;
        let found = match self.number() {
            Some((n, 4)) if compact || matches!(self.suffix_after_spaces(), Some("h" | "hrs")) => {
                Some(n * 100)
            }
            Some((n, 6)) if compact => Some(n),
            _ => None,
        };
        let (hour, minute, second) =
            found.map(|n| (n / 10_000, n / 100 % 100, n % 100)).unwrap_or((24, 0, 0));
        if hour >= 24 || minute >= 60 || second >= 60 {
            *self = start;
            return None;
        }
        Some((hour as i8, (minute as i8, second as i8)))
    }

    /// The suffix that follows, which is not eaten.
    fn suffix_after_spaces(&self) -> Option<&'static str> {
        let mut ahead = *self;
        ahead.suffix_behind()
    }

    /// `morning`, with nothing behind it.
    fn part_of_day(&mut self) -> bool {
        let start = *self;
        let nothing = |c: char| c.is_whitespace() || ".:*_)]#=".contains(c);
        let found = self.eat_word(PARTS_OF_DAY) && self.rest().trim_end_matches(nothing).is_empty();
        if !found {
            *self = start;
        }
        found
    }

    fn half_letter(&mut self) -> Option<&'static str> {
        [(["a"], "am"), (["p"], "pm")].iter().find(|(letter, _)| self.eat_word(letter)).map(|(_, half)| *half)
    }

    /// `:30`, `:30:15.250`, `h30`, `.30`: minutes and seconds.
    fn minutes(&mut self) -> Option<(i8, i8)> {
        let start = *self;
        let two =
            |c: &mut Self| c.number().filter(|(n, digits)| *digits == 2 && *n < 60).map(|(n, _)| n as i8);
        // "21 h 15"
        let spaced = self.spaces();
        let signs: &[char] = if spaced { &['h'] } else { &[':', '.', 'h', '時', '时', '시'] };
        let sign = self.eat_any(signs);
        if spaced || sign == Some('시') {
            self.spaces();
        }
        let minutes = sign.and_then(|_| two(self));
        let Some(minutes) = minutes else {
            *self = start;
            return None;
        };
        self.eat_any(&['分', '분']);
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

    /// `下午 `, before a time.
    fn half_day(&mut self) -> Option<&'static str> {
        let (_, second) = HALF_DAYS.iter().find(|(word, _)| self.eat(word))?;
        self.spaces();
        Some(if *second { "pm" } else { "am" })
    }

    fn suffix_behind(&mut self) -> Option<&'static str> {
        let start = *self;
        self.spaces();
        let found = self.suffix();
        if found.is_none() {
            *self = start;
        }
        found
    }

    fn suffix(&mut self) -> Option<&'static str> {
        let found = AFTER_A_TIME.iter().filter(|s| {
            let word = self.rest().get(..s.len());
            // `Am` and `Pm` begin a sentence, as `H.` is a name.
            let is_clocks = |w: &str| !matches!(w, "Am" | "Pm" | "H");
            word.is_some_and(|w| w.eq_ignore_ascii_case(s) && is_clocks(w))
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
        let bracket = usize::from(self.rest().starts_with('('));
        let named = |name: &&&str| self.rest()[bracket..].strip_prefix(**name).is_some_and(closes);
        if let Some(name) = ZONES.iter().find(named) {
            self.at += bracket + name.len();
            if bracket > 0 {
                self.eat(")");
            }
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
        Some('a' | 'π') if hour == 12 => 0,
        Some('p' | 'μ') if hour < 12 => hour + 12,
        _ => hour,
    };
    let (minutes, seconds) = minutes.unwrap_or((0, 0));
    Time::new(hour, minutes, seconds, 0).ok()
}
