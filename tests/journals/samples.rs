//! Every format against samples made by hand from its documentation, compared whole.
//!
//! A sample is a folder under `tests/samples`: `in/` is what a person has (a folder there whose name ends in `.zip` stands
//! for a zip, one in `.zipped` for a zip of the name before that), `expected.jsonl` the entries, `counts.json` what was
//! left out, who spoke and what was doubtful, `options.json` what was asked for.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use diarist::journal::{VERSION, read};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::common::samples::{all, lay_out, options};

/// What was read from a sample: its entries and its counts.
fn outcome(sample: &Path) -> (Vec<Value>, Value) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("in");
    lay_out(&sample.join("in"), &root);
    let inside = |path: &Path| path.strip_prefix(&root).unwrap_or(path).display().to_string();
    let mut corpus = match read(std::slice::from_ref(&root), &options(sample), &mut ()) {
        Ok(corpus) => corpus,
        // Nothing of the writer's in it: the error says what there is instead.
        Err(e) => return (Vec::new(), json!(e.to_string().replace(&format!("{}", root.display()), "in"))),
    };
    let entries = corpus.entries().unwrap();
    let entries = entries.iter().map(|entry| {
        json!({
            "date": entry.when.map(|when| when.to_string()),
            "title": entry.title,
            "text": entry.text,
            "tags": entry.tags,
            "source": format!("{}{}", inside(&entry.source), entry.place),
        })
    });
    let entries = entries.collect();
    let report = &corpus.report;
    let mut left_out: BTreeMap<String, usize> = report.left_out.clone();
    for (what, times) in [
        ("entries without words", report.empty_entries),
        ("dates left in the text", report.dates_left_in_text),
    ] {
        if times > 0 {
            left_out.insert(what.into(), times);
        }
    }
    let lost = report.skipped.iter().filter(|skipped| skipped.lost);
    // What is to be pasted names the path as it is.
    let plain = |text: &str| text.replace(&format!("{}", root.display()), "in");
    let lost = lost.map(|skipped| {
        let place = skipped.place.map_or(String::new(), |place| place.to_string());
        format!("{}{place}: {}", inside(&skipped.path), plain(&skipped.reason))
    });
    let troubles = report.troubles.iter();
    let doubtful = troubles.map(|t| format!("{}{}: {}", inside(&t.path), t.place, plain(&t.problem)));
    let mut troubles: Vec<String> = lost.chain(doubtful).collect();
    troubles.sort();
    let strangers: Vec<&String> = report.strangers.keys().collect();
    (entries, json!({ "left_out": left_out, "strangers": strangers, "troubles": troubles }))
}

#[test]
fn every_sample_reads_as_expected() {
    let mut differing = Vec::new();
    for sample in all() {
        let (entries, counts) = outcome(&sample);
        let text = fs::read_to_string(sample.join("expected.jsonl")).unwrap();
        let expected: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let expected_counts: Value =
            serde_json::from_str(&fs::read_to_string(sample.join("counts.json")).unwrap()).unwrap();
        let mut differences = String::new();
        for i in 0..entries.len().max(expected.len()) {
            if entries.get(i) != expected.get(i) {
                differences += &format!(
                    "  entry {}\n    read     {:?}\n    expected {:?}\n",
                    i + 1,
                    entries.get(i),
                    expected.get(i)
                );
            }
        }
        if counts != expected_counts {
            differences += &format!("  counts\n    read     {counts}\n    expected {expected_counts}\n");
        }
        if !differences.is_empty() {
            differing.push(format!("{}\n{differences}", sample.file_name().unwrap().display()));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

/// What the reader's version is held by: its number, then a line for each sample with a hash of all that is read from it.
const READS: &str = "tests/fixtures/reads.txt";

/// `VERSION` is raised with every change to what is read: what was made of the old entries would stay in caches otherwise.
#[test]
fn other_entries_have_another_version() {
    let hash = |sample: &Path| {
        let (entries, counts) = outcome(sample);
        let sha = Sha256::digest(format!("{}\n{counts}", Value::from(entries)));
        sha.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let name = |sample: &Path| sample.file_name().unwrap().display().to_string();
    let now: BTreeMap<String, String> = all().iter().map(|sample| (name(sample), hash(sample))).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(READS);
    let text = fs::read_to_string(&path).unwrap_or_default();
    let held: u32 =
        text.lines().next().and_then(|line| line.strip_prefix("VERSION ")?.parse().ok()).unwrap_or(0);
    let pairs = text.lines().skip(1).filter_map(|line| line.split_once(' '));
    let before: BTreeMap<String, String> = pairs.map(|(name, hash)| (name.into(), hash.into())).collect();
    let changed: Vec<&String> = before
        .iter()
        .filter(|(name, hash)| now.get(*name).is_some_and(|now| now != *hash))
        .map(|(name, _)| name)
        .collect();
    assert!(
        held != VERSION || changed.is_empty(),
        "these samples are read to something else than version {VERSION} read them to: {changed:?}. If that is meant, \
         raise VERSION in src/journal/mod.rs, then renew {READS}: DIARIST_RENEW=1 cargo test --release other_entries"
    );
    if std::env::var_os("DIARIST_RENEW").is_some() {
        let lines: String = now.iter().map(|(name, hash)| format!("{name} {hash}\n")).collect();
        fs::write(&path, format!("VERSION {VERSION}\n{lines}")).unwrap();
        return;
    }
    assert!(
        held == VERSION && before == now,
        "{READS} is of version {held}, or of other samples: DIARIST_RENEW=1 cargo test --release other_entries renews it"
    );
}
