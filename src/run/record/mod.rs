//! `run.json`: everything needed to resume a run, or to replay it elsewhere.

#[cfg(test)]
mod example;
mod file;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::{Config, Error, Result};
use crate::dataset::pairs::form::Form;
use crate::device::Choices;
use crate::device::select::Identity;
use crate::journal;
use crate::optim::LossScale;
use crate::run::runs::RECORD;
use crate::tokens::{Additions, Kind, Tokenizer, Width, files};

pub(super) use file::to_json;
pub use file::{now, read};
pub use settings::Settings;

#[cfg(test)]
pub(crate) use example::example;

/// The newest version of `run.json`: of a run in mixed precision, which an older diarist would go on with in single.
pub const VERSION: u32 = 4;
/// The version of any other run, and the oldest that is read.
pub const OLDEST: u32 = 3;

/// A run, as `run.json` holds it. Fields that a later diarist adds are ignored when read; a change that an older one would
/// misread raises [`VERSION`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// [`version`] of its settings.
    pub version: u32,
    /// When the run began, RFC 3339 in UTC: [`now`].
    pub created: String,
    /// The version of diarist that began it.
    pub diarist: String,
    /// The model's shape.
    pub model: Config,
    /// The preset's name; none where the shape came from a checkpoint.
    pub preset: Option<String>,
    /// "gpt2", "bytes", or "bpe": another, in the folder's `tokenizer.json`.
    pub tokenizer: String,
    /// SHA-256 of that file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokenizer_file: Option<String>,
    /// The added tokens and the ends of text of the checkpoint that it began from, where those are not the tokenizer's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub additions: Option<Additions>,
    /// "scratch", or the folder whose weights the run began with.
    pub from: String,
    /// The model that its adapter stands beside, where it trains one: it stays where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Base>,
    /// How it trains.
    pub settings: Settings,
    /// What it trains on.
    pub data: Data,
    /// What it trains with.
    pub device: Identity,
    /// Which variant of each kernel the device runs, every pick of them.
    pub kernels: Choices,
    /// How far it is.
    pub position: Position,
    /// Whether the last step is done.
    pub finished: bool,
    /// The newest evaluation.
    pub last_eval: Option<Evaluation>,
    /// The evaluation before the first step: what the model knew of the text that it began with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_eval: Option<Evaluation>,
    /// The evaluation with the lowest loss, of those after a step.
    pub best_eval: Option<Evaluation>,
    /// Evaluations since that one.
    #[serde(default)]
    pub since_best: u64,
    /// Steps so far whose loss or gradient norm stood far above those before them.
    #[serde(default)]
    pub spikes: u64,
    /// How often one of them has halved the learning rate.
    #[serde(default)]
    pub lowered: u64,
    /// What gradients are multiplied by, in mixed precision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_scale: Option<LossScale>,
    /// Where that one's model lies; none before it, and where nothing is held out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<State>,
    /// Where the newest state lies; filled by [`Saving::commit`](crate::run::Saving::commit).
    pub state: State,
}

/// A model that a run needs and does not change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// Where it is: a folder or a file.
    pub path: PathBuf,
    /// SHA-256 of every file that its weights are in, by name.
    pub files: BTreeMap<String, String>,
}

/// What is trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Data {
    /// The files and folders, as given.
    pub paths: Vec<String>,
    /// SHA-256 of `tokens.bin`.
    pub fingerprint: String,
    /// SHA-256 of `entries.jsonl`; nothing is said in the records of a diarist that did not write one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// Entries in all.
    pub entries: u64,
    /// Words in all.
    pub words: u64,
    /// What was read, left out and changed, as the first lines of `train` said it: what, and words. Nothing is said in the
    /// records of a diarist that did not write it down.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub brief: Vec<(String, String)>,
    /// The bytes of an id in `tokens.bin`; nothing is said of two.
    #[serde(default, skip_serializing_if = "Width::is_narrow")]
    pub width: Width,
    /// The training range of `tokens.bin`, half open, in tokens.
    pub train: [u64; 2],
    /// The validation range, half open, in tokens; empty where nothing is held out.
    pub val: [u64; 2],
    /// The template of the lines before each entry.
    pub header: Option<String>,
    /// SHA-256 of `masked.bin`, where headers are left out of the loss.
    pub masked: Option<String>,
    /// How the entries that are held out were chosen: "random", "latest", or the file that lists them.
    pub split: String,
    /// How the journals were read: whose words, which files, days and tags, what was changed in style, what they are labelled.
    pub reading: journal::Options,
    /// That it is trained on questions and their answers; none of a run of entries alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairs: Option<Pairs>,
    /// The run that this one continues, with new entries; none where it continues none.
    #[serde(default, rename = "continue", skip_serializing_if = "Option::is_none")]
    pub continues: Option<Continues>,
}

/// Questions and their answers, which a run is trained on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pairs {
    /// How they are written for the model.
    pub form: Form,
    /// The share of windows of plain entries beside them that was asked for; none where all entries are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mix: Option<f32>,
}

/// A run that another one continues.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Continues {
    /// Its folder, absolute.
    pub run: PathBuf,
    /// The share of its text in what is trained on that was asked for.
    pub mix: f32,
    /// Where in `tokens.bin` what it held out ends, and what is held out of the new entries begins.
    pub held_out: u64,
}

/// How far a run is: the state holds the model after `step` optimizer steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Optimizer steps done.
    pub step: u64,
    /// Targets trained on.
    pub tokens: u64,
    /// The epoch that the next window comes from, from 0.
    pub epoch: u64,
    /// The next window's index in that epoch's permutation.
    pub index: u64,
    /// Micro-steps done: the counter of dropout masks.
    pub micro_step: u64,
}

/// An evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// After this many optimizer steps.
    pub step: u64,
    /// Mean loss over the validation range, nats/token; of a run that continues another, `mix` of the old text's and the rest of the
    /// new one's.
    pub val_loss: f32,
    /// Those two, of such a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apart: Option<Apart>,
}

/// Mean losses over what a continued run held out, and over what is held out of the new entries; none where that is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Apart {
    /// On the old text.
    pub old: Option<f32>,
    /// On the new.
    pub new: Option<f32>,
}

/// A saved state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The folder, relative to the run's: "state/120".
    pub folder: String,
    /// SHA-256 of every file in it, by name.
    pub files: BTreeMap<String, String>,
}

/// The version of a run's record.
pub fn version(settings: &Settings) -> u32 {
    if settings.precision.is_usual() { OLDEST } else { VERSION }
}

impl Run {
    /// Counts the micro-steps of the steps done as if each had had as many as it has now: where what drops goes by their number.
    pub fn count_micro_steps(&mut self) {
        self.position.micro_step = self.position.step * self.settings.accumulate as u64;
    }

    /// Its tokenizer: one that is made from nothing, or, where it came with a model, the one in the run's folder.
    ///
    /// # Errors
    /// The folder's tokenizer cannot be read, or is of a kind that this diarist does not know.
    pub fn tokenizer(&self, folder: &Path) -> Result<Tokenizer> {
        let tokenizer = match Kind::from_name(&self.tokenizer) {
            Some(kind) => Tokenizer::new(kind),
            None if self.tokenizer == Kind::Bpe.name() => {
                files::from_folder(folder, self.model.vocab_size())?
            }
            None => {
                return Err(Error::file(
                    folder.join(RECORD),
                    format!("names a tokenizer {:?}", self.tokenizer),
                    "use a newer diarist, or restore the file",
                ));
            }
        };
        Ok(tokenizer.with(self.additions.clone()))
    }
}

impl State {
    /// The folder of a step's state, relative to the run's.
    pub fn folder_of(step: u64) -> String {
        format!("state/{step}")
    }

    /// The folder of the best model, of that step, relative to the run's.
    pub fn best_of(step: u64) -> String {
        format!("best/{step}")
    }
}
