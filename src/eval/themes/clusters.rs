//! Spherical k-means (Dhillon and Modha 2001, "Concept decompositions for large sparse text data using clustering"), begun by k-means++
//! (Arthur and Vassilvitskii 2007): documents go to the centre that they have the smallest angle with.

use crate::base::rng::Rng;

/// How often it is begun anew at the least; the best is kept. Few documents have many divisions that are nearly as good, and cost little.
const STARTS: usize = 8;
/// Documents that all starts together go through, where these are few.
const WORK: usize = 10_000;
/// Rounds of one start. Most end sooner, because nothing moves.
const ROUNDS: usize = 40;
/// Candidates for each next centre, of which the one is taken that the documents are nearest to.
const CANDIDATES: usize = 4;

/// The group of each row, of at most `k`: the best of several divisions. Rows are directions, of length one and equally many numbers; each counts
/// for its weight.
pub fn clusters(rows: &[Vec<f32>], weights: &[f32], k: usize, rng: &mut Rng) -> Vec<usize> {
    let k = k.clamp(1, rows.len().max(1));
    let mut best: Option<(f64, Vec<usize>)> = None;
    for _ in 0..(WORK / rows.len().max(1)).clamp(STARTS, 5 * STARTS) {
        let centres = seeds(rows, k, rng).into_iter().map(|row| rows[row].clone()).collect();
        let (of, sum) = settle(rows, weights, centres);
        if best.as_ref().is_none_or(|(most, _)| sum > *most) {
            best = Some((sum, of));
        }
    }
    best.map(|(_, of)| of).unwrap_or_default()
}

/// The cosine of two directions: in eight sums, so that it is fast, always in the same order.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(x, y)| x * y).sum();
    for (a, b) in a.zip(b) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// Rows to begin from, far from each other.
fn seeds(rows: &[Vec<f32>], k: usize, rng: &mut Rng) -> Vec<usize> {
    if rows.is_empty() {
        return Vec::new();
    }
    let mut chosen = vec![rng.below(rows.len() as u64) as usize];
    let mut gaps = closer(rows, chosen[0], &vec![f64::INFINITY; rows.len()]);
    while chosen.len() < k {
        let whole: f64 = gaps.iter().sum();
        let mut best: Option<(f64, usize, Vec<f64>)> = None;
        for _ in 0..CANDIDATES {
            let mut point = rng.uniform() * whole;
            let drawn = gaps.iter().position(|gap| {
                point -= gap;
                point < 0.0
            });
            // Where all gaps are zero, the documents are alike and any will do.
            let row = drawn.unwrap_or_else(|| rng.below(rows.len() as u64) as usize);
            let with = closer(rows, row, &gaps);
            let left: f64 = with.iter().sum();
            if best.as_ref().is_none_or(|(least, ..)| left < *least) {
                best = Some((left, row, with));
            }
        }
        let Some((_, row, with)) = best else { break };
        chosen.push(row);
        gaps = with;
    }
    chosen
}

/// Each row's gap, `1 − cos` to the nearest of the chosen ones, with one more of these.
fn closer(rows: &[Vec<f32>], chosen: usize, gaps: &[f64]) -> Vec<f64> {
    let gap = |row: &Vec<f32>| f64::from(1.0 - cosine(row, &rows[chosen])).max(0.0);
    rows.iter().zip(gaps).map(|(row, old)| old.min(gap(row))).collect()
}

/// Rounds of assigning and averaging until nothing moves. Gives the division, and the weighted sum of the cosines.
fn settle(rows: &[Vec<f32>], weights: &[f32], mut centres: Vec<Vec<f32>>) -> (Vec<usize>, f64) {
    let mut of = vec![usize::MAX; rows.len()];
    let mut sum = 0.0;
    for _ in 0..ROUNDS {
        let mut moved = false;
        sum = 0.0;
        // The row that its group suits least: it begins a new one where a group has lost all of its own.
        let mut odd = (f32::INFINITY, 0);
        let mut sizes = vec![0_usize; centres.len()];
        for (i, row) in rows.iter().enumerate() {
            let (c, near) = nearest(row, &centres);
            moved |= of[i] != c;
            of[i] = c;
            sizes[c] += 1;
            sum += f64::from(weights[i] * near);
            odd = if near < odd.0 { (near, i) } else { odd };
        }
        if let Some(empty) = sizes.iter().position(|&size| size == 0)
            && sizes[of[odd.1]] > 1
        {
            of[odd.1] = empty;
            moved = true;
        }
        if !moved {
            break;
        }
        for centre in &mut centres {
            centre.fill(0.0);
        }
        for ((row, weight), &c) in rows.iter().zip(weights).zip(&of) {
            centres[c].iter_mut().zip(row).for_each(|(sum, x)| *sum += weight * x);
        }
        for centre in &mut centres {
            direct(centre);
        }
    }
    (of, sum)
}

/// The centre that a row is nearest to, the first of equals, and the cosine with it.
fn nearest(row: &[f32], centres: &[Vec<f32>]) -> (usize, f32) {
    let near = centres.iter().map(|centre| cosine(row, centre)).enumerate();
    near.fold((0, f32::NEG_INFINITY), |best, at| if at.1 > best.1 { at } else { best })
}

/// Makes a vector's length one, where it has any.
pub fn direct(vector: &mut [f32]) {
    let length = cosine(vector, vector).sqrt();
    if length > 1e-12 {
        for x in vector {
            *x /= length;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_around_three_directions_are_three_groups() {
        let mut rng = Rng::new(1, "rows");
        let mut rows: Vec<Vec<f32>> = (0..120)
            .map(|i| (0..11).map(|j| f32::from(u8::from(i % 3 == j)) + 0.1 * rng.normal()).collect())
            .collect();
        for row in &mut rows {
            direct(row);
        }
        let of = clusters(&rows, &vec![1.0; rows.len()], 3, &mut rng);
        assert!((3..120).all(|i| of[i] == of[i % 3]));
        assert!(of[0] != of[1] && of[1] != of[2] && of[0] != of[2]);
    }

    #[test]
    fn rows_that_are_alike_or_too_few_are_no_trouble() {
        let alike = vec![vec![1.0, 0.0]; 5];
        assert_eq!(clusters(&alike, &[1.0; 5], 3, &mut Rng::new(1, "rows")).len(), 5);
        assert_eq!(clusters(&alike[..1], &[1.0], 3, &mut Rng::new(1, "rows")), [0]);
        assert!(clusters(&[], &[], 3, &mut Rng::new(1, "rows")).is_empty());
    }
}
