//! Streams: their chunks, their ends, and clients that go.

use std::io::{BufReader, Read};

use serde_json::{Value, json};

use super::client::{Reply, chunk, head, post, raw, request, whole};
use super::fake::Served;
use crate::serve::Settings;

fn chunks(reply: &Reply) -> Vec<Value> {
    assert_eq!(reply.header("content-type"), Some("text/event-stream; charset=utf-8"));
    let events = reply.events();
    let (done, events) = events.split_last().unwrap();
    assert_eq!(done, "[DONE]");
    events.iter().map(|event| serde_json::from_str(event).unwrap()).collect()
}

#[test]
fn a_chat_is_streamed_with_the_role_first_and_the_usage_last() {
    let served = Served::new(Settings::default());
    let body = json!({
        "model": "diary", "messages": [{ "role": "user", "content": "p" }], "stream": true, "n": 2,
        "stream_options": { "include_usage": true }, "logprobs": true,
    });
    let chunks = chunks(&post(served.at, "/v1/chat/completions", &body));
    let (last, rest) = chunks.split_last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"], json!({ "prompt_tokens": 1, "completion_tokens": 8, "total_tokens": 9 }));
    for chunk in rest {
        assert_eq!(chunk["object"], "chat.completion.chunk");
        assert_eq!((&chunk["id"], &chunk["created"]), (&last["id"], &last["created"]));
        assert_eq!(chunk["usage"], Value::Null);
        assert!(chunk.as_object().unwrap().contains_key("usage"));
    }
    for (index, finish) in [(0, "stop"), (1, "length")] {
        let own: Vec<&Value> =
            rest.iter().map(|chunk| &chunk["choices"][0]).filter(|choice| choice["index"] == index).collect();
        let first = json!({ "role": "assistant", "content": "", "refusal": null });
        assert_eq!(own[0]["delta"], first);
        assert_eq!(own[1]["logprobs"]["content"][0]["token"], "“");
        let text: String = own.iter().filter_map(|choice| choice["delta"]["content"].as_str()).collect();
        assert_eq!(text, format!("“xé😀”{index}:p"));
        let (end, before) = own.split_last().unwrap();
        let end_shape = json!({ "index": index, "delta": {}, "logprobs": null, "finish_reason": finish });
        assert_eq!(**end, end_shape);
        assert!(before.iter().all(|choice| choice["finish_reason"].is_null()));
    }
}

#[test]
fn a_completion_is_streamed_and_its_offsets_go_on() {
    let served = Served::new(Settings::default());
    let body = json!({ "model": "diary", "prompt": ["p", "q"], "stream": true, "logprobs": 0 });
    let chunks = chunks(&post(served.at, "/v1/completions", &body));
    for (index, prompt) in ["p", "q"].into_iter().enumerate() {
        let own: Vec<&Value> = chunks
            .iter()
            .map(|chunk| &chunk["choices"][0])
            .filter(|choice| choice["index"] == index)
            .collect();
        let text: String = own.iter().filter_map(|choice| choice["text"].as_str()).collect();
        assert_eq!(text, format!("“xé😀”0:{prompt}"));
        let offsets: Vec<&Value> = own.iter().map(|c| &c["logprobs"]["text_offset"][0]).collect();
        assert_eq!(offsets, [&json!(0), &json!(1), &json!(2), &json!(5), &Value::Null]);
        assert_eq!(own.last().unwrap()["finish_reason"], "stop");
    }
    assert!(chunks.iter().all(|c| c["object"] == "text_completion" && c.get("usage").is_none()));
}

#[test]
fn what_fails_before_it_begins_has_a_status_and_afterwards_an_event() {
    let served = Served::new(Settings::default());
    let ask = |prompt: &str, stream: bool| {
        let body = json!({ "model": "diary", "prompt": prompt, "stream": stream });
        post(served.at, "/v1/completions", &body)
    };
    for stream in [false, true] {
        assert_eq!(ask("too long", stream).error(), (400, json!("prompt"), json!("context_length_exceeded")));
        assert_eq!(ask("busy", stream).error(), (429, json!("prompt"), json!("rate_limit_exceeded")));
        assert_eq!(ask("busy", stream).header("retry-after"), Some("1"));
        assert_eq!(ask("broken", stream).error().0, 500);
        assert_eq!(ask("panic", stream).error().0, 500);
    }
    assert_eq!(ask("breaks midway", false).error().0, 500);
    for prompt in ["breaks midway", "fails midway"] {
        let reply = ask(prompt, true);
        let events = reply.events();
        assert_eq!((reply.status, events.len()), (200, 2));
        assert!(events[0].contains("half"));
        let error: Value = serde_json::from_str(&events[1]).unwrap();
        assert_eq!(error["error"]["type"], "server_error");
    }
    assert_eq!(ask("well", false).status, 200);
}

#[test]
fn a_client_that_goes_takes_its_wish_back() {
    let served = Served::new(Settings::default());
    let send = |prompt: &str, stream: bool| {
        let body = json!({ "model": "diary", "prompt": prompt, "stream": stream }).to_string();
        raw(served.at, &request(served.at, "POST /v1/completions", &[], body.as_bytes()))
    };
    // In the middle of a stream.
    let mut reader = BufReader::new(send("for ever", true));
    assert_eq!(head(&mut reader).0, 200);
    assert!(chunk(&mut reader).is_some());
    drop(reader);
    served.wait_for_cancelled(1);
    // While a whole answer is made, and before anything has begun.
    for (prompt, stream) in [("for ever", false), ("hold", false), ("hold", true)] {
        let before = served.seen.writes.lock().unwrap().len();
        let stream = send(prompt, stream);
        while served.seen.writes.lock().unwrap().len() == before {
            std::thread::yield_now();
        }
        drop(stream);
        served.wait_for_cancelled(before + 1);
    }
}

#[test]
fn a_slow_reader_keeps_nobody_waiting_and_still_gets_everything() {
    let settings =
        Settings { limits: crate::serve::Limits { jobs: 1, ..Default::default() }, ..Default::default() };
    let served = Served::new(settings);
    let body = json!({ "model": "diary", "prompt": "a flood", "stream": true }).to_string();
    let mut slow = raw(served.at, &request(served.at, "POST /v1/completions", &[], body.as_bytes()));
    let mut start = [0; 12];
    slow.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"HTTP/1.1 200");
    // There is room for one job, and the worker has soon done the slow one's; it lets go of each a moment after its end.
    let quick = json!({ "model": "diary", "prompt": "quick", "stream": true });
    let began = std::time::Instant::now();
    for _ in 0..20 {
        let mut reply = post(served.at, "/v1/completions", &quick);
        while reply.status == 429 {
            assert!(began.elapsed().as_secs() < 20, "the slow reader holds a place");
            std::thread::sleep(std::time::Duration::from_millis(5));
            reply = post(served.at, "/v1/completions", &quick);
        }
        assert_eq!(chunks(&reply).len(), 5);
    }
    let mut rest = start.to_vec();
    slow.read_to_end(&mut rest).unwrap();
    assert!(rest.len() > 4000 * 8000);
    assert!(rest.ends_with(b"data: [DONE]\n\n\r\n0\r\n\r\n"));
}

#[test]
fn a_connection_can_be_used_again_after_a_stream() {
    let served = Served::new(Settings::default());
    let body = json!({ "model": "diary", "prompt": "p", "stream": true }).to_string();
    let once = String::from_utf8(request(served.at, "POST /v1/completions", &[], body.as_bytes())).unwrap();
    let kept = once.replace("Connection: close\r\n", "");
    let stream = raw(served.at, kept.as_bytes());
    let mut again = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    assert_eq!(head(&mut reader).0, 200);
    while chunk(&mut reader).is_some() {}
    std::io::Write::write_all(&mut again, once.as_bytes()).unwrap();
    drop(reader);
    assert_eq!(chunks(&whole(again)).len(), 5);
}
