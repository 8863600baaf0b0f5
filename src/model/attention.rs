//! Attention in a block: what its queries attend to; and Llama's and Phi's, with a layer each for queries, keys and values,
//! and angles for positions.
//!
//! Queries, keys and values lie side by side in one tensor (B·T,(NH + 2·NKV)·HS), each written there by its layer, and are
//! turned where they lie.

use crate::base::arch::Layout;
use crate::device::{Recorder, Tensor};
use crate::model::linear::{Dinp, Linear};
use crate::model::parameters::Parameters;
use crate::model::shape::Shape;
use crate::ops::attention;
use crate::ops::kv_cache::{self, Cache};
use crate::ops::linear::Columns;
use crate::ops::rope::{self, Pairs, Rope};

// ANCHOR: past
/// What a block's queries attend to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Past {
    /// The texts that they stand in, of the sequences of a batch: where each begins.
    Sequence(Tensor),
    /// The positions of their own sequences that were decoded so far, and their own, which are added.
    Cache(Cache),
}

impl Past {
    /// Records attention: atty (B·T,NH·HS), and what its backward needs beside it. From a cache nothing is trained.
    pub fn attend(self, rec: &mut Recorder, qkv: Tensor, heads: attention::Shape) -> (Tensor, Option<Seen>) {
        match self {
            Past::Sequence(begins) => {
                let (atty, lse) = attention::forward(rec, qkv, begins, heads);
                (atty, Some(Seen { begins, lse }))
            }
            Past::Cache(cache) => {
                kv_cache::append(rec, qkv, cache);
                (attention::cached(rec, qkv, cache, heads.nh, heads.window), None)
            }
        }
    }
}
// ANCHOR_END: past

/// What attention's backward needs beside qkv and atty.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// Where each position's text begins.
    pub begins: Tensor,
    /// The log-sum-exp of each query.
    pub lse: Tensor,
}

/// How a block's attention is cut into heads and sequences.
pub(super) fn heads(shape: &Shape, layer: usize) -> attention::Shape {
    let config = &shape.config;
    let (nh, nkv, window) = (config.n_head(), config.n_kv_head(), config.window());
    attention::Shape { t: shape.t, nh, nkv, layer, dropout: shape.drops(), window }
}

/// Self-attention up to its output's projection.
#[derive(Debug, Clone, Copy)]
pub(super) struct SelfAttention {
    /// (NH·HS,C)
    q_proj: Linear,
    /// (NKV·HS,C)
    k_proj: Linear,
    /// (NKV·HS,C)
    v_proj: Linear,
    rope: Rope,
    heads: attention::Shape,
}

/// What it keeps for its backward.
pub(super) struct Attended {
    qkv: Tensor,
    /// The thin products of the adapters beside its layers.
    u: [Option<Tensor>; 3],
    pub atty: Tensor,
    /// None where the past is a cache: nothing is trained there.
    seen: Option<Seen>,
}

const SCOPE: &str = "self_attn";

impl SelfAttention {
    /// Block i's, whose keys begin with `layer`. Of a head's channels the first `rot` turn, by frequencies to the base `theta`.
    pub fn of(
        all: &Parameters,
        shape: &Shape,
        i: usize,
        layer: &str,
        rot: usize,
        theta: f32,
    ) -> SelfAttention {
        let linear = |name, place| all.linear(layer, name, Layout::OutIn, (i, place));
        let heads = heads(shape, i);
        let hs = shape.config.head_size();
        SelfAttention {
            q_proj: linear("self_attn.q_proj", 0),
            k_proj: linear("self_attn.k_proj", 1),
            v_proj: linear("self_attn.v_proj", 2),
            rope: Rope { nh: heads.nh, nkv: heads.nkv, hs, rot, theta, pairs: Pairs::HalfSplit },
            heads,
        }
    }

    // ANCHOR: columns
    /// Where queries, keys and values lie side by side.
    fn columns(&self, qkv: Tensor) -> [Columns; 3] {
        let Rope { nh, nkv, hs, .. } = self.rope;
        [0, nh, nh + nkv].map(|head| Columns { tensor: qkv, first: head * hs })
    }
    // ANCHOR_END: columns

    // ANCHOR: forward
    /// Records it: inp (B·T,C) → atty (B·T,NH·HS).
    pub fn forward(&self, rec: &mut Recorder, inp: Tensor, past: Past) -> Attended {
        let ([bt, _], Rope { nh, nkv, hs, .. }) = (rec.extents(inp), self.rope);
        let qkv = rec.activation("self_attn.qkv", &[bt, (nh + 2 * nkv) * hs]);
        let [q, k, v] = self.columns(qkv);
        let u = [
            self.q_proj.forward_into(rec, inp, q),
            self.k_proj.forward_into(rec, inp, k),
            self.v_proj.forward_into(rec, inp, v),
        ];
        let (atty, seen) = rec.scoped(SCOPE, |r| {
            match past {
                Past::Sequence(_) => rope::forward(r, qkv, self.rope, self.heads.t),
                Past::Cache(cache) => rope::at(r, qkv, self.rope, cache.places),
            }
            past.attend(r, qkv, self.heads)
        });
        Attended { qkv, u, atty, seen }
    }
    // ANCHOR_END: forward

    /// Whether the backward of its layers has a use for their input.
    pub fn wants_input(&self) -> bool {
        [self.q_proj, self.k_proj, self.v_proj].iter().any(Linear::wants_input)
    }

    // ANCHOR: backward
    /// Records its backward as far as the layers: datty → dqkv.
    pub fn backward(&self, rec: &mut Recorder, k: &Attended, datty: Tensor) -> Tensor {
        let Seen { begins, lse } = k.seen.expect("what is trained is a sequence");
        rec.scoped(SCOPE, |r| {
            let dqkv = attention::backward(r, [k.qkv, begins], [k.atty, lse], datty, self.heads);
            rope::backward(r, dqkv, self.rope, self.heads.t);
            dqkv
        })
    }

    /// Records the layers' backward. Of the readers of `inp` the first sets its gradient; the others add to it.
    pub fn backward_layers(
        &self,
        rec: &mut Recorder,
        k: &Attended,
        inp: Option<Tensor>,
        dqkv: Tensor,
        mut dinp: Dinp,
    ) -> Option<Tensor> {
        let mut sum = None;
        let layers = [self.q_proj, self.k_proj, self.v_proj];
        for ((layer, u), dy) in layers.iter().zip(k.u).zip(self.columns(dqkv)) {
            sum = layer.backward(rec, inp, u, dy, dinp);
            dinp = Dinp::onto(sum);
        }
        sum
    }
    // ANCHOR_END: backward
}
