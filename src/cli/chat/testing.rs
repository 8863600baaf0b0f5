//! A speaker without a model, whose answers say what it was asked.

use std::ops::ControlFlow;

use crate::base::{Error, Result};
use crate::cli::chat::speaker::{Answer, Manner, Passage, Speaker, Wish};
use crate::serve::job::{Finish, Role};

/// A speaker that counts.
pub struct Fake {
    pub manner: Manner,
    /// What it finds.
    pub passages: Option<Vec<Passage>>,
    /// What it was asked, a text each: `role:content`, parted by `|`.
    pub heard: Vec<String>,
    /// It fails on a question that says so.
    pub fails: bool,
}

impl Fake {
    pub fn new(manner: Manner) -> Fake {
        Fake { manner, passages: None, heard: Vec::new(), fails: false }
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

    fn recall(&mut self, _: &str) -> Result<Option<Vec<Passage>>> {
        Ok(self.passages.clone())
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
