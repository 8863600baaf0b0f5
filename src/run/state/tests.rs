//! A crash and a full disk at every point of a commit. At each point the test keeps a copy of the folder, which is what a
//! SIGKILL there would leave, or lets the next operation fail.

use std::cell::RefCell;
use std::fs;

use super::*;
use crate::run::log::{EvalLine, StepLine};
use crate::run::record::{Evaluation, example};
use crate::run::{Repaired, log, read_run};
use crate::tokens::Ends;

const POINTS: [Point; 7] = [
    Point::FilesWritten,
    Point::StateRenamed,
    Point::BestRenamed,
    Point::RecordStaged,
    Point::RecordPublished,
    Point::ModelFollowed,
    Point::Swept,
];

type Watcher = Box<dyn FnMut(Point, &Path) -> Result<()>>;

thread_local! {
    static WATCHER: RefCell<Option<Watcher>> = const { RefCell::new(None) };
}

/// What a commit calls between two operations.
pub(super) fn point(at: Point, root: &Path) -> Result<()> {
    WATCHER.with_borrow_mut(|w| w.as_mut().map_or(Ok(()), |watch| watch(at, root)))
}

/// Runs with a watcher, and without it afterwards.
fn watched<T>(watch: impl FnMut(Point, &Path) -> Result<()> + 'static, body: impl FnOnce() -> T) -> T {
    WATCHER.set(Some(Box::new(watch)));
    let out = body();
    WATCHER.set(None);
    out
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, target) = {
            let e = entry.unwrap();
            (e.path(), to.join(e.file_name()))
        };
        if path.is_dir() { copy_tree(&path, &target) } else { fs::copy(&path, &target).map(|_| ()).unwrap() }
    }
}

fn model_of(step: u64) -> Vec<u8> {
    format!("the model after {step} steps").into_bytes()
}

/// What the training loop does: a line a step, an evaluation and a sample before the state.
fn train_to(folder: &RunFolder, steps: std::ops::RangeInclusive<u64>) {
    let (mut log, mut samples) = (folder.log().unwrap(), folder.samples().unwrap());
    for step in steps {
        log.step(&StepLine {
            step,
            tokens: step,
            loss: 1.0,
            lr: 0.1,
            grad_norm: 1.0,
            seconds: 0.1,
            spike: None,
            loss_scale: None,
            overflow: false,
            windows: vec![],
        })
        .unwrap();
        log.eval(&EvalLine { step, tokens: step, val_loss: 2.0 }).unwrap();
        samples.append(step, "", "a sample").unwrap();
    }
}

fn save(folder: &mut RunFolder, run: &mut Run, step: u64) -> Result<()> {
    run.position.step = step;
    run.last_eval = (step > 0).then_some(Evaluation { step, val_loss: 2.0, apart: None });
    let mut saving = folder.begin_state(step)?;
    fs::write(saving.path(MODEL), model_of(step)).unwrap();
    fs::write(saving.path(OPTIMIZER), b"moments").unwrap();
    saving.add(MODEL)?;
    saving.add(OPTIMIZER)?;
    saving.commit(run)
}

/// A run saved at step 4, where it was best, that has gone on to step 6.
fn run_at_four(path: &Path) -> (RunFolder, Run) {
    let mut folder = RunFolder::create(path).unwrap();
    let mut run = Run { best_eval: None, ..example() };
    save(&mut folder, &mut run, 0).unwrap();
    train_to(&folder, 1..=4);
    run.best_eval = Some(Evaluation { step: 4, val_loss: 2.0, apart: None });
    save(&mut folder, &mut run, 4).unwrap();
    train_to(&folder, 5..=6);
    (folder, run)
}

/// Takes a run up in which nothing is damaged.
fn repair(folder: &mut RunFolder) -> Run {
    let Repaired { run, notes } = folder.repair().unwrap();
    assert!(notes.is_empty(), "{notes:?}");
    run
}

fn names(p: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(p).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Everything a resumable run at this step is.
fn assert_whole(path: &Path, run: &Run, step: u64) {
    assert_eq!(run.position.step, step);
    assert_eq!(read_run(path).unwrap(), *run);
    // The newest state, and at most the one before it, each with what it takes to be taken up.
    let states: Vec<u64> = names(&path.join("state")).iter().map(|name| name.parse().unwrap()).collect();
    assert!(states.len() <= 2 && states.iter().max() == Some(&step), "{states:?}");
    for state in &states {
        let at = path.join(State::folder_of(*state));
        assert_eq!(names(&at), [MODEL, OPTIMIZER, RECORD]);
        assert_eq!(record::read(&at.join(RECORD)).unwrap().position.step, *state);
        assert_eq!(fs::read(at.join(MODEL)).unwrap(), model_of(*state));
    }
    let root =
        [".gitignore", "best", "lock", "log.jsonl", "model.safetensors", "run.json", "samples.md", "state"];
    assert_eq!(names(path), root);
    // The best was at step 4, and is what the root has.
    assert_eq!(names(&path.join("best")), ["4"]);
    assert_eq!(run.best.as_ref().unwrap().folder, "best/4");
    assert_eq!(fs::read(path.join("best/4").join(MODEL)).unwrap(), model_of(4));
    assert_eq!(fs::read(path.join(MODEL)).unwrap(), model_of(4));
    // A step line and an evaluation for each step, and no more.
    assert_eq!(log::read(&path.join("log.jsonl")).unwrap().len() as u64, 2 * step);
    let samples = fs::read_to_string(path.join("samples.md")).unwrap();
    assert_eq!(samples.matches("## step").count() as u64, step);
}

#[test]
fn a_crash_at_any_point_leaves_a_run_to_resume() {
    let dir = tempfile::tempdir().unwrap();
    let crashes = dir.path().join("crashes");
    let (mut folder, mut run) = run_at_four(&dir.path().join("run"));
    let copies = crashes.clone();
    let keep = move |at: Point, root: &Path| {
        copy_tree(root, &copies.join(format!("{at:?}")));
        Ok(())
    };
    watched(keep, || save(&mut folder, &mut run, 6)).unwrap();
    // Step 6 is no better than step 4: no best is put beside it.
    for at in POINTS.into_iter().filter(|at| *at != Point::BestRenamed) {
        let path = crashes.join(format!("{at:?}"));
        let step =
            if matches!(at, Point::FilesWritten | Point::StateRenamed | Point::RecordStaged) { 4 } else { 6 };
        let mut folder = RunFolder::open(&path).unwrap();
        let mut run = repair(&mut folder);
        assert_whole(&path, &run, step);
        assert_eq!(repair(&mut folder), run, "a repair of a whole run changes nothing");
        // And it goes on from there.
        train_to(&folder, step + 1..=8);
        save(&mut folder, &mut run, 8).unwrap();
        assert_whole(&path, &run, 8);
    }
}

/// SIGKILL while the very first state is written: there is no run yet, and opening says so; after it, there is one.
#[test]
fn run_json_first_appears_with_a_resumable_state() {
    let dir = tempfile::tempdir().unwrap();
    let crashes = dir.path().join("crashes");
    let mut folder = RunFolder::create(&dir.path().join("run")).unwrap();
    let copies = crashes.clone();
    let keep = move |at: Point, root: &Path| {
        copy_tree(root, &copies.join(format!("{at:?}")));
        Ok(())
    };
    watched(keep, || save(&mut folder, &mut example(), 0)).unwrap();
    for at in POINTS {
        let path = crashes.join(format!("{at:?}"));
        match RunFolder::open(&path) {
            Ok(mut folder) => {
                let recorded = path.join(RECORD).exists();
                let Repaired { run, notes } = folder.repair().unwrap();
                assert_eq!(notes.is_empty(), recorded, "{notes:?}");
                assert_eq!(fs::read(path.join(MODEL)).unwrap(), model_of(0));
                assert_eq!(run.position.step, 0);
            }
            Err(e) => {
                assert_eq!(at, Point::FilesWritten, "{e}");
                assert!(e.to_string().contains("before its first save"), "{e}");
            }
        }
    }
}

#[test]
fn a_full_disk_at_any_point_leaves_the_earlier_state() {
    for full in POINTS.into_iter().filter(|at| *at != Point::BestRenamed) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run");
        let (mut folder, mut run) = run_at_four(&path);
        let (state, record) = (run.state.clone(), fs::read(path.join(RECORD)).unwrap());
        let fail = move |at: Point, root: &Path| match at == full {
            true => Err(Error::io("write", root)(std::io::ErrorKind::StorageFull.into())),
            false => Ok(()),
        };
        let message = watched(fail, || save(&mut folder, &mut run, 6)).unwrap_err().to_string();
        assert!(message.contains("free some space"), "{message}");
        let published = !matches!(full, Point::FilesWritten | Point::StateRenamed | Point::RecordStaged);
        if !published {
            assert_eq!(run.state, state, "{full:?}");
            assert_eq!(fs::read(path.join(RECORD)).unwrap(), record);
            assert_eq!(fs::read(path.join(MODEL)).unwrap(), model_of(4));
            assert_eq!(fs::read_dir(path.join("state")).unwrap().count(), 1, "the new files are gone");
            assert!(!disk::temporary(&path.join(RECORD)).exists());
            // Space is made, and the same process saves the same step.
            save(&mut folder, &mut run, 6).unwrap();
        }
        drop(folder);
        let mut folder = RunFolder::open(&path).unwrap();
        let run = repair(&mut folder);
        assert_whole(&path, &run, 6);
    }
}

#[test]
fn an_abandoned_state_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let (mut folder, run) = run_at_four(&path);
    let saving = folder.begin_state(6).unwrap();
    let mut writer = saving.model_writer(&run.model, None).unwrap();
    writer.write_f32(&[1.0]).unwrap();
    drop(writer);
    drop(saving);
    let run = repair(&mut folder);
    assert_whole(&path, &run, 4);
}

#[test]
fn a_resume_restores_the_roots_model() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let (mut folder, _) = run_at_four(&path);
    let root = path.join(MODEL);
    fs::remove_file(&root).unwrap();
    let run = repair(&mut folder);
    assert_whole(&path, &run, 4);
    fs::remove_file(&root).unwrap();
    fs::write(&root, "something else").unwrap();
    repair(&mut folder);
    assert_whole(&path, &run, 4);
    // A copy, as a backup makes it, becomes a link again.
    fs::remove_file(&root).unwrap();
    fs::write(&root, model_of(4)).unwrap();
    repair(&mut folder);
    assert_whole(&path, &run, 4);
}

#[test]
fn model_and_optimizer_are_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut folder = RunFolder::create(&dir.path().join("run")).unwrap();
    let mut run = example();
    run.model =
        Config::Gpt2(crate::base::Gpt2 { vocab_size: 7, block_size: 5, n_layer: 1, n_head: 2, n_embd: 4 });
    run.settings.context = 5;
    (run.settings.lora, run.base) = (None, None);
    let table = run.model.table();
    let value = |i: usize, n: usize| vec![i as f32 + 0.5; n];
    let mut saving = folder.begin_state(0).unwrap();
    let mut model = saving.model_writer(&run.model, None).unwrap();
    table.iter().enumerate().for_each(|(i, p)| model.write_f32(&value(i, p.numel())).unwrap());
    saving.finish(model).unwrap();
    let mut optimizer = saving.optimizer_writer(&run.model.table(), run.settings.optimizer).unwrap();
    for (i, p) in table.iter().chain(&table).enumerate() {
        optimizer.write_f32(&value(i, p.numel())).unwrap();
    }
    saving.finish(optimizer).unwrap();
    saving.commit(&mut run).unwrap();
    folder
        .write_new("config.json", huggingface::config_json(&run.model, 0.0, &Ends::at(6)).as_bytes())
        .unwrap();
    repair(&mut folder);

    // The run's folder is a Hugging Face folder, and the state's file is the same model.
    let state = folder.state_file(MODEL).unwrap();
    let opened = [huggingface::open(folder.path()), huggingface::open_file(&state, run.model)];
    for mut checkpoint in opened.map(|c| c.unwrap()) {
        for (i, p) in table.iter().enumerate() {
            let mut out = vec![0.0; p.numel()];
            checkpoint.read(&p.name, 0..p.shape[0], &mut out).unwrap();
            assert_eq!(out, value(i, p.numel()), "{}", p.name);
        }
    }
    let path = folder.state_file(OPTIMIZER).unwrap();
    let mut reader = crate::weights::safetensors::open(path).unwrap();
    let (mut m, mut v) = (Vec::new(), Vec::new());
    reader.read_f32("m.wpe.weight", &mut m).unwrap();
    reader.read_f32("v.wpe.weight", &mut v).unwrap();
    assert_eq!((m, v), (value(1, 20), value(1 + table.len(), 20)));
}

/// A tool that edits the root's model in place harms neither the state nor the run: a resume repairs it.
#[test]
fn the_roots_model_can_be_damaged_and_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let (mut folder, _) = run_at_four(&path);
    let whole = fs::read(path.join(MODEL)).unwrap();
    fs::OpenOptions::new().write(true).open(path.join(MODEL)).unwrap().set_len(10).unwrap();
    repair(&mut folder);
    assert!(fs::read(path.join(MODEL)).unwrap() == whole);
}

/// Takes a run up in which something is damaged, and is told what.
fn mended(path: &Path) -> (Run, String) {
    let Repaired { run, notes } = RunFolder::open(path).unwrap().repair().unwrap();
    assert_eq!(read_run(path).unwrap(), run);
    (run, notes.join("\n"))
}

/// A run whose states of the steps 4 and 6 are there.
fn run_at_six(path: &Path) -> Run {
    let (mut folder, mut run) = run_at_four(path);
    save(&mut folder, &mut run, 6).unwrap();
    run
}

#[test]
fn a_damaged_newest_state_gives_way_to_the_one_before() {
    for damage in [OPTIMIZER, MODEL] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run");
        let before = run_at_six(&path);
        fs::write(path.join("state/6").join(damage), "torn").unwrap();
        let (run, told) = mended(&path);
        assert!(told.contains(damage) && told.contains("damaged") && told.contains("from step 4"), "{told}");
        assert_whole(&path, &run, 4);
        assert_eq!(run.settings, before.settings);
        // And once more: there is none before.
        fs::write(path.join("state/4").join(damage), "torn").unwrap();
        let error = RunFolder::open(&path).unwrap().repair().unwrap_err().to_string();
        assert!(error.contains("damaged") && error.contains("restore"), "{error}");
        assert!(path.join("state/4").exists(), "nothing is removed while no state is whole");
    }
}

/// Wherever it was cut: the record that the state has takes its place.
#[test]
fn a_record_cut_short_comes_back_from_its_state() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let before = run_at_six(&path);
    let whole = fs::read(path.join(RECORD)).unwrap();
    // The last byte is a line's end, without which nothing is missing.
    for cut in (0..whole.len() - 1).step_by(31) {
        fs::write(path.join(RECORD), &whole[..cut]).unwrap();
        let (run, told) = mended(&path);
        assert!(told.contains("run.json") && told.contains("from step 6"), "{told}");
        assert_eq!(run, before);
    }
    fs::remove_file(path.join(RECORD)).unwrap();
    assert_eq!(mended(&path).0, before);
}

#[test]
fn a_best_model_that_is_lost_is_told_and_followed_by_the_newest() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    run_at_six(&path);
    fs::remove_dir_all(path.join("best")).unwrap();
    fs::remove_file(path.join(MODEL)).unwrap();
    let _ = fs::remove_dir_all(path.join("state/4"));
    let (run, told) = mended(&path);
    assert!(told.contains("the best model is lost"), "{told}");
    assert_eq!(run.best, None);
    assert_eq!(fs::read(path.join(MODEL)).unwrap(), model_of(6));
}

#[test]
fn a_damaged_best_model_is_made_whole_from_a_copy() {
    for damage in [&b""[..], b"no model"] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run");
        let before = run_at_six(&path);
        let best = path.join(&before.best.as_ref().unwrap().folder).join(MODEL);
        fs::remove_file(&best).unwrap();
        fs::write(&best, damage).unwrap();
        let (run, told) = mended(&path);
        assert!(told.contains("made whole again from a copy"), "{told}");
        assert_eq!(run.best, before.best);
        assert_eq!(fs::read(&best).unwrap(), model_of(4));
        assert_eq!(fs::read(path.join(MODEL)).unwrap(), model_of(4));
    }
}

#[test]
fn a_better_model_takes_the_place_of_the_best() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let mut run = run_at_six(&path);
    let mut folder = RunFolder::open(&path).unwrap();
    run.best_eval = Some(Evaluation { step: 8, val_loss: 1.9, apart: None });
    // With one state kept, none refers to the earlier best.
    run.settings.keep = 1;
    folder.repair().unwrap();
    save(&mut folder, &mut run, 8).unwrap();
    assert_eq!((names(&path.join("best")), names(&path.join("state"))), (vec!["8".into()], vec!["8".into()]));
    assert_eq!(fs::read(path.join(MODEL)).unwrap(), model_of(8));
}
