//! The directions of a diary's passages, kept beside its library for one folder of embeddings.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::recall::embed::model::Embeddings;
use crate::recall::kept::Kept;
use crate::recall::store::{read_sealed, write_sealed};

/// A change to how a vector is made raises it.
const VERSION: u64 = 1;

/// A direction a passage, entry by entry.
#[derive(Debug)]
pub struct Vectors {
    width: usize,
    /// Row by row.
    all: Vec<f32>,
    /// The entry and the part of each row.
    of: Vec<(u32, u32)>,
}

impl Vectors {
    /// The directions of all passages: found in a file, and computed where they are not. That a file was damaged, or cannot be
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
                HashMap::new()
            }
            _ => HashMap::new(),
        };
        let of_entry = |entry: &Kept| -> (bool, Vec<f32>) {
            let length = entry.passages.len() * width;
            if let Some(rows) = known.get(&entry.hash).filter(|rows| rows.len() == length) {
                return (false, rows.clone());
            }
            let parts = (0..entry.passages.len()).filter_map(|part| entry.passage(part));
            (true, parts.flat_map(|part| embeddings.direction(part)).collect())
        };
        let rows: Vec<(bool, Vec<f32>)> = entries.par_iter().map(of_entry).collect();
        let (mut all, mut of) = (Vec::new(), Vec::new());
        for (i, (_, rows)) in rows.iter().enumerate() {
            of.extend((0..rows.len() / width.max(1)).map(|part| (i as u32, part as u32)));
            all.extend(rows);
        }
        // What was deleted from the diary goes from here too.
        let there: HashSet<u64> = entries.iter().map(|entry| entry.hash).collect();
        let gone = known.keys().any(|hash| !there.contains(hash));
        if let Some(file) = file.filter(|_| gone || rows.iter().any(|(new, _)| *new))
            && let Err(e) = write_sealed(file, &bytes(entries, &rows, width))
        {
            notes.push(format!("the vectors could not be kept: {e}"));
        }
        Vectors { width, all, of }
    }

    /// How near each passage is to a direction, by the cosine, and which it is.
    pub fn near(&self, direction: &[f32]) -> impl Iterator<Item = (f32, u32, u32)> {
        let rows = self.all.chunks_exact(self.width.max(1)).zip(&self.of);
        rows.map(move |(row, (entry, part))| {
            let near = row.iter().zip(direction).map(|(a, b)| a * b).sum();
            (near, *entry, *part)
        })
    }
}

/// The file of a library's vectors for a folder of embeddings.
pub fn file(library: &Path, embeddings: &Embeddings) -> PathBuf {
    library.with_extension(format!("{}.vectors", embeddings.fingerprint()))
}

fn bytes(entries: &[Kept], rows: &[(bool, Vec<f32>)], width: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = [VERSION, width as u64].iter().flat_map(|n| n.to_le_bytes()).collect();
    for (entry, (_, rows)) in entries.iter().zip(rows) {
        bytes.extend(entry.hash.to_le_bytes());
        bytes.extend((rows.len() as u64).to_le_bytes());
        bytes.extend(rows.iter().flat_map(|x| x.to_le_bytes()));
    }
    bytes
}

/// The vectors of each text, by its hash.
fn known(bytes: &[u8], width: usize) -> HashMap<u64, Vec<f32>> {
    let mut known = HashMap::new();
    let mut rest = bytes;
    let number = |rest: &mut &[u8]| {
        let (eight, after) = rest.split_first_chunk::<8>()?;
        *rest = after;
        Some(u64::from_le_bytes(*eight))
    };
    if number(&mut rest) != Some(VERSION) || number(&mut rest) != Some(width as u64) {
        return known;
    }
    while let (Some(hash), Some(length)) = (number(&mut rest), number(&mut rest)) {
        let Some((rows, after)) =
            usize::try_from(length).ok().and_then(|n| rest.split_at_checked(n.checked_mul(4)?))
        else {
            break;
        };
        known.insert(hash, rows.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect());
        rest = after;
    }
    known
}
