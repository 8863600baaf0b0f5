//! The tokenizer's files as Hugging Face has them, so that `transformers` opens a run's folder and reads text as we do.
//!
//! Nothing of GPT-2's is shipped twice: `vocab.json` and `merges.txt` follow from the r50k ranks in `tiktoken-rs`. A
//! token's id is its rank, and ranks are the order in which BPE learned its merges; so the merge that made a token is
//! the last one taken when its own bytes are encoded with lower ranks alone.
//!
//! The `bytes` tokenizer is, in these files, a GPT-2 BPE that learned no merge: 256 bytes and end of text. The id of
//! byte b is b (GPT-2 itself has its bytes in the order of [`byte_chars`]).

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::base::{Error, Result, units};
use crate::tokens::added::AddedToken;
use crate::tokens::read_added;
use crate::tokens::tokenizer::{END_OF_TEXT, Kind, Tokenizer};

/// The files of a tokenizer, by name: `vocab.json merges.txt tokenizer.json tokenizer_config.json
/// special_tokens_map.json`. `model_max_length` is the most tokens the model takes, its `block_size`.
pub fn files(tok: &Tokenizer, model_max_length: usize) -> Vec<(&'static str, Vec<u8>)> {
    let vocab = vocab(tok);
    let merges = merges(tok);
    vec![
        ("vocab.json", vocab_json(&vocab).into_bytes()),
        ("merges.txt", format!("#version: 0.2\n{}", lines(&merges)).into_bytes()),
        ("tokenizer.json", tokenizer_json(tok, &vocab, &merges).to_string().into_bytes()),
        ("tokenizer_config.json", lines([pretty(&config_json(tok, model_max_length))]).into_bytes()),
        ("special_tokens_map.json", lines([pretty(&names(tok).into())]).into_bytes()),
    ]
}

/// The tokenizer of a checkpoint's folder, whose model has `vocab_size` rows in `wte`. OpenAI's `encoder.json` is `vocab.json`
/// under its first name. Without tokenizer files, 50,257
/// rows mean GPT-2's. A model may have more rows than its tokenizer has tokens (some pad them): no text leads to those.
///
/// # Errors
/// A tokenizer that is neither of our two, or no way to tell.
pub fn from_folder(dir: &Path, vocab_size: usize) -> Result<Tokenizer> {
    let found = ["vocab.json", "tokenizer.json", "encoder.json"]
        .map(|name| dir.join(name))
        .into_iter()
        .find(|p| p.exists());
    let Some(path) = found else {
        let gpt2 = Tokenizer::gpt2();
        if vocab_size == gpt2.vocab_size() {
            return read_added::beside(gpt2, dir, vocab_size, &HashMap::new());
        }
        return Err(Error::file(
            dir,
            format!(
                "no vocab.json and no tokenizer.json, and {} tokens in the model's vocabulary, where GPT-2's has 50,257",
                units::thousands(vocab_size as u64)
            ),
            "if its tokenizer is GPT-2's, with tokens added to it or rows that pad it, copy the checkpoint's tokenizer files (vocab.json \
             and merges.txt, or tokenizer.json) beside its config.json; no other tokenizer is read: --from scratch then",
        ));
    };
    let theirs = read_vocab(&path)?;
    let ours = Kind::ALL.map(Tokenizer::new).into_iter().find(|tok| same(&theirs, tok));
    let Some(tok) = ours else {
        return Err(Error::file(
            &path,
            format!(
                "this tokenizer, of {} tokens, is neither GPT-2's (50,257) nor bytes (257)",
                units::thousands(theirs.len() as u64)
            ),
            "start from a checkpoint with GPT-2's own tokenizer (gpt2, gpt2-medium, gpt2-large, gpt2-xl, and models \
             fine-tuned from them), or --from scratch",
        ));
    };
    if vocab_size < tok.vocab_size() {
        return Err(Error::file(
            &path,
            format!(
                "the tokenizer has {} tokens, but the model's vocabulary only {}",
                units::thousands(tok.vocab_size() as u64),
                units::thousands(vocab_size as u64)
            ),
            "the tokenizer files and the model's belong to different checkpoints: fetch the folder again",
        ));
    }
    read_added::beside(tok, dir, vocab_size, &theirs)
}

/// The characters by which GPT-2's files name the 256 bytes, none of them white space or control. A printable byte of
/// Latin-1 names itself; the others, in order, are U+0100, U+0101 and so on (a space is `Ġ`).
pub fn byte_chars() -> [char; 256] {
    let mut moved = 0x100..;
    std::array::from_fn(|b| {
        let code = match b {
            0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff => b as u32,
            _ => moved.next().expect("68 bytes are moved"),
        };
        char::from_u32(code).expect("codes are under U+0144")
    })
}

/// A token as it stands in the files.
fn spelling(bytes: &[u8], chars: &[char; 256]) -> String {
    bytes.iter().map(|&b| chars[usize::from(b)]).collect()
}

/// The spelling of every id, in order.
fn vocab(tok: &Tokenizer) -> Vec<String> {
    let chars = byte_chars();
    let mut vocab: Vec<String> = (0..tok.last()).map(|id| spelling(tok.token_bytes(id), &chars)).collect();
    vocab.push(END_OF_TEXT.to_string());
    vocab
}

/// `left right` for every merge, in the order of learning.
fn merges(tok: &Tokenizer) -> Vec<String> {
    let chars = byte_chars();
    let ranks: HashMap<&[u8], u32> = (0..tok.last()).map(|id| (tok.token_bytes(id), id)).collect();
    (256..tok.last())
        .map(|rank| {
            let (left, right) = last_merge(tok.token_bytes(rank), rank, &ranks);
            format!("{} {}", spelling(left, &chars), spelling(right, &chars))
        })
        .collect()
}

/// The two halves of a token: its bytes, merged pair by pair, the lowest rank first, with ranks below its own.
fn last_merge<'a>(token: &'a [u8], rank: u32, ranks: &HashMap<&[u8], u32>) -> (&'a [u8], &'a [u8]) {
    // The halves' borders; neighbours i and i+1 are token[ends[i]..ends[i+1]] and token[ends[i+1]..ends[i+2]].
    let mut ends: Vec<usize> = (0..=token.len()).collect();
    while ends.len() > 3 {
        let (_, inner) = (1..ends.len() - 1)
            .filter_map(|i| Some((*ranks.get(&token[ends[i - 1]..ends[i + 1]])?, i)))
            .filter(|&(pair, _)| pair < rank)
            .min()
            .expect("BPE made every token from two earlier ones");
        ends.remove(inner);
    }
    token.split_at(ends[1])
}

/// The vocabulary in the very bytes that OpenAI published it in: Python's `json.dumps`, ASCII alone.
fn vocab_json(vocab: &[String]) -> String {
    let mut json = String::from("{");
    for (id, token) in vocab.iter().enumerate() {
        json.push_str(if id == 0 { "\"" } else { ", \"" });
        for c in token.chars() {
            match c {
                '"' | '\\' => json.extend(['\\', c]),
                ' '..='~' => json.push(c),
                // All are below U+0144, so no surrogates.
                _ => json.push_str(&format!("\\u{:04x}", u32::from(c))),
            }
        }
        json.push_str(&format!("\": {id}"));
    }
    json + "}"
}

/// What the `tokenizers` library reads: the whole pipeline in one file.
fn tokenizer_json(tok: &Tokenizer, vocab: &[String], merges: &[String]) -> Value {
    let vocab: Map<String, Value> = vocab.iter().zip(0_u32..).map(|(t, id)| (t.clone(), id.into())).collect();
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added_tokens(tok, true).map(|(_, token)| token).collect::<Vec<Value>>(),
        "normalizer": null,
        "pre_tokenizer": byte_level(),
        "post_processor": byte_level(),
        "decoder": byte_level(),
        "model": {
            "type": "BPE",
            "dropout": null,
            "unk_token": null,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": false,
            "byte_fallback": false,
            "vocab": vocab,
            "merges": merges,
        },
    })
}

fn byte_level() -> Value {
    json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true })
}

/// Every added token, end of text among them; with its id where a list has it as a field.
fn added_tokens(tok: &Tokenizer, with_id: bool) -> impl Iterator<Item = (u32, Value)> {
    let plain = vec![AddedToken::special(tok.last(), END_OF_TEXT)];
    let tokens = tok.additions().map_or(plain, |additions| additions.tokens.clone());
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
    let plain =
        ["bos_token", "eos_token", "unk_token"].map(|part| (part.to_string(), END_OF_TEXT.to_string()));
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
    config.as_object_mut().expect("made above").append(&mut names(tok));
    config
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}

fn lines<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> String {
    lines.into_iter().flat_map(|line| [line.as_ref().to_string(), "\n".to_string()]).collect()
}

/// The map from spelling to id in a `vocab.json`, or in a `tokenizer.json` with its added tokens.
fn read_vocab(path: &Path) -> Result<HashMap<String, u64>> {
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    let damaged = |problem: String| {
        Error::file(
            path,
            problem,
            "fetch the file again, or remove it if the model uses GPT-2's own tokenizer",
        )
    };
    let json: Value = serde_json::from_slice(&bytes).map_err(|e| damaged(format!("not JSON: {e}")))?;
    let whole = path.file_name().is_some_and(|name| name == "tokenizer.json");
    let vocab = if whole { &json["model"]["vocab"] } else { &json };
    let place = if whole { "model.vocab" } else { "the file" };
    // A vocabulary that is a list belongs to another kind of tokenizer (Unigram): it has no token of ours.
    let mut tokens = match vocab {
        Value::Object(map) => map
            .iter()
            .map(|(token, id)| Some((token.clone(), id.as_u64()?)))
            .collect::<Option<HashMap<_, _>>>()
            .ok_or_else(|| damaged(format!("{place} gives a token an id that is no whole number")))?,
        Value::Array(list) if whole => (0..).zip(list).map(|(id, token)| (token.to_string(), id)).collect(),
        _ => return Err(damaged(format!("{place} is not a map from tokens to ids"))),
    };
    let added = json["added_tokens"].as_array().filter(|_| whole).into_iter().flatten();
    for (token, id) in added.filter_map(|t| Some((t["content"].as_str()?, t["id"].as_u64()?))) {
        // Some checkpoints have end of text only here. Padding tokens and the like, put behind the vocabulary, stand for
        // no text, so they leave the tokenizer what it was.
        if token == END_OF_TEXT {
            tokens.insert(token.to_string(), id);
        }
    }
    Ok(tokens)
}

/// Whether a vocabulary is this tokenizer's, and what more it has stands behind: tokens that were added to it.
fn same(theirs: &HashMap<String, u64>, tok: &Tokenizer) -> bool {
    let more = theirs.values().filter(|id| **id >= tok.vocab_size() as u64).count();
    theirs.len() == tok.vocab_size() + more
        && (0..).zip(vocab(tok)).all(|(id, token)| theirs.get(&token) == Some(&id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};
    use std::fmt::Write;

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        folder
    }

    fn file(tok: &Tokenizer, wanted: &str) -> Vec<u8> {
        files(tok, 1024).into_iter().find(|(name, _)| *name == wanted).unwrap().1
    }

    fn sha256(bytes: &[u8]) -> String {
        Sha256::digest(bytes).iter().fold(String::new(), |mut hex, b| {
            write!(hex, "{b:02x}").unwrap();
            hex
        })
    }

    /// The hashes by which tiktoken checks the files that OpenAI published with GPT-2 (`encoder.json`, `vocab.bpe`).
    #[test]
    fn gpt2_files_are_those_that_openai_published() {
        let tok = Tokenizer::gpt2();
        assert_eq!(
            sha256(&file(&tok, "vocab.json")),
            "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783"
        );
        assert_eq!(
            sha256(&file(&tok, "merges.txt")),
            "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5"
        );
    }

    #[test]
    fn bytes_files_give_every_byte_its_own_id() {
        let tok = Tokenizer::bytes();
        let vocab: Map<String, Value> = serde_json::from_slice(&file(&tok, "vocab.json")).unwrap();
        assert_eq!(vocab.len(), 257);
        assert_eq!(
            (&vocab["A"], &vocab["Ġ"], &vocab["Ċ"], &vocab["ÿ"]),
            (&json!(65), &json!(32), &json!(10), &json!(255))
        );
        assert_eq!(vocab[END_OF_TEXT], 256);
        assert_eq!(file(&tok, "merges.txt"), b"#version: 0.2\n");
        let json: Value = serde_json::from_slice(&file(&tok, "tokenizer.json")).unwrap();
        assert_eq!(json["model"]["vocab"], Value::from(vocab));
        assert_eq!(json["model"]["merges"], json!([]));
        assert_eq!(json["added_tokens"][0]["id"], 256);
    }

    #[test]
    fn our_own_folders_are_recognised() {
        for tok in Kind::ALL.map(Tokenizer::new) {
            for name in ["vocab.json", "tokenizer.json"] {
                let folder = folder(&[(name, &file(&tok, name))]);
                assert_eq!(from_folder(folder.path(), tok.vocab_size()).unwrap(), tok, "{name}");
                // Rows that pad the vocabulary do no harm; rows that are missing would.
                assert_eq!(from_folder(folder.path(), tok.vocab_size() + 47).unwrap(), tok);
                let error = from_folder(folder.path(), tok.vocab_size() - 1).unwrap_err().to_string();
                assert!(error.contains("different checkpoints"), "{error}");
            }
        }
    }

    #[test]
    fn without_files_the_vocabulary_decides() {
        let folder = folder(&[]);
        assert_eq!(from_folder(folder.path(), 50_257).unwrap(), Tokenizer::gpt2());
        for other in [257, 50_304] {
            let error = from_folder(folder.path(), other).unwrap_err().to_string();
            assert!(error.contains("copy the checkpoint's tokenizer files"), "{error}");
        }
    }

    #[test]
    fn end_of_text_may_stand_among_the_added_tokens_and_others_beside_it() {
        let tok = Tokenizer::bytes();
        let mut json: Value = serde_json::from_slice(&file(&tok, "tokenizer.json")).unwrap();
        json["model"]["vocab"].as_object_mut().unwrap().shift_remove(END_OF_TEXT);
        json["added_tokens"]
            .as_array_mut()
            .unwrap()
            .push(json!({ "id": 257, "content": "<pad>", "special": true }));
        let folder = folder(&[("tokenizer.json", json.to_string().as_bytes())]);
        let found = from_folder(folder.path(), 258).unwrap();
        assert_eq!((found.kind(), found.encode_prompt("<pad>")), (tok.kind(), vec![257]));
        assert_eq!(found.end_of_text(), tok.end_of_text());
    }

    #[test]
    fn other_tokenizers_and_damaged_files_are_refused() {
        let swapped = String::from_utf8(file(&Tokenizer::bytes(), "vocab.json"))
            .unwrap()
            .replace("\"A\": 65", "\"A\": 66")
            .replace("\"B\": 66", "\"B\": 65");
        let cases: [(&str, &str, &str); 8] = [
            ("vocab.json", &swapped, "neither GPT-2's"),
            ("vocab.json", r#"{"a": 0, "b": 1}"#, "of 2 tokens"),
            ("vocab.json", r#"{"a": 0, "#, "not JSON"),
            ("vocab.json", "[1, 2]", "not a map"),
            ("vocab.json", r#"{"a": -1}"#, "no whole number"),
            ("tokenizer.json", r#"{"model": {"vocab": [["a", -1.0]]}}"#, "neither GPT-2's"),
            ("tokenizer.json", r#"{"model": {}}"#, "model.vocab is not a map"),
            ("tokenizer.json", "{}", "model.vocab is not a map"),
        ];
        for (name, text, expected) in cases {
            let folder = folder(&[(name, text.as_bytes())]);
            let error = from_folder(folder.path(), 50_257).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("next: "), "{text:.40}: {error}");
        }
    }
}
