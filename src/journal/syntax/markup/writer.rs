//! A text written anew, line by line, with what has gone from it remembered.

/// A text without the marks.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// The text; a line that held nothing but marks is gone.
    pub text: String,
    /// From a line of it on, how many lines of the original have gone before.
    gone: Vec<(usize, usize)>,
}

impl Cleaned {
    /// The line of the original, from 1, that a line of the text was.
    pub fn original_line(&self, line: usize) -> usize {
        let before = self.gone.partition_point(|(from, _)| *from <= line);
        line + before.checked_sub(1).map_or(0, |last| self.gone[last].1)
    }
}

/// Writes a cleaned text line by line.
#[derive(Default)]
pub struct Writer {
    /// The text so far.
    pub cleaned: Cleaned,
    /// Where its last line begins, how many lines stand before it, and how many of the original have gone.
    line: usize,
    lines: usize,
    gone: usize,
    touched: bool,
    /// The line before has gone, and one without words stood above it.
    joining: bool,
}

impl Writer {
    /// Whether nothing stands on the line yet.
    pub fn at_line_start(&self) -> bool {
        self.cleaned.text.len() == self.line
    }

    /// Writes what stays.
    pub fn copy(&mut self, text: &str) {
        for piece in text.split_inclusive('\n') {
            self.cleaned.text.push_str(piece);
            if piece.ends_with('\n') {
                self.end_line();
            }
        }
    }

    /// Writes `with` for what was; of two spaces that are left side by side one goes.
    pub fn replace(&mut self, was: &str, with: &str, at_space: bool) {
        self.touched = true;
        self.gone += was.bytes().filter(|b| *b == b'\n').count();
        let text = &mut self.cleaned.text;
        text.push_str(with);
        if with.is_empty() && at_space && text.len() > self.line && text.ends_with(' ') {
            text.pop();
        }
    }

    /// Ends a line: one of which nothing but marks is left goes, with one of the blank lines around it.
    pub fn end_line(&mut self) {
        let text = &mut self.cleaned.text;
        let line = &text[self.line..];
        let fed = line.ends_with('\n');
        let only_marks = || line.chars().all(|c| c.is_whitespace() || "-*+>".contains(c));
        let blank = line.trim().is_empty();
        if (self.touched && only_marks()) || (fed && blank && self.joining) {
            self.joining = text[..self.line].ends_with("\n\n") || self.line == 0;
            text.truncate(self.line);
            self.gone += usize::from(fed);
        } else {
            self.lines += usize::from(fed);
            self.joining = false;
            self.line = text.len();
        }
        let before = self.cleaned.gone.last().map_or(0, |(_, gone)| *gone);
        // What goes on a last line leaves no line after it.
        if fed && self.gone > before {
            self.cleaned.gone.push((self.lines + 1, self.gone));
        }
        self.touched = false;
    }
}
