//! Tokens with how likely they were, in both of `OpenAI`'s shapes.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::serve::job::Likely;

/// What stands for ln 0, for JSON has no infinity; `OpenAI`'s number.
const NEVER: f32 = -9999.0;

/// `/v1/chat/completions`: a list of tokens.
pub fn chat(tokens: &[Likely]) -> Value {
    let entry = |bytes: &[u8], logprob: f32| json!({ "token": shown(bytes, ""), "logprob": finite(logprob), "bytes": bytes });
    let content: Vec<Value> = tokens
        .iter()
        .map(|token| {
            let mut listed = entry(&token.bytes, token.logprob.unwrap_or(NEVER));
            listed["top_logprobs"] =
                token.instead.iter().map(|(bytes, logprob)| entry(bytes, *logprob)).collect();
            listed
        })
        .collect();
    json!({ "content": content, "refusal": null })
}

/// `/v1/completions`: four lists. `chars` is how many characters have begun in the tokens before these, and goes on with them. With
/// `top`, the likeliest are listed, and what was drawn beside them.
pub fn completion(tokens: &[Likely], top: bool, chars: &mut usize) -> Value {
    let mut offsets = Vec::with_capacity(tokens.len());
    for token in tokens {
        // A token that goes on within a character stands where that character does.
        let is_within = token.bytes.first().is_some_and(|b| !begins(*b));
        offsets.push(chars.saturating_sub(usize::from(is_within)));
        *chars += token.bytes.iter().filter(|b| begins(**b)).count();
    }
    let texts: Vec<String> = tokens.iter().map(|token| shown(&token.bytes, "bytes:")).collect();
    let logprobs: Vec<Option<f32>> = tokens.iter().map(|token| token.logprob.map(finite)).collect();
    let likeliest: Vec<Value> = tokens.iter().map(likeliest).collect();
    let likeliest = if top { json!(likeliest) } else { Value::Null };
    json!({ "tokens": texts, "token_logprobs": logprobs, "top_logprobs": likeliest, "text_offset": offsets })
}

/// The likeliest by their texts, and the token itself; nothing for the first of a text.
fn likeliest(token: &Likely) -> Value {
    let Some(own) = token.logprob else { return Value::Null };
    let mut map = Map::new();
    for (bytes, logprob) in &token.instead {
        // Two tokens of one text: the likelier has come first.
        map.entry(shown(bytes, "bytes:")).or_insert_with(|| json!(finite(*logprob)));
    }
    map.entry(shown(&token.bytes, "bytes:")).or_insert_with(|| json!(finite(own)));
    Value::Object(map)
}

/// Whether a byte of UTF-8 begins a character.
fn begins(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}

fn finite(logprob: f32) -> f32 {
    if logprob.is_finite() { logprob } else { NEVER }
}

/// A token as text; what is only part of a character as `OpenAI` writes it, `\xe2\x80`, with something before.
fn shown(bytes: &[u8], before: &str) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_string(),
        Err(_) => bytes.iter().fold(before.to_string(), |mut shown, byte| {
            write!(shown, "\\x{byte:02x}").expect("a String takes all that is written to it");
            shown
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likely(bytes: &[u8], logprob: Option<f32>, instead: &[(&[u8], f32)]) -> Likely {
        let instead = instead.iter().map(|(bytes, logprob)| (bytes.to_vec(), *logprob)).collect();
        Likely { id: 0, bytes: bytes.to_vec(), logprob, instead }
    }

    #[test]
    fn offsets_count_characters_and_parts_of_one_share_its_place() {
        let tokens = [
            likely("é".as_bytes(), None, &[]),
            likely(b"\xe2\x80", Some(-1.0), &[(b"a", -0.5), (b"a", -0.75)]),
            likely(b"\x94 b", Some(f32::NEG_INFINITY), &[]),
            likely(b"c", Some(-2.0), &[]),
        ];
        let mut chars = 0;
        let shape = completion(&tokens, true, &mut chars);
        assert_eq!(shape["tokens"], json!(["é", "bytes:\\xe2\\x80", "bytes:\\x94\\x20\\x62", "c"]));
        assert_eq!(shape["text_offset"], json!([0, 1, 1, 4]));
        assert_eq!(shape["token_logprobs"], json!([null, -1.0, -9999.0, -2.0]));
        assert_eq!(shape["top_logprobs"][0], Value::Null);
        assert_eq!(shape["top_logprobs"][1], json!({ "a": -0.5, "bytes:\\xe2\\x80": -1.0 }));
        assert_eq!(chars, "é— bc".chars().count());
    }

    #[test]
    fn of_a_conversation_each_token_has_its_bytes() {
        let shape = chat(&[likely(b"\xe2\x80", Some(-1.0), &[(b"hi", -0.5)])]);
        let expected = json!({ "content": [{
            "token": "\\xe2\\x80", "logprob": -1.0, "bytes": [0xe2, 0x80],
            "top_logprobs": [{ "token": "hi", "logprob": -0.5, "bytes": [104, 105] }],
        }], "refusal": null });
        assert_eq!(shape, expected);
    }
}
