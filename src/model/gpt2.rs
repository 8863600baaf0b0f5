//! GPT-2 (Radford et al. 2019) as recordings: the forward pass, the backward pass that mirrors it line by line, and the
//! recordings that training is made of.
//!
//! The residual stream `(B·T,C)` runs through the blocks; its gradient runs back through one tensor that the
//! LayerNorms' backward adds into. LayerNorm's and GELU's outputs are cheap, so backward records them a second time
//! instead of keeping them: a block keeps 10·C numbers a token, not 16·C.

use crate::base::rng::Site;
use crate::base::{Config, Result};
use crate::device::{Choices, Kind, Limits, Recorder, Recording, Tensor};
use crate::model::parameters::{Block, Parameters, all_pieces};
use crate::ops::classifier::{Gradients, scalar};
use crate::ops::embedding::Buckets;
use crate::ops::layernorm::Stats;
use crate::ops::{attention, bias, classifier, dropout, embedding, fill, gelu, layernorm, matmul, residual};

/// Everything a recording depends on.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// The model.
    pub config: Config,
    /// `B`: sequences of a micro-step.
    pub b: usize,
    /// `T`: positions of a sequence.
    pub t: usize,
    /// Whether dropout is on.
    pub dropout: bool,
    /// The device's limits.
    pub limits: Limits,
    /// The kernels' tiles.
    pub choices: Choices,
}

/// The recordings of a training step. AdamW's comes from `optim`.
pub struct Train {
    /// Sets every gradient and the scalars to zero; once an optimizer step.
    pub zero: Recording,
    /// Forward and backward of one batch; gradients and loss accumulate.
    pub micro_step: Recording,
    /// Forward alone, for the validation loss, without dropout; the loss accumulates.
    pub evaluate: Recording,
}

/// What a block keeps for its backward.
struct Kept {
    residual: Tensor,
    ln_1: Stats,
    qkv: Tensor,
    atty: Tensor,
    lse: Tensor,
    residual2: Tensor,
    ln_2: Stats,
    fch: Tensor,
}

/// What the host writes before a micro-step.
struct Inputs {
    tokens: Tensor,
    targets: Tensor,
    scalars: Tensor,
}

impl Shape {
    /// Records a training step.
    ///
    /// # Errors
    /// An activation larger than the device's largest binding.
    pub fn train(&self) -> Result<Train> {
        Ok(Train { zero: self.zero()?, micro_step: self.micro_step()?, evaluate: self.evaluate()? })
    }

    fn recorder(&self, name: &'static str) -> Recorder {
        Recorder::new(name, self.limits, self.choices)
    }

    fn inputs(&self, rec: &mut Recorder) -> Inputs {
        let bt = self.b * self.t;
        Inputs {
            tokens: rec.kept("tokens", Kind::Input, &[bt]),
            targets: rec.kept("targets", Kind::Input, &[bt]),
            scalars: rec.kept("scalars", Kind::Output, &[scalar::COUNT]),
        }
    }

    fn zero(&self) -> Result<Recording> {
        let mut rec = self.recorder("zero");
        for (_, pieces) in all_pieces(&self.config, &self.limits) {
            for p in pieces {
                let d = rec.kept(format!("d.{}", p.name), Kind::Gradient, &p.shape);
                fill::zero(&mut rec, &format!("{}.zero", p.name), d);
            }
        }
        let scalars = rec.kept("scalars", Kind::Output, &[scalar::COUNT]);
        fill::zero(&mut rec, "scalars.zero", scalars);
        rec.finish()
    }

    fn evaluate(&self) -> Result<Recording> {
        let shape = Shape { dropout: false, ..*self };
        let mut rec = shape.recorder("evaluate");
        let w = Parameters::declare(&mut rec, &shape.config, "", Kind::Parameter);
        let io = shape.inputs(&mut rec);
        let (last, _) = shape.blocks_forward(&mut rec, &w, &io);
        let (out, _) = rec.scoped("ln_f", |rec| layernorm::forward(rec, last, w.ln_f_weight, w.ln_f_bias));
        rec.scoped("lm_head", |rec| classifier::record(rec, out, &w.wte, io.targets, io.scalars, None));
        rec.finish()
    }

    fn micro_step(&self) -> Result<Recording> {
        let mut rec = self.recorder("micro_step");
        let w = Parameters::declare(&mut rec, &self.config, "", Kind::Parameter);
        let d = Parameters::declare(&mut rec, &self.config, "d.", Kind::Gradient);
        let io = self.inputs(&mut rec);
        let (last, kept) = self.blocks_forward(&mut rec, &w, &io);

        // head: ln_f, logits, loss; dresidual is the gradient of the residual stream from here back to the embedding
        let (out, ln_f) = rec.scoped("ln_f", |rec| layernorm::forward(rec, last, w.ln_f_weight, w.ln_f_bias));
        let gradients = Gradients { dwte: Some(&d.wte) };
        let dout = rec
            .scoped("lm_head", |rec| {
                classifier::record(rec, out, &w.wte, io.targets, io.scalars, Some(gradients))
            })
            .expect("gradients were asked for");
        let dresidual = rec.scratch("dresidual", &[self.b * self.t, self.config.n_embd()]);
        rec.scoped("ln_f", |rec| {
            fill::zero(rec, "dresidual.zero", dresidual);
            let params = Some((d.ln_f_weight, d.ln_f_bias));
            layernorm::backward(rec, last, w.ln_f_weight, ln_f, dout, dresidual, params);
        });

        for (i, kept) in kept.iter().enumerate().rev() {
            let (w, d) = (&w.blocks[i], &d.blocks[i]);
            rec.scoped(format!("h.{i}"), |rec| self.block_backward(rec, i, w, d, kept, dresidual));
        }
        self.embedding_backward(&mut rec, &d, dresidual);
        rec.finish()
    }

    /// The embedding and every block; the residual stream at the end, and what each block keeps.
    fn blocks_forward(&self, rec: &mut Recorder, w: &Parameters, io: &Inputs) -> (Tensor, Vec<Kept>) {
        let encoded = rec.scoped("encoded", |rec| {
            let encoded = embedding::forward(rec, io.tokens, self.t, &w.wte, w.wpe);
            match self.dropout {
                true => dropout::apply(rec, "dropout", encoded, 0, Site::Embedding),
                false => encoded,
            }
        });
        let mut stream = encoded;
        let mut kept = Vec::new();
        for (i, block) in w.blocks.iter().enumerate() {
            let (next, k) = rec.scoped(format!("h.{i}"), |rec| self.block_forward(rec, i, block, stream));
            kept.push(k);
            stream = next;
        }
        (stream, kept)
    }

    fn attention(&self, layer: usize) -> attention::Shape {
        attention::Shape { t: self.t, nh: self.config.n_head(), layer, dropout: self.dropout }
    }

    fn mask(&self, layer: usize, site: Site) -> residual::MaskAt {
        self.dropout.then_some((layer, site))
    }

    fn block_forward(&self, rec: &mut Recorder, i: usize, w: &Block, residual: Tensor) -> (Tensor, Kept) {
        let (ln1, ln_1) = rec.scoped("ln_1", |r| layernorm::forward(r, residual, w.ln_1_weight, w.ln_1_bias));
        let qkv = rec.scoped("attn.c_attn", |r| matmul::forward(r, ln1, w.c_attn_weight, w.c_attn_bias));
        let (atty, lse) = rec.scoped("attn", |r| attention::forward(r, qkv, self.attention(i)));
        let attproj =
            rec.scoped("attn.c_proj", |r| matmul::forward(r, atty, w.attn_proj_weight, w.attn_proj_bias));
        let mask = self.mask(i, Site::AttentionResidual);
        let residual2 = rec.scoped("residual2", |r| residual::forward(r, residual, attproj, mask));

        let (ln2, ln_2) =
            rec.scoped("ln_2", |r| layernorm::forward(r, residual2, w.ln_2_weight, w.ln_2_bias));
        let fch = rec.scoped("mlp.c_fc", |r| matmul::forward(r, ln2, w.c_fc_weight, w.c_fc_bias));
        let fch_gelu = rec.scoped("mlp.gelu", |r| gelu::forward(r, fch));
        let fcproj =
            rec.scoped("mlp.c_proj", |r| matmul::forward(r, fch_gelu, w.mlp_proj_weight, w.mlp_proj_bias));
        let mask = self.mask(i, Site::MlpResidual);
        let residual3 = rec.scoped("residual3", |r| residual::forward(r, residual2, fcproj, mask));

        (residual3, Kept { residual, ln_1, qkv, atty, lse, residual2, ln_2, fch })
    }

    /// A block's backward, from the last line of its forward to the first; `dresidual` is the stream's gradient.
    fn block_backward(
        &self,
        rec: &mut Recorder,
        i: usize,
        w: &Block,
        d: &Block,
        k: &Kept,
        dresidual: Tensor,
    ) {
        // residual3 = residual2 + dropout(fcproj): the stream's own share is dresidual as it stands
        let mask = self.mask(i, Site::MlpResidual);
        let dfcproj = rec.scoped("residual3", |r| residual::backward(r, dresidual, mask));
        let fch_gelu = rec.scoped("mlp.gelu", |r| gelu::forward(r, k.fch));
        let dfch = rec.scoped("mlp.c_proj", |r| {
            let (dw, db) = (d.mlp_proj_weight, d.mlp_proj_bias);
            linear_backward(r, fch_gelu, w.mlp_proj_weight, dfcproj, dw, db)
        });
        rec.scoped("mlp.gelu", |r| gelu::backward(r, k.fch, dfch));
        let (ln2, _) = rec.scoped("ln_2", |r| layernorm::forward(r, k.residual2, w.ln_2_weight, w.ln_2_bias));
        let dln2 = rec
            .scoped("mlp.c_fc", |r| linear_backward(r, ln2, w.c_fc_weight, dfch, d.c_fc_weight, d.c_fc_bias));
        rec.scoped("ln_2", |r| {
            let params = Some((d.ln_2_weight, d.ln_2_bias));
            layernorm::backward(r, k.residual2, w.ln_2_weight, k.ln_2, dln2, dresidual, params);
        });

        // residual2 = residual + dropout(attproj)
        let mask = self.mask(i, Site::AttentionResidual);
        let dattproj = rec.scoped("residual2", |r| residual::backward(r, dresidual, mask));
        let datty = rec.scoped("attn.c_proj", |r| {
            let (dw, db) = (d.attn_proj_weight, d.attn_proj_bias);
            linear_backward(r, k.atty, w.attn_proj_weight, dattproj, dw, db)
        });
        let dqkv =
            rec.scoped("attn", |r| attention::backward(r, k.qkv, k.atty, k.lse, datty, self.attention(i)));
        let (ln1, _) = rec.scoped("ln_1", |r| layernorm::forward(r, k.residual, w.ln_1_weight, w.ln_1_bias));
        let dln1 = rec.scoped("attn.c_attn", |r| {
            linear_backward(r, ln1, w.c_attn_weight, dqkv, d.c_attn_weight, d.c_attn_bias)
        });
        rec.scoped("ln_1", |r| {
            let params = Some((d.ln_1_weight, d.ln_1_bias));
            layernorm::backward(r, k.residual, w.ln_1_weight, k.ln_1, dln1, dresidual, params);
        });
    }

    fn embedding_backward(&self, rec: &mut Recorder, d: &Parameters, dresidual: Tensor) {
        let bt = self.b * self.t;
        let with = Buckets {
            buckets: rec.kept("buckets", Kind::Input, &[bt, 3]),
            order: rec.kept("order", Kind::Input, &[bt]),
        };
        rec.scoped("encoded", |rec| {
            let dencoded = match self.dropout {
                true => dropout::apply(rec, "dropout_backward", dresidual, 0, Site::Embedding),
                false => dresidual,
            };
            embedding::backward_wte(rec, with, dencoded, &d.wte);
            embedding::backward_wpe(rec, dencoded, self.t, d.wpe);
        });
    }
}

/// The backward of out = inp·weight + bias; returns dinp.
fn linear_backward(
    rec: &mut Recorder,
    inp: Tensor,
    weight: Tensor,
    dout: Tensor,
    dweight: Tensor,
    dbias: Tensor,
) -> Tensor {
    matmul::backward_weight(rec, inp, dout, dweight);
    bias::backward(rec, dout, dbias);
    matmul::backward_input(rec, dout, weight)
}
