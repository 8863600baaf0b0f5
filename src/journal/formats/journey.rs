//! Journey (journey.cloud): a zip or a folder with a JSON file for every entry.
//!
//! Its cloud writes `dateOfJournal`, its older apps `date_journal`. The text is HTML or Markdown, as `type` says, and in
//! old entries plain. Place, weather, music, mood, the preview of the text and the list of attachments are the app's.

use serde_json::{Map, Value};

use crate::journal::format::{Draft, Format, Input, Options, Place, Sink, When};
use crate::journal::syntax::json::{list, parse_error, text};
use crate::journal::syntax::markup::Markup;
use crate::journal::syntax::{html, titles};

/// Journey.
pub struct Journey;

const DATES: [&str; 2] = ["dateOfJournal", "date_journal"];

impl Format for Journey {
    fn name(&self) -> &'static str {
        "Journey"
    }

    fn is(&self, input: &Input) -> bool {
        let head = input.head().trim_start();
        // Either may be longer than the head: the text, or the list of photos before it.
        let has = |name: &&str| input.holds_at_an_end(&format!("\"{name}\""));
        input.extension() == "json" && head.starts_with('{') && DATES.iter().any(has) && has(&"text")
    }

    fn read(&self, input: &Input, _: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let json = input.text()?;
        let fields: Map<String, Value> = serde_json::from_str(&json).map_err(|e| {
            let (line, problem) = parse_error(&e);
            format!("{problem} on line {line}")
        })?;
        if fields.get("encrypted") == Some(&Value::Bool(true)) && is_cipher(text(&fields, "text")) {
            return Err(
                "encrypted: export it from Journey once more, with your key entered there".to_string()
            );
        }
        hand_over(&fields, sink);
        Ok(())
    }
}

/// Whether a text is one long word of letters and digits.
fn is_cipher(text: &str) -> bool {
    text.len() > 40 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=-_.:".contains(&b))
}

fn hand_over(fields: &Map<String, Value>, sink: &mut dyn Sink) {
    let when = when(fields);
    if when.is_none() {
        sink.trouble(Place::default(), "no date that can be read".to_string());
    }
    let mut words = text(fields, "text").replace("\r\n", "\n");
    if text(fields, "type") == "html" || html::is_whole(&words) {
        let converted = html::to_text(&words);
        words = converted.text;
        if converted.media > 0 {
            sink.left_out("photo links", converted.media);
        }
    } else if text(fields, "type") == "markdown" {
        let mut markup = Markup::new(&words);
        markup.links(sink);
        words = markup.finish().text;
    }
    sink.entry(Draft {
        when,
        title: titles::kept(text(fields, "title"), &words, when),
        text: words,
        tags: list(fields, "tags").iter().filter_map(Value::as_str).map(str::to_string).collect(),
        ..Draft::default()
    });
}

/// Milliseconds in UTC, or ISO 8601, in UTC mostly.
fn when(fields: &Map<String, Value>) -> Option<When> {
    let zone = Some(text(fields, "timezone"));
    let of = |value: &Value| match value {
        Value::Number(millis) => {
            When::at_millis(millis.as_i64().or(millis.as_f64().map(|n| n as i64))?, zone)
        }
        Value::String(iso) => {
            let when: When = iso.parse().ok()?;
            // Without a zone, what the date itself says of it stands.
            let zoned = zone.is_some_and(|zone| !zone.is_empty());
            Some(when.instant().filter(|_| zoned).map_or(when, |at| When::at(at, zone)))
        }
        _ => None,
    };
    DATES.iter().filter_map(|name| fields.get(*name)).find_map(of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::{Collected, read};
    use proptest::prelude::*;

    fn read_entry(json: &str) -> Collected {
        read("journey/1704497400000-a1.json", json.as_bytes(), &Options::default())
    }

    #[test]
    fn html_is_told_from_typed_words() {
        let text = |json: &str| read_entry(json).entries[0].text.clone();
        assert_eq!(
            text(r#"{"date_journal":0,"text":"<p dir=\"auto\">a &amp; b</p><p>c</p>","type":""}"#),
            "a & b\n\nc"
        );
        assert_eq!(text(r#"{"date_journal":0,"text":"a &amp; b","type":"html"}"#), "a & b");
        for typed in ["<3 &amp; <sigh>", "<p> is a tag", "¯\\\\_(ツ)_/¯ **b**"] {
            let json = format!(r#"{{"date_journal":0,"text":"{typed}","type":"markdown"}}"#);
            assert_eq!(text(&json), typed.replace("\\\\", "\\"));
        }
    }

    #[test]
    fn links_of_markdown_keep_their_words() {
        let read = |kind: &str| {
            let text = "See [the lake](http://x.y/z) ![](https://x/y.jpg) end";
            read_entry(&format!(r#"{{"date_journal":0,"text":"{text}","type":"{kind}"}}"#)).entries[0]
                .text
                .clone()
        };
        assert_eq!(read("markdown"), "See the lake end");
        assert!(read("").contains("(http://x.y/z)"));
    }

    #[test]
    fn both_kinds_of_date() {
        let when = |json: &str| read_entry(json).entries[0].when.map(|when| when.to_string());
        let old = r#"{"date_journal":1704497400000,"timezone":"Europe/Paris","text":"x"}"#;
        assert_eq!(when(old).as_deref(), Some("2024-01-06T00:30:00+01:00"));
        let new = r#"{"dateOfJournal":"2024-01-05T23:30:00.000Z","timezone":"Asia/Tokyo","text":"x"}"#;
        assert_eq!(when(new).as_deref(), Some("2024-01-06T08:30:00+09:00"));
        assert_eq!(when(r#"{"date_journal":1e300,"timezone":7,"text":"x"}"#), None);
    }

    #[test]
    fn a_long_entry_is_journeys_too() {
        let long = format!(
            r#"{{"text":"<p>{}</p>","type":"html","date_journal":1704447000000}}"#,
            "word ".repeat(20_000)
        );
        let entry = &read_entry(&long).entries[0];
        assert_eq!(entry.when.unwrap().to_string(), "2024-01-05T09:30:00+00:00");
        assert!(entry.text.starts_with("word word"));
    }

    #[test]
    fn damage_and_cipher_are_said() {
        assert!(read_entry("{\"date_journal\":0,\n\"text\":").failed.unwrap().contains("line 2"));
        let cipher = "QUJD".repeat(20);
        let json = format!(r#"{{"dateOfJournal":"2024-01-05","encrypted":true,"text":"{cipher}"}}"#);
        assert!(read_entry(&json).failed.unwrap().contains("encrypted"));
        let deep = format!(r#"{{"date_journal":0,"text":"x","y":{}"#, "[".repeat(100_000));
        assert!(read_entry(&deep).failed.is_some());
    }

    proptest! {
        #[test]
        fn no_bytes_are_a_danger(bytes: Vec<u8>) {
            let tail = String::from_utf8_lossy(&bytes).into_owned();
            read_entry(&format!("{{\"date_journal\":0,\"text\":{tail}"));
            read_entry(&format!("{{\"date_journal\":{tail},\"text\":\"x\"}}"));
        }
    }
}
