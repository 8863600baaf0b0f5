//! How entries begin and end.

use std::collections::BTreeMap;

use crate::eval::likeness::words::words;

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
    count(texts.iter().map(|text| words(text).take(n).map(|word| word.key().into_owned()).collect()), n, most)
}

/// The `most` frequent last `n` words, the most frequent first. Entries of fewer words do not count.
pub fn endings(texts: &[&str], n: usize, most: usize) -> Vec<Habit> {
    let last = |text: &&str| -> Vec<String> {
        let keys: Vec<_> = words(text).map(|word| word.key()).collect();
        keys[keys.len().saturating_sub(n)..].iter().map(|key| key.to_string()).collect()
    };
    count(texts.iter().map(last), n, most)
}

fn count(edges: impl Iterator<Item = Vec<String>>, n: usize, most: usize) -> Vec<Habit> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for edge in edges.filter(|edge| n > 0 && edge.len() == n) {
        *counts.entry(edge.join(" ")).or_default() += 1;
    }
    let mut habits: Vec<Habit> = counts.into_iter().map(|(words, count)| Habit { words, count }).collect();
    // Stable: those of one count stay in the alphabet's order.
    habits.sort_by_key(|habit| std::cmp::Reverse(habit.count));
    habits.truncate(most);
    habits
}
