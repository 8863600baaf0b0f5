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
    /// Sequences that it decodes at once, at most: fewer where memory is short.
    pub streams: usize,
}

/// A model on a device, with its tokenizer.
pub struct Model {
    /// The executor that holds it.
    pub exec: Box<dyn Executor>,
    /// Its shape.
    pub config: Config,
    /// Tokens that it sees at once.
    pub positions: usize,
    /// Sequences that it decodes at once.
    pub streams: usize,
    /// Its tokenizer; none where it was opened for [`Reads::Ids`].
    pub tokenizer: Option<Tokenizer>,
    /// The adapters that run beside it, as a person is told of them.
    beside: Option<String>,
}

impl Model {
    /// Puts a model on a device, its adapters beside it, with the recordings that `program` makes of its shape. Where it is to read text, its tokenizer is read before anything is loaded. `most`, which is given the tokenizer,
    /// says how many tokens the model will be given at once where that is known: positions beyond those are not computed.
    ///
    /// # Errors
    /// Weights that cannot be read; more positions than it knows; a device that cannot hold it; those of `most`.
    pub fn open(
        mut checkpoint: Checkpoint,
        device: &Device,
        at: At,
        reads: Reads,
        most: impl FnOnce(Option<&Tokenizer>) -> Result<Option<usize>>,
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
        let positions = most(tokenizer.as_ref())?.map_or(positions, |most| positions.min(most.max(1)));
        let base = Shape::new(config, 1, positions, device.limits(), device.choices());
        let beside = checkpoint.adapters_told();
        let mut adapters = checkpoint.take_adapters();
        let lora = adapters.as_ref().map(|stacked| stacked.lora.clone());
        let shape = Shape { positions, lora, weights: at.weights, ..base };
        let streams = fit::streams(device.free(), &shape, at.streams, &program);
        let shape = Shape { streams, ..shape };
        let recorded = program(&shape)?;
        fit::check(device.free(), &shape, &recorded, &program)?;
        let mut exec = device.load(recorded, Options::default())?;
        store::load(exec.as_mut(), &shape, &mut checkpoint)?;
        if let Some(stacked) = &mut adapters {
            store::load_adapter(exec.as_mut(), &shape, |param| stacked.read(&param.name))?;
        }
        Ok(Model { exec, config, positions, streams, tokenizer, beside })
    }

    /// An error of using it: where numbers are not finite and adapters run beside it, it is they that count too much before the
    /// checkpoint is damaged.
    pub fn told(&self, error: Error) -> Error {
        match (error, &self.beside) {
            (Error::NotFinite { step, what, value, found, next }, Some(beside)) => {
                let next = format!(
                    "let the adapter beside it count less (--adapter-scale 0.1): {beside}; or {next}"
                );
                Error::NotFinite { step, what, value, found, next }
            }
            (other, _) => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights;

    #[test]
    fn no_more_positions_are_computed_than_will_be_given() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/forms/peft/base");
        let device = Device::open("cpu", 1).unwrap();
        let positions = |context: Option<usize>, most: Option<usize>| {
            let at = At { weights: Element::F32, context, streams: 1 };
            let program = |shape: &Shape| Ok(vec![shape.evaluate()?].into());
            Model::open(weights::open(&path).unwrap(), &device, at, Reads::Ids, |_| Ok(most), program)
                .map(|model| model.positions)
        };
        assert_eq!(positions(None, None).unwrap(), 6, "all that it knows");
        assert_eq!(positions(None, Some(3)).unwrap(), 3);
        assert_eq!(positions(Some(2), Some(3)).unwrap(), 2);
        assert_eq!(positions(None, Some(0)).unwrap(), 1);
        assert!(positions(Some(7), Some(3)).is_err(), "more than it knows is refused all the same");
    }
}
