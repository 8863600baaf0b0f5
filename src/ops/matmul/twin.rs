//! The product on the CPU, by the `gemm` crate, whose bits do not depend on the number of threads (tests hold it to that).

use rayon::prelude::*;

use crate::device::element::round_f16;
use crate::device::{Call, Element, View as Stored};
use crate::ops::matmul::Layout;
use crate::ops::{gelu, load};

/// A matrix for the `gemm` crate: its elements, and the steps from row to row and from column to column.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub data: &'a [f32],
    pub rs: usize,
    pub cs: usize,
}

/// c (m,n; rows `c_rs` apart) = or += scale·a·b, by the `gemm` crate.
pub(crate) fn gemm(
    [m, n, k]: [usize; 3],
    a: View,
    b: View,
    (c, c_rs): (&mut [f32], usize),
    (scale, accumulate): (f32, bool),
    parallel: bool,
) {
    let last = |rows: usize, rs: usize, cols: usize, cs: usize| (rows - 1) * rs + (cols - 1) * cs;
    assert!(last(m, a.rs, k, a.cs) < a.data.len(), "a lies within its slice");
    assert!(last(k, b.rs, n, b.cs) < b.data.len(), "b lies within its slice");
    assert!(last(m, c_rs, n, 1) < c.len(), "c lies within its slice");
    let parallelism = if parallel { gemm::Parallelism::Rayon(0) } else { gemm::Parallelism::None };
    let (a_step, b_step) = ((a.cs as isize, a.rs as isize), (b.cs as isize, b.rs as isize));
    let (a, b, c) = (a.data.as_ptr(), b.data.as_ptr(), c.as_mut_ptr());
    // SAFETY: the three asserts hold every index that gemm forms, (rows−1)·rs + (cols−1)·cs at most, inside its slice;
    // c is borrowed mutably, so it aliases neither operand.
    unsafe {
        let one = if accumulate { 1.0 } else { 0.0 };
        gemm::gemm(
            m,
            n,
            k,
            c,
            1,
            c_rs as isize,
            accumulate,
            a,
            a_step.0,
            a_step.1,
            b,
            b_step.0,
            b_step.1,
            one,
            scale,
            false,
            false,
            false,
            parallelism,
        );
    }
}

pub(super) fn plain(call: &mut Call) {
    let ([a, b], [c]) = call.views();
    multiply(call, a, b, None, c);
}

pub(super) fn bias(call: &mut Call) {
    let ([a, b, bias], [c]) = call.views();
    multiply(call, a, b, Some(bias.f32()), c);
}

pub(super) fn gelu(call: &mut Call) {
    let ([a, b, bias], [c, act]) = call.views();
    multiply(call, a, b, Some(bias.f32()), c);
    // Of what is stored, as a backward makes it again.
    let (halves, (rows, n)) = (is_half(call), rows(call, c));
    rows.zip(act.par_chunks_mut(n)).for_each(|(c, act)| {
        if halves {
            round_f16(c);
        }
        gelu::apply(c, act);
    });
}

pub(super) fn slope(call: &mut Call) {
    let ([a, b, pre], [c]) = call.views();
    multiply(call, a, b, None, c);
    let (rows, n) = rows(call, c);
    rows.zip(pre.f32().par_chunks(n)).for_each(|(c, pre)| gelu::slope(pre, c));
}

/// The rows of c, n elements each, and n.
fn rows<'c>(call: &Call, c: &'c mut [f32]) -> (impl IndexedParallelIterator<Item = &'c mut [f32]>, usize) {
    let [m, _, n, _, _, c0, _, _, ldc, ..]: [usize; 11] = call.dims();
    (c[c0..].par_chunks_mut(ldc).take(m).map(move |row| &mut row[..n]), n)
}

/// Whether c is stored in half precision.
fn is_half(call: &Call) -> bool {
    call.consts.iter().any(|of| *of == load::act("Out", Element::F16))
}

/// Adds up the parts of a product whose depths are split.
pub(super) fn reduce(call: &mut Call) {
    let [m, n, c0, ldc] = call.dims();
    let (splits, accumulate) = (call.number("SPLITS"), call.flag("ACC"));
    let ([parts], [c]) = call.tensors();
    c[c0..].par_chunks_mut(ldc).take(m).enumerate().for_each(|(row, c)| {
        for (col, c) in c[..n].iter_mut().enumerate() {
            let sum = (0..splits).fold(0.0, |sum, part| sum + parts[(part * m + row) * n + col]);
            *c = if accumulate { *c + sum } else { sum };
        }
    });
}

/// Multiplies; over one part of the depths after the other where a variant splits them.
fn multiply(call: &Call, a: Stored, b: Stored, bias: Option<&[f32]>, c: &mut [f32]) {
    let [m, k, n, a0, b0, c0, lda, ldb, ldc, alpha, bias0] = call.dims();
    let Some(splits) = call.find_number("SPLITS") else {
        return part(call, a, b, bias, c, [m, k, n, a0, b0, c0, lda, ldb, ldc, alpha, bias0]);
    };
    // Splits are of transposed products, whose depths are rows.
    let span = k.div_ceil(splits * call.number("BK")) * call.number("BK");
    for i in 0..splits {
        let (first, end) = ((i * span).min(k), ((i + 1) * span).min(k));
        let c = &mut c[i * m * n..][..m * n];
        match end - first {
            0 => c.fill(0.0),
            depth => part(
                call,
                a,
                b,
                None,
                c,
                [m, depth, n, a0 + first * lda, b0 + first * ldb, 0, lda, ldb, n, alpha, 0],
            ),
        }
    }
}

fn part(call: &Call, a: Stored, b: Stored, bias: Option<&[f32]>, c: &mut [f32], dims: [usize; 11]) {
    let [m, k, n, a0, b0, c0, lda, ldb, ldc, alpha, bias0] = dims;
    let layout = call.number("LAYOUT");
    let row_major = |data, rs| View { data, rs, cs: 1 };
    let col_major = |data, cs| View { data, rs: 1, cs };
    let a = &a.f32()[a0..];
    let a = if layout == Layout::TN as usize { col_major(a, lda) } else { row_major(a, lda) };
    let b_steps = |stride| if layout == Layout::NT as usize { (1, stride) } else { (stride, 1) };
    let c = &mut c[c0..];
    let mut accumulate = call.flag("ACC");
    if let Some(bias) = bias {
        let bias = &bias[bias0..bias0 + n];
        for row in c.chunks_mut(ldc).take(m) {
            if accumulate {
                row.iter_mut().zip(bias).for_each(|(c, b)| *c += b);
            } else {
                row[..n].copy_from_slice(bias);
            }
        }
        accumulate = true;
    }
    let how = (f32::from_bits(alpha as u32), accumulate);
    if b.element() == Element::F32 {
        let (rs, cs) = b_steps(ldb);
        return gemm([m, n, k], a, View { data: &b.f32()[b0..], rs, cs }, (c, ldc), how, true);
    }
    load::with(&load::WIDENED, |buffer| {
        for columns in load::columns(m, k, n) {
            let (j, n) = (columns.start, columns.len());
            let (first, rows, cols) = if layout == Layout::NT as usize { (j * ldb, n, k) } else { (j, k, n) };
            let data = load::rectangle(&b, b0 + first, ldb, [rows, cols], buffer);
            let (rs, cs) = b_steps(cols);
            gemm([m, n, k], a, View { data, rs, cs }, (&mut c[j..], ldc), how, true);
        }
    });
}
