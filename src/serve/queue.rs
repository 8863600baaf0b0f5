//! The way to the worker: so many jobs and no more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use tokio::sync::mpsc::{Receiver, WeakSender, channel};
use tokio::sync::oneshot;

use crate::serve::http::refused::Refused;
use crate::serve::job::{Job, Likely, Said, Score, Write};

/// How many pieces of each text may wait for a reader: one that is further behind is given up, or what it has not read would fill the memory.
const BEHIND: usize = 4096;

/// What a client hears where the worker has gone.
pub const GONE: &str = "the thread that runs the models has ended: stop the server and start it again";

/// The way to the worker.
pub struct Queue {
    jobs: Sender<Job>,
    /// The most jobs that the worker holds at once, at work or waiting.
    most: usize,
    /// The ways back of those that it may hold. One whose senders are gone it has let go of, whether anybody has read the answer or
    /// not: so a slow reader takes nobody's place.
    held: Mutex<Vec<WeakSender<Said>>>,
    /// One more owner for each text that is being scored.
    scores: Arc<()>,
    gone: AtomicBool,
}

impl Queue {
    /// To this worker, so many jobs at once.
    pub fn new(jobs: Sender<Job>, most: usize) -> Queue {
        Queue { jobs, most, held: Mutex::default(), scores: Arc::default(), gone: AtomicBool::new(false) }
    }

    /// Whether the worker was found to be gone.
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// Asks for texts; dropping what is returned takes the wish back.
    ///
    /// # Errors
    /// Too many wait, or the worker has gone.
    pub fn write(&self, writes: Vec<Write>) -> Result<Vec<Receiver<Said>>, Refused> {
        let (senders, receivers): (Vec<_>, Vec<_>) =
            writes.iter().map(|write| channel(BEHIND * write.best_of.max(1))).unzip();
        {
            let mut held = self.held();
            self.room(held.len(), writes.len())?;
            held.extend(senders.iter().map(tokio::sync::mpsc::Sender::downgrade));
        }
        for (write, sender) in writes.into_iter().zip(senders) {
            self.send(Job::Write(Box::new(write), sender))?;
        }
        Ok(receivers)
    }

    /// Asks how surprised a model is.
    ///
    /// # Errors
    /// Too many wait, the worker has gone, or it refuses.
    pub async fn score(&self, score: Score) -> Result<Vec<Likely>, Refused> {
        let held = self.held().len();
        self.room(held, 1)?;
        let _place = Arc::clone(&self.scores);
        let (sender, receiver) = oneshot::channel();
        self.send(Job::Score(score, sender))?;
        match receiver.await {
            Ok(scored) => scored.map_err(Refused::from),
            Err(_) => Err(Refused::broken("the model's work broke off: ask again")),
        }
    }

    /// How many jobs the worker holds, at work or waiting.
    pub fn jobs(&self) -> usize {
        self.held().len() + Arc::strong_count(&self.scores) - 1
    }

    /// The ways back of the jobs that it holds still.
    fn held(&self) -> MutexGuard<'_, Vec<WeakSender<Said>>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|job| job.strong_count() > 0);
        held
    }

    /// Refuses what there is no room for.
    fn room(&self, held: usize, more: usize) -> Result<(), Refused> {
        if more > self.most {
            let message = format!(
                "{more} prompts in one request are more than the {} that this server holds",
                self.most
            );
            return Err(Refused::field("prompt", Some("array_above_max_length"), message));
        }
        if held + Arc::strong_count(&self.scores) - 1 + more > self.most {
            let message = format!("{} requests are waiting already: try again in a moment", self.most);
            return Err(Refused::new(StatusCode::TOO_MANY_REQUESTS, message).code("rate_limit_exceeded"));
        }
        Ok(())
    }

    fn send(&self, job: Job) -> Result<(), Refused> {
        self.jobs.send(job).map_err(|_| {
            self.gone.store(true, Ordering::Relaxed);
            Refused::broken(GONE)
        })
    }
}
