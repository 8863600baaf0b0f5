//! Room 1: from raw files to entries.
//!
//! ```text
//! PATHs ── walk ──> files ── read, archive, decode ──> text ── formats/ ──> drafts
//!       drafts ── repair, style, select ──> spool ── dedup, days in order ──> Corpus
//! ```
//!
//! | file | what it knows |
//! |---|---|
//! | `options`, `select` | what was asked for: files, days, tags, style |
//! | `walk`, `beside` | which files the PATHs hold, what is left out and why |
//! | `read`, `archive`, `input` | one file after another, zips and zips in zips, with bounds |
//! | `decode`, `mac_roman` | bytes to text, whatever the encoding |
//! | `formats/` | the kinds of file, one file a format; `html`, `xml`, `markup` are what some of them share |
//! | `names`, `scan`, `clock`, `dates`, `reading` | dates as people write them |
//! | `date_lines`, `entries`, `file_dates` | where they divide a long file into entries, and what a file's name tells |
//! | `entry` | what an entry is |
//! | `repair`, `style` | damage is repaired always, style is changed only when asked |
//! | `collect`, `corpus`, `spool` | what was taken, in memory while it is small |
//! | `dedup`, `beginnings` | which entries stand twice |
//! | `split` | which entries are held out for validation |
//! | `report`, `overview` | what was found, in numbers |
//! | `export` | the entries as clean files |
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

mod archive;
mod beginnings;
mod beside;
mod clock;
mod collect;
mod corpus;
mod date_lines;
mod dates;
mod decode;
mod dedup;
mod entries;
mod entry;
pub mod export;
mod file_dates;
mod formats;
mod html;
mod input;
mod mac_roman;
mod markup;
mod names;
mod options;
pub mod overview;
mod read;
mod reading;
mod repair;
mod report;
mod scan;
mod select;
pub mod split;
pub mod spool;
mod style;
mod walk;
mod xml;

use std::path::{Path, PathBuf};

pub use corpus::Corpus;
pub use dedup::THRESHOLD;
pub use entry::{Entry, Place, When};
pub use options::{DateOrder, Options, StyleOptions};
pub use report::{Duplicate, Report, Skipped, Trouble};

use sha2::{Digest, Sha256};

use crate::base::units::shown;
use crate::base::{Error, Result};
use collect::Collector;
use select::Select;
use style::Boilerplate;

/// A change to a text, as `--diff` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<'a> {
    /// The file.
    pub source: &'a Path,
    /// Where in it the entry stands, where that is known.
    pub place: Option<Place>,
    /// What was done: "mojibake repaired"; for what was only counted, how often: "retweets (2)".
    pub what: &'a str,
    /// The text before.
    pub before: &'a str,
    /// The text after.
    pub after: &'a str,
}

/// Who watches the reading.
pub trait Observer {
    /// Something that takes a while ("reading") is so far, in bytes.
    fn progress(&mut self, _what: &'static str, _done: u64, _of: u64) {}

    /// Whether [`changed`](Self::changed) is of use: it costs time.
    fn wants_changes(&self) -> bool {
        false
    }

    /// A text was changed.
    fn changed(&mut self, _change: &Change) {}
}

/// Nobody watches.
impl Observer for () {}

/// What tells whether the same PATHs, read with the same options, would give the same: every file that would be read, with
/// its length and the time it was last changed, and every option.
///
/// # Errors
/// A PATH that does not exist; an option that cannot work.
pub fn fingerprint(paths: &[PathBuf], options: &Options) -> Result<String> {
    let select = Select::new(options)?;
    Ok(fingerprint_of(&walk::find(paths, &select)?, options))
}

fn fingerprint_of(finds: &walk::Finds, options: &Options) -> String {
    let mut sha = Sha256::new();
    let mut add = |bytes: &[u8]| {
        sha.update((bytes.len() as u64).to_le_bytes());
        sha.update(bytes);
    };
    add(format!("{options:?}").as_bytes());
    for found in &finds.files {
        add(found.path.as_os_str().as_encoded_bytes());
        add(found.relative.as_os_str().as_encoded_bytes());
        add(format!("{:?} {}", found.vault, stamp(&found.path)).as_bytes());
    }
    if let Some(redact) = &options.style.redact {
        add(stamp(redact).as_bytes());
    }
    for skipped in &finds.skipped {
        add(skipped.path.as_os_str().as_encoded_bytes());
    }
    crate::base::disk::hex(&sha.finalize())
}

/// A file's length and times: when its text was changed and, on Unix, when anything about it was.
fn stamp(path: &Path) -> String {
    let Ok(metadata) = std::fs::metadata(path) else { return "none".into() };
    let mut stamp = format!("{} {:?}", metadata.len(), metadata.modified().ok());
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        stamp += &format!(" {} {} {}", metadata.ctime(), metadata.ctime_nsec(), metadata.ino());
    }
    stamp
}

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
    let neighbours =
        decode::Neighbours::of(finds.files.iter().map(|found| (found.path.as_path(), found.length)));
    let mut bytes = 0;
    for found in &finds.files {
        collector.progress(bytes, of);
        read::file(found, &neighbours, &select, &mut collector);
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
    let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
    let text = input::Input::from_bytes(path, bytes, input::Vault::None).text();
    text.map_err(|problem| Error::file(path, problem, "save it as plain text"))
}

/// Finds duplicates and boilerplate, puts the days in order and counts what stays.
fn settle(
    corpus: &mut Corpus,
    finder: dedup::Finder,
    options: &Options,
    observer: &mut dyn Observer,
) -> Result<()> {
    let order = corpus.order();
    let mut rank = vec![0; order.len()];
    (0..).zip(&order).for_each(|(place, &i)| rank[i as usize] = place);
    let pairs = finder.pairs(&rank, &mut |i| Ok(corpus.entry(i)?.whole().into_owned()))?;
    let mut stays = vec![true; order.len()];
    let cuts = if options.keep_duplicates { Default::default() } else { beginnings::find(corpus)? };
    // Alike only by way of a third entry, two entries are held out together, but no word of either goes. Nor does a text
    // go for its own beginning.
    let is_dropped = |pair: &dedup::Pair| {
        !options.keep_duplicates && pair.likeness >= THRESHOLD && !cuts.contains_key(&pair.kept)
    };
    for pair in &pairs {
        // A pair's first was judged before: its group is settled.
        corpus.index[pair.dropped].group = corpus.index[pair.kept].group;
        stays[pair.dropped] = !is_dropped(pair);
    }
    if !options.keep_duplicates {
        corpus.report.duplicates = stays.iter().filter(|stays| !**stays).count();
        for (cut, whole) in &cuts {
            if stays[*whole] && std::mem::replace(&mut stays[*cut], false) {
                *corpus.report.left_out.entry(beginnings::WHAT.into()).or_default() += 1;
            }
        }
        let named =
            |corpus: &Corpus, i: usize| format!("{}{}", shown(corpus.origin(i).0), corpus.index[i].place);
        let shown = pairs.iter().filter(|pair| is_dropped(pair)).take(report::MOST_PAIRS);
        corpus.report.pairs = shown
            .map(|pair| Duplicate {
                kept: named(corpus, pair.kept),
                dropped: named(corpus, pair.dropped),
                likeness: pair.likeness,
            })
            .collect();
    }
    corpus.arrange(order.into_iter().filter(|&i| stays[i as usize]));
    if options.style.drop_boilerplate {
        drop_boilerplate(corpus, observer)?;
    }
    for i in 0..corpus.len() {
        let (day, words, format) = (corpus.day(i), corpus.words(i), corpus.origin(i).1);
        corpus.report.count(day, words, format);
    }
    Ok(())
}

/// Leaves out the paragraphs that stand in very many entries, and with them the entries that are nothing else.
fn drop_boilerplate(corpus: &mut Corpus, observer: &mut dyn Observer) -> Result<()> {
    let mut counted = Boilerplate::default();
    for i in 0..corpus.len() {
        counted.add(&corpus.entry(i)?.text);
    }
    let mut common = counted.common();
    if common.is_empty() {
        return Ok(());
    }
    for i in 0..corpus.len() {
        let entry = corpus.entry(i)?;
        if let Some(rest) = common.without(&entry.text) {
            if observer.wants_changes() {
                let (source, place, what) = (&entry.source, Some(entry.place), "boilerplate dropped");
                observer.changed(&Change { source, place, what, before: &entry.text, after: &rest });
            }
            corpus.replace_text(i, &rest)?;
        }
    }
    let before = corpus.len();
    corpus.index.retain(|stored| stored.words > 0);
    corpus.report.empty_entries += before - corpus.len();
    corpus.report.boilerplate = common.removed();
    Ok(())
}

/// The error for PATHs without a word.
fn nothing(paths: &[PathBuf], report: &Report) -> Error {
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let named = if names.is_empty() { "no path".to_string() } else { names.join(", ") };
    let mut problem = format!("no words to read in {named}: {report}");
    for (what, line) in report.details() {
        problem += &format!("\n  {what} {line}");
    }
    for line in report.skipped_lines(5) {
        problem += &format!("\n  skipped {line}");
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

/// The line of front matter by which files that `diarist corpus --export` wrote are known.
pub(crate) const EXPORT_MARK: &str = "exported-by: diarist";

#[cfg(test)]
#[path = "mod_tests.rs"]
mod tests;
