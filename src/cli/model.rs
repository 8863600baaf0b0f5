//! A trained model opened for use: by `sample` and `eval`.

use std::path::{Path, PathBuf};

use crate::base::{Config, Result};
use crate::cli::out;
use crate::device::executor::Options;
use crate::device::select::Device;
use crate::device::{Executor, Program};
use crate::model::{Shape, store};
use crate::run::newest;
use crate::tokens::{Tokenizer, files};
use crate::weights::huggingface;

/// A model on a device, with its tokenizer.
pub struct Model {
    /// The executor that holds it.
    pub exec: Box<dyn Executor>,
    /// Its shape.
    pub config: Config,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
}

/// The folder that was named, or the newest run of `checkpoints/`.
///
/// # Errors
/// There is no run.
pub fn folder(dir: Option<&PathBuf>) -> Result<PathBuf> {
    match dir {
        Some(dir) => Ok(dir.clone()),
        None => newest(Path::new("checkpoints")),
    }
}

/// Opens a folder's model with the recordings that `program` makes of its shape, for `b` sequences of `t` (0: its whole
/// context).
///
/// # Errors
/// A folder that holds no model of ours, or a device that cannot hold it.
pub fn open(
    dir: &Path,
    device: &str,
    threads: usize,
    b: usize,
    program: impl FnOnce(&Shape) -> Result<Program>,
) -> Result<Model> {
    let mut checkpoint = huggingface::open(dir)?;
    let config = *checkpoint.config();
    let tokenizer = files::from_folder(dir, config.vocab_size())?;
    let device = Device::open(device, threads)?;
    out::note(format!("{} on {}", dir.display(), device.line()));
    let shape = Shape::new(config, b, config.block_size(), device.limits(), device.choices());
    let mut exec = device.load(program(&shape)?, Options::default())?;
    store::load(exec.as_mut(), &shape, &mut checkpoint)?;
    Ok(Model { exec, config, tokenizer })
}
