//! WhatsApp's exports of a chat: `_chat.txt` from an iPhone, `WhatsApp Chat with Ann.txt` from Android.
//!
//! The person's own messages of one day are one entry, a message a line. Everybody else's are left out, and their names
//! told; so are the app's notices, pictures, places, deleted messages, and the marks of edits. Of a poll its question and
//! answers stay. The order of day and month is told from the whole file, which is therefore read twice.
//!
//! So is any file whose lines are `stamp - name: words`, whatever it is called; where that may be a diary, it is refused by
//! name, unless the person says who they are in it, or that all of it is theirs.

mod evidence;
mod notices;
mod opening;
mod orders;
mod speaker;
mod words;

use std::io::BufRead;

use jiff::civil::Date;

use super::text::is_typed;
use crate::base::shell;
use crate::journal::format::{DateOrder, Draft, Format, Input, MOST_WHOLE, Options, Place, Sink, When};
use crate::journal::syntax::exported;
use crate::journal::syntax::lines::next_line;
use evidence::{Evidence, Verdict};
use notices::{is_notice, own_words};
use opening::{Opening, Style, may_open, opening};
use orders::Orders;
use speaker::speaker;

/// A message has 65,536 characters at most; a longer line is in no chat.
const LONGEST_LINE: usize = 1 << 20;

/// Of a line that is not understood an error shows so many characters.
const LONGEST_SHOWN: usize = 60;

/// A chat exported from WhatsApp.
pub struct WhatsApp;

impl Format for WhatsApp {
    fn name(&self) -> &'static str {
        "WhatsApp"
    }

    fn is(&self, input: &Input) -> bool {
        may_be_chat(input) && Evidence::of(input.head()).verdict(is_named(input)) > Verdict::Diary
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let evidence = Evidence::of(input.head());
        let (mut orders, mut me) = (Orders::default(), false);
        let (mut style, mut unknown) = (None, None);
        each_line(input, &mut |_, line| {
            let Some(found) = opening(line) else {
                if style.is_none() && unknown.is_none() && may_open(line).is_some() {
                    unknown = Some(line.chars().take(LONGEST_SHOWN).collect::<String>());
                }
                return;
            };
            me |= !me && speaker(&found, options).is_some_and(|(name, _)| options.is_me(&name));
            if *style.get_or_insert(found.style) == found.style
                && let Some(day) = found.day
            {
                orders.weigh(day, found.capitals);
            }
        })?;
        let mine = format!("if all of it is your own: --mine {}", shell::path(input.path()));
        if let (None, Some(line)) = (style, unknown) {
            return Err(format!("a chat whose dates are in a form not known here, “{line}”; {mine}"));
        }
        if !me && evidence.verdict(is_named(input)) == Verdict::Doubt {
            return Err(in_doubt(&evidence.people(), &mine));
        }
        if !me && !is_named(input) {
            sink.trouble(Place::Line(1), format!("read as a chat, of which nothing was taken; {mine}"));
        }
        let (order, open) = orders.settle(options.date_order);
        if let Some((day, other)) = open.filter(|_| me) {
            let name = |order| match order {
                DateOrder::Dmy => ("day", "dmy"),
                DateOrder::Mdy => ("month", "mdy"),
                DateOrder::Ymd => ("year", "ymd"),
            };
            let ((read, _), (_, other)) = (name(order), name(other));
            let problem = format!(
                "nothing tells day from month in dates like {day}: read {read} first (--date-order {other} reads them otherwise)"
            );
            sink.trouble(Place::Line(1), problem);
        }
        let mut chat = Chat::new(order, style, options, sink);
        chat.quotes = input.extension() == "md";
        each_line(input, &mut |number, line| chat.line(number, line))?;
        chat.end();
        Ok(())
    }
}

/// Whether a file is text that may be a chat.
fn may_be_chat(input: &Input) -> bool {
    is_typed(input) && !input.is_all_mine() && !exported::is(input.head())
}

/// Whether a file is called as the app calls a chat.
fn is_named(input: &Input) -> bool {
    let name = input.name().to_lowercase();
    name.starts_with("_chat") || name.contains("whatsapp")
}

/// The line of a diary on which messages of several people begin that stand together; none where there are none.
pub fn pasted(input: &Input) -> Option<usize> {
    may_be_chat(input).then(|| Evidence::of(input.head()).together)?
}

/// Why a file is left out that may be a chat and may be a diary.
fn in_doubt(people: &[&str], mine: &str) -> String {
    let shown: Vec<&str> = people.iter().take(3).copied().collect();
    let more = if people.len() > shown.len() { ", …" } else { "" };
    format!(
        "may be a chat, of {}{more}: if you are one of them, say so with --me NAME; {mine}",
        shown.join(", ")
    )
}

/// Calls `each` with every line of a text, without its line feed, and its number.
fn each_line(input: &Input, each: &mut dyn FnMut(usize, &str)) -> Result<(), String> {
    let mut reader: Box<dyn BufRead> = input.utf8()?;
    let (mut bytes, mut number) = (Vec::new(), 0);
    while next_line(&mut *reader, LONGEST_LINE, &mut bytes).map_err(|e| e.to_string())? {
        number += 1;
        if bytes.len() == LONGEST_LINE {
            return Err(format!("line {number} is longer than 1 MiB: this is no chat"));
        }
        let line = String::from_utf8_lossy(&bytes);
        each(number, line.strip_suffix('\n').unwrap_or(&line));
    }
    Ok(())
}

/// Messages on their way to entries.
struct Chat<'a> {
    order: DateOrder,
    style: Option<Style>,
    options: &'a Options,
    sink: &'a mut dyn Sink,
    /// The day being collected.
    entry: Option<Draft>,
    /// The writer's message being collected.
    message: Option<Draft>,
    when: Option<When>,
    /// Lines that begin with `>` are quoted, as what exports Signal's chats to Markdown has them.
    quotes: bool,
    /// Nobody has spoken yet.
    silent: bool,
    /// A date that is in no calendar known here was reported.
    undated: bool,
    /// A message whose date is not understood was reported.
    unread: bool,
}

impl<'a> Chat<'a> {
    fn new(order: DateOrder, style: Option<Style>, options: &'a Options, sink: &'a mut dyn Sink) -> Self {
        let (entry, message, when) = (None, None, None);
        Chat {
            order,
            style,
            options,
            sink,
            entry,
            message,
            when,
            quotes: false,
            silent: true,
            undated: false,
            unread: false,
        }
    }

    fn line(&mut self, number: usize, line: &str) {
        // Messages copied from another chat stand in brackets within a message, with their speakers' names.
        let found =
            opening(line).filter(|found| Some(found.style) == self.style || found.style == Style::Brackets);
        if found.is_none() && may_open(line).is_some() {
            return self.leave(number);
        }
        match (found, &mut self.message) {
            (Some(found), _) => self.open(number, &found),
            (None, Some(_)) if self.quotes && line.starts_with('>') => {
                self.sink.changed("quoted messages", line, "");
            }
            (None, Some(message)) => {
                message.text.push('\n');
                message.text.push_str(line);
                if message.text.len() as u64 > MOST_WHOLE {
                    let next =
                        Draft { when: message.when, place: Place::Line(number + 1), ..Draft::default() };
                    self.close_message();
                    self.message = Some(next);
                }
            }
            (None, None) if self.silent && !line.trim().is_empty() => {
                let problem =
                    "words before the first message: nobody's name is on them, left out".to_string();
                self.sink.trouble(Place::Line(number), problem);
                self.silent = false;
            }
            (None, None) => {}
        }
    }

    /// Leaves out a message whose date is not understood: whoever wrote it, it belongs to nobody above it.
    fn leave(&mut self, number: usize) {
        self.close_message();
        if !self.unread {
            let problem = "a message whose date is in a form not known here: left out";
            self.sink.trouble(Place::Line(number), problem.to_string());
        }
        self.unread = true;
        self.sink.left_out("messages with unknown dates", 1);
    }

    fn open(&mut self, number: usize, found: &Opening) {
        self.close_message();
        self.silent = false;
        if let Some(day) = found.day {
            let date = day.date(self.order);
            if date.is_none() && !self.undated {
                self.undated = true;
                let problem =
                    format!("{day} is no date in a calendar that is read here: its messages have none");
                self.sink.trouble(Place::Line(number), problem);
            }
            self.when = date.map(|day: Date| When { day, time: found.time(), offset: None });
        }
        let Some((name, text)) = speaker(found, self.options) else {
            self.sink.left_out("app metadata", 1);
            return;
        };
        if self.options.is_me(&name) {
            let (when, place) = (self.when, Place::Line(number));
            self.message = Some(Draft { when, place, text: text.to_string(), ..Draft::default() });
        } else if is_notice(text) {
            self.sink.left_out("app metadata", 1);
        } else {
            self.sink.left_out("other people's messages", 1);
            self.sink.stranger(&name);
        }
    }

    /// Adds the writer's message to those of its day.
    fn close_message(&mut self) {
        let Some(message) = self.message.take() else { return };
        let words = own_words(&message.text, self.sink);
        if words.trim().is_empty() {
            return;
        }
        let day = |draft: &Draft| draft.when.map(|when| when.day);
        match &mut self.entry {
            Some(entry)
                if day(entry) == day(&message) && (entry.text.len() + words.len()) as u64 <= MOST_WHOLE =>
            {
                entry.text.push('\n');
                entry.text.push_str(&words);
            }
            entry => {
                if let Some(full) = entry.replace(Draft { text: words, ..message }) {
                    self.sink.entry(full);
                }
            }
        }
    }

    fn end(mut self) {
        self.close_message();
        if let Some(entry) = self.entry.take() {
            self.sink.entry(entry);
        }
    }
}

#[cfg(test)]
mod tests;
