//! Room 3: GPT-2 as recordings.

pub mod decode;
pub mod gpt2;
pub mod parameters;
pub mod store;

pub use gpt2::{Shape, Train};
pub use parameters::Parameters;
