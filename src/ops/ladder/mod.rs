//! The ladder: frozen, numbered lessons, each complete, from the equation as it stands to the op that trains. What each
//! rung changes, and why, its file tells; `shaders/README.md` has them in a table.
//!
//! No model records them. Doctor and the tests try them like every kernel, and whoever wants to know what a step is worth on a
//! device records all rungs of a ladder over the same tensors and times them:
//!
//! ```
//! use diarist::device::{Choices, Class, Kind, Limits, Recorder};
//! use diarist::ops::ladder::{Factors, MATMUL, matmul};
//!
//! let limits = Limits::DEFAULT;
//! let (m, k, n) = (256, 768, 3072);
//! for rung in MATMUL {
//!     let mut rec = Recorder::new("ladder", limits, &Choices::of(Class::Tiles, &limits));
//!     let a = rec.kept("a", Kind::Input, &[m, k]);
//!     let b = rec.kept("b", Kind::Input, &[k, n]);
//!     rung.record(&mut rec, Factors { a, b });
//!     let recording = rec.finish()?;
//!     assert_eq!(recording.flops(), matmul::flops([m, k, n]), "{}: {}", rung.name, rung.lesson);
//! }
//! # Ok::<(), diarist::base::Error>(())
//! ```

pub mod attention;
pub mod matmul;
mod rung;

pub use attention::{ATTENTION, BEGINS, Packed};
pub use matmul::{Factors, MATMUL};
pub use rung::Rung;

use crate::ops::case::Family;

/// Every rung's kernels, and cases.
pub const FAMILY: Family = Family {
    name: "ladder",
    kernels: &[
        &matmul::NAIVE,
        &matmul::COALESCED,
        &matmul::SHARED,
        &matmul::ROWS,
        &matmul::TILED,
        &matmul::VEC4,
        &matmul::LANES,
        &attention::SCORES,
        &attention::SOFTMAX,
        &attention::VALUES,
        &attention::ONLINE,
        &attention::BLOCKS,
    ],
    variants: &[],
    cases: |limits, choices| {
        [matmul::cases(limits, choices), attention::cases(limits, choices)].into_iter().flatten().collect()
    },
};

#[cfg(test)]
mod tests;
