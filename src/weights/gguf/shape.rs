//! A model's shape by a GGUF's metadata.

use std::path::Path;

use crate::base::arch::gpt2::LAYER_NORM_EPS;
use crate::base::{Config, Error, Gpt2, Llama, Phi, Result};
use crate::weights::gguf::metadata::{Metadata, Value};
use crate::weights::tensors::Tensors;
use crate::weights::words::short;

/// No extent of any model comes near this.
const MOST_EXTENT: u32 = 1 << 24;
/// The rotary base where a file says none.
const ROPE_THETA: f32 = 10_000.0;

/// What a family that we compute is called, by its architecture.
pub(super) fn family(architecture: &str) -> Option<&'static str> {
    match architecture {
        "gpt2" => Some("GPT-2"),
        // Mistral's too: llama.cpp's converter has one architecture for both.
        "llama" => Some("Llama"),
        "phi2" => Some("Phi"),
        _ => None,
    }
}

/// The shape of a model of one of the [families](family).
///
/// # Errors
/// A size that is missing or none; a setting that makes another network of it.
pub(super) fn config(
    architecture: &str,
    path: &Path,
    metadata: &Metadata,
    tensors: &Tensors,
) -> Result<Config> {
    let said = Said { architecture, path, metadata };
    let embedding = ["token_embd.weight", "output.weight"].iter().find_map(|name| tensors.get(name));
    let vocab_size = embedding.ok_or_else(|| said.wrong("holds no token_embd.weight".into()))?.rows();
    let config = match architecture {
        "gpt2" => Config::Gpt2(gpt2(&said, vocab_size)?),
        "phi2" => Config::Phi(phi(&said, vocab_size)?),
        _ => Config::Llama(llama(&said, vocab_size, tensors.get("output.weight").is_none())?),
    };
    config.check().map_err(|e| match e {
        Error::Setting { problem, next } => Error::file(path, problem, next),
        other => other,
    })?;
    Ok(config)
}

/// What a file says under its architecture's keys.
struct Said<'a> {
    architecture: &'a str,
    path: &'a Path,
    metadata: &'a Metadata,
}

impl Said<'_> {
    fn wrong(&self, problem: String) -> Error {
        let next = "download the file again, or make it anew from the model's weights";
        Error::file(self.path, problem, next)
    }

    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.architecture)
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.metadata.get(&self.key(name))
    }

    /// A size.
    fn extent(&self, name: &str) -> Result<usize> {
        let key = self.key(name);
        let said = self.metadata.get_u32(&key);
        match (said, self.metadata.get(&key)) {
            (Some(n), _) if (1..=MOST_EXTENT).contains(&n) => Ok(n as usize),
            (Some(n), _) => Err(self.wrong(format!("{key} is {n}, no size of a model"))),
            (None, Some(_)) => Err(self.wrong(format!("{key} is no size of a model"))),
            (None, None) => Err(self.wrong(format!("does not say {key}"))),
        }
    }

    /// A size, or another where none is said.
    fn extent_or(&self, name: &str, or: usize) -> Result<usize> {
        if self.get(name).is_some() { self.extent(name) } else { Ok(or) }
    }

    /// A float, or another where none is said.
    fn float_or(&self, name: &str, or: f32) -> Result<f32> {
        match self.get(name) {
            None => Ok(or),
            Some(Value::Float(x)) => Ok(*x as f32),
            Some(_) => Err(self.wrong(format!("{} is no float", self.key(name)))),
        }
    }

    /// A size that the others determine.
    fn must_be(&self, name: &str, ours: usize) -> Result<()> {
        match self.get(name) {
            Some(_) if self.metadata.get_u32(&self.key(name)).map(|n| n as usize) != Some(ours) => {
                let key = self.key(name);
                Err(self.wrong(format!("{key} is not {ours}, which it is in every model of this shape")))
            }
            _ => Ok(()),
        }
    }
}

fn gpt2(said: &Said, vocab_size: usize) -> Result<Gpt2> {
    let config = Gpt2 {
        vocab_size,
        block_size: said.extent("context_length")?,
        n_layer: said.extent("block_count")?,
        n_head: said.extent("attention.head_count")?,
        n_embd: said.extent("embedding_length")?,
    };
    said.must_be("feed_forward_length", 4 * config.n_embd)?;
    said.must_be("attention.head_count_kv", config.n_head)?;
    layer_norm(said)?;
    Ok(config)
}

/// LayerNorm's ε is the one that there is.
fn layer_norm(said: &Said) -> Result<()> {
    let eps = "attention.layer_norm_epsilon";
    let found = said.float_or(eps, LAYER_NORM_EPS)?;
    if found != LAYER_NORM_EPS {
        let family = family(said.architecture).unwrap_or_default();
        return Err(said.wrong(format!("{} is {found}; {family}'s is {LAYER_NORM_EPS}", said.key(eps))));
    }
    Ok(())
}

/// llama.cpp's converter says of the MLP and of the heads of keys and values what Phi-2 has, whatever a model has: what is
/// otherwise is told by its tensors' shapes.
fn phi(said: &Said, vocab_size: usize) -> Result<Phi> {
    another_network(said)?;
    layer_norm(said)?;
    let (n_head, n_embd) = (said.extent("attention.head_count")?, said.extent("embedding_length")?);
    for length in ["attention.key_length", "attention.value_length"] {
        said.must_be(length, n_embd.checked_div(n_head).unwrap_or(0))?;
    }
    said.must_be("vocab_size", vocab_size)?;
    Ok(Phi {
        vocab_size,
        block_size: said.extent("context_length")?,
        n_layer: said.extent("block_count")?,
        n_head,
        n_kv_head: said.extent_or("attention.head_count_kv", n_head)?,
        n_embd,
        n_ff: said.extent("feed_forward_length")?,
        rotary: said.extent("rope.dimension_count")?,
        rope_theta: said.float_or("rope.freq_base", ROPE_THETA)?,
    })
}

/// A head of its own is one that is there.
fn llama(said: &Said, vocab_size: usize, tied: bool) -> Result<Llama> {
    another_network(said)?;
    let (n_head, n_embd) = (said.extent("attention.head_count")?, said.extent("embedding_length")?);
    let even = n_head > 0 && n_embd.is_multiple_of(n_head);
    let head_size = match (said.get("attention.key_length"), even) {
        (None, true) => n_embd / n_head,
        (None, false) => {
            let problem = format!("{n_embd} channels are no multiple of {n_head} heads");
            return Err(said.wrong(problem));
        }
        (Some(_), _) => said.extent("attention.key_length")?,
    };
    // All of a head's channels turn.
    said.must_be("attention.value_length", head_size)?;
    said.must_be("rope.dimension_count", head_size)?;
    said.must_be("vocab_size", vocab_size)?;
    let eps = "attention.layer_norm_rms_epsilon";
    if said.get(eps).is_none() {
        return Err(said.wrong(format!("does not say {}", said.key(eps))));
    }
    let window = said.get("attention.sliding_window").filter(|value| **value != Value::Whole(0));
    Ok(Llama {
        vocab_size,
        block_size: said.extent("context_length")?,
        n_layer: said.extent("block_count")?,
        n_head,
        n_kv_head: said.extent_or("attention.head_count_kv", n_head)?,
        n_embd,
        head_size,
        n_ff: said.extent("feed_forward_length")?,
        rope_theta: said.float_or("rope.freq_base", ROPE_THETA)?,
        eps: said.float_or(eps, 0.0)?,
        window: window.map(|_| said.extent("attention.sliding_window")).transpose()?,
        tied,
    })
}

/// The settings that make another network of a Llama or a Phi, by name: scaled positions, experts, and what models that were built
/// from it have added.
fn another_network(said: &Said) -> Result<()> {
    let refuse = |name: &str, value: &Value| {
        let shown = match value {
            Value::Whole(n) => n.to_string(),
            Value::Float(x) => x.to_string(),
            Value::Bool(yes) => yes.to_string(),
            Value::Text(text) => short(&format!("{text:?}")),
            Value::Texts(_) | Value::Numbers(_) | Value::Arrays(_) => "a list".into(),
        };
        let next =
            "use a GGUF of a model of Llama's plain shape (SmolLM2, TinyLlama, Mistral 7B) or of Phi-2's";
        let problem = format!("{} is {shown}, which is not computed", said.key(name));
        Err(Error::file(said.path, problem, next))
    };
    let one = |value: &Value| matches!(value, Value::Whole(1)) || *value == Value::Float(1.0);
    let none = |value: &Value| matches!(value, Value::Whole(0)) || *value == Value::Float(0.0);
    for name in ["rope.scaling.factor", "rope.scale_linear", "rope.scaling.attn_factor"] {
        if let Some(value) = said.get(name).filter(|value| !one(value) && !none(value)) {
            return refuse(name, value);
        }
    }
    if let Some(value) = said.get("rope.scaling.type").filter(|v| **v != Value::Text("none".into())) {
        return refuse("rope.scaling.type", value);
    }
    for name in [
        "expert_count",
        "expert_used_count",
        "attention.clamp_kqv",
        "attention.max_alibi_bias",
        "attention.temperature_scale",
        "attention.scale",
        "attn_logit_softcapping",
        "final_logit_softcapping",
        "logit_scale",
        "residual_scale",
        "embedding_scale",
    ] {
        if let Some(value) = said.get(name).filter(|value| !none(value)) {
            return refuse(name, value);
        }
    }
    for (name, ours) in [("attention.causal", true), ("use_parallel_residual", false)] {
        if let Some(value) = said.get(name).filter(|value| **value != Value::Bool(ours)) {
            return refuse(name, value);
        }
    }
    Ok(())
}
