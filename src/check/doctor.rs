//! Doctor: every kernel's test cases and a whole training step, each compared with its twin on the device's own inputs.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::arch::Init;
use crate::base::rng::Rng;
use crate::base::{Gpt2, Result};
use crate::check::replay::{Comparison, against_twins};
use crate::device::adapter::Patch;
use crate::device::executor::Options;
use crate::device::select::Device;
use crate::device::{Choices, Class, Program, Step};
use crate::model::{self, Shape};
use crate::ops::FAMILIES;
use crate::ops::case::Case;
use crate::optim::adamw::update;

/// What doctor found of one kernel.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Row {
    /// The kernel.
    pub kernel: &'static str,
    /// Outputs compared.
    pub compared: usize,
    /// The largest relative difference, and where.
    pub worst: f64,
    /// The case and the dispatch of the largest.
    pub at: String,
    /// The kernel's tolerance.
    pub tolerance: f64,
    /// Outputs that differ by more.
    pub wrong: usize,
}

/// What doctor found, a row a kernel.
#[derive(Debug, Clone, Default)]
pub struct Report {
    rows: BTreeMap<&'static str, Row>,
}

impl Report {
    /// A row a kernel, by name.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    /// The kernels that differ from their twins.
    pub fn wrong(&self) -> Vec<&'static str> {
        self.rows.values().filter(|r| r.wrong > 0).map(|r| r.kernel).collect()
    }

    fn add(&mut self, case: &str, c: &Comparison) {
        let row = self.rows.entry(c.kernel).or_insert_with(|| Row {
            kernel: c.kernel,
            compared: 0,
            worst: -1.0,
            at: String::new(),
            tolerance: c.tolerance,
            wrong: 0,
        });
        row.compared += 1;
        row.wrong += usize::from(!c.agrees());
        if c.difference > row.worst {
            row.worst = c.difference;
            row.at = format!("{case}: {} of {}", c.tensor, c.dispatch);
        }
    }
}

/// Runs every case, and a training step of a small model, with the given kernels. `progress` is told each case's name.
///
/// # Errors
/// A device that fails; a difference is a finding, not an error.
pub fn doctor(
    device: &Device,
    class: Class,
    options: Options,
    patch: Option<Patch>,
    mut progress: impl FnMut(&str),
) -> Result<Report> {
    let mut report = Report::default();
    let options = Options { poison: true, ..options };
    let choices = &Choices::of(class, &device.limits());
    for family in FAMILIES {
        for case in (family.cases)(device.limits(), choices) {
            progress(&case.name);
            check_case(device, case, options, patch, &mut report)?;
        }
    }
    progress("a training step");
    training_step(device, choices, options, patch, &mut report)?;
    Ok(report)
}

/// The names that variants have of their own: those that a class does not take everywhere.
pub fn variants() -> Vec<&'static str> {
    let names = FAMILIES.iter().flat_map(|f| f.variants).map(|v| v.name);
    let own = names.filter(|name| Class::ALL.iter().all(|class| class.name() != *name));
    own.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Runs the cases of the ops that have a variant of this name, with it wherever it is valid.
///
/// # Errors
/// As [`doctor`].
pub fn doctor_variant(
    device: &Device,
    name: &'static str,
    options: Options,
    mut progress: impl FnMut(&str),
) -> Result<Report> {
    let mut report = Report::default();
    let options = Options { poison: true, ..options };
    let choices = Choices { prefer: Some(name), ..device.choices() };
    for family in FAMILIES.iter().filter(|f| f.variants.iter().any(|v| v.name == name)) {
        for case in (family.cases)(device.limits(), &choices) {
            // Where it is not valid, what is tried is tried elsewhere.
            if case.recording.picks.values().any(|picked| picked == name) {
                progress(&case.name);
                check_case(device, case, options, None, &mut report)?;
            }
        }
    }
    Ok(report)
}

/// The step of the cases: every field has a value that matters.
pub fn case_step() -> Step {
    Step {
        lr: 1e-2,
        beta1: 0.9,
        beta2: 0.95,
        eps: 1e-8,
        weight_decay: 0.1,
        bias1: 0.271,
        bias2: 0.378,
        grad_clip: 1.0,
        loss_scale: 0.125,
        dropout_key: 0x1234_5678,
        dropout_threshold: crate::base::rng::dropout_threshold(0.3),
        dropout_scale: 1.0 / 0.7,
        pos: 3,
        norm_limit: 100.0,
        loss_limit: 2.0,
        ..Step::default()
    }
}

fn check_case(
    device: &Device,
    case: Case,
    options: Options,
    patch: Option<Patch>,
    report: &mut Report,
) -> Result<()> {
    let program = Program::from(vec![case.recording.clone()]);
    let mut exec = device.load_patched(program, options, patch)?;
    for t in case.recording.tensors.iter().filter(|t| t.kind != crate::device::Kind::Scratch) {
        exec.write(&t.name, 0, &case.data(t))?;
    }
    for c in against_twins(exec.as_mut(), "case", &case_step())? {
        report.add(&case.name, &c);
    }
    Ok(())
}

/// A micro-step with dropout and an update of a model with odd extents.
fn training_step(
    device: &Device,
    choices: &Choices,
    options: Options,
    patch: Option<Patch>,
    report: &mut Report,
) -> Result<()> {
    let config = Gpt2 { vocab_size: 101, block_size: 23, n_layer: 2, n_head: 3, n_embd: 36 }.into();
    let base = Shape::new(config, 2, 19, device.limits(), choices.clone());
    let shape = Shape { dropout: true, ..base };
    let program = shape.training(update(&shape.slots(), shape.limits, choices)?)?;
    let mut exec = device.load_patched(program, options, patch)?;
    for param in config.table() {
        let mut rng = Rng::new(3, &param.name);
        // Ten times GPT-2's scale, so that attention and gradients are far from uniform.
        let scale = if matches!(param.init, Init::Ones) { 1.0 } else { 0.2 };
        let data: Vec<f32> = (0..param.numel()).map(|_| scale * rng.normal()).collect();
        exec.write_f32(&param.name, 0, &data)?;
    }
    let tokens: Vec<u32> = (0..38).map(|i| i * 7919 % 101).collect();
    let targets: Vec<u32> = (1..39).map(|i| if i % 7 == 0 { u32::MAX } else { i * 7919 % 101 }).collect();
    model::feed(exec.as_mut(), &tokens, &targets)?;
    let none = f32::INFINITY;
    let step = Step { pos: 0, norm_limit: none, loss_limit: none, ..case_step() };
    for recording in ["zero", "micro_step", "update", "evaluate"] {
        for c in against_twins(exec.as_mut(), recording, &step)? {
            report.add(&format!("training step, {recording}"), &c);
        }
    }
    Ok(())
}
