//! Our distributions against those of transformers' processors (`tests/fixtures/sampling.py`).

use std::collections::BTreeMap;

use serde_json::Value;

use super::bend::bend;
use super::*;

const FIXTURE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/sampling.json"));

/// Both compute in double precision from the same logits: what differs is the order of sums of 41 numbers, an exponential's last
/// bit, and that theirs is written with twelve digits.
const TOLERANCE: f64 = 1e-11;

fn float(value: &Value) -> f32 {
    value.as_f64().unwrap() as f32
}

fn tokens(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
}

/// A choice of what is named, of all tokens where nothing is.
fn choice(how: &Value) -> Choice {
    let mut choice = Choice { temperature: 1.0, top_k: 0, ..Choice::default() };
    for (key, value) in how.as_object().unwrap() {
        match key.as_str() {
            "temperature" => choice.temperature = float(value),
            "top_k" => choice.top_k = value.as_u64().unwrap() as usize,
            "top_p" => choice.top_p = float(value),
            "min_p" => choice.min_p = float(value),
            "typical_p" => choice.typical_p = float(value),
            "repetition_penalty" => choice.repetition_penalty = float(value),
            "frequency_penalty" => choice.frequency_penalty = float(value),
            "presence_penalty" => choice.presence_penalty = float(value),
            "no_repeat_ngram" => choice.no_repeat_ngram = value.as_u64().unwrap() as usize,
            "logit_bias" => {
                let pairs = value.as_array().unwrap().iter();
                choice.logit_bias =
                    pairs.map(|pair| (pair[0].as_u64().unwrap() as u32, float(&pair[1]))).collect();
            }
            key => panic!("{key} is no part of a choice"),
        }
    }
    choice.check().unwrap();
    choice
}

/// Of a share so small, a sum of doubles that is near 1 does not grow: our top-p of 1 may do without.
const NOTHING: f64 = 1e-15;

/// Whether two distributions are of the same tokens; if not, what only one has is exactly as likely as our least likely, and of what
/// both have the proportions are the same.
#[allow(clippy::float_cmp)] // a tie is exact
fn are_of_the_same(
    ours: &BTreeMap<u32, f64>,
    theirs: &BTreeMap<u32, f64>,
    bent: &[f32],
    case: &Value,
) -> bool {
    let in_both: Vec<u32> = ours.keys().copied().filter(|id| theirs.contains_key(id)).collect();
    let [our_sum, their_sum] = [ours, theirs].map(|side| in_both.iter().map(|id| side[id]).sum::<f64>());
    for id in &in_both {
        let (a, b) = (ours[id] / our_sum, theirs[id] / their_sum);
        assert!((a - b).abs() <= TOLERANCE * b.max(NOTHING), "{case}: token {id} has {a}, not {b}");
    }
    let in_one = ours.iter().chain(theirs).filter(|(id, p)| !in_both.contains(id) && **p > NOTHING);
    let in_one: Vec<u32> = in_one.map(|(&id, _)| id).collect();
    let least = ours.keys().map(|&id| bent[id as usize]).fold(f32::INFINITY, f32::min);
    assert!(in_one.iter().all(|&id| bent[id as usize] == least), "{case}: {in_one:?} are in one alone");
    in_one.is_empty()
}

#[test]
fn distributions_are_transformers() {
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    let (prompt, written) = (tokens(&fixture["prompt"]), tokens(&fixture["written"]));
    let so_far = SoFar { prompt: &prompt, written: &written };
    let cases = fixture["cases"].as_array().unwrap();
    let mut differ = Vec::new();
    for case in cases {
        let logits = fixture["logits"][case["logits"].as_str().unwrap()].as_array().unwrap();
        let logits: Vec<f32> =
            logits.iter().map(|x| x.as_f64().map_or(f32::NEG_INFINITY, |x| x as f32)).collect();
        let how = choice(&case["how"]);
        let ours = distribution(&logits, &so_far, &how);
        assert!(ours.is_sorted_by(|a, b| a.1 >= b.1), "{case}");
        let theirs = case["kept"].as_array().unwrap().iter();
        let theirs = theirs.map(|pair| (pair[0].as_u64().unwrap() as u32, pair[1].as_f64().unwrap()));
        let bent = bend(&logits, &so_far, &how);
        let (ours, theirs) = (ours.into_iter().collect::<BTreeMap<u32, f64>>(), theirs.collect());
        if !are_of_the_same(&ours, &theirs, &bent, case) {
            let cut = if how.top_k > 0 { "top_k" } else { "top_p" };
            assert!(case["how"].get(cut).is_some(), "{case}");
            differ.push((case["logits"].as_str().unwrap(), cut));
        }
        // Of the nucleus it is the choice among equals that differs, not how many there are.
        let more = |side: &BTreeMap<u32, f64>| side.values().filter(|p| **p > NOTHING).count();
        assert!(how.top_k > 0 || more(&ours) == more(&theirs), "{case}");
    }
    assert!(cases.len() > 190, "{}", cases.len());
    // Where logits were made equal, and nowhere else.
    let even = [("even", "top_p"), ("even", "top_p"), ("even", "top_p"), ("even", "top_k")];
    let tied =
        [("tied", "top_k"), ("tied", "top_k"), ("tied", "top_p"), ("tied", "top_p"), ("tied", "top_p")];
    assert_eq!(differ, [tied.as_slice(), &even].concat());
}
