//! Whether this computer has room for a run, before anything is allocated or written; and if not, what it has room for.

use crate::base::memory::{self, Free};
use crate::base::shell::{self, Flag};
use crate::base::units::bytes;
use crate::base::{Config, Error, Freeze, Preset, Result};
use crate::device::select::Device;
use crate::device::{Choices, Limits, Plan};
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
    flags: Vec<(&'static [&'static str], String)>,
    needs: u64,
}

const BATCH: &[&str] = &["--batch"];
const ACCUMULATE: &[&str] = &["--accumulate", "--grad-accum"];
const CONTEXT: &[&str] = &["--context", "--block-size"];
const FREEZE: &[&str] = &["--freeze"];
const PRESET: &[&str] = &["--preset"];

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

/// Bytes of memory that a run needs: every tensor as planned, and what the host keeps of a step.
///
/// # Errors
/// A tensor that the device cannot have in one piece; settings that the model cannot take.
pub fn needs(limits: Limits, choices: &Choices, config: Config, settings: &Settings) -> Result<u64> {
    let plan = Plan::new(&program(&shape(limits, choices, config, settings)?)?)?;
    let Settings { batch, accumulate, context, .. } = *settings;
    // A batch's ids, targets and buckets, and a step's windows on their way to the device and to the log.
    Ok(plan.bytes() + 64 * (batch * context) as u64 + 48 * (batch * accumulate) as u64)
}

impl Wanted<'_> {
    fn needs(&self, config: Config, settings: &Settings) -> Result<u64> {
        needs(self.limits, self.choices, config, settings)
    }

    fn check(&self, free: Option<Free>) -> Result<()> {
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
        let Settings { batch, context, .. } = self.settings;
        let model = match self.begin {
            Begin::Scratch(preset) => preset.name(),
            _ => "this model",
        };
        let sequences = if *batch == 1 { "sequence" } else { "sequences" };
        format!("training {model} on {batch} {sequences} of {context} tokens at a time")
    }

    /// What fits into so many bytes, nearest to what was asked for first.
    fn offers(&self, most: u64) -> Vec<Offer> {
        let whole = self.batches(self.config, self.settings, most);
        let smallest = self.in_pieces_of(1);
        // Where the batch alone does not help, the rest is tried with the smallest.
        let settings = if whole.is_some() { self.settings } else { &smallest };
        let mut offers: Vec<Offer> = whole.into_iter().collect();
        match self.begin {
            Begin::Resume => return offers,
            Begin::Checkpoint if offers.is_empty() => offers.extend(self.freezing(settings, most)),
            _ => {}
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

    /// The largest batch that fits, with the same sequences a step.
    fn batches(&self, config: Config, settings: &Settings, most: u64) -> Option<Offer> {
        let total = settings.batch * settings.accumulate;
        let mut smaller: Vec<usize> =
            (1..).take_while(|d| d * d <= total).filter(|d| total.is_multiple_of(*d)).collect();
        smaller.extend(smaller.clone().into_iter().map(|d| total / d));
        smaller.retain(|&batch| batch < settings.batch);
        smaller.sort_unstable();
        let of = |&batch: &usize| Settings { batch, accumulate: total / batch, ..settings.clone() };
        let fit = smaller.partition_point(|batch| self.fits(config, &of(batch), most).is_some());
        let settings = of(smaller[..fit].last()?);
        self.offer("the same steps, in smaller pieces", config, &settings, vec![], most)
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
        self.offer("shorter sequences", config, &settings, vec![(CONTEXT, context.to_string())], most)
    }

    /// The least that has to be frozen: blocks from the first on, and the embeddings where that is not enough.
    fn freezing(&self, settings: &Settings, most: u64) -> Option<Offer> {
        let asked = settings.freeze;
        [asked.embeddings, true].into_iter().find_map(|embeddings| {
            let more: Vec<usize> = (asked.first..self.config.n_layer()).collect();
            let of = |&first: &usize| Settings { freeze: Freeze { embeddings, first }, ..settings.clone() };
            let not = more.partition_point(|first| self.fits(self.config, &of(first), most).is_none());
            let settings = of(more.get(not)?);
            let freeze = settings.freeze.to_string();
            self.offer("a part of the model trained", self.config, &settings, vec![(FREEZE, freeze)], most)
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
            let flags = || vec![(PRESET, preset.name().to_string())];
            self.offer("a smaller model", config, self.settings, flags(), most).or_else(|| {
                let mut offer = self.batches(config, self.settings, most)?;
                offer.what = "a smaller model";
                offer.flags.splice(..0, flags());
                Some(offer)
            })
        })
    }

    fn fits(&self, config: Config, settings: &Settings, most: u64) -> Option<u64> {
        self.needs(config, settings).ok().filter(|&needs| needs <= most)
    }

    /// The offer of some settings, where they fit: `flags`, and those of the batch, which has defaults of its own.
    fn offer(
        &self,
        what: &'static str,
        config: Config,
        settings: &Settings,
        mut flags: Vec<(&'static [&'static str], String)>,
        most: u64,
    ) -> Option<Offer> {
        let needs = self.fits(config, settings, most)?;
        flags.push((BATCH, settings.batch.to_string()));
        if self.begin != Begin::Resume {
            flags.push((ACCUMULATE, settings.accumulate.to_string()));
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
        let flags: Vec<Flag> = flags.iter().map(|(names, value)| (*names, Some(value.into()))).collect();
        text += &format!("\n  {what} ({}):\n    {}", bytes(*needs), shell::again(&flags));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Class;
    use crate::run::record::example;

    const GIB: u64 = 1 << 30;

    fn free(bytes: u64) -> Option<Free> {
        Some(Free { bytes, who: "this computer", addresses: false })
    }

    /// A run of a preset, from where it begins, at B × accumulate × T.
    fn wanted<T>(preset: Preset, begin: Begin, sizes: [usize; 3], then: impl FnOnce(&Wanted) -> T) -> T {
        let [batch, accumulate, context] = sizes;
        let settings = Settings { batch, accumulate, context, ..example().settings };
        let choices = Choices::of(Class::Lanes, &Limits::DEFAULT);
        let whole = preset.config(if preset == Preset::Tiny { 257 } else { 50_257 });
        let config = if matches!(begin, Begin::Scratch(_)) { whole.with_block_size(context) } else { whole };
        then(&Wanted { limits: Limits::DEFAULT, choices: &choices, config, settings: &settings, begin })
    }

    /// The settings of an offer.
    fn taken(wanted: &Wanted, offer: &Offer) -> (Config, Settings) {
        let (mut config, mut settings) = (wanted.config, wanted.settings.clone());
        for (names, value) in &offer.flags {
            match names[0] {
                "--batch" => settings.batch = value.parse().unwrap(),
                "--accumulate" => settings.accumulate = value.parse().unwrap(),
                "--context" => settings.context = value.parse().unwrap(),
                "--freeze" => settings.freeze = value.parse().unwrap(),
                "--preset" => config = Preset::from_name(value).unwrap().config(config.vocab_size()),
                other => panic!("{other}"),
            }
        }
        if matches!(wanted.begin, Begin::Scratch(_)) {
            config = config.with_block_size(settings.context);
        }
        if wanted.begin == Begin::Resume {
            settings.accumulate = wanted.settings.batch * wanted.settings.accumulate / settings.batch;
        }
        (config, settings)
    }

    #[test]
    fn what_fits_is_no_error_and_what_is_not_known_neither() {
        wanted(Preset::Tiny, Begin::Scratch(Preset::Tiny), [8, 1, 64], |w| {
            assert!(w.check(None).is_ok() && w.check(free(GIB)).is_ok());
        });
    }

    #[test]
    fn every_offer_fits_and_the_steps_of_smaller_pieces_are_the_same() {
        for (preset, begin, sizes, most) in [
            (Preset::Gpt2, Begin::Checkpoint, [8, 1, 512], 3 * GIB),
            (Preset::Gpt2, Begin::Checkpoint, [6, 2, 512], 5 * GIB / 2),
            (Preset::Gpt2, Begin::Checkpoint, [1, 8, 1024], 3 * GIB / 2),
            (Preset::Gpt2, Begin::Resume, [4, 2, 512], 11 * GIB / 4),
            (Preset::Tiny, Begin::Scratch(Preset::Tiny), [512, 1, 64], GIB / 2),
            (Preset::Gpt2Medium, Begin::Scratch(Preset::Gpt2Medium), [2, 4, 256], 3 * GIB),
        ] {
            wanted(preset, begin, sizes, |w| {
                let needs = w.needs(w.config, w.settings).unwrap();
                assert!(needs > most, "{preset:?} {sizes:?} needs {needs}");
                let offers = w.offers(most);
                assert!(!offers.is_empty(), "{preset:?} {begin:?} {sizes:?}");
                for offer in &offers {
                    let (config, settings) = taken(w, offer);
                    let needs = w.needs(config, &settings).unwrap();
                    assert!(needs == offer.needs && needs <= most, "{offer:?}: {needs}");
                    assert_eq!(settings.batch * settings.accumulate, sizes[0] * sizes[1], "{offer:?}");
                }
                let (_, first) = taken(w, &offers[0]);
                if offers[0].what.starts_with("the same steps") {
                    let next = (first.batch + 1..=sizes[0]).find(|b| sizes[0] * sizes[1] % b == 0).unwrap();
                    let larger = Settings { batch: next, accumulate: sizes[0] * sizes[1] / next, ..first };
                    assert!(w.needs(w.config, &larger).unwrap() > most, "the largest that fits is offered");
                }
            });
        }
    }

    #[test]
    fn both_figures_and_commands_are_told() {
        wanted(Preset::Gpt2, Begin::Checkpoint, [8, 1, 512], |w| {
            let error = w.check(free(3 * GIB)).unwrap_err();
            assert!(matches!(error, Error::Memory { .. }));
            let error = error.to_string();
            let says = [
                "on 8 sequences of 512 tokens",
                "GiB of memory",
                "this computer has 3.0 GiB free",
                "--accumulate",
            ];
            assert!(says.iter().all(|s| error.contains(s)), "{error}");
            assert_eq!(error.matches("next:").count(), 1, "{error}");
            let error = w.check(free(GIB / 4)).unwrap_err().to_string();
            assert!(error.contains("smaller model"), "{error}");
        });
    }

    #[test]
    fn a_tensor_too_large_for_the_device_is_offered_smaller_pieces() {
        wanted(Preset::Gpt2, Begin::Checkpoint, [64, 1, 1024], |w| {
            let error = w.check(None).unwrap_err().to_string();
            assert!(error.contains("in one piece") && error.contains("--batch"), "{error}");
        });
    }
}
