//! The binary as a person runs it: from a folder of notes to a voice, and everything that can be wrong on the way.

use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

/// `diarist` in a folder of its own.
fn diarist(cwd: &Path, args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("diarist").unwrap();
    // A cache of its own: whether this computer has GPT-2 decides nothing here.
    command.current_dir(cwd).env("NODEVICE_SELECT", "1").env("HF_HOME", cwd.join("hf")).args(args);
    command
}

fn run(cwd: &Path, args: &[&str]) -> Output {
    diarist(cwd, args).output().unwrap()
}

fn stderr(o: &Output) -> String {
    String::from_utf8_lossy(&o.stderr).into_owned()
}

fn stdout(o: &Output) -> String {
    String::from_utf8_lossy(&o.stdout).into_owned()
}

/// Fails with exit code 1 and says each of these.
fn refuses(cwd: &Path, args: &[&str], says: &[&str]) {
    fails(1, cwd, args, says);
}

/// Fails with exit code 2, a usage error, and says each of these.
fn misused(cwd: &Path, args: &[&str], says: &[&str]) {
    fails(2, cwd, args, says);
}

fn fails(code: i32, cwd: &Path, args: &[&str], says: &[&str]) {
    let o = run(cwd, args);
    assert_eq!(o.status.code(), Some(code), "{args:?}: {}", stderr(&o));
    for s in says {
        assert!(stderr(&o).contains(s), "{args:?} should say {s:?}: {}", stderr(&o));
    }
    assert!(!stderr(&o).contains("panicked"), "{}", stderr(&o));
}

/// A journal of thirty days, a folder of its own.
fn journal(cwd: &Path) -> PathBuf {
    let dir = cwd.join("notes");
    std::fs::create_dir(&dir).unwrap();
    for day in 1..=30 {
        let text = format!(
            "Day {day}. Rain till {}, then the dog and I walked to the weir. <|endoftext|> is only text here.\n\
             The river was {} and I said so to nobody. Tea: {} cups.\n",
            day % 7 + 3,
            ["brown", "loud", "low", "itself again"][day % 4],
            day % 5
        );
        std::fs::write(dir.join(format!("2021-03-{day:02}.md")), text).unwrap();
    }
    dir
}

const QUICK: [&str; 10] =
    ["--from", "scratch", "--steps", "3", "--context", "16", "--batch", "2", "--device", "cpu"];

fn train(cwd: &Path, more: &[&str]) -> Output {
    let args: Vec<&str> = ["train", "notes"].iter().chain(&QUICK).chain(more).copied().collect();
    run(cwd, &args)
}

#[test]
fn from_notes_to_a_voice() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    journal(cwd);
    let o = train(cwd, &[]);
    assert!(o.status.success(), "{}", stderr(&o));
    for says in ["30 entries", "words", "2021", "0 skipped", "cpu", "tiny", "epoch", "checkpoints/notes"] {
        assert!(stderr(&o).contains(says), "{says:?} in {}", stderr(&o));
    }
    // stdout is one line, the command to type.
    let last = stdout(&o);
    assert!(last.trim_end().ends_with("sample checkpoints/notes") && last.lines().count() == 1, "{last}");

    let dir = cwd.join("checkpoints/notes");
    for file in [
        "model.safetensors",
        "config.json",
        "generation_config.json",
        "vocab.json",
        "merges.txt",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "tokens.bin",
        "log.jsonl",
        "samples.md",
        "run.json",
        ".gitignore",
        "state/3/model.safetensors",
        "state/3/optimizer.safetensors",
    ] {
        assert!(dir.join(file).is_file(), "{file}");
    }
    assert_eq!(std::fs::read_to_string(dir.join(".gitignore")).unwrap(), "*\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for entry in walkdir::WalkDir::new(&dir) {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            let expected = if entry.file_type().is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode, expected, "{}", entry.path().display());
        }
    }
    check_record(&dir);

    // sample: JSON alone on stdout, the continuation alone; the same seed, the same text
    let args = [
        "sample",
        "--prompt",
        "The river ",
        "--max-tokens",
        "12",
        "--json",
        "--device",
        "cpu",
        "--seed",
        "4",
    ];
    let (a, b) = (run(cwd, &args), run(cwd, &args));
    let json: Value = serde_json::from_slice(&a.stdout).unwrap();
    let sample = &json["samples"][0];
    let ids = sample["ids"].as_array().unwrap();
    assert!(!ids.is_empty() && ids.len() <= 12 && ids.iter().all(|id| id.as_u64().unwrap() < 256));
    assert!(!sample["text"].as_str().unwrap().starts_with("The river"));
    assert_eq!(a.stdout, b.stdout);
    // Several are written at once, more than there are places for; each is the text that it is alone, and they are shown in order.
    let several = |n: &str, json: bool| {
        let more = ["sample", "--max-tokens", "30", "--device", "cpu", "--seed", "4", "--num-samples", n];
        let o = run(cwd, &[&more[..], if json { &["--json"] } else { &[] }].concat());
        assert!(o.status.success(), "{}", stderr(&o));
        stdout(&o)
    };
    let samples: Value = serde_json::from_str(&several("11", true)).unwrap();
    let texts: Vec<String> =
        samples["samples"].as_array().unwrap().iter().map(|s| s["text"].as_str().unwrap().into()).collect();
    assert_eq!(texts.len(), 11);
    assert_eq!(several("11", false), texts.join("\n\n---\n\n") + "\n");
    assert_eq!(several("1", false), format!("{}\n", texts[0]));
    assert_eq!(several("2", false), format!("{}\n\n---\n\n{}\n", texts[0], texts[1]));
    assert_eq!(several("0", false), "");
    // Sixteen positions, forty tokens: the context slides.
    let o = run(
        cwd,
        &["sample", "--max-tokens", "40", "--temperature", "0", "--device", "cpu", "--num-samples", "2"],
    );
    assert!(o.status.success() && stdout(&o).contains("---"), "{}", stderr(&o));

    // eval: every token after the first is scored, in bytes here
    std::fs::write(cwd.join("text.txt"), "The river was loud — and I said so.").unwrap();
    let o = run(cwd, &["eval", "checkpoints/notes", "--text", "text.txt", "--json", "--device", "cpu"]);
    let json: Value = serde_json::from_slice(&o.stdout).unwrap();
    assert_eq!(json["tokens"], 36);
    let (loss, perplexity) = (json["loss"].as_f64().unwrap(), json["perplexity"].as_f64().unwrap());
    assert!((loss.exp() - perplexity).abs() < 1e-6 * perplexity);
}

/// What `run.json`, `tokens.bin` and `log.jsonl` must say.
fn check_record(dir: &Path) {
    let run: Value = serde_json::from_slice(&std::fs::read(dir.join("run.json")).unwrap()).unwrap();
    for key in
        ["beta1", "beta2", "eps", "weight_decay", "grad_clip", "batch", "accumulate", "context", "seed"]
    {
        assert!(run["settings"][key].is_number(), "{key}");
    }
    let range = |name: &str| {
        let pair = |i: usize| run["data"][name][i].as_u64().unwrap() as usize;
        pair(0)..pair(1)
    };
    let bytes = std::fs::read(dir.join("tokens.bin")).unwrap();
    let ids: Vec<u16> = bytes.chunks(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect();
    assert_eq!((range("train").start, range("val").end), (0, ids.len()));
    assert_eq!(range("train").end, range("val").start);
    // Thirty entries, each followed by its end of text; the literal one is thirteen bytes of text.
    assert_eq!(ids.iter().filter(|&&id| id == 256).count(), 30);
    assert_eq!(ids[range("train").end - 1], 256);

    let log = std::fs::read_to_string(dir.join("log.jsonl")).unwrap();
    let lines: Vec<Value> = log.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let steps: Vec<&Value> = lines.iter().filter(|l| l.get("loss").is_some()).collect();
    assert_eq!(steps.len(), 3);
    assert!(lines.iter().any(|l| l.get("val_loss").is_some()));
    for (i, step) in steps.iter().enumerate() {
        assert_eq!(step["step"], i as u64 + 1);
        assert_eq!(step["tokens"], (i as u64 + 1) * 2 * 16);
        assert_eq!(step["windows"].as_array().unwrap().len(), 2);
        for key in ["lr", "grad_norm", "seconds"] {
            assert!(step[key].as_f64().unwrap() > 0.0, "{key}");
        }
        for s in step["windows"].as_array().unwrap() {
            assert!(s.as_u64().unwrap() as usize + 16 < range("train").end);
        }
    }
}

#[test]
fn what_was_not_said_is_not_assumed() {
    let tmp = tempfile::tempdir().unwrap();
    journal(tmp.path());
    misused(tmp.path(), &["train", "notes"], &["--from scratch", "--from DIR", "openai-community/gpt2"]);
    assert_eq!(run(tmp.path(), &["train"]).status.code(), Some(2));
    assert_eq!(
        run(tmp.path(), &["train", "notes", "--from", "scratch", "--preset", "huge"]).status.code(),
        Some(2)
    );
    assert!(!tmp.path().join("checkpoints").exists(), "a refused run leaves nothing");
}

#[test]
fn bad_paths_and_empty_folders() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    std::fs::create_dir(cwd.join("empty")).unwrap();
    refuses(cwd, &["train", "nowhere", "--from", "scratch"], &["nowhere", "next:"]);
    refuses(cwd, &["train", "empty", "--from", "scratch"], &["empty", "next:"]);
    refuses(cwd, &["sample"], &["next:"]);
    refuses(cwd, &["sample", "nowhere"], &["nowhere", "next:"]);
    journal(cwd);
    refuses(cwd, &["train", "notes", "--from", "nowhere"], &["nowhere", "next:"]);
    refuses(
        cwd,
        &["train", "notes", "--from", "scratch", "--device", "gpu:nonesuch"],
        &["nonesuch", "diarist devices"],
    );
    misused(cwd, &["train", "notes", "--from", "scratch", "--dropout", "1"], &["--dropout", "next:"]);
    // A file that is no text is named, counted, and the rest goes on.
    std::fs::write(cwd.join("notes/photo.md"), b"\xff\xd8\xff\xe0\x00\x10JFIF").unwrap();
    let o = train(cwd, &[]);
    assert!(
        o.status.success() && stderr(&o).contains("photo.md") && stderr(&o).contains("1 skipped"),
        "{}",
        stderr(&o)
    );
}

#[test]
fn nothing_is_overwritten_and_nothing_lands_among_the_notes() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    journal(cwd);
    assert!(train(cwd, &[]).status.success());
    let first = std::fs::read(cwd.join("checkpoints/notes/model.safetensors")).unwrap();
    assert!(train(cwd, &["--seed", "2"]).status.success());
    assert!(cwd.join("checkpoints/notes-2/run.json").is_file());
    assert_eq!(std::fs::read(cwd.join("checkpoints/notes/model.safetensors")).unwrap(), first);
    let base: Vec<&str> = ["train", "notes"].iter().chain(&QUICK).copied().collect();
    refuses(
        cwd,
        &[&base[..], &["--out", "checkpoints/notes"]].concat(),
        &["nothing is ever overwritten", "--resume"],
    );
    refuses(cwd, &[&base[..], &["--out", "notes/model"]].concat(), &["notes", "next:"]);
    assert!(!cwd.join("notes/model").exists());
    // A run's folder is no journal, wherever it lies.
    std::fs::create_dir(cwd.join("all")).unwrap();
    std::fs::rename(cwd.join("notes"), cwd.join("all/notes")).unwrap();
    std::fs::rename(cwd.join("checkpoints/notes"), cwd.join("all/a-run")).unwrap();
    let o = run(cwd, &[&["train", "all"], &QUICK[..]].concat());
    assert!(o.status.success() && stderr(&o).contains("30 entries"), "{}", stderr(&o));
}

#[test]
fn a_short_text_shortens_the_context() {
    let tmp = tempfile::tempdir().unwrap();
    std::fs::write(tmp.path().join("one.txt"), "Rain. Toothache.").unwrap();
    let args = ["train", "one.txt", "--from", "scratch", "--steps", "2", "--device", "cpu"];
    let o = run(tmp.path(), &args);
    assert!(o.status.success() && stderr(&o).contains("context"), "{}", stderr(&o));
}

#[test]
fn a_number_that_is_not_finite_stops_the_run_and_names_the_dispatch() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    journal(cwd);
    let o = train(cwd, &["--lr", "1e30", "--steps", "9", "--warmup", "0"]);
    assert_eq!(o.status.code(), Some(2), "--steps is given twice");
    let args = ["train", "notes", "--from", "scratch", "--context", "16", "--lr", "1e30", "--warmup", "0"];
    let more = ["--steps", "9", "--device", "cpu"];
    refuses(
        cwd,
        &[&args[..], &more[..]].concat(),
        &["not a finite number", "wrote", "--lr", "checkpoints/notes"],
    );
    // Without held-out text it is a sample, or the save, that meets it: the dispatch is named all the same.
    let more =
        ["--steps", "9", "--device", "cpu", "--val-fraction", "0", "--sample-every", "1", "--out", "other"];
    refuses(cwd, &[&args[..], &more[..]].concat(), &["not a finite number", "wrote", "--lr", "other"]);
    // The last good state is whole: the model opens.
    let o = run(cwd, &["sample", "checkpoints/notes", "--max-tokens", "3", "--json", "--device", "cpu"]);
    assert!(o.status.success(), "{}", stderr(&o));
}

#[test]
fn a_run_is_extended_held_by_one_process_and_finished_quietly() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    journal(cwd);
    assert!(train(cwd, &[]).status.success());
    let resume = ["train", "--resume", "checkpoints/notes"];
    let o = run(cwd, &resume);
    assert!(o.status.success() && stderr(&o).contains("finished"), "{}", stderr(&o));
    let o = run(cwd, &[&resume[..], &["--steps", "5"]].concat());
    assert!(o.status.success(), "{}", stderr(&o));
    assert!(
        cwd.join("checkpoints/notes/state/5").is_dir() && !cwd.join("checkpoints/notes/state/3").exists()
    );
    misused(cwd, &[&resume[..], &["--lr", "1"]].concat(), &["--lr", "--from"]);
    // What was lost of the unchanging files comes back with a resume, and so does what was cut short.
    let file = |name: &str| cwd.join("checkpoints/notes").join(name);
    let names = ["config.json", "generation_config.json", "tokenizer.json"];
    let whole = names.map(|name| std::fs::read(file(name)).unwrap());
    std::fs::write(file("config.json"), &whole[0][..40]).unwrap();
    std::fs::write(file("generation_config.json"), "").unwrap();
    std::fs::remove_file(file("tokenizer.json")).unwrap();
    assert!(run(cwd, &[&resume[..], &["--steps", "6"]].concat()).status.success());
    assert!(names.map(|name| std::fs::read(file(name)).unwrap()) == whole);
    let held = diarist::run::RunFolder::open(&cwd.join("checkpoints/notes")).unwrap();
    refuses(cwd, &[&resume[..], &["--steps", "7"]].concat(), &["next:"]);
    drop(held);
    // A model goes on in another run, too.
    let o = run(cwd, &["train", "notes", "--from", "checkpoints/notes", "--steps", "2", "--device", "cpu"]);
    assert!(o.status.success(), "{}", stderr(&o));
    misused(cwd, &["train", "notes", "--from", "checkpoints/notes", "--context", "17"], &["16", "--context"]);
}

/// `run.json` keeps every pick. A resume runs the same, and where it cannot, it stops and says so.
#[test]
fn a_resume_honours_the_kernels_or_stops() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    journal(cwd);
    assert!(train(cwd, &[]).status.success());
    let path = cwd.join("checkpoints/notes/run.json");
    let kept = std::fs::read_to_string(&path).unwrap();
    let record: Value = serde_json::from_str(&kept).unwrap();
    let picks = record["kernels"]["picks"].as_object().unwrap();
    let (product, lanes) = picks.iter().find(|(problem, _)| problem.starts_with("matmul_nn ")).unwrap();
    assert_eq!(lanes, "lanes16", "{product}");
    let resume = ["train", "--resume", "checkpoints/notes", "--steps", "4"];
    let with = |pick: Option<&str>| {
        let mut record = record.clone();
        let picks = record["kernels"]["picks"].as_object_mut().unwrap();
        match pick {
            Some(pick) => picks[product] = pick.into(),
            None => drop(picks.remove(product)),
        }
        std::fs::write(&path, record.to_string()).unwrap();
    };
    // A variant that this diarist has not.
    with(Some("lanes99"));
    refuses(cwd, &resume, &["no variant lanes99", product, "next:"]);
    let touched: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(touched["settings"]["steps"], 3, "a resume that is refused changes nothing");
    // Another that it has is taken, though it would not have been chosen.
    with(Some("lanes8"));
    assert!(run(cwd, &resume).status.success());
    let record: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(record["kernels"]["picks"][product], "lanes8");
    // A problem without one is another diarist's: it goes on, and says so.
    let state = std::fs::read_to_string(&path).unwrap();
    let mut without = record.clone();
    without["kernels"]["picks"].as_object_mut().unwrap().remove(product);
    std::fs::write(&path, without.to_string()).unwrap();
    let o = run(cwd, &["train", "--resume", "checkpoints/notes", "--steps", "5"]);
    assert!(o.status.success() && stderr(&o).contains("another diarist's"), "{}", stderr(&o));
    assert!(stderr(&o).contains(&format!("{product} here alone")), "{}", stderr(&o));
    std::fs::write(&path, state).unwrap();
    let record: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(record["kernels"]["picks"][product], "lanes8");
    // A run of an older diarist is told apart from a damaged one.
    std::fs::write(&path, kept.replace("\"version\": 3", "\"version\": 2")).unwrap();
    refuses(cwd, &resume, &["older diarist", "next:", "--from"]);
}

/// What is frozen stays as it was, through a resume too, and has no moments in the state.
#[test]
fn frozen_parts_stay_as_they_were() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    journal(cwd);
    assert!(train(cwd, &["--out", "start"]).status.success());
    let freeze = ["train", "notes", "--from", "start", "--steps", "2", "--context", "16", "--device", "cpu"];
    let freeze = [&freeze[..], &["--freeze", "embeddings,first=2", "--out", "tuned"]].concat();
    let o = run(cwd, &freeze);
    assert!(o.status.success(), "{}", stderr(&o));
    assert!(run(cwd, &["train", "--resume", "tuned", "--steps", "3"]).status.success());
    let tensors = |path: &str| {
        let bytes = std::fs::read(cwd.join(path)).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let all = file.iter().map(|(name, view)| (name.to_string(), view.data().to_vec()));
        all.collect::<std::collections::BTreeMap<_, _>>()
    };
    let (before, after) = (tensors("start/model.safetensors"), tensors("tuned/model.safetensors"));
    let frozen = |name: &str| ["wte", "wpe", "h.0.", "h.1."].iter().any(|part| name.contains(part));
    for (name, data) in &before {
        assert_eq!(frozen(name), after[name] == *data, "{name}");
    }
    let record: Value = serde_json::from_slice(&std::fs::read(cwd.join("tuned/run.json")).unwrap()).unwrap();
    assert_eq!(record["settings"]["freeze"], "embeddings,first=2");
    let moments =
        tensors(&format!("tuned/{}/optimizer.safetensors", record["state"]["folder"].as_str().unwrap()));
    assert_eq!(moments.len(), 2 * before.keys().filter(|name| !frozen(name)).count());
    misused(cwd, &[&freeze[..6], &["--freeze", "first=5"]].concat(), &["first=5", "4 blocks"]);
    misused(cwd, &[&freeze[..6], &["--freeze", "heads"]].concat(), &["heads", "embeddings"]);
}

/// Muon is recorded, a resume goes on with it, and a checkpoint is not tuned by it unless one insists.
#[test]
fn muon_is_for_models_from_scratch() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    journal(cwd);
    let o = train(cwd, &["--optimizer", "muon", "--out", "start"]);
    assert!(o.status.success(), "{}", stderr(&o));
    let record =
        || -> Value { serde_json::from_slice(&std::fs::read(cwd.join("start/run.json")).unwrap()).unwrap() };
    assert_eq!(record()["settings"]["optimizer"], "muon");
    let resume = ["train", "--resume", "start"];
    misused(cwd, &[&resume[..], &["--optimizer", "adamw"]].concat(), &["--optimizer", "cannot change"]);
    let o = run(cwd, &[&resume[..], &["--steps", "5"]].concat());
    assert!(o.status.success(), "{}", stderr(&o));
    let bytes = std::fs::read(cwd.join("start/state/5/optimizer.safetensors")).unwrap();
    let names: Vec<String> = safetensors::SafeTensors::deserialize(&bytes)
        .unwrap()
        .names()
        .iter()
        .map(|n| n.to_string())
        .collect();
    // tiny: 4 + 12·4 parameters, of which 4·4 are matrices of blocks.
    assert_eq!(names.len(), 2 * 52 - 16);
    assert!(!names.contains(&"v.h.0.attn.c_attn.weight".to_string()));

    let tune = ["train", "notes", "--from", "start", "--steps", "1", "--device", "cpu", "--out", "tuned"];
    let muon = [&tune[..], &["--optimizer", "muon"]].concat();
    misused(cwd, &muon, &["AdamW", "worse", "next:", "--insist"]);
    misused(cwd, &[&tune[..], &["--insist"]].concat(), &["--insist", "--optimizer muon"]);
    assert!(!cwd.join("tuned").exists(), "a refused run leaves nothing");
    let o = run(cwd, &[&muon[..], &["--insist"]].concat());
    assert!(o.status.success(), "{}", stderr(&o));
    misused(cwd, &["train", "notes", "--from", "scratch", "--optimizer", "sgd"], &["sgd"]);
}

/// A model whose matrices rest in fewer bits writes and is measured as a whole one does, nearly.
#[test]
fn weights_rest_in_fewer_bits() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    journal(cwd);
    assert!(train(cwd, &[]).status.success());
    std::fs::write(cwd.join("held.txt"), "Rain till seven, then the dog and I walked to the weir.").unwrap();
    let loss = |weights: &str| {
        let args = ["eval", "checkpoints/notes", "--text", "held.txt", "--device", "cpu", "--json"];
        let o = run(cwd, &[&args[..], &["--weights", weights]].concat());
        assert!(o.status.success(), "{}", stderr(&o));
        serde_json::from_slice::<Value>(&o.stdout).unwrap()["loss"].as_f64().unwrap()
    };
    let whole = loss("f32");
    // Each weight is rounded by 2⁻¹¹ of itself at most; by 1/254 of its block's farthest; by 1/30 of its block's range.
    for (weights, most) in [("f16", 1e-3), ("q8_0", 1e-2), ("q4_1", 0.1)] {
        let rounded = loss(weights);
        let apart = (whole - rounded).abs();
        assert!(apart > 0.0 && apart < most * whole, "{whole} and {rounded} in {weights}");
    }
    let sample = ["sample", "checkpoints/notes", "--device", "cpu", "--seed", "1", "--max-tokens", "20"];
    for weights in ["f16", "q8_0", "q4_1"] {
        let o = run(cwd, &[&sample[..], &["--weights", weights, "--json"]].concat());
        assert!(o.status.success() && stdout(&o).contains("ids"), "{}", stderr(&o));
    }
    misused(cwd, &[&sample[..], &["--weights", "f8"]].concat(), &["f8", "f16", "q8_0", "q4_1"]);
}

#[test]
fn bad_checkpoints_are_named() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    journal(cwd);
    assert!(train(cwd, &[]).status.success());
    let copy = |name: &str| {
        let dir = cwd.join(name);
        std::fs::create_dir(&dir).unwrap();
        for file in ["config.json", "model.safetensors", "vocab.json", "tokenizer.json"] {
            std::fs::copy(cwd.join("checkpoints/notes").join(file), dir.join(file)).unwrap();
        }
        dir
    };
    let edit = |dir: &Path, from: &str, to: &str| {
        let path = dir.join("config.json");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from} in {text}");
        std::fs::write(path, text.replace(from, to)).unwrap();
    };
    let refused = |name: &str, says: &[&str]| {
        refuses(cwd, &["train", "notes", "--from", name, "--steps", "1", "--device", "cpu"], says);
    };
    let dir = copy("truncated");
    let bytes = std::fs::read(dir.join("model.safetensors")).unwrap();
    std::fs::write(dir.join("model.safetensors"), &bytes[..bytes.len() / 2]).unwrap();
    refused("truncated", &["model.safetensors", "next:"]);
    let dir = copy("lying");
    let lie = [&(1_u64 << 60).to_le_bytes()[..], &bytes[8..]].concat();
    std::fs::write(dir.join("model.safetensors"), lie).unwrap();
    refused("lying", &["model.safetensors", "next:"]);
    edit(&copy("llama"), "\"gpt2\"", "\"llama\"");
    refused("llama", &["llama", "next:"]);
    edit(&copy("heads"), "\"n_head\": 4", "\"n_head\": 5");
    refused("heads", &["no multiple of 5 heads", "next:"]);
    edit(&copy("layers"), "\"n_layer\": 4", "\"n_layer\": 5");
    refused("layers", &["h.4.", "next:"]);
    edit(&copy("vocabulary"), "\"vocab_size\": 257", "\"vocab_size\": 70000");
    refused("vocabulary", &["wte.weight is [257, 192]", "[70000, 192]"]);
    edit(&copy("shapes"), "\"n_embd\": 192", "\"n_embd\": 196");
    refused("shapes", &["192", "196"]);
}

/// Whoever watched has gone; the run goes on.
#[cfg(unix)]
#[test]
fn a_closed_stderr_does_not_stop_a_run() {
    let tmp = tempfile::tempdir().unwrap();
    journal(tmp.path());
    let binary = assert_cmd::cargo::cargo_bin("diarist");
    let script =
        format!("'{}' train notes {} 2> >(head -n 2 >/dev/null); echo $?", binary.display(), QUICK.join(" "));
    let o =
        std::process::Command::new("bash").args(["-c", &script]).current_dir(tmp.path()).output().unwrap();
    assert!(String::from_utf8_lossy(&o.stdout).ends_with("\n0\n"), "{o:?}");
    assert!(tmp.path().join("checkpoints/notes/state/3").is_dir());
}

#[test]
fn sizes_that_no_device_has_are_refused() {
    let tmp = tempfile::tempdir().unwrap();
    journal(tmp.path());
    let base = ["train", "notes", "--from", "scratch", "--device", "cpu"];
    refuses(tmp.path(), &[&base[..], &["--batch", "100000"]].concat(), &["--batch", "--accumulate"]);
    misused(tmp.path(), &[&base[..], &["--accumulate", "18446744073709551615"]].concat(), &["--accumulate"]);
    assert!(!tmp.path().join("checkpoints").exists(), "a refused run leaves nothing");
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_error() {
    let tmp = tempfile::tempdir().unwrap();
    journal(tmp.path());
    assert!(train(tmp.path(), &[]).status.success());
    let binary = assert_cmd::cargo::cargo_bin("diarist");
    let script = format!(
        "set -o pipefail; '{}' sample checkpoints/notes --device cpu --max-tokens 2000 | head -c 5; echo \" $?\"",
        binary.display()
    );
    let o =
        std::process::Command::new("bash").args(["-c", &script]).current_dir(tmp.path()).output().unwrap();
    assert!(String::from_utf8_lossy(&o.stdout).ends_with(" 0\n"), "{o:?}");
    assert!(!String::from_utf8_lossy(&o.stderr).contains("error"), "{o:?}");
}

#[test]
fn completions_and_manual_pages_are_of_every_command() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    let help = stdout(&run(cwd, &["--help"]));
    let (_, commands) = help.split_once("Commands:").unwrap();
    let (commands, _) = commands.split_once("Options:").unwrap();
    // A name stands two columns in; a description that is wrapped, deeper.
    let named =
        commands.lines().filter_map(|line| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')));
    let names: Vec<&str> = named.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.contains(&"train") && names.contains(&"man") && names.len() > 8, "{names:?}");

    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let o = run(cwd, &["completions", shell]);
        let script = stdout(&o);
        assert!(o.status.success() && script.contains("val-fraction"), "{shell}: {}", stderr(&o));
        assert!(names.iter().all(|name| script.contains(name)), "{shell}: {script}");
        // Where the shell is there, it reads it.
        let file = cwd.join(shell);
        std::fs::write(&file, script).unwrap();
        if ["bash", "zsh"].contains(&shell)
            && let Ok(read) = std::process::Command::new(shell).arg("-n").arg(&file).output()
        {
            assert!(read.status.success() && read.stderr.is_empty(), "{shell}: {}", stderr(&read));
        }
    }
    misused(cwd, &["completions", "tcsh"], &["tcsh", "fish"]);

    let page = stdout(&run(cwd, &["man"]));
    assert!(page.contains(".TH diarist 1") && names.iter().all(|name| page.contains(name)), "{page}");
    for name in names.iter().filter(|name| **name != "help") {
        let page = stdout(&run(cwd, &["man", name]));
        for section in [&format!(".TH diarist-{name} 1"), ".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS"] {
            assert!(page.contains(section), "{name} has no {section}: {page}");
        }
        let file = cwd.join(name);
        std::fs::write(&file, page).unwrap();
        if let Ok(set) =
            std::process::Command::new("groff").args(["-man", "-Tutf8", "-Kutf8", "-ww"]).arg(&file).output()
        {
            assert!(set.status.success() && set.stderr.is_empty(), "{name}: {}", stderr(&set));
        }
    }
    misused(cwd, &["man", "nonesuch"], &["nonesuch", "next:"]);
}
