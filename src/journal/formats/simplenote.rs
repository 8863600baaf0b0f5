//! Simplenote's export: `source/notes.json`, times in UTC. Beside it lie the notes once more as texts, without days, their
//! tags below them; those in `trash/` are in the bin.
//!
//! Left out: notes in the bin.

use std::path::Path;

use serde_json::{Map, Value};

use crate::journal::format::{Beside, Draft, Format, Input, Options, Place, Sink};
use crate::journal::syntax::json::{self, list, text};
use crate::journal::syntax::notes::{self, Day};

/// Simplenote.
pub struct Simplenote;

impl Format for Simplenote {
    fn name(&self) -> &'static str {
        "Simplenote"
    }

    fn is(&self, input: &Input) -> bool {
        let holds = |key| input.holds_at_an_end(key);
        input.extension() == "json"
            && (holds("\"activeNotes\"") || holds("\"trashedNotes\""))
            && holds("\"lastModified\"")
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let all: Map<String, Value> = json::whole(&input.text()?)?;
        for (number, note) in (1..).zip(list(&all, "activeNotes").iter().filter_map(Value::as_object)) {
            let tags = list(note, "tags").iter().filter_map(Value::as_str).map(str::to_string).collect();
            let when = [text(note, "creationDate"), text(note, "lastModified")];
            let draft = Draft {
                when: when.iter().find_map(|when| when.parse().ok()),
                title: String::new(),
                text: text(note, "content").to_string(),
                tags,
                place: Place::Number(number),
            };
            notes::hand_over(draft, Day::Made, options, sink);
        }
        match list(&all, "trashedNotes").len() {
            0 => {}
            n => sink.left_out("notes in the bin", n),
        }
        Ok(())
    }

    fn passes_over(&self, path: &Path, beside: &mut Beside) -> Option<&'static str> {
        let folder = path.parent().filter(|_| path.extension().is_some_and(|e| e == "txt" || e == "md"))?;
        let mut is_export = |folder: &Path| {
            beside.whole(&folder.join("source/notes.json")).is_some_and(|notes| self.is(&notes))
        };
        if is_export(folder) {
            return Some("the same note is in Simplenote's source/notes.json");
        }
        let in_bin = folder.file_name().is_some_and(|name| name == "trash") && is_export(folder.parent()?);
        in_bin.then_some("a note in Simplenote's bin")
    }
}
