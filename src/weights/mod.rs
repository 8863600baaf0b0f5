//! Room 2: weights on disk. Tensors with names, in and out of files, a piece at a time: a 124M model's weights are
//! half a gigabyte, and the reader's own memory stays near one mebibyte whatever the file's size.

mod header;
pub mod hub;
pub mod huggingface;
pub mod safetensors;
