//! From journals to `tokens.bin`.

use std::ops::Range;
use std::path::Path;

use crate::base::{Error, Result};
use crate::dataset::heldout::{Split, held_out};
use crate::dataset::{Tokenised, Wanted};
use crate::journal::{Observer, Report};
use crate::tokens::{Ranges, TokenFile, fit_context};

/// The ranges of `tokens.bin` that are left out of the loss, beside it: pairs of little-endian u64, start and end.
pub const MASKED: &str = "masked.bin";

/// The entries as tokens, and which of them are held out.
pub struct Data {
    tokenised: Tokenised,
    held_out: Vec<bool>,
    end_of_text: u16,
}

impl Data {
    /// Reads journals and encodes them, or finds them in the cache.
    ///
    /// # Errors
    /// A path that does not exist, or no words.
    pub fn prepare(
        wanted: &Wanted,
        split: &Split,
        val_fraction: f64,
        seed: u64,
        cache: bool,
        observer: &mut dyn Observer,
    ) -> Result<Data> {
        let tokenised = wanted.prepare(cache, observer)?;
        let held_out = held_out(&tokenised, split, val_fraction, seed)?;
        Ok(Data { tokenised, held_out, end_of_text: wanted.tokenizer.end_of_text() })
    }

    /// What was read.
    pub fn report(&self) -> &Report {
        &self.tokenised.report
    }

    /// How many entries have no header.
    pub fn without_header(&self) -> usize {
        self.tokenised.entries.iter().filter(|entry| entry.header == 0).count()
    }

    /// Tokens of the training entries, each with its end of text.
    pub fn train_tokens(&self) -> usize {
        self.tokens(false)
    }

    /// Tokens of the entries that are held out, each with its end of text.
    pub fn val_tokens(&self) -> usize {
        self.tokens(true)
    }

    fn tokens(&self, held_out: bool) -> usize {
        let entries = self.tokenised.entries.iter().zip(&self.held_out);
        entries.filter(|(_, held)| **held == held_out).map(|(entry, _)| entry.tokens as usize + 1).sum()
    }

    /// The context that fits: `t`, or less where the training entries are too short for one window of it.
    ///
    /// # Errors
    /// Too little text for any window.
    pub fn fit_context(&self, t: usize) -> Result<usize> {
        match fit_context(self.train_tokens(), t) {
            0 => Err(Error::setting(
                format!("only {} tokens to train on", self.train_tokens()),
                "give more text, or hold less of it out",
            )),
            fitted => Ok(fitted),
        }
    }

    /// Writes `tokens.bin`: the training entries, then those held out.
    ///
    /// # Errors
    /// A full disk.
    pub fn write(&self, path: &Path) -> Result<(TokenFile, Ranges)> {
        let of = |held_out: bool| self.tokenised.read(move |i| self.held_out[i] == held_out);
        let ranges = TokenFile::write(path, of(false), of(true), self.end_of_text)?;
        Ok((TokenFile::open(path, ranges.val.end)?, ranges))
    }

    /// Where in `tokens.bin` the headers are.
    pub fn headers(&self) -> Vec<Range<usize>> {
        let mut at = 0;
        let entries = || self.tokenised.entries.iter().zip(&self.held_out);
        let in_order = entries().filter(|(_, held)| !**held).chain(entries().filter(|(_, held)| **held));
        let headers = in_order.map(|(entry, _)| {
            let start = at;
            at += entry.tokens as usize + 1;
            start..start + entry.header as usize
        });
        headers.filter(|header| !header.is_empty()).collect()
    }
}

/// Ranges as [`MASKED`] holds them.
pub fn mask_bytes(ranges: &[Range<usize>]) -> Vec<u8> {
    ranges.iter().flat_map(|range| [range.start, range.end]).flat_map(|n| (n as u64).to_le_bytes()).collect()
}

/// The ranges that [`MASKED`] in a run's folder holds; none where there is no such file.
///
/// # Errors
/// A file that cannot be read, or is damaged.
pub fn read_mask(dir: &Path) -> Result<Vec<Range<usize>>> {
    let path = dir.join(MASKED);
    let bytes = match std::fs::read(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(Error::io("read", &path))?,
    };
    let (pairs, rest) = bytes.as_chunks::<16>();
    let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("eight bytes")) as usize;
    let ranges: Vec<Range<usize>> = pairs.iter().map(|pair| number(&pair[..8])..number(&pair[8..])).collect();
    let ascend = ranges.windows(2).all(|two| two[0].end <= two[1].start);
    if !rest.is_empty() || !ascend || ranges.iter().any(|range| range.start >= range.end) {
        return Err(Error::file(&path, "damaged", "put a copy of it back, or begin a new run"));
    }
    Ok(ranges)
}
