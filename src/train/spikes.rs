//! What the loop does about a spike: says so, and where a person asked for it, ends.

use crate::base::units::{shown, thousands};
use crate::base::{Error, Result, shell};
use crate::optim::{OnSpike, Planned};
use crate::train::engine::Did;
use crate::train::session::Session;

/// Spikes that are told, each in a line; `log.jsonl` has them all.
const TOLD: u32 = 5;

impl Session<'_> {
    /// Says what a step was, where it was a spike.
    ///
    /// # Errors
    /// A spike ends this run; the device and this computer disagree on what one is.
    pub(super) fn on_spike(&mut self, spike: Option<OnSpike>, planned: &Planned, did: &Did) -> Result<()> {
        if did.skipped != (spike == Some(OnSpike::Skip)) {
            let found =
                format!("step {}: the device skipped it: {}, a spike: {spike:?}", planned.step, did.skipped);
            return Err(Error::bug(found));
        }
        let Some(spike) = spike else { return Ok(()) };
        let what = described(planned, did);
        if spike == OnSpike::Stop {
            let dir = self.folder.path();
            let next = format!(
                "{} holds the state before it, {}. To go on from there, leaving such steps out:\n    {} train --resume {} \
                 --on-spike skip",
                shown(dir),
                self.run.state.folder,
                shell::program(),
                shell::path(dir)
            );
            return Err(Error::setting(format!("{what}: --on-spike stop ends the run"), next));
        }
        self.spikes_told += 1;
        let done = match spike {
            OnSpike::Skip => "; this step is skipped",
            OnSpike::Lower => "; the learning rate is halved",
            OnSpike::GoOn | OnSpike::Stop => "",
        };
        if self.spikes_told <= TOLD {
            self.observer.warn(&format!("spike    {what}{done}"));
        }
        if self.spikes_told == TOLD {
            self.observer.warn("spike    later ones are counted and not told; log.jsonl has them all");
        }
        Ok(())
    }
}

/// A spike in words.
fn described(planned: &Planned, did: &Did) -> String {
    let mut parts = Vec::new();
    for (what, value, bound) in
        [("the loss", did.loss, planned.bounds.loss), ("the gradient norm", did.norm, planned.bounds.norm)]
    {
        if value > bound {
            parts.push(format!("{what} is {value:.3}, and up to {bound:.3} was to be expected"));
        }
    }
    format!("step {}: {}", thousands(planned.step), parts.join("; "))
}
