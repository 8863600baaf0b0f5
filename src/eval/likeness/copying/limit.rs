//! Keeps a text from running on in the diary's words while it is written.

use crate::eval::likeness::copying::source::Source;
use crate::eval::likeness::words::words;

impl Source {
    /// Whether a text ends in more than `most` words in a row that stand in one entry. Asked after every token, it keeps a text from
    /// any such run, were its last word to end there.
    pub fn runs_on(&self, text: &str, most: usize) -> bool {
        let symbols: Vec<u32> = words(text).map(|word| self.symbol(&word.key())).collect();
        symbols.len() > most && self.stands(&symbols[symbols.len() - most - 1..])
    }
}
