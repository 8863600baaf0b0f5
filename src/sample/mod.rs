//! Room 4: a model opened for use ([`Model`]); from logits to a token ([`choose()`]), from a prompt to a text ([`Decoder`]), and
//! several texts at once ([`Streams`]).

pub mod choose;
pub mod decoder;
mod fit;
pub mod model;
pub mod streams;

pub use choose::{Choice, choose, choose_likely};
pub use decoder::{Allows, Decoder, Event, any, kept, write_together};
pub use model::{At, Model, Reads};
pub use streams::{Streams, Turn};
