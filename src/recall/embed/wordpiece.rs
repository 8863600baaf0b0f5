//! WordPiece (Schuster and Nakajima 2012) behind BERT's cleaning of a text, as a `tokenizer.json` tells it.

use std::collections::HashMap;

use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use crate::recall::embed::classes::{MARK, OTHER, PUNCTUATION, is_ideograph};

/// A tokenizer.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "BERT's cleaning has four switches")]
pub struct WordPiece {
    /// Looked up only.
    vocabulary: HashMap<String, u32>,
    unknown: Option<u32>,
    /// Tokens that a text may hold as they are written, the longest first.
    added: Vec<(String, u32)>,
    prefix: String,
    /// A word of more characters is unknown.
    longest: usize,
    clean: bool,
    ideographs: bool,
    strip_accents: bool,
    lowercase: bool,
}

impl WordPiece {
    /// The tokenizer that the JSON of a `tokenizer.json` tells of.
    ///
    /// # Errors
    /// In words: what it has that is not read.
    pub fn of_json(json: &Value) -> Result<WordPiece, String> {
        let model = &json["model"];
        let vocabulary = model["vocab"].as_object().ok_or("model.vocab is no map from tokens to ids")?;
        let id = |(token, id): (&String, &Value)| {
            let id = id.as_u64().and_then(|id| u32::try_from(id).ok());
            id.map(|id| (token.clone(), id)).ok_or_else(|| format!("the token {token:?} has no id"))
        };
        let vocabulary: HashMap<String, u32> = vocabulary.iter().map(id).collect::<Result<_, _>>()?;
        let of = |value: &Value, name: &str| value["type"].as_str() == Some(name);
        let normalizer = only(&json["normalizer"], "normalizers");
        if !normalizer.is_null() && !of(normalizer, "BertNormalizer") && !of(normalizer, "Lowercase") {
            return Err(format!("its normalizer is {:.40}", normalizer["type"].to_string()));
        }
        let pre = only(&json["pre_tokenizer"], "pretokenizers");
        if !of(pre, "BertPreTokenizer") {
            return Err(format!("its pre_tokenizer is {:.40}", pre["type"].to_string()));
        }
        let bert = of(normalizer, "BertNormalizer");
        let flag = |name: &str| bert && normalizer[name].as_bool().unwrap_or(true);
        let lowercase = flag("lowercase") || of(normalizer, "Lowercase");
        let strip = normalizer["strip_accents"].as_bool().unwrap_or(bert && lowercase);
        let unknown = model["unk_token"].as_str().unwrap_or("[UNK]");
        let added = json["added_tokens"].as_array().map(Vec::as_slice).unwrap_or_default();
        let token = |token: &Value| {
            let content = token["content"].as_str().filter(|content| !content.is_empty())?;
            Some((content.to_string(), u32::try_from(token["id"].as_u64()?).ok()?))
        };
        let mut added: Vec<(String, u32)> = added.iter().filter_map(token).collect();
        added.sort_by_key(|(content, _)| std::cmp::Reverse(content.len()));
        Ok(WordPiece {
            added,
            unknown: vocabulary.get(unknown).copied(),
            prefix: model["continuing_subword_prefix"].as_str().unwrap_or("##").to_string(),
            longest: model["max_input_chars_per_word"].as_u64().map_or(100, |most| most as usize),
            clean: flag("clean_text"),
            ideographs: flag("handle_chinese_chars"),
            strip_accents: strip,
            lowercase,
            vocabulary,
        })
    }

    /// The id that stands for a word that the vocabulary cannot spell.
    pub fn unknown(&self) -> Option<u32> {
        self.unknown
    }

    /// The ids of a text's tokens.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let (mut ids, mut rest) = (Vec::new(), text);
        while let Some((at, (content, id))) = self.next_added(rest) {
            self.piece(&rest[..at], &mut ids);
            ids.push(*id);
            rest = &rest[at + content.len()..];
        }
        self.piece(rest, &mut ids);
        ids
    }

    fn next_added(&self, text: &str) -> Option<(usize, &(String, u32))> {
        // Nearly no text has one, and all that there are begin alike.
        let found = self.added.iter().filter_map(|added| Some((text.find(&added.0)?, added)));
        found.min_by_key(|(at, _)| *at)
    }

    /// The ids of a text without added tokens.
    fn piece(&self, text: &str, ids: &mut Vec<u32>) {
        let text = self.cleaned(text);
        for word in text.split_whitespace() {
            let mut start = 0;
            for (at, mark) in word.char_indices().filter(|(_, c)| PUNCTUATION.has(*c)) {
                self.word(&word[start..at], ids);
                start = at + mark.len_utf8();
                self.word(&word[at..start], ids);
            }
            self.word(&word[start..], ids);
        }
    }

    fn cleaned(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            let space = c.is_whitespace();
            let dropped = c == '\0' || c == '\u{fffd}' || OTHER.has(c) && !matches!(c, '\t' | '\n' | '\r');
            if self.clean && dropped {
                continue;
            }
            if self.ideographs && is_ideograph(c) {
                out.extend([' ', c, ' ']);
            } else {
                out.push(if self.clean && space { ' ' } else { c });
            }
        }
        if self.strip_accents {
            out = out.nfd().filter(|c| !MARK.has(*c)).collect();
        }
        if self.lowercase { out.chars().flat_map(char::to_lowercase).collect() } else { out }
    }

    /// The longest token that a word begins with, then the longest of what is left; it is unknown where something is left over.
    fn word(&self, word: &str, ids: &mut Vec<u32>) {
        if word.is_empty() {
            return;
        }
        if word.chars().count() > self.longest {
            ids.extend(self.unknown);
            return;
        }
        let (mut start, before) = (0, ids.len());
        let mut spelled = String::new();
        while start < word.len() {
            spelled.clear();
            if start > 0 {
                spelled.push_str(&self.prefix);
            }
            let bare = spelled.len();
            spelled.push_str(&word[start..]);
            loop {
                if spelled.len() == bare {
                    ids.truncate(before);
                    ids.extend(self.unknown);
                    return;
                }
                if let Some(id) = self.vocabulary.get(&spelled) {
                    ids.push(*id);
                    start += spelled.len() - bare;
                    break;
                }
                spelled.pop();
            }
        }
    }

    /// The highest id and one more.
    pub fn rows(&self) -> usize {
        self.vocabulary.values().max().map_or(0, |id| *id as usize + 1)
    }
}

/// The one member of a sequence of one, or the value itself.
fn only<'a>(value: &'a Value, list: &str) -> &'a Value {
    match value[list].as_array().map(Vec::as_slice) {
        Some([one]) => one,
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn small() -> WordPiece {
        WordPiece::of_json(&json!({
            "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                "strip_accents": null, "lowercase": true},
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100,
                "vocab": {"[UNK]": 0, "tooth": 1, "##ache": 2, "cafe": 3, "!": 4, "日": 5, "a": 6, "##a": 7}},
        }))
        .unwrap()
    }

    #[test]
    fn words_are_cut_into_the_longest_pieces() {
        let tokenizer = small();
        assert_eq!(tokenizer.encode("Toothache! CAFÉ\u{200d} 日日"), [1, 2, 4, 3, 5, 5]);
        assert_eq!(tokenizer.encode("toothacher tooth"), [0, 1], "a word with a rest is unknown as a whole");
        assert_eq!(tokenizer.encode(&"a".repeat(100)).len(), 100);
        assert_eq!(tokenizer.encode(&"a".repeat(101)), [0]);
        assert!(tokenizer.encode("\0 \n").is_empty());
    }

    #[test]
    fn another_tokenizer_is_named() {
        let model = json!({"type": "WordPiece", "vocab": {}});
        let whole = json!({"normalizer": null, "pre_tokenizer": {"type": "Whitespace"}, "model": model});
        assert!(WordPiece::of_json(&whole).unwrap_err().contains("Whitespace"));
    }
}
