//! How a run trains.

use serde::{Deserialize, Serialize};

use crate::base::arch::{Precision, Recompute};
use crate::base::{Freeze, Lora, Optimizer};
use crate::device::Element;
use crate::optim::OnSpike;

/// Every setting that the result depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Optimizer steps in all.
    pub steps: u64,
    /// Passes over the training range, where the steps were asked for so.
    pub epochs: Option<f32>,
    /// Sequences a micro-step.
    pub batch: usize,
    /// Micro-steps an optimizer step.
    pub accumulate: usize,
    /// `T`: tokens a sequence.
    pub context: usize,
    /// The learning rate after warm-up.
    pub lr: f32,
    /// The learning rate that the cosine ends at.
    pub min_lr: f32,
    /// The step that the cosine ends at, where the run was extended with the rate left at its floor; else it is the last.
    #[serde(default)]
    pub lr_floor: Option<u64>,
    /// Steps of linear warm-up.
    pub warmup: u64,
    /// What moves the weights; nothing is said of it in the records of a diarist that had AdamW alone.
    #[serde(default)]
    pub optimizer: Optimizer,
    /// AdamW's decay of the first moment.
    pub beta1: f32,
    /// AdamW's decay of the second moment.
    pub beta2: f32,
    /// AdamW's ε.
    pub eps: f32,
    /// The decay of matrices and embeddings.
    pub weight_decay: f32,
    /// The global norm that gradients are clipped to; 0 for no clipping.
    pub grad_clip: f32,
    /// What is done about a spike.
    #[serde(default)]
    pub on_spike: OnSpike,
    /// The share dropped at every site.
    pub dropout: f32,
    /// What does not train.
    pub freeze: Freeze,
    /// The adapter that trains instead of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lora: Option<Lora>,
    /// What the matrices of a model that does not train rest in.
    #[serde(default = "single", skip_serializing_if = "is_single")]
    pub weights: Element,
    /// What is computed a second time in backward instead of kept.
    #[serde(default, skip_serializing_if = "Recompute::is_usual")]
    pub recompute: Recompute,
    /// What a step computes with.
    #[serde(default, skip_serializing_if = "Precision::is_usual")]
    pub precision: Precision,
    /// The seed of all randomness.
    pub seed: u64,
    /// The share of entries held out.
    pub val_fraction: f32,
    /// Steps between evaluations; there is one at the end in any case.
    pub eval_every: u64,
    /// Steps between samples; there is one at the end in any case.
    pub sample_every: u64,
    /// Steps between saved states; ten minutes at most, whatever this says.
    pub save_every: u64,
    /// The run ends after so many evaluations without a better one than before them; 0 where it goes on to its last step.
    #[serde(default)]
    pub patience: u64,
    /// Whether the MLPs' units are looked at beside each evaluation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub health: bool,
    /// What the samples while training begin with; with none, one begins where every text begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prompts: Vec<String>,
    /// So many states stay, the newest.
    #[serde(default = "one")]
    pub keep: u64,
    /// Threads, where they were asked for; the bits do not depend on them.
    pub threads: Option<usize>,
}

fn one() -> u64 {
    1
}

fn single() -> Element {
    Element::F32
}

fn is_single(weights: &Element) -> bool {
    *weights == Element::F32
}
