//! Journals to tokens, entry by entry: found in this user's cache, or made.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::base::units::shown;
use crate::base::{Error, Result, disk};
use crate::dataset::cache::{self, Saved};
use crate::dataset::header::Template;
use crate::dataset::index;
use crate::dataset::labels::Labels;
use crate::dataset::tokenised::{Item, Tokenised};
use crate::journal::{self, Corpus, Observer, spool};
use crate::tokens::Tokenizer;

/// What is encoded together, in bytes of text: enough for all cores, little enough for memory.
const BATCH: u64 = 8 << 20;

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

impl Wanted<'_> {
    /// Finds the tokens in the cache, or reads the journals and makes them. Without `cache`, nothing is looked for and
    /// nothing is kept.
    ///
    /// # Errors
    /// Whatever keeps the journals from being read; a full disk.
    pub fn prepare(&self, cache: bool, observer: &mut dyn Observer) -> Result<Tokenised> {
        if cache {
            let found = self.folder(&journal::fingerprint(self.paths, self.options)?);
            if let Some(found) = found.and_then(|folder| cache::open(&folder, self.tokenizer.width())) {
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
        let folder = if cache { self.folder(&corpus.fingerprint) } else { None };
        match folder.and_then(|folder| cache::open(&folder, self.tokenizer.width())) {
            Some(found) => Ok(found),
            None => self.encode(corpus, cache, observer),
        }
    }

    /// The folder in the cache, for a fingerprint of the journals; none where this user has no cache.
    fn folder(&self, fingerprint: &str) -> Option<PathBuf> {
        cache::folder(fingerprint, &self.tokenizer, self.header)
    }

    fn encode(&self, corpus: &mut Corpus, cache: bool, observer: &mut dyn Observer) -> Result<Tokenised> {
        // What was lost to a lock or a full disk may be there the next time: that is not remembered.
        let folder =
            if cache && !corpus.report.may_change() { self.folder(&corpus.fingerprint) } else { None };
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
            Ok((entries, sources)) => {
                let width = self.tokenizer.width();
                Ok(Tokenised { report: corpus.report.clone(), entries, sources, file, width })
            }
        }
    }

    fn encode_in_cache(
        &self,
        corpus: &mut Corpus,
        folder: &Path,
        observer: &mut dyn Observer,
    ) -> std::result::Result<Tokenised, Failure> {
        let temporary = cache::temporary_beside(folder)?;
        let mut file = disk::create_new(&temporary.path().join("tokens.bin"))?;
        let (entries, sources) = self.write_tokens(corpus, &mut file, observer)?;
        let saved = Saved { report: corpus.report.clone(), sources };
        // A journal that was changed while it was read has other tokens than these.
        if journal::fingerprint(self.paths, self.options)? == corpus.fingerprint {
            // Nothing depends on it that it can be found again.
            let _ = cache::keep(temporary, folder, &entries, &saved);
        }
        let width = self.tokenizer.width();
        Ok(Tokenised { report: saved.report, entries, sources: saved.sources, file, width })
    }

    fn write_tokens(
        &self,
        corpus: &mut Corpus,
        file: &mut File,
        observer: &mut dyn Observer,
    ) -> std::result::Result<(Vec<Item>, Vec<String>), Failure> {
        let mut out = BufWriter::with_capacity(1 << 20, file);
        let (mut entries, mut sources) = (Vec::with_capacity(corpus.len()), Vec::new());
        let (mut numbers, mut told, mut labels_of) = (HashMap::new(), Vec::new(), Vec::new());
        let mut labels = Labels::parse(&self.options.labels)?;
        let of: u64 = (0..corpus.len()).map(|i| corpus.bytes(i)).sum();
        let (mut next, mut done) = (0, 0);
        let (width, mut bytes_of) = (self.tokenizer.width(), Vec::new());
        while next < corpus.len() {
            observer.progress("tokenising", done, of);
            let (from, mut bytes) = (next, 0);
            let (mut texts, mut about) = (Vec::new(), Vec::new());
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
                let hash = index::hash(&entry.whole());
                let text = match self.header {
                    Some(template) if template.has_title() => entry.text,
                    _ => entry.whole().into_owned(),
                };
                about.push((source, hash));
                texts.push((header, text));
                bytes += corpus.bytes(next);
                next += 1;
            }
            // Header and text are encoded apart, so that the header's tokens are the same whatever follows.
            let encoded: Vec<(Vec<u32>, Vec<u32>)> = texts
                .into_par_iter()
                .map(|(header, text)| (self.tokenizer.encode(&header), self.tokenizer.encode(&text)))
                .collect();
            for ((i, (header, text)), (source, hash)) in (from..).zip(&encoded).zip(about) {
                bytes_of.clear();
                width.put(header, &mut bytes_of);
                width.put(text, &mut bytes_of);
                out.write_all(&bytes_of)?;
                entries.push(Item {
                    tokens: (header.len() + text.len()) as u32,
                    header: header.len() as u32,
                    pair: false,
                    group: corpus.group(i),
                    source: source as u32,
                    place: corpus.place(i),
                    day: corpus.day(i),
                    hash,
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
