//! The two sides of a journal: what is trained on, and what is held out.

use std::ops::Range;

use crate::base::Result;
use crate::base::units::{counted, thousands};
use crate::dataset::Tokenised;
use crate::dataset::heldout::{Held, HeldOut, Split, held_out};
use crate::dataset::new::New;
use crate::tokens::Tokenizer;

/// An entry, or a stretch of one, on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Which entry.
    pub entry: usize,
    /// Its tokens before the text: the header, which stands above every part.
    pub header: usize,
    /// Which tokens of the entry.
    pub range: Range<usize>,
    /// Whether it is held out.
    pub held: bool,
}

impl Part {
    /// Tokens in `tokens.bin`: the header, the text, and the end of text behind it. None where there is no word.
    pub fn tokens(&self) -> usize {
        match self.header + self.range.len() {
            0 => 0,
            tokens => tokens + 1,
        }
    }
}

/// How a journal is divided between training and validation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sides {
    /// In the order of the corpus.
    pub parts: Vec<Part>,
    /// Entries of which a stretch is held out.
    divided: usize,
    /// Tokens next to those stretches, which stand on neither side.
    between: usize,
    /// Why nothing is held out, where that was not asked for.
    nothing: Option<&'static str>,
}

impl Sides {
    /// Divides a journal.
    ///
    /// # Errors
    /// As [`held_out`].
    pub fn of(
        data: &Tokenised,
        tokenizer: &Tokenizer,
        split: &Split,
        fraction: f64,
        seed: u64,
    ) -> Result<Sides> {
        let held = held_out(data, tokenizer, split, fraction, seed, |_| true)?;
        Ok(Sides::from(data, held, |_| true))
    }

    /// Divides the new entries of a journal whose others an earlier run knows; those stand on neither side.
    ///
    /// # Errors
    /// As [`held_out`].
    pub fn of_new(
        data: &Tokenised,
        tokenizer: &Tokenizer,
        split: &Split,
        (fraction, seed): (f64, u64),
        new: &[New],
    ) -> Result<Sides> {
        let mut held = held_out(data, tokenizer, split, fraction, seed, |n| new[n] == New::Free)?;
        for (entry, _) in new.iter().enumerate().filter(|(_, new)| **new == New::Held) {
            held.entries[entry] = Held::Whole;
            held.nothing = None;
        }
        Ok(Sides::from(data, held, |n| new[n] != New::No))
    }

    /// Divides as it was decided elsewhere.
    pub fn as_held(data: &Tokenised, held: HeldOut) -> Sides {
        Sides::from(data, held, |_| true)
    }

    /// These, and those of other entries behind them, of which so many are before.
    #[must_use]
    pub fn and(mut self, other: Sides, before: usize) -> Sides {
        let moved = |part: Part| Part { entry: part.entry + before, ..part };
        self.parts.extend(other.parts.into_iter().map(moved));
        self.divided += other.divided;
        self.between += other.between;
        self.nothing = self.nothing.and(other.nothing);
        self
    }

    fn from(data: &Tokenised, held: HeldOut, among: impl Fn(usize) -> bool) -> Sides {
        let (mut parts, mut divided, mut between) = (Vec::with_capacity(held.entries.len()), 0, 0);
        let entries = data.entries.iter().zip(&held.entries).enumerate().filter(|(entry, _)| among(*entry));
        for (entry, (item, side)) in entries {
            let (tokens, header) = (item.tokens as usize, item.header as usize);
            let mut push = |range: Range<usize>, held| {
                let range = range.start + header..range.end + header;
                parts.push(Part { entry, header, range, held });
            };
            match side {
                Held::Not => push(0..tokens - header, false),
                Held::Whole => push(0..tokens - header, true),
                Held::Stretch(division) => {
                    division.kept.iter().for_each(|kept| push(kept.clone(), false));
                    push(division.held.clone(), true);
                    divided += 1;
                    let kept: usize = division.kept.iter().map(Range::len).sum();
                    between += tokens - header - kept - division.held.len();
                }
            }
        }
        Sides { parts, divided, between, nothing: held.nothing }
    }

    /// Tokens of one side, each part with its end of text.
    fn of_side(&self, held: bool) -> usize {
        self.parts.iter().filter(|part| part.held == held).map(Part::tokens).sum()
    }

    /// Tokens that are trained on: an epoch.
    pub fn train_tokens(&self) -> usize {
        self.of_side(false)
    }

    /// Tokens that are held out.
    pub fn val_tokens(&self) -> usize {
        self.of_side(true)
    }

    /// One line for a person: what an epoch is, and what share is held out.
    pub fn line(&self) -> String {
        let (train, val) = (self.train_tokens(), self.val_tokens());
        let mut line = format!("{} to train on", counted(train as u64, "token", "tokens"));
        if val == 0 {
            line += ", nothing held out";
            if let Some(why) = self.nothing {
                line += &format!(", so nothing tells when to stop: {why}");
            }
            return line;
        }
        let share = val as f64 / (train + val) as f64;
        line += &format!(", {} held out ({:.1}%)", thousands(val as u64), 100.0 * share);
        if self.divided > 0 {
            line += &format!(
                "; {} divided at paragraphs, with {} between the sides",
                counted(self.divided as u64, "long entry is", "long entries are"),
                counted(self.between as u64, "token", "tokens")
            );
        }
        line
    }
}
