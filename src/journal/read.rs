//! From PATHs to files, and from files to text: what is there, what is left out and why.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::{Skipped, formats};
use crate::base::{Error, Result};

/// A journal longer than this is left out: 2 GiB is six thousand novels.
const MOST_BYTES: u64 = 2 << 30;

/// Why a file that is no journal is left out.
const OTHER_KIND: &str = "not .txt or .md";

/// The files to read, in order, and what was passed over.
#[derive(Debug, Default)]
pub(super) struct Finds {
    pub files: Vec<PathBuf>,
    pub skipped: Vec<Skipped>,
    /// Canonical paths met before, so that nothing is read or reported twice and no maze of links is walked twice.
    seen: HashSet<PathBuf>,
}

/// Finds the files of some PATHs: the PATHs in the order given, a folder's files by name.
///
/// # Errors
/// A PATH that does not exist.
pub(super) fn find(paths: &[PathBuf]) -> Result<Finds> {
    let mut finds = Finds::default();
    let mut folders = Vec::with_capacity(paths.len());
    for path in paths {
        folders.push(std::fs::metadata(path).map_err(Error::io("read", path))?.is_dir());
    }
    for (path, is_folder) in paths.iter().zip(folders) {
        if is_folder {
            finds.walk(path);
        } else {
            finds.file(path);
        }
    }
    Ok(finds)
}

impl Finds {
    fn skip(&mut self, path: &Path, reason: impl Into<String>) {
        self.skipped.push(Skipped { path: path.to_path_buf(), reason: reason.into() });
    }

    /// True the first time that a place is met, by whatever way. A place that cannot be resolved is skipped.
    fn is_new(&mut self, path: &Path) -> bool {
        match path.canonicalize() {
            Ok(place) => self.seen.insert(place),
            Err(e) => {
                self.skip(path, e.to_string());
                false
            }
        }
    }

    fn walk(&mut self, root: &Path) {
        let mut walk = WalkDir::new(root).follow_links(true).sort_by_file_name().into_iter();
        while let Some(step) = walk.next() {
            let entry = match step {
                Ok(entry) => entry,
                Err(e) => {
                    let path = e.path().unwrap_or(root).to_path_buf();
                    self.skip(&path, reason(&e));
                    continue;
                }
            };
            let (path, is_folder) = (entry.path(), entry.file_type().is_dir());
            if entry.depth() > 0 && entry.file_name().as_encoded_bytes().starts_with(b".") {
                if self.is_new(path) {
                    self.skip(path, if is_folder { "a hidden folder" } else { "a hidden file" });
                }
            } else if !is_folder {
                self.file(path);
                continue;
            } else if self.is_new(path) {
                if !is_run(path) {
                    continue;
                }
                self.skip(path, "a run's own folder, not a journal");
            }
            if is_folder {
                walk.skip_current_dir();
            }
        }
    }

    fn file(&mut self, path: &Path) {
        if !self.is_new(path) {
            return;
        }
        let kind = std::fs::metadata(path).map(|m| m.is_file());
        match kind {
            Err(e) => self.skip(path, e.to_string()),
            Ok(false) => self.skip(path, "not a file (a pipe, a socket or a device)"),
            Ok(true) if path.canonicalize().ok().as_deref().and_then(Path::parent).is_some_and(is_run) => {
                self.skip(path, "part of a run's own folder, not a journal");
            }
            Ok(true) if formats::of(path).is_none() => self.skip(path, OTHER_KIND),
            Ok(true) => self.files.push(path.to_path_buf()),
        }
    }
}

fn reason(e: &walkdir::Error) -> String {
    match (e.loop_ancestor(), e.io_error()) {
        (Some(ancestor), _) => format!("a link back to {}, which holds it", ancestor.display()),
        (None, Some(io)) => io.to_string(),
        (None, None) => e.to_string(),
    }
}

/// Whether a folder is one that `diarist train` wrote.
fn is_run(folder: &Path) -> bool {
    let all = |names: &[&str]| names.iter().all(|name| folder.join(name).is_file());
    all(&["run.json", "tokens.bin"]) || all(&["log.jsonl", "samples.md"])
}

/// The text of a file, its lines ending in LF; or why it cannot be read as text.
pub(super) fn text(path: &Path) -> std::result::Result<String, String> {
    let too_long = || "longer than 2 GiB; divide it into smaller files".to_string();
    let file = File::open(path).map_err(|e| e.to_string())?;
    let length = file.metadata().map_err(|e| e.to_string())?.len();
    if length > MOST_BYTES {
        return Err(too_long());
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length as usize + 1).map_err(|e| e.to_string())?;
    // A file may grow while it is read.
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(too_long());
    }
    decode(bytes)
}

/// UTF-8 with or without its mark, or UTF-16 with one.
fn decode(mut bytes: Vec<u8>) -> std::result::Result<String, String> {
    match bytes[..] {
        [] => return Err("an empty file".into()),
        [0xff, 0xfe, ..] => bytes = utf16(&bytes[2..], u16::from_le_bytes)?,
        [0xfe, 0xff, ..] => bytes = utf16(&bytes[2..], u16::from_be_bytes)?,
        [0xef, 0xbb, 0xbf, ..] => drop(bytes.drain(..3)),
        _ => {}
    }
    if bytes.contains(&0) {
        return Err(
            "holds NUL bytes: not text, or text in an encoding without a mark (save it as UTF-8)".into()
        );
    }
    line_feeds(&mut bytes);
    String::from_utf8(bytes).map_err(|e| {
        let good = e.utf8_error().valid_up_to();
        let line = 1 + e.as_bytes()[..good].iter().filter(|b| **b == b'\n').count();
        format!("not UTF-8 (line {line}); save it as UTF-8")
    })
}

/// UTF-8 bytes of UTF-16 bytes.
fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> std::result::Result<Vec<u8>, String> {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(bytes.len() / 2);
    for c in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        text.push(c.map_err(|_| "marked as UTF-16, but is not; save it as UTF-8")?);
    }
    if odd.is_empty() {
        Ok(text.into_bytes())
    } else {
        Err("UTF-16 cut off in the middle of a letter".into())
    }
}

/// CRLF and CR become LF, in place: in UTF-8 neither byte is ever part of another character.
fn line_feeds(bytes: &mut Vec<u8>) {
    let Some(first) = bytes.iter().position(|b| *b == b'\r') else { return };
    let (mut from, mut to) = (first, first);
    while from < bytes.len() {
        let crlf = bytes[from] == b'\r' && bytes.get(from + 1) == Some(&b'\n');
        bytes[to] = if bytes[from] == b'\r' { b'\n' } else { bytes[from] };
        from += if crlf { 2 } else { 1 };
        to += 1;
    }
    bytes.truncate(to);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> std::result::Result<String, String> {
        decode(bytes.to_vec())
    }

    #[test]
    fn encodings() {
        assert_eq!(decoded(b"\xef\xbb\xbfcaf\xc3\xa9").unwrap(), "café");
        assert_eq!(decoded(b"\xff\xfec\0a\0f\0\xe9\0\r\0\n\0").unwrap(), "café\n");
        assert_eq!(decoded(b"\xfe\xff\xd8\x3d\xde\x00").unwrap(), "😀");
        assert_eq!(decoded(b"\xef\xbb\xbf").unwrap(), "");
        assert!(decoded(b"").unwrap_err().contains("empty"));
        assert!(decoded(b"a\r\ncaf\xe9").unwrap_err().contains("line 2"));
        assert!(decoded(b"a\0b").unwrap_err().contains("NUL"));
        assert!(decoded(b"a\0b\0").unwrap_err().contains("NUL"));
        assert!(decoded(b"\xff\xfea\0b").unwrap_err().contains("cut off"));
        assert!(decoded(b"\xff\xfe\x00\xd8a\0").unwrap_err().contains("is not"));
    }

    #[test]
    fn lines_end_in_a_line_feed_and_nothing_else_changes() {
        assert_eq!(decoded(b"a\r\nb\rc\n\r\r\nd\r").unwrap(), "a\nb\nc\n\n\nd\n");
        let kept = "tab\there \u{a0}\u{2028}\u{200b}\u{feff}<b> `x` \u{7}\u{c} e\u{301} \n  \n";
        assert_eq!(decoded(kept.as_bytes()).unwrap(), kept);
    }
}
