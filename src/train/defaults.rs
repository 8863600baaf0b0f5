//! What is assumed where a person did not say. `book/src/recipes.md` has the experiments that it rests on.

use crate::base::Optimizer;

/// Sequences a step, at most.
pub(super) const SEQUENCES: usize = 8;
/// Tokens of a step that tunes a checkpoint, at most.
pub(super) const TOKENS: usize = 4096;

/// Tokens that the window of a pair has at most, unless more are asked for.
pub(super) const LONGEST: usize = 1024;
/// The share of old text in what a continued run is trained on, and that of a journal beside pairs, unless another is asked for.
pub const MIX: f64 = 0.5;

/// What differs between training a small model from nothing and moving a large one towards a voice.
pub(super) struct Defaults {
    /// Steps that a run has at least; a large journal is read once in any case.
    pub least: u64,
    pub epochs: f32,
    pub context: usize,
    pub optimizer: Optimizer,
    pub lr: f32,
    pub dropout: f32,
    /// Evaluations that may pass without a better one.
    pub patience: u64,
}

/// Short windows and few tokens a step: in a few minutes, a small model learns most from many updates. No dropout: in so few
/// epochs it costs more than it guards. Held-out loss on examples/journal after the same million tokens: 1.59; with windows of
/// 128 1.65; with 1,024 tokens a step 1.67, and dropout 0.1 1.77. Muon, because in the same time it comes lower than AdamW in
/// twice the steps: `benches/record/2026-11-29-muon.md`. On a journal of 95,000 words, with Muon, windows of 128 are 0.17 behind at half of
/// the run and a weight decay of 1 is 0.14 behind at three quarters: `benches/record/2026-11-29-recipes.md`.
pub(super) const SCRATCH: Defaults = Defaults {
    least: 1000,
    epochs: 1.0,
    context: 64,
    optimizer: Optimizer::Muon,
    lr: 8e-3,
    dropout: 0.0,
    patience: 0,
};

/// Windows as long as GPT-2 knows, so that paragraphs hold together; shorter where there is no room for them
/// ([`settle`](super::settle)).
pub(super) const CHECKPOINT: Defaults = Defaults {
    least: 1,
    epochs: 3.0,
    context: 1024,
    optimizer: Optimizer::Adamw,
    lr: 5e-5,
    dropout: 0.1,
    patience: 3,
};

/// The context from a checkpoint, where there is room for it.
pub const CONTEXT: usize = CHECKPOINT.context;
/// The shortest that a lack of room makes of it.
pub(super) const SHORTEST: usize = 256;

/// What AdamW takes from scratch, where it is asked for instead.
pub(super) const SCRATCH_ADAMW: (u64, f32) = (2000, 2e-3);
/// An adapter starts at nothing and is thin: it takes ten times the rate (Hu et al. 2021 and PEFT's examples have 2e-4 to 1e-3).
pub(super) const ADAPTER_LR: f32 = 5e-4;

/// Steps between what interrupts the training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intervals {
    /// Evaluations.
    pub eval_every: u64,
    /// Samples.
    pub sample_every: u64,
    /// Saved states.
    pub save_every: u64,
}

/// The intervals that nobody asked for others of: of a run of so many steps, each of so many tokens.
pub fn intervals(steps: u64, tokens: usize, val_tokens: usize) -> Intervals {
    Intervals {
        eval_every: steps.div_ceil(evaluations(steps as f64 * tokens as f64, val_tokens as f64)),
        sample_every: steps.div_ceil(4),
        save_every: steps.div_ceil(10),
    }
}

/// How many evaluations a run is worth: ten, or as many as cost a tenth of the training. Forward alone is a third of a
/// training step's arithmetic.
fn evaluations(trained: f64, val_tokens: f64) -> u64 {
    (0.1 * trained / (val_tokens / 3.0).max(1.0)).clamp(1.0, 10.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evaluations_never_cost_more_than_a_tenth() {
        assert_eq!(evaluations(1e6, 16_000.0), 10);
        assert_eq!(evaluations(2048.0, 13_000.0), 1, "the one at the end is always worth it");
        assert_eq!(evaluations(2e5, 13_000.0), 4);
    }
}
