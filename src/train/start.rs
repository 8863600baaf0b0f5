//! How a run begins.

use std::path::PathBuf;

use crate::base::disk::{self, sha256};
use crate::base::units::{shown, thousands};
use crate::base::{Config, Preset, Result};
use crate::dataset::Data;
use crate::dataset::data::{MASKED, mask_bytes};
use crate::device::select::{Device, why_cpu};
use crate::model::parameters::not_in_blocks;
use crate::run::RunFolder;
use crate::run::record::{self, Base, Position, Run, Settings};
use crate::run::room::{self, Size};
use crate::run::runs::REPORT;
use crate::tokens::{Tokenizer, files};
use crate::train::base;
use crate::train::engine::Engine;
use crate::train::fit::{self, Begin};
use crate::train::options::PRESET;
use crate::train::origin::{Origin, not_said};
use crate::train::prompts;
use crate::train::read::Read;
use crate::train::session::Session;
use crate::train::source::{self, Source};
use crate::train::{Observer, Options, Outcome, Stop};
use crate::weights::{huggingface, peft};

/// Begins a run and trains it.
///
/// # Errors
/// Whatever a person should know before or while it trains; nothing that was saved is lost.
pub fn start(options: &Options, observer: &mut dyn Observer, stop: &Stop) -> Result<Outcome> {
    options.check()?;
    let mut origin = options.source()?;
    let scratch = matches!(origin, Origin::Scratch);
    // What cannot end well is said before anything is read.
    match &origin {
        Origin::Cache(name, folder) => {
            observer.say(&format!("from     {name}, in the cache: {}", shown(folder)));
        }
        Origin::Hub(hub, name) if hub.offline => return Err(hub.not_here(name)),
        Origin::Hub(hub, name) if !options.yes && !observer.can_ask() => {
            return Err(not_said(hub, name, options.from.is_some(), options.lora.is_some()));
        }
        _ => {}
    }
    let prompts = prompts::read(&options.prompt_file)?;
    let mut source = Source::open(options, &origin)?;
    let mut read = Read::new(options, &source, observer)?;
    if let Origin::Hub(hub, name) = &origin {
        let fetched = Origin::Cache(name.clone(), observer.fetch(hub, name)?);
        let before = source.tokenizer;
        source = Source::open(options, &fetched)?;
        if source.tokenizer != before {
            read.data = read.again(options, &source.tokenizer, observer)?;
        }
        origin = fetched;
    }
    let context = read.context(options, &mut source, scratch, observer)?;
    let device = open_device(&options.device, options.threads, observer)?;
    let gpu = matches!(device, Device::Gpu(_));
    let settings = read.settings(options, &source.config, scratch, (context, gpu))?;
    let settings = Settings { prompts, ..settings };
    let Read { data, out, .. } = read;
    let config = source.config;
    let preset = options.preset.or(scratch.then_some(PRESET)).map(Preset::name);
    let what = source::name(options, &origin);
    observer.say(&format!("model    {what}, {} parameters", thousands(config.num_params())));
    if let Some(line) = not_in_blocks(&config, settings.weights) {
        observer.warn(&format!("weights  {line}"));
    }

    let choices = device.choices();
    fit::check(&device, &choices, config, &settings, begin(options, scratch))?;
    let most = disk_needs(&config, &settings, &data);
    room::check(&out, most, disk::free(&out), |short| room::elsewhere(&out, most, short))?;

    observer.doing("preparing the model");
    let mut engine = Engine::new(&device, choices, config, &settings)?;
    match &mut source.checkpoint {
        Some(checkpoint) => engine.load(checkpoint)?,
        None => engine.initialise()?,
    }
    let folder = RunFolder::create(&out)?;
    folder.note().into_iter().for_each(|note| observer.say(&format!("lock     {note}")));
    let mut guard = Unfinished(Some(folder.path().to_path_buf()));
    let (mut tokens, ranges) = data.write(&folder.path().join("tokens.bin"))?;
    let mut masked = None;
    if options.mask_header {
        let headers = data.headers();
        folder.write_new(MASKED, &mask_bytes(&headers))?;
        masked = Some(sha256(&folder.path().join(MASKED))?);
        tokens.mask(headers);
    }
    let base = source.checkpoint.as_ref().filter(|_| settings.lora.is_some()).map(base::note).transpose()?;
    write_missing(&folder, &config, &settings, base.as_ref(), &source.tokenizer)?;
    let run = Run {
        version: record::VERSION,
        created: record::now(),
        diarist: env!("CARGO_PKG_VERSION").to_string(),
        model: config,
        preset: preset.map(str::to_string),
        tokenizer: source.tokenizer.kind().name().to_string(),
        tokenizer_file: files::hash(&source.tokenizer, folder.path())?,
        additions: source.tokenizer.additions().cloned(),
        from: match &origin {
            Origin::Scratch => "scratch".to_string(),
            Origin::Folder(folder) | Origin::Cache(_, folder) => folder.display().to_string(),
            Origin::Hub(_, name) => name.to_string(),
        },
        base,
        settings,
        data: record::Data {
            paths: options.paths.iter().map(|p| p.display().to_string()).collect(),
            fingerprint: sha256(&folder.path().join("tokens.bin"))?,
            entries: data.report().entries as u64,
            words: data.report().words,
            brief: brief(&data),
            width: source.tokenizer.width(),
            train: [ranges.train.start as u64, ranges.train.end as u64],
            val: [ranges.val.start as u64, ranges.val.end as u64],
            header: options.header.clone(),
            masked,
            split: options.split.clone(),
            reading: options.journal.clone(),
        },
        device: device.identity(),
        kernels: engine.choices(),
        position: Position::default(),
        finished: false,
        last_eval: None,
        first_eval: None,
        best_eval: None,
        since_best: 0,
        spikes: 0,
        lowered: 0,
        best: None,
        state: record::State::default(),
    };
    let mut session = Session::open(folder, run, engine, source.tokenizer, tokens, observer, stop)?;
    session.rehearse()?;
    session.observer.say(&format!("saving   {}: open {REPORT} there to see how it goes", shown(&out)));
    session.save().map_err(|e| session.told(e))?;
    guard.0 = None;
    // The engine holds it, alone: what is lost goes before it is opened anew.
    drop(device);
    session.train()
}

/// What was read and how it is divided, for who reads the run's report.
fn brief(data: &Data) -> Vec<(String, String)> {
    let journal = [("journal", data.report().to_string())].into_iter().chain(data.report().brief());
    journal.chain([("split", data.sides().line())]).map(|(what, line)| (what.to_string(), line)).collect()
}

/// How a run of these options begins.
pub(super) fn begin(options: &Options, scratch: bool) -> Begin {
    if scratch { Begin::Scratch(options.preset.unwrap_or(PRESET)) } else { Begin::Checkpoint }
}

/// Bytes that a run writes at most.
pub(super) fn disk_needs(config: &Config, settings: &Settings, data: &Data) -> u64 {
    let tokens = (data.sides().train_tokens() + data.sides().val_tokens()) as u64;
    Size::new(config, settings, tokens, settings.steps).of_new()
}

/// Writes those of a run's unchanging files that are not there: all of them at the start, on a resume what was lost.
pub(super) fn write_missing(
    folder: &RunFolder,
    config: &Config,
    settings: &Settings,
    base: Option<&Base>,
    tokenizer: &Tokenizer,
) -> Result<()> {
    let ends = tokenizer.ends();
    let mut all = files::files(tokenizer, config.block_size());
    match (&settings.lora, base) {
        (Some(lora), Some(base)) => {
            let text = peft::config_json(lora, &base.path.to_string_lossy(), config);
            all.push((peft::CONFIG, text.into_bytes()));
        }
        _ => {
            let text = huggingface::config_json(config, settings.dropout, &ends);
            all.push(("config.json", text.into_bytes()));
            all.push(("generation_config.json", huggingface::generation_config_json(&ends).into_bytes()));
        }
    }
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

/// Opens a device and says which it is.
pub(super) fn open_device(wanted: &str, threads: usize, observer: &mut dyn Observer) -> Result<Device> {
    let device = Device::open(wanted, threads)?;
    let why = match (&device, wanted) {
        (Device::Cpu(_), "auto") => format!(": {}", why_cpu()),
        _ => String::new(),
    };
    observer.say(&format!("device   {}{why}", device.line()));
    Ok(device)
}
