//! What is answered has `OpenAI`'s shapes to the letter.

use serde_json::{Value, json};

use super::client::{get, post};
use super::fake::Served;
use crate::serve::Settings;
use crate::serve::job::{Message, Prompt, Role};

fn served() -> Served {
    Served::new(Settings::default())
}

/// Takes out what is different each time, having looked at it.
fn settled(mut body: Value, id: &str) -> Value {
    let object = body.as_object_mut().unwrap();
    assert!(object["id"].as_str().unwrap().starts_with(id));
    assert!(object["created"].as_u64().unwrap() > 1_700_000_000);
    object.shift_remove("id");
    object.shift_remove("created");
    body
}

#[test]
fn models_are_listed_and_found_by_name() {
    let served = served();
    let diary = json!({
        "id": "diary", "object": "model", "created": 1_700_000_000, "owned_by": "diarist",
        "diarist": { "form": "diary", "context": 1024, "header": "# {date}\n\n", "recall": true, "log": false },
    });
    let list = get(served.at, "/v1/models").json();
    assert_eq!(list["object"], "list");
    assert_eq!(list["data"][0], diary);
    assert_eq!(list["data"][1]["diarist"]["header"], Value::Null);
    assert_eq!(get(served.at, "/v1/models/diary").json(), diary);
    let words = json!({
        "id": "words", "object": "model", "created": 0, "owned_by": "diarist", "diarist": { "form": "embeddings" },
    });
    assert_eq!((&list["data"][2], &get(served.at, "/v1/models/words").json()), (&words, &words));
    let refused = post(served.at, "/v1/completions", &json!({ "model": "words", "prompt": "p" }));
    assert_eq!(refused.error().0, 404, "it writes nothing");
    assert_eq!(get(served.at, "/v1/models/me/pairs%20v2").json()["id"], "me/pairs v2");
    assert_eq!(get(served.at, "/v1/models/none").error(), (404, json!("model"), json!("model_not_found")));
    assert_eq!(get(served.at, "/health").json(), json!({ "status": "ok", "models": 2, "jobs": 0 }));
}

#[test]
fn a_completion_has_its_shape() {
    let served = served();
    let reply = post(served.at, "/v1/completions", &json!({ "model": "diary", "prompt": "Dear diary" }));
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    let expected = json!({
        "object": "text_completion", "model": "diary",
        "choices": [{ "text": "“xé😀”0:Dear diary", "index": 0, "logprobs": null, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 2, "completion_tokens": 4, "total_tokens": 6 },
    });
    assert_eq!(settled(reply.json(), "cmpl-"), expected);
    let asked = served.last();
    assert_eq!((asked.n, asked.best_of, asked.max_tokens, asked.echo), (1, 1, Some(16), false));
    let endless = json!({ "model": "diary", "prompt": "Dear diary", "max_tokens": 2_000_000_000 });
    assert_eq!(post(served.at, "/v1/completions", &endless).status, 200);
    assert_eq!(served.last().max_tokens, Some(crate::serve::Limits::default().tokens));
}

#[test]
fn what_was_not_read_is_said() {
    let served = served();
    let body = json!({ "model": "diary", "heading": "long ago\n", "prompt": "it rained all day" });
    let unread = json!({ "left_out_tokens": 3, "read_from": 15 });
    assert_eq!(post(served.at, "/v1/completions", &body).json()["diarist"], unread);
    let (heading, text) = ("long ago\n".into(), "it rained all day".into());
    assert_eq!(served.last().prompt, Prompt::Text { heading, text });
    let mut chat = json!({ "model": "diary", "stream": true });
    let turns = ["one", "two", "three", "four", "five"];
    chat["messages"] = turns.iter().map(|said| json!({ "role": "user", "content": said })).collect();
    let events = post(served.at, "/v1/chat/completions", &chat).events();
    let chunks: Vec<Value> =
        events[..events.len() - 1].iter().map(|event| serde_json::from_str(event).unwrap()).collect();
    let told: Vec<usize> = (0..chunks.len()).filter(|&i| chunks[i].get("diarist").is_some()).collect();
    assert_eq!(told, [0, chunks.len() - 1], "with the first and with the last");
    assert!(told.iter().all(|&i| chunks[i]["diarist"] == json!({ "dropped_turns": 2 })));
    let short = post(served.at, "/v1/completions", &json!({ "model": "diary", "prompt": "it rained" }));
    assert!(short.json().get("diarist").is_none());
}

#[test]
fn prompts_of_every_kind_come_through_in_order() {
    let served = served();
    let cases = [
        (json!("a"), vec!["0:a"]),
        (json!(["a", "b"]), vec!["0:a", "1:a", "0:b", "1:b"]),
        (json!([5, 6]), vec!["0:[5, 6]"]),
        (json!([[5], [6, 7.0]]), vec!["0:[5]", "1:[5]", "0:[6, 7]", "1:[6, 7]"]),
        (Value::Null, vec!["0:"]),
    ];
    for (prompt, expected) in cases {
        let n = if expected.len() == 1 { 1 } else { 2 };
        let body = post(served.at, "/v1/completions", &json!({ "model": "diary", "prompt": prompt, "n": n }));
        let choices = body.json()["choices"].as_array().unwrap().clone();
        let texts: Vec<&str> =
            choices.iter().map(|c| c["text"].as_str().unwrap().strip_prefix("“xé😀”").unwrap()).collect();
        assert_eq!(texts, expected, "{prompt}");
        assert!(choices.iter().enumerate().all(|(i, choice)| choice["index"] == i));
        assert_eq!(body.json()["usage"]["completion_tokens"], 4 * expected.len());
    }
}

#[test]
fn a_chat_completion_has_its_shape() {
    let served = served();
    let body = json!({
        "model": "me/pairs v2",
        "messages": [
            { "role": "developer", "content": "Be brief." },
            { "role": "assistant", "content": "Yes?" },
            { "role": "user", "content": [{ "type": "text", "text": "Who" }, { "type": "text", "text": "am I?" }] },
        ],
        "tools": [], "tool_choice": "none", "response_format": { "type": "text" }, "user": "x", "unknown": {},
    });
    let expected = json!({
        "object": "chat.completion", "model": "me/pairs v2",
        "choices": [{
            "index": 0,
            "message": {
                "role": "assistant", "content": "“xé😀”0:Who\nam I?", "refusal": null, "annotations": [],
            },
            "logprobs": null,
            "finish_reason": "stop",
        }],
        "usage": { "prompt_tokens": 2, "completion_tokens": 4, "total_tokens": 6 },
    });
    assert_eq!(settled(post(served.at, "/v1/chat/completions", &body).json(), "chatcmpl-"), expected);
    let said = |role, content: &str| Message::new(role, content);
    let messages =
        vec![said(Role::System, "Be brief."), said(Role::Assistant, "Yes?"), said(Role::User, "Who\nam I?")];
    assert_eq!(served.last().prompt, Prompt::Messages(messages));
    assert_eq!((served.last().max_tokens, served.last().logprobs), (None, None));
}

#[test]
fn log_probabilities_have_both_shapes() {
    let served = served();
    let body = json!({ "model": "diary", "prompt": "p", "logprobs": 2 });
    let logprobs = &post(served.at, "/v1/completions", &body).json()["choices"][0]["logprobs"];
    assert_eq!(logprobs["tokens"], json!(["“", "x", "é😀”", "0:p"]));
    assert_eq!(logprobs["text_offset"], json!([0, 1, 2, 5]));
    assert_eq!(logprobs["token_logprobs"], json!([-0.5, -0.5, -0.5, -0.5]));
    assert_eq!(logprobs["top_logprobs"][1], json!({ "x": -0.5, "bytes:\\xe2\\x80": -1.5 }));
    let mut body = json!({
        "model": "diary", "messages": [{ "role": "user", "content": "p" }], "logprobs": true, "top_logprobs": 2,
    });
    let content = &post(served.at, "/v1/chat/completions", &body).json()["choices"][0]["logprobs"]["content"];
    assert_eq!(content.as_array().unwrap().len(), 4);
    let expected = json!({
        "token": "x", "logprob": -0.5, "bytes": [120],
        "top_logprobs": [
            { "token": "x", "logprob": -0.5, "bytes": [120] },
            { "token": "\\xe2\\x80", "logprob": -1.5, "bytes": [0xe2, 0x80] },
        ],
    });
    assert_eq!(content[1], expected);
    body["top_logprobs"] = Value::Null;
    post(served.at, "/v1/chat/completions", &body);
    assert_eq!(served.last().logprobs, Some(0));
}

#[test]
fn embeddings_are_numbers_or_base64() {
    let served = served();
    let reply = post(served.at, "/v1/embeddings", &json!({ "model": "words", "input": ["ab", "abc"] }));
    let expected = json!({
        "object": "list",
        "data": [
            { "object": "embedding", "index": 0, "embedding": [1.0, 2.0, -0.5] },
            { "object": "embedding", "index": 1, "embedding": [1.0, 3.0, -0.5] },
        ],
        "model": "words",
        "usage": { "prompt_tokens": 5, "total_tokens": 5 },
    });
    assert_eq!(reply.json(), expected);
    let body = json!({ "model": "words", "input": "ab", "encoding_format": "base64", "dimensions": 3 });
    // python3 -c 'import struct,base64; print(base64.b64encode(struct.pack("<3f",1,2,-.5)))'
    assert_eq!(post(served.at, "/v1/embeddings", &body).json()["data"][0]["embedding"], "AACAPwAAAEAAAAC/");
}
