//! What is done about a loss, a norm or a weight that is not a finite number: the run stops, goes back to its saved state, and
//! replays what followed under check, to name the dispatch that made it.

use std::path::Path;

use crate::base::units::shown;
use crate::base::{Error, Result, shell};
use crate::run::spikes::spikes_of;
use crate::tokens::Row;
use crate::train::engine::Did;
use crate::train::session::{Bad, Session, planned};

/// An adapter that counts more often than this is told as a cause.
const LARGE: f32 = 1e3;

/// The command that was given, from a run's model, or the one that its adapter stands beside, at another rate; a checkpoint has a shape and a tokenizer of its own, and a
/// new run a place.
fn from(run: &Path, lr: String, paths: &[String]) -> String {
    let again = shell::again(&[
        (&["--resume"], None),
        (&["--batch"], None),
        (&["--from"], Some(shell::no_flag(run).into())),
        (&["--lr"], Some(lr.into())),
        (&["--preset"], None),
        (&["--tokenizer"], None),
        (&["--out"], None),
    ]);
    if !shell::was_given("--resume") {
        return again;
    }
    // A resumed run was told no paths.
    paths.iter().fold(again, |line, path| format!("{line} {}", shell::path(path)))
}

impl Session<'_> {
    /// The error of a number that is not finite: goes back to the saved state, replays up to that step, and that step
    /// under check, to name the dispatch.
    pub(super) fn not_finite(&mut self, step: u64, what: &'static str, value: f32, bad: Bad) -> Error {
        if self.run.state.folder.is_empty() {
            return self.explain(step, what, value, String::new());
        }
        self.observer.doing("a number is not finite: replaying from the last saved state under check");
        let found = match self.replay_under_check(step, bad) {
            Ok(Some(found)) => format!(": {found}"),
            Ok(None) => {
                ", and a replay from the last saved state did not show it: the device may be unsteady, \
                         see `diarist doctor`"
                    .to_string()
            }
            Err(e) => format!(" (the replay under check failed: {e})"),
        };
        self.explain(step, what, value, found)
    }

    fn explain(&self, step: u64, what: &'static str, value: f32, found: String) -> Error {
        let (dir, lr) = (self.folder.path(), format!("{:e}", self.run.settings.lr / 4.0));
        // What no learning rate mends: α/r of a sound adapter is near one.
        let alpha = match &self.run.settings.lora {
            Some(lora) if lora.scale() > LARGE => {
                format!(
                    ", and a smaller --lora alpha than {:e}, by which B·A counts {:e} times",
                    lora.alpha,
                    lora.scale()
                )
            }
            _ => String::new(),
        };
        let next = format!(
            "{} holds the last good state, of {}. Begin a new run from {} with a smaller learning rate{alpha}:\n    {}",
            shown(dir),
            self.run.state.folder,
            if self.run.base.is_some() { "the model that it stands beside" } else { "it" },
            from(self.run.base.as_ref().map_or(dir, |base| &base.path), lr, &self.run.data.paths)
        );
        Error::NotFinite { step: Some(step), what, value, found, next }
    }

    /// Goes back to the saved state, repeats the steps since, and the one that failed (or the evaluation after it)
    /// dispatch by dispatch.
    fn replay_under_check(&mut self, bad_step: u64, bad: Bad) -> Result<Option<String>> {
        // Whatever is still on its way belongs to the run that failed.
        while self.pending.pop_front().is_some() {
            self.engine.receive()?;
        }
        self.load_state()?;
        let mut run = self.folder.repair()?.run;
        let (saved, mut spikes) = (run.position, spikes_of(&self.folder, &run)?);
        let mut windows = self.layout.from(saved)?;
        let count = self.run.settings.batch * self.run.settings.accumulate;
        for step in saved.step + 1..=bad_step {
            let of_step: Vec<Row> = (0..count).map(|_| windows.next_row()).collect();
            let planned = planned(&spikes, &run, &self.engine, step);
            if step < bad_step {
                self.engine.step(&planned, &self.tokens, &of_step)?;
                let Did { loss, norm, .. } = self.engine.receive()?;
                let overflow = !norm.is_finite();
                if let Some(scale) = &mut run.loss_scale {
                    scale.take(step, planned.loss_scale, overflow);
                }
                if !overflow {
                    spikes.take(&planned, loss, norm, self.run.settings.on_spike);
                }
                continue;
            }
            let found = self.engine.find_not_finite(&planned, &self.tokens, &of_step)?;
            if found.is_some() || bad == Bad::Step {
                return Ok(found);
            }
        }
        // The step itself was sound; what it made of the weights is not.
        let windows = [self.probe(), self.layout.held_out().concat()].concat();
        match self.engine.find_not_finite_in_evaluation(&self.tokens, &windows)? {
            Some(found) => Ok(Some(found)),
            None => self.engine.find_not_finite_in_decoding(self.tokenizer.start()),
        }
    }
}
