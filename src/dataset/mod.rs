//! Room 2: from journals to what a model is trained on.
//!
//! ```text
//! entries ── header, labels ──> texts ── encode (found again in cache) ──> Tokenised ── heldout, divide ──> Sides ── data ──> tokens.bin
//! ```

mod cache;
pub mod data;
mod divide;
pub mod encode;
pub mod header;
pub mod heldout;
pub mod labels;
pub mod sides;
pub mod tokenised;

pub use data::Data;
pub use encode::Wanted;
pub use header::Template;
pub use heldout::Split;
pub use sides::Sides;
pub use tokenised::Tokenised;
