//! An optimizer step: zero, forward, backward, norm, clip, update.

use std::time::Instant;

use crate::base::Result;
use crate::base::arch::Precision;
use crate::base::memory;
use crate::check::bench::kernels::{fill, uniform};
use crate::check::bench::{Ceilings, Rounds, Spread};
use crate::device::executor::Options;
use crate::device::select::Device;
use crate::device::{Dispatch, Executor};
use crate::model::{Shape, input};
use crate::ops::FAMILIES;
use crate::optim::adamw::update;

/// The recordings of a step, in order.
const STEP: [&str; 3] = ["zero", "micro_step", "update"];

/// A step of one model at one size.
#[derive(Debug, Clone, serde::Serialize)]
pub struct StepRow {
    /// The model, its `B` × `T`, and what of it is not as usual.
    pub model: String,
    /// Tokens of a step.
    pub tokens: usize,
    /// From nothing to the end of the first step: memory, shaders, weights and the step.
    pub first: f64,
    /// Seconds of a step after it, as a run takes them.
    pub seconds: Spread,
    /// At the median.
    pub tokens_per_second: f64,
    /// Whether it gets slower, where there were steps enough to say so.
    pub drift: Option<Drift>,
    /// Bytes of the device's memory.
    pub memory: u64,
    /// Dispatches of a step.
    pub dispatches: usize,
    /// Bytes that they must move.
    pub bytes: u64,
    /// Model FLOPs utilisation: the arithmetic of the tokens over what the device could have done meanwhile.
    pub mfu: f64,
    /// Seconds of a step in which no dispatch ran, by dispatch: what it costs to give them.
    pub overhead: f64,
    /// Where the time went, the most first.
    pub parts: Vec<Part>,
}

/// The last of many steps beside the first.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Drift {
    /// The median of the last fifth's seconds over the first fifth's.
    pub slower: f64,
    /// Bytes by which the most that the process ever took grew behind the first fifth; none where the system does not say.
    pub grown: Option<u64>,
}

/// The fewest steps of which the first and the last fifth have a median worth the name.
const MANY: usize = 25;

/// The most rounds in which a step is timed dispatch by dispatch.
const APART: usize = 20;

/// An op's part of a step.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Part {
    /// The op.
    pub op: &'static str,
    /// Its dispatches.
    pub dispatches: usize,
    /// Their seconds.
    pub seconds: f64,
    /// Of all dispatches' time, from 0 to 1.
    pub of_step: f64,
    /// Their part of the nearer ceiling, from 0 to 1.
    pub share: f64,
}

/// The op that a kernel is of.
fn op(d: &Dispatch) -> &'static str {
    let has = |f: &&crate::ops::case::Family| f.kernels.iter().any(|k| k.name == d.kernel.name);
    FAMILIES.iter().find(has).map_or(d.kernel.name, |f| f.name)
}

/// Measures a step.
///
/// # Errors
/// A device that fails, or has too little memory.
pub fn step(
    device: &Device,
    model: String,
    shape: &Shape,
    ceilings: &Ceilings,
    rounds: Rounds,
) -> Result<StepRow> {
    let begun = Instant::now();
    let program = shape.training(update(&shape.slots(), shape.limits, &shape.choices)?)?;
    let mut exec = device.load(program.clone(), Options::default())?;
    fill(exec.as_mut(), shape)?;
    let mut t = 0;
    let (mut first, mut early) = (None, None);
    let seconds = rounds.run(|| {
        t += 1;
        if t as usize == rounds.most / 5 + 2 {
            early = memory::own();
        }
        let turn = Instant::now();
        for name in STEP {
            exec.run(name, &uniform(name, shape, t))?;
        }
        exec.request(input::SCALARS)?;
        exec.receive()?;
        first.get_or_insert(begun.elapsed().as_secs_f64());
        Ok(turn.elapsed().as_secs_f64())
    })?;
    let grown = early.and_then(|early| Some(memory::own()?.saturating_sub(early)));
    let slower = slower(&seconds);
    let drift = slower.map(|slower| Drift { slower, grown: grown.filter(|_| seconds.len() == rounds.most) });
    let seconds = Spread::of(seconds);
    let dispatches: Vec<&Dispatch> =
        STEP.iter().flat_map(|name| &program.recordings[program.index(name)].dispatches).collect();
    // As often again, dispatch by dispatch; of each the median.
    let apart = Rounds { most: rounds.most.min(APART), ..rounds };
    let all = apart.run(|| {
        t += 1;
        timed(exec.as_mut(), shape, t)
    })?;
    let each: Vec<f64> = (0..dispatches.len()).map(|i| Spread::of(all.iter().map(|r| r[i])).median).collect();
    let total: f64 = each.iter().sum();
    let mut parts: Vec<Part> = Vec::new();
    let mut least: Vec<f64> = Vec::new();
    for (d, &took) in dispatches.iter().zip(&each) {
        let op = op(d);
        let at = parts.iter().position(|p| p.op == op).unwrap_or_else(|| {
            parts.push(Part { op, dispatches: 0, seconds: 0.0, of_step: 0.0, share: 0.0 });
            least.push(0.0);
            parts.len() - 1
        });
        parts[at].dispatches += 1;
        parts[at].seconds += took;
        least[at] += ceilings.at_least(d).0;
    }
    for (part, least) in parts.iter_mut().zip(least) {
        part.of_step = part.seconds / total;
        part.share = least / part.seconds.max(f64::MIN_POSITIVE);
    }
    parts.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    // In mixed precision all of it could be done by the units for halves, where there are any.
    let halves = ceilings.coop.filter(|_| shape.precision == Precision::Mixed);
    let units = halves.unwrap_or(ceilings.flops);
    let tokens = shape.b * shape.t;
    let flops = shape.config.train_flops_per_token(&shape.trained(), shape.t) * tokens as f64;
    Ok(StepRow {
        model,
        tokens,
        first: first.unwrap_or_default(),
        seconds,
        tokens_per_second: tokens as f64 / seconds.median,
        drift,
        memory: exec.allocated(),
        dispatches: dispatches.len(),
        bytes: dispatches.iter().map(|d| d.bytes).sum(),
        mfu: flops / seconds.median / units,
        overhead: (seconds.median - total).max(0.0) / dispatches.len() as f64,
        parts,
    })
}

/// The median of the last fifth over the first fifth's, of steps in their order.
fn slower(seconds: &[f64]) -> Option<f64> {
    let fifth = seconds.len() / 5;
    let median = |of: &[f64]| Spread::of(of.iter().copied()).median;
    (seconds.len() >= MANY).then(|| median(&seconds[seconds.len() - fifth..]) / median(&seconds[..fifth]))
}

/// The seconds of a step's dispatches.
fn timed(exec: &mut dyn Executor, shape: &Shape, t: u64) -> Result<Vec<f64>> {
    let mut all = Vec::new();
    for name in STEP {
        all.extend(exec.time_range(name, &uniform(name, shape, t), 0..usize::MAX)?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_slows_down_is_seen() {
        let steps = |of: &dyn Fn(usize) -> f64| (0..100).map(of).collect::<Vec<f64>>();
        assert_eq!(slower(&steps(&|_| 2.0)), Some(1.0));
        let slowing = slower(&steps(&|i| 1.0 + i as f64 / 100.0)).unwrap();
        assert!((slowing - 1.895 / 1.095).abs() < 1e-9, "{slowing}");
        assert_eq!(slower(&[1.0; MANY - 1]), None);
    }
}
