//! What is looked at beside each evaluation: where the gradients are, and, where a person asked for it, which units of the MLPs do
//! nothing.

use crate::base::Result;
use crate::base::units::thousands;
use crate::check::health::Layer;
use crate::run::log::{HealthLine, NormsLine, Units};
use crate::tokens::Row;
use crate::train::session::Session;

/// The share of a block's units of which it is said that they are dead.
const MANY: f64 = 0.05;

impl Session<'_> {
    /// Looks at the model as the run's position has it; `windows` are what it was evaluated on.
    ///
    /// # Errors
    /// A lost device; the log cannot be written.
    pub(super) fn look(&mut self, windows: &[Row]) -> Result<()> {
        let step = self.run.position.step;
        // Where no step was done here, there are no gradients.
        if !self.recent.is_empty() {
            let grad_norms = self.engine.grad_norms()?;
            // Of a step that overflowed there is nothing to say.
            if grad_norms.values().all(|norm| norm.is_finite()) {
                self.log.norms(&NormsLine { step, grad_norms })?;
            }
        }
        if !self.run.settings.health {
            return Ok(());
        }
        let some = &windows[..windows.len().min(self.run.settings.batch)];
        let layers = self.engine.health(&self.tokens, some)?;
        told(step, &layers).into_iter().for_each(|line| self.observer.warn(&line));
        let units = |l: Layer| (l.block, Units { units: l.units, dead: l.dead, saturated: l.saturated });
        self.log.health(&HealthLine { step, health: layers.into_iter().map(units).collect() })
    }
}

/// What is said of units that are dead, where they are many.
fn told(step: u64, layers: &[Layer]) -> Option<String> {
    let share = |layer: &Layer| layer.dead as f64 / layer.units.max(1) as f64;
    let named = |layer: &Layer| format!("{:.0}% in {}", 100.0 * share(layer), layer.block);
    let many: Vec<String> = layers.iter().filter(|layer| share(layer) > MANY).map(named).collect();
    (!many.is_empty()).then(|| {
        format!(
            "health   step {}: units of the MLPs write nothing for any token of a batch, and learn nothing any more: {}. A lower \
             --lr or a longer --warmup keeps them alive",
            thousands(step),
            many.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_where_many_are_dead() {
        let layer = |block: &str, dead| Layer { block: block.into(), units: 100, dead, saturated: 9 };
        assert_eq!(told(7, &[layer("h.0", 0), layer("h.1", 5)]), None);
        let line = told(1200, &[layer("h.0", 6), layer("h.1", 5), layer("h.2", 31)]).unwrap();
        assert!(
            line.starts_with("health   step 1,200:") && line.contains(": 6% in h.0, 31% in h.2. A"),
            "{line}"
        );
    }
}
