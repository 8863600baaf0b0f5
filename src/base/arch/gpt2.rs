//! GPT-2 (Radford et al. 2019): its shape and its parameters.

use crate::base::arch::params::{Init, Layout, Param, Part, Role};
use crate::base::{Error, Result};

/// A GPT-2's shape, in nanoGPT's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Gpt2 {
    /// `V`: tokens in the vocabulary.
    pub vocab_size: usize,
    /// The most positions the model knows (rows of `wpe`); a run's `T` is at most this.
    pub block_size: usize,
    /// `L`: transformer blocks.
    pub n_layer: usize,
    /// `NH`: attention heads.
    pub n_head: usize,
    /// `C`: channels of the residual stream.
    pub n_embd: usize,
}

/// LayerNorm's ε: GPT-2 has this one value, and Phi the same.
pub const LAYER_NORM_EPS: f32 = 1e-5;

impl Gpt2 {
    /// Checks what every model must satisfy.
    ///
    /// # Errors
    /// A zero extent, or channels that the heads do not divide.
    pub fn check(&self) -> Result<()> {
        let Gpt2 { vocab_size, block_size, n_layer, n_head, n_embd } = *self;
        let extents = [
            ("tokens in its vocabulary", vocab_size),
            ("positions", block_size),
            ("layers", n_layer),
            ("heads", n_head),
            ("channels", n_embd),
        ];
        let bad = |problem: String| Err(Error::setting(problem, "check the model's config"));
        if let Some((what, _)) = extents.iter().find(|(_, n)| *n == 0) {
            return bad(format!("the model has no {what}"));
        }
        if !n_embd.is_multiple_of(n_head) {
            return bad(format!("{n_embd} channels are no multiple of {n_head} heads"));
        }
        Ok(())
    }

    /// Every parameter. GPT-2's initialisation (Radford et al. 2019): normal 0.02, the two projections back into the
    /// residual stream scaled by 1/√(2L).
    pub fn table(&self) -> Vec<Param> {
        let (v, t, c, l) = (self.vocab_size, self.block_size, self.n_embd, self.n_layer);
        let normal = Init::Normal(0.02);
        let residual = Init::Normal(0.02 / (2.0 * l as f32).sqrt());
        let mut params = Vec::with_capacity(4 + 12 * l);
        let mut add = |name: String, shape: &[usize], init, part| {
            let role = match (&name[..], shape.len()) {
                ("wte.weight", _) => Role::Embedding,
                ("wpe.weight", _) => Role::Positions,
                (_, 2) => Role::Linear(Layout::InOut),
                _ => Role::Vector,
            };
            params.push(Param { name, shape: shape.to_vec(), decay: shape.len() == 2, init, part, role });
        };
        add("wte.weight".into(), &[v, c], normal, Part::Embeddings);
        add("wpe.weight".into(), &[t, c], normal, Part::Embeddings);
        for i in 0..l {
            let mut add =
                |s: &str, shape: &[usize], init| add(format!("h.{i}.{s}"), shape, init, Part::Block(i));
            add("ln_1.weight", &[c], Init::Ones);
            add("ln_1.bias", &[c], Init::Zeros);
            add("attn.c_attn.weight", &[c, 3 * c], normal);
            add("attn.c_attn.bias", &[3 * c], Init::Zeros);
            add("attn.c_proj.weight", &[c, c], residual);
            add("attn.c_proj.bias", &[c], Init::Zeros);
            add("ln_2.weight", &[c], Init::Ones);
            add("ln_2.bias", &[c], Init::Zeros);
            add("mlp.c_fc.weight", &[c, 4 * c], normal);
            add("mlp.c_fc.bias", &[4 * c], Init::Zeros);
            add("mlp.c_proj.weight", &[4 * c, c], residual);
            add("mlp.c_proj.bias", &[c], Init::Zeros);
        }
        add("ln_f.weight".into(), &[c], Init::Ones, Part::Head);
        add("ln_f.bias".into(), &[c], Init::Zeros, Part::Head);
        params
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_shapes_are_refused() {
        let ok = Gpt2 { vocab_size: 257, block_size: 256, n_layer: 4, n_head: 4, n_embd: 192 };
        assert!(ok.check().is_ok());
        assert!(Gpt2 { n_head: 5, ..ok }.check().is_err());
        assert!(Gpt2 { vocab_size: 0, ..ok }.check().is_err());
        assert!(Gpt2 { n_layer: 0, ..ok }.check().is_err());
    }
}
