//! Whose is it? With a model an author, a passage that none of them saw goes to the author whose model expects it best, in bits a
//! character. How often that is right says how much of a hand a model has learned: chance is one in as many as there are authors.

use serde::Serialize;

use crate::eval::likeness::bootstrap::{Interval, wilson};
use crate::eval::likeness::pieces::{evenly, pieces};

/// Words of the passages: a remark, a page, a long entry.
pub const LENGTHS: [usize; 3] = [50, 200, 500];

/// Passages of each author, of each length, at most.
const PASSAGES: usize = 60;

/// An author's passages of one length: at most [`PASSAGES`] of about `words` words, evenly from first to last.
pub fn passages(texts: &[&str], words: usize) -> Vec<String> {
    evenly(&pieces(texts, words), PASSAGES).into_iter().cloned().collect()
}

/// How often passages of one length went to their author.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attribution {
    /// Words of a passage, about.
    pub words: usize,
    /// Of each author, in the order of the models.
    pub authors: Vec<Author>,
    /// The share of all passages that went to their author.
    pub right: Interval,
}

/// One author's part in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Author {
    /// The run of their model.
    pub run: String,
    /// Their passages.
    pub passages: usize,
    /// How many of them went to them.
    pub right: usize,
}

impl Attribution {
    /// Of passages, each with its author's number, and of what each author's model makes of each (`bits[author][passage]`, bits a
    /// character). Of equals, the first author has it.
    pub fn of(words: usize, runs: &[String], truth: &[usize], bits: &[Vec<f64>]) -> Attribution {
        let goes_to =
            |passage: usize| (0..bits.len()).min_by(|&a, &b| bits[a][passage].total_cmp(&bits[b][passage]));
        let mut authors: Vec<Author> =
            runs.iter().map(|run| Author { run: run.clone(), passages: 0, right: 0 }).collect();
        for (passage, &author) in truth.iter().enumerate() {
            authors[author].passages += 1;
            authors[author].right += usize::from(goes_to(passage) == Some(author));
        }
        let right = wilson(authors.iter().map(|a| a.right).sum(), truth.len());
        Attribution { words, authors, right }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passage_goes_to_the_model_that_expects_it_best() {
        let runs = ["me".to_string(), "you".to_string()];
        let bits = [vec![2.0, 3.0, 2.5, 1.0], vec![2.5, 2.0, 2.4, 1.0]];
        let of = Attribution::of(50, &runs, &[0, 1, 0, 0], &bits);
        let right: Vec<[usize; 2]> = of.authors.iter().map(|a| [a.right, a.passages]).collect();
        assert_eq!(right, [[2, 3], [1, 1]]);
        assert_eq!(of.right, wilson(3, 4));
    }

    #[test]
    fn passages_are_taken_evenly() {
        let texts: Vec<String> = (0..300).map(|i| format!("Sentence {i} has five words.")).collect();
        let texts: Vec<&str> = texts.iter().map(|text| &text[..]).collect();
        let taken = passages(&texts, 5);
        assert_eq!(taken.len(), PASSAGES);
        assert!(taken[1].starts_with("Sentence 5 ") && taken[59].starts_with("Sentence 295 "), "{taken:?}");
        assert!(passages(&[], 50).is_empty());
    }
}
