//! `config.json` of a Llama or a Mistral, as `transformers` reads and writes them. The two are one network; a Mistral's
//! queries may see a window of keys only.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::base::{Config, Error, Llama, Result};
use crate::tokens::Ends;
use crate::weights::dtype::Dtype;
use crate::weights::huggingface::fields::{
    self, Kind, eos, extent, plain_rope, pretty, rotary_setting, torch,
};

/// `transformers`' defaults, where a key is absent.
const ROPE_THETA: f64 = 10_000.0;
const EPS: f64 = 1e-6;
const MISTRAL_WINDOW: u64 = 4096;
const MISTRAL_KV_HEADS: u64 = 8;

/// The shape that it describes.
///
/// # Errors
/// A setting that makes another network of it; a size that is none.
pub(super) fn read(found: &Map<String, Value>, kind: Kind, path: &Path) -> Result<Config> {
    settings(found, path)?;
    let said = |name: &str| found.get(name).filter(|v| !v.is_null());
    let size = |name: &str| extent(found, &[name], path);
    let optional = |name: &str, or: usize| if said(name).is_some() { size(name) } else { Ok(or) };
    // Absent is the class's default; null is none.
    let absent = |name: &str| kind == Kind::Mistral && !found.contains_key(name);
    let (n_head, n_embd) = (size("num_attention_heads")?, size("hidden_size")?);
    let kv_heads = if absent("num_key_value_heads") { MISTRAL_KV_HEADS as usize } else { n_head };
    let window = match said("sliding_window") {
        _ if kind != Kind::Mistral => None,
        Some(_) => Some(size("sliding_window")?),
        None => absent("sliding_window").then_some(MISTRAL_WINDOW as usize),
    };
    let number = |name: &str, value: Option<&Value>, or: f64| match value {
        None => Ok(or as f32),
        Some(v) => v.as_f64().map(|x| x as f32).ok_or_else(|| refused(name, v, "a number", path)),
    };
    Ok(Config::Llama(Llama {
        vocab_size: size("vocab_size")?,
        block_size: size("max_position_embeddings")?,
        n_layer: size("num_hidden_layers")?,
        n_head,
        n_kv_head: optional("num_key_value_heads", kv_heads)?,
        n_embd,
        head_size: match said("head_dim") {
            Some(_) => size("head_dim")?,
            None if n_head > 0 && n_embd.is_multiple_of(n_head) => n_embd / n_head,
            None => {
                let problem = format!("hidden_size {n_embd} is no multiple of num_attention_heads {n_head}");
                return Err(Error::file(path, problem, "download config.json again"));
            }
        },
        n_ff: size("intermediate_size")?,
        rope_theta: number("rope_theta", theta(found, path)?, ROPE_THETA)?,
        eps: number("rms_norm_eps", said("rms_norm_eps"), EPS)?,
        window,
        tied: said("tie_word_embeddings").is_some_and(|tied| *tied == true),
    }))
}

/// The rotary base.
fn theta<'a>(found: &'a Map<String, Value>, path: &Path) -> Result<Option<&'a Value>> {
    rotary_setting(found, "rope_theta")
        .map_err(|other| refused("rope_theta", other, "one rope_theta, and it says two", path))
}

/// The settings that change what the network computes. Each has the one value that our kernels compute, which an absent one
/// has by `transformers`' defaults. `pretraining_tp` cuts products into parts, and changes nothing that is computed.
fn settings(found: &Map<String, Value>, path: &Path) -> Result<()> {
    for (name, value) in found.iter().filter(|(_, value)| !value.is_null()) {
        let ours = match name.as_str() {
            "hidden_act" if !["silu", "swish"].iter().any(|act| value == act) => "silu",
            "attention_bias" | "mlp_bias" if *value != false => "false",
            "partial_rotary_factor" if value.as_f64() != Some(1.0) => "1",
            "num_local_experts" | "num_experts" => "one feed-forward a layer, and no experts",
            "quantization_config" => "float weights",
            "layer_types" if !alike(found, value) => "layers that are all alike",
            "rope_parameters" | "rope_scaling" if !plain_rope(value, &["rope_theta"]) => {
                "plain rotary positions"
            }
            _ => continue,
        };
        return Err(refused(name, value, ours, path));
    }
    Ok(())
}

/// Whether all layers see what the window says.
fn alike(found: &Map<String, Value>, layers: &Value) -> bool {
    let windowed = found.get("sliding_window").is_some_and(|w| !w.is_null());
    let wanted = if windowed { "sliding_attention" } else { "full_attention" };
    layers.as_array().is_some_and(|layers| layers.iter().all(|layer| layer == wanted))
}

fn refused(name: &str, value: &Value, ours: &str, path: &Path) -> Error {
    let next = "start from a checkpoint of Llama's plain shape (SmolLM2, TinyLlama, Mistral 7B)";
    fields::refused(("Llama", next), name, value, ours, path)
}

/// A LlamaForCausalLM's, or, where queries see a window, a MistralForCausalLM's; also where the heads do not divide the channels,
/// which `transformers` allows a Mistral alone.
pub(super) fn config_json(cfg: &Llama, dtype: &Dtype, ends: Option<&Ends>) -> String {
    // A struct and not `json!`, which would widen ε to f64: 0.000009999999747378752.
    #[derive(Serialize)]
    struct Rope {
        rope_theta: f32,
        rope_type: &'static str,
    }
    #[derive(Serialize)]
    struct LlamaConfig {
        architectures: [&'static str; 1],
        #[serde(skip_serializing_if = "Option::is_none")]
        attention_bias: Option<bool>,
        attention_dropout: f32,
        bos_token_id: Value,
        dtype: &'static str,
        eos_token_id: Value,
        head_dim: usize,
        hidden_act: &'static str,
        hidden_size: usize,
        initializer_range: f32,
        intermediate_size: usize,
        max_position_embeddings: usize,
        #[serde(skip_serializing_if = "Option::is_none")]
        mlp_bias: Option<bool>,
        model_type: &'static str,
        num_attention_heads: usize,
        num_hidden_layers: usize,
        num_key_value_heads: usize,
        pad_token_id: Option<u32>,
        rms_norm_eps: f32,
        /// Where transformers 5 looks for the base.
        rope_parameters: Rope,
        /// Where transformers 4 looks for it, and what reads its files.
        rope_theta: f32,
        #[serde(skip_serializing_if = "Option::is_none")]
        sliding_window: Option<Value>,
        tie_word_embeddings: bool,
        use_cache: bool,
        vocab_size: usize,
    }
    let mistral = cfg.window.is_some() || !cfg.n_embd.is_multiple_of(cfg.n_head);
    let biases = (!mistral).then_some(false);
    pretty(&LlamaConfig {
        architectures: [if mistral { "MistralForCausalLM" } else { "LlamaForCausalLM" }],
        attention_bias: biases,
        attention_dropout: 0.0,
        bos_token_id: ends.map(|ends| ends.start).into(),
        dtype: torch(dtype),
        eos_token_id: ends.map_or(Value::Null, eos),
        head_dim: cfg.head_size,
        hidden_act: "silu",
        hidden_size: cfg.n_embd,
        initializer_range: 0.02,
        intermediate_size: cfg.n_ff,
        max_position_embeddings: cfg.block_size,
        mlp_bias: biases,
        model_type: if mistral { "mistral" } else { "llama" },
        num_attention_heads: cfg.n_head,
        num_hidden_layers: cfg.n_layer,
        num_key_value_heads: cfg.n_kv_head,
        pad_token_id: ends.and_then(|ends| ends.pad),
        rms_norm_eps: cfg.eps,
        rope_parameters: Rope { rope_theta: cfg.rope_theta, rope_type: "default" },
        rope_theta: cfg.rope_theta,
        sliding_window: mistral.then(|| cfg.window.into()),
        tie_word_embeddings: cfg.tied,
        use_cache: true,
        vocab_size: cfg.vocab_size,
    })
}
