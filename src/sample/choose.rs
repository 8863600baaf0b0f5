//! From logits to a token: temperature, top-k, top-p (Holtzman et al. 2020, arXiv:1904.09751).

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
}

/// Draws one token from logits (V).
pub fn choose(logits: &[f32], how: &Choice, rng: &mut Rng) -> u32 {
    let likelier = |&a: &usize, &b: &usize| logits[b].total_cmp(&logits[a]).then(a.cmp(&b));
    if how.temperature == 0.0 {
        return (0..logits.len()).min_by(likelier).expect("a vocabulary is not empty") as u32;
    }
    let mut ids: Vec<usize> = (0..logits.len()).collect();
    let k = if how.top_k == 0 { ids.len() } else { how.top_k.min(ids.len()) };
    if k < ids.len() {
        ids.select_nth_unstable_by(k, likelier);
        ids.truncate(k);
    }
    ids.sort_unstable_by(likelier);
    let top = f64::from(logits[ids[0]]);
    let weight = |&id: &usize| ((f64::from(logits[id]) - top) / f64::from(how.temperature)).exp();
    let weights: Vec<f64> = ids.iter().map(weight).collect();
    let total: f64 = weights.iter().sum();
    // The nucleus: as few of the likeliest as reach top_p of the probability.
    let mut kept = 0.0;
    let mut n = 0;
    while n < ids.len() && (n == 0 || kept < f64::from(how.top_p) * total) {
        kept += weights[n];
        n += 1;
    }
    let mut left = rng.uniform() * kept;
    for (id, w) in ids.iter().zip(&weights).take(n) {
        left -= w;
        if left < 0.0 {
            return *id as u32;
        }
    }
    ids[n - 1] as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGITS: [f32; 5] = [0.0, 2.0, 2.0, 1.0, -1.0];

    fn shares(how: Choice) -> [f64; 5] {
        let mut rng = Rng::new(5, "choose");
        let mut counts = [0.0; 5];
        for _ in 0..20_000 {
            counts[choose(&LOGITS, &how, &mut rng) as usize] += 1.0 / 20_000.0;
        }
        counts
    }

    #[test]
    fn zero_is_greedy_and_ties_take_the_lowest_id() {
        let how = Choice { temperature: 0.0, ..Choice::default() };
        assert_eq!(choose(&LOGITS, &how, &mut Rng::new(1, "")), 1);
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
}
