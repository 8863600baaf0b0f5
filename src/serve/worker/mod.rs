//! The one thread that owns the device: wishes come in by a channel, texts go out by each wish's own.
//!
//! A model is opened when it is first asked for, and again when its run has saved a newer one: what is being written then is finished by the
//! model that it began with, and whoever asks meanwhile waits for the newer one. All texts of a model are written side by side, a token of
//! each in one pass ([`Texts`]); between two passes a window of a text is scored, new wishes are taken, and those given up whose reader has
//! gone. Where several models are asked at once, they take turns, a pass each.

mod grounded;
mod kept;
mod refusing;
mod scoring;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};

use tokio::sync::mpsc as reply;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;

use crate::base::rng::{Rng, seed_of_the_clock};
use crate::base::{Error, Result};
use crate::sample::stops::Stops;
use crate::sample::talk::{Ends, Manner, ends};
use crate::sample::together::Listener;
use crate::sample::{Event, Model, Streams, Texts, Wish};
use crate::serve::job::{Cut, Job, Kind, Likely, Prompt, Refusal, Said, Write};
use crate::serve::manner::{self, Place, Saved};
use crate::tokens::Tokenizer;
use grounded::Grounded;
use kept::Kept;
use refusing::{broken, misfit, on_a_line, unopened};
use scoring::Scoring;

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
    /// What is being scored, in the order in which it was asked.
    scores: VecDeque<Scoring>,
    /// When what it was opened from was last written.
    saved: Saved,
}

/// The worker's models, by the names that they are asked for by.
pub struct Worker {
    places: Vec<Place>,
    open: Open,
    opened: HashMap<String, Opened>,
    /// What was asked of a model that has been saved anew, until nothing is written any more by what it was before.
    waiting: VecDeque<Job>,
}

impl Worker {
    /// A worker on a thread of its own, with the first of its models open: where its jobs go. It ends when nobody can send it any more.
    ///
    /// # Errors
    /// The first model cannot be opened.
    pub fn start(places: Vec<Place>, open: Open) -> Result<(Sender<Job>, JoinHandle<()>)> {
        let (jobs, received) = channel();
        let (ready, is_ready) = channel();
        let work = move || {
            let mut worker = Worker::new(places, open);
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

    fn new(places: Vec<Place>, open: Open) -> Worker {
        Worker { places, open, opened: HashMap::new(), waiting: VecDeque::new() }
    }

    fn open_first(&mut self) -> Result<()> {
        let Some(place) = self.places.first() else { return Ok(()) };
        let opened = Opened::new(&self.open, place, place.saved())?;
        self.opened.insert(place.name.clone(), opened);
        Ok(())
    }

    /// Does what comes, until nobody can ask any more.
    fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            self.take_waiting();
            // Those that wait do so for one that is busy.
            let idle = self.opened.values().all(Opened::is_idle);
            let job = match idle {
                true => jobs.recv().map_err(|_| TryRecvError::Disconnected),
                false => jobs.try_recv(),
            };
            match job {
                Ok(job) => self.take(job),
                Err(TryRecvError::Disconnected) if idle => return,
                Err(_) => self.pass(),
            }
        }
    }

    /// A token of each text, in the order in which the models are listed, so that two runs of one list of wishes do the same.
    fn pass(&mut self) {
        for Place { name, .. } in &self.places {
            let Some(opened) = self.opened.get_mut(name).filter(|opened| !opened.is_idle()) else { continue };
            if let Err(error) = opened.pass() {
                let refusal = broken(&opened.model.told(error));
                // What a lost device, or numbers that are none, have left behind is not built upon.
                if let Some(lost) = self.opened.remove(name) {
                    lost.refuse(&refusal);
                }
            }
        }
    }

    /// Takes a job, or has it wait for a newer state of its model.
    fn take(&mut self, job: Job) {
        if job.is_forsaken() {
            return;
        }
        if self.is_leaving(job.model()) {
            self.waiting.push_back(job);
            return;
        }
        match job {
            Job::Write(write, said) => {
                let admitted = self.opened(&write.model).and_then(|opened| opened.admit(*write, &said));
                if let Err(refusal) = admitted {
                    refuse(&said, refusal);
                }
            }
            Job::Score(score, reply) => match self.opened(&score.model) {
                Ok(opened) => opened.score(&score.text, reply),
                Err(refusal) => {
                    let _gone = reply.send(Err(refusal));
                }
            },
        }
    }

    /// Takes what has waited for a newer state of a model by which nothing is written any more, in the order in which it was asked.
    fn take_waiting(&mut self) {
        self.waiting.retain(|job| !job.is_forsaken());
        let is_busy = |job: &Job| self.opened.get(job.model()).is_some_and(|opened| !opened.is_idle());
        if self.waiting.iter().all(is_busy) {
            return;
        }
        for job in std::mem::take(&mut self.waiting) {
            self.take(job);
        }
    }

    /// Whether a model is writing still, and a newer one was saved since it was opened: nothing new is begun by it then, or it would be
    /// asked for ever where somebody always is.
    fn is_leaving(&self, name: &str) -> bool {
        let Some(opened) = self.opened.get(name).filter(|opened| !opened.is_idle()) else { return false };
        self.places.iter().any(|place| place.name == name && place.saved() != opened.saved)
    }

    /// A model, opened if it is not, and opened again where its run has saved another one since and nobody is being written to.
    fn opened(&mut self, name: &str) -> std::result::Result<&mut Opened, Refusal> {
        let Some(place) = self.places.iter().find(|place| place.name == name) else {
            let known: Vec<&str> = self.places.iter().map(|place| &place.name[..]).collect();
            return Err(Refusal {
                kind: Kind::NotFound,
                message: format!("there is no model {name:?} here; there are: {}", known.join(", ")),
                param: Some("model"),
            });
        };
        let saved = place.saved();
        if let Some(opened) = self.opened.get(name)
            && opened.is_idle()
            && opened.saved != saved
        {
            self.opened.remove(name);
        }
        if !self.opened.contains_key(name) {
            let opened = Opened::new(&self.open, place, saved).or_else(|error| {
                // Others that nobody uses may have the memory.
                let before = self.opened.len();
                self.opened.retain(|_, opened| !opened.is_idle());
                if self.opened.len() < before { Opened::new(&self.open, place, saved) } else { Err(error) }
            });
            let opened = opened.map_err(|error| unopened(place, &error))?;
            self.opened.insert(name.to_string(), opened);
        }
        Ok(self.opened.get_mut(name).expect("it was put there"))
    }
}

impl Opened {
    fn new(open: &Open, place: &Place, saved: Saved) -> Result<Opened> {
        let mut model = open(&place.path)?;
        let tokenizer = model.tokenizer.take().expect("it was opened to read text");
        let manner = manner::of(&place.run, &tokenizer)?;
        let texts = Texts::new(Streams::new(model.exec.as_ref(), model.positions));
        Ok(Opened { model, tokenizer, manner, texts, told: Vec::new(), scores: VecDeque::new(), saved })
    }

    /// Whether there is nothing to do.
    fn is_idle(&self) -> bool {
        self.texts.is_idle() && self.scores.is_empty()
    }

    /// A token of each text, and a window of the text that is scored first.
    ///
    /// # Errors
    /// A lost device, or logits that are not numbers.
    fn pass(&mut self) -> Result<()> {
        let exec = self.model.exec.as_mut();
        if !self.texts.is_idle() {
            self.texts.pass(exec, &self.tokenizer)?;
        }
        let Some(mut scoring) = self.scores.pop_front() else { return Ok(()) };
        if scoring.is_over() {
            scoring.end(&self.tokenizer);
            return Ok(());
        }
        match scoring.step(exec, self.model.positions) {
            Ok(()) => self.scores.push_front(scoring),
            // Of the texts it is told where they are written.
            Err(error) => scoring.refuse(broken(&self.model.told(error))),
        }
        Ok(())
    }

    /// Says to everybody that it cannot be done.
    fn refuse(self, refusal: &Refusal) {
        let told = self.told.iter().filter_map(reply::WeakSender::upgrade);
        told.for_each(|said| refuse(&said, refusal.clone()));
        self.scores.into_iter().for_each(|scoring| scoring.refuse(refusal.clone()));
    }

    /// Takes a wish in.
    fn admit(&mut self, write: Write, said: &reply::Sender<Said>) -> std::result::Result<(), Refusal> {
        let (Grounded { ids: prompt, passages, dropped }, cut) = self.prompt(&write)?;
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
        let _gone = said.try_send(Said::Began { prompt_tokens: prompt.len(), passages, dropped, cut });
        let wish = Wish::new(prompt, draws, (most, &write.how), Heard { said: said.clone(), is_lost: false });
        let (logprobs, echo) = (write.logprobs, write.echo);
        self.texts.push(Wish { given: write.n, ends: ending.ids, stops, logprobs, echo, ..wish });
        self.told.retain(|said| said.strong_count() > 0);
        self.told.push(said.downgrade());
        Ok(())
    }

    /// The tokens that a wish goes on from, which of its passages stand in them, and what of a text does not.
    fn prompt(&self, write: &Write) -> std::result::Result<(Grounded, Option<Cut>), Refusal> {
        let positions = self.model.positions;
        let room = [positions, write.max_tokens.unwrap_or(positions / ANSWER)];
        let Kept { ids, cut } = match &write.prompt {
            Prompt::Text { heading, text } => kept::of_text((heading, text), &self.tokenizer, room)?,
            Prompt::Ids(ids) => {
                let v = self.model.config.vocab_size();
                if let Some(id) = ids.iter().find(|id| **id as usize >= v) {
                    let message = format!("token {id} is none of this model's {v}");
                    return Err(Refusal { kind: Kind::Invalid, message, param: Some("prompt") });
                }
                kept::of_ids(ids, &self.tokenizer, room)
            }
            Prompt::Messages(messages) => {
                let said = (&messages[..], &write.passages[..]);
                let fitted = grounded::fitted(&self.manner, said, &self.tokenizer, room);
                return fitted.map(|fitted| (fitted, None)).map_err(misfit);
            }
        };
        Ok((Grounded { ids, passages: Vec::new(), dropped: 0 }, cut))
    }

    /// Has it told how likely each token of a text is, after those before it; the first below where every text begins.
    fn score(&mut self, text: &str, reply: oneshot::Sender<std::result::Result<Vec<Likely>, Refusal>>) {
        let most = CONTEXTS * self.model.positions;
        let ids = self.tokenizer.encode_prompt(text);
        let scoring = Scoring::new(&ids, &self.tokenizer, reply);
        if ids.len() > most {
            let message = format!(
                "the text has {} tokens, and at most {most} are scored at once: ask for a part of it",
                ids.len()
            );
            scoring.refuse(Refusal { kind: Kind::TooLong, message, param: Some("text") });
        } else {
            self.scores.push_back(scoring);
        }
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
        // A piece is missing: nothing more is told, or the rest would pass for the whole.
        if self.is_lost {
            return;
        }
        // Whoever asked may have gone: that is seen at the next token.
        let sent = self.said.try_send(match event {
            Event::Piece { index, text, tokens } => Said::Piece { index, text, tokens },
            Event::Ended { index, finish, ids, beside } => {
                Said::Ended { index, finish, completion_tokens: ids.len() + beside }
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
