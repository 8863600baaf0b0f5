//! From PATHs to pairs: files and folders, each file taken for what its content says it is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::base::units::{counted, shown};
use crate::base::{Error, Result};
use crate::dataset::pairs::gathered::Gathered;
use crate::dataset::pairs::pair::{FileRead, Pair, Place, Problem, Reading};
use crate::dataset::pairs::{json, table};
use crate::journal::read_list;

/// Reads pairs from files, and from the files in folders (but hidden ones), in the order of their names. A file reached twice is
/// read once. What cannot be read is named in [`Reading::problems`].
///
/// # Errors
/// A PATH that does not exist, or PATHs without a pair: what was found instead, and what to give.
pub fn read(paths: &[PathBuf]) -> Result<Reading> {
    let mut reading = Reading::default();
    let mut seen = BTreeSet::new();
    for path in paths {
        std::fs::metadata(path).map_err(Error::typed("read", path))?;
        for file in files(path, &mut reading.problems) {
            let whole = std::fs::canonicalize(&file).unwrap_or_else(|_| file.clone());
            if seen.insert(whole) {
                add(&file, &mut reading);
            }
        }
    }
    if reading.pairs.is_empty() { Err(nothing(paths, &reading)) } else { Ok(reading) }
}

/// The files of a path. What is no text by its name is told, and so is what cannot be listed.
fn files(path: &Path, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_path_buf()];
    }
    let hidden = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with('.');
    let walk = WalkDir::new(path).follow_links(true).sort_by_file_name().into_iter();
    let mut found = Vec::new();
    for entry in walk.filter_entry(|entry| entry.depth() == 0 || !hidden(entry.file_name())) {
        match entry {
            Ok(entry) if entry.file_type().is_dir() => {}
            Ok(entry) => found.push(entry.into_path()),
            Err(e) => {
                let file = e.path().unwrap_or(path).to_path_buf();
                problems.push(Problem { place: Place { file, number: 0 }, what: format!("not read: {e}") });
            }
        }
    }
    found
}

/// Adds what a file holds.
fn add(file: &Path, reading: &mut Reading) {
    let place = || Place { file: file.to_path_buf(), number: 0 };
    let mut problem = |what: String| reading.problems.push(Problem { place: place(), what });
    if !file.is_file() {
        return problem("not read: it is no file".to_string());
    }
    if let Some(what) = unreadable(file) {
        return problem(what.to_string());
    }
    match read_list(file) {
        Ok(text) => {
            let of_file = read_text(file, &text);
            let theme = theme_of(file);
            let themed = |pair: Pair| Pair { theme: pair.theme.or_else(|| theme.clone()), ..pair };
            reading.pairs.extend(of_file.pairs.into_iter().map(themed));
            reading.problems.extend(of_file.problems);
            reading.files.extend(of_file.files);
        }
        Err(Error::File { problem: found, next, .. }) => problem(format!("not read: {found}; {next}")),
        Err(e) => problem(format!("not read: {e}")),
    }
}

/// The theme of an answer to a prompt of ours, whose file is called after it: `answers/0007-sea-ships.txt`.
fn theme_of(file: &Path) -> Option<String> {
    let (number, theme) = file.file_stem()?.to_str()?.split_once('-')?;
    let ours = number.len() == 4 && number.bytes().all(|b| b.is_ascii_digit());
    ours.then(|| theme.replace('-', " "))
}

/// What to do with a file that is of a kind that holds pairs and is not read.
fn unreadable(file: &Path) -> Option<&'static str> {
    let suffix = file.extension()?.to_string_lossy().to_lowercase();
    match suffix.as_str() {
        "parquet" | "arrow" | "feather" => Some("not read: export the data set as JSONL"),
        "zip" | "gz" | "zst" | "bz2" | "xz" | "7z" | "tar" | "tgz" => Some("not read: unpack it first"),
        "xlsx" | "xls" | "ods" | "numbers" => Some("not read: save the table as CSV"),
        "docx" | "doc" | "odt" | "pdf" | "rtf" => Some("not read: save the pairs in it as JSON or CSV"),
        _ => None,
    }
}

/// Reads the pairs of a text; `file` is where it stood.
pub fn read_text(file: &Path, text: &str) -> Reading {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut gathered = Gathered::new(file);
    let format = if text.trim().is_empty() {
        gathered.problem_of_all("it is empty");
        None
    } else if !text.trim_start().starts_with(['{', '[']) && table::read(text, &mut gathered) {
        Some("a table")
    } else {
        json::read(text, &mut gathered)
    };
    if gathered.is_empty() {
        gathered.problem_of_all(
            "it has no pairs: neither JSON objects with an instruction and a response, nor a table with such columns",
        );
    }
    let Gathered { pairs, problems, .. } = gathered;
    let read = format.filter(|_| !pairs.is_empty());
    let files = read.map(|format| FileRead { file: file.to_path_buf(), format, pairs: pairs.len() });
    Reading { pairs, problems, files: files.into_iter().collect() }
}

/// The error for PATHs without a pair.
fn nothing(paths: &[PathBuf], reading: &Reading) -> Error {
    const SHOWN: usize = 5;
    let names: Vec<String> = paths.iter().map(|path| shown(path)).collect();
    let paths = if names.is_empty() { "no path".to_string() } else { names.join(", ") };
    let mut lines = vec![format!("no pairs in {paths}")];
    lines.extend(
        reading.problems.iter().take(SHOWN).map(|Problem { place, what }| format!("{place}: {what}")),
    );
    if let Some(more) = reading.problems.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        lines.push(format!("and {} more", counted(more as u64, "problem", "problems")));
    }
    let next = "give a list in JSON, JSONL or CSV whose items have an \"instruction\" and a \"response\" (and a \"context\": \
                what the answer rests on), or conversations as OpenAI's \"messages\"";
    Error::setting(lines.join("\n  "), next)
}
