//! Room 4: a model opened for use ([`Model`]); from logits to a token ([`choose()`]), from a prompt to a text ([`Decoder`]), and
//! several texts at once ([`Streams`], [`Texts`]); a conversation as what a model goes on from ([`talk`]).

pub mod choose;
pub mod decoder;
mod fit;
pub mod model;
pub mod stops;
pub mod streams;
pub mod talk;
pub mod together;

pub use choose::{Choice, SoFar, choose, choose_likely};
pub use decoder::{Decoder, kept, opening};
pub use model::{At, Model, Reads};
pub use streams::{Streams, Turn};
pub use together::{Event, Texts, Until, Wish};
