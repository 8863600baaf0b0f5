//! A pre-tokenizer as `tokenizer.json` writes it.

use serde_json::{Value, json};

use super::{Kept, Pattern, Pre, Step};

impl Pre {
    /// Reads a `pre_tokenizer`.
    ///
    /// # Errors
    /// What of it is not read, as a clause.
    pub fn of_json(value: &Value) -> Result<Pre, String> {
        let mut list = Vec::new();
        flatten(value, &mut list, 0)?;
        let Some((last, before)) = list.split_last().filter(|(last, _)| last["type"] == "ByteLevel") else {
            let name = list.last().and_then(|last| last["type"].as_str()).unwrap_or("nothing");
            return Err(format!(
                "its pre-tokenizer ends with {name:.40}, where byte-level BPE has ByteLevel"
            ));
        };
        let flag = |step: &Value, name: &str, default: bool| step[name].as_bool().unwrap_or(default);
        let steps = before.iter().map(|step| match step["type"].as_str() {
            Some("Digits") => Ok(Step::Digits { individual: flag(step, "individual_digits", false) }),
            Some("Split") => {
                let pattern = match (step["pattern"]["Regex"].as_str(), step["pattern"]["String"].as_str()) {
                    (Some(regex), _) => Pattern::new(regex),
                    (None, Some(text)) => Pattern::literal(text),
                    (None, None) => Err("is neither Regex nor String".into()),
                };
                let kept = match (step["behavior"].as_str(), flag(step, "invert", false)) {
                    (Some("Isolated"), _) => Kept::All,
                    (Some("Removed"), false) => Kept::Between,
                    (Some("Removed"), true) => Kept::Matches,
                    (other, _) => {
                        let other = other.unwrap_or("none");
                        return Err(format!("its pre-tokenizer splits with the behavior {other:.40}"));
                    }
                };
                let pattern = pattern.map_err(|e| format!("the pattern of its pre-tokenizer {e}"))?;
                Ok(Step::Split { pattern, kept })
            }
            other => Err(format!(
                "its pre-tokenizer has a step {:.40} before the last",
                other.unwrap_or("without a type")
            )),
        });
        let steps = steps.collect::<Result<Vec<Step>, String>>()?;
        Ok(Pre::new(steps, flag(last, "add_prefix_space", true), flag(last, "use_regex", true)))
    }

    /// As `tokenizers` reads it.
    pub fn to_json(&self) -> Value {
        let last = json!({
            "type": "ByteLevel",
            "add_prefix_space": self.prefix_space,
            "trim_offsets": true,
            "use_regex": self.words,
        });
        if self.steps.is_empty() {
            return last;
        }
        let steps = self.steps.iter().map(|step| match step {
            Step::Digits { individual } => json!({ "type": "Digits", "individual_digits": individual }),
            Step::Split { pattern, kept } => json!({
                "type": "Split",
                "pattern": { "Regex": pattern.source() },
                "behavior": if *kept == Kept::All { "Isolated" } else { "Removed" },
                "invert": *kept == Kept::Matches,
            }),
        });
        json!({ "type": "Sequence", "pretokenizers": steps.chain([last]).collect::<Vec<Value>>() })
    }
}

/// The steps of sequences in sequences.
fn flatten<'a>(value: &'a Value, list: &mut Vec<&'a Value>, depth: usize) -> Result<(), String> {
    if value["type"] != "Sequence" {
        list.push(value);
        return Ok(());
    }
    let steps = value["pretokenizers"]
        .as_array()
        .filter(|_| depth < 8)
        .ok_or("its pre-tokenizer is a sequence of nothing")?;
    steps.iter().try_for_each(|step| flatten(step, list, depth + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let split = |pattern, kept| Step::Split { pattern: Pattern::new(pattern).unwrap(), kept };
        for pre in [
            Pre::gpt2(),
            Pre::new(vec![Step::Digits { individual: true }], false, true),
            Pre::new(
                vec![split(r"\d{1,3}|\s+(?!\S)|\s+", Kept::All), split("x", Kept::Between)],
                true,
                false,
            ),
            Pre::new(vec![split("y", Kept::Matches)], false, false),
        ] {
            assert_eq!(Pre::of_json(&pre.to_json()).unwrap(), pre);
        }
    }

    #[test]
    fn other_steps_are_refused_by_name() {
        let byte_level = Pre::gpt2().to_json();
        let sequence = |steps: Vec<Value>| json!({ "type": "Sequence", "pretokenizers": steps });
        for (value, told) in [
            (json!(null), "ends with nothing"),
            (json!({ "type": "Metaspace", "replacement": "_" }), "ends with Metaspace"),
            (sequence(vec![byte_level.clone(), json!({ "type": "Digits" })]), "ends with Digits"),
            (sequence(vec![json!({ "type": "Punctuation" }), byte_level.clone()]), "step Punctuation"),
            (sequence(vec![byte_level.clone(), byte_level.clone()]), "step ByteLevel"),
            (json!({ "type": "Sequence" }), "sequence of nothing"),
            (
                sequence(vec![
                    json!({ "type": "Split", "pattern": { "Regex": "a" }, "behavior": "MergedWithNext" }),
                    byte_level.clone(),
                ]),
                "MergedWithNext",
            ),
            (
                sequence(vec![
                    json!({ "type": "Split", "pattern": { "Regex": "a(?=b)" }, "behavior": "Isolated" }),
                    byte_level.clone(),
                ]),
                "pattern of its pre-tokenizer looks around",
            ),
            (
                sequence(vec![
                    json!({ "type": "Split", "pattern": {}, "behavior": "Isolated" }),
                    byte_level.clone(),
                ]),
                "neither Regex nor String",
            ),
        ] {
            let error = Pre::of_json(&value).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
        // A literal is read as it stands, nested sequences as one.
        let literal = json!({ "type": "Split", "pattern": { "String": "." }, "behavior": "Isolated" });
        let nested = Pre::of_json(&sequence(vec![sequence(vec![literal]), byte_level])).unwrap();
        assert_eq!(nested.to_json()["pretokenizers"][0]["pattern"]["Regex"], r"\.");
    }
}
