//! A record for tests.

use std::collections::BTreeMap;

use crate::base::arch::{Precision, Recompute};
use crate::base::{Freeze, Lora, Optimizer};
use crate::device::select::Identity;
use crate::device::{Choices, Class, Element, Limits};
use crate::journal;
use crate::optim::{LossScale, OnSpike};
use crate::run::record::{Base, Continues, Data, Evaluation, Position, Run, Settings, State, VERSION, now};
use crate::tokens::Width;

/// A run at step 0, with no state.
pub(crate) fn example() -> Run {
    Run {
        version: VERSION,
        created: now(),
        diarist: "0.1.0".into(),
        model: crate::base::Preset::Tiny.config(257),
        preset: Some("tiny".into()),
        tokenizer: "bytes".into(),
        tokenizer_file: None,
        additions: None,
        from: "scratch".into(),
        base: Some(Base { path: "base.gguf".into(), files: BTreeMap::new() }),
        settings: Settings {
            steps: 1000,
            epochs: None,
            batch: 8,
            accumulate: 1,
            context: 64,
            lr: 3e-4,
            min_lr: 3e-5,
            lr_floor: Some(800),
            warmup: 100,
            optimizer: Optimizer::default(),
            beta1: 0.9,
            beta2: 0.95,
            eps: 1e-8,
            weight_decay: 0.1,
            grad_clip: 1.0,
            on_spike: OnSpike::default(),
            dropout: 0.1,
            freeze: Freeze::default(),
            lora: Some(Lora::default()),
            weights: Element::Q4_1,
            recompute: Recompute::Block,
            precision: Precision::Mixed,
            seed: u64::MAX,
            val_fraction: 0.1,
            eval_every: 50,
            sample_every: 0,
            save_every: 100,
            patience: 3,
            health: true,
            prompts: vec!["Today".into()],
            keep: 2,
            threads: None,
        },
        data: Data {
            paths: vec!["journal".into()],
            fingerprint: "00".into(),
            index: Some("00".into()),
            entries: 60,
            words: 12_000,
            brief: vec![("left out".into(), "photo links (12)".into())],
            width: Width::U16,
            train: [0, 60_000],
            val: [60_000, 66_000],
            header: None,
            masked: None,
            split: "random".into(),
            pairs: None,
            reading: journal::Options { me: vec!["Ellis".into()], ..journal::Options::default() },
            continues: Some(Continues { run: "before".into(), mix: 0.5, held_out: 62_000 }),
        },
        device: Identity {
            executor: "cpu".into(),
            name: "cpu".into(),
            driver: String::new(),
            backend: String::new(),
        },
        kernels: Choices::of(Class::Lanes, &Limits::DEFAULT),
        position: Position::default(),
        finished: false,
        last_eval: None,
        first_eval: None,
        best_eval: Some(Evaluation { step: 0, val_loss: 5.5, apart: None }),
        since_best: 0,
        spikes: 0,
        lowered: 0,
        loss_scale: Some(LossScale::default()),
        best: None,
        state: State::default(),
    }
}
