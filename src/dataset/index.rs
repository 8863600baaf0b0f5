//! `entries.jsonl`: which entries a run has seen, without a word of them: a line an entry in the order of `tokens.bin`. By it new
//! entries are told from old ones, and a single one is found again, to be forgotten.

use std::ops::Range;
use std::path::Path;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::base::{Error, Result, disk};

/// The index, beside `tokens.bin`.
pub const INDEX: &str = "entries.jsonl";

/// What an entry is to the run that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// An earlier version was trained on it, this one is not. Such entries stand first in `tokens.bin`.
    Before,
    /// Trained on.
    Train,
    /// Held out.
    Val,
}

/// An entry, or a part of one that is divided, in `tokens.bin`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// [`hash`] of its title and text, in hex.
    #[serde(with = "hex")]
    pub hash: u64,
    /// Its day.
    pub date: Option<Date>,
    /// What it is to the run.
    pub side: Side,
    /// Whether it is a question and its answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pair: bool,
    /// Its tokens before the text: a header's, or a question's.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub header: usize,
    /// Its first token.
    pub start: usize,
    /// The token behind its last, which is the end of text.
    pub end: usize,
}

fn is_zero(tokens: &usize) -> bool {
    *tokens == 0
}

impl Line {
    /// Its tokens in `tokens.bin`.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// What a title and a text, as they are trained on, are known by: the first eight bytes of their SHA-256, the first of them highest.
/// The header is not in it: it may name a file, which may be moved.
pub fn hash(text: &str) -> u64 {
    let whole = Sha256::digest(text.as_bytes());
    u64::from_be_bytes(whole[..8].try_into().expect("SHA-256 has 32 bytes"))
}

/// A hash as it is written: 16 digits.
pub fn spelled(hash: u64) -> String {
    format!("{hash:016x}")
}

mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(hash: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::spelled(*hash))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        let whole = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let hash = u64::from_str_radix(&text, 16).ok().filter(|_| whole);
        hash.ok_or_else(|| D::Error::custom(format!("{text:?} is no hash of 16 hex digits")))
    }
}

/// Lines as [`INDEX`] holds them.
pub fn bytes(lines: &[Line]) -> Vec<u8> {
    let line = |line| serde_json::to_string(line).expect("a line holds nothing but JSON") + "\n";
    lines.iter().map(line).collect::<String>().into_bytes()
}

/// The index of the run in `dir`, whose `tokens.bin` has so many tokens and whose record has `recorded` as the index's SHA-256.
///
/// # Errors
/// There is none, as in the runs of a diarist that did not write one; or it is not the one that was written.
pub fn read(dir: &Path, recorded: Option<&str>, tokens: usize) -> Result<Vec<Line>> {
    let path = dir.join(INDEX);
    let Some(recorded) = recorded else {
        return Err(Error::file(
            dir,
            format!("this run has no index of its entries ({INDEX}): an older diarist began it"),
            "train again from the journals, which writes one",
        ));
    };
    let damaged = |problem: String| Error::file(&path, problem, "put a copy of it back, or train again");
    if !path.is_file() || disk::sha256(&path)? != recorded {
        return Err(damaged("missing, or its hash is not the one in run.json: it was changed".into()));
    }
    let text = disk::read_file(&path)?;
    let lines = serde_json::Deserializer::from_slice(&text).into_iter::<Line>();
    let lines: Vec<Line> =
        lines.collect::<std::result::Result<_, _>>().map_err(|e| damaged(format!("damaged: {e}")))?;
    let mut at = 0;
    for line in &lines {
        if line.start != at || line.end < at {
            return Err(damaged(format!("damaged: an entry begins at token {}, not {at}", line.start)));
        }
        at = line.end;
    }
    if at != tokens {
        return Err(damaged(format!("its entries have {at} tokens, and tokens.bin has {tokens}")));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn an_index_is_read_as_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let line =
            |hash, side, start, end| Line { hash, date: None, side, pair: false, header: 0, start, end };
        let day = Some(date(2021, 3, 4));
        let lines = [
            Line { date: day, header: 2, ..line(0xf, Side::Before, 0, 3) },
            line(hash("Rain."), Side::Train, 3, 9),
            line(7, Side::Val, 9, 9),
        ];
        let text = bytes(&lines);
        let first = text.split(|&b| b == b'\n').next().unwrap();
        let said =
            r#"{"hash":"000000000000000f","date":"2021-03-04","side":"before","header":2,"start":0,"end":3}"#;
        assert_eq!(std::str::from_utf8(first).unwrap(), said);
        let path = dir.path().join(INDEX);
        std::fs::write(&path, &text).unwrap();
        let recorded = disk::sha256(&path).unwrap();
        assert_eq!(read(dir.path(), Some(&recorded), 9).unwrap(), lines);
        let problem = |recorded, tokens| read(dir.path(), recorded, tokens).unwrap_err().to_string();
        assert!(problem(Some(&recorded), 10).contains("9 tokens"));
        assert!(problem(Some("00"), 9).contains("was changed"));
        assert!(problem(None, 9).contains("no index"));
    }

    #[test]
    fn a_hash_is_the_beginning_of_sha_256() {
        // printf abc | sha256sum
        assert_eq!(spelled(hash("abc")), "ba7816bf8f01cfea");
    }
}
