//! Decoding over weights that rest in half precision, by x86's own conversion: eight numbers widened where they are loaded, in
//! registers. Through a buffer, as other processors and other elements go, it is storing and loading that takes the time, and the
//! memory waits. The sums are the same, in the same order: the same bits.

/// Whether this processor has it.
pub fn here() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::is_x86_feature_detected!("avx") && std::is_x86_feature_detected!("f16c");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// `math::dot` of numbers and halves.
///
/// # Panics
/// Where it is not [`here`], or the lengths differ.
pub fn dot(x: &[f32], w: &[u16]) -> f32 {
    assert!(here() && x.len() == w.len(), "as many halves, on a processor that has f16c");
    #[cfg(target_arch = "x86_64")]
    // SAFETY: asserted just now.
    return unsafe { x86::dot(x, w) };
    #[cfg(not(target_arch = "x86_64"))]
    unreachable!("asserted just now")
}

/// sums += Σ x[i]·row i, in the order of the rows; row i begins at `w[i·stride]` and is as long as the sums.
///
/// # Panics
/// Where it is not [`here`], or a row is not whole.
pub fn add_rows(x: &[f32], w: &[u16], stride: usize, sums: &mut [f32]) {
    assert!(here(), "a processor that has f16c");
    #[cfg(target_arch = "x86_64")]
    // SAFETY: asserted just now.
    unsafe {
        x86::add_rows(x, w, stride, sums)
    };
    #[cfg(not(target_arch = "x86_64"))]
    unreachable!("asserted just now: {x:?} {w:?} {stride} {sums:?}")
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{__m256, _mm256_add_ps, _mm256_cvtph_ps, _mm256_mul_ps, _mm256_set1_ps};

    use half::f16;

    #[inline]
    #[target_feature(enable = "avx,f16c")]
    fn widen(halves: [u16; 8]) -> __m256 {
        _mm256_cvtph_ps(bytemuck::cast(halves))
    }

    #[target_feature(enable = "avx,f16c")]
    pub fn dot(x: &[f32], w: &[u16]) -> f32 {
        let ((x, x_rest), (w, w_rest)) = (x.as_chunks::<16>(), w.as_chunks::<16>());
        let mut lanes = [_mm256_set1_ps(0.0); 2];
        for (x, w) in x.iter().zip(w) {
            let (x, w): ([__m256; 2], [[u16; 8]; 2]) = (bytemuck::cast(*x), bytemuck::cast(*w));
            for (lane, (x, w)) in lanes.iter_mut().zip(x.into_iter().zip(w)) {
                *lane = _mm256_add_ps(*lane, _mm256_mul_ps(x, widen(w)));
            }
        }
        let lanes: [f32; 16] = bytemuck::cast(lanes);
        let rest = x_rest.iter().zip(w_rest).map(|(x, w)| x * f16::from_bits(*w).to_f32());
        rest.fold(lanes.iter().sum(), |total, product| total + product)
    }

    #[target_feature(enable = "avx,f16c")]
    pub fn add_rows(x: &[f32], w: &[u16], stride: usize, sums: &mut [f32]) {
        let (fours, rest) = x.as_chunks::<4>();
        for (i, x) in fours.iter().enumerate() {
            some_rows(x, &w[4 * i * stride..], stride, sums);
        }
        for (i, x) in (4 * fours.len()..).zip(rest) {
            some_rows(&[*x], &w[i * stride..], stride, sums);
        }
    }

    /// Some rows at once: a sum is loaded and stored once for them.
    #[inline]
    #[target_feature(enable = "avx,f16c")]
    fn some_rows<const N: usize>(x: &[f32; N], w: &[u16], stride: usize, sums: &mut [f32]) {
        let n = sums.len();
        let rows: [(&[[u16; 8]], &[u16]); N] = std::array::from_fn(|i| w[i * stride..][..n].as_chunks());
        let (wide, narrow) = sums.as_chunks_mut::<8>();
        let factors: [__m256; N] = std::array::from_fn(|i| _mm256_set1_ps(x[i]));
        for (j, sum) in wide.iter_mut().enumerate() {
            let mut total: __m256 = bytemuck::cast(*sum);
            for (factor, (row, _)) in factors.iter().zip(&rows) {
                total = _mm256_add_ps(total, _mm256_mul_ps(*factor, widen(row[j])));
            }
            *sum = bytemuck::cast(total);
        }
        for (j, sum) in narrow.iter_mut().enumerate() {
            for (x, (_, row)) in x.iter().zip(&rows) {
                *sum += x * f16::from_bits(row[j]).to_f32();
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
            assert_eq!(dot(&x, &w).to_bits(), math::dot(&x, &widened).to_bits(), "{n}");
        }
        for (rows, n, stride) in [(1, 1, 1), (3, 7, 9), (4, 8, 8), (9, 100, 131), (64, 768, 768)] {
            let (_, w, widened) = numbers(rows * stride);
            let x = &numbers(rows).0;
            let mut sums = vec![0.5; n];
            let mut expected = sums.clone();
            add_rows(x, &w, stride, &mut sums);
            for (x, row) in x.iter().zip(widened.chunks(stride)) {
                expected.iter_mut().zip(row).for_each(|(sum, w)| *sum += x * w);
            }
            assert_eq!(sums, expected, "{rows} rows of {n}");
        }
    }
}
