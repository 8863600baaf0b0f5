//! The settings that follow from a person's flags and from what is assumed beside them.

use crate::base::{Config, Error, Optimizer, Result};
use crate::run::record::Settings;
use crate::train::defaults::{
    ADAPTER_LR, CHECKPOINT, Defaults, SCRATCH, SCRATCH_ADAMW, SEQUENCES, TOKENS, intervals,
};
use crate::train::options::Options;

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
            recompute: self.recompute.unwrap_or_default(),
            precision: self.precision,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Preset;

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
