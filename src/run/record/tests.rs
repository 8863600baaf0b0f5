use std::collections::BTreeMap;

use super::*;
use crate::base::Result;
use proptest::prelude::*;

fn written(json: &str) -> Result<Run> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.json");
    std::fs::write(&path, json).unwrap();
    read(&path)
}

fn saved() -> Run {
    Run { state: State { folder: "state/0".into(), files: BTreeMap::new() }, ..example() }
}

#[test]
fn a_run_reads_as_it_was_written() {
    let run = saved();
    assert_eq!(written(&to_json(&run)).unwrap(), run);
    assert!(to_json(&run).contains("\"beta2\": 0.95,"));
    // What earlier records did not say is not said where it is as it was then.
    assert!(["\"width\"", "\"tokenizer_file\""].iter().all(|key| !to_json(&run).contains(key)));
    let wide = Run { data: Data { width: Width::U32, ..run.data.clone() }, ..run.clone() };
    assert_eq!(written(&to_json(&wide)).unwrap(), wide);
    assert!(run.created.ends_with('Z') && run.created.len() == 20, "{}", run.created);
}

#[test]
fn later_fields_are_ignored_and_later_versions_are_not() {
    let mut json: serde_json::Value = serde_json::from_str(&to_json(&saved())).unwrap();
    json["weather"] = "rain".into();
    assert_eq!(written(&json.to_string()).unwrap().settings, saved().settings);
    json["version"] = (VERSION + 1).into();
    assert!(written(&json.to_string()).unwrap_err().to_string().contains("update diarist"));
    assert!(written("{}").unwrap_err().to_string().contains("not a run's record"));
}

#[test]
fn a_record_of_a_diarist_that_could_be_asked_for_less_opens() {
    let mut json: serde_json::Value = serde_json::from_str(&to_json(&saved())).unwrap();
    assert_eq!(json["data"]["reading"]["me"], serde_json::json!(["Ellis"]));
    json["data"]["reading"] = serde_json::json!({ "since": "2019-03-04", "style": { "lowercase": true } });
    let reading = written(&json.to_string()).unwrap().data.reading;
    assert_eq!(reading.since, Some(jiff::civil::date(2019, 3, 4)));
    assert!(reading.style.lowercase && !reading.style.unwrap && reading.globs.is_empty());
}

#[test]
fn a_state_is_beside_its_record() {
    for (folder, file) in [("state/1", "a"), ("../0", "a"), ("", "a"), ("state/0", "../a"), ("state/0", "")] {
        let mut run = saved();
        run.state = State { folder: folder.into(), files: [(file.into(), "00".into())].into() };
        assert!(written(&to_json(&run)).is_err(), "{folder} {file}");
    }
}

proptest! {
    /// A resumed run has the very same settings, or its bits would differ.
    #[test]
    fn floats_keep_their_bits(bits in any::<u32>()) {
        let lr = f32::from_bits(bits);
        prop_assume!(lr.is_finite());
        let mut run = saved();
        run.settings.lr = lr;
        prop_assert_eq!(written(&to_json(&run)).unwrap().settings.lr.to_bits(), lr.to_bits());
    }
}
