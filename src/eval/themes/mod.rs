//! What a person's documents are about: themes, by TF-IDF and spherical k-means, each named by the words that tell it from the rest.
//!
//! A theme is what a batch of questions is asked about, so it must be such that a person knows it again ("the office", "at the theatre"),
//! and each document belongs to one. Nothing is learned from other people's texts: the words that count are those that this writer uses in
//! some documents and not in others; documents are compared by what these words stand together with ([`meaning`]), since two entries on one
//! thing may share no word.

use crate::base::rng::Rng;
use clusters::clusters;
use groups::{Groups, groups};
use meaning::meanings;
pub use passages::{LONG, PASSAGE, cut_long, passages};
use vectors::{Vector, bearing, vectors};

mod clusters;
mod groups;
mod meaning;
pub mod passages;
mod stem;
pub mod stop;
#[cfg(test)]
mod tests;
mod vectors;

/// Where nobody says how many themes there shall be, so many at the least and at the most.
const FEWEST: usize = 4;
const MOST: usize = 24;
/// A theme with a smaller share of the documents joins the nearest.
const TINY: f64 = 0.02;
/// Words that are listed of a theme.
const LISTED: usize = 12;

/// What some of the documents are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    /// Its three or four most telling words.
    pub name: String,
    /// Its most telling words, the most telling first, as they are most often written.
    pub words: Vec<String>,
    /// Its documents, by number, in their order.
    pub documents: Vec<usize>,
    /// The most typical of them.
    pub centre: usize,
}

/// The themes of documents (each a name and a text), the largest first; every document is in exactly one. The same documents and seed give
/// the same themes.
///
/// Without a wish there are √(n/2) of them, within 4 and 24 where there are documents enough (short ones count for less than one); themes with less than a fiftieth of the documents are
/// merged into the nearest, so there may be fewer than were wanted. Documents that share no word with another (a day of one word) are put with
/// the largest. Long ones should come in passages: [`cut_long`].
pub fn themes(documents: &[(String, String)], wanted: Option<usize>, seed: u64) -> Vec<Theme> {
    if documents.is_empty() {
        return Vec::new();
    }
    let vectors = vectors(documents.iter().map(|(_, text)| text.as_str()));
    let telling: Vec<usize> = (0..documents.len()).filter(|&i| !vectors.rows[i].is_empty()).collect();
    if telling.is_empty() {
        let all = (0..documents.len()).collect();
        return vec![Theme { name: "everything".into(), words: Vec::new(), documents: all, centre: 0 }];
    }
    let rows: Vec<&Vector> = telling.iter().map(|&i| &vectors.rows[i]).collect();
    let weights: Vec<f32> = rows.iter().map(|row| bearing(row)).collect();
    let k = wanted.unwrap_or_else(|| usual(&weights)).clamp(1, rows.len());
    let mut rng = Rng::new(seed, "themes");
    let directions = meanings(&rows, vectors.words.len(), &mut rng);
    let of = clusters(&directions, &weights, k, &mut rng);
    let found = without_tiny(&rows, vectors.words.len(), groups(&rows, vectors.words.len(), of));
    named(documents.len(), &telling, &found, &rows, &vectors.words)
}

/// How many themes documents have that say so much.
fn usual(weights: &[f32]) -> usize {
    let said: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
    let root = (said / 2.0).sqrt().round() as usize;
    // A theme of a document or two is none.
    root.clamp(FEWEST, MOST).min(weights.len().div_ceil(3))
}

/// Merges each group that is too small into the one whose centre is nearest to its own, the smallest first.
fn without_tiny(rows: &[&Vector], words: usize, mut found: Groups) -> Groups {
    loop {
        let k = found.centres.len();
        let mut sizes = vec![0_usize; k];
        for &c in &found.of {
            sizes[c] += 1;
        }
        // Whoever asks for a hundred themes is not given one instead.
        let least = rows.len() as f64 * TINY.min(0.5 / k as f64);
        let Some(small) = (0..k).min_by_key(|&c| sizes[c]).filter(|&c| k > 1 && (sizes[c] as f64) < least)
        else {
            return found;
        };
        let with = |c: usize| -> f32 {
            found.centres[c].iter().zip(&found.centres[small]).map(|(a, b)| a * b).sum()
        };
        let others = (0..k).filter(|&c| c != small);
        let Some(nearest) = others.max_by(|&a, &b| with(a).total_cmp(&with(b)).then(b.cmp(&a))) else {
            return found;
        };
        let mut of = found.of;
        of.iter_mut().filter(|c| **c == small).for_each(|c| *c = nearest);
        found = groups(rows, words, of);
    }
}

/// The groups as themes: with names, and with the documents that say nothing in the largest.
fn named(n: usize, telling: &[usize], found: &Groups, rows: &[&Vector], words: &[String]) -> Vec<Theme> {
    let whole = groups(rows, words.len(), vec![0; rows.len()]);
    let mut themes: Vec<Theme> = found
        .centres
        .iter()
        .enumerate()
        .map(|(c, centre)| {
            let own: Vec<usize> = (0..rows.len()).filter(|&row| found.of[row] == c).collect();
            let typical =
                own.iter().copied().max_by(|&a, &b| found.near[a].total_cmp(&found.near[b]).then(b.cmp(&a)));
            let scored = telling_words(centre, &whole.centres[0], &own, rows);
            let words: Vec<String> =
                scored.iter().take(LISTED).map(|&(word, _)| words[word].clone()).collect();
            Theme {
                name: name(&words, &scored),
                words,
                documents: own.iter().map(|&row| telling[row]).collect(),
                centre: typical.map_or(0, |row| telling[row]),
            }
        })
        .collect();
    themes.sort_by(|a, b| b.documents.len().cmp(&a.documents.len()).then(a.documents.cmp(&b.documents)));
    if let Some(largest) = themes.first_mut() {
        let mut silent = vec![true; n];
        for &i in telling {
            silent[i] = false;
        }
        largest.documents.extend((0..n).filter(|&i| silent[i]));
        largest.documents.sort_unstable();
    }
    themes
}

/// Words by how much more they weigh here than in all documents, of those that at least two documents of the theme have (or all of its one).
fn telling_words(centre: &[f32], whole: &[f32], own: &[usize], rows: &[&Vector]) -> Vec<(usize, f32)> {
    let mut having = vec![0_usize; centre.len()];
    own.iter().flat_map(|&row| rows[row]).for_each(|&(word, _)| having[word as usize] += 1);
    let least = (own.len() / 20).max(2).min(own.len());
    let mut scored: Vec<(usize, f32)> = (0..centre.len())
        .filter(|&word| having[word] >= least)
        .map(|word| (word, centre[word] - whole[word]))
        .filter(|(_, score)| *score > 0.0)
        .collect();
    if scored.is_empty() {
        // One theme is all there is, and its words are those that weigh most.
        scored =
            (0..centre.len()).map(|word| (word, centre[word])).filter(|(_, score)| *score > 0.0).collect();
    }
    scored.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    scored
}

/// Three words, and the fourth where it tells nearly as much as the third.
fn name(words: &[String], scored: &[(usize, f32)]) -> String {
    let fourth = match (scored.get(2), scored.get(3)) {
        (Some(third), Some(fourth)) => fourth.1 > 0.8 * third.1,
        _ => false,
    };
    words[..words.len().min(3 + usize::from(fourth))].join(", ")
}
