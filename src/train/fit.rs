//! Whether this computer has room for a run, before anything is allocated or written; and if not, what it has room for.

use crate::base::memory::{self, Free};
use crate::base::shell::{self, Flag};
use crate::base::units::bytes;
use crate::base::{Config, Error, Freeze, Lora, Optimizer, Preset, Result};
use crate::device::select::Device;
use crate::device::{Choices, Element, Limits, Plan};
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
        let settings = Settings { recompute: true, ..self.settings.clone() };
        let flags = Flags { switches: vec![RECOMPUTE], ..Flags::default() };
        let what = "the same steps, each block computed twice, which takes longer";
        self.in_pieces(what, self.config, &settings, flags, most).filter(|_| !self.settings.recompute)
    }

    /// An adapter beside the model, which rests in the most bits that fit.
    fn adapter(&self, most: u64) -> Option<Offer> {
        let lora = Lora::default();
        // --insist, which goes with Muon, is not for adapters.
        if lora.check(&self.config).is_err() || self.settings.optimizer != Optimizer::Adamw {
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
            let flags = Flags::value(WEIGHTS, weights.name());
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
        wanted_beside((None, Element::F32), preset, begin, sizes, then)
    }

    /// The same beside an adapter.
    fn wanted_beside<T>(
        (lora, weights): (Option<Lora>, Element),
        preset: Preset,
        begin: Begin,
        sizes: [usize; 3],
        then: impl FnOnce(&Wanted) -> T,
    ) -> T {
        let [batch, accumulate, context] = sizes;
        let settings =
            Settings { batch, accumulate, context, lora, weights, recompute: false, ..example().settings };
        let choices = Choices::of(Class::Lanes, &Limits::DEFAULT);
        let whole = preset.config(preset.vocab_size().unwrap_or(257));
        let config = if matches!(begin, Begin::Scratch(_)) { whole.with_block_size(context) } else { whole };
        then(&Wanted { limits: Limits::DEFAULT, choices: &choices, config, settings: &settings, begin })
    }

    /// The settings of an offer.
    fn taken(wanted: &Wanted, offer: &Offer) -> (Config, Settings) {
        let (mut config, mut settings) = (wanted.config, wanted.settings.clone());
        for switch in &offer.flags.switches {
            match *switch {
                RECOMPUTE => settings.recompute = true,
                LORA => settings.lora = Some(Lora::default()),
                other => panic!("{other}"),
            }
        }
        for names in &offer.flags.gone {
            match names[0] {
                "--freeze" => settings.freeze = Freeze::default(),
                "--dropout" => settings.dropout = Lora::default().dropout,
                other => panic!("{other}"),
            }
        }
        for (names, value) in &offer.flags.values {
            match names[0] {
                "--batch" => settings.batch = value.parse().unwrap(),
                "--accumulate" => settings.accumulate = value.parse().unwrap(),
                "--context" => settings.context = value.parse().unwrap(),
                "--freeze" => settings.freeze = value.parse().unwrap(),
                "--weights" => {
                    settings.weights = Element::WEIGHTS.into_iter().find(|e| e.name() == value).unwrap();
                }
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
        let whole = (None, Element::F32);
        let beside = |weights| (Some(Lora::default()), weights);
        for (how, preset, begin, sizes, most) in [
            (whole.clone(), Preset::Gpt2, Begin::Checkpoint, [8, 1, 512], 3 * GIB),
            (whole.clone(), Preset::Gpt2, Begin::Checkpoint, [6, 2, 512], 5 * GIB / 2),
            (whole.clone(), Preset::Gpt2, Begin::Checkpoint, [1, 8, 1024], 3 * GIB / 2),
            (whole.clone(), Preset::Gpt2, Begin::Resume, [4, 2, 512], 5 * GIB / 2),
            (whole.clone(), Preset::Gpt2, Begin::Resume, [1, 2, 1024], 9 * GIB / 4),
            (whole.clone(), Preset::Tiny, Begin::Scratch(Preset::Tiny), [512, 1, 64], GIB / 2),
            (whole.clone(), Preset::Gpt2Medium, Begin::Scratch(Preset::Gpt2Medium), [2, 4, 256], 3 * GIB),
            (whole, Preset::Tinyllama, Begin::Checkpoint, [1, 8, 256], 3 * GIB),
            (beside(Element::F32), Preset::Gpt2, Begin::Checkpoint, [1, 8, 1024], 3 * GIB / 4),
            (beside(Element::F16), Preset::Mistral7b, Begin::Checkpoint, [1, 8, 512], 10 * GIB),
        ] {
            wanted_beside(how, preset, begin, sizes, |w| {
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
                if offers[0].what.starts_with("the same steps") && first.batch < sizes[0] {
                    let next = (first.batch + 1..=sizes[0]).find(|b| sizes[0] * sizes[1] % b == 0).unwrap();
                    let larger = Settings { batch: next, accumulate: sizes[0] * sizes[1] / next, ..first };
                    assert!(w.needs(w.config, &larger).unwrap() > most, "the largest that fits is offered");
                }
            });
        }
    }

    /// Nearest to what was asked for first: the same steps, then an adapter, then a part of the model.
    #[test]
    fn offers_stand_in_the_order_of_what_they_change() {
        let order = |how, preset, most| {
            wanted_beside(how, preset, Begin::Checkpoint, [1, 8, 512], |w| {
                let offers = w.offers(most);
                offers.into_iter().map(|o| (o.flags.switches, o.flags.values[0].clone())).collect::<Vec<_>>()
            })
        };
        let of = |flag: &'static [&'static str], value: &str| (flag, value.to_string());
        let whole = order((None, Element::F32), Preset::Gpt2, 2 * GIB);
        assert_eq!(whole[0], (vec![RECOMPUTE], of(BATCH, "1")));
        assert_eq!(whole[1], (vec![LORA], of(BATCH, "1")), "single precision fits");
        assert_eq!(whole[2].1.0, FREEZE);
        let less = order((None, Element::F32), Preset::Smollm2_1_7b, 4 * GIB);
        assert_eq!(less[0], (vec![LORA], of(WEIGHTS, "q8_0")), "neither f32 nor f16 fits: {less:?}");
        let beside = order((Some(Lora::default()), Element::F16), Preset::Mistral7b, 10 * GIB);
        assert_eq!(beside[0], (vec![], of(WEIGHTS, "q4_1")), "{beside:?}");
        assert!(beside.iter().all(|(_, (names, _))| *names != FREEZE));
    }

    /// 8·10⁹ bytes are what a computer of 8 GB has: one sequence of 512 tokens, and the longest that it was trained for.
    #[test]
    fn mistral_is_tuned_in_eight_gigabytes() {
        wanted_beside(
            (Some(Lora::default()), Element::Q4_1),
            Preset::Mistral7b,
            Begin::Checkpoint,
            [1, 8, 512],
            |w| {
                let twice = Settings { recompute: true, ..w.settings.clone() };
                let needs = |settings: &Settings| w.needs(w.config, settings).unwrap();
                assert!(needs(&twice) < 6_000_000_000, "{}", needs(&twice));
                let longer = Settings { context: 2048, ..twice };
                assert!(needs(&longer) < 8_000_000_000, "{}", needs(&longer));
                // Every activation kept, it does not: that is what is offered then.
                assert!(needs(w.settings) > 8_000_000_000);
                assert_eq!(w.offers(8_000_000_000)[0].flags.switches, [RECOMPUTE]);
            },
        );
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
