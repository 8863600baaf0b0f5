//! Libraries in this user's cache: one file each, private, replaced whole. Whoever opens one reads it into memory, so that two
//! processes at once do not meet: each has a whole library, and the last one written is found again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::base::{Error, Result, disk};
use crate::recall::kept::Kept;
use crate::recall::postings::Postings;
use crate::recall::tongue::Tongue;

/// A change to the file below, or to what terms a text has, raises it: what was kept before is made again.
const VERSION: u32 = 1;
/// What a file begins with: its name, then the SHA-256 of all that follows, then the length of its header.
const MAGIC: &[u8; 16] = b"diarist recall\n\0";
const HEAD: usize = MAGIC.len() + 32;
/// So many files are kept, vectors' among them; the one that was not used for the longest time goes first.
const KEPT: usize = 24;
/// What a crash left behind goes after so many seconds.
const STALE: u64 = 86_400;

/// A library as it is kept.
#[derive(Debug)]
pub struct Stored {
    /// What told the sources from others.
    pub fingerprint: String,
    /// The languages that have fields.
    pub tongues: Vec<Tongue>,
    /// The entries.
    pub entries: Vec<Kept>,
    /// How many terms the passages of each text have, by its hash.
    pub terms: BTreeMap<u64, u64>,
    /// The index.
    pub postings: Postings,
}

#[derive(Serialize, Deserialize)]
struct Header {
    version: u32,
    fingerprint: String,
    tongues: Vec<Tongue>,
    entries: Vec<Line>,
    terms: Vec<(u64, u64)>,
    /// Names and lengths.
    files: Vec<(String, usize)>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    name: String,
    day: Option<Date>,
    hash: u64,
    tongue: Option<Tongue>,
    bytes: usize,
    passages: Vec<(usize, usize)>,
}

/// The file of a library in the cache, by what is asked for.
pub fn file(cache: &Path, paths: &[PathBuf], options: &impl std::fmt::Debug) -> PathBuf {
    let mut sha = Sha256::new();
    for path in paths {
        let whole = path.canonicalize().unwrap_or_else(|_| path.clone());
        sha.update(whole.as_os_str().as_encoded_bytes());
        sha.update([0]);
    }
    sha.update(format!("{options:?}"));
    cache.join(format!("{}.library", disk::hex(&sha.finalize()[..16])))
}

/// Writes a library over the one before it.
///
/// # Errors
/// A full disk.
pub fn write(path: &Path, stored: &Stored) -> Result<()> {
    let files = stored.postings.files().map_err(|e| Error::bug(e.to_string()))?;
    let line = |entry: &Kept| Line {
        name: entry.name.clone(),
        day: entry.day,
        hash: entry.hash,
        tongue: entry.tongue.clone(),
        bytes: entry.text.len(),
        passages: entry.passages.iter().map(|range| (range.start, range.end)).collect(),
    };
    let header = Header {
        version: VERSION,
        fingerprint: stored.fingerprint.clone(),
        tongues: stored.tongues.clone(),
        entries: stored.entries.iter().map(line).collect(),
        terms: stored.terms.iter().map(|(hash, count)| (*hash, *count)).collect(),
        files: files.iter().map(|(name, bytes)| (name.clone(), bytes.len())).collect(),
    };
    let header = serde_json::to_vec(&header).expect("a header of names and numbers");
    let mut body = (header.len() as u64).to_le_bytes().to_vec();
    body.extend(header);
    for entry in &stored.entries {
        body.extend(entry.text.as_bytes());
    }
    for bytes in files.values() {
        body.extend(bytes);
    }
    write_sealed(path, &body)
}

/// The library in a file; none where there is none of this version, and an error in words where it is damaged.
///
/// # Errors
/// It is cut short or changed.
pub fn read(path: &Path) -> std::result::Result<Option<Stored>, String> {
    let Some(body) = read_sealed(path)? else { return Ok(None) };
    let cut = || "it is cut short".to_string();
    let (length, rest) = body.split_at_checked(8).ok_or_else(cut)?;
    let length = u64::from_le_bytes(length.try_into().expect("eight bytes"));
    let length = usize::try_from(length).map_err(|_| cut())?;
    let (header, mut rest) = rest.split_at_checked(length).ok_or_else(cut)?;
    let header: serde_json::Value = serde_json::from_slice(header).map_err(|e| e.to_string())?;
    if header["version"] != VERSION {
        return Ok(None);
    }
    let header: Header = serde_json::from_value(header).map_err(|e| e.to_string())?;
    let mut take = |length: usize| {
        let (taken, after) = rest.split_at_checked(length)?;
        rest = after;
        Some(taken)
    };
    let mut entries = Vec::with_capacity(header.entries.len());
    for line in header.entries {
        let text =
            take(line.bytes).and_then(|bytes| String::from_utf8(bytes.to_vec()).ok()).ok_or_else(cut)?;
        let passages: Vec<_> = line.passages.into_iter().map(|(start, end)| start..end).collect();
        let Line { name, day, hash, tongue, .. } = line;
        entries.push(Kept { name, day, text, hash, tongue, passages });
    }
    let mut files = Vec::with_capacity(header.files.len());
    for (name, length) in &header.files {
        files.push((name.as_str(), take(*length).ok_or_else(cut)?));
    }
    let postings = Postings::of_files(files).map_err(|e| e.to_string())?;
    let terms = header.terms.into_iter().collect();
    Ok(Some(Stored { fingerprint: header.fingerprint, tongues: header.tongues, entries, terms, postings }))
}

/// Writes bytes behind their hash, over what was there, and makes room in the folder.
///
/// # Errors
/// A full disk.
pub fn write_sealed(path: &Path, body: &[u8]) -> Result<()> {
    let mut bytes = Vec::with_capacity(HEAD + body.len());
    bytes.extend(MAGIC);
    bytes.extend(Sha256::digest(body));
    bytes.extend(body);
    let folder = path.parent().unwrap_or(path);
    disk::create_folder(folder)?;
    disk::make_private(folder)?;
    // Under a name that no other process writes to at the same time.
    let beside = disk::temporary_folder(folder, "new.", UNFINISHED);
    let beside = beside.map_err(Error::io("create a folder in", folder))?;
    let fresh = beside.path().join("new");
    disk::write_new(&fresh, &bytes)?;
    disk::rename(&fresh, path)?;
    tidy(folder, path);
    Ok(())
}

/// How the name of a folder ends in which a file is being written.
const UNFINISHED: &str = ".tmp";

/// The bytes that stand behind their hash in a file, which was used now; none where there is no file.
///
/// # Errors
/// In words: it is cut short or changed.
pub fn read_sealed(path: &Path) -> std::result::Result<Option<Vec<u8>>, String> {
    let mut bytes = match fs::read(path) {
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        read => read.map_err(|e| e.to_string())?,
    };
    let body = bytes.strip_prefix(MAGIC).and_then(|rest| rest.split_at_checked(32));
    let (hash, body) = body.ok_or_else(|| "it is cut short".to_string())?;
    if Sha256::digest(body)[..] != *hash {
        return Err("it is cut short or changed".into());
    }
    // Used now, so the last to go.
    let _ = File::open(path).and_then(|file| file.set_modified(SystemTime::now()));
    bytes.drain(..MAGIC.len() + 32);
    Ok(Some(bytes))
}

/// Removes the files that were not used for the longest time, and what a crash left behind. What cannot be removed stays.
fn tidy(folder: &Path, newest: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut files = Vec::new();
    for entry in entries.flatten() {
        let Ok(used) = entry.metadata().and_then(|about| about.modified()) else { continue };
        if entry.file_name().to_string_lossy().ends_with(UNFINISHED) {
            if used.elapsed().is_ok_and(|age| age.as_secs() > STALE) {
                let _ = fs::remove_dir_all(entry.path());
            }
        } else if entry.path() != newest {
            files.push((used, entry.path()));
        }
    }
    files.sort();
    let old = (files.len() + 1).saturating_sub(KEPT);
    for (_, path) in &files[..old.min(files.len())] {
        let _ = fs::remove_file(path);
    }
}
