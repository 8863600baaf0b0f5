//! Entries, whole and damaged.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::journal::testing::{Collected, read as read_file};

fn read(json: &str) -> Collected {
    read_file("Journal.json", json.as_bytes(), &Options::default())
}

fn entry(entry: Value) -> Draft {
    let found = read(&json!({"metadata": {"version": "1.0"}, "entries": [entry]}).to_string());
    assert_eq!((found.failed, found.troubles.len()), (None, 0));
    found.entries.into_iter().next().unwrap()
}

fn text(text: &str) -> String {
    entry(json!({"creationDate": "2024-01-05T08:30:00Z", "text": text})).text
}

#[test]
fn what_the_app_wrote_is_undone() {
    assert_eq!(text("# Fog\n\n1\\. half\\-light \\(blue\\)\\!"), "# Fog\n\n1. half-light (blue)!");
    assert_eq!(text("a\n\n![](dayone-moment://0A1B)\n\nb ![](dayone-moment:/video/0A) c"), "a\n\nb c");
    assert_eq!(text("![](dayone-moment:/audio/1)![](dayone-moment:/pdfAttachment/2)"), "");
    assert_eq!(text("like [that day](dayone://view?entryId=0A1B)"), "like that day");
    assert_eq!(text("a\u{2028}b"), "a\nb");
    assert_eq!(text("¯\\\\\\_(ツ)\\_/¯ \\<3 \\[not a\\](link)"), "¯\\_(ツ)_/¯ <3 [not a](link)");
}

#[test]
fn marks_of_photos_go() {
    assert_eq!(text("a [[dayone-moment://0A1B]] b"), "a b");
    assert_eq!(text("a\ndayone-moment://0A1B\nb").replace("\n\n", "\n"), "a\nb");
}

#[test]
fn a_table_of_rich_text_keeps_its_words() {
    let cell = |words: &str| json!({"content": [{"text": words}]});
    let rich = json!({"contents": [{"text": "a\n"}, {"embeddedObjects": [
        {"type": "table", "rows": [[cell("Bird"), cell("Place")], [cell("heron"), cell("the weir")]]}]}]});
    assert_eq!(
        entry(json!({"uuid": "0A", "richText": rich.to_string()})).text.trim(),
        "a\nBird Place\nheron the weir"
    );
}

#[test]
fn other_diaries_are_none_of_its_own() {
    let is = |json: &str| DayOne.is(&Input::from_bytes("a.json", json.into()));
    assert!(is(r#"{"entries":[{"creationDate":"2024-01-05T08:30:00Z"}]}"#));
    assert!(is(r#"{"entries":[{"uuid":"0A","richText":"{}"}]}"#));
    assert!(!is(
        r#"{"entries":[{"createdAt":"2024-01-05","content":"a","timeZone":"Europe/Paris"}],"tags":[]}"#
    ));
}

#[test]
fn days_are_the_writers() {
    let old = json!({"creationDate": "2019-01-01T21:30:00-08:00", "text": "a"});
    assert_eq!(entry(old).when.unwrap().to_string(), "2019-01-01T21:30:00-08:00");
    let when = |zone: Value, all_day: bool| {
        let made = json!({"creationDate": "2024-01-05T23:30:00Z", "timeZone": zone, "isAllDay": all_day, "text": "a"});
        entry(made).when.unwrap().to_string()
    };
    assert_eq!(when(json!("Asia/Tokyo"), false), "2024-01-06T08:30:00+09:00");
    assert_eq!(when(json!("Asia/Tokyo"), true), "2024-01-06");
    assert_eq!(when(Value::Null, false), "2024-01-05T23:30:00+00:00");
    assert_eq!(when(json!(5), false), "2024-01-05T23:30:00+00:00");
}

#[test]
fn rich_text_stands_in() {
    let rich = json!({"meta": {"version": 1}, "contents": [
        {"attributes": {"line": {"header": 1, "identifier": "0A"}}, "text": "Fog\n"},
        {"text": "half "}, {"attributes": {"bold": true}, "text": "light\n"},
        {"embeddedObjects": [{"type": "photo", "identifier": "1"}, {"type": "horizontalRuleLine"}]},
        {"attributes": {"line": {"listStyle": "checkbox", "checked": true, "indentLevel": 2}}, "text": "wash\n"},
        {"attributes": {"line": {"listStyle": "numbered", "listIndex": 2, "indentLevel": 1}}, "text": "1. kept \\."}]});
    let draft = entry(json!({"uuid": "0A", "richText": rich.to_string(), "tags": ["a", " b ", 3]}));
    assert_eq!(draft.text, "# Fog\nhalf light\n---\n  - [x] wash\n2. 1. kept \\.");
    assert_eq!((draft.tags, draft.when), (vec!["a".to_string(), "b".to_string()], None));
    let damaged = read("{\"entries\":[{\"uuid\":\"0A\",\"richText\":\"{\", \"timeZone\":\"x\"}]}");
    assert_eq!((damaged.troubles.len(), damaged.entries.len()), (1, 1));
}

#[test]
fn one_bad_entry_among_good_ones() {
    let found = read(
        r#"{"metadata":{},"entries":[{"creationDate":"soon","text":"a"},{"text":"b",},{"text":"c"},{"te"#,
    );
    let texts: Vec<&str> = found.entries.iter().map(|draft| draft.text.as_str()).collect();
    assert_eq!(texts, ["a", "c"]);
    assert_eq!(found.entries[1].place, Place::Number(3));
    assert_eq!((found.troubles.len(), found.troubles[0].0), (1, Place::Number(1)));
    assert_eq!((found.lost.len(), found.lost[0].0), (1, Place::Number(2)));
    assert_eq!(found.failed.as_deref(), Some("line 1: cut off in the middle"));
}

#[test]
fn a_long_entry_does_not_end_the_others() {
    let long = "x".repeat(MOST_WHOLE as usize);
    let file = format!("{{\"entries\":[{{\"timeZone\":\"a\",\"text\":\"{long}\"}},{{\"text\":\"b\"}}]}}");
    let mut values = Values::new(file.as_bytes());
    assert!(values.next().unwrap() && values.too_long);
    assert!(values.next().unwrap() && !values.too_long && values.value == b"{\"text\":\"b\"}");
    assert!(!values.next().unwrap());
}

proptest! {
    #[test]
    fn nothing_panics(start in 0usize..400, cut in "[\\[\\]{}\",:\\\\a0]{0,9}") {
        let whole = json!({"metadata": {}, "entries": [{"creationDate": "2024-01-05T08:30:00Z", "timeZone": "Europe/Paris",
            "richText": "{\"contents\":[{\"text\":\"a\"}]}", "tags": ["x"], "isAllDay": false}, {"text": "b \\."}]}).to_string();
        let start = start.min(whole.len());
        let damaged = format!("{}{cut}{}", &whole[..start], &whole[(start + cut.len()).min(whole.len())..]);
        let input = Input::from_bytes("a.json", damaged.into_bytes());
        crate::journal::testing::read_with(&DayOne, &input, &Options::default());
    }
}

#[test]
fn a_zone_alone_is_not_day_ones_mark() {
    let other = r#"{"entries":[{"id":"1","createdAt":"2024-03-05T10:00:00Z","timeZone":"Europe/Berlin","content":"words"}]}"#;
    assert!(!DayOne.is(&Input::from_bytes("a.json", other.as_bytes().to_vec())));
}

#[test]
fn without_a_zone_the_dates_own_offset_stands() {
    let json = r#"{"metadata":{},"entries":[{"creationDate":"2019-01-01T21:30:00-08:00","text":"late"}]}"#;
    let found = crate::journal::testing::read("a.json", json.as_bytes(), &Options::default());
    assert_eq!(found.entries[0].when.unwrap().to_string(), "2019-01-01T21:30:00-08:00");
}
