use serde_json::{Value, json};

use super::chat::chat;
use super::completion::completion;
use super::fields::Fields;
use crate::sample::Choice;
use crate::serve::job::{Listed, Write};

fn fields(body: &Value) -> Fields {
    Fields::read(body.to_string().as_bytes()).unwrap()
}

fn listed() -> Vec<Listed> {
    vec![Listed { name: "m".into(), created: 0, context: 8, form: "diary", header: None }]
}

/// What the worker is asked, with some fields more than the least.
fn write(more: &Value) -> Write {
    let mut body = json!({ "model": "m", "prompt": "p" });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    completion(fields(&body), &listed()).unwrap().writes.remove(0)
}

#[test]
fn who_says_nothing_of_drawing_gets_our_own_and_who_does_gets_that() {
    let how = |more| write(&more).how;
    assert_eq!(how(json!({})), Choice::default());
    assert_eq!(how(json!({ "temperature": null, "top_p": null })), Choice::default());
    let own = Choice { top_k: 0, ..Choice::default() };
    assert_eq!(how(json!({ "temperature": 1 })), Choice { temperature: 1.0, ..own.clone() });
    assert_eq!(how(json!({ "top_p": 0.5 })), Choice { top_p: 0.5, ..own.clone() });
    assert_eq!(how(json!({ "top_p": 0 })), Choice { top_p: f32::MIN_POSITIVE, ..own.clone() });
    assert_eq!(how(json!({ "top_k": 7 })), Choice { top_k: 7, ..Choice::default() });
    assert_eq!(how(json!({ "top_k": -1 })), own);
    let everything = json!({
        "temperature": 0.5, "top_k": 3, "top_p": 0.25, "min_p": 0.125, "typical_p": 0.75, "repetition_penalty": 1.5,
        "frequency_penalty": -2, "presence_penalty": 2, "no_repeat_ngram_size": 3,
        "logit_bias": { "50": -100, "7": 1.5, "07": 3 },
    });
    let expected = Choice {
        temperature: 0.5,
        top_k: 3,
        top_p: 0.25,
        min_p: 0.125,
        typical_p: 0.75,
        repetition_penalty: 1.5,
        frequency_penalty: -2.0,
        presence_penalty: 2.0,
        no_repeat_ngram: 3,
        logit_bias: vec![(7, 1.5), (50, -100.0)],
    };
    assert_eq!(how(everything), expected);
}

#[test]
fn lengths_seeds_and_stops_are_taken_as_clients_give_them() {
    for (given, most) in
        [(json!(null), Some(16)), (json!(-1), None), (json!(0), Some(0)), (json!(5.0), Some(5))]
    {
        assert_eq!(write(&json!({ "max_tokens": given })).max_tokens, most, "{given}");
    }
    for (given, seed) in [(json!(null), None), (json!(7), Some(7)), (json!(-1), Some(u64::MAX))] {
        assert_eq!(write(&json!({ "seed": given })).seed, seed, "{given}");
    }
    assert_eq!(write(&json!({ "seed": u64::MAX })).seed, Some(u64::MAX));
    for (given, stop) in [
        (json!(null), vec![]),
        (json!("a"), vec!["a"]),
        (json!(""), vec![]),
        (json!(["a", "", "b"]), vec!["a", "b"]),
    ] {
        assert_eq!(write(&json!({ "stop": given })).stop, stop, "{given}");
    }
    let several = write(&json!({ "n": 2, "best_of": 5, "echo": true, "logprobs": 0 }));
    assert_eq!((several.n, several.best_of, several.echo, several.logprobs), (2, 5, true, Some(0)));
    assert_eq!(write(&json!({ "n": 3 })).best_of, 3);
}

#[test]
fn a_conversation_may_be_as_long_as_the_newer_field_says() {
    let most = |more: Value| {
        let mut body = json!({ "model": "m", "messages": [{ "role": "user", "content": "p" }] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        chat(fields(&body), &listed()).unwrap().writes[0].max_tokens
    };
    assert_eq!(most(json!({})), None);
    assert_eq!(most(json!({ "max_tokens": 5 })), Some(5));
    assert_eq!(most(json!({ "max_tokens": 5, "max_completion_tokens": 7 })), Some(7));
    assert_eq!(most(json!({ "max_tokens": -1 })), None);
}
