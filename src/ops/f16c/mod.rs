//! Decoding over weights that rest in half precision, by x86's own conversion: eight numbers widened where they are loaded, in
//! registers. Through a buffer, as other processors and other elements go, it is storing and loading that takes the time, and the
//! memory waits. The sums are the same, in the same order: the same bits.

/// The most rows of x that are multiplied at once.
pub const MOST: usize = 16;

/// Whether this processor has it.
pub fn here() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::is_x86_feature_detected!("avx") && std::is_x86_feature_detected!("f16c");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// `math::dots` of numbers and halves. The row behind w is asked for, as there.
///
/// # Panics
/// Where it is not [`here`], or the lengths differ.
pub fn dots<const N: usize>(x: [&[f32]; N], w: &[u16]) -> [f32; N] {
    assert!(here() && x.iter().all(|x| x.len() == w.len()), "as many halves, on a processor that has f16c");
    #[cfg(target_arch = "x86_64")]
    // SAFETY: asserted just now.
    return unsafe { x86::dots(x, w) };
    #[cfg(not(target_arch = "x86_64"))]
    unreachable!("asserted just now")
}

/// For each of m rows of x, `x_stride` apart, sums += Σ x[i]·row i, in the order of the k rows of w; row i begins at `w[i·stride]`
/// and is as long as that row's part of the sums (m,columns).
///
/// # Panics
/// Where it is not [`here`], or a row is not whole.
pub fn add_rows(
    (x, x_stride): (&[f32], usize),
    [m, k]: [usize; 2],
    w: &[u16],
    stride: usize,
    sums: &mut [f32],
) {
    assert!(here(), "a processor that has f16c");
    #[cfg(target_arch = "x86_64")]
    // SAFETY: asserted just now.
    unsafe {
        x86::add_rows((x, x_stride), [m, k], w, stride, sums)
    };
    #[cfg(not(target_arch = "x86_64"))]
    unreachable!("asserted just now: {x:?} {x_stride} {m} {k} {w:?} {stride} {sums:?}")
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{__m256, _mm256_add_ps, _mm256_cvtph_ps, _mm256_mul_ps, _mm256_set1_ps};

    use half::f16;

    use super::MOST;
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
        let rows: [(&[[u16; 8]], &[u16]); N] =
            std::array::from_fn(|i| w[i * stride..][..columns].as_chunks());
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
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;
    use crate::ops::math;

    fn numbers(n: usize) -> (Vec<f32>, Vec<u16>, Vec<f32>) {
        let x: Vec<f32> = (0..n).map(|i| (i * 7919 % 1009) as f32 / 100.0 - 5.0).collect();
        let w: Vec<u16> =
            (0..n).map(|i| f16::from_f32((i * 104_729 % 997) as f32 / 50.0 - 10.0).to_bits()).collect();
        let widened = w.iter().map(|&w| f16::from_bits(w).to_f32()).collect();
        (x, w, widened)
    }

    /// A processor without it has nothing to be tried here: it goes through the buffer.
    #[test]
    fn the_bits_are_those_of_the_buffer() {
        if !here() {
            return;
        }
        for n in [1, 15, 16, 17, 97, 768] {
            let (x, w, widened) = numbers(n);
            let y = &numbers(n + 1).0[1..];
            let expected = [&x[..], y, &x].map(|x| math::dot(x, &widened).to_bits());
            assert_eq!(dots([&x, y, &x], &w).map(f32::to_bits), expected, "{n}");
        }
        for (rows, n, stride) in [(1, 1, 1), (3, 7, 9), (4, 8, 8), (9, 100, 131), (64, 768, 768)] {
            let (_, w, widened) = numbers(rows * stride);
            let m = 3;
            let x = &numbers(m * (rows + 2)).0;
            let mut sums = vec![0.5; m * n];
            let mut expected = sums.clone();
            add_rows((x, rows + 2), [m, rows], &w, stride, &mut sums);
            for (expected, x) in expected.chunks_mut(n).zip(x.chunks(rows + 2)) {
                for (x, row) in x[..rows].iter().zip(widened.chunks(stride)) {
                    expected.iter_mut().zip(row).for_each(|(sum, w)| *sum += x * w);
                }
            }
            assert_eq!(sums, expected, "{rows} rows of {n}");
        }
    }
}
