//! What is drawn from: the likely tokens that temperature, top-k, top-p, min-p and typical leave, and the drawing.

use crate::base::rng::Rng;
use crate::sample::choose::choice::Choice;
use crate::sample::choose::likely::{Likely, likeliest_of};

/// What is drawn from, and what stands below it.
pub struct Nucleus {
    /// As many of the likeliest as top-k says: first what is drawn from, then the rest, each by falling likelihood. Of a choice that cuts
    /// nothing all of them, by id.
    likely: Vec<Likely>,
    /// The probabilities of the first, times what makes the likeliest's 1. None of a greedy choice, which draws nothing.
    weights: Vec<f64>,
}

impl Nucleus {
    /// Of as many of the likeliest tokens as top-k says, the likeliest first. What is as unlikely as can be, or no number, is not
    /// drawn from.
    pub fn of(mut likely: Vec<Likely>, how: &Choice) -> Nucleus {
        likely.retain(|&(logit, _)| logit > f32::NEG_INFINITY);
        let Some(&(top, _)) = likely.first().filter(|_| how.temperature > 0.0) else {
            return Nucleus { likely, weights: Vec::new() };
        };
        let mut weights = weights(&likely, top, how);
        weights.truncate(enough(&weights, f64::from(how.top_p)));
        let least = f64::from(how.min_p);
        weights.truncate(weights.partition_point(|&weight| weight >= least));
        if how.typical_p < 1.0 {
            let typical = typical(&weights, f64::from(how.typical_p));
            let below = likely.split_off(weights.len());
            let (kept, untypical): (Vec<_>, Vec<_>) =
                likely.into_iter().zip(weights).zip(typical).partition(|(_, is_typical)| *is_typical);
            (likely, weights) = kept.into_iter().map(|(kept, _)| kept).unzip();
            likely.extend(untypical.into_iter().map(|((likely, _), _)| likely).chain(below));
        }
        Nucleus { likely, weights }
    }

    /// Of all tokens in any order, of a choice that cuts nothing and is not greedy: there is nothing that an order is needed for.
    pub fn whole(mut likely: Vec<Likely>, how: &Choice) -> Nucleus {
        likely.retain(|&(logit, _)| logit > f32::NEG_INFINITY);
        let top = likely.iter().fold(f32::NEG_INFINITY, |top, &(logit, _)| top.max(logit));
        Nucleus { weights: weights(&likely, top, how), likely }
    }

    /// The tokens that are drawn from, with their probabilities, which sum to 1, the likelier before the less likely.
    pub fn shares(&self) -> Vec<(u32, f64)> {
        let total: f64 = self.weights.iter().sum();
        let ids = self.likely.iter().map(|&(_, id)| id);
        if self.weights.is_empty() {
            return ids.take(1).map(|id| (id, 1.0)).collect();
        }
        ids.zip(self.weights.iter().map(|weight| weight / total)).collect()
    }

    /// Draws one. What is not allowed is drawn again from what is left, and where nothing is left, the likeliest below is taken.
    pub fn draw(&mut self, rng: &mut Rng, allows: &dyn Fn(u32) -> bool) -> Option<u32> {
        let weights = &mut self.weights;
        let mut left: f64 = weights.iter().sum();
        while left > 0.0 {
            let mut at = rng.uniform() * left;
            let drawn = weights.iter().position(|weight| {
                at -= weight;
                at < 0.0
            });
            // Rounding can leave a little: the last that has not been refused has it.
            let drawn = drawn.or_else(|| weights.iter().rposition(|&weight| weight > 0.0))?;
            let (_, id) = self.likely[drawn];
            if allows(id) {
                return Some(id);
            }
            weights[drawn] = 0.0;
            left = weights.iter().sum();
        }
        self.likely[weights.len()..].iter().map(|&(_, id)| id).find(|&id| allows(id))
    }

    /// All tokens that are possible, the likeliest first, whatever their order here.
    pub fn likeliest(self) -> impl Iterator<Item = u32> {
        let n = self.likely.len();
        likeliest_of(self.likely.into_iter(), n).into_iter().map(|(_, id)| id)
    }
}

/// Each one's probability, times what makes that of the `top` 1.
fn weights(likely: &[Likely], top: f32, how: &Choice) -> Vec<f64> {
    let weight = |&(logit, _): &Likely| {
        // Of an infinite logit the difference to itself is no number.
        let below = if logit < top { f64::from(logit) - f64::from(top) } else { 0.0 };
        (below / f64::from(how.temperature)).exp()
    };
    likely.iter().map(weight).collect()
}

/// How many of the first weights reach so much of all: one at least.
fn enough(weights: &[f64], top_p: f64) -> usize {
    let total: f64 = weights.iter().sum();
    let (mut kept, mut n) = (0.0, 0);
    while n < weights.len() && (n == 0 || kept < top_p * total) {
        kept += weights[n];
        n += 1;
    }
    n
}

/// Which of the weights are typical: those whose surprise is nearest to the entropy, the fewest that reach so much of all, and
/// those as near as the last of them.
fn typical(weights: &[f64], mass: f64) -> Vec<bool> {
    let total: f64 = weights.iter().sum();
    let surprises: Vec<f64> = weights.iter().map(|weight| total.ln() - weight.ln()).collect();
    // What is never drawn adds nothing to what is to be expected, however surprising.
    let drawn = weights.iter().zip(&surprises).filter(|(weight, _)| **weight > 0.0);
    let entropy = drawn.map(|(weight, surprise)| weight / total * surprise).sum::<f64>();
    let mut nearest: Vec<(f64, f64)> =
        surprises.iter().map(|surprise| (surprise - entropy).abs()).zip(weights.iter().copied()).collect();
    nearest.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut kept = 0.0;
    let last = nearest.iter().find(|(_, weight)| {
        kept += weight;
        kept >= mass * total
    });
    let furthest = last.map_or(f64::INFINITY, |&(distance, _)| distance);
    surprises.iter().map(|surprise| (surprise - entropy).abs() <= furthest).collect()
}
