//! Room 4: decoding: from logits to a token ([`choose`]), and from a prompt to a text ([`Decoder`]).

pub mod choose;
pub mod decoder;

pub use choose::{Choice, choose};
pub use decoder::Decoder;
