//! The gradient of a bias: dbias += column sums of dout.
//!
//! dout (M,N), a range of the columns of a wider matrix perhaps · dbias (N), a range of a longer one perhaps. Chunks of 64 rows are summed, then the chunks, in order. (Adding a bias is the matmul's.)

use multiversion::multiversion;
use rayon::prelude::*;

use crate::device::kernel::{read, read_act, write};
use crate::device::recorder::Launch;
use crate::device::variants::FLAT;
use crate::device::{Call, Choices, Const, Element, Kernel, Kind, Limits, Recorder};
use crate::ops::case::{Case, Family, elements};
use crate::ops::load::act;
use crate::ops::matmul::Operand;

/// The op's kernels and cases.
pub const FAMILY: Family = Family { name: "bias", kernels: &[&PARTIAL, &REDUCE], variants: FLAT, cases };

/// Rows of a chunk.
const ROWS: usize = 64;

static PARTIAL: Kernel = Kernel {
    name: "bias_partial",
    file: "bias.wgsl",
    source: include_str!("../../shaders/bias.wgsl"),
    lib: &[],
    bindings: &[read_act("dout"), write("chunks")],
    dims: &["M", "N", "first", "width"],
    step: false,
    // The same additions in the same order.
    tolerance: 0.0,
    twin: partial_twin,
};

static REDUCE: Kernel = Kernel {
    name: "bias_reduce",
    bindings: &[read("sums"), write("dbias")],
    dims: &["P", "N", "first"],
    // The chunks in their order, then one addition into dbias: the same bits.
    tolerance: 0.0,
    twin: reduce_twin,
    ..PARTIAL
};

/// Records dbias += Σ_m dout[m], of `n` columns of dout and as many words of dbias, each from its offset on.
pub fn backward(rec: &mut Recorder, dout: Operand, n: usize, dbias: Operand) {
    let [m, width] = rec.extents(dout.tensor);
    let fits = dout.offset + n <= width && dbias.offset + n <= rec.numel(dbias.tensor);
    assert!(fits, "backward_bias: both ranges lie within their tensors");
    let variant = rec.pick("bias", FLAT, &[]);
    let consts = variant.with([("ROWS", Const::U32(ROWS as u32)), act("Act", rec.element(dout.tensor))]);
    let (p, columns) = (m.div_ceil(ROWS), (n as u32).div_ceil(variant.number("WG")));
    let chunks = rec.scratch("chunks", &[p, n]);
    let launch = Launch {
        kernel: &PARTIAL,
        consts: consts.clone(),
        args: &[dout.tensor.read(), chunks.write()],
        dims: &[m, n, dout.offset, width],
        workgroups: [columns, p as u32, 1],
        flops: (m * n) as u64,
    };
    let dout_words = rec.element(dout.tensor).words(m * n);
    rec.dispatch_moving("backward_bias", launch, 4 * (dout_words + p * n) as u64);
    let launch = Launch {
        kernel: &REDUCE,
        consts,
        args: &[chunks.read(), dbias.tensor.update()],
        dims: &[p, n, dbias.offset],
        workgroups: [columns, 1, 1],
        flops: (p * n) as u64,
    };
    rec.dispatch_moving("reduce_bias", launch, 4 * ((p + 2) * n) as u64);
}

/// Columns a task takes.
const COLUMNS: usize = 512;

/// Sums over `rows` of a matrix of `n` columns, of those from `col` on: `into = Σ`.
fn column_sums(x: &[f32], n: usize, rows: std::ops::Range<usize>, col: usize, into: &mut [f32]) {
    into.fill(0.0);
    for row in rows {
        for (s, x) in into.iter_mut().zip(&x[row * n + col..]) {
            *s += x;
        }
    }
}

#[multiversion(targets = "simd")]
fn partial_twin(call: &mut Call) {
    let [m, n, first, width] = call.dims();
    let ([dout], [chunks]) = call.tensors();
    chunks.par_chunks_mut(n).enumerate().for_each(|(p, sums)| {
        column_sums(dout, width, p * ROWS..((p + 1) * ROWS).min(m), first, sums);
    });
}

#[multiversion(targets = "simd")]
fn reduce_twin(call: &mut Call) {
    let [p, n, first] = call.dims();
    let ([sums], [dbias]) = call.tensors();
    add_column_sums(&sums[..p * n], n, 0, &mut dbias[first..first + n]);
}

/// into += the sums over the rows, `width` numbers each, of as many columns from `first` on; the rows in their order.
#[inline(always)]
pub(crate) fn add_column_sums(x: &[f32], width: usize, first: usize, into: &mut [f32]) {
    into.par_chunks_mut(COLUMNS).enumerate().for_each(|(i, into)| {
        let mut total = [0.0; COLUMNS];
        let total = &mut total[..into.len()];
        column_sums(x, width, 0..x.len() / width, first + i * COLUMNS, total);
        for (into, total) in into.iter_mut().zip(total) {
            *into += *total;
        }
    });
}

fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    let one = |element: Element, (m, n): (usize, usize)| {
        Case::new(format!("bias {m}x{n} {}", element.name()), limits, choices, vec![], |rec| {
            let dout = rec.kept_of("dout", Kind::Input, &[m, n], element);
            let dbias = rec.kept("dbias", Kind::Input, &[n]);
            backward(rec, dout.into(), n, dbias.into());
            // Columns in the middle of a wider matrix, words in the middle of a longer bias.
            let wide = rec.kept_of("wide", Kind::Input, &[m, n + 5], element);
            let long = rec.kept("long", Kind::Input, &[n + 7]);
            let from = |tensor, offset| Operand { tensor, offset, stride: None };
            rec.scoped("range", |rec| backward(rec, from(wide, 3), n, from(long, 6)));
        })
    };
    elements(&limits, &[(1, 1), (63, 65), (65, 257), (131, 97), (256, 768), (67, 1031)], one)
}
