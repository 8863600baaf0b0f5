//! Room 2: from journals to what a model is trained on.
//!
//! ```text
//! entries ── header, labels ──> texts ── encode (found again in cache) ──> Tokenised ── heldout, divide ──> Sides ── data, text ──> tokens.bin, entries.jsonl
//! pairs   ── form, encode ──> Tokenised, likewise
//! ```

mod cache;
pub mod cut;
pub mod data;
mod divide;
pub mod encode;
pub mod header;
pub mod heldout;
pub mod index;
pub mod labels;
pub mod listed;
pub mod new;
pub mod pairs;
pub mod sides;
pub mod text;
pub mod tokenised;

pub use data::Data;
pub use encode::Wanted;
pub use header::Template;
pub use heldout::Split;
pub use sides::Sides;
pub use text::Text;
pub use tokenised::Tokenised;
