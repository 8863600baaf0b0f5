//! How a run begins.

use crate::base::units::shown;
use crate::base::{Preset, Result};
use crate::dataset::Data;
use crate::dataset::pairs::form::Form;
use crate::run::record::{Pairs, Settings};
use crate::tokens::Tokenizer;
use crate::train::base;
use crate::train::engine::Engine;
use crate::train::fit::Begin;
use crate::train::options::PRESET;
use crate::train::origin::{Origin, not_said};
use crate::train::prompts;
use crate::train::read::Read;
use crate::train::ready::{About, Ready, open_device};
use crate::train::source::{self, Source};
use crate::train::{Observer, Options, Outcome, Stop};

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
    let mut prompts = prompts::read(&options.prompt_file)?;
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
    let device = open_device(&options.device, options.threads, observer)?;
    let begin = begin(options, scratch);
    let settings = read.settings(options, &mut source, begin, &device.seen(), observer)?;
    if prompts.is_empty() {
        prompts = read.questions.clone();
    }
    let settings = Settings { prompts, ..settings };
    let base = source.checkpoint.as_ref().filter(|_| settings.lora.is_some()).map(base::note).transpose()?;
    let preset = options.preset.or(scratch.then_some(PRESET)).map(Preset::name);
    let Read { data, out, .. } = read;
    let about = about(options, &data, &source.tokenizer);
    let ready = Ready {
        out,
        config: source.config,
        settings,
        preset: preset.map(str::to_string),
        tokenizer: source.tokenizer,
        from: match &origin {
            Origin::Scratch => "scratch".to_string(),
            Origin::Folder(folder) | Origin::Cache(_, folder) => folder.display().to_string(),
            Origin::Hub(_, name) => name.to_string(),
        },
        what: source::name(options, &origin),
        base,
        begin,
        text: data.into_text(),
        about,
        tune: options.tune,
    };
    let load = |engine: &mut Engine| match &mut source.checkpoint {
        Some(checkpoint) => engine.load(checkpoint, None),
        None => engine.initialise(),
    };
    ready.go(device, load, observer, stop)
}

/// What the run's record says of its text.
fn about(options: &Options, data: &Data, tokenizer: &Tokenizer) -> About {
    About {
        paths: options.paths.iter().chain(&options.beside).map(|p| p.display().to_string()).collect(),
        entries: data.report().entries as u64,
        words: data.report().words,
        brief: brief(data),
        header: options.header.clone(),
        mask_header: options.mask_header,
        split: options.split.clone(),
        reading: options.journal.clone(),
        pairs: options
            .pairs
            .then(|| Pairs { form: Form::of(tokenizer), mix: options.share().map(|share| share as f32) }),
        continues: None,
    }
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
