//! Texts that are nearly the same: Jaccard likeness of their sets of three words in a row (Broder 1997), exactly, without comparing
//! all with all. Two sets of likeness t or more share one of the ⌊(1−t)·n⌋ + 1 rarest members of either (the prefix filter of
//! Chaudhuri, Ganti and Kaushik 2006; Bayardo, Ma and Srikant 2007), so only texts that share one are compared.

use std::collections::HashMap;

use crate::journal::is_unspaced;

/// From this likeness on, texts are nearly the same.
pub const THRESHOLD: f64 = 0.8;

/// Words of a shingle.
const SHINGLE: usize = 3;
/// With fewer words, a text is only ever the same as another.
const LEAST: usize = 6;
/// A text is compared with so many earlier ones of a shingle at most, the latest first: one template in thousands stays linear.
const MOST: usize = 64;

/// A text that is nearly the same as an earlier one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    /// By number in the list.
    pub later: usize,
    /// The earlier text that is most like it; of several the first.
    pub earlier: usize,
    /// From the threshold to 1, which is the same but for marks and capitals.
    pub similarity: f64,
}

/// The words of a text as they are compared: in lower case, without marks; of scripts without spaces each character.
pub fn normalised(text: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), String::new());
    for c in text.chars() {
        if c.is_alphanumeric() && !is_unspaced(c) {
            word.extend(c.to_lowercase());
        } else if !matches!(c, '\'' | '’') {
            // An apostrophe leaves `don't` one word, in either form of it.
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            if c.is_alphanumeric() {
                words.push(c.to_string());
            }
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// FNV-1a over words, each closed by a byte that no UTF-8 has; then a finaliser, so that all bits count.
pub fn hash(words: &[String]) -> u64 {
    let bytes = words.iter().flat_map(|word| word.bytes().chain([0xff]));
    let mut h =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    h = (h ^ (h >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    h ^ (h >> 32)
}

/// The texts that are nearly the same as an earlier one, by number. With `numbers_tell`, texts with other numbers in them never are:
/// two questions about two days are two questions.
pub fn near(texts: &[impl AsRef<str>], threshold: f64, numbers_tell: bool) -> Vec<Near> {
    let words: Vec<Vec<String>> = texts.iter().map(|text| normalised(text.as_ref())).collect();
    let mut first_of: HashMap<u64, usize> = HashMap::new();
    let mut found = Vec::new();
    let mut distinct = Vec::new();
    for (i, words) in words.iter().enumerate().filter(|(_, words)| !words.is_empty()) {
        match first_of.entry(hash(words)) {
            std::collections::hash_map::Entry::Occupied(first) => {
                found.push(Near { later: i, earlier: *first.get(), similarity: 1.0 });
            }
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(i);
                distinct.push(i);
            }
        }
    }
    let sets: Vec<(usize, Vec<u64>)> =
        distinct.into_iter().filter(|&i| words[i].len() >= LEAST).map(|i| (i, shingles(&words[i]))).collect();
    let numbers = |i: usize| words[i].iter().filter(|word| word.contains(|c: char| c.is_numeric()));
    let apart = |a: usize, b: usize| numbers_tell && !numbers(a).eq(numbers(b));
    found.extend(nearly(&sets, threshold, &apart));
    found.sort_by_key(|near| near.later);
    found
}

/// The different shingles of a text, in order.
fn shingles(words: &[String]) -> Vec<u64> {
    let mut shingles: Vec<u64> = words.windows(SHINGLE).map(hash).collect();
    shingles.sort_unstable();
    shingles.dedup();
    shingles
}

fn nearly(sets: &[(usize, Vec<u64>)], threshold: f64, apart: &dyn Fn(usize, usize) -> bool) -> Vec<Near> {
    let mut count: HashMap<u64, u32> = HashMap::new();
    for shingle in sets.iter().flat_map(|(_, set)| set) {
        *count.entry(*shingle).or_default() += 1;
    }
    let mut holders: HashMap<u64, Vec<usize>> = HashMap::new();
    let mut met = vec![usize::MAX; sets.len()];
    let mut found = Vec::new();
    for (n, (i, set)) in sets.iter().enumerate() {
        let mut by_rarity = set.clone();
        by_rarity.sort_by_key(|shingle| (count[shingle], *shingle));
        let prefix = ((1.0 - threshold) * set.len() as f64 + 1e-9).floor() as usize + 1;
        let mut best: Option<Near> = None;
        for shingle in by_rarity.into_iter().take(prefix) {
            let holders = holders.entry(shingle).or_default();
            for &other in holders.iter().rev().take(MOST) {
                let (j, other_set) = &sets[other];
                if std::mem::replace(&mut met[other], n) == n || apart(*i, *j) {
                    continue;
                }
                let similarity = jaccard(set, other_set);
                let better = best.is_none_or(|best| {
                    similarity > best.similarity || similarity >= best.similarity && *j < best.earlier
                });
                if similarity >= threshold && better {
                    best = Some(Near { later: *i, earlier: *j, similarity });
                }
            }
            holders.push(n);
        }
        found.extend(best);
    }
    found
}

/// |a ∩ b| / |a ∪ b| of two lists in order.
fn jaccard(a: &[u64], b: &[u64]) -> f64 {
    let (mut i, mut j, mut both) = (0, 0, 0_usize);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        both += usize::from(x == y);
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    both as f64 / (a.len() + b.len() - both).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_near_whatever_their_marks_and_capitals() {
        let long =
            "We pulled down branches all around it, and stuck in upright sticks as a paling around the tree";
        let texts = [
            long.to_string(),
            "Toothache.".to_string(),
            long.to_uppercase() + "!",
            format!("{long}s"),
            long.replace("stuck in", "put up").replace("We", "They"),
            "toothache".to_string(),
            "toothaches".to_string(),
            String::new(),
            String::new(),
        ];
        let found: Vec<(usize, usize)> =
            near(&texts, THRESHOLD, false).iter().map(|n| (n.later, n.earlier)).collect();
        assert_eq!(found, [(2, 0), (3, 0), (5, 1)]);
    }

    #[test]
    fn questions_of_two_days_are_two_where_numbers_tell() {
        let long = "Tell me what you did in the evening after the concert was over and you had gone home again on the 3rd of June";
        let texts = [long.to_string(), long.replace("3rd", "4th")];
        assert_eq!(near(&texts, 0.7, true), []);
        assert_eq!(near(&texts, 0.7, false).len(), 1);
    }

    #[test]
    fn nothing_is_missed_that_comparing_all_finds() {
        let mut rng = crate::base::rng::Rng::new(3, "near");
        let mut texts: Vec<String> = Vec::new();
        for _ in 0..300 {
            let mut words: Vec<u64> = (0..8 + rng.below(30)).map(|_| rng.below(200)).collect();
            if rng.below(2) == 0 && !texts.is_empty() {
                let other = &texts[rng.below(texts.len() as u64) as usize];
                words = other.split(' ').map(|w| w[1..].parse().unwrap()).collect();
                let at = rng.below(words.len() as u64) as usize;
                words[at] = rng.below(200);
            }
            texts.push(words.iter().map(|w| format!("w{w}")).collect::<Vec<_>>().join(" "));
        }
        let sets: Vec<Vec<u64>> = texts.iter().map(|text| shingles(&normalised(text))).collect();
        let plain: Vec<usize> =
            (0..sets.len()).filter(|&i| (0..i).any(|j| jaccard(&sets[i], &sets[j]) >= THRESHOLD)).collect();
        let found: Vec<usize> = near(&texts, THRESHOLD, false).iter().map(|near| near.later).collect();
        assert!(plain.len() > 30, "{}", plain.len());
        assert_eq!(found, plain);
    }
}
