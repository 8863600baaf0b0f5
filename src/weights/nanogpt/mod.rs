//! nanoGPT's checkpoints, `ckpt.pt` (<https://github.com/karpathy/nanoGPT>): a dict with the weights as `model`, the shape as
//! `model_args`, and what training had come to.
//!
//! Keys are GPT-2's behind `transformer.` (and `_orig_mod.`, of `torch.compile`); matrices are `nn.Linear`'s, (out, in). With
//! `bias: False` neither matrices nor LayerNorms have biases. The optimizer's tensors are left where they are.

use std::path::Path;

use crate::base::{Config, Error, Gpt2, Result};
use crate::weights::found::{Found, Model, Words};
use crate::weights::huggingface::bare;
use crate::weights::pickle::{self, value::Pickle, value::Value};
use crate::weights::words::short;

mod write;

pub use write::write;

/// No extent of any GPT-2 comes near this; up to it, no product of two extents overflows.
const MOST_EXTENT: i64 = 1 << 24;
const WHOLE: &str = "save it as nanoGPT does, with model and model_args; or start from a Hugging Face folder";

/// Finds the model in a file of PyTorch's that says its own shape.
///
/// # Errors
/// As `pickle::open`; a parameter under two names.
pub fn find(path: &Path) -> Result<Found> {
    let (tensors, said) = pickle::open(path)?;
    let args = said.get(said.root(), "model_args");
    let model = match args {
        Some(args) => model(&said, args, path),
        None => Err(Error::file(
            path,
            "holds weights, but no model_args, nanoGPT's words for their shape",
            "put the file beside its config.json as pytorch_model.bin, if it is from a Hugging Face model; or save it as nanoGPT does",
        )),
    };
    Ok(Found {
        format: if args.is_some() { "nanoGPT checkpoint" } else { "PyTorch weights" }.into(),
        path: path.to_path_buf(),
        about: if args.is_some() { about(&said) } else { Vec::new() },
        tensors: tensors.renamed(bare)?,
        model,
        tokenizer: Words::BySize,
        adapter: None,
    })
}

/// The shape that `model_args` says.
fn model(said: &Pickle, args: Value, path: &Path) -> Result<Model> {
    if said.items(args).is_none() {
        return Err(Error::file(path, "its model_args are no dict", WHOLE));
    }
    let extent = |name: &str| match said.get(args, name) {
        Some(Value::Int(n @ 0..=MOST_EXTENT)) => Ok(n as usize),
        Some(_) => Err(Error::file(path, format!("its {name} is no size of a GPT-2"), WHOLE)),
        None => Err(Error::file(path, format!("its model_args do not say {name}"), WHOLE)),
    };
    let config = Config::from(Gpt2 {
        vocab_size: extent("vocab_size")?,
        block_size: extent("block_size")?,
        n_layer: extent("n_layer")?,
        n_head: extent("n_head")?,
        n_embd: extent("n_embd")?,
    });
    config.check().map_err(|e| match e {
        Error::Setting { problem, .. } => Error::file(path, problem, WHOLE),
        other => other,
    })?;
    // Before there was the setting, there were biases.
    let biases = match said.get(args, "bias") {
        None | Some(Value::Bool(true)) => true,
        Some(Value::Bool(false)) => false,
        Some(_) => return Err(Error::file(path, "its bias is neither True nor False", WHOLE)),
    };
    Ok(Model { config, biases })
}

/// What it says of its training.
fn about(said: &Pickle) -> Vec<(String, String)> {
    let shown = |value| match value {
        Value::Int(n) => Some(n.to_string()),
        // 1e9 is nanoGPT's loss before the first evaluation.
        Value::Float(x) if x < 1e9 => Some(format!("{x:.4}")),
        Value::Bool(b) => Some(b.to_string()),
        Value::Str(_) => said.text(value).map(short),
        _ => None,
    };
    let mut about = Vec::new();
    let mut add = |dict: Option<Value>, names: &[&str]| {
        for name in names {
            if let Some(text) = dict.and_then(|dict| said.get(dict, name)).and_then(shown) {
                about.push((name.replace('_', " "), text));
            }
        }
    };
    add(Some(said.root()), &["iter_num", "best_val_loss"]);
    add(said.get(said.root(), "config"), &["dataset", "init_from", "learning_rate"]);
    add(said.get(said.root(), "model_args"), &["bias", "dropout"]);
    about.push(("activation".into(), GELU.into()));
    about
}

/// nn.GELU() is the exact one. 4.7e-4 at x = ±2.75 or so; both are GELU to a reader of either paper.
const GELU: &str = "nanoGPT computes GELU with erf, GPT-2 and diarist in its tanh form: at most 4.7e-4 apart in one activation";

#[cfg(test)]
mod tests;
