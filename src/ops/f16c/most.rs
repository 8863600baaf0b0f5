//! How many rows of x are multiplied at once.

/// The most of them.
pub const MOST: usize = 16;
