//! The parameter table: every weight of a GPT-2, by its checkpoint key, in the order of the forward pass.

use crate::base::Config;

/// How a parameter starts when a model is made from scratch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    /// Normal with this standard deviation.
    Normal(f32),
    /// All ones (LayerNorm's gain).
    Ones,
    /// All zeros (every bias).
    Zeros,
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// GPT-2's key, without the `transformer.` prefix: `h.0.attn.c_attn.weight`.
    pub name: String,
    /// One or two extents; matrices of the blocks are Conv1D's `[in, out]`.
    pub shape: Vec<usize>,
    /// Whether weight decay applies: to matrices and embeddings, not to biases and LayerNorm gains.
    pub decay: bool,
    /// How it starts from scratch.
    pub init: Init,
}

impl Param {
    /// Elements.
    pub fn numel(&self) -> usize {
        self.shape.iter().product()
    }
}

/// Every parameter of a model of this shape. GPT-2's initialisation (Radford et al. 2019): normal 0.02, the two
/// projections back into the residual stream scaled by 1/√(2L).
pub fn table(cfg: &Config) -> Vec<Param> {
    let (v, t, c, l) = (cfg.vocab_size, cfg.block_size, cfg.n_embd, cfg.n_layer);
    let normal = Init::Normal(0.02);
    let residual = Init::Normal(0.02 / (2.0 * l as f32).sqrt());
    let mut params = Vec::with_capacity(4 + 12 * l);
    let mut add = |name: String, shape: &[usize], init| {
        params.push(Param { name, shape: shape.to_vec(), decay: shape.len() == 2, init });
    };
    add("wte.weight".into(), &[v, c], normal);
    add("wpe.weight".into(), &[t, c], normal);
    for i in 0..l {
        let h = |s: &str| format!("h.{i}.{s}");
        add(h("ln_1.weight"), &[c], Init::Ones);
        add(h("ln_1.bias"), &[c], Init::Zeros);
        add(h("attn.c_attn.weight"), &[c, 3 * c], normal);
        add(h("attn.c_attn.bias"), &[3 * c], Init::Zeros);
        add(h("attn.c_proj.weight"), &[c, c], residual);
        add(h("attn.c_proj.bias"), &[c], Init::Zeros);
        add(h("ln_2.weight"), &[c], Init::Ones);
        add(h("ln_2.bias"), &[c], Init::Zeros);
        add(h("mlp.c_fc.weight"), &[c, 4 * c], normal);
        add(h("mlp.c_fc.bias"), &[4 * c], Init::Zeros);
        add(h("mlp.c_proj.weight"), &[4 * c, c], residual);
        add(h("mlp.c_proj.bias"), &[c], Init::Zeros);
    }
    add("ln_f.weight".into(), &[c], Init::Ones);
    add("ln_f.bias".into(), &[c], Init::Zeros);
    params
}

impl Config {
    /// The number of parameters, `wte` counted once (it is tied to the head).
    pub fn num_params(&self) -> u64 {
        table(self).iter().map(|p| p.numel() as u64).sum()
    }

    /// Arithmetic of one training token, forward and backward, in closed form: six operations a parameter that
    /// multiplies (all but `wpe`; the tied `wte` counts once, as the head) and attention's two products over the
    /// causal half: `12·L·C·(T+1)/2`.
    pub fn train_flops_per_token(&self, t: usize) -> f64 {
        let multiplying = self.num_params() as f64 - (self.block_size * self.n_embd) as f64;
        let attention = 12.0 * (self.n_layer * self.n_embd) as f64 * (t as f64 + 1.0) / 2.0;
        6.0 * multiplying + attention
    }
}
