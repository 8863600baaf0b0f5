//! Entries as tokens, in a file, and what is known of each.

use std::fs::File;
use std::io::Seek;

use jiff::civil::Date;

use crate::base::{Error, Result, disk};
use crate::journal::{Place, Report, spool};
use crate::tokens::Width;

/// An entry as tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Its tokens, the header's among them; end of text is not counted.
    pub tokens: u32,
    /// The header's tokens, or a question's: the first ones.
    pub header: u32,
    /// Whether it is a question and its answer.
    pub pair: bool,
    /// Shared by entries that are much alike, and no others.
    pub group: u32,
    /// Its file, in [`Tokenised::sources`].
    pub source: u32,
    /// Where in that file.
    pub place: Place,
    /// Its day.
    pub day: Option<Date>,
    /// What its title and text are known by: [`hash`](crate::dataset::index::hash).
    pub hash: u64,
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
    pub(super) file: File,
    /// Of the ids in it.
    pub(super) width: Width,
}

impl Tokenised {
    /// The tokens of every entry, one after another, each read when it is asked for.
    ///
    /// # Errors
    /// The file cannot be read again.
    pub fn read(&self) -> impl Iterator<Item = Result<Vec<u32>>> + '_ {
        let mut at = 0;
        self.entries.iter().map(move |item| {
            let start = at;
            at += self.bytes(item);
            self.tokens(start, item.tokens as usize)
        })
    }

    /// The tokens of one entry, the header's among them.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn entry(&self, number: usize) -> Result<Vec<u32>> {
        let start: u64 = self.entries[..number].iter().map(|item| self.bytes(item)).sum();
        self.tokens(start, self.entries[number].tokens as usize)
    }

    /// These, and others behind them.
    ///
    /// # Errors
    /// A full disk; what cannot be read again.
    pub fn and(self, other: Tokenised) -> Result<Tokenised> {
        let folder = spool::folder();
        let mut file = tempfile::tempfile_in(&folder).map_err(Error::io("write", &folder))?;
        for mut part in [&self.file, &other.file] {
            let copied = part.rewind().and_then(|()| std::io::copy(&mut part, &mut file));
            copied.map_err(Error::io("write", &folder))?;
        }
        let Tokenised { mut report, mut entries, mut sources, width, .. } = self;
        let groups = entries.iter().map(|item| item.group + 1).max().unwrap_or(0);
        let source = sources.len() as u32;
        let moved = |item: Item| Item { group: item.group + groups, source: item.source + source, ..item };
        entries.extend(other.entries.into_iter().map(moved));
        sources.extend(other.sources);
        report.add(other.report);
        Ok(Tokenised { report, entries, sources, file, width })
    }

    /// Bytes that an entry takes in the file.
    fn bytes(&self, item: &Item) -> u64 {
        u64::from(item.tokens) * self.width.bytes() as u64
    }

    fn tokens(&self, start: u64, count: usize) -> Result<Vec<u32>> {
        let mut bytes = vec![0; count * self.width.bytes()];
        disk::read_at(&self.file, &mut bytes, start)
            .map_err(Error::io("read tokens again from", spool::folder()))?;
        Ok(self.width.ids(&bytes))
    }
}
