//! Whether this computer has room for a run, before anything is allocated or written; and if not, what it has room for.

use crate::base::arch::Recompute;
use crate::base::memory::{self, Free};
use crate::base::shell::{self, Flag};
use crate::base::units::bytes;
use crate::base::{Config, Error, Freeze, Lora, Optimizer, Preset, Result};
use crate::device::select::Device;
use crate::device::{Choices, Element, Kind, Limits, Plan};
use crate::run::record::Settings;
use crate::train::engine::{program, shape};

/// How a run begins: what of it can be another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// From nothing, in a preset's shape.
    Scratch(Preset),
    /// From a checkpoint's weights.
    Checkpoint,
    /// Where it was saved: the steps stay the same.
    Resume,
}

/// A run that is to be put on a device.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// What the device's recordings may rely on, and which kernels it runs.
    pub limits: Limits,
    /// The kernels.
    pub choices: &'a Choices,
    /// The model.
    pub config: Config,
    /// How it is trained.
    pub settings: &'a Settings,
    /// Where it begins.
    pub begin: Begin,
}

/// Settings that fit, as flags.
#[derive(Debug, PartialEq)]
struct Offer {
    what: &'static str,
    flags: Flags,
    needs: u64,
}

/// What an offer changes: flags that take no value, those that take one, and those that have to go.
#[derive(Debug, Clone, Default, PartialEq)]
struct Flags {
    switches: Vec<&'static str>,
    values: Vec<(&'static [&'static str], String)>,
    gone: Vec<&'static [&'static str]>,
}

impl Flags {
    fn value(names: &'static [&'static str], value: impl ToString) -> Flags {
        Flags { values: vec![(names, value.to_string())], ..Flags::default() }
    }
}

impl std::fmt::Display for Flags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let switches = self.switches.iter().map(|name| name.to_string());
        let values = self.values.iter().map(|(names, value)| format!("{} {value}", names[0]));
        f.write_str(&switches.chain(values).collect::<Vec<_>>().join(" "))
    }
}

const BATCH: &[&str] = &["--batch"];
const ACCUMULATE: &[&str] = &["--accumulate", "--grad-accum"];
const CONTEXT: &[&str] = &["--context", "--block-size"];
const FREEZE: &[&str] = &["--freeze"];
const PRESET: &[&str] = &["--preset"];
const DROPOUT: &[&str] = &["--dropout"];
const WEIGHTS: &[&str] = &["--weights"];
const RECOMPUTE: &str = "--recompute";
const LORA: &str = "--lora";

/// Checks that a run fits its device.
///
/// # Errors
/// It does not: both figures are told, and the commands that would fit.
pub fn check(
    device: &Device,
    choices: &Choices,
    config: Config,
    settings: &Settings,
    begin: Begin,
) -> Result<()> {
    Wanted { limits: device.limits(), choices, config, settings, begin }.check(device.free())
}

/// Bytes of memory that a run needs, by kind: every tensor as planned, and what the host keeps of a step.
///
/// # Errors
/// A tensor that the device cannot have in one piece; settings that the model cannot take.
pub fn parts(
    limits: Limits,
    choices: &Choices,
    config: Config,
    settings: &Settings,
) -> Result<Vec<(&'static str, u64)>> {
    let plan = Plan::new(&program(&shape(limits, choices, config, settings)?)?)?;
    let Settings { batch, accumulate, context, .. } = *settings;
    // A batch's ids, targets and buckets, and a step's windows on their way to the device and to the log.
    let host = 64 * (batch * context) as u64 + 48 * (batch * accumulate) as u64;
    let kinds = Kind::ALL.map(|kind| (kind.label(), plan.bytes_of(kind)));
    Ok(kinds.into_iter().chain([("the host", host)]).filter(|(_, bytes)| *bytes > 0).collect())
}

/// The sum of them.
///
/// # Errors
/// As [`parts`].
pub fn needs(limits: Limits, choices: &Choices, config: Config, settings: &Settings) -> Result<u64> {
    Ok(parts(limits, choices, config, settings)?.iter().map(|(_, bytes)| bytes).sum())
}

impl Wanted<'_> {
    fn needs(&self, config: Config, settings: &Settings) -> Result<u64> {
        needs(self.limits, self.choices, config, settings)
    }

    /// Bytes of memory that the run needs; none where a tensor of it is too large in one piece.
    pub fn bytes(&self) -> Option<u64> {
        self.needs(self.config, self.settings).ok()
    }

    /// The settings where the run fits what is free; where it does not and `pieces` allows it, the same steps in the largest
    /// pieces that do.
    pub fn suited(&self, free: Option<Free>, pieces: bool) -> Option<Settings> {
        let most = free.map_or(u64::MAX, |free| free.for_tensors());
        match self.fits(self.config, self.settings, most) {
            Some(_) => Some(self.settings.clone()),
            // What is free now may be a little less when it is taken.
            None if pieces => self.smaller(self.config, self.settings, most / 100 * 97),
            None => None,
        }
    }

    /// Flags with which the same windows fit, the same weights trained.
    pub fn keeping(&self, free: Option<Free>) -> Option<String> {
        let most = free.map_or(u64::MAX, |free| free.to_offer());
        let resting = || self.settings.lora.as_ref().and_then(|_| self.resting(self.settings, most));
        Some(self.twice(most).or_else(resting)?.flags.to_string())
    }

    /// What needs a quarter less at least for the same steps: flags, and the bytes.
    pub fn less(&self) -> Vec<(String, u64)> {
        let most = self.needs(self.config, self.settings).map_or(0, |needs| needs / 4 * 3);
        let flags = |offer: Offer| (offer.flags.to_string(), offer.needs);
        [self.batches(most), self.twice(most)].into_iter().flatten().map(flags).collect()
    }

    /// Checks that the run fits into what is free.
    ///
    /// # Errors
    /// As [`check`].
    pub fn check(&self, free: Option<Free>) -> Result<()> {
        let (needs, problem) = match self.needs(self.config, self.settings) {
            Ok(needs) => match free {
                Some(free) if needs > free.for_tensors() => {
                    (Some(needs), memory::short(needs, &free, &self.name(), "").to_string())
                }
                _ => return Ok(()),
            },
            // Too large in one piece, whatever is free: less at once may do there too.
            Err(Error::Device { problem, .. }) => (None, problem),
            Err(e) => return Err(e),
        };
        let problem = problem.split("\n  next:").next().unwrap_or_default().to_string();
        let offers = self.offers(free.map_or(u64::MAX, |free| free.to_offer()));
        let next = match (offers.is_empty(), self.begin) {
            (false, _) => told(&offers),
            (true, Begin::Scratch(_)) => "close other programs, or use a computer with more memory".into(),
            (true, _) => "close other programs, use a smaller model, or a computer with more memory".into(),
        };
        Err(if needs.is_some() { Error::memory(problem, next) } else { Error::device(problem, next) })
    }

    fn name(&self) -> String {
        let Settings { batch, context, lora, weights, .. } = self.settings;
        let model = match self.begin {
            Begin::Scratch(preset) => preset.name(),
            _ => "this model",
        };
        let sequences = if *batch == 1 { "sequence" } else { "sequences" };
        let model = match lora {
            Some(lora) => format!("an adapter (r={}) beside {model} in {}", lora.r, weights.name()),
            None => model.to_string(),
        };
        format!("training {model} on {batch} {sequences} of {context} tokens at a time")
    }

    /// What fits into so many bytes, nearest to what was asked for first.
    fn offers(&self, most: u64) -> Vec<Offer> {
        let whole = self.batches(most);
        let smallest = self.in_pieces_of(1);
        let whole_fails = whole.is_none();
        // Where the batch alone does not help, the rest is tried with the smallest.
        let settings = if whole.is_some() { self.settings } else { &smallest };
        let mut offers: Vec<Offer> = whole.into_iter().collect();
        if offers.is_empty() {
            offers.extend(self.twice(most));
        }
        if self.begin == Begin::Resume {
            return offers;
        }
        if whole_fails && self.begin == Begin::Checkpoint {
            match &self.settings.lora {
                Some(_) => offers.extend(self.resting(self.settings, most)),
                None => {
                    offers.extend(self.adapter(most));
                    offers.extend(self.freezing(settings, most));
                }
            }
        }
        offers.extend(self.contexts(settings, most));
        if let Begin::Scratch(preset) = self.begin {
            offers.extend(self.presets(preset, most));
        }
        offers
    }

    /// The settings with the same sequences a step in smaller batches.
    fn in_pieces_of(&self, batch: usize) -> Settings {
        let total = self.settings.batch * self.settings.accumulate;
        Settings { batch, accumulate: total / batch, ..self.settings.clone() }
    }

    /// The same steps in smaller pieces.
    fn batches(&self, most: u64) -> Option<Offer> {
        let settings = self.smaller(self.config, self.settings, most)?;
        self.offer("the same steps, in smaller pieces", self.config, &settings, Flags::default(), most)
    }

    /// The settings with the largest batch below theirs that fits, and the same sequences a step.
    fn smaller(&self, config: Config, settings: &Settings, most: u64) -> Option<Settings> {
        let total = settings.batch * settings.accumulate;
        let mut smaller: Vec<usize> =
            (1..).take_while(|d| d * d <= total).filter(|d| total.is_multiple_of(*d)).collect();
        smaller.extend(smaller.clone().into_iter().map(|d| total / d));
        smaller.retain(|&batch| batch < settings.batch);
        smaller.sort_unstable();
        let of = |&batch: &usize| Settings { batch, accumulate: total / batch, ..settings.clone() };
        let fit = smaller.partition_point(|batch| self.fits(config, &of(batch), most).is_some());
        Some(of(smaller[..fit].last()?))
    }

    /// The longest context that fits.
    fn contexts(&self, settings: &Settings, most: u64) -> Option<Offer> {
        let whole = settings.context;
        let step = if whole > 64 { 64 } else { 8 };
        let shorter: Vec<usize> = (step..whole).step_by(step).collect();
        let of = |&context: &usize| {
            let scratch = matches!(self.begin, Begin::Scratch(_));
            let config = if scratch { self.config.with_block_size(context) } else { self.config };
            (config, Settings { context, ..settings.clone() })
        };
        let fit = shorter.partition_point(|context| {
            let (config, settings) = of(context);
            self.fits(config, &settings, most).is_some()
        });
        let context = *shorter[..fit].last()?;
        let (config, settings) = of(&context);
        self.offer("shorter sequences", config, &settings, Flags::value(CONTEXT, context), most)
    }

    /// The least that has to be frozen: blocks from the first on, and the embeddings where that is not enough.
    fn freezing(&self, settings: &Settings, most: u64) -> Option<Offer> {
        let asked = settings.freeze;
        [asked.embeddings, true].into_iter().find_map(|embeddings| {
            let more: Vec<usize> = (asked.first..self.config.n_layer()).collect();
            let of = |&first: &usize| Settings { freeze: Freeze { embeddings, first }, ..settings.clone() };
            let not = more.partition_point(|first| self.fits(self.config, &of(first), most).is_none());
            let settings = of(more.get(not)?);
            let flags = Flags::value(FREEZE, settings.freeze);
            self.offer("a part of the model trained", self.config, &settings, flags, most)
        })
    }

    /// The same steps, each block computed a second time instead of kept.
    fn twice(&self, most: u64) -> Option<Offer> {
        let settings = Settings { recompute: Recompute::Block, ..self.settings.clone() };
        let flags = Flags { switches: vec![RECOMPUTE], ..Flags::default() };
        let what = "the same steps, each block computed twice, which takes longer";
        self.in_pieces(what, self.config, &settings, flags, most)
            .filter(|_| self.settings.recompute < Recompute::Block)
    }

    /// An adapter beside the model, which rests in the most bits that fit.
    fn adapter(&self, most: u64) -> Option<Offer> {
        let lora = Lora::default();
        // --insist, which goes with Muon, is not for adapters.
        let other = self.settings.optimizer != Optimizer::Adamw || shell::was_given("--full");
        if other || lora.check(&self.config).is_err() {
            return None;
        }
        let (dropout, freeze) = (lora.dropout, Freeze::default());
        let beside = Settings { lora: Some(lora), dropout, freeze, ..self.settings.clone() };
        let fits = |weights| {
            let settings = Settings { weights, ..beside.clone() };
            let mut flags = match weights {
                Element::F32 => Flags::default(),
                _ => Flags::value(WEIGHTS, weights.name()),
            };
            flags.switches.push(LORA);
            flags.gone = vec![FREEZE, DROPOUT];
            self.in_pieces("an adapter beside the model", self.config, &settings, flags, most)
        };
        Element::WEIGHTS.into_iter().find_map(fits)
    }

    /// The model at rest in fewer bits beside its adapter: the most that fit.
    fn resting(&self, settings: &Settings, most: u64) -> Option<Offer> {
        let fewer = Element::WEIGHTS.into_iter().skip_while(|&weights| weights != settings.weights).skip(1);
        fewer.into_iter().find_map(|weights| {
            let settings = Settings { weights, ..settings.clone() };
            let mut flags = Flags::value(WEIGHTS, weights.name());
            // An adapter may train though nobody asked for one.
            flags.switches.extend((!shell::was_given(LORA)).then_some(LORA));
            self.in_pieces("the model at rest in fewer bits", self.config, &settings, flags, most)
        })
    }

    /// The largest preset that fits, at the same sizes, or in smaller pieces.
    fn presets(&self, asked: Preset, most: u64) -> Option<Offer> {
        let smaller = Preset::ALL.iter().rev().skip_while(|&&preset| preset != asked).skip(1);
        smaller.copied().find_map(|preset| {
            let config = preset.config(self.config.vocab_size()).with_block_size(self.config.block_size());
            if config.family() != self.config.family() {
                return None;
            }
            let flags = Flags::value(PRESET, preset.name());
            self.in_pieces("a smaller model", config, self.settings, flags, most)
        })
    }

    fn fits(&self, config: Config, settings: &Settings, most: u64) -> Option<u64> {
        self.needs(config, settings).ok().filter(|&needs| needs <= most)
    }

    /// The offer of some settings, at the same sizes, or in smaller pieces.
    fn in_pieces(
        &self,
        what: &'static str,
        config: Config,
        settings: &Settings,
        flags: Flags,
        most: u64,
    ) -> Option<Offer> {
        self.offer(what, config, settings, flags.clone(), most).or_else(|| {
            let settings = self.smaller(config, settings, most)?;
            self.offer(what, config, &settings, flags, most)
        })
    }

    /// The offer of some settings, where they fit: `flags`, and those of the batch, which has defaults of its own.
    fn offer(
        &self,
        what: &'static str,
        config: Config,
        settings: &Settings,
        mut flags: Flags,
        most: u64,
    ) -> Option<Offer> {
        let needs = self.fits(config, settings, most)?;
        flags.values.push((BATCH, settings.batch.to_string()));
        if self.begin != Begin::Resume {
            flags.values.push((ACCUMULATE, settings.accumulate.to_string()));
        }
        // Left out, it would be what fits beside the rest.
        if self.begin == Begin::Checkpoint && flags.values.iter().all(|(names, _)| *names != CONTEXT) {
            flags.values.push((CONTEXT, settings.context.to_string()));
        }
        Some(Offer { what, flags, needs })
    }
}

fn told(offers: &[Offer]) -> String {
    let mut text = match offers.len() {
        1 => "ask for less; this fits:".to_string(),
        _ => "ask for less; each of these fits:".to_string(),
    };
    for Offer { what, flags, needs } in offers {
        let set = flags.values.iter().map(|(names, value)| (*names, Some(value.into())));
        let gone = flags.gone.iter().map(|names| (*names, None));
        let all: Vec<Flag> = set.chain(gone).collect();
        let command = shell::again_with(&flags.switches, &all);
        text += &format!("\n  {what} ({}):\n    {command}", bytes(*needs));
    }
    text
}

#[cfg(test)]
mod tests;
