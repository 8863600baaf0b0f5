//! Scalar maths that the twins share, written so that the compiler turns loops over it into vector code, and sums in
//! a fixed order.

/// `eˣ`, to about two units in the last place: Cody and Waite's reduction to |r| ≤ ln 2 / 2 and a Taylor polynomial of
/// degree 7, whose remainder there is below 3·10⁻⁸ of the result. Branch-free; saturates below −87 and above 88.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    const ROUND: f32 = 12_582_912.0; // 1.5·2²³: adding it rounds to an integer and leaves that in the low bits
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    // ln 2 in two parts, the first with so few bits that n·LN2_HI is exact.
    let r = (x - n * 0.693_359_4) + n * 2.121_944_4e-4;
    let p = 1.0 / 5040.0;
    let p = p * r + 1.0 / 720.0;
    let p = p * r + 1.0 / 120.0;
    let p = p * r + 1.0 / 24.0;
    let p = p * r + 1.0 / 6.0;
    let p = p * r + 0.5;
    let p = p * r + 1.0;
    let p = p * r + 1.0;
    // n from those low bits, without a conversion, which in Rust saturates: that is half a dozen instructions more.
    p * f32::from_bits((rounded.to_bits() << 23).wrapping_add(127 << 23))
}

/// Lanes of a sum: enough independent chains for the widest vector unit.
const LANES: usize = 16;

/// `Σ f(a[i], b[i], …)` over slices of one length, in an order that depends on nothing but that. It goes through them by whole
/// arrays: an index into a slice could be out of it, and what has to look is no vector code.
#[inline(always)]
pub fn sum<const N: usize>(of: [&[f32]; N], f: impl Fn([f32; N]) -> f32) -> f32 {
    let n = of[0].len();
    assert!(of.iter().all(|slice| slice.len() == n), "slices of one length");
    let cut = of.map(|slice| slice.as_chunks::<LANES>());
    let mut lanes = [0.0_f32; LANES];
    for i in 0..n / LANES {
        let block = cut.map(|(blocks, _)| &blocks[i]);
        for (l, lane) in lanes.iter_mut().enumerate() {
            *lane += f(block.map(|numbers| numbers[l]));
        }
    }
    let mut total: f32 = lanes.iter().sum();
    for i in 0..n % LANES {
        total += f(cut.map(|(_, rest)| rest[i]));
    }
    total
}

/// `Σ a[i]·b[i]`
#[inline(always)]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    sum([a, b], |[a, b]| a * b)
}

/// Asks memory for what is at `at` of a slice, or so far behind its end, ahead of its use. A processor does this by itself along a page,
/// and begins anew with each row that is shorter. Only a hint: it changes no number.
#[inline(always)]
pub fn prefetch<T>(slice: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint reads nothing, and none faults, wherever it points.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(slice.as_ptr().wrapping_add(at).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (slice, at);
}

/// The largest of a slice; −∞ of an empty one.
#[inline(always)]
pub fn max(x: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let chunks = x.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &v) in lanes.iter_mut().zip(chunk) {
            *lane = if v > *lane { v } else { *lane };
        }
    }
    lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |a, &b| if b > a { b } else { a })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_right_to_two_units_in_the_last_place() {
        let mut worst = 0.0_f64;
        for i in -860_000..=860_000_i32 {
            let x = i as f32 * 1e-4;
            let exact = f64::from(x).exp();
            worst = worst.max(((f64::from(exp(x)) - exact) / exact).abs());
        }
        // Two units: 2·2⁻²³.
        assert!(worst < 2.4e-7, "{worst:e}");
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(-1000.0) < 2e-38 && exp(1000.0) > 1e38);
    }

    #[multiversion::multiversion(targets = "simd")]
    fn on_the_widest_unit(x: &[f32]) -> f32 {
        sum([x], |[x]| exp(x) * x + 0.1)
    }

    #[inline(never)]
    fn as_everywhere(x: &[f32]) -> f32 {
        sum([x], |[x]| exp(x) * x + 0.1)
    }

    #[test]
    fn every_vector_unit_gives_the_same_bits() {
        for n in [1, 15, 16, 255, 4099] {
            let x: Vec<f32> = (0..n).map(|i| (i * 7919 % 1009) as f32 / 100.0 - 5.0).collect();
            assert_eq!(on_the_widest_unit(&x).to_bits(), as_everywhere(&x).to_bits());
        }
    }

    #[test]
    fn sums_and_maxima_take_every_element() {
        for n in [0_usize, 1, 15, 16, 17, 97] {
            let x: Vec<f32> = (0..n).map(|i| i as f32).collect();
            assert_eq!(sum([&x], |[x]| x), (n * n.saturating_sub(1) / 2) as f32);
            assert_eq!(dot(&x, &x), x.iter().map(|x| x * x).sum::<f32>());
            let largest = if n == 0 { f32::NEG_INFINITY } else { n as f32 - 1.0 };
            assert_eq!(max(&x), largest);
        }
    }
}
