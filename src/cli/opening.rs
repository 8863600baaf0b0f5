//! How a trained model is opened: the arguments that `sample` and `eval` share.

use std::path::Path;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::base::Result;
use crate::cli::adapters::Adapters;
use crate::cli::out;
use crate::device::select::Device;
use crate::device::{Element, Recording};
use crate::model::Shape;
use crate::sample::{Model, Reads};

/// Arguments of every command that uses a trained model.
#[derive(clap::Args)]
pub struct Opening {
    /// auto, cpu, gpu, gpu:1 or gpu:PART-OF-A-NAME
    #[arg(long, default_value = "auto")]
    device: String,
    /// Threads of the CPU; 0 for all
    #[arg(long, default_value_t = 0)]
    threads: usize,
    /// How matrices are kept in memory: whole, or rounded to half precision, which halves what is read for each token
    #[arg(long, value_name = "f32|f16", default_value = "f32", value_parser = weights())]
    weights: Element,
    #[command(flatten)]
    adapters: Adapters,
}

fn weights() -> impl TypedValueParser<Value = Element> {
    let names = [Element::F32, Element::F16].map(Element::name);
    PossibleValuesParser::new(names).map(|name| if name == "f16" { Element::F16 } else { Element::F32 })
}

impl Opening {
    /// Opens the model in `dir` as it was asked for, for one sequence, with the recordings that `program` makes of its shape.
    ///
    /// # Errors
    /// No such device; otherwise as [`Model::open`].
    pub fn open(
        &self,
        dir: &Path,
        reads: Reads,
        program: impl Fn(&Shape) -> Result<Vec<Recording>>,
    ) -> Result<Model> {
        let device = Device::open(&self.device, self.threads)?;
        out::using(dir, &device);
        let checkpoint = self.adapters.open(dir)?;
        Model::open(checkpoint, &device, self.weights, 1, reads, |shape| Ok(program(shape)?.into()))
    }
}
