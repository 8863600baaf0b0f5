//! How fast a run goes, measured before it begins.

use std::time::Duration;

use crate::base::Result;
use crate::base::units::{duration, si, thousands};
use crate::run::record::Settings;
use crate::train::engine::Engine;

/// The pace of a run on its device.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub tokens_per_second: f64,
    flops_per_token: f64,
}

impl Pace {
    /// Measures a micro-step, on tokens that say nothing: how fast it is depends on none of them.
    ///
    /// # Errors
    /// A device that is lost, or has no memory left.
    pub fn measure(engine: &mut Engine, settings: &Settings) -> Result<Pace> {
        let tokens = (settings.batch * settings.context) as f64;
        let tokens_per_second = tokens / engine.rehearse()?;
        Ok(Pace { tokens_per_second, flops_per_token: engine.flops_per_token() })
    }

    /// The time for so many tokens.
    pub fn of(&self, tokens: f64) -> Duration {
        Duration::from_secs_f64(tokens / self.tokens_per_second)
    }

    /// What a run is, and how long it and an epoch of so many tokens take.
    pub fn line(&self, settings: &Settings, epoch: usize) -> String {
        let of_step = of_step(settings);
        let run = settings.steps as f64 * of_step as f64;
        format!(
            "training {} steps of {} tokens, {:.1} epochs; an epoch takes about {}, the run {} ({} tokens/s, {}FLOP/s)",
            thousands(settings.steps),
            thousands(of_step),
            run / epoch.max(1) as f64,
            duration(self.of(epoch as f64)),
            duration(self.of(run)),
            thousands(self.tokens_per_second as u64),
            si(self.tokens_per_second * self.flops_per_token),
        )
    }
}

/// Tokens of an optimizer step.
pub(super) fn of_step(settings: &Settings) -> u64 {
    (settings.batch * settings.accumulate * settings.context) as u64
}
