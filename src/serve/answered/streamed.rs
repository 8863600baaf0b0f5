//! An answer that is sent piece by piece, as server-sent events.

use axum::body::Bytes;
use serde_json::Value;

use crate::serve::answered::course::{Course, Step};
use crate::serve::answered::shape::{Head, counted};
use crate::serve::http::refused::Refused;
use crate::serve::http::sent::Pieces;
use crate::serve::job::Refusal;
use crate::serve::log::Record;

/// How many bytes are gathered, where more is there already, before they are sent.
const GATHERED: usize = 16 << 10;

/// An answer on its way.
pub struct Streamed {
    head: Head,
    course: Course,
    /// Whether a last piece says how many tokens there were.
    usage: bool,
    record: Record,
    /// Each text so far, where somebody needs it whole.
    texts: Vec<String>,
    /// How many characters have begun in the tokens of each.
    chars: Vec<usize>,
    /// Of which it was said what of their prompts was not read.
    told: Vec<bool>,
    at: At,
}

/// How far it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Opening,
    Middle,
    Over,
}

impl Streamed {
    /// Of a course that has begun.
    pub fn new(head: Head, course: Course, usage: bool, record: Record) -> Streamed {
        let n = course.choices();
        Streamed {
            head,
            course,
            usage,
            record,
            texts: vec![String::new(); n],
            chars: vec![0; n],
            told: vec![false; n],
            at: At::Opening,
        }
    }

    /// Puts an object of choice `index` among the events, with what is ours to say. The first of each says what was not read, for a client
    /// may not wait for the last.
    fn send(&mut self, out: &mut String, (index, choice): (usize, Value), own: Option<Value>) {
        let mut chunk = self.head.chunk(&[choice]);
        if self.usage {
            chunk["usage"] = Value::Null;
        }
        let is_first = !std::mem::replace(&mut self.told[index], true);
        let unread = || self.course.unread(index).filter(|_| is_first).map(Value::Object);
        if let Some(own) = own.or_else(unread) {
            chunk["diarist"] = own;
        }
        event(out, &chunk);
    }

    async fn take(&mut self, out: &mut String, choice: usize, step: Step) {
        match step {
            Step::Piece(text, tokens) => {
                let piece = self.head.piece(choice, &text, &tokens, &mut self.chars[choice]);
                self.send(out, (choice, piece), None);
                self.texts[choice].push_str(&text);
            }
            Step::Ended(finish) => {
                let own = self.course.own(choice, &self.texts[choice]).await;
                let ending = self.head.ending(choice, finish);
                self.send(out, (choice, ending), own);
            }
        }
    }

    /// The last events; or, where the work failed, the error in their place.
    fn end(&mut self, out: &mut String, failed: Option<Refusal>) {
        self.at = At::Over;
        if let Some(refusal) = failed {
            let refused = Refused::from(refusal);
            event(out, &refused.body());
            self.record.refused(&refused);
            return;
        }
        if self.usage {
            let mut last = self.head.chunk(&[]);
            last["usage"] = counted(self.course.usage);
            event(out, &last);
        }
        out.push_str("data: [DONE]\n\n");
        self.record.done();
    }
}

impl Pieces for Streamed {
    async fn next(mut self) -> Option<(Bytes, Streamed)> {
        let mut out = String::new();
        match self.at {
            At::Over => return None,
            At::Opening => {
                for choice in 0..self.texts.len() {
                    if let Some(opening) = self.head.opening(choice) {
                        self.send(&mut out, (choice, opening), None);
                    }
                }
                self.at = At::Middle;
            }
            At::Middle => match self.course.next().await {
                Ok(Some((choice, step))) => self.take(&mut out, choice, step).await,
                Ok(None) => self.end(&mut out, None),
                Err(refusal) => self.end(&mut out, Some(refusal)),
            },
        }
        while self.at == At::Middle && out.len() < GATHERED {
            match self.course.ready() {
                Ok(Some((choice, step))) => self.take(&mut out, choice, step).await,
                Ok(None) => break,
                Err(refusal) => self.end(&mut out, Some(refusal)),
            }
        }
        Some((Bytes::from(out), self))
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        let usage = self.course.usage;
        self.record.found(self.course.entries());
        self.record.texts(std::mem::take(&mut self.texts), usage.prompt, usage.completion);
    }
}

/// One server-sent event; JSON has no line breaks of its own.
fn event(out: &mut String, value: &Value) {
    out.push_str("data: ");
    out.push_str(&value.to_string());
    out.push_str("\n\n");
}
