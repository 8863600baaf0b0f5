//! The one thread that owns the device: wishes come in by a channel, texts go out by each wish's own.
//!
//! A model is opened when it is first asked for, and again when its run has saved a newer one. All texts of a model are written side by side,
//! a token of each in one pass ([`Texts`]); between two passes new wishes are taken, and those given up whose reader has gone. Where several
//! models are asked at once, they take turns, a pass each.

mod grounded;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};
use std::time::SystemTime;

use tokio::sync::mpsc as reply;
use tokio::sync::mpsc::error::TrySendError;

use crate::base::rng::{Rng, seed_of_the_clock};
use crate::base::{Error, Result};
use crate::eval;
use crate::sample::stops::Stops;
use crate::sample::talk::{Ends, Manner, Misfit, ends};
use crate::sample::together::Listener;
use crate::sample::{Event, Model, Streams, Texts, Wish, kept, opening};
use crate::serve::job::{Job, Kind, Likely, Prompt, Refusal, Said, Score, Write};
use crate::serve::manner;
use crate::tokens::Tokenizer;
use grounded::Grounded;

/// Opens the model at a path: to write, to score, for so many texts at once.
pub type Open = Box<dyn Fn(&Path) -> Result<Model> + Send>;

/// Texts longer than so many contexts are not scored: it would take all the others' time.
const CONTEXTS: usize = 8;

/// Of a context, the share that an answer is given where nobody says how long it may be and passages want the room.
const ANSWER: usize = 4;

/// A model that is open.
struct Opened {
    model: Model,
    tokenizer: Tokenizer,
    manner: Manner,
    texts: Texts<'static>,
    /// Who is told of them.
    told: Vec<reply::WeakSender<Said>>,
    /// When what it was opened from was last written.
    saved: Option<SystemTime>,
}

/// The worker's models, by the names that they are asked for by.
pub struct Worker {
    places: Vec<(String, PathBuf)>,
    open: Open,
    opened: HashMap<String, Opened>,
}

impl Worker {
    /// A worker on a thread of its own, with the first of its models open: where its jobs go. It ends when nobody can send it any more.
    ///
    /// # Errors
    /// The first model cannot be opened.
    pub fn start(places: Vec<(String, PathBuf)>, open: Open) -> Result<(Sender<Job>, JoinHandle<()>)> {
        let (jobs, received) = channel();
        let (ready, is_ready) = channel();
        let work = move || {
            let mut worker = Worker { places, open, opened: HashMap::new() };
            let opened = worker.open_first();
            let failed = opened.is_err();
            if ready.send(opened).is_ok() && !failed {
                worker.run(&received);
            }
        };
        let thread = thread::Builder::new().name("models".into()).spawn(work);
        let thread = thread
            .map_err(|e| Error::setting(format!("no thread for the models: {e}"), "close other programs"))?;
        is_ready.recv().map_err(|_| Error::bug("the models' thread ended before it had begun"))??;
        Ok((jobs, thread))
    }

    fn open_first(&mut self) -> Result<()> {
        let Some((name, path)) = self.places.first().cloned() else { return Ok(()) };
        let opened = Opened::new(&self.open, &path, manner::saved(&path))?;
        self.opened.insert(name, opened);
        Ok(())
    }

    /// Does what comes, until nobody can ask any more.
    fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let idle = self.opened.values().all(|opened| opened.texts.is_idle());
            let job = match idle {
                true => jobs.recv().map_err(|_| TryRecvError::Disconnected),
                false => jobs.try_recv(),
            };
            match job {
                Ok(job) => {
                    self.take(job);
                    continue;
                }
                Err(TryRecvError::Disconnected) if idle => return,
                Err(_) => {}
            }
            // In the order in which they are listed, so that two runs of one list of wishes do the same.
            for (name, _) in &self.places {
                let Some(opened) = self.opened.get_mut(name).filter(|opened| !opened.texts.is_idle()) else {
                    continue;
                };
                let passed = opened.texts.pass(opened.model.exec.as_mut(), &opened.tokenizer);
                if let Err(error) = passed {
                    let refusal = broken(&opened.model.told(error));
                    let told = opened.told.drain(..).filter_map(|said| said.upgrade());
                    told.for_each(|said| refuse(&said, refusal.clone()));
                    // What a lost device, or numbers that are none, have left behind is not built upon.
                    self.opened.remove(name);
                }
            }
        }
    }

    fn take(&mut self, job: Job) {
        match job {
            Job::Write(write, said) if !said.is_closed() => {
                let admitted = self.opened(&write.model).and_then(|opened| opened.admit(*write, &said));
                if let Err(refusal) = admitted {
                    refuse(&said, refusal);
                }
            }
            Job::Score(score, reply) if !reply.is_closed() => {
                let scored = self.opened(&score.model).and_then(|opened| opened.score(&score));
                let _gone = reply.send(scored);
            }
            // Whoever asked has gone.
            Job::Write(..) | Job::Score(..) => {}
        }
    }

    /// A model, opened if it is not, and opened again where its run has saved another one since and nobody is being written to.
    fn opened(&mut self, name: &str) -> std::result::Result<&mut Opened, Refusal> {
        let Some((_, path)) = self.places.iter().find(|(known, _)| known == name) else {
            let known: Vec<&str> = self.places.iter().map(|(name, _)| &name[..]).collect();
            return Err(Refusal {
                kind: Kind::NotFound,
                message: format!("there is no model {name:?} here; there are: {}", known.join(", ")),
                param: Some("model"),
            });
        };
        let saved = manner::saved(path);
        if let Some(opened) = self.opened.get(name)
            && opened.texts.is_idle()
            && opened.saved != saved
        {
            self.opened.remove(name);
        }
        if !self.opened.contains_key(name) {
            let path = path.clone();
            let opened = Opened::new(&self.open, &path, saved).or_else(|error| {
                // Others that nobody uses may have the memory.
                let before = self.opened.len();
                self.opened.retain(|_, opened| !opened.texts.is_idle());
                if self.opened.len() < before { Opened::new(&self.open, &path, saved) } else { Err(error) }
            });
            let opened = opened.map_err(|error| match path.exists() {
                true => broken(&error),
                false => Refusal {
                    kind: Kind::NotFound,
                    message: format!(
                        "{name} is gone: its folder is no longer there; put it back, or ask for another model"
                    ),
                    param: Some("model"),
                },
            })?;
            self.opened.insert(name.to_string(), opened);
        }
        Ok(self.opened.get_mut(name).expect("it was put there"))
    }
}

impl Opened {
    fn new(open: &Open, path: &Path, saved: Option<SystemTime>) -> Result<Opened> {
        let mut model = open(path)?;
        let tokenizer = model.tokenizer.take().expect("it was opened to read text");
        let manner = manner::of(path, &tokenizer)?;
        let texts = Texts::new(Streams::new(model.exec.as_ref(), model.positions));
        Ok(Opened { model, tokenizer, manner, texts, told: Vec::new(), saved })
    }

    /// Takes a wish in.
    fn admit(&mut self, write: Write, said: &reply::Sender<Said>) -> std::result::Result<(), Refusal> {
        let Grounded { ids: prompt, passages, dropped } = self.prompt(&write)?;
        let room = self.model.positions.saturating_sub(prompt.len()).max(1);
        let most = write.max_tokens.unwrap_or(room);
        let mut stops = write.stop;
        let mut ending = Ends::default();
        if matches!(write.prompt, Prompt::Messages(_)) {
            ending = ends(&self.manner, &self.tokenizer);
            stops.append(&mut ending.strings);
        }
        let empty = |error| Refusal { kind: Kind::Invalid, message: on_a_line(&error), param: Some("stop") };
        let stops = Stops::new(stops).map_err(empty)?;
        // Without a seed, each wish has one of its own; with one, the draws are those of `diarist sample`.
        let seed = write.seed.unwrap_or_else(seed_of_the_clock);
        let texts = write.best_of.max(write.n);
        let draws = (0..texts).map(|i| Rng::new(seed, &format!("sample {i}"))).collect();
        let _gone = said.try_send(Said::Began { prompt_tokens: prompt.len(), passages, dropped });
        let wish = Wish::new(prompt, draws, (most, &write.how), Heard { said: said.clone(), is_lost: false });
        let (logprobs, echo) = (write.logprobs, write.echo);
        self.texts.push(Wish { given: write.n, ends: ending.ids, stops, logprobs, echo, ..wish });
        self.told.retain(|said| said.strong_count() > 0);
        self.told.push(said.downgrade());
        Ok(())
    }

    /// The tokens that a wish goes on from, and which of its passages stand in them.
    fn prompt(&self, write: &Write) -> std::result::Result<Grounded, Refusal> {
        let positions = self.model.positions;
        let most = write.max_tokens.unwrap_or(positions / ANSWER);
        let ids = match &write.prompt {
            Prompt::Text(text) => self.tokenizer.encode_prompt(text),
            Prompt::Ids(ids) => {
                let v = self.model.config.vocab_size();
                if let Some(id) = ids.iter().find(|id| **id as usize >= v) {
                    let message = format!("token {id} is none of this model's {v}");
                    return Err(Refusal { kind: Kind::Invalid, message, param: Some("prompt") });
                }
                ids.clone()
            }
            Prompt::Messages(messages) => {
                let said = (&messages[..], &write.passages[..]);
                let fitted = grounded::fitted(&self.manner, said, &self.tokenizer, [positions, most]);
                return fitted.map_err(misfit);
            }
        };
        let ids = opening(kept(&ids, positions, most), &self.tokenizer);
        Ok(Grounded { ids, passages: Vec::new(), dropped: 0 })
    }

    /// How likely each token of a text is, after those before it; the first below where every text begins.
    fn score(&mut self, score: &Score) -> std::result::Result<Vec<Likely>, Refusal> {
        let t = self.model.positions;
        let ids = self.tokenizer.encode_prompt(&score.text);
        if ids.len() > CONTEXTS * t {
            let message = format!(
                "the text has {} tokens, and at most {} are scored at once: ask for a part of it",
                ids.len(),
                CONTEXTS * t
            );
            return Err(Refusal { kind: Kind::TooLong, message, param: Some("text") });
        }
        let all: Vec<u32> = std::iter::once(self.tokenizer.start()).chain(ids.iter().copied()).collect();
        let whole = 0..all.len();
        let exec = self.model.exec.as_mut();
        let losses = eval::losses(exec, [1, t], (&all, &[whole]), (t / 2).max(1), |_| ());
        let losses = losses.map_err(|error| broken(&self.model.told(error)))?;
        let token = |(&id, &loss): (&u32, &f32)| Likely {
            id,
            bytes: self.tokenizer.shown(id).into_owned(),
            logprob: Some(-loss),
            instead: Vec::new(),
        };
        Ok(ids.iter().zip(&losses).map(token).collect())
    }
}

/// Whoever asked, as the texts are told to them.
struct Heard {
    said: reply::Sender<Said>,
    /// So far behind that it was given up.
    is_lost: bool,
}

impl Listener for Heard {
    fn hear(&mut self, event: Event) {
        // Whoever asked may have gone: that is seen at the next token.
        let sent = self.said.try_send(match event {
            Event::Piece { index, text, tokens } => Said::Piece { index, text, tokens },
            Event::Ended { index, finish, ids } => {
                Said::Ended { index, finish, completion_tokens: ids.len() }
            }
        });
        self.is_lost |= matches!(sent, Err(TrySendError::Full(_)));
    }

    fn is_gone(&self) -> bool {
        self.is_lost || self.said.is_closed()
    }
}

/// Says that something cannot be done.
fn refuse(said: &reply::Sender<Said>, refusal: Refusal) {
    let _gone = said.try_send(Said::Failed(refusal));
}

/// What went wrong in the device or in a model's files, for whoever asked.
fn broken(error: &Error) -> Refusal {
    Refusal { kind: Kind::Broken, message: on_a_line(error), param: None }
}

fn misfit(misfit: Misfit) -> Refusal {
    let kind = if matches!(misfit, Misfit::TooLong { .. }) { Kind::TooLong } else { Kind::Invalid };
    Refusal { kind, message: on_a_line(&misfit.told()), param: Some("messages") }
}

/// An error of ours is of several lines: what happened, and what to do next.
fn on_a_line(error: &Error) -> String {
    let told = error.to_string().replace("\n  next: ", ". Next: ");
    told.split_whitespace().collect::<Vec<_>>().join(" ")
}
