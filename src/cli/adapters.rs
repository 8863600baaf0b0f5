//! Adapters laid on a model: the arguments of every command that opens one.

use std::path::{Path, PathBuf};

use crate::base::units::{shown, thousands};
use crate::base::{Error, Result};
use crate::cli::out;
use crate::run::{Run, read_run};
use crate::train::base;
use crate::weights::{self, Checkpoint};

/// Adapters, and how much each counts.
#[derive(Clone, Default, clap::Args)]
pub struct Adapters {
    /// Lay a LoRA adapter on the model: a PEFT folder, its fetched name, or a GGUF; again for more, in their order
    #[arg(long = "adapter", value_name = "ADAPTER")]
    paths: Vec<PathBuf>,
    /// How often it counts: one for all, or one for each in their order [default: 1]
    #[arg(long = "adapter-scale", value_name = "S", requires = "paths", allow_negative_numbers = true)]
    scales: Vec<f32>,
}

/// Opens the model at a path. Of a run that is the best one, and where that is not the last, it is said.
///
/// # Errors
/// As [`weights::open`]; an adapter's base that is another than the run's.
pub fn open(model: &Path) -> Result<Checkpoint> {
    let checkpoint = weights::open(model)?;
    base::check(&checkpoint, model)?;
    if let Ok(Run { best: Some(best), best_eval: Some(eval), position, state, .. }) = read_run(model)
        && eval.step != position.step
        && best.folder.ends_with(&eval.step.to_string())
        && model.join(&best.folder).is_dir()
    {
        out::note(format!(
            "best     the model of step {}, by its held-out loss of {:.4}; the last, of step {}, is {}",
            thousands(eval.step),
            eval.val_loss,
            thousands(position.step),
            shown(&model.join(&state.folder))
        ));
    }
    Ok(checkpoint)
}

impl Adapters {
    /// Opens the model at a path with the adapters on it.
    ///
    /// # Errors
    /// Scales that are none, or not as many as the adapters; otherwise as [`open`] and [`Checkpoint::add_adapter`].
    pub fn open(&self, model: &Path) -> Result<Checkpoint> {
        self.check()?;
        let mut checkpoint = open(model)?;
        self.lay_on(&mut checkpoint)?;
        Ok(checkpoint)
    }

    /// Checks what can be checked before anything is opened.
    ///
    /// # Errors
    /// As [`open`](Self::open), for the scales.
    pub fn check(&self) -> Result<()> {
        let (adapters, scales) = (self.paths.len(), self.scales.len());
        if scales > 1 && scales != adapters {
            return Err(Error::usage(
                format!("{scales} times --adapter-scale for {adapters} times --adapter"),
                "give one scale for all adapters, or one for each in their order",
            ));
        }
        match self.scales.iter().find(|scale| !scale.is_finite()) {
            Some(scale) => {
                Err(Error::usage(format!("--adapter-scale {scale}: no number"), "use 1, or 0.5, say"))
            }
            None => Ok(()),
        }
    }

    /// Lays the adapters on a model, in their order.
    ///
    /// # Errors
    /// As [`Checkpoint::add_adapter`].
    pub fn lay_on(&self, checkpoint: &mut Checkpoint) -> Result<()> {
        for (i, path) in self.paths.iter().enumerate() {
            let scale = self.scales.get(i).or(self.scales.first()).copied().unwrap_or(1.0);
            checkpoint.add_adapter(path, scale)?;
        }
        Ok(())
    }

    /// The run that the topmost of them is, where one is a run's: how the model is spoken to, and what it is called.
    pub fn run(&self) -> Option<&Path> {
        self.paths.iter().rev().find(|path| read_run(path).is_ok()).map(PathBuf::as_path)
    }

    /// Whether there are any.
    pub fn any(&self) -> bool {
        !self.paths.is_empty()
    }
}
