//! Files that are called text and hold what a program wrote for programs: JSON, XML, HTML. They are no prose, whatever
//! their ending.

use serde::de::IgnoredAny;

use crate::journal::format::{Input, MOST_WHOLE};
use crate::journal::syntax::xml;

/// What a text is written in that is no prose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Structure {
    Json,
    /// With the name of its root.
    Xml(String),
    Html,
}

/// What a whole text is written in; none where it is prose, as far as can be told.
pub fn of(input: &Input) -> Option<Structure> {
    let head = input.head().trim_start_matches('\u{feff}').trim_start();
    if head.starts_with("<?xml") {
        return Some(Structure::Xml(xml::root(head)));
    }
    let opens = |with: &str| head.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    if opens("<!doctype html") || opens("<html") {
        return Some(Structure::Html);
    }
    let inside = head.strip_prefix('[').map(str::trim_start);
    let may_be = head.starts_with('{') || inside.is_some_and(|rest| rest.starts_with(['{', '[', '"']));
    (may_be && is_json(input)).then_some(Structure::Json)
}

/// Whether all of it is JSON, one value or one after another.
fn is_json(input: &Input) -> bool {
    if input.len() > MOST_WHOLE {
        return input.head().trim_start().trim_start_matches(['{', '[']).trim_start().starts_with('"');
    }
    let Ok(reader) = input.utf8() else { return false };
    serde_json::Deserializer::from_reader(reader).into_iter::<IgnoredAny>().all(|value| value.is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_prose() {
        let told = |text: &str| of(&Input::from_bytes("a.txt", text.as_bytes().to_vec()));
        for text in ["{\"a\": 1}", " [{\"a\": \"b\"}]\n", "{\"a\": 1}\n{\"a\": 2}\n", "[\"a\"]"] {
            assert_eq!(told(text), Some(Structure::Json), "{text}");
        }
        assert_eq!(
            told("<?xml version=\"1.0\"?>\n<journal><a/></journal>"),
            Some(Structure::Xml("journal".into()))
        );
        assert_eq!(told("\n<!DOCTYPE html><p>a"), Some(Structure::Html));
        for text in [
            "{sigh} rain",
            "[1] a note",
            "[x] done",
            "[[a]] b",
            "{\"a\": 1} and so on",
            "<3",
            "<html, I said>".trim_start_matches('<'),
            "",
        ] {
            assert_eq!(told(text), None, "{text}");
        }
    }
}
