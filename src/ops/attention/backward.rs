//! dqkv, in two passes over the pairs: keys own dk and dv, queries own dq.

use std::ops::Range;

use multiversion::multiversion;
use rayon::prelude::*;

use super::head::{self, Head, contiguous, transposed};
use super::shape::{Block, Heads, Shape};
use super::variants::{LIB, VARIANTS, consts, owned};
use crate::device::kernel::{read, read_act, write, write_act};
use crate::device::recorder::Launch;
use crate::device::{Arg, Call, Kernel, Recorder, Tensor};
use crate::ops::math;
use crate::ops::matmul::{View, gemm};

pub(super) static BACKWARD_KV: Kernel = Kernel {
    name: "attention_backward_kv",
    file: "attention_backward.wgsl",
    source: include_str!("../../../shaders/attention_backward.wgsl"),
    lib: LIB,
    bindings: &[
        read_act("qkv"),
        read("backward_lse"),
        read_act("backward_dout"),
        read("backward_dot"),
        write_act("dqkv"),
    ],
    dims: &["B", "T", "NH", "NKV", "window", "layer"],
    step: true,
    // P again by one exp, as in forward; dP − dot cancels by about a digit, and dk sums what is left.
    tolerance: 2e-5,
    twin: kv_twin,
};

pub(super) static BACKWARD_Q: Kernel = Kernel {
    name: "attention_backward_q",
    // dS with the digit that dP − dot costs it, as in kv, and nothing beside it (kv's dv has no such difference).
    tolerance: 2e-5,
    twin: q_twin,
    ..BACKWARD_KV
};

pub(super) static BACKWARD_DOT: Kernel = Kernel {
    name: "attention_backward_dot",
    bindings: &[read_act("dot_out"), read_act("dot_dout"), write("dot_rows")],
    step: false,
    // HS products in another order; they cancel, so the sum may be ten times smaller than its terms.
    tolerance: 5e-6,
    twin: dot_twin,
    ..BACKWARD_KV
};

/// Records dqkv.
pub fn backward(
    rec: &mut Recorder,
    qkv: Tensor,
    out: Tensor,
    lse: Tensor,
    dout: Tensor,
    shape: Shape,
) -> Tensor {
    let Shape { t, nh, nkv, layer, dropout, window } = shape;
    let [bt, width] = rec.extents(qkv);
    let (b, heads) = (bt / t, Heads::new(width, t, [nh, nkv], window));
    let dims = [b, t, nh, nkv, heads.window, layer];
    let dot = rec.scratch("dot", &[b, nh, t]);
    let element = rec.element(qkv);
    let dqkv = rec.scratch_of("dqkv", &[bt, width], element);
    let variant = rec.pick("attention_backward", VARIANTS, &[heads.hs]);
    let (row_each, owned) = (variant.covers(&["THREADS"]), owned(variant));
    // What a dispatch touches: `wide` heads' worth of (B·T,HS) and `narrow` tensors of (B,NH,T). Both passes read qkv whole,
    // dout, lse and dot; kv writes the key and value heads of dqkv, q its query heads.
    let moving =
        |wide: usize, narrow: usize| 4 * (element.words(bt * wide * heads.hs) + bt * narrow * nh) as u64;
    let mut pass = |label: &str, kernel: &'static Kernel, args: &[Arg], grid: [usize; 2], flops, bytes| {
        let consts = consts(variant, heads.hs, 2, dropout, element);
        let workgroups = [t.div_ceil(grid[0]) as u32, (b * grid[1]) as u32, 1];
        let launch = Launch { kernel, consts, args, dims: &dims, workgroups, flops };
        rec.dispatch_moving(label, launch, bytes);
    };
    let rows = [out.read(), dout.read(), dot.write()];
    let pairs = [qkv.read(), lse.read(), dout.read(), dot.read(), dqkv.write()];
    let (all, kv) = (nh + 2 * nkv, 2 * nkv);
    let of_rows = 2 * (bt * heads.out_width()) as u64;
    pass("backward_dot", &BACKWARD_DOT, &rows, [row_each, nh], of_rows, moving(2 * nh, 1));
    let (three, four) = (heads.products(3, b), heads.products(4, b));
    pass("backward_kv", &BACKWARD_KV, &pairs, [owned, nkv], four, moving(all + nh + kv, 2));
    pass("backward_q", &BACKWARD_Q, &pairs, [owned, nh], three, moving(all + nh + nh, 2));
    dqkv
}

#[multiversion(targets = "simd")]
fn dot_twin(call: &mut Call) {
    let [_, t, nh, ..] = call.dims::<6>();
    let hs = call.number("HS");
    let ([out, dout], [dot]) = call.tensors();
    dot.par_chunks_mut(t).enumerate().for_each(|(bh, dot)| {
        for (i, dot) in dot.iter_mut().enumerate() {
            let at = ((bh / nh * t + i) * nh + bh % nh) * hs;
            *dot = math::dot(&out[at..][..hs], &dout[at..][..hs]);
        }
    });
}

/// What a backward pass adds to a head's sums from one block of its queries.
struct Part<'a> {
    block: Block,
    /// P, and a place for P̃; (queries, keys), zero where nothing is seen.
    p: &'a mut [f32],
    /// dS, as P.
    ds: &'a [f32],
    /// dO, (queries, HS).
    dout: View<'a>,
}

/// A backward pass: walks every head's queries by blocks and lets `add` add each to the head's N sums, (T,HS) and zero at
/// first. The sums go into dqkv's columns of heads `columns(heads)`.
#[multiversion(targets = "simd")]
fn pass<const N: usize>(
    call: &mut Call,
    columns: fn(Heads) -> [Range<usize>; N],
    add: impl Fn(&Head, Part, &mut [Vec<f32>; N]) + Sync,
) {
    let ([qkv, lse, dout, dot], [dqkv]) = call.tensors();
    let (all, heads) = head::every(call, qkv);
    let t = heads.t;
    let one = |head: &Head| {
        let (lse, dot) = (&lse[head.bh * t..][..t], &dot[head.bh * t..][..t]);
        let mut sums = [(); N].map(|()| vec![0.0; t * heads.hs]);
        let mut buffer = vec![0.0; 2 * heads.block_pairs()];
        for block in heads.blocks() {
            let pairs = block.queries() * block.keys();
            let (p, ds) = buffer[..2 * pairs].split_at_mut(pairs);
            let dout = head.of_out(dout, block.i0);
            head.probabilities(block, lse, p);
            head.dscores(block, dout, dot, p, ds);
            add(head, Part { block, p, ds, dout }, &mut sums);
        }
        sums
    };
    let sums: Vec<[Vec<f32>; N]> = all.par_iter().map(one).collect();
    for (n, columns) in columns(heads).into_iter().enumerate() {
        head::scatter(heads, (&mut *dqkv, heads.width()), columns, |bh| &sums[bh][n]);
    }
}

fn kv_twin(call: &mut Call) {
    pass(
        call,
        |heads| [heads.keys(), heads.values()],
        |head, Part { block, p, ds, dout }, [dk, dv]| {
            let (hs, keys) = (head.heads.hs, block.keys());
            let (dk, dv) = (&mut dk[block.j0 * hs..], &mut dv[block.j0 * hs..]);
            let product = [keys, hs, block.queries()];
            let columns = transposed(contiguous(ds, keys));
            gemm(product, columns, head.q(block.i0), (dk, hs), (head.scale, true), false);
            head.drop(block, p);
            gemm(product, transposed(contiguous(p, keys)), dout, (dv, hs), (1.0, true), false);
        },
    );
}

fn q_twin(call: &mut Call) {
    pass(
        call,
        |heads| [heads.queries()],
        |head, Part { block, ds, .. }, [dq]| {
            let (hs, keys) = (head.heads.hs, block.keys());
            let into = &mut dq[block.i0 * hs..block.i1 * hs];
            let product = [block.queries(), hs, keys];
            gemm(product, contiguous(ds, keys), head.k(block.j0), (into, hs), (head.scale, false), false);
        },
    );
}
