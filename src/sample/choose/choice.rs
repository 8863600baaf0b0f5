//! What a person may ask of the drawing, and in which ranges.

use crate::base::{Error, Result};

/// How a token is drawn. The steps come in this order, which is that of transformers' `generate`: [bias](Choice::logit_bias),
/// [repetition](Choice::repetition_penalty), [frequency](Choice::frequency_penalty) and [presence](Choice::presence_penalty),
/// [n-grams](Choice::no_repeat_ngram); [temperature](Choice::temperature); [top-k](Choice::top_k), [top-p](Choice::top_p),
/// [min-p](Choice::min_p), [typical](Choice::typical_p), each of what the one before it has left, whose probabilities sum to 1 again.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// What logits are divided by; 0 takes the likeliest token, of ties the lowest id.
    pub temperature: f32,
    /// Only the k likeliest tokens are drawn from; 0 for all.
    pub top_k: usize,
    /// Of those, the fewest whose probabilities reach this (Holtzman et al. 2020, arXiv:1904.09751); 1 for all.
    pub top_p: f32,
    /// Of those, the ones that are at least so many times as likely as the likeliest (Nguyen et al. 2024, arXiv:2407.01082); 0 for all.
    pub min_p: f32,
    /// Of those, the fewest that reach this probability, taken in the order in which their surprise is nearest to the surprise
    /// that is to be expected (Meister et al. 2022, arXiv:2202.00666); 1 for all.
    pub typical_p: f32,
    /// What the logit of each token that occurs in the prompt or in what was written is divided by if it is positive, and
    /// multiplied by if it is negative (Keskar et al. 2019, arXiv:1909.05858); 1 for nothing, below 1 it favours repetition.
    pub repetition_penalty: f32,
    /// What is taken from a token's logit for each time that it was written (as `OpenAI` documents it); 0 for nothing.
    pub frequency_penalty: f32,
    /// What is taken from a token's logit if it was written at all (as `OpenAI` documents it); 0 for nothing.
    pub presence_penalty: f32,
    /// No so many tokens in a row that occur in the prompt or in what was written are written again; 0 for any.
    pub no_repeat_ngram: usize,
    /// What is added to the logits of tokens, before all else. A token that is not in the vocabulary has none.
    pub logit_bias: Vec<(u32, f32)>,
}

impl Default for Choice {
    /// nanoGPT's: temperature 0.8, top-k 200; nothing else.
    fn default() -> Choice {
        Choice {
            temperature: 0.8,
            top_k: 200,
            top_p: 1.0,
            min_p: 0.0,
            typical_p: 1.0,
            repetition_penalty: 1.0,
            frequency_penalty: 0.0,
            presence_penalty: 0.0,
            no_repeat_ngram: 0,
            logit_bias: Vec::new(),
        }
    }
}

/// An error that names a flag, unless its value is in range. A NaN is in none.
fn in_range(flag: &str, value: f32, is_in: bool, next: &str) -> Result<()> {
    if is_in { Ok(()) } else { Err(Error::usage(format!("{flag} {value}"), next)) }
}

impl Choice {
    /// Checks the ranges. Every [`Choice::no_repeat_ngram`] is one.
    ///
    /// # Errors
    /// A negative temperature; a top-p or typical-p outside (0, 1]; a min-p outside [0, 1]; a repetition penalty of 0 or less; a
    /// frequency or presence penalty outside [-2, 2], or a bias outside [-100, 100], which are `OpenAI`'s ranges.
    pub fn check(&self) -> Result<()> {
        let Choice { temperature, top_p, min_p, typical_p, repetition_penalty, .. } = *self;
        let share = "use more than 0, and 1 at most";
        let is_share = |p: f32| p > 0.0 && p <= 1.0;
        let least = temperature >= 0.0 && temperature.is_finite();
        in_range("--temperature", temperature, least, "use 0 (greedy) or more")?;
        in_range("--top-p", top_p, is_share(top_p), share)?;
        in_range("--min-p", min_p, (0.0..=1.0).contains(&min_p), "use 0 (off) to 1")?;
        in_range("--typical-p", typical_p, is_share(typical_p), share)?;
        let positive = repetition_penalty > 0.0 && repetition_penalty.is_finite();
        let next = "use 1 (off), or more to repeat less: 1.1, say";
        in_range("--repetition-penalty", repetition_penalty, positive, next)?;
        for (flag, penalty) in
            [("--frequency-penalty", self.frequency_penalty), ("--presence-penalty", self.presence_penalty)]
        {
            in_range(flag, penalty, (-2.0..=2.0).contains(&penalty), "use -2 to 2; 0 is off")?;
        }
        for &(id, bias) in &self.logit_bias {
            if !(-100.0..=100.0).contains(&bias) {
                let next = "use -100 (never) to 100 (always)";
                return Err(Error::usage(format!("--logit-bias {id}:{bias}"), next));
            }
        }
        Ok(())
    }

    /// How many of `n` likely tokens are drawn from.
    pub(super) fn among(&self, n: usize) -> usize {
        if self.top_k == 0 { n } else { self.top_k.min(n) }
    }

    /// Whether every token is drawn that can be, each as often as it is likely.
    #[allow(clippy::float_cmp)] // 1 itself is off, and 0
    pub(super) fn cuts_nothing(&self) -> bool {
        let Choice { temperature, top_k, top_p, min_p, typical_p, .. } = *self;
        temperature > 0.0 && top_k == 0 && top_p == 1.0 && min_p == 0.0 && typical_p == 1.0
    }

    /// Whether a repetition penalty does anything.
    #[allow(clippy::float_cmp)] // 1 itself is off
    pub(super) fn has_repetition_penalty(&self) -> bool {
        self.repetition_penalty != 1.0
    }

    /// Whether what was written so far bends the logits, or a bias does, so that another token may be the likeliest.
    pub fn bends(&self) -> bool {
        self.has_repetition_penalty()
            || self.frequency_penalty != 0.0
            || self.presence_penalty != 0.0
            || self.no_repeat_ngram > 0
            || !self.logit_bias.is_empty()
    }

    /// Whether what is drawn of a vocabulary of `v` is one of its `k` likeliest, and these are enough to draw it. Min-p only takes
    /// from what top-k leaves, and asks for no more.
    pub fn is_among(&self, k: usize, v: usize) -> bool {
        let greedy = self.temperature == 0.0;
        !self.bends() && (greedy || (self.typical_p >= 1.0 && self.among(v) <= k))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_range_is_named_by_its_flag() {
        let how = Choice::default;
        assert!(how().check().is_ok());
        let wrong = [
            ("--temperature", Choice { temperature: -0.1, ..how() }),
            ("--temperature", Choice { temperature: f32::INFINITY, ..how() }),
            ("--top-p", Choice { top_p: 0.0, ..how() }),
            ("--min-p", Choice { min_p: 1.1, ..how() }),
            ("--min-p", Choice { min_p: f32::NAN, ..how() }),
            ("--typical-p", Choice { typical_p: 0.0, ..how() }),
            ("--typical-p", Choice { typical_p: 1.5, ..how() }),
            ("--repetition-penalty", Choice { repetition_penalty: 0.0, ..how() }),
            ("--repetition-penalty", Choice { repetition_penalty: f32::NAN, ..how() }),
            ("--frequency-penalty", Choice { frequency_penalty: 2.1, ..how() }),
            ("--presence-penalty", Choice { presence_penalty: -2.1, ..how() }),
            ("--logit-bias 7:101", Choice { logit_bias: vec![(3, 1.0), (7, 101.0)], ..how() }),
        ];
        for (flag, wrong) in wrong {
            let said = wrong.check().unwrap_err().to_string();
            assert!(said.starts_with(flag) && said.contains("next: use"), "{flag}: {said}");
        }
        let edges = Choice { min_p: 1.0, frequency_penalty: -2.0, presence_penalty: 2.0, ..how() };
        assert!(edges.check().is_ok());
        assert!(Choice { logit_bias: vec![(0, 100.0), (1, -100.0)], ..how() }.check().is_ok());
    }

    #[test]
    fn the_likeliest_are_enough_only_where_nothing_bends_and_top_k_cuts() {
        let how = Choice::default;
        let enough = |how: Choice| how.is_among(256, 50_257);
        assert!(enough(how()));
        assert!(enough(Choice { min_p: 0.1, top_p: 0.9, ..how() }));
        assert!(!enough(Choice { min_p: 0.1, top_k: 0, ..how() }));
        assert!(!enough(Choice { min_p: 0.1, top_k: 257, ..how() }));
        assert!(!enough(Choice { typical_p: 0.9, ..how() }));
        let greedy = || Choice { temperature: 0.0, top_k: 0, ..how() };
        assert!(enough(greedy()) && enough(Choice { typical_p: 0.9, min_p: 0.1, ..greedy() }));
        for bent in [
            Choice { repetition_penalty: 1.1, ..greedy() },
            Choice { frequency_penalty: 0.1, ..greedy() },
            Choice { presence_penalty: -0.1, ..greedy() },
            Choice { no_repeat_ngram: 3, ..greedy() },
            Choice { logit_bias: vec![(5, 1.0)], ..greedy() },
        ] {
            assert!(bent.bends() && !enough(bent.clone()), "{bent:?}");
            assert!(!enough(Choice { temperature: 0.8, top_k: 200, ..bent }));
        }
    }
}
