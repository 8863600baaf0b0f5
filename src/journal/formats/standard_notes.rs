//! Standard Notes' backup: one JSON file, whatever its ending, with every note; times are in UTC. Beside it, in a zip,
//! lie the notes once more as texts without days, and the app's own themes and tags.
//!
//! Left out: notes in the bin, tags, components and settings. An encrypted backup is refused by name.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Map, Value};

use crate::journal::format::{Beside, Draft, Format, Input, Options, Place, Sink};
use crate::journal::syntax::json::{self, list, text};
use crate::journal::syntax::notes::{self, Day};
use crate::journal::syntax::{html, titles};

/// Standard Notes.
pub struct StandardNotes;

/// What the zip calls the file that holds all.
const BACKUP: &str = "Standard Notes Backup and Import File.txt";

impl Format for StandardNotes {
    fn name(&self) -> &'static str {
        "Standard Notes"
    }

    fn is(&self, input: &Input) -> bool {
        matches!(input.extension().as_str(), "txt" | "json" | "")
            && input.head().trim_start().starts_with('{')
            && ["\"items\"", "\"content_type\"", "\"uuid\""].iter().all(|key| input.holds_at_an_end(key))
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let backup: Map<String, Value> = json::whole(&input.text()?)?;
        let items: Vec<&Map<String, Value>> =
            list(&backup, "items").iter().filter_map(Value::as_object).collect();
        if items.iter().any(|item| {
            text(item, "content_type") == "Note" && item.get("content").is_some_and(Value::is_string)
        }) {
            return Err("encrypted: export a decrypted backup in Standard Notes".to_string());
        }
        let tags = tags(&items);
        for (number, item) in (1..).zip(items.iter().filter(|item| text(item, "content_type") == "Note")) {
            let Some(note) = item.get("content").and_then(Value::as_object) else { continue };
            let is = |key| note.get(key) == Some(&Value::Bool(true));
            if is("trashed") || item.get("deleted") == Some(&Value::Bool(true)) {
                sink.left_out("notes in the bin", 1);
                continue;
            }
            let when = text(item, "created_at").parse().ok();
            let words = words(text(note, "text"));
            let draft = Draft {
                when,
                title: titles::kept(text(note, "title"), &words, when),
                text: words,
                tags: tags.get(text(item, "uuid")).cloned().unwrap_or_default(),
                place: Place::Number(number),
            };
            notes::hand_over(draft, Day::Made, options, sink);
        }
        Ok(())
    }

    fn passes_over(&self, path: &Path, beside: &mut Beside) -> Option<&'static str> {
        let folder = path.parent()?;
        let items = folder.parent().filter(|items| items.file_name().is_some_and(|name| name == "Items"))?;
        let backup = beside.head(&items.with_file_name(BACKUP)).is_some_and(|backup| self.is(&backup));
        match (folder.file_name()?.to_str()?, backup) {
            ("Note", true) => Some("the same note is in Standard Notes' backup beside it"),
            ("Note", false) => None,
            (own, _) if backup || own == "Tag" || own.starts_with("SN_") => Some("Standard Notes' own"),
            _ => None,
        }
    }
}

/// The titles of tags, by the notes that have them.
fn tags(items: &[&Map<String, Value>]) -> HashMap<String, Vec<String>> {
    let mut tags: HashMap<String, Vec<String>> = HashMap::new();
    for item in items.iter().filter(|item| text(item, "content_type") == "Tag") {
        let Some(tag) = item.get("content").and_then(Value::as_object) else { continue };
        for note in list(tag, "references").iter().filter_map(Value::as_object) {
            tags.entry(text(note, "uuid").to_string()).or_default().push(text(tag, "title").to_string());
        }
    }
    tags
}

/// A note's text: as it was typed, out of HTML, or out of the state of the app's newer editor.
fn words(typed: &str) -> String {
    let state = || Some(serde_json::from_str::<Value>(typed).ok()?["root"].take()).filter(Value::is_object);
    match typed.trim_start().chars().next() {
        Some('{') => state().map_or_else(|| typed.to_string(), |root| blocks(&root)),
        Some('<') => html::to_text(typed).text,
        _ => typed.to_string(),
    }
}

/// Each block of an editor's state as a paragraph, each item of a list on a line.
fn blocks(root: &Value) -> String {
    let mut out = String::new();
    for block in root["children"].as_array().into_iter().flatten() {
        let is_list = block["type"] == "list";
        let items = block["children"].as_array().filter(|_| is_list).into_iter().flatten();
        let lines: Vec<String> = items.map(|item| format!("- {}", leaves(item))).collect();
        let block = if is_list { lines.join("\n") } else { leaves(block) };
        if !block.trim().is_empty() {
            out += if out.is_empty() { "" } else { "\n\n" };
            out += &block;
        }
    }
    out
}

fn leaves(node: &Value) -> String {
    if node["type"] == "linebreak" {
        return "\n".to_string();
    }
    let own = node["text"].as_str().unwrap_or("").to_string();
    let below = node["children"].as_array().into_iter().flatten().map(leaves);
    below.fold(own, |text, leaf| text + &leaf)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::testing::read;

    #[test]
    fn an_encrypted_backup_is_refused() {
        let file = r#"{"items":[{"uuid":"1","content_type":"Note","content":"004:ab:cd"}],"keyParams":{}}"#;
        let found = read(BACKUP, file.as_bytes(), &Options::default());
        assert!(found.entries.is_empty() && found.failed.unwrap().contains("decrypted backup"));
    }

    #[test]
    fn the_state_of_an_editor_is_words() {
        let state = r#"{"root":{"children":[{"type":"paragraph","children":[{"text":"Ra"},{"text":"in."}]},
            {"type":"list","children":[{"children":[{"text":"one"}]},{"children":[{"text":"two"}]}]}]}}"#;
        assert_eq!(words(state), "Rain.\n\n- one\n- two");
        assert_eq!((words("{not json").as_str(), words("<p>a</p>").as_str()), ("{not json", "a"));
    }
}
