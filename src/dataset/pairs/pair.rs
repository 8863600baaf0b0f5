//! What a pair is, and where it stood.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::base::units::shown;

/// The four kinds that a set should have: questions that others ask, imagined situations, contradiction, and pairs that set two of
/// one source beside each other. Others are kept as they are written.
pub const KINDS: [&str; 4] = ["genuine", "scenario", "pushback", "contrastive"];

/// Who says something in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// What is said of the whole conversation before it begins.
    System,
    /// Who asks.
    User,
    /// Who answers: the writer, as the model is to be.
    Assistant,
}

impl Role {
    /// As OpenAI's `messages` call it.
    pub fn name(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        }
    }
}

/// Where something stood.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line of JSONL, the line on which a row of a table begins, or else the number of the item in its list, all from 1. 0: the
    /// file as a whole.
    pub number: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.number {
            0 => write!(f, "{}", shown(&self.file)),
            number => write!(f, "{}:{number}", shown(&self.file)),
        }
    }
}

/// An instruction and its response.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// What is asked, without white space around it. It may be empty: `eval::pairs` says so.
    pub instruction: String,
    /// What is answered, likewise.
    pub response: String,
    /// What the answer rests on: passages, or names of documents.
    pub context: Vec<String>,
    /// The system prompt that it was made with.
    pub system: Option<String>,
    /// One of [`KINDS`] or another.
    pub kind: Option<String>,
    /// What it is about.
    pub theme: Option<String>,
    /// What was said before the instruction, by [`Role::User`] and [`Role::Assistant`] in turn.
    pub turns: Vec<(Role, String)>,
    /// Where it stood. The answers of one conversation share it.
    pub place: Place,
}

impl Pair {
    /// All that the answer follows: the turns before it, then the instruction, an empty line between them.
    pub fn asked(&self) -> String {
        let before = self.turns.iter().map(|(_, said)| said.as_str());
        before.chain([self.instruction.as_str()]).collect::<Vec<_>>().join("\n\n")
    }
}

/// What could not be read, or not wholly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What is wrong, and what to do.
    pub what: String,
}

/// How a file was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileRead {
    /// The file.
    pub file: PathBuf,
    /// What it was taken for: "JSON", "JSONL", "a table"…
    pub format: &'static str,
    /// Pairs that it gave.
    pub pairs: usize,
}

/// What some files hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// The pairs, in the order of the files.
    pub pairs: Vec<Pair>,
    /// What was not read; one for each item.
    pub problems: Vec<Problem>,
    /// The files that gave pairs.
    pub files: Vec<FileRead>,
}
