//! Which tokenizer a folder of embeddings has.

use std::path::Path;

use serde_json::Value;

use crate::base::{Error, Result, disk};
use crate::recall::embed::wordpiece::WordPiece;
use crate::tokens::{Tokenizer, files};

/// The largest `tokenizer.json` that is read.
const MOST: u64 = 64 << 20;

/// Text to ids.
#[derive(Debug, Clone)]
pub enum Ids {
    /// BERT's.
    WordPiece(WordPiece),
    /// Byte-level BPE, or SentencePiece's.
    Bpe(Tokenizer),
}

impl Ids {
    /// The tokenizer of a folder whose model knows `rows` ids, and the median length of its tokens in characters.
    ///
    /// # Errors
    /// There is none, it is damaged, or of a kind that is not read.
    pub fn of_folder(dir: &Path, rows: usize) -> Result<(Ids, usize)> {
        let path = dir.join(files::WHOLE);
        let bytes = disk::read_at_most(&path, MOST)?.ok_or_else(|| {
            Error::file(&path, "larger than any tokenizer's file", "fetch the folder again")
        })?;
        let json: Value = serde_json::from_slice(&bytes)
            .map_err(|e| Error::file(&path, format!("not JSON: {e}"), "fetch the folder again"))?;
        let length = median(&json);
        let kind = json["model"]["type"].as_str().unwrap_or("no kind");
        match kind {
            "WordPiece" => {
                let read = WordPiece::of_json(&json);
                let tokenizer = read.map_err(|problem| {
                    Error::file(&path, format!("another WordPiece than BERT's: {problem}"), INSTEAD)
                })?;
                if tokenizer.rows() > rows {
                    let problem =
                        format!("it has {} tokens, and model.safetensors {rows} vectors", tokenizer.rows());
                    return Err(Error::file(&path, problem, "fetch the folder again"));
                }
                Ok((Ids::WordPiece(tokenizer), length))
            }
            "BPE" => Ok((Ids::Bpe(files::from_folder(dir, rows)?), length)),
            kind => Err(Error::file(&path, format!("a tokenizer of the kind {kind:.40}"), INSTEAD)),
        }
    }

    /// The ids of a text; [`unknown`](Self::unknown) may be among them.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        match self {
            Ids::WordPiece(tokenizer) => tokenizer.encode(text),
            Ids::Bpe(tokenizer) => tokenizer.encode_prompt(text),
        }
    }

    /// The id of what is unknown, which has no vector of its own.
    pub fn unknown(&self) -> Option<u32> {
        match self {
            Ids::WordPiece(tokenizer) => tokenizer.unknown(),
            Ids::Bpe(_) => None,
        }
    }
}

/// The median length of a vocabulary's tokens, in characters.
fn median(json: &Value) -> usize {
    let vocabulary = json["model"]["vocab"].as_object();
    let added =
        json["added_tokens"].as_array().into_iter().flatten().filter_map(|token| token["content"].as_str());
    let added = added.filter(|content| vocabulary.is_none_or(|all| !all.contains_key(*content)));
    let tokens = vocabulary.into_iter().flat_map(serde_json::Map::keys).map(String::as_str).chain(added);
    let mut lengths: Vec<usize> = tokens.map(|token| token.chars().count()).collect();
    lengths.sort_unstable();
    let at = |place: usize| lengths.get(place).copied().unwrap_or(0);
    let half = lengths.len() / 2;
    if lengths.len() % 2 == 1 { at(half) } else { usize::midpoint(at(half.saturating_sub(1)), at(half)) }
}

const INSTEAD: &str = "use embeddings whose tokenizer is BERT's WordPiece or a BPE, as those of potion-base are; \
                       Unigram is not read";
