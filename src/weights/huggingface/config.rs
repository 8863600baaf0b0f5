//! `config.json` and `generation_config.json`, as `transformers` reads and writes them.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::base::arch::gpt2::LAYER_NORM_EPS;
use crate::base::{Config, Error, Gpt2, Result};
use crate::tokens::Ends;
use crate::weights::dtype::Dtype;
use crate::weights::found::Model;
use crate::weights::huggingface::fields::{
    KINDS, Kind, eos, extent, is_gelu_new, pretty, refused, shown, torch,
};
use crate::weights::huggingface::{llama, phi};
use crate::weights::small;

/// What a `config.json` says.
pub(super) struct Said {
    pub(super) model: Model,
    /// Whether it denies a tie that its family always has.
    pub(super) untied: bool,
}

/// Reads a folder's `config.json` and checks that it describes a model that we compute exactly.
pub(super) fn read(path: &Path) -> Result<Said> {
    if path.symlink_metadata().is_err() {
        return Err(Error::file(
            path,
            "there is none; a model's Hugging Face folder holds config.json and model.safetensors",
            "check the folder's name, or download config.json beside the weights",
        ));
    }
    let found = small::json(path)?;
    let kind = kind(&found, path)?;
    let config = match kind {
        Kind::Gpt2 => gpt2(&found, path)?,
        Kind::Llama | Kind::Mistral => llama::read(&found, kind, path)?,
        Kind::Phi => phi::read(&found, path)?,
    };
    config.check().map_err(|e| match e {
        Error::Setting { problem, next } => Error::file(path, problem, next),
        other => other,
    })?;
    let untied = kind == Kind::Gpt2 && found.get("tie_word_embeddings").is_some_and(|tied| *tied != true);
    Ok(Said { model: Model::whole(config), untied })
}

/// A GPT-2's shape.
fn gpt2(found: &Map<String, Value>, path: &Path) -> Result<Config> {
    settings(found, path)?;
    let extent = |names: &[&str]| extent(found, names, path);
    let config = Config::from(Gpt2 {
        vocab_size: extent(&["vocab_size"])?,
        block_size: extent(&["n_positions", "n_ctx"])?,
        n_layer: extent(&["n_layer"])?,
        n_head: extent(&["n_head"])?,
        n_embd: extent(&["n_embd"])?,
    });
    inner_width(found, &config, path)?;
    Ok(config)
}

/// The kind of model.
fn kind(found: &Map<String, Value>, path: &Path) -> Result<Kind> {
    Kind::of(found).map_err(|other| {
        let name = other.unwrap_or_else(|| "an unnamed one".into());
        Error::file(
            path,
            format!("another architecture: {name}; diarist computes {KINDS}"),
            "start from a GPT-2 (gpt2 to gpt2-xl), a model of Llama's shape (SmolLM2, TinyLlama, Mistral 7B) or Phi-2, or one trained from them",
        )
    })
}

/// The settings that change what a GPT-2 computes. Each has the one value our kernels compute; an absent one has
/// that value by `transformers`' defaults. Dropouts, `summary_*` and token ids change nothing that is loaded, and
/// `reorder_and_upcast_attn` nothing that is computed in f32.
fn settings(found: &Map<String, Value>, path: &Path) -> Result<()> {
    let refuse = |name: &str, value: &Value, ours: &str| {
        Err(refused(("GPT-2", "start from a checkpoint with GPT-2's own settings"), name, value, ours, path))
    };
    for (name, value) in found {
        let same = |ours: Value| value.is_null() || *value == ours;
        match name.as_str() {
            "activation_function" if !value.is_null() && !value.as_str().is_some_and(is_gelu_new) => {
                return refuse(name, value, "gelu_new (GELU's tanh form, under its other names too)");
            }
            "layer_norm_epsilon"
                if !value.is_null() && value.as_f64().map(|e| e as f32) != Some(LAYER_NORM_EPS) =>
            {
                return refuse(name, value, "1e-5");
            }
            "scale_attn_weights" if !same(true.into()) => return refuse(name, value, "true"),
            "scale_attn_by_inverse_layer_idx" | "add_cross_attention" if !same(false.into()) => {
                return refuse(name, value, "false");
            }
            "quantization_config" if !value.is_null() => return refuse(name, value, "float weights"),
            _ => {}
        }
    }
    Ok(())
}

/// The MLP is four times as wide as the model.
fn inner_width(found: &Map<String, Value>, config: &Config, path: &Path) -> Result<()> {
    let ours = 4 * config.n_embd() as u64;
    match found.get("n_inner") {
        None | Some(Value::Null) => Ok(()),
        Some(v) if v.as_u64() == Some(ours) => Ok(()),
        Some(v) => Err(Error::file(
            path,
            format!("n_inner is {}; diarist computes GPT-2 with 4 · n_embd = {ours} only", shown(v)),
            "start from a checkpoint with GPT-2's own settings",
        )),
    }
}

/// `config.json` for a model of this shape in f32: see [`config_json_as`].
pub fn config_json(cfg: &Config, dropout: f32, ends: &Ends) -> String {
    config_json_as(cfg, &Dtype::F32, dropout, Some(ends))
}

/// `config.json` for a model of this shape, with the fields that `transformers` (5.x) writes for one.
/// `dropout` is the run's, at all three sites of a GPT-2; without `ends`, nothing is known of where texts begin and end.
pub fn config_json_as(cfg: &Config, dtype: &Dtype, dropout: f32, ends: Option<&Ends>) -> String {
    match cfg {
        Config::Gpt2(shape) => gpt2_json(shape, dtype, dropout, ends),
        Config::Llama(shape) => llama::config_json(shape, dtype, ends),
        Config::Phi(shape) => phi::config_json(shape, dtype, ends),
    }
}

/// A GPT2LMHeadModel's.
fn gpt2_json(cfg: &Gpt2, dtype: &Dtype, dropout: f32, ends: Option<&Ends>) -> String {
    // A struct and not `json!`, which would widen the dropout to f64: 0.10000000149011612.
    #[derive(Serialize)]
    struct Gpt2Config {
        activation_function: &'static str,
        add_cross_attention: bool,
        architectures: [&'static str; 1],
        attn_pdrop: f32,
        bos_token_id: Value,
        dtype: &'static str,
        embd_pdrop: f32,
        eos_token_id: Value,
        initializer_range: f32,
        layer_norm_epsilon: f32,
        model_type: &'static str,
        n_ctx: usize,
        n_embd: usize,
        n_head: usize,
        n_inner: Option<usize>,
        n_layer: usize,
        n_positions: usize,
        #[serde(skip_serializing_if = "Option::is_none")]
        pad_token_id: Option<u32>,
        reorder_and_upcast_attn: bool,
        resid_pdrop: f32,
        scale_attn_by_inverse_layer_idx: bool,
        scale_attn_weights: bool,
        tie_word_embeddings: bool,
        use_cache: bool,
        vocab_size: usize,
    }
    pretty(&Gpt2Config {
        activation_function: "gelu_new",
        add_cross_attention: false,
        architectures: ["GPT2LMHeadModel"],
        attn_pdrop: dropout,
        bos_token_id: ends.map(|ends| ends.start).into(),
        dtype: torch(dtype),
        embd_pdrop: dropout,
        eos_token_id: ends.map_or(Value::Null, eos),
        initializer_range: 0.02,
        layer_norm_epsilon: LAYER_NORM_EPS,
        model_type: "gpt2",
        n_ctx: cfg.block_size,
        n_embd: cfg.n_embd,
        n_head: cfg.n_head,
        n_inner: None,
        n_layer: cfg.n_layer,
        n_positions: cfg.block_size,
        pad_token_id: ends.and_then(|ends| ends.pad),
        reorder_and_upcast_attn: false,
        resid_pdrop: dropout,
        scale_attn_by_inverse_layer_idx: false,
        scale_attn_weights: true,
        tie_word_embeddings: true,
        use_cache: true,
        vocab_size: cfg.vocab_size,
    })
}

/// `generation_config.json`: where a text begins and ends, and nothing about how to sample.
pub fn generation_config_json(ends: &Ends) -> String {
    let mut settings = serde_json::json!({
        "_from_model_config": true,
        "bos_token_id": ends.start,
        "eos_token_id": eos(ends),
        "use_cache": true,
    });
    if let Some(pad) = ends.pad {
        settings["pad_token_id"] = pad.into();
    }
    pretty(&settings)
}
