//! Room 1: from raw files to entries.
//!
//! ```text
//! PATHs ── gather/walk ──> files ── source/, text/decode ──> text ── formats/ ──> drafts
//!       drafts ── text/repair, text/style, gather/select ──> spool ── corpus/settle ──> Corpus
//! ```
//!
//! It has an order of its own: a module names only modules of a strictly lower number, or its own; no two files name
//! each other (`tests/layers` holds it to that). What a folder's files are is told in its `mod.rs`; long tests lie in a
//! `tests.rs` there.
//!
//! | | module | what it knows |
//! |---|---|---|
//! | 0 | `entry`, `options` | what an entry is; what was asked for: files, days, tags, style |
//! | 1 | `watch` | who watches the reading, and what they are told |
//! | 1 | `dates/` | dates as people write them, in lines and in files' names, and how they divide a text |
//! | 1 | `text/` | bytes to text, whatever the encoding; damage is repaired always, style is changed only when asked |
//! | 2 | `source/` | files, zips and zips in zips, with bounds; the spool, where texts wait |
//! | 3 | `format` | the contract of a format, and of what takes its entries |
//! | 4 | `syntax/` | what several formats share: HTML, XML, JSON, Markdown's marks, office documents, stamps, titles |
//! | 5 | `formats/` | the kinds of file, one file or folder a format, and the list of them |
//! | 6 | `corpus/` | what was taken; which entries stand twice, which are held out; what was found in numbers; clean files |
//! | 7 | `gather/` | which files the PATHs hold, one read after another, what was asked for taken |
//! | 8 | `mod.rs` | all of it in a row |
//!
//! The first rule of this room: no word of the writer's is dropped or changed silently. Whatever leaves a text or is changed
//! in it is counted in the [`Report`], and shown by `--diff`.
//!
//! ```
//! let folder = std::env::temp_dir().join(format!("diarist-doc-{}", std::process::id()));
//! std::fs::create_dir_all(&folder).unwrap();
//! std::fs::write(folder.join("may.txt"), "5 May 2020\nRain all day.\n\n6 May 2020\nSun.\n").unwrap();
//! let mut corpus = diarist::journal::read(&[folder.clone()], &Default::default(), &mut ()).unwrap();
//! std::fs::remove_dir_all(folder).unwrap();
//! assert_eq!(corpus.len(), 2);
//! let first = corpus.entry(0).unwrap();
//! assert_eq!(first.text, "Rain all day.");
//! assert_eq!(first.when.unwrap().to_string(), "2020-05-05");
//! ```

mod corpus;
mod dates;
mod entry;
mod format;
mod formats;
mod gather;
mod options;
mod source;
mod syntax;
#[cfg(test)]
mod testing;
mod text;
mod watch;

use std::path::{Path, PathBuf};

pub use corpus::dedup::THRESHOLD;
pub use corpus::report::{Duplicate, Report, Skipped, Trouble};
pub use corpus::{Corpus, export, overview, split};
pub use entry::{Entry, Place, When};
pub use gather::fingerprint::fingerprint;
pub use gather::secrets::{Guard, OFTEN, scanner};
pub use options::{DateOrder, Options, SecretOptions, Secrets, StyleOptions};
pub use source::place::whole_path;
pub use source::spool;
pub use text::scripts::is_unspaced;
pub use text::secrets;
pub use watch::{Change, Observer};

use crate::base::units::shown;
use crate::base::{Error, Result};
use corpus::settle::settle;
use gather::collect::Collector;
use gather::fingerprint::fingerprint_of;
use gather::select::Select;
use gather::walk;
use source::input::Input;
use text::decode::Neighbours;

/// The reader's version: raised whenever any file could be read to other entries than before, so that what was made of
/// the old ones is made again. The samples' test holds it to what they give.
pub const VERSION: u32 = 2;

/// Reads journals: any mix of files, folders and zips. A file reached twice is read once. What cannot be read is left out
/// and named in the report.
///
/// # Errors
/// A PATH that does not exist; PATHs that hold no word; a setting that cannot work; a full disk.
pub fn read(paths: &[PathBuf], options: &Options, observer: &mut dyn Observer) -> Result<Corpus> {
    let select = Select::new(options)?;
    let mut collector = Collector::new(options, &select, observer)?;
    let finds = walk::find(paths, &select)?;
    collector.corpus.fingerprint = fingerprint_of(&finds, options);
    collector.corpus.report.skipped = finds.skipped;
    let of: u64 = finds.files.iter().map(|found| found.length).sum();
    let neighbours = Neighbours::of(finds.files.iter().map(|found| (found.path.as_path(), found.length)));
    let mut bytes = 0;
    for found in &finds.files {
        collector.progress(bytes, of);
        gather::read::file(found, &neighbours, &select, &mut collector);
        bytes += found.length;
    }
    collector.progress(bytes, of);
    let (mut corpus, finder) = collector.finish()?;
    settle(&mut corpus, finder, options, observer)?;
    if corpus.report.words == 0 {
        return Err(nothing(paths, &corpus.report));
    }
    Ok(corpus)
}

/// A list that a person typed, in whatever encoding their editor saved it.
///
/// # Errors
/// A file that cannot be read or is no text.
pub fn read_list(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).map_err(Error::typed("read", path))?;
    let text = Input::from_bytes(path, bytes).text();
    text.map_err(|problem| Error::file(path, problem, "save it as plain text"))
}

/// The error for PATHs without a word.
fn nothing(paths: &[PathBuf], report: &Report) -> Error {
    let names: Vec<String> = paths.iter().map(|path| shown(path)).collect();
    let named = if names.is_empty() { "no path".to_string() } else { names.join(", ") };
    let mut problem = format!("no words to read in {named}: {report}");
    for (what, line) in report.details() {
        problem += &format!("\n  {what} {line}");
    }
    for line in report.skipped_lines(5) {
        problem += &format!("\n  skipped {line}");
    }
    for trouble in report.troubles.iter().take(5) {
        problem += &format!("\n  look at {}{}: {}", shown(&trouble.path), trouble.place, trouble.problem);
    }
    let next = if report.left_out.keys().any(|what| what.contains("entries ")) {
        "--since, --until, --tag and --exclude-tag leave nothing: ask for less"
    } else if report.strangers.is_empty() {
        "give journals: text, Markdown, HTML, Word or an app's export; `diarist corpus --help` says how to choose"
    } else {
        "say which of these people you are: --me NAME"
    };
    Error::setting(problem, next)
}

#[cfg(test)]
mod tests;
