//! Day One's rich text, for entries that have no plain one: JSON in a string, runs of text with the style of their line.

use serde_json::Value;

use crate::journal::format::Sink;

/// Its words, with the marks of headings, lists, tasks and quotations as the app's own Markdown has them.
pub fn to_text(rich: &str, sink: &mut dyn Sink) -> Result<String, String> {
    let rich: Value = serde_json::from_str(rich).map_err(|e| format!("its rich text is damaged: {e}"))?;
    let mut out = String::new();
    for part in rich["contents"].as_array().map_or(&[][..], Vec::as_slice) {
        if let Some(text) = part["text"].as_str() {
            let mark = mark(&part["attributes"]["line"]);
            for line in text.split_inclusive('\n') {
                if out.is_empty() || out.ends_with('\n') {
                    out.push_str(if line.trim().is_empty() { "" } else { &mark });
                }
                out.push_str(line);
            }
        }
        for object in part["embeddedObjects"].as_array().map_or(&[][..], Vec::as_slice) {
            embedded(object, &mut out, sink);
        }
    }
    Ok(out)
}

/// A table and a block of code are the writer's words; a rule is a line.
fn embedded(object: &Value, out: &mut String, sink: &mut dyn Sink) {
    let rows = table(&object["rows"]);
    let text = match object["type"].as_str().unwrap_or("") {
        "horizontalLineRule" | "horizontalRuleLine" => Some("---"),
        "renderableCodeBlock" => object["contents"].as_str(),
        "table" => object["markdown"].as_str().or(rows.as_deref()),
        "photo" | "video" | "audio" | "pdfAttachment" => return sink.left_out("photo links", 1),
        _ => None,
    };
    let Some(text) = text else { return sink.left_out("embeds", 1) };
    if !(out.is_empty() || out.ends_with('\n')) {
        out.push('\n');
    }
    out.push_str(text);
    out.push('\n');
}

/// The words of a table that has no Markdown, a line a row.
fn table(rows: &Value) -> Option<String> {
    let cell = |cell: &Value| {
        let parts = cell["content"].as_array().or(cell["contents"].as_array())?;
        Some(parts.iter().filter_map(|part| part["text"].as_str()).collect::<String>().trim().to_string())
    };
    let row =
        |row: &Value| row.as_array().map(|cells| cells.iter().filter_map(cell).collect::<Vec<_>>().join(" "));
    let rows: Vec<String> = rows.as_array()?.iter().filter_map(row).collect();
    (!rows.is_empty()).then(|| rows.join("\n"))
}

/// What a line begins with.
fn mark(line: &Value) -> String {
    let indent = "  ".repeat(line["indentLevel"].as_u64().unwrap_or(0).saturating_sub(1).min(8) as usize);
    let header = line["header"].as_u64().unwrap_or(0).min(6) as usize;
    let number = line["listIndex"].as_u64().unwrap_or(1);
    match line["listStyle"].as_str() {
        Some("bulleted") => indent + "- ",
        Some("numbered") => format!("{indent}{number}. "),
        Some("checkbox") => indent + if line["checked"] == true { "- [x] " } else { "- [ ] " },
        _ if header > 0 => "#".repeat(header) + " ",
        _ if line["quote"] == true => "> ".to_string(),
        _ => String::new(),
    }
}
