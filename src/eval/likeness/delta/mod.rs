//! Whose hand a text is of, by the frequencies of the most frequent words: Burrows' Delta (Burrows 2002), and Cosine
//! Delta (Smith and Aldridge 2011), which bears words of small frequency and texts of unlike lengths better (Evert et
//! al. 2017). The most frequent words are function words without a list of them; sequences of three letters can be counted in
//! their place. Beside it, by [`Trigrams`], a second judge that sees letters only.
//!
//! Standard deviations are those of the pieces given: give pieces of about the length of the texts to be judged.

use std::collections::BTreeMap;

use shares::Shares;
pub use shares::Unit;
pub use trigrams::Trigrams;

mod shares;
#[cfg(test)]
mod tests;
mod trigrams;

/// How two texts' z-scores are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Mean absolute difference, from 0 on. For texts of many hundred words: a sum of absolute differences is least at
    /// medians, not at means, so in short texts, where most of the words are absent, it leans to the author who uses them
    /// less. (Of Pepys's pieces of 200 words, beside Barbellion's, it knew 77%; the cosine 98%.)
    Burrows,
    /// 1 − the cosine of the angle between them, 0 to 2. For two authors and more: z-scores are taken from the mean of all, and
    /// of one author alone that is the author's own, from which there is no angle.
    Cosine,
}

/// The frequent words of a set of texts, or letters, and how their frequencies scatter.
#[derive(Debug, Clone, PartialEq)]
pub struct Delta {
    unit: Unit,
    metric: Metric,
    known: BTreeMap<String, usize>,
    mean: Vec<f64>,
    sd: Vec<f64>,
    /// Each author's mean of z-scores; `None` for one of no pieces.
    authors: Vec<Option<Vec<f64>>>,
}

impl Delta {
    /// Takes the measure of pieces by author (or of pieces of one author alone, for distances). Each author counts the
    /// same, however many pieces there are of them; a piece without words is none.
    pub fn fit(reference: &[&[&str]], unit: Unit, metric: Metric) -> Delta {
        let of = |author: &&[&str]| author.iter().filter_map(|text| unit.shares(text)).collect();
        let pieces: Vec<Vec<Shares>> = reference.iter().map(of).collect();
        let chosen = most_frequent(&pieces, unit.most());
        let vectors: Vec<Vec<Vec<f64>>> =
            pieces.iter().map(|author| author.iter().map(|piece| vector(piece, &chosen)).collect()).collect();
        let mean = over_authors(&vectors, chosen.len(), |x, _| x);
        let variance = over_authors(&vectors, chosen.len(), |x, i| (x - mean[i]).powi(2));
        let kept: Vec<usize> = (0..chosen.len()).filter(|&i| variance[i].sqrt() > 1e-12).collect();
        let known = kept.iter().enumerate().map(|(to, &from)| (chosen[from].to_string(), to)).collect();
        let mut delta = Delta {
            unit,
            metric,
            known,
            mean: kept.iter().map(|&i| mean[i]).collect(),
            sd: kept.iter().map(|&i| variance[i].sqrt()).collect(),
            authors: Vec::new(),
        };
        delta.authors = pieces.iter().map(|author| delta.profile(author)).collect();
        delta
    }

    /// The distance between two texts; `None` if one has no words.
    pub fn distance(&self, a: &str, b: &str) -> Option<f64> {
        let scores = |text| Some(self.scores(&self.unit.shares(text)?));
        Some(self.between(&scores(a)?, &scores(b)?))
    }

    /// The distance of a text to each author's mean, in the order of `fit`; `None` for an author without pieces, or a
    /// text without words.
    pub fn distances(&self, text: &str) -> Vec<Option<f64>> {
        let scores = self.unit.shares(text).map(|shares| self.scores(&shares));
        let to = |author: &Option<Vec<f64>>| Some(self.between(scores.as_ref()?, author.as_ref()?));
        self.authors.iter().map(to).collect()
    }

    /// The author whose mean is nearest, by their place in `fit`; of equally near ones, the first.
    pub fn nearest(&self, text: &str) -> Option<usize> {
        least(&self.distances(text))
    }

    /// The z-scores of a text.
    fn scores(&self, shares: &Shares) -> Vec<f64> {
        let mut scores: Vec<f64> = self.mean.iter().zip(&self.sd).map(|(mean, sd)| -mean / sd).collect();
        for (word, share) in shares {
            if let Some(&i) = self.known.get(word) {
                scores[i] += share / self.sd[i];
            }
        }
        scores
    }

    fn profile(&self, pieces: &[Shares]) -> Option<Vec<f64>> {
        let scores = vec![pieces.iter().map(|piece| self.scores(piece)).collect()];
        (!pieces.is_empty()).then(|| over_authors(&scores, self.mean.len(), |x, _| x))
    }

    fn between(&self, a: &[f64], b: &[f64]) -> f64 {
        match self.metric {
            Metric::Burrows => {
                let total: f64 = a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum();
                total / a.len().max(1) as f64
            }
            Metric::Cosine => 1.0 - cosine(a, b),
        }
    }
}

/// The most frequent, by the mean share over pieces, then over authors; of one frequency, by the alphabet.
fn most_frequent(authors: &[Vec<Shares>], most: usize) -> Vec<&str> {
    let mut totals: BTreeMap<&str, f64> = BTreeMap::new();
    for author in authors {
        for (word, share) in author.iter().flatten() {
            *totals.entry(word).or_default() += share / author.len() as f64;
        }
    }
    let mut totals: Vec<(&str, f64)> = totals.into_iter().collect();
    totals.sort_by(|a, b| b.1.total_cmp(&a.1));
    totals.into_iter().take(most).map(|(word, _)| word).collect()
}

fn vector(shares: &Shares, words: &[&str]) -> Vec<f64> {
    words.iter().map(|word| shares.get(*word).copied().unwrap_or(0.0)).collect()
}

/// The mean, by dimension, of `f(x, dimension)` over pieces, then over the authors that have some.
fn over_authors(authors: &[Vec<Vec<f64>>], dimensions: usize, f: impl Fn(f64, usize) -> f64) -> Vec<f64> {
    let present = authors.iter().filter(|author| !author.is_empty()).count().max(1) as f64;
    let mut mean = vec![0.0; dimensions];
    for author in authors {
        for piece in author {
            let weight = 1.0 / (author.len() as f64 * present);
            mean.iter_mut().enumerate().for_each(|(i, sum)| *sum += f(piece[i], i) * weight);
        }
    }
    mean
}

/// The cosine of the angle between two vectors; 0 if one of them is nothing.
fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let norm = (dot(a, a) * dot(b, b)).sqrt();
    if norm > 0.0 { dot(a, b) / norm } else { 0.0 }
}

/// The place of the least.
fn least(distances: &[Option<f64>]) -> Option<usize> {
    let known = distances.iter().enumerate().filter_map(|(i, distance)| Some((i, (*distance)?)));
    known.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(i, _)| i)
}
