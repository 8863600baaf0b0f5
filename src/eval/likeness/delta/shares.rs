//! How often words stand in a text, and sequences of three letters.

use std::collections::BTreeMap;

use crate::eval::likeness::words::words;

/// The share of each word in a text's words, or of each sequence of letters in its.
pub(super) type Shares = BTreeMap<String, f64>;

/// Three letters, or spaces.
pub(super) type Gram = [char; 3];

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// The 150 most frequent words.
    Words,
    /// The 500 most frequent sequences of three letters, with the spaces between words, in lower case.
    Letters,
}

impl Unit {
    /// How many of the most frequent are looked at.
    pub(super) fn most(self) -> usize {
        match self {
            Unit::Words => 150,
            Unit::Letters => 500,
        }
    }

    /// The share of each in a text's; `None` for a text without words.
    pub(super) fn shares(self, text: &str) -> Option<Shares> {
        match self {
            Unit::Words => words_of(text),
            Unit::Letters => {
                Some(grams(text)?.iter().map(|(gram, share)| (gram.iter().collect(), *share)).collect())
            }
        }
    }
}

fn words_of(text: &str) -> Option<Shares> {
    let (mut shares, mut total) = (Shares::new(), 0.0);
    for word in words(text) {
        let key = word.key();
        match shares.get_mut(&*key) {
            Some(count) => *count += 1.0,
            None => {
                shares.insert(key.into_owned(), 1.0);
            }
        }
        total += 1.0;
    }
    shares.values_mut().for_each(|count| *count /= total);
    (total > 0.0).then_some(shares)
}

/// The share of each 3-gram in a text's, sorted; `None` for a text without words.
pub(super) fn grams(text: &str) -> Option<Vec<(Gram, f64)>> {
    let mut letters = vec![' '];
    for word in words(text) {
        letters.extend(word.key().chars());
        letters.push(' ');
    }
    let mut grams: Vec<Gram> = letters.windows(3).map(|w| [w[0], w[1], w[2]]).collect();
    grams.sort_unstable();
    let total = grams.len() as f64;
    let counted = grams.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as f64 / total)).collect();
    (!grams.is_empty()).then_some(counted)
}
