//! The tokenizer files of a checkpoint's folder, read into parts: `tokenizer.json`, or `vocab.json` with `merges.txt`.
//!
//! They are a stranger's: larger than any tokenizer's is refused unread, ids are checked before a table is made by them, and
//! what is neither byte-level BPE nor SentencePiece BPE with byte fallback is refused by its name.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::base::{Error, Result, disk, units};
use crate::tokens::added::AddedToken;
use crate::tokens::alphabet::shown;
use crate::tokens::pre::Pre;
use crate::tokens::spaces::Spaces;
use crate::tokens::vocabulary::{Normalizer, Parts};

/// The largest file that is read: twice the largest in use.
const MOST: u64 = 64 << 20;

/// What is to be done where a tokenizer is another's.
pub const INSTEAD: &str = "train --from scratch, with a tokenizer of its own; a model as it is can still be scored on token ids: \
                           `diarist eval DIR --ids FILE`";

/// What a folder's files hold.
pub struct Found {
    /// The file that was read.
    pub path: PathBuf,
    /// The tokenizer; its ends are not known yet.
    pub parts: Parts,
    /// The ids of all tokens that the vocabulary lists, added ones among them where they stand in it.
    pub vocabulary: HashMap<String, u64>,
    /// `added_tokens` of `tokenizer.json`.
    pub listed: Vec<Value>,
}

/// A vocabulary and its merges in two files: as `transformers` names them, and as OpenAI published GPT-2's.
pub const PAIRS: [(&str, &str); 2] = [("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe")];

/// Reads a folder's tokenizer files; none where there are none. The model has `rows` in `wte`.
///
/// # Errors
/// Files that are damaged, too large, or another kind of tokenizer's.
pub fn folder(dir: &Path, rows: usize) -> Result<Option<Found>> {
    let pair = PAIRS.iter().find(|(vocab, _)| dir.join(vocab).exists()).unwrap_or(&PAIRS[0]);
    let [whole, vocab, merges] = ["tokenizer.json", pair.0, pair.1].map(|name| dir.join(name));
    if let Some(bytes) = read(&whole)? {
        return of_whole(&whole, &bytes, rows).map(Some);
    }
    let Some(bytes) = read(&vocab)? else { return Ok(None) };
    let tokens = match serde_json::from_slice(&bytes) {
        Ok(Vocab::Map(tokens)) => tokens,
        Ok(Vocab::Other) => return Err(damaged(&vocab, "the file is not a map from tokens to ids")),
        Err(e) => return Err(damaged(&vocab, format!("not JSON: {e}"))),
    };
    let merges = match read(&merges)? {
        Some(bytes) => of_lines(&merges, &bytes)?,
        None => Vec::new(),
    };
    let settings = object(&dir.join("tokenizer_config.json"))?;
    let (pre, normalizer) =
        of_class(&settings).map_err(|name| other(&vocab, &format!("{name}'s, without a tokenizer.json")))?;
    let (tokens, vocabulary) = by_id(&vocab, tokens, rows)?;
    let parts = Parts {
        tokens,
        merges,
        pre,
        normalizer,
        spaces: None,
        ignore_merges: false,
        added: Vec::new(),
        ends: None,
    };
    Ok(Some(Found { path: vocab, parts, vocabulary, listed: Vec::new() }))
}

/// A JSON object in a file; an empty one where there is no file.
///
/// # Errors
/// It cannot be read, or is none.
pub fn object(path: &Path) -> Result<Map<String, Value>> {
    let Some(bytes) = read(path)? else { return Ok(Map::new()) };
    serde_json::from_slice(&bytes)
        .map_err(|e| Error::file(path, format!("not a JSON object: {e}"), "fetch the file again"))
}

/// A token as a list of added ones has it, but for its id.
pub fn added(token: &Value) -> Option<AddedToken> {
    let flag = |name: &str| token[name] == true;
    Some(AddedToken {
        id: 0,
        content: token.as_str().or_else(|| token["content"].as_str())?.to_string(),
        special: flag("special"),
        single_word: flag("single_word"),
        lstrip: flag("lstrip"),
        rstrip: flag("rstrip"),
    })
}

/// The bytes of a file, without a mark of their order; none where there is no file.
fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    if !path.exists() {
        return Ok(None);
    }
    let mut bytes = disk::read_at_most(path, MOST)?.ok_or_else(|| {
        damaged(path, format!("larger than {}, which no tokenizer's file is", units::bytes(MOST)))
    })?;
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    Ok(Some(bytes))
}

fn damaged(path: &Path, problem: impl Into<String>) -> Error {
    Error::file(path, problem, "fetch the file again, or remove it if the model uses GPT-2's own tokenizer")
}

/// The error of a tokenizer that is another.
fn other(path: &Path, what: &str) -> Error {
    Error::file(
        path,
        format!(
            "another tokenizer: {what}; diarist reads byte-level BPE, and SentencePiece BPE with byte_fallback"
        ),
        INSTEAD,
    )
}

/// What is read of a `tokenizer.json`.
#[derive(Deserialize)]
struct Whole {
    #[serde(default)]
    added_tokens: Option<Vec<Value>>,
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Value,
    #[serde(default)]
    decoder: Value,
    model: Option<Model>,
}

#[derive(Deserialize)]
struct Model {
    #[serde(rename = "type", default)]
    kind: Value,
    vocab: Option<Vocab>,
    #[serde(default)]
    merges: Option<Vec<Merge>>,
    #[serde(default)]
    dropout: Value,
    #[serde(default)]
    continuing_subword_prefix: Value,
    #[serde(default)]
    end_of_word_suffix: Value,
    #[serde(default)]
    byte_fallback: Value,
    #[serde(default)]
    ignore_merges: Value,
}

/// `"left right"`, or, since tokens may hold spaces, `["left", "right"]`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Line(String),
    Pair(String, String),
}

/// Tokens and their ids in the order of the file, a token that is listed twice among them.
enum Vocab {
    Map(Vec<(String, Value)>),
    /// Not a map; a list belongs to another kind of tokenizer.
    Other,
}

impl<'de> Deserialize<'de> for Vocab {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Vocab, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Vocab;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a map from tokens to ids")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Vocab, A::Error> {
                let mut tokens = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    tokens.push(entry);
                }
                Ok(Vocab::Map(tokens))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Vocab, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Vocab::Other)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// Reads a `tokenizer.json`.
fn of_whole(path: &Path, bytes: &[u8], rows: usize) -> Result<Found> {
    let whole: Whole = serde_json::from_slice(bytes).map_err(|e| match e.is_data() {
        true => damaged(path, format!("no tokenizer's: {e}")),
        false => damaged(path, format!("not JSON: {e}")),
    })?;
    let model = whole.model.ok_or_else(|| damaged(path, "model.vocab is not a map from tokens to ids"))?;
    let empty =
        |value: &Value| matches!(value, Value::Null | Value::Bool(false)) || *value == "" || *value == 0.0;
    if let Some(kind) = model.kind.as_str().filter(|kind| *kind != "BPE") {
        return Err(other(path, &format!("of the kind {kind:.40}")));
    }
    for (name, value) in [
        ("dropout", &model.dropout),
        ("continuing_subword_prefix", &model.continuing_subword_prefix),
        ("end_of_word_suffix", &model.end_of_word_suffix),
    ] {
        if !empty(value) {
            return Err(other(path, &format!("BPE with {name}")));
        }
    }
    let Some(Vocab::Map(tokens)) = model.vocab else {
        return Err(damaged(path, "model.vocab is not a map from tokens to ids"));
    };
    let (pre, normalizer, spaces) = if model.byte_fallback == true {
        let spaces = Spaces::of_json(&whole.normalizer, &whole.pre_tokenizer, &whole.decoder);
        (Pre::none(), Normalizer::None, Some(spaces.map_err(|what| other(path, &what))?))
    } else {
        let normalizer = of_normalizer(&whole.normalizer)
            .map_err(|name| other(path, &format!("its normalizer is {name:.40}")))?;
        let pre = Pre::of_json(&whole.pre_tokenizer).map_err(|what| other(path, &what))?;
        (pre, normalizer, None)
    };
    let (tokens, vocabulary) = by_id(path, tokens, rows)?;
    let merge = |(place, merge): (usize, Merge)| match merge {
        Merge::Pair(left, right) => Ok((left, right)),
        Merge::Line(line) => {
            halves(&line).ok_or_else(|| damaged(path, format!("merge {} is no pair", place + 1)))
        }
    };
    let merges =
        model.merges.unwrap_or_default().into_iter().enumerate().map(merge).collect::<Result<_>>()?;
    let listed = whole.added_tokens.unwrap_or_default();
    let id = |token: &Value| token["id"].as_u64().and_then(|id| u32::try_from(id).ok());
    let added =
        listed.iter().filter_map(|token| Some(AddedToken { id: id(token)?, ..added(token)? })).collect();
    let ignore_merges = model.ignore_merges == true;
    let parts = Parts { tokens, merges, pre, normalizer, spaces, ignore_merges, added, ends: None };
    Ok(Found { path: path.to_path_buf(), parts, vocabulary, listed })
}

/// What a `normalizer` does; its name where that is something else.
fn of_normalizer(value: &Value) -> std::result::Result<Normalizer, String> {
    match (value["type"].as_str(), value["normalizers"].as_array()) {
        _ if value.is_null() => Ok(Normalizer::None),
        (Some("NFC"), _) => Ok(Normalizer::Nfc),
        (Some("Sequence"), Some(list)) if list.is_empty() => Ok(Normalizer::None),
        (Some("Sequence"), Some(list)) if list.iter().all(|one| one["type"] == "NFC") => Ok(Normalizer::Nfc),
        (name, _) => Err(name.unwrap_or("without a type").to_string()),
    }
}

/// What a class of `transformers` does before it merges, where only `vocab.json` and `merges.txt` are there; its name where
/// that is not known.
fn of_class(settings: &Map<String, Value>) -> std::result::Result<(Pre, Normalizer), String> {
    let class = settings.get("tokenizer_class").and_then(Value::as_str).unwrap_or("GPT2Tokenizer");
    let prefix_space = settings.get("add_prefix_space") == Some(&Value::Bool(true));
    match class.strip_suffix("Fast").unwrap_or(class) {
        "GPT2Tokenizer"
        | "RobertaTokenizer"
        | "BartTokenizer"
        | "CodeGenTokenizer"
        | "PreTrainedTokenizer" => Ok((Pre::new(Vec::new(), prefix_space, true), Normalizer::None)),
        "Qwen2Tokenizer" => Ok((Pre::from_gguf("qwen2").expect("it is one of ours"), Normalizer::Nfc)),
        _ => Err(format!("{class:.40}")),
    }
}

/// Both halves of a line of `merges.txt`.
fn halves(line: &str) -> Option<(String, String)> {
    let (left, right) = line.split_once(' ').filter(|(left, right)| !left.is_empty() && !right.is_empty())?;
    (!right.contains(' ')).then(|| (left.to_string(), right.to_string()))
}

/// The merges of a `merges.txt`.
fn of_lines(path: &Path, bytes: &[u8]) -> Result<Vec<(String, String)>> {
    let text = std::str::from_utf8(bytes).map_err(|e| damaged(path, format!("not UTF-8: {e}")))?;
    let lines = (1..)
        .zip(text.lines())
        .filter(|(number, line)| !(line.is_empty() || *number == 1 && line.starts_with("#version")));
    let merge = |(number, line): (usize, &str)| {
        halves(line.trim_end())
            .ok_or_else(|| damaged(path, format!("line {number} is no merge of two tokens")))
    };
    lines.map(merge).collect()
}

/// Tokens in the order of their ids, and the ids by token. An id that no model of so many rows and no list of so many tokens
/// has is an error, so that nothing large is made of a small file.
fn by_id(
    path: &Path,
    tokens: Vec<(String, Value)>,
    rows: usize,
) -> Result<(Vec<String>, HashMap<String, u64>)> {
    let count = tokens.len();
    let most = (rows + count) as u64 + (1 << 16);
    let mut ids: HashMap<String, u64> = HashMap::with_capacity(tokens.len());
    let mut by_id: Vec<String> = Vec::with_capacity(tokens.len());
    for (token, id) in tokens {
        let Some(id) = id.as_u64() else {
            return Err(damaged(
                path,
                format!(
                    "the token {} has an id that is no whole number: {:.40}",
                    shown(&token),
                    id.to_string()
                ),
            ));
        };
        if id >= most {
            return Err(damaged(
                path,
                format!(
                    "the token {} has the id {}, and there are {} tokens",
                    shown(&token),
                    units::thousands(id),
                    units::thousands(count as u64)
                ),
            ));
        }
        let place = id as usize;
        by_id.resize(by_id.len().max(place + 1), String::new());
        if !by_id[place].is_empty() && by_id[place] != token {
            return Err(damaged(
                path,
                format!("two tokens have the id {id}: {} and {}", shown(&by_id[place]), shown(&token)),
            ));
        }
        if let Some(before) = ids.insert(token.clone(), id).filter(|before| *before != id) {
            return Err(damaged(path, format!("the token {} has two ids, {before} and {id}", shown(&token))));
        }
        by_id[place] = token;
    }
    Ok((by_id, ids))
}
