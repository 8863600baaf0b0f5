//! The tuner: which variant of each kernel is the fastest on this device, found by running them.
//!
//! What is fast is the adapter's: the best tile of one card is, on average, a fifth slower than its own best on another, and at
//! worst less than half as fast. So for each problem that a model's step has, every variant that is valid is recorded alone, on
//! the problem's own extents, and timed. What a variant computes is held against the first one's: a wrong one is not taken,
//! however fast. Results are kept, all of them, in this user's cache, under what they depend on; a run's folder records what was
//! picked, because another tile sums in another order.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::base::rng::Rng;
use crate::base::{Error, Result, disk};
use crate::check::replay::{relative_l2, tolerance};
use crate::device::executor::Options;
use crate::device::select::Device;
use crate::device::{
    Access, Choices, Class, Dispatch, Element, Executor, Kind, Program, Recording, Step, TensorInfo,
};
use crate::model::Shape;
use crate::ops::FAMILIES;
use crate::optim::adamw::update;

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// Nothing, and nothing that was measured is looked at: what suits the device's class.
    Off,
    /// What is not known yet, for some seconds, the largest work first.
    Quick,
    /// Everything that is not known yet, each more often.
    Full,
}

impl Effort {
    /// All of them.
    pub const ALL: [Effort; 3] = [Effort::Off, Effort::Quick, Effort::Full];

    /// What is done where nobody says: a real GPU is measured; what suits a software adapter is known.
    pub fn usual(device: &Device) -> Effort {
        if device.class() == Class::Tiles { Effort::Quick } else { Effort::Off }
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Effort::Off => "off",
            Effort::Quick => "quick",
            Effort::Full => "full",
        }
    }

    /// Seconds in all, and runs of each variant.
    fn budget(self) -> (f64, usize) {
        match self {
            Effort::Off => (0.0, 0),
            Effort::Quick => (8.0, 3),
            Effort::Full => (f64::INFINITY, 9),
        }
    }
}

/// Seconds of a problem's variants; of a variant that computed something else, none.
pub type Times = BTreeMap<String, Option<f64>>;

/// What was measured on one device, with one driver, of the shaders as they are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The device, for who reads the file.
    pub device: String,
    /// By problem.
    pub problems: BTreeMap<String, Times>,
}

impl Measured {
    /// The fastest of some variants of a problem, of those that were measured.
    pub fn fastest(&self, problem: &str, of: &[&'static str]) -> Option<&'static str> {
        let times = self.problems.get(problem)?;
        let timed = of.iter().filter_map(|name| Some((*name, (*times.get(*name)?)?)));
        timed.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(name, _)| name)
    }
}

/// Where a device's results lie; none where this user has no cache. The name is a hash of what they depend on.
fn place(device: &Device) -> Option<PathBuf> {
    let id = device.identity();
    let mut hash = Sha256::new();
    for part in [&id.executor, &id.name, &id.driver, &id.backend] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    for kernel in FAMILIES.iter().flat_map(|f| f.kernels) {
        kernel.lib.iter().for_each(|text| hash.update(text.as_bytes()));
        hash.update(kernel.source.as_bytes());
    }
    for variant in FAMILIES.iter().flat_map(|f| f.variants) {
        hash.update(format!("{} {:?}", variant.name, variant.consts).as_bytes());
    }
    let name = disk::hex(&hash.finalize()[..16]);
    Some(disk::cache_folder()?.join("kernels").join(format!("{name}.json")))
}

/// Writes results down.
fn keep(file: &Path, measured: &Measured) -> Result<()> {
    file.parent().map_or(Ok(()), disk::create_folder)?;
    let text = serde_json::to_vec_pretty(measured).map_err(|e| Error::bug(e.to_string()))?;
    disk::replace(file, &text)
}

/// The variants that this device's results say are the fastest, for any problem.
pub fn taken(device: &Device) -> Vec<&'static str> {
    let measured = place(device).map(|file| read(&file)).unwrap_or_default();
    let names: Vec<&'static str> = FAMILIES.iter().flat_map(|f| f.variants).map(|v| v.name).collect();
    let fastest = measured.problems.keys().filter_map(|problem| measured.fastest(problem, &names));
    fastest.collect::<BTreeSet<_>>().into_iter().collect()
}

/// What a file has of results; nothing where it is none.
fn read(file: &Path) -> Measured {
    let bytes = std::fs::read(file).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// The choices for a model's step on a device: what suits its class, and for what was measured, now or before, the fastest.
/// `progress` is told what is being measured. A cache that cannot be read or written is done without.
///
/// # Errors
/// A device that fails.
pub fn choices(
    device: &Device,
    shape: &Shape,
    effort: Effort,
    progress: &mut dyn FnMut(&str),
) -> Result<Choices> {
    // A variant is a shader's; the twin of all is one.
    if effort == Effort::Off || matches!(device, Device::Cpu(_)) {
        return Ok(shape.choices.clone());
    }
    let place = place(device);
    let mut measured = place.as_ref().map(|file| read(file)).unwrap_or_default();
    let before = measured.clone();
    let tasks = measure(device, shape, effort, &mut measured, progress)?;
    if let Some(file) = place.filter(|_| measured != before) {
        measured.device = format!("{}, {}", device.name(), device.driver());
        // Measured again the next time, if it cannot be kept.
        let _ = keep(&file, &measured);
    }
    let fastest = |task: &Task| {
        let names: Vec<&'static str> = task.variants.iter().map(|(name, _)| *name).collect();
        Some((task.problem.clone(), measured.fastest(&task.problem, &names)?.to_string()))
    };
    let mut choices = shape.choices.clone();
    choices.picks.extend(tasks.iter().filter_map(fastest));
    Ok(choices)
}

/// Measures what is not known of the problems of a model's step, and returns them.
///
/// # Errors
/// A device that fails.
pub fn measure(
    device: &Device,
    shape: &Shape,
    effort: Effort,
    measured: &mut Measured,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Task>> {
    let (seconds, runs) = effort.budget();
    let begun = Instant::now();
    let tasks = tasks(shape)?;
    for task in &tasks {
        let known = measured.problems.get(&task.problem);
        let left = Duration::from_secs_f64(seconds.min(1e6)).saturating_sub(begun.elapsed());
        if left.is_zero()
            || task.variants.iter().all(|(name, _)| known.is_some_and(|k| k.contains_key(*name)))
        {
            continue;
        }
        progress(&task.problem);
        let times = match time(device, task, runs, left) {
            // What has no room to be measured alone may have it in a plan that shares.
            Err(Error::Memory { .. }) => continue,
            times => times?,
        };
        measured.problems.entry(task.problem.clone()).or_default().extend(times);
    }
    Ok(tasks)
}

/// A problem, and a recording of it alone by each of its variants, what suits the class first.
pub struct Task {
    problem: String,
    flops: u64,
    variants: Vec<(&'static str, Recording)>,
}

/// A problem's dispatches in a recording: of each kernel that it is solved with, the first.
fn dispatches<'a>(recordings: &'a [Recording], problem: &str) -> Vec<(&'a Recording, &'a Dispatch)> {
    let all = recordings.iter().flat_map(|r| r.dispatches.iter().map(move |d| (r, d)));
    let mut found: Vec<(&Recording, &Dispatch)> = Vec::new();
    for (recording, d) in all.filter(|(_, d)| d.problem == problem) {
        if !found.iter().any(|(_, before)| before.kernel.name == d.kernel.name) {
            found.push((recording, d));
        }
    }
    found
}

/// The dispatches as a recording of their own, whose tensors all stay.
fn alone(name: &'static str, found: &[(&Recording, &Dispatch)]) -> Recording {
    let mut recording = Recording::new(name);
    for (from, d) in found {
        let mut d = (*d).clone();
        for arg in &mut d.args {
            let info = from.info(arg.tensor);
            let known = recording.find(&info.name);
            arg.tensor = known.unwrap_or_else(|| {
                recording.tensors.push(TensorInfo { kind: Kind::Input, ..info.clone() });
                recording.find(&info.name).expect("it was added")
            });
        }
        recording.dispatches.push(d);
    }
    recording
}

/// What is worth measuring of a model's step: the problems that have more than one variant, the largest work first. One block has
/// all sizes.
fn tasks(shape: &Shape) -> Result<Vec<Task>> {
    let record = |choices: &Choices| -> Result<Vec<Recording>> {
        let config = shape.config.with_n_layer(1);
        let shape = Shape { config, choices: choices.clone(), freeze: Default::default(), ..shape.clone() };
        let mut all = vec![shape.micro_step()?, shape.evaluate()?];
        all.push(update(&shape.slots(), shape.limits, choices)?);
        all.extend([shape.prefill()?, shape.decode()?]);
        Ok(all)
    };
    let usual = record(&shape.choices)?;
    let mut tasks: Vec<Task> = Vec::new();
    let mut by_name: BTreeMap<&'static str, Vec<Recording>> = BTreeMap::new();
    let problems = usual.iter().flat_map(|r| &r.candidates).collect::<BTreeMap<_, _>>();
    for (problem, candidates) in problems.into_iter().filter(|(_, candidates)| candidates.len() > 1) {
        let found = dispatches(&usual, problem);
        let picked = usual.iter().find_map(|r| r.picks.get(problem)).map_or("", String::as_str);
        let mut variants = Vec::new();
        for &name in candidates {
            if !by_name.contains_key(name) {
                let choices = Choices { prefer: Some(name), ..shape.choices.clone() };
                // One with which something else of the model cannot be recorded is none for this device.
                by_name.insert(name, record(&choices).unwrap_or_default());
            }
            let found = dispatches(&by_name[name], problem);
            if !found.is_empty() {
                variants.push((name, alone(name, &found)));
            }
        }
        variants.sort_by_key(|(name, _)| *name != picked);
        let flops = found.iter().map(|(_, d)| d.flops).sum();
        tasks.push(Task { problem: problem.clone(), flops, variants });
    }
    tasks.sort_by_key(|task| std::cmp::Reverse(task.flops));
    Ok(tasks)
}

/// A variant that took so many times as long as the best is not run again.
const HOPELESS: f64 = 2.0;

/// Times a problem's variants, all on the same numbers.
fn time(device: &Device, task: &Task, runs: usize, left: Duration) -> Result<Times> {
    let recordings: Vec<Recording> = task.variants.iter().map(|(_, r)| r.clone()).collect();
    let mut exec = device.load(Program::from(recordings.clone()), Options::default())?;
    let begun = Instant::now();
    let mut times = Times::new();
    let mut best = f64::INFINITY;
    let mut expected: Option<Outputs> = None;
    let mut filled = BTreeSet::new();
    for recording in &recordings {
        if begun.elapsed() > left && expected.is_some() {
            break;
        }
        fill(exec.as_mut(), recording, &mut filled)?;
        // The first run may compile the shader yet, and is not timed; its result is what is compared.
        run(exec.as_mut(), recording.name)?;
        let written = outputs(exec.as_mut(), recording)?;
        let right = expected.as_ref().is_none_or(|expected| agree(recording, expected, &written));
        expected.get_or_insert(written);
        if !right {
            times.insert(recording.name.to_string(), None);
            continue;
        }
        let mut took = run(exec.as_mut(), recording.name)?;
        for _ in 1..runs {
            if took > HOPELESS * best || begun.elapsed() > left {
                break;
            }
            took = took.min(run(exec.as_mut(), recording.name)?);
        }
        best = best.min(took);
        times.insert(recording.name.to_string(), Some(took));
    }
    Ok(times)
}

/// Seconds of one replay.
fn run(exec: &mut dyn Executor, recording: &str) -> Result<f64> {
    let step = Step { dropout_threshold: crate::base::rng::dropout_threshold(0.1), ..Step::default() };
    Ok(exec.time_range(recording, &step, 0..usize::MAX)?.iter().sum())
}

/// Words that are made for a tensor; a larger one has them again and again.
const PIECE: usize = 1 << 20;

/// Numbers for every tensor: the same for every variant, and such that no kernel meets what is not finite. What was written for
/// the variant before and is only read stands there yet.
fn fill(exec: &mut dyn Executor, recording: &Recording, filled: &mut BTreeSet<String>) -> Result<()> {
    let args = recording.dispatches.iter().flat_map(|d| &d.args);
    let written: BTreeSet<usize> =
        args.filter(|a| a.access != Access::Read).map(|a| a.tensor.index()).collect();
    for (i, t) in recording.tensors.iter().enumerate() {
        if !filled.insert(t.name.clone()) && !written.contains(&i) {
            continue;
        }
        let mut rng = Rng::new(1, &t.name);
        let mut word = || -> u32 {
            match t.element {
                Element::F32 => (0.1 * rng.normal()).to_bits(),
                // Ids of the first row.
                Element::U32 => 0,
                // Pairs of halves, or a block's scale and numbers: small, whatever they are read as.
                _ => rng.next_u64() as u32 & 0x2fff_2fff,
            }
        };
        let words: Vec<u32> = (0..PIECE.min(t.words())).map(|_| word()).collect();
        for first in (0..t.words()).step_by(PIECE) {
            exec.write(&t.name, first, &words[..PIECE.min(t.words() - first)])?;
        }
    }
    Ok(())
}

/// What a recording wrote, by tensor.
type Outputs = BTreeMap<String, Vec<f32>>;

fn outputs(exec: &mut dyn Executor, recording: &Recording) -> Result<Outputs> {
    let args = recording.dispatches.iter().flat_map(|d| &d.args).filter(|a| a.access != Access::Read);
    let mut numbers = |t| {
        let info = recording.info(t);
        Ok((info.name.clone(), info.numbers(&exec.peek(recording.name, t)?).into_owned()))
    };
    args.map(|a| numbers(a.tensor)).collect()
}

/// Whether two variants computed the same, as far as a kernel's tolerance goes: each is within it of the truth. What one
/// of them writes more than the other is its own on the way, as the parts of a product are.
fn agree(recording: &Recording, expected: &Outputs, found: &Outputs) -> bool {
    let of = |d: &Dispatch| {
        d.args.iter().map(|a| tolerance(d.kernel, recording.info(a.tensor))).fold(0.0, f64::max)
    };
    let tolerance = recording.dispatches.iter().map(of).fold(0.0, f64::max);
    let same = |(a, b): (&Vec<f32>, &Vec<f32>)| a.len() == b.len() && relative_l2(a, b) <= 2.0 * tolerance;
    let both = || expected.iter().filter_map(|(name, a)| Some((a, found.get(name)?)));
    both().count() == expected.len().min(found.len()) && both().all(same)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Preset;
    use crate::device::{Limits, Recorder};
    use crate::ops::matmul::{self, Epilogue, Layout, Product};

    #[test]
    fn the_fastest_is_one_that_is_right() {
        let times = [("tile64", Some(2e-3)), ("tile128", Some(1e-3)), ("spread32", None)];
        let times = times.map(|(name, time)| (name.to_string(), time)).into();
        let measured =
            Measured { device: "a card".into(), problems: [("matmul_nn 2x3x4".into(), times)].into() };
        let all = ["tile64", "spread32", "tile128"];
        assert_eq!(measured.fastest("matmul_nn 2x3x4", &all), Some("tile128"));
        assert_eq!(measured.fastest("matmul_nn 2x3x4", &all[..2]), Some("tile64"), "what is there no more");
        assert_eq!(measured.fastest("matmul_nn 2x3x5", &all), None);
        let text = serde_json::to_string(&measured).unwrap();
        assert_eq!(serde_json::from_str::<Measured>(&text).unwrap(), measured);
    }

    #[test]
    fn what_differs_by_more_than_the_tolerance_is_wrong() {
        let limits = Limits::DEFAULT;
        let mut rec = Recorder::new("product", limits, &Choices::of(Class::Lanes, &limits));
        let [a, b, c] = ["a", "b", "c"].map(|name| rec.kept(name, Kind::Input, &[4]));
        matmul::product(
            &mut rec,
            "c",
            Product::new(Layout::NN, [2, 2, 2]),
            a.into(),
            b.into(),
            c.into(),
            Epilogue::None,
        );
        let recording = rec.finish().unwrap();
        let of = |name: &str, last: f32| Outputs::from([(name.to_string(), vec![1.0, -2.0, 3.0, last])]);
        let agrees = |found: Outputs| agree(&recording, &of("c", 4.0), &found);
        assert!(agrees(of("c", 4.000_05)) && !agrees(of("c", 4.001)) && !agrees(of("c", f32::NAN)));
        // What one of them writes more is not compared; what the other has no counterpart of is wrong.
        assert!(agrees([of("c", 4.0), of("parts", 0.0)].into_iter().flatten().collect()));
        assert!(!agrees(of("parts", 4.0)));
    }

    /// On an adapter, where the second of two "variants" is a thousandth off.
    #[test]
    fn what_computes_something_else_gets_no_time() {
        let device = Device::open("gpu", 0).expect("the tests need a GPU adapter");
        let record = |name, alpha| {
            let mut rec = Recorder::new(name, device.limits(), &device.choices());
            let [a, b, c] = ["a", "b", "c"].map(|name| rec.kept(name, Kind::Input, &[64]));
            let p = Product { alpha, ..Product::new(Layout::NN, [8, 8, 8]) };
            matmul::product(&mut rec, "c", p, a.into(), b.into(), c.into(), Epilogue::None);
            (name, rec.finish().unwrap())
        };
        let variants = vec![record("right", 1.0), record("wrong", 1.001), record("right too", 1.0)];
        let task = Task { problem: "matmul_nn 8x8x8".into(), flops: 0, variants };
        let times = time(&device, &task, 2, Duration::from_secs(60)).unwrap();
        let timed = |name: &str| times[name].is_some();
        assert_eq!([timed("right"), timed("wrong"), timed("right too")], [true, false, true]);
    }

    /// Every problem of a step with more than one variant is a task, with all of them, the usual first, and each is a recording
    /// by that variant alone.
    #[test]
    fn a_task_has_every_variant_of_its_problem() {
        let limits = Limits { subgroup: 8, ..Limits::DEFAULT };
        for class in Class::ALL {
            let choices = Choices::of(class, &limits);
            let shape = Shape::new(Preset::Tiny.config(257), 2, 64, limits, choices);
            let usual = shape.micro_step().unwrap();
            let tasks = tasks(&shape).unwrap();
            for (problem, candidates) in usual.candidates.iter().filter(|(_, c)| c.len() > 1) {
                let task = tasks.iter().find(|task| task.problem == *problem).unwrap();
                assert_eq!(task.variants.len(), candidates.len(), "{problem}");
                assert_eq!(task.variants[0].0, usual.picks[problem], "{problem}");
                for (name, recording) in &task.variants {
                    assert!(!recording.dispatches.is_empty(), "{problem}");
                    assert!(recording.dispatches.iter().all(|d| d.problem == *problem));
                    assert_eq!(recording.name, *name);
                    let kernels: BTreeSet<_> = recording.dispatches.iter().map(|d| d.kernel.name).collect();
                    assert_eq!(kernels.len(), recording.dispatches.len(), "a kernel once");
                }
            }
            assert!(tasks.windows(2).all(|pair| pair[0].flops >= pair[1].flops), "the largest work first");
        }
    }
}
