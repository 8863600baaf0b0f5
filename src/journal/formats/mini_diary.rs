//! Mini Diary's JSON export: `{"metadata": {…}, "entries": {"2019-01-20": {"dateUpdated", "title", "text"}}}`.
//!
//! The text is plain up to version 1 and Markdown from version 2 on, where the editor writes a backslash before a sign
//! that would otherwise be Markdown's; programs that write the same JSON may put HTML into it. Only the day is recorded:
//! `dateUpdated` is when it was last edited. Mini Diarium, which took its place, writes the entries as a list, each with its
//! `date`, and its texts in HTML.

use serde_json::{Map, Value};

use crate::journal::format::{Draft, Format, Input, Options, Place, Sink, When};
use crate::journal::syntax::json::{Cutter, Piece, text};
use crate::journal::syntax::{html, titles};

/// Mini Diary.
pub struct MiniDiary;

impl Format for MiniDiary {
    fn name(&self) -> &'static str {
        "Mini Diary"
    }

    fn is(&self, input: &Input) -> bool {
        let head: String = input.head().chars().take(4096).filter(|c| !c.is_whitespace()).collect();
        let metadata_first = head.starts_with("{\"metadata\":{")
            && (head.contains("\"application\":\"MiniDiar") || head.contains("\"dateUpdated\""));
        // Keys in the order of the alphabet.
        let entries_first = || {
            head.starts_with("{\"entries\":")
                && ["\"dateUpdated\"", "\"metadata\"", "\"Mini Diar"]
                    .iter()
                    .all(|key| input.holds_at_an_end(key))
        };
        input.extension() == "json" && (metadata_first || entries_first())
    }

    fn read(&self, input: &Input, _: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let mut cutter = Cutter::new(input.utf8()?);
        let mut escaped = false;
        let mut member = |cutter: &mut Cutter<_>, name: String| match name.as_str() {
            "metadata" => {
                escaped = cutter.value()?.object(sink).is_some_and(|metadata| writes_markdown(&metadata));
                Ok(())
            }
            "entries" if cutter.peek()? == Some(b'[') => cutter.array(&mut |piece| {
                take(piece, None, escaped, sink);
                Ok(())
            }),
            "entries" => cutter.members(&mut |cutter, day| {
                take(cutter.value()?, Some(&day), escaped, sink);
                Ok(())
            }),
            _ => cutter.value().map(drop),
        };
        cutter.documents(&mut |cutter| cutter.members(&mut member))
    }
}

/// Whether the version that wrote the file is 2 or later.
fn writes_markdown(metadata: &Map<String, Value>) -> bool {
    let version = text(metadata, "version").trim_start_matches('v').split('.').next().unwrap_or("");
    version.parse().is_ok_and(|major: u32| major >= 2)
}

fn take(piece: Piece, day: Option<&str>, escaped: bool, sink: &mut dyn Sink) {
    let place = Place::Line(piece.line);
    let Some(fields) = piece.object(sink) else { return };
    let day = day.unwrap_or_else(|| text(&fields, "date"));
    let when = day.parse::<When>().ok();
    if when.is_none() {
        sink.trouble(place, format!("no date that can be read: {day:?}"));
    }
    let mut words = text(&fields, "text").replace("\r\n", "\n");
    const BLOCKS: [&str; 9] =
        ["<p>", "<h1>", "<h2>", "<h3>", "<ul>", "<ol>", "<blockquote>", "<pre>", "<img "];
    if BLOCKS.iter().any(|block| words.trim_start().starts_with(block)) && words.trim_end().ends_with('>') {
        let converted = html::to_text(&words);
        words = converted.text;
        if converted.media > 0 {
            sink.left_out("photo links", converted.media);
        }
    } else if escaped {
        words = unescape(&words);
    }
    let title = titles::kept(text(&fields, "title"), &words, when);
    sink.entry(Draft { when, title, text: words, tags: Vec::new(), place });
}

/// Takes back the backslashes that the editor writes: before `#` and `>` at the start of a line, and before `*`, `_`, `~`
/// and `` ` `` where they would open or close a style, so behind a space or before one. The editor writes none
/// anywhere else: those are the writer's.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let run = run(rest);
        let behind = |c: Option<char>| c.is_none_or(char::is_whitespace);
        let style = behind(out.chars().next_back()) || behind(rest[run..].chars().next());
        let line_start = (out.is_empty() || out.ends_with('\n')) && rest[1..].starts_with(['#', '>']);
        if line_start {
            out.push_str(&rest[1..2]);
            rest = &rest[2..];
        } else if run > 0 && style {
            out.extend(rest[..run].chars().filter(|c| *c != '\\'));
            rest = &rest[run..];
        } else {
            let end = run.max(1);
            out.push_str(&rest[..end]);
            rest = &rest[end..];
        }
    }
    out + rest
}

/// The length of the escaped sign, or the two alike, that the text opens with.
fn run(text: &str) -> usize {
    let mut signs =
        text.as_bytes().chunks_exact(2).take_while(|pair| pair[0] == b'\\' && b"*_~`".contains(&pair[1]));
    let Some(first) = signs.next() else { return 0 };
    if signs.next() == Some(first) { 4 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::{Collected, read};
    use proptest::prelude::*;

    fn entries(json: &str) -> Collected {
        read("diary.json", json.as_bytes(), &Options::default())
    }

    #[test]
    fn only_the_editors_backslashes_go() {
        for (written, typed) in [
            ("so \\*not bold\\* it", "so *not bold* it"),
            ("a \\*\\*word\\*\\*", "a **word**"),
            ("\\# one\n\\> two \\# three", "# one\n> two \\# three"),
            ("¯\\_(ツ)_/¯", "¯\\_(ツ)_/¯"),
            ("C:\\new \\\\ \\é \\", "C:\\new \\\\ \\é \\"),
            ("snake\\_case", "snake\\_case"),
            ("end\\_", "end_"),
        ] {
            assert_eq!(unescape(written), typed, "{written}");
        }
    }

    #[test]
    fn the_version_decides() {
        let text = |version: &str| {
            let json = format!(
                r#"{{"metadata":{{"application":"Mini Diary","version":"{version}"}},"entries":{{"2019-01-20":{{"title":"","text":"a \\*b\\*"}}}}}}"#
            );
            entries(&json).entries[0].text.clone()
        };
        assert_eq!(
            text("1.6.0") + &text("") + &text("3.3.0") + &text("v2.0.0"),
            "a \\*b\\*a \\*b\\*a *b*a *b*"
        );
    }

    #[test]
    fn one_bad_entry_spoils_no_other() {
        let read = entries(
            "{\"metadata\":{\"application\":\"Mini Diary\"},\"entries\":{\"2019-01-20\":7,\n\"soon\":{\"text\":\"a\"},\"2019-01-22\":{\"title\":3,\"text\":\"<p>b</p><p><img></p>\"},",
        );
        let texts: Vec<&str> = read.entries.iter().map(|entry| entry.text.as_str()).collect();
        assert_eq!(texts, ["a", "b"]);
        assert_eq!((read.troubles.len(), read.lost.len(), read.left_out.len()), (1, 1, 1));
        assert!(read.failed.unwrap().contains("line 2"));
    }

    #[test]
    fn mini_diarium_lists_its_entries() {
        let entry = r#"{"id":1,"date":"2024-03-05","dateUpdated":"2024-03-06T10:00:00Z","title":"A walk","text":"<h1>Up</h1><p>It <b>rained</b> &amp; so.</p><img src=\"data:image/png;base64,iVBO\">"}"#;
        let metadata = r#"{"application":"Mini Diarium","version":"0.4.3"}"#;
        for json in [
            format!("{{\"metadata\":{metadata},\"entries\":[{entry}]}}"),
            format!("{{\"entries\": [{entry}], \"metadata\": {metadata}}}"),
        ] {
            assert!(MiniDiary.is(&Input::from_bytes("a.json", json.clone().into_bytes())), "{json}");
            let read = crate::journal::testing::read("a.json", json.as_bytes(), &Options::default());
            let found = &read.entries[0];
            assert_eq!(
                (found.title.as_str(), found.when.unwrap().to_string()),
                ("A walk", "2024-03-05".into())
            );
            assert!(found.text.contains("It rained & so.") && !found.text.contains('<'), "{}", found.text);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_a_danger(bytes: Vec<u8>, text in "[\\\\*_~` \n#>é]{0,40}") {
            let tail = String::from_utf8_lossy(&bytes).into_owned();
            entries(&format!("{{\"metadata\":{{\"application\":\"Mini Diary\"}},\"entries\":{tail}"));
            let kept = |text: &str| text.chars().filter(|c| *c != '\\').collect::<String>();
            prop_assert_eq!(kept(&unescape(&text)), kept(&text));
        }
    }
}
