//! Turns typed at a terminal, with a line editor. What was typed is remembered while the program runs, and never written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::{History, MemHistory};
use rustyline::validate::Validator;
use rustyline::{
    Behavior, Cmd, ConditionalEventHandler, Config, Context, Event, EventContext, EventHandler, Helper,
    KeyCode, KeyEvent, Modifiers, RepeatCount,
};

use crate::cli::chat::command::COMMANDS;
use crate::cli::chat::input::{Heard, Input, LONGEST};
use crate::cli::chat::lines::goes_on;
use crate::cli::chat::settings;

/// What stands before a line that is typed.
pub const PROMPT: &str = "> ";

/// Lines that are remembered, at most.
const REMEMBERED: usize = 1000;

/// The longest line that is remembered, or given back to be changed, in bytes: the editor draws all of a line at every key, and counts
/// its rows in 16 bits.
const HANDY: usize = 1 << 14;

/// Stands, unseen, between a backslash and the line break that it asked for, so that backslashes at the ends of pasted lines stay what
/// they are: an invisible separator (U+2063). The editor cannot take a backslash back and go on behind what replaced it.
const MARK: char = '\u{2063}';

/// What was typed, without the backslashes that asked for a line break.
fn unmarked(line: &str) -> String {
    let breaks = format!("\\{MARK}\n");
    line.replace(&breaks, "\n").replace(&breaks[..breaks.len() - 1], "\\")
}

/// A line editor.
pub struct Editor {
    editor: rustyline::Editor<Commands, MemHistory>,
    /// The line was empty when Ctrl-C came.
    was_empty: Arc<AtomicBool>,
}

impl Editor {
    /// One on the terminal; where answers go elsewhere, what is typed does not go there with them.
    ///
    /// # Errors
    /// The terminal cannot be had.
    pub fn open(answers_go_elsewhere: bool) -> anyhow::Result<Editor> {
        let behavior = if answers_go_elsewhere { Behavior::PreferTerm } else { Behavior::Stdio };
        let config = Config::builder().max_history_size(REMEMBERED)?.behavior(behavior).build();
        let history = MemHistory::with_config(&config);
        let mut editor = rustyline::Editor::with_history(config, history)?;
        editor.set_helper(Some(Commands));
        let was_empty = Arc::new(AtomicBool::new(true));
        let bind = |key: KeyEvent| Event::KeySeq(vec![key]);
        editor.bind_sequence(bind(KeyEvent(KeyCode::Enter, Modifiers::ALT)), Cmd::Newline);
        for enter in [KeyEvent(KeyCode::Enter, Modifiers::NONE), KeyEvent::ctrl('J')] {
            editor.bind_sequence(bind(enter), EventHandler::Conditional(Box::new(GoesOn)));
        }
        let seen = EventHandler::Conditional(Box::new(Seen(was_empty.clone())));
        editor.bind_sequence(bind(KeyEvent::ctrl('C')), seen);
        Ok(Editor { editor, was_empty })
    }
}

impl Input for Editor {
    fn edits(&self) -> bool {
        true
    }

    fn takes(&self, line: &str) -> bool {
        line.len() <= HANDY
    }

    fn read(&mut self, initial: &str) -> anyhow::Result<Heard> {
        loop {
            return Ok(match self.editor.readline_with_initial(PROMPT, (initial, "")) {
                Ok(line) if line.len() > LONGEST => Heard::TooLong(line.len() as u64),
                Ok(line) => {
                    let line = unmarked(&line);
                    if !line.trim().is_empty() && line.len() <= HANDY {
                        self.editor.history_mut().add(&line)?;
                    }
                    Heard::Line(line, None)
                }
                Err(ReadlineError::Eof) => Heard::End,
                Err(ReadlineError::Interrupted) => {
                    Heard::Interrupted { empty: self.was_empty.load(Ordering::Relaxed) }
                }
                Err(ReadlineError::Signal(_)) => continue,
                Err(ReadlineError::Io(e)) if e.kind() == std::io::ErrorKind::InvalidData => {
                    Heard::Lost("what was typed is no UTF-8, and was not said".into())
                }
                Err(e) => return Err(e.into()),
            });
        }
    }
}

/// Enter behind a backslash: the line goes on in the next.
struct GoesOn;

impl ConditionalEventHandler for GoesOn {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext) -> Option<Cmd> {
        let before = context.line().get(..context.pos())?;
        goes_on(before.as_bytes()).then(|| Cmd::Insert(1, format!("{MARK}\n")))
    }
}

/// Ctrl-C: remembers whether there was anything to throw away.
struct Seen(Arc<AtomicBool>);

impl ConditionalEventHandler for Seen {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext) -> Option<Cmd> {
        self.0.store(context.line().is_empty(), Ordering::Relaxed);
        Some(Cmd::Interrupt)
    }
}

/// Completes commands.
struct Commands;

/// Where in a line the word begins that stands before the cursor, and what it may become.
fn candidates(before: &str) -> (usize, Vec<String>) {
    if let Some(name) = before.strip_prefix("/set ") {
        let all = settings::names().filter(|n| n.starts_with(name)).map(|n| format!("{n} "));
        return (5, all.collect());
    }
    let Some(name) = before.strip_prefix('/').filter(|name| !name.contains(char::is_whitespace)) else {
        return (0, Vec::new());
    };
    let all = COMMANDS.iter().filter(|c| c.name.starts_with(name));
    let space = |given: &str| if given.is_empty() { "" } else { " " };
    (0, all.map(|c| format!("/{}{}", c.name, space(c.given))).collect())
}

impl Completer for Commands {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(candidates(line.get(..at).unwrap_or_default()))
    }
}

impl Hinter for Commands {
    type Hint = String;
}

impl Highlighter for Commands {}

impl Validator for Commands {}

impl Helper for Commands {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_that_asked_for_a_line_break_is_gone_and_others_stay() {
        assert_eq!(unmarked("a\\\u{2063}\nb\\\u{2063}\n"), "a\nb\n");
        assert_eq!(unmarked("a\\\nb\\"), "a\\\nb\\");
        assert_eq!(unmarked("a\\\u{2063}b \u{2063}"), "a\\b \u{2063}");
    }

    #[test]
    fn commands_and_settings_are_completed_and_text_is_not() {
        assert_eq!(candidates("/re"), (0, vec!["/retry".to_string()]));
        assert_eq!(candidates("/se").1, ["/seed ", "/set "]);
        assert_eq!(candidates("/").1.len(), COMMANDS.len());
        assert_eq!(candidates("/set to"), (5, vec!["top-k ".to_string(), "top-p ".to_string()]));
        for text in ["", "se", "//", "/save a", "we /re"] {
            assert_eq!(candidates(text), (0, vec![]), "{text}");
        }
    }
}
