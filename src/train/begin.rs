//! How a run begins, and how it is taken up again.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::base::units::thousands;
use crate::base::{Config, Error, Preset, Result};
use crate::device::Choices;
use crate::device::select::{Device, why_cpu};
use crate::journal::Report;
use crate::run::record::{self, Position, Run};
use crate::run::{RunFolder, choose_out, refuse_inside};
use crate::tokens::windows::Epochs;
use crate::tokens::{Kind, TokenFile, Tokenizer, files};
use crate::train::data::{Data, MASKED, mask_bytes, read_mask};
use crate::train::engine::Engine;
use crate::train::heldout::Split;
use crate::train::session::Session;
use crate::train::tokenised::Wanted;
use crate::train::{Observer, Options, Outcome, Stop};
use crate::weights::files::sha256;
use crate::weights::huggingface::{self, Checkpoint};

/// Begins a run and trains it.
///
/// # Errors
/// Whatever a person should know before or while it trains; nothing that was saved is lost.
pub fn start(options: &Options, observer: &mut dyn Observer, stop: &Stop) -> Result<Outcome> {
    options.check()?;
    let scratch = options.source()? == "scratch";
    let mut source = Source::open(options)?;
    let (seed, val) = (options.seed.unwrap_or(1), options.val_fraction.unwrap_or(0.1));
    let out = choose_out(options.out.as_deref(), &options.paths[0], Path::new("checkpoints"))?;
    refuse_inside(&out, &options.paths)?;
    let header = options.template()?;
    let wanted = Wanted {
        paths: &options.paths,
        options: &options.journal,
        header: header.as_ref(),
        tokenizer: source.tokenizer,
    };
    let split = Split::parse(options.split.as_deref().unwrap_or("random"));
    observer.doing("reading");
    let data = Data::prepare(&wanted, &split, val, seed, options.cache, observer)?;
    describe_data(data.report(), observer);
    let bare = data.without_header();
    if header.is_some() && bare > 0 {
        let all = data.report().entries as u64;
        let (bare, all) = (thousands(bare as u64), thousands(all));
        observer.say(&format!("header   {bare} of {all} entries have none: they lack what it asks for"));
    }
    if options.strict && !data.report().is_whole() {
        return Err(not_whole());
    }

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
    let what = model_name(options);
    observer.say(&format!("model    {what}, {} parameters", thousands(config.num_params())));

    observer.doing("preparing the model");
    let mut engine = Engine::new(&device, device.choices(), config, &settings)?;
    match &mut source.checkpoint {
        Some(checkpoint) => engine.load(checkpoint, None)?,
        None => engine.initialise()?,
    }
    let folder = RunFolder::create(&out)?;
    let mut guard = Unfinished(Some(folder.path().to_path_buf()));
    let (mut tokens, ranges) = data.write(&folder.path().join("tokens.bin"))?;
    let mut masked = None;
    if options.mask_header {
        let headers = data.headers();
        folder.write_new(MASKED, &mask_bytes(&headers))?;
        masked = Some(sha256(&folder.path().join(MASKED))?);
        tokens.mask(headers);
    }
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
            entries: data.report().entries as u64,
            words: data.report().words,
            train: [ranges.train.start as u64, ranges.train.end as u64],
            val: [ranges.val.start as u64, ranges.val.end as u64],
            header: options.header.clone(),
            masked,
            split: options.split.clone().unwrap_or_else(|| "random".into()),
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
    let mut tokens = TokenFile::open(&path, run.data.val[1] as usize)?;
    if let Some(hash) = &run.data.masked {
        let path = dir.join(MASKED);
        if !path.is_file() || sha256(&path)? != *hash {
            return Err(Error::file(
                &path,
                "missing, or its hash is not the one in run.json: it was changed",
                "restore it from a backup, or begin a new run from this folder's model: --from",
            ));
        }
        tokens.mask(read_mask(dir)?);
    }
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
pub(super) struct Source {
    pub config: Config,
    pub tokenizer: Tokenizer,
    pub checkpoint: Option<Checkpoint>,
}

/// The tokenizer of the model that would be trained.
///
/// # Errors
/// A checkpoint that cannot be read; settings that cannot go together.
pub fn tokenizer_of(options: &Options) -> Result<Tokenizer> {
    Ok(Source::open(options)?.tokenizer)
}

/// What the model is called: a preset's name, or where it comes from.
pub(super) fn model_name(options: &Options) -> String {
    match options.from.as_deref() {
        Some("scratch") | None => options.preset.unwrap_or(Preset::Tiny).name().to_string(),
        Some(folder) => format!("from {folder}"),
    }
}

impl Source {
    pub fn open(options: &Options) -> Result<Source> {
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

/// What was read, before anything is trained on.
fn describe_data(report: &Report, observer: &mut dyn Observer) {
    observer.say(&format!("journal  {report}"));
    for (what, line) in report.details() {
        observer.say(&format!("{what:8} {line}"));
    }
    for line in report.doubts() {
        observer.say(&line);
    }
}

/// The error of `--strict`.
pub fn not_whole() -> Error {
    Error::setting(
        "--strict: something could not be read, or is doubtful (see the lines above)",
        "mend it, leave it out with --glob '!NAME', or leave --strict out",
    )
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
            name: gpu.name().into(),
            driver: gpu.driver(),
            backend: gpu.backend(),
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
