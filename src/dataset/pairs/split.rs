//! What of some pairs is trained on, and what is held out.

use std::collections::{BTreeMap, HashMap};

use crate::base::rng::Rng;
use crate::dataset::pairs::near::{THRESHOLD, hash, near, normalised};
use crate::dataset::pairs::pair::{Pair, Place};

/// Pairs of one theme that rest on the same belong together, unless they are more than this share of all, and more than
/// [`FEW`]: then what they rest on is a document as a whole, and says nothing of a partner.
const WHOLE: f64 = 0.05;
const FEW: usize = 12;

/// Divides pairs: a `fraction` (0 to 1) of each theme is held out, as nearly as can be. Pairs that belong together fall on one side:
/// those that ask the same or nearly (likeness of [`THRESHOLD`]), the answers of one conversation, and those of one theme that rest
/// on the same sources, as contrastive partners do. Both sides keep the order of the pairs.
///
/// The same pairs and seed give the same division, whatever the files they came from. Which is held out is drawn by what a pair
/// asks: a pair that is added elsewhere moves few others.
pub fn split(pairs: Vec<Pair>, fraction: f64, seed: u64) -> (Vec<Pair>, Vec<Pair>) {
    let held = held(&pairs, fraction, seed);
    let (mut train, mut out) = (Vec::new(), Vec::new());
    for (pair, held) in pairs.into_iter().zip(held) {
        if held { out.push(pair) } else { train.push(pair) }
    }
    (train, out)
}

/// Which are held out.
pub fn held(pairs: &[Pair], fraction: f64, seed: u64) -> Vec<bool> {
    let mut held = vec![false; pairs.len()];
    // A fraction that is no number holds nothing out.
    let fraction = if fraction > 0.0 { fraction.min(1.0) } else { return held };
    let mut strata: BTreeMap<&str, Vec<(u64, Vec<usize>)>> = BTreeMap::new();
    for group in groups(pairs) {
        let Some(&first) = group.first() else { continue };
        let theme = pairs[first].theme.as_deref().unwrap_or_default();
        let rank = group.iter().map(|&i| rank(&pairs[i], seed)).min().unwrap_or_default();
        strata.entry(theme).or_default().push((rank, group));
    }
    let mut owed = 0.0;
    for (_, mut groups) in strata {
        groups.sort();
        let size: usize = groups.iter().map(|(_, group)| group.len()).sum();
        owed += fraction * size as f64;
        for (_, group) in groups {
            // Held out where that brings the share nearer to what it should be.
            if group.len() as f64 / 2.0 <= owed {
                owed -= group.len() as f64;
                for i in group {
                    held[i] = true;
                }
            }
        }
    }
    held
}

/// A draw of the seed and of what a pair asks.
fn rank(pair: &Pair, seed: u64) -> u64 {
    let asked = hash(&normalised(&pair.asked()));
    Rng::new(seed ^ asked, "pairs held out").next_u64()
}

/// The pairs that belong together, by number; the groups in the order of their first ones.
pub fn groups(pairs: &[Pair]) -> Vec<Vec<usize>> {
    let mut sets = Sets { above: (0..pairs.len()).collect() };
    let asked: Vec<String> = pairs.iter().map(Pair::asked).collect();
    for near in near(&asked, THRESHOLD, true) {
        sets.join(near.later, near.earlier);
    }
    let mut conversations: HashMap<&Place, usize> = HashMap::new();
    let mut sources: BTreeMap<(Option<&String>, &[String]), Vec<usize>> = BTreeMap::new();
    for (i, pair) in pairs.iter().enumerate() {
        if pair.place.number > 0 {
            sets.join(*conversations.entry(&pair.place).or_insert(i), i);
        }
        if !pair.context.is_empty() {
            sources.entry((pair.theme.as_ref(), &pair.context)).or_default().push(i);
        }
    }
    let most = ((WHOLE * pairs.len() as f64) as usize).max(FEW);
    for together in sources.values().filter(|together| together.len() <= most) {
        for two in together.windows(2) {
            sets.join(two[0], two[1]);
        }
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for i in 0..pairs.len() {
        groups.entry(sets.first(i)).or_default().push(i);
    }
    groups.into_values().collect()
}

/// Disjoint sets of numbers, each named by its least.
struct Sets {
    above: Vec<usize>,
}

impl Sets {
    fn first(&mut self, mut i: usize) -> usize {
        while self.above[i] != i {
            self.above[i] = self.above[self.above[i]];
            i = self.above[i];
        }
        i
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.first(a), self.first(b));
        self.above[a.max(b)] = a.min(b);
    }
}
