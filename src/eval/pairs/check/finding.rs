//! What may be found in a single pair, and how it is said.

use serde::Serialize;

use crate::dataset::pairs::Place;
pub use crate::eval::likeness::invention::Kind;

/// Something to look at in a pair.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    /// The pair, by number in the set, from 0.
    pub pair: usize,
    /// Where it stands.
    pub place: Place,
    /// What it is.
    pub finding: Finding,
}

/// A part of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The instruction, with the turns before it.
    Question,
    /// The response.
    Answer,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Part::Question => "question",
            Part::Answer => "answer",
        }
    }
}

/// What is to be looked at.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Finding {
    /// A part without a word.
    Empty {
        /// Which.
        part: Part,
    },
    /// A sentence of the answer that the sources do not bear out.
    Unsupported {
        /// The sentence.
        sentence: String,
        /// Its support, 0 to 1.
        support: f64,
        /// What comes nearest in the pair's sources.
        nearest: Option<String>,
        /// Another document that supports it.
        elsewhere: Option<String>,
    },
    /// A name, a date, a number or a quotation that is nowhere in the pair's sources, nor in what is asked.
    Invented {
        /// What it is.
        kind: Kind,
        /// As it is written.
        text: String,
        /// It is in other documents of the person's.
        elsewhere: bool,
    },
    /// The context names a document that was not given.
    UnknownSource {
        /// As it is named.
        name: String,
    },
    /// Nearly the same as an earlier pair's.
    Double {
        /// What of it is.
        part: Part,
        /// The other pair, by number.
        other: usize,
        /// Where the other stands.
        at: Place,
        /// From the limit to 1.
        similarity: f64,
    },
    /// The answer has few words.
    TooShort {
        /// How many.
        words: usize,
        /// How many it should have.
        least: usize,
    },
    /// The answer ends in the middle.
    CutOff {
        /// Its last words.
        ending: String,
    },
    /// The answer has an assistant's manners, and not the writer's.
    Manner {
        /// What kind of manner.
        manner: String,
        /// As the answer has it.
        text: String,
    },
    /// The answer is far from the writer's style.
    WrongVoice {
        /// By the measure that was given.
        distance: f64,
        /// The most that passes.
        limit: f64,
    },
    /// The answer begins by saying the question again.
    RepeatsQuestion,
    /// A run of words stands in a source.
    Copied {
        /// Its words.
        words: usize,
        /// The source's name, or "its context".
        source: String,
        /// The run's beginning.
        text: String,
    },
}

impl Finding {
    /// What is wrong and what to do, as a sentence.
    pub fn sentence(&self) -> String {
        match self {
            Finding::Empty { part } => {
                format!("The {} is empty: fill it in, or leave the pair out.", part.name())
            }
            Finding::Unsupported { sentence, elsewhere, .. } => {
                let other = elsewhere
                    .as_ref()
                    .map_or(String::new(), |name| format!(" ({name} has something like it)"));
                format!("Nothing in its sources bears out “{}”{other}.", short(sentence))
            }
            Finding::Invented { kind, text, elsewhere } => {
                let what = match kind {
                    Kind::Name => "name",
                    Kind::Date => "date",
                    Kind::Number => "number",
                    Kind::Quotation => "quotation",
                };
                let other = if *elsewhere { ", but in other documents" } else { "" };
                format!("The {what} “{}” is not in its sources{other}.", short(text))
            }
            Finding::UnknownSource { name } => {
                format!(
                    "It names “{}” as its source, which is none of the documents: check the name.",
                    short(name)
                )
            }
            Finding::Double { part, at, similarity, .. } => {
                let same = if *similarity >= 1.0 { "the same as" } else { "nearly the same as" };
                format!("The {} is {same} that of {at}: keep one.", part.name())
            }
            Finding::TooShort { words, least } => {
                format!(
                    "The answer has {} (fewer than {least}).",
                    crate::base::units::counted(*words as u64, "word", "words")
                )
            }
            Finding::CutOff { ending } => format!("The answer seems to be cut off: it ends in “… {ending}”."),
            Finding::Manner { manner, text } => {
                format!(
                    "“{}” is how an assistant writes ({manner}): say it as the writer would, or leave it out.",
                    short(text)
                )
            }
            Finding::WrongVoice { distance, limit } => {
                format!(
                    "The answer is not in the writer's voice: its distance is {distance:.2}, and {limit:.2} is the most."
                )
            }
            Finding::RepeatsQuestion => "The answer begins by saying the question again.".to_string(),
            Finding::Copied { words, source, text } => {
                format!("{words} words in a row are copied from {source}: “{}”.", short(text))
            }
        }
    }
}

/// A text in one line of at most 120 characters, cut between words.
fn short(text: &str) -> String {
    const MOST: usize = 120;
    let mut line = String::new();
    for word in text.split_whitespace() {
        if line.chars().count() + word.chars().count() >= MOST && !line.is_empty() {
            return line + " …";
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().take(MOST));
    }
    line
}
