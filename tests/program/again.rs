//! A journal that goes on: an index of what a run has seen, new entries into it, and single ones out again.

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

fn diarist(cwd: &Path, args: &[&str]) -> Output {
    let mut command = Command::cargo_bin("diarist").unwrap();
    command.current_dir(cwd).env("NODEVICE_SELECT", "1").env("HF_HOME", cwd.join("hf"));
    command.env("XDG_CACHE_HOME", cwd.join("cache")).args(args);
    command.output().unwrap()
}

/// What it says, on both streams.
fn succeed(cwd: &Path, args: &[&str]) -> String {
    let o = diarist(cwd, args);
    let told = [&o.stderr[..], &o.stdout[..]].concat();
    let told = String::from_utf8_lossy(&told).into_owned();
    assert!(o.status.success(), "{args:?}: {told}");
    told
}

fn refused(cwd: &Path, args: &[&str], says: &[&str]) {
    let o = diarist(cwd, args);
    let told = String::from_utf8_lossy(&o.stderr);
    assert!(!o.status.success() && !told.contains("panicked"), "{args:?}: {told}");
    says.iter().for_each(|s| assert!(told.contains(s), "{args:?} should say {s:?}: {told}"));
}

const THINGS: [&str; 7] = ["the weir", "a heron", "wet slates", "her letter", "the mill", "old bread", "fog"];

/// Days of a month: no two of them much alike.
fn write(cwd: &Path, month: u32) {
    std::fs::create_dir_all(cwd.join("notes")).unwrap();
    for day in 1..=20_u32 {
        let thing = |n: u32| THINGS[((day * n + month * n * n + n) % 7) as usize];
        let words: Vec<String> = (1..8).map(|n| format!("{} {}", day * n + month, thing(n))).collect();
        let text = format!("Day {day}. {}.\n", words.join(", then "));
        std::fs::write(cwd.join(format!("notes/2021-{month:02}-{day:02}.md")), text).unwrap();
    }
}

fn train(cwd: &Path, out: &str, more: &[&str]) {
    let base = ["train", "notes", "--from", "scratch", "--steps", "6", "--context", "32", "--batch", "2"];
    succeed(cwd, &[&base[..], &["--device", "cpu", "--out", out], more].concat());
}

fn record(cwd: &Path, run: &str) -> Value {
    serde_json::from_slice(&std::fs::read(cwd.join(run).join("run.json")).unwrap()).unwrap()
}

/// Its lines: hash, date, side, range.
fn index(cwd: &Path, run: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(cwd.join(run).join("entries.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The text of a line; tokens are bytes of 16 bits.
fn text(cwd: &Path, run: &str, line: &Value) -> String {
    let bytes = std::fs::read(cwd.join(run).join("tokens.bin")).unwrap();
    let [start, end] = ["start", "end"].map(|name| line[name].as_u64().unwrap() as usize);
    bytes[2 * start..2 * end - 2].chunks(2).map(|id| id[0] as char).collect()
}

fn of<'a>(lines: &'a [Value], side: &str) -> Vec<&'a str> {
    let of_side = lines.iter().filter(|line| line["side"] == side);
    of_side.map(|line| line["date"].as_str().unwrap()).collect()
}

#[test]
fn new_entries_go_into_a_new_version() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    write(cwd, 3);
    train(cwd, "runs/self", &[]);
    let first = index(cwd, "runs/self");
    assert_eq!((first.len(), !of(&first, "val").is_empty()), (20, true));
    for line in &first {
        let day = std::fs::read_to_string(cwd.join(format!("notes/{}.md", line["date"].as_str().unwrap())));
        assert_eq!(text(cwd, "runs/self", line), day.unwrap().trim_end());
    }
    let all = std::fs::read_to_string(cwd.join("runs/self/entries.jsonl")).unwrap();
    assert!(!all.contains("weir") && !all.contains("notes"), "no word and no name: {all}");

    let again = ["train", "--continue", "runs/self", "--steps", "4", "--device", "cpu"];
    assert!(succeed(cwd, &again).contains("nothing  is new"));
    assert!(!cwd.join("runs/self-2").exists());
    write(cwd, 4);
    // A held-out entry is reworded: that is no new text to train on.
    let held = of(&first, "val")[0].to_string();
    std::fs::write(cwd.join(format!("notes/{held}.md")), "Quite another account of that day, and shorter.\n")
        .unwrap();
    let told = succeed(cwd, &[&again[..], &["--dry-run"]].concat());
    assert!(told.contains("21 of 40 entries") && told.contains("nothing was written"), "{told}");
    assert!(!cwd.join("runs/self-2").exists());
    let before = std::fs::read(cwd.join("runs/self/model.safetensors")).unwrap();
    let told = succeed(cwd, &again);
    for word in ["21 of 40 entries", "of old text among them (5", "old self", "new self", "runs/self-2"] {
        assert!(told.contains(word), "{word}: {told}");
    }
    assert!(before == std::fs::read(cwd.join("runs/self/model.safetensors")).unwrap(), "kept untouched");

    let (run, second) = (record(cwd, "runs/self-2"), index(cwd, "runs/self-2"));
    assert_eq!(second.len(), 41, "each entry, and the held-out one in both wordings");
    assert_eq!(run["data"]["continue"]["mix"], 0.5);
    let range = |name: &str| run["data"][name].as_array().unwrap()[0].as_u64().unwrap();
    for line in &second {
        let at = line["start"].as_u64().unwrap();
        let side = if at < range("train") {
            "before"
        } else if at < range("val") {
            "train"
        } else {
            "val"
        };
        assert_eq!(line["side"], side);
        assert!(text(cwd, "runs/self-2", line).starts_with(['D', 'Q']));
    }
    let val = of(&second, "val");
    assert!(of(&first, "val").iter().all(|day| val.contains(day)), "what was held out stays held out");
    assert_eq!(val.iter().filter(|day| **day == held).count(), 2, "{val:?}");
    assert!(val.iter().any(|day| day.starts_with("2021-04")), "some of the new are held out: {val:?}");
    let trained = of(&second, "train");
    assert!(
        trained.iter().any(|d| d.starts_with("2021-03")) && trained.iter().any(|d| d.starts_with("2021-04"))
    );
    let lr = |run: &Value| run["settings"]["lr"].as_f64().unwrap();
    assert!(lr(&run) < lr(&record(cwd, "runs/self")));
    let (first_eval, best) = (&run["first_eval"]["apart"], &run["best_eval"]["apart"]);
    assert!(first_eval["new"].as_f64() > best["new"].as_f64(), "it learned: {first_eval} {best}");
    assert!(
        (first_eval["old"].as_f64().unwrap()
            - record(cwd, "runs/self")["best_eval"]["val_loss"].as_f64().unwrap())
        .abs()
            < 1e-4
    );

    // And on: what neither sample nor new entry was is known all the same.
    let more = ["train", "--continue", "runs/self-2", "--steps", "2", "--device", "cpu"];
    assert!(succeed(cwd, &more).contains("nothing  is new"));
    write(cwd, 5);
    succeed(cwd, &[&more[..], &["notes/2021-05-01.md", "notes/2021-05-02.md", "--mix", "0.9"]].concat());
    let third = index(cwd, "runs/self-3");
    assert_eq!(third.len(), 43);
    succeed(cwd, &["train", "--resume", "runs/self-3", "--steps", "3"]);

    let with = |flags: &[&'static str]| [&["train", "--continue", "runs/self"][..], flags].concat();
    refused(cwd, &with(&["--lowercase"]), &["--lowercase", "cannot change"]);
    refused(cwd, &with(&["--tokenizer", "gpt2"]), &["--tokenizer", "--from"]);
    refused(cwd, &with(&["--mix", "1"]), &["--mix 1", "less than 1"]);
    refused(cwd, &with(&["--resume", "runs/self"]), &["--resume"]);
    refused(cwd, &["train", "notes", "--mix", "0.1"], &["--continue"]);
    std::fs::rename(cwd.join("notes"), cwd.join("moved")).unwrap();
    refused(cwd, &with(&[]), &["notes", "nothing is there now"]);
    // Somebody else's of that name.
    std::fs::create_dir(cwd.join("notes")).unwrap();
    let other = "Nothing of this stands in the other journal, not one line of it, and never did.\n";
    std::fs::write(cwd.join("notes/2022-01-01.md"), other.repeat(9)).unwrap();
    refused(cwd, &with(&[]), &["another journal", "PATH"]);
    std::fs::remove_dir_all(cwd.join("notes")).unwrap();
    assert!(
        succeed(cwd, &with(&["moved", "--dry-run"])).contains("new"),
        "other places for the same entries"
    );
    // Runs of a diarist that wrote none, and indexes that were changed.
    let lines = std::fs::read_to_string(cwd.join("runs/self/entries.jsonl")).unwrap();
    std::fs::write(cwd.join("runs/self/entries.jsonl"), lines.replace("train", "val")).unwrap();
    refused(cwd, &with(&["moved"]), &["entries.jsonl", "was changed"]);
    let mut old = record(cwd, "runs/self");
    old["data"].as_object_mut().unwrap().remove("index");
    std::fs::write(cwd.join("runs/self/run.json"), old.to_string()).unwrap();
    refused(cwd, &with(&["moved"]), &["no index", "train again"]);
}

#[test]
fn a_self_of_a_year_reads_on() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    write(cwd, 3);
    write(cwd, 4);
    let header = ["--header", "{date}: ", "--mask-header", "--until", "2021-03"];
    train(cwd, "march", &header);
    assert!(succeed(cwd, &["train", "--continue", "march"]).contains("a later --until reads on"));
    let on = ["train", "--continue", "march", "--until", "2021-04", "--steps", "2", "--device", "cpu"];
    succeed(cwd, &on);
    let (run, lines) = (record(cwd, "march-2"), index(cwd, "march-2"));
    assert_eq!((lines.len(), &run["data"]["reading"]["until"]), (40, &"2021-04-30".into()));
    // The headers of both months are out of the loss, where they are.
    let mask = std::fs::read(cwd.join("march-2/masked.bin")).unwrap();
    let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
    let starts: Vec<u64> = mask.chunks(16).map(|pair| number(&pair[..8])).collect();
    assert_eq!(starts, lines.iter().map(|line| line["start"].as_u64().unwrap()).collect::<Vec<_>>());
    assert!(mask.chunks(16).all(|pair| number(&pair[8..]) - number(&pair[..8]) == 12));
}

#[test]
fn an_adapter_goes_on_beside_the_same_model() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    write(cwd, 3);
    train(cwd, "base", &[]);
    let tune =
        "train notes --from base --lora r=4 --lr 1e-2 --steps 3 --context 32 --batch 2 --device cpu --out a";
    succeed(cwd, &tune.split(' ').collect::<Vec<_>>());
    write(cwd, 4);
    let told = succeed(cwd, &["train", "--continue", "a", "--steps", "2", "--device", "cpu"]);
    assert!(told.contains("new self"), "{told}");
    let (first, second) = (record(cwd, "a"), record(cwd, "a-2"));
    assert_eq!((&first["base"], &first["settings"]["lora"]), (&second["base"], &second["settings"]["lora"]));
    // The adapter goes on: before its first step the new run is at the loss of the old one's best.
    let loss = |value: &Value| value.as_f64().unwrap();
    let (old, new) = (&first["best_eval"]["val_loss"], &second["first_eval"]["apart"]["old"]);
    assert!((loss(old) - loss(new)).abs() < 1e-4, "{old} {new}");
    assert!(cwd.join("a-2/adapter_model.safetensors").exists());
}

#[test]
fn an_entry_is_forgotten() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    write(cwd, 3);
    std::fs::write(cwd.join("held.txt"), "2021-03-05\n2021-03-11\n").unwrap();
    train(cwd, "runs/self", &["--split", "held.txt"]);
    let lines = index(cwd, "runs/self");
    let trained: Vec<&Value> = lines.iter().filter(|line| line["side"] == "train").collect();
    // By day, by hash, and by source.
    let [day, other, third] = [0, 1, 2].map(|n| trained[n]["date"].as_str().unwrap());
    let list = format!("# regrets\n{day}\n{}\nnotes/{third}.md\n", trained[1]["hash"].as_str().unwrap());
    std::fs::write(cwd.join("forget.txt"), list).unwrap();
    let forget = ["forget", "runs/self", "--entries", "forget.txt", "--device", "cpu"];
    let told = succeed(cwd, &forget);
    for word in ["forgotten", "never seen", "rm -r runs/self", "--no-cache", "runs/self-2"] {
        assert!(told.contains(word), "{word}: {told}");
    }
    let after = index(cwd, "runs/self-2");
    assert_eq!(after.len(), 17);
    assert!([day, other, third].iter().all(|day| after.iter().all(|line| line["date"] != *day)));
    assert_eq!(of(&lines, "val"), of(&after, "val"));
    let (old, new) = (record(cwd, "runs/self"), record(cwd, "runs/self-2"));
    assert_eq!((&old["settings"], &new["from"]), (&new["settings"], &"scratch".into()));
    assert_eq!(new["data"]["entries"], 17);
    // Bit for bit, the new model is one that never saw them: the journal without them gives the same.
    std::fs::rename(cwd.join("notes"), cwd.join("all")).unwrap();
    write(cwd, 3);
    for day in [day, other, third] {
        std::fs::remove_file(cwd.join(format!("notes/{day}.md"))).unwrap();
    }
    train(cwd, "never", &["--split", "held.txt"]);
    for file in ["tokens.bin", "entries.jsonl", "model.safetensors"] {
        let read = |run: &str| std::fs::read(cwd.join(run).join(file)).unwrap();
        assert!(read("runs/self-2") == read("never"), "{file}");
    }
    assert!(
        std::fs::read(cwd.join("never/model.safetensors")).unwrap()
            != std::fs::read(cwd.join("runs/self/model.safetensors")).unwrap()
    );
    std::fs::remove_dir_all(cwd.join("notes")).unwrap();
    std::fs::rename(cwd.join("all"), cwd.join("notes")).unwrap();
    // What is printed is what `eval` says of the same text in the same windows.
    let row = |what: &str| -> Vec<f64> {
        let row = told.lines().find(|line| line.starts_with(what)).unwrap();
        row.split_whitespace().filter_map(|word| word.parse().ok()).collect()
    };
    let (forgotten, unseen) = (row("forgotten"), row("never seen"));
    assert_eq!((forgotten.len(), unseen.len()), (3, 3), "{told}");
    let of_run = |run: &str| record(cwd, run)["best_eval"]["val_loss"].as_f64().unwrap();
    assert!(
        (unseen[0] - of_run("runs/self")).abs() < 1e-4 && (unseen[1] - of_run("runs/self-2")).abs() < 1e-4
    );

    let list = |text: &str| std::fs::write(cwd.join("list.txt"), text).unwrap();
    let with = ["forget", "runs/self", "--entries", "list.txt"];
    list("1999\n");
    refused(cwd, &with, &["line 1", "1999"]);
    list(of(&lines, "val")[0]);
    refused(cwd, &with, &["never saw them"]);
    list("2021\n");
    refused(cwd, &with, &["all that this run was trained on"]);
    list(day);
    refused(cwd, &[&with[..], &["--out", "notes/inside"]].concat(), &["which holds the journals"]);
    assert!(!cwd.join("notes/inside").exists());
    // A version that goes on from one that knows it would know it still.
    write(cwd, 4);
    succeed(cwd, &["train", "--continue", "runs/self", "--steps", "2", "--device", "cpu"]);
    std::fs::write(cwd.join("list.txt"), day).unwrap();
    refused(
        cwd,
        &["forget", "runs/self-3", "--entries", "list.txt"],
        &["continues that one", "forget", "--continue"],
    );
    let lines = index(cwd, "runs/self-3");
    let april = *of(&lines, "train").iter().find(|day| day.starts_with("2021-04")).unwrap();
    std::fs::write(cwd.join("list.txt"), april).unwrap();
    succeed(cwd, &["forget", "runs/self-3", "--entries", "list.txt", "--device", "cpu"]);
    assert!(index(cwd, "runs/self-4").iter().all(|line| line["date"] != april));
}
