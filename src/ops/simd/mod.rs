//! Products of a few rows of numbers with weights, by the widest unit that there is: sixteen numbers at a time by AVX-512, eight by
//! AVX with F16C, and elsewhere by what the compiler finds. What rests in half precision is widened where it is loaded, in
//! registers, if the processor does that: through a buffer, it is storing and loading that takes the time, and the memory waits. The
//! sums are the same, in the same order, whatever the unit: the same bits.

use crate::device::Element;

mod anywhere;
#[cfg(target_arch = "x86_64")]
mod eight;
#[cfg(target_arch = "x86_64")]
mod sixteen;
mod weights;

pub use weights::Weights;

/// Whether weights of this kind are taken as they rest.
pub fn takes(element: Element) -> bool {
    match element {
        Element::F32 => true,
        Element::F16 => is_avx(),
        _ => false,
    }
}

/// Whether this processor takes sixteen at a time, and has registers for eight rows of x.
pub fn is_wide() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::is_x86_feature_detected!("avx512f");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

fn is_avx() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::is_x86_feature_detected!("avx") && std::is_x86_feature_detected!("f16c");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// `math::dot` of several with some weights, which are read once for all: of each the bits that it has alone. The row behind w is
/// asked for.
///
/// # Panics
/// If the lengths differ, or weights are of a kind that is not [taken](takes).
#[inline(always)]
pub fn dots<const N: usize>(x: [&[f32]; N], w: Weights) -> [f32; N] {
    let n = match w {
        Weights::F32(w) => w.len(),
        Weights::F16(w) => w.len(),
    };
    assert!(x.iter().all(|x| x.len() == n), "as many weights as numbers");
    #[cfg(target_arch = "x86_64")]
    if is_wide() {
        // SAFETY: asked for.
        return unsafe { sixteen::dots(x, w) };
    } else if is_avx() {
        // SAFETY: asked for.
        return unsafe { eight::dots(x, w) };
    }
    let Weights::F32(w) = w else { panic!("halves, on a processor that does not take them") };
    anywhere::dots(x, w)
}

/// For each of m rows of x, `x_stride` apart, sums += Σ x[i]·row i, in the order of the k rows of w; row i begins at `w[i·stride]`
/// and is as long as that row's part of the sums (m,columns).
///
/// # Panics
/// If there is no row of x, a row is not whole, or weights are of a kind that is not [taken](takes).
#[inline(always)]
pub fn add_rows(x: (&[f32], usize), size: [usize; 2], w: Weights, stride: usize, sums: &mut [f32]) {
    let ([m, k], columns) = (size, sums.len() / size[0]);
    let of_w = match w {
        Weights::F32(w) => w.len(),
        Weights::F16(w) => w.len(),
    };
    let are_whole = sums.len() == m * columns && x.0.len() >= (m - 1) * x.1 + k;
    assert!(are_whole && (k == 0 || of_w >= (k - 1) * stride + columns), "rows are whole");
    // For one row there is nothing to keep in registers.
    if let (1, Weights::F32(w)) = (m, w) {
        return anywhere::add_rows(x, size, w, stride, sums);
    }
    #[cfg(target_arch = "x86_64")]
    if is_wide() {
        // SAFETY: asked for.
        return unsafe { sixteen::add_rows(x, size, w, stride, sums) };
    } else if is_avx() {
        // SAFETY: asked for.
        return unsafe { eight::add_rows(x, size, w, stride, sums) };
    }
    let Weights::F32(w) = w else { panic!("halves, on a processor that does not take them") };
    anywhere::add_rows(x, size, w, stride, sums);
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

    /// One unit's two products.
    type Unit = (
        &'static str,
        fn([&[f32]; 3], Weights) -> [f32; 3],
        fn((&[f32], usize), [usize; 2], Weights, usize, &mut [f32]),
    );

    /// What this processor has, and what every one has. A unit that it has not cannot be tried here.
    fn units() -> Vec<Unit> {
        let mut units: Vec<Unit> = vec![("the widest", dots, add_rows)];
        units.push((
            "anywhere",
            |x, w| match w {
                Weights::F32(w) => anywhere::dots(x, w),
                Weights::F16(_) => dots(x, w),
            },
            |x, size, w, stride, sums| match w {
                Weights::F32(w) => anywhere::add_rows(x, size, w, stride, sums),
                Weights::F16(_) => add_rows(x, size, w, stride, sums),
            },
        ));
        #[cfg(target_arch = "x86_64")]
        if is_avx() {
            // SAFETY: asked for.
            units.push((
                "eight",
                |x, w| unsafe { eight::dots(x, w) },
                |x, size, w, stride, sums| unsafe { eight::add_rows(x, size, w, stride, sums) },
            ));
        }
        units
    }

    #[test]
    fn every_unit_gives_the_bits_of_single_numbers() {
        for (unit, dots, add_rows) in units() {
            for n in [1, 15, 16, 17, 97, 768] {
                let (x, halves, w) = numbers(n);
                let y = &numbers(n + 1).0[1..];
                let expected = [&x[..], y, &x].map(|x| math::dot(x, &w).to_bits());
                let found = dots([&x, y, &x], Weights::F32(&w)).map(f32::to_bits);
                assert_eq!(found, expected, "{unit}, {n}");
                if takes(Element::F16) {
                    let found = dots([&x, y, &x], Weights::F16(&halves)).map(f32::to_bits);
                    assert_eq!(found, expected, "{unit}, {n} halves");
                }
            }
            // Every way in which rows are put together, at few columns and at many, with rows left over.
            let sizes = [(1, 1, 1), (3, 7, 9), (4, 8, 8), (9, 100, 131), (64, 768, 768), (131, 33, 40)];
            for ((rows, n, stride), m) in sizes.into_iter().flat_map(|size| [1, 3, 15].map(|m| (size, m))) {
                let (_, halves, w) = numbers(rows * stride);
                let x = &numbers(m * (rows + 2)).0;
                let mut expected = vec![0.5; m * n];
                for (expected, x) in expected.chunks_mut(n).zip(x.chunks(rows + 2)) {
                    for (x, row) in x[..rows].iter().zip(w.chunks(stride)) {
                        expected.iter_mut().zip(row).for_each(|(sum, w)| *sum += x * w);
                    }
                }
                let kinds = [Some(Weights::F32(&w)), takes(Element::F16).then_some(Weights::F16(&halves))];
                for w in kinds.into_iter().flatten() {
                    let mut sums = vec![0.5; m * n];
                    add_rows((x, rows + 2), [m, rows], w, stride, &mut sums);
                    assert_eq!(sums, expected, "{unit}, {m} times {rows} rows of {n}");
                }
            }
        }
    }
}
