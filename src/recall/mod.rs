//! Room 6: asking the diary itself.
//!
//! ```text
//! journals ── kept ──> entries, passages ── terms ──> postings (BM25) ─────────────────┐
//!                         │                               ↑ kin of the question's words ├─ fuse ──> passages, dated and exact
//!                         │              ── embed ──> vocabulary                        │
//!                         └─ windows ──── embed ──> vectors (cosine) ───────────────────┘
//! ```
//!
//! [`Library::open`] reads journals once and finds its [index](store) again while they stand; [`Library::find`] answers a question with
//! passages; [`Library::leans`] says which entries a text repeats; [`unsupported`] marks what is quoted and stands in no source.

mod asked;
mod direction;
pub mod embed;
mod find;
mod fuse;
mod kept;
mod library;
mod meaning;
mod postings;
mod query;
mod quoted;
mod store;
mod terms;
#[cfg(test)]
mod tests;
mod tongue;
mod vectors;
mod vocabulary;
pub mod when;
mod windows;

pub use asked::Asked;
pub use embed::model::Embeddings;
pub use kept::Kept;
pub use library::{Changed, Library};
pub use query::{By, Found, Lean, Query};
pub use quoted::unsupported;
