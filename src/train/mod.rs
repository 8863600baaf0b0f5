//! Room 6: the loop, from paths of journals to a run's folder.
//!
//! [`start`] begins a run, [`again()`] one that follows another, and [`forget()`] one that does without some entries (`ready` is what
//! they share); [`resume`] goes on with one. All end in the loop (`session`), which drives the model through `engine`. What is trained on comes from [`dataset`](crate::dataset). What a person sees goes through an [`Observer`].

mod again;
pub mod base;
pub mod cost;
mod defaults;
mod dry_run;
mod earlier;
pub mod engine;
mod evaluation;
mod extend;
pub mod fit;
mod forget;
mod layout;
mod not_finite;
pub mod options;
pub mod origin;
mod pace;
mod pairs;
mod pieces;
mod prompts;
mod read;
mod ready;
mod recover;
mod resume;
mod sampling;
mod saving;
mod session;
mod settings;
mod settle;
mod source;
mod spikes;
mod start;
mod strict;
mod verdict;
mod vitals;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use crate::base::Result;
use crate::check::profile::Span;
use crate::weights::hub::{Hub, Name};

pub use again::{Again, EPOCHS, LOWER, again, look_again};
pub use defaults::{CONTEXT, MIX};
pub use dry_run::{Estimate, dry_run};
pub use forget::{Forget, Forgotten, Proof, forget};
pub use options::Options;
pub use resume::{Resume, resume};
pub use source::tokenizer_of;
pub use start::start;
pub use strict::not_whole;

/// What an optimizer step did.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// The step, from 1.
    pub step: u64,
    /// The last step.
    pub steps: u64,
    /// Nats a token.
    pub loss: f32,
    /// Its learning rate.
    pub lr: f32,
    /// The gradient's norm, before clipping.
    pub grad_norm: f32,
    /// The newest validation loss.
    pub val_loss: Option<f32>,
    /// Tokens a second, over the last few steps.
    pub tokens_per_second: f64,
    /// Seconds to the last step at that rate.
    pub seconds_left: f64,
    /// Bytes of the device's memory that the run holds.
    pub memory: u64,
}

/// Who watches a run.
pub trait Observer: crate::journal::Observer {
    /// A line about the run, before it starts.
    fn say(&mut self, line: &str);
    /// What a person should know, though they asked for quiet.
    fn warn(&mut self, line: &str) {
        self.say(line);
    }
    /// A line of how the run went, at its end.
    fn conclude(&mut self, line: &str) {
        self.say(line);
    }
    /// Whether the time of a step's dispatches is wanted, each by itself.
    fn wants_profile(&self) -> bool {
        false
    }
    /// What the dispatches of a step took.
    fn profiled(&mut self, _step: u64, _spans: &[Span]) {}
    /// Something that takes a while has begun.
    fn doing(&mut self, what: &str);
    /// A step is done.
    fn step(&mut self, progress: &Progress);
    /// A validation is so far, in windows.
    fn evaluating(&mut self, done: usize, of: usize);
    /// The validation loss was measured.
    fn evaluated(&mut self, step: u64, val_loss: f32);
    /// The model wrote `text`, which goes on from a prompt.
    fn sampled(&mut self, step: u64, prompt: &str, text: &str);
    /// The state of a step was saved in this folder.
    fn saved(&mut self, step: u64, folder: &Path) {
        let _ = (step, folder);
    }
    /// Whether there is somebody to ask.
    fn can_ask(&self) -> bool {
        false
    }
    /// Fetches a model that is not on this computer, if that is wanted, and returns its folder.
    ///
    /// # Errors
    /// It is not wanted, or did not come.
    fn fetch(&mut self, hub: &Hub, name: &Name) -> Result<PathBuf> {
        Err(hub.not_here(name))
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its folder.
    pub dir: PathBuf,
    /// Whether it was interrupted before its last step; it was saved all the same.
    pub interrupted: bool,
}

/// Set to ask for an end after the step that is running.
pub type Stop = AtomicBool;
