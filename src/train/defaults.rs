//! What is assumed where a person did not say. `book/src/recipes.md` has the experiments that it rests on.

use crate::base::{Config, Error, Optimizer, Result};
use crate::run::record::Settings;
use crate::train::Options;

/// Sequences a step, at most.
pub(super) const SEQUENCES: usize = 8;
/// Tokens of a step that tunes a checkpoint, at most.
const TOKENS: usize = 4096;

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

impl Options {
    /// The context that is asked for, before a short text or a lack of room shortens it.
    ///
    /// # Errors
    /// One that the model does not know.
    pub fn context(&self, scratch: bool, most: usize) -> Result<usize> {
        match self.context {
            Some(t) if !scratch && t > most => Err(Error::usage(
                format!("--context {t} is more than the {most} positions this model knows"),
                format!("use --context {most} or less"),
            )),
            Some(t) => Ok(t),
            None => Ok(self.defaults(scratch).context.min(most)),
        }
    }

    /// Sequences a micro-step, and micro-steps a step. A CPU takes sequences one by one where a model is large, a GPU
    /// together; the sequences of a step are the same, and from a checkpoint as many as make [`TOKENS`].
    pub fn batches(&self, scratch: bool, config: &Config, context: usize, gpu: bool) -> (usize, usize) {
        let sequences = if scratch { SEQUENCES } else { (TOKENS / context).clamp(1, SEQUENCES) };
        let large = config.num_params() > 50_000_000;
        let usual = if large { if gpu { 4 } else { 1 } } else { SEQUENCES };
        let batch = self.batch.unwrap_or(usual.min(sequences));
        let rest = (sequences / batch).max(1);
        let accumulate = self.accumulate.unwrap_or(if self.batch.is_some() && scratch { 1 } else { rest });
        (batch, accumulate)
    }

    /// Every setting of the run, once the data are known: `windows` of them in an epoch, and `val_tokens` held out.
    pub fn settings(
        &self,
        config: &Config,
        scratch: bool,
        context: usize,
        batches: (usize, usize),
        windows: usize,
        val_tokens: usize,
    ) -> Settings {
        let d = self.defaults(scratch);
        let (batch, accumulate) = batches;
        let of_epochs =
            |e: f32| ((f64::from(e) * windows as f64) / (batch * accumulate) as f64).ceil().max(1.0) as u64;
        let (steps, epochs) = match (self.steps, self.epochs) {
            (Some(steps), _) => (steps, None),
            (None, Some(e)) => (of_epochs(e), Some(e)),
            (None, None) => (of_epochs(d.epochs).max(d.least), None),
        };
        let lr = self.lr.unwrap_or(if self.lora.is_some() { ADAPTER_LR } else { d.lr });
        let usual = if config.has_dropout() { d.dropout } else { 0.0 };
        let dropout = self.lora.as_ref().map(|lora| lora.dropout).or(self.dropout).unwrap_or(usual);
        let usual = intervals(steps, batch * accumulate * context, val_tokens);
        Settings {
            steps,
            epochs,
            batch,
            accumulate,
            context,
            lr,
            min_lr: lr / 10.0,
            lr_floor: None,
            warmup: self.warmup.unwrap_or(steps.div_ceil(20).min(100)),
            optimizer: d.optimizer,
            beta1: 0.9,
            beta2: 0.95,
            eps: 1e-8,
            weight_decay: self.weight_decay,
            grad_clip: self.grad_clip,
            on_spike: self.on_spike.unwrap_or_default(),
            dropout,
            freeze: self.freeze,
            lora: self.lora.clone(),
            weights: self.weights,
            recompute: self.recompute,
            seed: self.seed,
            val_fraction: self.val_fraction as f32,
            eval_every: self.eval_every.unwrap_or(usual.eval_every),
            sample_every: self.sample_every.unwrap_or(usual.sample_every),
            save_every: self.save_every.unwrap_or(usual.save_every),
            patience: self.patience.unwrap_or(d.patience),
            health: self.health,
            prompts: Vec::new(),
            keep: self.keep,
            threads: (self.threads > 0).then_some(self.threads),
        }
    }

    fn defaults(&self, scratch: bool) -> Defaults {
        let usual = if scratch { SCRATCH } else { CHECKPOINT };
        let optimizer = self.optimizer.unwrap_or(usual.optimizer);
        if scratch && optimizer == Optimizer::Adamw {
            let (least, lr) = SCRATCH_ADAMW;
            return Defaults { least, lr, optimizer, ..usual };
        }
        Defaults { optimizer, ..usual }
    }
}

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
    use crate::base::Preset;

    #[test]
    fn evaluations_never_cost_more_than_a_tenth() {
        assert_eq!(evaluations(1e6, 16_000.0), 10);
        assert_eq!(evaluations(2048.0, 13_000.0), 1, "the one at the end is always worth it");
        assert_eq!(evaluations(2e5, 13_000.0), 4);
    }

    #[test]
    fn a_step_of_tuning_has_as_many_tokens_whatever_its_windows() {
        let config = Preset::Gpt2.config(50_257);
        let of = |context, gpu| Options::default().batches(false, &config, context, gpu);
        assert_eq!([of(1024, false), of(1024, true)], [(1, 4), (4, 1)]);
        assert_eq!([of(512, false), of(512, true)], [(1, 8), (4, 2)]);
        assert_eq!([of(64, true), of(8192, true)], [(4, 2), (1, 1)]);
        let asked = Options { batch: Some(2), ..Options::default() };
        assert_eq!(asked.batches(false, &config, 1024, true), (2, 2));
    }
}
