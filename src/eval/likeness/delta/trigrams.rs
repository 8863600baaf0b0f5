//! Whose hand a text is of, by its character 3-grams: the profiles of Kešelj et al. (2003) with the weights of tf-idf, compared by
//! cosine. Only letters, digits and the spaces between words count, in lower case: marks and the shapes of quotes tell an
//! edition as well as a writer, and `style` has them.

use std::collections::BTreeMap;

use super::shares::{Gram, grams};
use super::{cosine, least, over_authors};

/// How many of the most frequent 3-grams are looked at.
pub const MOST_FREQUENT: usize = 2000;

/// The frequent 3-grams of a set of texts by author.
#[derive(Debug, Clone, PartialEq)]
pub struct Trigrams {
    /// Sorted.
    pub(super) grams: Vec<Gram>,
    /// `ln((1 + pieces)/(1 + pieces that have it)) + 1`, the pieces of each author weighing the same.
    pub(super) idf: Vec<f64>,
    authors: Vec<Option<Vec<f64>>>,
}

impl Trigrams {
    /// Takes the measure of pieces by author. Each author counts the same; a piece without words is none.
    pub fn fit(reference: &[&[&str]]) -> Trigrams {
        let pieces: Vec<Vec<Vec<(Gram, f64)>>> =
            reference.iter().map(|author| author.iter().filter_map(|text| grams(text)).collect()).collect();
        let present = pieces.iter().filter(|author| !author.is_empty()).count().max(1) as f64;
        let mut totals: BTreeMap<Gram, [f64; 2]> = BTreeMap::new();
        for author in &pieces {
            let weight = 1.0 / (author.len() as f64 * present);
            for &(gram, share) in author.iter().flatten() {
                let total = totals.entry(gram).or_default();
                *total = [total[0] + share * weight, total[1] + weight];
            }
        }
        let mut chosen: Vec<(Gram, [f64; 2])> = totals.into_iter().collect();
        chosen.sort_by(|a, b| b.1[0].total_cmp(&a.1[0]));
        chosen.truncate(MOST_FREQUENT);
        chosen.sort_by_key(|(gram, _)| *gram);
        let n = pieces.iter().map(Vec::len).sum::<usize>() as f64;
        let idf = |&(_, [_, having]): &(Gram, [f64; 2])| ((1.0 + n) / (1.0 + n * having)).ln() + 1.0;
        let mut profiles = Trigrams {
            grams: chosen.iter().map(|(gram, _)| *gram).collect(),
            idf: chosen.iter().map(idf).collect(),
            authors: Vec::new(),
        };
        profiles.authors = pieces.iter().map(|author| profiles.profile(author)).collect();
        profiles
    }

    /// 1 − the cosine between two texts; `None` if one has no words.
    pub fn distance(&self, a: &str, b: &str) -> Option<f64> {
        Some(1.0 - cosine(&self.vector(&grams(a)?), &self.vector(&grams(b)?)))
    }

    /// 1 − the cosine between a text and each author's mean, in the order of `fit`; `None` for an author without pieces,
    /// or a text without words.
    pub fn distances(&self, text: &str) -> Vec<Option<f64>> {
        let vector = grams(text).map(|shares| self.vector(&shares));
        let to = |author: &Option<Vec<f64>>| Some(1.0 - cosine(vector.as_ref()?, author.as_ref()?));
        self.authors.iter().map(to).collect()
    }

    /// The author whose mean is nearest, by their place in `fit`; of equally near ones, the first.
    pub fn nearest(&self, text: &str) -> Option<usize> {
        least(&self.distances(text))
    }

    fn vector(&self, shares: &[(Gram, f64)]) -> Vec<f64> {
        let mut vector = vec![0.0; self.grams.len()];
        for (gram, share) in shares {
            if let Ok(i) = self.grams.binary_search(gram) {
                vector[i] = share * self.idf[i];
            }
        }
        vector
    }

    fn profile(&self, pieces: &[Vec<(Gram, f64)>]) -> Option<Vec<f64>> {
        let vectors = vec![pieces.iter().map(|piece| self.vector(piece)).collect()];
        (!pieces.is_empty()).then(|| over_authors(&vectors, self.grams.len(), |x, _| x))
    }
}
