//! Room 1: text as token ids, the file that holds them, and the windows a model is trained on.
//!
//! ```text
//! entries ── Tokenizer ──> ids ── TokenFile ──> tokens.bin ── Epochs, validation ──> windows ── batch ──> the device
//! ```

pub mod added;
pub mod alphabet;
pub mod batch;
mod bpe;
pub mod files;
mod from_parts;
mod gpt2;
pub mod kind;
pub mod pieces;
pub mod pre;
mod read;
mod read_added;
pub mod spaces;
pub mod token_file;
pub mod tokenizer;
pub mod utf8;
pub mod vocabulary;
pub mod width;
pub mod windows;

pub use added::{AddedToken, Additions, Ends};
pub use batch::{Batch, IGNORE, batch};
pub use kind::{Kind, Role};
pub use pre::Pre;
pub use spaces::{Prefix, Spaces};
pub use token_file::{Ranges, TokenFile};
pub use tokenizer::{Tokenizer, encode_all};
pub use utf8::Utf8Stream;
pub use vocabulary::{Normalizer, Parts};
pub use width::Width;
pub use windows::{Cursor, Epochs, Row, Window, Windows, alone, fit_context, packed, validation};
