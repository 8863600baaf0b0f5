//! Many at once.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::client::{post, raw, request};
use super::fake::Served;
use crate::serve::{Limits, Settings};

#[test]
fn of_a_hundred_requests_at_once_none_is_lost_and_none_mixed_up() {
    let limits = Limits { jobs: 1000, ..Limits::default() };
    let served = Served::new(Settings { limits, ..Settings::default() });
    let at = served.at;
    let gone = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for i in 0..100 {
            let gone = &gone;
            scope.spawn(move || {
                if i % 10 == 9 {
                    let body = json!({ "model": "diary", "prompt": "for ever", "stream": true }).to_string();
                    drop(raw(at, &request(at, "POST /v1/completions", &[], body.as_bytes())));
                    gone.fetch_add(1, Ordering::SeqCst);
                    return;
                }
                let prompt = format!("number {i}");
                let body = json!({ "model": "diary", "prompt": prompt, "n": 3, "stream": i % 2 == 0 });
                let reply = post(at, "/v1/completions", &body);
                assert_eq!(reply.status, 200, "{i}");
                let mut texts = [const { String::new() }; 3];
                let mut take = |choice: &Value| {
                    texts[choice["index"].as_u64().unwrap() as usize] += choice["text"].as_str().unwrap();
                };
                if i % 2 == 0 {
                    for event in reply.events().iter().filter(|event| *event != "[DONE]") {
                        take(&serde_json::from_str::<Value>(event).unwrap()["choices"][0]);
                    }
                } else {
                    reply.json()["choices"].as_array().unwrap().iter().for_each(take);
                }
                for (index, text) in texts.iter().enumerate() {
                    assert_eq!(*text, format!("“xé😀”{index}:{prompt}"));
                }
            });
        }
    });
    assert_eq!(gone.load(Ordering::SeqCst), 10);
    let writes = served.seen.writes.lock().unwrap();
    let whole = writes.iter().filter(|write| write.n == 3).count();
    assert_eq!(whole, 90);
    let begun = writes.len() - whole;
    drop(writes);
    served.wait_for_cancelled(begun);
}
