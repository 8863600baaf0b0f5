//! What is asked of the worker, and what it answers: the border between the server, which speaks HTTP, and the one thread that owns the
//! device.

use tokio::sync::mpsc::Sender;

pub use crate::dataset::pairs::Role;
use crate::sample::Choice;
pub use crate::sample::talk::Message;
pub use crate::sample::together::{Finish, Likely};

/// What the model goes on from.
#[derive(Debug, Clone, PartialEq)]
pub enum Prompt {
    /// Text, as it stands.
    Text {
        /// What stands before it and stays where the text has to be cut; may be empty.
        heading: String,
        /// The text: of one that is too long the end is read.
        text: String,
    },
    /// Tokens of the model's.
    Ids(Vec<u32>),
    /// A conversation, in the form that the model was trained on.
    Messages(Vec<Message>),
}

/// A passage of the person's own journals, for an answer to stand on.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// The entry's day, or what else it is called.
    pub name: String,
    /// As it stands in the entry.
    pub text: String,
}

/// A wish for text.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// Which model, by the name that `/v1/models` lists.
    pub model: String,
    /// From what.
    pub prompt: Prompt,
    /// What its answer is to stand on: put before the question as far as the context has room.
    pub passages: Vec<Passage>,
    /// How many texts.
    pub n: usize,
    /// Of how many the likeliest `n` are given; at least `n`. More than `n` cannot be streamed.
    pub best_of: usize,
    /// The most tokens of each; without it, as many as the context has room for. With more than that, the first half of what the model
    /// sees is forgotten whenever the context is full.
    pub max_tokens: Option<usize>,
    /// How tokens are drawn.
    pub how: Choice,
    /// The same seed gives the same texts.
    pub seed: Option<u64>,
    /// A text ends before the first of these.
    pub stop: Vec<String>,
    /// The log-probabilities of each token and of so many of the likeliest beside it.
    pub logprobs: Option<usize>,
    /// Whether the prompt stands before each text, with its log-probabilities where these are asked for.
    pub echo: bool,
}

/// What of a prompt was left out, because it is longer than the model can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Tokens that were left out at the beginning of the text, behind its heading.
    pub tokens: usize,
    /// Where in the text the model begins to read, in UTF-16 units; nothing where the prompt is of tokens.
    pub from: Option<usize>,
}

/// What the worker says of a wish, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// It has begun: how many tokens the prompt has, and which of the passages stand in it.
    Began {
        /// Tokens of the prompt.
        prompt_tokens: usize,
        /// Which of the passages.
        passages: Vec<usize>,
        /// How many of the oldest turns were left out of the conversation.
        dropped: usize,
        /// What was left out of a text.
        cut: Option<Cut>,
    },
    /// The next piece of text `index`: whole characters, and the tokens that ended in them (none unless they were asked for).
    Piece {
        /// Which text.
        index: usize,
        /// Whole characters.
        text: String,
        /// Tokens, where they were asked for.
        tokens: Vec<Likely>,
    },
    /// Text `index` has ended.
    Ended {
        /// Which text.
        index: usize,
        /// Why.
        finish: Finish,
        /// Tokens that were written for it; with those of the texts that are not given, where it was the likeliest of several.
        completion_tokens: usize,
    },
    /// It cannot be done. Nothing follows.
    Failed(Refusal),
}

/// Why something is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Whose fault it is, and which.
    pub kind: Kind,
    /// What happened and what to do next, for a person.
    pub message: String,
    /// The field of the request that is wrong.
    pub param: Option<&'static str>,
}

/// Kinds of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// No such model (404).
    NotFound,
    /// The request is wrong (400).
    Invalid,
    /// The prompt and what is asked for do not fit (400, code `context_length_exceeded`).
    TooLong,
    /// Too many wait (429).
    Busy,
    /// The device, or the model's files (500).
    Broken,
}

/// How surprised a model is by each token of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Which model.
    pub model: String,
    /// The text.
    pub text: String,
}

/// A job. Where the other end of a `reply` has gone, the job is dropped at the next token.
#[derive(Debug)]
pub enum Job {
    /// Write.
    Write(Box<Write>, Sender<Said>),
    /// Score: each token of the text in turn, or why not.
    Score(Score, tokio::sync::oneshot::Sender<Result<Vec<Likely>, Refusal>>),
}

impl Job {
    /// Which model it is for.
    pub fn model(&self) -> &str {
        match self {
            Job::Write(write, _) => &write.model,
            Job::Score(score, _) => &score.model,
        }
    }

    /// Whether whoever asked has gone.
    pub fn is_forsaken(&self) -> bool {
        match self {
            Job::Write(_, said) => said.is_closed(),
            Job::Score(_, reply) => reply.is_closed(),
        }
    }
}

/// A model as it is listed.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The name by which it is asked for.
    pub name: String,
    /// When it was last saved, in seconds since 1970.
    pub created: u64,
    /// Tokens that it sees at once.
    pub context: usize,
    /// What a conversation with it is: `diary` (its text goes on), `pairs` (questions and answers), `chat` (a chat template).
    pub form: &'static str,
    /// What stands before an entry in its diary, with `{date}` for its day; nothing where it knows no headers.
    pub header: Option<String>,
}
