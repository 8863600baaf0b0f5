//! Asking, against a server of the test's own.

use std::fs;
use std::time::Instant;

use super::server::{Part, Request, play};
use super::*;

fn prompts(n: usize) -> Vec<(String, String)> {
    (1..=n).map(|i| (format!("{i:04}-sea.txt"), format!("Ask of “day {i}”."))).collect()
}

fn patience() -> Patience {
    Patience {
        connect: Duration::from_secs(5),
        whole: Duration::from_secs(20),
        pause: Duration::from_millis(5),
        longest: Duration::from_secs(3),
        tries: 3,
    }
}

/// What a call came to, what the server was sent, and what was told meanwhile.
struct Played {
    result: Result<Outcome>,
    requests: Vec<Request>,
    told: Vec<String>,
    folder: tempfile::TempDir,
}

impl Played {
    fn outcome(&self) -> &Outcome {
        self.result.as_ref().unwrap()
    }

    fn error(&self) -> String {
        self.result.as_ref().unwrap_err().to_string()
    }

    fn answer(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.folder.path().join("answers").join(name)).ok()
    }
}

fn asked_in(folder: tempfile::TempDir, parts: Vec<Part>, n: usize, patience: Patience) -> Played {
    let (url, requests) = play(parts);
    let endpoint = Endpoint::new(&url, "small", None, false).unwrap().with_patience(patience);
    let mut told = Vec::new();
    let stop = AtomicBool::new(false);
    let result = ask_all(&endpoint, &prompts(n), folder.path(), Manner::default(), &stop, |event| {
        told.push(format!("{event:?}"));
    });
    Played { result, requests: requests.try_iter().collect(), told, folder }
}

fn asked(parts: Vec<Part>, n: usize) -> Played {
    asked_in(tempfile::tempdir().unwrap(), parts, n, patience())
}

#[test]
fn answers_are_kept_whole_and_what_was_sent_beside_them() {
    let played = asked(vec![Part::good("[1]\n“é”"), Part::finished("[2", "length")], 2);
    assert_eq!(played.outcome().answered, ["0001-sea", "0002-sea"]);
    assert_eq!(played.outcome().cut, ["0002-sea"]);
    assert_eq!(played.answer("0001-sea.txt").unwrap(), "[1]\n“é”");
    assert_eq!(played.answer("0002-sea.txt").unwrap(), "[2");
    assert!(played.told.contains(&"Answered(\"0002-sea\", true)".to_string()), "{:?}", played.told);
    let request = &played.requests[0];
    assert!(request.head.starts_with("POST /v1/chat/completions HTTP/1.1"), "{}", request.head);
    assert!(!request.head.to_lowercase().contains("authorization"));
    let sent = fs::read_to_string(played.folder.path().join("sent/0001-sea.json")).unwrap();
    assert_eq!(sent, request.body);
    let sent: Value = serde_json::from_str(&sent).unwrap();
    assert_eq!(sent["messages"][0]["content"], "Ask of “day 1”.");
    assert_eq!((&sent["stream"], &sent["model"]), (&Value::Bool(false), &Value::from("small")));
    assert_eq!(sent["temperature"].to_string(), "0.7");
}

#[test]
fn a_second_call_asks_only_what_has_no_answer() {
    let first = asked(vec![Part::good("one"), Part::error(401, "", "who are you")], 3);
    assert!(first.error().contains("who are you") && first.error().contains("next: check the key"));
    let second = asked_in(first.folder, vec![Part::good("two"), Part::good("three")], 3, patience());
    assert_eq!(second.outcome().before, ["0001-sea"]);
    assert_eq!(second.outcome().answered, ["0002-sea", "0003-sea"]);
    assert_eq!(second.requests.len(), 2);
    assert_eq!(second.answer("0001-sea.txt").unwrap(), "one");
    // One that answers another text is not taken for this one's.
    fs::write(second.folder.path().join("sent/0001-sea.json"), "{}").unwrap();
    let third = asked_in(second.folder, vec![Part::good("x")], 3, patience());
    assert!(
        third.error().contains("answers another prompt") && third.requests.is_empty(),
        "{}",
        third.error()
    );
}

#[test]
fn a_busy_server_is_left_alone_as_long_as_it_asks() {
    let begun = Instant::now();
    let busy = Part::error(429, "retry-after: 1\r\n", "slow down");
    let played = asked(vec![busy, Part::error(503, "", "loading"), Part::good("done")], 1);
    assert_eq!(played.outcome().answered, ["0001-sea"]);
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert!(played.told.iter().any(|t| t.contains("slow down") && t.contains("1s")), "{:?}", played.told);
    let long = asked(vec![Part::error(429, "retry-after: 3600\r\n", "quota")], 1);
    assert!(long.error().contains("1 h 00 min") && long.error().contains("quota"), "{}", long.error());
}

#[test]
fn a_break_is_tried_again_and_not_for_ever() {
    let played = asked(vec![Part::Cuts, Part::Hangs, Part::good("at last")], 1);
    assert_eq!(played.answer("0001-sea.txt").unwrap(), "at last", "{:?}", played.told);
    assert_eq!(played.requests.len(), 3);
    let in_vain = asked(vec![Part::error(500, "", "ill"), Part::Cuts, Part::error(500, "", "dead")], 2);
    assert!(in_vain.error().contains("3 times") && in_vain.error().contains("dead"), "{}", in_vain.error());
    assert!(in_vain.answer("0001-sea.txt").is_none());
}

#[test]
fn a_redirect_is_not_followed_anywhere() {
    let (elsewhere, reached) = play(vec![Part::good("mine now")]);
    for status in [301, 302, 303, 307, 308] {
        let location = format!("location: {elsewhere}/chat/completions\r\n");
        let played = asked(vec![Part::Says(status, location, String::new())], 1);
        let why = played.error();
        assert!(
            why.contains(&elsewhere) && why.contains(CONSENT) && why.contains("nothing has been sent"),
            "{why}"
        );
    }
    assert!(reached.try_recv().is_err());
}

#[test]
fn a_prompt_that_cannot_be_answered_does_not_end_the_others() {
    let bad = || Part::Says(200, String::new(), "{\"choices\": [".into());
    let parts = vec![bad(), Part::error(400, "", "too long"), Part::good("fine"), Part::Floods(40 << 20)];
    let played = asked(parts, 4);
    let failed: Vec<&str> = played.outcome().failed.iter().map(|(_, why)| why.as_str()).collect();
    assert_eq!(failed.len(), 3);
    assert!(failed[0].contains("no JSON") && failed[1].contains("too long") && failed[2].contains("16 MiB"));
    assert_eq!(played.outcome().answered, ["0003-sea"]);
    // No prompt was asked twice.
    assert_eq!(played.requests.len(), 4);
    let in_vain = asked(vec![bad(), bad(), bad(), Part::good("never")], 4);
    assert!(in_vain.error().contains("3 prompts in a row"), "{}", in_vain.error());
    assert_eq!(in_vain.requests.len(), 3);
}

#[test]
fn a_slow_server_is_waited_for_so_long_and_no_longer() {
    let patience = Patience { whole: Duration::from_millis(300), ..patience() };
    let parts = vec![Part::Waits(Duration::from_secs(2)), Part::good("late")];
    let played = asked_in(tempfile::tempdir().unwrap(), parts, 1, patience);
    assert!(played.outcome().failed[0].1.contains("no whole answer within"), "{:?}", played.outcome());
}

#[test]
fn where_nothing_listens_it_says_so() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let endpoint = Endpoint::new(&format!("http://localhost:{port}/v1"), "m", None, false).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let stop = AtomicBool::new(false);
    let asked = ask_all(&endpoint, &prompts(1), folder.path(), Manner::default(), &stop, |_| ());
    let why = asked.unwrap_err().to_string();
    assert!(why.contains("nothing listens") && why.contains("localhost"), "{why}");
}

#[test]
fn it_ends_between_requests_when_told_to() {
    let (url, requests) = play(vec![Part::good("one"), Part::good("two")]);
    let endpoint = Endpoint::new(&url, "m", None, false).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let stop = AtomicBool::new(false);
    let outcome = ask_all(&endpoint, &prompts(2), folder.path(), Manner::default(), &stop, |event| {
        stop.store(matches!(event, Event::Answered(..)), Ordering::Relaxed);
    });
    let outcome = outcome.unwrap();
    assert!(outcome.stopped && outcome.answered == ["0001-sea"]);
    assert_eq!(requests.try_iter().count(), 1);
}

#[test]
fn a_key_is_sent_and_stands_in_no_file_and_no_message() {
    // A variable that is set wherever tests run, and whose value no file has by chance.
    let key = std::env::var("PATH").unwrap();
    let (url, requests) = play(vec![Part::good("one"), Part::error(401, "", &format!("bad key {key}."))]);
    let endpoint = Endpoint::new(&url, "m", Some("PATH"), false).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let stop = AtomicBool::new(false);
    let asked = ask_all(&endpoint, &prompts(2), folder.path(), Manner::default(), &stop, |event| {
        assert!(!format!("{event:?}").contains(&key));
    });
    let why = asked.unwrap_err().to_string();
    assert!(why.contains("bad key (the key).") && !why.contains(&key), "{why}");
    assert!(requests.recv().unwrap().head.contains(&format!("Bearer {key}")));
    for part in ["sent", "answers"] {
        for file in fs::read_dir(folder.path().join(part)).unwrap() {
            assert!(!fs::read_to_string(file.unwrap().path()).unwrap().contains(&key));
        }
    }
}

#[test]
fn names_that_would_leave_the_folder_are_refused_before_anything_is_sent() {
    let (url, requests) = play(vec![Part::good("x")]);
    let endpoint = Endpoint::new(&url, "m", None, false).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let stop = AtomicBool::new(false);
    for names in [&["../x"][..], &["a/b"], &[".hidden"], &[""], &["a\\b"], &["c:x"], &["same.txt", "Same"]] {
        let prompts: Vec<(String, String)> = names.iter().map(|n| (n.to_string(), "p".into())).collect();
        let asked = ask_all(&endpoint, &prompts, folder.path(), Manner::default(), &stop, |_| ());
        assert!(matches!(asked, Err(Error::Usage { .. })), "{names:?}");
    }
    assert!(requests.try_recv().is_err() && !folder.path().join("sent").exists());
}

#[cfg(unix)]
#[test]
fn what_was_sent_and_answered_is_for_this_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let played = asked(vec![Part::good("one")], 1);
    for file in ["answers/0001-sea.txt", "sent/0001-sea.json", "answers", "sent"] {
        let mode = fs::metadata(played.folder.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file}");
    }
}
