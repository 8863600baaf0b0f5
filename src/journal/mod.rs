//! Room 1: from raw files to entries.
//!
//! | file | what it knows |
//! |---|---|
//! | `read` | which files the PATHs hold, what is left out and why, bytes to text |
//! | `formats/` | the kinds of file, one file a format |
//! | `names`, `scan`, `dates` | months and weekdays; how a date is written; which lines are dates, in what style |
//! | `entries` | where a file's entries begin and end |
//! | `split` | which entries are held out for validation |
//! | `report` | what was found, in numbers |
//!
//! The first rule of this room: no word of the writer's is dropped or changed silently. What leaves a text is a date
//! line's date (it becomes the entry's date), blank lines at an entry's ends, a Markdown file's front matter, and
//! carriage returns; everything else is an exact range of the file.
//!
//! ```
//! let folder = std::env::temp_dir().join(format!("diarist-doc-{}", std::process::id()));
//! std::fs::create_dir_all(&folder).unwrap();
//! std::fs::write(folder.join("may.txt"), "5 May 2020\nRain all day.\n\n6 May 2020\nSun.\n").unwrap();
//! let corpus = diarist::journal::read(&[folder.clone()]).unwrap();
//! std::fs::remove_dir_all(folder).unwrap();
//! assert_eq!(corpus.entries.len(), 2);
//! assert_eq!(corpus.entries[0].text, "Rain all day.");
//! assert_eq!(corpus.entries[0].date.unwrap().to_string(), "2020-05-05");
//! ```

pub mod dates;
pub mod entries;
pub mod formats;
pub mod names;
mod read;
pub mod report;
mod scan;
pub mod split;

use std::path::{Path, PathBuf};

use jiff::civil::Date;

pub use report::{Report, Skipped};

use crate::base::{Error, Result};
use formats::{Format, markdown};

/// One day's writing, or one note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The day it was written for.
    pub date: Option<Date>,
    /// What the writer wrote, without the date line.
    pub text: String,
    /// The file it stands in.
    pub source: PathBuf,
    /// The line of that file where its text starts, from 1.
    pub line: usize,
}

/// All that was read.
#[derive(Debug, Clone, Default)]
pub struct Corpus {
    /// Dated entries by day, those of one day in the order they were read in (PATHs as given, a folder's files by name,
    /// a file from top to bottom); then the undated ones, in that order too.
    pub entries: Vec<Entry>,
    /// What was found and what was left out.
    pub report: Report,
}

/// Reads journals: any mix of `.txt` and `.md` files and of folders of them. A file reached twice is read once. What
/// cannot be read is left out and named in the report.
///
/// # Errors
/// A PATH that does not exist; PATHs that hold no word.
pub fn read(paths: &[PathBuf]) -> Result<Corpus> {
    let finds = read::find(paths)?;
    let mut corpus = Corpus::default();
    corpus.report.skipped = finds.skipped;
    for path in finds.files {
        match read::text(&path) {
            Ok(text) => add(&mut corpus, &path, &text),
            Err(reason) => corpus.report.skipped.push(Skipped { path, reason }),
        }
    }
    if corpus.report.words == 0 {
        return Err(nothing(paths, &corpus.report));
    }
    corpus.entries.sort_by_key(|entry| (entry.date.is_none(), entry.date));
    Ok(corpus)
}

/// Adds the entries of one file.
fn add(corpus: &mut Corpus, path: &Path, text: &str) {
    let named = path.file_stem().and_then(|stem| stem.to_str()).and_then(dates::in_file_name);
    let front = match formats::of(path) {
        Some(Format::Markdown) => markdown::front_matter(text),
        _ => None,
    };
    let (date, above, text) = match front {
        Some(front) => (front.date.or(named), front.lines, &text[front.end..]),
        None => (named, 0, text),
    };
    let entries::Pieces { pieces, empty, left, guessed } = entries::split(text, date);
    let report = &mut corpus.report;
    report.files += 1;
    report.empty_entries += empty;
    report.dates_left_in_text += left;
    if guessed {
        report.day_first_guessed.push(path.to_path_buf());
    }
    for piece in pieces {
        let text = &text[piece.range];
        report.count(piece.date, text);
        let (text, line) = (text.to_string(), above + piece.line);
        corpus.entries.push(Entry { date: piece.date, text, source: path.to_path_buf(), line });
    }
}

/// The error for PATHs without a word.
fn nothing(paths: &[PathBuf], report: &Report) -> Error {
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let named = if names.is_empty() { "no path".to_string() } else { names.join(", ") };
    let mut problem = format!("no words to read in {named}: {report}");
    let (shown, more) = report.skipped.split_at(report.skipped.len().min(5));
    for Skipped { path, reason } in shown {
        problem += &format!("\n  skipped {}: {reason}", path.display());
    }
    if !more.is_empty() {
        problem += &format!("\n  … and {} more", more.len());
    }
    Error::setting(problem, "give .txt or .md files in UTF-8, or folders that hold some")
}

#[cfg(test)]
#[path = "mod_tests.rs"]
mod tests;
