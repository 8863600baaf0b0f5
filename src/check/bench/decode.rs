//! A decoded token: one row through every matrix, which is read once.

use std::time::Instant;

use crate::base::{Config, Result};
use crate::check::bench::kernels::{POS, uniform};
use crate::check::bench::{Ceilings, Rounds, Spread};
use crate::device::executor::Options;
use crate::device::select::Device;
use crate::device::{Element, Executor, Program, Recording, Step};
use crate::model::{Shape, input, store};

/// A token of one model, its matrices at rest in one way.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Decode {
    /// The model.
    pub model: String,
    /// What its matrices are made of.
    pub weights: &'static str,
    /// The position of the token.
    pub position: u32,
    /// Seconds a token, its logits on the host.
    pub seconds: Spread,
    /// At the median.
    pub tokens_per_second: f64,
    /// Bytes that a token must move.
    pub bytes: u64,
    /// Those, of what the device reads meanwhile at most, from 0 to 1.
    pub share: f64,
}

/// Tokens of a round: one alone is short.
const TOKENS: usize = 16;

/// Measures it.
///
/// # Errors
/// A device that fails, or has too little memory.
pub fn decode(
    device: &Device,
    (model, config): (&str, Config),
    weights: Element,
    ceilings: &Ceilings,
    rounds: Rounds,
) -> Result<Decode> {
    let base = Shape::new(config, 1, config.block_size(), device.limits(), device.choices());
    let shape = Shape { weights, ..base };
    let program = Program::from(vec![shape.decode()?]);
    let bytes = moved(&program.recordings[0], &config);
    let mut exec = device.load(program, Options::default())?;
    store::initialise(exec.as_mut(), &shape, 1)?;
    exec.write(input::TOKEN, 0, &[464])?;
    let all = rounds.run(|| {
        let begun = Instant::now();
        for _ in 0..TOKENS {
            token(exec.as_mut(), &uniform("decode", &shape, 1))?;
        }
        Ok(begun.elapsed().as_secs_f64() / TOKENS as f64)
    })?;
    let seconds = Spread::of(all);
    Ok(Decode {
        model: model.to_string(),
        weights: weights.name(),
        position: POS,
        seconds,
        tokens_per_second: 1.0 / seconds.median,
        bytes,
        share: bytes as f64 / seconds.median / ceilings.bytes(),
    })
}

/// The bytes that a token moves: of the cache, which a recording prices whole, the positions that are there.
fn moved(recording: &Recording, config: &Config) -> u64 {
    let others = recording.dispatches.iter().filter(|d| d.kernel.name != "attention_cached");
    let cache = 2 * config.n_layer() * config.n_kv_head() * config.head_size() * (POS as usize + 1);
    others.map(|d| d.bytes).sum::<u64>() + 4 * cache as u64
}

fn token(exec: &mut dyn Executor, step: &Step) -> Result<()> {
    exec.run("decode", step)?;
    exec.request(input::LOGITS)?;
    exec.receive().map(drop)
}
