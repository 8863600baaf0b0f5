//! A model's weights and moments, to and from a device, in pieces small enough that no second copy of a model is ever in
//! memory.

use std::ops::Range;

use crate::base::arch::{Init, Param};
use crate::base::rng::Rng;
use crate::base::{Error, Result};
use crate::device::element::{pack_blocks, pack_f16};
use crate::device::{Element, Executor};
use crate::model::parameters::{Piece, pieces};
use crate::model::shape::Shape;
use crate::weights::safetensors::Writer;
use crate::weights::tensors::Tensors;
use crate::weights::{Checkpoint, Dtype};

/// Elements copied at once out of a device, which is asked and answers each time.
const COPY: usize = 1 << 20;
/// Elements loaded at once: what is read from a file is still in the cache when it is checked and copied.
const LOAD: usize = 1 << 16;

/// A range of a parameter's rows, and where it lies in a device tensor.
struct Part {
    rows: Range<usize>,
    tensor: String,
    element: Element,
    /// The first word.
    first: usize,
}

impl Part {
    /// Writes the numbers of the part.
    fn write(&self, exec: &mut dyn Executor, data: &[f32]) -> Result<()> {
        let Some(dtype) = blocks_of(self.element) else {
            if self.element != Element::F16 {
                return exec.write_f32(&self.tensor, self.first, data);
            }
            // 65,520 is the first number that f16 rounds to infinity.
            if let Some(x) = data.iter().find(|x| x.abs() >= 65_520.0) {
                return Err(self.too_large(&format!("holds {x}, which is beyond half precision")));
            }
            return exec.write(&self.tensor, self.first, &pack_f16(data));
        };
        let mut blocks = Vec::new();
        dtype.encode(data, &mut blocks).map_err(|problem| self.too_large(&problem))?;
        self.write_blocks(exec, &blocks)
    }

    /// Writes the part's blocks as a file has them.
    fn write_blocks(&self, exec: &mut dyn Executor, blocks: &[u8]) -> Result<()> {
        exec.write(&self.tensor, self.first, &pack_blocks(self.element, blocks))
    }

    fn too_large(&self, problem: &str) -> Error {
        Error::setting(format!("{} {problem}", self.tensor), "use --weights f32")
    }
}

/// The blocks that an element is, where it is quantised.
fn blocks_of(element: Element) -> Option<Dtype> {
    match element {
        Element::Q8_0 => Some(Dtype::Q8_0),
        Element::Q4_1 => Some(Dtype::Q4_1),
        Element::F32 | Element::U32 | Element::F16 => None,
    }
}

/// A parameter cut into parts of about `most` elements (a row at least). Vectors have rows of one element.
fn parts(param: &Param, shape: &Shape, most: usize) -> (usize, Vec<Part>) {
    let row = if param.shape.len() == 2 { param.shape[1] } else { 1 };
    // An even number of rows, so that no two parts share a word of halves.
    let at_once = (most / row).max(1).next_multiple_of(2);
    let mut parts = Vec::new();
    for Piece { name, shape, row0, element } in pieces(param, &shape.limits, shape.weights) {
        for r in (0..shape[0]).step_by(at_once) {
            let rows = row0 + r..row0 + (r + at_once).min(shape[0]);
            parts.push(Part { rows, tensor: name.clone(), element, first: element.words(r * row) });
        }
    }
    (row, parts)
}

/// Writes a new model's weights: its family's initialisation, each parameter from a stream of its own.
///
/// # Errors
/// A lost device.
pub fn initialise(exec: &mut dyn Executor, shape: &Shape, seed: u64) -> Result<()> {
    draw(exec, shape, shape.config.table(), seed)
}

/// Writes a new adapter: one that adds nothing yet.
///
/// # Errors
/// A lost device.
pub fn initialise_adapter(exec: &mut dyn Executor, shape: &Shape, seed: u64) -> Result<()> {
    draw(exec, shape, shape.adapters(), seed)
}

fn draw(exec: &mut dyn Executor, shape: &Shape, params: Vec<Param>, seed: u64) -> Result<()> {
    for param in params {
        let mut rng = Rng::new(seed, &param.name);
        let (row, parts) = parts(&param, shape, LOAD);
        for part in parts {
            let draw = |_| match param.init {
                Init::Normal(std) => std * rng.normal(),
                Init::Uniform(most) => most * (2.0 * rng.uniform() as f32 - 1.0),
                Init::Ones => 1.0,
                Init::Zeros => 0.0,
            };
            let data: Vec<f32> = (0..part.rows.len() * row).map(draw).collect();
            part.write(exec, &data)?;
        }
    }
    Ok(())
}

/// Writes a checkpoint's weights. Blocks that rest here as they are in the file come over as they are: to quantise their
/// numbers again would not give the same.
///
/// # Errors
/// A checkpoint that cannot be read or holds numbers that are not finite; a lost device.
pub fn load(exec: &mut dyn Executor, shape: &Shape, checkpoint: &mut Checkpoint) -> Result<()> {
    let (mut data, mut blocks) = (Vec::new(), Vec::new());
    for param in shape.config.table() {
        let (row, parts) = parts(&param, shape, LOAD);
        let stored = checkpoint.stored(&param.name);
        for part in parts {
            if stored.is_some() && blocks_of(part.element) == stored {
                checkpoint.read_stored(&param.name, part.rows.clone(), &mut blocks)?;
                part.write_blocks(exec, &blocks)?;
                continue;
            }
            data.resize(part.rows.len() * row, 0.0);
            checkpoint.read(&param.name, part.rows.clone(), &mut data)?;
            part.write(exec, &data)?;
        }
    }
    Ok(())
}

/// Writes an adapter's matrices, each read whole by its name.
///
/// # Errors
/// What `read` says; a lost device.
pub fn load_adapter(
    exec: &mut dyn Executor,
    shape: &Shape,
    mut read: impl FnMut(&Param) -> Result<Vec<f32>>,
) -> Result<()> {
    for param in shape.adapters() {
        exec.write_f32(&param.name, 0, &read(&param)?)?;
    }
    Ok(())
}

/// Reads what a run saves ([`Shape::saved`]) into a file, in its order.
///
/// # Errors
/// A full disk; a lost device; a weight that is not finite ([`Error::NotFinite`] of step `step`).
pub fn save(exec: &mut dyn Executor, shape: &Shape, step: u64, writer: &mut Writer) -> Result<()> {
    copy_out(exec, shape, shape.saved().into_iter().map(|p| ("", p)).collect(), step, writer)
}

/// Reads the moments into a file, in the order of [`Shape::moments`].
///
/// # Errors
/// As [`save`].
pub fn save_moments(exec: &mut dyn Executor, shape: &Shape, step: u64, writer: &mut Writer) -> Result<()> {
    copy_out(exec, shape, shape.moments(), step, writer)
}

fn copy_out(
    exec: &mut dyn Executor,
    shape: &Shape,
    params: Vec<(&str, Param)>,
    step: u64,
    writer: &mut Writer,
) -> Result<()> {
    let mut data = Vec::new();
    for (prefix, param) in params {
        let (row, parts) = parts(&param, shape, COPY);
        for part in parts {
            data.resize(part.rows.len() * row, 0.0);
            exec.read_f32(&format!("{prefix}{}", part.tensor), part.first, &mut data)?;
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
pub fn load_moments(exec: &mut dyn Executor, shape: &Shape, reader: &mut Tensors) -> Result<()> {
    let mut data = Vec::new();
    for (prefix, param) in shape.moments() {
        let (row, parts) = parts(&param, shape, LOAD);
        for part in parts {
            data.resize(part.rows.len() * row, 0.0);
            reader.read_rows_f32(&format!("{prefix}{}", param.name), part.rows.clone(), &mut data)?;
            exec.write_f32(&format!("{prefix}{}", part.tensor), part.first, &data)?;
        }
    }
    Ok(())
}

/// Sets the moments to zero.
///
/// # Errors
/// A lost device.
pub fn zero_moments(exec: &mut dyn Executor, shape: &Shape) -> Result<()> {
    for (prefix, param) in shape.moments() {
        let (row, parts) = parts(&param, shape, COPY);
        for part in parts {
            let zeros = vec![0.0; part.rows.len() * row];
            exec.write_f32(&format!("{prefix}{}", part.tensor), part.first, &zeros)?;
        }
    }
    Ok(())
}
