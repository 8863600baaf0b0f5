//! The folder's own promises: modes, lock, records, newest. What a crash leaves is in `state/tests.rs`.

use std::fs;

use super::*;
use crate::run::newest;
use crate::run::record::example;

/// A run with a model file of these bytes, saved at a step.
fn save(folder: &mut RunFolder, run: &mut Run, step: u64, model: &[u8]) {
    run.position.step = step;
    let mut saving = folder.begin_state(step).unwrap();
    fs::write(saving.path(MODEL), model).unwrap();
    saving.add(MODEL).unwrap();
    saving.commit(run).unwrap();
}

fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().to_string()
}

#[cfg(unix)]
#[test]
fn a_run_is_private_and_out_of_git() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("checkpoints/journal");
    let mut folder = RunFolder::create(&path).unwrap();
    folder.write_new("config.json", b"{}").unwrap();
    folder.write_new("tokens.bin", b"").unwrap();
    folder.samples().unwrap().append(0, "", "x").unwrap();
    folder.log().unwrap();
    let mut run = example();
    {
        let mut saving = folder.begin_state(0).unwrap();
        let mut writer = saving.model_writer(&run.model, None).unwrap();
        for p in run.model.table() {
            writer.write_f32(&vec![0.0; p.numel()]).unwrap();
        }
        saving.finish(writer).unwrap();
        saving.commit(&mut run).unwrap();
    }
    folder.save_run(&run).unwrap();
    assert_eq!(fs::read_to_string(path.join(".gitignore")).unwrap(), "*\n");
    assert!(folder.write_new("config.json", b"other").is_err());
    let mut seen = 0;
    let mut todo = vec![dir.path().join("checkpoints")];
    while let Some(at) = todo.pop() {
        let mode = fs::metadata(&at).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, if at.is_dir() { 0o700 } else { 0o600 }, "{}", at.display());
        seen += 1;
        todo.extend(fs::read_dir(&at).into_iter().flatten().map(|e| e.unwrap().path()));
    }
    // checkpoints, journal, state, state/0, its model and run.json, best, best/0, its model; lock .gitignore config tokens
    // samples log run.json model.
    assert_eq!(seen, 17);
}

#[cfg(unix)]
#[test]
fn an_empty_folder_is_taken_and_made_private() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let _folder = RunFolder::create(dir.path()).unwrap();
    assert_eq!(fs::metadata(dir.path()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn one_process_holds_a_run() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let mut folder = RunFolder::create(&path).unwrap();
    save(&mut folder, &mut example(), 0, b"zero");
    let second = message(RunFolder::open(&path));
    assert!(second.contains("another diarist is using this run"), "{second}");
    assert!(message(RunFolder::create(&path)).contains("ever overwritten"));
    read_run(&path).unwrap();
    drop(folder);
    RunFolder::open(&path).unwrap();
}

#[test]
fn what_is_no_run_is_said() {
    let dir = tempfile::tempdir().unwrap();
    assert!(message(RunFolder::open(&dir.path().join("no"))).contains("no such folder"));
    assert!(message(RunFolder::open(dir.path())).contains("no run.json"));
    assert!(!dir.path().join(LOCK).exists());
    let early = dir.path().join("early");
    drop(RunFolder::create(&early).unwrap());
    assert!(message(RunFolder::open(&early)).contains("before its first save"));
}

#[test]
fn the_newest_run_is_the_one_saved_last() {
    let dir = tempfile::tempdir().unwrap();
    let runs = dir.path().join("runs");
    assert!(message(newest(&runs)).contains("no run in it yet"));
    for name in ["b", "a"] {
        let mut folder = RunFolder::create(&runs.join(name)).unwrap();
        save(&mut folder, &mut example(), 0, b"zero");
    }
    fs::create_dir(runs.join("c")).unwrap();
    let at = |name: &str, seconds: u64| {
        let file = disk::append(&runs.join(name).join(RECORD)).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds)).unwrap();
    };
    at("a", 2_000);
    at("b", 1_000);
    assert_eq!(newest(&runs).unwrap(), runs.join("a"));
    at("b", 3_000);
    assert_eq!(newest(&runs).unwrap(), runs.join("b"));
}

#[test]
fn a_record_changes_beside_its_state() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let mut folder = RunFolder::create(&path).unwrap();
    let mut run = example();
    save(&mut folder, &mut run, 0, b"zero");
    run.settings.steps = 2_000;
    folder.save_run(&run).unwrap();
    assert_eq!(read_run(&path).unwrap(), run);
    assert!(message(folder.begin_state(0)).contains("saved already"));
}

#[test]
fn a_damaged_state_is_named_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let mut folder = RunFolder::create(&path).unwrap();
    let mut run = example();
    save(&mut folder, &mut run, 3, b"three");
    fs::create_dir(path.join("state/2")).unwrap();
    let model = folder.state_file(MODEL).unwrap();
    fs::write(&model, b"thref").unwrap();
    let damage = message(folder.repair());
    assert!(damage.contains("damaged") && damage.contains("model.safetensors"), "{damage}");
    fs::remove_file(&model).unwrap();
    assert!(message(folder.repair()).contains("missing"));
    assert!(path.join("state/2").exists(), "nothing is removed while the named state is in doubt");
}
