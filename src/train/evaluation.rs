//! The validation beside the steps, and the page that shows it.

use std::sync::atomic::Ordering;

use crate::base::Result;
use crate::run::log::EvalLine;
use crate::run::record::{Apart, Evaluation, Position, Run};
use crate::train::session::{Bad, Session};

impl Session<'_> {
    /// Whether the run's position is due to be evaluated, and was not: before the first step of a model that knows something
    /// already, and where someone who stopped the run did not wait for it.
    pub(super) fn owes_evaluation(&self) -> bool {
        let Run { settings, position: Position { step, .. }, last_eval, from, .. } = &self.run;
        let due = match step {
            0 => from != "scratch",
            _ => step.is_multiple_of(settings.eval_every.max(1)) || *step == settings.steps,
        };
        let done = last_eval.is_some_and(|last| last.step == *step);
        due && !done && self.layout.held_out().iter().any(|windows| !windows.is_empty())
    }

    /// The evaluation that is owed, of the state that the run is at, and what follows from it: whether the run is over.
    ///
    /// # Errors
    /// As [`Session::evaluate`]; the record cannot be written.
    pub(super) fn catch_up(&mut self) -> Result<bool> {
        self.evaluate()?;
        if self.owes_evaluation() {
            return Ok(false);
        }
        let over = self.is_over();
        if over {
            let (step, every) = (self.run.position.step, self.run.settings.sample_every);
            // One that was due at this step is there already.
            if every == 0 || !step.is_multiple_of(every) {
                self.sample()?;
            }
            self.run.finished = true;
        }
        match self.run.best_eval.is_some_and(|best| best.step == self.run.position.step) {
            true => self.folder.keep_best(&mut self.run)?,
            false => self.folder.save_run(&self.run)?,
        }
        self.report(over);
        Ok(over)
    }

    /// The validation loss of the run's position, unless someone asks to stop meanwhile.
    ///
    /// # Errors
    /// A lost device; a loss that is no number; the log cannot be written.
    pub(super) fn evaluate(&mut self) -> Result<()> {
        self.receive_all()?;
        let [old, new] = self.layout.held_out();
        let windows = [old.as_slice(), &new].concat();
        let of = windows.len();
        if of == 0 {
            return Ok(());
        }
        let Position { step, tokens, .. } = self.run.position;
        let mut losses = [None; 2];
        for (loss, (windows, before)) in losses.iter_mut().zip([(&old, 0), (&new, old.len())]) {
            if windows.is_empty() {
                continue;
            }
            let Session { engine, observer, tokens: file, stop, .. } = self;
            let mut go_on = |done| {
                observer.evaluating(before + done, of);
                !stop.load(Ordering::Relaxed)
            };
            // Someone who asks to stop does not wait for a number.
            let Some(of_these) = engine.evaluate(file, windows, &mut go_on)? else { return Ok(()) };
            if !of_these.is_finite() {
                return Err(self.not_finite(step, "the validation loss", of_these, Bad::After));
            }
            *loss = Some(of_these);
        }
        let [old, new] = losses;
        let mix = self.run.data.continues.as_ref().map(|continues| continues.mix);
        let apart = mix.map(|_| Apart { old, new });
        let val_loss = match (old, new) {
            (Some(old), Some(new)) => {
                let mix = mix.unwrap_or(1.0);
                mix * old + (1.0 - mix) * new
            }
            (one, other) => one.or(other).expect("there are windows"),
        };
        let evaluation = Evaluation { step, val_loss, apart };
        self.log.eval(&EvalLine { step, tokens, val_loss })?;
        let run = &mut self.run;
        run.last_eval = Some(evaluation);
        if step == 0 {
            run.first_eval = Some(evaluation);
        } else if run.best_eval.is_none_or(|best| val_loss < best.val_loss) {
            (run.best_eval, run.since_best) = (Some(evaluation), 0);
        } else {
            run.since_best += 1;
        }
        self.observer.evaluated(step, val_loss);
        self.look(&windows)?;
        Ok(())
    }

    /// Writes `report.html`. A report that cannot be written is said once, and training goes on.
    pub(super) fn report(&mut self, end: bool) {
        if let Some(e) = self.reporter.write(self.folder.path(), &self.run, end) {
            self.observer.warn(&format!("report   {e}; training goes on"));
        }
    }
}
