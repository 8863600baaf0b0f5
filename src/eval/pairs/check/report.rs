//! All that was found in a set of pairs.

use serde::Serialize;

use crate::eval::pairs::check::finding::Found;
use crate::eval::pairs::check::whole::Whole;

/// What was found in some pairs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// How many pairs there are.
    pub pairs: usize,
    /// What is to be looked at in single pairs, in their order.
    pub found: Vec<Found>,
    /// The set as a whole.
    pub whole: Whole,
}
