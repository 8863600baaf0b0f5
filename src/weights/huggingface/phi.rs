//! `config.json` of a Phi (Phi-1, Phi-1.5, Phi-2), as `transformers` reads and writes it.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::base::arch::gpt2::LAYER_NORM_EPS;
use crate::base::{Config, Error, Phi, Result};
use crate::tokens::Ends;
use crate::weights::dtype::Dtype;
use crate::weights::huggingface::fields::{
    eos, extent, is_gelu_new, plain_rope, pretty, refused, rotary_setting, torch,
};

/// `transformers`' defaults, where a key is absent.
const ROPE_THETA: f64 = 10_000.0;
const PARTIAL_ROTARY_FACTOR: f64 = 0.5;

/// The name of the share of a head's channels that turns.
const FACTOR: &str = "partial_rotary_factor";

/// The shape that it describes.
///
/// # Errors
/// A setting that makes another network of it; a size that is none.
pub(super) fn read(found: &Map<String, Value>, path: &Path) -> Result<Config> {
    settings(found, path)?;
    let size = |name: &str| extent(found, &[name], path);
    let (n_head, n_embd) = (size("num_attention_heads")?, size("hidden_size")?);
    if n_head == 0 || !n_embd.is_multiple_of(n_head) {
        let problem = format!("hidden_size {n_embd} is no multiple of num_attention_heads {n_head}");
        return Err(Error::file(path, problem, "download config.json again"));
    }
    let head_size = n_embd / n_head;
    if let Some(value) =
        found.get("head_dim").filter(|v| !v.is_null() && v.as_u64() != Some(head_size as u64))
    {
        let ours = format!("heads of hidden_size / num_attention_heads = {head_size} channels");
        return Err(another("head_dim", value, &ours, path));
    }
    let number = |name: &str, or: f64| match rotary_setting(found, name) {
        Ok(None) => Ok(or),
        Ok(Some(v)) => v.as_f64().ok_or_else(|| another(name, v, "a number", path)),
        Err(other) => Err(another(name, other, &format!("one {name}, and it says two"), path)),
    };
    let factor = number(FACTOR, PARTIAL_ROTARY_FACTOR)?;
    let kv_heads = found.get("num_key_value_heads").filter(|v| !v.is_null());
    Ok(Config::Phi(Phi {
        vocab_size: size("vocab_size")?,
        block_size: size("max_position_embeddings")?,
        n_layer: size("num_hidden_layers")?,
        n_head,
        n_kv_head: kv_heads.map_or(Ok(n_head), |_| size("num_key_value_heads"))?,
        n_embd,
        n_ff: size("intermediate_size")?,
        rotary: turning(head_size, factor),
        rope_theta: number("rope_theta", ROPE_THETA)? as f32,
    }))
}

/// How many of a head's channels turn: Python's `int(head_size * factor)`. (A cast of what is no such number gives zero, or more
/// than there are: no shape that passes.)
fn turning(head_size: usize, factor: f64) -> usize {
    (head_size as f64 * factor) as usize
}

/// The factor of which so many channels turn.
fn factor_of(rotary: usize, head_size: usize) -> f64 {
    let factor = rotary as f64 / head_size as f64;
    // Rounded down, the quotient could make one channel less of it.
    if turning(head_size, factor) == rotary { factor } else { factor.next_up() }
}

/// The settings that change what the network computes. Each has the one value that our kernels compute, which an absent one
/// has by `transformers`' defaults. Dropouts change nothing that is loaded.
fn settings(found: &Map<String, Value>, path: &Path) -> Result<()> {
    for (name, value) in found.iter().filter(|(_, value)| !value.is_null()) {
        let ours = match name.as_str() {
            "hidden_act" if !value.as_str().is_some_and(is_gelu_new) => {
                "gelu_new (GELU's tanh form, under its other names too)"
            }
            "layer_norm_eps" if value.as_f64().map(|e| e as f32) != Some(LAYER_NORM_EPS) => "1e-5",
            "qk_layernorm" | "tie_word_embeddings" if *value != false => "false",
            "num_local_experts" | "num_experts" => "one MLP a layer, and no experts",
            "quantization_config" => "float weights",
            "rope_parameters" | "rope_scaling" if !plain_rope(value, &["rope_theta", FACTOR]) => {
                "plain rotary positions"
            }
            _ => continue,
        };
        return Err(another(name, value, ours, path));
    }
    Ok(())
}

fn another(name: &str, value: &Value, ours: &str, path: &Path) -> Error {
    refused(
        ("Phi", "start from a checkpoint of Phi-2's shape (phi-1, phi-1_5, phi-2)"),
        name,
        value,
        ours,
        path,
    )
}

/// A PhiForCausalLM's.
pub(super) fn config_json(cfg: &Phi, dtype: &Dtype, ends: Option<&Ends>) -> String {
    #[derive(Serialize)]
    struct Rope {
        partial_rotary_factor: f64,
        rope_theta: f32,
        rope_type: &'static str,
    }
    // A struct and not `json!`, which would widen ε to f64.
    #[derive(Serialize)]
    struct PhiConfig {
        architectures: [&'static str; 1],
        attention_dropout: f32,
        bos_token_id: Value,
        dtype: &'static str,
        embd_pdrop: f32,
        eos_token_id: Value,
        hidden_act: &'static str,
        hidden_size: usize,
        initializer_range: f32,
        intermediate_size: usize,
        layer_norm_eps: f32,
        max_position_embeddings: usize,
        model_type: &'static str,
        num_attention_heads: usize,
        num_hidden_layers: usize,
        num_key_value_heads: usize,
        pad_token_id: Option<u32>,
        /// Where transformers 4 looks for it.
        partial_rotary_factor: f64,
        qk_layernorm: bool,
        resid_pdrop: f32,
        /// Where transformers 5 looks for the factor and the base.
        rope_parameters: Rope,
        /// Where transformers 4 looks for it.
        rope_theta: f32,
        tie_word_embeddings: bool,
        use_cache: bool,
        vocab_size: usize,
    }
    let partial_rotary_factor = factor_of(cfg.rotary, cfg.head_size());
    pretty(&PhiConfig {
        architectures: ["PhiForCausalLM"],
        attention_dropout: 0.0,
        bos_token_id: ends.map(|ends| ends.start).into(),
        dtype: torch(dtype),
        embd_pdrop: 0.0,
        eos_token_id: ends.map_or(Value::Null, eos),
        hidden_act: "gelu_new",
        hidden_size: cfg.n_embd,
        initializer_range: 0.02,
        intermediate_size: cfg.n_ff,
        layer_norm_eps: LAYER_NORM_EPS,
        max_position_embeddings: cfg.block_size,
        model_type: "phi",
        num_attention_heads: cfg.n_head,
        num_hidden_layers: cfg.n_layer,
        num_key_value_heads: cfg.n_kv_head,
        pad_token_id: ends.and_then(|ends| ends.pad),
        partial_rotary_factor,
        qk_layernorm: false,
        resid_pdrop: 0.0,
        rope_parameters: Rope { partial_rotary_factor, rope_theta: cfg.rope_theta, rope_type: "default" },
        rope_theta: cfg.rope_theta,
        tie_word_embeddings: false,
        use_cache: true,
        vocab_size: cfg.vocab_size,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_turns_as_many_channels_as_it_was_made_of() {
        assert_eq!((turning(80, 0.4), factor_of(32, 80)), (32, 0.4));
        for head_size in 2..=256 {
            for rotary in (2..=head_size).step_by(2) {
                assert_eq!(
                    turning(head_size, factor_of(rotary, head_size)),
                    rotary,
                    "{rotary} of {head_size}"
                );
            }
        }
    }
}
