//! What is read from journals: entries, and when each was written.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::fmt::temporal::Pieces;
use jiff::tz::{Offset, TimeZone};

/// The moment that an entry belongs to, as far as its app recorded it. The day is the writer's own, where they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct When {
    /// The local day.
    pub day: Date,
    /// The local time of day.
    pub time: Option<Time>,
    /// How far local time was from UTC.
    pub offset: Option<Offset>,
}

impl When {
    /// A day and nothing more.
    pub fn day(day: Date) -> When {
        When { day, time: None, offset: None }
    }

    /// An instant, in the zone that the app recorded: an IANA name (`Europe/Paris`) or an offset (`GMT+01:00`, `+0100`).
    /// Without a zone, or with one that nobody knows, it is given in UTC.
    pub fn at(instant: Timestamp, zone: Option<&str>) -> When {
        let offset = zone.and_then(|zone| offset_of(zone.trim(), instant)).unwrap_or(Offset::UTC);
        let local = offset.to_datetime(instant);
        When { day: local.date(), time: Some(local.time()), offset: Some(offset) }
    }

    /// Milliseconds since 1970 (UTC), in a zone as for [`When::at`].
    pub fn at_millis(millis: i64, zone: Option<&str>) -> Option<When> {
        Some(When::at(Timestamp::from_millisecond(millis).ok()?, zone))
    }

    /// The instant, where the zone is known.
    pub fn instant(self) -> Option<Timestamp> {
        self.offset?.to_timestamp(self.day.to_datetime(self.time?)).ok()
    }
}

fn offset_of(zone: &str, instant: Timestamp) -> Option<Offset> {
    if let Ok(named) = TimeZone::get(zone) {
        return Some(named.to_offset(instant));
    }
    let signed = zone.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let (sign, digits) = match signed.as_bytes().first()? {
        b'+' => (1, &signed[1..]),
        b'-' => (-1, &signed[1..]),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 && digits.is_ascii() => digits.split_at(2),
        None => (digits, "0"),
    };
    let minutes = hours.parse::<i32>().ok()?.checked_mul(60)?.checked_add(minutes.parse().ok()?)?;
    Offset::from_seconds(sign * minutes.checked_mul(60)?).ok()
}

/// ISO 8601 as apps write it: `2024-01-05`, `2024-01-05T09:30`, `2024-01-05 09:30:00+01:00`, `20180618T160708Z`.
impl FromStr for When {
    type Err = ();

    fn from_str(text: &str) -> Result<When, ()> {
        let pieces = Pieces::parse(text.trim()).map_err(|_| ())?;
        let time = pieces.time();
        let offset = pieces.to_numeric_offset().filter(|_| time.is_some());
        Ok(When { day: pieces.date(), time, offset })
    }
}

/// `2024-01-05T09:30:00+01:00` where the zone is known, else `2024-01-05T09:30:00` or `2024-01-05`.
impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.day)?;
        if let Some(time) = self.time {
            write!(f, "T{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())?;
        }
        if let Some(offset) = self.offset {
            let minutes = offset.seconds() / 60;
            let sign = if minutes < 0 { '-' } else { '+' };
            write!(f, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)?;
        }
        Ok(())
    }
}

/// Where in its source an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// Its text begins on this line of the file, from 1.
    Line(usize),
    /// It is this one of the file's entries, from 1, in a file that has no lines to speak of.
    Number(usize),
}

impl Default for Place {
    fn default() -> Self {
        Place::Line(1)
    }
}

/// `:12` or ` #3`, as it stands behind a path.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Place::Line(line) => write!(f, ":{line}"),
            Place::Number(number) => write!(f, " #{number}"),
        }
    }
}

/// Title and text as they are trained on: the title is a paragraph of its own above the text.
fn whole<'a>(title: &'a str, text: &'a str) -> Cow<'a, str> {
    match (title.is_empty(), text.is_empty()) {
        (true, _) => Cow::Borrowed(text),
        (_, true) => Cow::Borrowed(title),
        _ => Cow::Owned(format!("{title}\n\n{text}")),
    }
}

/// An entry as a format's reader hands it over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// When it was written.
    pub when: Option<When>,
    /// Its title, where its app keeps one apart from the text.
    pub title: String,
    /// What the writer wrote.
    pub text: String,
    /// The tags that its app keeps apart from the text.
    pub tags: Vec<String>,
    /// Where it stands.
    pub place: Place,
}

impl Draft {
    pub(super) fn title_mut(&mut self) -> &mut String {
        &mut self.title
    }

    pub(super) fn text_mut(&mut self) -> &mut String {
        &mut self.text
    }

    /// Whether anything but white space is there.
    pub(super) fn has_word(&self) -> bool {
        let has = |text: &str| !text.trim().is_empty();
        has(&self.text) || has(&self.title)
    }

    /// Takes blank lines from the text's ends, white space from the title's, and what is no tag from the tags. A title is
    /// one line.
    pub(super) fn trim(&mut self) {
        let title = self.title.split_whitespace().collect::<Vec<_>>().join(" ");
        self.title = title;
        let text = &self.text;
        let first = text.len() - text.trim_start().len();
        let last = text.trim_end().len();
        if last == 0 {
            self.text.clear();
        } else {
            let start = text[..first].rfind('\n').map_or(0, |at| at + 1);
            let end = text[last..].find('\n').map_or(text.len(), |at| last + at);
            self.text.truncate(end);
            self.text.drain(..start);
        }
        for tag in &mut self.tags {
            *tag = tag.split(|c: char| c.is_control()).collect::<Vec<_>>().join(" ").trim().to_string();
        }
        self.tags.retain(|tag| !tag.is_empty());
    }

    /// Title and text as they are trained on.
    pub(super) fn whole(&self) -> String {
        whole(&self.title, &self.text).into_owned()
    }
}

/// One day's writing, one note, one mail, one day of a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When it was written.
    pub when: Option<When>,
    /// Its title, where its app keeps one apart from the text.
    pub title: String,
    /// What the writer wrote.
    pub text: String,
    /// The tags that its app keeps apart from the text.
    pub tags: Vec<String>,
    /// The file it stands in; for one in a zip, the zip's path and then the path in it.
    pub source: PathBuf,
    /// Where in that file.
    pub place: Place,
}

impl Entry {
    /// The local day it was written.
    pub fn day(&self) -> Option<Date> {
        self.when.map(|when| when.day)
    }

    /// Title and text as they are trained on: the title is a paragraph of its own above the text.
    pub fn whole(&self) -> Cow<'_, str> {
        whole(&self.title, &self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_local_day_counts() {
        let instant: Timestamp = "2024-01-05T23:30:00Z".parse().unwrap();
        let shown = |zone| When::at(instant, zone).to_string();
        assert_eq!(shown(Some("Europe/Paris")), "2024-01-06T00:30:00+01:00");
        assert_eq!(shown(Some("America/St_Johns")), "2024-01-05T20:00:00-03:30");
        assert_eq!(shown(Some("GMT+0100")), "2024-01-06T00:30:00+01:00");
        assert_eq!(shown(Some("GMT-8")), "2024-01-05T15:30:00-08:00");
        assert_eq!(shown(Some("Nowhere/Atlantis")), "2024-01-05T23:30:00+00:00");
        assert_eq!(shown(None), "2024-01-05T23:30:00+00:00");
        assert_eq!(When::at_millis(1_704_497_400_000, None), Some(When::at(instant, None)));
        assert_eq!(When::at_millis(i64::MAX, None), None);
    }

    #[test]
    fn dates_that_apps_write() {
        for (text, shown) in [
            ("2024-01-05", "2024-01-05"),
            (" 2024-01-05T09:30 ", "2024-01-05T09:30:00"),
            ("2024-01-05 09:30:15.25+01:00", "2024-01-05T09:30:15+01:00"),
            ("20180618T160708Z", "2018-06-18T16:07:08+00:00"),
        ] {
            let when: When = text.parse().unwrap();
            assert_eq!(when.to_string(), shown);
            assert_eq!(shown.parse::<When>().unwrap().to_string(), shown);
        }
        for text in ["", "someday", "2024-13-05", "05/01/2024"] {
            assert!(text.parse::<When>().is_err(), "{text}");
        }
    }
}
