//! Documents by what their words stand for, not by the words themselves: latent semantic analysis (Deerwester et al. 1990, "Indexing by
//! latent semantic analysis").
//!
//! Two entries about the theatre may share no word: one has a *play*, one an *actor*. Both words stand beside *stage* elsewhere, and the
//! directions in which the documents differ most know that. They are found by subspace iteration from a random start (Halko, Martinsson and
//! Tropp 2011, "Finding structure with randomness", algorithm 4.4), all sums in one fixed order.

use crate::base::rng::Rng;
use crate::eval::themes::clusters::{cosine, direct};
use crate::eval::themes::vectors::{Vector, bearing};

/// Directions that are kept; a quarter of the documents, if that is less.
const DIRECTIONS: usize = 64;
/// Rounds of iteration: each makes strong directions stronger against weak ones.
const ROUNDS: usize = 4;

/// Each row as a direction among the strongest ones. No row is empty; there are `words` words.
pub fn meanings(rows: &[&Vector], words: usize, rng: &mut Rng) -> Vec<Vec<f32>> {
    let n = rows.len();
    let r = DIRECTIONS.min(n.div_ceil(4).max(8)).min(n).min(words).max(1);
    let mut of_rows: Vec<Vec<f32>> = (0..n).map(|_| (0..r).map(|_| rng.normal()).collect()).collect();
    let mut basis = vec![vec![0.0_f32; r]; words];
    for _ in 0..ROUNDS {
        for row in &mut basis {
            row.fill(0.0);
        }
        for (row, from) in rows.iter().zip(&of_rows) {
            let bearing = bearing(row);
            for &(word, weight) in *row {
                basis[word as usize].iter_mut().zip(from).for_each(|(sum, x)| *sum += bearing * weight * x);
            }
        }
        orthonormalise(&mut basis, r);
        for (row, to) in rows.iter().zip(&mut of_rows) {
            to.fill(0.0);
            for &(word, weight) in *row {
                to.iter_mut().zip(&basis[word as usize]).for_each(|(sum, x)| *sum += weight * x);
            }
        }
    }
    for (i, row) in of_rows.iter_mut().enumerate() {
        direct(row);
        if cosine(row, row) < 0.5 {
            // It lies in none of the directions: a place of its own is as good as any.
            row[i % r] = 1.0;
        }
    }
    of_rows
}

/// Makes the columns of a matrix orthonormal (modified Gram-Schmidt).
fn orthonormalise(rows: &mut [Vec<f32>], r: usize) {
    // By columns: each is walked through many times.
    let mut columns: Vec<Vec<f32>> = (0..r).map(|c| rows.iter().map(|row| row[c]).collect()).collect();
    for c in 0..r {
        let (done, rest) = columns.split_at_mut(c);
        let column = &mut rest[0];
        for other in done {
            let along = cosine(column, other);
            column.iter_mut().zip(other.iter()).for_each(|(x, y)| *x -= along * y);
        }
        direct(column);
    }
    for (i, row) in rows.iter_mut().enumerate() {
        row.iter_mut().zip(&columns).for_each(|(x, column)| *x = column[i]);
    }
}
