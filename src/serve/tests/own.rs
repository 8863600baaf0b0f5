//! What is diarist's own: scores, entries, sources, and the log.

use serde_json::{Value, json};

use super::client::{get, post, raw, request};
use super::fake::{Served, log, work};
use crate::serve::Settings;

#[test]
fn a_score_has_a_place_for_each_token() {
    let served = Served::new(Settings::default());
    let body = json!({ "model": "diary", "text": "a😀b" });
    let tokens = &post(served.at, "/diarist/score", &body).json()["tokens"];
    assert_eq!(tokens[0], json!({ "text": "a", "start": 0, "end": 1, "bits": null }));
    assert_eq!((&tokens[1]["start"], &tokens[1]["end"]), (&json!(1), &json!(3)));
    assert!((tokens[2]["bits"].as_f64().unwrap() - 0.5 / std::f64::consts::LN_2).abs() < 1e-6);
    let refused = post(served.at, "/diarist/score", &json!({ "model": "diary", "text": "refuse" }));
    assert_eq!(refused.error(), (400, json!("prompt"), json!("context_length_exceeded")));
}

#[test]
fn entries_are_found_and_leaned_on() {
    let served = Served::new(Settings::default());
    let found = post(served.at, "/diarist/recall", &json!({ "query": "sea", "k": 1 }));
    let first = json!({ "name": "first", "date": "1890-05-01", "text": "of sea", "score": 1.5 });
    assert_eq!(found.json(), json!({ "passages": [first] }));
    let leans = post(served.at, "/diarist/leans", &json!({ "text": "😀 bee" }));
    let lean = json!({ "name": "first", "date": null, "words": 2, "text": "Bee", "start": 3, "end": 6 });
    assert_eq!(leans.json(), json!({ "leans": [lean] }));
    let broken = post(served.at, "/diarist/recall", &json!({ "query": "broken" }));
    assert_eq!(broken.error().0, 500);
    assert!(broken.text().contains("cut short"));
    assert_eq!(post(served.at, "/diarist/recall", &json!({ "query": "sea", "k": 0 })).error().1, "k");
}

#[test]
fn an_answer_names_what_it_stands_on_and_marks_what_is_in_no_source() {
    let served = Served::new(Settings::default());
    // The worker says that the second passage stands in the prompt.
    let expected = json!({
        "sources": [{ "name": "second", "date": null, "text": "of the sea" }],
        "unsupported": [[0, 6]],
    });
    let mut body = json!({
        "model": "diary", "recall": true,
        "messages": [{ "role": "user", "content": "the sea" }, { "role": "assistant", "content": "“" }],
    });
    assert_eq!(post(served.at, "/v1/chat/completions", &body).json()["diarist"], expected);
    assert_eq!(served.last().passages.len(), 2);
    body["n"] = json!(2);
    let both = post(served.at, "/v1/chat/completions", &body).json();
    assert_eq!((&both["diarist"], &both["choices"][1]["diarist"]), (&expected, &expected));
    body["n"] = json!(1);
    body["stream"] = json!(true);
    let events = post(served.at, "/v1/chat/completions", &body).events();
    let chunks: Vec<Value> =
        events[..events.len() - 1].iter().map(|event| serde_json::from_str(event).unwrap()).collect();
    let (last, rest) = chunks.split_last().unwrap();
    assert_eq!((&last["diarist"], &last["choices"][0]["finish_reason"]), (&expected, &json!("stop")));
    assert!(rest.iter().all(|chunk| chunk.get("diarist").is_none()));
}

#[test]
fn without_an_index_what_needs_one_says_so() {
    let served = Served::with(Settings::default(), None, work);
    assert_eq!(post(served.at, "/diarist/recall", &json!({ "query": "sea" })).error().0, 404);
    assert_eq!(post(served.at, "/diarist/leans", &json!({ "text": "sea" })).error().0, 404);
    assert_eq!(post(served.at, "/v1/embeddings", &json!({ "model": "m", "input": "a" })).error().0, 404);
    let body = json!({ "model": "diary", "messages": [{ "role": "user", "content": "p" }], "recall": true });
    assert_eq!(post(served.at, "/v1/chat/completions", &body).error().1, "recall");
    assert_eq!(get(served.at, "/v1/models/diary").json()["diarist"]["recall"], false);
}

#[test]
fn what_is_said_is_written_only_to_a_log_that_was_asked_for() {
    let (_dir, path) = log();
    std::fs::write(&path, "").unwrap();
    let served = Served::new(Settings { log: Some(path.clone()), ..Settings::default() });
    assert_eq!(get(served.at, "/health").json()["log"], "ok");
    let body = json!({ "model": "diary", "prompt": "dear", "stream": true });
    post(served.at, "/v1/completions", &body);
    post(served.at, "/v1/completions", &json!({ "model": "none", "prompt": "lost" }));
    let chat = json!({ "model": "diary", "messages": [{ "role": "user", "content": "who?" }] });
    post(served.at, "/v1/chat/completions", &chat);
    post(served.at, "/diarist/recall", &json!({ "query": "sea", "k": 1 }));
    post(served.at, "/diarist/leans", &json!({ "text": "a bee" }));
    let body =
        json!({ "model": "diary", "messages": [{ "role": "user", "content": "sea" }], "recall": true });
    post(served.at, "/v1/chat/completions", &body);
    // One whose client goes, in the middle of an answer that is sent when all of it is there.
    let hold = json!({ "model": "diary", "prompt": "for ever" }).to_string();
    let stream = raw(served.at, &request(served.at, "POST /v1/completions", &[], hold.as_bytes()));
    while served.seen.writes.lock().unwrap().len() < 4 {
        std::thread::yield_now();
    }
    std::thread::sleep(std::time::Duration::from_millis(100));
    drop(stream);
    served.wait_for_cancelled(1);
    assert_eq!(get(served.at, "/v1/models/diary").json()["diarist"]["log"], true);
    drop(served);
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&path).unwrap()) & 0o777, 0o600);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let statuses: Vec<u64> = lines.iter().map(|line| line["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 404, 200, 200, 200, 200, 499], "{text}");
    assert_eq!((&lines[0]["prompt"], &lines[0]["texts"]), (&json!("dear"), &json!(["“xé😀”0:dear"])));
    assert_eq!((&lines[0]["prompt_tokens"], &lines[0]["completion_tokens"]), (&json!(1), &json!(4)));
    assert_eq!(lines[2]["prompt"], json!([{ "role": "user", "content": "who?" }]));
    assert_eq!(lines[3]["entries"], json!([{ "name": "first", "text": "of sea" }]));
    assert_eq!(lines[4]["entries"], json!([{ "name": "first", "text": "Bee" }]));
    assert_eq!(
        lines[5]["entries"],
        json!([{ "name": "second", "text": "of sea" }]),
        "which stood in the prompt"
    );
    assert_eq!((&lines[6]["path"], &lines[6]["model"]), (&json!("/v1/completions"), &json!("diary")));
    assert!(lines[6]["texts"][0].as_str().unwrap().len() > 10, "what there was of it: {}", lines[6]);
}
