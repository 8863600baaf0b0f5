//! The contract of a format: how a file of it is told and read, and what takes what it hands over; with the words that it
//! is spoken in, which a format so has from one place.

use std::path::{Path, PathBuf};

pub use super::dates::DayNames;
pub use super::entry::{Draft, Place, When};
pub use super::options::{DateOrder, Options};
pub use super::source::input::{HEAD, Input, MOST_WHOLE, Vault};

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

    /// The kind of folder that its app keeps a journal in, where it has one.
    fn vault(&self) -> Option<&'static Vault> {
        None
    }

    /// What its app's settings in such a folder say of the names of days; `open` opens a file of it.
    fn day_names(&self, _open: &mut Settings) -> Vec<DayNames> {
        Vec::new()
    }

    /// Why a file, of whatever format, is passed over for what lies beside it: the app's own lists, and copies of what is
    /// read elsewhere. None where it is not.
    fn passes_over(&self, _path: &Path, _beside: &mut Beside) -> Option<&'static str> {
        None
    }
}
// ANCHOR_END: format

/// Opens a file of an app's folder, if there is one.
pub type Settings<'a> = dyn FnMut(&str) -> Option<Vec<u8>> + 'a;

/// What lies in a file's folder, on the disk or in a zip.
pub struct Beside<'a> {
    /// The files with this extension.
    pub files: &'a dyn Fn(&str) -> Vec<PathBuf>,
    /// Whether a file is one of those that were asked for.
    pub is_asked_for: &'a dyn Fn(&Path) -> bool,
    /// Opens a file, if there is one: so many of its first bytes.
    pub open: &'a mut dyn FnMut(&Path, u64) -> Option<Input>,
}

impl Beside<'_> {
    /// A file's start, which tells what most are; none where there is no such file.
    pub fn head(&mut self, path: &Path) -> Option<Input> {
        (self.open)(path, HEAD as u64)
    }

    /// The whole of a file that may say at its end what it is.
    pub fn whole(&mut self, path: &Path) -> Option<Input> {
        (self.open)(path, MOST_WHOLE)
    }
}

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

/// A sink that hands entries on changed, and all else as it comes.
pub struct Through<'a, F> {
    /// Where all goes.
    pub sink: &'a mut dyn Sink,
    /// What hands an entry on.
    pub entry: F,
}

impl<F: FnMut(Draft, &mut dyn Sink)> Sink for Through<'_, F> {
    fn entry(&mut self, draft: Draft) {
        (self.entry)(draft, self.sink);
    }
    fn left_out(&mut self, what: &'static str, times: usize) {
        self.sink.left_out(what, times);
    }
    fn changed(&mut self, what: &'static str, before: &str, after: &str) {
        self.sink.changed(what, before, after);
    }
    fn trouble(&mut self, place: Place, problem: String) {
        self.sink.trouble(place, problem);
    }
    fn date_left(&mut self, times: usize) {
        self.sink.date_left(times);
    }
    fn stranger(&mut self, name: &str) {
        self.sink.stranger(name);
    }
}

/// For a first look at a file, of which nothing is reported.
pub struct Deaf;

impl Sink for Deaf {
    fn entry(&mut self, _: Draft) {}
    fn left_out(&mut self, _: &'static str, _: usize) {}
    fn changed(&mut self, _: &'static str, _: &str, _: &str) {}
    fn trouble(&mut self, _: Place, _: String) {}
    fn date_left(&mut self, _: usize) {}
    fn stranger(&mut self, _: &str) {}
}
