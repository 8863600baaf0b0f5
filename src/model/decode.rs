//! Decoding with a key/value cache, one sequence: prefill in fixed blocks, then a token at a time.
//!
//! A prompt's length never makes a new recording: `prefill` takes [`BLOCK`] tokens at the step's position, padded at the
//! end (what the padding computes is overwritten before it is read), and `decode` takes one token and gives its logits.

use crate::base::Result;
use crate::device::{Kind, Recorder, Recording, Tensor};
use crate::model::gpt2::Shape;
use crate::model::parameters::{Block, Parameters};
use crate::ops::kv_cache::{self, Cache};
use crate::ops::matmul::Layout;
use crate::ops::{attention, embedding, gelu, layernorm, matmul, matvec, residual};

/// Tokens of a prefill block.
pub const BLOCK: usize = 32;

impl Shape {
    /// Records `prefill`: keys and values of a block of tokens, `prefill.tokens` (BLOCK), go to the cache.
    ///
    /// # Errors
    /// A tensor larger than the device's largest binding.
    pub fn prefill(&self) -> Result<Recording> {
        let mut rec = Recorder::new("prefill", self.limits, self.choices);
        let w = Parameters::declare(&mut rec, &self.config, "", Kind::Parameter);
        let tokens = rec.kept("prefill.tokens", Kind::Input, &[BLOCK]);
        self.cached_blocks(&mut rec, &w, tokens);
        rec.finish()
    }

    /// Records `decode`: the logits (V) of the token after `decode.token` (1).
    ///
    /// # Errors
    /// A tensor larger than the device's largest binding.
    pub fn decode(&self) -> Result<Recording> {
        let mut rec = Recorder::new("decode", self.limits, self.choices);
        let w = Parameters::declare(&mut rec, &self.config, "", Kind::Parameter);
        let token = rec.kept("decode.token", Kind::Input, &[1]);
        let last = self.cached_blocks(&mut rec, &w, token);
        let (out, _) = rec.scoped("ln_f", |r| layernorm::forward(r, last, w.ln_f_weight, w.ln_f_bias));
        let logits = rec.kept("logits", Kind::Output, &[1, self.config.vocab_size()]);
        for chunk in &w.wte {
            rec.scoped("lm_head", |r| {
                matvec::record(r, "logits", Layout::NT, out, chunk.tensor, None, (logits, chunk.row0));
            });
        }
        rec.finish()
    }

    fn cached_blocks(&self, rec: &mut Recorder, w: &Parameters, tokens: Tensor) -> Tensor {
        let [p] = rec.extents(tokens);
        let mut stream = rec.scoped("encoded", |r| embedding::forward(r, tokens, p, &w.wte, w.wpe));
        for (i, block) in w.blocks.iter().enumerate() {
            let [k, v] = ["k", "v"].map(|s| {
                rec.kept(
                    format!("h.{i}.cache.{s}"),
                    Kind::Cache,
                    &[self.config.block_size(), self.config.n_embd()],
                )
            });
            stream = rec.scoped(format!("h.{i}"), |r| self.cached_block(r, block, stream, Cache { k, v }));
        }
        stream
    }

    fn cached_block(&self, rec: &mut Recorder, w: &Block, residual: Tensor, cache: Cache) -> Tensor {
        let (ln1, _) = rec.scoped("ln_1", |r| layernorm::forward(r, residual, w.ln_1_weight, w.ln_1_bias));
        let qkv = rec.scoped("attn.c_attn", |r| linear(r, ln1, w.c_attn_weight, w.c_attn_bias));
        let atty = rec.scoped("attn", |r| {
            kv_cache::append(r, qkv, cache);
            attention::cached(r, qkv, cache, self.config.n_head())
        });
        let attproj = rec.scoped("attn.c_proj", |r| linear(r, atty, w.attn_proj_weight, w.attn_proj_bias));
        let residual2 = rec.scoped("residual2", |r| residual::forward(r, residual, attproj, None));
        let (ln2, _) = rec.scoped("ln_2", |r| layernorm::forward(r, residual2, w.ln_2_weight, w.ln_2_bias));
        let fch = rec.scoped("mlp.c_fc", |r| linear(r, ln2, w.c_fc_weight, w.c_fc_bias));
        let fch_gelu = rec.scoped("mlp.gelu", |r| gelu::forward(r, fch));
        let fcproj = rec.scoped("mlp.c_proj", |r| linear(r, fch_gelu, w.mlp_proj_weight, w.mlp_proj_bias));
        rec.scoped("residual3", |r| residual::forward(r, residual2, fcproj, None))
    }
}

/// A linear layer over a block of rows, or over one.
fn linear(rec: &mut Recorder, inp: Tensor, weight: Tensor, bias: Tensor) -> Tensor {
    let ([p, _], [_, n]) = (rec.extents(inp), rec.extents(weight));
    if p > 1 {
        return matmul::forward(rec, inp, weight, bias);
    }
    let out = rec.scratch("out", &[1, n]);
    matvec::record(rec, "forward", Layout::NN, inp, weight, Some(bias), (out, 0));
    out
}
