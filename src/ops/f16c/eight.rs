//! Eight numbers at a time: AVX and F16C.

use std::arch::x86_64::{__m256, _mm256_add_ps, _mm256_cvtph_ps, _mm256_mul_ps, _mm256_set1_ps};

use half::f16;

use crate::ops::f16c::most::MOST;
use crate::ops::math::prefetch;

/// How often eight halves are in 64 bytes, which memory hands out at once.
const LINE: usize = 4;

#[inline]
#[target_feature(enable = "avx,f16c")]
fn widen(halves: [u16; 8]) -> __m256 {
    _mm256_cvtph_ps(bytemuck::cast(halves))
}

#[target_feature(enable = "avx,f16c")]
pub fn dots<const N: usize>(x: [&[f32]; N], w: &[u16]) -> [f32; N] {
    let (x, all) = (x.map(|x| x.as_chunks::<16>()), w);
    let (w, w_rest) = w.as_chunks::<16>();
    let mut lanes = [[_mm256_set1_ps(0.0); 2]; N];
    for (i, w) in w.iter().enumerate() {
        if (2 * i).is_multiple_of(LINE) {
            prefetch(all, all.len() + 16 * i);
        }
        let w: [[u16; 8]; 2] = bytemuck::cast(*w);
        let w = [widen(w[0]), widen(w[1])];
        for (lanes, (x, _)) in lanes.iter_mut().zip(&x) {
            let x: [__m256; 2] = bytemuck::cast(x[i]);
            lanes[0] = _mm256_add_ps(lanes[0], _mm256_mul_ps(x[0], w[0]));
            lanes[1] = _mm256_add_ps(lanes[1], _mm256_mul_ps(x[1], w[1]));
        }
    }
    std::array::from_fn(|i| {
        let lanes: [f32; 16] = bytemuck::cast(lanes[i]);
        let rest = x[i].1.iter().zip(w_rest).map(|(x, w)| x * f16::from_bits(*w).to_f32());
        rest.fold(lanes.iter().sum(), |total, product| total + product)
    })
}

#[target_feature(enable = "avx,f16c")]
pub fn add_rows(
    (x, x_stride): (&[f32], usize),
    [m, k]: [usize; 2],
    w: &[u16],
    stride: usize,
    sums: &mut [f32],
) {
    let columns = sums.len() / m;
    let x: [&[f32]; MOST] = std::array::from_fn(|r| if r < m { &x[r * x_stride..][..k] } else { &[] });
    let x = &x[..m];
    for i in (0..k / 4 * 4).step_by(4) {
        some_rows::<4>(x, i, &w[i * stride..], stride, columns, sums);
    }
    for i in k / 4 * 4..k {
        some_rows::<1>(x, i, &w[i * stride..], stride, columns, sums);
    }
}

/// Some rows at once: each is widened once for all of x, and a sum is loaded and stored once for them.
#[inline]
#[target_feature(enable = "avx,f16c")]
fn some_rows<const N: usize>(
    x: &[&[f32]],
    first: usize,
    w: &[u16],
    stride: usize,
    columns: usize,
    sums: &mut [f32],
) {
    let rows: [(&[[u16; 8]], &[u16]); N] = std::array::from_fn(|i| w[i * stride..][..columns].as_chunks());
    let mut factors = [[_mm256_set1_ps(0.0); N]; MOST];
    for (factors, x) in factors.iter_mut().zip(x) {
        *factors = std::array::from_fn(|i| _mm256_set1_ps(x[first + i]));
    }
    let wide = columns / 8;
    for j in 0..wide {
        // The rows behind these, a line of memory at a time.
        if j.is_multiple_of(LINE) {
            (N..2 * N).for_each(|i| prefetch(w, i * stride + 8 * j));
        }
        let weights: [__m256; N] = std::array::from_fn(|i| widen(rows[i].0[j]));
        for (i, factors) in factors[..x.len()].iter().enumerate() {
            let sum = sums[i * columns + 8 * j..].first_chunk_mut::<8>().expect("columns of every row");
            let mut total: __m256 = bytemuck::cast(*sum);
            for (factor, weight) in factors.iter().zip(&weights) {
                total = _mm256_add_ps(total, _mm256_mul_ps(*factor, *weight));
            }
            *sum = bytemuck::cast(total);
        }
    }
    for (x, sums) in x.iter().zip(sums.chunks_exact_mut(columns)) {
        for (j, sum) in sums[8 * wide..].iter_mut().enumerate() {
            for (x, (_, row)) in x[first..].iter().zip(&rows) {
                *sum += x * f16::from_bits(row[j]).to_f32();
            }
        }
    }
}
