//! Keeps a text from running on in the diary's words while it is written.

use crate::eval::likeness::copying::source::Source;
use crate::eval::likeness::words::words;

/// Is fed the words of a text as they are written, and tells whether they would stand in the diary for more than a
/// number of words in a row. It remembers that many words.
#[derive(Debug, Clone)]
pub struct NoCopy<'a> {
    source: &'a Source,
    most: usize,
    /// The longest run at the end of what was written that stands in the source, or its last `most` words.
    run: Vec<u32>,
}

impl Source {
    /// Watches a new text: no run of more than `most` words.
    pub fn keeps_under(&self, most: usize) -> NoCopy<'_> {
        NoCopy { source: self, most, run: Vec::new() }
    }
}

impl NoCopy<'_> {
    /// Whether these next words (one, as a rule) would make a run of more than `most` words. Searches only if the run so
    /// far is long enough for that: for most words, it is not.
    pub fn exceeds(&self, next: &str) -> bool {
        if self.run.len() + words(next).count() <= self.most {
            return false;
        }
        let mut ahead = self.clone();
        words(next).any(|word| ahead.take(self.source.symbol(&word.key())))
    }

    /// Takes the next words: whether they made a run of more than `most` words. A search or two a word, of at most
    /// `most + 1` words.
    pub fn push(&mut self, next: &str) -> bool {
        let mut exceeded = false;
        for word in words(next) {
            exceeded |= self.take(self.source.symbol(&word.key()));
        }
        exceeded
    }

    /// How many of the last words stand in the source in a row, at most `most`.
    pub fn run(&self) -> usize {
        self.run.len()
    }

    fn take(&mut self, symbol: u32) -> bool {
        self.run.push(symbol);
        // A run is at most one word longer than the one before: what left it does not come back.
        let stands = (0..self.run.len()).find(|&from| self.source.stands(&self.run[from..]));
        self.run.drain(..stands.unwrap_or(self.run.len()));
        let exceeds = self.run.len() > self.most;
        if exceeds {
            self.run.remove(0);
        }
        exceeds
    }
}
