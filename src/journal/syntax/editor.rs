//! Texts as editors keep them, in JSON: Lexical, TipTap and ProseMirror, Draft.js, Quill. A text that is such a state is
//! read out of it, by way of the HTML that the editor would show.

use serde_json::Value;

use super::html::{self, Converted};

/// The text of an editor's state; none where it is none.
pub fn text(state: &str) -> Option<Converted> {
    let json = state.trim_start();
    if !json.starts_with(['{', '[']) || !json.contains('"') {
        return None;
    }
    of(&serde_json::from_str(json).ok()?)
}

/// The same, of a state that is read already.
pub fn of(state: &Value) -> Option<Converted> {
    let mut page = String::new();
    let list = |value: &Value| value.as_array().filter(|items| items.iter().all(Value::is_object)).cloned();
    if let Some(children) = list(&state["root"]["children"]) {
        children.iter().for_each(|node| open(node, "children", &mut page));
    } else if let Some(content) = list(&state["content"]).filter(|_| state["type"] == "doc") {
        content.iter().for_each(|node| open(node, "content", &mut page));
    } else if let Some(blocks) = list(&state["blocks"]) {
        blocks.iter().for_each(|block| draft(block, &mut page));
    } else {
        let operations = list(&state["ops"]).or_else(|| list(state))?;
        if operations.is_empty() || operations.iter().any(|step| step.get("insert").is_none()) {
            return None;
        }
        quill(&operations, &mut page);
    }
    Some(html::to_text(&page))
}

/// A node of Lexical or TipTap with what it holds.
fn open(node: &Value, held: &str, page: &mut String) {
    if let Some(words) = node["text"].as_str() {
        return escape(words, page);
    }
    let tag = match node["type"].as_str().unwrap_or("").to_lowercase().as_str() {
        "paragraph" => "p",
        "heading" => "h2",
        "listitem" | "list_item" | "taskitem" => "li",
        "orderedlist" | "ordered_list" => "ol",
        "list" if node["listType"] == "number" => "ol",
        "list" | "bulletlist" | "bullet_list" | "tasklist" => "ul",
        "quote" | "blockquote" => "blockquote",
        "code" | "codeblock" | "code_block" => "pre",
        "linebreak" | "hardbreak" | "hard_break" => return page.push_str("<br>"),
        "tab" => return page.push('\t'),
        "image" => return page.push_str("<img>"),
        _ => "span",
    };
    page.push_str(&format!("<{tag}>"));
    node[held].as_array().into_iter().flatten().for_each(|node| open(node, held, page));
    page.push_str(&format!("</{tag}>"));
}

/// A block of Draft.js or Editor.js, whose words are HTML already.
fn draft(block: &Value, page: &mut String) {
    let tag = match block["type"].as_str().unwrap_or("") {
        "unordered-list-item" => "li",
        "blockquote" | "quote" => "blockquote",
        kind if kind.starts_with("header") => "h2",
        _ => "p",
    };
    page.push_str(&format!("<{tag}>"));
    if let Some(words) = block["data"]["text"].as_str() {
        page.push_str(words);
    }
    escape(block["text"].as_str().unwrap_or(""), page);
    page.push_str(&format!("</{tag}>"));
    for item in block["data"]["items"].as_array().into_iter().flatten() {
        page.push_str(&format!("<li>{}</li>", item.as_str().or(item["content"].as_str()).unwrap_or("")));
    }
}

/// Quill's operations: a line's kind stands at its end.
fn quill(operations: &[Value], page: &mut String) {
    let mut line = String::new();
    for operation in operations {
        let Some(words) = operation["insert"].as_str() else {
            page.push_str("<img>");
            continue;
        };
        let in_list = operation["attributes"]["list"].is_string();
        for (i, part) in words.split('\n').enumerate() {
            if i > 0 {
                let ended = std::mem::take(&mut line);
                page.push_str(&if in_list { format!("<li>{ended}</li>") } else { format!("{ended}<br>") });
            }
            escape(part, &mut line);
        }
    }
    page.push_str(&line);
}

fn escape(words: &str, page: &mut String) {
    for c in words.chars() {
        match c {
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '&' => page.push_str("&amp;"),
            '\n' => page.push_str("<br>"),
            c => page.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_of_editors() {
        let read = |json: &str| text(json).map(|found| found.text.trim().to_string());
        for (state, expected) in [
            (
                r#"{"root":{"type":"root","children":[{"type":"paragraph","children":[{"type":"text","text":"Rain & "},{"type":"text","text":"fog <3"}]},{"type":"paragraph","children":[{"type":"text","text":"Sun."}]}]}}"#,
                "Rain & fog <3\n\nSun.",
            ),
            (
                r#"{"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":"Rain."},{"type":"hardBreak"},{"type":"text","text":"Fog."}]}]}"#,
                "Rain.\nFog.",
            ),
            (
                r#"{"blocks":[{"text":"Rain."},{"text":"Sun.","type":"unstyled"}],"entityMap":{}}"#,
                "Rain.\n\nSun.",
            ),
            (r#"{"ops":[{"insert":"Rain.\nFog."},{"insert":"\n"}]}"#, "Rain.\nFog."),
            (r#"[{"insert":"Rain.\n"}]"#, "Rain."),
        ] {
            assert_eq!(read(state).as_deref(), Some(expected), "{state}");
        }
        for typed in ["{not json}", "[rain] and fog", "{\"a\": 1}", "[]", "[{\"a\": 1}]", "", "{\"ops\": []}"]
        {
            assert_eq!(read(typed), None, "{typed}");
        }
    }
}
