//! SentencePiece's byte-pair encoding with byte fallback: Llama's, TinyLlama's and Mistral's.
//!
//! Tokens are spelled in characters, `▁` for a space. A text starts as its characters, and one that is no token as its bytes,
//! which are spelled `<0x0A>`. Then neighbours merge, those of the lowest rank first, as in any BPE; but the text is not cut
//! into words before, so an entry is one word.
//!
//! SentencePiece itself and llama.cpp keep no list of merges but a score for each token: all pairs merge that together are a
//! token, the highest score first. [`merges_of_scores`] lists those pairs as `transformers` does. One difference is left:
//! between two ways to make one token, the list has an order, and where they overlap llama.cpp takes the leftmost.

use std::collections::HashMap;

use crate::tokens::alphabet::shown;
use crate::tokens::bpe::Bpe;
use crate::tokens::spaces::{MARK, Spaces};

/// How the token of a byte is spelled.
pub fn byte_spelling(byte: u8) -> String {
    format!("<0x{byte:02X}>")
}

/// The tables of an encoding; made once.
pub struct Pieces {
    spaces: Spaces,
    /// Tokens of one character.
    chars: HashMap<char, u32>,
    bytes: [u32; 256],
    bpe: Bpe<u32>,
    /// Words that are a token whatever merging would make of them; none, unless a file asks for it.
    whole: HashMap<String, u32>,
    /// Whether no token has a space behind another character, so that nothing merges over the beginning of a space.
    cuts: bool,
}

impl Pieces {
    /// Of tokens by their ids, and of merges by ids: left, right, and what they make; `whole` are the words that are a token
    /// whatever merging would make of them.
    ///
    /// # Errors
    /// A byte without a token, in a clause.
    pub fn new(
        ids: &HashMap<&str, u32>,
        merges: &[(u32, u32, u32)],
        spaces: Spaces,
        whole: HashMap<String, u32>,
    ) -> Result<Pieces, String> {
        let mut bytes = [0; 256];
        for (byte, id) in (0..=255).zip(&mut bytes) {
            let spelled = byte_spelling(byte);
            *id = *ids.get(spelled.as_str()).ok_or_else(|| {
                format!("the byte 0x{byte:02x} has no token ({} in its spelling)", shown(&spelled))
            })?;
        }
        let single = |token: &str| {
            let mut chars = token.chars();
            chars.next().filter(|_| chars.next().is_none())
        };
        let chars = ids.iter().filter_map(|(token, id)| Some((single(token)?, *id))).collect();
        let mut made = vec![false; ids.values().max().map_or(0, |last| *last as usize + 1)];
        merges.iter().for_each(|(_, _, id)| made[*id as usize] = true);
        let cuts = !ids.iter().any(|(token, id)| made[*id as usize] && borders(token).next().is_some());
        Ok(Pieces { spaces, chars, bytes, bpe: Bpe::of_pairs(merges), whole, cuts })
    }

    /// The bytes that a token stands for, if text can become it: of one that is a byte, that; of any other, its letters with
    /// spaces for marks. `is_made` says whether merging makes it, or a look for the whole word finds it.
    pub fn text(&self, token: &str, id: u32, is_made: bool) -> Option<Vec<u8>> {
        if let Some(byte) = self.byte(id) {
            return Some(vec![byte]);
        }
        let single = || token.chars().next().and_then(|c| self.chars.get(&c)) == Some(&id);
        (is_made || single()).then(|| token.replace(MARK, " ").into_bytes())
    }

    /// The byte that an id stands for, where it is one's.
    pub fn byte(&self, id: u32) -> Option<u8> {
        (0..=255).zip(&self.bytes).find(|(_, known)| **known == id).map(|(byte, _)| byte)
    }

    /// The ids of a piece of a text; `first` is the one that the text begins with.
    pub fn encode(&self, piece: &str, first: bool) -> Vec<u32> {
        let marked = self.spaces.mark(piece, first);
        let (mut ids, mut symbols) = (Vec::with_capacity(marked.len() / 3), Vec::new());
        let marks = marked.match_indices(MARK).map(|(at, _)| at).filter(|at| self.spaces.split && *at > 0);
        for word in cut(&marked, marks) {
            match self.whole.get(word) {
                Some(id) => ids.push(*id),
                None => cut(word, borders(word).filter(|_| self.cuts)).for_each(|part| {
                    self.start(part, &mut symbols);
                    self.bpe.merge(symbols.drain(..), &mut ids);
                }),
            }
        }
        ids
    }

    /// The symbols that letters start as.
    fn start(&self, letters: &str, symbols: &mut Vec<u32>) {
        let mut utf8 = [0; 4];
        for c in letters.chars() {
            match self.chars.get(&c) {
                Some(id) => symbols.push(*id),
                None => {
                    let bytes = c.encode_utf8(&mut utf8).bytes();
                    symbols.extend(bytes.map(|byte| self.bytes[usize::from(byte)]));
                }
            }
        }
    }
}

/// Where a mark stands behind another character, in bytes.
fn borders(text: &str) -> impl Iterator<Item = usize> {
    text.match_indices(MARK).map(|(at, _)| at).filter(|at| *at > 0 && !text[..*at].ends_with(MARK))
}

/// A text cut at some places, which are neither its beginning nor its end; no part is empty, and an empty text has none.
fn cut(text: &str, places: impl Iterator<Item = usize>) -> impl Iterator<Item = &str> {
    let mut from = 0;
    places.chain([text.len()]).filter(|_| !text.is_empty()).map(move |place| {
        let part = &text[from..place];
        from = place;
        part
    })
}

/// The merges of tokens that have scores, by rank: every way to make one of two others, the highest score first; of one
/// score, the longest left half, then the longest right half, and then the order of ids. (`tokens` and `scores` by id; a token
/// that is empty is left out.)
pub fn merges_of_scores(tokens: &[String], scores: &[f32]) -> Vec<(String, String)> {
    let ids: HashMap<&str, usize> = tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| !token.is_empty())
        .map(|(id, token)| (&**token, id))
        .collect();
    let mut merges = Vec::new();
    for (id, token) in tokens.iter().enumerate().filter(|(id, token)| ids.get(&***token) == Some(id)) {
        let letters = token.chars().count();
        let halves = token.char_indices().skip(1).map(|(at, _)| token.split_at(at)).zip(1..);
        let known = halves.filter(|((left, right), _)| ids.contains_key(left) && ids.contains_key(right));
        merges.extend(known.map(|(halves, left)| (scores[id], left, letters - left, halves)));
    }
    merges.sort_by(|a, b| b.0.total_cmp(&a.0).then((b.1, b.2).cmp(&(a.1, a.2))));
    merges.into_iter().map(|(_, _, _, (left, right))| (left.to_string(), right.to_string())).collect()
}

/// Scores by which llama.cpp merges as this list does, by id: each less than those of the tokens that were made before, and
/// one for tokens whose merges stand among each other. Of what nothing makes, the lowest. None where no scores say what the
/// list says: a way to make a token is not in it, or comes apart from the others.
pub fn scores_of_merges(tokens: &[String], merges: &[(String, String)]) -> Option<Vec<f32>> {
    let ids: HashMap<&str, usize> = tokens.iter().enumerate().map(|(id, token)| (&**token, id)).collect();
    let id = |(left, right): &(String, String)| ids.get(&*format!("{left}{right}")).copied();
    let made = merges.iter().map(id).collect::<Option<Vec<usize>>>()?;
    let last: HashMap<usize, usize> = made.iter().enumerate().map(|(rank, id)| (*id, rank)).collect();

    let mut scores = vec![None; tokens.len()];
    let (mut score, mut until) = (0.0_f32, 0);
    for (rank, id) in made.iter().enumerate() {
        if rank > until {
            score -= 1.0;
        }
        until = until.max(last[id]);
        scores[*id] = Some(score);
    }
    let scores: Vec<f32> = scores.into_iter().map(|own| own.unwrap_or(score - 1.0)).collect();

    // The same pairs, in the same order but for the ways to make one token.
    let known = merges_of_scores(tokens, &scores);
    let ordered = known.iter().zip(&made).all(|(merge, made)| id(merge) == Some(*made));
    let [mut all, mut listed] = [known.iter(), merges.iter()].map(|all| all.collect::<Vec<_>>());
    all.sort();
    listed.sort();
    (ordered && all == listed).then_some(scores)
}

#[cfg(test)]
mod tests;
