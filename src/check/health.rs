//! Units of the MLPs that do nothing: what a block's activation gives for the tokens of a batch, unit by unit.
//!
//! A unit is dead where its output is as good as zero for every token: no gradient reaches its weights any more. It is saturated
//! where its gate is open for every token: it is linear, and its activation might as well not be there.

use crate::base::Result;
use crate::device::{Executor, Step};

/// A dead unit's largest output, in root mean squares of its layer's outputs.
const DEAD: f64 = 0.01;
/// A saturated unit's smallest gate: from here on GELU and SiLU pass nine tenths and more of what comes.
const OPEN: f32 = 3.0;

/// The units of one block's MLP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// `h.3`, `layers.3`.
    pub block: String,
    /// All of them.
    pub units: usize,
    /// Those that give nothing.
    pub dead: usize,
    /// Those that are open to everything.
    pub saturated: usize,
}

/// The MLPs of a model, for the batch that it was fed; `rows` are the tokens that count, of its B·T. Replays `evaluate` up to each
/// activation.
///
/// # Errors
/// A lost device.
pub fn layers(exec: &mut dyn Executor, rows: &[usize]) -> Result<Vec<Layer>> {
    const RECORDING: &str = "evaluate";
    let list = exec.program().find(RECORDING).expect("a training program evaluates").clone();
    let (mut layers, mut from) = (Vec::new(), 0);
    for (i, d) in list.dispatches.iter().enumerate() {
        // Of GELU alone or behind a product, its input and output are the last two that are bound; of SwiGLU gate and output the first
        // and the last.
        let gate = match d.kernel.name {
            "swiglu_forward" => 0,
            name if name == "gelu_forward" || name.starts_with("matmul") && name.ends_with("_gelu") => {
                d.args.len() - 2
            }
            _ => continue,
        };
        exec.run_range(RECORDING, &Step::default(), from..i + 1)?;
        from = i + 1;
        let (gate, out) = (d.args[gate].tensor, d.args[d.args.len() - 1].tensor);
        let units = list.info(out).shape[1];
        let [gate, out] = [exec.peek(RECORDING, gate)?, exec.peek(RECORDING, out)?];
        let [gate, out] = [bytemuck::cast_slice(&gate), bytemuck::cast_slice(&out)];
        let block = d.label.split(".mlp.").next().unwrap_or(&d.label).to_string();
        layers.push(layer(block, units, rows, gate, out));
    }
    Ok(layers)
}

/// Counts a layer's units; `gate`, `out` (B·T, units).
fn layer(block: String, units: usize, rows: &[usize], gate: &[f32], out: &[f32]) -> Layer {
    let (mut largest, mut smallest) = (vec![0.0_f32; units], vec![f32::INFINITY; units]);
    let mut squares = 0.0_f64;
    for row in rows.iter().map(|row| row * units..(row + 1) * units) {
        for (most, y) in largest.iter_mut().zip(&out[row.clone()]) {
            *most = most.max(y.abs());
            squares += f64::from(*y).powi(2);
        }
        for (least, x) in smallest.iter_mut().zip(&gate[row]) {
            *least = least.min(*x);
        }
    }
    let size = (squares / (rows.len() * units).max(1) as f64).sqrt();
    Layer {
        block,
        units,
        dead: largest.iter().filter(|&&most| f64::from(most) <= DEAD * size).count(),
        saturated: smallest.iter().filter(|&&least| least >= OPEN).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_counted_over_the_rows_that_count() {
        // Four units; the third row is padding.
        let gate = [-9.0, 4.0, 1.0, -9.0, -8.0, 3.5, -1.0, -9.0, 5.0, -5.0, 5.0, 5.0];
        let out = [-0.001, 4.0, 0.8, 0.0, 0.001, 3.5, -0.2, 0.0, 5.0, 0.0, 5.0, 5.0];
        let of = |rows: &[usize]| layer("h.0".into(), 4, rows, &gate, &out);
        assert_eq!(of(&[0, 1]), Layer { block: "h.0".into(), units: 4, dead: 2, saturated: 1 });
        assert_eq!(of(&[0, 1, 2]), Layer { block: "h.0".into(), units: 4, dead: 0, saturated: 0 });
        let silent = layer("h.0".into(), 2, &[0], &[-50.0, -50.0], &[0.0, 0.0]);
        assert_eq!((silent.dead, silent.saturated), (2, 0));
    }
}
