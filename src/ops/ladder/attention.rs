//! Causal attention in three lessons, and the op that they lead to.
//!
//!   S = scale·q·kᵀ, scale = 1/√HS, for the keys j ≤ i of query i      P = softmax(S)      out = P·v
//!
//! qkv (B·T,3·NH·HS): queries | keys | values · out (B·T,NH·HS). The first lesson keeps S, then P, (B,NH,T,T), in memory; the
//! others have no such tensor. The twins are the first lesson in Rust, a row at a time.

use multiversion::multiversion;
use rayon::prelude::*;

use super::rung::Rung;
use crate::device::kernel::{Consts, read, write};
use crate::device::recorder::Launch;
use crate::device::{Arg, Call, Choices, Const, Kernel, Kind, Limits, Recorder, Tensor};
use crate::ops::attention::{Shape, forward};
use crate::ops::case::{Case, Fill};
use crate::ops::math::{dot, exp, max, sum};

/// (B·T) where each position's text begins, which the last rung reads: zeros, as the others know of one text alone.
pub const BEGINS: &str = "begins";

/// What attends to what.
#[derive(Debug, Clone, Copy)]
pub struct Packed {
    /// (B·T,3·NH·HS)
    pub qkv: Tensor,
    /// Positions of a sequence.
    pub t: usize,
    /// Heads.
    pub nh: usize,
}

/// B, T, NH and HS.
#[derive(Debug, Clone, Copy)]
struct Extents {
    b: usize,
    t: usize,
    nh: usize,
    hs: usize,
}

impl Extents {
    fn of(rec: &Recorder, Packed { qkv, t, nh }: Packed) -> Extents {
        let [bt, width] = rec.extents(qkv);
        assert!(bt.is_multiple_of(t) && width.is_multiple_of(3 * nh), "whole sequences of whole heads");
        Extents { b: bt / t, t, nh, hs: width / (3 * nh) }
    }

    /// Words of out, and of the queries, the keys and the values each.
    fn words(&self) -> u64 {
        (self.b * self.t * self.nh * self.hs) as u64
    }

    /// Pairs of a query and a key that it sees.
    fn pairs(&self) -> u64 {
        (self.b * self.nh * self.t * (self.t + 1) / 2) as u64
    }
}

/// Arithmetic of the two products over the pairs that are seen: what any rung has to do, whatever else it does.
pub fn flops([b, t, nh, hs]: [usize; 4]) -> u64 {
    4 * hs as u64 * Extents { b, t, nh, hs }.pairs()
}

/// From the equation as it stands to the op that trains.
pub const ATTENTION: &[Rung<Packed>] = &[
    Rung {
        name: "attention_1_naive",
        file: "ladder/attention_1_naive.wgsl",
        lesson: "a kernel a line of the equation, every score in memory",
        record: naive,
    },
    Rung {
        name: "attention_2_online",
        file: "ladder/attention_2_online.wgsl",
        lesson: "a thread a query, the softmax carried along, nothing stored",
        record: online,
    },
    Rung {
        name: "attention_3_blocks",
        file: "ladder/attention_3_blocks.wgsl",
        lesson: "a workgroup 64 queries, keys and values in blocks in workgroup memory",
        record: blocks,
    },
    Rung {
        name: "attention_forward",
        file: "attention_forward.wgsl",
        lesson: "the op: wide loads, grouped heads, windows, dropout, the log-sum-exp; the cut that suits the device",
        record: |rec, Packed { qkv, t, nh }| {
            let [bt, _] = rec.extents(qkv);
            let begins = rec.kept_ids(BEGINS, Kind::Input, &[bt]);
            forward(rec, qkv, begins, Shape { t, nh, nkv: nh, layer: 0, dropout: false, window: None }).0
        },
    },
];

pub(super) static SCORES: Kernel = Kernel {
    name: "ladder_attention_1_scores",
    file: "ladder/attention_1_naive.wgsl",
    source: include_str!("../../../shaders/ladder/attention_1_naive.wgsl"),
    lib: &[],
    bindings: &[read("qkv"), write("scores")],
    dims: &["B", "T", "NH"],
    step: false,
    // HS products in two orders, √HS·2⁻²⁴ of the terms' norm, HS ≤ 160; a root and a quotient, 2.5 units of 2⁻²³ each.
    tolerance: 1.5e-6,
    twin: scores_twin,
};

pub(super) static SOFTMAX: Kernel = Kernel {
    name: "ladder_attention_1_softmax",
    bindings: &[write("att")],
    // exp of differences of scores of size up to 20, each within 3 + 2·|x| units of 2⁻²³, averaged by the softmax.
    tolerance: 5e-6,
    twin: softmax_twin,
    ..SCORES
};

pub(super) static VALUES: Kernel = Kernel {
    name: "ladder_attention_1_values",
    bindings: &[read("qkv"), read("p"), write("out")],
    // T products one after another, as in the twin, fused here and there: √T·2⁻²⁴ of the terms' norm, T ≤ 256.
    tolerance: 1e-6,
    twin: values_twin,
    ..SCORES
};

pub(super) static ONLINE: Kernel = Kernel {
    name: "ladder_attention_2_online",
    file: "ladder/attention_2_online.wgsl",
    source: include_str!("../../../shaders/ladder/attention_2_online.wgsl"),
    bindings: &[read("qkv"), write("out")],
    // The softmax's exp, as in rung 1; a shrinking is one more, and there are as many as new largest scores, a few of each row's.
    tolerance: 5e-6,
    twin,
    ..SCORES
};

pub(super) static BLOCKS: Kernel = Kernel {
    name: "ladder_attention_3_blocks",
    file: "ladder/attention_3_blocks.wgsl",
    source: include_str!("../../../shaders/ladder/attention_3_blocks.wgsl"),
    // The softmax's exp, as in rung 1; shrinkings are no more than rung 2's.
    tolerance: 5e-6,
    ..ONLINE
};

/// A square workgroup's side, and the threads of one whose threads own a row or a query each.
const SIDE: usize = 16;
const WG: usize = 64;

/// Constants that are numbers.
fn consts(of: &[(&'static str, usize)]) -> Consts {
    of.iter().map(|&(name, n)| (name, Const::U32(n as u32))).collect()
}

/// Rung 1: S, P, out.
fn naive(rec: &mut Recorder, packed: Packed) -> Tensor {
    let Extents { b, t, nh, hs } = Extents::of(rec, packed);
    let extents = Extents { b, t, nh, hs };
    let (bh, n, words) = (b * nh, extents.pairs(), extents.words());
    let att = rec.scratch("att", &[b, nh, t, t]);
    let out = rec.scratch("out", &[b * t, nh * hs]);
    let groups = |n: usize, each: usize| n.div_ceil(each) as u32;
    let mut launch = |label: &str, kernel: &'static Kernel, args: &[Arg], workgroups, flops, bytes| {
        let consts = consts(&[("HS", hs), ("SIDE", SIDE), ("WG", WG)]);
        let launch = Launch { kernel, consts, args, dims: &[b, t, nh], workgroups, flops };
        rec.dispatch_moving(label, launch, bytes);
    };
    let squares = |across: usize| [groups(across, SIDE), groups(t, SIDE), bh as u32];
    let stored = 4 * (bh * t * t) as u64;
    let products = 2 * hs as u64 * n;
    // Of qkv the queries and the keys; a zero for every pair that is not seen.
    let args = [packed.qkv.read(), att.write()];
    launch("scores", &SCORES, &args, squares(t), products, 8 * words + stored);
    // The largest, a difference, an exponential, their sum and a quotient; of the seen pairs alone.
    let rows = [groups(t, WG), bh as u32, 1];
    launch("softmax", &SOFTMAX, &[att.update()], rows, 5 * n, 8 * n);
    let args = [packed.qkv.read(), att.read(), out.write()];
    launch("values", &VALUES, &args, squares(hs), products, 8 * words + 4 * n);
    out
}

/// Rung 2: out.
fn online(rec: &mut Recorder, packed: Packed) -> Tensor {
    let Extents { hs, .. } = Extents::of(rec, packed);
    one_pass(rec, &ONLINE, consts(&[("HS", hs), ("WG", WG)]), packed)
}

/// Rung 3: out. A block of keys and one of values lie in 16 KiB, where they can.
fn blocks(rec: &mut Recorder, packed: Packed) -> Tensor {
    let Extents { hs, .. } = Extents::of(rec, packed);
    let block = (2048 / hs).clamp(1, 16);
    one_pass(rec, &BLOCKS, consts(&[("HS", hs), ("WG", WG), ("BLOCK", block)]), packed)
}

/// Records one of the kernels that do all at once.
fn one_pass(rec: &mut Recorder, kernel: &'static Kernel, consts: Consts, packed: Packed) -> Tensor {
    let Extents { b, t, nh, hs } = Extents::of(rec, packed);
    let out = rec.scratch("out", &[b * t, nh * hs]);
    let launch = Launch {
        kernel,
        consts,
        args: &[packed.qkv.read(), out.write()],
        dims: &[b, t, nh],
        workgroups: [t.div_ceil(WG) as u32, (b * nh) as u32, 1],
        flops: flops([b, t, nh, hs]),
    };
    rec.dispatch("forward", launch);
    out
}

/// qkv as the twins see it.
#[derive(Clone, Copy)]
struct Heads<'a> {
    qkv: &'a [f32],
    t: usize,
    nh: usize,
    hs: usize,
}

impl<'a> Heads<'a> {
    fn of(call: &Call, qkv: &'a [f32]) -> Heads<'a> {
        let [_, t, nh] = call.dims();
        Heads { qkv, t, nh, hs: call.number("HS") }
    }

    /// The query (part 0), key (1) or value (2) of head bh = b·NH + h at position `t`, (HS).
    #[inline(always)]
    fn row(&self, part: usize, bh: usize, t: usize) -> &'a [f32] {
        let (b, h) = (bh / self.nh, bh % self.nh);
        &self.qkv[(((b * self.t + t) * 3 + part) * self.nh + h) * self.hs..][..self.hs]
    }

    /// The scores of query `i` and the keys that it sees, (i + 1).
    #[inline(always)]
    fn scores(&self, bh: usize, i: usize, s: &mut [f32]) {
        let scale = 1.0 / (self.hs as f32).sqrt();
        let q = self.row(0, bh, i);
        for (j, s) in s.iter_mut().enumerate() {
            *s = scale * dot(q, self.row(1, bh, j));
        }
    }

    /// o = P·v of a query with these probabilities, (HS).
    #[inline(always)]
    fn values(&self, bh: usize, p: &[f32], o: &mut [f32]) {
        o.fill(0.0);
        for (j, p) in p.iter().enumerate() {
            o.iter_mut().zip(self.row(2, bh, j)).for_each(|(o, v)| *o += p * v);
        }
    }
}

/// A row's S → P, in place.
#[inline(always)]
fn softmax(row: &mut [f32]) {
    let top = max(row);
    row.iter_mut().for_each(|s| *s = exp(*s - top));
    let total = sum([&*row], |[p]| p);
    row.iter_mut().for_each(|p| *p /= total);
}

#[multiversion(targets = "simd")]
fn scores_twin(call: &mut Call) {
    let ([qkv], [scores]) = call.tensors();
    let heads = Heads::of(call, qkv);
    scores.par_chunks_mut(heads.t).enumerate().for_each(|(row, scores)| {
        let i = row % heads.t;
        let (seen, above) = scores.split_at_mut(i + 1);
        heads.scores(row / heads.t, i, seen);
        above.fill(0.0);
    });
}

#[multiversion(targets = "simd")]
fn softmax_twin(call: &mut Call) {
    let [_, t, _] = call.dims();
    let ([], [att]) = call.tensors();
    att.par_chunks_mut(t).enumerate().for_each(|(row, att)| softmax(&mut att[..row % t + 1]));
}

#[multiversion(targets = "simd")]
fn values_twin(call: &mut Call) {
    let ([qkv, p], [out]) = call.tensors();
    let heads = Heads::of(call, qkv);
    let Heads { t, nh, hs, .. } = heads;
    out.par_chunks_mut(hs).enumerate().for_each(|(n, o)| {
        let (bh, i) = (n / nh / t * nh + n % nh, n / nh % t);
        heads.values(bh, &p[(bh * t + i) * t..][..i + 1], o);
    });
}

#[multiversion(targets = "simd")]
fn twin(call: &mut Call) {
    let ([qkv], [out]) = call.tensors();
    let heads = Heads::of(call, qkv);
    let Heads { t, nh, hs, .. } = heads;
    out.par_chunks_mut(hs).enumerate().for_each_init(
        || vec![0.0; t],
        |row, (n, o)| {
            let (bh, i) = (n / nh / t * nh + n % nh, n / nh % t);
            let row = &mut row[..i + 1];
            heads.scores(bh, i, row);
            softmax(row);
            heads.values(bh, row, o);
        },
    );
}

/// Every rung at sizes 1, a workgroup and one to either side, a prime and a real one; HS a block's fill and beyond.
pub(super) fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    let sizes = [
        ([1, 1], [1, 1]),
        ([2, 5], [3, 1]),
        ([1, 15], [2, 17]),
        ([2, 17], [3, 12]),
        ([1, 63], [2, 7]),
        ([1, 65], [1, 16]),
        ([2, 97], [2, 32]),
        ([1, 33], [1, 128]),
        ([1, 3], [1, 160]),
        ([1, 130], [2, 64]),
    ];
    let one = |([b, t], [nh, hs]): ([usize; 2], [usize; 2])| {
        let fills = vec![(BEGINS, Fill::Words(vec![0; b * t]))];
        Case::new(format!("ladder attention {b}x{t}x{nh}x{hs}"), limits, choices, fills, |rec| {
            let qkv = rec.kept("qkv", Kind::Input, &[b * t, 3 * nh * hs]);
            for rung in ATTENTION {
                rung.record(rec, Packed { qkv, t, nh });
            }
        })
    };
    sizes.into_iter().map(one).collect()
}
