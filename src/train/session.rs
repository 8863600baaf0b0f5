//! A run from its first step to its last: begin or resume, then step, log, evaluate, sample and save.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::base::units::{duration, si, thousands};
use crate::base::{Config, Error, Preset, Result};
use crate::device::Choices;
use crate::device::select::{Device, why_cpu};
use crate::model::store;
use crate::run::log::{EvalLine, Log, StepLine};
use crate::run::record::{self, Evaluation, Position, Run};
use crate::run::samples::Samples;
use crate::run::state::OPTIMIZER;
use crate::run::{RunFolder, choose_out, refuse_inside};
use crate::sample::{Choice, Decoder};
use crate::tokens::windows::{Cursor, Epochs, Windows};
use crate::tokens::{Kind, TokenFile, Tokenizer, files, validation};
use crate::train::data::Data;
use crate::train::engine::Engine;
use crate::train::{Observer, Options, Outcome, Progress, Stop};
use crate::weights::files::sha256;
use crate::weights::huggingface::{self, Checkpoint};
use crate::weights::safetensors::Reader;

/// A state is saved at least this often, whatever `save_every` is: a night is never lost.
const SAVE_AFTER: Duration = Duration::from_secs(600);
/// Tokens of a sample shown during training.
const SAMPLE_TOKENS: usize = 240;
/// The seed of those samples: the same draws at every step show what has changed.
const SAMPLE_SEED: u64 = 1;

/// A run that is open.
pub struct Session<'a> {
    folder: RunFolder,
    run: Run,
    engine: Engine,
    tokenizer: Tokenizer,
    tokens: TokenFile,
    windows: Windows,
    log: Log,
    samples: Samples,
    observer: &'a mut dyn Observer,
    stop: &'a Stop,
    /// Steps submitted whose scalars have not been read.
    pending: VecDeque<Pending>,
    last_received: Instant,
    last_saved: Instant,
    /// Seconds of recent steps.
    recent: VecDeque<f64>,
}

struct Pending {
    position: Position,
    windows: Vec<usize>,
}

/// Begins a run and trains it.
///
/// # Errors
/// Whatever a person should know before or while it trains; nothing that was saved is lost.
pub fn start(options: &Options, observer: &mut dyn Observer, stop: &Stop) -> Result<Outcome> {
    options.check()?;
    let scratch = options.source()? == "scratch";
    let mut source = Source::open(options)?;
    let (seed, val) = (options.seed.unwrap_or(1), options.val_fraction.unwrap_or(0.1));
    observer.doing("reading");
    let data = Data::read(&options.paths, &source.tokenizer, val, seed)?;
    describe_data(&data, observer);

    let most = if scratch { usize::MAX } else { source.config.block_size };
    let wanted = options.context(scratch, most)?;
    let context = data.fit_context(wanted)?;
    if context < wanted {
        observer.say(&format!(
            "context  {context} tokens instead of {wanted}: the text has only {} to train on",
            thousands(data.train_tokens() as u64)
        ));
    }
    if scratch {
        source.config.block_size = context;
    }
    let config = source.config;
    let device = open_device(&options.device, options.threads, observer)?;
    let gpu = matches!(device, Device::Gpu(_));
    let batches = options.batches(scratch, &config, gpu);
    let windows = Epochs::new(0..data.train_tokens(), context, seed)?.windows_in_epoch(0);
    let settings = options.settings(scratch, context, batches, windows, data.val_tokens());
    let preset = options.preset.or(scratch.then_some(Preset::Tiny)).map(|p| p.name());
    let what =
        preset.map_or_else(|| format!("from {}", options.source().unwrap_or_default()), str::to_string);
    observer.say(&format!("model    {what}, {} parameters", thousands(config.num_params())));

    let out = choose_out(options.out.as_deref(), &options.paths[0], Path::new("checkpoints"))?;
    refuse_inside(&out, &options.paths)?;
    observer.doing("preparing the model");
    let mut engine = Engine::new(&device, device.choices(), config, &settings)?;
    match &mut source.checkpoint {
        Some(checkpoint) => engine.load(checkpoint, None)?,
        None => engine.initialise()?,
    }
    let folder = RunFolder::create(&out)?;
    let mut guard = Unfinished(Some(folder.path().to_path_buf()));
    let (tokens, ranges) = data.write(&folder.path().join("tokens.bin"))?;
    write_missing(&folder, &config, &source.tokenizer, settings.dropout)?;
    let run = Run {
        version: record::VERSION,
        created: record::now(),
        diarist: env!("CARGO_PKG_VERSION").to_string(),
        model: config,
        preset: preset.map(str::to_string),
        tokenizer: source.tokenizer.kind().name().to_string(),
        from: options.source()?.to_string(),
        settings,
        data: record::Data {
            paths: options.paths.iter().map(|p| p.display().to_string()).collect(),
            fingerprint: sha256(&folder.path().join("tokens.bin"))?,
            entries: data.report.entries as u64,
            words: data.report.words,
            train: [ranges.train.start as u64, ranges.train.end as u64],
            val: [ranges.val.start as u64, ranges.val.end as u64],
        },
        device: device_record(&device),
        kernels: json!({ "choices": device.choices() }),
        position: Position::default(),
        finished: false,
        last_eval: None,
        best_eval: None,
        state: record::State::default(),
    };
    let mut session = Session::open(folder, run, engine, source.tokenizer, tokens, observer, stop)?;
    session.rehearse()?;
    session.observer.say(&format!("saving   {}", out.display()));
    session.save()?;
    guard.0 = None;
    session.train()
}

/// Continues the run in `dir`; `steps` larger than the recorded number extend it.
///
/// # Errors
/// A folder that is not a run's or is held by another process; whatever can go wrong while it trains.
pub fn resume(
    dir: &Path,
    steps: Option<u64>,
    device: Option<&str>,
    threads: usize,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<Outcome> {
    let mut folder = RunFolder::open(dir)?;
    let mut run = folder.repair()?;
    if let Some(steps) = steps.filter(|&s| s > run.settings.steps) {
        observer.say(&format!("steps    {} instead of {}", thousands(steps), thousands(run.settings.steps)));
        run.settings.steps = steps;
        run.finished = false;
        // Written down at once: a kill before the next save must not forget what was asked for.
        folder.save_run(&run)?;
    }
    if let Some(steps) = steps.filter(|&s| s < run.settings.steps) {
        observer.say(&format!(
            "steps    {} stay, not {steps}: only a larger number changes a run",
            run.settings.steps
        ));
    }
    if run.position.step >= run.settings.steps {
        observer.say(&format!(
            "finished {} steps are done; a larger --steps extends the run",
            thousands(run.position.step)
        ));
        return Ok(Outcome { dir: dir.to_path_buf(), interrupted: false });
    }
    let recorded =
        if run.device.executor == "cpu" { "cpu".to_string() } else { format!("gpu:{}", run.device.name) };
    let opened = open_device(device.unwrap_or(&recorded), threads, observer)?;
    let mut choices = opened.choices();
    if device_record(&opened) == run.device {
        // The tiles of the run, so that its bits repeat.
        choices = serde_json::from_value::<Choices>(run.kernels["choices"].clone()).unwrap_or(choices);
    } else {
        observer.say(&format!(
            "device   another than the run's {} {}: the last bits of the numbers may differ",
            run.device.name, run.device.driver
        ));
        run.device = device_record(&opened);
        run.kernels = json!({ "choices": choices });
    }
    observer.doing("loading the saved state");
    let engine = Engine::new(&opened, choices, run.model, &run.settings)?;
    let path = dir.join("tokens.bin");
    if !path.is_file() || sha256(&path)? != run.data.fingerprint {
        return Err(Error::file(
            &path,
            "missing, or its hash is not the one in run.json: it was changed",
            "restore it from a backup, or begin a new run from this folder's model: --from",
        ));
    }
    let tokens = TokenFile::open(&path, run.data.val[1] as usize)?;
    let tokenizer = Tokenizer::new(Kind::from_name(&run.tokenizer).ok_or_else(|| {
        Error::file(
            dir.join("run.json"),
            format!("names a tokenizer {:?}", run.tokenizer),
            "use a newer diarist, or restore the file",
        )
    })?);
    write_missing(&folder, &run.model, &tokenizer, run.settings.dropout)?;
    let mut session = Session::open(folder, run, engine, tokenizer, tokens, observer, stop)?;
    session.load_state()?;
    let (step, steps) = (session.run.position.step, session.run.settings.steps);
    session.observer.say(&format!("resuming {} at step {step} of {steps}", dir.display()));
    session.train()
}

/// Writes those of a run's unchanging files that are not there: all of them at the start, on a resume what was lost.
fn write_missing(folder: &RunFolder, config: &Config, tokenizer: &Tokenizer, dropout: f32) -> Result<()> {
    let eot = tokenizer.end_of_text();
    let mut all = files::files(tokenizer, config.block_size);
    all.push(("config.json", huggingface::config_json(config, dropout, eot).into_bytes()));
    all.push(("generation_config.json", huggingface::generation_config_json(eot).into_bytes()));
    all.push((".gitignore", b"*\n".to_vec()));
    for (name, bytes) in all {
        if !folder.path().join(name).exists() {
            folder.write_new(name, &bytes)?;
        }
    }
    Ok(())
}

/// Removes a run's folder that never got its first state.
struct Unfinished(Option<PathBuf>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            // Nothing of a person's is in it; if it cannot be removed, the next run takes the next name.
            let _ = std::fs::remove_dir_all(path);
        }
    }
}

/// Where the weights and the tokenizer come from.
struct Source {
    config: Config,
    tokenizer: Tokenizer,
    checkpoint: Option<Checkpoint>,
}

impl Source {
    fn open(options: &Options) -> Result<Source> {
        let from = options.source()?;
        if from == "scratch" {
            let tokenizer = Tokenizer::new(options.tokenizer.unwrap_or(Kind::Bytes));
            let config = options.preset.unwrap_or(Preset::Tiny).config(tokenizer.vocab_size());
            return Ok(Source { config, tokenizer, checkpoint: None });
        }
        if options.preset.is_some() {
            return Err(Error::usage(
                "--preset is the shape of a model from scratch; a checkpoint has its own",
                "leave --preset out, or use --from scratch",
            ));
        }
        let checkpoint = huggingface::open(Path::new(from))?;
        let config = *checkpoint.config();
        let tokenizer = files::from_folder(Path::new(from), config.vocab_size)?;
        if let Some(kind) = options.tokenizer.filter(|k| *k != tokenizer.kind()) {
            return Err(Error::usage(
                format!("--tokenizer {}, but this checkpoint's is {}", kind.name(), tokenizer.kind().name()),
                "leave --tokenizer out: a checkpoint has its own",
            ));
        }
        Ok(Source { config, tokenizer, checkpoint: Some(checkpoint) })
    }
}

fn describe_data(data: &Data, observer: &mut dyn Observer) {
    observer.say(&format!("journal  {}", data.report));
    const SHOWN: usize = 20;
    for s in data.report.skipped.iter().take(SHOWN) {
        observer.say(&format!("skipped  {}: {}", s.path.display(), s.reason));
    }
    if data.report.skipped.len() > SHOWN {
        observer.say(&format!("skipped  and {} more", data.report.skipped.len() - SHOWN));
    }
}

fn open_device(wanted: &str, threads: usize, observer: &mut dyn Observer) -> Result<Device> {
    let device = Device::open(wanted, threads)?;
    let why = match (&device, wanted) {
        (Device::Cpu(_), "auto") => format!(": {}", why_cpu()),
        _ => String::new(),
    };
    observer.say(&format!("device   {}{why}", device.line()));
    Ok(device)
}

fn device_record(device: &Device) -> record::Device {
    match device {
        Device::Cpu(_) => record::Device {
            executor: "cpu".into(),
            name: instruction_set().into(),
            driver: String::new(),
            backend: String::new(),
        },
        Device::Gpu(gpu) => record::Device {
            executor: "gpu".into(),
            name: gpu.info.name.clone(),
            driver: format!("{} {}", gpu.info.driver, gpu.info.driver_info),
            backend: gpu.info.backend.to_string(),
        },
    }
}

/// What the last bits of a CPU's sums depend on: the widest vectors it has.
fn instruction_set() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::is_x86_feature_detected!("avx512f") {
            return "x86-64 with AVX-512";
        }
        if std::is_x86_feature_detected!("fma") {
            return "x86-64 with AVX2 and FMA";
        }
    }
    std::env::consts::ARCH
}

impl<'a> Session<'a> {
    fn open(
        folder: RunFolder,
        run: Run,
        engine: Engine,
        tokenizer: Tokenizer,
        tokens: TokenFile,
        observer: &'a mut dyn Observer,
        stop: &'a Stop,
    ) -> Result<Session<'a>> {
        tokens.check_ids(run.model.vocab_size)?;
        let windows = windows_at(&run, run.position)?;
        let (log, samples) = (folder.log()?, folder.samples()?);
        let now = Instant::now();
        Ok(Session {
            folder,
            run,
            engine,
            tokenizer,
            tokens,
            windows,
            log,
            samples,
            observer,
            stop,
            pending: VecDeque::new(),
            last_received: now,
            last_saved: now,
            recent: VecDeque::new(),
        })
    }

    /// Says how long an epoch takes on this device, measured.
    fn rehearse(&mut self) -> Result<()> {
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
            si(rate * self.run.model.train_flops_per_token(s.context)),
        ));
        Ok(())
    }

    fn load_state(&mut self) -> Result<()> {
        let file = |name| self.folder.state_file(name).expect("a run that is resumed has a state");
        let mut checkpoint = huggingface::open_file(&file("model.safetensors"), self.run.model)?;
        let mut moments = Reader::open(file(OPTIMIZER))?;
        self.engine.load(&mut checkpoint, Some(&mut moments))
    }

    /// Steps until the last one, or until someone asks to stop.
    fn train(mut self) -> Result<Outcome> {
        let s = self.run.settings.clone();
        self.last_received = Instant::now();
        self.last_saved = Instant::now();
        let mut position = self.run.position;
        while position.step < s.steps {
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
            self.engine.step(position.step, &self.tokens, &windows)?;
            self.pending.push_back(Pending { position, windows });
            // The step before this one is read while this one runs.
            while self.pending.len() > 1 {
                self.receive()?;
            }
            let stopping = self.stop.load(Ordering::Relaxed);
            let last = position.step == s.steps;
            let due = |every: u64| every > 0 && position.step.is_multiple_of(every);
            if due(s.eval_every) || last {
                self.evaluate()?;
            }
            if due(s.sample_every) || last {
                self.sample()?;
            }
            if due(s.save_every) || last || stopping || self.last_saved.elapsed() > SAVE_AFTER {
                self.receive_all()?;
                self.run.finished = last;
                self.save()?;
            }
            if stopping && !last {
                return Ok(Outcome { dir: self.folder.path().to_path_buf(), interrupted: true });
            }
        }
        Ok(Outcome { dir: self.folder.path().to_path_buf(), interrupted: false })
    }

    fn receive_all(&mut self) -> Result<()> {
        while !self.pending.is_empty() {
            self.receive()?;
        }
        Ok(())
    }

    /// Reads the oldest pending step's numbers, logs them and tells the observer.
    fn receive(&mut self) -> Result<()> {
        let (loss, grad_norm) = self.engine.receive()?;
        let Pending { position, windows } = self.pending.pop_front().expect("a step is pending");
        for (what, value) in [("the loss", loss), ("the gradient norm", grad_norm)] {
            if !value.is_finite() {
                return Err(self.not_finite(position.step, what, value, Bad::Step));
            }
        }
        let seconds = self.last_received.elapsed().as_secs_f64();
        self.last_received = Instant::now();
        self.run.position = position;
        self.log.step(&StepLine {
            step: position.step,
            tokens: position.tokens,
            loss,
            lr: self.engine.lr(position.step),
            grad_norm,
            seconds: seconds as f32,
            windows,
        })?;
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
            val_loss: self.run.last_eval.map(|e| e.val_loss),
            tokens_per_second: (s.batch * s.accumulate * s.context) as f64 / step_seconds,
            seconds_left: (s.steps - position.step) as f64 * step_seconds,
        });
        Ok(())
    }

    fn evaluate(&mut self) -> Result<()> {
        self.receive_all()?;
        let [start, end] = self.run.data.val.map(|x| x as usize);
        let windows = validation(start..end, self.run.settings.context);
        if windows.is_empty() {
            return Ok(());
        }
        let Position { step, tokens, .. } = self.run.position;
        let val_loss = self.engine.evaluate(&self.tokens, &windows)?;
        if !val_loss.is_finite() {
            return Err(self.not_finite(step, "the validation loss", val_loss, Bad::After));
        }
        let evaluation = Evaluation { step, val_loss };
        self.log.eval(&EvalLine { step, tokens, val_loss })?;
        self.run.last_eval = Some(evaluation);
        if self.run.best_eval.is_none_or(|best| val_loss < best.val_loss) {
            self.run.best_eval = Some(evaluation);
        }
        self.observer.evaluated(step, val_loss);
        self.last_received = Instant::now();
        Ok(())
    }

    fn sample(&mut self) -> Result<()> {
        self.receive_all()?;
        let step = self.run.position.step;
        let eot = self.tokenizer.end_of_text();
        let mut rng = crate::base::rng::Rng::new(SAMPLE_SEED, "sample 0");
        let mut decoder = Decoder::new(self.engine.exec.as_mut(), self.run.model, eot, &[]);
        let keep_on = |_| std::ops::ControlFlow::Continue(());
        let ids = match decoder.write(SAMPLE_TOKENS, &Choice::default(), &mut rng, keep_on) {
            Err(Error::NotFinite { what, value, .. }) => {
                return Err(self.not_finite(step, what, value, Bad::After));
            }
            other => other?,
        };
        let text = self.tokenizer.decode(&ids);
        self.samples.append(step, &text)?;
        self.observer.sampled(step, &text);
        self.last_received = Instant::now();
        Ok(())
    }

    /// A batch of training windows by which weights are tried before they are saved.
    fn probe(&self) -> Vec<(usize, usize)> {
        let [start, end] = self.run.data.train.map(|x| x as usize);
        validation(start..end, self.run.settings.context).into_iter().take(self.run.settings.batch).collect()
    }

    /// Saves the state of the run's position. Every number it rests on has been read and is finite.
    fn save(&mut self) -> Result<()> {
        let step = self.run.position.step;
        // The step's loss was that of the weights before it: the weights that are saved must give one too.
        let loss = self.engine.evaluate(&self.tokens, &self.probe())?;
        if !loss.is_finite() {
            return Err(self.not_finite(step, "the loss after this step", loss, Bad::After));
        }
        let Session { folder, run, engine, .. } = self;
        let (exec, config, limits) = (engine.exec.as_mut(), engine.config, engine.limits);
        let mut saving = folder.begin_state(step)?;
        let mut write = || -> Result<()> {
            let mut writer = saving.model_writer(&config)?;
            store::save(exec, &config, &limits, step, &mut writer)?;
            saving.finish(writer)?;
            let mut writer = saving.optimizer_writer(&config)?;
            store::save_moments(exec, &config, &limits, step, &mut writer)?;
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
        self.last_saved = Instant::now();
        self.last_received = Instant::now();
        Ok(())
    }

    /// The error of a number that is not finite: goes back to the saved state, replays up to that step, and that step
    /// under check, to name the dispatch.
    fn not_finite(&mut self, step: u64, what: &'static str, value: f32, bad: Bad) -> Error {
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
        let dir = self.folder.path().display();
        let next = format!(
            "{dir} holds the last good state, of {}. Begin a new run from it with a smaller learning rate: \
             --from {dir} --lr {:e}",
            self.run.state.folder,
            self.run.settings.lr / 4.0
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
        let saved: Position = self.folder.repair()?.position;
        let mut windows = windows_at(&self.run, saved)?;
        let count = self.run.settings.batch * self.run.settings.accumulate;
        for step in saved.step + 1..=bad_step {
            let starts: Vec<usize> = (0..count).map(|_| windows.next_window()).collect();
            if step < bad_step {
                self.engine.step(step, &self.tokens, &starts)?;
                self.engine.receive()?;
                continue;
            }
            let found = self.engine.find_not_finite(step, &self.tokens, &starts)?;
            if found.is_some() || bad == Bad::Step {
                return Ok(found);
            }
        }
        // The step itself was sound; what it made of the weights is not.
        let [start, end] = self.run.data.val.map(|x| x as usize);
        let held_out = validation(start..end, self.run.settings.context);
        let windows = [self.probe(), held_out].concat();
        match self.engine.find_not_finite_in_evaluation(&self.tokens, &windows)? {
            Some(found) => Ok(Some(found)),
            None => self.engine.find_not_finite_in_decoding(self.tokenizer.end_of_text()),
        }
    }
}

/// Where a number was not finite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bad {
    /// In the step's own loss or norm.
    Step,
    /// In the weights it left: an evaluation, a sample or a save met it.
    After,
}

/// The stream of training windows from a position on.
fn windows_at(run: &Run, position: Position) -> Result<Windows> {
    let [start, end] = run.data.train.map(|x| x as usize);
    let epochs = Epochs::new(start..end, run.settings.context, run.settings.seed)?;
    Ok(epochs.resume(Cursor { epoch: position.epoch, index: position.index }))
}
