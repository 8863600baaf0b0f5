//! Phi's shape (Li et al. 2023, arXiv:2309.05463): GPT-2's LayerNorm and GELU, Llama's rotary positions and columns of
//! queries, keys and values, in a parallel block: attention and MLP read one LayerNorm, and both add to the stream.
//!
//!   x' = x + dense(attention(n)) + fc2(gelu(fc1(n)))        n = LayerNorm(x)
//!
//! LayerNorm's and GELU's outputs are cheap: backward computes them a second time instead of keeping them. A block keeps
//! 9·C numbers a token where FF is 4·C.

use crate::base::arch::{Layout, Phi};
use crate::device::{Recorder, Tensor};
use crate::model::attention::{Attended, Past, SelfAttention};
use crate::model::family::{self, Model};
use crate::model::linear::{Dinp, GELU, Linear};
use crate::model::norm::{LayerNorm, Left, Norm, Normed, Stream};
use crate::model::parameters::Parameters;
use crate::model::shape::Shape;
use crate::ops::layernorm::Stats;
use crate::ops::{gelu, residual};

/// One block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    /// (C)
    norm: LayerNorm,
    attn: SelfAttention,
    /// (C,C)
    dense: Linear,
    /// (FF,C)
    fc1: Linear,
    /// (C,FF)
    fc2: Linear,
    /// Whether backward finds GELU's output.
    leaves_gelu: bool,
}

/// What the rest of a block leaves for its backward: the thin products of adapters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rest {
    attproj_u: Option<Tensor>,
    fcproj_u: Option<Tensor>,
}

/// What a block keeps for its backward; `u` are the thin products of the adapters beside its linear layers.
pub(super) struct Kept {
    residual: Tensor,
    norm: Left<Stats>,
    attn: Attended,
    fch: Tensor,
    /// Read by backward where it is left there; else it lives no longer than the forward.
    fch_gelu: Tensor,
    fch_u: Option<Tensor>,
}

/// A Phi in one recording.
pub(super) fn model<'a>(shape: &'a Shape, config: &Phi, all: &'a Parameters) -> Model<'a, Block> {
    let block = |i: usize| {
        let layer = format!("layers.{i}.");
        let linear = |name, place| all.linear(&layer, name, Layout::OutIn, (i, place));
        Block {
            norm: LayerNorm::of(all, &layer, "input_layernorm"),
            attn: SelfAttention::of(all, shape, i, &layer, config.rotary, config.rope_theta),
            dense: linear("self_attn.dense", 3),
            fc1: linear("mlp.fc1", 4),
            fc2: linear("mlp.fc2", 5),
            leaves_gelu: all.leaves_gelu(),
        }
    };
    Model {
        shape,
        all,
        wpe: None,
        blocks: (0..config.n_layer).map(block).collect(),
        norm: LayerNorm::of(all, "", "final_layernorm"),
        head_bias: Some(all.one("lm_head.bias")),
    }
}

impl family::Block for Block {
    type Norm = LayerNorm;
    type Kept = Kept;
    type Rest = Rest;

    const LIST: &'static str = "layers";

    // ANCHOR: block
    fn inner(&self, rec: &mut Recorder, stream: Stream, past: Past) -> Kept {
        let Normed { stream: residual, out: n, left: norm } = self.norm.forward(rec, stream);
        let attn = self.attn.forward(rec, n, past);
        let (fch, fch_gelu, fch_u) = self.fc1.forward_gelu(rec, n);

        Kept { residual, norm, attn, fch, fch_gelu, fch_u }
    }

    fn residual(k: &Kept) -> Tensor {
        k.residual
    }

    fn rest(&self, rec: &mut Recorder, k: &Kept) -> (Stream, Rest) {
        let (attproj, attproj_u) = self.dense.forward(rec, k.attn.atty);
        let residual2 = rec.scoped("residual2", |r| residual::forward(r, k.residual, attproj, None));
        let (fcproj, fcproj_u) = self.fc2.forward(rec, k.fch_gelu);

        (Stream::adding(residual2, fcproj, None), Rest { attproj_u, fcproj_u })
    }
    // ANCHOR_END: block

    // ANCHOR: block_backward
    /// Both branches' outputs were added to the stream: the gradient of each is dresidual as it stands, until the LayerNorm
    /// that both read adds theirs to it.
    fn backward(
        &self,
        rec: &mut Recorder,
        k: &Kept,
        Rest { attproj_u, fcproj_u }: Rest,
        dresidual: Tensor,
        below: bool,
    ) {
        let n = (self.attn.wants_input() || self.fc1.wants_input())
            .then(|| self.norm.again(rec, k.residual, k.norm));

        let again = |rec: &mut Recorder| rec.scoped(GELU, |r| gelu::forward(r, k.fch));
        let fch_gelu = || if self.leaves_gelu { k.fch_gelu } else { again(rec) };
        let fch_gelu = self.fc2.wants_input().then(fch_gelu);
        let dfch = self.fc2.backward_before_gelu(rec, fch_gelu, fcproj_u, dresidual, k.fch);
        let dinp = Dinp::fresh(below || self.norm.weight.gradient.is_some());
        let dn = self.fc1.backward(rec, n, k.fch_u, dfch.into(), dinp);

        let datty = self.dense.backward_through(rec, Some(k.attn.atty), attproj_u, dresidual, None);
        let dqkv = self.attn.backward(rec, &k.attn, datty);
        // Of n's four readers the first has set its gradient; the others add to it.
        let Some(dn) = self.attn.backward_layers(rec, &k.attn, n, dqkv, Dinp::onto(dn)) else { return };
        self.norm.backward(rec, k.residual, k.norm, dn, below.then_some(dresidual));
    }
    // ANCHOR_END: block_backward
}
