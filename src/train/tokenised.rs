//! Journals as tokens, entry by entry, on the disk: made once, and found again in this user's cache while the journals and
//! what was asked for are the same.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::civil::{Date, date};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::base::units::shown;
use crate::base::{Error, Result};
use crate::journal::{self, Corpus, Observer, Place, Report, spool};
use crate::tokens::Tokenizer;
use crate::train::header::Template;

/// What is encoded together, in bytes of text: enough for all cores, little enough for memory.
const BATCH: u64 = 8 << 20;

/// A change to the files below raises it, as one to how journals are read raises [`journal::VERSION`]: what was cached
/// before is made again.
const VERSION: u32 = 2;

/// How the name of a folder ends that is not whole yet.
const UNFINISHED: &str = ".tmp";

/// So many journals are kept in the cache; the one that was not used for the longest time goes first.
const KEPT: usize = 12;

/// What is turned into tokens, and how.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// Files, folders and zips.
    pub paths: &'a [PathBuf],
    /// How they are read.
    pub options: &'a journal::Options,
    /// What stands before each entry.
    pub header: Option<&'a Template>,
    /// Text to tokens.
    pub tokenizer: Tokenizer,
}

/// An entry as tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Its tokens, the header's among them; end of text is not counted.
    pub tokens: u32,
    /// The header's tokens: the first ones.
    pub header: u32,
    /// Shared by entries that are much alike, and no others.
    pub group: u32,
    /// Its file, in [`Tokenised::sources`].
    pub source: u32,
    /// Where in that file.
    pub place: Place,
    /// Its day.
    pub day: Option<Date>,
}

/// The tokens of journals.
#[derive(Debug)]
pub struct Tokenised {
    /// What was read.
    pub report: Report,
    /// In the order of the corpus.
    pub entries: Vec<Item>,
    /// The files that entries came from, as they are shown.
    pub sources: Vec<String>,
    file: File,
}

/// What `report.json` in the cache holds.
#[derive(serde::Serialize, serde::Deserialize)]
struct Saved {
    report: Report,
    sources: Vec<String>,
}

impl Wanted<'_> {
    /// Finds the tokens in the cache, or reads the journals and makes them. Without `cache`, nothing is looked for and
    /// nothing is kept.
    ///
    /// # Errors
    /// Whatever keeps the journals from being read; a full disk.
    pub fn prepare(&self, cache: bool, observer: &mut dyn Observer) -> Result<Tokenised> {
        if cache {
            let found = self.place(&journal::fingerprint(self.paths, self.options)?);
            if let Some(found) = found.as_deref().and_then(Tokenised::open) {
                return Ok(found);
            }
        }
        let mut corpus = journal::read(self.paths, self.options, observer)?;
        self.encode(&mut corpus, cache, observer)
    }

    /// The tokens of a corpus that was read already, found in the cache or made.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare).
    pub fn of(&self, corpus: &mut Corpus, cache: bool, observer: &mut dyn Observer) -> Result<Tokenised> {
        let folder = if cache { self.place(&corpus.fingerprint) } else { None };
        match folder.as_deref().and_then(Tokenised::open) {
            Some(found) => Ok(found),
            None => self.encode(corpus, cache, observer),
        }
    }

    /// The folder in the cache, for a fingerprint of the journals; none where this user has no cache.
    fn place(&self, fingerprint: &str) -> Option<PathBuf> {
        let mut sha = Sha256::new();
        sha.update(fingerprint);
        let version = env!("CARGO_PKG_VERSION");
        sha.update(format!(
            "{version} {VERSION} {} {} {:?}",
            journal::VERSION,
            self.tokenizer.kind().name(),
            self.header
        ));
        let key: String = sha.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        spool::cache_folder().map(|cache| cache.join("tokens").join(key))
    }

    fn encode(&self, corpus: &mut Corpus, cache: bool, observer: &mut dyn Observer) -> Result<Tokenised> {
        // What was lost to a lock or a full disk may be there the next time: that is not remembered.
        let folder =
            if cache && !corpus.report.may_change() { self.place(&corpus.fingerprint) } else { None };
        let mut place = spool::folder();
        if let Some(folder) = folder {
            match self.encode_in_cache(corpus, &folder, observer) {
                // A cache that cannot be written is no reason to stop: the tokens go where nothing is kept.
                Err(Failure::Io(_)) => place = std::env::temp_dir(),
                Err(Failure::Other(e)) => return Err(e),
                Ok(tokenised) => return Ok(tokenised),
            }
        }
        let mut file = tempfile::tempfile_in(&place).map_err(Error::io("write", &place))?;
        match self.write_tokens(corpus, &mut file, observer) {
            Err(Failure::Io(e)) => Err(Error::io("write", &place)(e)),
            Err(Failure::Other(e)) => Err(e),
            Ok((entries, sources)) => Ok(Tokenised { report: corpus.report.clone(), entries, sources, file }),
        }
    }

    fn encode_in_cache(
        &self,
        corpus: &mut Corpus,
        folder: &Path,
        observer: &mut dyn Observer,
    ) -> std::result::Result<Tokenised, Failure> {
        let temporary = temporary_beside(folder)?;
        let mut file = private(&temporary.path().join("tokens.bin"))?;
        let (entries, sources) = self.write_tokens(corpus, &mut file, observer)?;
        let saved = Saved { report: corpus.report.clone(), sources };
        // A journal that was changed while it was read has other tokens than these.
        if journal::fingerprint(self.paths, self.options)? == corpus.fingerprint {
            // Nothing depends on it that it can be found again.
            let _ = keep(temporary, folder, &entries, &saved);
        }
        Ok(Tokenised { report: saved.report, entries, sources: saved.sources, file })
    }

    fn write_tokens(
        &self,
        corpus: &mut Corpus,
        file: &mut File,
        observer: &mut dyn Observer,
    ) -> std::result::Result<(Vec<Item>, Vec<String>), Failure> {
        let mut out = BufWriter::with_capacity(1 << 20, file);
        let (mut entries, mut sources) = (Vec::with_capacity(corpus.len()), Vec::new());
        let (mut numbers, mut told, mut labels_of) =
            (std::collections::HashMap::new(), Vec::new(), Vec::new());
        let mut labels = Labels::parse(&self.options.labels)?;
        let of: u64 = (0..corpus.len()).map(|i| corpus.bytes(i)).sum();
        let (mut next, mut done) = (0, 0);
        while next < corpus.len() {
            observer.progress("tokenising", done, of);
            let (from, mut bytes) = (next, 0);
            let mut texts = Vec::new();
            while next < corpus.len() && bytes < BATCH {
                let entry = corpus.entry(next)?;
                let source = *numbers.entry(entry.source.clone()).or_insert_with(|| {
                    sources.push(shown(&entry.source));
                    told.push(corpus.told(&entry.source));
                    labels_of.push(labels.of(&entry.source));
                    sources.len() - 1
                });
                let header = self.header.map_or(String::new(), |template| {
                    template.render(&entry, &told[source], &labels_of[source])
                });
                let text = match self.header {
                    Some(template) if template.has_title() => entry.text,
                    _ => entry.whole().into_owned(),
                };
                texts.push((header, text, source));
                bytes += corpus.bytes(next);
                next += 1;
            }
            // Header and text are encoded apart, so that the header's tokens are the same whatever follows.
            let encoded: Vec<(Vec<u16>, Vec<u16>, usize)> = texts
                .into_par_iter()
                .map(|(header, text, source)| {
                    (self.tokenizer.encode(&header), self.tokenizer.encode(&text), source)
                })
                .collect();
            for (i, (header, text, source)) in (from..).zip(&encoded) {
                for id in header.iter().chain(text) {
                    out.write_all(&id.to_le_bytes())?;
                }
                entries.push(Item {
                    tokens: (header.len() + text.len()) as u32,
                    header: header.len() as u32,
                    group: corpus.group(i),
                    source: *source as u32,
                    place: corpus.place(i),
                    day: corpus.day(i),
                });
            }
            done += bytes;
        }
        labels.all_fit()?;
        observer.progress("tokenising", of, of);
        out.flush()?;
        Ok((entries, sources))
    }
}

enum Failure {
    Io(std::io::Error),
    Other(Error),
}

impl From<std::io::Error> for Failure {
    fn from(e: std::io::Error) -> Self {
        Failure::Io(e)
    }
}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        Failure::Other(e)
    }
}

impl Tokenised {
    /// What the cache holds in a folder; none where it is not there or not whole.
    fn open(folder: &Path) -> Option<Tokenised> {
        let saved: Saved = serde_json::from_slice(&fs::read(folder.join("report.json")).ok()?).ok()?;
        let entries = items(&fs::read(folder.join("entries.bin")).ok()?)?;
        let file = File::open(folder.join("tokens.bin")).ok()?;
        let tokens: u64 = entries.iter().map(|item| u64::from(item.tokens)).sum();
        let whole = file.metadata().ok()?.len() == tokens * 2
            && entries.len() == saved.report.entries
            && entries.iter().all(|item| (item.source as usize) < saved.sources.len());
        // Used now, so the last to go.
        let _ = fs::File::open(folder).and_then(|dir| dir.set_modified(std::time::SystemTime::now()));
        whole.then_some(Tokenised { report: saved.report, entries, sources: saved.sources, file })
    }

    /// The tokens of some entries, one after another, each read when it is asked for.
    pub fn read<'a>(
        &'a self,
        wanted: impl Fn(usize) -> bool + 'a,
    ) -> impl Iterator<Item = Result<Vec<u16>>> + 'a {
        let mut at = 0;
        let mut reader = Sequential { file: &self.file, at: None };
        self.entries.iter().enumerate().filter_map(move |(i, item)| {
            let start = at;
            at += u64::from(item.tokens) * 2;
            wanted(i).then(|| reader.read(start, item.tokens as usize))
        })
    }
}

/// Reads ranges of a file whose starts ascend.
struct Sequential<'a> {
    file: &'a File,
    at: Option<u64>,
}

impl Sequential<'_> {
    fn read(&mut self, start: u64, tokens: usize) -> Result<Vec<u16>> {
        let mut file = self.file;
        let mut bytes = vec![0; tokens * 2];
        let mut read = || -> std::io::Result<()> {
            if self.at != Some(start) {
                file.seek(SeekFrom::Start(start))?;
            }
            file.read_exact(&mut bytes)
        };
        read().map_err(Error::io("read tokens again from", spool::folder()))?;
        self.at = Some(start + bytes.len() as u64);
        Ok(bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect())
    }
}

/// Bytes of an entry in `entries.bin`: seven numbers of 32 bits.
const ITEM: usize = 28;
/// The day of an undated entry.
const UNDATED: i32 = i32::MIN;
/// In the number of a place: it counts entries, not lines.
const NUMBERED: u32 = 1 << 31;

fn bytes_of(item: &Item) -> [u8; ITEM] {
    let place = match item.place {
        Place::Line(line) => line.min(NUMBERED as usize - 1) as u32,
        Place::Number(number) => number.min(NUMBERED as usize - 1) as u32 | NUMBERED,
    };
    let day = item.day.map_or(UNDATED, |day| (day - date(1970, 1, 1)).get_days());
    let mut bytes = [0; ITEM];
    let numbers = [item.tokens, item.header, item.group, item.source, place, day as u32, 0];
    for (cell, number) in bytes.chunks_exact_mut(4).zip(numbers) {
        cell.copy_from_slice(&number.to_le_bytes());
    }
    bytes
}

/// The entries that the bytes of `entries.bin` are; none where they cannot be.
fn items(bytes: &[u8]) -> Option<Vec<Item>> {
    let (rows, rest) = bytes.as_chunks::<ITEM>();
    if !rest.is_empty() {
        return None;
    }
    let item = |row: &[u8; ITEM]| {
        let number =
            |i: usize| u32::from_le_bytes([row[4 * i], row[4 * i + 1], row[4 * i + 2], row[4 * i + 3]]);
        let place = match number(4) {
            n if n & NUMBERED != 0 => Place::Number((n & !NUMBERED) as usize),
            n => Place::Line(n as usize),
        };
        let day = match number(5) as i32 {
            UNDATED => None,
            days => Some(date(1970, 1, 1).checked_add(jiff::Span::new().try_days(days).ok()?).ok()?),
        };
        Some(Item { tokens: number(0), header: number(1), group: number(2), source: number(3), place, day })
    };
    rows.iter().map(item).collect()
}

/// A folder in the cache that is not whole yet, for this user alone; it goes unless it is kept.
fn temporary_beside(folder: &Path) -> std::io::Result<tempfile::TempDir> {
    let all = folder.parent().unwrap_or(folder);
    fs::create_dir_all(all)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix("new.").suffix(UNFINISHED);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir_in(all)
}

fn keep(temporary: tempfile::TempDir, folder: &Path, entries: &[Item], saved: &Saved) -> std::io::Result<()> {
    let rows: Vec<u8> = entries.iter().flat_map(bytes_of).collect();
    private(&temporary.path().join("entries.bin"))?.write_all(&rows)?;
    private(&temporary.path().join("report.json"))?.write_all(&serde_json::to_vec(saved)?)?;
    // An older one of the same key was not whole.
    let _ = fs::remove_dir_all(folder);
    fs::rename(temporary.path(), folder)?;
    tidy(folder.parent().unwrap_or(folder))
}

/// A file that this user alone may read.
fn private(path: &Path) -> std::io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Removes the folders that were not used for the longest time, and what a crash left behind a day ago.
fn tidy(cache: &Path) -> std::io::Result<()> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(cache)? {
        let entry = entry?;
        let used = entry.metadata()?.modified()?;
        if entry.file_name().to_string_lossy().ends_with(UNFINISHED) {
            if used.elapsed().is_ok_and(|age| age.as_secs() > 86_400) {
                fs::remove_dir_all(entry.path())?;
            }
            continue;
        }
        folders.push((used, entry.path()));
    }
    folders.sort();
    let old = folders.len().saturating_sub(KEPT);
    folders[..old].iter().try_for_each(|(_, path)| fs::remove_dir_all(path))
}

/// `--label PATH=key:value`, ready to be asked of files.
struct Labels(Vec<Label>);

struct Label {
    path: PathBuf,
    key: String,
    value: String,
    /// Whether a file with words lies below `path`.
    fits: bool,
}

impl Labels {
    fn parse(typed: &[String]) -> Result<Labels> {
        let label = |typed: &String| {
            let (path, key, value) = parse_label(typed)?;
            Ok(Label { path, key, value, fits: false })
        };
        typed.iter().map(label).collect::<Result<Vec<_>>>().map(Labels)
    }

    /// What is said of a file, the nearer PATH last.
    fn of(&mut self, source: &Path) -> Vec<(String, String)> {
        let there = whole_path(source).unwrap_or_default();
        let mut fitting: Vec<_> = self.0.iter_mut().filter(|label| there.starts_with(&label.path)).collect();
        fitting.sort_by_key(|label| label.path.components().count());
        fitting.iter_mut().for_each(|label| label.fits = true);
        fitting.into_iter().map(|label| (label.key.clone(), label.value.clone())).collect()
    }

    /// A label of nothing is a slip: nobody means it.
    fn all_fit(&self) -> Result<()> {
        self.0.iter().find(|label| !label.fits).map_or(Ok(()), |label| {
            let problem = format!("--label: no entry of these journals lies below {}", shown(&label.path));
            Err(Error::usage(problem, "give a folder or file of the journals that are read"))
        })
    }
}

/// Reads `PATH=key:value`; the last `=` divides, since a path may hold one.
pub fn parse_label(typed: &str) -> Result<(PathBuf, String, String)> {
    let next = "use --label PATH=key:value, such as --label ~/letters=genre:letter";
    let bad = |problem: &str| Error::usage(format!("--label {typed}: {problem}"), next);
    let (path, label) = typed.rsplit_once('=').ok_or_else(|| bad("no = in it"))?;
    let (key, value) = label.split_once(':').ok_or_else(|| bad("no : after the ="))?;
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    if key.is_empty() || !key.chars().all(word) || ["date", "title", "tags", "source"].contains(&key) {
        return Err(bad("the key is no name for a label"));
    }
    let path = Path::new(path);
    let whole = whole_path(path).map_err(Error::io("find", path))?;
    Ok((whole, key.to_string(), value.to_string()))
}

/// The canonical path; what lies in a zip lies below the zip.
fn whole_path(path: &Path) -> std::io::Result<PathBuf> {
    let mut zips = path.ancestors().skip(1).filter(|above| above.is_file());
    match (path.canonicalize(), zips.next()) {
        (Err(_), Some(zip)) => Ok(zip.canonicalize()?.join(path.strip_prefix(zip).unwrap_or(path))),
        (whole, _) => whole,
    }
}
