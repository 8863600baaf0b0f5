//! Room 4: a model opened for use ([`Model`]); from logits to a token ([`choose()`]), and from a prompt to a text ([`Decoder`]).

pub mod choose;
pub mod decoder;
mod fit;
pub mod model;

pub use choose::{Choice, choose};
pub use decoder::{Decoder, kept};
pub use model::{At, Model, Reads};
