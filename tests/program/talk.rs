//! Talking: over a pipe, to one's own entries, over HTTP; and how tokens are drawn.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::served::Server;

fn command(cwd: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("diarist"));
    command.current_dir(cwd).env("NODEVICE_SELECT", "1").env("XDG_CACHE_HOME", cwd.join("cache")).args(args);
    command
}

fn run(cwd: &Path, args: &[&str], input: &str) -> Output {
    let mut command = command(cwd, args);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn done(cwd: &Path, args: &[&str], input: &str) -> String {
    let o = run(cwd, args, input);
    assert!(o.status.success(), "{args:?}: {}", String::from_utf8_lossy(&o.stderr));
    String::from_utf8(o.stdout).unwrap()
}

/// A diary with a run of it, and a run of pairs.
fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    let cwd = place.path();
    let entry = |i: usize| {
        let what =
            ["went to the dentist about a tooth", "rowed to the island with Ann", "wrote letters all day"]
                [i % 3];
        format!(
            "2014-{:02}-{:02}\nRain till {i}; {what}. Home late, and so to bed.\n\n",
            1 + i / 28,
            1 + i % 28
        )
    };
    std::fs::write(cwd.join("diary.txt"), (0..120).map(entry).collect::<String>()).unwrap();
    let pair = |i: usize| {
        format!(
            "{}\n",
            json!({ "instruction": format!("What of day {i}?"), "response": format!("Rain till {i}.") })
        )
    };
    std::fs::write(cwd.join("pairs.jsonl"), (0..60).map(pair).collect::<String>()).unwrap();
    let quick =
        ["--from", "scratch", "--steps", "60", "--batch", "4", "--accumulate", "1", "--device", "cpu"];
    let train = |args: &[&str]| done(cwd, &[&["train"], args, &quick].concat(), "");
    train(&["diary.txt", "--out", "run", "--header", "{date}\\n"]);
    train(&["pairs.jsonl", "--pairs", "--out", "asked"]);
    place
}

#[test]
fn a_conversation_over_a_pipe_is_the_one_that_a_seed_gives() {
    let place = place();
    let cwd = place.path();
    let chat = ["chat", "asked", "--device", "cpu", "--seed", "5", "--max-tokens", "12"];
    let said = "What of day 3?\n/seed 5\n/retry\n/save talk.md\n/quit\n";
    let first = done(cwd, &chat, said);
    assert_eq!(first, done(cwd, &[&chat[..7], &["12"]].concat(), &said.replace("talk.md", "again.md")));
    let answers: Vec<&str> = first.split("\n\n").map(str::trim).filter(|answer| !answer.is_empty()).collect();
    assert!(answers.len() == 2 && answers[0] == answers[1], "the same seed: {first}");
    let saved = std::fs::read_to_string(cwd.join("talk.md")).unwrap();
    assert!(saved.contains("What of day 3?") && saved.contains(answers[0]), "{saved}");
    // It is the answer that `sample` gives.
    let sample = [
        "sample",
        "asked",
        "--prompt",
        "What of day 3?",
        "--seed",
        "5",
        "--max-tokens",
        "12",
        "--device",
        "cpu",
    ];
    let sampled = done(cwd, &sample, "");
    assert!(sampled.contains(answers[0]), "{sampled} {answers:?}");
    // A diary goes on, under a day's header, and looks into itself.
    let diary = ["chat", "run", "--device", "cpu", "--voice", "2014-05-05", "--max-tokens", "8", "--recall"];
    let o = run(cwd, &diary, "Rain\n/voice\n/sources\n");
    let told = String::from_utf8_lossy(&o.stderr);
    assert!(o.status.success() && told.contains("2014-05-05") && told.contains("entries  120"), "{told}");
    // Of its first model's 64 bytes half are the text's, and it goes on and on.
    let diary = ["chat", "run", "--device", "cpu", "--voice", "2014-05-05", "--seed", "3"];
    let o = run(cwd, &diary, "Rain till noon, and I stayed within doors all day\n/more\n/more\n/more\n");
    let told = String::from_utf8_lossy(&o.stderr);
    assert!(o.status.success() && !told.contains("error"), "{told}");
    assert_eq!(told.matches("the beginning of the text is no longer seen").count(), 1, "{told}");
    let o = run(cwd, &["chat", "asked", "--device", "cpu", "--voice", "2014-05-05"], "");
    let told = String::from_utf8_lossy(&o.stderr);
    assert!(o.status.code() == Some(2) && told.contains("writes under no headers\n  next: "), "{told}");
    let o = run(cwd, &["chat", "nowhere"], "");
    assert!(!o.status.success() && String::from_utf8_lossy(&o.stderr).contains("next:"));
}

#[test]
fn ones_own_entries_answer_with_and_without_a_model() {
    let place = place();
    let cwd = place.path();
    let asked = done(
        cwd,
        &["ask", "when did we row to the island in March 2014?", "--journal", "diary.txt", "--json"],
        "",
    );
    let asked: Value = serde_json::from_str(&asked).unwrap();
    assert!(asked["when"].as_str().unwrap().contains("March 2014"), "{asked}");
    let entries = asked["entries"].as_array().unwrap();
    assert!(entries.len() == 5 && asked["answer"].is_null(), "{asked}");
    let diary = std::fs::read_to_string(cwd.join("diary.txt")).unwrap();
    for entry in entries {
        assert!(
            entry["name"].as_str().unwrap().starts_with("2014-03")
                && diary.contains(entry["text"].as_str().unwrap())
        );
        assert!(entry["text"].as_str().unwrap().contains("island"), "{entry}");
    }
    // Found again while the diary stands, and only what changed is indexed anew.
    let told = |args: &[&str]| String::from_utf8(run(cwd, args, "").stderr).unwrap();
    let ask = ["ask", "the dentist", "--journal", "diary.txt"];
    assert!(!told(&ask).contains("anew"));
    std::fs::write(cwd.join("diary.txt"), diary + "2015-01-01\nThe dentist drew it.\n").unwrap();
    assert!(told(&ask).contains("121 entries, 1 indexed anew"), "{}", told(&ask));
    let answered =
        [&ask[..], &["--model", "run", "--device", "cpu", "--seed", "1", "--max-tokens", "10", "--json"]]
            .concat();
    let answered: Value = serde_json::from_str(&done(cwd, &answered, "")).unwrap();
    assert!(!answered["answer"]["text"].as_str().unwrap().is_empty(), "{answered}");
    assert!(!answered["answer"]["sources"].as_array().unwrap().is_empty(), "{answered}");
    let nothing = run(cwd, &["ask", "the dentist in 1980", "--journal", "diary.txt"], "");
    assert!(nothing.status.success() && nothing.stdout.is_empty());
}

#[test]
fn a_server_writes_what_the_command_line_writes() {
    let place = place();
    let cwd = place.path();
    let server = Server::of(&mut command(cwd, &["serve", "run", "asked", "--port", "0", "--device", "cpu"]));
    let args = [
        "sample",
        "run",
        "--prompt",
        "Rain till",
        "--seed",
        "9",
        "--max-tokens",
        "20",
        "--device",
        "cpu",
        "--json",
    ];
    let sampled: Value = serde_json::from_str(&done(cwd, &args, "")).unwrap();
    let body = json!({ "model": "run", "prompt": "Rain till", "seed": 9, "max_tokens": 20, "logprobs": 2, "echo": true });
    let answer = server.post("/v1/completions", &body);
    let choice = &answer["choices"][0];
    let text = sampled["samples"][0]["text"].as_str().unwrap();
    assert_eq!(choice["text"], format!("Rain till{text}"), "{answer}");
    let probabilities = choice["logprobs"]["token_logprobs"].as_array().unwrap();
    assert!(probabilities[0].is_null() && probabilities[1..].iter().all(|p| p.as_f64().unwrap() <= 0.0));
    // The same token by token as when the prompt is read in blocks, which add in another order: some units in a float's last place.
    let silent = json!({ "model": "run", "prompt": "Rain till", "seed": 9, "max_tokens": 20, "logprobs": 0 });
    let told = server.post("/v1/completions", &silent)["choices"][0]["logprobs"]["token_logprobs"].clone();
    let told = told.as_array().unwrap();
    let read = &probabilities[probabilities.len() - told.len()..];
    assert!(!told.is_empty());
    for (a, b) in told.iter().zip(read) {
        assert!((a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 1e-3, "{told:?} {read:?}");
    }
    // How surprised it is by each character, the first below where every text begins.
    let scored = server.post("/diarist/score", &json!({ "model": "run", "text": "Rain till noon" }));
    let tokens = scored["tokens"].as_array().unwrap();
    let scored: String = tokens.iter().map(|token| token["text"].as_str().unwrap()).collect();
    assert_eq!(scored, "Rain till noon");
    assert!(tokens.iter().all(|token| token["bits"].as_f64().unwrap() >= 0.0), "{tokens:?}");
    // Of four the likeliest, and the same stream after stream.
    let best = json!({ "model": "run", "prompt": "Rain", "seed": 2, "max_tokens": 8, "best_of": 4, "n": 1 });
    let of_four = server.post("/v1/completions", &best)["choices"][0]["text"].clone();
    let args = [
        "sample",
        "run",
        "--prompt",
        "Rain",
        "--seed",
        "2",
        "--max-tokens",
        "8",
        "--best-of",
        "4",
        "--device",
        "cpu",
    ];
    assert_eq!(done(cwd, &args, "").trim_end(), format!("Rain{}", of_four.as_str().unwrap()).trim_end());
    let stopped =
        json!({ "model": "run", "prompt": "Rain till", "seed": 9, "max_tokens": 20, "stop": [&text[2..4]] });
    assert_eq!(server.post("/v1/completions", &stopped)["choices"][0]["text"], text[..2]);
    // Its own form of a question: the pair's.
    let chat = json!({ "model": "asked", "seed": 5, "max_tokens": 12, "messages": [{ "role": "user", "content": "What of day 3?" }] });
    let answer = server.post("/v1/chat/completions", &chat);
    let said = answer["choices"][0]["message"]["content"].as_str().unwrap().trim().to_string();
    let args = [
        "sample",
        "asked",
        "--prompt",
        "What of day 3?",
        "--seed",
        "5",
        "--max-tokens",
        "12",
        "--device",
        "cpu",
    ];
    assert!(done(cwd, &args, "").contains(&said), "{said}");
    let (status, refused) = server.ask("POST /v1/completions", r#"{"model":"nobody","prompt":"x"}"#);
    assert!(status == 404 && refused.contains("nobody"), "{refused}");
}

#[test]
fn how_tokens_are_drawn_can_be_bent() {
    let place = place();
    let cwd = place.path();
    let sample = |more: &[&str]| {
        let args =
            ["sample", "run", "--prompt", "Rain", "--seed", "3", "--max-tokens", "40", "--device", "cpu"];
        done(cwd, &[&args[..], more].concat(), "")
    };
    let plain = sample(&["--temperature", "0"]);
    // Its tokens are bytes: which pairs of them come a second time.
    let again = |text: &str| {
        let pairs: Vec<&[u8]> = text.trim_end().as_bytes().windows(2).collect();
        pairs.iter().enumerate().filter(|(i, pair)| pairs[..*i].contains(pair)).count()
    };
    let words: Vec<&str> = plain.split_whitespace().collect();
    assert!(words.len() > 4 && again(&plain) > 0, "{plain}");
    assert_eq!(again(&sample(&["--temperature", "0", "--no-repeat-ngram", "2"])), 0);
    assert_ne!(sample(&["--temperature", "0", "--repetition-penalty", "1.5"]), plain);
    let ended = sample(&["--temperature", "0", "--stop", words[3]]);
    assert_eq!(ended.trim_end(), plain[..plain.find(words[3]).unwrap()].trim_end());
    for (flag, value) in
        [("--min-p", "2"), ("--typical-p", "0"), ("--frequency-penalty", "9"), ("--logit-bias", "x")]
    {
        let o = run(cwd, &["sample", "run", flag, value], "");
        let told = String::from_utf8_lossy(&o.stderr);
        assert!(o.status.code() == Some(2) && told.contains(flag), "{told}");
    }
}
