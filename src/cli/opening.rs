//! How a trained model is opened: the arguments that `sample` and `eval` share.

use std::path::Path;

use crate::base::Result;
use crate::cli::model::{self, Model};
use crate::device::Program;
use crate::model::Shape;

/// Arguments of every command that uses a trained model.
#[derive(clap::Args)]
pub struct Opening {
    /// auto, cpu, gpu, gpu:1 or gpu:PART-OF-A-NAME
    #[arg(long, default_value = "auto")]
    device: String,
    /// Threads of the CPU; 0 for all
    #[arg(long, default_value_t = 0)]
    threads: usize,
}

impl Opening {
    /// Opens the model in `dir` as it was asked for, for one sequence, with the recordings that `program` makes of its shape.
    ///
    /// # Errors
    /// As [`model::open`].
    pub fn open(&self, dir: &Path, program: impl FnOnce(&Shape) -> Result<Program>) -> Result<Model> {
        model::open(dir, &self.device, self.threads, 1, program)
    }
}
