//! A character n-gram model, interpolated, with modified Kneser–Ney smoothing (Kneser and Ney 1995; Chen and Goodman
//! 1999): what a language model has to beat. It is a proper distribution over all Unicode scalar values: what was never
//! seen has its share of a uniform floor.
//!
//! Each text stands alone: the characters before its first are start marks. Its end is not predicted, so figures compare
//! with those of a model whose end-of-text token is left out of the count.

/// The longest n-gram: six scalar values of 21 bits in a `u128`.
pub const LONGEST: usize = 6;

const BITS: usize = 21;
/// What stands before a text; no scalar value.
const START: u128 = (1 << BITS) - 1;
/// How many Unicode scalar values there are.
const SCALARS: f64 = (0x11_0000 - 0x800) as f64;

/// A trained model.
#[derive(Debug, Clone, PartialEq)]
pub struct CharModel {
    /// By the length of the n-grams, from 1.
    levels: Vec<Level>,
}

/// The n-grams of one length, packed, the oldest character highest.
#[derive(Debug, Clone, PartialEq)]
struct Level {
    /// Sorted.
    grams: Vec<u128>,
    /// Of the longest n-grams how often they occur, of the shorter ones how many characters they occur after.
    counts: Vec<u32>,
    /// The n-grams without their last characters. Sorted.
    contexts: Vec<u128>,
    /// For each of them the sum of its counts, and the weight of the shorter context.
    totals: Vec<(f64, f64)>,
    discounts: [f64; 3],
}

impl CharModel {
    /// Counts the n-grams of up to `order` characters (1 to [`LONGEST`]; more are taken as that).
    pub fn train(texts: &[&str], order: usize) -> CharModel {
        let order = order.clamp(1, LONGEST);
        let mut keys = Vec::with_capacity(texts.iter().map(|text| text.len()).sum());
        for text in texts {
            let mut window = start();
            for c in text.chars() {
                window = push(window, c);
                keys.push(window & mask(order));
            }
        }
        let mut levels = Vec::with_capacity(order);
        for n in (1..=order).rev() {
            let level = Level::of(keys);
            keys = level.grams.iter().map(|gram| gram & mask(n - 1)).collect();
            levels.push(level);
        }
        levels.reverse();
        CharModel { levels }
    }

    /// The bits that a text costs and its number of characters: sums, so that those of several texts can be added up.
    pub fn bits_per_character(&self, text: &str) -> (f64, usize) {
        let (mut window, mut bits, mut characters) = (start(), 0.0, 0);
        for c in text.chars() {
            bits -= self.next(window, c).log2();
            window = push(window, c);
            characters += 1;
        }
        (bits, characters)
    }

    /// The probability of a character after the beginning of a text.
    pub fn probability(&self, before: &str, c: char) -> f64 {
        self.next(before.chars().fold(start(), push), c)
    }

    fn next(&self, window: u128, c: char) -> f64 {
        let mut p = 1.0 / SCALARS;
        for (n, level) in self.levels.iter().enumerate() {
            // A context that did not occur is part of no longer one that did.
            let Ok(context) = level.contexts.binary_search(&(window & mask(n))) else { break };
            let (total, rest) = level.totals[context];
            let count = match level.grams.binary_search(&(push(window, c) & mask(n + 1))) {
                Ok(gram) => f64::from(level.counts[gram]) - level.discount(level.counts[gram]),
                Err(_) => 0.0,
            };
            p = count / total + rest * p;
        }
        p
    }
}

impl Level {
    fn of(mut keys: Vec<u128>) -> Level {
        keys.sort_unstable();
        let (mut grams, mut counts) = (Vec::new(), Vec::new());
        for run in keys.chunk_by(|a, b| a == b) {
            grams.push(run[0]);
            counts.push(u32::try_from(run.len()).unwrap_or(u32::MAX));
        }
        let mut level =
            Level { grams, discounts: discounts(&counts), counts, contexts: Vec::new(), totals: Vec::new() };
        let mut first = 0;
        for run in level.grams.chunk_by(|a, b| a >> BITS == b >> BITS) {
            let counts = &level.counts[first..first + run.len()];
            let total: f64 = counts.iter().map(|&count| f64::from(count)).sum();
            let kept_back: f64 = counts.iter().map(|&count| level.discount(count)).sum();
            level.contexts.push(run[0] >> BITS);
            level.totals.push((total, kept_back / total));
            first += run.len();
        }
        level
    }

    /// What is taken off a count, for what did not occur.
    fn discount(&self, count: u32) -> f64 {
        self.discounts[count.clamp(1, 3) as usize - 1]
    }
}

/// The discounts of counts of 1, 2, and 3 or more, from how many counts there are of 1 to 4 (Chen and Goodman 1999,
/// equation 26). Where there are too few for it, 0.75 (theirs, for large corpora, near it).
fn discounts(counts: &[u32]) -> [f64; 3] {
    let n = |value: u32| counts.iter().filter(|&&count| count == value).count() as f64;
    let n: [f64; 4] = [1, 2, 3, 4].map(n);
    let y = n[0] / (n[0] + 2.0 * n[1]);
    [0, 1, 2].map(|i| {
        let most = i as f64 + 1.0;
        let discount = most - (most + 1.0) * y * n[i + 1] / n[i];
        if discount > 0.0 && discount <= most { discount } else { 0.75 }
    })
}

/// A context of nothing but starts.
fn start() -> u128 {
    (0..LONGEST).fold(0, |window, _| (window << BITS | START) & mask(LONGEST))
}

fn push(window: u128, c: char) -> u128 {
    (window << BITS | u128::from(u32::from(c))) & mask(LONGEST)
}

/// The bits of the last `n` characters.
fn mask(n: usize) -> u128 {
    (1 << (BITS * n)) - 1
}

#[cfg(test)]
mod tests;
