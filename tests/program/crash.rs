//! Killed at any moment, a run goes on to the same bytes.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use diarist::base::rng::Rng;

fn diarist(cwd: &Path, args: &[&str]) -> Child {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("diarist"));
    command
        .current_dir(cwd)
        .env("NODEVICE_SELECT", "1")
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().unwrap()
}

/// What it says when it has ended, well or not.
fn told(cwd: &Path, args: &[&str]) -> String {
    let out = assert_cmd::Command::cargo_bin("diarist")
        .unwrap()
        .current_dir(cwd)
        .env("NODEVICE_SELECT", "1")
        .args(args)
        .output()
        .unwrap();
    String::from_utf8(out.stderr).unwrap()
}

fn journal(cwd: &Path) {
    let dir = cwd.join("notes");
    std::fs::create_dir(&dir).unwrap();
    let mut rng = Rng::new(1, "journal");
    for day in 1..=28 {
        let words =
            ["rain", "the", "weir", "dog", "and", "I", "tea", "slowly", "said", "again", "no", "letter"];
        let text: Vec<&str> = (0..80).map(|_| words[rng.below(words.len() as u64) as usize]).collect();
        std::fs::write(dir.join(format!("2020-02-{day:02}.txt")), text.join(" ")).unwrap();
    }
}

/// Dropout on, saves and evaluations at odd intervals, samples too: everything that could leave a trace.
fn train<'a>(out: &'a str, device: &'a str, steps: &'a str) -> Vec<&'a str> {
    let args = "train notes --from scratch --context 24 --batch 2 --accumulate 2 --dropout 0.1 --save-every 7 \
                --eval-every 5 --sample-every 40 --threads 2 --seed 3";
    args.split_whitespace().chain(["--out", out, "--device", device, "--steps", steps]).collect()
}

fn model(cwd: &Path, out: &str) -> Vec<u8> {
    std::fs::read(cwd.join(out).join("model.safetensors")).unwrap()
}

/// The log without the column of times.
fn log(cwd: &Path, out: &str) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(cwd.join(out).join("log.jsonl")).unwrap();
    let parse = |line: &str| {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        line.as_object_mut().unwrap().remove("seconds");
        line
    };
    text.lines().map(parse).collect()
}

fn killed_often(device: &str, steps: &str, kills: u32, longest_ms: u64) {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    journal(cwd);
    assert!(diarist(cwd, &train("whole", device, steps)).wait().unwrap().success());
    let mut rng = Rng::new(9, "kills");
    let mut killed_midway = 0;
    for _ in 0..kills {
        // Until run.json names a state there is nothing to resume, and the same command takes the folder over.
        let resumable = cwd.join("broken/run.json").is_file();
        let begin = train("broken", device, steps);
        let args = if resumable { vec!["train", "--resume", "broken"] } else { begin };
        let mut child = diarist(cwd, &args);
        std::thread::sleep(Duration::from_millis(20 + rng.below(longest_ms)));
        killed_midway += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(killed_midway >= kills / 2, "the run was over before most of the kills: {killed_midway}");
    // On a busy computer each kill may have come before the first save; then one more comes after it.
    if !cwd.join("broken/run.json").is_file() {
        let mut child = diarist(cwd, &train("broken", device, steps));
        while !cwd.join("broken/run.json").is_file() {
            assert!(child.try_wait().unwrap().is_none(), "the run ended before its first save");
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(diarist(cwd, &["train", "--resume", "broken"]).wait().unwrap().success());
    assert!(model(cwd, "whole") == model(cwd, "broken"), "a killed run ends in other bytes");
    assert_eq!(log(cwd, "whole"), log(cwd, "broken"));
    let samples = |out: &str| std::fs::read_to_string(cwd.join(out).join("samples.md")).unwrap();
    assert_eq!(samples("whole"), samples("broken"));
}

/// So many kills, or as many as `tests/kills` asks for.
fn kills(usual: u32) -> u32 {
    std::env::var("DIARIST_KILLS").map_or(usual, |n| n.parse().expect("DIARIST_KILLS is a number"))
}

#[test]
fn kills_on_the_cpu() {
    let kills = kills(20);
    killed_often("cpu", &(12 * kills).to_string(), kills, 900);
}

#[test]
fn kills_on_the_adapter() {
    let kills = kills(5);
    killed_often("gpu", &(8 * kills).to_string(), kills, 4000);
}

/// What a run leaves at any moment before its first save is what the same command takes over.
#[test]
fn a_run_killed_before_its_first_save_is_begun_again_in_its_place() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    journal(cwd);
    let mut taken_over = 0;
    // Killed as soon as each of these is there.
    for sign in [".gitignore", "tokens.bin", "tokenizer.json", "samples.md", "state"] {
        let place = format!("killed-at-{sign}");
        let command = train(&place, "cpu", "2");
        let out = cwd.join(&place);
        let mut child = diarist(cwd, &command);
        while !out.join(sign).exists() {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed at {sign}");
            std::thread::sleep(Duration::from_micros(200));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        if out.join("run.json").exists() {
            // It saved faster than it was killed.
            continue;
        }
        taken_over += 1;
        std::fs::write(out.join("mine.txt"), "x").unwrap();
        let refused = told(cwd, &command);
        assert!(refused.contains("nothing is ever overwritten"), "a person's file is in it: {refused}");
        std::fs::remove_file(out.join("mine.txt")).unwrap();
        let resumed = told(cwd, &["train", "--resume", &place]);
        assert!(resumed.contains("before its first save") && resumed.contains("--out"), "{resumed}");
        let begun = told(cwd, &command);
        assert!(begun.contains(&format!("{place}: replaces what a run left there")), "{begun}");
        assert!(out.join("state/2").is_dir(), "{begun}");
    }
    assert!(taken_over > 0, "every run was killed after its first save");
}

#[test]
fn an_extension_is_not_forgotten() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    journal(cwd);
    assert!(diarist(cwd, &train("short", "cpu", "3")).wait().unwrap().success());
    let mut child = diarist(cwd, &["train", "--resume", "short", "--steps", "40"]);
    let lines = || std::fs::read_to_string(cwd.join("short/log.jsonl")).map_or(0, |l| l.lines().count());
    let before = lines();
    while lines() < before + 2 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(diarist(cwd, &["train", "--resume", "short"]).wait().unwrap().success());
    assert!(cwd.join("short/state/40").is_dir(), "forty steps were asked for");
}

#[test]
fn an_interrupt_finishes_the_step_saves_and_exits_130() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    journal(cwd);
    assert!(diarist(cwd, &train("whole", "cpu", "60")).wait().unwrap().success());
    let mut child = diarist(cwd, &train("stopped", "cpu", "60"));
    let log_path = cwd.join("stopped/log.jsonl");
    while std::fs::read_to_string(&log_path).map_or(0, |l| l.lines().count()) < 10 {
        assert!(child.try_wait().unwrap().is_none(), "the run ended before it could be interrupted");
        std::thread::sleep(Duration::from_millis(2));
    }
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(diarist(cwd, &["train", "--resume", "stopped"]).wait().unwrap().success());
    assert!(model(cwd, "whole") == model(cwd, "stopped"));
}
