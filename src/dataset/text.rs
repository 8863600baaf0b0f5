//! What a run's `tokens.bin` holds, in its order: what an earlier version alone was trained on, what is trained on, what is held out.
//! Old text comes from that version's own `tokens.bin`, new text from journals that were read.

use std::ops::Range;
use std::path::Path;

use crate::base::Result;
use crate::dataset::index::{Line, Side};
use crate::dataset::sides::Part;
use crate::dataset::tokenised::Item;
use crate::dataset::{Sides, Tokenised};
use crate::tokens::{Ranges, TokenFile, Width};

/// What a run's text is in.
pub const TOKENS: &str = "tokens.bin";

/// The text of an earlier version.
#[derive(Debug)]
pub struct Earlier {
    /// Its tokens.
    pub tokens: TokenFile,
    /// The ranges of them that are left out of the loss.
    pub masked: Vec<Range<usize>>,
    /// Which of its entries are taken over, in order; `start` and `end` are in its tokens, and `side` is what each becomes.
    pub lines: Vec<Line>,
}

impl Earlier {
    /// Tokens of one side.
    pub fn tokens_of(&self, side: Side) -> usize {
        self.of(side).map(|line| line.range().len()).sum()
    }

    fn of(&self, side: Side) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| line.side == side)
    }
}

/// The text of a run.
pub struct Text {
    /// What an earlier version had.
    pub earlier: Option<Earlier>,
    /// What was read, and which of it is trained on and held out.
    pub read: Option<(Tokenised, Sides)>,
    /// Behind each entry.
    pub end_of_text: u32,
    /// Of the ids in the file.
    pub width: Width,
}

impl Text {
    /// Tokens that are trained on: an epoch.
    pub fn train_tokens(&self) -> usize {
        self.tokens_of(Side::Train)
    }

    /// Tokens that are held out.
    pub fn val_tokens(&self) -> usize {
        self.tokens_of(Side::Val)
    }

    /// Tokens of one side.
    fn tokens_of(&self, side: Side) -> usize {
        let old = self.earlier.as_ref().map_or(0, |earlier| earlier.tokens_of(side));
        old + self.parts(side).map(Part::tokens).sum::<usize>()
    }

    /// Where in `tokens.bin` the earlier version's held-out text ends, and the new begins.
    pub fn held_out_before(&self) -> usize {
        let old = self.earlier.as_ref().map_or(0, |earlier| earlier.tokens_of(Side::Val));
        self.tokens_of(Side::Before) + self.tokens_of(Side::Train) + old
    }

    /// Tokens in all.
    pub fn tokens(&self) -> usize {
        SIDES.map(|side| self.tokens_of(side)).iter().sum()
    }

    /// Writes `tokens.bin`.
    ///
    /// # Errors
    /// A full disk; text that cannot be read again.
    pub fn write(&self, path: &Path) -> Result<(TokenFile, Ranges)> {
        let train = self.side(Side::Before).chain(self.side(Side::Train));
        let mut ranges = TokenFile::write(path, train, self.side(Side::Val), self.end_of_text, self.width)?;
        ranges.train.start = self.tokens_of(Side::Before);
        Ok((TokenFile::open(path, ranges.val.end, self.width)?, ranges))
    }

    /// The entries of one side without their ends of text, each read when it is asked for: the old ones, then the new.
    fn side(&self, side: Side) -> Box<dyn Iterator<Item = Result<Vec<u32>>> + '_> {
        let old = self.earlier.iter().flat_map(move |earlier| {
            let of = |line: &Line| earlier.tokens.read(line.start..line.end.max(line.start + 1) - 1);
            earlier.of(side).map(of)
        });
        match &self.read {
            Some((tokenised, sides)) if side != Side::Before => {
                Box::new(old.chain(parts_of(tokenised, sides, side == Side::Val)))
            }
            _ => Box::new(old),
        }
    }

    /// The parts of what was read that are on one side.
    fn parts(&self, side: Side) -> impl Iterator<Item = &Part> {
        let parts = self.read.iter().flat_map(|(_, sides)| &sides.parts);
        parts.filter(move |part| side != Side::Before && part.held == (side == Side::Val))
    }

    /// What of `tokens.bin` is left out of the loss: the questions of pairs, and headers where those are `masked`.
    pub fn masks(&self, masked: bool) -> Vec<Range<usize>> {
        let (mut at, mut masks) = (0, Vec::new());
        for side in SIDES {
            if let Some(earlier) = &self.earlier {
                for line in earlier.of(side) {
                    let first = earlier.masked.partition_point(|masked| masked.end <= line.start);
                    let within = earlier.masked[first..].iter().take_while(|masked| masked.start < line.end);
                    masks.extend(within.map(|m| m.start - line.start + at..m.end - line.start + at));
                    at += line.range().len();
                }
            }
            for (tokenised, part) in self
                .read
                .iter()
                .flat_map(|(tokenised, _)| self.parts(side).map(move |part| (tokenised, part)))
            {
                if masked || tokenised.entries[part.entry].pair {
                    masks.push(at..at + part.header);
                }
                at += part.tokens();
            }
        }
        masks.retain(|mask| !mask.is_empty());
        masks
    }

    /// The index of `tokens.bin`.
    pub fn index(&self) -> Vec<Line> {
        let (mut at, mut lines) = (0, Vec::new());
        for side in SIDES {
            let old = self.earlier.iter().flat_map(|earlier| earlier.of(side));
            let old = old.cloned();
            let new = self.read.iter().flat_map(|(tokenised, _)| {
                self.parts(side).map(|part| {
                    let Item { hash, day, pair, .. } = tokenised.entries[part.entry];
                    Line { hash, date: day, side, pair, header: part.header, start: 0, end: part.tokens() }
                })
            });
            for line in old.chain(new) {
                let tokens = line.range().len();
                lines.push(Line { side, start: at, end: at + tokens, ..line });
                at += tokens;
            }
        }
        lines
    }
}

/// In the order of `tokens.bin`.
const SIDES: [Side; 3] = [Side::Before, Side::Train, Side::Val];

/// The tokens of one side's parts.
fn parts_of<'a>(
    tokenised: &'a Tokenised,
    sides: &'a Sides,
    held: bool,
) -> impl Iterator<Item = Result<Vec<u32>>> + 'a {
    let mut parts = sides.parts.iter().peekable();
    tokenised.read().enumerate().flat_map(move |(n, entry)| {
        let mut of_entry = Vec::new();
        while let Some(part) = parts.next_if(|part| part.entry == n) {
            of_entry.extend((part.held == held).then_some(part));
        }
        match entry {
            Ok(tokens) => {
                let cut = |part: &Part| Ok([&tokens[..part.header], &tokens[part.range.clone()]].concat());
                of_entry.into_iter().map(cut).collect()
            }
            Err(e) => vec![Err(e)],
        }
    })
}
