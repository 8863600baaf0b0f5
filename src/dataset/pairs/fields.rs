//! The names that people and their tools give to the parts of a pair, and the texts in them.

use serde_json::{Map, Value};

use crate::dataset::pairs::pair::KINDS;

/// An object of JSON, or a row of a table.
pub type Object = Map<String, Value>;

/// What is asked; the surer names first.
pub const INSTRUCTION: [&str; 17] = [
    "instruction",
    "instructions",
    "prompt",
    "question",
    "query",
    "userprompt",
    "usermessage",
    "userinput",
    "request",
    "user",
    "human",
    "q",
    "task",
    "inputtext",
    "inputs",
    "instruct",
    INPUT,
];

/// Alpaca's: what the instruction is about; alone, the instruction.
pub const INPUT: &str = "input";

/// What is answered.
pub const RESPONSE: [&str; 17] = [
    "response",
    "output",
    "answer",
    "completion",
    "reply",
    "assistant",
    "assistantresponse",
    "modelresponse",
    "answertext",
    "responsetext",
    "outputtext",
    "generation",
    "ideal",
    "target",
    "a",
    "gpt",
    "outputs",
];

/// What the answer rests on.
pub const CONTEXT: [&str; 27] = [
    "context",
    "contexts",
    "source",
    "sources",
    "grounding",
    "groundedin",
    "passage",
    "passages",
    "sourcepassage",
    "sourcepassages",
    "sourcetext",
    "sourcefile",
    "sourcefiles",
    "sourcedocument",
    "sourcedocuments",
    "document",
    "documents",
    "evidence",
    "excerpt",
    "excerpts",
    "quote",
    "quotes",
    "citation",
    "citations",
    "reference",
    "references",
    "sourceentry",
];

/// Conversations.
pub const TURNS: [&str; 8] =
    ["messages", "conversations", "conversation", "dialogue", "dialog", "chat", "contents", "turns"];

/// What was said before the instruction.
pub const BEFORE: [&str; 3] = ["history", "turns", "previousturns"];

/// The system prompt.
pub const SYSTEM: [&str; 4] = ["system", "systemprompt", "systemmessage", "systeminstruction"];

/// Of what kind a pair is; Dolly's `category` is looked at by itself.
pub const KIND: [&str; 5] = ["kind", "type", "pairtype", "questiontype", "pairkind"];

/// Dolly's.
pub const CATEGORY: &str = "category";

/// What a pair is about.
pub const THEME: [&str; 6] = ["theme", "themes", "topic", "topics", "tag", "tags"];

/// A name as it is compared: letters and digits, in lower case.
pub fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The field that has one of some names, the earlier of them first; one without a value is none.
pub fn find<'o>(object: &'o Object, names: &[&str]) -> Option<(&'o str, &'o Value)> {
    let place = |name: &str| names.iter().position(|known| *known == folded(name));
    let known = object.iter().filter_map(|(name, value)| Some((place(name)?, name.as_str(), value)));
    known
        .filter(|(_, _, value)| !value.is_null())
        .min_by_key(|(place, ..)| *place)
        .map(|(_, name, value)| (name, value))
}

/// A value as one text, without white space around it. `None`: it is none.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_string()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Object(object) => {
            find(object, &["text", "content", "value", "parts"]).and_then(|(_, value)| text(value))
        }
        Value::Array(parts) if !parts.is_empty() => {
            let parts: Option<Vec<String>> = parts.iter().map(text).collect();
            Some(parts?.join("\n\n").trim().to_string())
        }
        _ => None,
    }
}

/// The text of the field that has one of some names, unless it is empty.
pub fn said(object: &Object, names: &[&str]) -> Option<String> {
    find(object, names).and_then(|(_, value)| text(value)).filter(|text| !text.is_empty())
}

/// What an answer rests on: all fields that may say it, in their order.
pub fn context(object: &Object) -> Vec<String> {
    let mut found = Vec::new();
    for (_, value) in object.iter().filter(|(name, _)| CONTEXT.contains(&folded(name).as_str())) {
        passages(value, &mut found);
    }
    found
}

/// The passages of a value, and the names of documents: each once.
pub fn passages(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|value| passages(value, found)),
        Value::Object(object) => {
            const NAME: [&str; 9] =
                ["name", "file", "filename", "path", "document", "source", "title", "date", "id"];
            const TEXT: [&str; 7] =
                ["text", "content", "passage", "quote", "excerpt", "pagecontent", "value"];
            for names in [&NAME[..], &TEXT[..]] {
                if let Some((_, value)) = find(object, names) {
                    passages(value, found);
                }
            }
        }
        _ => {
            if let Some(text) = text(value)
                && !text.is_empty()
                && !found.contains(&text)
            {
                found.push(text);
            }
        }
    }
}

/// A kind as it is counted: one of [`KINDS`] however it is written (`Push-back`), or as it stands.
pub fn kind(written: &str) -> String {
    known_kind(written).map_or_else(|| written.trim().to_string(), str::to_string)
}

/// The kind that a name means: `genuine`, `Push-back`, `scenario_pairs`.
pub fn known_kind(name: &str) -> Option<&'static str> {
    let folded = folded(name);
    let bare = ["pairs", "questions", "examples", "s"].iter().find_map(|end| folded.strip_suffix(end));
    KINDS.into_iter().find(|kind| *kind == folded || Some(*kind) == bare)
}

/// Kind and theme. A `category` is the kind where nothing else is, or says what the pair is about.
pub fn kind_and_theme(object: &Object) -> (Option<String>, Option<String>) {
    let category = said(object, &[CATEGORY]);
    let mut theme = find(object, &THEME).and_then(|(_, value)| match value {
        Value::Array(all) => Some(all.iter().filter_map(text).collect::<Vec<_>>().join(", ")),
        value => text(value),
    });
    theme = theme.filter(|theme| !theme.is_empty());
    let kind_said = said(object, &KIND);
    if kind_said.is_some() {
        theme = theme.or(category);
        return (kind_said.map(|said| kind(&said)), theme);
    }
    (category.map(|said| kind(&said)), theme)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(json: &str) -> Object {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_category_is_the_kind_where_nothing_else_is() {
        let read = |json| kind_and_theme(&object(json));
        let some = |text: &str| Some(text.to_string());
        assert_eq!(read("{\"category\": \"closed_qa\"}"), (some("closed_qa"), None));
        assert_eq!(
            read("{\"Kind\": \"Push-back\", \"category\": \"work\"}"),
            (some("pushback"), some("work"))
        );
        assert_eq!(
            read("{\"category\": \"Genuine\", \"tags\": [\"a\", \"b\"]}"),
            (some("genuine"), some("a, b"))
        );
        assert_eq!(read("{\"kind\": null, \"theme\": \"\"}"), (None, None));
        assert_eq!(known_kind("scenario_pairs"), Some("scenario"));
        assert_eq!(known_kind("s"), None);
    }

    #[test]
    fn passages_and_names_of_documents_are_taken_from_every_shape() {
        let read = |json| context(&object(json));
        assert_eq!(read("{\"context\": \" one \"}"), ["one"]);
        assert_eq!(read("{\"sources\": [\"one\", \"\", \"two\", \"one\"]}"), ["one", "two"]);
        assert_eq!(read("{\"Source File\": \"a.md\", \"excerpt\": \"one\"}"), ["a.md", "one"]);
        assert_eq!(read("{\"sources\": [{\"text\": \"one\", \"file\": \"a.md\"}]}"), ["a.md", "one"]);
    }
}
