//! The Llama shape (Touvron et al. 2023, arXiv:2302.13971): its parameters, its block, and the block's backward. It is GPT-2's
//! plan with other parts: RMSNorm for LayerNorm, angles for positions, three matrices and a gate for the MLP, keys and values
//! shared by groups of heads.
//!
//! RMSNorm's and SwiGLU's outputs are cheap: backward computes them a second time instead of keeping them.

use crate::base::arch::{Layout, Llama};
use crate::device::{Recorder, Tensor};
use crate::model::attention::{Attended, Past, SelfAttention};
use crate::model::family::{self, Model};
use crate::model::linear::{Dinp, Linear};
use crate::model::norm::{Left, Norm, Normed, RmsNorm, Stream};
use crate::model::parameters::Parameters;
use crate::model::shape::Shape;
use crate::ops::swiglu;

/// One block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    /// (C)
    input_norm: RmsNorm,
    attn: SelfAttention,
    /// (C,NH·HS)
    o_proj: Linear,
    /// (C)
    post_norm: RmsNorm,
    /// (FF,C)
    gate_proj: Linear,
    /// (FF,C)
    up_proj: Linear,
    /// (C,FF)
    down_proj: Linear,
    /// Whether SwiGLU's output is kept.
    keeps: bool,
}

/// What the rest of a block leaves for its backward: the thin product of an adapter, and SwiGLU's output where that is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rest {
    down_u: Option<Tensor>,
    hidden: Option<Tensor>,
}

/// What a block keeps for its backward; `u` are the thin products of the adapters beside its linear layers.
pub(super) struct Kept {
    residual: Tensor,
    rstd1: Left<Tensor>,
    attn: Attended,
    attproj_u: Option<Tensor>,
    residual2: Tensor,
    rstd2: Left<Tensor>,
    gate: Tensor,
    gate_u: Option<Tensor>,
    up: Tensor,
    up_u: Option<Tensor>,
}

/// A Llama in one recording.
pub(super) fn model<'a>(shape: &'a Shape, config: &Llama, all: &'a Parameters) -> Model<'a, Block> {
    let &Llama { n_layer, head_size, rope_theta, eps, .. } = config;
    let block = |i: usize| {
        let layer = format!("layers.{i}.");
        let linear = |name, place| all.linear(&layer, name, Layout::OutIn, (i, place));
        Block {
            input_norm: RmsNorm::of(all, &layer, "input_layernorm", eps),
            attn: SelfAttention::of(all, shape, i, &layer, head_size, rope_theta),
            o_proj: linear("self_attn.o_proj", 3),
            post_norm: RmsNorm::of(all, &layer, "post_attention_layernorm", eps),
            gate_proj: linear("mlp.gate_proj", 4),
            up_proj: linear("mlp.up_proj", 5),
            down_proj: linear("mlp.down_proj", 6),
            keeps: all.keeps(),
        }
    };
    Model {
        shape,
        all,
        wpe: None,
        blocks: (0..n_layer).map(block).collect(),
        norm: RmsNorm::of(all, "", "norm", eps),
        head_bias: None,
    }
}

impl family::Block for Block {
    type Norm = RmsNorm;
    type Kept = Kept;
    type Rest = Rest;

    const LIST: &'static str = "layers";

    // ANCHOR: block
    fn inner(&self, rec: &mut Recorder, stream: Stream, past: Past) -> Kept {
        let Normed { stream: residual, out: ln1, left: rstd1 } = self.input_norm.forward(rec, stream);
        let attn = self.attn.forward(rec, ln1, past);
        let (attproj, attproj_u) = self.o_proj.forward(rec, attn.atty);
        let stream2 = Stream::adding(residual, attproj, None);

        let Normed { stream: residual2, out: ln2, left: rstd2 } = self.post_norm.forward(rec, stream2);
        let (gate, gate_u) = self.gate_proj.forward(rec, ln2);
        let (up, up_u) = self.up_proj.forward(rec, ln2);

        Kept { residual, rstd1, attn, attproj_u, residual2, rstd2, gate, gate_u, up, up_u }
    }

    fn residual(k: &Kept) -> Tensor {
        k.residual
    }

    fn rest(&self, rec: &mut Recorder, k: &Kept) -> (Stream, Rest) {
        let hidden = rec.scoped("mlp.swiglu", |r| swiglu::forward(r, k.gate, k.up));
        let (down, down_u) = self.down_proj.forward(rec, hidden);

        (Stream::adding(k.residual2, down, None), Rest { down_u, hidden: self.keeps.then_some(hidden) })
    }
    // ANCHOR_END: block

    fn backward(&self, rec: &mut Recorder, k: &Kept, rest: Rest, dresidual: Tensor, below: bool) {
        let Rest { down_u, hidden } = rest;
        // residual3 = residual2 + down: the stream's own share is dresidual as it stands
        let again = |rec: &mut Recorder| rec.scoped("mlp.swiglu", |r| swiglu::forward(r, k.gate, k.up));
        let hidden = self.down_proj.wants_input().then(|| hidden.unwrap_or_else(|| again(rec)));
        let dhidden = self.down_proj.backward_through(rec, hidden, down_u, dresidual, None);
        let (dgate, dup) = rec.scoped("mlp.swiglu", |r| swiglu::backward(r, k.gate, k.up, dhidden));
        let ln2 = (self.gate_proj.wants_input() || self.up_proj.wants_input())
            .then(|| self.post_norm.again(rec, k.residual2, k.rstd2));
        let dln2 = self.gate_proj.backward_through(rec, ln2, k.gate_u, dgate, None);
        let dln2 = self.up_proj.backward_through(rec, ln2, k.up_u, dup, Some(dln2));
        self.post_norm.backward(rec, k.residual2, k.rstd2, dln2, Some(dresidual));

        // residual2 = residual + attproj
        let datty = self.o_proj.backward_through(rec, Some(k.attn.atty), k.attproj_u, dresidual, None);
        let dqkv = self.attn.backward(rec, &k.attn, datty);
        let ln1 = self.attn.wants_input().then(|| self.input_norm.again(rec, k.residual, k.rstd1));
        let dinp = Dinp::fresh(below || self.input_norm.weight.gradient.is_some());
        let Some(dln1) = self.attn.backward_layers(rec, &k.attn, ln1, dqkv, dinp) else { return };
        self.input_norm.backward(rec, k.residual, k.rstd1, dln1, below.then_some(dresidual));
    }
}
