//! From journals to `tokens.bin`.

use std::path::{Path, PathBuf};

use crate::base::{Error, Result};
use crate::journal::{self, Report};
use crate::tokens::{Ranges, TokenFile, Tokenizer, encode_all, fit_context};

/// The entries as tokens, and which of them are held out.
pub struct Data {
    /// What was read.
    pub report: Report,
    entries: Vec<Vec<u16>>,
    held_out: Vec<bool>,
    end_of_text: u16,
}

impl Data {
    /// Reads journals and encodes them.
    ///
    /// # Errors
    /// A path that does not exist, or no words.
    pub fn read(paths: &[PathBuf], tokenizer: &Tokenizer, val_fraction: f64, seed: u64) -> Result<Data> {
        let corpus = journal::read(paths)?;
        let texts: Vec<&str> = corpus.entries.iter().map(|e| e.text.as_str()).collect();
        let entries = encode_all(tokenizer, &texts);
        let lengths: Vec<usize> = entries.iter().map(Vec::len).collect();
        let held_out = journal::split::validation(&lengths, val_fraction, seed);
        Ok(Data { report: corpus.report, entries, held_out, end_of_text: tokenizer.end_of_text() })
    }

    /// Tokens of the training entries, each with its end of text.
    pub fn train_tokens(&self) -> usize {
        self.of(false).map(|e| e.len() + 1).sum()
    }

    /// Tokens of the entries that are held out, each with its end of text.
    pub fn val_tokens(&self) -> usize {
        self.of(true).map(|e| e.len() + 1).sum()
    }

    fn of(&self, held_out: bool) -> impl Iterator<Item = &[u16]> {
        self.entries
            .iter()
            .zip(&self.held_out)
            .filter(move |(_, h)| **h == held_out)
            .map(|(e, _)| e.as_slice())
    }

    /// The context that fits: `t`, or less where the training entries are too short for one window of it.
    ///
    /// # Errors
    /// Too little text for any window.
    pub fn fit_context(&self, t: usize) -> Result<usize> {
        match fit_context(self.train_tokens(), t) {
            0 => Err(Error::setting(
                format!("only {} tokens to train on", self.train_tokens()),
                "give more text, or a smaller --val-fraction",
            )),
            fitted => Ok(fitted),
        }
    }

    /// Writes `tokens.bin`: the training entries, then those held out.
    ///
    /// # Errors
    /// A full disk.
    pub fn write(&self, path: &Path) -> Result<(TokenFile, Ranges)> {
        let ranges = TokenFile::write(path, self.of(false), self.of(true), self.end_of_text)?;
        Ok((TokenFile::open(path, ranges.val.end)?, ranges))
    }
}
