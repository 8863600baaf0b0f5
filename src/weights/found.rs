//! What the reader of a format finds at a path, before it is held against a model.

use std::path::PathBuf;

use crate::base::{Config, Result};
use crate::weights::gguf::metadata::Metadata;
use crate::weights::peft::adapter::Adapter;
use crate::weights::tensors::Tensors;

/// A model in some format: its header is read and checked against its file; the weights are still in the file.
#[derive(Debug)]
pub struct Found {
    /// What it is, as a person would call it: "GGUF v3".
    pub format: String,
    /// The folder or the file.
    pub path: PathBuf,
    /// What it says of itself, for `diarist info`: a name and a value, each short enough to print.
    pub about: Vec<(String, String)>,
    /// Its tensors. Those of a GPT-2 carry GPT-2's keys (`wte.weight`, `h.0.attn.c_attn.weight`), whatever the format calls
    /// them; matrices of the blocks may be `Conv1D`'s (in, out) or `nn.Linear`'s (out, in).
    pub tensors: Tensors,
    /// The model that they are, or why it is none that we compute.
    pub model: Result<Model>,
    /// Where its tokenizer is.
    pub tokenizer: Words,
    /// What was trained beside it and belongs to it: added to the weights as they are read.
    pub adapter: Option<Adapter>,
}

/// What a format says of the model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Model {
    /// Its family and shape.
    pub config: Config,
    /// Whether its head is its embedding.
    pub tied: bool,
    /// Whether it has biases; without them they are zeros.
    pub biases: bool,
}

/// Where a model's tokenizer is.
#[derive(Debug)]
pub enum Words {
    /// In files of this folder; or, where there are none and the vocabulary has GPT-2's size, GPT-2's.
    Folder(PathBuf),
    /// The format has no place for one: GPT-2's where the vocabulary has its size, perhaps padded.
    BySize,
    /// In the metadata of this GGUF.
    Gguf(PathBuf, Box<Metadata>),
}
