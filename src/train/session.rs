//! The loop: step, log, evaluate, sample and save, until the last step or until someone asks to stop.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::base::Result;
use crate::optim::{Planned, Spikes};
use crate::run::RunFolder;
use crate::run::log::{Log, Starts, StepLine};
use crate::run::record::{Position, Run};
use crate::run::report::Reporter;
use crate::run::report::curves::Curves;
use crate::run::runs::LOG;
use crate::run::samples::Samples;
use crate::run::spikes::spikes_of;
use crate::tokens::windows::{Cursor, Row, Windows};
use crate::tokens::{TokenFile, Tokenizer};
use crate::train::engine::{Did, Engine};
use crate::train::layout::Layout;
use crate::train::verdict::{apart, verdict};
use crate::train::{Observer, Outcome, Progress, Stop};

/// A state is saved at least this often, whatever `save_every` is: a night is never lost.
const SAVE_AFTER: Duration = Duration::from_secs(600);

/// Where a number was not finite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bad {
    /// In the step's own loss or norm.
    Step,
    /// In the weights it left: an evaluation, a sample or a save met it.
    After,
}

/// A run that is open.
pub(super) struct Session<'a> {
    pub(super) folder: RunFolder,
    pub(super) run: Run,
    pub(super) engine: Engine,
    pub(super) tokenizer: Tokenizer,
    pub(super) tokens: TokenFile,
    /// What windows are cut from.
    pub(super) layout: Layout,
    pub(super) windows: Windows,
    pub(super) log: Log,
    pub(super) samples: Samples,
    pub(super) reporter: Reporter,
    pub(super) observer: &'a mut dyn Observer,
    pub(super) stop: &'a Stop,
    /// Steps submitted whose scalars have not been read.
    pub(super) pending: VecDeque<Pending>,
    /// The steps before them.
    pub(super) spikes: Spikes,
    /// Spikes that were told.
    pub(super) spikes_told: u32,
    pub(super) last_saved: Instant,
    /// Seconds of recent steps.
    pub(super) recent: VecDeque<f64>,
}

pub(super) struct Pending {
    position: Position,
    rows: Vec<Row>,
    planned: Planned,
    /// How long it took to give it to the device; where that computes it at once, all of the step.
    given: Duration,
}

impl<'a> Session<'a> {
    pub(super) fn open(
        folder: RunFolder,
        run: Run,
        engine: Engine,
        tokenizer: Tokenizer,
        tokens: TokenFile,
        observer: &'a mut dyn Observer,
        stop: &'a Stop,
    ) -> Result<Session<'a>> {
        tokens.check_ids(run.model.vocab_size())?;
        let layout = Layout::of(&run, folder.path())?;
        let windows = layout.from(run.position)?;
        let (log, samples) = (folder.log()?, folder.samples()?);
        let spikes = spikes_of(&folder, &run)?;
        Ok(Session {
            folder,
            run,
            engine,
            tokenizer,
            tokens,
            layout,
            windows,
            log,
            samples,
            reporter: Reporter::default(),
            observer,
            stop,
            pending: VecDeque::new(),
            spikes,
            spikes_told: 0,
            last_saved: Instant::now(),
            recent: VecDeque::new(),
        })
    }

    /// Steps until the last one, or until someone asks to stop.
    pub(super) fn steps(&mut self) -> Result<Outcome> {
        let s = self.run.settings.clone();
        self.last_saved = Instant::now();
        let mut position = self.run.position;
        let begun_at = position.step;
        let mut over = self.owes_evaluation() && self.catch_up()?;
        if !over && self.stop.load(Ordering::Relaxed) {
            return Ok(self.stopped());
        }
        while position.step < s.steps && !over {
            let rows: Vec<Row> = (0..s.batch * s.accumulate).map(|_| self.windows.next_row()).collect();
            let Cursor { epoch, index } = self.windows.cursor();
            position = Position {
                step: position.step + 1,
                tokens: position.tokens + rows.iter().flatten().map(|window| window.1 as u64).sum::<u64>(),
                epoch,
                index,
                micro_step: position.micro_step + s.accumulate as u64,
            };
            let planned = planned(&self.spikes, &self.run, &self.engine, position.step);
            let began = Instant::now();
            // The second step: the first may compile shaders yet.
            if self.observer.wants_profile() && position.step == begun_at + 2 {
                let spans = self.engine.profile_step(&planned, &self.tokens, &rows)?;
                self.observer.profiled(position.step, &spans);
            } else {
                self.engine.step(&planned, &self.tokens, &rows)?;
            }
            self.pending.push_back(Pending { position, rows, planned, given: began.elapsed() });
            // The step before this one is read while this one runs.
            while self.pending.len() > 1 {
                self.receive()?;
            }
            let due = |every: u64| every > 0 && position.step.is_multiple_of(every);
            if due(s.eval_every) || position.step == s.steps {
                self.evaluate()?;
            }
            let stopping = self.stop.load(Ordering::Relaxed);
            over = self.is_over();
            if due(s.sample_every) || over {
                self.sample()?;
            }
            // The best model is saved when it is found, and the state with it.
            let best = self.run.best_eval.is_some_and(|best| best.step == position.step);
            if due(s.save_every) || best || over || stopping || self.last_saved.elapsed() > SAVE_AFTER {
                self.receive_all()?;
                self.run.finished = over;
                self.save()?;
            }
            if due(s.eval_every) || over || stopping {
                self.report(over || stopping);
            }
            if stopping && !over {
                return Ok(self.stopped());
            }
        }
        let curves = Curves::read(&self.folder.path().join(LOG))?;
        let lines = [verdict(&self.run, &curves), apart(&self.run)].concat();
        lines.iter().for_each(|line| self.observer.conclude(line));
        Ok(Outcome { dir: self.folder.path().to_path_buf(), interrupted: false })
    }

    fn stopped(&self) -> Outcome {
        Outcome { dir: self.folder.path().to_path_buf(), interrupted: true }
    }

    /// Whether nothing is left to do: the last step is done and evaluated, or patience is at its end.
    pub(super) fn is_over(&self) -> bool {
        let Run { settings, position, since_best, .. } = &self.run;
        let last = position.step == settings.steps && !self.owes_evaluation();
        last || (settings.patience > 0 && *since_best >= settings.patience)
    }

    pub(super) fn receive_all(&mut self) -> Result<()> {
        while !self.pending.is_empty() {
            self.receive()?;
        }
        Ok(())
    }

    /// In mixed precision: takes note of a step, and says whether its gradients overflowed for their scale, so that it changed nothing.
    fn take_scale(&mut self, planned: &Planned, did: &Did) -> bool {
        let Some(scale) = &mut self.run.loss_scale else { return false };
        let overflow = did.loss.is_finite() && !did.norm.is_finite();
        scale.take(planned.step, planned.loss_scale, overflow)
    }

    /// Reads the oldest pending step's numbers, logs them and tells the observer.
    fn receive(&mut self) -> Result<()> {
        let began = Instant::now();
        let did = self.engine.receive()?;
        let waited = began.elapsed();
        let Did { loss, norm, .. } = did;
        let Pending { position, rows, planned, given } = self.pending.pop_front().expect("a step is pending");
        let overflow = self.take_scale(&planned, &did);
        for (what, value) in [("the loss", loss), ("the gradient norm", norm)] {
            if !value.is_finite() && !overflow {
                return Err(self.not_finite(position.step, what, value, Bad::Step));
            }
        }
        // Of the device's time, what the host spent on this step and no other: neither an evaluation's nor a save's.
        let seconds = (given + waited).as_secs_f64();
        self.run.position = position;
        let on_spike = self.run.settings.on_spike;
        let spike = if overflow { None } else { self.spikes.take(&planned, loss, norm, on_spike) };
        let grad_norm = if overflow { 0.0 } else { norm };
        self.log.step(&StepLine {
            step: position.step,
            tokens: position.tokens,
            loss,
            lr: planned.lr,
            grad_norm,
            seconds: seconds as f32,
            spike,
            loss_scale: self.run.loss_scale.map(|_| planned.loss_scale),
            overflow,
            windows: rows.iter().map(|row| Starts::of(row)).collect(),
        })?;
        (self.run.spikes, self.run.lowered) =
            (self.run.spikes + u64::from(spike.is_some()), self.spikes.lowered());
        if !overflow {
            self.on_spike(spike, &planned, &did)?;
        }
        self.recent.push_back(seconds);
        if self.recent.len() > 20 {
            self.recent.pop_front();
        }
        let s = &self.run.settings;
        let step_seconds = self.recent.iter().sum::<f64>() / self.recent.len() as f64;
        self.observer.step(&Progress {
            step: position.step,
            steps: s.steps,
            loss,
            lr: planned.lr,
            grad_norm,
            val_loss: self.run.last_eval.map(|e| e.val_loss),
            tokens_per_second: (s.batch * s.accumulate * s.context) as f64 / step_seconds,
            seconds_left: (s.steps - position.step) as f64 * step_seconds,
            memory: self.engine.exec.allocated(),
        });
        Ok(())
    }
}

/// A step as it is submitted.
pub(super) fn planned(spikes: &Spikes, run: &Run, engine: &Engine, step: u64) -> Planned {
    let loss_scale = run.loss_scale.map_or(1.0, |scale| scale.plan(step));
    Planned { loss_scale, ..spikes.plan(step, engine.lr(step)) }
}
