//! Sixteen numbers at a time: AVX-512. A product is rounded before it is added, as everywhere.

use std::arch::x86_64::{
    __m256i, __m512, _mm512_add_ps, _mm512_cvtph_ps, _mm512_loadu_ps, _mm512_mul_ps, _mm512_set1_ps,
    _mm512_setzero_ps, _mm512_storeu_ps,
};

use half::f16;

use crate::ops::f16c::most::MOST;
use crate::ops::math::prefetch;

/// How often sixteen halves are in 64 bytes, which memory hands out at once.
const LINE: usize = 2;

/// Rows of w that are taken at once where there are several of x: a sum is loaded and stored once for them.
const DEEP: usize = 8;

#[inline]
#[target_feature(enable = "avx512f")]
fn widen(halves: [u16; 16]) -> __m512 {
    _mm512_cvtph_ps(bytemuck::cast::<_, __m256i>(halves))
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
pub fn dots<const N: usize>(x: [&[f32]; N], w: &[u16]) -> [f32; N] {
    let (x, all) = (x.map(|x| x.as_chunks::<16>()), w);
    let (w, w_rest) = w.as_chunks::<16>();
    let mut lanes = [_mm512_setzero_ps(); N];
    for (i, w) in w.iter().enumerate() {
        if i.is_multiple_of(LINE) {
            prefetch(all, all.len() + 16 * i);
        }
        let w = widen(*w);
        for (lanes, (x, _)) in lanes.iter_mut().zip(&x) {
            *lanes = _mm512_add_ps(*lanes, _mm512_mul_ps(load(&x[i]), w));
        }
    }
    std::array::from_fn(|i| {
        let mut of = [0.0_f32; 16];
        store(&mut of, lanes[i]);
        let rest = x[i].1.iter().zip(w_rest).map(|(x, w)| x * f16::from_bits(*w).to_f32());
        rest.fold(of.iter().sum(), |total, product| total + product)
    })
}

#[target_feature(enable = "avx512f")]
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
    let mut done = 0;
    // One row of x waits for memory, whatever is done meanwhile.
    while m > 1 && done + DEEP <= k {
        some_rows::<DEEP>(x, done, &w[done * stride..], stride, columns, sums);
        done += DEEP;
    }
    while done + 4 <= k {
        some_rows::<4>(x, done, &w[done * stride..], stride, columns, sums);
        done += 4;
    }
    for i in done..k {
        some_rows::<1>(x, i, &w[i * stride..], stride, columns, sums);
    }
}

/// Some rows at once: each is widened once for all of x, and a sum is loaded and stored once for them.
#[inline]
#[target_feature(enable = "avx512f")]
fn some_rows<const N: usize>(
    x: &[&[f32]],
    first: usize,
    w: &[u16],
    stride: usize,
    columns: usize,
    sums: &mut [f32],
) {
    let rows: [(&[[u16; 16]], &[u16]); N] = std::array::from_fn(|i| w[i * stride..][..columns].as_chunks());
    let wide = columns / 16;
    for j in 0..wide {
        // The rows behind these, a line of memory at a time.
        if j.is_multiple_of(LINE) {
            (N..2 * N).for_each(|i| prefetch(w, i * stride + 16 * j));
        }
        let weights: [__m512; N] = std::array::from_fn(|i| widen(rows[i].0[j]));
        for (x, sums) in x.iter().zip(sums.chunks_exact_mut(columns)) {
            let x = x[first..].first_chunk::<N>().expect("a factor for each row");
            let sum = sums[16 * j..].first_chunk_mut::<16>().expect("columns of every row");
            let mut total = load(sum);
            for (x, weight) in x.iter().zip(&weights) {
                total = _mm512_add_ps(total, _mm512_mul_ps(_mm512_set1_ps(*x), *weight));
            }
            store(sum, total);
        }
    }
    for (x, sums) in x.iter().zip(sums.chunks_exact_mut(columns)) {
        for (j, sum) in sums[16 * wide..].iter_mut().enumerate() {
            for (x, (_, row)) in x[first..].iter().zip(&rows) {
                *sum += x * f16::from_bits(row[j]).to_f32();
            }
        }
    }
}
