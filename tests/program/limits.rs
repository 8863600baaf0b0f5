//! What a run would take, said before it: `train --dry-run`, and what needs less memory for the same numbers.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

fn run(cwd: &Path, args: &str) -> Output {
    let mut command = Command::cargo_bin("diarist").unwrap();
    command.current_dir(cwd).env("NODEVICE_SELECT", "1").env("HF_HOME", cwd.join("hf"));
    command.args(args.split_whitespace()).output().unwrap()
}

fn done(cwd: &Path, args: &str) -> String {
    let o = run(cwd, args);
    assert!(o.status.success(), "{args}: {}", String::from_utf8_lossy(&o.stderr));
    String::from_utf8(o.stdout).unwrap()
}

/// A folder with a journal of thirty days.
fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    std::fs::create_dir(place.path().join("notes")).unwrap();
    for day in 1..=30 {
        let text = format!(
            "Day {day}. Rain till {}, then the dog and I walked to the weir and back again.\n",
            day % 7
        );
        std::fs::write(place.path().join(format!("notes/2021-03-{day:02}.md")), text).unwrap();
    }
    place
}

/// Everything below a folder.
fn files(below: &Path) -> BTreeSet<PathBuf> {
    let entries = std::fs::read_dir(below).unwrap().map(|e| e.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { BTreeSet::from([path]) }).collect()
}

const QUICK: &str = "--steps 3 --context 16 --batch 2 --device cpu --val-fraction 0";

#[test]
fn a_dry_run_says_everything_and_writes_nothing() {
    let place = place();
    let cwd = place.path();
    let before = files(cwd);
    let told = done(cwd, &format!("train notes --from scratch {QUICK} --dry-run"));
    for says in [
        "tiny, ",
        "trains   ",
        "steps    3 of 2 × 1 sequences of 16 tokens",
        "device   cpu",
        "checkpoints/notes",
        "it fits",
    ] {
        assert!(told.contains(says), "{says} is not in\n{told}");
    }
    // GPT-2's shape is known before its weights are here.
    let told = done(cwd, "train notes --context 32 --dry-run --offline --lora --weights q4_1 --device cpu");
    for says in ["124,439,808 parameters", "is not on this computer yet", "an adapter of 2,359,296", "q4_1"] {
        assert!(told.contains(says), "{says} is not in\n{told}");
    }
    // What does not fit is told with both figures and with what does, after the rest, and the run could not begin.
    let o = run(
        cwd,
        "train notes --from scratch --preset gpt2-xl --batch 64 --context 512 --dry-run --device cpu",
    );
    assert_eq!(o.status.code(), Some(1));
    let (out, err) = (String::from_utf8(o.stdout).unwrap(), String::from_utf8(o.stderr).unwrap());
    assert!(out.contains("disk ") && err.contains("next: ask for less"), "{out}{err}");
    let o = run(cwd, "train notes --from nobody/nothing --dry-run --offline");
    assert!(!o.status.success() && String::from_utf8_lossy(&o.stderr).contains("not in the cache"));
    assert_eq!(run(cwd, "train --resume x --dry-run").status.code(), Some(2));
    assert_eq!(files(cwd), before, "a dry run wrote something");
}

/// With dropout, to the last bit; and a run that kept everything goes on in less.
#[test]
fn a_run_that_computes_twice_is_the_same_run() {
    let place = place();
    let cwd = place.path();
    for (out, more) in [("kept", ""), ("twice", "--recompute")] {
        done(cwd, &format!("train notes --from scratch {QUICK} --dropout 0.2 --out {out} {more}"));
    }
    let model = |run: &str| std::fs::read(cwd.join(run).join("model.safetensors")).unwrap();
    assert!(model("kept") == model("twice"));
    let setting = |run: &str| {
        let record = std::fs::read(cwd.join(run).join("run.json")).unwrap();
        serde_json::from_slice::<Value>(&record).unwrap()["settings"]["recompute"].clone()
    };
    assert_eq!([setting("kept"), setting("twice")], [Value::Null, true.into()]);
    for (run, more) in [("kept", "--recompute"), ("twice", "")] {
        done(cwd, &format!("train --resume {run} --steps 5 {more}"));
    }
    assert!(model("kept") == model("twice"));
    assert_eq!(setting("kept"), true);
}

/// A corpus is judged for an adapter beside a model as it is for a model.
#[test]
fn a_corpus_is_judged_for_an_adapter() {
    let place = place();
    let cwd = place.path();
    done(cwd, &format!("train notes --from scratch {QUICK} --out model"));
    let json = done(cwd, "corpus notes --from model --lora r=4 --weights q8_0 --device cpu --json");
    let cost = serde_json::from_str::<Value>(&json).unwrap()["training"].clone();
    let (all, adapter) = (cost["parameters"].as_u64().unwrap(), cost["trained"].as_u64().unwrap());
    assert!(adapter > 0 && adapter < all / 10, "{cost}");
    assert!(cost["tokens_per_second"].as_f64().unwrap() > 0.0);
    let told = done(cwd, "corpus notes --from model --lora r=4 --device cpu");
    assert!(told.contains("parameters and an adapter of"), "{told}");
    assert_eq!(run(cwd, "corpus notes --lora").status.code(), Some(2));
}
