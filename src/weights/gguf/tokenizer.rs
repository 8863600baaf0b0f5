//! The tokenizer in a GGUF: its keys as ours, and ours as its keys. Read is byte-level BPE, which is `gpt2` there, and
//! SentencePiece's with byte fallback, which is `llama`: it has a score for each token where the other has merges.

use std::iter::repeat;
use std::path::Path;

use crate::base::{Error, Result, units};
use crate::tokens::pieces::merges_of_scores;
use crate::tokens::{AddedToken, Ends, Kind, Normalizer, Parts, Pre, Prefix, Role, Spaces, Tokenizer};
use crate::weights::gguf::metadata::{Metadata, Texts, Value};
use crate::weights::words::{quoted, short};

/// What `tokenizer.ggml.token_type` says of a token.
mod kind {
    pub const NORMAL: u32 = 1;
    pub const UNKNOWN: u32 = 2;
    pub const CONTROL: u32 = 3;
    pub const USER_DEFINED: u32 = 4;
    pub const UNUSED: u32 = 5;
    pub const BYTE: u32 = 6;
}

/// A merge that no text leads to: the byte FF is in no UTF-8. llama.cpp wants a list of merges, and the `gguf` package no
/// empty one; so a vocabulary without merges gets this one, and what it makes need be no token.
const NEVER: &str = "ÿ ÿ";

fn key(name: &str) -> String {
    format!("tokenizer.ggml.{name}")
}

/// The tokenizer of a model with so many rows.
///
/// # Errors
/// None, one of another kind, or parts that do not fit.
pub fn read(path: &Path, metadata: &Metadata, rows: usize) -> Result<Tokenizer> {
    let elsewhere =
        "take the tokenizer from the model's Hugging Face folder (tokenizer.json), and the model too";
    let with_scores = match metadata.get_str(&key("model")) {
        Some("gpt2") => false,
        Some("llama") => true,
        None => return Err(Error::file(path, "holds no tokenizer (tokenizer.ggml.model)", elsewhere)),
        Some(other) => {
            let problem = format!(
                "its tokenizer is {}; read are \"gpt2\", byte-level BPE, and \"llama\", SentencePiece's",
                quoted(other)
            );
            return Err(Error::file(path, problem, "start from a model with a BPE tokenizer"));
        }
    };
    let damaged = |problem: String| {
        Error::file(path, problem, "download the file again, or make it anew from the model")
    };
    let mut parts = parts(metadata).map_err(damaged)?;
    if with_scores {
        let prefix = match metadata.get(&key("add_space_prefix")) {
            Some(Value::Bool(false)) => Prefix::Never,
            _ => Prefix::Every,
        };
        parts.spaces = Some(Spaces { prefix, split: false });
        parts.merges = scored(metadata, &parts).map_err(damaged)?;
    } else {
        let name = metadata.get_str(&key("pre")).unwrap_or("default");
        parts.ignore_merges = Pre::gguf_ignores_merges(name);
        parts.pre = Pre::from_gguf(name).ok_or_else(|| {
            let problem = format!(
                "cuts text into words as {} does (tokenizer.ggml.pre), which is not known here",
                quoted(name)
            );
            Error::file(path, problem, elsewhere)
        })?;
    }
    let tokens = parts.tokens.len();
    let without_merges = !with_scores && metadata.get_texts(&key("merges")).is_none();
    let tokenizer = Tokenizer::from_parts(parts)
        .map_err(|told| damaged(format!("its tokenizer does not fit: {}", short(&told))))?;
    if without_merges && tokenizer.kind() == Kind::Bpe {
        // Bytes have none, and GPT-2's are known; of any other vocabulary, nothing but bytes would come.
        return Err(damaged(format!("does not say {}", key("merges"))));
    }
    if tokenizer.rows() > rows || tokens > rows {
        let (tokens, rows) = (units::thousands(tokens as u64), units::thousands(rows as u64));
        return Err(damaged(format!("its tokenizer has {tokens} tokens, and its embedding {rows} rows")));
    }
    Ok(tokenizer)
}

/// The merges that scores stand for: of text, not of what only looks like a token that is none.
fn scored(metadata: &Metadata, parts: &Parts) -> std::result::Result<Vec<(String, String)>, String> {
    let scores =
        metadata.get_numbers(&key("scores")).ok_or_else(|| format!("does not say {}", key("scores")))?;
    let float = |score| match score {
        Value::Float(score) if !score.is_nan() => Ok(score as f32),
        _ => Err(format!("{} holds what is no number", key("scores"))),
    };
    let scores = scores.iter().map(float).collect::<std::result::Result<Vec<f32>, String>>()?;
    if scores.len() != parts.tokens.len() {
        return Err(format!("has {} tokens, and scores of {}", parts.tokens.len(), scores.len()));
    }
    let mut tokens = parts.tokens.clone();
    parts.added.iter().for_each(|token| tokens[token.id as usize].clear());
    Ok(merges_of_scores(&tokens, &scores))
}

/// What both kinds of it have, in words that follow "FILE: " where they are not there.
fn parts(metadata: &Metadata) -> std::result::Result<Parts, String> {
    let texts =
        |name: &str| metadata.get_texts(&key(name)).ok_or_else(|| format!("does not say {}", key(name)));
    let mut tokens: Vec<String> = texts("tokens")?.iter().map(|token| token.into_owned()).collect();
    let kinds: Vec<Value> = match metadata.get_numbers(&key("token_type")) {
        Some(kinds) => kinds.iter().collect(),
        None => vec![Value::Whole(kind::NORMAL.into()); tokens.len()],
    };
    if kinds.len() != tokens.len() {
        return Err(format!("has {} tokens, and says of {} what they are", tokens.len(), kinds.len()));
    }
    let mut added = Vec::new();
    for ((token, kind), id) in tokens.iter_mut().zip(kinds).zip(0..) {
        match kind {
            Value::Whole(n) if n == kind::UNUSED.into() => token.clear(),
            Value::Whole(n) if n == kind::CONTROL.into() || n == kind::UNKNOWN.into() => {
                added.push(AddedToken::special(id, token));
            }
            Value::Whole(n) if n == kind::USER_DEFINED.into() => {
                added.push(AddedToken { special: false, ..AddedToken::special(id, token) });
            }
            _ => {}
        }
    }
    let mut merges = Vec::new();
    let listed = metadata.get_texts(&key("merges")).into_iter().flat_map(Texts::iter);
    for merge in listed.filter(|merge| merge != NEVER) {
        let halves = merge
            .split_once(' ')
            .ok_or_else(|| format!("has a merge {}, which is not of two", quoted(&merge)))?;
        merges.push((halves.0.to_string(), halves.1.to_string()));
    }
    let id = |name: &str| match metadata.get(&key(name)) {
        None => Ok(None),
        Some(_) => match metadata.get_u32(&key(name)).filter(|&id| (id as usize) < tokens.len()) {
            Some(id) => Ok(Some(id)),
            None => Err(format!("{} is the id of no token", key(name))),
        },
    };
    let (bos, eos, eot, pad) =
        (id("bos_token_id")?, id("eos_token_id")?, id("eot_token_id")?, id("padding_token_id")?);
    let mut stops: Vec<u32> = eos.into_iter().chain(eot).collect();
    stops.dedup();
    let ends = stops.first().copied().map(|end| Ends { start: bos.unwrap_or(end), stops, pad });
    let (pre, normalizer) = (Pre::none(), Normalizer::None);
    Ok(Parts { tokens, merges, pre, normalizer, spaces: None, ignore_merges: false, added, ends })
}

/// A tokenizer as a GGUF's keys have it.
#[derive(Debug)]
pub(super) struct Keys {
    /// `model`
    pub model: &'static str,
    /// `pre`
    pub pre: &'static str,
    /// `tokens`, one for each row of the model.
    pub tokens: Vec<String>,
    /// `token_type`
    pub kinds: Vec<u32>,
    /// `merges`; none where there are scores.
    pub merges: Vec<String>,
    /// `scores`; none where there are merges.
    pub scores: Vec<f32>,
    /// `add_space_prefix`, where it is said.
    pub space_prefix: Option<bool>,
    /// `bos_token_id eos_token_id eot_token_id padding_token_id`, those that there are.
    pub ids: Vec<(&'static str, u32)>,
}

impl Keys {
    /// Of the tokenizer of a model with so many rows.
    ///
    /// # Errors
    /// llama.cpp has no such tokenizer; or the model has too few rows for it.
    pub fn new(tokenizer: &Tokenizer, rows: usize) -> Result<Keys> {
        let none = |problem: &str| {
            Err(Error::setting(problem.to_string(), "write the model as a Hugging Face folder"))
        };
        let spaces = tokenizer.spaces();
        let (model, pre, mut scores) = match spaces {
            None => match tokenizer.pre().to_gguf(tokenizer.ignore_merges()) {
                Some(pre) => ("gpt2", pre, Vec::new()),
                None => {
                    return none(
                        "llama.cpp has no name for the way in which this model's tokenizer cuts text into words",
                    );
                }
            },
            Some(Spaces { split: true, .. }) => {
                return none("llama.cpp cuts no text into words where a tokenizer is SentencePiece's");
            }
            Some(_) => match tokenizer.scores() {
                Some(scores) => ("llama", "default", scores),
                None => {
                    return none(
                        "llama.cpp merges SentencePiece's tokens by scores, and this tokenizer's merges have none",
                    );
                }
            },
        };
        if tokenizer.rows() > rows {
            return Err(Error::setting(
                format!("the tokenizer has {} tokens, and the model {rows} rows", tokenizer.rows()),
                "use the tokenizer that the model was trained with",
            ));
        }
        let all = 0..u32::try_from(rows).expect("ids have 32 bits");
        let unknown = tokenizer.additions().and_then(|all| all.id_of("unk_token"));
        let kind = |id: u32| match tokenizer.role(id) {
            Role::Text if tokenizer.byte(id).is_some() => kind::BYTE,
            Role::Control if spaces.is_some() && unknown == Some(id) => kind::UNKNOWN,
            Role::Text => kind::NORMAL,
            Role::Control => kind::CONTROL,
            Role::Added => kind::USER_DEFINED,
            Role::Unused => kind::UNUSED,
        };
        let mut merges: Vec<String> =
            tokenizer.merges().iter().map(|(left, right)| format!("{left} {right}")).collect();
        merges.extend(merges.is_empty().then(|| NEVER.to_string()));
        if spaces.is_some() {
            // A row beyond the vocabulary is nothing that text becomes: its score says nothing.
            (merges, scores) = (Vec::new(), scores.into_iter().chain(repeat(0.0)).take(rows).collect());
        }
        let (end, ends) = (tokenizer.end_of_text(), tokenizer.ends());
        let other = ends.stops.into_iter().find(|&id| id != end && tokenizer.role(id) == Role::Control);
        let ids = [
            Some(("bos_token_id", ends.start)),
            Some(("eos_token_id", end)),
            other.map(|id| ("eot_token_id", id)),
            ends.pad.map(|id| ("padding_token_id", id)),
        ];
        Ok(Keys {
            model,
            pre,
            scores,
            space_prefix: spaces.map(|spaces| spaces.prefix != Prefix::Never),
            tokens: all.clone().map(|id| tokenizer.spelled(id)).collect(),
            kinds: all.map(kind).collect(),
            merges,
            ids: ids.into_iter().flatten().filter(|(_, id)| (*id as usize) < rows).collect(),
        })
    }
}
