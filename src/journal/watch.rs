//! Who watches the reading, and what they are told.

use std::path::Path;

use super::entry::Place;

/// A change to a text, as `--diff` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<'a> {
    /// The file.
    pub source: &'a Path,
    /// Where in it the entry stands, where that is known.
    pub place: Option<Place>,
    /// What was done: "mojibake repaired"; for what was only counted, how often: "retweets (2)".
    pub what: &'a str,
    /// The text before.
    pub before: &'a str,
    /// The text after.
    pub after: &'a str,
}

/// Who watches the reading.
pub trait Observer {
    /// Something that takes a while ("reading") is so far, in bytes.
    fn progress(&mut self, _what: &'static str, _done: u64, _of: u64) {}

    /// Whether [`changed`](Self::changed) is of use: it costs time.
    fn wants_changes(&self) -> bool {
        false
    }

    /// A text was changed.
    fn changed(&mut self, _change: &Change) {}
}

/// Nobody watches.
impl Observer for () {}
