//! A GPU that is really lost, an executor that has no memory at its n-th replay, and devices that fail again and again.

use std::path::{Path, PathBuf};

use super::*;
use crate::base::arch::Recompute;
use crate::device::testing::{fail_after, lose_gpu, opened, to_come};
use crate::run::log;
use crate::run::record::Settings;
use crate::train::{Observer, Options, Progress, Resume, Stop, resume, start};

/// Sees a run, and loses its GPU after some steps.
#[derive(Default)]
struct Watcher {
    said: Vec<String>,
    losses: Vec<u64>,
}

impl crate::journal::Observer for Watcher {}
impl Observer for Watcher {
    fn say(&mut self, line: &str) {
        self.said.push(line.to_string());
    }
    fn doing(&mut self, _: &str) {}
    fn step(&mut self, progress: &Progress) {
        if self.losses.first() == Some(&progress.step) {
            self.losses.remove(0);
            lose_gpu();
        }
    }
    fn evaluating(&mut self, _: usize, _: usize) {}
    fn evaluated(&mut self, _: u64, _: f32) {}
    fn sampled(&mut self, _: u64, _: &str, _: &str) {}
}

/// The settings of a short run with everything that could leave a trace: dropout, evaluations, saves, a sample.
fn options(dir: &Path, out: &str, device: &str) -> Options {
    let notes = dir.join("notes");
    if !notes.exists() {
        std::fs::create_dir(&notes).unwrap();
        for day in 1..=20 {
            let text = format!("Day {day}. Rain till {}, then the weir and back again.\n", day % 7).repeat(3);
            std::fs::write(notes.join(format!("2021-03-{day:02}.md")), text).unwrap();
        }
    }
    Options {
        paths: vec![notes],
        from: Some("scratch".into()),
        out: Some(dir.join(out)),
        steps: Some(9),
        context: Some(16),
        batch: Some(4),
        accumulate: Some(1),
        dropout: Some(0.1),
        save_every: Some(3),
        eval_every: Some(2),
        sample_every: Some(9),
        device: device.into(),
        threads: 1,
        cache: false,
        ..Options::default()
    }
}

fn train(dir: &Path, out: &str, device: &str, watcher: &mut Watcher) -> Result<PathBuf> {
    Ok(start(&options(dir, out, device), watcher, &Stop::new(false))?.dir)
}

/// All that a run has computed: the model's bytes, the log's lines without their times, the samples.
fn result(run: &Path) -> (Vec<u8>, Vec<log::Line>, String) {
    let mut lines = log::read(&run.join("log.jsonl")).unwrap();
    for line in &mut lines {
        if let log::Line::Step(step) = line {
            step.seconds = 0.0;
        }
    }
    let model = std::fs::read(run.join("state/9/model.safetensors")).unwrap();
    (model, lines, std::fs::read_to_string(run.join("samples.md")).unwrap())
}

fn told(watcher: &Watcher, what: &str) -> usize {
    watcher.said.iter().filter(|line| line.starts_with(what)).count()
}

#[test]
fn a_lost_gpu_is_opened_anew_and_the_run_ends_in_the_same_bits() {
    let dir = tempfile::tempdir().unwrap();
    let whole = train(dir.path(), "whole", "gpu", &mut Watcher::default()).unwrap();
    let before = opened();
    // Before its first save after the start, right after a save, and far from one.
    let mut watcher = Watcher { losses: vec![1, 3, 8], ..Watcher::default() };
    let broken = train(dir.path(), "broken", "gpu", &mut watcher).unwrap();
    assert!(watcher.losses.is_empty());
    assert_eq!((opened() - before, told(&watcher, "lost")), (4, 3), "{:?}", watcher.said);
    assert!(result(&whole) == result(&broken), "a run whose GPU was lost ends in other bits");
}

fn lost() -> Error {
    Error::lost("ordered")
}

fn memory() -> Error {
    Error::memory("ordered", "")
}

/// On the CPU, where every replay can be the one that fails.
#[test]
fn wherever_a_device_is_lost_the_same_bits_follow() {
    let dir = tempfile::tempdir().unwrap();
    let whole = result(&train(dir.path(), "whole", "cpu", &mut Watcher::default()).unwrap());
    for replay in [8, 27, 50] {
        fail_after(&[(replay, lost)]);
        let mut watcher = Watcher::default();
        let broken = train(dir.path(), &format!("at-{replay}"), "cpu", &mut watcher).unwrap();
        assert_eq!((to_come(), told(&watcher, "lost")), (0, 1), "{replay}: {:?}", watcher.said);
        assert!(result(&broken) == whole, "{replay}");
    }
}

#[test]
fn without_memory_the_same_steps_go_in_smaller_pieces() {
    let dir = tempfile::tempdir().unwrap();
    // 4 × 1, 2 × 2, 1 × 4, and then each block twice.
    fail_after(&[(15, memory), (40, memory), (0, memory)]);
    let mut watcher = Watcher::default();
    let run = train(dir.path(), "short", "cpu", &mut watcher).unwrap();
    let Settings { batch, accumulate, recompute, .. } = crate::run::read_run(&run).unwrap().settings;
    assert_eq!((to_come(), batch, accumulate, recompute), (0, 1, 4, Recompute::Block), "{:?}", watcher.said);
    assert_eq!((told(&watcher, "batch"), told(&watcher, "memory   ordered")), (2, 3), "{:?}", watcher.said);
    let lines = result(&run).1;
    let steps = lines.iter().filter(|line| matches!(line, log::Line::Step(_))).count();
    assert_eq!(steps, 9, "each step is in the log once");
}

/// Where most of it is asked for: with the first step of all, before there is anything to go back to.
#[test]
fn a_first_step_without_memory_goes_in_smaller_pieces_too() {
    let dir = tempfile::tempdir().unwrap();
    fail_after(&[(1, memory), (1, memory)]);
    let mut watcher = Watcher::default();
    let run = train(dir.path(), "short", "cpu", &mut watcher).unwrap();
    let Settings { batch, accumulate, recompute, .. } = crate::run::read_run(&run).unwrap().settings;
    assert_eq!((to_come(), batch, accumulate, recompute), (0, 1, 4, Recompute::Gelu), "{:?}", watcher.said);
    let smaller = Options { batch: Some(1), accumulate: Some(4), ..options(dir.path(), "asked", "cpu") };
    let asked = start(&smaller, &mut Watcher::default(), &Stop::new(false)).unwrap().dir;
    assert!(result(&run) == result(&asked), "it is the run that such a batch is asked for");
}

#[test]
fn a_device_that_fails_again_and_again_ends_the_run() {
    let dir = tempfile::tempdir().unwrap();
    fail_after(&[(12, lost), (0, lost), (0, lost), (0, lost), (0, lost)]);
    let mut watcher = Watcher::default();
    let error = train(dir.path(), "ended", "cpu", &mut watcher).unwrap_err();
    let ended = (to_come(), told(&watcher, "lost"));
    fail_after(&[]);
    assert!(matches!(error, Error::Lost { .. }), "{error}");
    assert_eq!(ended, (1, 3), "three tries, and no more");
}

#[test]
fn tries_are_counted_from_the_last_save_on() {
    let mut tries = Tries::default();
    for step in [0, 0, 0, 7, 7, 7, 9] {
        assert!(tries.again(step, lost()).is_ok());
    }
    assert!(tries.again(9, lost()).is_ok() && tries.again(9, lost()).is_ok());
    assert!(tries.again(9, lost()).is_err());
}

/// Asks to stop when an evaluation begins: the `n`-th.
struct Leaves<'a> {
    stop: &'a Stop,
    n: usize,
}

impl crate::journal::Observer for Leaves<'_> {}
impl Observer for Leaves<'_> {
    fn say(&mut self, _: &str) {}
    fn doing(&mut self, _: &str) {}
    fn step(&mut self, _: &Progress) {}
    fn evaluating(&mut self, done: usize, _: usize) {
        if done == 0 {
            self.n -= 1;
        }
        if self.n == 0 {
            self.stop.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    }
    fn evaluated(&mut self, _: u64, _: f32) {}
    fn sampled(&mut self, _: u64, _: &str, _: &str) {}
}

/// Who stops a run does not wait for a validation; the resumed run owes it, and is the run that was never stopped.
#[test]
fn a_validation_that_nobody_waited_for_is_made_up() {
    let dir = tempfile::tempdir().unwrap();
    let whole = train(dir.path(), "whole", "cpu", &mut Watcher::default()).unwrap();
    // The gradients of a step are gone with the process that computed them.
    let told = |run: &Path| {
        let (model, lines, samples) = result(run);
        let lines: Vec<log::Line> =
            lines.into_iter().filter(|line| !matches!(line, log::Line::Norms(_))).collect();
        let record = crate::run::read_run(run).unwrap();
        let best = std::fs::read(run.join("model.safetensors")).unwrap();
        let so_far = (record.best, record.last_eval, record.since_best, record.finished);
        ((model, best), lines, samples, so_far)
    };
    // After steps 2, 4, 6 and 8, and after the last.
    for n in 1..=5 {
        let stop = Stop::new(false);
        let options = options(dir.path(), &format!("left-{n}"), "cpu");
        let left = start(&options, &mut Leaves { stop: &stop, n }, &stop).unwrap();
        assert!(left.interrupted, "{n}");
        let record = crate::run::read_run(&left.dir).unwrap();
        let last = record.last_eval.map_or(0, |last| last.step);
        assert!(!record.finished && last < record.position.step, "{n}: {last}");
        let on = Stop::new(false);
        assert!(!resume(&left.dir, Resume::default(), &mut Watcher::default(), &on).unwrap().interrupted);
        let (ours, others) = (told(&left.dir), told(&whole));
        assert_eq!((ours.1, ours.2, ours.3), (others.1, others.2, others.3), "stopped at validation {n}");
        assert!(ours.0 == others.0, "stopped at validation {n}");
    }
}
