//! What a checkpoint's folder says of added tokens and of the ends of its texts, as `transformers` (4.57 and 5.24) reads it.
//!
//! The list of added tokens is `added_tokens_decoder` in `tokenizer_config.json`; where there is none, `added_tokens.json`
//! and the `added_tokens` of `tokenizer.json` together, and then `special_tokens_map.json` counts too. A token that is in
//! the vocabulary has its id there; the others have the next free ids, in the order of theirs in the files.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use serde_json::{Map, Value};

use crate::base::{Error, Result};
use crate::tokens::added::{AddedToken, Additions};
use crate::tokens::read::{added, object};
use crate::tokens::tokenizer::{END_OF_TEXT, Tokenizer};

/// What tokens are called that have a part to play, in the order in which `transformers` adds those that no list has.
const PARTS: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

/// The tokenizer with what stands in `dir` beside it. `vocabulary` is the one that was found there, `whole` the added tokens
/// that `tokenizer.json` lists; the model has `rows`.
///
/// # Errors
/// A file that cannot be read, or is no JSON; no token that ends a text.
pub fn beside(
    tok: Tokenizer,
    dir: &Path,
    rows: usize,
    vocabulary: &HashMap<String, u64>,
    whole: &[Value],
) -> Result<Tokenizer> {
    let file = |name: &str| object(&dir.join(name));
    let settings = file("tokenizer_config.json")?;
    let (map, more) = (file("special_tokens_map.json")?, file("added_tokens.json")?);
    let (config, generation) = (file("config.json")?, file("generation_config.json")?);

    // What the files list, by the id that they say.
    let mut listed: BTreeMap<u64, AddedToken> = BTreeMap::new();
    let mut names: Vec<(String, String)> = parts(&settings);
    let mut extra = further(&settings);
    match settings.get("added_tokens_decoder").and_then(Value::as_object) {
        Some(decoder) => {
            let tokens = decoder.iter().filter_map(|(id, token)| Some((id.parse().ok()?, added(token)?)));
            listed.extend(tokens);
        }
        None => {
            for (part, content) in parts(&map) {
                names.retain(|(known, _)| *known != part);
                names.push((part, content));
            }
            extra.extend(further(&map));
            let plain = |content: &str| AddedToken { special: false, ..AddedToken::special(0, content) };
            listed.extend(more.iter().filter_map(|(content, id)| Some((id.as_u64()?, plain(content)))));
            listed.extend(whole.iter().filter_map(|token| Some((token["id"].as_u64()?, added(token)?))));
        }
    }
    names.sort_by_key(|(part, _)| PARTS.iter().position(|known| known == part));

    // The ids that they have.
    let own = tok.kind().last();
    let mut tokens: Vec<AddedToken> =
        own.map(|last| AddedToken::special(last, END_OF_TEXT)).into_iter().collect();
    let mut next = tok.vocab_size().max(vocabulary.len()) as u64;
    let named = names.iter().map(|(_, content)| content).chain(&extra);
    let unlisted: Vec<AddedToken> = named.clone().map(|content| AddedToken::special(0, content)).collect();
    for mut token in listed.into_values().chain(unlisted) {
        if token.content.is_empty() || tokens.iter().any(|known| known.content == token.content) {
            continue;
        }
        let id = vocabulary.get(&token.content).copied().or_else(|| in_text(&tok, &token.content));
        let id = id.unwrap_or_else(|| {
            next += 1;
            next - 1
        });
        // A token without a row in the model is none that it could see.
        let Some(id) = u32::try_from(id).ok().filter(|id| (*id as usize) < rows) else { continue };
        token.id = id;
        token.special |= named.clone().any(|content| *content == token.content);
        tokens.push(token);
    }
    tokens.sort_by_key(|token| token.id);
    names.retain(|(_, content)| tokens.iter().any(|token| token.content == *content));

    let id_of = |part: &str| {
        let (_, content) = names.iter().find(|(known, _)| known == part)?;
        tokens.iter().find(|token| token.content == *content).map(|token| token.id)
    };
    let in_config = |key: &str| -> Vec<u32> {
        // What the generation's settings say counts, and what the model's say where those say nothing.
        let value =
            [&generation, &config].into_iter().find_map(|file| file.get(key).filter(|v| !v.is_null()));
        let ids = match value {
            Some(Value::Array(ids)) => ids.iter().filter_map(Value::as_u64).collect(),
            Some(id) => id.as_u64().into_iter().collect::<Vec<u64>>(),
            None => Vec::new(),
        };
        ids.into_iter().filter(|id| *id < rows as u64).filter_map(|id| u32::try_from(id).ok()).collect()
    };
    let mut stops = in_config("eos_token_id");
    let eos = id_of("eos_token").or(own).or(stops.first().copied()).or_else(|| tok.default_end(&tokens));
    let eos = eos.ok_or_else(|| {
        let problem = "no token ends a text: no file names an eos_token, and none is called <|endoftext|>";
        Error::file(dir, problem, "name it in tokenizer_config.json (\"eos_token\"), or by its id in config.json (\"eos_token_id\")")
    })?;
    if stops.is_empty() {
        stops.push(eos);
    }
    // Between entries stands an end that is no text: the tokenizer's own, if the model's texts end with it.
    let is_special = |id: &u32| tokens.iter().any(|token| token.id == *id && token.special);
    let end_of_text =
        if stops.contains(&eos) { eos } else { stops.iter().copied().find(is_special).unwrap_or(eos) };
    if !stops.contains(&end_of_text) {
        stops.push(end_of_text);
    }
    let start = in_config("bos_token_id").first().copied().or_else(|| id_of("bos_token"));
    let start = start.or_else(|| tok.default_start(&tokens)).unwrap_or(end_of_text);
    for id in stops.iter().copied().chain([start]) {
        if !tok.is_text(id) && !tokens.iter().any(|token| token.id == id) {
            tokens.push(AddedToken::special(id, &tok.spelled(id)));
        }
    }
    tokens.sort_by_key(|token| token.id);
    if names.is_empty() {
        let end = tokens.iter().find(|token| token.id == end_of_text);
        let end = end.map_or(END_OF_TEXT, |token| token.content.as_str());
        let known = |name: &str| tok.spaces().and_then(|_| tokens.iter().find(|token| token.content == name));
        let parts = [("bos_token", "<s>"), ("eos_token", end), ("unk_token", "<unk>")];
        let content = |name| known(name).map_or(end, |token| token.content.as_str());
        names = parts.map(|(part, name)| (part.to_string(), content(name).to_string())).to_vec();
    }
    let pad = in_config("pad_token_id").first().copied();
    Ok(tok.with(Some(Additions { tokens, names, pad, end_of_text, stops, start })))
}

/// How a token is written: a string, or an object with its content.
fn content(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value["content"].as_str())
}

/// The tokens that a file names by their parts.
fn parts(file: &Map<String, Value>) -> Vec<(String, String)> {
    let named =
        PARTS.iter().filter_map(|part| Some((part.to_string(), content(file.get(*part)?)?.to_string())));
    named.collect()
}

/// The special tokens that a file names without a part.
fn further(file: &Map<String, Value>) -> Vec<String> {
    let lists =
        ["additional_special_tokens", "extra_special_tokens"].into_iter().filter_map(|key| file.get(key));
    let tokens = lists.flat_map(|list| match list {
        Value::Array(tokens) => tokens.iter().collect::<Vec<&Value>>(),
        Value::Object(tokens) => tokens.values().collect(),
        _ => Vec::new(),
    });
    tokens.filter_map(|token| content(token).map(str::to_string)).collect()
}

/// The id of a text that is one token of the vocabulary, and written there as it is: white space and what is not ASCII is
/// not (a line feed is `Ċ`), and so is another token when it is added. Of SentencePiece's, the vocabulary has them all.
fn in_text(tok: &Tokenizer, content: &str) -> Option<u64> {
    match tok.encode(content)[..] {
        _ if tok.spaces().is_some() || !content.bytes().all(|byte| byte.is_ascii_graphic()) => None,
        [id] => Some(u64::from(id)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::fs;

    fn opened(rows: usize, files: &[(&str, Value)]) -> Tokenizer {
        let dir = tempfile::tempdir().unwrap();
        for (name, json) in files {
            fs::write(dir.path().join(name), json.to_string()).unwrap();
        }
        beside(Tokenizer::gpt2(), dir.path(), rows, &HashMap::new(), &[]).unwrap()
    }

    #[test]
    fn end_of_text_alone_is_nothing_to_keep() {
        let eos = json!("<|endoftext|>");
        let plain = [
            ("config.json", json!({ "eos_token_id": 50256, "bos_token_id": 50256 })),
            ("special_tokens_map.json", json!({ "eos_token": eos, "bos_token": { "content": eos } })),
        ];
        assert_eq!(opened(50_257, &plain), Tokenizer::gpt2());
        assert_eq!(opened(50_257, &[]), Tokenizer::gpt2());
    }

    #[test]
    fn every_file_has_its_say() {
        // The slow tokenizer's files of old.
        let old = opened(
            50_304,
            &[
                ("added_tokens.json", json!({ "<|me|>": 50258, "<|end|>": 50257, "heron": 50259 })),
                (
                    "special_tokens_map.json",
                    json!({ "eos_token": "<|end|>", "additional_special_tokens": ["<|me|>"] }),
                ),
                ("config.json", json!({ "eos_token_id": 50257, "bos_token_id": 50256 })),
            ],
        );
        assert_eq!(old.encode_prompt("<|me|>heron"), [50_258, 50_259]);
        assert_eq!((old.end_of_text(), old.start(), old.stops()), (50_257, 50_256, vec![50_257]));
        let special = |id: u32| old.additions().unwrap().tokens.iter().find(|t| t.id == id).unwrap().special;
        assert!(special(50_257) && special(50_258) && !special(50_259));

        // `added_tokens_decoder` makes the others unread, and gaps between ids close.
        let new = opened(
            50_304,
            &[
                (
                    "tokenizer_config.json",
                    json!({ "eos_token": "<|endoftext|>", "added_tokens_decoder": {
                        "50256": { "content": "<|endoftext|>", "special": true },
                        "50260": { "content": "<B>", "special": true }, "50258": { "content": "<A>", "lstrip": true } } }),
                ),
                ("added_tokens.json", json!({ "<C>": 50257 })),
                ("generation_config.json", json!({ "eos_token_id": [13, 50258] })),
                ("config.json", json!({ "eos_token_id": 50256 })),
            ],
        );
        assert_eq!(new.encode_prompt("a <A><B>"), [64, 50_257, 50_258]);
        assert!(new.encode_prompt("<C>").len() > 1);
        // A full stop ends a text and is text; what stands between entries is not.
        assert_eq!((new.end_of_text(), new.stops()), (50_258, vec![13, 50_258]));
    }

    #[test]
    fn a_token_in_the_vocabulary_keeps_its_id_and_one_without_a_row_is_none() {
        let tok = opened(
            50_258,
            &[
                ("added_tokens.json", json!({ "Ann": 50257, "[PAD]": 50258, "[SEP]": 50259 })),
                ("config.json", json!({ "eos_token_id": [99999, 50256] })),
            ],
        );
        assert_eq!(tok.encode_prompt("Ann[PAD]"), [18_858, 50_257]);
        assert!(tok.encode_prompt("[SEP]").len() > 1);
        assert_eq!(tok.stops(), [50_256]);
        let spaces =
            opened(50_304, &[("added_tokens.json", json!({ "\n": 50257, "<x>": 50258, " the": 50259 }))]);
        assert_eq!(spaces.encode_prompt("a\nb<x> the"), [64, 50_257, 65, 50_258, 50_259]);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let tok = opened(
            50_260,
            &[
                ("special_tokens_map.json", json!({ "eos_token": "<|im_end|>", "pad_token": "[PAD]" })),
                (
                    "config.json",
                    json!({ "eos_token_id": [50257, 50256], "bos_token_id": 50257, "pad_token_id": 50258 }),
                ),
            ],
        );
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in crate::tokens::files::files(&tok, 64) {
            fs::write(dir.path().join(name), bytes).unwrap();
        }
        let config =
            json!({ "eos_token_id": tok.stops(), "bos_token_id": tok.start(), "pad_token_id": 50258 });
        fs::write(dir.path().join("config.json"), config.to_string()).unwrap();
        assert_eq!(crate::tokens::files::from_folder(dir.path(), 50_260).unwrap(), tok);
    }
}
