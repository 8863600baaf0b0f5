//! LayerNorm over channels (Ba et al. 2016, arXiv:1607.06450).
//!
//!   x̂ = (x − μ)·rstd      rstd = 1/√(σ² + ε)      y = γ⊙x̂ + β
//!   dx̂ = γ⊙dy             dx = rstd·(dx̂ − mean(dx̂) − x̂⊙mean(dx̂⊙x̂))
//!   dγ = Σ dy⊙x̂           dβ = Σ dy
//!
//! `after` is the same of a stream with a branch added to it, x = inp + dropout(branch), which it stores as well.
//!
//! inp, out (BT,C) · weight γ, bias β (C) · mean μ, rstd (BT), kept for backward, which makes y again from them.
//! dweight, dbias accumulate (+=); dinp adds into the residual stream.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::base::arch::gpt2::LAYER_NORM_EPS;
use crate::base::rng::Site;
use crate::device::kernel::{Consts, read, read_act, write, write_act};
use crate::device::recorder::Launch;
use crate::device::variants::{self, Variant, grid};
use crate::device::{Call, Choices, Const, Element, Kernel, Kind, Limits, Recorder, Tensor};
use crate::ops::bias;
use crate::ops::case::{Case, Family, elements};
use crate::ops::load::act;
use crate::ops::math::{dot, sum};
use crate::ops::residual::{self, Branch};

/// The op's kernels and cases.
pub const FAMILY: Family = Family {
    name: "layernorm",
    kernels: &[&FORWARD, &AFTER, &NORMALIZE, &BACKWARD_INPUT, &BACKWARD_PARAMS, &REDUCE_PARAMS],
    variants: variants::ROWS,
    cases,
};

/// Rows of a chunk of dγ and dβ: long enough that the chunks' sums are few, short enough to fill a GPU.
const ROWS: usize = 64;

const SOURCE: &str = include_str!("../../shaders/layernorm.wgsl");
/// What kernels stand on that reduce rows of the stream, with a branch added to it or without.
pub(crate) const LIB: &[&str] = &[
    include_str!("../../shaders/lib/step.wgsl"),
    include_str!("../../shaders/lib/grid.wgsl"),
    include_str!("../../shaders/lib/dropout.wgsl"),
    include_str!("../../shaders/lib/reduce.wgsl"),
];

static FORWARD: Kernel = Kernel {
    name: "layernorm_forward",
    file: "layernorm.wgsl",
    source: SOURCE,
    lib: LIB,
    bindings: &[read("inp"), read("weight"), read("bias"), write_act("out"), write("mean"), write("rstd")],
    dims: &["BT", "C"],
    step: false,
    // Two sums of C numbers in another order: about √C·2⁻²⁴ each, C ≤ 1600.
    tolerance: 3e-6,
    twin: forward_twin,
};

static AFTER: Kernel = Kernel {
    name: "layernorm_after",
    bindings: &[
        read("inp"),
        read_act("branch"),
        read("weight_after"),
        read("bias_after"),
        write("stream"),
        write_act("out_after"),
        write("mean_after"),
        write("rstd_after"),
    ],
    dims: &["BT", "C", "layer", "site"],
    step: true,
    // As forward, of a sum that may be rounded once less: 2⁻²⁴ an element.
    tolerance: 3e-6,
    twin: after_twin,
    ..FORWARD
};

static NORMALIZE: Kernel = Kernel {
    name: "layernorm_normalize",
    bindings: &[read("x"), read("gamma"), read("mu_of"), read("rstd_of"), read("beta"), write_act("y")],
    // γ·x̂ + β fused in WGSL and rounded twice in the twin: 2⁻²⁴ of γ·x̂, of which β may cancel a bit or two.
    tolerance: 5e-7,
    twin: normalize_twin,
    ..FORWARD
};

static BACKWARD_INPUT: Kernel = Kernel {
    name: "layernorm_backward_input",
    bindings: &[read("x"), read("gamma"), read("mu_of"), read("rstd_of"), read_act("dout"), write("dinp")],
    // Two sums of C numbers in another order, as in forward; what they are subtracted from is no smaller than they are.
    tolerance: 3e-6,
    twin: backward_input_twin,
    ..FORWARD
};

static BACKWARD_PARAMS: Kernel = Kernel {
    name: "layernorm_backward_params",
    bindings: &[read("x"), read("mean_of"), read("r_of"), read_act("dy"), write("chunks")],
    // ROWS products, fused with their sum in WGSL alone: √64·2⁻²⁴, several times that where a channel's terms cancel.
    tolerance: 3e-6,
    twin: backward_params_twin,
    ..FORWARD
};

static REDUCE_PARAMS: Kernel = Kernel {
    name: "layernorm_reduce_params",
    bindings: &[read("sums"), write("dweight"), write("dbias")],
    dims: &["P", "C"],
    // The chunks in their order, then one addition into the gradient: the same bits.
    tolerance: 0.0,
    twin: reduce_params_twin,
    ..FORWARD
};

/// What forward leaves for backward.
#[derive(Debug, Clone, Copy)]
pub struct Stats {
    /// (BT)
    pub mean: Tensor,
    /// (BT)
    pub rstd: Tensor,
}

fn variant(rec: &mut Recorder) -> &'static Variant {
    rec.pick("layernorm", variants::ROWS, &[])
}

/// The constants of a dispatch over y or its gradient, or over neither.
fn consts(rec: &mut Recorder, of: Option<Tensor>) -> Consts {
    let element = of.map_or(Element::F32, |t| rec.element(t));
    variant(rec).with([("ROWS", Const::U32(ROWS as u32)), act("Act", element)])
}

/// Records y and its statistics.
pub fn forward(rec: &mut Recorder, inp: Tensor, weight: Tensor, bias: Tensor) -> (Tensor, Stats) {
    let [bt, c] = rec.extents(inp);
    let out = rec.activation("out", &[bt, c]);
    let mean = rec.scratch("mean", &[bt]);
    let rstd = rec.scratch("rstd", &[bt]);
    let launch = Launch {
        kernel: &FORWARD,
        consts: consts(rec, Some(out)),
        args: &[inp.read(), weight.read(), bias.read(), out.write(), mean.write(), rstd.write()],
        dims: &[bt, c],
        workgroups: grid(bt as u64, &rec.limits),
        flops: 8 * (bt * c) as u64,
    };
    rec.dispatch("forward", launch);
    (out, Stats { mean, rstd })
}

/// Records the stream with a branch added to it, and of that y and its statistics.
pub fn after(
    rec: &mut Recorder,
    inp: Tensor,
    branch: Branch,
    weight: Tensor,
    bias: Tensor,
) -> (Tensor, Tensor, Stats) {
    let [bt, c] = rec.extents(inp);
    let (stream, out) = (rec.scratch("stream", &[bt, c]), rec.activation("out", &[bt, c]));
    let [mean, rstd] = ["mean", "rstd"].map(|name| rec.scratch(name, &[bt]));
    let (dropout, [layer, site]) = branch.draws();
    let mut consts = consts(rec, Some(branch.inp));
    consts.push(dropout);
    let launch = Launch {
        kernel: &AFTER,
        consts,
        args: &[
            inp.read(),
            branch.inp.read(),
            weight.read(),
            bias.read(),
            stream.write(),
            out.write(),
            mean.write(),
            rstd.write(),
        ],
        dims: &[bt, c, layer, site],
        workgroups: grid(bt as u64, &rec.limits),
        flops: 9 * (bt * c) as u64,
    };
    rec.dispatch("after", launch);
    (stream, out, Stats { mean, rstd })
}

/// Records y again, the same bits as [`forward`]'s, from the statistics that it left.
pub fn normalize(rec: &mut Recorder, inp: Tensor, weight: Tensor, bias: Tensor, stats: Stats) -> Tensor {
    let [bt, c] = rec.extents(inp);
    let out = rec.activation("normalized", &[bt, c]);
    let launch = Launch {
        kernel: &NORMALIZE,
        consts: consts(rec, Some(out)),
        args: &[inp.read(), weight.read(), stats.mean.read(), stats.rstd.read(), bias.read(), out.write()],
        dims: &[bt, c],
        workgroups: grid(bt as u64, &rec.limits),
        flops: 4 * (bt * c) as u64,
    };
    rec.dispatch("normalize", launch);
    out
}

/// The gradients that a backward adds into; `None` where the parameters are frozen.
pub type ParamGradients = Option<(Tensor, Tensor)>;

/// Records dinp += …, dweight += …, dbias += …, each where it is wanted.
pub fn backward(
    rec: &mut Recorder,
    inp: Tensor,
    weight: Tensor,
    stats: Stats,
    dout: Tensor,
    dinp: Option<Tensor>,
    params: ParamGradients,
) {
    let [bt, c] = rec.extents(inp);
    if let Some(dinp) = dinp {
        let launch = Launch {
            kernel: &BACKWARD_INPUT,
            consts: consts(rec, Some(dout)),
            args: &[
                inp.read(),
                weight.read(),
                stats.mean.read(),
                stats.rstd.read(),
                dout.read(),
                dinp.update(),
            ],
            dims: &[bt, c],
            workgroups: grid(bt as u64, &rec.limits),
            flops: 11 * (bt * c) as u64,
        };
        rec.dispatch("backward_input", launch);
    }
    let Some((dweight, dbias)) = params else { return };
    let p = bt.div_ceil(ROWS);
    let columns = (c as u32).div_ceil(variant(rec).number("FLAT"));
    let chunks = rec.scratch("chunks", &[p, 2, c]);
    let launch = Launch {
        kernel: &BACKWARD_PARAMS,
        consts: consts(rec, Some(dout)),
        args: &[inp.read(), stats.mean.read(), stats.rstd.read(), dout.read(), chunks.write()],
        dims: &[bt, c],
        workgroups: [columns, p as u32, 1],
        flops: 4 * (bt * c) as u64,
    };
    rec.dispatch("backward_params", launch);
    let launch = Launch {
        kernel: &REDUCE_PARAMS,
        consts: consts(rec, None),
        args: &[chunks.read(), dweight.update(), dbias.update()],
        dims: &[p, c],
        workgroups: [columns, 1, 1],
        flops: 2 * (p * c) as u64,
    };
    rec.dispatch("reduce_params", launch);
}

#[multiversion(targets = "simd")]
fn forward_twin(call: &mut Call) {
    let [_, c] = call.dims();
    let ([inp, weight, bias], [out, mean, rstd]) = call.tensors();
    let rows = inp.par_chunks(c).zip(out.par_chunks_mut(c)).zip(mean.par_iter_mut().zip(rstd));
    rows.for_each(|((x, y), (mean, rstd))| (*mean, *rstd) = forward_row(x, (weight, bias), y));
}

#[multiversion(targets = "simd")]
fn after_twin(call: &mut Call) {
    let [_, c, layer, site] = call.dims();
    let mask = residual::mask(call, layer, site);
    let ([inp, branch, weight, bias], [stream, out, mean, rstd]) = call.tensors();
    let rows = stream.par_chunks_mut(c).zip(out.par_chunks_mut(c)).zip(mean.par_iter_mut().zip(rstd));
    rows.enumerate().for_each(|(bt, ((x, y), (mean, rstd)))| {
        residual::add_row(mask, bt, [inp, branch].map(|of| &of[bt * c..][..c]), x);
        (*mean, *rstd) = forward_row(x, (weight, bias), y);
    });
}

/// y of a row, and its μ and rstd.
#[inline(always)]
fn forward_row(x: &[f32], parameters: (&[f32], &[f32]), y: &mut [f32]) -> (f32, f32) {
    let c = x.len() as f32;
    let mu = sum([x], |[x]| x) / c;
    let variance = sum([x], |[x]| (x - mu) * (x - mu)) / c;
    let r = 1.0 / (variance + LAYER_NORM_EPS).sqrt();
    normalize_row(x, parameters, (mu, r), y);
    (mu, r)
}

/// y = γ⊙x̂ + β
#[inline(always)]
fn normalize_row(x: &[f32], (weight, bias): (&[f32], &[f32]), (mu, r): (f32, f32), y: &mut [f32]) {
    for i in 0..y.len() {
        y[i] = weight[i] * ((x[i] - mu) * r) + bias[i];
    }
}

#[multiversion(targets = "simd")]
fn normalize_twin(call: &mut Call) {
    let [_, c] = call.dims();
    let ([inp, weight, mean, rstd, bias], [out]) = call.tensors();
    let rows = inp.par_chunks(c).zip(out.par_chunks_mut(c)).zip(mean.par_iter().zip(rstd));
    rows.for_each(|((x, y), (&mu, &r))| normalize_row(x, (weight, bias), (mu, r), y));
}

// ANCHOR: backward_input
#[multiversion(targets = "simd")]
fn backward_input_twin(call: &mut Call) {
    let [_, c] = call.dims();
    let ([inp, weight, mean, rstd, dout], [dinp]) = call.tensors();
    dinp.par_chunks_mut(c).enumerate().for_each(|(bt, dx)| {
        let (x, dy) = (&inp[bt * c..][..c], &dout[bt * c..][..c]);
        let (mu, r) = (mean[bt], rstd[bt]);
        let mean_dxhat = dot(weight, dy) / c as f32;
        let mean_dxhat_xhat = sum([weight, dy, x], |[weight, dy, x]| weight * dy * ((x - mu) * r)) / c as f32;
        for i in 0..c {
            let xhat = (x[i] - mu) * r;
            dx[i] += r * (weight[i] * dy[i] - mean_dxhat - xhat * mean_dxhat_xhat);
        }
    });
}
// ANCHOR_END: backward_input

#[multiversion(targets = "simd")]
fn backward_params_twin(call: &mut Call) {
    let [bt, c] = call.dims();
    let rows = call.number("ROWS");
    let ([inp, mean, rstd, dout], [chunks]) = call.tensors();
    chunks.par_chunks_mut(2 * c).enumerate().for_each(|(p, sums)| {
        sums.fill(0.0);
        let (dgamma, dbeta) = sums.split_at_mut(c);
        for t in p * rows..((p + 1) * rows).min(bt) {
            let (x, dy) = (&inp[t * c..][..c], &dout[t * c..][..c]);
            for i in 0..c {
                dgamma[i] += dy[i] * ((x[i] - mean[t]) * rstd[t]);
                dbeta[i] += dy[i];
            }
        }
    });
}

#[multiversion(targets = "simd")]
fn reduce_params_twin(call: &mut Call) {
    let [_, c] = call.dims();
    let ([sums], [dweight, dbias]) = call.tensors();
    bias::add_column_sums(sums, 2 * c, 0, dweight);
    bias::add_column_sums(sums, 2 * c, c, dbias);
}

fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    let sizes = [(1, 1), (3, 7), (5, 9), (65, 97), (2, 127), (3, 129), (16, 768)];
    let one = |element: Element, (bt, c): (usize, usize)| {
        Case::new(format!("layernorm {bt}x{c} {}", element.name()), limits, choices, vec![], |rec| {
            let inp = rec.kept("inp", Kind::Input, &[bt, c]);
            let [weight, bias, dweight, dbias] =
                ["weight", "bias", "dweight", "dbias"].map(|n| rec.kept(n, Kind::Input, &[c]));
            let dout = rec.kept_of("dout", Kind::Input, &[bt, c], element);
            let dinp = rec.kept("dinp", Kind::Input, &[bt, c]);
            rec.activations = element;
            let (_, stats) = forward(rec, inp, weight, bias);
            let branch = rec.kept_of("branch", Kind::Input, &[bt, c], element);
            for mask in [None, Some((2, Site::AttentionResidual))] {
                after(rec, inp, Branch { inp: branch, mask }, weight, bias);
            }
            normalize(rec, inp, weight, bias, stats);
            backward(rec, inp, weight, stats, dout, Some(dinp), Some((dweight, dbias)));
        })
    };
    elements(&limits, &sizes, one)
}
