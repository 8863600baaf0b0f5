//! GPT-2 (Radford et al. 2019): its parameters, its block, and the block's backward, which mirrors it line by line.
//!
//! LayerNorm's and GELU's outputs are cheap, so backward computes them a second time instead of keeping them, unless it is asked
//! not to: a block keeps 10·C numbers a token, not 16·C.

use crate::base::arch::Layout;
use crate::base::rng::Site;
use crate::device::{Recorder, Tensor};
use crate::model::attention::{Past, Seen, heads};
use crate::model::family::{self, Model};
use crate::model::linear::{Dinp, GELU, Linear};
use crate::model::norm::{LayerNorm, Left, Norm, Normed, Stream};
use crate::model::parameters::Parameters;
use crate::model::shape::Shape;
use crate::ops::layernorm::Stats;
use crate::ops::residual::MaskAt;
use crate::ops::{attention, gelu, residual};

/// One block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    /// (C)
    ln_1: LayerNorm,
    /// (C,3C)
    c_attn: Linear,
    heads: attention::Shape,
    /// (C,C)
    attn_proj: Linear,
    /// (C)
    ln_2: LayerNorm,
    /// (C,4C)
    c_fc: Linear,
    /// (4C,C)
    mlp_proj: Linear,
    /// Whether backward finds GELU's output.
    leaves_gelu: bool,
}

/// What the rest of a block leaves for its backward: the thin product of an adapter.
type Rest = Option<Tensor>;

/// What a block keeps for its backward: what it computed, and of an adapter beside a linear layer its thin product `u`.
pub(super) struct Kept {
    residual: Tensor,
    ln_1: Left<Stats>,
    qkv: Tensor,
    qkv_u: Option<Tensor>,
    atty: Tensor,
    /// None where the past is a cache: nothing is trained there.
    seen: Option<Seen>,
    attproj_u: Option<Tensor>,
    residual2: Tensor,
    ln_2: Left<Stats>,
    fch: Tensor,
    /// Read by backward where it is left there; else it lives no longer than the forward.
    fch_gelu: Tensor,
    fch_u: Option<Tensor>,
}

/// A GPT-2 in one recording.
pub(super) fn model<'a>(shape: &'a Shape, all: &'a Parameters) -> Model<'a, Block> {
    let block = |i: usize| {
        let h = format!("h.{i}.");
        let linear = |name, place| all.linear(&h, name, Layout::InOut, (i, place));
        Block {
            ln_1: LayerNorm::of(all, &h, "ln_1"),
            c_attn: linear("attn.c_attn", 0),
            heads: heads(shape, i),
            attn_proj: linear("attn.c_proj", 1),
            ln_2: LayerNorm::of(all, &h, "ln_2"),
            c_fc: linear("mlp.c_fc", 2),
            mlp_proj: linear("mlp.c_proj", 3),
            leaves_gelu: all.leaves_gelu(),
        }
    };
    Model {
        shape,
        all,
        wpe: Some(all.one("wpe.weight")),
        blocks: (0..shape.config.n_layer()).map(block).collect(),
        norm: LayerNorm::of(all, "", "ln_f"),
        head_bias: None,
    }
}

impl Block {
    /// Where a mask is drawn, where activations are dropped.
    fn mask(&self, site: Site) -> MaskAt {
        self.heads.dropout.then_some((self.heads.layer, site))
    }
}

impl family::Block for Block {
    type Norm = LayerNorm;
    type Kept = Kept;
    type Rest = Rest;

    const LIST: &'static str = "h";

    // ANCHOR: block
    fn inner(&self, rec: &mut Recorder, stream: Stream, past: Past) -> Kept {
        let Normed { stream: residual, out: ln1, left: ln_1 } = self.ln_1.forward(rec, stream);
        let (qkv, qkv_u) = self.c_attn.forward(rec, ln1);
        let (atty, seen) = rec.scoped("attn", |r| past.attend(r, qkv, self.heads));
        let (attproj, attproj_u) = self.attn_proj.forward(rec, atty);
        let at = self.mask(Site::AttentionResidual);
        let stream2 = Stream::adding(residual, attproj, at);

        let Normed { stream: residual2, out: ln2, left: ln_2 } = self.ln_2.forward(rec, stream2);
        let (fch, fch_gelu, fch_u) = self.c_fc.forward_gelu(rec, ln2);

        Kept { residual, ln_1, qkv, qkv_u, atty, seen, attproj_u, residual2, ln_2, fch, fch_gelu, fch_u }
    }

    fn residual(k: &Kept) -> Tensor {
        k.residual
    }

    fn rest(&self, rec: &mut Recorder, k: &Kept) -> (Stream, Rest) {
        let (fcproj, fcproj_u) = self.mlp_proj.forward(rec, k.fch_gelu);
        (Stream::adding(k.residual2, fcproj, self.mask(Site::MlpResidual)), fcproj_u)
    }
    // ANCHOR_END: block

    fn backward(&self, rec: &mut Recorder, k: &Kept, fcproj_u: Rest, dresidual: Tensor, below: bool) {
        // residual3 = residual2 + dropout(fcproj): the stream's own share is dresidual as it stands
        let at = self.mask(Site::MlpResidual);
        let dfcproj = rec.scoped("residual3", |r| residual::backward(r, dresidual, at));
        let again = |rec: &mut Recorder| rec.scoped(GELU, |r| gelu::forward(r, k.fch));
        let fch_gelu = || if self.leaves_gelu { k.fch_gelu } else { again(rec) };
        let fch_gelu = self.mlp_proj.wants_input().then(fch_gelu);
        let dfch = self.mlp_proj.backward_before_gelu(rec, fch_gelu, fcproj_u, dfcproj, k.fch);
        let ln2 = self.c_fc.wants_input().then(|| self.ln_2.again(rec, k.residual2, k.ln_2));
        let dln2 = self.c_fc.backward_through(rec, ln2, k.fch_u, dfch, None);
        self.ln_2.backward(rec, k.residual2, k.ln_2, dln2, Some(dresidual));

        // residual2 = residual + dropout(attproj)
        let at = self.mask(Site::AttentionResidual);
        let dattproj = rec.scoped("residual2", |r| residual::backward(r, dresidual, at));
        let datty = self.attn_proj.backward_through(rec, Some(k.atty), k.attproj_u, dattproj, None);
        let Seen { begins, lse } = k.seen.expect("what is trained is a sequence");
        let dqkv =
            rec.scoped("attn", |r| attention::backward(r, [k.qkv, begins], [k.atty, lse], datty, self.heads));
        let ln1 = self.c_attn.wants_input().then(|| self.ln_1.again(rec, k.residual, k.ln_1));
        let dinp = Dinp::fresh(below || self.ln_1.weight.gradient.is_some());
        let Some(dln1) = self.c_attn.backward(rec, ln1, k.qkv_u, dqkv.into(), dinp) else { return };
        self.ln_1.backward(rec, k.residual, k.ln_1, dln1, below.then_some(dresidual));
    }
}
