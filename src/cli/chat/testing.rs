//! Speakers without a model: one whose answers say what it was asked, and one that reads as a diary's model does.

use std::ops::ControlFlow;

use crate::base::{Error, Result};
use crate::cli::chat::model::heading;
use crate::cli::chat::speaker::{Answer, Manner, Recalled, Speaker, Wish};
use crate::run::Run;
use crate::sample::talk::{self, Misfit, fit};
use crate::serve::job::{Finish, Role};
use crate::tokens::Tokenizer;

/// A speaker that counts.
pub struct Fake {
    pub manner: Manner,
    /// What it finds.
    pub recalled: Recalled,
    /// What it was asked, a text each: `role:content`, parted by `|`.
    pub heard: Vec<String>,
    /// It fails on a question that says so.
    pub fails: bool,
}

impl Fake {
    pub fn new(manner: Manner) -> Fake {
        Fake { manner, recalled: Recalled::default(), heard: Vec::new(), fails: false }
    }
}

impl Speaker for Fake {
    fn manner(&self) -> Manner {
        self.manner
    }

    fn voices(&self) -> Vec<String> {
        vec!["{date}".into()]
    }

    fn header(&self, typed: &str) -> Result<String> {
        match typed {
            "never" => Err(Error::usage("no day is called never", "name a day")),
            _ => Ok(format!("{typed}\n")),
        }
    }

    fn recall(&mut self, _: &str) -> Result<Recalled> {
        Ok(self.recalled.clone())
    }

    fn say(&mut self, wish: &Wish, on_piece: &mut dyn FnMut(&str) -> ControlFlow<()>) -> Result<Answer> {
        let name = |role| match role {
            Role::System => "s",
            Role::User => "u",
            Role::Assistant => "a",
        };
        let said = wish.conversation.iter().map(|m| format!("{}:{}", name(m.role), m.content));
        self.heard.push(said.collect::<Vec<_>>().join("|"));
        if self.fails && self.heard.last().is_some_and(|heard| heard.ends_with("fail")) {
            return Err(Error::setting("it does not fit", "say less"));
        }
        let mut answer = Answer {
            text: String::new(),
            tokens: 0,
            dropped_turns: 0,
            finish: Finish::Length,
            passages: (0..wish.passages.len().min(1)).collect(),
            unsupported: vec![],
        };
        for piece in [" answer", " \u{1b}[1m", &wish.seed.to_string(), "."] {
            if answer.tokens == wish.max_tokens {
                return Ok(answer);
            }
            answer.text += piece;
            answer.tokens += 1;
            if on_piece(piece).is_break() {
                return Ok(answer);
            }
        }
        answer.finish = Finish::Stop;
        Ok(answer)
    }
}

/// A diary's model of bytes with so many positions, which goes on from what the real one would, and writes the same words always.
pub struct Reader {
    pub run: Run,
    pub positions: usize,
    /// What it went on from.
    pub read: Vec<String>,
}

impl Reader {
    /// One whose entries have this header.
    pub fn new(header: Option<&str>, positions: usize) -> Reader {
        let mut run = crate::run::record::example();
        run.data.header = header.map(Into::into);
        Reader { run, positions, read: Vec::new() }
    }
}

impl Speaker for Reader {
    fn manner(&self) -> Manner {
        Manner::Diary
    }

    fn voices(&self) -> Vec<String> {
        Vec::new()
    }

    fn header(&self, typed: &str) -> Result<String> {
        Ok(heading(typed, Some(&self.run)))
    }

    fn recall(&mut self, _: &str) -> Result<Recalled> {
        Ok(Recalled::default())
    }

    fn say(&mut self, wish: &Wish, on_piece: &mut dyn FnMut(&str) -> ControlFlow<()>) -> Result<Answer> {
        let tokenizer = Tokenizer::bytes();
        let (manner, most) = (talk::Manner::Diary, wish.max_tokens);
        let fitted =
            fit(&manner, wish.conversation, &tokenizer, self.positions, most).map_err(Misfit::told)?;
        self.read.push(tokenizer.decode(&fitted.ids));
        let room = (self.positions - fitted.ids.len()).min(most);
        let text: String = " and it rained".chars().cycle().take(room).collect();
        let _break = on_piece(&text);
        Ok(Answer {
            text,
            tokens: room,
            dropped_turns: fitted.dropped,
            finish: Finish::Length,
            passages: vec![],
            unsupported: vec![],
        })
    }
}
