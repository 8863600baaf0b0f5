//! GPT-2 (Radford et al. 2019) as recordings: the forward pass, and the backward pass that mirrors it line by line.
//!
//! The residual stream `(B·T,C)` runs through the blocks; its gradient runs back through one tensor that the
//! LayerNorms' backward adds into. LayerNorm's and GELU's outputs are cheap, so backward computes them a second time
//! instead of keeping them: a block keeps 10·C numbers a token, not 16·C.
//!
//! One [`block`] serves training, prefill and decode: they differ in what attention attends to ([`Past`]), and a linear layer
//! over one row is a matrix-vector product.

use crate::base::arch::{Layout, Part};
use crate::base::rng::Site;
use crate::device::{Kind, Recorder, Tensor};
use crate::model::linear::{Dinp, Linear};
use crate::model::parameters::{Parameters, Trained};
use crate::model::shape::{PREFILL, Past, Shape, input};
use crate::ops::classifier::{self, Head};
use crate::ops::kv_cache;
use crate::ops::layernorm::Stats;
use crate::ops::{attention, dropout, embedding, fill, gelu, layernorm, residual};

const WTE: &str = "wte.weight";

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
    ln_1: Norm,
    /// (C,3C)
    c_attn: Linear,
    /// (C,C)
    attn_proj: Linear,
    /// (C)
    ln_2: Norm,
    /// (C,4C)
    c_fc: Linear,
    /// (4C,C)
    mlp_proj: Linear,
}

/// A GPT-2 in one recording.
struct Model<'a> {
    all: Parameters<'a>,
    wpe: Trained,
    blocks: Vec<Block>,
    ln_f: Norm,
}

impl<'a> Model<'a> {
    /// Declares it, with the gradients of what trains where it `trains`.
    fn declare(rec: &mut Recorder, shape: &'a Shape, trains: bool) -> Model<'a> {
        let all = Parameters::declare(rec, shape, trains);
        let norm = |name: String| Norm {
            weight: all.one(&format!("{name}.weight")),
            bias: all.one(&format!("{name}.bias")),
        };
        let block = |i: usize| {
            let linear = |s: &str, place| all.linear(&format!("h.{i}.{s}"), Layout::InOut, (i, place));
            Block {
                ln_1: norm(format!("h.{i}.ln_1")),
                c_attn: linear("attn.c_attn", 0),
                attn_proj: linear("attn.c_proj", 1),
                ln_2: norm(format!("h.{i}.ln_2")),
                c_fc: linear("mlp.c_fc", 2),
                mlp_proj: linear("mlp.c_proj", 3),
            }
        };
        let blocks = (0..shape.config.n_layer()).map(block).collect();
        Model { wpe: all.one("wpe.weight"), blocks, ln_f: norm("ln_f".into()), all }
    }
}

/// What a block keeps for its backward: what it computed, and of an adapter beside a linear layer its thin product `u`.
struct Kept {
    residual: Tensor,
    ln_1: Stats,
    qkv: Tensor,
    qkv_u: Option<Tensor>,
    atty: Tensor,
    /// None where the past is a cache: nothing is trained there.
    lse: Option<Tensor>,
    attproj_u: Option<Tensor>,
    residual2: Tensor,
    ln_2: Stats,
    fch: Tensor,
    fch_u: Option<Tensor>,
    fcproj_u: Option<Tensor>,
}

/// Records `evaluate`.
pub(super) fn evaluate(shape: &Shape, rec: &mut Recorder) {
    let model = Model::declare(rec, shape, false);
    let (tokens, loss) = shape.batch(rec);
    let (last, _) = sequence(shape, rec, &model, tokens);
    let (out, _) = norm(rec, "ln_f", last, model.ln_f);
    rec.scoped("lm_head", |rec| classifier::forward(rec, out, model.all.rows(WTE).into(), loss));
}

/// Records `prefill`.
pub(super) fn prefill(shape: &Shape, rec: &mut Recorder) {
    let model = Model::declare(rec, shape, false);
    let tokens = rec.kept_ids(input::PREFILL, Kind::Input, &[PREFILL]);
    cached(shape, rec, &model, tokens);
}

/// Records `decode`.
pub(super) fn decode(shape: &Shape, rec: &mut Recorder) {
    let model = Model::declare(rec, shape, false);
    let token = rec.kept_ids(input::TOKEN, Kind::Input, &[1]);
    let last = cached(shape, rec, &model, token);
    let (out, _) = norm(rec, "ln_f", last, model.ln_f);
    shape.logits(rec, out, model.all.rows(WTE).into());
}

/// Records `micro_step`.
pub(super) fn micro_step(shape: &Shape, rec: &mut Recorder) {
    let model = Model::declare(rec, shape, true);
    let (tokens, loss) = shape.batch(rec);
    let (last, kept) = sequence(shape, rec, &model, tokens);

    // head: ln_f, logits, loss; dresidual is the gradient of the residual stream from here back to the lowest part that trains
    let (out, ln_f) = norm(rec, "ln_f", last, model.ln_f);
    let (wte, dwte) = (model.all.rows(WTE), model.all.row_gradients(WTE));
    let dout =
        rec.scoped("lm_head", |rec| classifier::backward(rec, out, wte.into(), loss, dwte.map(Head::from)));
    let lowest = shape.lowest();
    if lowest == Part::Head {
        return norm_backward(rec, "ln_f", last, model.ln_f, ln_f, dout, None);
    }
    let dresidual = rec.scratch("dresidual", &[shape.b * shape.t, shape.config.n_embd()]);
    rec.scoped("ln_f", |rec| fill::zero(rec, "dresidual.zero", dresidual));
    norm_backward(rec, "ln_f", last, model.ln_f, ln_f, dout, Some(dresidual));
    for (i, (block, kept)) in model.blocks.iter().zip(&kept).enumerate().rev() {
        if Part::Block(i) < lowest {
            return;
        }
        let below = lowest < Part::Block(i);
        rec.scoped(format!("h.{i}"), |rec| {
            let again = shape.recompute.then(|| {
                let again =
                    rec.scoped("again", |rec| inner(shape, rec, i, block, kept.residual, Past::Sequence));
                Kept { fcproj_u: kept.fcproj_u, ..again }
            });
            block_backward(shape, rec, i, block, again.as_ref().unwrap_or(kept), dresidual, below);
        });
    }
    let (Some(dwte), Some(dwpe)) = (dwte, model.wpe.gradient) else { return };
    let buckets = shape.buckets(rec);
    rec.scoped("encoded", |rec| {
        let dencoded = match shape.drops() {
            true => dropout::apply(rec, "dropout_backward", dresidual, 0, Site::Embedding),
            false => dresidual,
        };
        embedding::backward_wte(rec, buckets, dencoded, dwte);
        embedding::backward_wpe(rec, dencoded, shape.t, dwpe);
    });
}

/// Whole sequences through the embedding and every block; the residual stream at the end, and what each block keeps.
fn sequence(shape: &Shape, rec: &mut Recorder, model: &Model, tokens: Tensor) -> (Tensor, Vec<Kept>) {
    let mut stream = rec.scoped("encoded", |rec| {
        let encoded = embedding::forward(rec, tokens, shape.t, model.all.rows(WTE), Some(model.wpe.tensor));
        match shape.drops() {
            true => dropout::apply(rec, "dropout", encoded, 0, Site::Embedding),
            false => encoded,
        }
    });
    let mut kept = Vec::new();
    for (i, w) in model.blocks.iter().enumerate() {
        let (next, of_block) =
            rec.scoped(format!("h.{i}"), |rec| block(shape, rec, i, w, stream, Past::Sequence));
        kept.push(of_block);
        stream = next;
    }
    (stream, kept)
}

/// New tokens of one sequence, at the step's position, through the embedding and every block.
fn cached(shape: &Shape, rec: &mut Recorder, model: &Model, tokens: Tensor) -> Tensor {
    let [p] = rec.extents(tokens);
    let (wte, wpe) = (model.all.rows(WTE), Some(model.wpe.tensor));
    let mut stream = rec.scoped("encoded", |rec| embedding::forward(rec, tokens, p, wte, wpe));
    for (i, w) in model.blocks.iter().enumerate() {
        let past = Past::Cache(shape.cache(rec, &format!("h.{i}")));
        (stream, _) = rec.scoped(format!("h.{i}"), |rec| block(shape, rec, i, w, stream, past));
    }
    stream
}

fn attention_shape(shape: &Shape, layer: usize) -> attention::Shape {
    let nh = shape.config.n_head();
    attention::Shape { t: shape.t, nh, nkv: nh, layer, dropout: shape.drops(), window: None }
}

// ANCHOR: block
/// A block up to what backward needs of it.
fn inner(shape: &Shape, rec: &mut Recorder, i: usize, w: &Block, residual: Tensor, past: Past) -> Kept {
    let (ln1, ln_1) = norm(rec, "ln_1", residual, w.ln_1);
    let (qkv, qkv_u) = rec.scoped("attn.c_attn", |r| w.c_attn.forward(r, ln1));
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
    let (attproj, attproj_u) = rec.scoped("attn.c_proj", |r| w.attn_proj.forward(r, atty));
    let at = shape.drops().then_some((i, Site::AttentionResidual));
    let residual2 = rec.scoped("residual2", |r| residual::forward(r, residual, attproj, at));

    let (ln2, ln_2) = norm(rec, "ln_2", residual2, w.ln_2);
    let (fch, fch_u) = rec.scoped("mlp.c_fc", |r| w.c_fc.forward(r, ln2));

    let fcproj_u = None;
    Kept { residual, ln_1, qkv, qkv_u, atty, lse, attproj_u, residual2, ln_2, fch, fch_u, fcproj_u }
}

/// A whole block: the residual stream after it, and what it keeps.
fn block(
    shape: &Shape,
    rec: &mut Recorder,
    i: usize,
    w: &Block,
    residual: Tensor,
    past: Past,
) -> (Tensor, Kept) {
    let kept = inner(shape, rec, i, w, residual, past);

    let fch_gelu = rec.scoped("mlp.gelu", |r| gelu::forward(r, kept.fch));
    let (fcproj, fcproj_u) = rec.scoped("mlp.c_proj", |r| w.mlp_proj.forward(r, fch_gelu));
    let at = shape.drops().then_some((i, Site::MlpResidual));
    let residual3 = rec.scoped("residual3", |r| residual::forward(r, kept.residual2, fcproj, at));

    (residual3, Kept { fcproj_u, ..kept })
}
// ANCHOR_END: block

/// A block's backward, from the last line of its forward to the first; `dresidual` is the stream's gradient, which goes on to
/// what is `below`, where anything there trains.
fn block_backward(
    shape: &Shape,
    rec: &mut Recorder,
    i: usize,
    w: &Block,
    k: &Kept,
    dresidual: Tensor,
    below: bool,
) {
    let mask = |site| shape.drops().then_some((i, site));

    // residual3 = residual2 + dropout(fcproj): the stream's own share is dresidual as it stands
    let at = mask(Site::MlpResidual);
    let dfcproj = rec.scoped("residual3", |r| residual::backward(r, dresidual, at));
    let fch_gelu = w.mlp_proj.wants_input().then(|| rec.scoped("mlp.gelu", |r| gelu::forward(r, k.fch)));
    let dfch = linear_backward(rec, "mlp.c_proj", w.mlp_proj, fch_gelu, k.fcproj_u, dfcproj);
    rec.scoped("mlp.gelu", |r| gelu::backward(r, k.fch, dfch));
    let ln2 = w.c_fc.wants_input().then(|| norm_again(rec, "ln_2", k.residual2, w.ln_2, k.ln_2));
    let dln2 = linear_backward(rec, "mlp.c_fc", w.c_fc, ln2, k.fch_u, dfch);
    norm_backward(rec, "ln_2", k.residual2, w.ln_2, k.ln_2, dln2, Some(dresidual));

    // residual2 = residual + dropout(attproj)
    let at = mask(Site::AttentionResidual);
    let dattproj = rec.scoped("residual2", |r| residual::backward(r, dresidual, at));
    let datty = linear_backward(rec, "attn.c_proj", w.attn_proj, Some(k.atty), k.attproj_u, dattproj);
    let lse = k.lse.expect("what is trained is a sequence");
    let dqkv =
        rec.scoped("attn", |r| attention::backward(r, k.qkv, k.atty, lse, datty, attention_shape(shape, i)));
    let ln1 = w.c_attn.wants_input().then(|| norm_again(rec, "ln_1", k.residual, w.ln_1, k.ln_1));
    let dinp = if below || w.ln_1.weight.gradient.is_some() { Dinp::Fresh } else { Dinp::Unwanted };
    let dln1 = rec.scoped("attn.c_attn", |r| w.c_attn.backward(r, ln1, k.qkv_u, dqkv.into(), dinp));
    let Some(dln1) = dln1 else { return };
    norm_backward(rec, "ln_1", k.residual, w.ln_1, k.ln_1, dln1, below.then_some(dresidual));
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

/// The backward of a linear layer whose input's gradient is wanted.
fn linear_backward(
    rec: &mut Recorder,
    scope: &str,
    w: Linear,
    inp: Option<Tensor>,
    u: Option<Tensor>,
    dout: Tensor,
) -> Tensor {
    let dinp = rec.scoped(scope, |r| w.backward(r, inp, u, dout.into(), Dinp::Fresh));
    dinp.expect("it was asked for")
}
