//! How much one client may take, and what the others see of it.

use std::io::{BufReader, Read, Write};
use std::time::{Duration, Instant};

use serde_json::json;

use super::client::{ask, get, head, post, raw, request, whole};
use super::fake::Served;
use crate::serve::{Limits, Settings};

fn served(limits: Limits) -> Served {
    Served::new(Settings { limits, ..Settings::default() })
}

#[test]
fn a_body_beyond_the_bound_is_one_clear_error() {
    let served = served(Limits::default());
    let body = |len: usize| json!({ "model": "diary", "prompt": "x".repeat(len) }).to_string();
    let most = Limits::default().body;
    let around = body(0).len();
    let at = ask(served.at, "POST /v1/completions", &[], body(most - around).as_bytes());
    assert_eq!(at.status, 200);
    let beyond = body(most - around + 1);
    let refused = (413, json!(null), json!("request_too_large"));
    assert_eq!(ask(served.at, "POST /v1/completions", &[], beyond.as_bytes()).error(), refused);
    // A client that asks first is told first.
    let asks = format!(
        "POST /v1/completions HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        served.at,
        most + 1
    );
    assert_eq!(whole(raw(served.at, asks.as_bytes())).error(), refused);
    // One that does not say how much is counted.
    let chunked = format!(
        "POST /v1/completions HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{beyond}\r\n0\r\n\r\n",
        served.at,
        beyond.len()
    );
    assert_eq!(whole(raw(served.at, chunked.as_bytes())).error(), refused);
    assert_eq!(get(served.at, "/health").status, 200);
}

#[test]
fn slow_requests_are_not_waited_for() {
    let time = Duration::from_millis(300);
    let served = served(Limits { header_time: time, body_time: time, ..Limits::default() });
    let half = raw(served.at, b"POST /v1/completions HTTP/1.1\r\nHost: local");
    let body = json!({ "model": "diary", "prompt": "p" }).to_string();
    let all = request(served.at, "POST /v1/completions", &[], body.as_bytes());
    let began = Instant::now();
    let slow = whole(raw(served.at, &all[..all.len() - 3]));
    assert_eq!(slow.error().0, 408);
    let mut nothing = Vec::new();
    let _ = { half }.read_to_end(&mut nothing);
    assert!(began.elapsed() < Duration::from_secs(5));
    // An idle connection is closed too.
    let mut idle = raw(served.at, b"");
    assert_eq!(idle.read(&mut [0; 1]).unwrap_or(0), 0);
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn too_many_jobs_are_refused_and_places_are_free_again() {
    let served = served(Limits { jobs: 2, ..Limits::default() });
    let hold = json!({ "model": "diary", "prompt": "hold" }).to_string();
    let hold = request(served.at, "POST /v1/completions", &[], hold.as_bytes());
    let both = [raw(served.at, &hold), raw(served.at, &hold)];
    while served.seen.writes.lock().unwrap().len() < 2 {
        std::thread::yield_now();
    }
    let more = json!({ "model": "diary", "prompt": "more" });
    let reply = post(served.at, "/v1/completions", &more);
    assert_eq!(reply.error(), (429, json!(null), json!("rate_limit_exceeded")));
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert_eq!(post(served.at, "/diarist/score", &json!({ "model": "diary", "text": "a" })).status, 429);
    drop(both);
    served.wait_for_cancelled(2);
    let began = Instant::now();
    while post(served.at, "/v1/completions", &more).status != 200 {
        assert!(began.elapsed() < Duration::from_secs(5), "the places were not given back");
    }
    let three = json!({ "model": "diary", "prompt": ["a", "b", "c"] });
    assert_eq!(post(served.at, "/v1/completions", &three).error().0, 400);
}

#[test]
fn connections_beyond_the_bound_wait_for_their_turn() {
    let served = served(Limits { connections: 2, ..Limits::default() });
    let idle = [raw(served.at, b""), raw(served.at, b"")];
    std::thread::sleep(Duration::from_millis(100));
    let mut third = raw(served.at, &request(served.at, "GET /health", &[], b""));
    third.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert!(third.read(&mut [0; 1]).is_err(), "it is answered out of turn");
    drop(idle);
    third.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    assert_eq!(head(&mut BufReader::new(third)).0, 200);
}

#[test]
fn a_reader_that_takes_nothing_is_let_go_after_a_while() {
    let time = Duration::from_millis(300);
    let served = served(Limits { write_time: time, connections: 1, ..Limits::default() });
    let body = json!({ "model": "diary", "prompt": "a flood", "stream": true }).to_string();
    let _stuck = raw(served.at, &request(served.at, "POST /v1/completions", &[], body.as_bytes()));
    let began = Instant::now();
    // There is one connection: it is free only once the stuck one is gone.
    assert_eq!(get(served.at, "/health").status, 200);
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn where_the_worker_is_gone_the_server_lives_on_and_says_so() {
    let served = Served::with(Settings::default(), None, |jobs, _| drop(jobs));
    std::thread::sleep(Duration::from_millis(50));
    for stream in [false, true] {
        let body = json!({ "model": "diary", "prompt": "p", "stream": stream });
        let reply = post(served.at, "/v1/completions", &body);
        assert_eq!(reply.error().0, 500);
        assert_eq!(reply.json()["error"]["type"], "server_error");
    }
    assert_eq!(post(served.at, "/diarist/score", &json!({ "model": "diary", "text": "a" })).error().0, 500);
    assert_eq!(get(served.at, "/health").status, 503);
    assert_eq!(get(served.at, "/v1/models").status, 200);
}

#[test]
fn the_end_comes_soon_though_streams_run() {
    let served = served(Limits::default());
    let body = json!({ "model": "diary", "prompt": "for ever", "stream": true }).to_string();
    let mut stream = raw(served.at, &request(served.at, "POST /v1/completions", &[], body.as_bytes()));
    stream.read_exact(&mut [0; 12]).unwrap();
    let began = Instant::now();
    drop(served);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    stream.flush().unwrap();
}
