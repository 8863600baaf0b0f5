//! What the reader of a format finds at a path, before it is held against a model.

use std::path::{Path, PathBuf};

use crate::base::{Config, Error, Result};
use crate::tokens::{Tokenizer, files};
use crate::weights::gguf::metadata::Metadata;
use crate::weights::gguf::tokenizer;
use crate::weights::peft::adapter::Adapter;
use crate::weights::template;
use crate::weights::tensors::Tensors;

// ANCHOR: found
/// A model in some format: its header is read and checked against its file; the weights are still in the file.
#[derive(Debug)]
pub struct Found {
    /// What it is, as a person would call it: "GGUF v3".
    pub format: String,
    /// The folder or the file.
    pub path: PathBuf,
    /// What it says of itself, for `diarist info`: a name and a value, each short enough to print.
    pub about: Vec<(String, String)>,
    /// Its tensors. Those of a family that we compute carry the keys of its table (`wte.weight`, `h.0.attn.c_attn.weight`;
    /// `embed_tokens.weight`, `layers.0.self_attn.q_proj.weight`), whatever the format calls them; GPT-2's matrices of the blocks
    /// may be `Conv1D`'s (in, out) or `nn.Linear`'s (out, in).
    pub tensors: Tensors,
    /// The model that they are, or why it is none that we compute.
    pub model: Result<Model>,
    /// Where its tokenizer is.
    pub tokenizer: Words,
    /// What was trained beside it and belongs to it: added to the weights as they are read.
    pub adapter: Option<Adapter>,
}
// ANCHOR_END: found

/// What a format says of the model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Model {
    /// Its family and shape.
    pub config: Config,
    /// Whether the biases that its family has are there; without them they are zeros.
    pub biases: bool,
}

impl Model {
    /// A model with all that its family has.
    pub fn whole(config: Config) -> Model {
        Model { config, biases: true }
    }
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

/// Rows of an embedding that belongs to GPT-2's tokenizer, where a format has no place for one: as it is, and as nanoGPT pads it.
const GPT2_ROWS: [usize; 2] = [50_257, 50_304];
/// What an embedding is called, in the families that we know by name.
const EMBEDDINGS: [&str; 3] = ["wte.weight", "token_embd.weight", "embed_tokens.weight"];

impl Found {
    /// Its tokenizer, whether or not its model is one that we compute.
    ///
    /// # Errors
    /// There is none, or none that we read.
    pub fn tokenizer(&self) -> Result<Tokenizer> {
        let embedding = EMBEDDINGS.iter().find_map(|name| self.tensors.get(name));
        let rows = match (&self.model, embedding) {
            (Ok(model), _) => model.config.vocab_size(),
            (Err(_), Some(embedding)) => embedding.rows(),
            (Err(_), None) => {
                let next = "name a model whose tensors have the names of GPT-2's or Llama's";
                return Err(Error::file(&self.path, "which tensor is its embedding is not known", next));
            }
        };
        self.tokenizer.read(&self.path, rows)
    }
}

impl Words {
    /// The tokenizer of the model at `path`, whose embedding has so many rows.
    pub(super) fn read(&self, path: &Path, rows: usize) -> Result<Tokenizer> {
        match self {
            Words::Folder(folder) => files::from_folder(folder, rows),
            Words::Gguf(path, metadata) => tokenizer::read(path, metadata, rows),
            Words::BySize if GPT2_ROWS.contains(&rows) => Ok(Tokenizer::gpt2()),
            Words::BySize => files::from_folder(path.parent().unwrap_or(Path::new(".")), rows),
        }
    }

    /// The chat template beside it, if there is one.
    pub(super) fn chat_template(&self) -> Result<Option<String>> {
        match self {
            Words::Folder(folder) => template::of_folder(folder),
            Words::BySize => Ok(None),
            Words::Gguf(_, metadata) => Ok(metadata.get_str("tokenizer.chat_template").map(str::to_string)),
        }
    }
}
