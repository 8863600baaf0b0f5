use std::collections::BTreeMap;

use super::*;
use crate::eval::likeness::testing::{self as real, draws};

/// The same model from its definition, with maps and recursion: `history` is the characters before, the oldest first.
struct Naive {
    /// By n-gram, of each length.
    counts: Vec<BTreeMap<Vec<u32>, f64>>,
}

impl Naive {
    fn train(texts: &[&str], order: usize) -> Naive {
        let mut counts = vec![BTreeMap::new(); order + 1];
        for text in texts {
            let padded: Vec<u32> =
                std::iter::repeat_n(u32::MAX, order - 1).chain(text.chars().map(u32::from)).collect();
            for gram in padded.windows(order) {
                *counts[order].entry(gram.to_vec()).or_insert(0.0) += 1.0;
            }
        }
        for n in (1..order).rev() {
            let longer: Vec<Vec<u32>> = counts[n + 1].keys().cloned().collect();
            longer.iter().for_each(|gram| *counts[n].entry(gram[1..].to_vec()).or_insert(0.0) += 1.0);
        }
        Naive { counts }
    }

    fn probability(&self, history: &[u32], c: char) -> f64 {
        self.at(self.counts.len() - 1, history, c)
    }

    fn at(&self, n: usize, history: &[u32], c: char) -> f64 {
        if n == 0 {
            return 1.0 / 1_112_064.0;
        }
        let context = &history[history.len() - (n - 1)..];
        let of = |count: f64| self.counts[n].values().filter(|x| **x == count).count() as f64;
        let y = of(1.0) / (of(1.0) + 2.0 * of(2.0));
        let discount = |count: f64| {
            let i = count.min(3.0);
            let d = i - (i + 1.0) * y * of(i + 1.0) / of(i);
            if d > 0.0 && d <= i { d } else { 0.75 }
        };
        let followers: Vec<f64> = self.counts[n]
            .iter()
            .filter(|(gram, _)| gram.starts_with(context))
            .map(|(_, count)| *count)
            .collect();
        let lower = self.at(n - 1, history, c);
        if followers.is_empty() {
            return lower;
        }
        let total: f64 = followers.iter().sum();
        let back: f64 = followers.iter().map(|count| discount(*count)).sum();
        let gram: Vec<u32> = context.iter().copied().chain([u32::from(c)]).collect();
        let own = self.counts[n].get(&gram).map_or(0.0, |count| count - discount(*count));
        (own + back * lower) / total
    }
}

#[test]
fn as_defined() {
    let texts = ["the cat sat on the mat, the cat sat", "a dog, a cat", "", "日記 the end"];
    for order in 1..=6 {
        let (model, naive) = (CharModel::train(&texts, order), Naive::train(&texts, order));
        for text in ["the dog sat on a mat", "ab", "日日", "\u{10ffff}!"] {
            let mut history = vec![u32::MAX; order - 1];
            let (mut before, mut bits) = (String::new(), 0.0);
            for c in text.chars() {
                let p = naive.probability(&history, c);
                assert!((model.probability(&before, c) / p - 1.0).abs() < 1e-9, "{order} {before:?} {c}");
                bits -= p.log2();
                history.push(u32::from(c));
                before.push(c);
            }
            let (found, characters) = model.bits_per_character(text);
            assert!((found - bits).abs() < 1e-6 && characters == text.chars().count());
        }
    }
}

#[test]
fn by_hand() {
    // Of "aab", one character at a time: counts 2 and 1; too few counts of counts for the formula of 2 (n₃ = 0: discount 2)
    // but y = 1/(1 + 2) and the discount of 1 is 1 − 2·⅓·1 = ⅓. So p(a) = 0 + (7/3)/3/1112064, p(b) = (1 − ⅓)/3 + the same.
    let model = CharModel::train(&["aab"], 1);
    let floor = 7.0 / 9.0 / 1_112_064.0;
    assert!((model.probability("", 'a') / floor - 1.0).abs() < 1e-9);
    assert!((model.probability("", 'b') - (2.0 / 9.0 + floor)).abs() < 1e-12);
    // Untrained, all scalar values are alike: 20.08 bits each.
    let (bits, characters) = CharModel::train(&[], 6).bits_per_character("ab");
    assert!((bits - 2.0 * 1_112_064_f64.log2()).abs() < 1e-9 && characters == 2);
}

#[test]
fn probabilities_sum_to_one() {
    let texts = real::barbellion();
    let views =
        if texts.is_empty() { vec!["some text or other, and some more"] } else { real::views(&texts) };
    let model = CharModel::train(&views[..views.len().min(200)], 6);
    let alphabet: std::collections::BTreeSet<char> =
        views[..views.len().min(200)].iter().flat_map(|text| text.chars()).collect();
    let letters: Vec<char> = alphabet.iter().copied().collect();
    let mut draw = draws(3);
    for i in 0..60_usize {
        // Random characters, seen or not, and stretches of the text itself.
        let before: String = if i.is_multiple_of(2) {
            (0..i / 8)
                .map(|_| letters[draw() as usize % letters.len()])
                .chain(['\u{1f600}'].into_iter().take(i % 3))
                .collect()
        } else {
            views[i % views.len()].chars().take(draw() as usize % 40).collect()
        };
        let seen: f64 = letters.iter().map(|c| model.probability(&before, *c)).sum();
        let unseen = model.probability(&before, '\u{e000}') * (SCALARS - letters.len() as f64);
        assert!((seen + unseen - 1.0).abs() < 1e-9, "{before:?}: {seen} + {unseen}");
        assert!(unseen > 0.0);
    }
}

#[test]
fn held_out_barbellion_costs_what_it_should() {
    let texts = real::barbellion();
    if texts.is_empty() {
        return;
    }
    let views = real::views(&texts);
    let (mut train, mut test) = (Vec::new(), Vec::new());
    views
        .iter()
        .enumerate()
        .for_each(|(i, text)| if i % 10 == 9 { test.push(*text) } else { train.push(*text) });
    let cost = |order| {
        let model = CharModel::train(&train, order);
        let (bits, characters) = test
            .iter()
            .map(|text| model.bits_per_character(text))
            .fold((0.0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        bits / characters as f64
    };
    let by_order: Vec<f64> = [2, 4, 6].map(cost).to_vec();
    assert!(by_order.windows(2).all(|pair| pair[1] < pair[0]), "{by_order:?}");
    assert!((2.0..2.4).contains(&by_order[2]), "{by_order:?}");
}
