//! The best model of a run is kept, is what every command takes, and a run that memorises ends.

use std::path::Path;

use assert_cmd::Command;
use diarist::base::rng::Rng;
use serde_json::Value;

fn diarist(cwd: &Path, args: &str) -> std::process::Output {
    let mut command = Command::cargo_bin("diarist").unwrap();
    command.current_dir(cwd).env("NODEVICE_SELECT", "1").args(args.split_whitespace()).output().unwrap()
}

fn told(out: &std::process::Output) -> String {
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// Noise: what is learned of it beyond its letters is learned by heart.
fn noise(cwd: &Path) {
    let mut rng = Rng::new(4, "noise");
    std::fs::create_dir(cwd.join("notes")).unwrap();
    for day in 1..=20 {
        let letters: String = (0..160).map(|_| char::from(b'a' + rng.below(20) as u8)).collect();
        std::fs::write(cwd.join(format!("notes/2020-02-{day:02}.txt")), letters).unwrap();
    }
}

#[test]
fn a_run_that_memorises_ends_and_its_best_is_taken() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    noise(cwd);
    let train = "train notes --from scratch --context 32 --batch 8 --accumulate 1 --steps 160 --eval-every 10 --save-every 40 \
                 --optimizer adamw --lr 4e-3 --sample-every 400 --device cpu --threads 2";
    let whole = told(&diarist(cwd, &format!("{train} --out whole")));
    let ended = told(&diarist(cwd, &format!("{train} --out ended --patience 2")));
    let record = |run: &str| -> Value {
        serde_json::from_slice(&std::fs::read(cwd.join(run).join("run.json")).unwrap()).unwrap()
    };
    let (all, early) = (record("whole"), record("ended"));
    let step = |run: &Value, what: &str| run[what]["step"].as_u64().unwrap();
    let best = step(&early, "best_eval");
    assert_eq!(step(&early, "position"), best + 2 * 10, "it went on for two evaluations");
    assert_eq!(early["finished"], true);
    assert!(ended.contains(&format!("memorise after step {best}")) && whole.contains("verdict"), "{ended}");
    assert!(ended.contains("of 160: 2 evaluations without a better one"), "{ended}");
    assert_eq!(step(&all, "position"), 160);

    // The root's model is the best one's, and every command says so; a state is opened by its folder.
    let model = |path: &str| std::fs::read(cwd.join(path).join("model.safetensors")).unwrap();
    assert!(model("ended") == model(&format!("ended/best/{best}")));
    let last = format!("ended/state/{}", best + 20);
    assert!(model("ended") != model(&last));
    let sample = |run: &str| diarist(cwd, &format!("sample {run} --seed 1 --max-tokens 30 --device cpu"));
    let of_best = sample("ended");
    let said = told(&of_best);
    assert!(said.contains(&format!("the model of step {best}")) && said.contains(&last), "{said}");
    assert!(!told(&sample(&last)).contains("the model of step"));
    assert_eq!(of_best.stdout, sample(&format!("ended/best/{best}")).stdout);

    // A run that ended so is over, until somebody asks for the rest: then it is the one that was never ended.
    assert!(told(&diarist(cwd, "train --resume ended")).contains("--patience 0"));
    told(&diarist(cwd, "train --resume ended --patience 0"));
    assert!(model("whole/state/160") == model("ended/state/160"));
}
