//! The kinds of file a journal may be kept in, one file a format.

pub mod markdown;

use std::path::Path;

/// What a file holds, told by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Plain text as it was typed.
    Text,
    /// Text as it was typed, perhaps below front matter.
    Markdown,
}

/// The format of a file by its extension, in any case; none where it is not one of ours.
pub fn of(path: &Path) -> Option<Format> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    match extension.as_str() {
        "txt" | "text" => Some(Format::Text),
        "md" | "markdown" => Some(Format::Markdown),
        _ => None,
    }
}
