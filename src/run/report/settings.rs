//! What a run is, in words: how it trains, on what, and with what.

use std::path::Path;

use serde_json::Value;

use crate::base::units::{counted, shown, thousands};
use crate::run::record::Run;

/// What there is to know, each by its name.
pub type Facts = Vec<(String, String)>;

/// The settings, by the names of their flags.
pub fn settings(run: &Run) -> Facts {
    flat(&serde_json::to_value(&run.settings).expect("settings are JSON"))
}

/// What it was trained on, in brief, and what was left out of that.
pub fn corpus(run: &Run) -> Facts {
    let d = &run.data;
    let paths: Vec<String> = d.paths.iter().map(|path| shown(Path::new(path))).collect();
    let tokens = |[start, end]: [u64; 2]| counted(end.saturating_sub(start), "token", "tokens");
    let mut facts = vec![("read".to_string(), paths.join(", "))];
    facts.extend(d.brief.iter().cloned());
    if d.brief.is_empty() {
        let (entries, words) = (counted(d.entries, "entry", "entries"), counted(d.words, "word", "words"));
        facts.push(("journal".into(), format!("{entries}, {words}")));
    }
    facts.push(("trained on".into(), tokens(d.train)));
    facts.push(("held out".into(), format!("{}, {}", tokens(d.val), chosen(&d.split))));
    if let Some(header) = &d.header {
        let masked = if d.masked.is_some() { ", out of the loss" } else { "" };
        facts.push(("header".into(), format!("{}{masked}", header.trim_end())));
    }
    // What was asked for when the journals were read; what was left as it is says nothing.
    let reading = serde_json::to_value(&d.reading).expect("options are JSON");
    facts.extend(flat(&reading).into_iter().filter(|(_, value)| !["no", "–"].contains(&value.as_str())));
    facts
}

fn chosen(split: &str) -> String {
    match split {
        "random" => "drawn by the seed".into(),
        "latest" => "the latest".into(),
        file => format!("listed in {}", shown(Path::new(file))),
    }
}

/// The model and the device.
pub fn machine(run: &Run) -> Facts {
    let c = &run.model;
    let shape = format!(
        "{} layers, {} heads, {} channels, context {}",
        c.n_layer(),
        c.n_head(),
        c.n_embd(),
        thousands(c.block_size() as u64)
    );
    let preset = run.preset.as_deref().map_or(String::new(), |preset| format!(" ({preset})"));
    let id = &run.device;
    let parts = [&id.executor, &id.name, &id.backend, &id.driver].map(String::as_str);
    let mut device: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    device.dedup();
    [
        ("model", format!("{}{preset}, {} parameters", c.title(), thousands(c.num_params()))),
        ("shape", shape),
        ("began from", shown(Path::new(&run.from))),
        ("tokenizer", format!("{}, {} ids", run.tokenizer, thousands(c.vocab_size() as u64))),
        ("device", device.join(", ")),
        ("diarist", run.diarist.clone()),
        ("begun", run.created.clone()),
    ]
    .map(|(what, value)| (what.to_string(), value))
    .into()
}

/// The names of which the runs say different things, with what each says; "–" where one says nothing.
pub fn differences(runs: &[&Run]) -> Vec<(String, Vec<String>)> {
    let all: Vec<Facts> = runs
        .iter()
        .map(|run| {
            let mut facts = [settings(run), corpus(run), machine(run)].concat();
            facts.push(("tokens".into(), run.data.fingerprint.chars().take(12).collect()));
            // When a run began is no setting of it.
            facts.retain(|(what, _)| what != "begun");
            facts
        })
        .collect();
    let mut names: Vec<&String> = Vec::new();
    for (name, _) in all.iter().flatten() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let said = |facts: &Facts, name: &str| {
        // A line of one kind may stand several times: what was skipped, say.
        let all: Vec<&str> =
            facts.iter().filter(|(what, _)| what == name).map(|(_, value)| value.as_str()).collect();
        if all.is_empty() { "–".into() } else { all.join("; ") }
    };
    let row = |name: &String| (name.clone(), all.iter().map(|facts| said(facts, name)).collect::<Vec<_>>());
    names.into_iter().map(row).filter(|(_, values)| values.windows(2).any(|two| two[0] != two[1])).collect()
}

/// The values of an object, those of objects in it among them.
fn flat(value: &Value) -> Facts {
    let Value::Object(fields) = value else { return Vec::new() };
    let mut facts = Facts::new();
    for (name, value) in fields {
        match value {
            Value::Object(_) => facts.extend(flat(value)),
            _ => facts.push((name.replace('_', "-"), said(value))),
        }
    }
    facts
}

/// A value for a person.
fn said(value: &Value) -> String {
    match value {
        Value::Null => "–".into(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::String(text) if text.is_empty() => "–".into(),
        Value::String(text) => text.clone(),
        Value::Array(all) if all.is_empty() => "–".into(),
        Value::Array(all) => all.iter().map(said).collect::<Vec<_>>().join(", "),
        Value::Number(n) if n.is_f64() => {
            // Every one of them was single precision: its shortest digits.
            let x = n.as_f64().unwrap_or(f64::NAN) as f32;
            if x != 0.0 && x.abs() < 1e-3 { format!("{x:e}") } else { x.to_string() }
        }
        Value::Number(n) => n.to_string(),
        Value::Object(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::record::example;

    fn of<'a>(facts: &'a Facts, name: &str) -> &'a str {
        &facts.iter().find(|(what, _)| what == name).unwrap_or_else(|| panic!("{name}: {facts:?}")).1
    }

    #[test]
    fn settings_are_said_as_they_were_typed() {
        let mut run = example();
        let facts = settings(&run);
        assert_eq!((of(&facts, "lr"), of(&facts, "beta2"), of(&facts, "eps")), ("3e-4", "0.95", "1e-8"));
        assert_eq!((of(&facts, "recompute"), of(&facts, "threads"), of(&facts, "freeze")), ("yes", "–", "–"));
        run.data.header = Some("Dear {name}\n".into());
        run.data.reading.style.lowercase = true;
        let facts = corpus(&run);
        assert_eq!((of(&facts, "left out"), of(&facts, "me")), ("photo links (12)", "Ellis"));
        assert_eq!((of(&facts, "lowercase"), of(&facts, "header")), ("yes", "Dear {name}"));
        assert_eq!(of(&facts, "held out"), "6,000 tokens, drawn by the seed");
        assert!(facts.iter().all(|(what, _)| what != "unwrap"), "{facts:?}");
        run.data.brief.clear();
        assert_eq!(of(&corpus(&run), "journal"), "60 entries, 12,000 words");
        assert_eq!(of(&machine(&run), "device"), "cpu");
    }

    #[test]
    fn only_what_differs_is_a_difference() {
        let (a, mut b) = (example(), example());
        assert_eq!(differences(&[&a, &b]), []);
        b.settings.lr = 1e-3;
        b.data.reading.me.clear();
        b.created = "2020-01-01T00:00:00Z".into();
        assert_eq!(
            differences(&[&a, &b, &a]),
            [
                ("lr".to_string(), ["3e-4", "0.001", "3e-4"].map(String::from).to_vec()),
                ("me".to_string(), ["Ellis", "–", "Ellis"].map(String::from).to_vec()),
            ]
        );
    }
}
