//! A trained model opened for use: by a command, by a server.

use crate::base::{Config, Error, Result};
use crate::device::executor::Options;
use crate::device::select::Device;
use crate::device::{Element, Executor, Program};
use crate::model::{POSITIONS, Shape, store};
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

/// How a model is kept on a device.
#[derive(Debug, Clone, Copy)]
pub struct At {
    /// What its matrices rest in.
    pub weights: Element,
    /// Tokens that it sees at once; all that it knows, [`POSITIONS`] at most, where nothing is said.
    pub context: Option<usize>,
}

/// A model on a device, with its tokenizer.
pub struct Model {
    /// The executor that holds it.
    pub exec: Box<dyn Executor>,
    /// Its shape.
    pub config: Config,
    /// Tokens that it sees at once.
    pub positions: usize,
    /// Its tokenizer; none where it was opened for [`Reads::Ids`].
    pub tokenizer: Option<Tokenizer>,
}

impl Model {
    /// Puts a model on a device, its adapters beside it, with the recordings that `program` makes of its shape, for one
    /// sequence. Where it is to read text, its tokenizer is read before anything is loaded.
    ///
    /// # Errors
    /// Weights that cannot be read; more positions than it knows; a device that cannot hold it.
    pub fn open(
        mut checkpoint: Checkpoint,
        device: &Device,
        at: At,
        reads: Reads,
        program: impl Fn(&Shape) -> Result<Program>,
    ) -> Result<Model> {
        let config = *checkpoint.config();
        let tokenizer = match reads {
            Reads::Text => Some(checkpoint.tokenizer()?),
            Reads::Ids => None,
        };
        let known = config.block_size();
        let positions = at.context.unwrap_or(known.min(POSITIONS));
        if !(1..=known).contains(&positions) {
            return Err(Error::usage(
                format!("--context {positions}, and this model knows {known} positions"),
                format!("use 1 to {known}"),
            ));
        }
        let base = Shape::new(config, 1, positions, device.limits(), device.choices());
        let mut adapters = checkpoint.take_adapters();
        let lora = adapters.as_ref().map(|stacked| stacked.lora.clone());
        let shape = Shape { positions, lora, weights: at.weights, ..base };
        let recorded = program(&shape)?;
        fit::check(device.free(), &shape, &recorded, &program)?;
        let mut exec = device.load(recorded, Options::default())?;
        store::load(exec.as_mut(), &shape, &mut checkpoint)?;
        if let Some(stacked) = &mut adapters {
            store::load_adapter(exec.as_mut(), &shape, |param| stacked.read(&param.name))?;
        }
        Ok(Model { exec, config, positions, tokenizer })
    }
}
