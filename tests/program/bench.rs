//! `diarist bench`, `train --profile` and `train --tune` as a person runs them.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn run(cwd: &Path, args: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_diarist"));
    // Results of this adapter are kept in a cache of this test's own.
    command.current_dir(cwd).env("XDG_CACHE_HOME", cwd.join("cache")).env("HOME", cwd);
    command.args(args.split_whitespace()).output().unwrap()
}

fn diarist(cwd: &Path, args: &str) -> (String, String) {
    let out = run(cwd, args);
    let (stdout, stderr) = (String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap());
    assert!(out.status.success(), "{args}: {stderr}");
    (stdout, stderr)
}

fn file(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn the_bench_measures_and_writes_it_down() {
    let tmp = tempfile::tempdir().unwrap();
    for device in ["cpu", "gpu"] {
        let args = format!("bench kernels --device {device} --filter gelu --rounds 2 --seconds 1 --json -");
        let (stdout, _) = diarist(tmp.path(), &args);
        let report: Value = serde_json::from_str(&stdout).unwrap();
        for ceiling in ["flops", "copied", "read"] {
            let x = report["ceilings"][ceiling].as_f64().unwrap();
            // A megabyte or a megaflop a second no device is slower than; 10^16 none is faster than.
            assert!((1e6..1e16).contains(&x), "{ceiling}: {x}");
        }
        let rows = report["kernels"].as_array().unwrap();
        let kernels: Vec<&str> = rows.iter().map(|row| row["kernel"].as_str().unwrap()).collect();
        assert!(kernels.contains(&"gelu_forward") && kernels.contains(&"gelu_backward"), "{kernels:?}");
        assert!(kernels.iter().all(|name| name.contains("gelu")), "{kernels:?}");
        for row in rows {
            let [least, median, most] =
                ["least", "median", "most"].map(|name| row["seconds"][name].as_f64().unwrap());
            assert!(0.0 < least && least <= median && median <= most, "{row}");
            assert!(row["share"].as_f64().unwrap() > 0.0, "{row}");
        }
        // Nothing of whose computer it is.
        let home = std::env::var("HOME").unwrap_or("/home".into());
        assert!(!stdout.contains(&home) && !stdout.contains("hostname"), "{stdout}");
    }
    let args = "bench step decode --preset tiny --sizes 2x16,1x8 --sequences 1,3 --device cpu --rounds 2 --json b.json";
    let (stdout, _) = diarist(tmp.path(), args);
    assert!(stdout.contains("tokens/s") && stdout.contains("matmul"), "{stdout}");
    let report = file(&tmp.path().join("b.json"));
    let steps = report["step"].as_array().unwrap();
    assert_eq!(steps.iter().map(|s| s["tokens"].as_u64().unwrap()).collect::<Vec<_>>(), [32, 8]);
    for step in steps {
        let parts = step["parts"].as_array().unwrap();
        let all: f64 = parts.iter().map(|p| p["of_step"].as_f64().unwrap()).sum();
        assert!((all - 1.0).abs() < 1e-9, "{step}");
        let dispatches: u64 = parts.iter().map(|p| p["dispatches"].as_u64().unwrap()).sum();
        assert_eq!(dispatches, step["dispatches"].as_u64().unwrap());
        assert!(step["first"].as_f64() > step["seconds"]["least"].as_f64());
    }
    let decodes = report["decode"].as_array().unwrap();
    let of = |d: &Value| (d["weights"].as_str().unwrap().to_string(), d["sequences"].as_u64().unwrap());
    let expected = ["f32", "f16", "q8_0"].into_iter().flat_map(|w| [1, 3].map(|n| (w.to_string(), n)));
    assert_eq!(decodes.iter().map(of).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    for d in decodes {
        let [rate, seconds] = [&d["tokens_per_second"], &d["seconds"]["median"]].map(|x| x.as_f64().unwrap());
        assert!((rate * seconds - of(d).1 as f64).abs() < 1e-6, "a token of each: {d}");
    }

    // The ladder's table goes between its marks, and nothing else of the file is touched.
    let page = tmp.path().join("page.md");
    std::fs::write(&page, "before\n<!-- ladder -->\nold\n<!-- /ladder -->\nafter\n").unwrap();
    for _ in 0..2 {
        diarist(tmp.path(), "bench ladder --device cpu --rounds 1 --rewrite page.md");
        let text = std::fs::read_to_string(&page).unwrap();
        assert!(text.starts_with("before\n<!-- ladder -->\n") && text.ends_with("<!-- /ladder -->\nafter\n"));
        assert_eq!([text.matches("matmul_1_naive").count(), text.matches("old").count()], [1, 0], "{text}");
        assert!(text.contains("| attention 1x512x12x64 | `attention_forward` |"), "{text}");
    }
    std::fs::write(&page, "no marks").unwrap();
    let out = run(tmp.path(), "bench ladder --device cpu --rounds 1 --rewrite page.md");
    assert!(!out.status.success() && std::fs::read(&page).unwrap() == b"no marks");

    // What is there is not overwritten, and what cannot be is said.
    for (args, said) in [
        ("bench step --json b.json", "it is there already"),
        ("bench step --rounds 0", "--rounds 0"),
        ("bench step --sizes 8", "sequences x positions"),
        ("bench decode --sequences 0", "1 to 16 sequences"),
        ("bench decode --sequences 17", "1 to 16 sequences"),
    ] {
        let out = run(tmp.path(), args);
        let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.code() == Some(2) && stderr.contains(said), "{args}: {stderr}");
    }
}

#[test]
fn a_profile_is_of_one_step_and_changes_nothing() {
    let tmp = tempfile::tempdir().unwrap();
    let journal = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/journal");
    let train = |out: &str, more: &str| {
        let args = format!(
            "train {} --from scratch --device cpu --context 16 --batch 2 --accumulate 2 --steps 3 --out {out} {more}",
            journal.display()
        );
        diarist(tmp.path(), &args).1
    };
    train("plain", "");
    let stderr = train("profiled", "--profile trace.json");
    assert!(stderr.contains("profile  step 2's dispatches are in trace.json"), "{stderr}");
    let weights = |run: &str| std::fs::read(tmp.path().join(run).join("model.safetensors")).unwrap();
    assert_eq!(weights("plain"), weights("profiled"), "the numbers stay the same");
    let trace = file(&tmp.path().join("trace.json"));
    let events = trace["traceEvents"].as_array().unwrap();
    let named = |name: &str| events.iter().filter(|e| e["ph"] == "X" && e["name"] == name).count();
    // Two micro-steps stand one behind the other, and are one stretch.
    assert_eq!([named("zero"), named("micro_step"), named("update")], [1, 1, 1]);
    assert_eq!(named("h.0.attn.c_attn.forward"), 2, "one in each micro-step");
    let ends = |e: &Value| e["ts"].as_f64().unwrap() + e["dur"].as_f64().unwrap();
    let dispatches: Vec<&Value> = events.iter().filter(|e| e["tid"] == 2 && e["ph"] == "X").collect();
    assert!(dispatches.windows(2).all(|w| (ends(w[0]) - w[1]["ts"].as_f64().unwrap()).abs() < 1e-3));
    let out = run(tmp.path(), "train --resume plain --steps 4 --profile trace.json");
    assert_eq!(out.status.code(), Some(2), "it is there already");
    let (_, stderr) = diarist(tmp.path(), "train --resume plain --steps 4 --profile other.json");
    assert!(stderr.contains("none was written"), "one step has no second: {stderr}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(std::fs::copy(entry.path(), to).unwrap()),
        }
    }
}

/// On an adapter: what is measured is kept, the run keeps to the fastest, and a resume repeats its bits whatever the cache says.
#[test]
fn kernels_are_measured_and_a_run_keeps_to_them() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    let journal = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/journal");
    let args = format!(
        "train {} --from scratch --preset tiny --device gpu --context 16 --batch 2 --steps 2 --out run --tune quick",
        journal.display()
    );
    let (_, stderr) = diarist(cwd, &args);
    assert!(stderr.contains("kernels  the fastest of this device, as measured"), "{stderr}");
    let folder = cwd.join("cache/diarist/kernels");
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|f| f.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    let measured = file(&files[0]);
    let picks = file(&cwd.join("run/run.json"))["kernels"]["picks"].clone();
    let mut several = 0;
    for (problem, times) in measured["problems"].as_object().unwrap() {
        let times: Vec<(&String, f64)> =
            times.as_object().unwrap().iter().filter_map(|(v, t)| Some((v, t.as_f64()?))).collect();
        let (fastest, _) = times.iter().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        assert_eq!(picks[problem], ***fastest, "{problem}");
        several += usize::from(times.len() > 1);
    }
    // Eight seconds, of which a software adapter needs most to compile: the largest problem at least is through.
    assert!(several >= 1, "{measured}");
    copy(&cwd.join("run"), &cwd.join("again"));
    std::fs::remove_dir_all(&folder).unwrap();
    for run in ["run", "again"] {
        diarist(cwd, &format!("train --resume {run} --steps 4 --device gpu"));
    }
    let weights = |run: &str| std::fs::read(cwd.join(run).join("model.safetensors")).unwrap();
    assert_eq!(file(&cwd.join("run/run.json"))["kernels"]["picks"], picks);
    assert_eq!(weights("run"), weights("again"));
    assert!(!folder.exists(), "a resume measures nothing");
}
