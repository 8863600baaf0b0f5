//! The product on the CPU, by the `gemm` crate. Its bits do not depend on the number of threads (tests hold it to that): an element's
//! sum is in the order of its depth, whatever part of the product it is in.

use rayon::prelude::*;

use crate::device::element::round_f16;
use crate::device::{Call, Element, View as Stored};
use crate::ops::matmul::shape::Layout;
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
    // A part of c a thread, each with panels of its own: the crate's threads, which share them, wait for each other.
    let [rows, cols] = if parallel { parts(m, n, rayon::current_num_threads()) } else { [1, 1] };
    let (a, b, c) = (a.at(), b.at(), At(c.as_mut_ptr(), c_rs as isize, 1));
    let one = |i: usize| {
        let ((i0, m), (j0, n)) = (part_of(m, rows, i / cols), part_of(n, cols, i % cols));
        // SAFETY: the three asserts hold every index that gemm forms of the whole product, (rows−1)·rs + (cols−1)·cs at most, inside its
        // slice, and a part's are among those; no two parts share an element of c, which is borrowed mutably, so that it aliases
        // neither operand.
        unsafe { serial([m, n, k], a.moved(i0, 0), b.moved(0, j0), c.moved(i0, j0), (scale, accumulate)) }
    };
    match rows * cols {
        1 => one(0),
        all => (0..all).into_par_iter().with_max_len(1).for_each(one),
    }
}

/// The fewest rows and columns of a part: enough that what it packs is used often.
const PART: [usize; 2] = [64, 96];

/// Into how many parts of the rows and of the columns a product is cut for so many threads.
fn parts(m: usize, n: usize, threads: usize) -> [usize; 2] {
    // One row is multiplied in another way, whose order depends on the columns.
    if m < 2 {
        return [1, 1];
    }
    // And enough that its sums are in the order of the whole's (`load::columns`): more than 64 columns and 256 elements.
    let least = PART[1].max(256 / m + 33);
    let cols = threads.min(n / least).max(1);
    [threads.div_ceil(cols).min(m / PART[0]).max(1), cols]
}

/// The first of part i of n, and how many it has: a multiple of 32, but for the last.
fn part_of(n: usize, parts: usize, i: usize) -> (usize, usize) {
    let start = |i: usize| if i == parts { n } else { i * n / parts / 32 * 32 };
    (start(i), start(i + 1) - start(i))
}

/// A matrix's first element, and the steps from row to row and from column to column.
#[derive(Clone, Copy)]
struct At<P>(P, isize, isize);

// SAFETY: a place is no access; what is done there stands where it is done.
unsafe impl<P> Send for At<P> {}
// SAFETY: as above.
unsafe impl<P> Sync for At<P> {}

impl View<'_> {
    fn at(&self) -> At<*const f32> {
        At(self.data.as_ptr(), self.rs as isize, self.cs as isize)
    }
}

impl At<*const f32> {
    /// The matrix from this row and column on.
    unsafe fn moved(self, row: usize, col: usize) -> Self {
        // SAFETY: the caller's matrix has that row and column.
        At(unsafe { self.0.offset(row as isize * self.1 + col as isize * self.2) }, self.1, self.2)
    }
}

impl At<*mut f32> {
    /// The matrix from this row and column on.
    unsafe fn moved(self, row: usize, col: usize) -> Self {
        // SAFETY: the caller's matrix has that row and column.
        At(unsafe { self.0.offset(row as isize * self.1 + col as isize * self.2) }, self.1, self.2)
    }
}

/// c = or += scale·a·b, on this thread.
///
/// # Safety
/// The three matrices lie where they may be read and, c, written; nobody else writes c meanwhile.
unsafe fn serial(
    [m, n, k]: [usize; 3],
    a: At<*const f32>,
    b: At<*const f32>,
    c: At<*mut f32>,
    (scale, accumulate): (f32, bool),
) {
    let one = if accumulate { 1.0 } else { 0.0 };
    // SAFETY: the caller's.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.0,
            c.2,
            c.1,
            accumulate,
            a.0,
            a.2,
            a.1,
            b.0,
            b.2,
            b.1,
            one,
            scale,
            false,
            false,
            false,
            gemm::Parallelism::None,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_large_and_cover_all() {
        assert_eq!(parts(256, 768, 2), [1, 2]);
        assert_eq!(parts(256, 768, 16), [2, 8]);
        assert_eq!(parts(8192, 64, 6), [6, 1]);
        assert_eq!([parts(8, 100, 4), parts(1, 3072, 4)], [[1, 1]; 2]);
        for (m, n) in [(2, 266), (2, 800), (3, 240), (4, 300)] {
            let [_, cols] = parts(m, n, 8);
            assert!((0..cols).all(|i| m * part_of(n, cols, i).1 > 256), "{m}x{n} in {cols}");
        }
        for (n, of) in [(768, 8), (97, 1), (25_105, 7), (200, 2)] {
            let all: Vec<_> = (0..of).map(|i| part_of(n, of, i)).collect();
            assert!(all.windows(2).all(|pair| pair[0].0 + pair[0].1 == pair[1].0));
            assert_eq!((all[0].0, all[of - 1].0 + all[of - 1].1), (0, n));
            assert!(all.iter().all(|&(_, len)| len > 64));
        }
    }
}
