//! Spikes, from a diary with a page of noise in it: each way to answer one, and an exact resume across them.

use std::path::Path;

use diarist::base::rng::Rng;
use serde_json::Value;

/// Days of twelve words, and in one of them words that no other has: a window of those is a spike.
fn journal(cwd: &Path) {
    let dir = cwd.join("notes");
    std::fs::create_dir(&dir).unwrap();
    let mut rng = Rng::new(1, "journal");
    let mut draw = |words: &[String], n: u64| -> String {
        (0..n).map(|_| words[rng.below(words.len() as u64) as usize].as_str()).collect()
    };
    let words = ["rain ", "the ", "weir ", "dog "].map(String::from);
    for day in 1..=20 {
        std::fs::write(dir.join(format!("2020-02-{day:02}.txt")), draw(&words, 60)).unwrap();
    }
    let noise: Vec<String> = ('А'..='я').chain('Ա'..='Ֆ').map(String::from).collect();
    std::fs::write(dir.join("2020-02-21.txt"), draw(&noise, 500)).unwrap();
}

fn diarist(cwd: &Path, args: &str) -> (bool, String) {
    let out = assert_cmd::Command::cargo_bin("diarist")
        .unwrap()
        .current_dir(cwd)
        .env("NODEVICE_SELECT", "1")
        .args(args.split_whitespace())
        .output()
        .unwrap();
    (out.status.success(), String::from_utf8(out.stderr).unwrap())
}

fn train(out: &str, optimizer: &str, on: &str) -> String {
    format!(
        "train notes --from scratch --device cpu --context 16 --batch 1 --accumulate 1 --steps 56 --lr 2e-3 --val-fraction 0 \
         --sample-every 56 --save-every 20 --seed 3 --optimizer {optimizer} --out {out} --on-spike {on}"
    )
}

fn log(cwd: &Path, out: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(cwd.join(out).join("log.jsonl")).unwrap();
    let line = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        line.as_object_mut().unwrap().remove("seconds");
        line
    };
    text.lines().map(line).filter(|line| line.get("windows").is_some()).collect()
}

fn spikes(log: &[Value]) -> Vec<(u64, String)> {
    let of = |line: &Value| Some((line["step"].as_u64()?, line.get("spike")?.as_str()?.to_string()));
    log.iter().filter_map(of).collect()
}

fn run(cwd: &Path, out: &str) -> Value {
    serde_json::from_slice(&std::fs::read(cwd.join(out).join("run.json")).unwrap()).unwrap()
}

fn model(cwd: &Path, out: &str) -> Vec<u8> {
    std::fs::read(cwd.join(out).join("model.safetensors")).unwrap()
}

#[test]
fn each_answer_to_a_spike() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    journal(cwd);

    let (good, told) = diarist(cwd, &train("going", "adamw", "go-on"));
    assert!(good, "{told}");
    let going = log(cwd, "going");
    let found = spikes(&going);
    assert!(!found.is_empty() && found.iter().all(|(_, on)| on == "go-on"), "{found:?}");
    let first = found[0].0;
    assert!(told.contains(&format!("spike    step {first}: the loss is")), "{told}");
    assert!(told.contains(&format!("spikes   {} step", found.len())), "{told}");
    assert_eq!(run(cwd, "going")["spikes"], found.len());

    // The same up to the first spike, which changes nothing: the step after it begins from the same weights.
    let (good, told) = diarist(cwd, &train("skipping", "adamw", "skip"));
    assert!(good && told.contains("this step is skipped"), "{told}");
    let skipping = log(cwd, "skipping");
    let upto = first as usize;
    assert_eq!(going[..upto - 1], skipping[..upto - 1]);
    assert_eq!(spikes(&skipping)[0], (first, "skip".into()));
    assert_ne!(going[upto]["loss"], skipping[upto]["loss"], "what was skipped would have moved the weights");

    let (good, told) = diarist(cwd, &train("lowering", "adamw", "lower"));
    assert!(good && told.contains("the learning rate is halved"), "{told}");
    let lowering = log(cwd, "lowering");
    assert_eq!(spikes(&lowering)[0], (first, "lower".into()));
    // Two steps later, and not before: a step is submitted before the one in front of it is read.
    let rate = |log: &[Value], step: usize| log[step - 1]["lr"].as_f64().unwrap() as f32;
    assert_eq!(rate(&lowering, upto + 1), rate(&going, upto + 1));
    assert_eq!(rate(&lowering, upto + 2), rate(&going, upto + 2) / 2.0);
    assert!(run(cwd, "lowering")["lowered"].as_u64() >= Some(1));

    // What ended goes on from its last state, and is what it would have been.
    let (good, told) = diarist(cwd, &train("stopping", "adamw", "stop"));
    assert!(!good && told.contains("--on-spike stop ends the run"), "{told}");
    assert!(told.contains("train --resume stopping --on-spike skip"), "{told}");
    let (good, told) = diarist(cwd, "train --resume stopping --on-spike skip");
    assert!(good, "{told}");
    assert_eq!(log(cwd, "stopping"), skipping);
    assert!(model(cwd, "stopping") == model(cwd, "skipping"));
}

/// Muon's matrices stay as they are too; and a run that is killed among its spikes ends in the same bytes.
#[test]
fn a_killed_run_decides_the_same() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    journal(cwd);
    for (optimizer, on) in [("muon", "skip"), ("adamw", "lower")] {
        let (whole, killed) = (format!("whole-{on}"), format!("killed-{on}"));
        let often = |out: &str| train(out, optimizer, on).replace("--save-every 20", "--save-every 3");
        let (good, told) = diarist(cwd, &often(&whole));
        assert!(good, "{told}");
        let found = spikes(&log(cwd, &whole));
        assert!(found.iter().any(|(_, did)| did == on), "{found:?}");
        let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("diarist"))
            .current_dir(cwd)
            .env("NODEVICE_SELECT", "1")
            .args(often(&killed).split_whitespace())
            .stderr(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let path = cwd.join(&killed).join("log.jsonl");
        while std::fs::read_to_string(&path).map_or(0, |text| text.lines().count() as u64) <= found[0].0 {
            assert!(child.try_wait().unwrap().is_none(), "the run ended before it could be killed");
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let (good, told) = diarist(cwd, &format!("train --resume {killed}"));
        assert!(good, "{told}");
        assert_eq!(log(cwd, &whole), log(cwd, &killed));
        assert!(model(cwd, &whole) == model(cwd, &killed), "{on}");
        for key in ["spikes", "lowered"] {
            assert_eq!(run(cwd, &whole)[key], run(cwd, &killed)[key]);
        }
    }
}
