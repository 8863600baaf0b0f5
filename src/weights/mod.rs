//! Room 2: weights on disk. Tensors with names, in and out of files, a piece at a time: a 124M model's weights are
//! half a gigabyte, and the reader's own memory stays near one mebibyte whatever the file's size.

pub mod checkpoint;
pub mod dtype;
pub mod found;
mod head;
pub mod huggingface;
pub mod nanogpt;
mod output;
mod pickle;
pub mod safetensors;
pub mod tensors;
mod words;

pub use checkpoint::Checkpoint;
pub use dtype::Dtype;
pub use tensors::{TensorEntry, Tensors};
