//! Where windows are cut from one side of `tokens.bin`: pairs, of which each is a window of its own, and running text, which is read on
//! from one entry to the next.

use std::ops::Range;

use crate::base::Result;
use crate::dataset::index::{Line, Side};
use crate::tokens::{Epochs, Row, alone, packed, validation};

/// One side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The pairs, which stand first.
    pub pairs: Vec<Range<usize>>,
    /// All entries behind them.
    pub text: Range<usize>,
}

impl Cut {
    /// Running text alone.
    pub fn text(text: Range<usize>) -> Cut {
        Cut { pairs: Vec::new(), text }
    }

    /// One side of an index.
    pub fn of(lines: &[Line], side: Side) -> Cut {
        let of_side = || lines.iter().filter(move |line| line.side == side);
        let pairs: Vec<Range<usize>> = of_side().filter(|line| line.pair).map(Line::range).collect();
        let start = of_side().find(|line| !line.pair).map(|line| line.start);
        let end = of_side().next_back().map_or(0, |line| line.end);
        Cut { pairs, text: start.unwrap_or(end)..end }
    }

    /// The context that its windows need: what is asked for where text is read on, no more than the longest pair where none is.
    pub fn context(&self, asked: usize) -> usize {
        self.longest().max(self.text.len().saturating_sub(1)).min(asked)
    }

    /// Targets of the longest pair, as a whole multiple of 16, which kernels like: its window may be longer than it. 0 of no pair.
    pub fn longest(&self) -> usize {
        let targets = self.pairs.iter().map(|pair| pair.len().saturating_sub(1));
        targets.max().unwrap_or(0).next_multiple_of(16)
    }

    /// How many pairs are longer than a context.
    pub fn longer(&self, context: usize) -> usize {
        self.pairs.iter().filter(|pair| pair.len() > context + 1).count()
    }

    /// The epochs of training on it, with as many windows of text as make a `share` of all.
    ///
    /// # Errors
    /// Too little text for a window.
    pub fn epochs(&self, context: usize, share: Option<f64>, seed: u64) -> Result<Epochs> {
        match self.pairs.is_empty() {
            true => Epochs::new(self.text.clone(), context, seed),
            false => Epochs::beside(&self.pairs, self.text.clone(), (context, share), seed),
        }
    }

    /// Its windows in rows, each token a target once.
    pub fn rows(&self, context: usize) -> Vec<Row> {
        [packed(alone(&self.pairs, context), context), validation(self.text.clone(), context)].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_windows_and_text_is_read_on() {
        let line = |side, pair, start, end| Line { hash: 0, date: None, side, pair, header: 0, start, end };
        let lines = [
            line(Side::Train, true, 0, 8),
            line(Side::Train, true, 8, 40),
            line(Side::Train, false, 40, 60),
            line(Side::Train, false, 60, 90),
            line(Side::Val, true, 90, 95),
        ];
        let train = Cut::of(&lines, Side::Train);
        assert_eq!(train, Cut { pairs: vec![0..8, 8..40], text: 40..90 });
        assert_eq!((train.context(1024), train.context(30), train.longer(30)), (49, 30, 1));
        assert_eq!(train.rows(30), [[(8, 30)], [(0, 7)], [(40, 30)], [(70, 19)]]);
        assert_eq!(train.rows(49)[0], [(8, 31), (0, 7)]);
        let val = Cut::of(&lines, Side::Val);
        let pairs: Vec<Range<usize>> = lines.iter().map(Line::range).collect();
        assert_eq!((val.pairs.as_slice(), &val.text), (&pairs[4..], &(95..95)));
        // 4 targets, in a window of 16.
        assert_eq!((val.context(1024), val.rows(16)), (16, vec![vec![(90, 4)]]));
        assert_eq!(Cut::of(&lines, Side::Before), Cut::text(0..0));
        assert_eq!(Cut::text(0..100).context(1024), 99);
    }
}
