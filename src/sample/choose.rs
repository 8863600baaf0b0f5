//! From logits to a token: temperature, top-k, top-p (Holtzman et al. 2020, arXiv:1904.09751).

use std::cmp::Ordering;

use crate::base::rng::Rng;
use crate::base::{Error, Result};

/// How a token is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// What logits are divided by; 0 takes the likeliest token, of ties the lowest id.
    pub temperature: f32,
    /// Only the k likeliest tokens are drawn from; 0 for all.
    pub top_k: usize,
    /// Of those, the fewest whose probabilities reach this; 1 for all.
    pub top_p: f32,
}

impl Default for Choice {
    /// nanoGPT's: temperature 0.8, top-k 200.
    fn default() -> Choice {
        Choice { temperature: 0.8, top_k: 200, top_p: 1.0 }
    }
}

impl Choice {
    /// Checks the ranges.
    ///
    /// # Errors
    /// A negative temperature, or a top-p outside (0, 1].
    pub fn check(&self) -> Result<()> {
        if !(self.temperature >= 0.0 && self.temperature.is_finite()) {
            return Err(Error::usage(
                format!("--temperature {}", self.temperature),
                "use 0 (greedy) or more",
            ));
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return Err(Error::usage(format!("--top-p {}", self.top_p), "use more than 0, and 1 at most"));
        }
        Ok(())
    }

    /// How many of `n` likely tokens are drawn from.
    fn among(&self, n: usize) -> usize {
        if self.top_k == 0 { n } else { self.top_k.min(n) }
    }

    /// Whether what is drawn of a vocabulary of `v` is one of its `k` likeliest.
    pub fn is_among(&self, k: usize, v: usize) -> bool {
        self.temperature == 0.0 || self.among(v) <= k
    }
}

/// A logit and its token.
type Likely = (f32, u32);

/// The order of what is likely: the larger logit before the smaller, of equals the lower id before the higher.
fn likelier(a: &Likely, b: &Likely) -> Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
}

/// Draws one token from logits (V), of those that `allows` lets pass; none where it lets none of the likeliest pass that are drawn
/// from.
pub fn choose(logits: &[f32], how: &Choice, rng: &mut Rng, allows: &dyn Fn(u32) -> bool) -> Option<u32> {
    let mut all: Vec<Likely> = logits.iter().copied().zip(0..).collect();
    let k = how.among(all.len());
    if k < all.len() {
        all.select_nth_unstable_by(k, likelier);
        all.truncate(k);
    }
    draw(all, how, rng, allows)
}

/// Draws one token from the likeliest, pairs of a logit and an id in any order: the very token that [`choose`] draws from all, where
/// [`Choice::is_among`] says that it is one of them.
pub fn choose_likely(top: &[f32], how: &Choice, rng: &mut Rng, allows: &dyn Fn(u32) -> bool) -> Option<u32> {
    let (pairs, _) = top.as_chunks::<2>();
    draw(pairs.iter().map(|&[logit, id]| (logit, id as u32)).collect(), how, rng, allows)
}

/// Draws one of the likeliest as many as [`Choice::top_k`] says, and of them from the nucleus. What is not allowed is drawn again
/// from what is left of the nucleus, and where nothing is left, the likeliest below it is taken.
fn draw(mut likely: Vec<Likely>, how: &Choice, rng: &mut Rng, allows: &dyn Fn(u32) -> bool) -> Option<u32> {
    likely.sort_unstable_by(likelier);
    likely.truncate(how.among(likely.len()));
    let first_allowed = |from: usize| likely[from..].iter().map(|&(_, id)| id).find(|&id| allows(id));
    if how.temperature == 0.0 {
        return first_allowed(0);
    }
    let top = f64::from(likely[0].0);
    let weight = |&(logit, _): &Likely| ((f64::from(logit) - top) / f64::from(how.temperature)).exp();
    let mut weights: Vec<f64> = likely.iter().map(weight).collect();
    let total: f64 = weights.iter().sum();
    // The nucleus: as few of the likeliest as reach top_p of the probability.
    let mut kept = 0.0;
    let mut n = 0;
    while n < likely.len() && (n == 0 || kept < f64::from(how.top_p) * total) {
        kept += weights[n];
        n += 1;
    }
    while kept > 0.0 {
        let mut left = rng.uniform() * kept;
        let drawn = weights[..n].iter().position(|w| {
            left -= w;
            left < 0.0
        });
        // Rounding can leave a little: the last that has not been refused has it.
        let drawn = drawn.or_else(|| weights[..n].iter().rposition(|&w| w > 0.0))?;
        let id = likely[drawn].1;
        if allows(id) {
            return Some(id);
        }
        weights[drawn] = 0.0;
        kept = weights[..n].iter().sum();
    }
    first_allowed(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGITS: [f32; 5] = [0.0, 2.0, 2.0, 1.0, -1.0];

    fn any(_: u32) -> bool {
        true
    }

    fn shares(how: Choice) -> [f64; 5] {
        let mut rng = Rng::new(5, "choose");
        let mut counts = [0.0; 5];
        for _ in 0..20_000 {
            counts[choose(&LOGITS, &how, &mut rng, &any).unwrap() as usize] += 1.0 / 20_000.0;
        }
        counts
    }

    #[test]
    fn zero_is_greedy_and_ties_take_the_lowest_id() {
        let how = Choice { temperature: 0.0, ..Choice::default() };
        assert_eq!(choose(&LOGITS, &how, &mut Rng::new(1, ""), &any), Some(1));
    }

    #[test]
    fn draws_follow_the_softmax() {
        let how = Choice { temperature: 0.5, top_k: 0, top_p: 1.0 };
        let e: Vec<f64> = LOGITS.iter().map(|x| f64::from(x / 0.5).exp()).collect();
        let total: f64 = e.iter().sum();
        for (share, e) in shares(how).iter().zip(&e) {
            // Five standard deviations of a share of 20,000 draws: 5·√(¼/20,000) = 0.018.
            assert!((share - e / total).abs() < 0.018, "{share} {}", e / total);
        }
    }

    #[test]
    fn top_k_and_top_p_cut_the_tail() {
        let k2 = shares(Choice { temperature: 1.0, top_k: 2, top_p: 1.0 });
        assert!(k2[1] > 0.4 && k2[2] > 0.4 && k2[0] + k2[3] + k2[4] == 0.0);
        // The two likeliest hold 0.38 each: one is not enough for 0.5, two are.
        let p = shares(Choice { temperature: 1.0, top_k: 0, top_p: 0.5 });
        assert!(p[1] > 0.4 && p[2] > 0.4 && p[0] + p[3] + p[4] == 0.0);
    }

    #[test]
    fn what_is_not_allowed_is_never_drawn() {
        let mut rng = Rng::new(6, "choose");
        let mut draw =
            |how: Choice, refused: &[u32]| choose(&LOGITS, &how, &mut rng, &|id| !refused.contains(&id));
        let greedy = Choice { temperature: 0.0, ..Choice::default() };
        assert_eq!(draw(greedy, &[1]), Some(2));
        assert_eq!(draw(greedy, &[1, 2, 3]), Some(0));
        let two = Choice { temperature: 1.0, top_k: 2, top_p: 1.0 };
        let half = Choice { temperature: 1.0, top_k: 0, top_p: 0.5 };
        for _ in 0..200 {
            assert_eq!(draw(two, &[1]), Some(2));
            // Beyond the nucleus the likeliest, and beyond the k likeliest nothing.
            assert_eq!(draw(half, &[1, 2]), Some(3));
            assert_eq!(draw(two, &[1, 2]), None);
        }
    }

    /// From the likeliest the very token that all would give, for every k that they hold, ties where they are cut included.
    #[test]
    fn from_the_likeliest_as_from_all() {
        let mut rng = Rng::new(3, "logits");
        for v in [5, 300, 2000] {
            let smooth: Vec<f32> = (0..v).map(|_| 3.0 * rng.normal()).collect();
            let tied: Vec<f32> = smooth.iter().map(|x| x.round()).collect();
            for logits in [smooth, tied] {
                let k = 256.min(v);
                let mut top: Vec<Likely> = logits.iter().copied().zip(0..).collect();
                top.sort_by(likelier);
                top.truncate(k);
                top.sort_by_key(|&(_, id)| id);
                let top: Vec<f32> = top.iter().flat_map(|&(logit, id)| [logit, id as f32]).collect();
                for (temperature, top_k, top_p) in [
                    (0.0, 0, 1.0),
                    (1.0, 1, 1.0),
                    (0.8, 200, 1.0),
                    (1.3, 256, 0.9),
                    (0.7, 0, 1.0),
                    (2.0, 4, 0.5),
                ] {
                    let how = Choice { temperature, top_k, top_p };
                    assert_eq!(how.is_among(k, v), temperature == 0.0 || top_k > 0 || v <= 256);
                    if !how.is_among(k, v) {
                        continue;
                    }
                    let [mut a, mut b] = [0, 0].map(|_| Rng::new(9, "draws"));
                    for _ in 0..50 {
                        let likely = choose_likely(&top, &how, &mut a, &any);
                        assert_eq!(likely, choose(&logits, &how, &mut b, &any));
                    }
                }
            }
        }
    }
}
