//! One head as the twins see it: matrix products over blocks of queries and the keys that they see.

use std::ops::Range;

use rayon::prelude::*;

use super::shape::{Block, Heads};
use crate::base::rng::Site;
use crate::device::Call;
use crate::ops::dropout::Mask;
use crate::ops::math::exp;
use crate::ops::matmul::{View, gemm};

/// One query head of one sequence, and the key/value head that it attends to.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    pub heads: Heads,
    /// The sequence's rows of qkv.
    rows: &'a [f32],
    /// Where each query's text begins in it.
    begins: &'a [u32],
    h: usize,
    /// b·NH + h
    pub bh: usize,
    pub scale: f32,
    mask: Option<Mask>,
}

/// Every query head of every sequence: how many there are, how they lie, and each by its b·NH + h.
pub(super) fn every<'a>(
    call: &Call,
    qkv: &'a [f32],
    begins: &'a [u32],
) -> (usize, Heads, impl Fn(usize) -> Head<'a> + Sync) {
    let [b, t, nh, nkv, window, layer] = call.dims();
    let heads = Heads { t, nh, nkv, hs: call.number("HS"), window };
    let mask = call.flag("DROPOUT").then(|| Mask::new(&call.step, layer, Site::Attention as u32));
    let head = move |bh: usize| Head {
        heads,
        rows: &qkv[bh / nh * t * heads.width()..][..t * heads.width()],
        begins: &begins[bh / nh * t..][..t],
        h: bh % nh,
        bh,
        scale: scale(heads.hs),
        mask,
    };
    (b * nh, heads, head)
}

/// 1/√HS
pub(super) fn scale(hs: usize) -> f32 {
    1.0 / (hs as f32).sqrt()
}

impl<'a> Head<'a> {
    /// The keys that query `i` sees: those of the window that are of its text.
    pub fn seen(&self, i: usize) -> Range<usize> {
        let seen = self.heads.seen(i);
        seen.start.max(self.begins[i] as usize)..seen.end
    }

    /// The blocks that cover all queries, in order, each with the keys that some of its queries see.
    pub fn blocks(self) -> impl Iterator<Item = Block> {
        self.heads.blocks().map(move |block| Block { j0: self.seen(block.i0).start, ..block })
    }

    /// A column of heads from position `first` on, (T−first, HS).
    fn column(&self, column: usize, first: usize) -> View<'a> {
        let width = self.heads.width();
        View { data: &self.rows[first * width + column * self.heads.hs..], rs: width, cs: 1 }
    }

    /// Its queries from position `first` on, (T−first, HS).
    pub fn q(&self, first: usize) -> View<'a> {
        self.column(self.h, first)
    }

    /// Its group's keys, the same.
    pub fn k(&self, first: usize) -> View<'a> {
        self.column(self.heads.keys().start + self.heads.group_of(self.h), first)
    }

    /// Its group's values, the same.
    pub fn v(&self, first: usize) -> View<'a> {
        self.column(self.heads.values().start + self.heads.group_of(self.h), first)
    }

    /// Its rows of a (B·T,NH·HS) tensor, from query `first` on.
    pub fn of_out<'b>(&self, out: &'b [f32], first: usize) -> View<'b> {
        let (width, b) = (self.heads.out_width(), self.bh / self.heads.nh);
        View { data: &out[(b * self.heads.t + first) * width + self.h * self.heads.hs..], rs: width, cs: 1 }
    }

    /// scale·q·kᵀ of a block, (queries, keys).
    #[inline(always)]
    pub fn scores(&self, block: Block, s: &mut [f32]) {
        let product = [block.queries(), block.keys(), self.heads.hs];
        let (q, k) = (self.q(block.i0), transposed(self.k(block.j0)));
        gemm(product, q, k, (s, block.keys()), (self.scale, false), false);
    }

    /// Gives `f` each query of a block and what it sees of its row of a (queries, keys) matrix, and makes the rest zero.
    #[inline(always)]
    pub fn each_seen(&self, block: Block, matrix: &mut [f32], mut f: impl FnMut(usize, &mut [f32])) {
        for (i, row) in (block.i0..block.i1).zip(matrix.chunks_mut(block.keys())) {
            let seen = self.seen(i);
            let (before, row) = row.split_at_mut(seen.start - block.j0);
            let (row, above) = row.split_at_mut(seen.len());
            before.fill(0.0);
            f(i, row);
            above.fill(0.0);
        }
    }

    /// P of a block, (queries, keys), zero where nothing is seen; lse known.
    #[inline(always)]
    pub fn probabilities(&self, block: Block, lse: &[f32], p: &mut [f32]) {
        self.scores(block, p);
        self.each_seen(block, p, |i, row| row.iter_mut().for_each(|s| *s = exp(*s - lse[i])));
    }

    /// Masks a block, where there is dropout.
    #[inline(always)]
    pub fn drop(&self, block: Block, p: &mut [f32]) {
        if let Some(mask) = self.mask {
            self.each_seen(block, p, |i, row| {
                mask.apply(self.bh, i * self.heads.t + self.seen(i).start, row);
            });
        }
    }

    // ANCHOR: dscores
    /// dS of a block, (queries, keys), zero where nothing is seen, from its P.
    #[inline(always)]
    pub fn dscores(&self, block: Block, dout: View, dot: &[f32], p: &[f32], ds: &mut [f32]) {
        let (product, v) = ([block.queries(), block.keys(), self.heads.hs], transposed(self.v(block.j0)));
        gemm(product, dout, v, (ds, block.keys()), (1.0, false), false); // dP
        self.drop(block, ds);
        self.each_seen(block, ds, |i, ds| {
            let p = &p[(i - block.i0) * block.keys() + self.seen(i).start - block.j0..];
            for (ds, p) in ds.iter_mut().zip(p) {
                *ds = p * (*ds - dot[i]);
            }
        });
    }
    // ANCHOR_END: dscores
}

pub(super) fn transposed(v: View) -> View {
    View { data: v.data, rs: v.cs, cs: v.rs }
}

pub(super) fn contiguous(data: &[f32], cols: usize) -> View<'_> {
    View { data, rs: cols, cs: 1 }
}

/// Copies each head's (T,HS), `of(b·NH + h)`, into `columns` of heads of rows of `width` numbers. Where heads are more than
/// columns, a column is the sum of its group, in the heads' order.
pub(super) fn scatter<'a>(
    heads: Heads,
    (into, width): (&mut [f32], usize),
    columns: Range<usize>,
    of: impl Fn(usize) -> &'a [f32] + Sync,
) {
    let Heads { t, nh, hs, .. } = heads;
    let group = nh / columns.len();
    into.par_chunks_mut(width).enumerate().for_each(|(bt, row)| {
        for (n, column) in columns.clone().enumerate() {
            let from = |h: usize| &of(bt / t * nh + h)[bt % t * hs..][..hs];
            let sum = &mut row[column * hs..][..hs];
            sum.copy_from_slice(from(n * group));
            for h in n * group + 1..(n + 1) * group {
                sum.iter_mut().zip(from(h)).for_each(|(sum, x)| *sum += x);
            }
        }
    });
}
