//! Decoding over weights that rest in half precision, by x86's own conversion: eight numbers, or where there is AVX-512 sixteen, widened
//! where they are loaded, in registers. Through a buffer, as other processors and other elements go, it is storing and loading that takes the time, and the
//! memory waits. The sums are the same, in the same order: the same bits.

#[cfg(target_arch = "x86_64")]
mod eight;
mod most;
#[cfg(target_arch = "x86_64")]
mod sixteen;

pub use most::MOST;

/// Whether this processor has it.
pub fn here() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::is_x86_feature_detected!("avx") && std::is_x86_feature_detected!("f16c");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// Whether it takes sixteen at a time, and has registers for eight rows of x.
pub fn is_wide() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::is_x86_feature_detected!("avx512f");
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
    // SAFETY: asserted just now, and of sixteen asked for.
    return unsafe { if is_wide() { sixteen::dots(x, w) } else { eight::dots(x, w) } };
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
    // SAFETY: asserted just now, and of sixteen asked for.
    unsafe {
        match is_wide() {
            true => sixteen::add_rows((x, x_stride), [m, k], w, stride, sums),
            false => eight::add_rows((x, x_stride), [m, k], w, stride, sums),
        }
    };
    #[cfg(not(target_arch = "x86_64"))]
    unreachable!("asserted just now: {x:?} {x_stride} {m} {k} {w:?} {stride} {sums:?}")
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
            #[cfg(target_arch = "x86_64")]
            // SAFETY: asked for above.
            assert_eq!(
                unsafe { eight::dots([&x, y, &x], &w) }.map(f32::to_bits),
                expected,
                "{n}, eight at a time"
            );
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
            #[cfg(target_arch = "x86_64")]
            {
                sums.fill(0.5);
                // SAFETY: asked for above.
                unsafe { eight::add_rows((x, rows + 2), [m, rows], &w, stride, &mut sums) };
                assert_eq!(sums, expected, "{rows} rows of {n}, eight at a time");
            }
        }
    }
}
