//! Instruction and response pairs that a person had made of their own documents, to fine-tune a model to answer in their voice: read
//! from whatever they are in, divided into what is trained on and what is held out, and written.
//!
//! ```text
//! PATHs ── read ──> text ── json (item, conversation), table ──> Pair ── split ──> train, held out ── write ──> JSONL
//! ```
//!
//! No pair is dropped silently: what cannot be read is named with its file and number in [`Reading::problems`].

mod conversation;
pub mod encode;
mod fields;
pub mod form;
mod gathered;
mod item;
mod json;
pub mod near;
pub mod pair;
pub mod read;
pub mod split;
mod table;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
pub mod write;

pub use pair::{Pair, Place, Problem, Reading, Role};
pub use read::{read, read_text};
pub use split::split;
pub use write::{messages_jsonl, own_jsonl, to_messages};
