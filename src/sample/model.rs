//! A trained model opened for use: by a command, by a server.

use crate::base::{Config, Result};
use crate::device::executor::Options;
use crate::device::select::Device;
use crate::device::{Element, Executor, Program};
use crate::model::{Shape, store};
use crate::sample::fit;
use crate::tokens::Tokenizer;
use crate::weights::Checkpoint;

/// What a model is opened to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// Text, by its tokenizer.
    Text,
    /// Token ids: its tokenizer is not looked at, and may be none that we know.
    Ids,
}

/// A model on a device, with its tokenizer.
pub struct Model {
    /// The executor that holds it.
    pub exec: Box<dyn Executor>,
    /// Its shape.
    pub config: Config,
    /// Its tokenizer; none where it was opened for [`Reads::Ids`].
    pub tokenizer: Option<Tokenizer>,
}

impl Model {
    /// Puts a model on a device, with the recordings that `program` makes of its shape, for `b` sequences of its whole context,
    /// its matrices at rest in `weights`. Where it is to read text, its tokenizer is read before anything is loaded.
    ///
    /// # Errors
    /// Weights that cannot be read, or a device that cannot hold them.
    pub fn open(
        mut checkpoint: Checkpoint,
        device: &Device,
        weights: Element,
        b: usize,
        reads: Reads,
        program: impl Fn(&Shape) -> Result<Program>,
    ) -> Result<Model> {
        let config = *checkpoint.config();
        let tokenizer = match reads {
            Reads::Text => Some(checkpoint.tokenizer()?),
            Reads::Ids => None,
        };
        let base = Shape::new(config, b, config.block_size(), device.limits(), device.choices());
        let shape = Shape { weights, ..base };
        let recorded = program(&shape)?;
        fit::check(device.free(), &shape, &recorded, &program)?;
        let mut exec = device.load(recorded, Options::default())?;
        store::load(exec.as_mut(), &shape, &mut checkpoint)?;
        Ok(Model { exec, config, tokenizer })
    }
}
