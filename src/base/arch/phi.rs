//! Phi's shape (Li et al. 2023, arXiv:2309.05463; Javaheripi et al. 2023): one LayerNorm a block, which attention and MLP both
//! read and behind which both add to the stream; rotary positions on the first channels of a head; biases everywhere, the head's
//! too. Phi-1, Phi-1.5 and Phi-2 are of it; Phi-3 is another network.

use crate::base::arch::params::{Init, Layout, Param, Part, Role};
use crate::base::{Error, Result};

/// A Phi's shape. Names where nanoGPT has one are nanoGPT's.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Phi {
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
    /// `C`: channels of the residual stream; `NH` divides them.
    pub n_embd: usize,
    /// `FF`: channels of the MLP.
    pub n_ff: usize,
    /// `ROT`: channels of a head that turn, from the first on; the others stay.
    pub rotary: usize,
    /// The base of the rotary angles.
    pub rope_theta: f32,
}

impl Phi {
    /// `HS`: channels of a head.
    pub fn head_size(&self) -> usize {
        self.n_embd / self.n_head
    }

    /// Checks what every model must satisfy.
    ///
    /// # Errors
    /// A zero extent, heads that do not divide, channels that cannot turn, a base that is none.
    pub fn check(&self) -> Result<()> {
        let Phi { n_head, n_kv_head, n_embd, rotary, rope_theta, .. } = *self;
        let extents = [
            ("vocab_size", self.vocab_size),
            ("block_size", self.block_size),
            ("n_layer", self.n_layer),
            ("n_head", n_head),
            ("n_kv_head", n_kv_head),
            ("n_embd", n_embd),
            ("n_ff", self.n_ff),
            ("rotary", rotary),
        ];
        let bad = |problem: String| Err(Error::setting(problem, "check the model's config"));
        if let Some((name, _)) = extents.iter().find(|(_, n)| *n == 0) {
            return bad(format!("its {name} is zero"));
        }
        if !n_embd.is_multiple_of(n_head) {
            return bad(format!("{n_embd} channels are no multiple of {n_head} heads"));
        }
        if !n_head.is_multiple_of(n_kv_head) {
            return bad(format!(
                "{n_head} heads of queries are no multiple of {n_kv_head} heads of keys and values"
            ));
        }
        if !rotary.is_multiple_of(2) || rotary > self.head_size() {
            return bad(format!(
                "{rotary} of a head's {} channels turn; it takes pairs of them, and no more than there are",
                self.head_size()
            ));
        }
        // What a rotation turns a position by is kept as a fraction of a turn: at most one radian, the first pair's.
        if !(rope_theta >= 1.0 && rope_theta.is_finite()) {
            return bad(format!("its rotary base is {rope_theta}"));
        }
        Ok(())
    }

    /// Every parameter. Initialised as GPT-2 is: normal 0.02, the two projections back into the residual stream scaled by
    /// 1/√(2L), biases zero.
    pub fn table(&self) -> Vec<Param> {
        let (v, c, ff, l) = (self.vocab_size, self.n_embd, self.n_ff, self.n_layer);
        let kv = self.n_kv_head * self.head_size();
        let normal = Init::Normal(0.02);
        let residual = Init::Normal(0.02 / (2.0 * l as f32).sqrt());
        let mut params = Vec::with_capacity(5 + 14 * l);
        // A matrix or a gain, and the bias that each but the embedding has.
        let mut add = |module: String, shape: &[usize], init, part, role| {
            let (name, decay) = (format!("{module}.weight"), shape.len() == 2);
            params.push(Param { name, shape: shape.to_vec(), decay, init, part, role });
            if role != Role::Embedding {
                let (name, shape) = (format!("{module}.bias"), vec![shape[0]]);
                params.push(Param { name, shape, decay: false, init: Init::Zeros, part, role: Role::Vector });
            }
        };
        add("embed_tokens".into(), &[v, c], normal, Part::Embeddings, Role::Embedding);
        for i in 0..l {
            let mut add = |s: &str, shape: &[usize], init, role| {
                add(format!("layers.{i}.{s}"), shape, init, Part::Block(i), role)
            };
            let linear = Role::Linear(Layout::OutIn);
            add("input_layernorm", &[c], Init::Ones, Role::Vector);
            add("self_attn.q_proj", &[c, c], normal, linear);
            add("self_attn.k_proj", &[kv, c], normal, linear);
            add("self_attn.v_proj", &[kv, c], normal, linear);
            add("self_attn.dense", &[c, c], residual, linear);
            add("mlp.fc1", &[ff, c], normal, linear);
            add("mlp.fc2", &[c, ff], residual, linear);
        }
        add("final_layernorm".into(), &[c], Init::Ones, Part::Head, Role::Vector);
        add("lm_head".into(), &[v, c], normal, Part::Head, Role::Head);
        params
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Config, Preset};

    #[test]
    fn impossible_shapes_are_refused() {
        let Config::Phi(ok) = Preset::Phi2.config(51_200) else { panic!() };
        assert!(ok.check().is_ok());
        for bad in [
            Phi { n_head: 33, ..ok },
            Phi { n_kv_head: 3, ..ok },
            Phi { rotary: 31, ..ok },
            Phi { rotary: 82, ..ok },
            Phi { rotary: 0, ..ok },
            Phi { rope_theta: f32::NAN, ..ok },
            Phi { n_ff: 0, ..ok },
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }
}
