//! A division of documents into groups, and what each group's words weigh.

use crate::eval::themes::vectors::{Vector, bearing};

/// Groups of documents around centres.
#[derive(Debug, Clone)]
pub struct Groups {
    /// The group of each document: all numbers from 0 have one.
    pub of: Vec<usize>,
    /// The cosine of each document with its group's centre.
    pub near: Vec<f32>,
    /// The mean direction of each group: a weight for each word.
    pub centres: Vec<Vec<f32>>,
}

/// The groups of a division, without those that no document is in.
pub fn groups(rows: &[&Vector], words: usize, mut of: Vec<usize>) -> Groups {
    let mut held = vec![false; of.iter().max().map_or(0, |most| most + 1)];
    for &c in &of {
        held[c] = true;
    }
    let mut next = 0;
    let mut number = |held: &bool| {
        next += usize::from(*held);
        next.saturating_sub(1)
    };
    let numbers: Vec<usize> = held.iter().map(&mut number).collect();
    for c in &mut of {
        *c = numbers[*c];
    }
    let mut centres = vec![vec![0.0_f32; words]; numbers.last().map_or(0, |last| last + 1)];
    for (row, &c) in rows.iter().zip(&of) {
        let bearing = bearing(row);
        for &(word, weight) in *row {
            centres[c][word as usize] += bearing * weight;
        }
    }
    for centre in &mut centres {
        let length = centre.iter().map(|x| f64::from(x * x)).sum::<f64>().sqrt().max(1e-12);
        for x in centre {
            *x = (f64::from(*x) / length) as f32;
        }
    }
    let near = |(row, c): (&&Vector, &usize)| {
        row.iter().map(|&(word, weight)| weight * centres[*c][word as usize]).sum()
    };
    let near = rows.iter().zip(&of).map(near).collect();
    Groups { of, near, centres }
}
