//! No command opens a connection but `fetch`, `train` where its offer is taken, and `pairs batch` with an address: each runs under a filter that kills it
//! at the system call that makes a socket of the Internet's.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter,
};

use crate::hub::Hub;
use crate::served::Server;

/// `socket`, its first argument, and the system's call to end a process that breaks a filter.
#[cfg(target_arch = "x86_64")]
const SOCKET: i64 = 41;
#[cfg(target_arch = "aarch64")]
const SOCKET: i64 = 198;
/// `connect`.
#[cfg(target_arch = "x86_64")]
const CONNECT: i64 = 42;
#[cfg(target_arch = "aarch64")]
const CONNECT: i64 = 203;
const AF_INET: u64 = 2;
const AF_INET6: u64 = 10;
const SIGSYS: i32 = 31;

/// The filter: sockets within this computer (AF_UNIX: a display, a driver's daemon) stay allowed.
fn filter() -> BpfProgram {
    let of = |family| {
        let is = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, family).unwrap();
        SeccompRule::new(vec![is]).unwrap()
    };
    let rules = BTreeMap::from([(SOCKET, vec![of(AF_INET), of(AF_INET6)])]);
    let (allow, kill) = (SeccompAction::Allow, SeccompAction::KillProcess);
    let arch = std::env::consts::ARCH.try_into().unwrap();
    SeccompFilter::new(rules, allow, kill, arch).unwrap().try_into().unwrap()
}

/// Runs `diarist` under the filter, which a thread of its own puts on itself and its children.
fn filtered(cwd: &Path, endpoint: &str, args: &[&str]) -> Output {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("diarist"));
    command
        .current_dir(cwd)
        .env("NODEVICE_SELECT", "1")
        .env("HF_HOME", cwd.join("hf"))
        .env("HF_ENDPOINT", endpoint);
    command.env_remove("HF_HUB_OFFLINE").env_remove("TRANSFORMERS_OFFLINE").args(args);
    let run = move || {
        apply_filter(&filter()).unwrap();
        command.output().unwrap()
    };
    std::thread::spawn(run).join().unwrap()
}

fn killed(o: &Output) -> bool {
    o.status.signal() == Some(SIGSYS)
}

/// What is run of each command. A command that is not here fails the test.
fn scripts() -> BTreeMap<&'static str, Vec<Vec<&'static str>>> {
    let quick = ["--steps", "2", "--context", "16", "--device", "cpu"];
    let train = [&["train", "notes.txt", "--from", "scratch", "--out", "run"], &quick[..]].concat();
    BTreeMap::from([
        (
            "train",
            vec![
                train,
                vec!["train", "--resume", "run", "--steps", "3"],
                vec!["train", "notes.txt", "--offline"],
                vec!["train", "notes.txt"],
            ],
        ),
        (
            "corpus",
            vec![
                vec!["corpus", "notes.txt", "--device", "cpu"],
                vec!["corpus", "notes.txt", "--from", "gpt2"],
            ],
        ),
        ("fetch", vec![vec!["fetch", "gpt2", "--offline"]]),
        (
            "sample",
            vec![vec!["sample", "run", "--max-tokens", "4", "--device", "cpu"], vec!["sample", "gpt2"]],
        ),
        ("forget", vec![vec!["forget", "run", "--entries", "day.txt", "--device", "cpu"]]),
        (
            "eval",
            vec![
                vec!["eval", "run", "--text", "notes.txt", "--device", "cpu"],
                vec!["eval", "gpt2", "--ids", "ids.json"],
            ],
        ),
        (
            "likeness",
            vec![
                vec!["likeness", "run", "--texts", "1", "--max-tokens", "4", "--device", "cpu"],
                vec!["likeness", "run", "--against", "notes.txt", "--texts", "0", "--device", "cpu"],
            ],
        ),
        (
            "pairs",
            vec![
                vec!["pairs", "batch", "notes.txt", "--out", "made"],
                vec!["pairs", "check", "pairs.jsonl"],
                vec!["pairs", "split", "pairs.jsonl", "--out", "parts"],
                vec!["pairs", "export", "pairs.jsonl", "--out", "messages.jsonl"],
            ],
        ),
        ("quiz", vec![vec!["quiz", "run", "--pairs", "1", "--words", "150", "--device", "cpu"]]),
        ("convert", vec![vec!["convert", "run", "run.gguf"], vec!["convert", "gpt2", "gpt2.gguf"]]),
        (
            "merge",
            vec![
                vec![
                    "merge",
                    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/forms/peft/all"),
                    "--out",
                    "merged",
                ],
                vec!["merge", "gpt2", "--adapter", "someone/adapter", "--out", "m"],
            ],
        ),
        ("chat", vec![vec!["chat", "run", "--device", "cpu"]]),
        (
            "ask",
            vec![
                vec!["ask", "where did the dog and I walk?", "--journal", "notes.txt"],
                vec![
                    "ask",
                    "what of the mill?",
                    "--journal",
                    "notes.txt",
                    "--model",
                    "run",
                    "--device",
                    "cpu",
                ],
            ],
        ),
        ("runs", vec![vec!["runs", "."]]),
        ("compare", vec![vec!["compare", "run", "run", "--html", "both.html"]]),
        ("info", vec![vec!["info", "run"], vec!["info", "gpt2"]]),
        ("devices", vec![vec!["devices"], vec!["devices", "--json"]]),
        ("doctor", vec![vec!["doctor", "--device", "cpu"]]),
        (
            "bench",
            vec![vec![
                "bench",
                "step",
                "decode",
                "--preset",
                "tiny",
                "--sizes",
                "1x8",
                "--sequences",
                "1,2",
                "--device",
                "cpu",
                "--rounds",
                "1",
            ]],
        ),
        ("explain", vec![vec!["explain"]]),
        ("completions", vec![vec!["completions", "bash"]]),
        ("man", vec![vec!["man"]]),
        ("help", vec![vec!["help"], vec!["--version"], vec!["--version", "--verbose"]]),
    ])
}

/// The commands, as the program's own help lists them.
fn commands(cwd: &Path) -> BTreeSet<String> {
    let help = String::from_utf8(filtered(cwd, "http://127.0.0.1:9", &["--help"]).stdout).unwrap();
    let listed = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
    let words = listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    words.filter_map(|line| line.split_whitespace().next()).map(str::to_string).collect()
}

/// A folder with a journal, and a hub that nobody should ask.
fn place() -> (tempfile::TempDir, Hub) {
    let tmp = tempfile::tempdir().unwrap();
    let day = |day: usize| {
        let text = format!(
            "Rain till {day}, then the dog and I walked to weir {day}, and home by mill {}. ",
            40 - day
        );
        format!("2021-03-{day:02}\n{}\n\n", text.repeat(12))
    };
    let days: String = (4..28).map(day).collect();
    std::fs::write(tmp.path().join("notes.txt"), days).unwrap();
    std::fs::write(tmp.path().join("day.txt"), "2021-03-04\n").unwrap();
    let pair = |i: usize| {
        format!("{{\"instruction\":\"What of day {i}?\",\"response\":\"Fog till {i}, and rain.\"}}\n")
    };
    std::fs::write(tmp.path().join("pairs.jsonl"), (0..20).map(pair).collect::<String>()).unwrap();
    (tmp, Hub::new("openai-community/gpt2", BTreeMap::new()))
}

#[test]
fn no_other_command_opens_a_connection() {
    let (tmp, server) = place();
    let cwd = tmp.path();
    let mut scripts = scripts();
    // `train` first: the others need its run.
    let mut order = commands(cwd).into_iter().collect::<Vec<_>>();
    assert!(order.len() >= 11, "{order:?}");
    // It listens: the next test has what it may not.
    order.retain(|name| name != "serve");
    order.sort_by_key(|name| name != "train");
    for name in order {
        let runs = scripts.remove(name.as_str());
        let runs = runs.unwrap_or_else(|| panic!("the new command {name} is not tried: add it to scripts()"));
        for (i, args) in runs.iter().enumerate() {
            let o = filtered(cwd, &server.url, args);
            assert!(!killed(&o), "{args:?} opened a connection");
            // The first of each does its work; the others may have nothing to work on.
            let works = i == 0 && name != "fetch";
            assert!(
                o.status.code().is_some() && (!works || o.status.success()),
                "{args:?}: {}",
                String::from_utf8_lossy(&o.stderr)
            );
        }
    }
    assert!(scripts.is_empty(), "no commands: {:?}", scripts.keys());
    assert!(server.asked().is_empty());
}

/// `serve` is asked over connections that others open. It opens none: the system call that does kills it.
#[test]
fn the_server_connects_to_nobody() {
    let (tmp, server) = place();
    let cwd = tmp.path();
    let train = scripts().remove("train").unwrap().remove(0);
    assert!(filtered(cwd, &server.url, &train).status.success());
    let (allow, kill) = (SeccompAction::Allow, SeccompAction::KillProcess);
    let arch = std::env::consts::ARCH.try_into().unwrap();
    let filter = SeccompFilter::new(BTreeMap::from([(CONNECT, Vec::new())]), allow, kill, arch).unwrap();
    let filter: BpfProgram = filter.try_into().unwrap();
    let serve = |args: &'static [&str], filter: BpfProgram| {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("diarist"));
        command.current_dir(cwd).env("NODEVICE_SELECT", "1").args(args);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let run = move || {
            apply_filter(&filter).unwrap();
            command.spawn().unwrap()
        };
        std::thread::spawn(run).join().unwrap()
    };
    let args = &["serve", "run", "--port", "0", "--device", "cpu", "--recall"];
    let mut served = Server::running(serve(args, filter.clone()));
    let ask = |what: &str, body: &str| {
        let (status, answer) = served.ask(what, body);
        assert_eq!(status, 200, "{what}: {answer}");
        answer
    };
    let chat =
        r#"{"model":"run","max_tokens":4,"recall":true,"messages":[{"role":"user","content":"The weir"}]}"#;
    assert!(ask("POST /v1/chat/completions", chat).contains("\"sources\":"));
    assert!(ask("GET /v1/models", "").contains("\"id\":\"run\""));
    assert!(ask("GET /", "").contains("<!doctype html>"));
    ask("POST /v1/completions", r#"{"model":"run","prompt":"Rain","max_tokens":4}"#);
    ask("POST /diarist/score", r#"{"model":"run","text":"Rain till noon"}"#);
    ask("POST /diarist/leans", r#"{"text":"then the dog and I walked to weir 5","k":3}"#);
    assert!(served.lives());
    assert!(server.asked().is_empty());
    // The filter is one: a command that connects is killed by it.
    let mut child = serve(&["fetch", "gpt2", "--device", "cpu"], filter);
    assert_eq!(child.wait().unwrap().signal(), Some(SIGSYS));
}

#[test]
fn the_filter_kills_what_does() {
    let (tmp, server) = place();
    let cwd = tmp.path();
    let asked = [
        "pairs",
        "batch",
        "notes.txt",
        "--out",
        "made",
        "--endpoint",
        "http://127.0.0.1:9/v1",
        "--model",
        "m",
    ];
    for args in [
        &["fetch", "gpt2", "--device", "cpu"][..],
        &["train", "notes.txt", "--yes", "--device", "cpu"],
        &asked,
    ] {
        let o = filtered(cwd, &server.url, args);
        assert!(killed(&o), "{args:?}: {:?} {}", o.status, String::from_utf8_lossy(&o.stderr));
    }
    assert!(server.asked().is_empty());
}
