//! What the worker says of the jobs of one request, in the order in which it says it.

use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use tokio::sync::mpsc::Receiver;

use crate::serve::job::{Kind, Refusal, Said};

/// The answers to the jobs of one request. Dropped, they are taken back: the worker finds that nobody listens.
pub struct Answers {
    jobs: Vec<Receiver<Said>>,
    /// Which texts of each job have not ended.
    open: Vec<Vec<bool>>,
    /// Which job is listened to first the next time, so that none waits for another.
    turn: usize,
    /// What was heard and handed back.
    back: Option<(usize, Said)>,
}

impl Answers {
    /// Of jobs with so many texts each.
    pub fn new(jobs: Vec<Receiver<Said>>, n: usize) -> Answers {
        let open = vec![vec![true; n]; jobs.len()];
        Answers { jobs, open, turn: 0, back: None }
    }

    /// The next, and of which job; nothing once every text has ended or one job has failed.
    pub async fn next(&mut self) -> Option<(usize, Said)> {
        match self.back.take() {
            Some(said) => Some(said),
            None => poll_fn(|context| self.poll(context)).await,
        }
    }

    /// The next, if it is there already.
    pub fn ready(&mut self) -> Option<(usize, Said)> {
        if self.back.is_some() {
            return self.back.take();
        }
        match self.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(said) => said,
            Poll::Pending => None,
        }
    }

    /// Takes back what was heard: it is the next.
    pub fn hand_back(&mut self, said: Option<(usize, Said)>) {
        self.back = said;
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<(usize, Said)>> {
        if !self.open.iter().flatten().any(|open| *open) {
            return Poll::Ready(None);
        }
        for job in (self.turn..self.jobs.len()).chain(0..self.turn) {
            while self.open[job].contains(&true) {
                let said = match self.jobs[job].poll_recv(context) {
                    Poll::Pending => break,
                    Poll::Ready(said) => said.unwrap_or_else(broken_off),
                };
                if self.counts(job, &said) {
                    self.turn = (job + 1) % self.jobs.len().max(1);
                    return Poll::Ready(Some((job, said)));
                }
            }
        }
        Poll::Pending
    }

    /// Notes what has ended; whether what was said is of a text that was asked for.
    fn counts(&mut self, job: usize, said: &Said) -> bool {
        match said {
            Said::Began { .. } => true,
            Said::Piece { index, .. } => self.open[job].get(*index) == Some(&true),
            Said::Ended { index, .. } => {
                self.open[job].get_mut(*index).is_some_and(|open| std::mem::replace(open, false))
            }
            Said::Failed(_) => {
                self.open.clear();
                self.jobs.clear();
                true
            }
        }
    }
}

/// What it means that the worker says no more before the end.
fn broken_off() -> Said {
    let message = "the answer broke off before its end, because it was read much more slowly than it was written, or because the model's work failed: ask again".into();
    Said::Failed(Refusal { kind: Kind::Broken, message, param: None })
}
