//! Decoded tokens, one of each of some sequences: a few rows through every matrix, which is read once for all.

use std::time::Instant;

use crate::base::{Config, Result};
use crate::check::bench::kernels::POS;
use crate::check::bench::{Ceilings, Rounds, Spread};
use crate::device::executor::Options;
use crate::device::select::Device;
use crate::device::{Element, Program, Recording, Step};
use crate::model::{Shape, decode_name, input, store};

/// A token of each of some sequences, by one model whose matrices rest in one way.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Decode {
    /// The model.
    pub model: String,
    /// What its matrices are made of.
    pub weights: &'static str,
    /// Sequences.
    pub sequences: usize,
    /// The position of each token.
    pub position: u32,
    /// Seconds until each has one, the likeliest logits on the host.
    pub seconds: Spread,
    /// At the median, of all sequences together.
    pub tokens_per_second: f64,
    /// Bytes that those tokens must move.
    pub bytes: u64,
    /// Those, of what the device reads meanwhile at most, from 0 to 1.
    pub share: f64,
}

/// Tokens of each sequence in a round: one alone is short.
const TOKENS: usize = 16;

/// Measures it.
///
/// # Errors
/// A device that fails, or has too little memory.
pub fn decode(
    device: &Device,
    (model, config): (&str, Config),
    (weights, sequences): (Element, usize),
    ceilings: &Ceilings,
    rounds: Rounds,
) -> Result<Decode> {
    let base = Shape::new(config, 1, config.block_size(), device.limits(), device.choices());
    let shape = Shape { weights, streams: sequences, ..base };
    let program = Program::from(vec![shape.decode_rows(sequences)?]);
    let bytes = moved(&program.recordings[0], &config, sequences);
    let mut exec = device.load(program, Options::default())?;
    store::initialise(exec.as_mut(), &shape, 1)?;
    exec.write(input::TOKEN, 0, &vec![464; sequences])?;
    exec.write(input::PLACES, 0, (0..sequences as u32).map(|i| [i, POS]).collect::<Vec<_>>().as_flattened())?;
    let all = rounds.run(|| {
        let begun = Instant::now();
        for _ in 0..TOKENS {
            exec.run(decode_name(sequences), &Step::default())?;
            exec.request(input::TOP)?;
            exec.receive()?;
        }
        Ok(begun.elapsed().as_secs_f64() / TOKENS as f64)
    })?;
    let seconds = Spread::of(all);
    Ok(Decode {
        model: model.to_string(),
        weights: weights.name(),
        sequences,
        position: POS,
        seconds,
        tokens_per_second: sequences as f64 / seconds.median,
        bytes,
        share: bytes as f64 / seconds.median / ceilings.bytes(),
    })
}

/// The bytes that the tokens move: of the caches, which a recording prices whole, the positions that are there.
fn moved(recording: &Recording, config: &Config, sequences: usize) -> u64 {
    let others = recording.dispatches.iter().filter(|d| d.kernel.name != "attention_cached");
    let cache = 2 * config.n_layer() * config.n_kv_head() * config.head_size() * (POS as usize + 1);
    others.map(|d| d.bytes).sum::<u64>() + 4 * (sequences * cache) as u64
}
