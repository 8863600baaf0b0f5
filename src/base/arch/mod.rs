//! Model families: what a model is, before anything of it exists. A family is a file here with its shape and its parameter
//! table, a variant of [`Config`], and a file in `model/` that records it; every other room asks the neutral accessors.

pub mod gpt2;
pub mod llama;
pub mod lora;
pub mod optimizer;
pub mod params;
pub mod phi;
pub mod precision;
pub mod presets;
pub mod recompute;

pub use gpt2::Gpt2;
pub use llama::Llama;
pub use lora::Lora;
pub use optimizer::Optimizer;
pub use params::{Freeze, Init, Layout, Param, Part, Role};
pub use phi::Phi;
pub use precision::Precision;
pub use presets::Preset;
pub use recompute::Recompute;

use crate::base::{Error, Result};

/// A model's family and shape. Extents elsewhere in the code carry the letters given here.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "family", rename_all = "lowercase")]
pub enum Config {
    /// GPT-2 (Radford et al. 2019).
    Gpt2(Gpt2),
    /// Llama (Touvron et al. 2023), and what is built like it.
    Llama(Llama),
    /// Phi-2 (Javaheripi et al. 2023), and what is built like it.
    Phi(Phi),
}

impl From<Gpt2> for Config {
    fn from(shape: Gpt2) -> Config {
        Config::Gpt2(shape)
    }
}

impl From<Llama> for Config {
    fn from(shape: Llama) -> Config {
        Config::Llama(shape)
    }
}

impl From<Phi> for Config {
    fn from(shape: Phi) -> Config {
        Config::Phi(shape)
    }
}

impl Config {
    /// The family's name, as `config.json` calls it.
    pub fn family(&self) -> &'static str {
        match self {
            Config::Gpt2(_) => "gpt2",
            Config::Llama(_) => "llama",
            Config::Phi(_) => "phi",
        }
    }

    /// The family's name, as people write it.
    pub fn title(&self) -> &'static str {
        match self {
            Config::Gpt2(_) => "GPT-2",
            Config::Llama(_) => "Llama",
            Config::Phi(_) => "Phi",
        }
    }

    /// Whether its activations are dropped while it is trained, where one wants that.
    pub fn has_dropout(&self) -> bool {
        matches!(self, Config::Gpt2(_))
    }

    /// `V`: tokens in the vocabulary.
    pub fn vocab_size(&self) -> usize {
        match self {
            Config::Gpt2(c) => c.vocab_size,
            Config::Llama(c) => c.vocab_size,
            Config::Phi(c) => c.vocab_size,
        }
    }

    /// The most positions the model knows; a run's `T` is at most this.
    pub fn block_size(&self) -> usize {
        match self {
            Config::Gpt2(c) => c.block_size,
            Config::Llama(c) => c.block_size,
            Config::Phi(c) => c.block_size,
        }
    }

    /// The same shape, knowing another number of positions: for a model that is made from scratch.
    pub fn with_block_size(self, positions: usize) -> Config {
        match self {
            Config::Gpt2(c) => Config::Gpt2(Gpt2 { block_size: positions, ..c }),
            Config::Llama(c) => Config::Llama(Llama { block_size: positions, ..c }),
            Config::Phi(c) => Config::Phi(Phi { block_size: positions, ..c }),
        }
    }

    /// The same shape with another number of blocks: what is done in a block is done at the same sizes.
    pub fn with_n_layer(self, blocks: usize) -> Config {
        match self {
            Config::Gpt2(c) => Config::Gpt2(Gpt2 { n_layer: blocks, ..c }),
            Config::Llama(c) => Config::Llama(Llama { n_layer: blocks, ..c }),
            Config::Phi(c) => Config::Phi(Phi { n_layer: blocks, ..c }),
        }
    }

    /// `C`: channels of the residual stream.
    pub fn n_embd(&self) -> usize {
        match self {
            Config::Gpt2(c) => c.n_embd,
            Config::Llama(c) => c.n_embd,
            Config::Phi(c) => c.n_embd,
        }
    }

    /// `NH`: attention heads.
    pub fn n_head(&self) -> usize {
        match self {
            Config::Gpt2(c) => c.n_head,
            Config::Llama(c) => c.n_head,
            Config::Phi(c) => c.n_head,
        }
    }

    /// `NKV`: heads of keys and values.
    pub fn n_kv_head(&self) -> usize {
        match self {
            Config::Gpt2(c) => c.n_head,
            Config::Llama(c) => c.n_kv_head,
            Config::Phi(c) => c.n_kv_head,
        }
    }

    /// `HS`: channels of one head.
    pub fn head_size(&self) -> usize {
        match self {
            Config::Gpt2(c) => c.n_embd / c.n_head,
            Config::Llama(c) => c.head_size,
            Config::Phi(c) => c.head_size(),
        }
    }

    /// So many keys a query sees, where not all.
    pub fn window(&self) -> Option<usize> {
        match self {
            Config::Gpt2(_) | Config::Phi(_) => None,
            Config::Llama(c) => c.window,
        }
    }

    /// The key of the matrix whose rows are the tokens'.
    pub fn embedding(&self) -> &'static str {
        match self {
            Config::Gpt2(_) => "wte.weight",
            Config::Llama(_) | Config::Phi(_) => "embed_tokens.weight",
        }
    }

    /// The key of the matrix that the logits come from: the embedding, where it is tied.
    pub fn head(&self) -> &'static str {
        match self {
            Config::Llama(Llama { tied: false, .. }) | Config::Phi(_) => "lm_head.weight",
            _ => self.embedding(),
        }
    }

    /// `L`: transformer blocks.
    pub fn n_layer(&self) -> usize {
        match self {
            Config::Gpt2(c) => c.n_layer,
            Config::Llama(c) => c.n_layer,
            Config::Phi(c) => c.n_layer,
        }
    }

    /// `ε` of the normalisations.
    pub fn eps(&self) -> f32 {
        match self {
            Config::Gpt2(_) | Config::Phi(_) => gpt2::LAYER_NORM_EPS,
            Config::Llama(c) => c.eps,
        }
    }

    /// Checks what every model must satisfy.
    ///
    /// # Errors
    /// A zero extent, or channels that the heads do not divide.
    pub fn check(&self) -> Result<()> {
        match self {
            Config::Gpt2(c) => c.check(),
            Config::Llama(c) => c.check(),
            Config::Phi(c) => c.check(),
        }
    }

    /// Every parameter by its checkpoint key, in the order of the forward pass.
    pub fn table(&self) -> Vec<Param> {
        match self {
            Config::Gpt2(c) => c.table(),
            Config::Llama(c) => c.table(),
            Config::Phi(c) => c.table(),
        }
    }

    /// Checks that what is frozen is there.
    ///
    /// # Errors
    /// More blocks than the model has.
    pub fn check_freeze(&self, freeze: Freeze) -> Result<()> {
        let l = self.n_layer();
        if freeze.first > l {
            return Err(Error::usage(
                format!("--freeze first={}, but this model has {l} blocks", freeze.first),
                format!("use {l} or less"),
            ));
        }
        Ok(())
    }

    /// The number of parameters, a tied head counted once.
    pub fn num_params(&self) -> u64 {
        self.table().iter().map(|p| p.numel() as u64).sum()
    }

    /// Arithmetic of one training token, forward and backward, in closed form: of each parameter that multiplies (all but those
    /// that are only looked up; a tied embedding counts once, as the head) two operations forward, two back through it where
    /// something below is `trained`, and two for its gradient where it is; and attention's products over the keys that a query
    /// sees, two forward and four back. Where everything trains that is `6·N + 12·L·NH·HS·(T+1)/2`. An adapter's matrices, which
    /// are not the model's, multiply too.
    pub fn train_flops_per_token(&self, trained: &[Param], t: usize) -> f64 {
        let lowest = trained.iter().map(|p| p.part).min().unwrap_or(Part::Head);
        let back = |part: Part| if part >= lowest { 2.0 } else { 0.0 };
        let names: std::collections::HashSet<&str> = trained.iter().map(|p| p.name.as_str()).collect();
        let of = |p: &Param| {
            let stands = match p.role {
                Role::Positions => return 0.0,
                Role::Embedding if self.head() != p.name => return 0.0,
                Role::Embedding => Part::Head,
                _ => p.part,
            };
            let own = if names.contains(p.name.as_str()) { 2.0 } else { 0.0 };
            (2.0 + back(stands) + own) * p.numel() as f64
        };
        let adapters = trained.iter().filter(|p| p.role == Role::Adapter);
        let parameters: f64 = self.table().iter().chain(adapters).map(of).sum();
        let seen = self.window().unwrap_or(t).min(t) as f64;
        let keys = (seen * (seen + 1.0) / 2.0 + (t as f64 - seen) * seen) / t as f64;
        let attention = |i: usize| (4.0 + 4.0 * back(Part::Block(i))) * keys;
        let channels = (self.n_head() * self.head_size()) as f64;
        parameters + channels * (0..self.n_layer()).map(attention).sum::<f64>()
    }
}
