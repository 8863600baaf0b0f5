//! A model in a Hugging Face folder: `config.json` and the weights, in one file or in several with their index.
//!
//! Keys are the family's, with or without `transformer.` or `model.` in front, or what a wrapper put there (`_orig_mod.`,
//! `module.`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::base::{Config, Error, Result};
use crate::weights::checkpoint::Checkpoint;
use crate::weights::dtype::Dtype;
use crate::weights::found::{Found, Model, Words};
use crate::weights::head::{HEAD, HEAD_BIAS};
use crate::weights::pickle;
use crate::weights::safetensors::{self, Writer};
use crate::weights::tensors::Tensors;

pub(in crate::weights) mod config;
mod export;
pub(super) mod fields;
pub(super) mod folder;
mod llama;
mod phi;

pub use config::{config_json, config_json_as, generation_config_json};
pub use export::export;

/// The key under which a family's class keeps a parameter: GPT2LMHeadModel its GPT2Model's, LlamaForCausalLM its LlamaModel's;
/// the head is its own, and its bias.
fn key(config: &Config, name: &str) -> String {
    match config {
        _ if name == HEAD || name == HEAD_BIAS => name.to_string(),
        Config::Gpt2(_) => format!("transformer.{name}"),
        Config::Llama(_) | Config::Phi(_) => format!("model.{name}"),
    }
}

/// Finds a model's Hugging Face folder; an earlier run's folder is one.
///
/// # Errors
/// No such folder, or one of another kind; no `config.json`; no weights; a damaged file. (Another architecture, or a setting that
/// we do not compute, is an error of what was found.)
pub fn find(dir: &Path) -> Result<Found> {
    let dir = &folder::find(dir)?;
    find_in(dir, dir)
}

/// The same of weights that lie in another folder than the config and the tokenizer: a run's states.
///
/// # Errors
/// As [`find`].
pub(super) fn find_in(dir: &Path, weights: &Path) -> Result<Found> {
    let said = config::read(&dir.join("config.json"));
    let files = folder::weights(weights)?;
    let pickled = files[0].extension().is_some_and(|ending| ending == "bin");
    let open = |file: &PathBuf| if pickled { Ok(pickle::open(file)?.0) } else { safetensors::open(file) };
    let tensors = Tensors::join(files.iter().map(open).collect::<Result<_>>()?)?.renamed(bare)?;
    Ok(Found {
        format: format!("Hugging Face folder, {}", if pickled { "PyTorch's pickle" } else { "safetensors" }),
        path: dir.to_path_buf(),
        about: Vec::new(),
        model: said.and_then(|said| held(said, &tensors)),
        tensors,
        tokenizer: Words::Folder(dir.to_path_buf()),
        adapter: None,
    })
}

/// Without its tie, a GPT-2's matrix that is not in the file would be random numbers, in `transformers` as here.
fn held(said: config::Said, tensors: &Tensors) -> Result<Model> {
    let config::Said { model, untied } = said;
    match [model.config.embedding(), HEAD].into_iter().find(|name| untied && tensors.get(name).is_none()) {
        None => Ok(model),
        Some(missing) => Err(Error::file(
            tensors.path(),
            format!("config.json says tie_word_embeddings false, but {missing} is not in the file"),
            "download the whole checkpoint; if its head is its embedding, say tie_word_embeddings true in config.json",
        )),
    }
}

/// Opens a model's Hugging Face folder.
///
/// # Errors
/// As [`find`] and [`Checkpoint::new`].
pub fn open(dir: &Path) -> Result<Checkpoint> {
    Checkpoint::new(find(dir)?)
}

/// Opens one file of weights whose model is known already, such as a run's saved state.
///
/// # Errors
/// As [`open`], for what concerns the weights.
pub fn open_file(path: &Path, config: Config) -> Result<Checkpoint> {
    Checkpoint::new(Found {
        format: "safetensors".into(),
        path: path.to_path_buf(),
        about: Vec::new(),
        tensors: safetensors::open(path)?.renamed(bare)?,
        model: Ok(Model::whole(config)),
        tokenizer: Words::BySize,
        adapter: None,
    })
}

/// Begins a model's file: the keys of its family's class (no head where it is tied), the true vocabulary, metadata exactly
/// `{"format":"pt"}`. Write the parameters in the order of [`Config::table`].
///
/// # Errors
/// As [`Writer::create`].
pub fn writer(path: &Path, cfg: &Config, dtype: Dtype) -> Result<Writer> {
    let tensors: Vec<_> = cfg.table().into_iter().map(|p| (key(cfg, &p.name), p.shape)).collect();
    Writer::create(path, &tensors, dtype, &BTreeMap::from([("format".to_string(), "pt".to_string())]))
}

/// A name without what classes put before it (`transformer.`, `module.`, `model.`), and without what wrappers put anywhere:
/// `torch.compile`, FSDP, activation checkpointing.
pub(super) fn bare(name: &str) -> String {
    const ANYWHERE: [&str; 3] = ["_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"];
    let parts: Vec<&str> = name.split('.').filter(|part| !ANYWHERE.contains(part)).collect();
    let before = |part: &&&str| ["transformer", "module", "model"].contains(*part);
    let first = parts.iter().take_while(before).count();
    parts[first..].join(".")
}

#[cfg(test)]
mod tests;
