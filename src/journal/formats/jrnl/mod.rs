//! jrnl (jrnl.sh): one text file, a folder of days (`2024/01/05.txt`), or the JSON that `jrnl --format json` writes.
//!
//! ```text
//! [2024-01-05 09:30] It rained. *
//! All day long. @garden
//! ```
//!
//! What jrnl calls the title is the first sentence as it was typed, so title and body stay one text, with the line break
//! that jrnl keeps between them: the same entry reads the same from a file and from JSON. A star at the end of the first
//! line is jrnl's mark. Tags are words of the text and stay there. The brackets may hold any day and time that jrnl's
//! configuration can ask for; before version 2 there were none.
//!
//! A file is jrnl's if all that is seen of it agrees: where a date of another kind stands on a line of its own, somebody
//! typed this, and its dates divide it like any text. `jrnl --format yaml` is read too.

mod timeformat;
mod yaml;

use std::path::Path;

use jiff::civil::{Date, Time};
use serde_json::{Map, Value};

use crate::journal::dates;
use crate::journal::format::{Draft, Format, Input, Options, Place, Sink, When};
use crate::journal::syntax::json::{Cutter, list, parse_error, text};
use crate::journal::syntax::stamps::{self, Stamp};

/// jrnl.
pub struct Jrnl;

impl Format for Jrnl {
    fn name(&self) -> &'static str {
        "jrnl"
    }

    fn is(&self, input: &Input) -> bool {
        match input.extension().as_str() {
            "json" => is_export(input.head()) || is_entry(input.head()),
            "md" | "yaml" | "yml" if yaml::is(input.head()) => true,
            "" | "txt" | "text" | "md" | "jrnl" => {
                day_in_path(input.path()).is_some() || is_journal(input.head())
            }
            _ => false,
        }
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        if yaml::is(input.head()) {
            sink.entry(yaml::entry(&input.text()?));
            return Ok(());
        }
        if input.extension() != "json" {
            let text = input.text()?;
            read_text(&text, day_in_path(input.path()), options, sink);
            return Ok(());
        }
        if is_entry(input.head()) {
            let fields = serde_json::from_str(&input.text()?).map_err(|e| {
                let (line, problem) = parse_error(&e);
                format!("{problem} on line {line}")
            })?;
            hand_over_json(&fields, Place::default(), sink);
            return Ok(());
        }
        let mut cutter = Cutter::new(input.utf8()?);
        let mut member = |cutter: &mut Cutter<_>, name: String| match name.as_str() {
            "entries" => cutter.array(&mut |piece| {
                let place = Place::Line(piece.line);
                if let Some(fields) = piece.object(sink) {
                    hand_over_json(&fields, place, sink);
                }
                Ok(())
            }),
            _ => cutter.value().map(drop),
        };
        cutter.documents(&mut |cutter| cutter.members(&mut member))
    }
}

/// Whether all that is seen of a text agrees with being jrnl's.
fn is_journal(text: &str) -> bool {
    let mut lines = text.lines().skip_while(|line| line.trim().is_empty());
    let first = lines.next().and_then(|line| Head::read(line, None).filter(|head| head.opens_in(line)));
    let Some(first) = first else { return false };
    // A word that belongs to the clock begins an entry of jrnl's now and then ("Am tired"); typed by hand, all have one.
    let heads = || text.lines().filter_map(|line| Head::read(line, None).filter(|head| !head.bracketed));
    let going_on = heads().filter(|head| head.goes_on).count();
    if going_on > 0 && 2 * going_on >= heads().count() {
        return false;
    }
    lines.all(|line| {
        let of_jrnl = || Head::read(line, None).is_some_and(|head| head.is_like(&first, true));
        let by_hand = dates::recognise(line).is_some_and(|date| date.style.tail.is_none());
        !by_hand || of_jrnl()
    })
}

/// Whether this is the JSON of a whole journal.
fn is_export(head: &str) -> bool {
    let has = |name: &str| head.find(&format!("\"{name}\""));
    let names = [has("tags"), has("entries"), has("title"), has("body")];
    head.trim_start().starts_with('{') && names.iter().all(Option::is_some) && names.is_sorted()
}

/// Whether this is the JSON of one entry, as jrnl writes it into a folder.
fn is_entry(head: &str) -> bool {
    let names = ["title", "body", "date", "time", "starred"];
    let first = head.trim_start().strip_prefix('{').unwrap_or("").trim_start();
    first.starts_with("\"title\"") && names.iter().all(|name| head.contains(&format!("\"{name}\":")))
}

fn hand_over_json(fields: &Map<String, Value>, place: Place, sink: &mut dyn Sink) {
    let (day, time) = (text(fields, "date"), text(fields, "time"));
    let when: Option<When> = format!("{day}T{time}").parse().or(day.parse()).ok();
    if when.is_none() {
        sink.trouble(place, format!("no date that can be read: {day:?}"));
    }
    let (title, body) = (text(fields, "title").trim_end(), text(fields, "body"));
    let apart = if title.is_empty() || body.trim().is_empty() { "" } else { "\n" };
    let tags = list(fields, "tags").iter().filter_map(Value::as_str);
    let tags = tags.map(|tag| tag.trim_start_matches(|c: char| c.is_ascii_punctuation()).to_string());
    let text = format!("{title}{apart}{body}");
    sink.entry(Draft { when, text, tags: tags.collect(), place, ..Draft::default() });
}

/// The day of `2024/01/05.txt`.
fn day_in_path(path: &Path) -> Option<Date> {
    let mut parts = path.components().rev().map(|part| part.as_os_str().to_str().unwrap_or(""));
    let (file, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let number = |text: &str, digits| {
        let is_one = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
        if is_one { text.parse::<i16>().ok() } else { None }
    };
    let day = number(file.strip_suffix(".txt")?, 2)?;
    Date::new(number(year, 4)?, number(month, 2)? as i8, day as i8).ok()
}

/// The date that a line opens an entry with.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Head {
    stamp: Option<Stamp>,
    /// Without a day, in a folder's file.
    time: Option<Time>,
    bracketed: bool,
    /// What stands behind it may belong to its clock.
    goes_on: bool,
    /// Where the words begin, in bytes of the line.
    words: usize,
}

impl Head {
    /// Reads a line's date; `day` is that of the file in a folder.
    fn read(line: &str, day: Option<Date>) -> Option<Head> {
        let Some(rest) = line.strip_prefix('[') else { return Head::old(line) };
        let end = rest.find(']')?;
        let (inside, words) = (&rest[..end], &rest[end + 1..]);
        let stamp = stamps::read(inside);
        // `20240105 0930` is a day to the former, with a clock to the latter.
        let timed = stamp.filter(|stamp| stamp.time.is_some());
        let stamp = timed.or_else(|| timeformat::read(inside)).or(stamp);
        let time = stamp.map_or_else(|| day.and(stamps::read_time(inside)), |stamp| stamp.time);
        let is_head =
            (stamp.is_some() || time.is_some()) && (words.is_empty() || words.starts_with([' ', '\t']));
        let words = line.len() - words.len() + usize::from(!words.is_empty());
        is_head.then_some(Head { stamp, time, bracketed: true, goes_on: false, words })
    }

    /// `2024-01-05 09:30 It rained.`, as jrnl 1 wrote it.
    fn old(line: &str) -> Option<Head> {
        let date = line.get(..16)?;
        let is_head =
            date.as_bytes()[10] == b' ' && line[16..].starts_with(' ') && date.starts_with(['1', '2']);
        let stamp = stamps::read(date).filter(|stamp| is_head && stamp.time.is_some())?;
        let goes_on = goes_on(&line[17..]);
        Some(Head { stamp: Some(stamp), time: stamp.time, bracketed: false, goes_on, words: 17 })
    }

    /// Whether this line may be the first of a journal: a day alone in brackets heads many a diary typed by hand, and so
    /// does a day with its time without brackets.
    fn opens_in(&self, line: &str) -> bool {
        let has_words = line.get(self.words..).is_some_and(|words| !words.trim().is_empty());
        self.stamp.is_some() && (has_words || (self.bracketed && self.time.is_some()))
    }

    /// Whether this begins an entry in a file whose first entry begins with `first`. jrnl writes all dates of a file in
    /// one way; another way is taken below a blank line, and with a time.
    fn is_like(&self, first: &Head, after_blank: bool) -> bool {
        let alike = match (self.stamp, first.stamp) {
            (Some(stamp), Some(first)) => first.style.takes(&stamp.style),
            (stamp, first) => stamp.is_none() && first.is_none(),
        };
        let timed = self.time.is_some() == first.time.is_some();
        self.bracketed == first.bracketed && ((alike && timed) || (after_blank && self.time.is_some()))
    }
}

/// Whether what stands behind a date and a clock of 24 hours belongs to them still, as jrnl 1 never wrote it: half a day,
/// a zone, a weekday, the other end of a span.
fn goes_on(behind: &str) -> bool {
    let word = behind.split_whitespace().next().unwrap_or("");
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    let clock = ["am", "pm", "a.m", "p.m", "uhr", "h", "hrs"].contains(&bare.to_lowercase().as_str())
        && !matches!(bare, "Am" | "Pm" | "H");
    let zone = matches!(bare.len(), 3..=4)
        && bare.bytes().all(|b| b.is_ascii_uppercase())
        && (bare.ends_with('T') || matches!(bare, "UTC" | "MEZ" | "MESZ"));
    let weekday =
        || dates::recognise(&format!("{bare}, 5 May 2020")).is_some_and(|date| date.weekday.is_some());
    clock || zone || word.starts_with(['-', '–', '—', '+', ':']) || (!bare.is_empty() && weekday())
}

/// What `jrnl --format pretty` writes before each line of a body.
const MARGIN: &str = "|";

/// A text without that margin, where every line has it that is no head.
fn without_margin<'a>(text: &'a str, starts: &[Start], sink: &mut dyn Sink) -> Option<String> {
    let heads = || starts.iter().map(|start| start.line);
    let lines = || (1..).zip(text.split('\n'));
    let bodies = || lines().filter(|(n, line)| !line.trim().is_empty() && !heads().any(|head| head == *n));
    let with: Vec<&'a str> = bodies().filter_map(|(_, line)| line.strip_prefix(MARGIN)).collect();
    if with.is_empty() || with.len() < bodies().count() {
        return None;
    }
    sink.left_out("margins", with.len());
    let bare = |(n, line): (usize, &'a str)| match line.strip_prefix(MARGIN) {
        Some(rest) if !heads().any(|head| head == n) => rest.strip_prefix(' ').unwrap_or(rest),
        _ => line,
    };
    Some(lines().map(bare).collect::<Vec<_>>().join("\n"))
}

/// A date line and where its entry's text begins.
struct Start {
    head: Head,
    line: usize,
    at: usize,
    words: usize,
}

fn starts(text: &str, day: Option<Date>) -> Vec<Start> {
    let mut found: Vec<Start> = Vec::new();
    let (mut at, mut after_blank) = (0, true);
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let trimmed = line.trim_end_matches('\n');
        let head = Head::read(trimmed, day);
        let head = head.filter(|h| found.first().is_none_or(|first| h.is_like(&first.head, after_blank)));
        if let Some(head) = head {
            found.push(Start { head, line: number, at, words: at + head.words });
        }
        after_blank = trimmed.trim().is_empty();
        at += line.len();
    }
    found
}

fn read_text(text: &str, day: Option<Date>, options: &Options, sink: &mut dyn Sink) {
    if let Some(bare) = without_margin(text, &starts(text, day), sink) {
        return read_bare(&bare, day, options, sink);
    }
    read_bare(text, day, options, sink);
}

fn read_bare(text: &str, day: Option<Date>, options: &Options, sink: &mut dyn Sink) {
    let starts = starts(text, day);
    // In a folder the file's day is the entry's.
    let stamps = starts.iter().filter(|_| day.is_none());
    let stamps = stamps.filter_map(|start| Some((start.line, start.head.stamp.as_ref()?)));
    let month_leads = stamps::month_leads(stamps, options.date_order, sink);
    let before = &text[..starts.first().map_or(text.len(), |start| start.at)];
    if !before.trim().is_empty() {
        let line = 1 + before[..before.len() - before.trim_start().len()].matches('\n').count();
        hand_over(before, day.map(When::day), line, sink);
    }
    for (n, start) in starts.iter().enumerate() {
        let end = starts.get(n + 1).map_or(text.len(), |next| next.at);
        let written = start.head.stamp.map(|stamp| stamp.when(month_leads));
        // In a folder the file's day is the entry's, whatever the brackets say.
        let when = match (day, written) {
            (Some(day), Some(written)) if written.day == day => Some(written),
            (Some(day), _) => Some(When { day, time: start.head.time, offset: None }),
            (None, written) => written,
        };
        hand_over(&text[start.words..end], when, start.line, sink);
    }
}

fn hand_over(text: &str, when: Option<When>, line: usize, sink: &mut dyn Sink) {
    let end = text.find('\n').unwrap_or(text.len());
    let starless = text[..end].trim_end().strip_suffix('*');
    let starless = starless.filter(|title| title.is_empty() || title.ends_with([' ', '\t']));
    let text = match starless {
        Some(title) => {
            sink.left_out("stars", 1);
            title.trim_end().to_string() + &text[end..]
        }
        None => text.to_string(),
    };
    let text = text.trim_end_matches('\n').to_string();
    let tags = tags(&text);
    sink.entry(Draft { when, text, tags, place: Place::Line(line), ..Draft::default() });
}

/// The tags of a text, as jrnl lists them: `@word` at the start of a word, in lower case and without the sign.
fn tags(text: &str) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for word in text.split_whitespace().filter_map(|word| word.strip_prefix('@')) {
        let end = word.find(|c: char| !(c.is_alphanumeric() || "_-+*#/".contains(c))).unwrap_or(word.len());
        let tag = word[..end].to_lowercase();
        if !tag.is_empty() && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

#[cfg(test)]
mod tests;
