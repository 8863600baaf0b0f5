//! What is done where a device is lost, or has no memory left, while a run is on it: the run goes back to its last state and on
//! from there. After a loss the same numbers follow; where memory was short, the same steps in smaller pieces.

use std::time::Duration;

use crate::base::units::thousands;
use crate::base::{Error, Result};
use crate::device::select::Closed;
use crate::run::record::Run;
use crate::run::spikes::spikes_of;
use crate::run::{Repaired, RunFolder};
use crate::train::Outcome;
use crate::train::engine::Engine;
use crate::train::pieces::{less, problem};
use crate::train::session::Session;

/// So often a run may be taken up again without a state saved in between.
const TRIES: u32 = 3;
/// How long a driver is given after each of them: one that was reset takes a moment, a computer that wakes longer.
#[cfg(not(test))]
const WAIT: [Duration; TRIES as usize] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(20)];
#[cfg(test)]
const WAIT: [Duration; TRIES as usize] = [Duration::ZERO; TRIES as usize];

/// How often a run was taken up again at the step of its last state.
#[derive(Debug, Default)]
struct Tries {
    step: u64,
    n: u32,
}

impl Tries {
    /// One more at a step; the error comes back where that is too often.
    fn again(&mut self, step: u64, error: Error) -> Result<Error> {
        if self.step != step {
            *self = Tries { step, n: 0 };
        }
        self.n += 1;
        if self.n > TRIES { Err(error) } else { Ok(error) }
    }

    fn wait(&self) -> Duration {
        WAIT[(self.n.max(1) - 1) as usize]
    }
}

impl Session<'_> {
    /// Steps until the last one, or until someone asks to stop; again from the last state where the device fails.
    ///
    /// # Errors
    /// Whatever else can go wrong, and a device that fails again and again.
    pub(super) fn train(mut self) -> Result<Outcome> {
        let mut tries = Tries::default();
        loop {
            match self.steps() {
                Err(error @ (Error::Lost { .. } | Error::Memory { .. })) => {
                    self = self.recover(error, &mut tries)?;
                }
                ended => return ended.map_err(|e| self.told(e)),
            }
        }
    }

    /// The session as its last state has it, on a device that is opened anew.
    fn recover(self, mut error: Error, tries: &mut Tries) -> Result<Self> {
        let Session { engine, mut folder, run, observer, .. } = self;
        let Engine { device, exec, .. } = engine;
        // What it holds goes first: a second device beside it would find no room.
        drop(exec);
        let device = device.close();
        let mut run = last_state(&mut folder, &run)?;
        loop {
            error = tries.again(run.position.step, error)?;
            match &error {
                Error::Lost { .. } => {
                    let at = thousands(run.position.step);
                    observer.warn(&format!("lost     {}; going on from step {at}", problem(&error)));
                    std::thread::sleep(tries.wait());
                }
                Error::Memory { .. } => {
                    less(&mut run.settings, observer, error)?;
                    run.count_micro_steps();
                    folder.save_run(&run)?;
                }
                _ => return Err(error),
            }
            match open(&device, &mut run) {
                Ok(engine) => {
                    let (log, samples) = (folder.log()?, folder.samples()?);
                    let windows = self.layout.from(run.position)?;
                    let spikes = spikes_of(&folder, &run)?;
                    let mut session =
                        Session { engine, folder, run, observer, log, samples, windows, spikes, ..self };
                    session.pending.clear();
                    session.recent.clear();
                    session.load_state()?;
                    return Ok(session);
                }
                Err(e) => error = e,
            }
        }
    }
}

/// Takes a run back to its last state: the record, the log and the samples. What it runs on stays as it is.
fn last_state(folder: &mut RunFolder, now: &Run) -> Result<Run> {
    let Repaired { run, .. } = folder.repair()?;
    Ok(Run { device: now.device.clone(), kernels: now.kernels.clone(), ..run })
}

/// The engine of a run on its device, opened anew; with the run's kernels, so that its bits repeat.
fn open(device: &Closed, run: &mut Run) -> Result<Engine> {
    let engine = Engine::new(&device.open()?, run.kernels.clone(), run.model, &run.settings)?;
    run.kernels = engine.choices();
    Ok(engine)
}

#[cfg(test)]
mod tests;
