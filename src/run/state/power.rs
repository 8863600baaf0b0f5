//! The power is cut after every operation of a run's life, and each time everything that no sync has made certain is there, or
//! not, or in part: what is left is taken up at the state that was saved last, or at the one that was being saved.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;

use super::*;
use crate::base::disk::trace;
use crate::base::rng::Rng;
use crate::run::Repaired;
use crate::run::log::{self, EvalLine, StepLine};
use crate::run::record::{Evaluation, example};
use crate::tokens::{TokenFile, Width};

/// What the training loop writes between two states.
fn steps(folder: &RunFolder, steps: std::ops::RangeInclusive<u64>) {
    let (mut log, mut samples) = (folder.log().unwrap(), folder.samples().unwrap());
    for step in steps {
        let line = StepLine {
            step,
            tokens: step,
            loss: 1.0,
            lr: 0.1,
            grad_norm: 1.0,
            seconds: 0.1,
            windows: vec![],
            spike: None,
            loss_scale: None,
            overflow: false,
        };
        log.step(&line).unwrap();
        log.eval(&EvalLine { step, tokens: step, val_loss: 2.0 }).unwrap();
        samples.append(step, "", "a sample").unwrap();
    }
}

fn save(folder: &mut RunFolder, run: &mut Run, step: u64) {
    run.position.step = step;
    run.last_eval = (step > 0).then_some(Evaluation { step, val_loss: 2.0, apart: None });
    let mut saving = folder.begin_state(step).unwrap();
    for name in [MODEL, OPTIMIZER] {
        let tensors = [("weights".to_string(), vec![3])];
        let mut writer = Writer::create(saving.path(name), &tensors, Dtype::F32, &BTreeMap::new()).unwrap();
        writer.write_f32(&[step as f32, 1.0, 2.0]).unwrap();
        saving.finish(writer).unwrap();
    }
    saving.commit(run).unwrap();
}

/// A run's life, and for each state the number of effects when its saving was done.
fn life(path: &Path) -> Vec<(u64, usize)> {
    let mut folder = RunFolder::create(path).unwrap();
    TokenFile::write(&path.join("tokens.bin"), [Ok(vec![1, 2, 3])], [], 9, Width::U16).unwrap();
    folder.write_new("config.json", b"{}").unwrap();
    let mut run = Run { best_eval: None, ..example() };
    run.settings.keep = 2;
    let mut saved = Vec::new();
    for step in [0, 2, 4, 5] {
        if step > 0 {
            steps(&folder, saved.last().map_or(1, |(before, _)| before + 1)..=step);
        }
        // The best is found in the middle, and again at the end.
        if [2, 5].contains(&step) {
            run.best_eval = Some(Evaluation { step, val_loss: 2.0, apart: None });
        }
        save(&mut folder, &mut run, step);
        saved.push((step, trace::so_far()));
    }
    run.finished = true;
    folder.save_run(&run).unwrap();
    saved
}

/// What a person has of a run after a cut, taken up: its step; none where there is nothing to take up.
fn taken_up(path: &Path) -> Option<u64> {
    let mut folder = match RunFolder::open(path) {
        Ok(folder) => folder,
        Err(e) => {
            assert!(!path.join(RECORD).exists(), "{e}");
            return None;
        }
    };
    let Repaired { run, notes } = folder.repair().unwrap();
    let step = run.position.step;
    // Before run.json is there for the first time, the record of the state stands in for it.
    assert!(notes.is_empty() || step == 0, "{notes:?}");
    assert_eq!(fs::read(path.join("tokens.bin")).unwrap().len(), 8);
    assert_eq!(fs::read(path.join("config.json")).unwrap(), b"{}");
    assert_eq!(fs::read(path.join(".gitignore")).unwrap(), b"*\n");
    let lines = log::read(&path.join("log.jsonl")).map_or(0, |lines| lines.len() as u64);
    assert_eq!(lines, 2 * step, "a step and an evaluation for each step, and no more");
    let samples = fs::read_to_string(path.join("samples.md")).unwrap_or_default();
    assert_eq!(samples.matches("## step").count() as u64, step);
    // The root's model is the best one, or the newest.
    let front = run.best.as_ref().map_or(&run.state, |best| best);
    let model = fs::read(path.join(&front.folder).join(MODEL)).unwrap();
    assert_eq!(fs::read(path.join(MODEL)).unwrap(), model);
    assert_eq!(folder.repair().unwrap(), Repaired { run, notes: Vec::new() }, "it was whole");
    Some(step)
}

#[test]
fn whatever_a_power_cut_leaves_is_taken_up_at_one_of_two_states() {
    // Where files are kept in memory, thousands of folders are made and synced in seconds.
    let memory = Path::new("/dev/shm");
    let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    let place = dir.path().join("life");
    fs::create_dir(&place).unwrap();
    trace::begin(&place);
    let saved = life(&place.join("run"));
    let trace = trace::end();
    let (mut rng, mut seen, mut ends) = (Rng::new(5, "cuts"), HashSet::new(), HashSet::new());
    for n in 0..=trace.len() {
        let before = saved.iter().rev().find(|(_, done)| *done <= n).map(|(step, _)| *step);
        let next = saved.iter().find(|(_, done)| *done > n).map(|(step, _)| *step);
        for left in trace.cuts(n, &mut rng) {
            if !seen.insert((before, left.clone())) {
                continue;
            }
            let cut = dir.path().join("cut");
            trace::make(&left, &cut);
            let step = taken_up(&cut.join("run"));
            assert!(step == before || step == next, "after {n}: {step:?}, not {before:?} or {next:?}");
            ends.insert(step);
            fs::remove_dir_all(&cut).unwrap();
        }
    }
    assert_eq!(ends, HashSet::from([None, Some(0), Some(2), Some(4), Some(5)]));
    assert!(seen.len() > 1000, "{} folders are few", seen.len());
}
