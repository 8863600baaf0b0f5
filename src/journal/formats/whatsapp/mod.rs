//! WhatsApp's exports of a chat: `_chat.txt` from an iPhone, `WhatsApp Chat with Ann.txt` from Android.
//!
//! The person's own messages of one day are one entry, a message a line. Everybody else's are left out, and their names
//! told; so are the app's notices, pictures, places, deleted messages, and the marks of edits. Of a poll its question and
//! answers stay. The order of day and month is told from the whole file, which is therefore read twice.

mod notices;
mod opening;
mod orders;
mod words;

use std::collections::HashMap;
use std::io::BufRead;

use jiff::civil::Date;

use crate::journal::format::{DateOrder, Draft, Format, Input, MOST_WHOLE, Options, Place, Sink, When};
use crate::journal::syntax::lines::next_line;
use notices::{MARK, is_notice, own_words};
use opening::{Opening, Style, is_direction_mark, may_open, opening, opens_with_a_number, opens_with_a_word};
use orders::Orders;

/// A message has 65,536 characters at most; a longer line is in no chat.
const LONGEST_LINE: usize = 1 << 20;

/// The longest name looked for, in bytes.
const LONGEST_NAME: usize = 200;

/// Of a line that is not understood an error shows so many characters.
const LONGEST_SHOWN: usize = 60;

/// A chat exported from WhatsApp.
pub struct WhatsApp;

impl Format for WhatsApp {
    fn name(&self) -> &'static str {
        "WhatsApp"
    }

    fn is(&self, input: &Input) -> bool {
        if !matches!(input.extension().as_str(), "txt" | "") {
            return false;
        }
        let name = input.name().to_lowercase();
        is_chat(input.head(), name.starts_with("_chat") || name.contains("whatsapp"))
    }

    fn read(&self, input: &Input, options: &Options, sink: &mut dyn Sink) -> Result<(), String> {
        let mut orders = Orders::default();
        let (mut style, mut unknown) = (None, None);
        each_line(input, &mut |_, line| {
            if style.is_none() && unknown.is_none() && may_open(line) {
                unknown = Some(line.chars().take(LONGEST_SHOWN).collect::<String>());
            }
            if let Some(found) = opening(line)
                && *style.get_or_insert(found.style) == found.style
                && let Some(day) = found.day
            {
                orders.weigh(day, found.capitals);
            }
        })?;
        if let (None, Some(line)) = (style, unknown) {
            return Err(format!("a chat of WhatsApp's whose dates are in a form not known here: “{line}”"));
        }
        let (order, open) = orders.settle(options.date_order);
        if let Some(day) = open {
            let read = if order == DateOrder::Mdy { "month" } else { "day" };
            let other = if order == DateOrder::Mdy { "dmy" } else { "mdy" };
            let problem = format!(
                "nothing tells day from month in dates like {day}: read {read} first (--date-order {other} reads them otherwise)"
            );
            sink.trouble(Place::Line(1), problem);
        }
        let mut chat = Chat::new(order, style, options, sink);
        each_line(input, &mut |number, line| chat.line(number, line))?;
        chat.end();
        Ok(())
    }
}

/// Whether a file's beginning is a chat's. Without a name that says so it takes a conversation, since people write
/// `5/1/2024, 9:30 - Mum: slept badly` into their diaries too, and jrnl `[2024-01-05 09:30] Work: …` above a blank line.
fn is_chat(head: &str, named: bool) -> bool {
    let mut lines = head.lines().filter(|line| !line.trim().is_empty());
    let first_lines = || lines.clone().take(FIRST_LINES);
    // One line that a word leads may be a diary's.
    let dated = first_lines().next().is_some_and(opens_with_a_number)
        || first_lines().filter(|line| opens_with_a_word(line)).count() >= 2;
    if named && dated && first_lines().any(may_open) {
        return true;
    }
    let Some(first) = lines.next().and_then(opening) else { return false };
    if named || first.rest.starts_with(MARK) {
        return true;
    }
    let (mut nameless, mut names) = (0, HashMap::<String, usize>::new());
    for found in [first].into_iter().chain(lines.filter_map(opening)) {
        match speaker(&found, &Options::default()) {
            Some((name, _)) => *names.entry(name).or_default() += 1,
            None => nameless += 1,
        }
    }
    let named: usize = names.values().sum();
    let encrypted = first.rest.contains("end-to-end") || first.rest.contains("WhatsApp");
    let conversation = names.len() >= 2 && named >= 4 && named >= 2 * names.len() && named > 2 * nameless;
    (conversation && !stand_apart(head)) || (encrypted && named > 0)
}

/// A chat whose dates are not understood is told by one of so many lines; notices may come first.
const FIRST_LINES: usize = 5;

/// Whether most of the lines that open as messages do stand below a blank line, as entries do.
fn stand_apart(head: &str) -> bool {
    let (mut apart, mut close, mut after_blank) = (0, 0, false);
    for line in head.lines().skip_while(|line| line.trim().is_empty()).skip(1) {
        let place = if after_blank { &mut apart } else { &mut close };
        *place += usize::from(opening(line).is_some());
        after_blank = line.trim().is_empty();
    }
    apart > close
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

/// Who speaks in an opened line, and what; none where the app does.
fn speaker<'a>(found: &Opening<'a>, options: &Options) -> Option<(String, &'a str)> {
    let rest = found.rest;
    let ends = |at: usize| rest[at + 1..].is_empty() || rest[at + 1..].starts_with(' ');
    let colons = || rest.match_indices(':').map(|(at, _)| at).take_while(|at| *at <= LONGEST_NAME);
    // The writer's own name may hold a colon.
    let own = colons().find(|at| ends(*at) && options.is_me(&clean_name(&rest[..*at])));
    let at = own.or_else(|| colons().find(|at| ends(*at)))?;
    let name = clean_name(&rest[..at]);
    let of_the_app = (own.is_none() && rest.starts_with(MARK)) || cuts_a_quotation(&name) || name.is_empty();
    (!of_the_app).then(|| (name, rest[at + 1..].strip_prefix(' ').unwrap_or("")))
}

/// A name as a person would type it: without direction marks, and without the `~` before names that are not contacts.
fn clean_name(written: &str) -> String {
    let name: String = written
        .chars()
        .filter(|c| !is_direction_mark(*c))
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .collect();
    name.trim().trim_start_matches('~').trim().to_string()
}

/// `Ann changed the subject to “Summer` is no name, though a colon follows it.
fn cuts_a_quotation(name: &str) -> bool {
    let count = |signs: &[char]| name.chars().filter(|c| signs.contains(c)).count();
    count(&['"', '“', '”', '„']) % 2 == 1 || count(&['«']) != count(&['»'])
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
    /// Nobody has spoken yet.
    silent: bool,
    /// A date that is in no calendar known here was reported.
    undated: bool,
}

impl<'a> Chat<'a> {
    fn new(order: DateOrder, style: Option<Style>, options: &'a Options, sink: &'a mut dyn Sink) -> Self {
        let (entry, message, when) = (None, None, None);
        Chat { order, style, options, sink, entry, message, when, silent: true, undated: false }
    }

    fn line(&mut self, number: usize, line: &str) {
        // Messages copied from another chat stand in brackets within a message, with their speakers' names.
        let found =
            opening(line).filter(|found| Some(found.style) == self.style || found.style == Style::Brackets);
        match (found, &mut self.message) {
            (Some(found), _) => self.open(number, &found),
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
            self.when = date.map(|day: Date| When { day, time: Some(found.time), offset: None });
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
