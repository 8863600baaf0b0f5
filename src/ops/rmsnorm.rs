//! RMSNorm over channels (Zhang and Sennrich 2019, arXiv:1910.07467).
//!
//!   x̂ = x·rstd            rstd = 1/√(mean(x²) + ε)      y = γ⊙x̂
//!   dx̂ = γ⊙dy             dx = rstd·(dx̂ − x̂⊙mean(dx̂⊙x̂))
//!   dγ = Σ dy⊙x̂
//!
//! `after` is the same of a stream with a branch added to it, x = inp + dropout(branch), which it stores as well.
//!
//! inp, out (BT,C) · weight γ (C) · rstd (BT), kept for backward, which makes y again from it.
//! dweight accumulates (+=); dinp adds into the residual stream. ε is a word of the dims, because models differ in it.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::base::rng::Site;
use crate::device::kernel::{Consts, read, read_act, write, write_act};
use crate::device::recorder::Launch;
use crate::device::variants::{self, Variant, grid};
use crate::device::{Call, Choices, Const, Element, Kernel, Kind, Limits, Recorder, Tensor};
use crate::ops::bias;
use crate::ops::case::{Case, Family, elements};
use crate::ops::layernorm::LIB;
use crate::ops::load::act;
use crate::ops::math::{dot, sum};
use crate::ops::residual::{self, Branch};

/// The op's kernels and cases.
pub const FAMILY: Family = Family {
    name: "rmsnorm",
    kernels: &[&FORWARD, &AFTER, &NORMALIZE, &BACKWARD_INPUT, &BACKWARD_PARAMS, &REDUCE_PARAMS],
    variants: variants::ROWS,
    cases,
};

/// Rows of a chunk of dγ: long enough that the chunks' sums are few, short enough to fill a GPU.
const ROWS: usize = 64;

static FORWARD: Kernel = Kernel {
    name: "rmsnorm_forward",
    file: "rmsnorm.wgsl",
    source: include_str!("../../shaders/rmsnorm.wgsl"),
    lib: LIB,
    bindings: &[read("inp"), read("weight"), write_act("out"), write("rstd")],
    dims: &["BT", "C", "EPS"],
    step: false,
    // A sum of C squares in another order, about √C·2⁻²⁴, C ≤ 4096, of which the root keeps half; then a root, a division
    // and two products, of an ulp or two each.
    tolerance: 3e-6,
    twin: forward_twin,
};

static AFTER: Kernel = Kernel {
    name: "rmsnorm_after",
    bindings: &[
        read("inp"),
        read_act("branch"),
        read("weight_after"),
        write("stream"),
        write_act("out_after"),
        write("rstd_after"),
    ],
    dims: &["BT", "C", "EPS", "layer", "site"],
    step: true,
    // As forward, of a sum that may be rounded once less: 2⁻²⁴ an element.
    tolerance: 3e-6,
    twin: after_twin,
    ..FORWARD
};

static NORMALIZE: Kernel = Kernel {
    name: "rmsnorm_normalize",
    bindings: &[read("inp"), read("weight"), read("rstd_of"), write_act("y")],
    dims: &["BT", "C"],
    // Two products, rounded alike on both sides; a compiler may multiply γ and rstd first: 2⁻²³.
    tolerance: 2e-7,
    twin: normalize_twin,
    ..FORWARD
};

static BACKWARD_INPUT: Kernel = Kernel {
    name: "rmsnorm_backward_input",
    bindings: &[read("inp"), read("weight"), read("rstd_of"), read_act("dout"), write("dinp")],
    dims: &["BT", "C"],
    // A sum of C numbers in another order, as in forward; what it is subtracted from is no smaller than it is.
    tolerance: 3e-6,
    twin: backward_input_twin,
    ..FORWARD
};

static BACKWARD_PARAMS: Kernel = Kernel {
    name: "rmsnorm_backward_params",
    bindings: &[read("inp"), read("r_of"), read_act("dy"), write("chunks")],
    dims: &["BT", "C"],
    // ROWS products, fused with their sum in WGSL alone: √64·2⁻²⁴, several times that where a channel's terms cancel.
    tolerance: 3e-6,
    twin: backward_params_twin,
    ..FORWARD
};

static REDUCE_PARAMS: Kernel = Kernel {
    name: "rmsnorm_reduce_params",
    bindings: &[read("sums"), write("dweight")],
    dims: &["P", "C"],
    // The chunks in their order, then one addition into the gradient: the same bits.
    tolerance: 0.0,
    twin: reduce_params_twin,
    ..FORWARD
};

fn variant(rec: &mut Recorder) -> &'static Variant {
    rec.pick("rmsnorm", variants::ROWS, &[])
}

/// The constants of a dispatch over y or its gradient, or over neither.
fn consts(rec: &mut Recorder, of: Option<Tensor>) -> Consts {
    let element = of.map_or(Element::F32, |t| rec.element(t));
    variant(rec).with([("ROWS", Const::U32(ROWS as u32)), act("Act", element)])
}

/// Records y, and rstd (BT), which backward asks for.
pub fn forward(rec: &mut Recorder, inp: Tensor, weight: Tensor, eps: f32) -> (Tensor, Tensor) {
    let [bt, c] = rec.extents(inp);
    let out = rec.activation("out", &[bt, c]);
    let rstd = rec.scratch("rstd", &[bt]);
    let launch = Launch {
        kernel: &FORWARD,
        consts: consts(rec, Some(out)),
        args: &[inp.read(), weight.read(), out.write(), rstd.write()],
        dims: &[bt, c, eps.to_bits() as usize],
        workgroups: grid(bt as u64, &rec.limits),
        flops: 4 * (bt * c) as u64,
    };
    rec.dispatch("forward", launch);
    (out, rstd)
}

/// Records the stream with a branch added to it, and of that y and rstd (BT).
pub fn after(
    rec: &mut Recorder,
    inp: Tensor,
    branch: Branch,
    weight: Tensor,
    eps: f32,
) -> (Tensor, Tensor, Tensor) {
    let [bt, c] = rec.extents(inp);
    let (stream, out) = (rec.scratch("stream", &[bt, c]), rec.activation("out", &[bt, c]));
    let rstd = rec.scratch("rstd", &[bt]);
    let (dropout, [layer, site]) = branch.draws();
    let mut consts = consts(rec, Some(branch.inp));
    consts.push(dropout);
    let launch = Launch {
        kernel: &AFTER,
        consts,
        args: &[inp.read(), branch.inp.read(), weight.read(), stream.write(), out.write(), rstd.write()],
        dims: &[bt, c, eps.to_bits() as usize, layer, site],
        workgroups: grid(bt as u64, &rec.limits),
        flops: 5 * (bt * c) as u64,
    };
    rec.dispatch("after", launch);
    (stream, out, rstd)
}

/// Records y again, the same bits as [`forward`]'s, from the rstd that it left.
pub fn normalize(rec: &mut Recorder, inp: Tensor, weight: Tensor, rstd: Tensor) -> Tensor {
    let [bt, c] = rec.extents(inp);
    let out = rec.activation("normalized", &[bt, c]);
    let launch = Launch {
        kernel: &NORMALIZE,
        consts: consts(rec, Some(out)),
        args: &[inp.read(), weight.read(), rstd.read(), out.write()],
        dims: &[bt, c],
        workgroups: grid(bt as u64, &rec.limits),
        flops: 2 * (bt * c) as u64,
    };
    rec.dispatch("normalize", launch);
    out
}

/// Records dinp += …, dweight += …, each where it is wanted.
pub fn backward(
    rec: &mut Recorder,
    inp: Tensor,
    weight: Tensor,
    rstd: Tensor,
    dout: Tensor,
    dinp: Option<Tensor>,
    dweight: Option<Tensor>,
) {
    let [bt, c] = rec.extents(inp);
    if let Some(dinp) = dinp {
        let launch = Launch {
            kernel: &BACKWARD_INPUT,
            consts: consts(rec, Some(dout)),
            args: &[inp.read(), weight.read(), rstd.read(), dout.read(), dinp.update()],
            dims: &[bt, c],
            workgroups: grid(bt as u64, &rec.limits),
            flops: 9 * (bt * c) as u64,
        };
        rec.dispatch("backward_input", launch);
    }
    let Some(dweight) = dweight else { return };
    let p = bt.div_ceil(ROWS);
    let columns = (c as u32).div_ceil(variant(rec).number("FLAT"));
    let chunks = rec.scratch("chunks", &[p, c]);
    let launch = Launch {
        kernel: &BACKWARD_PARAMS,
        consts: consts(rec, Some(dout)),
        args: &[inp.read(), rstd.read(), dout.read(), chunks.write()],
        dims: &[bt, c],
        workgroups: [columns, p as u32, 1],
        flops: 3 * (bt * c) as u64,
    };
    rec.dispatch("backward_params", launch);
    let launch = Launch {
        kernel: &REDUCE_PARAMS,
        consts: consts(rec, None),
        args: &[chunks.read(), dweight.update()],
        dims: &[p, c],
        workgroups: [columns, 1, 1],
        flops: (p * c) as u64,
    };
    rec.dispatch("reduce_params", launch);
}

#[multiversion(targets = "simd")]
fn forward_twin(call: &mut Call) {
    let [_, c, eps] = call.dims();
    let eps = f32::from_bits(eps as u32);
    let ([inp, weight], [out, rstd]) = call.tensors();
    let rows = inp.par_chunks(c).zip(out.par_chunks_mut(c)).zip(rstd);
    rows.for_each(|((x, y), rstd)| *rstd = forward_row(x, weight, eps, y));
}

#[multiversion(targets = "simd")]
fn after_twin(call: &mut Call) {
    let [_, c, eps, layer, site] = call.dims();
    let (mask, eps) = (residual::mask(call, layer, site), f32::from_bits(eps as u32));
    let ([inp, branch, weight], [stream, out, rstd]) = call.tensors();
    let rows = stream.par_chunks_mut(c).zip(out.par_chunks_mut(c)).zip(rstd);
    rows.enumerate().for_each(|(bt, ((x, y), rstd))| {
        residual::add_row(mask, bt, [inp, branch].map(|of| &of[bt * c..][..c]), x);
        *rstd = forward_row(x, weight, eps, y);
    });
}

/// y of a row, and its rstd.
#[inline(always)]
fn forward_row(x: &[f32], weight: &[f32], eps: f32, y: &mut [f32]) -> f32 {
    let r = 1.0 / (dot(x, x) / x.len() as f32 + eps).sqrt();
    normalize_row(x, weight, r, y);
    r
}

/// y = γ⊙x̂
#[inline(always)]
fn normalize_row(x: &[f32], weight: &[f32], r: f32, y: &mut [f32]) {
    for i in 0..y.len() {
        y[i] = weight[i] * (x[i] * r);
    }
}

#[multiversion(targets = "simd")]
fn normalize_twin(call: &mut Call) {
    let [_, c] = call.dims();
    let ([inp, weight, rstd], [out]) = call.tensors();
    let rows = inp.par_chunks(c).zip(out.par_chunks_mut(c)).zip(rstd);
    rows.for_each(|((x, y), &r)| normalize_row(x, weight, r, y));
}

// ANCHOR: backward_input
#[multiversion(targets = "simd")]
fn backward_input_twin(call: &mut Call) {
    let [_, c] = call.dims();
    let ([inp, weight, rstd, dout], [dinp]) = call.tensors();
    dinp.par_chunks_mut(c).enumerate().for_each(|(bt, dx)| {
        let (x, dy, r) = (&inp[bt * c..][..c], &dout[bt * c..][..c], rstd[bt]);
        let mean_dxhat_xhat = sum([weight, dy, x], |[weight, dy, x]| weight * dy * (x * r)) / c as f32;
        for i in 0..c {
            let xhat = x[i] * r;
            dx[i] += r * (weight[i] * dy[i] - xhat * mean_dxhat_xhat);
        }
    });
}
// ANCHOR_END: backward_input

#[multiversion(targets = "simd")]
fn backward_params_twin(call: &mut Call) {
    let [bt, c] = call.dims();
    let rows = call.number("ROWS");
    let ([inp, rstd, dout], [chunks]) = call.tensors();
    chunks.par_chunks_mut(c).enumerate().for_each(|(p, dgamma)| {
        dgamma.fill(0.0);
        for t in p * rows..((p + 1) * rows).min(bt) {
            let (x, dy) = (&inp[t * c..][..c], &dout[t * c..][..c]);
            for i in 0..c {
                dgamma[i] += dy[i] * (x[i] * rstd[t]);
            }
        }
    });
}

#[multiversion(targets = "simd")]
fn reduce_params_twin(call: &mut Call) {
    let [_, c] = call.dims();
    let ([sums], [dweight]) = call.tensors();
    bias::add_column_sums(sums, c, 0, dweight);
}

fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    // The last ε is no model's: it is large enough that leaving it out shows.
    let sizes = [
        (1, 1, 1e-5),
        (3, 7, 1e-5),
        (5, 9, 1e-6),
        (65, 97, 1e-5),
        (2, 127, 1e-6),
        (3, 129, 1e-5),
        (16, 576, 1e-5),
        (3, 8, 0.5),
    ];
    let one = |element: Element, (bt, c, eps): (usize, usize, f32)| {
        Case::new(
            format!("rmsnorm {bt}x{c}, eps {eps:e} {}", element.name()),
            limits,
            choices,
            vec![],
            |rec| {
                let inp = rec.kept("inp", Kind::Input, &[bt, c]);
                let [weight, dweight] = ["weight", "dweight"].map(|n| rec.kept(n, Kind::Input, &[c]));
                let dout = rec.kept_of("dout", Kind::Input, &[bt, c], element);
                let dinp = rec.kept("dinp", Kind::Input, &[bt, c]);
                rec.activations = element;
                let (_, rstd) = forward(rec, inp, weight, eps);
                let branch = rec.kept_of("branch", Kind::Input, &[bt, c], element);
                for mask in [None, Some((2, Site::MlpResidual))] {
                    after(rec, inp, Branch { inp: branch, mask }, weight, eps);
                }
                normalize(rec, inp, weight, rstd);
                backward(rec, inp, weight, rstd, dout, Some(dinp), Some(dweight));
            },
        )
    };
    elements(&limits, &sizes, one)
}
