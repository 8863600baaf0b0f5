//! All that was read: an index in memory, the texts in a spool.

use std::path::{Path, PathBuf};

use jiff::civil::Date;

use super::report::Report;
use crate::base::units::shown;
use crate::base::{Error, Result};
use crate::journal::entry::{Draft, Entry, Place, When};
use crate::journal::source::spool::{self, Spool};
use crate::journal::text::style::Style;

/// Between the tags of an entry in the spool: the unit separator, which no tag holds.
const UNIT: char = '\u{1f}';

/// All that was read. Dated entries by day, those of one day by the time they were written (those without one first, in
/// the order they were read in: PATHs as given, a folder's files by name, a file from top to bottom); then the undated ones,
/// in the order of reading too.
#[derive(Debug, Default)]
pub struct Corpus {
    /// What was found and what was left out.
    pub report: Report,
    /// What [`fingerprint`](crate::journal::fingerprint) said before anything was read.
    pub fingerprint: String,
    /// What was changed in the texts: names that went from them go from paths too.
    pub(crate) style: Style,
    pub(crate) index: Vec<Stored>,
    sources: Vec<Source>,
    spool: Spool,
}

/// A file that entries came from.
#[derive(Debug)]
struct Source {
    path: PathBuf,
    format: &'static str,
    entries: usize,
}

/// An entry's place in the spool, and what is often asked of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stored {
    pub when: Option<When>,
    pub place: Place,
    source: u32,
    start: u64,
    /// Bytes of the title, of the tags and of the text.
    lengths: [u32; 3],
    pub words: u32,
    /// The first entry (by number when it was read) of those that are much alike; its own number, mostly.
    pub group: u32,
}

impl Stored {
    /// Bytes of title and text.
    pub fn bytes(&self) -> u64 {
        u64::from(self.lengths[0]) + u64::from(self.lengths[2])
    }
}

impl Corpus {
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// A file's path for others to read: without the names that `--redact` replaces.
    pub fn told(&self, source: &Path) -> String {
        self.style.apply_to_tag(shown(source), &mut |_, _, _| {})
    }

    /// Entry `i`.
    ///
    /// # Errors
    /// The disk, where the spool lies in a file.
    pub fn entry(&mut self, i: usize) -> Result<Entry> {
        let stored = self.index[i];
        let [title, tags, text] = stored.lengths.map(|length| length as usize);
        let bytes = self
            .spool
            .read(stored.start, title + tags + text)
            .map_err(Error::io("read an entry again from", spool::folder()))?;
        let whole = String::from_utf8(bytes).expect("texts went in");
        let listed = &whole[title..title + tags];
        let tags_list =
            if listed.is_empty() { Vec::new() } else { listed.split(UNIT).map(String::from).collect() };
        Ok(Entry {
            when: stored.when,
            title: whole[..title].to_string(),
            text: whole[title + tags..].to_string(),
            tags: tags_list,
            source: self.sources[stored.source as usize].path.clone(),
            place: stored.place,
        })
    }

    /// Every entry, in order.
    ///
    /// # Errors
    /// As [`entry`](Self::entry).
    pub fn entries(&mut self) -> Result<Vec<Entry>> {
        (0..self.len()).map(|i| self.entry(i)).collect()
    }

    /// The day of entry `i`.
    pub fn day(&self, i: usize) -> Option<Date> {
        self.index[i].when.map(|when| when.day)
    }

    /// Where in its file entry `i` stands.
    pub fn place(&self, i: usize) -> Place {
        self.index[i].place
    }

    /// The words of entry `i`.
    pub fn words(&self, i: usize) -> u32 {
        self.index[i].words
    }

    /// The bytes of entry `i`'s title and text.
    pub fn bytes(&self, i: usize) -> u64 {
        self.index[i].bytes()
    }

    /// The file that entry `i` came from, and the format it was read in.
    pub fn origin(&self, i: usize) -> (&Path, &'static str) {
        let source = &self.sources[self.index[i].source as usize];
        (&source.path, source.format)
    }

    /// A number that entries which are much alike share, and no others.
    pub fn group(&self, i: usize) -> u32 {
        self.index[i].group
    }

    /// The files that entries came from.
    pub(crate) fn begin_source(&mut self, path: &Path, format: &'static str) {
        self.sources.push(Source { path: path.to_path_buf(), format, entries: 0 });
    }

    /// The file that is being read.
    pub(crate) fn source(&self) -> &Path {
        &self.sources.last().expect("a file is being read").path
    }

    /// How many entries it gave so far.
    pub(crate) fn entries_of_source(&self) -> usize {
        self.sources.last().expect("a file is being read").entries
    }

    /// Stores an entry of the file that is being read; gives its title and text as one.
    pub(crate) fn push(&mut self, draft: &Draft) -> std::io::Result<String> {
        let tags = draft.tags.join(&UNIT.to_string());
        let whole = draft.whole();
        let length = |text: &str| {
            u32::try_from(text.len()).map_err(|_| std::io::Error::other("an entry of 4 GiB or more"))
        };
        let lengths = [length(&draft.title)?, length(&tags)?, length(&draft.text)?];
        let start = self.spool.append(&[draft.title.as_bytes(), tags.as_bytes(), draft.text.as_bytes()])?;
        let words = whole.split_whitespace().count() as u32;
        let source = self.sources.last_mut().expect("a file is being read");
        source.entries += 1;
        let (number, source) = (self.index.len() as u32, self.sources.len() as u32 - 1);
        self.index.push(Stored {
            when: draft.when,
            place: draft.place,
            source,
            start,
            lengths,
            words,
            group: number,
        });
        Ok(whole)
    }

    /// Puts another text in the place of entry `i`'s.
    pub(crate) fn replace_text(&mut self, i: usize, text: &str) -> Result<()> {
        let entry = self.entry(i)?;
        let (when, tags, title) = (entry.when, entry.tags, entry.title);
        let draft = Draft { when, title, tags, text: text.to_string(), place: entry.place };
        let tags = draft.tags.join(&UNIT.to_string());
        let start = self
            .spool
            .append(&[draft.title.as_bytes(), tags.as_bytes(), text.as_bytes()])
            .map_err(Error::io("keep entries in", spool::folder()))?;
        let stored = &mut self.index[i];
        stored.start = start;
        stored.lengths[2] = text.len() as u32;
        stored.words = draft.whole().split_whitespace().count() as u32;
        Ok(())
    }

    /// The order of days: for each place, the number (when read) of the entry that belongs there.
    pub(crate) fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.index.len() as u32).collect();
        order.sort_by_key(|&i| {
            let when = self.index[i as usize].when;
            (when.is_none(), when.map(|when| (when.day, when.time)))
        });
        order
    }

    /// Keeps the entries of `order`, in that order.
    pub(crate) fn arrange(&mut self, order: impl Iterator<Item = u32>) {
        self.index = order.map(|i| self.index[i as usize]).collect();
    }
}
