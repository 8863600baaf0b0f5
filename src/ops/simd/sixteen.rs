//! Sixteen numbers at a time: AVX-512. A product is rounded before it is added, as everywhere.

use std::arch::x86_64::{
    __m256i, __m512, _mm512_add_ps, _mm512_cvtph_ps, _mm512_loadu_ps, _mm512_mul_ps, _mm512_set1_ps,
    _mm512_setzero_ps, _mm512_storeu_ps,
};

use half::f16;

use crate::ops::math::prefetch;
use crate::ops::simd::weights::{AHEAD, DEEP, Weights, lines};

#[inline]
#[target_feature(enable = "avx512f")]
fn widen(halves: &[u16; 16]) -> __m512 {
    _mm512_cvtph_ps(bytemuck::cast::<_, __m256i>(*halves))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(numbers: &[f32; 16]) -> __m512 {
    // SAFETY: sixteen numbers are there.
    unsafe { _mm512_loadu_ps(numbers.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(numbers: &mut [f32; 16], from: __m512) {
    // SAFETY: sixteen numbers are there.
    unsafe { _mm512_storeu_ps(numbers.as_mut_ptr(), from) }
}

#[target_feature(enable = "avx512f")]
pub fn dots<const N: usize>(x: [&[f32]; N], w: Weights) -> [f32; N] {
    match w {
        Weights::F32(w) => dots_of(x, w, |w| load(w), |w| w),
        Weights::F16(w) => dots_of(x, w, |w| widen(w), |w| f16::from_bits(w).to_f32()),
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn dots_of<const N: usize, W: Copy>(
    x: [&[f32]; N],
    w: &[W],
    sixteen: impl Fn(&[W; 16]) -> __m512,
    one: impl Fn(W) -> f32,
) -> [f32; N] {
    let (wide, rest) = w.as_chunks::<16>();
    // An array's `map` would be a call, and its numbers would go through memory.
    let mut cut: [&[[f32; 16]]; N] = [&[]; N];
    for (cut, x) in cut.iter_mut().zip(x) {
        *cut = &x.as_chunks().0[..wide.len()];
    }
    let mut lanes = [_mm512_setzero_ps(); N];
    for (i, weights) in wide.iter().enumerate() {
        prefetch(w, w.len() + 16 * i);
        let weights = sixteen(weights);
        for (lanes, x) in lanes.iter_mut().zip(cut) {
            *lanes = _mm512_add_ps(*lanes, _mm512_mul_ps(load(&x[i]), weights));
        }
    }
    let mut sums = [0.0; N];
    for ((sum, lanes), x) in sums.iter_mut().zip(lanes).zip(x) {
        let mut of = [0.0_f32; 16];
        store(&mut of, lanes);
        *sum = of.iter().sum();
        x[16 * wide.len()..].iter().zip(rest).for_each(|(x, w)| *sum += x * one(*w));
    }
    sums
}

#[target_feature(enable = "avx512f")]
pub fn add_rows(x: (&[f32], usize), size: [usize; 2], w: Weights, stride: usize, sums: &mut [f32]) {
    match w {
        Weights::F32(w) => add_rows_of(x, size, (w, stride), sums, |w| load(w), |w| w),
        Weights::F16(w) => {
            add_rows_of(x, size, (w, stride), sums, |w| widen(w), |w| f16::from_bits(w).to_f32());
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add_rows_of<W: Copy>(
    (x, x_stride): (&[f32], usize),
    [m, k]: [usize; 2],
    (w, stride): (&[W], usize),
    sums: &mut [f32],
    sixteen: impl Fn(&[W; 16]) -> __m512 + Copy,
    one: impl Fn(W) -> f32,
) {
    let columns = sums.len() / m;
    for first in (0..k).step_by(DEEP) {
        let (x, w) = (&x[first..], &w[first * stride..]);
        let deep = DEEP.min(k - first);
        let of = Tiles { x, x_stride, w, stride, deep, columns };
        let mut at = 0;
        while at + 32 <= columns {
            of.rows::<2>(m, at, sums, sixteen);
            at += 32;
        }
        if at + 16 <= columns {
            of.rows::<1>(m, at, sums, sixteen);
            at += 16;
        }
        for (x, sums) in x.chunks(x_stride).zip(sums.chunks_exact_mut(columns)) {
            for (j, sum) in sums.iter_mut().enumerate().skip(at) {
                x[..deep].iter().zip(w.chunks(stride)).for_each(|(x, row)| *sum += x * one(row[j]));
            }
        }
    }
}

/// Some rows of w, and of x what they are multiplied by.
#[derive(Clone, Copy)]
struct Tiles<'a, W> {
    x: &'a [f32],
    x_stride: usize,
    w: &'a [W],
    stride: usize,
    deep: usize,
    columns: usize,
}

impl<W: Copy> Tiles<'_, W> {
    /// Adds to 16·C columns of all m rows' sums, from column `at` on.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn rows<const C: usize>(
        self,
        m: usize,
        at: usize,
        sums: &mut [f32],
        sixteen: impl Fn(&[W; 16]) -> __m512 + Copy,
    ) {
        let mut row = 0;
        while row + 8 <= m {
            self.tile::<8, C>(row, at, sums, sixteen);
            row += 8;
        }
        if row + 4 <= m {
            self.tile::<4, C>(row, at, sums, sixteen);
            row += 4;
        }
        if row + 2 <= m {
            self.tile::<2, C>(row, at, sums, sixteen);
            row += 2;
        }
        if row < m {
            self.tile::<1, C>(row, at, sums, sixteen);
        }
    }

    /// R rows' sums of 16·C columns: they stay in registers, and what is loaded of w serves all R.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn tile<const R: usize, const C: usize>(
        self,
        row: usize,
        at: usize,
        sums: &mut [f32],
        sixteen: impl Fn(&[W; 16]) -> __m512,
    ) {
        let Tiles { x, x_stride, w, stride, deep, columns } = self;
        let x: [&[f32]; R] = std::array::from_fn(|r| &x[(row + r) * x_stride..][..deep]);
        let place = |r: usize, c: usize| (row + r) * columns + at + 16 * c;
        let mut totals = [[_mm512_setzero_ps(); C]; R];
        for (r, totals) in totals.iter_mut().enumerate() {
            for (c, total) in totals.iter_mut().enumerate() {
                *total = load(sums[place(r, c)..].first_chunk().expect("sixteen columns"));
            }
        }
        for i in 0..deep {
            let all = w[i * stride + at..].as_chunks::<16>().0.first_chunk::<C>().expect("a whole row");
            for line in lines::<W>(16 * C) {
                prefetch(w, i * stride + at + AHEAD + line);
            }
            let mut weights = [_mm512_setzero_ps(); C];
            for (weight, of) in weights.iter_mut().zip(all) {
                *weight = sixteen(of);
            }
            for (totals, x) in totals.iter_mut().zip(x) {
                let x = _mm512_set1_ps(x[i]);
                for (total, weight) in totals.iter_mut().zip(weights) {
                    *total = _mm512_add_ps(*total, _mm512_mul_ps(x, weight));
                }
            }
        }
        for (r, totals) in totals.into_iter().enumerate() {
            for (c, total) in totals.into_iter().enumerate() {
                store(sums[place(r, c)..].first_chunk_mut().expect("sixteen columns"), total);
            }
        }
    }
}
