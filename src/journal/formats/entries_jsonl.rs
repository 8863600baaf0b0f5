//! What this program wrote itself: `entries.jsonl`, an object with `date`, `title`, `text`, `tags` and `source` a line.
//! It was cleaned when it was written, and perhaps put right by hand since: it is read back word for word.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value};

use crate::journal::format::{Beside, Draft, Format, HEAD, Input, Options, Place, Sink, When};
use crate::journal::syntax::exported;
use crate::journal::syntax::json::{Cutter, list, text};

/// Entries as this program writes them.
pub struct EntriesJsonl;

const KEYS: [&str; 5] = ["date", "title", "text", "tags", "source"];

impl Format for EntriesJsonl {
    fn name(&self) -> &'static str {
        "entries.jsonl"
    }

    fn is(&self, input: &Input) -> bool {
        let first = input.head().lines().next().unwrap_or("");
        input.extension() == "jsonl"
            && keys(first).is_some_and(|keys| keys == BTreeSet::from(KEYS.map(String::from)))
    }

    fn read(&self, input: &Input, _: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let mut cutter = Cutter::new(input.utf8()?);
        while let Some(piece) = cutter.line()? {
            let place = Place::Line(piece.line);
            if let Some(entry) = piece.object(sink) {
                take(&entry, place, sink);
            }
        }
        Ok(())
    }

    fn passes_over(&self, path: &Path, beside: &mut Beside) -> Option<&'static str> {
        if path.file_name()? != "entries.jsonl" {
            return None;
        }
        let asked_for = (beside.files)("md").into_iter().filter(|file| (beside.is_asked_for)(file));
        let mut opened = asked_for.filter_map(|file| (beside.open)(&file, HEAD as u64));
        opened
            .any(|file| exported::is_marked(file.head()))
            .then_some("its entries are the .md files beside it")
    }
}

/// The keys of a line, which may be longer than the head: then those that open it, up to the text, and the rest on trust.
fn keys(line: &str) -> Option<BTreeSet<String>> {
    if let Ok(entry) = serde_json::from_str::<Map<String, Value>>(line) {
        return Some(entry.into_iter().map(|(key, _)| key).collect());
    }
    let opens =
        line.starts_with("{\"date\":") && line.contains(",\"title\":\"") && line.contains(",\"text\":\"");
    (opens && line.len() > 32 << 10).then(|| KEYS.map(String::from).into())
}

fn take(entry: &Map<String, Value>, place: Place, sink: &mut dyn Sink) {
    let date = text(entry, "date");
    let when: Option<When> = date.parse().ok();
    if when.is_none() && !date.is_empty() {
        sink.trouble(place, format!("“{date}” is no date: read without one"));
    }
    let tags = list(entry, "tags").iter().filter_map(Value::as_str).map(str::to_string).collect();
    let (title, text) = (text(entry, "title").to_string(), text(entry, "text").to_string());
    sink.entry(Draft { when, title, text, tags, place });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::{Collected, read_with};
    use proptest::prelude::*;

    const LINE: &str = r#"{"date":null,"title":"","text":" Rain\n","tags":[],"source":"a.md:1"}"#;

    fn input(name: &str, text: &str) -> Input {
        Input::from_bytes(name, text.into())
    }

    fn read(text: &str) -> Collected {
        read_with(&EntriesJsonl, &input("entries.jsonl", text), &Options::default())
    }

    #[test]
    fn only_the_exact_keys_are_claimed() {
        let is = |text: &str| EntriesJsonl.is(&input("entries.jsonl", text));
        assert!(is(LINE) && is(&LINE.replace("Rain", &"Rain ".repeat(50_000))));
        assert!(!is(&LINE.replace("source", "sauce")) && !is(&LINE.replace("{", "{\"id\":1,")) && !is(""));
        assert!(!is(&"x".repeat(40_000)) && !EntriesJsonl.is(&input("entries.json", LINE)));
    }

    #[test]
    fn words_come_back_as_they_were() {
        let found = read(&format!("{LINE}\nbroken\n{}\n", LINE.replace("null", "\"someday\"")));
        assert_eq!(found.entries.iter().map(|entry| entry.text.as_str()).collect::<Vec<_>>(), [" Rain\n"; 2]);
        assert_eq!((found.lost.len(), found.troubles.len()), (1, 1));
        assert_eq!(found.failed, None);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "[{}\":,a-z\\[\\]\n]{0,80}") {
            read(&text);
        }
    }
}
