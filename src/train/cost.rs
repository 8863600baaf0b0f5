//! What training on some text would take, before it is begun: time on this device, and whether there is text enough.

use std::time::Duration;

use serde::Serialize;

use crate::base::Result;
use crate::base::units::{duration, si, thousands};
use crate::dataset::cut::Cut;
use crate::dataset::{Sides, Split, Tokenised};
use crate::device::select::Device;
use crate::train::Options;
use crate::train::engine::Engine;
use crate::train::pace::{Pace, of_step};
use crate::train::settle::{Settled, settle};
use crate::train::source::{self, Source};
use crate::train::start::begin;

/// Repeating a text up to four times teaches nearly as much as new text would; past sixteen, hardly anything
/// (Muennighoff et al. 2023, arXiv:2305.16264).
const AS_GOOD_AS_NEW: f64 = 4.0;
const HARDLY_ANYTHING: f64 = 16.0;

/// A model that can already write has to be moved, not taught: with fewer tokens than this for a thousand parameters, three
/// epochs have been seen to learn passages by heart. A rule of thumb: the validation loss decides.
const TOKENS_PER_THOUSAND: f64 = 1.0;

/// What training would take.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cost {
    /// "tiny", or the checkpoint.
    pub model: String,
    /// Its parameters.
    pub parameters: u64,
    /// Those that train: of a run with `--lora` the adapter's.
    pub trained: u64,
    /// Its tokenizer.
    pub tokenizer: String,
    /// Tokens of one epoch.
    pub tokens: u64,
    /// Tokens that are held out.
    pub held_out: u64,
    /// The two, in words, as `train` says them.
    pub split: String,
    /// Optimizer steps, with the settings that `train` would take.
    pub steps: u64,
    /// How often each token is seen in them.
    pub epochs: f64,
    /// The device.
    pub device: String,
    /// Tokens a second, measured just now.
    pub tokens_per_second: f64,
    /// Seconds for an epoch at that rate.
    pub epoch_seconds: f64,
    /// Seconds for the run.
    pub run_seconds: f64,
    /// Whether there is text enough, in words.
    pub verdict: String,
}

/// Measures one micro-step of the model that `options` chooses, on its device.
///
/// # Errors
/// Too little text for a window; a device that cannot be had; a model that cannot be read.
pub fn cost(data: &Tokenised, options: &Options, scratch: bool) -> Result<Cost> {
    let (mut source, origin) = Source::here(options)?;
    let split = Split::parse(&options.split);
    let sides = Sides::of(data, &source.tokenizer, &split, options.val_fraction, options.seed)?;
    let (train_tokens, val_tokens) = (sides.train_tokens(), sides.val_tokens());
    let device = Device::open(&options.device, options.threads)?;
    let begin = begin(options, scratch);
    let Settled { settings, .. } =
        settle(options, &mut source, begin, (&Cut::text(0..train_tokens), &sides), &device.seen())?;
    let Source { config, tokenizer, .. } = source;
    let mut engine = Engine::new(&device, device.choices(), config, &settings)?;
    // How fast it is depends on no weight: a checkpoint's are not read for this.
    engine.initialise()?;
    let pace = Pace::measure(&mut engine, &settings)?;

    let trained = engine.shape.trained().iter().map(|p| p.numel() as u64).sum();
    let seen = settings.steps as f64 * of_step(&settings) as f64;
    let epochs = seen / train_tokens as f64;
    Ok(Cost {
        model: source::name(options, &origin),
        parameters: config.num_params(),
        trained,
        tokenizer: tokenizer.kind().name().into(),
        tokens: train_tokens as u64,
        held_out: val_tokens as u64,
        split: sides.line(),
        steps: settings.steps,
        epochs,
        device: device.line(),
        tokens_per_second: pace.tokens_per_second,
        epoch_seconds: pace.of(train_tokens as f64).as_secs_f64(),
        run_seconds: pace.of(seen).as_secs_f64(),
        verdict: verdict(scratch, trained, (train_tokens, val_tokens), epochs),
    })
}

/// Whether there is text enough.
fn verdict(scratch: bool, parameters: u64, (tokens, held_out): (usize, usize), epochs: f64) -> String {
    let watch = match held_out {
        0 => "look at its samples: nothing is held out",
        _ => "watch the validation loss",
    };
    let times = format!("each word is read about {} times", thousands(epochs.round() as u64));
    if scratch {
        return match epochs {
            e if e <= AS_GOOD_AS_NEW => format!("enough text for this model: {:.1} passes over it", epochs),
            e if e <= HARDLY_ANYTHING => {
                format!("little text for this model: {times}; {watch}")
            }
            _ => format!("too little text: {times}, so it will memorise; give more text, or fewer --steps"),
        };
    }
    let ratio = tokens as f64 / (parameters as f64 / 1000.0);
    match ratio {
        r if r < TOKENS_PER_THOUSAND => format!(
            "too little text: {} tokens move {} parameters, so it will memorise; train for one epoch, or give more text",
            thousands(tokens as u64),
            si(parameters as f64)
        ),
        r if r < 10.0 * TOKENS_PER_THOUSAND => {
            format!("little text for this model: {times}; {watch}")
        }
        _ => format!("enough text for this model: {times}"),
    }
}

impl Cost {
    /// Two lines for a person.
    pub fn lines(&self) -> [String; 2] {
        let time = |seconds: f64| duration(Duration::from_secs_f64(seconds));
        [
            format!(
                "{}, {}, on {}: an epoch of {} tokens ({}) takes about {}, the default run of {} steps about {}",
                self.model,
                match self.trained == self.parameters {
                    true => format!("{} parameters", thousands(self.parameters)),
                    false => {
                        let (all, adapter) = (thousands(self.parameters), thousands(self.trained));
                        format!("{all} parameters and an adapter of {adapter}")
                    }
                },
                self.device,
                thousands(self.tokens),
                self.tokenizer,
                time(self.epoch_seconds),
                thousands(self.steps),
                time(self.run_seconds)
            ),
            self.verdict.clone(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_plainly_where_it_will_memorise() {
        assert!(verdict(true, 100_000, (1_000_000, 9), 1.0).starts_with("enough"));
        assert!(verdict(true, 100_000, (100_000, 9), 10.0).contains("validation loss"));
        assert!(verdict(true, 100_000, (10_000, 9), 100.0).contains("will memorise"));
        assert!(verdict(false, 124_000_000, (50_000, 9), 3.0).contains("will memorise"));
        assert!(verdict(false, 124_000_000, (500_000, 9), 3.0).contains("validation loss"));
        assert!(verdict(false, 124_000_000, (3_000_000, 9), 3.0).starts_with("enough"));
    }
}
