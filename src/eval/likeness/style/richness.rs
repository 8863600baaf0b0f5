//! How varied a vocabulary is, by figures that do not depend on a text's length.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// The share of different words in a window, averaged over all windows (MATTR: Covington and McFall 2010). `None` for
/// texts shorter than the window.
pub(super) fn mattr(keys: &[Cow<str>], window: usize) -> Option<f64> {
    if window == 0 || keys.len() < window {
        return None;
    }
    let ids = ids(keys);
    let mut counts = vec![0_usize; keys.len()];
    let (mut different, mut total) = (0_usize, 0_usize);
    for (i, &id) in ids.iter().enumerate() {
        different += usize::from(counts[id] == 0);
        counts[id] += 1;
        if let Some(gone) = i.checked_sub(window).map(|i| ids[i]) {
            counts[gone] -= 1;
            different -= usize::from(counts[gone] == 0);
        }
        if i + 1 >= window {
            total += different;
        }
    }
    let windows = keys.len() - window + 1;
    Some(total as f64 / (windows * window) as f64)
}

/// Yule's characteristic K (Yule 1944): 10⁴·(Σf² − N)/N² for words of frequencies f, N in all: how likely two words drawn
/// are the same. `None` for fewer than two words.
pub(super) fn yule_k(keys: &[Cow<str>]) -> Option<f64> {
    let n = keys.len() as f64;
    let mut counts = vec![0_u64; keys.len()];
    ids(keys).into_iter().for_each(|id| counts[id] += 1);
    let squares: u64 = counts.iter().map(|f| f * f).sum();
    (keys.len() > 1).then(|| 1e4 * (squares as f64 - n) / (n * n))
}

/// A number for each word, the same for the same.
fn ids(keys: &[Cow<str>]) -> Vec<usize> {
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    keys.iter()
        .map(|key| {
            let next = known.len();
            *known.entry(key).or_insert(next)
        })
        .collect()
}
