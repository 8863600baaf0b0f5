//! What a run would be and take, before any of it. Where it fits, its step is tried on the device, on tokens that say nothing,
//! and takes its time and its memory for that moment; nothing of a person's is written anywhere.

use std::time::{Duration, Instant};

use crate::base::disk;
use crate::base::memory::{self, Free};
use crate::base::units::{bytes, duration, shown, thousands};
use crate::base::{Config, Error, Preset, Result};
use crate::device::select::Device;
use crate::model::parameters::not_in_blocks;
use crate::run::record::Settings;
use crate::run::room;
use crate::tokens::Tokenizer;
use crate::train::engine::{Engine, shape};
use crate::train::fit::{self, Wanted};
use crate::train::origin::Origin;
use crate::train::pace::{Pace, of_step};
use crate::train::read::Read;
use crate::train::ready::disk_needs;
use crate::train::source::{self, Source};
use crate::train::start::begin;
use crate::train::{Observer, Options};

/// What a run would be.
#[derive(Debug)]
pub struct Estimate {
    /// Lines for a person.
    pub lines: Vec<String>,
    /// Why it could not begin: memory or disk, and what would fit.
    pub problem: Option<Error>,
}

/// Reads the journals as a run would, and says what it would train and what that takes, its time measured. The journals' tokens
/// are kept nowhere.
///
/// # Errors
/// What a person should mend before a run could be thought of; a model that is not on this computer and whose shape is not
/// known.
pub fn dry_run(options: &Options, observer: &mut dyn Observer) -> Result<Estimate> {
    options.check()?;
    let options = &Options { cache: false, ..options.clone() };
    let origin = options.source()?;
    let scratch = matches!(origin, Origin::Scratch);
    let mut source = match &origin {
        // GPT-2's tokenizer and shapes are known without its weights.
        Origin::Hub(hub, name) => {
            let preset = name.short().and_then(Preset::from_name).ok_or_else(|| hub.not_here(name))?;
            let tokenizer = Tokenizer::gpt2();
            Source { config: preset.config(tokenizer.vocab_size()), tokenizer, checkpoint: None }
        }
        origin => Source::open(options, origin)?,
    };
    let mut read = Read::new(options, &source, observer)?;
    let device = Device::look(&options.device, options.threads)?;
    let begin = begin(options, scratch);
    let settings = read.settings(options, &mut source, begin, &device, observer)?;
    let (config, choices) = (source.config, device.choices());
    let recorded = shape(device.limits, &choices, config, &settings)?;

    let parameters = thousands(config.num_params());
    let mut lines = vec![format!("model    {}, {parameters} parameters", source::name(options, &origin))];
    if let Origin::Hub(_, name) = &origin {
        lines.push(format!("fetch    {name} is not on this computer yet"));
    }
    let trained: usize = recorded.trained().iter().map(|p| p.numel()).sum();
    let trained = thousands(trained as u64);
    lines.push(match &settings.lora {
        Some(lora) => format!(
            "trains   an adapter of {trained} parameters ({lora}), beside the model in {}",
            settings.weights.name()
        ),
        None => format!("trains   {trained} parameters"),
    });
    lines.extend(not_in_blocks(&config, settings.weights).map(|line| format!("weights  {line}")));
    lines.push(steps(&settings, read.data.sides().train_tokens()));
    lines.push(format!("device   {}", device.line));
    let wanted = Wanted { limits: device.limits, choices: &choices, config, settings: &settings, begin };
    let short = wanted.check(device.free).err();
    let measured = short.is_none().then(|| {
        observer.doing("measuring a step");
        Measured::new(options, config, &settings)
    });
    // Too large in one piece, there is no figure.
    if let Ok(parts) = fit::parts(device.limits, &choices, config, &settings) {
        let needs = parts.iter().map(|(_, n)| n).sum();
        lines.push(format!(
            "memory   {} for tensors; {}",
            bytes(needs),
            free_of(device.free, short.is_none())
        ));
        let parts: Vec<String> = parts.into_iter().map(|(what, n)| format!("{what} {}", bytes(n))).collect();
        lines.push(format!("         {}", parts.join(", ")));
        if let Some(Ok(Measured { program: Some(program), .. })) = measured {
            lines.push(format!("         and {} for the program itself", bytes(program)));
        }
        lines.extend(
            wanted.less().into_iter().map(|(flags, n)| format!("         {flags} would need {}", bytes(n))),
        );
    }
    let sides = read.data.sides();
    let most = disk_needs(&config, &settings, sides.train_tokens() + sides.val_tokens());
    let free = disk::free(&read.out);
    let full = room::check(&read.out, most, free, |short| room::elsewhere(&read.out, most, short)).err();
    let has = match free {
        Some(free) => format!("this disk has {} free: {}", bytes(free), verdict(full.is_none())),
        None => "nothing tells what is free".into(),
    };
    lines.push(format!("disk     {} at most, in {}; {has}", bytes(most), shown(&read.out)));
    lines.extend(measured.map(|measured| match measured {
        Ok(measured) => format!("time     {}", measured.line(&settings, sides.train_tokens())),
        Err(e) => format!("time     not measured: {e}"),
    }));
    Ok(Estimate { lines, problem: short.or(full) })
}

/// How long a run is, and its steps.
fn steps(settings: &Settings, tokens: usize) -> String {
    let Settings { steps, batch, accumulate, context, .. } = *settings;
    let epochs = (steps as f64 * of_step(settings) as f64) / tokens.max(1) as f64;
    format!(
        "steps    {} of {batch} × {accumulate} sequences of {context} tokens: {epochs:.1} epochs of {} tokens",
        thousands(steps),
        thousands(tokens as u64)
    )
}

/// What a step that was tried has shown.
struct Measured {
    pace: Pace,
    /// What the process takes beside the tensors, where those are in the same memory.
    program: Option<u64>,
    /// How long it took.
    took: Duration,
}

impl Measured {
    fn new(options: &Options, config: Config, settings: &Settings) -> Result<Measured> {
        let begun = Instant::now();
        let device = Device::open(&options.device, options.threads)?;
        let mut engine = Engine::new(&device, device.choices(), config, settings)?;
        // How fast it is depends on no weight.
        engine.initialise()?;
        let pace = Pace::measure(&mut engine, settings)?;
        let in_memory = matches!(device, Device::Cpu(_)).then(|| engine.exec.allocated());
        let program = in_memory.and_then(|tensors| Some(memory::own()?.saturating_sub(tensors)));
        Ok(Measured { pace, program, took: begun.elapsed() })
    }

    /// How long an epoch and the run would take, and how long it took to know.
    fn line(&self, settings: &Settings, tokens: usize) -> String {
        let Measured { pace, took, .. } = self;
        format!(
            "an epoch about {}, the run about {} ({} tokens/s, measured in {})",
            duration(pace.of(tokens as f64)),
            duration(pace.of(settings.steps as f64 * of_step(settings) as f64)),
            thousands(pace.tokens_per_second as u64),
            duration(*took)
        )
    }
}

fn free_of(free: Option<Free>, fits: bool) -> String {
    match free {
        Some(free) => format!("{free}: {}", verdict(fits)),
        None => "the device does not tell what it has free".into(),
    }
}

fn verdict(fits: bool) -> &'static str {
    if fits { "it fits" } else { "it does not fit" }
}
