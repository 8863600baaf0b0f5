//! A few rows times a matrix, one of each sequence that is decoded: decoding's product.
//!
//!   NN: y = α·x·W + bias, W (K,N)      NT: y = α·x·Wᵀ + bias, W (N,K)      or y += …
//!
//! x (M,K) · y (M,N), each a range of a tensor or of a wider one's columns, M at most [`ROWS`] · bias (N), a range: W may be a chunk
//! of a larger matrix, or one of several that share a row. Each weight is read once for all rows. What a row gives has the same
//! bits however many stand beside it, and whatever they hold: a text does not depend on who else is written.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::device::kernel::{read, weights, write};
use crate::device::recorder::Launch;
use crate::device::variants::{grid, plain};
use crate::device::{
    Call, Choices, Class, Const, Element, Kernel, Kind, Limits, Recorder, Tensor, Variant, View,
};
use crate::ops::case::{Case, Family};
use crate::ops::load::{self, loads};
use crate::ops::matmul::{Layout, Operand, Product};
use crate::ops::simd::{self, Weights};

/// The op's kernels and cases.
pub const FAMILY: Family =
    Family { name: "matvec", kernels: &[&MATVEC, &MATVEC_BIAS], variants: VARIANTS, cases };

/// The most rows of a product. With more of them a tile of the result is what should stay in registers (`ops::matmul`).
pub const ROWS: usize = 16;

const VARIANTS: &[Variant] = &[
    plain("lanes", Class::Lanes, &[("WG", Const::U32(8)), ("COLS", Const::U32(8))]),
    plain("tiles", Class::Tiles, &[("WG", Const::U32(128)), ("COLS", Const::U32(32))]),
];

static MATVEC: Kernel = Kernel {
    name: "matvec",
    file: "matvec.wgsl",
    source: include_str!("../../shaders/matvec.wgsl"),
    lib: &[load::LIB, include_str!("../../shaders/lib/grid.wgsl")],
    bindings: &[read("x"), weights("w"), write("y")],
    dims: &["K", "N", "x0", "y0", "alpha", "bias0", "ldx", "ldy"],
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

/// Records a [`Product`] of [`ROWS`] rows of x at most, NN or NT.
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
    assert!((1..=ROWS).contains(&m) && layout != Layout::TN, "{label}: {m} rows, {layout:?}");
    assert!(rec.numel(w) == k * n, "{label}: the whole of w");
    let (ldx, ldy) = (x.stride.unwrap_or(k), y.stride.unwrap_or(n));
    let within = |of: Operand, ld: usize, cols: usize| {
        ld >= cols && of.offset + (m - 1) * ld + cols <= rec.numel(of.tensor)
    };
    assert!(within(x, ldx, k) && within(y, ldy, n), "{label}: ranges");
    let bias0 = bias.map_or(0, |bias| bias.offset);
    assert!(bias.is_none_or(|bias| bias0 + n <= rec.numel(bias.tensor)), "{label}: a bias for every column");
    let variant = rec.pick("matvec", VARIANTS, &[]);
    // Rows of w that share a load of x: as many as leave an invocation sixteen sums, where x is more than a row.
    let run = if m == 1 { 1 } else { (16 / m).clamp(1, 4) };
    let columns = if layout == Layout::NN { variant.covers(&["COLS"]) } else { run };
    let mut consts = variant.with([
        ("LAYOUT", Const::U32(layout as u32)),
        ("M", Const::U32(m as u32)),
        ("RUN", Const::U32(run as u32)),
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
        dims: &[k, n, x.offset, y.offset, p.alpha.to_bits() as usize, bias0, ldx, ldy],
        workgroups: grid(n.div_ceil(columns) as u64, &rec.limits),
        flops: 2 * (m * k * n) as u64,
    };
    let words = rec.element(w).words(k * n);
    rec.dispatch_moving(label, launch, 4 * (words + m * (k + n)) as u64);
}

fn twin(call: &mut Call) {
    let ([x, w], [y]) = call.views();
    few_rows(call, x.f32(), w, None, y);
}

fn bias_twin(call: &mut Call) {
    let ([x, w, bias], [y]) = call.views();
    few_rows(call, x.f32(), w, Some(bias.f32()), y);
}

/// Rows of an NT matrix that a task takes.
const TASK: usize = 256;
/// Rows and columns of an NN matrix that a task takes (all columns, where one row of x goes over whole rows): as many rows as leave
/// few parts to be added up again, so few columns that the sums of all rows of x stay in a core's nearest cache, and so few of both
/// that a small matrix too has tasks for many cores.
const DEPTH: usize = 192;
const COLUMNS: usize = 512;
/// Numbers that are widened at once, where they are: so few that they stay in a core's nearest cache.
const WIDENED: usize = 4096;
/// Additions that are worth another thread.
const WORTH: usize = 1 << 16;

/// The rows of x.
#[derive(Clone, Copy)]
struct Rows<'a> {
    all: &'a [f32],
    stride: usize,
    m: usize,
    k: usize,
}

impl<'a> Rows<'a> {
    #[inline(always)]
    fn row(&self, i: usize) -> &'a [f32] {
        &self.all[i * self.stride..][..self.k]
    }

    /// Their numbers from the `first` on, DEPTH of them at most.
    fn depth(&self, first: usize) -> Rows<'a> {
        Rows { all: &self.all[first..], k: DEPTH.min(self.k - first), ..*self }
    }
}

/// Where sums go.
struct Out<'a> {
    y: &'a mut [f32],
    stride: usize,
    bias: Option<&'a [f32]>,
    alpha: f32,
    accumulate: bool,
}

impl Out<'_> {
    /// Row i's, from column `first` on.
    #[inline(always)]
    fn put(&mut self, i: usize, first: usize, sums: impl ExactSizeIterator<Item = f32>) {
        let n = sums.len();
        for (j, (y, sum)) in self.y[i * self.stride + first..][..n].iter_mut().zip(sums).enumerate() {
            let value = self.bias.map_or(self.alpha * sum, |bias| self.alpha * sum + bias[first + j]);
            *y = if self.accumulate { *y + value } else { value };
        }
    }
}

#[multiversion(targets = "simd")]
fn few_rows(call: &Call, x: &[f32], w: View, bias: Option<&[f32]>, y: &mut [f32]) {
    let [k, n, x0, y0, alpha, bias0, ldx, ldy] = call.dims();
    let m = call.number("M");
    let x = Rows { all: &x[x0..], stride: ldx, m, k };
    let mut out = Out {
        y: &mut y[y0..],
        stride: ldy,
        bias: bias.map(|bias| &bias[bias0..]),
        alpha: f32::from_bits(alpha as u32),
        accumulate: call.flag("ACC"),
    };
    let transposed = call.number("LAYOUT") == Layout::NT as usize;
    load::with(&load::SUMS, |sums| {
        let columns = if transposed { TASK } else { COLUMNS };
        if transposed {
            let sums = load::first(sums, n * m);
            sums.par_chunks_mut(TASK * m).enumerate().for_each(|(i, sums)| rows(x, &w, i * TASK, sums));
        } else {
            by_depth(x, &w, n, sums);
        }
        for (c, sums) in sums[..m * n].chunks(m * columns).enumerate() {
            let rows = sums.chunks(sums.len() / m).enumerate();
            rows.for_each(|(i, sums)| out.put(i, c * columns, sums.iter().copied()));
        }
    });
}

/// x·wᵀ of the rows of an NT matrix from `first` on, (M,rows).
#[multiversion(targets = "simd")]
fn rows(x: Rows, w: &View, first: usize, sums: &mut [f32]) {
    let (k, n) = (x.k, sums.len() / x.m);
    load::with(&load::ROWS, |buffer| {
        for j in 0..n {
            let at = (first + j) * k;
            let row = match w.element() {
                Element::F16 if simd::takes(Element::F16) => Weights::F16(&w.f16()[at..][..k]),
                _ => {
                    let [row] = load::rows(w, (at, 0), k, buffer);
                    Weights::F32(row)
                }
            };
            let mut at = 0;
            if simd::is_wide() {
                some_dots::<8>(x, &mut at, &mut sums[j..], n, row);
            }
            some_dots::<4>(x, &mut at, &mut sums[j..], n, row);
            some_dots::<2>(x, &mut at, &mut sums[j..], n, row);
            some_dots::<1>(x, &mut at, &mut sums[j..], n, row);
        }
    });
}

/// The sums of x's rows from `at` on, as long as there are N of them, each n numbers behind the one before.
#[inline(always)]
fn some_dots<const N: usize>(x: Rows, at: &mut usize, sums: &mut [f32], n: usize, row: Weights) {
    while *at + N <= x.m {
        let all = simd::dots::<N>(std::array::from_fn(|i| x.row(*at + i)), row);
        all.into_iter().zip(*at..).for_each(|(sum, i)| sums[i * n] = sum);
        *at += N;
    }
}

/// x·w of an NN matrix of n columns: parts of the depth side by side, then their sum in their order, the first M·n of `parts`.
/// Columns come COLUMNS at a time, (M,COLUMNS); of one row it is all the same.
#[multiversion(targets = "simd")]
fn by_depth(x: Rows, w: &View, n: usize, parts: &mut Vec<f32>) {
    let m = x.m;
    let of_depth = x.k.div_ceil(DEPTH);
    let parts = load::first(parts, of_depth * m * n);
    // One row of x waits for memory, which is fetched ahead where it is read in one sweep: a task has whole rows, as far as every
    // thread has a task. Halves are asked for, whatever their order.
    let sweeps = m == 1 && !(w.element() == Element::F16 && simd::takes(Element::F16));
    let tasks = rayon::current_num_threads().div_ceil(of_depth);
    let chunk = if sweeps { n.div_ceil(tasks).next_multiple_of(COLUMNS) } else { COLUMNS };
    parts.par_chunks_mut(m * n).enumerate().for_each(|(part, sums)| {
        let x = x.depth(part * DEPTH);
        let first = part * DEPTH * n;
        let columns = sums.par_chunks_mut(m * chunk).enumerate();
        columns.for_each(|(c, sums)| {
            // What is there is another product's.
            sums.fill(0.0);
            columns_of(x, w, first + c * chunk, n, sums);
        });
    });
    let (sums, others) = parts.split_at_mut(m * n);
    let task = (WORTH * m * n / others.len().max(1)).max(1);
    // Every part of some numbers, then of the next: the sums stay near.
    sums.par_chunks_mut(task).enumerate().for_each(|(c, sums)| {
        for part in others.chunks(m * n) {
            let part = &part[c * task..][..sums.len()];
            sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
    });
}

/// Adds x·w to the sums (M,columns) of some columns: those from element `first` of w on, whose rows are n apart.
#[multiversion(targets = "simd")]
fn columns_of(x: Rows, w: &View, first: usize, n: usize, sums: &mut [f32]) {
    let columns = sums.len() / x.m;
    match w.element() {
        Element::F32 => add_rows(x, Weights::F32(&w.f32()[first..]), n, sums),
        Element::F16 if simd::takes(Element::F16) => add_rows(x, Weights::F16(&w.f16()[first..]), n, sums),
        _ => load::with(&load::ROWS, |buffer| {
            let at_once = (WIDENED / columns).max(4);
            for k in (0..x.k).step_by(at_once) {
                let deep = at_once.min(x.k - k);
                let rows = load::first(buffer, deep * columns);
                for (i, row) in rows.chunks_exact_mut(columns).enumerate() {
                    w.widen(first + (k + i) * n, row);
                }
                add_rows(Rows { all: &x.all[k..], k: deep, ..x }, Weights::F32(rows), columns, sums);
            }
        }),
    }
}

#[inline(always)]
fn add_rows(x: Rows, w: Weights, stride: usize, sums: &mut [f32]) {
    simd::add_rows((x.all, x.stride), [x.m, x.k], w, stride, sums);
}

fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    let sizes = [(1, 1), (7, 9), (97, 31), (127, 33), (768, 1000)];
    let one = |element: Element, m: usize, (k, n): (usize, usize)| {
        let name = match m {
            1 => format!("matvec {k}x{n} {}", element.name()),
            _ => format!("matvec {m}x{k}x{n} {}", element.name()),
        };
        Case::new(name, limits, choices, vec![], |rec| {
            let x = rec.kept("x", Kind::Input, &[m, k]);
            let nn = rec.kept_of("nn", Kind::Input, &[k, n], element);
            let nt = rec.kept_of("nt", Kind::Input, &[n, k], element);
            let bias = rec.kept("bias", Kind::Input, &[n + 3]);
            let [a, b, c] = ["a", "b", "c"].map(|s| rec.kept(s, Kind::Output, &[m, n + 3]));
            let from = |tensor, offset| Operand { tensor, offset, stride: Some(n + 3) };
            let [p, q] = [Layout::NN, Layout::NT].map(|layout| Product::new(layout, [m, n, k]));
            product(rec, "nn", p, x.into(), nn, from(a, 3), None);
            product(rec, "nn_bias", p, x.into(), nn, b.into(), Some(bias.into()));
            product(rec, "nt", q, x.into(), nt, from(c, 3), None);
            // Scaled, added to what is there, and from a range of x.
            let wide = rec.kept("wide", Kind::Input, &[m, k + 5]);
            let columns = |offset| Operand { tensor: wide, offset, stride: Some(k + 5) };
            let more = |p| Product { accumulate: true, alpha: 0.75, ..p };
            product(rec, "more_nn", more(p), columns(5), nn, from(a, 1), None);
            product(rec, "more_nt", more(q), columns(2), nt, from(c, 0), None);
            let of_bias = Operand { tensor: bias, offset: 3, stride: None };
            product(rec, "more_nt_bias", more(q), columns(2), nt, from(b, 2), Some(of_bias));
        })
    };
    // Both weights have rows of whole blocks.
    let blocks = [(32, 32), (64, 96), (96, 32), (128, 352), (768, 1024)];
    let all = Element::WEIGHTS.into_iter().flat_map(|element| {
        let sizes = if element.is_quantised() { blocks } else { sizes };
        // Rows: one, and every way in which several are put together; at the real size as many as a server has.
        // (Their number is a constant of the shader, and blocks are only how a weight is loaded.)
        let several =
            [(2, sizes[3]), (8, sizes[4]), (3, sizes[2]), (7, sizes[1]), (16, sizes[0]), (15, sizes[2])];
        let several = &several[..if element.is_quantised() { 2 } else { 6 }];
        sizes
            .map(|size| one(element, 1, size))
            .into_iter()
            .chain(several.iter().map(|&(m, size)| one(element, m, size)))
            .collect::<Vec<_>>()
    });
    all.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;
    use crate::device::executor::Options;
    use crate::device::select::Device;
    use crate::device::{Recording, Step};

    /// Every row of every product of a few has the bits that it has alone.
    #[test]
    fn rows_do_not_depend_on_their_neighbours() {
        let limits = Limits::DEFAULT;
        for element in Element::WEIGHTS {
            for (k, n) in [(96, 32), (160, 4128), (768, 1056)] {
                let record = |m: usize| -> Recording {
                    let mut rec = Recorder::new("test", limits, &Choices::of(Class::Lanes, &limits));
                    let x = rec.kept("x", Kind::Input, &[m, k]);
                    let bias = rec.kept("bias", Kind::Input, &[n]);
                    for (layout, shape) in [(Layout::NN, [k, n]), (Layout::NT, [n, k])] {
                        let w = rec.kept_of(format!("w.{layout:?}"), Kind::Input, &shape, element);
                        let y = rec.kept(format!("y.{layout:?}"), Kind::Output, &[m, n]);
                        let p = Product::new(layout, [m, n, k]);
                        product(&mut rec, "y", p, x.into(), w, y.into(), Some(bias.into()));
                    }
                    rec.finish().unwrap()
                };
                let run = |m: usize, first: usize| {
                    let case = Case { name: String::new(), recording: record(m), fills: vec![] };
                    let kept: Vec<_> = case.recording.tensors.clone();
                    let mut exec =
                        Device::Cpu(2).load(vec![case.recording.clone()].into(), Options::default()).unwrap();
                    for tensor in kept.iter().filter(|t| t.kind == Kind::Input && t.name != "x") {
                        exec.write(&tensor.name, 0, &case.data(tensor)).unwrap();
                    }
                    for i in 0..m {
                        let mut rng = Rng::new((first + i) as u64, "x");
                        let row: Vec<f32> = (0..k).map(|_| rng.normal()).collect();
                        exec.write_f32("x", i * k, &row).unwrap();
                    }
                    exec.run("test", &Step::default()).unwrap();
                    ["y.NN", "y.NT"].map(|name| {
                        let mut out = vec![0; m * n];
                        exec.read(name, 0, &mut out).unwrap();
                        out.chunks(n).map(<[u32]>::to_vec).collect::<Vec<_>>()
                    })
                };
                let alone: Vec<_> = (0..ROWS).map(|i| run(1, i)).collect();
                for (m, first) in [(2, 0), (3, 1), (4, 0), (7, 5), (8, 8), (16, 0)] {
                    let together = run(m, first);
                    for (layout, rows) in together.iter().enumerate() {
                        for (i, row) in rows.iter().enumerate() {
                            let same = *row == alone[first + i][layout][0];
                            assert!(same, "row {i} of {m}, {k}x{n} {}, {layout}", element.name());
                        }
                    }
                }
            }
        }
    }
}
