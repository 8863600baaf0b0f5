//! A server on a port of its own, with a worker and an index that only pretend.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Sender;

use crate::base::{Error, Result};
use crate::serve::job::{
    Cut, Finish, Job, Kind, Likely, Listed, Message, Passage, Prompt, Refusal, Said, Score, Write,
};
use crate::serve::recall::Embedded;
use crate::serve::{Found, Lean, Recall, Settings, listen, run};

/// What the worker was asked, and what became of it.
#[derive(Default)]
pub struct Seen {
    pub writes: Mutex<Vec<Write>>,
    /// How many jobs found nobody listening.
    pub cancelled: AtomicUsize,
}

/// A server that ends when this is dropped.
pub struct Served {
    pub at: SocketAddr,
    pub seen: Arc<Seen>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Served {
    /// With all that there is.
    pub fn new(settings: Settings) -> Served {
        Served::with(settings, Some(Arc::new(Entries)), work)
    }

    /// With a worker of one's own.
    pub fn with(
        settings: Settings,
        recall: Option<Arc<dyn Recall>>,
        work: impl FnOnce(Receiver<Job>, &Arc<Seen>) + Send + 'static,
    ) -> Served {
        let seen = Arc::new(Seen::default());
        let (jobs, asked) = channel();
        let worker = Arc::clone(&seen);
        std::thread::spawn(move || work(asked, &worker));
        let stop = Arc::clone(&settings.stop);
        let (ready, at) = channel();
        let thread = std::thread::spawn(move || {
            let listening = listen(&settings)?;
            run(listening, &settings, listed().into(), jobs, recall, |at| ready.send(at).unwrap())
        });
        let at = at.recv().expect("the server is ready");
        Served { at, seen, stop, thread: Some(thread) }
    }

    /// What was asked last.
    pub fn last(&self) -> Write {
        self.seen.writes.lock().unwrap().last().expect("something was asked").clone()
    }

    /// Waits until so many jobs have found nobody listening.
    pub fn wait_for_cancelled(&self, n: usize) {
        let began = Instant::now();
        while self.seen.cancelled.load(Ordering::SeqCst) < n {
            assert!(began.elapsed() < Duration::from_secs(10), "not cancelled");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let ended = self.thread.take().expect("it runs").join();
        if !std::thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}

fn listed() -> Vec<Listed> {
    let model = |name: &str, form, header: Option<&str>| Listed {
        name: name.into(),
        created: 1_700_000_000,
        context: 1024,
        form,
        header: header.map(String::from),
    };
    vec![model("diary", "diary", Some("# {date}\n\n")), model("me/pairs v2", "pairs", None)]
}

/// Does each job on a thread of its own, for the tests ask for several at once.
pub fn work(jobs: Receiver<Job>, seen: &Arc<Seen>) {
    for job in jobs {
        let seen = Arc::clone(seen);
        std::thread::spawn(move || match job {
            Job::Write(write, reply) => {
                seen.writes.lock().unwrap().push((*write).clone());
                if tell(&write, &reply).is_none() {
                    seen.cancelled.fetch_add(1, Ordering::SeqCst);
                }
            }
            Job::Score(score, reply) => {
                let _ = reply.send(scored(&score));
            }
        });
    }
}

fn scored(score: &Score) -> std::result::Result<Vec<Likely>, Refusal> {
    if score.text == "refuse" {
        return Err(refusal(Kind::TooLong));
    }
    let mut tokens: Vec<Likely> = score.text.chars().map(|c| likely(&c.to_string())).collect();
    if let Some(first) = tokens.first_mut() {
        first.logprob = None;
    }
    Ok(tokens)
}

fn refusal(kind: Kind) -> Refusal {
    Refusal { kind, message: "refused as the test wants it".into(), param: Some("prompt") }
}

fn likely(text: &str) -> Likely {
    let instead = vec![(text.as_bytes().to_vec(), -0.5), (b"\xe2\x80".to_vec(), -1.5)];
    Likely { id: 1, bytes: text.as_bytes().to_vec(), logprob: Some(-0.5), instead }
}

/// Answers as the prompt says; nothing where nobody listens any more.
fn tell(write: &Write, reply: &Sender<Said>) -> Option<()> {
    let prompt = match &write.prompt {
        Prompt::Text { heading, text } => format!("{heading}{text}"),
        Prompt::Ids(ids) => format!("{ids:?}"),
        Prompt::Messages(messages) => {
            messages.last().map(|m: &Message| m.content.clone()).unwrap_or_default()
        }
    };
    let say = |said| reply.blocking_send(said).ok();
    match prompt.as_str() {
        "too long" => return say(Said::Failed(refusal(Kind::TooLong))),
        "busy" => return say(Said::Failed(refusal(Kind::Busy))),
        "broken" => return say(Said::Failed(refusal(Kind::Broken))),
        "panic" => return Some(()),
        "hold" => {
            while !reply.is_closed() {
                std::thread::sleep(Duration::from_millis(1));
            }
            return None;
        }
        _ => {}
    }
    let passages = (0..write.passages.len()).rev().take(1).collect();
    // As a model would that sees two words.
    let words = prompt.split(' ').count();
    let [dropped, cut] = match &write.prompt {
        Prompt::Messages(messages) => [messages.len().saturating_sub(3), 0],
        _ if prompt.starts_with("long") => [0, words - 2],
        _ => [0, 0],
    };
    let cut = (cut > 0).then_some(Cut { tokens: cut, from: Some(5 * cut) });
    say(Said::Began { prompt_tokens: words, passages, dropped, cut })?;
    let piece = |index, text: &str| {
        let tokens = if write.logprobs.is_some() { vec![likely(text)] } else { Vec::new() };
        Said::Piece { index, text: text.into(), tokens }
    };
    match prompt.as_str() {
        "breaks midway" => return say(piece(0, "half")),
        "fails midway" => {
            say(piece(0, "half"))?;
            return say(Said::Failed(refusal(Kind::Broken)));
        }
        "for ever" => loop {
            say(piece(0, "again "))?;
            std::thread::sleep(Duration::from_millis(1));
        },
        "a flood" => {
            let drop = "x".repeat(8000);
            (0..4000).try_for_each(|_| say(piece(0, &drop)))?;
        }
        _ => {}
    }
    for part in ["“", "x", "é😀”"] {
        for index in 0..write.n {
            say(piece(index, part))?;
        }
    }
    for index in (0..write.n).rev() {
        say(piece(index, &format!("{index}:{prompt}")))?;
        let finish = if index % 2 == 0 { Finish::Stop } else { Finish::Length };
        say(Said::Ended { index, finish, completion_tokens: 4 })?;
        // What was not asked for is passed over.
        say(Said::Ended { index: 1000, finish, completion_tokens: 4 })?;
    }
    Some(())
}

/// An index of two entries.
pub struct Entries;

impl Recall for Entries {
    fn find(&self, query: &str, k: usize) -> Result<Vec<Found>> {
        if query == "broken" {
            return Err(Error::setting("the index is cut short", "make it again"));
        }
        let found = |name: &str, date: Option<&str>| Found {
            name: name.into(),
            date: date.map(String::from),
            text: format!("of {query}"),
            score: 1.5,
        };
        Ok([found("first", Some("1890-05-01")), found("second", None)].into_iter().take(k).collect())
    }

    fn leans(&self, text: &str, _: usize) -> Result<Vec<Lean>> {
        let words = text.split(' ').count();
        let at = text.find('b').unwrap_or(0)..text.len();
        Ok(vec![Lean { name: "first".into(), date: None, words, text: "Bee".into(), at }])
    }

    fn unsupported(&self, text: &str, sources: &[Passage]) -> Vec<Range<usize>> {
        assert!(sources.len() <= 1, "only those that stand in the prompt");
        let quoted = text.find('“').zip(text.find('”'));
        quoted.map(|(start, end)| start..end + '”'.len_utf8()).into_iter().collect()
    }

    fn embeds(&self) -> Option<String> {
        Some("words".into())
    }

    fn embed(&self, texts: &[String]) -> Option<Result<Vec<Embedded>>> {
        let one = |text: &String| Embedded { vector: vec![1.0, text.len() as f32, -0.5], tokens: text.len() };
        Some(Ok(texts.iter().map(one).collect()))
    }
}

/// A log in a folder of its own.
pub fn log() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.jsonl");
    (dir, path)
}
