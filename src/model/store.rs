//! A model's weights and moments, to and from a device, in pieces small enough that no second copy of a model is ever in
//! memory.

use std::ops::Range;

use crate::base::arch::{Init, Param};
use crate::base::rng::Rng;
use crate::base::{Config, Error, Result};
use crate::device::{Executor, Limits};
use crate::model::parameters::{Piece, pieces};
use crate::weights::huggingface::Checkpoint;
use crate::weights::safetensors::{Reader, Writer};

/// Elements copied at once.
const COPY: usize = 1 << 20;

/// A range of a parameter's rows, and where it lies in a device tensor.
struct Part {
    rows: Range<usize>,
    tensor: String,
    first: usize,
}

/// A parameter cut into parts of at most [`COPY`] elements (a row at least). Vectors have rows of one element.
fn parts(param: &Param, limits: &Limits) -> (usize, Vec<Part>) {
    let row = if param.shape.len() == 2 { param.shape[1] } else { 1 };
    let at_once = (COPY / row).max(1);
    let mut parts = Vec::new();
    for Piece { name, shape, row0, .. } in pieces(param, limits) {
        for r in (0..shape[0]).step_by(at_once) {
            let rows = row0 + r..row0 + (r + at_once).min(shape[0]);
            parts.push(Part { rows, tensor: name.clone(), first: r * row });
        }
    }
    (row, parts)
}

/// Writes a new model's weights: GPT-2's initialisation, each parameter from a stream of its own.
///
/// # Errors
/// A lost device.
pub fn initialise(exec: &mut dyn Executor, cfg: &Config, limits: &Limits, seed: u64) -> Result<()> {
    for param in cfg.table() {
        let mut rng = Rng::new(seed, &param.name);
        let (row, parts) = parts(&param, limits);
        for part in parts {
            let draw = |_| match param.init {
                Init::Normal(std) => std * rng.normal(),
                Init::Ones => 1.0,
                Init::Zeros => 0.0,
            };
            let data: Vec<f32> = (0..part.rows.len() * row).map(draw).collect();
            exec.write(&part.tensor, part.first, &data)?;
        }
    }
    Ok(())
}

/// Writes a checkpoint's weights.
///
/// # Errors
/// A checkpoint that cannot be read or holds numbers that are not finite; a lost device.
pub fn load(exec: &mut dyn Executor, checkpoint: &mut Checkpoint, limits: &Limits) -> Result<()> {
    let mut data = Vec::new();
    for param in checkpoint.config().table() {
        let (row, parts) = parts(&param, limits);
        for part in parts {
            data.resize(part.rows.len() * row, 0.0);
            checkpoint.read(&param.name, part.rows, &mut data)?;
            exec.write(&part.tensor, part.first, &data)?;
        }
    }
    Ok(())
}

/// Reads the weights into a file of the table's order.
///
/// # Errors
/// A full disk; a lost device; a weight that is not finite ([`Error::NotFinite`] of step `step`).
pub fn save(
    exec: &mut dyn Executor,
    cfg: &Config,
    limits: &Limits,
    step: u64,
    writer: &mut Writer,
) -> Result<()> {
    copy_out(exec, cfg, limits, "", step, writer)
}

/// Reads the moments into a file: all `m.`, then all `v.`, in the table's order.
///
/// # Errors
/// As [`save`].
pub fn save_moments(
    exec: &mut dyn Executor,
    cfg: &Config,
    limits: &Limits,
    step: u64,
    writer: &mut Writer,
) -> Result<()> {
    copy_out(exec, cfg, limits, "m.", step, writer)?;
    copy_out(exec, cfg, limits, "v.", step, writer)
}

fn copy_out(
    exec: &mut dyn Executor,
    cfg: &Config,
    limits: &Limits,
    prefix: &str,
    step: u64,
    writer: &mut Writer,
) -> Result<()> {
    let mut data = Vec::new();
    for param in cfg.table() {
        let (row, parts) = parts(&param, limits);
        for part in parts {
            data.resize(part.rows.len() * row, 0.0);
            exec.read(&format!("{prefix}{}", part.tensor), part.first, &mut data)?;
            if let Some(&value) = data.iter().find(|x| !x.is_finite()) {
                let found = format!(": it stands in {prefix}{}", param.name);
                let next = "use a smaller --lr".to_string();
                return Err(Error::NotFinite {
                    step: Some(step),
                    what: "a weight or moment",
                    value,
                    found,
                    next,
                });
            }
            writer.write_f32(&data)?;
        }
    }
    Ok(())
}

/// Writes moments from a file that [`save_moments`] made.
///
/// # Errors
/// A file that cannot be read; a lost device.
pub fn load_moments(
    exec: &mut dyn Executor,
    cfg: &Config,
    limits: &Limits,
    reader: &mut Reader,
) -> Result<()> {
    let mut data = Vec::new();
    for param in cfg.table() {
        let (row, parts) = parts(&param, limits);
        for (prefix, part) in ["m.", "v."].iter().flat_map(|p| parts.iter().map(move |part| (p, part))) {
            data.resize(part.rows.len() * row, 0.0);
            reader.read_rows_f32(&format!("{prefix}{}", param.name), part.rows.clone(), &mut data)?;
            exec.write(&format!("{prefix}{}", part.tensor), part.first, &data)?;
        }
    }
    Ok(())
}

/// Sets the moments to zero.
///
/// # Errors
/// A lost device.
pub fn zero_moments(exec: &mut dyn Executor, cfg: &Config, limits: &Limits) -> Result<()> {
    for param in cfg.table() {
        let (row, parts) = parts(&param, limits);
        for (prefix, part) in ["m.", "v."].iter().flat_map(|p| parts.iter().map(move |part| (p, part))) {
            let zeros = vec![0.0; part.rows.len() * row];
            exec.write(&format!("{prefix}{}", part.tensor), part.first, &zeros)?;
        }
    }
    Ok(())
}
