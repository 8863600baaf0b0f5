//! Where a conversation is written: answers on one side, all else on the other.

use std::io::{self, Write};

use crate::cli::chat::visible::visible;

/// Two writers.
pub struct Page<'a> {
    answers: &'a mut dyn Write,
    notes: &'a mut dyn Write,
    /// Answers go to a terminal, which nothing in them is to steer.
    is_terminal: bool,
    /// Something was written; an answer is open, and ends in a line break so far.
    began: bool,
    at_line_start: bool,
}

impl<'a> Page<'a> {
    /// Answers go to the one, notes to the other.
    pub fn new(answers: &'a mut dyn Write, notes: &'a mut dyn Write, is_terminal: bool) -> Page<'a> {
        Page { answers, notes, is_terminal, began: false, at_line_start: true }
    }

    /// Begins an answer: an empty line parts it from the one before.
    ///
    /// # Errors
    /// As of every write of answers: a full disk, say, or a reader that has gone.
    pub fn open(&mut self) -> io::Result<()> {
        // On a terminal the empty line stands behind each, before the prompt.
        if self.began && !self.is_terminal {
            self.answers.write_all(b"\n")?;
        }
        (self.began, self.at_line_start) = (true, true);
        Ok(())
    }

    /// Writes a piece of it, at once.
    ///
    /// # Errors
    /// As [`Page::open`].
    pub fn piece(&mut self, piece: &str) -> io::Result<()> {
        if piece.is_empty() {
            return Ok(());
        }
        self.at_line_start = piece.ends_with('\n');
        let shown = if self.is_terminal { visible(piece) } else { piece.into() };
        self.answers.write_all(shown.as_bytes())?;
        self.answers.flush()
    }

    /// Ends it.
    ///
    /// # Errors
    /// As [`Page::open`].
    pub fn close(&mut self) -> io::Result<()> {
        if !self.at_line_start {
            self.answers.write_all(b"\n")?;
        }
        if self.is_terminal {
            self.answers.write_all(b"\n")?;
        }
        self.at_line_start = true;
        self.answers.flush()
    }

    /// Tells something. Where nobody reads it any more, that is no reason to stop.
    pub fn note(&mut self, note: &str) {
        let _ = writeln!(self.notes, "{}", visible(note));
        let _ = self.notes.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(is_terminal: bool) -> (String, String) {
        let (mut answers, mut notes) = (Vec::new(), Vec::new());
        let mut page = Page::new(&mut answers, &mut notes, is_terminal);
        for answer in [&["one", " \u{1b}[2Jtwo"][..], &["three\n"], &[]] {
            page.open().unwrap();
            for piece in answer {
                page.piece(piece).unwrap();
            }
            page.close().unwrap();
        }
        page.note("a\u{7}");
        (String::from_utf8(answers).unwrap(), String::from_utf8(notes).unwrap())
    }

    #[test]
    fn over_a_pipe_answers_stand_as_they_are_with_an_empty_line_between() {
        assert_eq!(written(false), ("one \u{1b}[2Jtwo\n\nthree\n\n".into(), "a\\u{7}\n".into()));
    }

    #[test]
    fn on_a_terminal_nothing_steers_it() {
        assert_eq!(written(true).0, "one \\u{1b}[2Jtwo\n\nthree\n\n\n");
    }
}
