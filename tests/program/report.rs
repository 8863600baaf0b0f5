//! A run shows itself: its report, the list of runs, runs beside each other. What is a page is looked at in a real browser.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::browser::{Browser, Scheme};

fn diarist(cwd: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("diarist"));
    command.current_dir(cwd).env("NODEVICE_SELECT", "1").args(args);
    command
}

fn succeed(cwd: &Path, args: &[&str]) -> Output {
    let o = diarist(cwd, args).output().unwrap();
    assert!(o.status.success(), "{args:?}: {}", String::from_utf8_lossy(&o.stderr));
    o
}

fn json(cwd: &Path, args: &[&str]) -> Value {
    serde_json::from_slice(&succeed(cwd, args).stdout).unwrap()
}

fn train(cwd: &Path, out: &str, more: &[&str]) {
    let dir = cwd.join("R&D notes");
    if !dir.exists() {
        std::fs::create_dir(&dir).unwrap();
        for day in 1..=30 {
            let text =
                format!("Day {day}. Rain till {}, then the dog and I walked to the weir.\n", day % 7 + 3);
            std::fs::write(dir.join(format!("2021-03-{day:02}.md")), text).unwrap();
        }
        std::fs::write(dir.join("old.doc"), [0xd0, 0xcf, 0x11, 0xe0]).unwrap();
    }
    let base = "--from scratch --context 16 --batch 2 --device cpu --eval-every 2 --sample-every 6";
    let args: Vec<&str> = ["train", "R&D notes", "--out", out]
        .into_iter()
        .chain(base.split(' '))
        .chain(more.iter().copied())
        .collect();
    succeed(cwd, &args);
}

/// What a page would do if something of a model's were taken for markup.
const BAD: &str = "<script>console.error('it runs')</script><img src=\"http://elsewhere.invalid/x.png\">";

#[test]
fn a_report_is_a_page_that_asks_for_nothing_and_runs_nothing() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    train(cwd, "run", &["--steps", "12"]);
    let page = cwd.join("run/report.html");
    let text = || std::fs::read_to_string(&page).unwrap();
    assert!(text().contains("step 12 of 12, finished") && text().contains("R&amp;D notes"));
    assert!(text().contains("old.doc"), "what was left out is said");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&page).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // A model that learned markup writes it; a log of a later diarist has other lines.
    let mut samples = std::fs::read_to_string(cwd.join("run/samples.md")).unwrap();
    samples += &format!("## step 12\n\n> {BAD}\n\n");
    std::fs::write(cwd.join("run/samples.md"), samples).unwrap();
    let log = std::fs::read_to_string(cwd.join("run/log.jsonl")).unwrap();
    std::fs::write(cwd.join("run/log.jsonl"), log + "{\"step\":12,\"event\":\"thaw\"}\n").unwrap();
    succeed(cwd, &["train", "--resume", "run", "--steps", "16"]);
    assert!(
        text().contains("step 16 of 16") && text().contains("&lt;script&gt;") && !text().contains("<script")
    );

    let browser = Browser::new();
    for (scheme, size) in
        [(Scheme::Light, (1100, 1600)), (Scheme::Dark, (1100, 1600)), (Scheme::Light, (390, 2400))]
    {
        let seen = browser.open(&page, scheme, size);
        assert_eq!((&seen.console[..], &seen.asked[..]), (&[][..], &[][..]), "{scheme:?}");
        let ground = seen.shot.ground();
        let light = ground.iter().map(|&c| u32::from(c)).sum::<u32>() / 3;
        assert!(if scheme == Scheme::Light { light > 230 } else { light < 60 }, "{scheme:?}: {ground:?}");
        // Words and curves cover more than a fiftieth of it, and not all.
        let covered = seen.shot.share(|pixel| pixel != ground);
        assert!((0.02..0.6).contains(&covered), "{scheme:?} {size:?}: {covered} of it is not blank");
        // The training loss, drawn in its colour: some hundred pixels of a line 960 wide.
        let train = if scheme == Scheme::Light { [0x1f, 0x6f, 0x9f] } else { [0x6d, 0xb6, 0xe0] };
        let near = |pixel: [u8; 3]| pixel.iter().zip(train).all(|(a, b)| a.abs_diff(b) < 8);
        assert!(seen.shot.count(near) > 300, "{scheme:?} {size:?}: {}", seen.shot.count(near));
        // Nothing stands out of the page on the right.
        assert!(
            seen.shot.column(size.0 as usize - 3).all(|pixel| pixel == ground),
            "{size:?}: wider than the screen"
        );
    }
    // The browser would have told: the same markup, not escaped.
    let bad = cwd.join("bad.html");
    std::fs::write(&bad, format!("<!doctype html><title>bad</title>{BAD}")).unwrap();
    let seen = browser.open(&bad, Scheme::Light, (800, 600));
    assert!(seen.console.iter().any(|line| line.contains("it runs")), "{:?}", seen.console);
    assert!(seen.asked.iter().any(|url| url.contains("elsewhere.invalid")), "{:?}", seen.asked);
    // And the policy of our pages keeps even that from happening.
    let head = text().split("<style>").next().unwrap().to_string();
    std::fs::write(&bad, head + "</head>" + BAD).unwrap();
    let seen = browser.open(&bad, Scheme::Light, (800, 600));
    assert!(
        seen.asked.is_empty() && !seen.console.iter().any(|line| line.contains("\"it runs\"")),
        "{:?}",
        seen.console
    );
}

#[test]
fn runs_are_listed_and_put_side_by_side() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    let none = diarist(cwd, &["runs"]).output().unwrap();
    assert!(!none.status.success() && String::from_utf8_lossy(&none.stderr).contains("no run"));
    train(cwd, "checkpoints/first", &["--steps", "8", "--lr", "0.002"]);
    train(cwd, "checkpoints/second", &["--steps", "12", "--lr", "0.005"]);
    train(cwd, "checkpoints/words", &["--steps", "2", "--tokenizer", "gpt2"]);

    let listed = json(cwd, &["runs", "--json"]);
    let names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|run| run["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["words", "second", "first"], "the newest first");
    assert_eq!((&listed[2]["state"], &listed[2]["step"]), (&"finished".into(), &8.into()));
    assert_eq!((&listed[2]["entries"], &listed[2]["preset"]), (&30.into(), &"tiny".into()));
    let table = String::from_utf8(succeed(cwd, &["runs"]).stdout).unwrap();
    assert!(
        table.lines().count() == 4 && table.contains("scratch (tiny)") && table.contains("finished"),
        "{table}"
    );
    // A record that cannot be read hides no other.
    std::fs::create_dir(cwd.join("checkpoints/old")).unwrap();
    std::fs::write(cwd.join("checkpoints/old/run.json"), "{\"version\":1}").unwrap();
    let table = String::from_utf8(succeed(cwd, &["runs"]).stdout).unwrap();
    assert!(table.contains("older diarist") && table.contains("second"), "{table}");

    let (first, second, words) = ("checkpoints/first", "checkpoints/second", "checkpoints/words");
    let beside = json(cwd, &["compare", first, second, "--json", "--html", "both.html"]);
    assert_eq!(beside["differences"]["lr"], serde_json::json!(["0.002", "0.005"]));
    assert!(beside["differences"].get("seed").is_none() && beside["differences"].get("context").is_none());
    assert_eq!((&beside["one_tokenizer"], &beside["not_comparable"]), (&true.into(), &Value::Null));
    for run in beside["runs"].as_array().unwrap() {
        let loss = |name: &str| run["best"][name].as_f64().unwrap();
        // A byte a token, and an end of text an entry that has none: fewer bytes than tokens, by less than a tenth.
        let share = loss("nats_per_byte") / loss("nats_per_token");
        assert!((1.0..1.1).contains(&share), "{run}");
    }
    assert_eq!(beside["samples"][0]["runs"][1]["step"], 12);
    let printed = String::from_utf8(succeed(cwd, &["compare", first, second]).stdout).unwrap();
    for word in ["validation loss, lowest", "0.005", "first, step 8", "second, step 12", "  | "] {
        assert!(printed.contains(word), "{word}: {printed}");
    }
    let refused = diarist(cwd, &["compare", first, second, "--html", "both.html"]).output().unwrap();
    assert!(!refused.status.success(), "nothing is overwritten");
    // Other tokens: by the byte, and only of the same text.
    let beside = json(cwd, &["compare", first, words, "--json"]);
    assert_eq!(beside["one_tokenizer"], false);
    let printed = String::from_utf8(succeed(cwd, &["compare", first, words]).stdout).unwrap();
    assert!(printed.contains("nats/byte") && printed.contains("tokenizer"), "{printed}");
    assert_eq!(printed.contains("cannot be compared"), !beside["not_comparable"].is_null());

    let seen = Browser::new().open(&cwd.join("both.html"), Scheme::Light, (1100, 1400));
    assert_eq!((&seen.console[..], &seen.asked[..]), (&[][..], &[][..]));
    for run in [[0x1f, 0x6f, 0x9f], [0xc2, 0x50, 0x2e]] {
        let near = |pixel: [u8; 3]| pixel.iter().zip(run).all(|(a, b)| a.abs_diff(b) < 8);
        assert!(seen.shot.count(near) > 300, "a curve for each run");
    }
}

#[test]
fn a_run_that_trains_is_in_progress() {
    let tmp = tempfile::tempdir().unwrap();
    let cwd = tmp.path();
    train(cwd, "checkpoints/run", &["--steps", "2"]);
    let state = || json(cwd, &["runs", "--json"])[0]["state"].as_str().unwrap().to_string();
    assert_eq!(state(), "finished");
    let mut command = diarist(cwd, &["train", "--resume", "checkpoints/run", "--steps", "1000000"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let steps = || std::fs::read_to_string(cwd.join("checkpoints/run/log.jsonl")).unwrap().lines().count();
    let before = steps();
    while steps() < before + 3 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be seen");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(state(), "in progress");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(state(), "stopped");
}
