//! Where turns come from.

/// The longest that a turn may be, in bytes: far more than any context has room for.
pub const LONGEST: usize = 1 << 20;

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// A turn or a command, and what is to be said of how it was read.
    Line(String, Option<String>),
    /// One of so many bytes, more than [`LONGEST`]; it is gone.
    TooLong(u64),
    /// Nothing, for the reason given.
    Lost(String),
    /// Ctrl-C, on a line that was empty or not.
    Interrupted {
        /// Nothing had been typed.
        empty: bool,
    },
    /// There is no more.
    End,
}

/// A source of turns.
pub trait Input {
    /// Whether a line can be given back for a person to change.
    fn edits(&self) -> bool;

    /// Whether this line can.
    fn takes(&self, line: &str) -> bool {
        let _ = line;
        self.edits()
    }

    /// The next, beginning with `initial` where lines can be changed.
    ///
    /// # Errors
    /// It cannot be read.
    fn read(&mut self, initial: &str) -> anyhow::Result<Heard>;
}
