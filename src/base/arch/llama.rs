//! The Llama shape (Touvron et al. 2023, arXiv:2302.13971): RMSNorm, rotary positions, SwiGLU, no biases, and keys and values
//! shared by groups of heads. SmolLM2, TinyLlama and Mistral 7B are of it.

use crate::base::arch::params::{Init, Layout, Param, Part, Role};
use crate::base::{Error, Result};

/// A Llama's shape. Names where nanoGPT has one are nanoGPT's.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Llama {
    /// `V`: tokens in the vocabulary.
    pub vocab_size: usize,
    /// The most positions that it was trained for; a run's `T` is at most this.
    pub block_size: usize,
    /// `L`: transformer blocks.
    pub n_layer: usize,
    /// `NH`: heads of queries.
    pub n_head: usize,
    /// `NKV`: heads of keys and values; `NH` is a multiple of it.
    pub n_kv_head: usize,
    /// `C`: channels of the residual stream.
    pub n_embd: usize,
    /// `HS`: channels of a head.
    pub head_size: usize,
    /// `FF`: channels of the feed-forward.
    pub n_ff: usize,
    /// The base of the rotary angles.
    pub rope_theta: f32,
    /// RMSNorm's ε.
    pub eps: f32,
    /// So many keys a query sees, itself among them; all where none is said (Mistral's sliding window).
    pub window: Option<usize>,
    /// Whether the head is the embedding.
    pub tied: bool,
}

impl Llama {
    /// Checks what every model must satisfy.
    ///
    /// # Errors
    /// A zero extent, heads that do not divide, an ε or a base that is none.
    pub fn check(&self) -> Result<()> {
        let extents = [
            ("tokens in its vocabulary", self.vocab_size),
            ("positions", self.block_size),
            ("layers", self.n_layer),
            ("heads of queries", self.n_head),
            ("heads of keys and values", self.n_kv_head),
            ("channels", self.n_embd),
            ("channels in a head", self.head_size),
            ("channels in the feed-forward", self.n_ff),
            ("keys in its window", self.window.unwrap_or(1)),
        ];
        let bad = |problem: String| Err(Error::setting(problem, "check the model's config"));
        if let Some((what, _)) = extents.iter().find(|(_, n)| *n == 0) {
            return bad(format!("the model has no {what}"));
        }
        if !self.n_head.is_multiple_of(self.n_kv_head) {
            return bad(format!(
                "{} heads of queries are no multiple of {} heads of keys and values",
                self.n_head, self.n_kv_head
            ));
        }
        if !self.head_size.is_multiple_of(2) {
            return bad(format!(
                "its heads have {} channels; rotary positions turn pairs of them",
                self.head_size
            ));
        }
        // What a rotation turns a position by is kept as a fraction of a turn: at most one radian, the first pair's.
        if !(self.rope_theta >= 1.0 && self.rope_theta.is_finite()) {
            return bad(format!("its rotary base is {}", self.rope_theta));
        }
        if !(self.eps > 0.0 && self.eps < 1.0) {
            return bad(format!("its RMSNorm's epsilon is {}", self.eps));
        }
        Ok(())
    }

    /// Every parameter. Initialised as GPT-2 is: normal 0.02, the two projections back into the residual stream scaled by
    /// 1/√(2L).
    pub fn table(&self) -> Vec<Param> {
        let (v, c, ff, l) = (self.vocab_size, self.n_embd, self.n_ff, self.n_layer);
        let (q, kv) = (self.n_head * self.head_size, self.n_kv_head * self.head_size);
        let normal = Init::Normal(0.02);
        let residual = Init::Normal(0.02 / (2.0 * l as f32).sqrt());
        let mut params = Vec::with_capacity(3 + 9 * l);
        let mut add = |name: String, shape: &[usize], init, part, role| {
            params.push(Param { name, shape: shape.to_vec(), decay: shape.len() == 2, init, part, role });
        };
        add("embed_tokens.weight".into(), &[v, c], normal, Part::Embeddings, Role::Embedding);
        for i in 0..l {
            let mut add = |s: &str, shape: &[usize], init, role| {
                add(format!("layers.{i}.{s}.weight"), shape, init, Part::Block(i), role);
            };
            let linear = Role::Linear(Layout::OutIn);
            add("input_layernorm", &[c], Init::Ones, Role::Vector);
            add("self_attn.q_proj", &[q, c], normal, linear);
            add("self_attn.k_proj", &[kv, c], normal, linear);
            add("self_attn.v_proj", &[kv, c], normal, linear);
            add("self_attn.o_proj", &[c, q], residual, linear);
            add("post_attention_layernorm", &[c], Init::Ones, Role::Vector);
            add("mlp.gate_proj", &[ff, c], normal, linear);
            add("mlp.up_proj", &[ff, c], normal, linear);
            add("mlp.down_proj", &[c, ff], residual, linear);
        }
        add("norm.weight".into(), &[c], Init::Ones, Part::Head, Role::Vector);
        if !self.tied {
            add("lm_head.weight".into(), &[v, c], normal, Part::Head, Role::Head);
        }
        params
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Config, Preset};

    #[test]
    fn impossible_shapes_are_refused() {
        let Config::Llama(ok) = Preset::Smollm2_135m.config(49_152) else { panic!() };
        assert!(ok.check().is_ok());
        for bad in [
            Llama { n_kv_head: 2, ..ok },
            Llama { head_size: 63, ..ok },
            Llama { window: Some(0), ..ok },
            Llama { eps: 0.0, ..ok },
            Llama { rope_theta: f32::NAN, ..ok },
            Llama { n_ff: 0, ..ok },
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
        let told = Llama { n_kv_head: 0, ..ok }.check().unwrap_err().to_string();
        assert!(told.starts_with("the model has no heads of keys and values"), "{told}");
    }
}
