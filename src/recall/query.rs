//! What is asked of a library, and what it answers.

use std::ops::Range;

use jiff::civil::Date;

/// By what entries are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum By {
    /// By words that they share with the question (BM25).
    Words,
    /// By the direction of their embeddings: an entry's best window of a sentence or two, and a little of the entry as a whole.
    Meaning,
    /// By both, fused; the words of the question may be stood in for by words of the diary that are near to them. By words alone where
    /// there are no embeddings.
    #[default]
    Both,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// As it was typed.
    pub text: String,
    /// An entry has to lie in one of these, the first day with them and the last not; any does where there are none.
    pub days: Vec<Range<Date>>,
    /// By what it is answered.
    pub by: By,
}

impl Query {
    /// A question without days, by words and meaning.
    pub fn new(text: impl Into<String>) -> Query {
        Query { text: text.into(), ..Query::default() }
    }

    /// Whether an entry of a day may answer.
    pub fn takes(&self, day: Option<Date>) -> bool {
        self.days.is_empty() || day.is_some_and(|day| self.days.iter().any(|days| days.contains(&day)))
    }
}

/// A passage that answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Its entry's name: the day, or where it stands.
    pub name: String,
    /// Its entry's day.
    pub day: Option<Date>,
    /// The passage, exactly as it stands in the entry.
    pub text: String,
    /// How well it answers, in the measure of its ranking: BM25, a mean of cosines, or of shares of the best in both; 0 where only the days
    /// were asked for.
    pub score: f64,
    /// The entry's number in the library.
    pub entry: usize,
}

/// An entry that a text leans on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lean {
    /// The entry's name.
    pub name: String,
    /// Its day.
    pub day: Option<Date>,
    /// The entry's number in the library.
    pub entry: usize,
    /// Words in a row that the text shares with it.
    pub words: usize,
    /// Those words as the entry has them.
    pub text: String,
    /// The bytes of those words in the text that was asked about.
    pub range: Range<usize>,
}
