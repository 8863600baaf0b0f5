//! What `jrnl --format yaml` writes: a file an entry, whose text is the block `body: |`.

use crate::journal::format::{Draft, Place};
use crate::journal::syntax::stamps;

/// Whether a file is one of these, by its start.
pub fn is(head: &str) -> bool {
    let mut lines = head.lines();
    let keys = ["title: ", "date: ", "starred: ", "tags:"];
    lines.next() == Some("---")
        && keys.iter().all(|key| lines.clone().take(8).any(|line| line.starts_with(key)))
        && lines.take(12).any(|line| line.trim_end() == "body: |")
}

/// Its entry; as in the other forms, title and body are one text.
pub fn entry(text: &str) -> Draft {
    let mut draft = Draft { place: Place::Line(1), ..Draft::default() };
    let (mut title, mut body, mut in_body) = ("", Vec::new(), false);
    for line in text.lines().skip(1) {
        if in_body && line == "..." {
            break;
        }
        if in_body {
            let indented = line.strip_prefix('\t').or_else(|| line.strip_prefix("    "));
            body.push(indented.unwrap_or(line).trim_end());
        } else if line.trim_end() == "body: |" {
            in_body = true;
        } else if let Some((key, value)) = line.split_once(": ") {
            match key {
                "title" => title = value.trim(),
                "date" => draft.when = stamps::read(value).map(|stamp| stamp.when(false)),
                "tags" => {
                    let tags = value.split(',').map(|tag| tag.trim().trim_start_matches('@').to_string());
                    draft.tags.extend(tags.filter(|tag| !tag.is_empty()));
                }
                _ => {}
            }
        }
    }
    let body = body.join("\n");
    draft.text = format!("{title}\n{}", body.trim_matches('\n')).trim_matches('\n').to_string();
    draft
}
