//! This user's cache of tokens: journals that were read once are found again while they, and what was asked for, are the
//! same. A folder holds `tokens.bin`, `entries.bin` (a row an entry) and `report.json`.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::civil::date;
use sha2::{Digest, Sha256};

use crate::base::disk;
use crate::dataset::header::Template;
use crate::dataset::tokenised::{Item, Tokenised};
use crate::journal::{self, Place, Report};
use crate::tokens::{Tokenizer, Width};

/// A change to the files below raises it, as one to how journals are read raises [`journal::VERSION`]: what was cached
/// before is made again.
const VERSION: u32 = 3;

/// How the name of a folder ends that is not whole yet.
const UNFINISHED: &str = ".tmp";

/// So many journals are kept in the cache; the one that was not used for the longest time goes first.
const KEPT: usize = 12;

/// What `report.json` in the cache holds.
#[derive(serde::Serialize, serde::Deserialize)]
pub(super) struct Saved {
    pub(super) report: Report,
    pub(super) sources: Vec<String>,
}

/// The folder for a fingerprint of the journals, and for how they become tokens; none where this user has no cache.
pub(super) fn folder(fingerprint: &str, tokenizer: &Tokenizer, header: Option<&Template>) -> Option<PathBuf> {
    let mut sha = Sha256::new();
    sha.update(fingerprint);
    let version = env!("CARGO_PKG_VERSION");
    sha.update(format!("{version} {VERSION} {} {} {header:?}", journal::VERSION, tokenizer.fingerprint()));
    let key = disk::hex(&sha.finalize()[..16]);
    disk::cache_folder().map(|cache| cache.join("tokens").join(key))
}

/// What the cache holds in a folder, its ids of a width; none where it is not there or not whole.
pub(super) fn open(folder: &Path, width: Width) -> Option<Tokenised> {
    let saved: Saved = serde_json::from_slice(&fs::read(folder.join("report.json")).ok()?).ok()?;
    let entries = items(&fs::read(folder.join("entries.bin")).ok()?)?;
    let file = File::open(folder.join("tokens.bin")).ok()?;
    let tokens: u64 = entries.iter().map(|item| u64::from(item.tokens)).sum();
    let whole = file.metadata().ok()?.len() == tokens * width.bytes() as u64
        && entries.len() == saved.report.entries
        && entries.iter().all(|item| (item.source as usize) < saved.sources.len());
    // Used now, so the last to go.
    let _ = File::open(folder).and_then(|dir| dir.set_modified(std::time::SystemTime::now()));
    whole.then_some(Tokenised { report: saved.report, entries, sources: saved.sources, file, width })
}

/// Bytes of an entry in `entries.bin`: eight numbers of 32 bits.
const ITEM: usize = 32;
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
    let hash = [item.hash as u32, (item.hash >> 32) as u32];
    let numbers = [item.tokens, item.header, item.group, item.source, place, day as u32, hash[0], hash[1]];
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
        let hash = u64::from(number(6)) | u64::from(number(7)) << 32;
        let [tokens, header, group, source] = [0, 1, 2, 3].map(number);
        Some(Item { tokens, header, pair: false, group, source, place, day, hash })
    };
    rows.iter().map(item).collect()
}

/// A folder in the cache that is not whole yet, for this user alone; it goes unless it is kept.
pub(super) fn temporary_beside(folder: &Path) -> std::io::Result<tempfile::TempDir> {
    let all = folder.parent().unwrap_or(folder);
    disk::create_folder(all).map_err(std::io::Error::other)?;
    disk::temporary_folder(all, "new.", UNFINISHED)
}

/// Gives a whole folder its name, and makes room for it.
pub(super) fn keep(
    temporary: tempfile::TempDir,
    folder: &Path,
    entries: &[Item],
    saved: &Saved,
) -> std::io::Result<()> {
    let rows: Vec<u8> = entries.iter().flat_map(bytes_of).collect();
    disk::create_new(&temporary.path().join("entries.bin"))?.write_all(&rows)?;
    disk::create_new(&temporary.path().join("report.json"))?.write_all(&serde_json::to_vec(saved)?)?;
    // An older one of the same key was not whole.
    let _ = fs::remove_dir_all(folder);
    fs::rename(temporary.path(), folder)?;
    tidy(folder.parent().unwrap_or(folder))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_they_were_written() {
        let hash = 0xfedc_ba98_7654_3210;
        let item = |place, day| Item {
            tokens: 7,
            header: 2,
            pair: false,
            group: u32::MAX,
            source: 3,
            place,
            day,
            hash,
        };
        let all = [
            item(Place::Line(12), Some(date(1969, 12, 31))),
            item(Place::Number(0), None),
            item(Place::Number(9), Some(date(-9999, 1, 1))),
        ];
        let bytes: Vec<u8> = all.iter().flat_map(bytes_of).collect();
        assert_eq!(items(&bytes).unwrap(), all);
        assert!(items(&bytes[1..]).is_none());
    }

    #[test]
    fn the_oldest_folders_go_first() {
        let cache = tempfile::tempdir().unwrap();
        for number in 0..=KEPT {
            let folder = cache.path().join(number.to_string());
            fs::create_dir(&folder).unwrap();
            let used = std::time::UNIX_EPOCH + std::time::Duration::from_secs(100 - number as u64);
            File::open(&folder).unwrap().set_modified(used).unwrap();
        }
        fs::create_dir(cache.path().join("new.x.tmp")).unwrap();
        tidy(cache.path()).unwrap();
        assert!(!cache.path().join(KEPT.to_string()).exists(), "the one used longest ago");
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), KEPT + 1, "one being written stays");
    }
}
