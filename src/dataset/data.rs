//! From journals to what a run is trained on.

use std::ops::Range;
use std::path::Path;

use crate::base::{Error, Result};
use crate::dataset::cut::Cut;
use crate::dataset::heldout::Split;
use crate::dataset::index::{Line, Side};
use crate::dataset::pairs::Pair;
use crate::dataset::pairs::encode::{encode, held_out};
use crate::dataset::pairs::form::Form;
use crate::dataset::text::Text;
use crate::dataset::tokenised::Item;
use crate::dataset::{Sides, Tokenised, Wanted};
use crate::journal::{Observer, Report};
use crate::tokens::{Tokenizer, Width};

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

    /// Pairs in a form, a fraction of them held out by the seed.
    ///
    /// # Errors
    /// A full disk.
    pub fn of_pairs(
        pairs: &[Pair],
        form: Form,
        tokenizer: &Tokenizer,
        (val_fraction, seed): (f64, u64),
    ) -> Result<Data> {
        let tokenised = encode(pairs, form, tokenizer)?;
        let sides = Sides::as_held(&tokenised, held_out(pairs, val_fraction, seed));
        Ok(Data { tokenised, sides, end_of_text: tokenizer.end_of_text(), width: tokenizer.width() })
    }

    /// These, and others behind them, of the same tokenizer.
    ///
    /// # Errors
    /// A full disk; what cannot be read again.
    pub fn and(self, other: Data) -> Result<Data> {
        let before = self.tokenised.entries.len();
        let (tokenised, sides) = (self.tokenised.and(other.tokenised)?, self.sides.and(other.sides, before));
        Ok(Data { tokenised, sides, ..self })
    }

    /// What windows are cut from, of what is trained on or held out.
    pub fn cut(&self, held: bool) -> Cut {
        let side = if held { Side::Val } else { Side::Train };
        let mut at = if held { self.sides.train_tokens() } else { 0 };
        let lines = self.sides.parts.iter().filter(|part| part.held == held).map(|part| {
            let Item { hash, day, pair, .. } = self.tokenised.entries[part.entry];
            let start = at;
            at += part.tokens();
            Line { hash, date: day, side, pair, header: part.header, start, end: at }
        });
        Cut::of(&lines.collect::<Vec<_>>(), side)
    }

    /// The entries that are held out, whole or in part, by number.
    pub fn held_out(&self) -> impl Iterator<Item = usize> {
        self.sides.parts.iter().filter(|part| part.held).map(|part| part.entry)
    }

    /// Leaves out the pairs of which no answer begins within so many tokens, and says how many those are.
    ///
    /// # Errors
    /// None is left that is trained on.
    pub fn leave_out_longer(&mut self, context: usize) -> Result<usize> {
        let before = self.sides.parts.len();
        let items = &self.tokenised.entries;
        self.sides.parts.retain(|part| !items[part.entry].pair || part.header <= context);
        if self.cut(false).pairs.is_empty() && before > self.sides.parts.len() {
            return Err(Error::setting(
                format!("no answer begins within {context} tokens: the questions alone are longer"),
                "ask with shorter questions, use a larger --context, or a model that knows more positions",
            ));
        }
        Ok(before - self.sides.parts.len())
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
        self.tokenised.entries.iter().filter(|entry| entry.header == 0 && !entry.pair).count()
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
