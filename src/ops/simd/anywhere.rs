//! By what the compiler makes of the loops of `ops::math`. They are simple ones: of loops over the rows of a tile it makes no vector code.

use crate::ops::math::{dot, prefetch};

#[inline(always)]
pub fn dots<const N: usize>(x: [&[f32]; N], w: &[f32]) -> [f32; N] {
    (0..w.len()).step_by(16).for_each(|i| prefetch(w, w.len() + i));
    x.map(|x| dot(x, w))
}

/// Four rows at a time: a sum is loaded and stored once for them, and they are added in their order.
#[inline(always)]
pub fn add_rows(
    (x, x_stride): (&[f32], usize),
    [m, k]: [usize; 2],
    w: &[f32],
    stride: usize,
    sums: &mut [f32],
) {
    let columns = sums.len() / m;
    let row = |i: usize| &w[i * stride..][..columns];
    for first in (0..k / 4 * 4).step_by(4) {
        let [a, b, c, d] = std::array::from_fn(|i| row(first + i));
        for (i, sums) in sums.chunks_exact_mut(columns).enumerate() {
            let x = &x[i * x_stride + first..][..4];
            let rows = sums.iter_mut().zip(a).zip(b).zip(c).zip(d);
            rows.for_each(|((((sum, a), b), c), d)| {
                *sum = *sum + x[0] * a + x[1] * b + x[2] * c + x[3] * d;
            });
        }
    }
    for first in k / 4 * 4..k {
        for (i, sums) in sums.chunks_exact_mut(columns).enumerate() {
            let x = x[i * x_stride + first];
            sums.iter_mut().zip(row(first)).for_each(|(sum, w)| *sum += x * w);
        }
    }
}
