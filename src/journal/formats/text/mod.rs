//! Plain text as it was typed: nothing is unescaped, unwrapped or taken away. Dates divide a long file into entries.
//!
//! A file that is too long to hold is read twice, line by line: once for its dates, once for its entries.

pub mod structure;

use std::io::{BufRead, Read};

use super::markdown::is_named;
use crate::journal::dates::entries::{self, Scanner, Stretch};
use crate::journal::format::{Draft, Format, Input, MOST_WHOLE, Options, Place, Sink, Through};
use crate::journal::syntax::by_dates::{context, report, split_by_dates};
use crate::journal::syntax::front_matter;
use crate::journal::syntax::head::Head;

/// Plain text.
pub struct Text;

/// The longest line, and the longest entry that a file read in pieces hands over as one.
const MOST: usize = 16 << 20;

/// Whether a file is called as text that people type, or as a program's log of what they typed.
pub fn is_typed(input: &Input) -> bool {
    const LOGS: [&str; 3] = ["weechatlog", "irclog", "chatlog"];
    let extension = input.extension();
    is_plain(&extension) || is_named(input) || LOGS.contains(&extension.as_str())
}

fn is_plain(extension: &str) -> bool {
    matches!(extension, "" | "txt" | "text" | "log" | "org" | "rst" | "me")
}

impl Format for Text {
    fn name(&self) -> &'static str {
        "plain text"
    }

    fn is(&self, input: &Input) -> bool {
        is_plain(&input.extension()) && structure::of(input).is_none()
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        if input.len() > MOST_WHOLE {
            return read_twice(input, options, MOST, sink);
        }
        let text = input.text()?;
        let front = front_matter::take(&text, options, sink);
        let (start, lines) = (front.end, front.lines);
        let mut head = Head::new(input, front, "", options);
        let entry = |draft: Draft, sink: &mut dyn Sink| sink.entry(head.on(draft));
        split_by_dates(&text[start..], lines + 1, input, options, &mut Through { sink, entry });
        if let Some(draft) = head.alone() {
            sink.entry(draft);
        }
        Ok(())
    }
}

/// Reads a file of any length, no more than an entry at a time; lines and entries are at most `most` bytes long.
fn read_twice(input: &Input, options: &Options, most: usize, sink: &mut dyn Sink) -> Result<(), String> {
    let mut scanner = Scanner::new(context(input, options));
    let mut long = Vec::new();
    each_line(input.utf8()?, most, |number, line| match line {
        Some(line) => scanner.line(line),
        None => {
            scanner.line("\n");
            long.push(number);
        }
    })?;
    let division = entries::divide(scanner);
    let mut walk = Walk::new(&division.stretches, most, sink);
    each_line(input.utf8()?, most, |_, line| walk.line(line.unwrap_or("\n")))?;
    walk.hand_over_entry();
    for number in long {
        sink.lost(Place::Line(number), "", format!("a line of more than {} MiB", most >> 20));
    }
    report(division.doubts, 1, sink);
    Ok(())
}

/// Gives every line, with its number and its line feed, to a function; none for one that is too long.
fn each_line(
    mut reader: impl BufRead,
    most: usize,
    mut take: impl FnMut(usize, Option<&str>),
) -> Result<(), String> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let bound = most as u64 + 1;
        let length = (&mut reader).take(bound).read_until(b'\n', &mut line).map_err(|e| e.to_string())?;
        if length == 0 {
            break;
        }
        if line.len() > most && !line.ends_with(b"\n") {
            reader.skip_until(b'\n').map_err(|e| e.to_string())?;
            take(number, None);
            continue;
        }
        take(number, Some(std::str::from_utf8(&line).map_err(|_| format!("line {number} is no text"))?));
    }
    Ok(())
}

/// The second pass: hands over the words of each stretch.
struct Walk<'a> {
    /// The stretch that is being read, and those below it.
    stretches: &'a [Stretch],
    at: usize,
    number: usize,
    text: String,
    /// The line that `text` begins on.
    line: usize,
    /// Bytes of this entry that have been handed over already.
    before: usize,
    most: usize,
    sink: &'a mut dyn Sink,
}

impl<'a> Walk<'a> {
    fn new(stretches: &'a [Stretch], most: usize, sink: &'a mut dyn Sink) -> Walk<'a> {
        Walk { stretches, at: 0, number: 0, text: String::new(), line: 1, before: 0, most, sink }
    }

    fn line(&mut self, raw: &str) {
        self.number += 1;
        while let [_, next, ..] = self.stretches
            && self.stretches[0].range.end <= self.at
        {
            let line = next.line;
            self.hand_over_entry();
            (self.stretches, self.line) = (&self.stretches[1..], line);
        }
        let start = self.stretches[0].range.start.saturating_sub(self.at);
        self.text += raw.get(start..).unwrap_or_default();
        self.at += raw.len();
        if self.text.len() > self.most {
            self.hand_over_part();
        }
    }

    /// Hands over as much of a long entry as ends at a blank line, or at a line.
    fn hand_over_part(&mut self) {
        let upto = self.text.trim_end_matches('\n');
        let blank = upto.rfind("\n\n").filter(|at| *at > self.most / 2);
        let Some(end) = blank.or_else(|| upto.rfind('\n')).map(|at| at + 1) else { return };
        let rest = self.text.split_off(end);
        let next = self.line + entries::feeds(&self.text);
        self.before += self.text.len();
        self.hand_over();
        (self.text, self.line) = (rest, next);
    }

    fn hand_over_entry(&mut self) {
        let length = self.before + self.text.len();
        if self.before > 0 {
            let place = Place::Line(self.stretches[0].line);
            self.sink.trouble(place, format!("an entry of {} MiB is divided", length.div_ceil(1 << 20)));
        }
        self.hand_over();
        self.before = 0;
    }

    fn hand_over(&mut self) {
        let text = std::mem::take(&mut self.text);
        let Stretch { when, counts, .. } = self.stretches[0];
        let range = entries::trimmed(&text, 0..text.len());
        let place = range.as_ref().map_or(0, |range| entries::feeds(&text[..range.start]));
        let place = Place::Line(self.line + place);
        match range {
            Some(range) => {
                self.sink.entry(Draft { when, text: text[range].to_string(), place, ..Draft::default() });
            }
            None if counts && self.before == 0 => self.sink.entry(Draft { when, place, ..Draft::default() }),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests;
