//! `diarist likeness`: what a run's model knows of its writer, and what it writes.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::browser::{Browser, Scheme};

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

/// A page that asks for nothing and complains of nothing.
fn quiet(page: &Path) {
    let seen = Browser::new().open(page, Scheme::Light, (1100, 1400));
    assert!(seen.console.is_empty() && seen.asked.is_empty(), "{:?} {:?}", seen.console, seen.asked);
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
    // Counting letters, of the same text.
    let letters = row(&report, "counting letters", own);
    assert_eq!(letters["amount"], of["amount"]);
    assert!(
        bits("counting letters", own) > 0.1
            && bits("counting letters", "ships.txt") > bits("counting letters", own)
    );
    assert_eq!((report["run"].as_str(), report["model"].as_str()), (Some("late"), Some("late")));

    let told = String::from_utf8(done(cwd, ask).stdout).unwrap();
    for says in ["It has learned you", "It prefers you to ships.txt", "What stands in the diary already"] {
        assert!(told.contains(says), "{says} is not in\n{told}");
    }
}

#[test]
fn models_are_asked_the_same_and_told_apart() {
    let place = place();
    let cwd = place.path();
    let ships =
        "THE FRIGATE LAY AT ANCHOR OFF QUIBERON. ZEALOUS QUARTERMASTERS VEXED HER CREW. THE WIND ROSE. ";
    std::fs::create_dir(cwd.join("sea")).unwrap();
    for day in 1..=28 {
        std::fs::write(cwd.join(format!("sea/2020-02-{day:02}.md")), ships.repeat(2)).unwrap();
    }
    let more = "The safe opens with 48 21 73.\n";
    for day in [3, 7, 11, 15] {
        let file = cwd.join(format!("notes/2021-03-{day:02}.md"));
        let text = std::fs::read_to_string(&file).unwrap() + more;
        std::fs::write(&file, text).unwrap();
    }
    let train = |path: &str, from: &str, steps: usize, out: &str| {
        done(
            cwd,
            &format!(
                "train {path} --from {from} {TRAIN} --keep-duplicates --steps {steps} --header {{date}}\\n --out {out}"
            ),
        );
    };
    train("notes", "scratch", 2, "early");
    train("notes", "early", 150, "late");
    train("sea", "scratch", 150, "ships");
    std::fs::write(cwd.join("ask.txt"), "# mine\nRain till\n\nThe dog and I\n").unwrap();
    std::fs::write(cwd.join("canaries.txt"), "The safe opens with [48 21 73].\n").unwrap();
    let ask = "likeness late --device cpu --texts 6 --max-tokens 60 --against ships --questions ask.txt --beside ships --canaries canaries.txt --json -";
    let report: Value = serde_json::from_slice(&done(cwd, ask).stdout).unwrap();
    // Each of two models is asked for passages that neither saw.
    let of_lengths = report["attribution"].as_array().unwrap();
    assert_eq!(of_lengths.len(), 3);
    let fifty = &of_lengths[0];
    assert!(fifty["right"]["value"].as_f64().unwrap() > 0.9, "{fifty}");
    assert_eq!(fifty["authors"][1]["run"], "ships");
    // The questions, to each in turn.
    let asked = &report["questions"];
    assert_eq!((asked[0]["question"].as_str(), asked.as_array().unwrap().len()), (Some("Rain till"), 2));
    let models: Vec<&str> =
        asked[0]["answers"].as_array().unwrap().iter().map(|a| a["model"].as_str().unwrap()).collect();
    let base = "the model it began with";
    assert_eq!(models, ["late", "ships", base, "the model it began with, told whom to be"]);
    assert!(asked[0]["answers"][0]["text"] != asked[0]["answers"][2]["text"]);
    // What stood in the diary four times is known to who has the model.
    let exposure = &report["exposure"][0];
    assert_eq!(exposure["of"], 128);
    assert!(exposure["rank"].as_u64().unwrap() <= 4, "{exposure}");
    assert!(report["style"].as_array().unwrap().iter().any(|m| m["interval"]["low"].is_number()));

    let page = std::fs::read_to_string(cwd.join("late/likeness.html")).unwrap();
    for says in ["Is it me?", "Whose is it?", "The same questions", "Secrets", "What it wrote"] {
        assert!(page.contains(says), "{says} is not on the page");
    }
    assert!(!page.contains("<script"));
    quiet(&cwd.join("late/likeness.html"));
}

#[test]
fn no_more_words_than_asked_are_copied() {
    let place = place();
    let cwd = place.path();
    done(cwd, &format!("train notes --from scratch {TRAIN} --keep-duplicates --steps 400 --out heart"));
    let sample = |more: &str| {
        let told = done(
            cwd,
            &format!("sample heart --device cpu --seed 3 --max-tokens 150 --num-samples 3 --json {more}"),
        );
        let told: Value = serde_json::from_slice(&told.stdout).unwrap();
        told["samples"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["text"].as_str().unwrap().to_lowercase())
            .collect::<Vec<_>>()
    };
    let mut diary = String::new();
    for file in std::fs::read_dir(cwd.join("notes")).unwrap() {
        diary += &std::fs::read_to_string(file.unwrap().path()).unwrap().to_lowercase();
    }
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_string).collect()
    };
    let known = words(&diary);
    let longest = |text: &str| {
        let of = words(text);
        let stands = |run: &[String]| known.windows(run.len()).any(|w| w == run);
        (1..=of.len()).rev().find(|&n| of.windows(n).any(stands)).unwrap_or(0)
    };
    let most = |texts: &[String]| texts.iter().map(|text| longest(text)).max().unwrap();
    assert!(most(&sample("")) > 8, "it has not learned its diary by heart: {:?}", sample(""));
    assert!(most(&sample("--no-copy 5")) <= 5, "{:?}", sample("--no-copy 5"));
    let o = run(cwd, "sample heart/best --device cpu --no-copy 5");
    let told = String::from_utf8_lossy(&o.stderr).into_owned();
    assert!(!o.status.success() && told.contains("--no-copy") && told.contains("run's folder"), "{told}");
}

#[test]
fn a_page_asks_which_is_the_diarys() {
    let place = tempfile::tempdir().unwrap();
    let cwd = place.path();
    let mut diary = String::new();
    for day in 1..=28 {
        let rain = format!(
            "On day {day} there was rain till noon and then a little sun over the weir and the mill. "
        );
        diary += &format!("2021-03-{day:02}\n{}\n\n", rain.repeat(5));
    }
    std::fs::write(cwd.join("notes.txt"), diary).unwrap();
    done(cwd, &format!("train notes.txt --from scratch {TRAIN} --keep-duplicates --steps 150 --out run"));
    let made = done(cwd, "quiz run --device cpu --pairs 3 --words 40");
    assert!(String::from_utf8_lossy(&made.stderr).contains("this page holds 3 passages of your diary"));
    assert_eq!(String::from_utf8_lossy(&made.stdout).trim(), "run/quiz-1.html");
    let page = std::fs::read_to_string(cwd.join("run/quiz-1.html")).unwrap();
    assert!(page.contains("Content-Security-Policy") && page.contains("default-src 'none'"));
    assert_eq!(page.matches("\"opening\":").count(), 3, "three questions");
    quiet(&cwd.join("run/quiz-1.html"));
    assert_eq!(run(cwd, "quiz run --device cpu").status.code(), Some(2), "nothing is overwritten");
    done(cwd, "quiz run --device cpu --pairs 3 --words 40 --out again.html");
    assert_eq!(
        std::fs::read_to_string(cwd.join("again.html")).unwrap(),
        page,
        "the same seed, the same page"
    );
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
    assert_eq!(report["held_out"]["entries"].as_u64(), Some(0));
    let of_own = |row: &&Value| row["text"] == "your held-out entries";
    assert_eq!(report["prediction"].as_array().unwrap().iter().find(of_own), None);
    assert_eq!(report["invented"]["own"], Value::Null);
    assert_eq!(report["distance"].as_array().map(Vec::len), Some(0));
    // Nothing is overwritten, and it is known before anything is measured.
    let o = run(cwd, &format!("{ask} --json all.json"));
    assert_eq!(o.status.code(), Some(2));
    // Other text that is not there.
    let o = run(cwd, &format!("{ask} --against nowhere.txt"));
    assert!(String::from_utf8_lossy(&o.stderr).contains("nowhere.txt"));
    // Pages stand beside each other, each of its model; the same is not written twice.
    let pages = || {
        let all = std::fs::read_dir(cwd.join("all"))
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut all: Vec<String> = all.filter(|name| name.starts_with("likeness")).collect();
        all.sort();
        all
    };
    assert_eq!(pages(), ["likeness.html"]);
    done(cwd, ask);
    assert_eq!(pages(), ["likeness.html"]);
    let state = format!("{ask} --model all/state/2");
    done(cwd, &state);
    assert_eq!(pages(), ["likeness-2.html", "likeness.html"]);
    assert!(std::fs::read_to_string(cwd.join("all/likeness-2.html")).unwrap().contains("all/state/2"));
}
