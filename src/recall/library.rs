//! One's own entries, to be asked: indexed once, found again while they stand.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rayon::prelude::*;

use crate::base::{Error, Result, disk};
use crate::eval::likeness::copying::Source;
use crate::journal::{self, Observer, Options};
use crate::recall::embed::model::Embeddings;
use crate::recall::kept::{self, Kept};
use crate::recall::meaning::Meaning;
use crate::recall::postings::{Passage, Postings};
use crate::recall::store::{self, Stored};
use crate::recall::terms::Terms;
use crate::recall::tongue::Tongue;
use crate::recall::vectors::{self, Vectors};

/// Entries whose terms are in memory at a time.
const AT_ONCE: usize = 256;

/// Entries that can be asked.
#[derive(Debug)]
pub struct Library {
    pub(super) entries: Vec<Kept>,
    /// The entries that have a text, by its hash. (Looked up only.)
    pub(super) by_hash: HashMap<u64, Vec<usize>>,
    pub(super) postings: Postings,
    /// The terms of all passages in each field.
    pub(super) tokens: Vec<u64>,
    /// The languages of the fields.
    pub(super) terms: Vec<Terms>,
    pub(super) meaning: Option<Meaning>,
    /// All runs of words; made when they are first asked for.
    pub(super) source: OnceLock<Source>,
    notes: Vec<String>,
    changed: Changed,
}

/// How many texts were indexed, and how many went from the index, when a library was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Changed {
    /// New ones.
    pub added: usize,
    /// Those that are gone.
    pub removed: usize,
}

impl Library {
    /// The entries of journals, found in this user's cache while those stand. Where any of their files changed, all are read again,
    /// for what an entry is may hang on other files (which of two that are alike is kept, in what order a date is written), and the
    /// texts that are new are indexed. `embeddings` is a folder of static embeddings in model2vec's form.
    ///
    /// # Errors
    /// Those of [`journal::read`]; a folder of embeddings that cannot be read.
    pub fn open(
        paths: &[PathBuf],
        options: &Options,
        embeddings: Option<&Path>,
        observer: &mut dyn Observer,
    ) -> Result<Library> {
        let cache = disk::cache_folder().map(|cache| cache.join("recall"));
        let mut library = Library::open_in(cache.as_deref(), paths, options, embeddings, observer)?;
        if cache.is_none() {
            let note =
                "the index could not be kept, for no cache folder can be written: it is made again each time";
            library.notes.push(note.into());
        }
        Ok(library)
    }

    /// As [`open`](Self::open), with another folder for the cache, or none.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_in(
        cache: Option<&Path>,
        paths: &[PathBuf],
        options: &Options,
        embeddings: Option<&Path>,
        observer: &mut dyn Observer,
    ) -> Result<Library> {
        let embeddings = embeddings.map(Embeddings::open).transpose()?;
        let file = cache.map(|cache| store::file(cache, paths, options));
        let mut notes = Vec::new();
        let found = match file.as_deref().map(store::read) {
            Some(Err(problem)) => {
                notes.push(format!("the index in the cache was thrown away and built again: {problem}"));
                None
            }
            Some(Ok(found)) => found,
            None => None,
        };
        let fingerprint = marked(&journal::fingerprint(paths, options)?);
        let (stored, changed) = match found {
            Some(found) if found.fingerprint == fingerprint => (found, Changed::default()),
            found => {
                let mut corpus = journal::read(paths, options, observer)?;
                let known = found.as_ref().map_or(&[][..], |found| &found.entries);
                let entries = kept::of_corpus(&mut corpus, known)?;
                let (stored, changed) = index(found, entries, marked(&corpus.fingerprint))?;
                if let Some(Err(e)) = file.as_deref().map(|file| store::write(file, &stored)) {
                    notes.push(format!("the index could not be kept: {e}"));
                }
                (stored, changed)
            }
        };
        let meaning = match embeddings {
            Some(embeddings) => {
                let file = file.map(|file| vectors::file(&file, &embeddings));
                let vectors = Vectors::open(file.as_deref(), &stored.entries, &embeddings, &mut notes);
                Some((embeddings, vectors))
            }
            None => None,
        };
        Ok(Library::of_stored(stored, meaning, notes, changed))
    }

    /// A library of entries in memory alone, each a name, a day and a text.
    ///
    /// # Errors
    /// No memory.
    pub fn of_entries(
        entries: impl IntoIterator<Item = (String, Option<jiff::civil::Date>, String)>,
        embeddings: Option<Embeddings>,
    ) -> Result<Library> {
        let entries = entries.into_iter().map(|(name, day, text)| Kept::new(name, day, text)).collect();
        let (stored, changed) = index(None, entries, String::new())?;
        let mut notes = Vec::new();
        let meaning = embeddings.map(|embeddings| {
            let vectors = Vectors::open(None, &stored.entries, &embeddings, &mut notes);
            (embeddings, vectors)
        });
        Ok(Library::of_stored(stored, meaning, notes, changed))
    }

    fn of_stored(
        stored: Stored,
        meaning: Option<(Embeddings, Vectors)>,
        notes: Vec<String>,
        changed: Changed,
    ) -> Library {
        let mut by_hash: HashMap<u64, Vec<usize>> = HashMap::new();
        let mut tokens = vec![0; stored.tongues.len()];
        for (i, entry) in stored.entries.iter().enumerate() {
            let same = by_hash.entry(entry.hash).or_default();
            if same.is_empty() {
                tokens[field_of(entry, &stored.tongues)] +=
                    stored.terms.get(&entry.hash).copied().unwrap_or(0);
            }
            same.push(i);
        }
        let terms: Vec<Terms> = stored.tongues.iter().map(Terms::new).collect();
        let meaning = meaning.map(|(embeddings, vectors)| Meaning::new(embeddings, vectors, &terms));
        let Stored { entries, postings, .. } = stored;
        let source = OnceLock::new();
        Library { entries, by_hash, postings, tokens, terms, meaning, source, notes, changed }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many passages there are.
    pub fn passages(&self) -> usize {
        self.entries.iter().map(|entry| entry.passages.len()).sum()
    }

    /// An entry.
    pub fn entry(&self, number: usize) -> Option<&Kept> {
        self.entries.get(number)
    }

    /// The embeddings, where a folder of them was given.
    pub fn embeddings(&self) -> Option<&Embeddings> {
        self.meaning.as_ref().map(|meaning| &meaning.embeddings)
    }

    /// What a person should know of how it was opened, a line each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What was indexed anew when it was opened.
    pub fn changed(&self) -> Changed {
        self.changed
    }
}

/// A fingerprint of sources, with the version of what reads them.
fn marked(fingerprint: &str) -> String {
    format!("{} {fingerprint}", journal::VERSION)
}

/// The field of an entry: that of its language, or the first.
fn field_of(entry: &Kept, tongues: &[Tongue]) -> usize {
    entry.tongue.as_ref().and_then(|own| tongues.iter().position(|tongue| tongue == own)).unwrap_or(0)
}

/// An index of entries, made of the one before it as far as that has them.
fn index(found: Option<Stored>, entries: Vec<Kept>, fingerprint: String) -> Result<(Stored, Changed)> {
    let bug = |e: tantivy::TantivyError| Error::bug(format!("the index of entries: {e}"));
    let tongues = kept::tongues_of(&entries);
    // In other languages the same texts have other terms.
    let found = found.filter(|found| found.tongues == tongues);
    let (mut postings, mut counts) = match found {
        Some(found) => (found.postings, found.terms),
        None => (Postings::new().map_err(bug)?, BTreeMap::new()),
    };
    let now: HashSet<u64> = entries.iter().map(|entry| entry.hash).collect();
    let removed: Vec<u64> = counts.keys().copied().filter(|hash| !now.contains(hash)).collect();
    let mut seen: HashSet<u64> = counts.keys().copied().collect();
    let added: Vec<&Kept> = entries.iter().filter(|entry| seen.insert(entry.hash)).collect();
    let changed = Changed { added: added.len(), removed: removed.len() };
    if changed != Changed::default() {
        for hash in &removed {
            counts.remove(hash);
        }
        let terms: Vec<Terms> = tongues.iter().map(Terms::new).collect();
        let of = |terms: &mut Vec<Terms>, entry: &&Kept| -> Vec<Passage> {
            let field = field_of(entry, &tongues);
            let parts = (0..entry.passages.len()).filter_map(|part| Some((part, entry.passage(part)?)));
            let passage = |(part, text)| {
                let terms = terms[field].of(text);
                Passage { entry: entry.hash, part: part as u64, field, terms }
            };
            parts.map(passage).collect()
        };
        let passages = added.chunks(AT_ONCE).flat_map(|chunk| {
            chunk.par_iter().map_init(|| terms.clone(), of).collect::<Vec<_>>().into_iter().flatten()
        });
        let passages = passages.inspect(|passage| {
            *counts.entry(passage.entry).or_default() += passage.terms.len() as u64;
        });
        postings.change(&removed, passages).map_err(bug)?;
        for entry in added {
            counts.entry(entry.hash).or_default();
        }
    }
    Ok((Stored { fingerprint, tongues, entries, terms: counts, postings }, changed))
}
