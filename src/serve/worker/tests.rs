//! The worker with a small model, a step at a time.

use std::fs::File;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::base::{Config, Gpt2};
use crate::device::Element;
use crate::device::select::Device;
use crate::eval;
use crate::model::Shape;
use crate::run::runs::RECORD;
use crate::sample::{At, Choice, Reads};
use crate::serve::job::Score;
use crate::tokens::Ends as OfText;
use crate::weights::{self, Dtype, huggingface};

/// Tokens that the model sees at once.
const CONTEXT: usize = 32;

/// Saves a model of bytes whose numbers are drawn with this seed, at so many seconds after a first one.
fn save(dir: &Path, seed: u64, seconds: u64) {
    let shape = Gpt2 { vocab_size: 257, block_size: CONTEXT, n_layer: 1, n_head: 2, n_embd: 16 };
    let config = Config::from(shape);
    std::fs::write(dir.join("config.json"), huggingface::config_json(&config, 0.0, &OfText::at(256)))
        .unwrap();
    let _before = std::fs::remove_file(dir.join("model.safetensors"));
    let mut writer = huggingface::writer(&dir.join("model.safetensors"), &config, Dtype::F32).unwrap();
    for p in config.table() {
        let mut rng = Rng::new(seed, &p.name);
        writer.write_f32(&(0..p.numel()).map(|_| 0.3 * rng.normal()).collect::<Vec<f32>>()).unwrap();
    }
    writer.finish().unwrap();
    let record = File::create(dir.join(RECORD)).unwrap();
    let time = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds);
    record.set_modified(time).unwrap();
}

fn saved(seed: u64) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    save(dir.path(), seed, 0);
    dir
}

/// A worker with the model in a folder, for two texts at once.
fn worker(dir: &Path) -> Worker {
    let open: Open = Box::new(|path: &Path| {
        let program = |shape: &Shape| {
            let mut recordings = shape.writing()?;
            recordings.push(shape.losses()?);
            Ok(recordings.into())
        };
        let at = At { weights: Element::F32, context: None, streams: 2 };
        let device = Device::open("cpu", 1)?;
        let checkpoint = weights::open(path)?;
        let mut model = Model::open(checkpoint, &device, at, Reads::Ids, |_| Ok(None), program)?;
        model.tokenizer = Some(Tokenizer::bytes());
        Ok(model)
    });
    Worker::new(vec![Place::new("m", dir, dir)], open)
}

fn wish(prompt: &str, most: usize) -> Write {
    Write {
        model: "m".into(),
        prompt: Prompt::Text { heading: String::new(), text: prompt.into() },
        passages: Vec::new(),
        n: 1,
        best_of: 1,
        max_tokens: Some(most),
        // The end of text is never drawn: each has as many tokens as were asked for.
        how: Choice { logit_bias: vec![(256, -100.0)], ..Choice::default() },
        seed: Some(5),
        stop: Vec::new(),
        logprobs: None,
        echo: false,
    }
}

fn ask(worker: &mut Worker, write: Write) -> reply::Receiver<Said> {
    let (said, heard) = reply::channel(1000);
    worker.take(Job::Write(Box::new(write), said));
    heard
}

fn is_idle(worker: &Worker) -> bool {
    worker.waiting.is_empty() && worker.opened.values().all(Opened::is_idle)
}

fn finish(worker: &mut Worker) {
    while !is_idle(worker) {
        worker.take_waiting();
        worker.pass();
    }
}

/// What was heard so far: the text, and the tokens at its end.
fn heard(said: &mut reply::Receiver<Said>) -> (String, Option<usize>) {
    let (mut all, mut tokens) = (String::new(), None);
    while let Ok(said) = said.try_recv() {
        match said {
            Said::Piece { text, .. } => all += &text,
            Said::Ended { completion_tokens, .. } => tokens = Some(completion_tokens),
            Said::Began { .. } => {}
            Said::Failed(refusal) => panic!("{refusal:?}"),
        }
    }
    (all, tokens)
}

/// What a model writes alone.
fn alone(seed: u64, write: Write) -> String {
    let dir = saved(seed);
    let mut worker = worker(dir.path());
    let mut said = ask(&mut worker, write);
    finish(&mut worker);
    heard(&mut said).0
}

#[test]
fn what_is_asked_after_a_save_is_answered_by_the_newer_model_though_one_is_always_writing() {
    let dir = saved(1);
    let mut worker = worker(dir.path());
    let mut before = ask(&mut worker, wish("The rain", 20));
    worker.pass();
    save(dir.path(), 2, 1);
    let mut after = ask(&mut worker, wish("The rain", 8));
    let gone = ask(&mut worker, wish("The fog", 8));
    assert_eq!(worker.waiting.len(), 2, "nothing new is begun by the older one");
    drop(gone);
    worker.take_waiting();
    assert_eq!(worker.waiting.len(), 1, "nobody waits for the other");
    worker.pass();
    assert_eq!(after.try_recv(), Err(reply::error::TryRecvError::Empty));
    finish(&mut worker);
    assert_eq!(heard(&mut before), (alone(1, wish("The rain", 20)), Some(20)), "what had begun is finished");
    assert_eq!(heard(&mut after), (alone(2, wish("The rain", 8)), Some(8)));
    assert_ne!(alone(1, wish("The rain", 8)), alone(2, wish("The rain", 8)));
}

#[test]
fn a_text_is_scored_a_window_at_a_time_and_others_are_written_to_meanwhile() {
    let dir = saved(1);
    let mut worker = worker(dir.path());
    let text = "It rained all the morning, and I went out. ".repeat(5);
    let score = |worker: &mut Worker| {
        let (reply, scored) = oneshot::channel();
        worker.take(Job::Score(Score { model: "m".into(), text: text.clone() }, reply));
        scored
    };
    let mut scored = score(&mut worker);
    let mut said = ask(&mut worker, wish("The rain", 4));
    for _ in 0..4 {
        worker.pass();
    }
    assert_eq!(heard(&mut said).1, Some(4), "it does not wait for the score");
    assert!(scored.try_recv().is_err());
    finish(&mut worker);
    let found = scored.try_recv().unwrap().unwrap();
    let all: Vec<u32> = std::iter::once(256).chain(text.bytes().map(u32::from)).collect();
    let exec = worker.opened.get_mut("m").unwrap().model.exec.as_mut();
    let whole = 0..all.len();
    let losses = eval::losses(exec, [1, CONTEXT], (&all, &[whole]), CONTEXT / 2, |_| ()).unwrap();
    assert_eq!(found.iter().map(|token| -token.logprob.unwrap()).collect::<Vec<f32>>(), losses);
    // Whoever goes is not scored for.
    drop(score(&mut worker));
    let leaving = score(&mut worker);
    worker.pass();
    drop(leaving);
    worker.pass();
    assert!(is_idle(&worker));
    let (reply, mut none) = oneshot::channel();
    worker.take(Job::Score(Score { model: "m".into(), text: String::new() }, reply));
    finish(&mut worker);
    assert_eq!(none.try_recv().unwrap().unwrap(), []);
}

#[test]
fn of_several_all_that_was_written_is_counted() {
    let dir = saved(1);
    let mut worker = worker(dir.path());
    let mut said = ask(&mut worker, Write { best_of: 3, ..wish("The rain", 5) });
    finish(&mut worker);
    assert_eq!(heard(&mut said).1, Some(15));
}

#[test]
fn a_heading_stays_where_a_text_is_cut() {
    let dir = saved(1);
    let mut worker = worker(dir.path());
    let prompt = Prompt::Text { heading: "# 5 May\n".into(), text: "In the morning it rained.".into() };
    let mut said = ask(&mut worker, Write { prompt, echo: true, ..wish("", 14) });
    finish(&mut worker);
    let Ok(Said::Began { prompt_tokens, cut, .. }) = said.try_recv() else { panic!("it has not begun") };
    assert_eq!((prompt_tokens, cut), (18, Some(Cut { tokens: 15, from: Some(15) })));
    assert!(heard(&mut said).0.starts_with("# 5 May\nit rained."));
}

#[test]
fn whoever_missed_a_piece_is_told_of_no_end() {
    let (said, mut heard) = reply::channel(1);
    let mut listener = Heard { said, is_lost: false };
    let piece = |text: &str| Event::Piece { index: 0, text: text.into(), tokens: Vec::new() };
    listener.hear(piece("a"));
    assert!(!listener.is_gone());
    listener.hear(piece("b"));
    assert!(listener.is_gone());
    assert!(matches!(heard.try_recv(), Ok(Said::Piece { .. })), "and now there is room again");
    listener.hear(Event::Ended {
        index: 0,
        finish: crate::serve::job::Finish::Stop,
        ids: vec![1],
        beside: 0,
    });
    assert_eq!(heard.try_recv(), Err(reply::error::TryRecvError::Empty));
    assert!(listener.is_gone());
}
