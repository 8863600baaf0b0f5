//! Room 2: from journals to what a model is trained on.
//!
//! ```text
//! entries ── header, labels ──> texts ── encode (found again in cache) ──> Tokenised ── heldout ──> data ──> tokens.bin
//! ```

mod cache;
pub mod data;
pub mod encode;
pub mod header;
pub mod heldout;
pub mod labels;
pub mod tokenised;

pub use data::Data;
pub use encode::Wanted;
pub use header::Template;
pub use heldout::Split;
pub use tokenised::Tokenised;
