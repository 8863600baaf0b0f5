//! A text while it is written: tokens go in, whole characters come out, and nothing of what may yet become a stop string.

use std::collections::VecDeque;

use crate::sample::stops::Stops;
use crate::sample::together::said::Likely;
use crate::tokens::Utf8Stream;

/// What may be told of a text.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Released {
    /// Whole characters.
    pub text: String,
    /// The tokens that begin in what was told so far, where their probabilities are asked for.
    pub tokens: Vec<Likely>,
    /// A stop string has come: the text ends before it.
    pub stopped: bool,
}

/// A text while it is written.
#[derive(Debug)]
pub(super) struct Growing {
    /// Its tokens.
    pub written: Vec<u32>,
    bytes: Utf8Stream,
    stops: Stops,
    /// Tokens that are not told yet, each with where in the text it begins.
    waiting: VecDeque<(usize, Likely)>,
    /// Bytes of whole characters so far, and of those that were told.
    whole: usize,
    told: usize,
}

impl Growing {
    /// Nothing yet, to end before one of `stops`.
    pub fn new(stops: Stops) -> Growing {
        Growing {
            written: Vec::new(),
            bytes: Utf8Stream::default(),
            stops,
            waiting: VecDeque::new(),
            whole: 0,
            told: 0,
        }
    }

    /// Takes its next token, as it is shown, and how likely it was where that is asked for.
    pub fn take(&mut self, token: u32, shown: &[u8], likely: Option<Likely>) -> Released {
        self.written.push(token);
        self.waiting.extend(likely.map(|likely| (self.whole, likely)));
        let text = self.bytes.push(shown);
        self.release(&text)
    }

    /// What was held back, now that nothing follows; where it holds a stop string, what stands before that.
    pub fn end(&mut self) -> Released {
        let text = std::mem::take(&mut self.bytes).finish();
        let mut last = self.release(&text);
        if !last.stopped {
            last.text += &self.stops.finish();
            last.tokens.extend(self.waiting.drain(..).map(|(_, likely)| likely));
        }
        last
    }

    fn release(&mut self, text: &str) -> Released {
        self.whole += text.len();
        let pushed = self.stops.push(text);
        self.told += pushed.text.len();
        let mut tokens = Vec::new();
        while self.waiting.front().is_some_and(|(start, _)| *start < self.told) {
            tokens.extend(self.waiting.pop_front().map(|(_, likely)| likely));
        }
        Released { text: pushed.text, tokens, stopped: pushed.hit }
    }
}
