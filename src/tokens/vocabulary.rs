//! A BPE vocabulary that came with a model, byte-level or SentencePiece's: its parts, and what text becomes by them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use sha2::{Digest, Sha256};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::base::{disk, units};
use crate::tokens::added::{AddedToken, Ends};
use crate::tokens::alphabet::shown;
use crate::tokens::alphabet::{byte_chars, bytes_of};
use crate::tokens::bpe::Bpe;
use crate::tokens::pieces::Pieces;
use crate::tokens::pre::Pre;
use crate::tokens::spaces::Spaces;

/// What a BPE tokenizer is made of, as a `tokenizer.json` or a GGUF has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// The tokens by id, spelled in [`byte_chars`](crate::tokens::alphabet::byte_chars), or as SentencePiece does; an empty
    /// one where an id has none, or is only there to fill a row (in a GGUF, of the type unused).
    pub tokens: Vec<String>,
    /// The pairs that merge, by rank, spelled alike.
    pub merges: Vec<(String, String)>,
    /// How a text is cut into words.
    pub pre: Pre,
    /// What is done to a text before.
    pub normalizer: Normalizer,
    /// What becomes of spaces, where tokens are SentencePiece's: `▁the`, and `<0x0A>` for a byte. Then nothing but this is
    /// done to a text before, and `pre` and `normalizer` say nothing.
    pub spaces: Option<Spaces>,
    /// Whether a word that is a token is that token, whatever merging would make of it.
    pub ignore_merges: bool,
    /// Tokens that were added, special ones among them: also those that `tokens` has. Their ids may lie beyond it.
    pub added: Vec<AddedToken>,
    /// Where texts begin and end; where that is not known, end of text is the token that is called so.
    pub ends: Option<Ends>,
}

/// What is done to a text before it is cut into words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Normalizer {
    /// Nothing.
    #[default]
    None,
    /// Unicode's form C: what is decoded may then be another spelling of what was encoded.
    Nfc,
}

/// A vocabulary that is neither GPT-2's nor bytes.
pub struct Vocabulary {
    parts: Parts,
    /// The bytes of every token that stands for text; none of any other.
    texts: Vec<Option<Vec<u8>>>,
    coding: Coding,
}

/// How text becomes ids.
enum Coding {
    /// Of words, which start as their bytes. Rare bytes may have no token: in a text, they are left out.
    Bytes { bpe: Box<Bpe<u32>>, lacks: Vec<u8> },
    /// SentencePiece's.
    Pieces(Box<Pieces>),
}

impl fmt::Debug for Vocabulary {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Vocabulary of {} tokens, {:?}", self.parts.tokens.len(), self.parts.pre)
    }
}

impl PartialEq for Vocabulary {
    fn eq(&self, other: &Vocabulary) -> bool {
        self.parts == other.parts
    }
}

impl Eq for Vocabulary {}

impl Vocabulary {
    /// Puts the parts together.
    ///
    /// # Errors
    /// Parts that do not fit, in a clause: a token with two ids, a merge of what is no token, a byte without one that texts have.
    pub fn new(parts: Parts) -> Result<Vocabulary, String> {
        let mut ids: HashMap<&str, u32> = HashMap::with_capacity(parts.tokens.len());
        for (token, id) in parts.tokens.iter().zip(0..).filter(|(token, _)| !token.is_empty()) {
            if let Some(before) = ids.insert(token, id) {
                return Err(format!("the token {} has two ids, {before} and {id}", shown(token)));
            }
        }
        // What merging can make stands for text; and where words are looked up first, whatever is spelled as text.
        let mut is_text = vec![false; parts.tokens.len()];
        if parts.ignore_merges {
            is_text.fill(true);
            for token in parts.added.iter().filter(|token| (token.id as usize) < parts.tokens.len()) {
                is_text[token.id as usize] = false;
            }
        }
        // Nothing else of a text depends on the rest.
        let added = if parts.ignore_merges { parts.added.clone() } else { Vec::new() };

        if let Some(spaces) = parts.spaces {
            let merges = merges(&parts.merges, &ids, |_| true)?;
            merges.iter().for_each(|&(_, _, made)| is_text[made as usize] = true);
            let whole = ids.iter().filter(|(_, id)| parts.ignore_merges && is_text[**id as usize]);
            let whole = whole.map(|(token, id)| (token.to_string(), *id)).collect();
            let pieces = Pieces::new(&ids, &merges, spaces, whole)?;
            let texts = parts.tokens.iter().zip(0..).zip(is_text);
            let texts = texts.map(|((token, id), is_text)| pieces.text(token, id, is_text)).collect();
            drop(ids);
            let parts = Parts { added, ends: None, ..parts };
            return Ok(Vocabulary { parts, texts, coding: Coding::Pieces(Box::new(pieces)) });
        }
        let merges = merges(&parts.merges, &ids, |token| bytes_of(token).is_some())?;
        let bytes = bytes(&ids)?;
        bytes
            .iter()
            .flatten()
            .chain(merges.iter().map(|(_, _, made)| made))
            .for_each(|&id| is_text[id as usize] = true);
        let texts = parts.tokens.iter().zip(is_text);
        let texts: Vec<Option<Vec<u8>>> =
            texts.map(|(token, is_text)| bytes_of(token).filter(|_| is_text)).collect();

        let mut bpe = Bpe::of_merges(&bytes, &merges);
        let words = || texts.iter().zip(0..).filter_map(|(text, id)| Some((text.as_deref()?, id)));
        let known: Vec<(&[u8], u32)> =
            words().filter(|(text, id)| parts.ignore_merges || bpe.is_made(text, *id)).collect();
        bpe.know(known.into_iter());
        drop(ids);
        let lacks = (0..=255).filter(|byte| bytes[usize::from(*byte)].is_none()).collect();
        let parts = Parts { added, ends: None, ..parts };
        Ok(Vocabulary { parts, texts, coding: Coding::Bytes { bpe: Box::new(bpe), lacks } })
    }

    /// What it is made of.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Ids in all: one more than the last that has a spelling.
    pub fn ids(&self) -> usize {
        self.texts.len()
    }

    /// One more than the last id that stands for text.
    pub fn texts(&self) -> usize {
        self.texts.iter().rposition(Option::is_some).map_or(0, |last| last + 1)
    }

    /// The bytes that an id stands for; none where it stands for no text.
    pub fn text(&self, id: u32) -> Option<&[u8]> {
        self.texts.get(id as usize)?.as_deref()
    }

    /// The byte whose token an id is, where bytes have tokens of their own beside characters.
    pub fn byte(&self, id: u32) -> Option<u8> {
        match &self.coding {
            Coding::Bytes { .. } => None,
            Coding::Pieces(pieces) => pieces.byte(id),
        }
    }

    /// The ids of a piece of a text; `first` is the one that the text begins with.
    pub fn encode(&self, text: &str, first: bool) -> Vec<u32> {
        let (bpe, lacks) = match &self.coding {
            Coding::Bytes { bpe, lacks } => (bpe, lacks),
            Coding::Pieces(pieces) => return pieces.encode(text, first),
        };
        let text = match self.parts.normalizer {
            Normalizer::Nfc if is_nfc_quick(text.chars()) != IsNormalized::Yes => {
                Cow::Owned(text.nfc().collect())
            }
            _ => Cow::Borrowed(text),
        };
        let mut ids = Vec::with_capacity(text.len() / 4);
        self.parts.pre.split(&text, &mut |bytes, length| {
            let word = &bytes[..length];
            if word.iter().any(|byte| lacks.contains(byte)) {
                let kept: Vec<u8> = word.iter().copied().filter(|byte| !lacks.contains(byte)).collect();
                if !kept.is_empty() {
                    bpe.encode(&kept, kept.len(), &mut ids);
                }
            } else {
                bpe.encode(bytes, length, &mut ids);
            }
        });
        ids
    }

    /// A hash of all that the ids of a text depend on.
    pub fn hash(&self) -> String {
        let Parts { tokens, merges, pre, normalizer, spaces, ignore_merges, added, ends: _ } = &self.parts;
        let mut sha = Sha256::new();
        let mut put = |text: &str| {
            sha.update((text.len() as u64).to_le_bytes());
            sha.update(text);
        };
        put(&format!("{} {} {normalizer:?} {ignore_merges} {}", tokens.len(), merges.len(), pre.to_json()));
        spaces.iter().for_each(|spaces| put(&format!("{spaces:?}")));
        tokens.iter().for_each(|token| put(token));
        merges.iter().for_each(|(left, right)| {
            put(left);
            put(right);
        });
        added.iter().for_each(|token| put(&token.id.to_string()));
        disk::hex(&sha.finalize())
    }
}

/// The merges by ids: left, right, and what they make.
fn merges(
    merges: &[(String, String)],
    ids: &HashMap<&str, u32>,
    is_text: impl Fn(&str) -> bool,
) -> Result<Vec<(u32, u32, u32)>, String> {
    let merge = |(rank, (left, right)): (usize, &(String, String))| {
        let id = |token: &str| {
            let id = ids.get(token).filter(|_| is_text(token)).copied();
            id.ok_or_else(|| {
                let merge = format!("{} and {}", shown(left), shown(right));
                format!(
                    "merge {} is of {merge}, and {} is no token of text",
                    units::thousands(rank as u64 + 1),
                    shown(token)
                )
            })
        };
        Ok((id(left)?, id(right)?, id(&format!("{left}{right}"))?))
    };
    merges.iter().enumerate().map(merge).collect()
}

/// Bytes that a vocabulary may lack, since texts hardly ever have them: control characters, and what begins the characters
/// of planes without writing. GPT-NeoX, StarCoder and SmolLM2 lack some.
fn is_rare(byte: u8) -> bool {
    byte.is_ascii_control() && !byte.is_ascii_whitespace() || matches!(byte, 0xc0 | 0xc1 | 0xf1..)
}

/// The id of every byte.
fn bytes(ids: &HashMap<&str, u32>) -> Result<[Option<u32>; 256], String> {
    let mut bytes = [None; 256];
    let mut text = [0; 4];
    for (byte, c) in byte_chars().into_iter().enumerate() {
        bytes[byte] = ids.get(&*c.encode_utf8(&mut text)).copied();
        if bytes[byte].is_none() && !is_rare(byte as u8) {
            return Err(format!("the byte 0x{byte:02x} has no token ({c:?} in its spelling)"));
        }
    }
    Ok(bytes)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::tokens::alphabet::spelling;
    use proptest::prelude::*;

    /// The bytes, from some id on, and the tokens that these words become by merging their first two halves.
    pub fn parts(before: &[&str], words: &[&str]) -> Parts {
        let mut tokens: Vec<String> = before.iter().map(|token| token.to_string()).collect();
        tokens.extend(byte_chars().map(String::from));
        let mut merges = Vec::new();
        for word in words {
            let chars: Vec<char> = spelling(word.as_bytes()).chars().collect();
            for end in 2..=chars.len() {
                let (left, right): (String, String) =
                    (chars[..end - 1].iter().collect(), chars[end - 1].into());
                if !tokens.contains(&format!("{left}{right}")) {
                    tokens.push(format!("{left}{right}"));
                    merges.push((left, right));
                }
            }
        }
        Parts {
            tokens,
            merges,
            pre: Pre::gpt2(),
            normalizer: Normalizer::None,
            spaces: None,
            ignore_merges: false,
            added: Vec::new(),
            ends: None,
        }
    }

    fn encoded(parts: &Parts, text: &str) -> Vec<String> {
        let vocabulary = Vocabulary::new(parts.clone()).unwrap();
        let spelled = |id: u32| parts.tokens[id as usize].clone();
        vocabulary.encode(text, true).into_iter().map(spelled).collect()
    }

    #[test]
    fn words_are_merged_as_listed_or_looked_up_first() {
        let mut parts = parts(&["<s>", "", "Ġheron"], &["the", "her", "on"]);
        assert_eq!(encoded(&parts, "the heron"), ["the", "Ġ", "her", "on"]);
        // No merge makes `Ġheron`: it stands for nothing, unless words are looked up.
        let stands = |parts: &Parts| Vocabulary::new(parts.clone()).unwrap().text(2).is_some();
        assert!(!stands(&parts));
        parts.ignore_merges = true;
        assert!(stands(&parts));
        assert_eq!(encoded(&parts, "the heron"), ["the", "Ġheron"]);
        parts.added = vec![AddedToken::special(2, "Ġheron")];
        assert_eq!(
            encoded(&parts, "the heron"),
            ["the", "Ġ", "her", "on"],
            "an added token is never letters"
        );
    }

    #[test]
    fn a_byte_without_a_token_is_left_out() {
        let mut parts = parts(&[], &["the"]);
        // U+0104 is the byte 4.
        let four = parts.tokens.iter().position(|token| token == "\u{104}").unwrap();
        parts.tokens[four] = String::new();
        assert_eq!(encoded(&parts, "\u{4}the\u{4}\u{5}the\u{4}"), ["the", "\u{105}", "the"]);
        assert_eq!(Vocabulary::new(parts).unwrap().text(four as u32), None);
    }

    #[test]
    fn form_c_is_made_where_it_is_asked_for() {
        let mut parts = parts(&[], &["é"]);
        assert_eq!(encoded(&parts, "e\u{301}é"), ["e", "Ì", "ģ", "Ã©"]);
        parts.normalizer = Normalizer::Nfc;
        assert_eq!(encoded(&parts, "e\u{301}é"), ["Ã©", "Ã©"]);
    }

    #[test]
    fn parts_that_do_not_fit_are_named() {
        let sound = parts(&[], &["the"]);
        let error = |change: &dyn Fn(&mut Parts)| {
            let mut parts = sound.clone();
            change(&mut parts);
            Vocabulary::new(parts).unwrap_err()
        };
        assert!(error(&|p| p.tokens.push("the".into())).contains("\"the\" has two ids, 257 and 258"));
        assert!(error(&|p| p.tokens[10] = String::new()).contains("0x0a has no token ('Ċ'"));
    }

    /// As `tokenizers` has it, where a vocabulary names no token for the unknown.
    #[test]
    fn rare_bytes_without_a_token_are_left_out() {
        let mut parts = Parts { pre: Pre::new(Vec::new(), false, false), ..parts(&[], &["the"]) };
        [0x04, 0x13, 0xc0, 0xf4, 0xff].into_iter().for_each(|byte| parts.tokens[byte] = String::new());
        assert_eq!(encoded(&parts, "t\u{4}he\u{10ffff}"), ["the", "ı", "¿", "¿"]);
        assert!(encoded(&parts, "\u{4}\u{13}").is_empty());
    }

    #[test]
    fn what_ids_depend_on_is_in_the_hash() {
        let sound = parts(&[], &["the"]);
        let hash = |parts: &Parts| Vocabulary::new(parts.clone()).unwrap().hash();
        let mut other = sound.clone();
        assert_eq!(hash(&sound), hash(&other));
        other.pre = Pre::new(Vec::new(), true, true);
        assert_ne!(hash(&sound), hash(&other));
        other = Parts { ignore_merges: true, ..sound.clone() };
        assert_ne!(hash(&sound), hash(&other));
        other = sound.clone();
        other.merges.reverse();
        assert_ne!(hash(&sound), hash(&other));
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in "([ a-eh-nrt\n']|\\PC){0,50}", ignore_merges in any::<bool>()) {
            let parts = Parts { ignore_merges, ..parts(&["<s>", ""], &["the", "then", "her", "on", "é"]) };
            let vocabulary = Vocabulary::new(parts).unwrap();
            let ids = vocabulary.encode(&text, true);
            let bytes: Vec<u8> = ids.iter().flat_map(|&id| vocabulary.text(id).unwrap().to_vec()).collect();
            prop_assert_eq!(bytes, text.as_bytes());
        }
    }
}
