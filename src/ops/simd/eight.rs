//! Eight numbers at a time: AVX, and F16C for halves.

use std::arch::x86_64::{
    __m256, _mm256_add_ps, _mm256_cvtph_ps, _mm256_mul_ps, _mm256_set1_ps, _mm256_setzero_ps,
};

use half::f16;

use crate::ops::math::prefetch;
use crate::ops::simd::weights::{AHEAD, DEEP, Weights, lines};

#[inline]
#[target_feature(enable = "avx,f16c")]
fn widen(halves: &[u16; 8]) -> __m256 {
    _mm256_cvtph_ps(bytemuck::cast(*halves))
}

#[inline]
#[target_feature(enable = "avx")]
fn load(numbers: &[f32; 8]) -> __m256 {
    bytemuck::cast(*numbers)
}

#[inline]
#[target_feature(enable = "avx")]
fn store(numbers: &mut [f32; 8], from: __m256) {
    *numbers = bytemuck::cast(from);
}

#[target_feature(enable = "avx,f16c")]
pub fn dots<const N: usize>(x: [&[f32]; N], w: Weights) -> [f32; N] {
    match w {
        Weights::F32(w) => dots_of(x, w, |w| load(w), |w| w),
        Weights::F16(w) => dots_of(x, w, |w| widen(w), |w| f16::from_bits(w).to_f32()),
    }
}

#[inline]
#[target_feature(enable = "avx,f16c")]
fn dots_of<const N: usize, W: Copy>(
    x: [&[f32]; N],
    w: &[W],
    eight: impl Fn(&[W; 8]) -> __m256,
    one: impl Fn(W) -> f32,
) -> [f32; N] {
    let (wide, rest) = w.as_chunks::<16>();
    // An array's `map` would be a call, and its numbers would go through memory.
    let mut cut: [&[[f32; 16]]; N] = [&[]; N];
    for (cut, x) in cut.iter_mut().zip(x) {
        *cut = &x.as_chunks().0[..wide.len()];
    }
    // As many lanes as where sixteen are taken: the same sums.
    let mut lanes = [[_mm256_setzero_ps(); 2]; N];
    for (i, weights) in wide.iter().enumerate() {
        prefetch(w, w.len() + 16 * i);
        let [low, high] = halves_of(weights);
        let [low, high] = [eight(low), eight(high)];
        for (lanes, x) in lanes.iter_mut().zip(cut) {
            let x = halves_of(&x[i]);
            lanes[0] = _mm256_add_ps(lanes[0], _mm256_mul_ps(load(x[0]), low));
            lanes[1] = _mm256_add_ps(lanes[1], _mm256_mul_ps(load(x[1]), high));
        }
    }
    let mut sums = [0.0; N];
    for ((sum, lanes), x) in sums.iter_mut().zip(lanes).zip(x) {
        let of: [f32; 16] = bytemuck::cast(lanes);
        *sum = of.iter().sum();
        x[16 * wide.len()..].iter().zip(rest).for_each(|(x, w)| *sum += x * one(*w));
    }
    sums
}

/// The first eight of sixteen, and the others.
#[inline(always)]
fn halves_of<T>(of: &[T; 16]) -> [&[T; 8]; 2] {
    let (halves, _) = of.as_chunks();
    [&halves[0], &halves[1]]
}

#[target_feature(enable = "avx,f16c")]
pub fn add_rows(x: (&[f32], usize), size: [usize; 2], w: Weights, stride: usize, sums: &mut [f32]) {
    match w {
        Weights::F32(w) => add_rows_of(x, size, (w, stride), sums, |w| load(w), |w| w),
        Weights::F16(w) => {
            add_rows_of(x, size, (w, stride), sums, |w| widen(w), |w| f16::from_bits(w).to_f32());
        }
    }
}

#[inline]
#[target_feature(enable = "avx,f16c")]
fn add_rows_of<W: Copy>(
    (x, x_stride): (&[f32], usize),
    [m, k]: [usize; 2],
    (w, stride): (&[W], usize),
    sums: &mut [f32],
    eight: impl Fn(&[W; 8]) -> __m256 + Copy,
    one: impl Fn(W) -> f32,
) {
    let columns = sums.len() / m;
    for first in (0..k).step_by(DEEP) {
        let (x, w) = (&x[first..], &w[first * stride..]);
        let deep = DEEP.min(k - first);
        let of = Tiles { x, x_stride, w, stride, deep, columns };
        let mut at = 0;
        while at + 16 <= columns {
            of.rows::<2>(m, at, sums, eight);
            at += 16;
        }
        if at + 8 <= columns {
            of.rows::<1>(m, at, sums, eight);
            at += 8;
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
    /// Adds to 8·C columns of all m rows' sums, from column `at` on.
    #[inline]
    #[target_feature(enable = "avx,f16c")]
    fn rows<const C: usize>(
        self,
        m: usize,
        at: usize,
        sums: &mut [f32],
        eight: impl Fn(&[W; 8]) -> __m256 + Copy,
    ) {
        let mut row = 0;
        while row + 4 <= m {
            self.tile::<4, C>(row, at, sums, eight);
            row += 4;
        }
        if row + 2 <= m {
            self.tile::<2, C>(row, at, sums, eight);
            row += 2;
        }
        if row < m {
            self.tile::<1, C>(row, at, sums, eight);
        }
    }

    /// R rows' sums of 8·C columns: they stay in registers, and what is loaded of w serves all R.
    #[inline]
    #[target_feature(enable = "avx,f16c")]
    fn tile<const R: usize, const C: usize>(
        self,
        row: usize,
        at: usize,
        sums: &mut [f32],
        eight: impl Fn(&[W; 8]) -> __m256,
    ) {
        let Tiles { x, x_stride, w, stride, deep, columns } = self;
        let x: [&[f32]; R] = std::array::from_fn(|r| &x[(row + r) * x_stride..][..deep]);
        let place = |r: usize, c: usize| (row + r) * columns + at + 8 * c;
        let mut totals = [[_mm256_setzero_ps(); C]; R];
        for (r, totals) in totals.iter_mut().enumerate() {
            for (c, total) in totals.iter_mut().enumerate() {
                *total = load(sums[place(r, c)..].first_chunk().expect("eight columns"));
            }
        }
        for i in 0..deep {
            let all = w[i * stride + at..].as_chunks::<8>().0.first_chunk::<C>().expect("a whole row");
            for line in lines::<W>(8 * C) {
                prefetch(w, i * stride + at + AHEAD + line);
            }
            let mut weights = [_mm256_setzero_ps(); C];
            for (weight, of) in weights.iter_mut().zip(all) {
                *weight = eight(of);
            }
            for (totals, x) in totals.iter_mut().zip(x) {
                let x = _mm256_set1_ps(x[i]);
                for (total, weight) in totals.iter_mut().zip(weights) {
                    *total = _mm256_add_ps(*total, _mm256_mul_ps(x, weight));
                }
            }
        }
        for (r, totals) in totals.into_iter().enumerate() {
            for (c, total) in totals.into_iter().enumerate() {
                store(sums[place(r, c)..].first_chunk_mut().expect("eight columns"), total);
            }
        }
    }
}
