//! `train --precision mixed`: as near to single precision as it promises, in less memory; exact where it is taken up again; and never silent
//! about a step that it leaves out.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use assert_cmd::Command;
use serde_json::Value;

fn run(cwd: &Path, args: &str) -> Output {
    let mut command = Command::cargo_bin("diarist").unwrap();
    command.current_dir(cwd).env("NODEVICE_SELECT", "1");
    command.args(args.split_whitespace()).output().unwrap()
}

fn done(cwd: &Path, args: &str) -> String {
    let o = run(cwd, args);
    assert!(o.status.success(), "{args}: {}", String::from_utf8_lossy(&o.stderr));
    String::from_utf8(o.stderr).unwrap()
}

/// The journal of the examples: a text that two hundred steps do not learn by heart, near a loss of nothing, of which a hundredth is
/// nothing.
fn journal() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/journal").display().to_string()
}

fn args(out: &str, more: &str) -> String {
    format!(
        "train {} --from scratch --preset tiny --device cpu --context 32 --batch 4 --save-every 60 --out {out} {more}",
        journal()
    )
}

fn lines(cwd: &Path, run: &str) -> Vec<Value> {
    let log = std::fs::read_to_string(cwd.join(run).join("log.jsonl")).unwrap();
    log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A number of every line that has it.
fn of(cwd: &Path, run: &str, key: &str) -> Vec<f64> {
    lines(cwd, run).iter().filter_map(|line| line[key].as_f64()).collect()
}

fn record(cwd: &Path, run: &str) -> Value {
    serde_json::from_slice(&std::fs::read(cwd.join(run).join("run.json")).unwrap()).unwrap()
}

fn model(cwd: &Path, run: &str) -> Vec<u8> {
    std::fs::read(cwd.join(run).join("model.safetensors")).unwrap()
}

/// Over two hundred steps: each loss within a hundredth of single precision's, what is held out within a hundredth of a nat at the end.
/// Killed after a saved step, it goes on to the same bits.
#[test]
fn mixed_precision_trains_as_single_does() {
    let place = tempfile::tempdir().unwrap();
    let cwd = place.path();
    done(cwd, &args("single", "--steps 200"));
    done(cwd, &args("mixed", "--steps 200 --precision mixed"));
    let (single, mixed) = (of(cwd, "single", "loss"), of(cwd, "mixed", "loss"));
    assert_eq!((single.len(), mixed.len()), (200, 200));
    for (step, (a, b)) in (1..).zip(single.iter().zip(&mixed)) {
        assert!((a - b).abs() <= 0.01 * a, "step {step}: {a} {b}");
    }
    assert!(single != mixed, "nothing was in halves");
    let last = |run: &str| *of(cwd, run, "val_loss").last().unwrap();
    assert!((last("single") - last("mixed")).abs() <= 0.01, "{} {}", last("single"), last("mixed"));
    let scaled = |line: &&Value| line["windows"].is_array() && line["loss_scale"].is_number();
    assert_eq!(lines(cwd, "mixed").iter().filter(scaled).count(), 200);
    let (single, mixed) = (record(cwd, "single"), record(cwd, "mixed"));
    assert_eq!([&single["version"], &mixed["version"]], [3, 4]);
    assert_eq!(mixed["settings"]["precision"], "mixed");
    assert!(single["settings"]["precision"].is_null() && single["loss_scale"].is_null());

    let mut killed = std::process::Command::new(assert_cmd::cargo::cargo_bin("diarist"))
        .current_dir(cwd)
        .args(args("parts", "--steps 200 --precision mixed").split_whitespace())
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while !cwd.join("parts/state/60").exists() && killed.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(2));
    }
    killed.kill().ok();
    killed.wait().unwrap();
    done(cwd, "train --resume parts");
    assert!(model(cwd, "parts") == model(cwd, "mixed"));
    assert_eq!(record(cwd, "parts")["loss_scale"], record(cwd, "mixed")["loss_scale"]);
}

/// A scale that no half bears: steps are left out until it is halved often enough, and each is told and counted.
#[test]
fn a_step_that_overflows_is_skipped_and_counted() {
    let place = tempfile::tempdir().unwrap();
    let cwd = place.path();
    done(cwd, &args("run", "--steps 2 --precision mixed"));
    let mut edited = record(cwd, "run");
    edited["loss_scale"]["scale"] = f64::powi(2.0, 40).into();
    std::fs::write(cwd.join("run/run.json"), edited.to_string()).unwrap();
    let told = done(cwd, "train --resume run --steps 120");
    let resumed = || {
        lines(cwd, "run")
            .into_iter()
            .filter(|line| line["step"].as_u64() > Some(2) && line["windows"].is_array())
    };
    let skipped = resumed().filter(|line| line["overflow"] == true).count();
    assert!((10..60).contains(&skipped), "{skipped}");
    assert_eq!(record(cwd, "run")["loss_scale"]["skipped"], skipped);
    assert!(told.contains(&format!("{skipped} steps changed nothing")), "{told}");
    for line in resumed() {
        let overflow = line["overflow"] == true;
        assert!(
            line["loss"].as_f64().is_some() && (line["grad_norm"].as_f64() > Some(0.0)) != overflow,
            "{line}"
        );
    }
    // Each scale is tried twice: what a step did is read while the next one runs.
    // (Written as few digits as tell one f32 from the next.)
    let scales: Vec<f32> = resumed().map(|line| line["loss_scale"].as_f64().unwrap() as f32).collect();
    let first = resumed().position(|line| line["overflow"] != true).unwrap();
    assert!(first >= 10 && scales[2..first].windows(3).all(|s| s[0] == 2.0 * s[2]), "{scales:?}");
    let losses = of(cwd, "run", "loss");
    assert!(losses[losses.len() - 1] < losses[0] - 0.5, "it learned all the same: {losses:?}");
}

/// An adapter in mixed precision, beside a model at rest in half precision.
#[test]
fn an_adapter_trains_in_mixed_precision() {
    let place = tempfile::tempdir().unwrap();
    let cwd = place.path();
    done(cwd, &args("base", "--steps 20"));
    let tune = |out: &str, more: &str| {
        format!(
            "train {} --from base --lora r=4 --device cpu --context 32 --batch 4 --steps 30 --out {out} {more}",
            journal()
        )
    };
    done(cwd, &tune("single", "--weights f16"));
    done(cwd, &tune("mixed", "--weights f16 --precision mixed"));
    let (single, mixed) = (of(cwd, "single", "loss"), of(cwd, "mixed", "loss"));
    assert!(single != mixed && single.iter().zip(&mixed).all(|(a, b)| (a - b).abs() <= 0.01 * a));
    let memory = |precision: &str| {
        let o = run(cwd, &format!("explain --preset gpt2 --context 128 --precision {precision} --json"));
        let json: Value = serde_json::from_slice(&o.stdout).unwrap();
        json["memory"]["by_kind"]["activations"].as_u64().unwrap()
    };
    assert!(memory("mixed") < memory("f32") * 8 / 10, "{} {}", memory("mixed"), memory("f32"));
}
