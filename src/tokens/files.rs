//! The tokenizer's files as Hugging Face has them, so that `transformers` opens a run's folder and reads text as we do.
//!
//! The `bytes` tokenizer is, in these files, a GPT-2 BPE that learned no merge: 256 bytes and end of text. The id of
//! byte b is b (GPT-2 itself has its bytes in the order of [`byte_chars`](crate::tokens::alphabet::byte_chars)).
//!
//! SentencePiece's has `tokenizer.json` alone: two files of a vocabulary and its merges say nothing of its spaces.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::base::{Error, Result, disk, units};
use crate::tokens::added::AddedToken;
use crate::tokens::kind::Kind;
use crate::tokens::read::{self, INSTEAD, object};
use crate::tokens::read_added;
use crate::tokens::tokenizer::Tokenizer;
use crate::tokens::vocabulary::Normalizer;

/// The file that says all of a tokenizer that came with a model, and what `run.json` keeps of it under this name's field
/// `tokenizer_file`.
pub const WHOLE: &str = "tokenizer.json";

/// The files of a tokenizer, by name: `vocab.json merges.txt tokenizer.json tokenizer_config.json
/// special_tokens_map.json`, without the first two where it is SentencePiece's. `model_max_length` is the most tokens the model takes, its `block_size`.
pub fn files(tok: &Tokenizer, model_max_length: usize) -> Vec<(&'static str, Vec<u8>)> {
    let vocab = vocab(tok);
    let merges: Vec<String> = tok.merges().iter().map(|(left, right)| format!("{left} {right}")).collect();
    let mut pair = vec![
        ("vocab.json", vocab_json(&vocab).into_bytes()),
        ("merges.txt", format!("#version: 0.2\n{}", lines(&merges)).into_bytes()),
    ];
    pair.retain(|_| tok.spaces().is_none());
    pair.extend([
        (WHOLE, tokenizer_json(tok, vocab, &merges).to_string().into_bytes()),
        ("tokenizer_config.json", lines([pretty(&config_json(tok, model_max_length))]).into_bytes()),
        ("special_tokens_map.json", lines([pretty(&names(tok).into())]).into_bytes()),
    ]);
    pair
}

/// The tokenizer of a checkpoint's folder, whose model has `vocab_size` rows in `wte`. Without tokenizer files, 50,257
/// rows mean GPT-2's. A model may have more rows than its tokenizer has tokens (some pad them): no text leads to those.
///
/// # Errors
/// A tokenizer of another kind, files that are damaged, or no way to tell; in a run's folder, also another
/// tokenizer than the run was begun with.
pub fn from_folder(dir: &Path, vocab_size: usize) -> Result<Tokenizer> {
    unchanged(dir)?;
    let Some(found) = read::folder(dir, vocab_size)? else {
        let gpt2 = Tokenizer::gpt2();
        if vocab_size == gpt2.vocab_size() {
            return read_added::beside(gpt2, dir, vocab_size, &HashMap::new(), &[]);
        }
        return Err(Error::file(
            dir,
            format!(
                "no tokenizer.json and no vocab.json, and {} tokens in the model's vocabulary, where GPT-2's has 50,257",
                units::thousands(vocab_size as u64)
            ),
            format!(
                "copy the checkpoint's tokenizer files (tokenizer.json, or vocab.json and merges.txt) beside its config.json; \
                 if it has none: {INSTEAD}"
            ),
        ));
    };
    let tok =
        Tokenizer::without_ends(found.parts).map_err(|problem| Error::file(&found.path, problem, INSTEAD))?;
    let pair = read::PAIRS.iter().find(|(vocab, _)| found.path.ends_with(vocab));
    if let Some((_, merges)) =
        pair.filter(|(_, merges)| tok.kind() == Kind::Bpe && !dir.join(merges).exists())
    {
        return Err(Error::file(
            &found.path,
            format!(
                "no {merges} beside it, and its {} tokens are not GPT-2's (50,257)",
                units::thousands(tok.vocab_size() as u64)
            ),
            format!("copy the checkpoint's {merges}, or its tokenizer.json, beside it"),
        ));
    }
    if vocab_size < tok.rows() {
        return Err(Error::file(
            &found.path,
            format!(
                "the tokenizer has {} tokens, but the model's vocabulary only {}",
                units::thousands(tok.rows() as u64),
                units::thousands(vocab_size as u64)
            ),
            "the tokenizer files and the model's belong to different checkpoints: fetch the folder again",
        ));
    }
    read_added::beside(tok, dir, vocab_size, &found.vocabulary, &found.listed)
}

/// The hash by which a run's record knows its tokenizer's file again, where that came with a model.
///
/// # Errors
/// The file cannot be read.
pub fn hash(tok: &Tokenizer, dir: &Path) -> Result<Option<String>> {
    match tok.kind() {
        Kind::Bpe => disk::sha256(&dir.join(WHOLE)).map(Some),
        Kind::Gpt2 | Kind::Bytes => Ok(None),
    }
}

/// Where a folder is a run's whose record keeps a hash of its tokenizer: the file still has it.
fn unchanged(dir: &Path) -> Result<()> {
    // What is wrong with a record itself is told where the run is opened.
    let Some(hash) = object(&dir.join("run.json"))
        .ok()
        .and_then(|run| Some(run.get("tokenizer_file")?.as_str()?.to_string()))
    else {
        return Ok(());
    };
    let path = dir.join(WHOLE);
    if path.is_file() && disk::sha256(&path)? == hash {
        return Ok(());
    }
    Err(Error::file(
        &path,
        "missing, or its hash is not the one in run.json: it was changed, and the model knows other tokens",
        "put a copy of it back (the checkpoint that the run began from, or the run's backup), or begin a new run",
    ))
}

/// The spelling of every id that has one, in order.
fn vocab(tok: &Tokenizer) -> Vec<(String, u32)> {
    let spelled = |id: u32| match tok.vocabulary() {
        Some(vocabulary) => vocabulary.parts().tokens[id as usize].clone(),
        None => tok.spelled(id),
    };
    let all = (0..tok.vocab_size() as u32).map(|id| (spelled(id), id));
    all.filter(|(token, _)| !token.is_empty()).collect()
}

/// The vocabulary in the very bytes that OpenAI published it in: Python's `json.dumps`, ASCII alone.
fn vocab_json(vocab: &[(String, u32)]) -> String {
    let mut json = String::from("{");
    for (token, id) in vocab {
        json.push_str(if json.len() == 1 { "\"" } else { ", \"" });
        for c in token.chars() {
            match c {
                '"' | '\\' => json.extend(['\\', c]),
                ' '..='~' => json.push(c),
                _ => c
                    .encode_utf16(&mut [0; 2])
                    .iter()
                    .for_each(|unit| json.push_str(&format!("\\u{unit:04x}"))),
            }
        }
        json.push_str(&format!("\": {id}"));
    }
    json + "}"
}

/// What the `tokenizers` library reads: the whole pipeline in one file.
fn tokenizer_json(tok: &Tokenizer, vocab: Vec<(String, u32)>, merges: &[String]) -> Value {
    let vocab: Map<String, Value> = vocab.into_iter().map(|(token, id)| (token, id.into())).collect();
    let byte_level =
        json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true });
    let mut model = json!({
        "type": "BPE",
        "dropout": null,
        "unk_token": null,
        "continuing_subword_prefix": "",
        "end_of_word_suffix": "",
        "fuse_unk": false,
        "byte_fallback": false,
        "vocab": vocab,
        "merges": merges,
    });
    if tok.ignore_merges() {
        model["ignore_merges"] = true.into();
    }
    let normalizer = if tok.normalizer() == Normalizer::Nfc { json!({ "type": "NFC" }) } else { Value::Null };
    let [normalizer, pre_tokenizer, post_processor, decoder] = match tok.spaces() {
        None => [normalizer, tok.pre().to_json(), byte_level.clone(), byte_level],
        Some(spaces) => {
            // A token may hold a space no more than in other files, but both halves apart are what is written today.
            model["merges"] = tok.merges().iter().map(|(left, right)| json!([left, right])).collect();
            model["byte_fallback"] = true.into();
            model["fuse_unk"] = true.into();
            model["unk_token"] = names(tok).get("unk_token").cloned().unwrap_or_default();
            model["continuing_subword_prefix"] = Value::Null;
            model["end_of_word_suffix"] = Value::Null;
            let [normalizer, pre_tokenizer, decoder] = spaces.to_json();
            [normalizer, pre_tokenizer, Value::Null, decoder]
        }
    };
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added_tokens(tok, true).map(|(_, token)| token).collect::<Vec<Value>>(),
        "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": post_processor,
        "decoder": decoder,
        "model": model,
    })
}

/// Every added token, end of text among them; with its id where a list has it as a field.
fn added_tokens(tok: &Tokenizer, with_id: bool) -> impl Iterator<Item = (u32, Value)> {
    let tokens = tok.added().into_owned();
    tokens.into_iter().map(move |AddedToken { id, content, special, single_word, lstrip, rstrip }| {
        let mut token = Map::new();
        token.extend(with_id.then(|| ("id".to_string(), id.into())));
        token.insert("content".into(), content.into());
        for (flag, on) in [
            ("single_word", single_word),
            ("lstrip", lstrip),
            ("rstrip", rstrip),
            ("normalized", false),
            ("special", special),
        ] {
            token.insert(flag.into(), on.into());
        }
        (id, token.into())
    })
}

/// What the tokens with a part to play are called: `eos_token` and the like.
fn names(tok: &Tokenizer) -> Map<String, Value> {
    let plain = ["bos_token", "eos_token", "unk_token"]
        .map(|part| (part.to_string(), tok.spelled(tok.end_of_text())));
    let names = tok.additions().map_or(plain.to_vec(), |additions| additions.names.clone());
    names.into_iter().map(|(part, content)| (part, content.into())).collect()
}

fn config_json(tok: &Tokenizer, model_max_length: usize) -> Value {
    let decoder: Map<String, Value> =
        added_tokens(tok, false).map(|(id, token)| (id.to_string(), token)).collect();
    let mut config = json!({
        "add_bos_token": false,
        "add_prefix_space": false,
        "added_tokens_decoder": decoder,
        // "Cleaning up" would take spaces before punctuation away: decoding has to give the text back as it was.
        "clean_up_tokenization_spaces": false,
        "errors": "replace",
        "model_max_length": model_max_length,
        "tokenizer_class": "GPT2Tokenizer",
    });
    let settings = config.as_object_mut().expect("made above");
    if tok.kind() == Kind::Bpe {
        // GPT-2's class would cut words its own way; this one does as tokenizer.json says.
        settings.retain(|key, _| !["add_bos_token", "add_prefix_space", "errors"].contains(&key.as_str()));
        settings["tokenizer_class"] = "PreTrainedTokenizerFast".into();
    }
    settings.append(&mut names(tok));
    config
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}

fn lines<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> String {
    lines.into_iter().flat_map(|line| [line.as_ref().to_string(), "\n".to_string()]).collect()
}

#[cfg(test)]
mod tests;
