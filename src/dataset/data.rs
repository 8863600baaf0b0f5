//! From journals to what a run is trained on.

use std::ops::Range;
use std::path::Path;

use crate::base::{Error, Result};
use crate::dataset::heldout::Split;
use crate::dataset::text::Text;
use crate::dataset::{Sides, Tokenised, Wanted};
use crate::journal::{Observer, Report};
use crate::tokens::Width;

/// The ranges of `tokens.bin` that are left out of the loss, beside it: pairs of little-endian u64, start and end.
pub const MASKED: &str = "masked.bin";

/// The entries as tokens, and which of them are held out.
pub struct Data {
    tokenised: Tokenised,
    sides: Sides,
    end_of_text: u32,
    width: Width,
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
        let sides = Sides::of(&tokenised, &wanted.tokenizer, split, val_fraction, seed)?;
        let (end_of_text, width) = (wanted.tokenizer.end_of_text(), wanted.tokenizer.width());
        Ok(Data { tokenised, sides, end_of_text, width })
    }

    /// What was read.
    pub fn report(&self) -> &Report {
        &self.tokenised.report
    }

    /// What is trained on and what is held out.
    pub fn sides(&self) -> &Sides {
        &self.sides
    }

    /// How many entries have no header.
    pub fn without_header(&self) -> usize {
        self.tokenised.entries.iter().filter(|entry| entry.header == 0).count()
    }

    /// What a run is trained on.
    pub fn into_text(self) -> Text {
        let Data { tokenised, sides, end_of_text, width } = self;
        Text { earlier: None, read: Some((tokenised, sides)), end_of_text, width }
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
