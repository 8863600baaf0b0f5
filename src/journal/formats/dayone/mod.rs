//! Day One's JSON: a file for each journal, `{"metadata": …, "entries": […]}`. Its texts are Markdown that the app has
//! escaped; photos, films, sounds and documents are left out, and the addresses of links. Entries are read one by one,
//! however long the file.

use std::borrow::Cow;
use std::io::BufRead;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::journal::format::{Draft, Format, Input, MOST_WHOLE, Options, Place, Sink, When};
use crate::journal::syntax::json::Quotes;
use crate::journal::syntax::markup::{self, Markup};

mod rich;

/// Day One.
pub struct DayOne;

impl Format for DayOne {
    fn name(&self) -> &'static str {
        "Day One"
    }

    fn is(&self, input: &Input) -> bool {
        let head = || input.head().trim_start();
        let has = |key: &str| head().contains(&format!("\"{key}\""));
        // Many a diary has a `timeZone`.
        let own = || has("creationDate") || has("creationDevice") || has("isAllDay");
        input.extension() == "json"
            && head().starts_with('{')
            && has("entries")
            && (own() || (has("uuid") && (has("richText") || (has("text") && has("timeZone")))))
    }

    fn read(&self, input: &Input, _: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let mut values = Values::new(input.utf8()?);
        let mut number = 0;
        while values.next()? {
            number += 1;
            let place = Place::Number(number);
            if values.too_long {
                sink.lost(place, "", "longer than 64 MiB".to_string());
                continue;
            }
            match serde_json::from_slice::<Value>(&values.value) {
                Ok(entry) => read_entry(&entry, place, sink),
                Err(e) => sink.lost(place, "", format!("damaged: {e}")),
            }
        }
        Ok(())
    }
}

fn read_entry(entry: &Value, place: Place, sink: &mut dyn Sink) {
    let string = |key: &str| entry[key].as_str().filter(|text| !text.trim().is_empty());
    let text = match string("text") {
        Some(text) => plain(text, sink),
        None => string("richText").map_or(String::new(), |rich| match rich::to_text(rich, sink) {
            Ok(text) => text,
            Err(problem) => {
                sink.trouble(place, problem);
                String::new()
            }
        }),
    };
    let when =
        string("creationDate").and_then(|date| when(date, string("timeZone"), entry["isAllDay"] == true));
    if when.is_none() && entry.get("creationDate").is_some() {
        sink.trouble(place, format!("{} is no date: the entry has none", entry["creationDate"]));
    }
    let tags = entry["tags"].as_array().map_or(Vec::new(), |tags| {
        tags.iter()
            .filter_map(|tag| Some(tag.as_str()?.trim().to_string()))
            .filter(|tag| !tag.is_empty())
            .collect()
    });
    sink.entry(Draft { when, text: lines(&text), tags, place, ..Draft::default() });
}

fn when(date: &str, zone: Option<&str>, all_day: bool) -> Option<When> {
    let recorded: When = date.parse().ok()?;
    // The zone that the app recorded, else the offset that the date has.
    let local = zone.and_then(|zone| Some(When::at(recorded.instant()?, Some(zone))));
    let when = local.unwrap_or(recorded);
    Some(if all_day { When::day(when.day) } else { when })
}

/// What the app's Markdown says.
fn plain(text: &str, sink: &mut dyn Sink) -> String {
    let text = without_moments(text, sink);
    let mut markup = Markup::new(&text);
    markup.links(sink);
    let cleaned = markup.finish().text;
    markup::unescape(&cleaned, sink)
}

/// Without the marks that stand for photos and are no Markdown: `[[dayone-moment://0A1B]]`, `dayone-moment://0A1B`.
fn without_moments<'a>(text: &'a str, sink: &mut dyn Sink) -> Cow<'a, str> {
    static MOMENT: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r"(^|[^(])(?:\[\[dayone-moment:/[^\]\s]*\]\]|dayone-moment:/[/\w]+)(?: |$)?";
        Regex::new(&format!("(?m){pattern}")).expect("a pattern")
    });
    if !text.contains("dayone-moment:") {
        return Cow::Borrowed(text);
    }
    let found = MOMENT.find_iter(text).count();
    if found > 0 {
        sink.left_out("photo links", found);
    }
    MOMENT.replace_all(text, "$1")
}

/// Day One ends some lines with a line separator of Unicode's.
fn lines(text: &str) -> String {
    text.replace(['\u{2028}', '\u{2029}'], "\n")
}

/// The objects in the array of a root object, one after the other, as bytes: one that is damaged or too long does not
/// end the others.
struct Values<R> {
    reader: R,
    depth: usize,
    quotes: Quotes,
    /// The last object, and whether it was longer than may be held.
    value: Vec<u8>,
    too_long: bool,
    line: usize,
}

/// An object of the root's array stands at this depth.
const ENTRY: usize = 3;

impl<R: BufRead> Values<R> {
    fn new(reader: R) -> Values<R> {
        Values { reader, depth: 0, quotes: Quotes::default(), value: Vec::new(), too_long: false, line: 1 }
    }

    /// Reads the next object; false where there is none.
    fn next(&mut self) -> Result<bool, String> {
        self.value.clear();
        self.too_long = false;
        loop {
            let bytes = self.reader.fill_buf().map_err(|e| e.to_string())?;
            if bytes.is_empty() {
                let cut_off = self.depth > 0 || self.quotes.open;
                return if cut_off {
                    Err(format!("line {}: cut off in the middle", self.line))
                } else {
                    Ok(false)
                };
            }
            let (mut used, mut from, mut ended) =
                (0, if self.depth >= ENTRY { 0 } else { usize::MAX }, false);
            for &byte in bytes {
                used += 1;
                self.line += usize::from(byte == b'\n');
                if self.quotes.take(byte) {
                    continue;
                }
                match byte {
                    b'{' | b'[' => {
                        self.depth += 1;
                        if self.depth == ENTRY && byte == b'{' {
                            from = used - 1;
                        }
                    }
                    b'}' | b']' => {
                        ended = self.depth == ENTRY && byte == b'}';
                        self.depth = self.depth.saturating_sub(1);
                    }
                    _ => {}
                }
                if ended {
                    break;
                }
            }
            if let Some(part) = bytes.get(from..used) {
                self.too_long |= (self.value.len() + part.len()) as u64 > MOST_WHOLE;
                if self.too_long {
                    self.value = Vec::new();
                } else {
                    self.value.extend_from_slice(part);
                }
            }
            self.reader.consume(used);
            if ended {
                return Ok(true);
            }
        }
    }
}

#[cfg(test)]
mod tests;
