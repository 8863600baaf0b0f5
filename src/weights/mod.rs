//! Room 2: weights on disk. Tensors with names, in and out of files, a piece at a time: a 124M model's weights are
//! half a gigabyte, and a reader's own memory is a piece of a mebibyte, or one matrix where that has to be turned.

mod blocks;
pub mod checkpoint;
pub mod dtype;
#[cfg(test)]
mod fixtures;
pub mod found;
pub mod gguf;
mod head;
pub mod hub;
pub mod huggingface;
#[cfg(test)]
mod llamas;
pub mod llmc;
pub mod nanogpt;
mod open;
mod output;
pub mod peft;
#[cfg(test)]
mod phis;
mod pickle;
pub mod safetensors;
mod small;
pub mod template;
pub mod tensorflow;
pub mod tensors;
mod words;

pub use checkpoint::Checkpoint;
pub use dtype::Dtype;
pub use open::{find, open};
pub use tensors::{TensorEntry, Tensors};
