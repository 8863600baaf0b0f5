//! Prompts sent to a model that the person names, and its answers kept.
//!
//! **What connects where.** diarist opens a connection in two places. `weights::hub` does for `diarist fetch`, and sends nothing of a person's.
//! This module is the other, and the only one that sends any of their words: a POST to `/chat/completions` at the address that they gave, and
//! to no other. Where that is not this computer, they must have said that their diary may go there ([`CONSENT`]). `localhost` is not looked up,
//! nor is a proxy asked for it; no redirect is followed; nothing is sent but the prompts, each kept in `sent/` word for word, the model's name, two
//! numbers, diarist's version, and the key where one is named. Nothing here runs unless the person asks for it by name.
//!
//! A folder holds it all: `sent/0001-….json` is what was sent, `answers/0001-….txt` what came back. An answer is on the disk before the next
//! question is put, so that a second call goes on where the first ended.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;

use crate::base::units::duration;
use crate::base::{Error, Result, disk};
pub use answer::MOST;
use answer::{Answer, Failure, ask, body};
pub use endpoint::{CONSENT, Endpoint};
pub use wait::Patience;
use wait::rest;

mod address;
mod answer;
mod endpoint;
#[cfg(test)]
mod server;
#[cfg(test)]
mod tests;
mod wait;

/// So many prompts in a row without an answer, and no more are sent.
const VAIN: usize = 3;
/// What was sent is read again no further than this, in bytes.
const LONGEST_SENT: u64 = 64 << 20;

/// How a model is to write.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Manner {
    /// From 0 (always the likeliest word) to 2.
    pub temperature: f64,
    /// Tokens of an answer, at most.
    pub max_tokens: u32,
}

impl Default for Manner {
    fn default() -> Manner {
        Manner { temperature: 0.7, max_tokens: 8_192 }
    }
}

/// What happens, for whoever watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// A prompt is sent: the so-manieth, from 1, of so many.
    Asking(&'a str, usize, usize),
    /// There will be another try, after a wait.
    Waiting(&'a str, Duration),
    /// The answer is on the disk. It ends in the middle where the flag is set.
    Answered(&'a str, bool),
    /// There is no answer, and why.
    Failed(&'a str, &'a str),
}

/// What came of it, by the prompts' names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Those that were answered now.
    pub answered: Vec<String>,
    /// Those that had an answer already.
    pub before: Vec<String>,
    /// Those of the answered whose answer was cut at `max_tokens`.
    pub cut: Vec<String>,
    /// Those without an answer, and why; the next call asks them again.
    pub failed: Vec<(String, String)>,
    /// Whether it ended because it was told to.
    pub stopped: bool,
}

/// Asks for each prompt (its name, its text) that has no answer in `folder` yet, one after another.
///
/// `stop` ends it before the next request or in a wait, not in the middle of an answer.
///
/// # Errors
/// A name that is no file's name, or is there twice; an answer in the folder that was given to another text; a server that is not there, refuses the
/// key, redirects, stays busy, or gives nothing for three prompts in a row; a disk that is full. What was answered before is kept.
pub fn ask_all(
    endpoint: &Endpoint,
    prompts: &[(String, String)],
    folder: &Path,
    manner: Manner,
    stop: &AtomicBool,
    mut progress: impl FnMut(Event),
) -> Result<Outcome> {
    let places = places(prompts, folder)?;
    for place in &places {
        place.is_of_this(folder)?;
    }
    for part in ["answers", "sent"] {
        disk::create_folder(&folder.join(part))?;
    }
    let agent = endpoint.agent();
    let mut outcome = Outcome::default();
    let mut vain = 0;
    for (i, place) in places.iter().enumerate() {
        let name = place.name;
        if place.answer.exists() {
            outcome.before.push(name.to_string());
            continue;
        }
        if stop.load(Ordering::Relaxed) {
            outcome.stopped = true;
            break;
        }
        progress(Event::Asking(name, i + 1, places.len()));
        let body = format!("{:#}\n", body(endpoint, place.text, manner.temperature, manner.max_tokens));
        // Before it is sent: what leaves is on record, whatever comes of it.
        disk::replace(&place.sent, body.as_bytes())?;
        match persist(&agent, endpoint, &body, stop, &mut progress)? {
            Asked::Answered(Answer { text, cut }) => {
                disk::replace(&place.answer, text.as_bytes())?;
                outcome.answered.push(name.to_string());
                outcome.cut.extend(cut.then(|| name.to_string()));
                vain = 0;
                progress(Event::Answered(name, cut));
            }
            Asked::Failed(why) => {
                progress(Event::Failed(name, &why));
                outcome.failed.push((name.to_string(), why.clone()));
                vain += 1;
                if vain == VAIN {
                    return Err(given_up(format!(
                        "{VAIN} prompts in a row have no answer; the last, {name}: {why}"
                    )));
                }
            }
            Asked::Stopped => {
                outcome.stopped = true;
                break;
            }
        }
    }
    Ok(outcome)
}

/// What a prompt came to.
enum Asked {
    Answered(Answer),
    Failed(String),
    Stopped,
}

/// Asks until there is an answer or can be none.
fn persist(
    agent: &Agent,
    endpoint: &Endpoint,
    body: &str,
    stop: &AtomicBool,
    progress: &mut impl FnMut(Event),
) -> Result<Asked> {
    let patience = endpoint.patience();
    let mut tries = 1;
    loop {
        let (why, asked_for) = match ask(agent, endpoint, body) {
            Ok(answer) => return Ok(Asked::Answered(answer)),
            Err(Failure::This(why)) => return Ok(Asked::Failed(why)),
            Err(Failure::All(e)) => return Err(e),
            Err(Failure::Later(why, wait)) => (why, wait),
        };
        if tries >= patience.tries {
            return Err(given_up(format!("{why}; so it was {tries} times")));
        }
        if let Some(wait) = asked_for.filter(|wait| *wait > patience.longest) {
            return Err(given_up(format!("{why}; the server asks to be left alone for {}", duration(wait))));
        }
        let wait = asked_for.unwrap_or_else(|| patience.after(tries));
        progress(Event::Waiting(&why, wait));
        if !rest(wait, stop) {
            return Ok(Asked::Stopped);
        }
        tries += 1;
    }
}

fn given_up(problem: String) -> Error {
    Error::setting(
        problem,
        "what was answered is kept: the same command goes on from there, later or with another model",
    )
}

/// A prompt, and where its files are.
struct Place<'a> {
    name: &'a str,
    text: &'a str,
    sent: PathBuf,
    answer: PathBuf,
}

/// The places of all prompts.
fn places<'a>(prompts: &'a [(String, String)], folder: &Path) -> Result<Vec<Place<'a>>> {
    let mut seen = BTreeSet::new();
    let place = |(name, text): &'a (String, String)| {
        let stem = name.strip_suffix(".txt").unwrap_or(name);
        let fit = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
        if stem.is_empty() || stem.starts_with('.') || !stem.chars().all(fit) {
            let next = "rename the prompt: letters, digits, hyphens, and no dot at the beginning";
            return Err(Error::usage(format!("{name:?} cannot be the name of an answer"), next));
        }
        // As a disk sees them that takes small and capital letters for one.
        if !seen.insert(stem.to_lowercase()) {
            return Err(Error::usage(format!("two prompts are called {stem}"), "rename one of them"));
        }
        Ok(Place {
            name: stem,
            text,
            sent: folder.join("sent").join(format!("{stem}.json")),
            answer: folder.join("answers").join(format!("{stem}.txt")),
        })
    };
    prompts.iter().map(place).collect()
}

impl Place<'_> {
    /// Whether an answer that is there was given to this text.
    fn is_of_this(&self, folder: &Path) -> Result<()> {
        if !self.answer.exists() || !self.sent.exists() {
            return Ok(());
        }
        let bytes = disk::read_at_most(&self.sent, LONGEST_SENT)?.unwrap_or_default();
        let sent: Option<Value> = serde_json::from_slice(&bytes).ok();
        let same = sent.is_some_and(|sent| sent["messages"][0]["content"] == self.text);
        if same {
            return Ok(());
        }
        Err(Error::file(
            &self.answer,
            format!("it answers another prompt than {} is now", self.name),
            format!(
                "name another folder than {}, or move its answers and what was sent away",
                folder.display()
            ),
        ))
    }
}
