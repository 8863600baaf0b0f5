//! Muon (Jordan et al. 2024, <https://kellerjordan.github.io/posts/muon/>): momentum, made orthogonal. As `torch.optim.Muon`
//! computes it with `adjust_lr_fn="match_rms_adamw"` (Liu et al. 2025, arXiv:2502.16982), but in single precision, where
//! torch iterates in bfloat16.
//!
//!   g ← factor·g      m ← m + (1 − μ)(g − m)      u = g + μ(m − g)        Nesterov's momentum
//!   X = u / max(‖u‖_F, ε)                                                 no singular value is above 1
//!   five times: A = X·Xᵀ    X ← (a·I + b·A + c·A²)·X                      each goes to about 1 (Newton and Schulz)
//!   p ← p·(1 − lr·λ) − lr·0.2·√max(R,C)·X
//!
//! p, g, m (R,C) · u, X (R,C) · A (R,R). Where R > C the same is computed from the other side, with A = Xᵀ·X (C,C) and
//! X·(a·I + b·A + c·A²): no transpose is stored. An update of AdamW has a root mean square of 0.2 to 0.4 times its rate, an
//! orthogonal matrix one of 1/√max(R,C); the last line's factor makes them alike, so that AdamW's learning rates and weight decay serve.
//! A factor below 0 says that the update is skipped: neither m nor p changes.
//!
//! A matrix that is several side by side, as GPT-2's (C,3C) for q, k and v, is taken part by part, as Muon's authors do.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::device::kernel::{read, write};
use crate::device::recorder::Launch;
use crate::device::variants::ROWS;
use crate::device::{Call, Choices, Const, Kernel, Kind, Limits, Recorder, Tensor};
use crate::ops::case::{Case, Family, Fill};
use crate::ops::classifier::scalar;
use crate::ops::math::sum;
use crate::ops::matmul::{Epilogue, Layout, Product, product};
use crate::ops::norm;

/// The op's kernels and cases.
pub const FAMILY: Family = Family {
    name: "muon",
    kernels: &[&MOMENTUM, &NORM, &SCALE, &POLYNOMIAL, &UPDATE],
    variants: ROWS,
    cases,
};

/// μ: the momentum's decay.
pub const MOMENTUM_DECAY: f32 = 0.95;
/// The least that X is divided by, as in torch.
pub const EPS: f32 = 1e-7;
/// Newton-Schulz steps.
pub const STEPS: usize = 5;
/// a, b, c of a step: chosen by Muon's authors to raise small singular values fast, not to reach 1 exactly.
pub const COEFFICIENTS: [f32; 3] = [3.4445, -4.7750, 2.0315];
/// The root mean square of an update of AdamW, in learning rates.
const RMS: f64 = 0.2;

static MOMENTUM: Kernel = Kernel {
    name: "muon_momentum",
    file: "muon.wgsl",
    source: include_str!("../../shaders/muon.wgsl"),
    lib: &[
        include_str!("../../shaders/lib/step.wgsl"),
        include_str!("../../shaders/lib/grid.wgsl"),
        include_str!("../../shaders/lib/reduce.wgsl"),
    ],
    bindings: &[read("grad"), read("scalars"), write("m"), write("x")],
    dims: &["N", "cols", "stride", "first", "mu"],
    step: false,
    // Six roundings, contracted or not.
    tolerance: 1e-6,
    twin: momentum_twin,
};

static NORM: Kernel = Kernel {
    name: "muon_norm",
    bindings: &[read("all_squares"), write("inverse")],
    dims: &["P", "eps"],
    // A sum of P positive numbers in two orders; its root and the division are within 2.5 units of 2⁻²³.
    tolerance: 5e-6,
    twin: norm_twin,
    ..MOMENTUM
};

static SCALE: Kernel = Kernel {
    name: "muon_scale",
    bindings: &[read("factor"), write("scaled")],
    dims: &["N"],
    // One product.
    tolerance: 1e-7,
    twin: scale_twin,
    ..MOMENTUM
};

static POLYNOMIAL: Kernel = Kernel {
    name: "muon_polynomial",
    bindings: &[read("gram"), write("square")],
    dims: &["N", "n", "a", "b", "c"],
    // Four roundings, contracted or not, of terms of two signs that cancel a few bits at most.
    tolerance: 1e-6,
    twin: polynomial_twin,
    ..MOMENTUM
};

static UPDATE: Kernel = Kernel {
    name: "muon_update",
    bindings: &[read("direction"), read("scalars"), write("param")],
    dims: &["N", "cols", "stride", "first", "scale"],
    step: true,
    // Four roundings, contracted or not; p moves by a part of itself.
    tolerance: 1e-6,
    twin: update_twin,
    ..MOMENTUM
};

/// A matrix that Muon updates: a kept tensor of this name, with its gradient behind `d.` and its momentum behind `m.`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    /// The weights' name.
    pub name: String,
    /// Its rows.
    pub rows: usize,
    /// Its columns, of all parts together.
    pub cols: usize,
    /// How many matrices it is, side by side, each of `cols / parts` columns.
    pub parts: usize,
}

impl Matrix {
    /// Numbers.
    pub fn words(&self) -> usize {
        self.rows * self.cols
    }

    /// What the rate is multiplied by, for a part: 0.2·√max(R,C).
    fn scale(&self) -> f32 {
        (RMS * (self.rows.max(self.cols / self.parts) as f64).sqrt()) as f32
    }
}

/// A number as a word of dims.
fn bits(x: f32) -> usize {
    x.to_bits() as usize
}

/// The number of such a word.
fn number(bits: usize) -> f32 {
    f32::from_bits(bits as u32)
}

/// Records one matrix's update: of each part its direction, then the step along it. `state`: weights, gradient, momentum.
pub fn record(rec: &mut Recorder, matrix: &Matrix, decay: bool, scalars: Tensor, state: [Tensor; 3]) {
    for part in 0..matrix.parts {
        let number = if matrix.parts > 1 { format!(".{part}") } else { String::new() };
        rec.scoped(format!("{}.muon{number}", matrix.name), |rec| {
            record_part(rec, matrix, part, decay, scalars, state);
        });
    }
}

fn record_part(
    rec: &mut Recorder,
    matrix: &Matrix,
    part: usize,
    decay: bool,
    scalars: Tensor,
    [param, grad, m]: [Tensor; 3],
) {
    let (rows, stride, cols) = (matrix.rows, matrix.cols, matrix.cols / matrix.parts);
    let (n, first) = (rows * cols, part * cols);
    let variant = rec.pick("muon", ROWS, &[]);
    let groups = rec.groups(n, variant.number("FLAT"));
    let mut x = rec.scratch("u", &[rows, cols]);
    let launch = Launch {
        kernel: &MOMENTUM,
        consts: variant.with([]),
        args: &[grad.read(), scalars.read(), m.update(), x.write()],
        dims: &[n, cols, stride, first, bits(MOMENTUM_DECAY)],
        workgroups: groups,
        flops: 7 * n as u64,
    };
    rec.dispatch_moving("momentum", launch, 16 * n as u64);
    normalise(rec, x);
    for i in 0..STEPS {
        x = rec.scoped(i.to_string(), |rec| newton_schulz(rec, x));
    }
    let launch = Launch {
        kernel: &UPDATE,
        consts: variant.with([("DECAY", Const::Bool(decay))]),
        args: &[x.read(), scalars.read(), param.update()],
        dims: &[n, cols, stride, first, bits(matrix.scale())],
        workgroups: groups,
        flops: 3 * n as u64,
    };
    rec.dispatch_moving("update", launch, 12 * n as u64);
}

/// Records X ← X / max(‖X‖_F, ε).
fn normalise(rec: &mut Recorder, x: Tensor) {
    let squares = norm::squares(rec, &[("squares".into(), x)]);
    let (chunks, n) = (rec.numel(squares), rec.numel(x));
    let inverse = rec.scratch("inverse", &[1]);
    let variant = rec.pick("muon", ROWS, &[]);
    let launch = Launch {
        kernel: &NORM,
        consts: variant.with([]),
        args: &[squares.read(), inverse.write()],
        dims: &[chunks, bits(EPS)],
        workgroups: [1, 1, 1],
        flops: chunks as u64,
    };
    rec.dispatch("norm", launch);
    let launch = Launch {
        kernel: &SCALE,
        consts: variant.with([]),
        args: &[inverse.read(), x.update()],
        dims: &[n],
        workgroups: rec.groups(n, variant.number("FLAT")),
        flops: n as u64,
    };
    rec.dispatch("scale", launch);
}

/// Records one step; returns the next X.
fn newton_schulz(rec: &mut Recorder, x: Tensor) -> Tensor {
    let [rows, cols] = rec.extents(x);
    let tall = rows > cols;
    let (n, k) = if tall { (cols, rows) } else { (rows, cols) };
    let layout = if tall { Layout::TN } else { Layout::NT };
    let of = |layout, m, n, k| Product::new(layout, [m, n, k]);
    let gram = rec.scratch("gram", &[n, n]);
    product(rec, "gram", of(layout, n, n, k), x.into(), x.into(), gram.into(), Epilogue::None);
    let square = rec.scratch("square", &[n, n]);
    product(rec, "square", of(Layout::NN, n, n, n), gram.into(), gram.into(), square.into(), Epilogue::None);
    let [a, b, c] = COEFFICIENTS.map(bits);
    let variant = rec.pick("muon", ROWS, &[]);
    let launch = Launch {
        kernel: &POLYNOMIAL,
        consts: variant.with([]),
        args: &[gram.read(), square.update()],
        dims: &[n * n, n, a, b, c],
        workgroups: rec.groups(n * n, variant.number("FLAT")),
        flops: 4 * (n * n) as u64,
    };
    rec.dispatch("polynomial", launch);
    let next = rec.scratch("x", &[rows, cols]);
    let (left, right) = if tall { (x, square) } else { (square, x) };
    let p = of(Layout::NN, rows, cols, n);
    product(rec, "x", p, left.into(), right.into(), next.into(), Epilogue::None);
    next
}

/// Elements a task takes.
const CHUNK: usize = 1 << 15;

/// Rows a task takes, of rows of so many elements.
fn rows_at_once(cols: usize) -> usize {
    CHUNK.div_ceil(cols)
}

#[multiversion(targets = "simd")]
fn momentum_twin(call: &mut Call) {
    let [_, cols, stride, first, mu] = call.dims();
    let mu = number(mu);
    let ([grad, scalars], [m, x]) = call.tensors();
    let factor = scalars[scalar::CLIP];
    if factor < 0.0 {
        // What is computed of it must be a number, though nothing comes of it.
        return x.fill(0.0);
    }
    let at_once = rows_at_once(cols);
    let rows = m.par_chunks_mut(at_once * stride).zip(x.par_chunks_mut(at_once * cols));
    rows.zip(grad.par_chunks(at_once * stride)).for_each(|((m, x), grad)| {
        let rows = m.chunks_mut(stride).zip(x.chunks_mut(cols)).zip(grad.chunks(stride));
        for ((m, x), grad) in rows {
            for ((m, x), g) in m[first..first + cols].iter_mut().zip(x).zip(&grad[first..first + cols]) {
                let g = g * factor;
                *m += (1.0 - mu) * (g - *m);
                *x = g + mu * (*m - g);
            }
        }
    });
}

fn norm_twin(call: &mut Call) {
    let [_, eps] = call.dims();
    let ([squares], [inverse]) = call.tensors();
    inverse[0] = 1.0 / sum([squares], |[square]| square).sqrt().max(number(eps));
}

#[multiversion(targets = "simd")]
fn scale_twin(call: &mut Call) {
    let ([factor], [scaled]) = call.tensors();
    let factor = factor[0];
    scaled.par_chunks_mut(CHUNK).for_each(|x| x.iter_mut().for_each(|x| *x *= factor));
}

#[multiversion(targets = "simd")]
fn polynomial_twin(call: &mut Call) {
    let [_, n, a, b, c] = call.dims();
    let [a, b, c] = [a, b, c].map(number);
    let ([gram], [square]) = call.tensors();
    let at_once = rows_at_once(n) * n;
    let chunks = square.par_chunks_mut(at_once).zip(gram.par_chunks(at_once)).enumerate();
    chunks.for_each(|(chunk, (square, gram))| {
        for (r, (square, gram)) in square.chunks_mut(n).zip(gram.chunks(n)).enumerate() {
            square.iter_mut().zip(gram).for_each(|(square, gram)| *square = b * gram + c * *square);
            square[chunk * (at_once / n) + r] += a;
        }
    });
}

#[multiversion(targets = "simd")]
fn update_twin(call: &mut Call) {
    let [_, cols, stride, first, scale] = call.dims();
    let s = call.step;
    let keep = if call.flag("DECAY") { 1.0 - s.lr * s.weight_decay } else { 1.0 };
    let rate = s.lr * number(scale);
    let ([direction, scalars], [param]) = call.tensors();
    if scalars[scalar::CLIP] < 0.0 {
        return;
    }
    let at_once = rows_at_once(cols);
    let rows = param.par_chunks_mut(at_once * stride).zip(direction.par_chunks(at_once * cols));
    rows.for_each(|(param, direction)| {
        for (param, direction) in param.chunks_mut(stride).zip(direction.chunks(cols)) {
            let param = &mut param[first..first + cols];
            param.iter_mut().zip(direction).for_each(|(p, x)| *p = *p * keep - rate * x);
        }
    });
}

fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    let one = |(rows, cols, parts, decay, factor): (usize, usize, usize, bool, f32)| {
        let fills = vec![("scalars", Fill::Words([1.0, 2.0, factor, 0.0].map(f32::to_bits).to_vec()))];
        let name = format!("muon {rows}x{cols} in {parts}, decay {decay}, factor {factor}");
        Case::new(name, limits, choices, fills, |rec| {
            let state = ["param", "grad", "m"].map(|t| rec.kept(t, Kind::Input, &[rows * cols]));
            let scalars = rec.kept("scalars", Kind::Output, &[scalar::COUNT]);
            record(rec, &Matrix { name: "p".into(), rows, cols, parts }, decay, scalars, state);
        })
    };
    // Of a matrix of one element, wide and tall, whole and in parts; the last has more than a chunk of the norm's.
    [
        (1, 1, 1, true, 0.37),
        (7, 9, 1, false, 0.37),
        (5, 9, 3, true, 0.37),
        (65, 63, 1, true, 0.37),
        (97, 37, 1, true, 0.37),
        (64, 576, 3, true, 0.37),
        (257, 96, 1, false, 0.37),
        (5, 9, 3, true, scalar::SKIP),
        (97, 37, 1, false, scalar::SKIP),
    ]
    .into_iter()
    .map(one)
    .collect()
}
