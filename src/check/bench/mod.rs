//! Bench: how fast a device is at this, and how near its ceilings.
//!
//! [`Ceilings`] are measured first, by kernels that do nothing else; then each kernel, a step, a decoded token, each at sizes that
//! are real, beside the ceiling that is nearer. A number is a median over rounds, with the least and the most beside it.

mod ceilings;
mod decode;
mod kernels;
mod ladder;
mod step;

use std::time::Instant;

use crate::base::Result;

pub use ceilings::Ceilings;
pub use decode::{Decode, decode};
pub use kernels::{Row, kernels};
pub use ladder::{Lesson, ladder};
pub use step::{Drift, Part, StepRow, step};

/// How often something is measured.
#[derive(Debug, Clone, Copy)]
pub struct Rounds {
    /// At most so often, behind one turn to warm up.
    pub most: usize,
    /// And no more once it has taken so long, in seconds; once at least.
    pub seconds: f64,
}

impl Rounds {
    /// Runs one turn to warm up, and then the rounds that are measured.
    ///
    /// # Errors
    /// What a turn fails with.
    pub fn run<T>(&self, mut turn: impl FnMut() -> Result<T>) -> Result<Vec<T>> {
        turn()?;
        let begun = Instant::now();
        let mut all = Vec::new();
        while all.is_empty() || all.len() < self.most && begun.elapsed().as_secs_f64() < self.seconds {
            all.push(turn()?);
        }
        Ok(all)
    }
}

/// Seconds over some rounds.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Spread {
    /// Half of the rounds took no longer.
    pub median: f64,
    /// The fastest.
    pub least: f64,
    /// The slowest.
    pub most: f64,
    /// How many.
    pub rounds: usize,
}

impl Spread {
    /// Of at least one round.
    pub fn of(seconds: impl IntoIterator<Item = f64>) -> Spread {
        let mut all: Vec<f64> = seconds.into_iter().collect();
        all.sort_by(f64::total_cmp);
        let n = all.len();
        assert!(n > 0, "something was measured");
        let median = if n % 2 == 1 { all[n / 2] } else { (all[n / 2 - 1] + all[n / 2]) / 2.0 };
        Spread { median, least: all[0], most: all[n - 1], rounds: n }
    }
}

/// The ceiling that is nearer to some work: the one that leaves it the longer time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    /// The device multiplies and adds no faster.
    Arithmetic,
    /// It reads and writes no faster.
    Memory,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_of_all_rounds() {
        let of = Spread::of([3.0, 1.0, 2.0, 10.0]);
        assert_eq!(of, Spread { median: 2.5, least: 1.0, most: 10.0, rounds: 4 });
        assert_eq!(Spread::of([7.0]).median, 7.0);
    }

    #[test]
    fn rounds_end_by_number_or_by_time_and_there_is_one_at_least() {
        let turns = |most, seconds| {
            let mut n = 0;
            let counted = Rounds { most, seconds }.run(|| {
                n += 1;
                Ok(n)
            });
            counted.unwrap()
        };
        assert_eq!(turns(3, 60.0), [2, 3, 4], "the first warms up");
        assert_eq!(turns(3, 0.0), [2]);
    }
}
