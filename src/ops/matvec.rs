//! One row times a matrix: decoding's product.
//!
//!   NN: y = x·W + bias, W (K,N)      NT: y = x·Wᵀ, W (N,K)
//!
//! x (1,K) · y (1,N), from column n0 on where W is a chunk of a larger matrix.

use rayon::prelude::*;

use crate::device::kernel::{read, weights, write};
use crate::device::recorder::Launch;
use crate::device::variants::{grid, plain};
use crate::device::{
    Call, Choices, Class, Const, Element, Kernel, Kind, Limits, Recorder, Tensor, Variant, View,
};
use crate::ops::case::{Case, Family};
use crate::ops::load::{self, loads};
use crate::ops::math::sum;
use crate::ops::matmul::Layout;

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
    dims: &["K", "N", "n0"],
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

/// Records y[n0..] = x·W (+ bias) for one row x (1,K).
pub fn record(
    rec: &mut Recorder,
    label: &str,
    layout: Layout,
    x: Tensor,
    w: Tensor,
    bias: Option<Tensor>,
    y: (Tensor, usize),
) {
    let [rows, cols] = rec.extents(w);
    let (k, n) = if layout == Layout::NN { (rows, cols) } else { (cols, rows) };
    let variant = rec.pick("matvec", VARIANTS, &[]);
    let groups = if layout == Layout::NN { n.div_ceil(variant.covers(&["COLS"])) } else { n };
    let mut consts = variant.with([("LAYOUT", Const::U32(layout as u32)), load::width(false)]);
    consts.extend(loads!("w", rec.element(w), false));
    let (x, w_, y_) = (x.read(), w.read(), y.0.write());
    let launch = Launch {
        kernel: if bias.is_some() { &MATVEC_BIAS } else { &MATVEC },
        consts,
        args: &match bias {
            Some(bias) => vec![x, w_, bias.read(), y_],
            None => vec![x, w_, y_],
        },
        dims: &[k, n, y.1],
        workgroups: grid(groups as u64, &rec.limits),
        flops: 2 * (k * n) as u64,
    };
    let words = rec.element(w).words(k * n);
    rec.dispatch_moving(label, launch, 4 * (words + k + n) as u64);
}

fn twin(call: &mut Call) {
    let ([x, w], [y]) = call.views();
    product(call, x.f32(), w, None, y);
}

fn bias_twin(call: &mut Call) {
    let ([x, w, bias], [y]) = call.views();
    product(call, x.f32(), w, Some(bias.f32()), y);
}

/// Columns a task takes: a few cache lines of each row.
const CHUNK: usize = 256;

fn product(call: &Call, x: &[f32], w: View, bias: Option<&[f32]>, y: &mut [f32]) {
    let [k, n, n0] = call.dims();
    let nt = call.number("LAYOUT") == Layout::NT as usize;
    y[n0..n0 + n].par_chunks_mut(CHUNK).enumerate().for_each(|(i, y)| {
        let first = i * CHUNK;
        let mut buffer = Vec::new();
        if nt {
            for (j, y) in y.iter_mut().enumerate() {
                let row = load::row(&w, (first + j) * k, k, &mut buffer);
                *y = sum(k, |i| x[i] * row[i]);
            }
        } else {
            let columns = y.len();
            y.fill(0.0);
            for (i, x) in x.iter().enumerate() {
                let row = load::row(&w, i * n + first, columns, &mut buffer);
                for (y, w) in y.iter_mut().zip(row) {
                    *y += x * w;
                }
            }
        }
        if let Some(bias) = bias {
            for (y, b) in y.iter_mut().zip(&bias[first..]) {
                *y += b;
            }
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
            let bias = rec.kept("bias", Kind::Input, &[n]);
            let [a, b, c] = ["a", "b", "c"].map(|s| rec.kept(s, Kind::Output, &[1, n + 3]));
            record(rec, "nn", Layout::NN, x, nn, None, (a, 3));
            record(rec, "nn_bias", Layout::NN, x, nn, Some(bias), (b, 0));
            record(rec, "nt", Layout::NT, x, nt, None, (c, 3));
        })
    };
    let both = [Element::F32, Element::F16].into_iter().flat_map(|e| sizes.map(|size| (e, size)));
    both.map(|(element, size)| one(element, size)).collect()
}
