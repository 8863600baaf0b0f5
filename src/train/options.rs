//! What a person asked for: the flags of `train`.

use std::fmt::Display;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::base::arch::{Precision, Recompute};
use crate::base::units::thousands;
use crate::base::{Config, Error, Freeze, Lora, Optimizer, Preset, Result};
use crate::check::tune::Effort;
use crate::dataset::Template;
use crate::dataset::labels::parse_label;
use crate::device::Element;
use crate::journal;
use crate::optim::OnSpike;
use crate::tokens::Kind;
use crate::train::defaults::{ADAPTER_LR, CHECKPOINT, MIX, SCRATCH, SCRATCH_ADAMW, SEQUENCES, TOKENS};
use crate::train::origin::Origin;

/// The model's shape from scratch, unless another is asked for.
pub const PRESET: Preset = Preset::Tiny;
/// The tokenizer from scratch, unless another is asked for.
pub const TOKENIZER: Kind = Kind::Bytes;

/// Settings of a new run, as the flags of `diarist train` give them. A field is a flag's one definition: its doc comment is the
/// help, and a default stands beside it; where that depends on the run, the field is `None` and the help says what is taken
/// `unless_given`. Tests in `cli::train` hold the book and `run.json` to the flags.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Journals: files, folders and zips, of any kinds, freely mixed; `diarist corpus` shows what is in them
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// PATHs hold questions and their answers: JSON, JSONL, CSV, OpenAI `messages`, Alpaca, ShareGPT; only the answers are learned
    #[arg(long, help_heading = PAIRS, conflicts_with = "again")]
    pub pairs: bool,
    /// A journal to train on beside the pairs; repeatable
    #[arg(long, value_name = "PATH", requires = "pairs", help_heading = PAIRS)]
    pub beside: Vec<PathBuf>,
    /// Beside --continue, the share of old text in what is trained on, so that little is forgotten; of a run of pairs, the share that the
    /// journal of --beside has in the sequences of an epoch
    #[arg(long, value_name = "F", default_value_t = MIX)]
    pub mix: f64,
    /// What to start from: `scratch`; a model's folder or file (`diarist info` says what it is), or an earlier run's folder; or a
    /// model of the hub, as `diarist fetch` names it. Without it, GPT-2 is looked for in the cache, and offered where it is not there
    #[arg(long, value_name = "scratch|DIR|NAME")]
    pub from: Option<String>,
    /// Fetch the model that is not on this computer without asking
    #[arg(long, help_heading = GETTING, conflicts_with = "offline")]
    pub yes: bool,
    /// Open no connection, and do not ask for one
    #[arg(long, help_heading = GETTING)]
    pub offline: bool,
    /// The shape of a model from scratch
    #[arg(long, value_parser = presets(), unless_given = either(PRESET.name(), "its own"))]
    pub preset: Option<Preset>,
    /// The tokenizer of a model from scratch
    #[arg(long, value_parser = tokenizers(), unless_given = either(TOKENIZER.name(), "its own"))]
    pub tokenizer: Option<Kind>,
    /// The run's folder; NAME is the first PATH's
    #[arg(long, value_name = "DIR", unless_given = "checkpoints/NAME")]
    pub out: Option<PathBuf>,
    /// Optimizer steps
    #[arg(long, unless_given = either(format!("{}, with adamw {}, and an epoch at least", thousands(SCRATCH.least), thousands(SCRATCH_ADAMW.0)), "by epochs"))]
    pub steps: Option<u64>,
    /// Passes over the training text
    #[arg(long, unless_given = either("by steps", CHECKPOINT.epochs))]
    pub epochs: Option<f32>,
    /// Tokens of a sequence
    #[arg(long, alias = "block-size", unless_given = either(SCRATCH.context, format!("{}, or as many as there is memory for", CHECKPOINT.context)))]
    pub context: Option<usize>,
    /// Sequences that are computed together
    #[arg(long, unless_given = format!("{SEQUENCES}, over 50 million parameters 1 on a CPU and 4 on a GPU"))]
    pub batch: Option<usize>,
    /// Batches whose gradients are added up for one step
    #[arg(long, alias = "grad-accum", unless_given = format!("what makes batch × accumulate {SEQUENCES}; from a checkpoint what makes {} tokens, if that is fewer", thousands(TOKENS as u64)))]
    pub accumulate: Option<usize>,
    /// What moves the weights: AdamW all of them, or Muon the matrices of the blocks and AdamW the rest
    #[arg(long, value_parser = optimizers(), unless_given = either(SCRATCH.optimizer.name(), CHECKPOINT.optimizer.name()))]
    pub optimizer: Option<Optimizer>,
    /// Tune a checkpoint's weights by Muon all the same
    #[arg(long)]
    pub insist: bool,
    /// The highest learning rate
    #[arg(long, unless_given = either(format!("{:e}, with adamw {:e}", SCRATCH.lr, SCRATCH_ADAMW.1), format!("{:e}, of an adapter {:e}", CHECKPOINT.lr, ADAPTER_LR)))]
    pub lr: Option<f32>,
    /// Steps over which the learning rate rises
    #[arg(long, unless_given = "a twentieth of the steps, 100 at most")]
    pub warmup: Option<u64>,
    /// The weight decay of matrices and embeddings
    #[arg(long, default_value_t = 0.1)]
    pub weight_decay: f32,
    /// The largest global gradient norm; 0 for no clipping
    #[arg(long, default_value_t = 1.0)]
    pub grad_clip: f32,
    /// What is done about a step whose loss or gradient norm stands far above those before it: go-on counts it, skip leaves it
    /// out, lower halves the learning rate, stop ends the run
    #[arg(long, value_name = "go-on|skip|lower|stop", value_parser = on_spikes(), unless_given = OnSpike::default().name())]
    pub on_spike: Option<OnSpike>,
    /// The share of activations that is dropped
    #[arg(long, unless_given = either(SCRATCH.dropout, CHECKPOINT.dropout))]
    pub dropout: Option<f32>,
    /// What does not train: embeddings, first=N blocks, or both with a comma between
    #[arg(long, value_name = "PARTS", default_value_t, hide_default_value = true)]
    pub freeze: Freeze,
    /// Train an adapter beside the model, which stays as it is: r=16,alpha=32,dropout=0.05,targets=all-linear, or some of
    /// them (alpha is twice r unless it is said; targets are modules' names, with + between)
    #[arg(long, value_name = "SETTINGS", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["freeze", "dropout", "full"], help_heading = ADAPTER)]
    pub lora: Option<Lora>,
    /// Train all of a checkpoint's weights (full fine-tuning), also where an adapter would be taken: over 500 million parameters,
    /// and where there is no memory for more
    #[arg(long, help_heading = ADAPTER)]
    pub full: bool,
    /// What the model rests in while an adapter trains beside it
    #[arg(long, value_name = "f32|f16|q8_0|q4_1", default_value = "f32", value_parser = rests(), help_heading = ADAPTER)]
    pub weights: Element,
    /// What backward computes a second time instead of keeping it: none; gelu and the normalisations, which are cheap; or the whole
    /// block, which keeps its input alone: less memory, a sixth to a third more arithmetic. The numbers are the same. The word
    /// alone means block
    #[arg(long, value_name = "none|gelu|block", num_args = 0..=1, default_missing_value = "block", value_parser = recomputes(), unless_given = Recompute::default().name())]
    pub recompute: Option<Recompute>,
    /// What a step computes with: f32; or mixed: weights and activations in half precision, sums, gradients of weights and what is
    /// saved in single, which takes less memory, and on a processor more time
    #[arg(long, value_name = "f32|mixed", default_value = "f32", value_parser = precisions())]
    pub precision: Precision,
    /// The seed of everything random
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The share of the text that is held out: whole entries, or of a long one whole paragraphs
    #[arg(long, default_value_t = 0.1)]
    pub val_fraction: f64,
    /// Which entries are held out: random, latest, or a FILE that lists days or sources
    #[arg(long, value_name = "random|latest|FILE", default_value = "random")]
    pub split: String,
    /// Steps between validations
    #[arg(
        long,
        unless_given = "a tenth of the steps, rarer where that would cost more than a tenth of the training"
    )]
    pub eval_every: Option<u64>,
    /// Steps between samples
    #[arg(long, unless_given = "a quarter of the steps")]
    pub sample_every: Option<u64>,
    /// Steps between saves; there is one at least every ten minutes
    #[arg(long, unless_given = "a tenth of the steps")]
    pub save_every: Option<u64>,
    /// Evaluations without a better one after which the run ends; 0 goes on to the last step. The best is kept in any case
    #[arg(long, value_name = "N", unless_given = either(SCRATCH.patience, CHECKPOINT.patience))]
    pub patience: Option<u64>,
    /// Beside each validation, look which units of the MLPs write nothing for any token of a batch
    #[arg(long)]
    pub health: bool,
    /// What the samples while training begin with: a prompt a line, \n in it ends a line; repeatable
    #[arg(long, value_name = "FILE")]
    pub prompt_file: Vec<PathBuf>,
    /// Saved states that stay, the newest: one more than is needed, should it be damaged
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub keep: u64,
    /// auto, cpu, gpu, gpu:1 or gpu:PART-OF-A-NAME; auto takes the best real GPU, else the CPU
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// Threads of the CPU; 0 for all
    #[arg(long, default_value_t = 0)]
    pub threads: usize,
    /// How long is looked for the fastest kernels of this device before the first step: off takes what suits its kind, quick measures
    /// for some seconds what is not known yet, full everything. The run keeps to what was found
    #[arg(long, value_name = "off|quick|full", value_parser = efforts(), unless_given = "quick on a GPU, else off")]
    pub tune: Option<Effort>,
    /// What stands before each entry, as "{date:%A, %B %-d, %Y}\n"; also {title}, {tags}, {source} and --label's keys
    #[arg(long, value_name = "TEMPLATE", help_heading = HEADER, allow_hyphen_values = true)]
    pub header: Option<String>,
    /// Leave the header out of the loss
    #[arg(long, help_heading = HEADER)]
    pub mask_header: bool,
    /// How the journals are read.
    #[arg(skip)]
    pub journal: journal::Options,
    /// Tokens are looked for in this user's cache, and kept there.
    #[arg(skip)]
    pub cache: bool,
    /// Nothing that is doubtful or could not be read is passed over.
    #[arg(skip)]
    pub strict: bool,
}

/// The part of the help that `--yes` and `--offline` stand in.
pub const GETTING: &str = "Fetching a model";
/// The part of the help that `--lora` stands in.
pub const ADAPTER: &str = "Training an adapter";
/// The part of the help that `--header` stands in.
pub const HEADER: &str = "What stands before each entry";
/// The heading of the flags of pairs.
pub const PAIRS: &str = "Training on questions and answers";

impl Default for Options {
    /// What an empty command line gives.
    fn default() -> Options {
        #[derive(clap::Parser)]
        struct Nothing {
            #[command(flatten)]
            options: Options,
        }
        <Nothing as clap::Parser>::parse_from([""]).options
    }
}

/// Tells of a default that depends on the run, as clap tells of the others.
trait UnlessGiven {
    fn unless_given(self, default: impl Display) -> Self;
}

impl UnlessGiven for clap::Arg {
    fn unless_given(self, default: impl Display) -> clap::Arg {
        let help = self.get_help().map(ToString::to_string).unwrap_or_default();
        self.help(format!("{help} [default: {default}]"))
    }
}

/// A default from scratch, and another from a checkpoint.
fn either(scratch: impl Display, checkpoint: impl Display) -> String {
    format!("{scratch}; from a checkpoint {checkpoint}")
}

/// What a model's matrices may rest in, by name.
pub fn rests() -> impl TypedValueParser<Value = Element> {
    PossibleValuesParser::new(Element::WEIGHTS.map(Element::name))
        .try_map(|name| Element::WEIGHTS.into_iter().find(|e| e.name() == name).ok_or("no element"))
}

/// The presets, by name.
pub fn presets() -> impl TypedValueParser<Value = Preset> {
    PossibleValuesParser::new(Preset::ALL.map(Preset::name))
        .try_map(|name| Preset::from_name(&name).ok_or("no preset"))
}

/// The optimizers, by name.
pub fn optimizers() -> impl TypedValueParser<Value = Optimizer> {
    PossibleValuesParser::new(Optimizer::ALL.map(Optimizer::name))
        .try_map(|name| Optimizer::from_name(&name).ok_or("no optimizer"))
}

/// What may be done about a spike, by name.
pub fn on_spikes() -> impl TypedValueParser<Value = OnSpike> {
    PossibleValuesParser::new(OnSpike::ALL.map(OnSpike::name))
        .try_map(|name| OnSpike::from_name(&name).ok_or("no such thing"))
}

/// What may be computed twice, by name.
pub fn recomputes() -> impl TypedValueParser<Value = Recompute> {
    PossibleValuesParser::new(Recompute::ALL.map(Recompute::name))
        .try_map(|name| Recompute::from_name(&name).ok_or("no such thing"))
}

/// What a step may compute with, by name.
pub fn precisions() -> impl TypedValueParser<Value = Precision> {
    PossibleValuesParser::new(Precision::ALL.map(Precision::name))
        .try_map(|name| Precision::from_name(&name).ok_or("no such precision"))
}

/// How much may be measured, by name.
pub fn efforts() -> impl TypedValueParser<Value = Effort> {
    PossibleValuesParser::new(Effort::ALL.map(Effort::name))
        .try_map(|name| Effort::ALL.into_iter().find(|e| e.name() == name).ok_or("no such effort"))
}

/// The tokenizers, by name.
pub fn tokenizers() -> impl TypedValueParser<Value = Kind> {
    PossibleValuesParser::new(Kind::ALL.map(Kind::name))
        .try_map(|name| Kind::from_name(&name).ok_or("no tokenizer"))
}

impl Options {
    /// Where the weights come from, as far as this computer knows: nothing is fetched.
    ///
    /// # Errors
    /// A model of the hub where there is no place for its cache; settings of a model from scratch beside another.
    pub fn source(&self) -> Result<Origin> {
        let of = Origin::of(self.from.as_deref(), self.offline)?;
        self.check_optimizer(&of)?;
        match of {
            Origin::Cache(..) | Origin::Hub(..) if self.preset.is_some() => Err(Error::usage(
                "--preset is the shape of a model from scratch, and GPT-2 has its own",
                "say --from scratch, or leave --preset out",
            )),
            Origin::Scratch if self.lora.is_some() => Err(Error::usage(
                "--lora trains beside a model, and --from scratch has none yet",
                "name the model with --from, or leave --lora out",
            )),
            Origin::Scratch if self.full => Err(Error::usage(
                "--full is for a checkpoint; from scratch all weights train in any case",
                "leave --full out",
            )),
            of => Ok(of),
        }
    }

    /// Whether an adapter may be trained: nothing was said of what trains, and by what.
    pub fn may_adapt(&self, config: &Config) -> bool {
        let said =
            self.full || self.lora.is_some() || self.dropout.is_some() || self.freeze != Freeze::default();
        !said && self.optimizer != Some(Optimizer::Muon) && Lora::default().check(config).is_ok()
    }

    /// Checks that what moves the weights suits them.
    ///
    /// # Errors
    /// Muon for a checkpoint's weights, which nobody insisted on; the reason is Qu et al.'s (2026, arXiv:2605.10468).
    fn check_optimizer(&self, of: &Origin) -> Result<()> {
        let scratch = matches!(of, Origin::Scratch);
        let muon = self.optimizer == Some(Optimizer::Muon);
        if self.insist && (scratch || self.lora.is_some() || !muon) {
            return Err(Error::usage(
                "--insist is for --optimizer muon with a checkpoint's weights",
                "leave it out: nothing here needs it",
            ));
        }
        if !muon || scratch || self.lora.is_some() || self.insist {
            return Ok(());
        }
        Err(Error::usage(
            "--optimizer muon with a checkpoint's weights: a model that AdamW trained comes out worse when all of it is tuned \
             by Muon, which disturbs what it has learned (Qu et al. 2026, arXiv:2605.10468)",
            "leave --optimizer out, train an adapter beside it with --lora, or say --from scratch; to do it all the same, add --insist",
        ))
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

    /// The share that a journal beside pairs has in the sequences of an epoch; none without one.
    pub fn share(&self) -> Option<f64> {
        (self.pairs && !self.beside.is_empty()).then_some(self.mix)
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
        if self.weights != Element::F32 && self.lora.is_none() {
            return Err(Error::usage(
                format!("--weights {}: what trains is kept whole", self.weights.name()),
                "add --lora, which trains an adapter beside the model, or leave --weights out",
            ));
        }
        positive("--context", self.context.map(|x| x as u64))?;
        positive("--batch", self.batch.map(|x| x as u64))?;
        positive("--accumulate", self.accumulate.map(|x| x as u64))?;
        positive("--eval-every", self.eval_every)?;
        positive("--sample-every", self.sample_every)?;
        positive("--save-every", self.save_every)?;
        positive("--keep", Some(self.keep))?;
        if !(0.0..1.0).contains(&self.mix) {
            return Err(Error::usage(format!("--mix {}", self.mix), "use 0 or more, and less than 1"));
        }
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
        within("--weight-decay", Some(self.weight_decay), f32::INFINITY)?;
        within("--grad-clip", Some(self.grad_clip), f32::INFINITY)?;
        within("--dropout", self.dropout, 1.0)?;
        within("--val-fraction", Some(self.val_fraction as f32), 1.0)?;
        if self.epochs.is_some_and(|e| !(e > 0.0 && e.is_finite())) {
            return Err(Error::usage("--epochs must be more than 0", "use 3, say"));
        }
        if self.steps.is_some() && self.epochs.is_some() {
            return Err(Error::usage("--steps and --epochs both say how long to train", "give one of them"));
        }
        Ok(())
    }

    /// Checks what depends on the model's family.
    ///
    /// # Errors
    /// Dropout of a model that has no place for it.
    pub fn check_model(&self, config: &Config) -> Result<()> {
        if self.dropout.is_some_and(|p| p > 0.0) && !config.has_dropout() {
            return Err(Error::usage(
                format!(
                    "--dropout, and a {} has none: models of its shape are trained without",
                    config.title()
                ),
                "leave --dropout out; an adapter has its own: --lora dropout=0.05",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_refused() {
        let bad = [
            Options { steps: Some(0), ..Options::default() },
            Options { batch: Some(0), ..Options::default() },
            Options { dropout: Some(1.0), ..Options::default() },
            Options { lr: Some(f32::NAN), ..Options::default() },
            Options { epochs: Some(-1.0), ..Options::default() },
            Options { steps: Some(1), epochs: Some(1.0), ..Options::default() },
            Options { val_fraction: 1.0, ..Options::default() },
        ];
        assert!(bad.iter().all(|o| o.check().is_err()));
        assert!(Options::default().check().is_ok());
    }
}
