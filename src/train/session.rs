//! The loop: step, log, evaluate, sample and save, until the last step or until someone asks to stop.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::base::units::{duration, si, thousands};
use crate::base::{Error, Result, disk};
use crate::model::store;
use crate::optim::{Planned, Spikes};
use crate::run::RunFolder;
use crate::run::log::{EvalLine, Log, StepLine};
use crate::run::record::{Apart, Evaluation, Position, Run};
use crate::run::report::Reporter;
use crate::run::room::{self, Size};
use crate::run::runs::{ADAPTER, MODEL};
use crate::run::samples::Samples;
use crate::run::spikes::spikes_of;
use crate::run::state::OPTIMIZER;
use crate::tokens::windows::{Cursor, Epochs, Windows};
use crate::tokens::{TokenFile, Tokenizer, validation};
use crate::train::base;
use crate::train::engine::{Did, Engine};
use crate::train::verdict::{apart, verdict};
use crate::train::{Observer, Outcome, Progress, Stop};
use crate::weights::huggingface;
use crate::weights::safetensors;

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
    pub(super) last_received: Instant,
    pub(super) last_saved: Instant,
    /// Seconds of recent steps.
    pub(super) recent: VecDeque<f64>,
}

pub(super) struct Pending {
    position: Position,
    windows: Vec<usize>,
    planned: Planned,
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
        let windows = windows_at(&run, run.position)?;
        let (log, samples) = (folder.log()?, folder.samples()?);
        let now = Instant::now();
        let spikes = spikes_of(&folder, &run)?;
        Ok(Session {
            folder,
            run,
            engine,
            tokenizer,
            tokens,
            windows,
            log,
            samples,
            reporter: Reporter::default(),
            observer,
            stop,
            pending: VecDeque::new(),
            spikes,
            spikes_told: 0,
            last_received: now,
            last_saved: now,
            recent: VecDeque::new(),
        })
    }

    /// Says how long an epoch takes on this device, measured.
    pub(super) fn rehearse(&mut self) -> Result<()> {
        let s = &self.run.settings;
        let mut windows = windows_at(&self.run, Position::default())?;
        let starts: Vec<usize> = (0..s.batch).map(|_| windows.next_window()).collect();
        let seconds = self.engine.rehearse(&self.tokens, &starts)?;
        let epoch = (self.run.data.train[1] - self.run.data.train[0]) as f64;
        let rate = (s.batch * s.context) as f64 / seconds;
        self.observer.say(&format!(
            "training {} steps of {} tokens, {:.1} epochs; an epoch takes about {}, the run {} ({} tokens/s, {}FLOP/s)",
            thousands(s.steps),
            thousands((s.batch * s.accumulate * s.context) as u64),
            (s.steps as usize * s.batch * s.accumulate * s.context) as f64 / epoch,
            duration(Duration::from_secs_f64(epoch / rate)),
            duration(Duration::from_secs_f64(
                (s.steps as usize * s.batch * s.accumulate * s.context) as f64 / rate
            )),
            thousands(rate as u64),
            si(rate * self.engine.flops_per_token()),
        ));
        Ok(())
    }

    pub(super) fn load_state(&mut self) -> Result<()> {
        let file = |name| self.folder.state_file(name).expect("a run that is resumed has a state");
        let mut moments = safetensors::open(file(OPTIMIZER))?;
        match &self.run.base {
            None => {
                let mut checkpoint = huggingface::open_file(&file(MODEL), self.run.model)?;
                self.engine.take_up(&mut checkpoint, None, &mut moments)
            }
            Some(base) => {
                let mut checkpoint = base::open(base, &self.run.model, self.folder.path())?;
                let mut adapter = safetensors::open(file(ADAPTER))?;
                self.engine.take_up(&mut checkpoint, Some(&mut adapter), &mut moments)
            }
        }
    }

    /// Steps until the last one, or until someone asks to stop.
    pub(super) fn steps(&mut self) -> Result<Outcome> {
        let s = self.run.settings.clone();
        self.last_received = Instant::now();
        self.last_saved = Instant::now();
        let mut position = self.run.position;
        if position.step == 0 && self.run.from != "scratch" && self.run.first_eval.is_none() {
            // What the model knows of this text before it has seen any: what is reached is held against it.
            self.evaluate()?;
            self.folder.save_run(&self.run)?;
        }
        let mut enough = false;
        while position.step < s.steps && !enough {
            let windows: Vec<usize> =
                (0..s.batch * s.accumulate).map(|_| self.windows.next_window()).collect();
            let Cursor { epoch, index } = self.windows.cursor();
            position = Position {
                step: position.step + 1,
                tokens: position.tokens + (windows.len() * s.context) as u64,
                epoch,
                index,
                micro_step: position.micro_step + s.accumulate as u64,
            };
            let planned = self.spikes.plan(position.step, self.engine.lr(position.step));
            self.engine.step(&planned, &self.tokens, &windows)?;
            self.pending.push_back(Pending { position, windows, planned });
            // The step before this one is read while this one runs.
            while self.pending.len() > 1 {
                self.receive()?;
            }
            let stopping = self.stop.load(Ordering::Relaxed);
            let at_end = position.step == s.steps;
            let due = |every: u64| every > 0 && position.step.is_multiple_of(every);
            if due(s.eval_every) || at_end {
                self.evaluate()?;
            }
            enough = s.patience > 0 && self.run.since_best >= s.patience;
            let last = at_end || enough;
            if due(s.sample_every) || last {
                self.sample()?;
            }
            // The best model is saved when it is found, and the state with it.
            let best = self.run.best_eval.is_some_and(|best| best.step == position.step);
            if due(s.save_every) || best || last || stopping || self.last_saved.elapsed() > SAVE_AFTER {
                self.receive_all()?;
                self.run.finished = last;
                self.save()?;
            }
            if due(s.eval_every) || last || stopping {
                self.report(last || stopping);
            }
            if stopping && !last {
                return Ok(Outcome { dir: self.folder.path().to_path_buf(), interrupted: true });
            }
        }
        let lines = [verdict(&self.run), apart(&self.run)].concat();
        lines.iter().for_each(|line| self.observer.conclude(line));
        Ok(Outcome { dir: self.folder.path().to_path_buf(), interrupted: false })
    }

    pub(super) fn receive_all(&mut self) -> Result<()> {
        while !self.pending.is_empty() {
            self.receive()?;
        }
        Ok(())
    }

    /// Reads the oldest pending step's numbers, logs them and tells the observer.
    fn receive(&mut self) -> Result<()> {
        let did = self.engine.receive()?;
        let Did { loss, norm: grad_norm, .. } = did;
        let Pending { position, windows, planned } = self.pending.pop_front().expect("a step is pending");
        for (what, value) in [("the loss", loss), ("the gradient norm", grad_norm)] {
            if !value.is_finite() {
                return Err(self.not_finite(position.step, what, value, Bad::Step));
            }
        }
        let seconds = self.last_received.elapsed().as_secs_f64();
        self.last_received = Instant::now();
        self.run.position = position;
        let spike = self.spikes.take(&planned, loss, grad_norm, self.run.settings.on_spike);
        self.log.step(&StepLine {
            step: position.step,
            tokens: position.tokens,
            loss,
            lr: planned.lr,
            grad_norm,
            seconds: seconds as f32,
            spike,
            windows,
        })?;
        (self.run.spikes, self.run.lowered) =
            (self.run.spikes + u64::from(spike.is_some()), self.spikes.lowered());
        self.on_spike(spike, &planned, &did)?;
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

    /// The windows that are scored: those of an earlier version's held-out text, and those of the new; of a run that continues
    /// none, all are the former.
    fn held_out(&self) -> [Vec<(usize, usize)>; 2] {
        let Run { data, settings, .. } = &self.run;
        let [start, end] = data.val.map(|x| x as usize);
        let until = data.continues.as_ref().map_or(end, |continues| continues.held_out as usize);
        [start..until, until..end].map(|range| validation(range, settings.context))
    }

    fn evaluate(&mut self) -> Result<()> {
        self.receive_all()?;
        let [old, new] = self.held_out();
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
        self.last_received = Instant::now();
        Ok(())
    }

    /// Writes `report.html`. A report that cannot be written is said once, and training goes on.
    fn report(&mut self, end: bool) {
        if let Some(e) = self.reporter.write(self.folder.path(), &self.run, end) {
            self.observer.warn(&format!("report   {e}; training goes on"));
        }
    }

    /// What a person is told where the disk was full; other errors stay as they are.
    pub(super) fn told(&self, error: Error) -> Error {
        let (path, Run { model, settings, state, .. }) = (self.folder.path(), &self.run);
        let saved = state.folder.strip_prefix("state/").and_then(|step| step.parse().ok());
        let needs = Size::new(model, settings, 0, 0).of_save();
        room::full(error, path, needs, disk::free(path), saved)
    }

    /// A batch of training windows by which weights are tried before they are saved.
    pub(super) fn probe(&self) -> Vec<(usize, usize)> {
        let [start, end] = self.run.data.train.map(|x| x as usize);
        validation(start..end, self.run.settings.context).into_iter().take(self.run.settings.batch).collect()
    }

    /// Saves the state of the run's position. Every number it rests on has been read and is finite.
    pub(super) fn save(&mut self) -> Result<()> {
        let step = self.run.position.step;
        // The step's loss was that of the weights before it: the weights that are saved must give one too.
        let probe = self.probe();
        let loss = self.engine.evaluate(&self.tokens, &probe, &mut |_| true)?.unwrap_or(f32::NAN);
        if !loss.is_finite() {
            return Err(self.not_finite(step, "the loss after this step", loss, Bad::After));
        }
        let Session { folder, run, engine, .. } = self;
        let (exec, shape) = (engine.exec.as_mut(), &engine.shape);
        let mut saving = folder.begin_state(step)?;
        let mut write = || -> Result<()> {
            let mut writer = saving.model_writer(&shape.config, shape.lora.as_ref())?;
            store::save(exec, shape, step, &mut writer)?;
            saving.finish(writer)?;
            let mut writer = saving.optimizer_writer(&shape.trained(), shape.optimizer)?;
            store::save_moments(exec, shape, step, &mut writer)?;
            saving.finish(writer)
        };
        match write() {
            Ok(()) => saving.commit(run)?,
            Err(Error::NotFinite { what, value, .. }) => {
                drop(saving);
                return Err(self.not_finite(step, what, value, Bad::After));
            }
            Err(e) => return Err(e),
        }
        self.observer.saved(step, &self.folder.path().join(&self.run.state.folder));
        self.last_saved = Instant::now();
        self.last_received = Instant::now();
        Ok(())
    }
}

/// The stream of training windows from a position on.
pub(super) fn windows_at(run: &Run, position: Position) -> Result<Windows> {
    let [start, end] = run.data.train.map(|x| x as usize);
    let epochs = Epochs::new(start..end, run.settings.context, run.settings.seed)?;
    Ok(epochs.resume(Cursor { epoch: position.epoch, index: position.index }))
}
