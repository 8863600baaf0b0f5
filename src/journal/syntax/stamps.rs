//! Days and times as apps write them for people: `15 January 2024 at 09:30:00 GMT+1`, `1/5/24 9:30 PM`,
//! `2024年1月15日 下午9:30:00`.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;

use super::by_dates::report_guess;
use crate::journal::dates::Style;
use crate::journal::dates::{self, Reading};
use crate::journal::format::{DateOrder, Place, Sink, When};

/// A day, and the time that stands with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    pub reading: Reading,
    /// How the day is written.
    pub style: Style,
    pub time: Option<Time>,
    /// Only where it is written in numbers: `EST` is a zone of America, of Australia and of Brazil.
    pub offset: Option<Offset>,
}

impl Stamp {
    /// When it was, in a file whose days are read by [`month_leads`].
    pub fn when(&self, month_leads: bool) -> When {
        When { day: self.reading.day(month_leads), time: self.time, offset: self.offset }
    }
}

/// Whether `03/04/2020` is 4 March in this file: as the person says, else by the days that exist in one order only, else
/// by which order leaves the days in sequence. Where nothing tells, that is reported with the line of the first of them.
pub fn month_leads<'a>(
    stamps: impl Iterator<Item = (usize, &'a Stamp)> + Clone,
    order: Option<DateOrder>,
    sink: &mut dyn Sink,
) -> bool {
    if let Some(order @ (DateOrder::Dmy | DateOrder::Mdy)) = order {
        return order == DateOrder::Mdy;
    }
    let readings = || stamps.clone().map(|(_, stamp)| stamp.reading);
    let exist = |month: bool| {
        let exists = |reading: &Reading| match reading {
            Reading::DayMonth { month_first, .. } if month => month_first.is_some(),
            Reading::DayMonth { day_first, .. } => day_first.is_some(),
            Reading::Certain(_) => false,
        };
        readings().filter(exists).count()
    };
    let in_sequence = |month: bool| {
        let (mut before, mut forward) = (None, 0);
        for day in readings().map(|reading| reading.day(month)) {
            forward += usize::from(before.is_some_and(|before| before <= day));
            before = Some(day);
        }
        forward
    };
    let evidence = |month| (exist(month), in_sequence(month));
    if evidence(true) == evidence(false)
        && let Some((line, _)) = stamps.clone().find(|(_, stamp)| stamp.reading.is_open())
    {
        report_guess(Place::Line(line), sink);
    }
    evidence(true) > evidence(false)
}

/// Reads a text that is nothing but a day, with or without a weekday, a time and a zone.
pub fn read(text: &str) -> Option<Stamp> {
    let text = plain(text);
    let Some(clock) = Clock::find(&text) else {
        let (reading, style) = date(&text)?;
        return Some(Stamp { reading, style, time: None, offset: None });
    };
    let (before, after) = (&text[..clock.start], &text[clock.end..]);
    if let (Some((reading, style)), Some(offset)) = (date_and_word(before), zone(after)) {
        return Some(Stamp { reading, style, time: Some(clock.time), offset });
    }
    // `Fri Jan 5 09:30:00 2024`, `09:30 15.01.2024`
    let (reading, style) = date(&format!("{before} {after}"))?;
    Some(Stamp { reading, style, time: Some(clock.time), offset: None })
}

/// `20240105`, as a number.
pub fn compact(number: i32) -> Option<Date> {
    let year = i16::try_from(number / 10_000).ok().filter(|year| (1800..2200).contains(year))?;
    Date::new(year, (number / 100 % 100) as i8, (number % 100) as i8).ok()
}

/// `202401050930`, `20240105093000`, and as TiddlyWiki has it, with milliseconds and in UTC: `20240105093000000`.
pub fn in_one_number(text: &str) -> Option<When> {
    let fits = matches!(text.len(), 12 | 14 | 17) && text.bytes().all(|b| b.is_ascii_digit());
    let day = fits.then(|| compact(text[..8].parse().ok()?)).flatten()?;
    let part = |from: usize| text.get(from..from + 2).map_or(Some(0), |two| two.parse::<i8>().ok());
    let time = Time::new(part(8)?, part(10)?, part(12)?, 0).ok()?;
    Some(When { day, time: Some(time), offset: (text.len() == 17).then_some(Offset::UTC) })
}

/// Reads a text that is nothing but a time of day.
pub fn read_time(text: &str) -> Option<Time> {
    let text = plain(text);
    let clock = Clock::find(text.trim())?;
    (clock.start == 0 && clock.end == text.trim().len()).then_some(clock.time)
}

/// The first time of day in a text.
pub fn find_time(text: &str) -> Option<Time> {
    Clock::find(&plain(text)).map(|clock| clock.time)
}

/// East Asian signs and rare spaces as the grammar of dates knows them.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim().chars().take(LONGEST) {
        match c {
            '年' | '月' | '년' | '월' => {
                out.push('-');
                continue;
            }
            '日' | '일' => out.push(' '),
            '\u{2212}' => out.push('-'),
            c if c.is_whitespace() => {
                if !out.ends_with('-') {
                    out.push(' ');
                }
            }
            c => out.push(c),
        }
    }
    out
}

/// No date is longer, in characters.
const LONGEST: usize = 100;

fn date(text: &str) -> Option<(Reading, Style)> {
    let line = dates::recognise(text.trim().trim_end_matches(','))?;
    let whole = line.style.tail.is_none() && line.style.heading == 0 && line.style.wrap.is_empty();
    whole.then_some((line.reading, line.style))
}

/// A day and, behind it, the words that lead to a time: "at", "um", "a las".
fn date_and_word(text: &str) -> Option<(Reading, Style)> {
    let mut text = text.trim_end();
    for _ in 0..2 {
        if let Some(found) = date(text) {
            return Some(found);
        }
        let (rest, word) = text.rsplit_once(' ')?;
        if word.contains(|c: char| c.is_ascii_digit()) || word.chars().count() > 4 {
            return None;
        }
        text = rest.trim_end();
    }
    date(text)
}

/// What follows a time: nothing, an offset, or a name that says no more than that there is a zone.
fn zone(text: &str) -> Option<Option<Offset>> {
    let text = text.trim();
    if matches!(text, "Z" | "UTC" | "GMT") {
        return Some(Some(Offset::UTC));
    }
    let is_short = |word: &str| {
        !word.contains(|c: char| c.is_lowercase() || !(c.is_alphanumeric() || "+-:()".contains(c)))
    };
    let is_place = |word: &str| word.contains('/') && word.len() < 40;
    if text.split(' ').count() > 2 || !text.split(' ').all(|word| is_short(word) || is_place(word)) {
        return None;
    }
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let signed = text.contains(['+', '-']) && (1..=4).contains(&digits);
    let named = !text.contains(|c: char| c.is_ascii_digit());
    match signed {
        true => Some(When::at(Timestamp::UNIX_EPOCH, Some(text)).offset),
        false => named.then_some(None),
    }
}

/// A time of day in a text.
struct Clock {
    time: Time,
    start: usize,
    end: usize,
}

/// Half days, before noon and after it; East Asian ones stand before the time.
const BEHIND: [(&str, bool); 6] =
    [("a. m.", false), ("p. m.", true), ("a.m.", false), ("p.m.", true), ("am", false), ("pm", true)];
const BEFORE: [(&str, bool); 6] =
    [("上午", false), ("下午", true), ("午前", false), ("午後", true), ("오전", false), ("오후", true)];

impl Clock {
    /// The first `9:30` or `09:30:15` with its half of the day.
    fn find(text: &str) -> Option<Clock> {
        let bytes = text.as_bytes();
        let two = |from: usize| {
            let more = bytes.get(from + 2).is_some_and(u8::is_ascii_digit);
            text.get(from..from + 2).filter(|two| !more && !two.starts_with(['+', '-']))?.parse::<i8>().ok()
        };
        let colon = (1..bytes.len()).find(|i| bytes[*i] == b':' && bytes[i - 1].is_ascii_digit())?;
        let mut start =
            colon - bytes[..colon].iter().rev().take(3).take_while(|b| b.is_ascii_digit()).count();
        let hour: i8 = text[start..colon].parse().ok().filter(|_| colon - start <= 2)?;
        let minute = two(colon + 1)?;
        let seconds = if bytes.get(colon + 3) == Some(&b':') { two(colon + 4) } else { None };
        let (second, mut end) = seconds.map_or((0, colon + 3), |second| (second, colon + 6));
        let mut afternoon = None;
        let behind = text[end..].trim_start();
        for (mark, pm) in BEHIND {
            let ends = |rest: &str| !rest.starts_with(char::is_alphanumeric);
            let found = behind.get(..mark.len()).is_some_and(|word| word.eq_ignore_ascii_case(mark));
            if afternoon.is_none() && found && ends(&behind[mark.len()..]) {
                afternoon = Some(pm);
                end = text.len() - behind.len() + mark.len();
            }
        }
        for (mark, pm) in BEFORE {
            if let Some(rest) = text[..start].trim_end().strip_suffix(mark) {
                afternoon = Some(pm);
                start = rest.len();
            }
        }
        let hour = match (hour, afternoon) {
            (12, Some(false)) => 0,
            (1..=11, Some(true)) => hour + 12,
            _ => hour,
        };
        Some(Clock { time: Time::new(hour, minute, second, 0).ok()?, start, end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::Collected;

    #[test]
    fn days_and_times_of_many_places() {
        for (text, shown) in [
            ("15 January 2024 at 09:30:00 CET", "2024-01-15T09:30:00"),
            ("December 5, 2019 at 12:00:00 AM EST", "2019-12-05T00:00:00"),
            ("December 5, 2019 at 9:05:00\u{202f}PM GMT+1", "2019-12-05T21:05:00+01:00"),
            ("Thursday, 5 December 2019 at 21:05 UTC", "2019-12-05T21:05:00+00:00"),
            ("15. Januar 2024 um 09:30:00 MEZ", "2024-01-15T09:30:00"),
            ("5 décembre 2019 à 09:30:00 UTC−3:30", "2019-12-05T09:30:00-03:30"),
            ("5 de diciembre de 2019, 9:30:00 p. m. CET", "2019-12-05T21:30:00"),
            ("2024年1月15日 下午9:30:00 GMT+8", "2024-01-15T21:30:00+08:00"),
            ("2024년 1월 15일 오전 12:30", "2024-01-15T00:30:00"),
            ("Fri Jan  5 09:30:00 2024", "2024-01-05T09:30:00"),
            ("09:30 15.01.2024", "2024-01-15T09:30:00"),
            ("2024-01-05 12:30 PM", "2024-01-05T12:30:00"),
            ("2024-01-05 09:30:00 America/New_York", "2024-01-05T09:30:00"),
            ("2024-01-05", "2024-01-05"),
            ("2024-01-05 09.30", "2024-01-05"),
        ] {
            assert_eq!(read(text).map(|s| s.when(false).to_string()).as_deref(), Some(shown), "{text}");
        }
    }

    #[test]
    fn what_is_no_day() {
        for text in [
            "",
            "1",
            "9:30",
            "2024-01-05 25:30",
            "2024-13-05 09:30",
            "5 May 2020 I went at 9:30 home",
            "2024-01-05 09:30: a bus, late",
            "see 2024-01-05",
            "3:4:5",
            ":30",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read_time("9:30 pm").unwrap().hour(), 21);
        assert_eq!(read_time("at 9:30"), None);
    }

    #[test]
    fn the_file_tells_day_from_month() {
        let leads = |texts: &[&str], order| {
            let stamps: Vec<Stamp> = texts.iter().map(|text| read(text).unwrap()).collect();
            let mut sink = Collected::default();
            let leads = month_leads((1..).zip(&stamps), order, &mut sink);
            assert_eq!(sink.troubles.len(), usize::from(texts.len() == 1 && order.is_none()), "{texts:?}");
            leads
        };
        assert!(leads(&["01/02/2024 09:30", "01/15/2024 09:30"], None));
        assert!(!leads(&["01/02/2024 09:30", "15/02/2024 09:30"], None));
        assert!(leads(&["01/09/2024", "02/08/2024", "03/07/2024"], None));
        assert!(!leads(&["03/04/2024"], None));
        assert!(leads(&["03/04/2024"], Some(DateOrder::Mdy)));
    }
}
