//! What one set of texts overuses or forgets against another: log-odds with an informative Dirichlet prior (Monroe,
//! Colaresi and Quinn 2008, "Fightin' Words", section 3.5), by their z-scores. A ratio of frequencies would list what occurs
//! once; a difference of them, function words. This weighs each word by what is known of it.

use std::collections::BTreeSet;

use tally::{Tally, tally};
pub use tally::{Unit, example};

mod tally;
#[cfg(test)]
mod tests;

/// A prior of this many words is a fair one for diaries: a word that occurs five times in 20,000 words, and never in
/// 100,000, has z = 2.4 with it, and one that occurs fifty times 7.6.
pub const PRIOR: f64 = 10_000.0;

/// On the side that uses a word more, it must occur this often in all, and in two texts. A side that is one text cannot
/// have it in two: there it must occur [`ALONE`] times.
const LEAST: usize = 3;
const ALONE: usize = 5;

/// How often a word, or words, occur on one side.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize)]
pub struct Use {
    /// Occurrences.
    pub count: usize,
    /// Occurrences in 10,000 of the side's words (or bigrams, or trigrams).
    pub per_10_000: f64,
    /// Texts that have it.
    pub texts: usize,
}

/// A word that is used more on one side, or words.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Key {
    /// In lower case, a space between words; a name as it is first written.
    pub word: String,
    /// `log_odds` in its standard deviations. Positive: overused in the generated texts; negative: forgotten there.
    pub z: f64,
    /// The natural logarithm of the ratio of the odds, generated to own, with the prior.
    pub log_odds: f64,
    /// In the generated texts.
    pub in_generated: Use,
    /// In the writer's own.
    pub in_own: Use,
    /// Where it first occurs on the side that uses it more: at most 90 characters, cut between words.
    pub example: String,
}

/// All words that count, by falling z: at the beginning stands what is overused, at the end what is forgotten. `prior` is
/// the weight, in words, of the belief that both sides use each word as often as both together do ([`PRIOR`]).
///
/// A word counts if the side that uses it more has it three times, in at least two of its texts, so that one rambling
/// sample does not fill the list; in a side of one text, five times.
pub fn keyness(generated: &[&str], own: &[&str], unit: Unit, prior: f64) -> Vec<Key> {
    let (a, b) = (tally(generated, unit), tally(own, unit));
    let sizes = [a.size as f64, b.size as f64];
    let none = Tally::default();
    let words: BTreeSet<&String> = a.words.keys().chain(b.words.keys()).collect();
    let mut keys = Vec::new();
    for word in words {
        let tallies = [&a, &b].map(|side| side.words.get(word).unwrap_or(&none));
        let counts = tallies.map(|tally| tally.count as f64);
        let Some((log_odds, z)) = log_odds(counts, sizes, prior.max(0.01)) else { continue };
        let (more, texts) = if z >= 0.0 { (tallies[0], generated) } else { (tallies[1], own) };
        let enough =
            if texts.len() == 1 { more.count >= ALONE } else { more.texts > 1 && more.count >= LEAST };
        if !enough {
            continue;
        }
        let [in_generated, in_own] = [0, 1].map(|side| Use {
            count: tallies[side].count,
            per_10_000: 1e4 * counts[side] / sizes[side].max(1.0),
            texts: tallies[side].texts,
        });
        let shown =
            if unit == Unit::Name { texts[more.text][more.range.clone()].to_string() } else { word.clone() };
        let example = example(texts[more.text], more.range.clone());
        keys.push(Key { word: shown, z, log_odds, in_generated, in_own, example });
    }
    keys.sort_by(|a, b| b.z.total_cmp(&a.z));
    keys
}

/// δ = ln((y₁+α)/(n₁+α₀−y₁−α)) − ln((y₂+α)/(n₂+α₀−y₂−α)) and δ/√(1/(y₁+α) + 1/(y₂+α)), for counts y of n and a prior of α₀
/// words, of which α = α₀·(y₁+y₂)/(n₁+n₂) are this one. `None` where they are no numbers: a word that is all there is.
pub fn log_odds(y: [f64; 2], n: [f64; 2], prior: f64) -> Option<(f64, f64)> {
    let alpha = prior * (y[0] + y[1]) / (n[0] + n[1]);
    let odds = |side: usize| (y[side] + alpha) / (n[side] + prior - y[side] - alpha);
    let difference = odds(0).ln() - odds(1).ln();
    let z = difference / (1.0 / (y[0] + alpha) + 1.0 / (y[1] + alpha)).sqrt();
    (difference.is_finite() && z.is_finite()).then_some((difference, z))
}
