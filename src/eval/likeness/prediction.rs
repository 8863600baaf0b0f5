//! How well a model predicts a writer: in bits a character and perplexity a word, which do not depend on what the model takes for a
//! token, so that models of different tokenizers can be put side by side.

use std::ops::Range;

use crate::base::{Error, Result};
use crate::eval::likeness::given::Given;
use crate::eval::likeness::words::words;
use crate::eval::losses;
use crate::sample::Model;
use crate::tokens::Tokenizer;

/// A text that is predicted, behind what is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage<'a> {
    /// What stands before it: the model sees it, and is not asked for it.
    pub given: Given,
    /// What it is asked for.
    pub text: &'a str,
}

/// How well one passage was predicted.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Predicted {
    /// The loss of all its tokens, nats.
    pub nats: f64,
    /// Its tokens.
    pub tokens: usize,
    /// Its words.
    pub words: usize,
    /// Its characters.
    pub characters: usize,
}

/// What several passages come to.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Prediction {
    /// Bits a character.
    pub bits_per_character: f64,
    /// `exp` of the nats a word.
    pub perplexity_per_word: f64,
    /// `exp` of the nats a token.
    pub perplexity_per_token: f64,
}

impl Prediction {
    /// Of some passages, each counted as long as it is.
    pub fn of<'a>(all: impl IntoIterator<Item = &'a Predicted>) -> Prediction {
        let mut sum = Predicted { nats: 0.0, tokens: 0, words: 0, characters: 0 };
        for one in all {
            sum.nats += one.nats;
            sum.tokens += one.tokens;
            sum.words += one.words;
            sum.characters += one.characters;
        }
        let each = |n: usize| sum.nats / n.max(1) as f64;
        Prediction {
            bits_per_character: each(sum.characters) / std::f64::consts::LN_2,
            perplexity_per_word: each(sum.words).exp(),
            perplexity_per_token: each(sum.tokens).exp(),
        }
    }
}

/// Passages as the tokens that a model reads, one behind the other, each behind the token that texts begin with.
struct Tokens {
    ids: Vec<u32>,
    /// Of each passage, its text's tokens among them.
    texts: Vec<Range<usize>>,
}

impl Tokens {
    fn of(passages: &[Passage], tokenizer: &Tokenizer) -> Tokens {
        let (mut ids, mut texts) = (Vec::new(), Vec::new());
        for passage in passages {
            ids.push(tokenizer.start());
            let (all, given) = passage.given.ids(passage.text, tokenizer);
            texts.push(ids.len() + given..ids.len() + all.len());
            ids.extend(all);
        }
        Tokens { ids, texts }
    }

    /// What a model makes of the texts, where it sees so much at once: the first token of each range is given.
    fn predicted(
        &self,
        model: &mut Model,
        passages: &[Passage],
        ranges: &[Range<usize>],
        progress: impl FnMut(f64),
    ) -> Result<Vec<Predicted>> {
        let t = model.positions;
        let found = losses(model.exec.as_mut(), [1, t], (&self.ids, ranges), (t / 2).max(1), progress)?;
        // By token: the first of a range has no loss, and is no text's.
        let mut losses = vec![0.0; self.ids.len()];
        let scored = ranges.iter().flat_map(|range| range.start + 1..range.end);
        scored.zip(found).for_each(|(i, loss)| losses[i] = f64::from(loss));
        let one = |(passage, range): (&Passage, &Range<usize>)| Predicted {
            nats: losses[range.clone()].iter().sum(),
            tokens: range.len(),
            words: words(passage.text).count(),
            characters: passage.text.chars().count(),
        };
        Ok(passages.iter().zip(&self.texts).map(one).collect())
    }
}

/// Has a model predict passages, in windows of all its positions every half of them: what comes before a passage in its window is
/// seen. The model was opened for text, with the recording `losses` of one sequence; `progress` is told the share done.
///
/// # Errors
/// A lost device; a loss that is no number.
pub fn predict(
    model: &mut Model,
    tokenizer: &Tokenizer,
    passages: &[Passage],
    progress: impl FnMut(f64),
) -> Result<Vec<Predicted>> {
    let tokens = Tokens::of(passages, tokenizer);
    if tokens.ids.len() < 2 {
        return Err(Error::setting("there is no text to predict", "give some with words in it"));
    }
    let whole = 0..tokens.ids.len();
    tokens.predicted(model, passages, &[whole], progress)
}

/// The same, but nothing stands before a passage than what is given.
///
/// # Errors
/// A lost device; a loss that is no number.
pub fn predict_alone(
    model: &mut Model,
    tokenizer: &Tokenizer,
    passages: &[Passage],
    progress: impl FnMut(f64),
) -> Result<Vec<Predicted>> {
    let tokens = Tokens::of(passages, tokenizer);
    let starts = tokens.texts.iter().scan(0, |start, text| Some(std::mem::replace(start, text.end)));
    let ranges: Vec<Range<usize>> = starts.zip(&tokens.texts).map(|(start, text)| start..text.end).collect();
    tokens.predicted(model, passages, &ranges, progress)
}

/// The positions that the longest of some passages takes, alone.
pub fn positions(passages: &[Passage], tokenizer: &Tokenizer) -> usize {
    passages.iter().map(|passage| passage.given.ids(passage.text, tokenizer).0.len()).max().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::Kind;

    #[test]
    fn what_is_given_is_not_asked_for() {
        let tokenizer = Tokenizer::new(Kind::Bytes);
        let passages = [
            Passage { given: Given::Header("May\n".into()), text: "Rain." },
            Passage { given: Given::NOTHING, text: "Sun" },
            Passage { given: Given::Before("é".into()), text: "" },
        ];
        let tokens = Tokens::of(&passages, &tokenizer);
        let texts: Vec<String> =
            tokens.texts.iter().map(|r| tokenizer.decode(&tokens.ids[r.clone()])).collect();
        assert_eq!(texts, ["Rain.", "Sun", ""]);
        assert_eq!(tokens.ids.len(), 3 + 9 + 3 + 2);
    }

    #[test]
    fn passages_count_as_long_as_they_are() {
        let one = |nats, tokens, words, characters| Predicted { nats, tokens, words, characters };
        let of = Prediction::of(&[one(8.0, 4, 2, 10), one(4.0, 2, 1, 2)]);
        assert!((of.bits_per_character - 1.0 / std::f64::consts::LN_2).abs() < 1e-12);
        assert!((of.perplexity_per_word - 4f64.exp()).abs() < 1e-9);
        assert!((of.perplexity_per_token - 2f64.exp()).abs() < 1e-12);
    }
}
