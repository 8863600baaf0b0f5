//! `diarist likeness`: what a run's model knows of its writer, and what it writes.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn run(cwd: &Path, args: &str) -> Output {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("diarist"));
    command.current_dir(cwd).env("NODEVICE_SELECT", "1").args(args.split_whitespace());
    command.output().unwrap()
}

fn done(cwd: &Path, args: &str) -> Output {
    let o = run(cwd, args);
    assert!(o.status.success(), "{args}: {}", String::from_utf8_lossy(&o.stderr));
    o
}

/// A diary of forty days about rain, and another's about ships.
fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    std::fs::create_dir(place.path().join("notes")).unwrap();
    for day in 1..=40 {
        let text = format!(
            "Rain till {} and then a little sun. The dog and I walked to the weir, and I thought of {}.\n",
            ["two", "three", "five", "noon"][day % 4],
            ["Ada", "the harvest", "nothing much", "my sister in Leeds", "the loan"][day % 5]
        );
        let date = format!("2021-{:02}-{:02}", 3 + day / 29, 1 + day % 28);
        std::fs::write(place.path().join(format!("notes/{date}.md")), text).unwrap();
    }
    let ships = "THE FRIGATE LAY AT ANCHOR OFF QUIBERON; ZEALOUS QUARTERMASTERS VEXED HER CREW. ".repeat(60);
    std::fs::write(place.path().join("ships.txt"), ships).unwrap();
    place
}

const TRAIN: &str = "--context 64 --batch 4 --accumulate 1 --device cpu --val-fraction 0.2";

fn row<'a>(report: &'a Value, model: &str, text: &str) -> &'a Value {
    let rows = report["prediction"].as_array().unwrap();
    rows.iter()
        .find(|r| r["model"] == model && r["text"] == text)
        .unwrap_or_else(|| panic!("{text} in {rows:?}"))
}

#[test]
fn a_model_is_measured_on_what_it_never_saw() {
    let place = place();
    let cwd = place.path();
    done(cwd, &format!("train notes --from scratch {TRAIN} --steps 4 --header {{date}}\\n --out early"));
    done(cwd, &format!("train notes --from early {TRAIN} --steps 120 --header {{date}}\\n --out late"));
    let ask = "likeness late --device cpu --texts 6 --max-tokens 60 --against ships.txt";
    let report: Value = serde_json::from_slice(&done(cwd, &format!("{ask} --json -")).stdout).unwrap();
    // The same seed, the same report, whatever the threads; another, another.
    let again: Value =
        serde_json::from_slice(&done(cwd, &format!("{ask} --threads 1 --json -")).stdout).unwrap();
    assert_eq!(report, again);
    let other: Value =
        serde_json::from_slice(&done(cwd, &format!("{ask} --seed 2 --json -")).stdout).unwrap();
    assert_ne!(report["texts"], other["texts"]);

    let [trained, held_out] = ["trained", "held_out"].map(|side| report[side]["entries"].as_u64().unwrap());
    assert!(trained + held_out == 40 && (4..=12).contains(&held_out), "{trained} and {held_out}");
    let bits = |model: &str, text: &str| row(&report, model, text)["bits_per_character"].as_f64().unwrap();
    let (this, base, own) = ("this model", "the model it began with", "your held-out entries");
    // It has learned what it was trained on, and not ships.
    assert!(bits(this, own) < bits(base, own) - 0.5, "{} and {}", bits(this, own), bits(base, own));
    assert!(bits(this, own) < bits(this, "ships.txt") - 1.0);
    let of = row(&report, this, own);
    let [low, high] = ["low", "high"].map(|end| of["interval"][end].as_f64().unwrap());
    assert!(low <= bits(this, own) && bits(this, own) <= high && low < high);
    // The held-out entries were predicted, their headers not: so many words.
    assert_eq!(of["amount"]["words"], report["held_out"]["words"]);
    assert_eq!(report["texts"].as_array().unwrap().len(), 6);
    assert!(report["n_gram"].as_f64().unwrap() > 0.1);

    let told = String::from_utf8(done(cwd, ask).stdout).unwrap();
    for says in ["It has learned you", "It prefers you to ships.txt", "what stands in the diary already"] {
        assert!(told.contains(says), "{says} is not in\n{told}");
    }
}

#[test]
fn what_cannot_be_measured_is_said() {
    let place = place();
    let cwd = place.path();
    let o = run(cwd, "likeness notes --device cpu");
    let told = String::from_utf8_lossy(&o.stderr).into_owned();
    assert!(!o.status.success() && told.contains("no run's folder") && told.contains("next:"), "{told}");
    let train = TRAIN.replace("0.2", "0");
    done(cwd, &format!("train notes --from scratch {train} --steps 2 --out all"));
    let ask = "likeness all --device cpu --texts 2 --max-tokens 8";
    let o = done(cwd, &format!("{ask} --json all.json"));
    assert!(
        String::from_utf8_lossy(&o.stderr).contains("--val-fraction"),
        "nothing was held out, and that is said"
    );
    let report: Value = serde_json::from_slice(&std::fs::read(cwd.join("all.json")).unwrap()).unwrap();
    assert_eq!((report["held_out"]["entries"].as_u64(), &report["n_gram"]), (Some(0), &Value::Null));
    // Nothing is overwritten, and it is known before anything is measured.
    let o = run(cwd, &format!("{ask} --json all.json"));
    assert_eq!(o.status.code(), Some(2));
    // Other text that is not there.
    let o = run(cwd, &format!("{ask} --against nowhere.txt"));
    assert!(String::from_utf8_lossy(&o.stderr).contains("nowhere.txt"));
}
