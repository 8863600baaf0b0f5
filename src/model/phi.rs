//! Phi's shape (Li et al. 2023, arXiv:2309.05463) as recordings: GPT-2's LayerNorm and GELU, Llama's rotary positions and
//! columns of queries, keys and values, in a parallel block: attention and MLP read one LayerNorm, and both add to the stream.
//!
//!   x' = x + dense(attention(n)) + fc2(gelu(fc1(n)))        n = LayerNorm(x)
//!
//! LayerNorm's and GELU's outputs are cheap: backward computes them a second time instead of keeping them. A block keeps
//! 9·C numbers a token where FF is 4·C.

use crate::base::Config;
use crate::base::arch::{Layout, Part, Phi};
use crate::device::{Kind, Recorder, Tensor};
use crate::model::linear::{Dinp, Linear};
use crate::model::parameters::{Parameters, Trained};
use crate::model::shape::{PREFILL, Past, Shape, input};
use crate::ops::classifier::{self, Head};
use crate::ops::kv_cache;
use crate::ops::layernorm::Stats;
use crate::ops::linear::Columns;
use crate::ops::rope::{self, Pairs, Rope};
use crate::ops::{attention, embedding, fill, gelu, layernorm, residual};

/// A LayerNorm's gain and bias.
#[derive(Debug, Clone, Copy)]
struct Norm {
    weight: Trained,
    bias: Trained,
}

/// One block.
#[derive(Debug, Clone, Copy)]
struct Block {
    /// (C)
    input_norm: Norm,
    /// (C,C)
    q_proj: Linear,
    /// (NKV·HS,C)
    k_proj: Linear,
    /// (NKV·HS,C)
    v_proj: Linear,
    /// (C,C)
    dense: Linear,
    /// (FF,C)
    fc1: Linear,
    /// (C,FF)
    fc2: Linear,
}

/// A Phi in one recording.
struct Model<'a> {
    shape: &'a Shape,
    config: Phi,
    all: Parameters<'a>,
    blocks: Vec<Block>,
    final_norm: Norm,
    /// (V)
    head_bias: Trained,
}

/// What a block keeps for its backward; `u` are the thin products of the adapters beside its linear layers.
struct Kept {
    residual: Tensor,
    norm: Stats,
    qkv: Tensor,
    qkv_u: [Option<Tensor>; 3],
    atty: Tensor,
    /// None where the past is a cache: nothing is trained there.
    lse: Option<Tensor>,
    attproj_u: Option<Tensor>,
    fch: Tensor,
    fch_u: Option<Tensor>,
    fcproj_u: Option<Tensor>,
}

/// Records `evaluate`.
pub(super) fn evaluate(shape: &Shape, rec: &mut Recorder) {
    let model = Model::declare(rec, shape, false);
    let (tokens, loss) = shape.batch(rec);
    let (last, _) = model.sequence(rec, tokens);
    let (out, _) = norm(rec, "final_layernorm", last, model.final_norm);
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
    let (out, _) = norm(rec, "final_layernorm", last, model.final_norm);
    shape.logits(rec, out, model.head());
}

/// Records `micro_step`.
pub(super) fn micro_step(shape: &Shape, rec: &mut Recorder) {
    let model = Model::declare(rec, shape, true);
    let (tokens, loss) = shape.batch(rec);
    let (last, kept) = model.sequence(rec, tokens);

    // head: final_layernorm, logits, loss; dresidual is the gradient of the residual stream from here back to the lowest part
    // that trains
    let (out, stats) = norm(rec, "final_layernorm", last, model.final_norm);
    let (head, dhead) = (model.head(), model.head_gradients());
    let dout = rec.scoped("lm_head", |rec| classifier::backward(rec, out, head, loss, dhead));
    let lowest = shape.lowest();
    if lowest == Part::Head {
        return norm_backward(rec, "final_layernorm", last, model.final_norm, stats, dout, None);
    }
    let dresidual = rec.scratch("dresidual", &[shape.b * shape.t, model.config.n_embd]);
    rec.scoped("final_layernorm", |rec| fill::zero(rec, "dresidual.zero", dresidual));
    norm_backward(rec, "final_layernorm", last, model.final_norm, stats, dout, Some(dresidual));
    for (i, (block, kept)) in model.blocks.iter().zip(&kept).enumerate().rev() {
        if Part::Block(i) < lowest {
            return;
        }
        let below = lowest < Part::Block(i);
        rec.scoped(format!("layers.{i}"), |rec| {
            let again = shape.recompute.then(|| {
                let again = rec.scoped("again", |rec| model.inner(rec, i, kept.residual, Past::Sequence));
                Kept { attproj_u: kept.attproj_u, fcproj_u: kept.fcproj_u, ..again }
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
        let Config::Phi(config) = shape.config else { unreachable!("Shape::record matches the family") };
        let all = Parameters::declare(rec, shape, trains);
        let norm = |name: String| Norm {
            weight: all.one(&format!("{name}.weight")),
            bias: all.one(&format!("{name}.bias")),
        };
        let block = |i: usize| {
            let linear = |s: &str, place| all.linear(&format!("layers.{i}.{s}"), Layout::OutIn, (i, place));
            Block {
                input_norm: norm(format!("layers.{i}.input_layernorm")),
                q_proj: linear("self_attn.q_proj", 0),
                k_proj: linear("self_attn.k_proj", 1),
                v_proj: linear("self_attn.v_proj", 2),
                dense: linear("self_attn.dense", 3),
                fc1: linear("mlp.fc1", 4),
                fc2: linear("mlp.fc2", 5),
            }
        };
        let blocks = (0..config.n_layer).map(block).collect();
        let (final_norm, head_bias) = (norm("final_layernorm".into()), all.one("lm_head.bias"));
        Model { final_norm, head_bias, shape, config, all, blocks }
    }

    fn head(&self) -> Head<'_> {
        Head { wte: self.all.rows(self.shape.config.head()), bias: Some(self.head_bias.tensor) }
    }

    fn head_gradients(&self) -> Option<Head<'_>> {
        let wte = self.all.row_gradients(self.shape.config.head())?;
        Some(Head { wte, bias: self.head_bias.gradient })
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

    /// How heads are cut, and what of them turns.
    fn rope(&self) -> Rope {
        let Phi { n_head, n_kv_head, rotary, rope_theta, .. } = self.config;
        Rope {
            nh: n_head,
            nkv: n_kv_head,
            hs: self.config.head_size(),
            rot: rotary,
            theta: rope_theta,
            pairs: Pairs::HalfSplit,
        }
    }

    fn attention_shape(&self, layer: usize) -> attention::Shape {
        let Phi { n_head, n_kv_head, .. } = self.config;
        attention::Shape { t: self.shape.t, nh: n_head, nkv: n_kv_head, layer, dropout: false, window: None }
    }

    /// Where queries, keys and values lie side by side.
    fn columns(&self, qkv: Tensor) -> [Columns; 3] {
        let Phi { n_head, n_kv_head, .. } = self.config;
        let hs = self.config.head_size();
        [0, n_head, n_head + n_kv_head].map(|head| Columns { tensor: qkv, first: head * hs })
    }

    // ANCHOR: block
    /// A block up to what backward needs of it.
    fn inner(&self, rec: &mut Recorder, i: usize, residual: Tensor, past: Past) -> Kept {
        let w = &self.blocks[i];
        let Phi { n_head, n_kv_head, .. } = self.config;
        let [bt, _] = rec.extents(residual);

        let (n, stats) = norm(rec, "input_layernorm", residual, w.input_norm);
        let (qkv, qkv_u, atty, lse) = rec.scoped("self_attn", |r| {
            let qkv = r.scratch("qkv", &[bt, (n_head + 2 * n_kv_head) * self.config.head_size()]);
            let [q, k, v] = self.columns(qkv);
            let q_u = r.scoped("q_proj", |r| w.q_proj.forward_into(r, n, q));
            let k_u = r.scoped("k_proj", |r| w.k_proj.forward_into(r, n, k));
            let v_u = r.scoped("v_proj", |r| w.v_proj.forward_into(r, n, v));
            let t = if matches!(past, Past::Sequence) { self.shape.t } else { bt };
            rope::forward(r, qkv, self.rope(), t);
            let (atty, lse) = match past {
                Past::Sequence => {
                    let (atty, lse) = attention::forward(r, qkv, self.attention_shape(i));
                    (atty, Some(lse))
                }
                Past::Cache(cache) => {
                    kv_cache::append(r, qkv, cache);
                    (attention::cached(r, qkv, cache, n_head, None), None)
                }
            };
            (qkv, [q_u, k_u, v_u], atty, lse)
        });
        let (fch, fch_u) = rec.scoped("mlp.fc1", |r| w.fc1.forward(r, n));

        let (attproj_u, fcproj_u) = (None, None);
        Kept { residual, norm: stats, qkv, qkv_u, atty, lse, attproj_u, fch, fch_u, fcproj_u }
    }

    /// A whole block: the residual stream after it, and what it keeps.
    fn block(&self, rec: &mut Recorder, i: usize, residual: Tensor, past: Past) -> (Tensor, Kept) {
        let w = &self.blocks[i];
        let kept = self.inner(rec, i, residual, past);

        let (attproj, attproj_u) = rec.scoped("self_attn.dense", |r| w.dense.forward(r, kept.atty));
        let residual2 = rec.scoped("residual2", |r| residual::forward(r, residual, attproj, None));
        let fch_gelu = rec.scoped("mlp.gelu", |r| gelu::forward(r, kept.fch));
        let (fcproj, fcproj_u) = rec.scoped("mlp.fc2", |r| w.fc2.forward(r, fch_gelu));
        let residual3 = rec.scoped("residual3", |r| residual::forward(r, residual2, fcproj, None));

        (residual3, Kept { attproj_u, fcproj_u, ..kept })
    }
    // ANCHOR_END: block

    // ANCHOR: block_backward
    /// A block's backward; `dresidual` is the stream's gradient, which goes on to what is `below`, where anything there trains.
    /// Both branches' outputs were added to the stream: the gradient of each is dresidual as it stands, until the LayerNorm
    /// that both read adds theirs to it.
    fn block_backward(
        &self,
        rec: &mut Recorder,
        i: usize,
        w: &Block,
        k: &Kept,
        dresidual: Tensor,
        below: bool,
    ) {
        let layers = [("q_proj", w.q_proj), ("k_proj", w.k_proj), ("v_proj", w.v_proj)];
        let n = (layers.iter().any(|(_, layer)| layer.wants_input()) || w.fc1.wants_input())
            .then(|| norm_again(rec, "input_layernorm", k.residual, w.input_norm, k.norm));
        let wanted = below || w.input_norm.weight.gradient.is_some();

        let fch_gelu = w.fc2.wants_input().then(|| rec.scoped("mlp.gelu", |r| gelu::forward(r, k.fch)));
        let dfch = linear_backward(rec, "mlp.fc2", w.fc2, fch_gelu, k.fcproj_u, dresidual, Dinp::Fresh);
        let dfch = dfch.expect("it was asked for");
        rec.scoped("mlp.gelu", |r| gelu::backward(r, k.fch, dfch));
        let dinp = if wanted { Dinp::Fresh } else { Dinp::Unwanted };
        let mut dn = linear_backward(rec, "mlp.fc1", w.fc1, n, k.fch_u, dfch, dinp);

        let atty = Some(k.atty);
        let datty =
            linear_backward(rec, "self_attn.dense", w.dense, atty, k.attproj_u, dresidual, Dinp::Fresh);
        let datty = datty.expect("it was asked for");
        let lse = k.lse.expect("what is trained is a sequence");
        let dqkv = rec.scoped("self_attn", |r| {
            let dqkv = attention::backward(r, k.qkv, k.atty, lse, datty, self.attention_shape(i));
            rope::backward(r, dqkv, self.rope(), self.shape.t);
            dqkv
        });
        // Of n's four readers the first has set its gradient; the others add to it.
        for (((name, layer), u), dy) in layers.iter().zip(k.qkv_u).zip(self.columns(dqkv)) {
            let dinp = dn.map_or(Dinp::Unwanted, Dinp::Onto);
            dn = rec.scoped(format!("self_attn.{name}"), |r| layer.backward(r, n, u, dy, dinp));
        }
        let Some(dn) = dn else { return };
        let onto = below.then_some(dresidual);
        norm_backward(rec, "input_layernorm", k.residual, w.input_norm, k.norm, dn, onto);
    }
    // ANCHOR_END: block_backward
}

/// A LayerNorm.
fn norm(rec: &mut Recorder, scope: &str, inp: Tensor, w: Norm) -> (Tensor, Stats) {
    rec.scoped(scope, |r| layernorm::forward(r, inp, w.weight.tensor, w.bias.tensor))
}

/// A LayerNorm's output once more, from the statistics that forward left.
fn norm_again(rec: &mut Recorder, scope: &str, inp: Tensor, w: Norm, stats: Stats) -> Tensor {
    rec.scoped(scope, |r| layernorm::normalize(r, inp, w.weight.tensor, w.bias.tensor, stats))
}

/// A LayerNorm's backward; `dresidual` += dinp, where that is wanted.
fn norm_backward(
    rec: &mut Recorder,
    scope: &str,
    inp: Tensor,
    w: Norm,
    stats: Stats,
    dout: Tensor,
    dresidual: Option<Tensor>,
) {
    let params = w.weight.gradient.zip(w.bias.gradient);
    rec.scoped(scope, |r| layernorm::backward(r, inp, w.weight.tensor, stats, dout, dresidual, params));
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
