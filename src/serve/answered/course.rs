//! One request on its way: the texts in order of choices, how many tokens there were, and what they stand on.

use std::sync::Arc;

use serde_json::Value;

use crate::serve::answered::answers::Answers;
use crate::serve::job::{Finish, Likely, Refusal, Said};
use crate::serve::recall::{Found, Recall, grounds};

/// What happens to one choice.
#[derive(Debug)]
pub enum Step {
    /// More of its text, and the tokens that ended in it.
    Piece(String, Vec<Likely>),
    /// Its end.
    Ended(Finish),
}

/// How many tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of all prompts.
    pub prompt: usize,
    /// Of all texts.
    pub completion: usize,
}

/// What the answers may stand on.
pub struct Sources {
    /// The index.
    pub recall: Arc<dyn Recall>,
    /// What was found for each job.
    pub found: Vec<Vec<Found>>,
}

/// One request on its way.
pub struct Course {
    answers: Answers,
    /// Texts of each job.
    n: usize,
    /// Jobs.
    jobs: usize,
    sources: Option<Sources>,
    /// How many tokens so far.
    pub usage: Usage,
}

impl Course {
    /// Of `jobs` jobs with `n` texts each.
    pub fn new(answers: Answers, jobs: usize, n: usize, sources: Option<Sources>) -> Course {
        Course { answers, n, jobs, sources, usage: Usage::default() }
    }

    /// How many texts there will be.
    pub fn choices(&self) -> usize {
        self.jobs * self.n
    }

    /// Waits until the work has begun.
    ///
    /// # Errors
    /// It is refused.
    pub async fn begun(&mut self) -> Result<(), Refusal> {
        self.answers.begun().await
    }

    /// The next step and of which choice; nothing at the end of all.
    ///
    /// # Errors
    /// A job failed; then nothing follows.
    pub async fn next(&mut self) -> Result<Option<(usize, Step)>, Refusal> {
        while let Some((job, said)) = self.answers.next().await {
            if let Some(step) = self.step(job, said)? {
                return Ok(Some(step));
            }
        }
        Ok(None)
    }

    /// The next step, if it is there already.
    ///
    /// # Errors
    /// A job failed; then nothing follows.
    pub fn ready(&mut self) -> Result<Option<(usize, Step)>, Refusal> {
        while let Some((job, said)) = self.answers.ready() {
            if let Some(step) = self.step(job, said)? {
                return Ok(Some(step));
            }
        }
        Ok(None)
    }

    fn step(&mut self, job: usize, said: Said) -> Result<Option<(usize, Step)>, Refusal> {
        match said {
            Said::Began { prompt_tokens, passages, .. } => {
                self.usage.prompt += prompt_tokens;
                if let Some(found) = self.sources.as_mut().and_then(|sources| sources.found.get_mut(job)) {
                    *found = passages.iter().filter_map(|at| found.get(*at).cloned()).collect();
                }
                Ok(None)
            }
            Said::Piece { index, text, tokens } => {
                Ok(Some((job * self.n + index, Step::Piece(text, tokens))))
            }
            Said::Ended { index, finish, completion_tokens } => {
                self.usage.completion += completion_tokens;
                Ok(Some((job * self.n + index, Step::Ended(finish))))
            }
            Said::Failed(refusal) => Err(refusal),
        }
    }

    /// What the text of a choice stands on, and which of its quotations are in no source; nothing where that was not asked.
    pub async fn grounds(&self, choice: usize, text: &str) -> Option<Value> {
        let sources = self.sources.as_ref()?;
        let found = sources.found.get(choice / self.n)?.clone();
        Some(grounds(&sources.recall, found, text.to_string()).await)
    }
}
