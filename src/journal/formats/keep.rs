//! Google Keep as Takeout exports it: one JSON file a note, with microseconds in UTC.
//!
//! Left out: notes in the bin, pictures and recordings, the previews of linked pages, colours, the people a note is
//! shared with, and `textContentHtml`, unless it stands alone: it says the same as `textContent`. A list is written as
//! Markdown's tasks.

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::journal::format::{Beside, Draft, Format, Input, Options, Sink, When};
use crate::journal::syntax::json::{self, list, text};
use crate::journal::syntax::notes::{self, Day};
use crate::journal::syntax::{html, titles};

/// Google Keep.
pub struct Keep;

impl Format for Keep {
    fn name(&self) -> &'static str {
        "Google Keep"
    }

    fn is(&self, input: &Input) -> bool {
        // Before or behind the text, which may be longer than the head.
        let holds = |key| input.holds_at_an_end(key);
        let times = || holds("\"userEditedTimestampUsec\"") || holds("\"createdTimestampUsec\"");
        input.extension() == "json" && holds("\"isTrashed\"") && (times() || holds("\"isPinned\""))
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let note: Map<String, Value> = json::whole(&input.text()?)?;
        if note.get("isTrashed") == Some(&Value::Bool(true)) {
            sink.left_out("notes in the bin", 1);
            return Ok(());
        }
        sink.left_out("photo links", list(&note, "attachments").len());
        sink.left_out("web clips", list(&note, "annotations").len());
        notes::hand_over(draft(&note), Day::Made, options, sink);
        Ok(())
    }

    fn passes_over(&self, path: &Path, beside: &mut Beside) -> Option<&'static str> {
        // Takeout's folders are called as the account's language has it, so a note is told by what it holds.
        match path.file_name()?.to_str()? {
            "Labels.txt" => {
                let mut notes = (beside.files)("json").into_iter();
                let is_keeps =
                    path.ends_with("Takeout/Keep/Labels.txt") || notes.any(|file| is_note(&file, beside));
                is_keeps.then_some("Google Keep's own list of labels")
            }
            // `archive_browser.html`, `Archiv_Übersicht.html`.
            name if path.parent().is_some_and(|folder| folder.ends_with("Takeout"))
                && name.to_lowercase().starts_with("arch")
                && name.ends_with(".html") =>
            {
                Some("Takeout's own list of files")
            }
            name if name.ends_with(".html") => is_note(&path.with_extension("json"), beside)
                .then_some("the same note is in the .json beside it"),
            _ => None,
        }
    }
}

/// Whether a file is a note of Keep's, which it says at its end.
fn is_note(json: &Path, beside: &mut Beside) -> bool {
    beside.whole(json).is_some_and(|json| Keep.is(&json))
}

fn draft(note: &Map<String, Value>) -> Draft {
    let mut words = text(note, "textContent").to_string();
    if words.is_empty() {
        words = html::to_text(text(note, "textContentHtml")).text;
    }
    for item in list(note, "listContent") {
        if !words.is_empty() {
            words.push('\n');
        }
        words.push_str(if item["isChecked"] == true { "- [x] " } else { "- [ ] " });
        words.push_str(item["text"].as_str().unwrap_or(""));
    }
    let when = time(note, "createdTimestampUsec").or_else(|| time(note, "userEditedTimestampUsec"));
    let labels = list(note, "labels").iter().filter_map(|label| label["name"].as_str());
    Draft {
        when,
        title: titles::kept(text(note, "title"), &words, when),
        text: words,
        tags: labels.map(str::to_string).collect(),
        ..Draft::default()
    }
}

/// Microseconds since 1970, which Takeout writes as a number; 0 stands for none.
fn time(note: &Map<String, Value>, name: &str) -> Option<When> {
    let micros = note.get(name)?.as_i64().filter(|micros| *micros > 0)?;
    Some(When::at(Timestamp::from_microsecond(micros).ok()?, None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::{Collected, read_with};
    use proptest::prelude::*;

    fn note(bytes: &[u8]) -> Collected {
        let input = Input::from_bytes("Takeout/Keep/note.json", bytes.to_vec());
        read_with(&Keep, &input, &Options::default())
    }

    #[test]
    fn wrong_types_are_no_danger() {
        for json in [
            r#"{"isTrashed":"yes","title":5,"textContent":["a"],"listContent":{"a":1},"labels":[1,{"name":2},null]}"#,
            r#"{"createdTimestampUsec":9223372036854775807,"listContent":[1,null,{"text":7}],"attachments":3}"#,
            r#"{"createdTimestampUsec":-1}"#,
        ] {
            let found = note(json.as_bytes());
            assert_eq!((found.failed, found.entries.len()), (None, 1), "{json}");
            assert_eq!(found.entries[0].when, None);
        }
        assert_eq!(
            note(b"{\n\"title\":").failed.unwrap(),
            "broken JSON: EOF while parsing a value on line 2"
        );
        assert!(note(b"[]").failed.is_some());
    }

    #[test]
    fn html_stands_in_for_text() {
        let found = note(br#"{"textContentHtml":"<p>wet <b>leaves</b></p>","title":"T"}"#);
        assert_eq!((found.entries[0].text.as_str(), found.entries[0].title.as_str()), ("wet leaves", "T"));
        let found = note(br#"{"textContentHtml":"<p>typed</p>","textContent":"typed"}"#);
        assert_eq!(found.entries[0].text, "typed");
    }

    #[test]
    fn an_edit_dates_a_note_without_another_time() {
        let found = note(br#"{"createdTimestampUsec":0,"userEditedTimestampUsec":1704447000000000}"#);
        assert_eq!(found.entries[0].when.unwrap().to_string(), "2024-01-05T09:30:00+00:00");
    }

    #[test]
    fn other_json_is_not_claimed() {
        let is = |json: &str| Keep.is(&Input::from_bytes("a.json", json.into()));
        assert!(is(r#"{"color":"DEFAULT","isTrashed":false,"isPinned":false"#));
        let long =
            format!(r#"{{"textContent":"{}","isTrashed":true,"isPinned":false}}"#, "word ".repeat(20_000));
        assert!(is(&long));
        assert!(!is(r#"{"isTrashed":false,"text":"x"}"#) && !is(r#"{"title":"isPinned, isTrashed"}"#));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            note(&bytes);
        }
    }
}
