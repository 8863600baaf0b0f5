//! The ladders: what each lesson is worth on a device, beside the op that it leads to.

use crate::base::Result;
use crate::base::rng::Rng;
use crate::check::bench::{Ceilings, Rounds, Spread};
use crate::device::executor::Options;
use crate::device::select::Device;
use crate::device::{Choices, Kind, Program, Recorder, Step, Tensor};
use crate::ops::ladder::{ATTENTION, BEGINS, Factors, MATMUL, Packed, Rung, attention, matmul};

/// One lesson, measured.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Lesson {
    /// What is computed, and its extents.
    pub ladder: String,
    /// The rung.
    pub rung: &'static str,
    /// What it changed.
    pub lesson: &'static str,
    /// Seconds of all its dispatches.
    pub seconds: Spread,
    /// The arithmetic that the result takes, whatever the rung does besides.
    pub flops: u64,
    /// Its part of the arithmetic ceiling, from 0 to 1.
    pub share: f64,
}

/// M, K and N: GPT-2 124M's first layer of an MLP over 256 tokens.
const PRODUCT: [usize; 3] = [256, 768, 3072];
/// B, T, NH and HS: its attention over 512.
const HEADS: [usize; 4] = [1, 512, 12, 64];

/// Measures every rung of both ladders. `progress` is told which.
///
/// # Errors
/// A device that fails.
pub fn ladder(
    device: &Device,
    choices: &Choices,
    ceilings: &Ceilings,
    rounds: Rounds,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Lesson>> {
    let mut all = Vec::new();
    let mut climb =
        |ladder: &str, extents: &[usize], inputs: &[(&'static str, usize)], flops, rung: &Named| {
            progress(rung.name);
            let extents: Vec<String> = extents.iter().map(usize::to_string).collect();
            let mut rec = Recorder::new("ladder", device.limits(), choices);
            (rung.record)(&mut rec);
            let mut exec = device.load(Program::from(vec![rec.finish()?]), Options::default())?;
            for &(name, numel) in inputs {
                let mut rng = Rng::new(1, name);
                exec.write_f32(name, 0, &(0..numel).map(|_| rng.normal()).collect::<Vec<_>>())?;
            }
            if let Some(begins) = exec.plan().find(BEGINS).map(|kept| kept.words) {
                exec.write(BEGINS, 0, &vec![0; begins])?;
            }
            let seconds = rounds.run(|| {
                let each = exec.time_range("ladder", &Step::default(), 0..usize::MAX)?;
                Ok(each.iter().sum::<f64>())
            })?;
            let seconds = Spread::of(seconds);
            let share = flops as f64 / seconds.median / ceilings.flops;
            let ladder = format!("{ladder} {}", extents.join("x"));
            all.push(Lesson { ladder, rung: rung.name, lesson: rung.lesson, seconds, flops, share });
            Ok::<(), crate::base::Error>(())
        };
    let [m, k, n] = PRODUCT;
    for rung in MATMUL {
        let record = |rec: &mut Recorder| {
            let [a, b] =
                [("a", [m, k]), ("b", [k, n])].map(|(name, shape)| rec.kept(name, Kind::Input, &shape));
            rung.record(rec, Factors { a, b })
        };
        let inputs = [("a", m * k), ("b", k * n)];
        climb("matmul", &PRODUCT, &inputs, matmul::flops(PRODUCT), &Named::of(rung, &record))?;
    }
    let [b, t, nh, hs] = HEADS;
    for rung in ATTENTION {
        let record = |rec: &mut Recorder| {
            let qkv = rec.kept("qkv", Kind::Input, &[b * t, 3 * nh * hs]);
            rung.record(rec, Packed { qkv, t, nh })
        };
        let inputs = [("qkv", b * t * 3 * nh * hs)];
        climb("attention", &HEADS, &inputs, attention::flops(HEADS), &Named::of(rung, &record))?;
    }
    Ok(all)
}

/// A rung of either ladder.
struct Named<'a> {
    name: &'static str,
    lesson: &'static str,
    record: &'a dyn Fn(&mut Recorder) -> Tensor,
}

impl<'a> Named<'a> {
    fn of<I>(rung: &Rung<I>, record: &'a dyn Fn(&mut Recorder) -> Tensor) -> Named<'a> {
        Named { name: rung.name, lesson: rung.lesson, record }
    }
}
