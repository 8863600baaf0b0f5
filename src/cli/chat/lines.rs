//! Turns from a pipe or a file, a line each.

use std::io::BufRead;

use crate::cli::chat::input::{Heard, Input, LONGEST};

/// The lines of a reader.
pub struct Lines<R> {
    reader: R,
    /// What is done before a line is read: the prompt of a terminal on which lines cannot be edited.
    before: fn(),
    /// Whether empty lines are turns: where a person types they ask a diary to go on, in a file they only stand there.
    empty: bool,
    /// How many were read.
    number: u64,
}

/// A line as bytes.
struct Line {
    bytes: Vec<u8>,
    /// How many bytes it had, of which no more than [`LONGEST`] and one are kept.
    length: u64,
}

impl<R: BufRead> Lines<R> {
    /// Those of a pipe: empty ones are passed over.
    pub fn piped(reader: R) -> Lines<R> {
        Lines { reader, before: || (), empty: false, number: 0 }
    }

    /// Those of a terminal that cannot do more; `before` shows the prompt.
    pub fn typed(reader: R, before: fn()) -> Lines<R> {
        Lines { reader, before, empty: true, number: 0 }
    }

    /// The next line without its end; none behind the last. No more of it is kept than may be said.
    fn next(&mut self) -> std::io::Result<Option<Line>> {
        let mut line = Line { bytes: Vec::new(), length: 0 };
        loop {
            let there = match self.reader.fill_buf() {
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            let end = there.iter().position(|b| *b == b'\n');
            let part = &there[..end.unwrap_or(there.len())];
            let room = (LONGEST + 1).saturating_sub(line.bytes.len());
            line.bytes.extend_from_slice(&part[..part.len().min(room)]);
            line.length += part.len() as u64;
            let (all, is_last) = (part.len() + usize::from(end.is_some()), there.is_empty());
            self.reader.consume(all);
            if end.is_some() || is_last {
                if is_last && line.length == 0 {
                    return Ok(None);
                }
                self.number += 1;
                if line.bytes.last() == Some(&b'\r') {
                    line.bytes.pop();
                    line.length -= 1;
                }
                return Ok(Some(line));
            }
        }
    }
}

/// Whether a line goes on in the next: it ends in a backslash that no other stands before.
pub fn goes_on(line: &[u8]) -> bool {
    line.iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1
}

impl<R: BufRead> Input for Lines<R> {
    fn edits(&self) -> bool {
        false
    }

    fn read(&mut self, _: &str) -> anyhow::Result<Heard> {
        (self.before)();
        let (mut turn, mut length, mut first) = (Vec::new(), 0, 0);
        while let Some(line) = self.next()? {
            if first == 0 {
                first = self.number;
            }
            let more = line.length <= LONGEST as u64 && goes_on(&line.bytes);
            length += line.length - u64::from(more);
            turn.extend_from_slice(&line.bytes[..line.bytes.len() - usize::from(more)]);
            turn.truncate(LONGEST + 1);
            if more {
                turn.push(b'\n');
                length += 1;
                continue;
            }
            if turn.iter().all(u8::is_ascii_whitespace) && !self.empty {
                (turn, length, first) = (Vec::new(), 0, 0);
                continue;
            }
            break;
        }
        if first == 0 {
            return Ok(Heard::End);
        }
        if length > LONGEST as u64 {
            return Ok(Heard::TooLong(length));
        }
        // A byte order mark is no word.
        if first == 1 && turn.starts_with("\u{feff}".as_bytes()) {
            turn.drain(..3);
        }
        Ok(match String::from_utf8(turn) {
            Ok(turn) => Heard::Line(turn, None),
            Err(e) => Heard::Line(
                String::from_utf8_lossy(e.as_bytes()).into_owned(),
                Some(format!("line {first} is no UTF-8: what cannot be read of it is said as \u{fffd}")),
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn all(bytes: &[u8]) -> Vec<Heard> {
        // A small buffer, so that lines lie across its border.
        let mut lines = Lines::piped(BufReader::with_capacity(3, bytes));
        let mut heard = Vec::new();
        loop {
            match lines.read("").unwrap() {
                Heard::End => return heard,
                other => heard.push(other),
            }
        }
    }

    fn line(text: &str) -> Heard {
        Heard::Line(text.into(), None)
    }

    #[test]
    fn each_line_is_a_turn_and_empty_ones_are_none() {
        assert_eq!(all(b"one\r\n\n  \ntwo\nthree"), [line("one"), line("two"), line("three")]);
        assert_eq!(all(b""), []);
        assert_eq!(all("\u{feff}a\n\u{feff}b".as_bytes()), [line("a"), line("\u{feff}b")]);
    }

    #[test]
    fn a_line_that_ends_in_a_backslash_goes_on() {
        assert_eq!(all(b"one\\\ntwo\\\r\nthree\nfour"), [line("one\ntwo\nthree"), line("four")]);
        assert_eq!(all(b"C:\\\\\nb\\"), [line("C:\\\\"), line("b\n")]);
        assert_eq!(all(b"\\\n\\\n\nb"), [line("b")]);
    }

    #[test]
    fn an_empty_line_of_one_who_types_is_heard() {
        let mut lines = Lines::typed(&b"\na\n"[..], || ());
        assert_eq!(
            [lines.read("").unwrap(), lines.read("").unwrap(), lines.read("").unwrap()],
            [line(""), line("a"), Heard::End]
        );
    }

    #[test]
    fn what_is_no_utf8_is_said_as_far_as_it_can_be_read() {
        let heard = all(b"a\ncaf\xe9 x\nb");
        let Heard::Line(text, Some(note)) = &heard[1] else { panic!("{heard:?}") };
        assert_eq!(text, "caf\u{fffd} x");
        assert!(note.starts_with("line 2 is no UTF-8"), "{note}");
        assert_eq!([&heard[0], &heard[2]], [&line("a"), &line("b")]);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_the_next_is_heard() {
        let mut bytes = vec![b'x'; 10 * LONGEST];
        bytes.extend_from_slice(b"\nb\n");
        assert_eq!(all(&bytes), [Heard::TooLong(10 * LONGEST as u64), line("b")]);
        let mut bytes = vec![b'x'; LONGEST];
        bytes.extend_from_slice(b"\nb");
        let heard = all(&bytes);
        assert!(matches!(&heard[0], Heard::Line(turn, None) if turn.len() == LONGEST));
        // Many lines that go on are one turn, and too long as well.
        let bytes: Vec<u8> = b"xxxxxxx\\\n".repeat(LONGEST / 4);
        assert_eq!(all(&bytes), [Heard::TooLong(8 * (LONGEST as u64 / 4))]);
    }
}
