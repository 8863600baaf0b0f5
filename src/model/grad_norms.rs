//! The norms of the gradients, block by block, as they stand after a step's last micro-step: where the model is being moved, and
//! where hardly. Their squares add up to the square of the global norm.

use std::collections::BTreeMap;

use crate::base::Result;
use crate::base::arch::{Param, Part};
use crate::device::{Element, Executor, Kind, Recorder, Step, Tensor};
use crate::model::parameters::pieces;
use crate::model::shape::Shape;
use crate::ops::adamw::STATE;
use crate::ops::norm;

/// The recording's name.
pub const NAME: &str = "grad_norms";
/// Sums of squares, chunk by chunk, of all that trains.
const SQUARES: &str = "grad_squares";

/// Where a gradient is counted: `h.3` or `layers.3`, and outside of the blocks `wte`, `ln_f`, `lm_head`.
fn place(param: &Param) -> &str {
    let module = param.module();
    match param.part {
        Part::Block(_) => module.match_indices('.').nth(1).map_or(module, |(end, _)| &module[..end]),
        Part::Embeddings | Part::Head => module,
    }
}

/// What trains, piece by piece in the table's order: its place, its gradient's name, its words.
fn gradients(shape: &Shape) -> Vec<(String, String, usize)> {
    let (prefix, _) = STATE[1];
    let of = |param: Param| {
        let named = |piece: crate::model::parameters::Piece| {
            (place(&param).to_string(), format!("{prefix}{}", piece.name), piece.words())
        };
        pieces(&param, &shape.limits, Element::F32).into_iter().map(named).collect::<Vec<_>>()
    };
    shape.trained().into_iter().flat_map(of).collect()
}

/// Records the sums of squares.
pub(super) fn record(shape: &Shape, rec: &mut Recorder) {
    let all: Vec<(String, Tensor)> = gradients(shape)
        .into_iter()
        .map(|(_, name, words)| (format!("{name}.norm"), rec.kept(name, Kind::Gradient, &[words])))
        .collect();
    let chunks = all.iter().map(|(_, g)| norm::chunks(rec.numel(*g))).sum();
    let squares = rec.kept(SQUARES, Kind::Output, &[chunks]);
    norm::squares_into(rec, &all, squares);
}

/// The norms, by place. The executor's program has the recording.
///
/// # Errors
/// A lost device.
pub fn read(exec: &mut dyn Executor, shape: &Shape) -> Result<BTreeMap<String, f32>> {
    let all = gradients(shape);
    let mut squares = vec![0.0; all.iter().map(|(_, _, words)| norm::chunks(*words)).sum()];
    exec.run(NAME, &Step::default())?;
    exec.read_f32(SQUARES, 0, &mut squares)?;
    let (mut sums, mut rest) = (BTreeMap::<String, f64>::new(), &squares[..]);
    for (place, _, words) in all {
        let (own, others) = rest.split_at(norm::chunks(words));
        *sums.entry(place).or_default() += own.iter().map(|&square| f64::from(square)).sum::<f64>();
        rest = others;
    }
    Ok(sums.into_iter().map(|(place, sum)| (place, sum.sqrt() as f32)).collect())
}
