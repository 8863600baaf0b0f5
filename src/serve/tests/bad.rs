//! Requests that cannot be: each has one error, in `OpenAI`'s shape, and the server lives on.

use serde_json::{Value, json};

use super::client::{ask, get, post, raw, whole};
use super::fake::Served;
use crate::serve::Settings;

/// What is put over a good request, the field that is found wrong, and the code.
type Case = (Value, &'static str, &'static str);

fn merged(base: &Value, over: &Value) -> Value {
    let mut body = base.clone();
    for (name, value) in over.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn check(path: &str, base: &Value, cases: &[Case]) {
    let served = Served::new(Settings::default());
    for (over, param, code) in cases {
        let reply = post(served.at, path, &merged(base, over));
        let (status, found, found_code) = reply.error();
        let wanted = if *code == "model_not_found" { 404 } else { 400 };
        assert_eq!(status, wanted, "{over}: {}", reply.text());
        assert_eq!(found, *param, "{over}: {}", reply.text());
        assert_eq!(found_code, if code.is_empty() { Value::Null } else { json!(code) }, "{over}");
        assert_eq!(reply.json()["error"]["type"], "invalid_request_error");
    }
    assert!(served.seen.writes.lock().unwrap().is_empty(), "nothing wrong reaches the worker");
    assert_eq!(post(served.at, path, base).status, 200);
}

#[test]
fn bad_completions_are_refused_with_their_field() {
    let base = json!({ "model": "diary", "prompt": "p" });
    let cases = [
        (json!({ "model": null }), "model", "missing_required_parameter"),
        (json!({ "model": 5 }), "model", "invalid_type"),
        (json!({ "model": "gpt-4" }), "model", "model_not_found"),
        (json!({ "prompt": 5 }), "prompt", "invalid_type"),
        (json!({ "prompt": {} }), "prompt", "invalid_type"),
        (json!({ "prompt": [] }), "prompt", "empty_array"),
        (json!({ "prompt": [[]] }), "prompt", "empty_array"),
        (json!({ "prompt": ["a", 5] }), "prompt", "invalid_type"),
        (json!({ "prompt": [1, "a"] }), "prompt", "invalid_type"),
        (json!({ "prompt": [-1] }), "prompt", "invalid_type"),
        (json!({ "prompt": [1.5] }), "prompt", "invalid_type"),
        (json!({ "prompt": [4_294_967_296_u64] }), "prompt", "invalid_type"),
        (json!({ "prompt": [true] }), "prompt", "invalid_type"),
        (json!({ "prompt": vec!["a"; 129] }), "prompt", "array_above_max_length"),
        (json!({ "recall": true }), "recall", "unsupported_value"),
        (json!({ "heading": 5 }), "heading", "invalid_type"),
        (json!({ "heading": "# 5 May", "prompt": [1] }), "heading", "unsupported_value"),
        (json!({ "suffix": "end" }), "suffix", "unsupported_value"),
        (json!({ "max_tokens": "5" }), "max_tokens", "invalid_type"),
        (json!({ "max_tokens": 1.5 }), "max_tokens", "invalid_type"),
        (json!({ "max_tokens": -2 }), "max_tokens", "integer_below_min_value"),
        (json!({ "max_tokens": 1e300 }), "max_tokens", "invalid_type"),
        (json!({ "n": 0 }), "n", "integer_below_min_value"),
        (json!({ "n": 129 }), "n", "integer_above_max_value"),
        (json!({ "n": 3, "best_of": 2 }), "best_of", ""),
        (json!({ "best_of": 2, "stream": true }), "best_of", "unsupported_value"),
        (json!({ "logprobs": 6 }), "logprobs", "integer_above_max_value"),
        (json!({ "logprobs": true }), "logprobs", "invalid_type"),
        (json!({ "echo": "yes" }), "echo", "invalid_type"),
        (json!({ "stream": 1 }), "stream", "invalid_type"),
        (json!({ "stream_options": { "include_usage": true } }), "stream_options", ""),
        (json!({ "stream": true, "stream_options": [] }), "stream_options", "invalid_type"),
        (json!({ "temperature": "hot" }), "temperature", "invalid_type"),
        (json!({ "temperature": -0.1 }), "temperature", "decimal_below_min_value"),
        (json!({ "temperature": 2.1 }), "temperature", "decimal_above_max_value"),
        (json!({ "top_p": 1.1 }), "top_p", "decimal_above_max_value"),
        (json!({ "top_k": -2 }), "top_k", "integer_below_min_value"),
        (json!({ "top_k": 1.5 }), "top_k", "invalid_type"),
        (json!({ "min_p": 2 }), "min_p", "decimal_above_max_value"),
        (json!({ "typical_p": -1 }), "typical_p", "decimal_below_min_value"),
        (json!({ "repetition_penalty": 0 }), "repetition_penalty", "decimal_below_min_value"),
        (json!({ "frequency_penalty": 3 }), "frequency_penalty", "decimal_above_max_value"),
        (json!({ "presence_penalty": -3 }), "presence_penalty", "decimal_below_min_value"),
        (json!({ "no_repeat_ngram_size": -1 }), "no_repeat_ngram_size", "integer_below_min_value"),
        (json!({ "logit_bias": [] }), "logit_bias", "invalid_type"),
        (json!({ "logit_bias": { "a": 1 } }), "logit_bias", "unsupported_value"),
        (json!({ "logit_bias": { "-1": 1 } }), "logit_bias", "unsupported_value"),
        (json!({ "logit_bias": { "1": "x" } }), "logit_bias", "invalid_type"),
        (json!({ "logit_bias": { "1": 101 } }), "logit_bias", "decimal_above_max_value"),
        (json!({ "stop": 5 }), "stop", "invalid_type"),
        (json!({ "stop": ["a", null] }), "stop", "invalid_type"),
        (json!({ "stop": vec!["a"; 17] }), "stop", "array_above_max_length"),
        (json!({ "seed": 1.5 }), "seed", "invalid_type"),
        (json!({ "seed": "x" }), "seed", "invalid_type"),
        (json!({ "recall": "yes" }), "recall", "invalid_type"),
    ];
    check("/v1/completions", &base, &cases);
}

#[test]
fn bad_conversations_are_refused_with_their_field() {
    let base = json!({ "model": "diary", "messages": [{ "role": "user", "content": "p" }] });
    let one = |message: Value| json!({ "messages": [{ "role": "user", "content": "" }, message] });
    let part = |part: Value| json!({ "messages": [{ "role": "user", "content": [part] }] });
    let cases = [
        (json!({ "messages": null }), "messages", "missing_required_parameter"),
        (json!({ "messages": [] }), "messages", "empty_array"),
        (json!({ "messages": "hi" }), "messages", "invalid_type"),
        (one(json!("hi")), "messages[1]", "invalid_type"),
        (one(json!({ "content": "" })), "messages[1].role", "missing_required_parameter"),
        (one(json!({ "role": 1, "content": "" })), "messages[1].role", "invalid_type"),
        (one(json!({ "role": "king", "content": "" })), "messages[1].role", "invalid_value"),
        (one(json!({ "role": "tool", "content": "" })), "messages[1].role", "unsupported_value"),
        (one(json!({ "role": "user" })), "messages[1].content", "missing_required_parameter"),
        (one(json!({ "role": "user", "content": 1 })), "messages[1].content", "invalid_type"),
        (
            one(json!({ "role": "assistant", "tool_calls": [{ "id": "x" }] })),
            "messages[1].tool_calls",
            "unsupported_value",
        ),
        (part(json!("x")), "messages[0].content[0]", "invalid_type"),
        (part(json!({})), "messages[0].content[0].type", "missing_required_parameter"),
        (part(json!({ "type": "text" })), "messages[0].content[0].text", "missing_required_parameter"),
        (part(json!({ "type": "text", "text": 1 })), "messages[0].content[0].text", "invalid_type"),
        (
            part(json!({ "type": "image_url", "image_url": { "url": "data:" } })),
            "messages[0].content[0].type",
            "unsupported_value",
        ),
        (json!({ "tools": [{ "type": "function" }] }), "tools", "unsupported_value"),
        (json!({ "functions": [{ "name": "f" }] }), "functions", "unsupported_value"),
        (json!({ "response_format": { "type": "json_object" } }), "response_format", "unsupported_value"),
        (json!({ "response_format": {} }), "response_format.type", "missing_required_parameter"),
        (json!({ "modalities": ["text", "audio"] }), "modalities", "unsupported_value"),
        (json!({ "max_tokens": 0 }), "max_tokens", "integer_below_min_value"),
        (json!({ "max_completion_tokens": "x" }), "max_completion_tokens", "invalid_type"),
        (json!({ "logprobs": 3 }), "logprobs", "invalid_type"),
        (json!({ "logprobs": true, "top_logprobs": 21 }), "top_logprobs", "integer_above_max_value"),
        (json!({ "top_logprobs": 2 }), "top_logprobs", ""),
        (json!({ "n": 1.5 }), "n", "invalid_type"),
    ];
    check("/v1/chat/completions", &base, &cases);
}

#[test]
fn bad_embeddings_and_scores_are_refused_with_their_field() {
    let cases = [
        (json!({ "input": null }), "input", "missing_required_parameter"),
        (json!({ "input": [] }), "input", ""),
        (json!({ "input": [""] }), "input", ""),
        (json!({ "input": [1, 2] }), "input", "invalid_type"),
        (json!({ "model": null }), "model", "missing_required_parameter"),
        (json!({ "model": "diary" }), "model", "model_not_found"),
        (json!({ "encoding_format": "hex" }), "encoding_format", "invalid_value"),
        (json!({ "dimensions": 2 }), "dimensions", "unsupported_value"),
    ];
    check("/v1/embeddings", &json!({ "model": "words", "input": "a" }), &cases);
    let cases = [
        (json!({ "text": null }), "text", "missing_required_parameter"),
        (json!({ "text": [] }), "text", "invalid_type"),
        (json!({ "model": "none" }), "model", "model_not_found"),
    ];
    check("/diarist/score", &json!({ "model": "diary", "text": "a" }), &cases);
}

#[test]
fn what_is_no_json_object_in_utf8_is_refused() {
    let served = Served::new(Settings::default());
    let deep = "[".repeat(100_000);
    let bodies: [&[u8]; 9] = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{\"model\": \"diary\", \"prompt\": \"\xff\"}",
        b"{\"model\": \"diary\", \"prompt\": \"\\ud800\"}",
        b"{\"model\": \"diary\", \"prompt\": NaN}",
        b"{\"model\": \"diary\"} {}",
        deep.as_bytes(),
    ];
    for body in bodies {
        for path in ["/v1/completions", "/v1/chat/completions", "/v1/embeddings", "/diarist/leans"] {
            let reply = ask(served.at, &format!("POST {path}"), &[], body);
            assert_eq!(reply.error(), (400, json!(null), json!("invalid_json")), "{path}");
        }
    }
}

#[test]
fn paths_and_methods_that_are_not_there_say_so() {
    let served = Served::new(Settings::default());
    for path in ["/v1", "/v1/completion", "/v2/models", "/page.html", "/../etc/passwd", "/%00", "//"] {
        assert_eq!(get(served.at, path).error(), (404, json!(null), json!(null)), "{path}");
    }
    for line in
        ["GET /v1/completions", "POST /v1/models", "DELETE /v1/models/diary", "PUT /", "OPTIONS /health"]
    {
        assert_eq!(ask(served.at, line, &[], b"").error().0, 405, "{line}");
    }
    assert_eq!(get(served.at, "/v1/completions").header("allow"), Some("POST"));
    assert_eq!(whole(raw(served.at, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")).status, 403);
    assert_eq!(get(served.at, "/v1/models/%ff").status, 400);
    assert_eq!(get(served.at, "/health").status, 200);
}
