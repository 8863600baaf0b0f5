//! The classifier: logits, softmax, cross-entropy and their gradient, fused so that logits exist for one chunk of rows.
//!
//!   logits = x·wteᵀ (+ bias)      loss = log Σᵥ exp(logitᵥ) − logit_target
//!   dlogits = (softmax(logits) − onehot(target))·loss_scale·grad_scale
//!   dx = dlogits·wte      dwte += dlogitsᵀ·x      dbias += Σ_bt dlogits
//!
//! x (BT,C) · wte (V,C), in chunks of rows · bias (V) · targets (BT), [`IGNORE`] is not scored · losses (BT) · dx (BT,C).
//! [`Choices::logits_bytes`] says how many rows of logits there are at a time. Vocabulary chunks combine by (max, sum) in order
//! (Milakov and Gimelshein 2018, arXiv:1805.02867). The scaled sum of the losses adds (+=) to the first of the scalars.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::device::kernel::{Consts, ids, read, write};
use crate::device::recorder::Launch;
use crate::device::variants::{ROWS, Variant, grid};
use crate::device::{Call, Choices, Const, Kernel, Kind, Limits, Recorder, Tensor};
use crate::ops::bias;
use crate::ops::case::{Case, Family, Fill};
use crate::ops::embedding::Chunk;
use crate::ops::math::{exp, max, sum};
use crate::ops::matmul::{self, Epilogue, Layout, Operand, Product};

/// The op's kernels and cases.
pub const FAMILY: Family =
    Family { name: "classifier", kernels: &[&STATS, &LOSS, &BACKWARD, &SUM], variants: ROWS, cases };

/// A target that is not scored.
pub const IGNORE: u32 = u32::MAX;

/// Indices into the scalars (the tensor that the host reads once a step).
pub mod scalar {
    /// The tensor's name.
    pub const NAME: &str = "scalars";
    /// Mean loss so far, nats/token.
    pub const LOSS: usize = 0;
    /// Global gradient norm, before clipping.
    pub const NORM: usize = 1;
    /// What clipping multiplies gradients by; below 0, as [`SKIP`] is, where the update changes nothing.
    pub const CLIP: usize = 2;
    /// What stands there then.
    pub const SKIP: f32 = -1.0;
    /// How many there are.
    pub const COUNT: usize = 4;
}

static STATS: Kernel = Kernel {
    name: "classifier_stats",
    file: "classifier.wgsl",
    source: include_str!("../../shaders/classifier.wgsl"),
    lib: &[
        include_str!("../../shaders/lib/step.wgsl"),
        include_str!("../../shaders/lib/grid.wgsl"),
        include_str!("../../shaders/lib/reduce.wgsl"),
    ],
    bindings: &[read("logits"), ids("targets"), write("stats")],
    dims: &["R", "V", "row0", "v0"],
    step: false,
    // A running sum rescales by exp(old max − new max) a few dozen times, each within WGSL's 3 + 2·|x| units of 2⁻²³.
    tolerance: 1e-5,
    twin: stats_twin,
};

static LOSS: Kernel = Kernel {
    name: "classifier_loss",
    bindings: &[read("stats_of"), ids("targets"), write("losses")],
    dims: &["R", "row0"],
    // WGSL's log is within 3 units in the last place, or 2⁻²¹ absolute near 1, beside losses of order one.
    tolerance: 2e-6,
    twin: loss_twin,
    ..STATS
};

static BACKWARD: Kernel = Kernel {
    name: "classifier_backward",
    bindings: &[read("stats_of"), ids("targets"), write("dlogits")],
    step: true,
    // exp's 3 + 2·|x| units of 2⁻²³ for the logits that matter (|x| < 20).
    tolerance: 5e-6,
    twin: backward_twin,
    ..STATS
};

static SUM: Kernel = Kernel {
    name: "classifier_sum",
    bindings: &[read("terms"), write("scalars")],
    dims: &["BT"],
    step: true,
    // A sum of BT positive numbers in another order: √BT·2⁻²⁴.
    tolerance: 2e-6,
    twin: sum_twin,
    ..STATS
};

/// What is scored, and what the losses go to.
#[derive(Debug, Clone, Copy)]
pub struct Loss {
    /// (BT) ids, or [`IGNORE`].
    pub targets: Tensor,
    /// Their sum's place is [`scalar::LOSS`].
    pub scalars: Tensor,
}

/// What logits come from, or the gradients of it.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// (V,C), in chunks of rows.
    pub wte: &'a [Chunk],
    /// (V), whole, where the family has one.
    pub bias: Option<Tensor>,
}

impl<'a> From<&'a [Chunk]> for Head<'a> {
    fn from(wte: &'a [Chunk]) -> Head<'a> {
        Head { wte, bias: None }
    }
}

impl Head<'_> {
    /// The bias from a chunk's first row on.
    pub fn bias_of(&self, chunk: &Chunk) -> Option<Operand> {
        self.bias.map(|tensor| Operand { tensor, offset: chunk.row0, stride: None })
    }
}

/// Records the losses of x against the targets.
pub fn forward(rec: &mut Recorder, x: Tensor, head: Head, loss: Loss) {
    record(rec, x, head, loss, None);
}

/// Records the loss of each row of x against its target, 0 where that is [`IGNORE`]: to `losses` (BT), which stay.
pub fn each(rec: &mut Recorder, x: Tensor, head: Head, targets: Tensor, losses: Tensor) {
    rows(rec, x, head, (targets, losses), None);
}

/// Records the losses, dwte += … and dbias += … where the head trains, and returns dx.
pub fn backward(rec: &mut Recorder, x: Tensor, head: Head, loss: Loss, dhead: Option<Head>) -> Tensor {
    let [bt, c] = rec.extents(x);
    let dx = rec.activation("dx", &[bt, c]);
    record(rec, x, head, loss, Some((dx, dhead)));
    dx
}

/// dx, and the gradients of the head where it trains.
type Gradients<'a> = (Tensor, Option<Head<'a>>);

fn record(rec: &mut Recorder, x: Tensor, head: Head, loss: Loss, gradients: Option<Gradients>) {
    let [bt, _] = rec.extents(x);
    let losses = rec.scratch("losses", &[bt]);
    rows(rec, x, head, (loss.targets, losses), gradients);
    let launch = Launch {
        kernel: &SUM,
        consts: consts(variant(rec), false),
        args: &[losses.read(), loss.scalars.update()],
        dims: &[bt],
        workgroups: [1, 1, 1],
        flops: bt as u64,
    };
    rec.dispatch("sum", launch);
}

/// The loss of each row, and, where they are asked for, its gradients.
fn rows(
    rec: &mut Recorder,
    x: Tensor,
    head: Head,
    (targets, losses): (Tensor, Tensor),
    gradients: Option<Gradients>,
) {
    let wte = head.wte;
    let [bt, c] = rec.extents(x);
    let rows = rows_at_once(bt, wte, rec);
    // ANCHOR: chunks
    for row0 in (0..bt).step_by(rows) {
        let r = rows.min(bt - row0);
        let stats = rec.scratch("stats", &[r, 3]);
        let logits: Vec<Tensor> = wte.iter().map(|w| rec.scratch("logits", &[r, w.rows])).collect();
        let x_rows = Operand { tensor: x, offset: row0 * c, stride: None };
        for (i, (w, &l)) in wte.iter().zip(&logits).enumerate() {
            let product = Product::new(Layout::NT, [r, w.rows, c]);
            matmul::product(
                rec,
                "logits",
                product,
                x_rows,
                w.tensor.into(),
                l.into(),
                Epilogue::bias(head.bias_of(w)),
            );
            record_stats(rec, i == 0, l, targets, stats, [r, w.rows, row0, w.row0]);
        }
        record_loss(rec, stats, targets, losses, r, row0);
        let Some((dx, dhead)) = gradients else { continue };
        let dx_rows = Operand { tensor: dx, offset: row0 * c, stride: None };
        for (i, (w, &l)) in wte.iter().zip(&logits).enumerate() {
            record_backward(rec, stats, targets, l, [r, w.rows, row0, w.row0]);
            let product = Product { accumulate: i > 0, ..Product::new(Layout::NN, [r, c, w.rows]) };
            matmul::product(
                rec,
                "backward_input",
                product,
                l.into(),
                w.tensor.into(),
                dx_rows,
                Epilogue::None,
            );
            let Some(dhead) = dhead else { continue };
            let product = Product { accumulate: true, ..Product::new(Layout::TN, [w.rows, c, r]) };
            let dw = dhead.wte[i].tensor.into();
            matmul::product(rec, "backward_weight", product, l.into(), x_rows, dw, Epilogue::None);
            if let Some(dbias) = dhead.bias_of(w) {
                bias::backward(rec, l.into(), w.rows, dbias);
            }
        }
    }
    // ANCHOR_END: chunks
}

/// As many rows as the logits' budget and the largest binding allow.
fn rows_at_once(bt: usize, wte: &[Chunk], rec: &Recorder) -> usize {
    let v: usize = wte.iter().map(|w| w.rows).sum();
    let widest = wte.iter().map(|w| w.rows).max().unwrap_or(1);
    let rows = (rec.choices.logits_bytes as usize / (4 * v))
        .min(rec.limits.max_binding as usize / (4 * widest))
        .max(1);
    let rows = if rows > 64 { rows / 64 * 64 } else { rows };
    rows.min(bt)
}

fn variant(rec: &mut Recorder) -> &'static Variant {
    rec.pick("classifier", ROWS, &[])
}

fn consts(variant: &Variant, first: bool) -> Consts {
    variant.with([("FIRST", Const::Bool(first))])
}

fn record_stats(
    rec: &mut Recorder,
    first: bool,
    l: Tensor,
    targets: Tensor,
    stats: Tensor,
    dims: [usize; 4],
) {
    let launch = Launch {
        kernel: &STATS,
        consts: consts(variant(rec), first),
        args: &[l.read(), targets.read(), if first { stats.write() } else { stats.update() }],
        dims: &dims,
        workgroups: grid(dims[0] as u64, &rec.limits),
        flops: 5 * (dims[0] * dims[1]) as u64,
    };
    rec.dispatch("stats", launch);
}

fn record_loss(rec: &mut Recorder, stats: Tensor, targets: Tensor, losses: Tensor, r: usize, row0: usize) {
    let variant = variant(rec);
    let launch = Launch {
        kernel: &LOSS,
        consts: consts(variant, false),
        args: &[stats.read(), targets.read(), losses.write()],
        dims: &[r, row0],
        workgroups: rec.groups(r, variant.number("FLAT")),
        flops: 3 * r as u64,
    };
    rec.dispatch("loss", launch);
}

fn record_backward(rec: &mut Recorder, stats: Tensor, targets: Tensor, l: Tensor, dims: [usize; 4]) {
    let elements = (dims[0] * dims[1]) as u64;
    let variant = variant(rec);
    let launch = Launch {
        kernel: &BACKWARD,
        consts: consts(variant, false),
        args: &[stats.read(), targets.read(), l.update()],
        dims: &dims,
        workgroups: rec.groups(dims[0] * dims[1], variant.number("FLAT")),
        flops: 5 * elements,
    };
    rec.dispatch("backward", launch);
}

#[multiversion(targets = "simd")]
fn stats_twin(call: &mut Call) {
    let [_, v, row0, v0] = call.dims();
    let first = call.flag("FIRST");
    let ([logits, targets], [stats]) = call.views();
    let (logits, targets) = (logits.f32(), targets.u32());
    stats.par_chunks_mut(3).zip(logits.par_chunks(v)).enumerate().for_each(|(r, (stats, x))| {
        let mut top = max(x);
        // A maximum would hide it. Every number is looked at, without a way out: that makes vector code of it.
        if x.iter().fold(false, |found, x| found | x.is_nan()) {
            top = f32::NAN;
        }
        let mut total = sum([x], |[x]| exp(x - top));
        if !first {
            let both = stats[0].max(top);
            total = stats[1] * exp(stats[0] - both) + total * exp(top - both);
            top = both;
        }
        (stats[0], stats[1]) = (top, total);
        let target = targets[row0 + r] as usize;
        if (v0..v0 + v).contains(&target) {
            stats[2] = x[target - v0];
        } else if first {
            stats[2] = 0.0;
        }
    });
}

fn loss_twin(call: &mut Call) {
    let [r, row0] = call.dims();
    let ([stats, targets], [losses]) = call.views();
    let (stats, targets) = (stats.f32(), targets.u32());
    for i in 0..r {
        let s = &stats[3 * i..][..3];
        let ignored = targets[row0 + i] == IGNORE;
        losses[row0 + i] = if ignored { 0.0 } else { s[1].ln() + s[0] - s[2] };
    }
}

#[multiversion(targets = "simd")]
fn backward_twin(call: &mut Call) {
    let [_, v, row0, v0] = call.dims();
    let scale = call.step.loss_scale * call.step.grad_scale;
    let ([stats, targets], [dlogits]) = call.views();
    let (stats, targets) = (stats.f32(), targets.u32());
    dlogits.par_chunks_mut(v).enumerate().for_each(|(r, x)| {
        let target = targets[row0 + r];
        if target == IGNORE {
            return x.fill(0.0);
        }
        let (top, total) = (stats[3 * r], stats[3 * r + 1]);
        for x in x.iter_mut() {
            *x = exp(*x - top) / total * scale;
        }
        if (v0..v0 + v).contains(&(target as usize)) {
            x[target as usize - v0] -= scale;
        }
    });
}

fn sum_twin(call: &mut Call) {
    let scale = call.step.loss_scale;
    let ([losses], [scalars]) = call.tensors();
    scalars[scalar::LOSS] += sum([losses], |[loss]| loss) * scale;
}

fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    let sizes = [(1, 1, 1), (5, 8, 9), (3, 13, 127), (65, 16, 101), (9, 32, 4999)];
    let one = |(bt, c, v): (usize, usize, usize), biased: bool| {
        // A third of the targets is not scored; the rest fall into either chunk.
        let target = |i: usize| if i % 3 == 2 { IGNORE } else { (i * 7919 % v) as u32 };
        let fills = vec![("targets", Fill::Words((0..bt).map(target).collect()))];
        let with = if biased { ", biased" } else { "" };
        Case::new(format!("classifier {bt}x{c} of {v}{with}"), limits, choices, fills, |rec| {
            let x = rec.kept("x", Kind::Input, &[bt, c]);
            let targets = rec.kept_ids("targets", Kind::Input, &[bt]);
            let scalars = rec.kept("scalars", Kind::Output, &[scalar::COUNT]);
            let cut = v.div_ceil(3);
            let ranges = if v > 1 { vec![(0, cut), (cut, v - cut)] } else { vec![(0, v)] };
            let mut chunks = |name: &str| -> Vec<Chunk> {
                let chunk = |&(row0, rows): &(usize, usize)| Chunk {
                    tensor: rec.kept(format!("{name}.{row0}"), Kind::Input, &[rows, c]),
                    row0,
                    rows,
                };
                ranges.iter().map(chunk).collect()
            };
            let (wte, dwte) = (chunks("wte"), chunks("dwte"));
            let mut bias = |name| biased.then(|| rec.kept(name, Kind::Input, &[v]));
            let head = Head { wte: &wte, bias: bias("bias") };
            let dhead = Head { wte: &dwte, bias: bias("dbias") };
            backward(rec, x, head, Loss { targets, scalars }, Some(dhead));
        })
    };
    sizes.into_iter().flat_map(|size| [false, true].map(|biased| one(size, biased))).collect()
}
