//! GPT-2 (Radford et al. 2019) as recordings: the forward pass, and the backward pass that mirrors it line by line.
//!
//! The residual stream `(B·T,C)` runs through the blocks; its gradient runs back through one tensor that the
//! LayerNorms' backward adds into. LayerNorm's and GELU's outputs are cheap, so backward computes them a second time
//! instead of keeping them: a block keeps 10·C numbers a token, not 16·C.
//!
//! One [`block`] serves training, prefill and decode: they differ in what attention attends to ([`Past`]), and a linear layer
//! over one row is a matrix-vector product.

use crate::base::rng::Site;
use crate::device::{Kind, Recorder, Tensor};
use crate::model::parameters::{Block, Pair, Parameters};
use crate::model::shape::{PREFILL, Shape, input};
use crate::ops::kv_cache::{self, Cache};
use crate::ops::layernorm::Stats;
use crate::ops::linear::Linear;
use crate::ops::matmul::{Layout, Operand, Product};
use crate::ops::{attention, bias, classifier, dropout, embedding, fill, gelu, layernorm, matvec, residual};

/// What a block's queries attend to.
#[derive(Debug, Clone, Copy)]
enum Past {
    /// The sequence that they stand in.
    Sequence,
    /// The positions decoded so far, and their own, which are added.
    Cache(Cache),
}

/// What a block keeps for its backward.
struct Kept {
    residual: Tensor,
    ln_1: Stats,
    qkv: Tensor,
    atty: Tensor,
    /// None where the past is a cache: nothing is trained there.
    lse: Option<Tensor>,
    residual2: Tensor,
    ln_2: Stats,
    fch: Tensor,
}

/// Records `evaluate`.
pub(super) fn evaluate(shape: &Shape, rec: &mut Recorder) {
    let w = Parameters::weights(rec, shape);
    let (tokens, loss) = shape.batch(rec);
    let (last, _) = sequence(shape, rec, &w, tokens);
    let (out, _) = norm(rec, "ln_f", last, w.ln_f);
    rec.scoped("lm_head", |rec| classifier::forward(rec, out, &w.wte, loss));
}

/// Records `prefill`.
pub(super) fn prefill(shape: &Shape, rec: &mut Recorder) {
    let w = Parameters::weights(rec, shape);
    let tokens = rec.kept_ids(input::PREFILL, Kind::Input, &[PREFILL]);
    cached(shape, rec, &w, tokens);
}

/// Records `decode`.
pub(super) fn decode(shape: &Shape, rec: &mut Recorder) {
    let w = Parameters::weights(rec, shape);
    let token = rec.kept_ids(input::TOKEN, Kind::Input, &[1]);
    let last = cached(shape, rec, &w, token);
    let (out, _) = norm(rec, "ln_f", last, w.ln_f);
    let logits = rec.kept(input::LOGITS, Kind::Output, &[1, shape.config.vocab_size()]);
    for chunk in &w.wte {
        let p = Product::new(Layout::NT, [1, chunk.rows, shape.config.n_embd()]);
        let to = Operand { offset: chunk.row0, ..logits.into() };
        rec.scoped("lm_head", |r| matvec::product(r, "logits", p, out.into(), chunk.tensor, to, None));
    }
}

/// Records `micro_step`.
pub(super) fn micro_step(shape: &Shape, rec: &mut Recorder) {
    let w = Parameters::weights(rec, shape);
    let d = Parameters::gradients(rec, shape);
    let (tokens, loss) = shape.batch(rec);
    let (last, kept) = sequence(shape, rec, &w, tokens);

    // head: ln_f, logits, loss; dresidual is the gradient of the residual stream from here back to the embedding
    let (out, ln_f) = norm(rec, "ln_f", last, w.ln_f);
    let dwte = (!d.wte.is_empty()).then_some(d.wte.as_slice());
    let dout = rec.scoped("lm_head", |rec| classifier::backward(rec, out, &w.wte, loss, dwte));
    // Where the embeddings are frozen, nothing below the first block that trains has a use for its gradient.
    let first = if shape.freeze.embeddings { shape.freeze.first } else { 0 };
    if shape.freeze.embeddings && first == kept.len() {
        return norm_backward(rec, "ln_f", last, w.ln_f, ln_f, dout, None, d.ln_f);
    }
    let dresidual = rec.scratch("dresidual", &[shape.b * shape.t, shape.config.n_embd()]);
    rec.scoped("ln_f", |rec| fill::zero(rec, "dresidual.zero", dresidual));
    norm_backward(rec, "ln_f", last, w.ln_f, ln_f, dout, Some(dresidual), d.ln_f);
    for i in (first..kept.len()).rev() {
        let (w, d) = (&w.blocks[i], &d.blocks[i]);
        let below = i > first || !shape.freeze.embeddings;
        rec.scoped(format!("h.{i}"), |rec| block_backward(shape, rec, i, w, d, &kept[i], dresidual, below));
    }
    let Some(dwpe) = d.wpe else { return };
    let buckets = shape.buckets(rec);
    rec.scoped("encoded", |rec| {
        let dencoded = match shape.dropout {
            true => dropout::apply(rec, "dropout_backward", dresidual, 0, Site::Embedding),
            false => dresidual,
        };
        embedding::backward_wte(rec, buckets, dencoded, &d.wte);
        embedding::backward_wpe(rec, dencoded, shape.t, dwpe);
    });
}

/// Whole sequences through the embedding and every block; the residual stream at the end, and what each block keeps.
fn sequence(
    shape: &Shape,
    rec: &mut Recorder,
    w: &Parameters<Tensor>,
    tokens: Tensor,
) -> (Tensor, Vec<Kept>) {
    let mut stream = rec.scoped("encoded", |rec| {
        let encoded = embedding::forward(rec, tokens, shape.t, &w.wte, w.wpe);
        match shape.dropout {
            true => dropout::apply(rec, "dropout", encoded, 0, Site::Embedding),
            false => encoded,
        }
    });
    let mut kept = Vec::new();
    for (i, w) in w.blocks.iter().enumerate() {
        let (next, of_block) =
            rec.scoped(format!("h.{i}"), |rec| block(shape, rec, i, w, stream, Past::Sequence));
        kept.push(of_block);
        stream = next;
    }
    (stream, kept)
}

/// New tokens of one sequence, at the step's position, through the embedding and every block.
fn cached(shape: &Shape, rec: &mut Recorder, w: &Parameters<Tensor>, tokens: Tensor) -> Tensor {
    let [p] = rec.extents(tokens);
    let mut stream = rec.scoped("encoded", |rec| embedding::forward(rec, tokens, p, &w.wte, w.wpe));
    let (positions, c) = (shape.config.block_size(), shape.config.n_embd());
    for (i, w) in w.blocks.iter().enumerate() {
        let of = |s: &str| format!("h.{i}.cache.{s}");
        let [k, v] = ["k", "v"].map(|s| rec.kept(of(s), Kind::Cache, &[positions, c]));
        let past = Past::Cache(Cache { k, v });
        (stream, _) = rec.scoped(format!("h.{i}"), |rec| block(shape, rec, i, w, stream, past));
    }
    stream
}

fn attention_shape(shape: &Shape, layer: usize) -> attention::Shape {
    let nh = shape.config.n_head();
    attention::Shape { t: shape.t, nh, nkv: nh, layer, dropout: shape.dropout, window: None }
}

// ANCHOR: block
fn block(
    shape: &Shape,
    rec: &mut Recorder,
    i: usize,
    w: &Block<Tensor>,
    residual: Tensor,
    past: Past,
) -> (Tensor, Kept) {
    let mask = |site| shape.dropout.then_some((i, site));

    let (ln1, ln_1) = norm(rec, "ln_1", residual, w.ln_1);
    let qkv = linear(rec, "attn.c_attn", ln1, w.c_attn);
    let (atty, lse) = rec.scoped("attn", |r| match past {
        Past::Sequence => {
            let (atty, lse) = attention::forward(r, qkv, attention_shape(shape, i));
            (atty, Some(lse))
        }
        Past::Cache(cache) => {
            kv_cache::append(r, qkv, cache);
            (attention::cached(r, qkv, cache, shape.config.n_head(), None), None)
        }
    });
    let attproj = linear(rec, "attn.c_proj", atty, w.attn_proj);
    let at = mask(Site::AttentionResidual);
    let residual2 = rec.scoped("residual2", |r| residual::forward(r, residual, attproj, at));

    let (ln2, ln_2) = norm(rec, "ln_2", residual2, w.ln_2);
    let fch = linear(rec, "mlp.c_fc", ln2, w.c_fc);
    let fch_gelu = rec.scoped("mlp.gelu", |r| gelu::forward(r, fch));
    let fcproj = linear(rec, "mlp.c_proj", fch_gelu, w.mlp_proj);
    let at = mask(Site::MlpResidual);
    let residual3 = rec.scoped("residual3", |r| residual::forward(r, residual2, fcproj, at));

    (residual3, Kept { residual, ln_1, qkv, atty, lse, residual2, ln_2, fch })
}
// ANCHOR_END: block

/// A block's backward, from the last line of its forward to the first; `dresidual` is the stream's gradient, which goes on to
/// what is `below`, where anything there trains.
#[expect(clippy::too_many_arguments, reason = "what forward has, and what it kept")]
fn block_backward(
    shape: &Shape,
    rec: &mut Recorder,
    i: usize,
    w: &Block<Tensor>,
    d: &Block<Option<Tensor>>,
    k: &Kept,
    dresidual: Tensor,
    below: bool,
) {
    let mask = |site| shape.dropout.then_some((i, site));

    // residual3 = residual2 + dropout(fcproj): the stream's own share is dresidual as it stands
    let at = mask(Site::MlpResidual);
    let dfcproj = rec.scoped("residual3", |r| residual::backward(r, dresidual, at));
    let fch_gelu = |r: &mut Recorder| r.scoped("mlp.gelu", |r| gelu::forward(r, k.fch));
    let dfch = linear_backward(rec, "mlp.c_proj", fch_gelu, w.mlp_proj, dfcproj, d.mlp_proj);
    rec.scoped("mlp.gelu", |r| gelu::backward(r, k.fch, dfch));
    let ln2 = |r: &mut Recorder| norm_again(r, "ln_2", k.residual2, w.ln_2, k.ln_2);
    let dln2 = linear_backward(rec, "mlp.c_fc", ln2, w.c_fc, dfch, d.c_fc);
    norm_backward(rec, "ln_2", k.residual2, w.ln_2, k.ln_2, dln2, Some(dresidual), d.ln_2);

    // residual2 = residual + dropout(attproj)
    let at = mask(Site::AttentionResidual);
    let dattproj = rec.scoped("residual2", |r| residual::backward(r, dresidual, at));
    let datty = linear_backward(rec, "attn.c_proj", |_| k.atty, w.attn_proj, dattproj, d.attn_proj);
    let lse = k.lse.expect("what is trained is a sequence");
    let dqkv =
        rec.scoped("attn", |r| attention::backward(r, k.qkv, k.atty, lse, datty, attention_shape(shape, i)));
    let ln1 = |r: &mut Recorder| norm_again(r, "ln_1", k.residual, w.ln_1, k.ln_1);
    let dln1 = linear_backward(rec, "attn.c_attn", ln1, w.c_attn, dqkv, d.c_attn);
    norm_backward(rec, "ln_1", k.residual, w.ln_1, k.ln_1, dln1, below.then_some(dresidual), d.ln_1);
}

/// A LayerNorm.
fn norm(rec: &mut Recorder, scope: &str, inp: Tensor, w: Pair<Tensor>) -> (Tensor, Stats) {
    rec.scoped(scope, |r| layernorm::forward(r, inp, w.weight, w.bias))
}

/// A LayerNorm's output once more, from the statistics that forward left.
fn norm_again(rec: &mut Recorder, scope: &str, inp: Tensor, w: Pair<Tensor>, stats: Stats) -> Tensor {
    rec.scoped(scope, |r| layernorm::normalize(r, inp, w.weight, w.bias, stats))
}

/// A LayerNorm's backward; `dresidual` += dinp, where that is wanted.
#[expect(clippy::too_many_arguments, reason = "the equation's")]
fn norm_backward(
    rec: &mut Recorder,
    scope: &str,
    inp: Tensor,
    w: Pair<Tensor>,
    stats: Stats,
    dout: Tensor,
    dresidual: Option<Tensor>,
    d: Pair<Option<Tensor>>,
) {
    let params = d.weight.zip(d.bias);
    rec.scoped(scope, |r| layernorm::backward(r, inp, w.weight, stats, dout, dresidual, params));
}

/// A linear layer.
fn linear(rec: &mut Recorder, scope: &str, inp: Tensor, w: Pair<Tensor>) -> Tensor {
    rec.scoped(scope, |r| Linear::conv1d(w.weight, Some(w.bias)).forward(r, inp))
}

/// The backward of a linear layer; returns dinp. `inp` records the layer's input a second time, where that is asked for.
fn linear_backward(
    rec: &mut Recorder,
    scope: &str,
    inp: impl FnOnce(&mut Recorder) -> Tensor,
    w: Pair<Tensor>,
    dout: Tensor,
    d: Pair<Option<Tensor>>,
) -> Tensor {
    let layer = Linear::conv1d(w.weight, Some(w.bias));
    if let Some(dweight) = d.weight {
        let inp = inp(rec);
        rec.scoped(scope, |r| layer.backward_weight(r, inp, dout, dweight));
    }
    rec.scoped(scope, |r| {
        if let Some(dbias) = d.bias {
            bias::backward(r, dout, dbias);
        }
        layer.backward_input(r, dout)
    })
}
