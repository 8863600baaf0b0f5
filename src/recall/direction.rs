//! Vectors of length one, and the cosine between two.

/// Numbers that are added up side by side, so that no sum waits for the one before it.
const LANES: usize = 8;

/// The cosine of the angle between two directions.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let (heads, tail) = a.as_chunks::<LANES>();
    let (others, rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for (a, b) in heads.iter().zip(others) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + tail.iter().zip(rest).map(|(a, b)| a * b).sum::<f32>()
}

/// A vector at length one; zeros stay what they are.
pub fn direction(vector: &[f64]) -> impl Iterator<Item = f32> {
    let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    let scale = if length > 0.0 { length.recip() } else { 0.0 };
    vector.iter().map(move |x| (x * scale) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cosine_is_the_sum_of_products_at_any_width() {
        for width in [0, 1, 7, 8, 9, 256] {
            let a: Vec<f64> = (0..width).map(|i| f64::from(i % 5) - 1.5).collect();
            let one: Vec<f32> = direction(&a).collect();
            let turned: Vec<f32> = one.iter().map(|x| -x).collect();
            let expected = if width == 0 { 0.0 } else { 1.0 };
            assert!((cosine(&one, &one) - expected).abs() < 1e-5, "{width}");
            assert!((cosine(&one, &turned) + expected).abs() < 1e-5, "{width}");
        }
        assert_eq!(direction(&[0.0, 0.0]).collect::<Vec<f32>>(), [0.0, 0.0]);
    }
}
