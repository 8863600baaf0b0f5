//! How a trained model is opened: the arguments that `sample`, `chat`, `serve`, `eval` and `likeness` share.

use std::path::Path;

use crate::base::Result;
use crate::cli::adapters::Adapters;
use crate::cli::out;
use crate::device::select::Device;
use crate::device::{Element, Recording};
use crate::model::Shape;
use crate::model::parameters::not_in_blocks;
use crate::sample::{At, Model, Reads};
use crate::tokens::Tokenizer;
use crate::train::options::rests;

/// Arguments of every command that uses a trained model.
#[derive(Clone, clap::Args)]
pub struct Opening {
    /// auto, cpu, gpu, gpu:1 or gpu:PART-OF-A-NAME
    #[arg(long, default_value = "auto")]
    device: String,
    /// Threads of the CPU; 0 for all
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// How matrices are kept in memory: whole (f32), rounded to half precision (f16), or in blocks of 32 numbers that share a
    /// scale, of 9 bits a number (q8_0) or 5 (q4_1; the embeddings stay at 9)
    #[arg(long, value_name = "f32|f16|q8_0|q4_1", default_value = "f32", value_parser = rests())]
    weights: Element,
    /// Tokens that the model sees at once [default: all that it knows, 2,048 at most]
    #[arg(long, alias = "block-size")]
    context: Option<usize>,
    #[command(flatten)]
    adapters: Adapters,
    /// Whether nobody is told which device it is.
    #[arg(skip)]
    quiet: bool,
}

impl Opening {
    /// The same, of the model alone.
    pub fn without_adapters(&self) -> Opening {
        Opening { adapters: Adapters::default(), device: self.device.clone(), ..*self }
    }

    /// The same, of a model that was opened before: nobody is told again which device it is on.
    pub fn again(&self) -> Opening {
        Opening { adapters: self.adapters.clone(), device: self.device.clone(), quiet: true, ..*self }
    }

    /// What says how the model at a path is spoken to: the run whose adapter lies on it, or the model itself.
    pub fn spoken<'a>(&'a self, model: &'a Path) -> &'a Path {
        self.adapters.run().unwrap_or(model)
    }

    /// Opens the model in `dir` as it was asked for, for `streams` sequences at once if there is room, of `most` tokens at most where that
    /// is known, with the recordings that `program` makes of its shape.
    ///
    /// # Errors
    /// No such device; otherwise as [`Model::open`].
    pub fn open(
        &self,
        dir: &Path,
        (reads, streams): (Reads, usize),
        most: impl FnOnce(Option<&Tokenizer>) -> Result<Option<usize>>,
        program: impl Fn(&Shape) -> Result<Vec<Recording>>,
    ) -> Result<Model> {
        let device = Device::open(&self.device, self.threads)?;
        if !self.quiet {
            out::using(dir, &device);
        }
        let checkpoint = self.adapters.open(dir)?;
        if let Some(line) = not_in_blocks(checkpoint.config(), self.weights) {
            out::note(line);
        }
        let at = At { weights: self.weights, context: self.context, streams };
        Model::open(checkpoint, &device, at, reads, most, |shape| Ok(program(shape)?.into()))
    }
}
