//! What fits, and what is offered where it does not.

use super::*;
use crate::base::arch::Precision;
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
    let settings = Settings {
        batch,
        accumulate,
        context,
        lora,
        weights,
        recompute: Recompute::Gelu,
        precision: Precision::F32,
        ..example().settings
    };
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
            RECOMPUTE => settings.recompute = Recompute::Block,
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
            let total = sizes[0] * sizes[1];
            let next = (first.batch + 1..=sizes[0]).find(|b| total.is_multiple_of(*b));
            if let Some(next) = next.filter(|_| offers[0].what.starts_with("the same steps")) {
                let larger = Settings { batch: next, accumulate: total / next, ..first };
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
    assert_eq!(beside[0], (vec![LORA], of(WEIGHTS, "q4_1")), "{beside:?}");
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
            let twice = Settings { recompute: Recompute::Block, ..w.settings.clone() };
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

#[test]
fn what_needs_less_is_known_where_it_fits() {
    wanted(Preset::Tiny, Begin::Scratch(Preset::Tiny), [32, 1, 256], |wanted| {
        let parts = parts(wanted.limits, wanted.choices, wanted.config, wanted.settings).unwrap();
        let needs = wanted.needs(wanted.config, wanted.settings).unwrap();
        assert_eq!(parts.iter().map(|(_, n)| n).sum::<u64>(), needs);
        assert!(parts.iter().any(|(what, n)| *what == "activations" && *n > needs / 2), "{parts:?}");
        let less = wanted.less();
        assert!(
            less[0].0.starts_with("--batch ") && less.iter().any(|(flags, _)| flags.contains(RECOMPUTE)),
            "{less:?}"
        );
        assert!(less.iter().all(|(_, n)| *n <= needs / 4 * 3));
    });
}
