//! One row times a matrix: decoding's product.
//!
//!   NN: y = α·x·W + bias, W (K,N)      NT: y = α·x·Wᵀ + bias, W (N,K)      or y += …
//!
//! x (K) · y, bias (N), each a range of a tensor: W may be a chunk of a larger matrix, or one of several that share a row.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::device::kernel::{read, weights, write};
use crate::device::recorder::Launch;
use crate::device::variants::{grid, plain};
use crate::device::{
    Call, Choices, Class, Const, Element, Kernel, Kind, Limits, Recorder, Tensor, Variant, View,
};
use crate::ops::case::{Case, Family};
use crate::ops::f16c;
use crate::ops::load::{self, loads};
use crate::ops::math::dot;
use crate::ops::matmul::{Layout, Operand, Product};

/// The op's kernels and cases.
pub const FAMILY: Family =
    Family { name: "matvec", kernels: &[&MATVEC, &MATVEC_BIAS], variants: VARIANTS, cases };

const VARIANTS: &[Variant] = &[
    plain("lanes", Class::Lanes, &[("WG", Const::U32(8)), ("COLS", Const::U32(8))]),
    plain("tiles", Class::Tiles, &[("WG", Const::U32(128)), ("COLS", Const::U32(32))]),
];

static MATVEC: Kernel = Kernel {
    name: "matvec",
    file: "matvec.wgsl",
    source: include_str!("../../shaders/matvec.wgsl"),
    lib: &[
        load::LIB,
        include_str!("../../shaders/lib/grid.wgsl"),
        include_str!("../../shaders/lib/reduce.wgsl"),
    ],
    bindings: &[read("x"), weights("w"), write("y")],
    dims: &["K", "N", "x0", "y0", "alpha", "bias0"],
    step: false,
    // K products added in two orders: √K·2⁻²⁴ of the terms' norm, K ≤ 6400.
    tolerance: 5e-6,
    twin,
};

static MATVEC_BIAS: Kernel = Kernel {
    name: "matvec_bias",
    bindings: &[read("x"), weights("w"), read("bias"), write("y_biased")],
    // matvec's sum, and one addition to it, of a bias that could cancel a bit of the sum.
    tolerance: 5e-6,
    twin: bias_twin,
    ..MATVEC
};

/// Records a [`Product`] of one row x, NN or NT.
pub fn product(
    rec: &mut Recorder,
    label: &str,
    p: Product,
    x: Operand,
    w: Tensor,
    y: Operand,
    bias: Option<Operand>,
) {
    let Product { layout, m, n, k, .. } = p;
    assert!(m == 1 && layout != Layout::TN && rec.numel(w) == k * n, "{label}: one row, and the whole of w");
    assert!(x.offset + k <= rec.numel(x.tensor) && y.offset + n <= rec.numel(y.tensor), "{label}: ranges");
    let bias0 = bias.map_or(0, |bias| bias.offset);
    assert!(bias.is_none_or(|bias| bias0 + n <= rec.numel(bias.tensor)), "{label}: a bias for every column");
    let variant = rec.pick("matvec", VARIANTS, &[]);
    let groups = if layout == Layout::NN { n.div_ceil(variant.covers(&["COLS"])) } else { n };
    let mut consts = variant.with([
        ("LAYOUT", Const::U32(layout as u32)),
        ("ACC", Const::Bool(p.accumulate)),
        load::width(false),
    ]);
    consts.extend(loads!("w", "Stored", rec.element(w), false));
    let (x_, w_) = (x.tensor.read(), w.read());
    let y_ = if p.accumulate { y.tensor.update() } else { y.tensor.write() };
    let launch = Launch {
        kernel: if bias.is_some() { &MATVEC_BIAS } else { &MATVEC },
        consts,
        args: &match bias {
            Some(bias) => vec![x_, w_, bias.tensor.read(), y_],
            None => vec![x_, w_, y_],
        },
        dims: &[k, n, x.offset, y.offset, p.alpha.to_bits() as usize, bias0],
        workgroups: grid(groups as u64, &rec.limits),
        flops: 2 * (k * n) as u64,
    };
    let words = rec.element(w).words(k * n);
    rec.dispatch_moving(label, launch, 4 * (words + k + n) as u64);
}

fn twin(call: &mut Call) {
    let ([x, w], [y]) = call.views();
    one_row(call, x.f32(), w, None, y);
}

fn bias_twin(call: &mut Call) {
    let ([x, w, bias], [y]) = call.views();
    one_row(call, x.f32(), w, Some(bias.f32()), y);
}

/// Rows of an NT matrix that a task takes.
const ROWS: usize = 256;
/// Rows and columns of an NN matrix that a task takes: whole rows, as far as their sums stay in a core's nearest cache, because
/// memory is fetched ahead where it is read in one sweep; and so few that a small matrix too has tasks for many cores.
const DEPTH: usize = 64;
const COLUMNS: usize = 4096;

#[multiversion(targets = "simd")]
fn one_row(call: &Call, x: &[f32], w: View, bias: Option<&[f32]>, y: &mut [f32]) {
    let [k, n, x0, y0, alpha, bias0] = call.dims();
    let (x, y, alpha) = (&x[x0..x0 + k], &mut y[y0..y0 + n], f32::from_bits(alpha as u32));
    let (transposed, accumulate) = (call.number("LAYOUT") == Layout::NT as usize, call.flag("ACC"));
    load::with(&load::SUMS, |sums| {
        if transposed {
            sums.resize(n, 0.0);
            sums.par_chunks_mut(ROWS).enumerate().for_each(|(i, sums)| rows(x, &w, i * ROWS, sums));
        } else {
            by_depth(x, &w, n, sums);
        }
        for (j, (y, sum)) in y.iter_mut().zip(&*sums).enumerate() {
            let value = bias.map_or(alpha * sum, |bias| alpha * sum + bias[bias0 + j]);
            *y = if accumulate { *y + value } else { value };
        }
    });
}

/// x·wᵀ of the rows of an NT matrix from `first` on.
#[multiversion(targets = "simd")]
fn rows(x: &[f32], w: &View, first: usize, sums: &mut [f32]) {
    let k = x.len();
    if w.element() == Element::F16 && f16c::here() {
        let rows = w.f16()[first * k..].chunks_exact(k);
        return sums.iter_mut().zip(rows).for_each(|(sum, row)| *sum = f16c::dot(x, row));
    }
    load::with(&load::ROWS, |buffer| {
        for (j, sum) in (first..).zip(sums) {
            let [row] = load::rows(w, (j * k, 0), k, buffer);
            *sum = dot(x, row);
        }
    });
}

/// x·w of an NN matrix of n columns: parts of the depth side by side, then their sum in their order, the first n of `parts`.
#[multiversion(targets = "simd")]
fn by_depth(x: &[f32], w: &View, n: usize, parts: &mut Vec<f32>) {
    parts.clear();
    parts.resize(x.len().div_ceil(DEPTH) * n, 0.0);
    parts.par_chunks_mut(n).zip(x.par_chunks(DEPTH)).enumerate().for_each(|(part, (sums, x))| {
        let first = part * DEPTH * n;
        let columns = sums.par_chunks_mut(COLUMNS).enumerate();
        columns.for_each(|(c, sums)| columns_of(x, w, first + c * COLUMNS, n, sums));
    });
    let (sums, others) = parts.split_at_mut(n);
    for part in others.chunks(n) {
        sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    }
}

/// Adds x·w to the sums of some columns: those from element `first` of w on, whose rows are n apart. Four rows at a time: a sum
/// is loaded and stored once for them, and they are added in their order.
#[multiversion(targets = "simd")]
fn columns_of(x: &[f32], w: &View, first: usize, n: usize, sums: &mut [f32]) {
    if w.element() == Element::F16 && f16c::here() {
        return f16c::add_rows(x, &w.f16()[first..], n, sums);
    }
    load::with(&load::ROWS, |buffer| {
        let (fours, rest) = x.as_chunks::<4>();
        for (i, x) in fours.iter().enumerate() {
            let [a, b, c, d] = load::rows(w, (first + 4 * i * n, n), sums.len(), buffer);
            let rows = sums.iter_mut().zip(a).zip(b).zip(c).zip(d);
            rows.for_each(|((((sum, a), b), c), d)| {
                *sum = *sum + x[0] * a + x[1] * b + x[2] * c + x[3] * d;
            });
        }
        for (i, x) in (4 * fours.len()..).zip(rest) {
            let [row] = load::rows(w, (first + i * n, n), sums.len(), buffer);
            sums.iter_mut().zip(row).for_each(|(sum, w)| *sum += x * w);
        }
    });
}

fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    let sizes = [(1, 1), (7, 9), (97, 31), (127, 33), (768, 1000)];
    let one = |element: Element, (k, n): (usize, usize)| {
        Case::new(format!("matvec {k}x{n} {}", element.name()), limits, choices, vec![], |rec| {
            let x = rec.kept("x", Kind::Input, &[1, k]);
            let nn = rec.kept_of("nn", Kind::Input, &[k, n], element);
            let nt = rec.kept_of("nt", Kind::Input, &[n, k], element);
            let bias = rec.kept("bias", Kind::Input, &[n + 3]);
            let [a, b, c] = ["a", "b", "c"].map(|s| rec.kept(s, Kind::Output, &[1, n + 3]));
            let from = |tensor, offset| Operand { tensor, offset, stride: None };
            let [p, q] = [Layout::NN, Layout::NT].map(|layout| Product::new(layout, [1, n, k]));
            product(rec, "nn", p, x.into(), nn, from(a, 3), None);
            product(rec, "nn_bias", p, x.into(), nn, b.into(), Some(bias.into()));
            product(rec, "nt", q, x.into(), nt, from(c, 3), None);
            // Scaled, added to what is there, and from a range of x.
            let wide = rec.kept("wide", Kind::Input, &[1, k + 5]);
            let more = |p| Product { accumulate: true, alpha: 0.75, ..p };
            product(rec, "more_nn", more(p), from(wide, 5), nn, from(a, 1), None);
            product(rec, "more_nt", more(q), from(wide, 2), nt, from(c, 0), None);
            product(rec, "more_nt_bias", more(q), from(wide, 2), nt, from(b, 2), Some(from(bias, 3)));
        })
    };
    // Both weights have rows of whole blocks.
    let blocks = [(32, 32), (64, 96), (96, 32), (128, 352), (768, 1024)];
    let all = Element::WEIGHTS.into_iter().flat_map(|element| {
        let sizes = if element.is_quantised() { blocks } else { sizes };
        sizes.map(|size| one(element, size))
    });
    all.collect()
}
