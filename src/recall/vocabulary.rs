//! The words of a diary, by which the words of a question are turned into its own: who asks for a `laundry pole` finds the `clothes-prop`.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::eval::likeness::words::words;
use crate::recall::direction::{cosine, direction};
use crate::recall::embed::model::Embeddings;
use crate::recall::kept::Kept;
use crate::recall::terms::{Terms, fold};

/// So many words of a diary are known at most: the most frequent.
const MOST: usize = 50_000;
/// Words of fewer characters are initials and abbreviations, whose vectors say nothing. (A word of a script without spaces is one
/// character, and is not looked for here.)
const SHORTEST: usize = 3;
/// A word has to be so near to another to stand in for it.
const NEAR: f32 = 0.4;
/// So many words stand in for one at most.
const KIN: usize = 12;

/// The words of entries, folded, in alphabetical order; those of several parts (`to-morrow`) whole, and their parts.
pub fn of_entries(entries: &[Kept]) -> Vec<String> {
    let counts = |mut counts: HashMap<String, usize>, entry: &Kept| {
        for word in words(&entry.text) {
            let word = fold(word.text);
            if word.contains('-') {
                for part in word.split('-') {
                    *counts.entry(part.to_string()).or_default() += 1;
                }
            }
            *counts.entry(word).or_default() += 1;
        }
        counts
    };
    let both = |mut one: HashMap<String, usize>, other: HashMap<String, usize>| {
        for (word, count) in other {
            *one.entry(word).or_default() += count;
        }
        one
    };
    let counts = entries.par_iter().fold(HashMap::new, counts).reduce(HashMap::new, both);
    let telling = |word: &str| {
        word.chars().nth(SHORTEST - 1).is_some()
            && !word.contains('\n')
            && word.chars().any(char::is_alphabetic)
    };
    let mut all: Vec<(String, usize)> = counts.into_iter().filter(|(word, _)| telling(word)).collect();
    all.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    all.truncate(MOST);
    let mut all: Vec<String> = all.into_iter().map(|(word, _)| word).collect();
    all.sort_unstable();
    all
}

/// Words with their directions.
#[derive(Debug)]
pub struct Vocabulary {
    width: usize,
    /// The term of each word in each field; none where it is a word of grammar there.
    terms: Vec<Vec<Option<String>>>,
    /// Row by row, without what all words have in common.
    directions: Vec<f32>,
    /// The mean of all directions: what every word has of it tells none from another (Mu and Viswanath 2018, "All-but-the-top").
    common: Vec<f32>,
}

impl Vocabulary {
    /// Of the words of a diary, whose languages are those of `fields`.
    pub fn new(words: &[String], fields: &[Terms], embeddings: &Embeddings) -> Vocabulary {
        let width = embeddings.width();
        let mut directions: Vec<f32> =
            words.par_iter().flat_map_iter(|word| embeddings.direction(word)).collect();
        let mut sums = vec![0.0_f64; width];
        for row in directions.chunks_exact(width.max(1)) {
            sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
        }
        let count = words.len().max(1) as f64;
        let common: Vec<f32> = sums.iter().map(|sum| (sum / count) as f32).collect();
        directions.par_chunks_exact_mut(width.max(1)).for_each(|row| {
            let own = apart(row, &common);
            row.copy_from_slice(&own);
        });
        let of = |field: &Terms| -> Vec<Option<String>> {
            let term = |field: &mut Terms, word: &String| field.of_word(word);
            words.par_iter().map_init(|| field.clone(), term).collect()
        };
        Vocabulary { width, terms: fields.iter().map(of).collect(), directions, common }
    }

    /// The terms of a field that stand in for a word, each with the square of its cosine; the nearest first, without the word's own.
    pub fn kin(&self, word: &str, field: usize, own: &str, embeddings: &Embeddings) -> Vec<(String, f32)> {
        let asked = embeddings.direction(word);
        let (Some(terms), true) = (self.terms.get(field), asked.iter().any(|x| *x != 0.0)) else {
            return Vec::new();
        };
        if word.chars().nth(SHORTEST - 1).is_none() {
            return Vec::new();
        }
        let asked = apart(&asked, &self.common);
        let rows = self.directions.par_chunks_exact(self.width.max(1)).enumerate();
        let near = rows.map(|(i, row)| (cosine(row, &asked), i)).filter(|(near, _)| *near >= NEAR);
        let mut near: Vec<(f32, usize)> = near.collect();
        near.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut kin: Vec<(String, f32)> = Vec::with_capacity(KIN);
        for (near, i) in near {
            let Some(term) = terms.get(i).and_then(Option::as_ref) else { continue };
            if term != own && kin.iter().all(|(other, _)| other != term) {
                kin.push((term.clone(), near * near));
                if kin.len() == KIN {
                    break;
                }
            }
        }
        kin
    }
}

/// A direction without what is common to all.
fn apart(row: &[f32], common: &[f32]) -> Vec<f32> {
    if row.iter().all(|x| *x == 0.0) {
        return row.to_vec();
    }
    let own: Vec<f64> = row.iter().zip(common).map(|(x, common)| f64::from(x - common)).collect();
    direction(&own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recall::embed::made::embeddings;
    use crate::recall::tongue::Tongue;

    fn english() -> Vec<Terms> {
        vec![Terms::new(&serde_json::from_value::<Tongue>("eng".into()).unwrap())]
    }

    #[test]
    fn the_words_of_a_diary_are_folded_and_counted_once() {
        let of = |text: &str| Kept::new(String::new(), None, text.into());
        let words = of_entries(&[of("The Clothes-prop, the CAFÉ"), of("a café in 1914; clothes")]);
        assert_eq!(words, ["cafe", "clothes", "clothes-prop", "prop", "the"]);
        assert!(of_entries(&[]).is_empty());
    }

    #[test]
    fn a_word_is_stood_in_for_by_those_that_are_near_to_it() {
        let embeddings = embeddings(&[
            ("prop", [1.0, 0.0, 0.0, 0.0]),
            ("pole", [0.9, 0.4, 0.0, 0.0]),
            ("rain", [0.0, 0.0, 1.0, 0.0]),
            ("walks", [0.0, 0.0, 0.0, 1.0]),
            ("walked", [0.0, 0.0, 0.1, 1.0]),
            ("the", [0.95, 0.2, 0.0, 0.0]),
        ]);
        let words: Vec<String> = ["prop", "rain", "snow", "the", "walked", "walks"].map(String::from).into();
        let mut fields = english();
        let vocabulary = Vocabulary::new(&words, &fields, &embeddings);
        let kin = |word: &str| {
            let own = fields.clone()[0].of_word(word).unwrap();
            vocabulary.kin(word, 0, &own, &embeddings)
        };
        let found = kin("pole");
        assert_eq!(found.len(), 1, "a word of grammar stands in for none: {found:?}");
        assert!(found[0].0 == "prop" && found[0].1 > 0.6 && found[0].1 < 1.0, "{found:?}");
        assert!(kin("walks").is_empty(), "inflections are the same term");
        assert!(kin("snow").is_empty() && kin("unknown").is_empty());
        assert!(vocabulary.kin("pole", 1, "pole", &embeddings).is_empty(), "there is no such field");
        let none = Vocabulary::new(&[], &fields, &embeddings);
        assert!(none.kin("pole", 0, "pole", &embeddings).is_empty());
        assert_eq!(fields[0].of_word("the"), None);
    }
}
