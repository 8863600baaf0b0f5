//! Who answers in a conversation: the model as the conversation sees it, so that it can be had without one.

use std::ops::{ControlFlow, Range};

use crate::base::Result;
use crate::sample::Choice;
use crate::serve::job::{Finish, Message};

/// What a conversation with a model is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// One text that grows: what is typed is added to it, and the model goes on.
    Diary,
    /// Questions and answers, in the form of the pairs that it was trained on.
    Pairs,
    /// Questions and answers, by the base's chat template.
    Chat,
}

/// A passage of the person's own entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// The entry's name.
    pub name: String,
    /// Its day, where it has one.
    pub date: Option<String>,
    /// As it stands in the entry.
    pub text: String,
}

/// What of the person's own entries bears on a question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recalled {
    /// How its words of time were understood; none where it has none.
    pub when: Option<String>,
    /// None of its days has its words: these are others of then.
    pub is_of_days_alone: bool,
    /// Passages, the best first.
    pub passages: Vec<Passage>,
}

/// What is asked of a speaker.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// All that was said, the last by the person. Of [`Manner::Diary`] it is one text, which [`sample::talk`] joins.
    ///
    /// [`sample::talk`]: crate::sample::talk
    pub conversation: &'a [Message],
    /// What the answer is to stand on, the best first; as many are put before the question as the context has room for.
    pub passages: &'a [Passage],
    /// How tokens are drawn.
    pub how: &'a Choice,
    /// The same seed gives the same answer to the same conversation.
    pub seed: u64,
    /// The most tokens of the answer.
    pub max_tokens: usize,
    /// The answer ends before the first of these.
    pub stop: &'a [String],
}

/// What a speaker answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The text: what was told in pieces, all of it.
    pub text: String,
    /// How many tokens it has.
    pub tokens: usize,
    /// How many of the first turns had no room in the context, or not all of them.
    pub dropped_turns: usize,
    /// Why it ended; of no account where a piece's teller broke it off.
    pub finish: Finish,
    /// Which of the wish's passages stood before the question.
    pub passages: Vec<usize>,
    /// What of the text stands in quotation marks and in none of those passages, as bytes of `text`.
    pub unsupported: Vec<Range<usize>>,
}

/// One that answers.
pub trait Speaker {
    /// What a conversation with it is.
    fn manner(&self) -> Manner;

    /// The headers under which it can write, one or a few of them, as a person would type them; nothing where it knows none.
    fn voices(&self) -> Vec<String>;

    /// A header as it stands before an entry, of what a person typed: a day alone, say, in the form of the diary's headers.
    ///
    /// # Errors
    /// No header can be made of it.
    fn header(&self, typed: &str) -> Result<String>;

    /// What of the person's entries bears on a question; nothing where there is no recall.
    ///
    /// # Errors
    /// The index cannot be read.
    fn recall(&mut self, question: &str) -> Result<Recalled>;

    /// Answers, telling each piece (whole characters) as it comes; stops where the teller breaks, the piece told included.
    ///
    /// # Errors
    /// What was said last does not fit in the context, unless it is a diary's; a lost device; logits that are no numbers.
    fn say(&mut self, wish: &Wish, on_piece: &mut dyn FnMut(&str) -> ControlFlow<()>) -> Result<Answer>;
}
