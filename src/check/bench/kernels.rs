//! Each kernel at the sizes that a real model asks of it: GPT-2 124M's, and where it has no such kernel, SmolLM2 135M's.

use crate::base::arch::{Optimizer, Precision};
use crate::base::{Config, Lora, Preset, Result};
use crate::check::bench::{Bound, Ceilings, Rounds, Spread};
use crate::device::executor::Options;
use crate::device::select::Device;
use crate::device::{Choices, Dispatch, Executor, Limits, Program, Step};
use crate::model::{self, Shape, input, store};
use crate::optim::Hyper;
use crate::optim::adamw::{micro_step, update};

/// One kernel at one size.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Row {
    /// The kernel.
    pub kernel: &'static str,
    /// What its variant was picked for.
    pub problem: String,
    /// That variant.
    pub variant: String,
    /// Where it stands in the model: the first of those that are alike.
    pub label: String,
    /// The model and its extents.
    pub model: String,
    /// Seconds of one dispatch.
    pub seconds: Spread,
    /// Its arithmetic.
    pub flops: u64,
    /// The bytes it must move.
    pub bytes: u64,
    /// What it waits for, if it is as good as can be.
    pub bound: Bound,
    /// Its part of that ceiling, from 0 to 1.
    pub share: f64,
}

/// What the update takes.
pub(super) const HYPER: Hyper =
    Hyper { beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.1, grad_clip: 1.0 };
/// Dropout, where it is on.
const DROPOUT: f32 = 0.1;
/// The position of a token that is decoded.
pub(super) const POS: u32 = 128;

/// The models whose steps have every kernel between them, by name, each with one block: its sizes are the model's.
fn models(limits: Limits, choices: &Choices) -> Vec<(String, Shape)> {
    let [b, t] = [1, 256];
    let of = |preset: Preset, vocab: usize| -> Config { preset.config(vocab).with_n_layer(1) };
    let shape = |config| Shape { positions: 1024, ..Shape::new(config, b, t, limits, choices.clone()) };
    let gpt2 = shape(of(Preset::Gpt2, 50_257));
    let muon = Shape { dropout: true, optimizer: Optimizer::Muon, ..gpt2.clone() };
    let llama = shape(of(Preset::Smollm2_135m, 49_152));
    // So many tokens that an adapter's gradients are split among workgroups.
    let lora = Shape { b: 2, dropout: true, lora: Some(Lora::default()), ..gpt2.clone() };
    let named = |name: &str, shape: Shape| (format!("{name} {}x{t}", shape.b), shape);
    vec![
        named("gpt2", gpt2),
        named("gpt2, dropout, Muon", muon),
        named("gpt2, LoRA", lora),
        named("smollm2-135m", llama),
    ]
}

/// A model's step, and a token that it decodes.
fn program(shape: &Shape) -> Result<Program> {
    let mut program = shape.training(update(&shape.slots(), shape.limits, &shape.choices)?)?;
    program.recordings.extend([shape.prefill()?, shape.decode()?]);
    Ok(program)
}

/// The programs that are measured, and their models.
///
/// # Errors
/// A tensor larger than the device's largest binding.
fn recordings(
    limits: Limits,
    choices: &Choices,
    precision: Precision,
) -> Result<Vec<(String, Shape, Program)>> {
    let all = models(limits, choices).into_iter().map(|(name, shape)| (name, Shape { precision, ..shape }));
    all.map(|(name, shape)| program(&shape).map(|program| (name, shape, program))).collect()
}

/// Writes weights, moments and a batch.
///
/// # Errors
/// A lost device.
pub(super) fn fill(exec: &mut dyn Executor, shape: &Shape) -> Result<()> {
    store::initialise(exec, shape, 1)?;
    store::initialise_adapter(exec, shape, 1)?;
    store::zero_moments(exec, shape)?;
    let vocab = shape.config.vocab_size() as u32;
    let n = shape.b * shape.t;
    let text: Vec<u32> = (0..=n as u32).map(|i| i.wrapping_mul(2_654_435_761) % vocab).collect();
    model::feed(exec, &text[..n], &text[1..])
}

/// The uniform of a recording in the t-th step.
pub(super) fn uniform(recording: &str, shape: &Shape, t: u64) -> Step {
    let dropout = if shape.dropout { DROPOUT } else { 0.0 };
    match recording {
        "micro_step" => micro_step(1.0 / (shape.b * shape.t) as f32, dropout, 1, t),
        "update" => HYPER.step(t, 1e-4),
        _ => Step::default(),
    }
}

/// Whether two dispatches are the same work.
fn alike(a: &Dispatch, b: &Dispatch) -> bool {
    (a.kernel.name, &a.consts, &a.dims, a.bytes) == (b.kernel.name, &b.consts, &b.dims, b.bytes)
}

/// The dispatches that are wanted and were not measured yet, those that are alike together.
fn groups(
    dispatches: &[Dispatch],
    seen: &mut Vec<Dispatch>,
    wanted: &dyn Fn(&Dispatch) -> bool,
) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (i, d) in dispatches.iter().enumerate().filter(|(_, d)| wanted(d)) {
        match groups.iter_mut().find(|of| alike(&dispatches[of[0]], d)) {
            Some(of) => of.push(i),
            None if seen.iter().any(|s| alike(s, d)) => {}
            None => {
                groups.push(vec![i]);
                seen.push(d.clone());
            }
        }
    }
    groups
}

/// Replays the dispatches of all groups, in the recording's order, and gives each group's mean.
fn time(exec: &mut dyn Executor, recording: &str, step: &Step, groups: &[Vec<usize>]) -> Result<Vec<f64>> {
    let mut order: Vec<(usize, usize)> =
        groups.iter().enumerate().flat_map(|(g, of)| of.iter().map(move |&i| (i, g))).collect();
    order.sort_unstable();
    let mut sums = vec![0.0; groups.len()];
    for run in order.chunk_by(|a, b| a.0 + 1 == b.0) {
        let range = run[0].0..run[run.len() - 1].0 + 1;
        let each = exec.time_range(recording, step, range)?;
        run.iter().zip(each).for_each(|((_, g), seconds)| sums[*g] += seconds);
    }
    Ok(sums.into_iter().zip(groups).map(|(sum, of)| sum / of.len() as f64).collect())
}

/// Measures every kernel at every size of it that the models ask for, once; `wanted` says of which dispatches. `progress` is told
/// what is being measured.
///
/// # Errors
/// A device that fails, or has too little memory.
pub fn kernels(
    device: &Device,
    (choices, precision): (&Choices, Precision),
    ceilings: &Ceilings,
    rounds: Rounds,
    wanted: &dyn Fn(&Dispatch) -> bool,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::new();
    let mut seen: Vec<Dispatch> = Vec::new();
    for (name, shape, program) in recordings(device.limits(), choices, precision)? {
        let all = program.recordings.iter().flat_map(|r| &r.dispatches);
        if !all.into_iter().any(|d| wanted(d) && !seen.iter().any(|s| alike(s, d))) {
            continue;
        }
        progress(&name);
        let mut exec = device.load(program.clone(), Options::default())?;
        fill(exec.as_mut(), &shape)?;
        exec.write(input::TOKEN, 0, &[464])?;
        exec.write(input::PLACES, 0, &[0, POS])?;
        exec.write(input::PREFILL, 0, &[464; model::PREFILL])?;
        for recording in &program.recordings {
            let groups = groups(&recording.dispatches, &mut seen, wanted);
            // An update has a step's gradients, whether anything of that is wanted or not.
            if groups.is_empty() && recording.name != "micro_step" {
                continue;
            }
            progress(&format!("{name}, {}", recording.name));
            // Once as it is, so that every dispatch has what a step leaves it. Then those that are wanted, in their order.
            exec.run(recording.name, &uniform(recording.name, &shape, 1))?;
            if groups.is_empty() {
                continue;
            }
            let mut t = 1;
            let all = rounds.run(|| {
                t += 1;
                let step = uniform(recording.name, &shape, t);
                time(exec.as_mut(), recording.name, &step, &groups)
            })?;
            for (g, of) in groups.iter().enumerate() {
                let d = &recording.dispatches[of[0]];
                let seconds = Spread::of(all.iter().map(|round| round[g]));
                let (at_least, bound) = ceilings.at_least(d);
                rows.push(Row {
                    kernel: d.kernel.name,
                    problem: d.problem.clone(),
                    variant: recording.picks.get(&d.problem).cloned().unwrap_or_default(),
                    label: d.label.clone(),
                    model: name.clone(),
                    seconds,
                    flops: d.flops,
                    bytes: d.bytes,
                    bound,
                    share: at_least / seconds.median,
                });
            }
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::device::Class;
    use crate::ops::FAMILIES;

    /// No kernel is left unmeasured: those of the models' steps, and the ceilings themselves.
    #[test]
    fn every_kernel_of_a_class_is_in_a_model() {
        let limits = Limits::DEFAULT;
        let mut found = BTreeSet::new();
        for class in Class::ALL {
            for precision in Precision::ALL {
                for (.., program) in recordings(limits, &Choices::of(class, &limits), precision).unwrap() {
                    let all = program.recordings.iter().flat_map(|r| &r.dispatches);
                    found.extend(all.map(|d| d.kernel.name));
                }
            }
        }
        // Nor the lessons, which have a measure of their own; and what is taken only where a device has units for it, `variants` measures.
        let others = FAMILIES.iter().filter(|f| !["ceiling", "ladder"].contains(&f.name));
        let all = others.flat_map(|f| f.kernels);
        let usual = all.map(|k| k.name).filter(|name| !name.starts_with("matmul_coop"));
        let missing: Vec<&str> = usual.filter(|name| !found.contains(name)).collect();
        assert_eq!(missing, Vec::<&str>::new());
    }
}
