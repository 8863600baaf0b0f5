//! How likely the model found a token, whatever was done to draw it, and which of several texts it found likeliest.

use std::cmp::Ordering;

use crate::sample::choose::likely::likeliest_of;

/// The natural logarithms of the probabilities of all tokens (nats), by the logits (V) as the model gave them, summed in double
/// precision. For several questions about the same logits, whose exponentials are most of the work.
pub struct LogProbs<'l> {
    logits: &'l [f32],
    /// The largest logit.
    top: f32,
    /// The logarithm of the sum of their exponentials, over that logit.
    above: f64,
}

impl<'l> LogProbs<'l> {
    /// Of logits (V).
    pub fn new(logits: &'l [f32]) -> LogProbs<'l> {
        let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = logits.iter().map(|&logit| below(logit, top).exp()).sum();
        LogProbs { logits, top, above: sum.ln() }
    }

    /// A token's. Negative infinity for one that is not in the vocabulary; NaN where a logit is.
    pub fn of(&self, id: u32) -> f32 {
        let logit = self.logits.get(id as usize).copied().unwrap_or(f32::NEG_INFINITY);
        if logit == f32::NEG_INFINITY { logit } else { (below(logit, self.top) - self.above) as f32 }
    }

    /// The `k` likeliest tokens and theirs, the likelier before the less likely, of equals the lower id before the higher. What has
    /// no probability is not among them.
    pub fn likeliest(&self, k: usize) -> Vec<(u32, f32)> {
        if k == 0 {
            return Vec::new();
        }
        let likely = likeliest_of(self.logits.iter().copied().zip(0..), k);
        let logprobs = likely.into_iter().map(|(_, id)| (id, self.of(id)));
        logprobs.filter(|(_, logprob)| *logprob > f32::NEG_INFINITY).collect()
    }
}

/// A logit's difference to the largest, which infinities have too.
fn below(logit: f32, top: f32) -> f64 {
    if logit >= top { 0.0 } else { f64::from(logit) - f64::from(top) }
}

/// The order of several texts, each with the sum of its tokens' logarithms of probabilities and their number: by falling mean
/// logarithm a token, as `OpenAI`'s `best_of` has it, of equals the lower index first, and last what has no mean.
pub fn best(candidates: &[(f64, usize)]) -> Vec<usize> {
    let means: Vec<f64> = candidates.iter().map(|&(sum, tokens)| sum / tokens as f64).collect();
    let mut order: Vec<usize> = (0..means.len()).collect();
    order.sort_by(|&a, &b| {
        let (a, b) = (means[a], means[b]);
        b.partial_cmp(&a).unwrap_or_else(|| match (a.is_nan(), b.is_nan()) {
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            _ => Ordering::Equal,
        })
    });
    order
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // what is compared is exact
mod tests {
    use super::*;

    fn logprobs(logits: &[f32], id: u32) -> f32 {
        LogProbs::new(logits).of(id)
    }

    fn likeliest(logits: &[f32], k: usize) -> Vec<(u32, f32)> {
        LogProbs::new(logits).likeliest(k)
    }

    #[test]
    fn logprobs_are_the_logarithm_of_the_softmax() {
        let logits = [0.5_f32, -1.25, 3.0, f32::NEG_INFINITY, 3.0];
        let total: f64 = logits.iter().map(|&logit| f64::from(logit).exp()).sum();
        for (id, logit) in logits.iter().enumerate().filter(|(_, logit)| logit.is_finite()) {
            let expected = (f64::from(*logit).exp() / total).ln();
            // One rounding to single precision, of a number below 8.
            assert!((f64::from(logprobs(&logits, id as u32)) - expected).abs() < 4e-7);
        }
        assert_eq!(logprobs(&logits, 3), f32::NEG_INFINITY);
        assert_eq!(logprobs(&logits, 5), f32::NEG_INFINITY);
        assert!(logprobs(&[0.0, f32::NAN], 0).is_nan());
        assert_eq!(logprobs(&[0.0, f32::INFINITY], 1), 0.0);
        // Far from 0, where exponentials alone would be infinite or nothing.
        assert!((logprobs(&[1e30, 1e30], 0) + 2_f32.ln()).abs() < 1e-7);
        assert!((logprobs(&[-2000.0, -2000.0], 0) + 2_f32.ln()).abs() < 1e-7);
    }

    #[test]
    fn the_likeliest_come_first_and_what_cannot_be_not_at_all() {
        let logits = [0.5, f32::NEG_INFINITY, 3.0, -1.25, 3.0];
        let ids = |k: usize| likeliest(&logits, k).into_iter().map(|(id, _)| id).collect::<Vec<u32>>();
        assert_eq!(ids(3), [2, 4, 0]);
        assert_eq!(ids(9), [2, 4, 0, 3]);
        assert!(ids(0).is_empty() && likeliest(&[], 4).is_empty());
        for (id, logprob) in likeliest(&logits, 9) {
            assert_eq!(logprob, logprobs(&logits, id));
        }
    }

    #[test]
    fn the_best_is_the_likeliest_a_token_and_not_the_shortest() {
        assert_eq!(
            best(&[(-6.0, 2), (-10.0, 5), (-3.0, 1), (0.0, 0), (-4.0, 2), (f64::NAN, 3)]),
            [1, 4, 0, 2, 3, 5]
        );
        assert_eq!(best(&[(f64::NEG_INFINITY, 2), (f64::NAN, 1), (-1.0, 1)]), [2, 0, 1]);
        assert!(best(&[]).is_empty());
    }
}
