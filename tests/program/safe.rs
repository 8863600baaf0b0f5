//! What can befall a run's folder while nobody looks: it is full, it is moved, it cannot be written, another process has it, or its
//! data has changed.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

fn command(cwd: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("diarist"));
    command.current_dir(cwd).env("NODEVICE_SELECT", "1");
    command
}

fn run(cwd: &Path, args: &str) -> Output {
    command(cwd).args(args.split_whitespace()).output().unwrap()
}

fn done(cwd: &Path, args: &str) -> String {
    let o = run(cwd, args);
    assert!(o.status.success(), "{args}: {}", String::from_utf8_lossy(&o.stderr));
    String::from_utf8(o.stderr).unwrap()
}

fn refused(cwd: &Path, args: &str) -> String {
    let o = run(cwd, args);
    assert_eq!(o.status.code(), Some(1), "{args}: {}", String::from_utf8_lossy(&o.stderr));
    String::from_utf8(o.stderr).unwrap()
}

/// A folder with a journal of thirty days.
fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    std::fs::create_dir(place.path().join("notes")).unwrap();
    for day in 1..=30 {
        let text = format!("Day {day}. Rain till {}, then the dog and I walked to the weir.\n", day % 7);
        std::fs::write(place.path().join(format!("notes/2021-03-{day:02}.md")), text).unwrap();
    }
    place
}

const TRAIN: &str = "train notes --from scratch --context 16 --batch 2 --accumulate 1 --device cpu --threads 1 --dropout 0.1 \
                     --save-every 4";

fn model(run: &Path) -> Vec<u8> {
    std::fs::read(run.join("state/12/model.safetensors")).unwrap()
}

fn lines(run: &Path) -> usize {
    std::fs::read_to_string(run.join("log.jsonl")).map_or(0, |log| log.lines().count())
}

/// A disk of so many MiB in memory, where this user may mount one.
struct Disk(PathBuf);

impl Disk {
    fn new(at: PathBuf, options: &str) -> Option<Disk> {
        std::fs::create_dir_all(&at).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&at).output();
        mount.is_ok_and(|o| o.status.success()).then_some(Disk(at))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).output();
    }
}

/// The disk fills up while a run is on it: it stops, says how much is missing, and has its last state; with room, it goes on to
/// the bytes of a run that nothing befell.
#[test]
fn a_full_disk_ends_a_run_at_its_last_state() {
    let place = place();
    let cwd = place.path();
    let Some(disk) = Disk::new(cwd.join("disk"), "size=96m") else { return without_a_mount(cwd) };
    done(cwd, &format!("{TRAIN} --steps 12 --out whole"));
    let run = disk.0.join("run");
    let args = format!("{TRAIN} --steps 12 --out disk/run");
    let mut child = command(cwd)
        .args(args.split_whitespace())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while lines(&run) < 1 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before its disk was full");
        std::thread::sleep(Duration::from_millis(1));
    }
    let filler = disk.0.join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    while std::io::Write::write_all(&mut file, &[1; 4096]).is_ok() {}
    let o = child.wait_with_output().unwrap();
    let told = String::from_utf8(o.stderr).unwrap();
    assert_eq!(o.status.code(), Some(1), "{told}");
    for part in ["No space left", "A save takes", "free", "is whole", "train --resume disk/run"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    drop(file);
    std::fs::remove_file(&filler).unwrap();
    done(cwd, "train --resume disk/run");
    assert!(model(&run) == model(&cwd.join("whole")));
}

/// Where nothing can be mounted, a limit on the size of a file is the full disk.
fn without_a_mount(cwd: &Path) {
    let script = format!("trap '' XFSZ; ulimit -f 4096; exec \"$0\" {TRAIN} --steps 2 --out run");
    let exe = assert_cmd::cargo::cargo_bin("diarist");
    let o = Command::new("bash").args(["-c", &script]).arg(exe).current_dir(cwd).output().unwrap();
    let told = String::from_utf8(o.stderr).unwrap();
    assert!(!o.status.success() && told.contains("A save takes") && told.contains("train again"), "{told}");
    assert!(!cwd.join("run").exists(), "nothing is left of what was never saved");
}

#[test]
fn a_run_that_was_moved_goes_on_to_the_same_bytes() {
    let place = place();
    let cwd = place.path();
    done(cwd, &format!("{TRAIN} --steps 12 --out whole"));
    let args = format!("{TRAIN} --steps 12 --out here");
    let mut child = command(cwd)
        .args(args.split_whitespace())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !cwd.join("here/state/4").is_dir() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    std::fs::create_dir(cwd.join("other")).unwrap();
    std::fs::rename(cwd.join("here"), cwd.join("other/there")).unwrap();
    std::fs::remove_dir_all(cwd.join("notes")).unwrap();
    done(&cwd.join("other"), "train --resume there");
    assert!(model(&cwd.join("other/there")) == model(&cwd.join("whole")));
}

#[test]
fn changed_data_is_taken_where_one_says_so() {
    let place = place();
    let cwd = place.path();
    done(cwd, &format!("{TRAIN} --steps 2 --out run"));
    let tokens = cwd.join("run/tokens.bin");
    let mut bytes = std::fs::read(&tokens).unwrap();
    let whole = bytes.clone();
    bytes[0] = if bytes[0] == b'x' { b'y' } else { b'x' };
    bytes.extend([b'!', 0]);
    std::fs::write(&tokens, &bytes).unwrap();
    let told = refused(cwd, "train --resume run --steps 3");
    assert!(told.contains("it was changed") && told.contains("--allow-changed-data"), "{told}");
    let told = done(cwd, "train --resume run --steps 3 --allow-changed-data");
    assert!(told.contains("data     tokens.bin is another"), "{told}");
    // It is the run's from here on.
    let told = done(cwd, "train --resume run --steps 4");
    assert!(!told.contains("tokens.bin"), "{told}");
    // Too short, or of another vocabulary, it is no data for this run.
    std::fs::write(&tokens, &whole[..whole.len() - 2]).unwrap();
    let told = refused(cwd, "train --resume run --steps 5 --allow-changed-data");
    assert!(told.contains("expected") && told.contains("found"), "{told}");
    let mut foreign = whole.clone();
    foreign[1] = 9;
    std::fs::write(&tokens, &foreign).unwrap();
    let told = refused(cwd, "train --resume run --steps 5 --allow-changed-data");
    assert!(told.contains("the vocabulary has"), "{told}");
    assert_eq!(run(cwd, "train notes --from scratch --allow-changed-data").status.code(), Some(2));
    assert_eq!(run(cwd, "train --allow-changed-data").status.code(), Some(2));
}

#[test]
fn who_holds_a_run_is_said() {
    let place = place();
    let cwd = place.path();
    let args = format!("{TRAIN} --steps 4000 --out run");
    let mut child = command(cwd)
        .args(args.split_whitespace())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while lines(&cwd.join("run")) < 1 {
        assert!(child.try_wait().unwrap().is_none(), "it ended early");
        std::thread::sleep(Duration::from_millis(1));
    }
    let told = refused(cwd, "train --resume run");
    assert!(
        told.contains(&format!("another diarist is using this run: process {} on ", child.id())),
        "{told}"
    );
    child.kill().unwrap();
    child.wait().unwrap();
    // What a killed process left there is in nobody's way.
    assert!(std::fs::read_to_string(cwd.join("run/lock")).unwrap().starts_with("diarist process"));
    assert!(done(cwd, "runs .").is_empty());
}

/// On a disk that cannot be written there is one error, of the folder.
#[test]
fn a_run_that_cannot_be_written_is_one_error() {
    let place = place();
    let cwd = place.path();
    done(cwd, &format!("{TRAIN} --steps 2 --out run"));
    let Some(disk) = Disk::new(cwd.join("disk"), "size=96m") else { return };
    let copied = Command::new("cp").arg("-r").arg(cwd.join("run")).arg(&disk.0).status().unwrap();
    assert!(copied.success());
    let status = Command::new("mount").args(["-o", "remount,ro"]).arg(&disk.0).status().unwrap();
    assert!(status.success());
    let told = refused(cwd, "train --resume disk/run --steps 4");
    assert_eq!((told.matches("error:").count(), told.matches("next:").count()), (1, 1), "{told}");
    assert!(told.contains("error: disk/run: nothing can be written there"), "{told}");
}
