//! What a person asked for, and what is assumed where they did not.

use std::path::PathBuf;

use crate::base::{Config, Error, Preset, Result};
use crate::dataset::Template;
use crate::dataset::labels::parse_label;
use crate::journal;
use crate::run::record::Settings;
use crate::tokens::Kind;

/// Settings of a new run; `None` takes the default.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Journals: files, folders and zips.
    pub paths: Vec<PathBuf>,
    /// How they are read.
    pub journal: journal::Options,
    /// What stands before each entry.
    pub header: Option<String>,
    /// The header is left out of the loss.
    pub mask_header: bool,
    /// `random`, `latest`, or a file that lists what is held out.
    pub split: Option<String>,
    /// Tokens are looked for in this user's cache, and kept there.
    pub cache: bool,
    /// Nothing that is doubtful or could not be read is passed over.
    pub strict: bool,
    /// "scratch", or a checkpoint's folder.
    pub from: Option<String>,
    /// The shape of a model from scratch.
    pub preset: Option<Preset>,
    /// The tokenizer of a model from scratch.
    pub tokenizer: Option<Kind>,
    /// The run's folder.
    pub out: Option<PathBuf>,
    /// Optimizer steps.
    pub steps: Option<u64>,
    /// Passes over the training range.
    pub epochs: Option<f32>,
    /// `T`.
    pub context: Option<usize>,
    /// Sequences a micro-step.
    pub batch: Option<usize>,
    /// Micro-steps a step.
    pub accumulate: Option<usize>,
    /// The highest learning rate.
    pub lr: Option<f32>,
    /// Steps of warm-up.
    pub warmup: Option<u64>,
    /// AdamW's decay.
    pub weight_decay: Option<f32>,
    /// The largest gradient norm.
    pub grad_clip: Option<f32>,
    /// The share dropped.
    pub dropout: Option<f32>,
    /// The seed of everything random.
    pub seed: Option<u64>,
    /// The share of the text that is held out.
    pub val_fraction: Option<f64>,
    /// Steps between evaluations.
    pub eval_every: Option<u64>,
    /// Steps between samples.
    pub sample_every: Option<u64>,
    /// Steps between saves.
    pub save_every: Option<u64>,
    /// `auto`, `cpu`, `gpu`…
    pub device: String,
    /// Threads of the CPU; 0 for all.
    pub threads: usize,
}

/// What differs between training a small model from nothing and moving a large one towards a voice.
struct Defaults {
    /// Steps that a run has at least; a large journal is read once in any case.
    least: u64,
    epochs: f32,
    context: usize,
    sequences: usize,
    lr: f32,
    dropout: f32,
}

impl Options {
    /// Where the weights come from.
    ///
    /// # Errors
    /// It was not said: a silent choice would be wrong for someone.
    pub fn source(&self) -> Result<&str> {
        self.from.as_deref().ok_or_else(|| {
            Error::usage(
                "say what to start from: --from scratch, or --from DIR with GPT-2's folder",
                "`--from scratch` trains a small model that learns spelling and rhythm. For sense, start from GPT-2: \
                 put config.json and model.safetensors of huggingface.co/openai-community/gpt2 into a folder and give \
                 it as `--from DIR`",
            )
        })
    }

    /// The template of `--header`.
    ///
    /// # Errors
    /// A template, or a label, that cannot be read; `--mask-header` without a header.
    pub fn template(&self) -> Result<Option<Template>> {
        if self.mask_header && self.header.is_none() {
            return Err(Error::usage(
                "--mask-header without --header",
                "give the header that is to be masked",
            ));
        }
        let labels: Vec<String> =
            self.journal.labels.iter().map(|label| Ok(parse_label(label)?.1)).collect::<Result<_>>()?;
        self.header.as_deref().map(|typed| Template::parse(typed, &labels)).transpose()
    }

    /// Checks every number that can be checked alone.
    ///
    /// # Errors
    /// One that cannot work.
    pub fn check(&self) -> Result<()> {
        let positive = |name: &str, x: Option<u64>| match x {
            Some(0) => Err(Error::usage(format!("{name} 0"), "use 1 or more")),
            _ => Ok(()),
        };
        positive("--steps", self.steps)?;
        positive("--context", self.context.map(|x| x as u64))?;
        positive("--batch", self.batch.map(|x| x as u64))?;
        positive("--accumulate", self.accumulate.map(|x| x as u64))?;
        positive("--eval-every", self.eval_every)?;
        positive("--sample-every", self.sample_every)?;
        positive("--save-every", self.save_every)?;
        let sizes = [self.batch.unwrap_or(1), self.accumulate.unwrap_or(1), self.context.unwrap_or(1024)];
        let tokens = sizes.iter().try_fold(1_usize, |product, &x| product.checked_mul(x));
        if tokens.is_none_or(|t| t > 1 << 31) {
            return Err(Error::usage(
                "--batch times --accumulate times --context is more than two thousand million tokens a step",
                "leave --batch and --accumulate out: the defaults do well",
            ));
        }
        let within = |name: &str, x: Option<f32>, most: f32| match x {
            Some(x) if !(x >= 0.0 && x < most) => Err(Error::usage(
                format!("{name} {x}"),
                if most.is_finite() {
                    format!("use 0 or more, and less than {most}")
                } else {
                    "use 0 or more".into()
                },
            )),
            _ => Ok(()),
        };
        within("--lr", self.lr, f32::INFINITY)?;
        within("--weight-decay", self.weight_decay, f32::INFINITY)?;
        within("--grad-clip", self.grad_clip, f32::INFINITY)?;
        within("--dropout", self.dropout, 1.0)?;
        within("--val-fraction", self.val_fraction.map(|x| x as f32), 1.0)?;
        if self.epochs.is_some_and(|e| !(e > 0.0 && e.is_finite())) {
            return Err(Error::usage("--epochs must be more than 0", "use 3, say"));
        }
        if self.steps.is_some() && self.epochs.is_some() {
            return Err(Error::usage("--steps and --epochs both say how long to train", "give one of them"));
        }
        Ok(())
    }

    fn defaults(&self, scratch: bool) -> Defaults {
        if scratch {
            // Short windows and few tokens a step: in a few minutes, a small model learns most from many updates. No
            // dropout: in so few epochs it costs more than it guards. Held-out loss on examples/journal after the same
            // million tokens: 1.59; with windows of 128 1.65; with 1,024 tokens a step 1.67, and dropout 0.1 1.77.
            Defaults { least: 2000, epochs: 1.0, context: 64, sequences: 8, lr: 2e-3, dropout: 0.0 }
        } else {
            Defaults { least: 1, epochs: 3.0, context: 512, sequences: 8, lr: 5e-5, dropout: 0.1 }
        }
    }

    /// The context that is asked for, before a short corpus shortens it.
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
    /// together; the sequences of a step are the same.
    pub fn batches(&self, scratch: bool, config: &Config, gpu: bool) -> (usize, usize) {
        let sequences = self.defaults(scratch).sequences;
        let large = config.num_params() > 50_000_000;
        let batch = self.batch.unwrap_or(if large { if gpu { 4 } else { 1 } } else { sequences });
        let rest = (sequences / batch).max(1);
        let accumulate = self.accumulate.unwrap_or(if self.batch.is_some() && scratch { 1 } else { rest });
        (batch, accumulate)
    }

    /// Every setting of the run, once the data are known: `windows` of them in an epoch, and `val_tokens` held out.
    pub fn settings(
        &self,
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
        let lr = self.lr.unwrap_or(d.lr);
        Settings {
            steps,
            epochs,
            batch,
            accumulate,
            context,
            lr,
            min_lr: lr / 10.0,
            warmup: self.warmup.unwrap_or(steps.div_ceil(20).min(100)),
            beta1: 0.9,
            beta2: 0.95,
            eps: 1e-8,
            weight_decay: self.weight_decay.unwrap_or(0.1),
            grad_clip: self.grad_clip.unwrap_or(1.0),
            dropout: self.dropout.unwrap_or(d.dropout),
            seed: self.seed.unwrap_or(1),
            val_fraction: self.val_fraction.unwrap_or(0.1) as f32,
            eval_every: self.eval_every.unwrap_or_else(|| {
                let trained = steps as f64 * (batch * accumulate * context) as f64;
                steps.div_ceil(evaluations(trained, val_tokens as f64))
            }),
            sample_every: self.sample_every.unwrap_or(steps.div_ceil(4)),
            save_every: self.save_every.unwrap_or(steps.div_ceil(10)),
            threads: (self.threads > 0).then_some(self.threads),
        }
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

    #[test]
    fn what_cannot_work_is_refused() {
        let bad = [
            Options { steps: Some(0), ..Options::default() },
            Options { batch: Some(0), ..Options::default() },
            Options { dropout: Some(1.0), ..Options::default() },
            Options { lr: Some(f32::NAN), ..Options::default() },
            Options { epochs: Some(-1.0), ..Options::default() },
            Options { steps: Some(1), epochs: Some(1.0), ..Options::default() },
            Options { val_fraction: Some(1.0), ..Options::default() },
        ];
        assert!(bad.iter().all(|o| o.check().is_err()));
        assert!(Options::default().check().is_ok());
        assert!(Options::default().source().is_err());
    }
}
