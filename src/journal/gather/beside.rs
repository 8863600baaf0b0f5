//! Files that are passed over because of what lies beside them, on the disk or in a zip: copies, and an app's own lists.

use std::path::{Path, PathBuf};

use crate::journal::format::Format;
use crate::journal::formats::keep::Keep;
use crate::journal::formats::x_archive::XArchive;
use crate::journal::source::input::{Input, MOST_WHOLE};
use crate::journal::syntax::exported::MARK;

/// What lies in a file's folder.
pub struct Beside<'a> {
    /// The files with this extension.
    pub files: &'a dyn Fn(&str) -> Vec<PathBuf>,
    /// Whether a file is one of those that were asked for.
    pub is_asked_for: &'a dyn Fn(&Path) -> bool,
    /// Opens a file, if there is one: so many of its first bytes.
    pub open: &'a mut dyn FnMut(&Path, u64) -> Option<Input>,
}

/// So much of a file tells what it is, but for Keep's notes, which say it at their end.
const HEAD: u64 = 64 << 10;

/// Why a file is passed over; none where it is not. Takeout's folders are called as the account's language has it, so a
/// note of Keep's is told by what it holds.
pub fn reason(path: &Path, beside: &mut Beside) -> Option<&'static str> {
    let in_takeout = path.parent().is_some_and(|folder| folder.ends_with("Takeout"));
    match path.file_name()?.to_str()? {
        "entries.jsonl" => {
            let asked_for = (beside.files)("md").into_iter().filter(|file| (beside.is_asked_for)(file));
            let mut opened = asked_for.filter_map(|file| (beside.open)(&file, HEAD));
            opened.any(|file| is_exported(&file)).then_some("its entries are the .md files beside it")
        }
        "Labels.txt" => {
            let mut notes = (beside.files)("json").into_iter();
            let is_keeps =
                path.ends_with("Takeout/Keep/Labels.txt") || notes.any(|file| is_note(&file, beside));
            is_keeps.then_some("Google Keep's own list of labels")
        }
        "README.txt" | "Your archive.html" | "index.html" if holds_posts(path, beside) => {
            Some("what X adds to an archive")
        }
        // `archive_browser.html`, `Archiv_Übersicht.html`.
        name if in_takeout && name.to_lowercase().starts_with("arch") && name.ends_with(".html") => {
            Some("Takeout's own list of files")
        }
        name if name.ends_with(".html") => {
            is_note(&path.with_extension("json"), beside).then_some("the same note is in the .json beside it")
        }
        _ => None,
    }
}

/// Whether a file is a note of Google Keep's.
fn is_note(json: &Path, beside: &mut Beside) -> bool {
    (beside.open)(json, MOST_WHOLE).is_some_and(|json| Keep.is(&json))
}

/// Whether the folder of a file is one of X's archives.
fn holds_posts(path: &Path, beside: &mut Beside) -> bool {
    let posts = ["tweets.js", "tweet.js", "data/tweets.js", "data/tweet.js", "tweets.csv"];
    let mut opened = posts.into_iter().filter_map(|posts| (beside.open)(&path.with_file_name(posts), HEAD));
    opened.any(|posts| XArchive.is(&posts))
}

/// Whether `diarist corpus --export` wrote a Markdown file.
fn is_exported(file: &Input) -> bool {
    file.head().lines().skip(1).take_while(|line| *line != "---").any(|line| line == MARK)
}
