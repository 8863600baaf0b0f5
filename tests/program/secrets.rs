//! What should not be learned is counted, shown to nobody, and taken away where that is asked for.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn run(cwd: &Path, args: &str) -> Output {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("diarist"));
    command.current_dir(cwd).env("NODEVICE_SELECT", "1").args(args.split_whitespace());
    command.output().unwrap()
}

fn done(cwd: &Path, args: &str) -> [String; 2] {
    let o = run(cwd, args);
    let told = [o.stdout, o.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(o.status.success(), "{args}: {}", told[1]);
    told
}

/// What stands in the journal and is nobody's business.
const SECRETS: [&str; 3] = ["hunter2plus", "ada.byron@example.org", "4111 1111 1111 1111"];

fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    std::fs::create_dir(place.path().join("notes")).unwrap();
    for day in 1..=30 {
        let more = match day {
            3 => format!("The new password: {}\n", SECRETS[0]),
            4 | 20 => format!("Wrote to {} about the boat.\n", SECRETS[1]),
            5 => format!("The card is {}, valid till May.\n", SECRETS[2]),
            _ => String::new(),
        };
        let text = format!(
            "Rain till noon, and then a little sun on day {day}.\n\n{more}\nThe dog and I walked to the weir.\n"
        );
        std::fs::write(place.path().join(format!("notes/2021-03-{day:02}.md")), text).unwrap();
    }
    place
}

#[test]
fn secrets_are_counted_and_not_shown() {
    let place = place();
    let [told, _] = done(place.path(), "corpus notes --device cpu --no-cache");
    for says in [
        "1 password",
        "2 e-mail addresses",
        "1 payment card",
        "2021-03-03, line 3",
        "--secrets replace",
        "--review",
    ] {
        assert!(told.contains(says), "{says} is not in\n{told}");
    }
    assert!(SECRETS.iter().all(|secret| !told.contains(secret)), "{told}");
    let [told, _] = done(place.path(), "corpus notes --device cpu --no-cache --json");
    assert!(SECRETS.iter().all(|secret| !told.contains(secret)));
    // Nothing is changed unless it is asked for.
    let [entry, _] = done(place.path(), "corpus notes --show 3 --no-cache");
    assert!(entry.contains(SECRETS[0]));
    let train = "train notes --from scratch --steps 2 --device cpu --context 32 --out kept";
    let [_, told] = done(place.path(), train);
    assert!(told.contains("1 password") && !told.contains(SECRETS[0]), "{told}");
}

#[test]
fn secrets_are_replaced_or_dropped() {
    let place = place();
    let cwd = place.path();
    let tokens = |run: &str| {
        String::from_utf8_lossy(&std::fs::read(cwd.join(run).join("tokens.bin")).unwrap()).replace('\0', "")
    };
    for (how, holds) in [("replace", true), ("drop", false)] {
        done(
            cwd,
            &format!(
                "train notes --secrets {how} --from scratch --steps 2 --device cpu --context 32 --out {how}"
            ),
        );
        let text = tokens(how);
        assert!(SECRETS.iter().all(|secret| !text.contains(secret)), "{how}");
        assert_eq!(text.matches("[email 1]").count(), if holds { 2 } else { 0 }, "{how}");
        assert_eq!(text.matches("walked to the weir").count(), 30, "{how}: the rest stays");
        let record: Value =
            serde_json::from_slice(&std::fs::read(cwd.join(how).join("run.json")).unwrap()).unwrap();
        assert_eq!(record["data"]["reading"]["secrets"]["what"], how);
        assert!(SECRETS.iter().all(|secret| !record.to_string().contains(secret)));
    }
    let [told, _] = done(cwd, "corpus notes --secrets replace --diff --no-cache");
    assert!(
        told.contains("-Wrote to ada.byron@example.org about the boat.")
            && told.contains("+Wrote to [email 1] about the boat."),
        "{told}"
    );
}

#[test]
fn a_review_decides_on_each() {
    let place = place();
    let cwd = place.path();
    done(cwd, "corpus notes --review found.tsv --no-cache");
    let review = std::fs::read_to_string(cwd.join("found.tsv")).unwrap();
    assert!(SECRETS.iter().all(|secret| review.contains(secret)), "{review}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(cwd.join("found.tsv")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "nobody else may read it");
    }
    assert_eq!(
        run(cwd, "corpus notes --review found.tsv --no-cache").status.code(),
        Some(2),
        "nothing is overwritten"
    );
    // The address may stay, the password's line goes.
    let lines = review.lines().map(|line| match line {
        line if line.contains(SECRETS[1]) => line.replacen("replace", "keep", 1),
        line if line.contains(SECRETS[0]) => line.replacen("replace", "drop", 1),
        line => line.to_string(),
    });
    std::fs::write(cwd.join("found.tsv"), lines.collect::<Vec<_>>().join("\r\n")).unwrap();
    let [told, _] = done(cwd, "corpus notes --secrets found.tsv --show 4 --no-cache");
    assert!(told.contains(SECRETS[1]));
    let [told, _] = done(cwd, "corpus notes --secrets found.tsv --show 3 --no-cache");
    assert!(!told.contains("password"), "{told}");
    let [told, _] = done(cwd, "corpus notes --secrets found.tsv --show 5 --no-cache");
    assert!(told.contains("[card 1]"), "{told}");
    std::fs::write(cwd.join("found.tsv"), "perhaps\tpassword\tx\t1\t[password 1]\tx\n").unwrap();
    let o = run(cwd, "corpus notes --secrets found.tsv --no-cache");
    let told = String::from_utf8_lossy(&o.stderr).into_owned();
    assert!(!o.status.success() && told.contains("found.tsv") && told.contains("perhaps"), "{told}");
}

#[test]
fn ones_own_patterns_are_looked_for() {
    let place = place();
    let cwd = place.path();
    let own = r#"{"patterns": [{"id": "boat", "kind": "secret", "locale": "en", "regex": "\\bweir\\b", "sure": true,
                 "example": "at the weir", "counterexample": "at the weird"}]}"#;
    std::fs::write(cwd.join("own.json"), own).unwrap();
    let [told, _] =
        done(cwd, "corpus notes --secret-patterns own.json --secrets replace --show 1 --no-cache");
    assert!(told.contains("walked to the [") && !told.contains("weir"), "{told}");
    std::fs::write(
        cwd.join("own.json"),
        r#"{"patterns": [{"id": "boat", "kind": "secret", "locale": "en", "regex": "("}]}"#,
    )
    .unwrap();
    let o = run(cwd, "corpus notes --secret-patterns own.json --no-cache");
    let told = String::from_utf8_lossy(&o.stderr).into_owned();
    assert!(!o.status.success() && told.contains("boat") && told.contains("own.json"), "{told}");
}
