//! Weights, and how they are gone through.

/// Weights, one behind the other.
#[derive(Debug, Clone, Copy)]
pub enum Weights<'w> {
    /// Numbers.
    F32(&'w [f32]),
    /// Halves, where they are taken as they rest.
    F16(&'w [u16]),
}

/// Rows of w that a tile of sums takes: so many lines of memory stay near for the next of x's rows, and so many pages in the
/// processor's table.
#[cfg(target_arch = "x86_64")]
pub const DEEP: usize = 64;

/// How far ahead of a tile its rows are asked for, as a processor does by itself along a row, but not along a column of rows.
#[cfg(target_arch = "x86_64")]
pub const AHEAD: usize = 64;

/// Where each line of memory of so many weights begins; lines have 64 bytes.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub fn lines<W>(weights: usize) -> impl Iterator<Item = usize> {
    (0..weights).step_by(64 / size_of::<W>())
}
