//! What stands in a run's `tokens.bin`, as text: how many bytes it has, by which losses of different tokenizers can be compared,
//! and whether two runs hold out the same.

use std::ops::Range;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::base::{Result, disk};
use crate::dataset::data::read_mask;
use crate::run::record::Run;
use crate::tokens::{TokenFile, Tokenizer};

/// One side of a run's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// Tokens that are scored.
    pub tokens: u64,
    /// Bytes of UTF-8 that they stand for; an end of text stands for none.
    pub bytes: u64,
    /// SHA-256 of the entries' texts, headers and all, however they are divided into tokens.
    pub hash: String,
}

impl Side {
    /// Tokens to a byte: nats/token times this is nats/byte. None where there is nothing.
    pub fn tokens_per_byte(&self) -> Option<f64> {
        (self.bytes > 0).then(|| self.tokens as f64 / self.bytes as f64)
    }
}

/// What is trained on, and what is held out.
///
/// # Errors
/// The run's tokenizer, its `tokens.bin` or its mask cannot be read.
pub fn sides(folder: &Path, run: &Run) -> Result<[Side; 2]> {
    let tokenizer = run.tokenizer(folder)?;
    let len = run.data.val[1] as usize;
    let mut tokens = TokenFile::open_part(&folder.join("tokens.bin"), len, run.data.width)?;
    if run.data.masked.is_some() {
        tokens.mask(read_mask(folder)?);
    }
    let side = |[start, end]: [u64; 2]| side(&tokens, &tokenizer, start as usize..end as usize);
    Ok([side(run.data.train)?, side(run.data.val)?])
}

/// Tokens read at a time.
const PIECE: usize = 1 << 16;

fn side(file: &TokenFile, tokenizer: &Tokenizer, range: Range<usize>) -> Result<Side> {
    let (mut side, mut hash) = (Side { tokens: 0, bytes: 0, hash: String::new() }, Sha256::new());
    // The first id of an entry may have a space before it that is no part of the text.
    let mut first = true;
    for start in range.clone().step_by(PIECE) {
        let piece = start..(start + PIECE).min(range.end);
        let masked: Vec<bool> = file.masked(piece.clone()).collect();
        for (&id, masked) in file.read(piece)?.iter().zip(masked) {
            let end = id == tokenizer.end_of_text();
            let text = match first {
                _ if end => Vec::new(),
                true => tokenizer.start_bytes(&[id]),
                false => tokenizer.decode_bytes(&[id]),
            };
            first = end;
            if !masked {
                side.tokens += 1;
                side.bytes += text.len() as u64;
            }
            // No text has this byte in it.
            hash.update(if end { &[0xff] } else { text.as_slice() });
        }
    }
    side.hash = disk::hex(&hash.finalize());
    Ok(side)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::record::example;
    use crate::tokens::Kind;

    /// A run with these entries held out, in a tokenizer's tokens.
    fn held_out(kind: Kind, entries: &[&str]) -> (tempfile::TempDir, Run) {
        let (dir, tokenizer) = (tempfile::tempdir().unwrap(), Tokenizer::new(kind));
        let encode = |texts: &[&str]| {
            texts.iter().map(|text| Ok(tokenizer.encode(text))).collect::<Vec<Result<Vec<u32>>>>()
        };
        let path = dir.path().join("tokens.bin");
        let (train, val) = (encode(&["A day at the weir."]), encode(entries));
        let ranges = TokenFile::write(&path, train, val, tokenizer.end_of_text(), tokenizer.width()).unwrap();
        let mut run = example();
        run.tokenizer = kind.name().into();
        run.data.width = tokenizer.width();
        run.data.train = [ranges.train.start as u64, ranges.train.end as u64];
        run.data.val = [ranges.val.start as u64, ranges.val.end as u64];
        (dir, run)
    }

    #[test]
    fn the_same_text_is_the_same_in_any_tokens() {
        let entries = ["Café at noon. Rain, rain, rain.", "é", "And so on and on and on."];
        let bytes: usize = entries.iter().map(|text| text.len()).sum();
        let of = |kind, entries: &[&str]| {
            let (dir, run) = held_out(kind, entries);
            let [_, val] = sides(dir.path(), &run).unwrap();
            val
        };
        let (a, b) = (of(Kind::Bytes, &entries), of(Kind::Gpt2, &entries));
        assert_eq!((a.bytes, b.bytes, a.hash == b.hash), (bytes as u64, bytes as u64, true));
        assert_eq!(a.tokens, bytes as u64 + 3, "a token a byte, and three ends");
        assert!(b.tokens < a.tokens / 2);
        // The same letters, otherwise divided into entries, are not the same text.
        let joined = entries.concat();
        assert_ne!(of(Kind::Bytes, &[&joined]).hash, a.hash);
        assert_eq!(of(Kind::Bytes, &[]).tokens_per_byte(), None);
    }
}
