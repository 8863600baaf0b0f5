//! An adapter as a person trains it: beside a model that stays as it is; stopped and resumed, sampled, measured, merged.

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

fn diarist(cwd: &Path, args: &[&str]) -> Output {
    let mut command = Command::cargo_bin("diarist").unwrap();
    command.current_dir(cwd).env("NODEVICE_SELECT", "1").env("HF_HOME", cwd.join("hf")).args(args);
    command.output().unwrap()
}

fn succeed(cwd: &Path, args: &[&str]) -> Output {
    let o = diarist(cwd, args);
    assert!(o.status.success(), "{args:?}: {}", String::from_utf8_lossy(&o.stderr));
    o
}

fn refused(cwd: &Path, args: &[&str], says: &[&str]) {
    let o = diarist(cwd, args);
    let told = String::from_utf8_lossy(&o.stderr);
    assert!(!o.status.success() && !told.contains("panicked"), "{args:?}: {told}");
    for s in says {
        assert!(told.contains(s), "{args:?} should say {s:?}: {told}");
    }
}

/// A journal, and a model that was trained on it for three steps.
fn base(cwd: &Path) {
    let dir = cwd.join("notes");
    std::fs::create_dir(&dir).unwrap();
    for day in 1..=30 {
        let text = format!("Day {day}. Rain till {}, then the dog and I walked to the weir.\n", day % 7 + 3);
        std::fs::write(dir.join(format!("2021-03-{day:02}.md")), text).unwrap();
    }
    std::fs::write(cwd.join("page.txt"), "Rain again. The dog and I stayed in, and nobody wrote.\n").unwrap();
    succeed(
        cwd,
        &[
            "train",
            "notes",
            "--from",
            "scratch",
            "--steps",
            "3",
            "--context",
            "32",
            "--batch",
            "2",
            "--device",
            "cpu",
            "--out",
            "base",
        ],
    );
}

fn tune<'a>(out: &'a str, steps: &'a str) -> Vec<&'a str> {
    vec![
        "train",
        "notes",
        "--from",
        "base",
        "--lora",
        "r=4,dropout=0.1",
        "--lr",
        "1e-2",
        "--steps",
        steps,
        "--context",
        "32",
        "--batch",
        "2",
        "--accumulate",
        "1",
        "--device",
        "cpu",
        "--out",
        out,
    ]
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn record(cwd: &Path, run: &str) -> Value {
    serde_json::from_slice(&read(&cwd.join(run).join("run.json"))).unwrap()
}

fn loss(cwd: &Path, args: &[&str]) -> f64 {
    let o = succeed(cwd, &[&["eval"], args, &["--text", "page.txt", "--device", "cpu", "--json"]].concat());
    serde_json::from_slice::<Value>(&o.stdout).unwrap()["loss"].as_f64().unwrap()
}

#[test]
fn an_adapter_is_trained_resumed_and_merged() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    base(cwd);
    let before = read(&cwd.join("base/model.safetensors"));
    succeed(cwd, &tune("whole", "6"));
    assert_eq!(read(&cwd.join("base/model.safetensors")), before, "the base stays as it is");
    let run = record(cwd, "whole");
    assert_eq!(run["settings"]["lora"], "r=4,alpha=8,dropout=0.1,targets=all-linear");
    assert_eq!(run["base"]["files"].as_object().unwrap().len(), 1);
    for file in ["adapter_model.safetensors", "adapter_config.json", "tokenizer.json", "samples.md"] {
        assert!(cwd.join("whole").join(file).is_file(), "{file}");
    }
    for file in ["model.safetensors", "config.json"] {
        assert!(!cwd.join("whole").join(file).exists(), "{file}: an adapter is no model");
    }

    // Killed after some step was saved, and resumed: the same bits.
    let mut killed = std::process::Command::new(assert_cmd::cargo::cargo_bin("diarist"))
        .current_dir(cwd)
        .env("NODEVICE_SELECT", "1")
        .args([&tune("parts", "6")[..], &["--save-every", "1"]].concat())
        .stderr(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while !cwd.join("parts/state/2").exists() && killed.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    killed.kill().ok();
    killed.wait().unwrap();
    succeed(cwd, &["train", "--resume", "parts"]);
    for file in ["adapter_model.safetensors", "state/6/optimizer.safetensors"] {
        assert!(read(&cwd.join("whole").join(file)) == read(&cwd.join("parts").join(file)), "{file}");
    }

    // Beside the base, merged, and laid on it by hand: one model.
    let beside = loss(cwd, &["whole"]);
    assert!((loss(cwd, &["base"]) - beside).abs() > 1e-3, "it has learned something");
    succeed(cwd, &["merge", "whole", "--out", "merged"]);
    assert!((loss(cwd, &["merged"]) - beside).abs() < 1e-5);
    assert!((loss(cwd, &["base", "--adapter", "whole"]) - beside).abs() < 1e-6);
    let nothing = loss(cwd, &["base", "--adapter", "whole", "--adapter-scale", "0"]);
    assert!((nothing - loss(cwd, &["base"])).abs() < 1e-6);
    // Twice half of it is all of it.
    let halves = ["base", "--adapter", "whole", "--adapter", "parts", "--adapter-scale", "0.5"];
    assert!((loss(cwd, &halves) - beside).abs() < 1e-5);
    succeed(cwd, &["sample", "whole", "--max-tokens", "5", "--device", "cpu", "--seed", "1"]);
    refused(cwd, &["merge", "base", "--out", "again"], &["nothing to merge", "convert"]);
}

#[test]
fn the_base_has_to_be_the_same() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    base(cwd);
    succeed(cwd, &[&tune("run", "2")[..], &["--weights", "q8_0"]].concat());
    let more = ["train", "--resume", "run", "--steps", "3"];
    std::fs::rename(cwd.join("base"), cwd.join("moved")).unwrap();
    refused(cwd, &more, &["not there", "--base"]);
    refused(
        cwd,
        &["train", "--resume", "moved", "--steps", "5", "--base", "moved"],
        &["--base", "no adapter"],
    );
    succeed(cwd, &[&more[..], &["--base", "moved"]].concat());
    assert!(record(cwd, "run")["base"]["path"].as_str().unwrap().ends_with("moved"));
    succeed(cwd, &["sample", "run", "--max-tokens", "2", "--device", "cpu"]);
    // Another model of the same shape.
    succeed(
        cwd,
        &[
            "train",
            "notes",
            "--from",
            "scratch",
            "--steps",
            "2",
            "--context",
            "32",
            "--batch",
            "2",
            "--device",
            "cpu",
            "--out",
            "other",
        ],
    );
    let other = ["train", "--resume", "run", "--steps", "4", "--base", "other"];
    refused(cwd, &other, &["not the model", "others"]);
}

#[test]
fn what_cannot_be_adapted_is_said() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    base(cwd);
    let with = |lora: &'static str| {
        [
            "train", "notes", "--from", "base", "--lora", lora, "--steps", "1", "--device", "cpu", "--out",
            "none",
        ]
    };
    refused(cwd, &with("targets=q_proj"), &["q_proj", "c_attn"]);
    refused(cwd, &with("r=1000"), &["r=1000", "rank"]);
    refused(cwd, &with("rank=3"), &["rank", "alpha"]);
    refused(cwd, &["train", "notes", "--from", "scratch", "--lora"], &["--lora", "--from"]);
    refused(cwd, &["train", "notes", "--from", "base", "--weights", "f16"], &["--lora"]);
    refused(cwd, &[&with("r=2")[..], &["--dropout", "0.1"]].concat(), &["--dropout", "--lora"]);
    assert!(!cwd.join("none").exists(), "a refused run leaves nothing");
    succeed(cwd, &with("r=2"));
    let on_an_adapter = [
        "train", "notes", "--from", "none", "--lora", "r=2", "--steps", "1", "--device", "cpu", "--out",
        "two",
    ];
    refused(cwd, &on_an_adapter, &["adapter already", "merge"]);
}
