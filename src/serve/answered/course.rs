//! One request on its way: the texts in order of choices, how many tokens there were, and what they stand on.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::serve::answered::answers::Answers;
use crate::serve::job::{Cut, Finish, Likely, Refusal, Said};
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

/// What of a prompt the model did not read.
#[derive(Debug, Clone, Copy, Default)]
struct Unread {
    /// The oldest turns of a conversation.
    turns: usize,
    /// The beginning of a text.
    cut: Option<Cut>,
}

/// One request on its way.
pub struct Course {
    answers: Answers,
    /// Texts of each job.
    n: usize,
    /// Jobs.
    jobs: usize,
    sources: Option<Sources>,
    /// Of each job.
    unread: Vec<Unread>,
    /// How many tokens so far.
    pub usage: Usage,
}

impl Course {
    /// Of `jobs` jobs with `n` texts each.
    pub fn new(answers: Answers, jobs: usize, n: usize, sources: Option<Sources>) -> Course {
        Course { answers, n, jobs, sources, unread: vec![Unread::default(); jobs], usage: Usage::default() }
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
        match self.answers.next().await {
            Some((_, Said::Failed(refusal))) => Err(refusal),
            Some((job, said @ Said::Began { .. })) => self.step(job, said).map(|_| ()),
            said => {
                self.answers.hand_back(said);
                Ok(())
            }
        }
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
            Said::Began { prompt_tokens, passages, dropped, cut } => {
                self.usage.prompt += prompt_tokens;
                self.unread[job] = Unread { turns: dropped, cut };
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

    /// The entries that stand in the prompts, by name and text, as far as that is known.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        let found = self.sources.iter().flat_map(|sources| sources.found.iter().flatten());
        found.map(|found| (&found.name[..], &found.text[..]))
    }

    /// What of a choice's prompt was not read; nothing where all was.
    pub fn unread(&self, choice: usize) -> Option<Map<String, Value>> {
        let Unread { turns, cut } = self.unread.get(choice / self.n)?;
        let mut unread = Map::new();
        if *turns > 0 {
            unread.insert("dropped_turns".into(), json!(turns));
        }
        if let Some(Cut { tokens, from }) = cut {
            unread.insert("left_out_tokens".into(), json!(tokens));
            unread.insert("read_from".into(), json!(from));
        }
        (!unread.is_empty()).then_some(unread)
    }

    /// What is ours to say of a choice that has ended with a text: what was not read for it; where it was asked, what it stands on, and which
    /// of its quotations are in no source.
    pub async fn own(&self, choice: usize, text: &str) -> Option<Value> {
        let mut own = self.unread(choice);
        let asked =
            self.sources.as_ref().and_then(|sources| Some((sources, sources.found.get(choice / self.n)?)));
        if let Some((sources, found)) = asked {
            let grounds = grounds(&sources.recall, found.clone(), text.to_string()).await;
            own.get_or_insert_default().extend(grounds);
        }
        own.map(Value::Object)
    }
}
