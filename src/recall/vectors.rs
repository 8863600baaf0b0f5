//! The directions of a diary's windows and entries, kept beside its library for one folder of embeddings.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use half::f16;
use half::slice::HalfFloatSliceExt;
use rayon::prelude::*;

use crate::recall::direction::{cosine, direction};
use crate::recall::embed::model::Embeddings;
use crate::recall::kept::Kept;
use crate::recall::store::{read_sealed, write_sealed};
use crate::recall::vocabulary;
use crate::recall::windows::windows;

/// A change to how a vector is made, or to the file, raises it.
const VERSION: u64 = 2;
/// How much of a window's nearness is that of its entry as a whole, which says what the window is about where its own few words do not.
const OF_ENTRY: f32 = 0.3;

/// A direction a window, entry by entry.
#[derive(Debug)]
pub struct Vectors {
    width: usize,
    /// The direction of each entry, row by row.
    entries: Vec<f32>,
    /// Those of its windows.
    windows: Vec<f32>,
    /// The entry and the part of each window.
    of: Vec<(u32, u32)>,
    /// The words of all entries.
    words: Vec<String>,
}

/// The directions of an entry in half precision, which moves no cosine by as much as a thousandth.
#[derive(Debug, Clone, PartialEq)]
struct Rows {
    /// The part that each window lies in.
    parts: Vec<u32>,
    /// That of the entry, then those of its windows.
    all: Vec<f16>,
}

impl Vectors {
    /// The directions of all windows: found in a file, and computed where they are not. That a file was damaged, or cannot be
    /// written, is said in `notes`.
    pub fn open(
        file: Option<&Path>,
        entries: &[Kept],
        embeddings: &Embeddings,
        notes: &mut Vec<String>,
    ) -> Vectors {
        let width = embeddings.width();
        let known = match file.map(read_sealed) {
            Some(Ok(Some(bytes))) => known(&bytes, width),
            Some(Err(problem)) => {
                notes.push(format!("the vectors in the cache were thrown away and made again: {problem}"));
                None
            }
            _ => None,
        };
        let found = known.is_some();
        let (words, known) = known.unwrap_or_default();
        let of_entry = |entry: &Kept| match known.get(&entry.hash) {
            Some(rows) if rows.parts.iter().all(|part| (*part as usize) < entry.passages.len()) => {
                (false, rows.clone())
            }
            _ => (true, rows(entry, embeddings)),
        };
        let rows: Vec<(bool, Rows)> = entries.par_iter().map(of_entry).collect();
        // What was deleted from the diary goes from here too.
        let there: HashSet<u64> = entries.iter().map(|entry| entry.hash).collect();
        let gone = known.keys().any(|hash| !there.contains(hash));
        let changed = !found || gone || rows.iter().any(|(new, _)| *new);
        let words = if changed { vocabulary::of_entries(entries) } else { words };
        if let Some(file) = file.filter(|_| changed)
            && let Err(e) = write_sealed(file, &bytes(&words, entries, &rows, width))
        {
            notes.push(format!("the vectors could not be kept: {e}"));
        }
        let count: usize = rows.iter().map(|(_, rows)| rows.parts.len()).sum();
        let mut vectors = Vectors {
            width,
            entries: vec![0.0; entries.len() * width],
            windows: vec![0.0; count * width],
            of: Vec::with_capacity(count),
            words,
        };
        let mut at = 0;
        for (i, (_, rows)) in rows.iter().enumerate() {
            let (own, windows) = rows.all.split_at(width.min(rows.all.len()));
            own.convert_to_f32_slice(&mut vectors.entries[i * width..i * width + own.len()]);
            windows.convert_to_f32_slice(&mut vectors.windows[at..at + windows.len()]);
            at += windows.len();
            vectors.of.extend(rows.parts.iter().map(|part| (i as u32, *part)));
        }
        vectors
    }

    /// The words of all entries.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// How near each window is to a direction, by its cosine and its entry's, and where it is: its entry and its part.
    pub fn near(&self, asked: &[f32]) -> Vec<(f32, u32, u32)> {
        let width = self.width.max(1);
        let of_entries: Vec<f32> =
            self.entries.par_chunks_exact(width).map(|row| cosine(row, asked)).collect();
        let rows = self.windows.par_chunks_exact(width).zip(&self.of);
        let near = rows.map(|(row, &(entry, part))| {
            let whole = of_entries.get(entry as usize).copied().unwrap_or(0.0);
            ((1.0 - OF_ENTRY) * cosine(row, asked) + OF_ENTRY * whole, entry, part)
        });
        near.collect()
    }
}

/// The directions of an entry.
fn rows(entry: &Kept, embeddings: &Embeddings) -> Rows {
    let (mut parts, mut all) = (Vec::new(), vec![f16::ZERO; embeddings.width()]);
    let mut whole = vec![0.0_f64; embeddings.width()];
    for part in 0..entry.passages.len() {
        for window in windows(entry.passage(part).unwrap_or_default()) {
            let (sum, _) = embeddings.sum(window);
            whole.iter_mut().zip(&sum).for_each(|(whole, x)| *whole += x);
            parts.push(part as u32);
            all.extend(direction(&sum).map(f16::from_f32));
        }
    }
    for (own, x) in all.iter_mut().zip(direction(&whole)) {
        *own = f16::from_f32(x);
    }
    Rows { parts, all }
}

/// The file of a library's vectors for a folder of embeddings.
pub fn file(library: &Path, embeddings: &Embeddings) -> PathBuf {
    library.with_extension(format!("{}.vectors", embeddings.fingerprint()))
}

fn bytes(words: &[String], entries: &[Kept], rows: &[(bool, Rows)], width: usize) -> Vec<u8> {
    let words = words.join("\n");
    let head = [VERSION, width as u64, words.len() as u64];
    let mut bytes: Vec<u8> = head.iter().flat_map(|n| n.to_le_bytes()).collect();
    bytes.extend(words.into_bytes());
    for (entry, (_, rows)) in entries.iter().zip(rows) {
        bytes.extend(entry.hash.to_le_bytes());
        bytes.extend((rows.parts.len() as u64).to_le_bytes());
        bytes.extend(rows.parts.iter().flat_map(|part| part.to_le_bytes()));
        bytes.extend(rows.all.iter().flat_map(|x| x.to_le_bytes()));
    }
    bytes
}

type Known = (Vec<String>, HashMap<u64, Rows>);

/// The words, and the vectors of each text by its hash; none where the file is of another version.
fn known(bytes: &[u8], width: usize) -> Option<Known> {
    let mut rest = bytes;
    if number(&mut rest)? != VERSION || number(&mut rest)? != width as u64 {
        return None;
    }
    let length = usize::try_from(number(&mut rest)?).ok()?;
    let words = std::str::from_utf8(take(&mut rest, length)?).ok()?;
    let words = words.split('\n').filter(|word| !word.is_empty()).map(str::to_string).collect();
    let mut known = HashMap::new();
    while !rest.is_empty() {
        let hash = number(&mut rest)?;
        let count = usize::try_from(number(&mut rest)?).ok()?;
        let parts = take(&mut rest, count.checked_mul(4)?)?.as_chunks::<4>().0;
        let all = take(&mut rest, count.checked_add(1)?.checked_mul(width)?.checked_mul(2)?)?;
        let parts = parts.iter().map(|four| u32::from_le_bytes(*four)).collect();
        let all = all.as_chunks::<2>().0.iter().map(|two| f16::from_le_bytes(*two)).collect();
        known.insert(hash, Rows { parts, all });
    }
    Some((words, known))
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(take(rest, 8)?.try_into().ok()?))
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}
