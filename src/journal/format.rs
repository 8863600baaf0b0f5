//! The contract of a format: how a file of it is told and read, and what takes what it hands over.

use super::entry::{Draft, Place};
use super::options::Options;
use super::source::input::Input;

// ANCHOR: format
/// A way of keeping a journal.
pub trait Format: Sync {
    /// As reports name it: `Day One`.
    fn name(&self) -> &'static str;

    /// Whether a file is of this format; the first of `formats::FORMATS` that says yes reads it.
    fn is(&self, input: &Input) -> bool;

    /// Hands over the entries, in the order of the file.
    ///
    /// # Errors
    /// Why the rest of the file cannot be read, as a phrase; what was handed over before stays.
    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String>;
}
// ANCHOR_END: format

/// What takes the entries.
pub trait Sink {
    /// Takes an entry. (One without a word is counted and left out.)
    fn entry(&mut self, draft: Draft);

    /// Counts what was left out of the text because it is not the writer's, `times` times: "photo links".
    fn left_out(&mut self, what: &'static str, times: usize);

    /// Counts a change to the text itself and shows it: "comments", before and after.
    fn changed(&mut self, what: &'static str, before: &str, after: &str);

    /// Reports what is wrong at one place of the file, where the rest goes on.
    fn trouble(&mut self, place: Place, problem: String);

    /// Counts date lines that start no entry: they stay in the text.
    fn date_left(&mut self, times: usize);

    /// Names somebody who speaks in a chat or sends a mail and was not given as `--me`, with what they wrote left out.
    fn stranger(&mut self, name: &str);
}
