//! How attention is cut into heads and sequences, who sees whom, and how many pairs that makes.

use std::ops::Range;

/// How attention is cut into heads and sequences.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Positions of a sequence.
    pub t: usize,
    /// Query heads.
    pub nh: usize,
    /// Key/value heads, of which `nh` is a multiple: query head h attends to key/value head h / (NH/NKV).
    pub nkv: usize,
    /// The layer, for its dropout mask.
    pub layer: usize,
    /// Whether probabilities are dropped.
    pub dropout: bool,
    /// How many keys a query sees, 1 or more: its own and those before it. None where it sees all up to its own.
    pub window: Option<usize>,
}

/// The heads of a sequence, as they lie in the rows of qkv.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heads {
    pub t: usize,
    pub nh: usize,
    pub nkv: usize,
    pub hs: usize,
    /// Keys that a query sees: from 1 to T.
    pub window: usize,
}

/// A block of queries, `i0..i1`, and the keys that some of them see, `j0..i1`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub i0: usize,
    pub i1: usize,
    pub j0: usize,
}

impl Block {
    pub fn queries(&self) -> usize {
        self.i1 - self.i0
    }

    pub fn keys(&self) -> usize {
        self.i1 - self.j0
    }
}

impl Heads {
    /// Queries of a block.
    const BLOCK: usize = 64;

    /// The heads of rows of `width` numbers.
    pub fn new(width: usize, t: usize, [nh, nkv]: [usize; 2], window: Option<usize>) -> Heads {
        assert!(nkv > 0 && nh.is_multiple_of(nkv), "{nh} heads in {nkv} groups: a config's heads divide");
        let window = window.unwrap_or(t).min(t);
        assert!(window > 0, "a query sees itself");
        let heads = Heads { t, nh, nkv, hs: width / (nh + 2 * nkv), window };
        assert_eq!(heads.width(), width, "a row is {nh} query, {nkv} key and {nkv} value heads");
        heads
    }

    /// Numbers of a row of qkv.
    pub fn width(&self) -> usize {
        (self.nh + 2 * self.nkv) * self.hs
    }

    /// Numbers of a row of out.
    pub fn out_width(&self) -> usize {
        self.nh * self.hs
    }

    /// The query heads among the heads of a row of qkv.
    pub fn queries(&self) -> Range<usize> {
        0..self.nh
    }

    /// The key heads.
    pub fn keys(&self) -> Range<usize> {
        self.nh..self.nh + self.nkv
    }

    /// The value heads.
    pub fn values(&self) -> Range<usize> {
        self.nh + self.nkv..self.nh + 2 * self.nkv
    }

    /// The key/value head of query head `h`.
    pub fn group_of(&self, h: usize) -> usize {
        h / (self.nh / self.nkv)
    }

    /// The keys that query `i` sees.
    pub fn seen(&self, i: usize) -> Range<usize> {
        (i + 1).saturating_sub(self.window)..i + 1
    }

    /// The blocks that cover all queries, in order.
    pub fn blocks(self) -> impl Iterator<Item = Block> {
        (0..self.t).step_by(Heads::BLOCK).map(move |i0| Block {
            i0,
            i1: (i0 + Heads::BLOCK).min(self.t),
            j0: self.seen(i0).start,
        })
    }

    /// Pairs of a block at most.
    pub fn block_pairs(&self) -> usize {
        Heads::BLOCK.min(self.t) * (self.window + Heads::BLOCK - 1).min(self.t)
    }

    /// Pairs of query and key in one head of one sequence: Σ over queries of min(i + 1, window).
    pub fn pairs(&self) -> u64 {
        let (t, w) = (self.t as u64, self.window as u64);
        w * (2 * t - w + 1) / 2
    }

    /// Arithmetic of `n` products over the pairs of `b` sequences: each is 2·HS operations a pair.
    pub fn products(&self, n: u64, b: usize) -> u64 {
        2 * n * (b * self.out_width()) as u64 * self.pairs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_pairs_are_those_that_the_mask_allows() {
        for (t, window) in
            [(1, None), (5, Some(1)), (64, Some(64)), (130, Some(7)), (200, Some(70)), (97, Some(98))]
        {
            let heads = Heads::new(35, t, [3, 1], window);
            assert_eq!((heads.hs, heads.group_of(2)), (7, 0));
            let sees = |i: usize, j: usize| j <= i && window.is_none_or(|w| i < j + w);
            let keys = |i: usize| (0..t).filter(move |&j| sees(i, j));
            assert!((0..t).all(|i| keys(i).eq(heads.seen(i))), "{heads:?}");
            assert_eq!((0..t).map(|i| keys(i).count() as u64).sum::<u64>(), heads.pairs(), "{heads:?}");
            let mut next = 0;
            for block in heads.blocks() {
                assert_eq!(block.i0, next, "{heads:?}");
                next = block.i1;
                // The whole band of the block and no column more.
                assert_eq!(block.j0, heads.seen(block.i0).start);
                assert!(block.queries() * block.keys() <= heads.block_pairs(), "{heads:?}, {block:?}");
            }
            assert_eq!(next, t);
        }
    }
}
