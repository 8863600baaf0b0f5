//! How entries begin and end.

use std::collections::BTreeMap;

use crate::eval::likeness::words::words;

/// Words of a beginning, and of an ending, that are looked at.
pub const EDGE: usize = 2;

/// Words that entries begin or end with.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Habit {
    /// The words, in lower case, a space between them.
    pub words: String,
    /// How many entries.
    pub count: usize,
}

/// The `most` frequent first `n` words, the most frequent first. Entries of fewer words do not count.
pub fn openings(texts: &[&str], n: usize, most: usize) -> Vec<Habit> {
    count(texts.iter().filter_map(|text| opening(text, n)), most)
}

/// The `most` frequent last `n` words, the most frequent first. Entries of fewer words do not count, nor do those that break off: a
/// text that was cut at its greatest length has no ending.
pub fn endings(texts: &[&str], n: usize, most: usize) -> Vec<Habit> {
    count(texts.iter().filter_map(|text| ending(text, n)), most)
}

/// The first `n` words of a text, if it has as many.
pub(super) fn opening(text: &str, n: usize) -> Option<String> {
    let keys: Vec<_> = words(text).take(n).map(|word| word.key()).collect();
    (n > 0 && keys.len() == n).then(|| keys.join(" "))
}

/// The last `n` words of a text, if it has as many and ends with a mark that ends a sentence.
pub(super) fn ending(text: &str, n: usize) -> Option<String> {
    let keys: Vec<_> = words(text).map(|word| word.key()).collect();
    let last = &keys[keys.len().checked_sub(n)?..];
    let closed = text.trim_end().trim_end_matches(['"', '”', '’', '\'', ')', ']', '»', '」']);
    let ends = closed.ends_with(['.', '!', '?', '…', '。', '！', '？']);
    (n > 0 && ends).then(|| last.join(" "))
}

fn count(edges: impl Iterator<Item = String>, most: usize) -> Vec<Habit> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for edge in edges {
        *counts.entry(edge).or_default() += 1;
    }
    let mut habits: Vec<Habit> = counts.into_iter().map(|(words, count)| Habit { words, count }).collect();
    // Stable: those of one count stay in the alphabet's order.
    habits.sort_by_key(|habit| std::cmp::Reverse(habit.count));
    habits.truncate(most);
    habits
}
