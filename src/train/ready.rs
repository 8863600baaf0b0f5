//! A run that is ready to begin: what it is to be is decided, and nothing is written yet.

use std::ops::Range;
use std::path::PathBuf;

use serde::de::IgnoredAny;

use crate::base::arch::Precision;
use crate::base::disk::{self, sha256};
use crate::base::units::{counted, shown, thousands};
use crate::base::{Config, Error, Result};
use crate::check::tune::{self, Effort};
use crate::dataset::Text;
use crate::dataset::data::{MASKED, mask_bytes};
use crate::dataset::index::{self, INDEX};
use crate::dataset::pairs::form::Form;
use crate::dataset::text::TOKENS;
use crate::device::Choices;
use crate::device::select::{Device, Identity, why_cpu};
use crate::model::parameters::not_in_blocks;
use crate::optim::LossScale;
use crate::run::RunFolder;
use crate::run::record::{self, Base, Continues, Pairs, Position, Run, Settings};
use crate::run::room::{self, Size};
use crate::run::runs::REPORT;
use crate::tokens::{Ranges, TokenFile, Tokenizer, files};
use crate::train::engine::{Engine, shape};
use crate::train::fit::{self, Begin};
use crate::train::pace::Pace;
use crate::train::pieces::less;
use crate::train::session::Session;
use crate::train::{Observer, Outcome, Stop};
use crate::weights::{huggingface, peft};

/// Everything that a new run is, but for its weights.
pub(super) struct Ready {
    /// Where it goes.
    pub out: PathBuf,
    pub config: Config,
    pub settings: Settings,
    pub preset: Option<String>,
    pub tokenizer: Tokenizer,
    /// What its weights begin with, as its record says it.
    pub from: String,
    /// The same for a person.
    pub what: String,
    /// The model that its adapter stands beside.
    pub base: Option<Base>,
    /// How it begins, for what is offered where it does not fit.
    pub begin: Begin,
    pub text: Text,
    pub about: About,
    /// How much is measured to find its kernels; none leaves it to the device.
    pub tune: Option<Effort>,
}

/// What a run's record says of its text.
pub(super) struct About {
    pub paths: Vec<String>,
    pub entries: u64,
    pub words: u64,
    pub brief: Vec<(String, String)>,
    pub header: Option<String>,
    pub mask_header: bool,
    pub split: String,
    pub reading: crate::journal::Options,
    pub pairs: Option<Pairs>,
    pub continues: Option<Continues>,
}

impl Ready {
    /// Makes the run's folder and trains; `load` gives the model its first weights.
    ///
    /// # Errors
    /// What does not fit the device or the disk, before anything is written; whatever goes wrong while it trains.
    pub fn go(
        mut self,
        device: Device,
        mut load: impl FnMut(&mut Engine) -> Result<()>,
        observer: &mut dyn Observer,
        stop: &Stop,
    ) -> Result<Outcome> {
        let Ready { out, config, settings, .. } = &self;
        observer.say(&format!("model    {}, {} parameters", self.what, thousands(config.num_params())));
        if let Some(line) = not_in_blocks(config, settings.weights) {
            observer.warn(&format!("weights  {line}"));
        }
        let usual = device.choices();
        fit::check(&device, &usual, *config, settings, self.begin)?;
        let most = disk_needs(config, settings, self.text.tokens());
        room::check(out, most, disk::free(out), |short| room::elsewhere(out, most, short))?;

        let (engine, pace) = loop {
            let choices = self.kernels(&device, &usual, observer)?;
            observer.doing("preparing the model");
            let tried = self.try_step(&device, &choices, &mut load);
            match tried {
                Err(error @ Error::Memory { .. }) => less(&mut self.settings, observer, error)?,
                tried => break tried?,
            }
        };
        let Ready { out, settings, .. } = &self;
        let folder = RunFolder::create(out)?;
        folder.note().into_iter().for_each(|note| observer.say(&format!("lock     {note}")));
        let mut guard = Unfinished(Some(folder.path().to_path_buf()));
        let (tokens, ranges, masked) = self.write(&folder)?;
        let saving = format!("saving   {}: open {REPORT} there to see how it goes", shown(out));
        let tokenizer = self.tokenizer.clone();
        let line = pace.line(settings, ranges.train.len());
        let run = self.record(&folder, (ranges, masked), (device.identity(), engine.choices()))?;
        let mut session = Session::open(folder, run, engine, tokenizer, tokens, observer, stop)?;
        session.observer.say(&line);
        session.observer.say(&saving);
        session.save().map_err(|e| session.told(e))?;
        guard.0 = None;
        // The engine holds it, alone: what is lost goes before it is opened anew.
        drop(device);
        session.train()
    }

    /// The kernels that it runs: those that are the fastest on this device, as far as that was measured.
    fn kernels(&self, device: &Device, usual: &Choices, observer: &mut dyn Observer) -> Result<Choices> {
        let shape = shape(device.limits(), usual, self.config, &self.settings)?;
        let effort = self.tune.unwrap_or(Effort::usual(device));
        let found = tune::choices(device, &shape, effort, &mut |what| {
            observer.doing(&format!("measuring which kernels are fast here: {what}"));
        })?;
        if !found.picks.is_empty() {
            let sizes = counted(found.picks.len() as u64, "size of them", "sizes of them");
            observer.say(&format!("kernels  the fastest of this device, as measured: {sizes}"));
        }
        Ok(found)
    }

    /// The run's engine, with its first weights, after a step that is thrown away: what a device has no memory for, it says here.
    fn try_step(
        &self,
        device: &Device,
        choices: &Choices,
        load: &mut impl FnMut(&mut Engine) -> Result<()>,
    ) -> Result<(Engine, Pace)> {
        let mut engine = Engine::new(device, choices.clone(), self.config, &self.settings)?;
        load(&mut engine)?;
        let pace = Pace::measure(&mut engine, &self.settings)?;
        Ok((engine, pace))
    }

    /// Writes what never changes; gives the tokens, which of them are which, and the hash of what is masked.
    fn write(&self, folder: &RunFolder) -> Result<(TokenFile, Ranges, Option<String>)> {
        let (mut tokens, ranges) = self.text.write(&folder.path().join(TOKENS))?;
        folder.write_new(INDEX, &index::bytes(&self.text.index()))?;
        let mut masked = None;
        if self.about.mask_header || self.about.pairs.is_some() {
            let masks = self.text.masks(self.about.mask_header);
            folder.write_new(MASKED, &mask_bytes(&masks))?;
            masked = Some(sha256(&folder.path().join(MASKED))?);
            tokens.mask(masks);
        }
        let form = self.about.pairs.map(|pairs| pairs.form);
        let model = (&self.config, &self.settings);
        write_missing(folder, model, self.base.as_ref(), (&self.tokenizer, form))?;
        Ok((tokens, ranges, masked))
    }

    /// The run's record before its first step.
    fn record(
        self,
        folder: &RunFolder,
        (ranges, masked): (Ranges, Option<String>),
        (device, kernels): (Identity, Choices),
    ) -> Result<Run> {
        let Ready { about, tokenizer, .. } = self;
        let range = |range: Range<usize>| [range.start as u64, range.end as u64];
        let data = record::Data {
            paths: about.paths,
            fingerprint: sha256(&folder.path().join(TOKENS))?,
            index: Some(sha256(&folder.path().join(INDEX))?),
            entries: about.entries,
            words: about.words,
            brief: about.brief,
            width: tokenizer.width(),
            train: range(ranges.train),
            val: range(ranges.val),
            header: about.header,
            masked,
            split: about.split,
            reading: about.reading,
            pairs: about.pairs,
            continues: about.continues,
        };
        Ok(Run {
            version: record::version(&self.settings),
            created: record::now(),
            diarist: env!("CARGO_PKG_VERSION").to_string(),
            model: self.config,
            preset: self.preset,
            tokenizer: tokenizer.kind().name().to_string(),
            tokenizer_file: files::hash(&tokenizer, folder.path())?,
            additions: tokenizer.additions().cloned(),
            from: self.from,
            base: self.base,
            loss_scale: (self.settings.precision == Precision::Mixed).then(LossScale::default),
            settings: self.settings,
            data,
            device,
            kernels,
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
        })
    }
}

/// Bytes that a run over so many tokens writes at most.
pub(super) fn disk_needs(config: &Config, settings: &Settings, tokens: usize) -> u64 {
    Size::new(config, settings, tokens as u64, settings.steps).of_new()
}

/// Writes those of a run's unchanging files that are not there: all of them at the start, on a resume what was lost, or is JSON no
/// more.
pub(super) fn write_missing(
    folder: &RunFolder,
    (config, settings): (&Config, &Settings),
    base: Option<&Base>,
    (tokenizer, form): (&Tokenizer, Option<Form>),
) -> Result<()> {
    let ends = tokenizer.ends();
    let mut all = files::files(tokenizer, config.block_size());
    all.extend(form.map(|form| ("chat_template.jinja", form.template().as_bytes().to_vec())));
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
        let place = folder.path().join(name);
        let whole =
            || disk::read_file(&place).is_ok_and(|text| serde_json::from_slice::<IgnoredAny>(&text).is_ok());
        if !place.exists() {
            folder.write_new(name, &bytes)?;
        } else if name.ends_with(".json") && !whole() {
            disk::replace(&place, &bytes)?;
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
