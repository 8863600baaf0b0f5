//! Values as Python writes them: as JSON, and as `str` does.

use minijinja::{Error, ErrorKind, Value};
use serde_json::Value as Json;

/// A value as JSON with Python's spaces: `{"a": [1, 2]}`; or over lines, indented by so many spaces.
///
/// # Errors
/// It holds what JSON does not know.
pub(super) fn json(value: &Value, indent: Option<usize>) -> Result<String, Error> {
    let value = serde_json::to_value(value)
        .map_err(|e| Error::new(ErrorKind::InvalidOperation, format!("tojson: {e}")))?;
    let mut written = String::new();
    write(&value, indent, 0, &mut written);
    Ok(written)
}

fn write(value: &Json, indent: Option<usize>, depth: usize, out: &mut String) {
    let parts: Vec<(Option<&String>, &Json)> = match value {
        Json::Array(all) => all.iter().map(|one| (None, one)).collect(),
        Json::Object(all) => all.iter().map(|(name, one)| (Some(name), one)).collect(),
        // Numbers, true, false, null, and strings, where both leave letters beyond ASCII as they are.
        other => return out.push_str(&other.to_string()),
    };
    let [open, close] = if value.is_array() { ['[', ']'] } else { ['{', '}'] };
    let line = |depth: usize, out: &mut String| {
        if let Some(indent) = indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent * depth));
        }
    };
    out.push(open);
    for (at, (name, one)) in parts.iter().enumerate() {
        if at > 0 {
            out.push_str(if indent.is_some() { "," } else { ", " });
        }
        line(depth + 1, out);
        if let Some(name) = name {
            out.push_str(&Json::from(name.as_str()).to_string());
            out.push_str(": ");
        }
        write(one, indent, depth + 1, out);
    }
    if !parts.is_empty() {
        line(depth, out);
    }
    out.push(close);
}

/// A value that is no text where a template writes it: `True`, `None`; others as Jinja has them.
pub(super) fn plain(value: &Value) -> Option<&'static str> {
    match bool::try_from(value.clone()) {
        Ok(true) if value.kind() == minijinja::value::ValueKind::Bool => Some("True"),
        Ok(false) if value.kind() == minijinja::value::ValueKind::Bool => Some("False"),
        _ if value.is_undefined() => Some(""),
        _ if value.is_none() => Some("None"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_pythons() {
        let value = Value::from_serialize(
            serde_json::json!({ "b": [1, 2.5, "é\"\n<"], "a": { }, "c": [null, true] }),
        );
        assert_eq!(json(&value, None).unwrap(), r#"{"b": [1, 2.5, "é\"\n<"], "a": {}, "c": [null, true]}"#);
        assert_eq!(
            json(&value, Some(2)).unwrap(),
            "{\n  \"b\": [\n    1,\n    2.5,\n    \"é\\\"\\n<\"\n  ],\n  \"a\": {},\n  \"c\": [\n    null,\n    true\n  ]\n}"
        );
    }

    #[test]
    fn what_is_no_text_is_pythons() {
        let written =
            [Value::from(true), Value::from(()), Value::UNDEFINED, Value::from(1), Value::from("true")];
        assert_eq!(written.map(|value| plain(&value)), [Some("True"), Some("None"), Some(""), None, None]);
    }
}
