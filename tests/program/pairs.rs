//! Questions and answers: made of a journal, checked, divided, trained on, asked.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

fn run(cwd: &Path, args: &str) -> Output {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("diarist"));
    command.current_dir(cwd).env("NODEVICE_SELECT", "1").args(args.split_whitespace());
    command.output().unwrap()
}

fn done(cwd: &Path, args: &str) -> String {
    let o = run(cwd, args);
    assert!(o.status.success(), "{args}: {}", String::from_utf8_lossy(&o.stderr));
    String::from_utf8(o.stdout).unwrap()
}

fn refused(cwd: &Path, args: &str) -> String {
    let o = run(cwd, args);
    assert!(!o.status.success(), "{args} was not refused");
    String::from_utf8(o.stderr).unwrap()
}

/// Forty questions about days, with answers of many lengths.
fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    let mut pairs = String::new();
    for i in 0..40 {
        let response = format!("It rained till {i}. ").repeat(1 + i % 4);
        let pair = json!({ "instruction": format!("What of day {i}?"), "response": response.trim(), "kind": "genuine" });
        writeln!(pairs, "{pair}").unwrap();
    }
    std::fs::write(place.path().join("pairs.jsonl"), pairs).unwrap();
    let rain = "Rain till noon, then the dog and I walked to the weir. ".repeat(60);
    std::fs::write(place.path().join("notes.txt"), rain).unwrap();
    place
}

const TRAIN: &str = "--from scratch --batch 4 --accumulate 1 --device cpu";

fn record(run: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(run.join("run.json")).unwrap()).unwrap()
}

/// Where the windows of each row of some steps begin.
fn rows(steps: &[Value]) -> Vec<Vec<u64>> {
    let row = |starts: &Value| match starts.as_array() {
        Some(several) => several.iter().map(|start| start.as_u64().unwrap()).collect(),
        None => vec![starts.as_u64().unwrap()],
    };
    steps.iter().filter_map(|line| line["windows"].as_array()).flatten().map(row).collect()
}

#[test]
fn a_model_learns_answers_and_goes_on_to_the_bit() {
    let place = place();
    let cwd = place.path();
    done(cwd, &format!("train pairs.jsonl --pairs {TRAIN} --steps 60 --out whole"));
    done(cwd, &format!("train pairs.jsonl --pairs {TRAIN} --steps 60 --out again --save-every 7"));
    done(cwd, "train --resume again --steps 90");
    done(cwd, "train --resume whole --steps 90");
    let model = |run: &str| {
        let state = record(&cwd.join(run))["state"]["folder"].as_str().unwrap().to_string();
        std::fs::read(cwd.join(run).join(state).join("model.safetensors")).unwrap()
    };
    assert_eq!(model("whole"), model("again"), "a resume goes on to the bit");

    let run = cwd.join("whole");
    let data = &record(&run)["data"];
    assert_eq!((&data["pairs"]["form"], data["pairs"].get("mix")), (&json!("plain"), None));
    assert!(data["masked"].is_string(), "questions are left out of the loss");
    let index = std::fs::read_to_string(run.join("entries.jsonl")).unwrap();
    let lines: Vec<Value> = index.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() == 40 && lines.iter().all(|line| line["pair"] == true));
    // Its windows are pairs: each step's log names where they begin.
    let starts: Vec<u64> = lines.iter().map(|line| line["start"].as_u64().unwrap()).collect();
    let log = std::fs::read_to_string(run.join("log.jsonl")).unwrap();
    let steps: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(rows(&steps).iter().flatten().all(|start| starts.contains(start)));
    // Short pairs share a row, and each is there once an epoch.
    let epoch: Vec<Vec<u64>> = rows(&steps)
        .into_iter()
        .take_while({
            let mut seen: Vec<u64> = Vec::new();
            move |row| {
                seen.extend(row);
                seen.len() <= 36
            }
        })
        .collect();
    assert!(epoch.iter().any(|row| row.len() > 1), "{epoch:?}");

    // Answers are scored, and it has learned them; the model that knows nothing has not.
    let loss = |run: &str| {
        let told = done(cwd, &format!("eval {run} --pairs pairs.jsonl --device cpu --json"));
        serde_json::from_str::<Value>(&told).unwrap()["loss"].as_f64().unwrap()
    };
    done(cwd, &format!("train pairs.jsonl --pairs {TRAIN} --steps 1 --out none"));
    assert!(loss("whole") < 1.0 && loss("none") > 2.0, "{} and {}", loss("whole"), loss("none"));

    // It is asked as it was trained, and what it becomes elsewhere is asked so, too.
    let ask = ["sample", "whole", "--prompt", "What of day 7?", "--temperature", "0", "--device", "cpu"];
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("diarist"));
    let o = command.current_dir(cwd).env("NODEVICE_SELECT", "1").args(ask).output().unwrap();
    let told = String::from_utf8(o.stdout).unwrap();
    assert!(told.starts_with("What of day 7?\n\n") && told.contains("It rained till"), "{told}");
    let template = std::fs::read_to_string(run.join("chat_template.jinja")).unwrap();
    assert!(template.contains("'Question: '"));
    done(cwd, "convert whole out.gguf");
    let file = std::fs::read(cwd.join("out.gguf")).unwrap();
    let asks = b"'Question: ' + message";
    assert!(file.windows(asks.len()).any(|at| at == asks), "the template goes with the model");

    // What stands on entries by day has nothing to hold on to here.
    let told = refused(cwd, "train --continue whole --out next");
    assert!(told.contains("pairs") && told.contains("next:"), "{told}");
}

#[test]
fn pairs_stand_beside_a_journal() {
    let place = place();
    let cwd = place.path();
    let train =
        format!("train pairs.jsonl --pairs --beside notes.txt --mix 0.25 {TRAIN} --steps 40 --out both");
    done(cwd, &train);
    let run = cwd.join("both");
    assert_eq!(record(&run)["data"]["pairs"]["mix"], 0.25);
    let index = std::fs::read_to_string(run.join("entries.jsonl")).unwrap();
    let lines: Vec<Value> = index.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let text = lines.iter().find(|line| line["pair"].is_null() && line["side"] == "train").unwrap();
    let log = std::fs::read_to_string(run.join("log.jsonl")).unwrap();
    let steps: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let rows = rows(&steps);
    let of_text = rows.iter().filter(|row| row[0] >= text["start"].as_u64().unwrap()).count();
    // A quarter of each epoch, of 160 rows; the last epoch may stand half done.
    assert!((32..=48).contains(&of_text), "{of_text} of {}", rows.len());
    let told = refused(cwd, "train notes.txt --mix 0.3 --from scratch");
    assert!(told.contains("--mix") && told.contains("--beside"), "{told}");
    let told = refused(cwd, "train notes.txt --pairs --from scratch --out none");
    assert!(told.contains("notes.txt") && told.contains("next:"), "{told}");
}

#[test]
fn they_are_checked_divided_and_exported() {
    let place = place();
    let cwd = place.path();
    let bad = json!([
        { "instruction": "And the sea?", "response": "I hope this helps! As an AI, I cannot swim in the Adriatic." },
        { "instruction": "What of day 3?", "response": "No." },
    ]);
    std::fs::write(cwd.join("bad.json"), bad.to_string()).unwrap();
    let told = done(cwd, "pairs check pairs.jsonl bad.json --source notes.txt --all");
    for says in ["bad.json:1", "bad.json:2", "Adriatic", "42", "genuine"] {
        assert!(told.contains(says), "{says} is not in\n{told}");
    }
    let told: Value = serde_json::from_str(&done(cwd, "pairs check bad.json --json")).unwrap();
    assert_eq!(told["check"]["pairs"], 2);

    done(cwd, "pairs split pairs.jsonl --out parts --fraction 0.2");
    let count = |file: &str| std::fs::read_to_string(cwd.join(file)).unwrap().lines().count();
    let [train, held] = ["parts/train.jsonl", "parts/held.jsonl"].map(count);
    assert!(train + held == 40 && (4..=12).contains(&held), "{train} and {held}");
    assert!(refused(cwd, "pairs split pairs.jsonl --out parts").contains("there already"));

    std::fs::write(cwd.join("who.txt"), "You are Ada, who writes of rain.\n").unwrap();
    done(cwd, "pairs export pairs.jsonl --out with.jsonl --system who.txt");
    done(cwd, "pairs export pairs.jsonl --out without.jsonl");
    let first = |file: &str| -> Value {
        let text = std::fs::read_to_string(cwd.join(file)).unwrap();
        serde_json::from_str(text.lines().next().unwrap()).unwrap()
    };
    let with = first("with.jsonl");
    assert_eq!(
        with["messages"][0],
        json!({ "role": "system", "content": "You are Ada, who writes of rain." })
    );
    assert_eq!(with["messages"][2]["role"], "assistant");
    assert_eq!(first("without.jsonl")["messages"].as_array().unwrap().len(), 2);
    // What was exported is read again: the same questions.
    assert!(done(cwd, "pairs check with.jsonl").contains("40"));
}

/// A model that answers by rule: of each source in a prompt as many pairs as it is asked for, its first sentence for an answer.
fn answered(prompt: &str, wanted: usize) -> String {
    let sources: Vec<(String, String)> = sources(prompt);
    assert!(!sources.is_empty(), "no source in\n{prompt}");
    let kinds = ["genuine", "scenario", "pushback", "contrastive"];
    let pair = |i: usize| {
        let (name, text) = &sources[i % sources.len()];
        let sentence =
            text.split_inclusive(['.', '!', '?']).nth(i / sources.len()).or(text.split_inclusive('.').next());
        json!({
            "instruction": format!("What do you say of {name}, the {}th time?", i / sources.len() + 1),
            "response": sentence.unwrap_or(text).trim(),
            "context": [name],
            "kind": kinds[i % 4],
        })
    };
    // As models do: in a fence, with a word before it.
    let pairs: Vec<Value> = (0..wanted).map(pair).collect();
    format!("Here they are:\n```json\n{}\n```\n", serde_json::to_string_pretty(&pairs).unwrap())
}

/// The sources of a prompt, each under its name.
fn sources(prompt: &str) -> Vec<(String, String)> {
    let parts = prompt.split("\nName: ").skip(1).map(|part| {
        let (name, text) = part.split_once('\n').unwrap();
        let text = text.split("\n-----").next().unwrap();
        let lines = text.lines().filter(|line| !line.starts_with("Date: ") && !line.trim().is_empty());
        (name.trim().to_string(), lines.collect::<Vec<_>>().join(" "))
    });
    parts.collect()
}

/// A server on this computer that answers prompts by rule; gives its address.
fn endpoint(per_batch: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for (i, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).unwrap() > 2 {
                if let Some(n) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = n.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap();
            let prompt = body["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap();
            // The second is refused once: it is asked again.
            let answer = if i == 1 {
                "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_string()
            } else {
                let told = json!({ "choices": [{
                    "message": { "role": "assistant", "content": answered(prompt, per_batch) },
                    "finish_reason": "stop",
                }] });
                let told = told.to_string();
                format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{told}",
                    told.len()
                )
            };
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    format!("http://{address}/v1")
}

#[test]
fn three_hundred_and_sixty_four_pairs_go_all_the_way() {
    let journal = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/journals/barbellion");
    if !journal.exists() {
        eprintln!("barbellion is not at hand: what is tried on it is skipped");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let cwd = place.path();
    let journal = journal.canonicalize().unwrap();
    let shown = journal.display();
    // Thirteen in each of 28 prompts.
    let batch = format!("pairs batch {shown} --per-batch 13 --most 28 --words 1500 --out made");
    let told = done(cwd, &batch);
    assert!(told.contains("28 prompts") && told.contains("364 pairs"), "{told}");
    let prompts: Vec<PathBuf> = {
        let mut all: Vec<PathBuf> =
            std::fs::read_dir(cwd.join("made/prompts")).unwrap().map(|f| f.unwrap().path()).collect();
        all.sort();
        all
    };
    assert_eq!(prompts.len(), 28);
    assert!(cwd.join("made/profile.txt").is_file());
    // Off this computer nothing goes unasked.
    let told = refused(cwd, &format!("{batch} --endpoint http://example.org/v1 --model m"));
    assert!(told.contains("--yes-send-my-diary"), "{told}");
    let url = endpoint(13);
    done(cwd, &format!("{batch} --endpoint {url} --model by-rule"));
    let answers = std::fs::read_dir(cwd.join("made/answers")).unwrap().count();
    let sent = std::fs::read_dir(cwd.join("made/sent")).unwrap().count();
    assert_eq!((answers, sent), (28, 28));
    // A second call has nothing to ask.
    assert!(
        done(cwd, &format!("{batch} --endpoint http://127.0.0.1:9/v1 --model by-rule")).contains("28 of 28")
    );

    let told: Value = serde_json::from_str(&done(
        cwd,
        &format!("pairs check made/answers --source {shown} --copied 0 --json"),
    ))
    .unwrap();
    assert_eq!((told["check"]["pairs"].as_u64(), told["problems"].as_array().unwrap().len()), (Some(364), 0));
    // The answers are sentences of their sources.
    let found = told["check"]["found"].as_array().unwrap();
    let of = |what: &str| found.iter().filter(|found| found["finding"]["what"] == what).count();
    assert!(of("unsupported") <= 4, "{} are without support", of("unsupported"));

    done(cwd, "pairs split made/answers --out parts");
    let train = format!("train parts/train.jsonl --pairs {TRAIN} --steps 30 --out run");
    done(cwd, &train);
    let told = done(cwd, "eval run --pairs parts/held.jsonl --device cpu --json");
    let loss = serde_json::from_str::<Value>(&told).unwrap()["loss"].as_f64().unwrap();
    // 256 bytes drawn evenly are 5.5 nats; a model of 30 steps knows which there are.
    assert!(loss < 4.0, "{loss}");

    // It is measured by its answers alone, asked in its own form, and so in the quiz.
    std::fs::write(cwd.join("asked.txt"), "What happened?\n").unwrap();
    let draws = "--device cpu --temperature 1 --top-k 0";
    let ask = format!("likeness run {draws} --texts 4 --max-tokens 80 --questions asked.txt --json -");
    let report: Value = serde_json::from_str(&done(cwd, &ask)).unwrap();
    let own =
        report["prediction"].as_array().unwrap().iter().find(|row| row["model"] == "this model").unwrap();
    assert_eq!(own["text"], "your held-out entries");
    assert!(own["amount"]["entries"].as_u64() > Some(0));
    for text in report["texts"].as_array().unwrap() {
        let text = text.as_str().unwrap();
        assert!(!text.contains("\nQuestion:"), "the next question is no part of an answer: {text}");
    }
    assert_eq!(report["questions"][0]["question"], "What happened?");
    done(cwd, &format!("quiz run {draws} --pairs 8 --words 30 --out quiz.html"));
    let page = std::fs::read_to_string(cwd.join("quiz.html")).unwrap();
    assert!(!page.contains("Question: ") && !page.contains("Answer:"), "the form is no part of the question");
}
