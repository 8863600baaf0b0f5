//! The Llama shape (Touvron et al. 2023, arXiv:2302.13971) as recordings. It is GPT-2's plan with other parts: RMSNorm for
//! LayerNorm, angles for positions, three matrices and a gate for the MLP, keys and values shared by groups of heads.
//!
//! The queries, keys and values of a block lie side by side in one tensor (B·T, (NH + 2·NKV)·HS), each written there by a
//! linear layer of its own, and turned where they lie. RMSNorm's and SwiGLU's outputs are cheap: backward computes them a
//! second time instead of keeping them.

use crate::base::Config;
use crate::base::arch::{Layout, Llama, Part};
use crate::device::{Kind, Recorder, Tensor};
use crate::model::linear::{Dinp, Linear};
use crate::model::parameters::{Parameters, Trained};
use crate::model::shape::{PREFILL, Past, Shape, input};
use crate::ops::classifier::{self, Head};
use crate::ops::kv_cache;
use crate::ops::linear::Columns;
use crate::ops::rope::{self, Pairs, Rope};
use crate::ops::{attention, embedding, fill, residual, rmsnorm, swiglu};

/// One block.
#[derive(Debug, Clone, Copy)]
struct Block {
    /// (C)
    input_norm: Trained,
    /// (NH·HS,C)
    q_proj: Linear,
    /// (NKV·HS,C)
    k_proj: Linear,
    /// (NKV·HS,C)
    v_proj: Linear,
    /// (C,NH·HS)
    o_proj: Linear,
    /// (C)
    post_norm: Trained,
    /// (FF,C)
    gate_proj: Linear,
    /// (FF,C)
    up_proj: Linear,
    /// (C,FF)
    down_proj: Linear,
}

/// A Llama in one recording.
struct Model<'a> {
    shape: &'a Shape,
    config: Llama,
    all: Parameters<'a>,
    blocks: Vec<Block>,
    norm: Trained,
}

/// What a block keeps for its backward; `u` are the thin products of the adapters beside its linear layers.
struct Kept {
    residual: Tensor,
    rstd1: Tensor,
    qkv: Tensor,
    qkv_u: [Option<Tensor>; 3],
    atty: Tensor,
    /// None where the past is a cache: nothing is trained there.
    lse: Option<Tensor>,
    attproj_u: Option<Tensor>,
    residual2: Tensor,
    rstd2: Tensor,
    gate: Tensor,
    gate_u: Option<Tensor>,
    up: Tensor,
    up_u: Option<Tensor>,
    down_u: Option<Tensor>,
}

/// Records `evaluate`.
pub(super) fn evaluate(shape: &Shape, rec: &mut Recorder) {
    let model = Model::declare(rec, shape, false);
    let (tokens, loss) = shape.batch(rec);
    let (last, _) = model.sequence(rec, tokens);
    let (out, _) = model.norm(rec, "norm", last, model.norm);
    rec.scoped("lm_head", |rec| classifier::forward(rec, out, model.head(), loss));
}

/// Records `prefill`.
pub(super) fn prefill(shape: &Shape, rec: &mut Recorder) {
    let model = Model::declare(rec, shape, false);
    let tokens = rec.kept_ids(input::PREFILL, Kind::Input, &[PREFILL]);
    model.cached(rec, tokens);
}

/// Records `decode`.
pub(super) fn decode(shape: &Shape, rec: &mut Recorder) {
    let model = Model::declare(rec, shape, false);
    let token = rec.kept_ids(input::TOKEN, Kind::Input, &[1]);
    let last = model.cached(rec, token);
    let (out, _) = model.norm(rec, "norm", last, model.norm);
    shape.logits(rec, out, model.head());
}

/// Records `micro_step`.
pub(super) fn micro_step(shape: &Shape, rec: &mut Recorder) {
    let model = Model::declare(rec, shape, true);
    let (tokens, loss) = shape.batch(rec);
    let (last, kept) = model.sequence(rec, tokens);

    // head: norm, logits, loss; dresidual is the gradient of the residual stream from here back to the lowest part that trains
    let (out, rstd) = model.norm(rec, "norm", last, model.norm);
    let dhead = model.all.row_gradients(shape.config.head()).map(Head::from);
    let dout = rec.scoped("lm_head", |rec| classifier::backward(rec, out, model.head(), loss, dhead));
    let lowest = shape.lowest();
    if lowest == Part::Head {
        return norm_backward(rec, "norm", last, model.norm, rstd, dout, None);
    }
    let dresidual = rec.scratch("dresidual", &[shape.b * shape.t, model.config.n_embd]);
    rec.scoped("norm", |rec| fill::zero(rec, "dresidual.zero", dresidual));
    norm_backward(rec, "norm", last, model.norm, rstd, dout, Some(dresidual));
    for (i, (block, kept)) in model.blocks.iter().zip(&kept).enumerate().rev() {
        if Part::Block(i) < lowest {
            return;
        }
        let below = lowest < Part::Block(i);
        rec.scoped(format!("layers.{i}"), |rec| {
            let again = shape.recompute.then(|| {
                let again = rec.scoped("again", |rec| model.inner(rec, i, kept.residual, Past::Sequence));
                Kept { down_u: kept.down_u, ..again }
            });
            model.block_backward(rec, i, block, again.as_ref().unwrap_or(kept), dresidual, below);
        });
    }
    let Some(dembed) = model.all.row_gradients(shape.config.embedding()) else { return };
    let buckets = shape.buckets(rec);
    rec.scoped("encoded", |rec| embedding::backward_wte(rec, buckets, dresidual, dembed));
}

impl<'a> Model<'a> {
    /// Declares it, with the gradients of what trains where it `trains`.
    fn declare(rec: &mut Recorder, shape: &'a Shape, trains: bool) -> Model<'a> {
        let Config::Llama(config) = shape.config else { unreachable!("Shape::record matches the family") };
        let all = Parameters::declare(rec, shape, trains);
        let block = |i: usize| {
            let norm = |s: &str| all.one(&format!("layers.{i}.{s}.weight"));
            let linear = |s: &str, place| all.linear(&format!("layers.{i}.{s}"), Layout::OutIn, (i, place));
            Block {
                input_norm: norm("input_layernorm"),
                q_proj: linear("self_attn.q_proj", 0),
                k_proj: linear("self_attn.k_proj", 1),
                v_proj: linear("self_attn.v_proj", 2),
                o_proj: linear("self_attn.o_proj", 3),
                post_norm: norm("post_attention_layernorm"),
                gate_proj: linear("mlp.gate_proj", 4),
                up_proj: linear("mlp.up_proj", 5),
                down_proj: linear("mlp.down_proj", 6),
            }
        };
        let blocks = (0..config.n_layer).map(block).collect();
        Model { norm: all.one("norm.weight"), shape, config, all, blocks }
    }

    fn head(&self) -> Head<'_> {
        self.all.rows(self.shape.config.head()).into()
    }

    /// Whole sequences through the embedding and every block; the residual stream at the end, and what each block keeps.
    fn sequence(&self, rec: &mut Recorder, tokens: Tensor) -> (Tensor, Vec<Kept>) {
        let mut stream = self.embed(rec, tokens, self.shape.t);
        let mut kept = Vec::new();
        for i in 0..self.blocks.len() {
            let (next, of_block) =
                rec.scoped(format!("layers.{i}"), |rec| self.block(rec, i, stream, Past::Sequence));
            kept.push(of_block);
            stream = next;
        }
        (stream, kept)
    }

    /// New tokens of one sequence, at the step's position, through the embedding and every block.
    fn cached(&self, rec: &mut Recorder, tokens: Tensor) -> Tensor {
        let [p] = rec.extents(tokens);
        let mut stream = self.embed(rec, tokens, p);
        for i in 0..self.blocks.len() {
            let layer = format!("layers.{i}");
            let past = Past::Cache(self.shape.cache(rec, &layer));
            (stream, _) = rec.scoped(layer, |rec| self.block(rec, i, stream, past));
        }
        stream
    }

    fn embed(&self, rec: &mut Recorder, tokens: Tensor, t: usize) -> Tensor {
        let rows = self.all.rows(self.shape.config.embedding());
        rec.scoped("encoded", |rec| embedding::forward(rec, tokens, t, rows, None))
    }

    /// How heads are cut and turned.
    fn rope(&self) -> Rope {
        let Llama { n_head, n_kv_head, head_size, rope_theta, .. } = self.config;
        Rope {
            nh: n_head,
            nkv: n_kv_head,
            hs: head_size,
            rot: head_size,
            theta: rope_theta,
            pairs: Pairs::HalfSplit,
        }
    }

    fn attention_shape(&self, layer: usize) -> attention::Shape {
        let Llama { n_head, n_kv_head, window, .. } = self.config;
        attention::Shape { t: self.shape.t, nh: n_head, nkv: n_kv_head, layer, dropout: false, window }
    }

    // ANCHOR: columns
    /// Where queries, keys and values lie side by side.
    fn columns(&self, qkv: Tensor) -> [Columns; 3] {
        let Llama { n_head, n_kv_head, head_size, .. } = self.config;
        [0, n_head, n_head + n_kv_head].map(|head| Columns { tensor: qkv, first: head * head_size })
    }
    // ANCHOR_END: columns

    // ANCHOR: block
    /// A block up to what backward needs of it.
    fn inner(&self, rec: &mut Recorder, i: usize, residual: Tensor, past: Past) -> Kept {
        let w = &self.blocks[i];
        let Llama { n_head, n_kv_head, head_size, window, .. } = self.config;
        let [bt, _] = rec.extents(residual);

        let (ln1, rstd1) = self.norm(rec, "input_layernorm", residual, w.input_norm);
        let (qkv, qkv_u, atty, lse) = rec.scoped("self_attn", |r| {
            let qkv = r.scratch("qkv", &[bt, (n_head + 2 * n_kv_head) * head_size]);
            let [q, k, v] = self.columns(qkv);
            let q_u = r.scoped("q_proj", |r| w.q_proj.forward_into(r, ln1, q));
            let k_u = r.scoped("k_proj", |r| w.k_proj.forward_into(r, ln1, k));
            let v_u = r.scoped("v_proj", |r| w.v_proj.forward_into(r, ln1, v));
            let t = if matches!(past, Past::Sequence) { self.shape.t } else { bt };
            rope::forward(r, qkv, self.rope(), t);
            let (atty, lse) = match past {
                Past::Sequence => {
                    let (atty, lse) = attention::forward(r, qkv, self.attention_shape(i));
                    (atty, Some(lse))
                }
                Past::Cache(cache) => {
                    kv_cache::append(r, qkv, cache);
                    (attention::cached(r, qkv, cache, n_head, window), None)
                }
            };
            (qkv, [q_u, k_u, v_u], atty, lse)
        });
        let (attproj, attproj_u) = rec.scoped("self_attn.o_proj", |r| w.o_proj.forward(r, atty));
        let residual2 = rec.scoped("residual2", |r| residual::forward(r, residual, attproj, None));

        let (ln2, rstd2) = self.norm(rec, "post_attention_layernorm", residual2, w.post_norm);
        let (gate, gate_u) = rec.scoped("mlp.gate_proj", |r| w.gate_proj.forward(r, ln2));
        let (up, up_u) = rec.scoped("mlp.up_proj", |r| w.up_proj.forward(r, ln2));

        Kept {
            residual,
            rstd1,
            qkv,
            qkv_u,
            atty,
            lse,
            attproj_u,
            residual2,
            rstd2,
            gate,
            gate_u,
            up,
            up_u,
            down_u: None,
        }
    }

    /// A whole block: the residual stream after it, and what it keeps.
    fn block(&self, rec: &mut Recorder, i: usize, residual: Tensor, past: Past) -> (Tensor, Kept) {
        let w = &self.blocks[i];
        let kept = self.inner(rec, i, residual, past);

        let hidden = rec.scoped("mlp.swiglu", |r| swiglu::forward(r, kept.gate, kept.up));
        let (down, down_u) = rec.scoped("mlp.down_proj", |r| w.down_proj.forward(r, hidden));
        let residual3 = rec.scoped("residual3", |r| residual::forward(r, kept.residual2, down, None));

        (residual3, Kept { down_u, ..kept })
    }
    // ANCHOR_END: block

    /// A block's backward, from the last line of its forward to the first; `dresidual` is the stream's gradient, which goes on
    /// to what is `below`, where anything there trains.
    fn block_backward(
        &self,
        rec: &mut Recorder,
        i: usize,
        w: &Block,
        k: &Kept,
        dresidual: Tensor,
        below: bool,
    ) {
        // residual3 = residual2 + down: the stream's own share is dresidual as it stands
        let hidden = (w.down_proj.wants_input())
            .then(|| rec.scoped("mlp.swiglu", |r| swiglu::forward(r, k.gate, k.up)));
        let dhidden =
            linear_backward(rec, "mlp.down_proj", w.down_proj, hidden, k.down_u, dresidual, Dinp::Fresh);
        let dhidden = dhidden.expect("it was asked for");
        let (dgate, dup) = rec.scoped("mlp.swiglu", |r| swiglu::backward(r, k.gate, k.up, dhidden));
        let ln2 = ([w.gate_proj, w.up_proj].iter().any(Linear::wants_input))
            .then(|| norm_again(rec, "post_attention_layernorm", k.residual2, w.post_norm, k.rstd2));
        let dln2 = linear_backward(rec, "mlp.gate_proj", w.gate_proj, ln2, k.gate_u, dgate, Dinp::Fresh);
        let onto = Dinp::Onto(dln2.expect("it was asked for"));
        let dln2 = linear_backward(rec, "mlp.up_proj", w.up_proj, ln2, k.up_u, dup, onto);
        let dln2 = dln2.expect("it was asked for");
        norm_backward(
            rec,
            "post_attention_layernorm",
            k.residual2,
            w.post_norm,
            k.rstd2,
            dln2,
            Some(dresidual),
        );

        // residual2 = residual + attproj
        let o = w.o_proj;
        let datty =
            linear_backward(rec, "self_attn.o_proj", o, Some(k.atty), k.attproj_u, dresidual, Dinp::Fresh);
        let datty = datty.expect("it was asked for");
        let lse = k.lse.expect("what is trained is a sequence");
        let dqkv = rec.scoped("self_attn", |r| {
            let dqkv = attention::backward(r, k.qkv, k.atty, lse, datty, self.attention_shape(i));
            rope::backward(r, dqkv, self.rope(), self.shape.t);
            dqkv
        });
        // ANCHOR: qkv_backward
        let layers = [("q_proj", w.q_proj), ("k_proj", w.k_proj), ("v_proj", w.v_proj)];
        let ln1 = (layers.iter().any(|(_, layer)| layer.wants_input()))
            .then(|| norm_again(rec, "input_layernorm", k.residual, w.input_norm, k.rstd1));
        let wanted = below || w.input_norm.gradient.is_some();
        let mut dln1 = None;
        for (((name, layer), u), dy) in layers.iter().zip(k.qkv_u).zip(self.columns(dqkv)) {
            let dinp = match (wanted, dln1) {
                (false, _) => Dinp::Unwanted,
                (true, None) => Dinp::Fresh,
                (true, Some(dln1)) => Dinp::Onto(dln1),
            };
            dln1 = rec.scoped(format!("self_attn.{name}"), |r| layer.backward(r, ln1, u, dy, dinp));
        }
        // ANCHOR_END: qkv_backward
        let Some(dln1) = dln1 else { return };
        norm_backward(
            rec,
            "input_layernorm",
            k.residual,
            w.input_norm,
            k.rstd1,
            dln1,
            below.then_some(dresidual),
        );
    }

    /// An RMSNorm, and the 1/rms of each row.
    fn norm(&self, rec: &mut Recorder, scope: &str, inp: Tensor, w: Trained) -> (Tensor, Tensor) {
        rec.scoped(scope, |r| rmsnorm::forward(r, inp, w.tensor, self.config.eps))
    }
}

/// An RMSNorm's output once more, from what forward left.
fn norm_again(rec: &mut Recorder, scope: &str, inp: Tensor, w: Trained, rstd: Tensor) -> Tensor {
    rec.scoped(scope, |r| rmsnorm::normalize(r, inp, w.tensor, rstd))
}

/// An RMSNorm's backward; `dresidual` += dinp, where that is wanted.
fn norm_backward(
    rec: &mut Recorder,
    scope: &str,
    inp: Tensor,
    w: Trained,
    rstd: Tensor,
    dout: Tensor,
    dresidual: Option<Tensor>,
) {
    rec.scoped(scope, |r| rmsnorm::backward(r, inp, w.tensor, rstd, dout, dresidual, w.gradient));
}

/// The backward of a linear layer, under its name.
fn linear_backward(
    rec: &mut Recorder,
    scope: &str,
    w: Linear,
    inp: Option<Tensor>,
    u: Option<Tensor>,
    dout: Tensor,
    dinp: Dinp,
) -> Option<Tensor> {
    rec.scoped(scope, |r| w.backward(r, inp, u, dout.into(), dinp))
}
