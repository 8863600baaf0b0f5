//! What every family does with its blocks. A family is its [`Block`] and the few parts around it that a [`Model`] names; what
//! is recorded of them stands here, once.
//!
//! Tokens become the residual stream `(B·T,C)`, which runs through the blocks to the last norm and the head. Its gradient runs
//! back through one tensor that the norms' backward adds into, as far as the lowest part that trains.
//!
//! One block serves training, prefill and decode: they differ in what attention attends to ([`Past`]), and a linear layer
//! over a few rows is a product that reads each weight once.

use crate::base::arch::{Part, Recompute};
use crate::base::rng::Site;
use crate::device::{Kind, Recorder, Tensor};
use crate::model::attention::Past;
use crate::model::norm::{Norm, Normed, Stream};
use crate::model::parameters::{Parameters, Trained};
use crate::model::shape::{PREFILL, Shape, input};
use crate::ops::classifier::{self, Head};
use crate::ops::{dropout, embedding, fill};

/// What is recorded of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// Forward and backward of one batch.
    MicroStep,
    /// Forward alone.
    Evaluate,
    /// As that, with the loss of every position.
    Losses,
    /// A block of tokens, for their keys and values.
    Prefill,
    /// One token of each of so many sequences, for the logits after it.
    Decode(usize),
}

// ANCHOR: block
/// One block of a family.
pub(super) trait Block {
    /// What normalises the stream in it, and after the last.
    type Norm: Norm;
    /// What it keeps for its backward.
    type Kept;
    /// What its `rest` leaves for its backward besides.
    type Rest: Copy;

    /// What checkpoints call the list of blocks: `h`, `layers`.
    const LIST: &'static str;

    /// Records it up to what its backward needs of it.
    fn inner(&self, rec: &mut Recorder, stream: Stream, past: Past) -> Self::Kept;

    /// The stream that it was given, the sum made.
    fn residual(k: &Self::Kept) -> Tensor;

    /// Records the rest of it, and returns the residual stream after it.
    fn rest(&self, rec: &mut Recorder, k: &Self::Kept) -> (Stream, Self::Rest);

    /// Records its backward, from the last line of its forward to the first. `dresidual` is the stream's gradient, which goes
    /// on to what is `below`, where anything there trains.
    fn backward(&self, rec: &mut Recorder, k: &Self::Kept, rest: Self::Rest, dresidual: Tensor, below: bool);
}
// ANCHOR_END: block

// ANCHOR: model
/// A model in one recording.
pub(super) struct Model<'a, B: Block> {
    pub shape: &'a Shape,
    pub all: &'a Parameters<'a>,
    /// (positions,C), learnt, where it has them.
    pub wpe: Option<Trained>,
    pub blocks: Vec<B>,
    /// What stands between the last block and the head.
    pub norm: B::Norm,
    /// (V), where its head has one.
    pub head_bias: Option<Trained>,
}
// ANCHOR_END: model

/// A block in a forward pass: what it keeps.
struct Recorded<B: Block> {
    kept: B::Kept,
    rest: B::Rest,
}

impl<B: Block> Model<'_, B> {
    /// Records a pass.
    pub fn record(&self, rec: &mut Recorder, pass: Pass) {
        match pass {
            Pass::MicroStep => self.micro_step(rec),
            Pass::Evaluate => self.evaluate(rec),
            Pass::Losses => self.losses(rec),
            Pass::Prefill => self.prefill(rec),
            Pass::Decode(rows) => self.decode(rec, rows),
        }
    }

    fn evaluate(&self, rec: &mut Recorder) {
        let (tokens, loss) = self.shape.batch(rec);
        let (last, _) = self.sequence(rec, tokens);
        let out = self.norm.forward(rec, last).out;
        rec.scoped("lm_head", |r| classifier::forward(r, out, self.head(), loss));
    }

    fn losses(&self, rec: &mut Recorder) {
        let [tokens, targets] = self.shape.ids(rec);
        let losses = rec.kept(input::LOSSES, Kind::Output, &[self.shape.b * self.shape.t]);
        let (last, _) = self.sequence(rec, tokens);
        let out = self.norm.forward(rec, last).out;
        rec.scoped("lm_head", |r| classifier::each(r, out, self.head(), targets, losses));
    }

    fn prefill(&self, rec: &mut Recorder) {
        let tokens = rec.kept_ids(input::PREFILL, Kind::Input, &[PREFILL]);
        let places = rec.kept_ids(input::PREFILL_PLACES, Kind::Input, &[PREFILL, 2]);
        self.cached(rec, tokens, places, PREFILL);
    }

    fn decode(&self, rec: &mut Recorder, rows: usize) {
        let tokens = rec.kept_ids(input::TOKEN, Kind::Input, &[self.shape.streams]);
        let places = rec.kept_ids(input::PLACES, Kind::Input, &[self.shape.streams, 2]);
        let last = self.cached(rec, tokens, places, rows);
        let out = self.norm.forward(rec, last).out;
        self.shape.logits(rec, out, self.head());
    }

    fn micro_step(&self, rec: &mut Recorder) {
        let (tokens, loss) = self.shape.batch(rec);
        let (last, blocks) = self.sequence(rec, tokens);

        // head: the last norm, logits, loss
        let Normed { stream: last, out, left: stats } = self.norm.forward(rec, last);
        let (head, dhead) = (self.head(), self.head_gradients());
        let dout = rec.scoped("lm_head", |r| classifier::backward(r, out, head, loss, dhead));
        if self.shape.lowest() == Part::Head {
            return self.norm.backward(rec, last, stats, dout, None);
        }

        // dresidual is the gradient of the residual stream from here back to the lowest part that trains
        let dresidual = rec.scratch("dresidual", &[self.shape.b * self.shape.t, self.shape.config.n_embd()]);
        rec.scoped(self.norm.name(), |r| fill::zero(r, "dresidual.zero", dresidual));
        self.norm.backward(rec, last, stats, dout, Some(dresidual));
        self.blocks_backward(rec, &blocks, dresidual);
        self.embed_backward(rec, dresidual);
    }

    /// Whole sequences: the residual stream after the last block, and the blocks as they were recorded.
    fn sequence(&self, rec: &mut Recorder, tokens: Tensor) -> (Stream, Vec<Recorded<B>>) {
        let encoded = self.embed(rec, tokens);
        let begins = self.shape.begins(rec);
        self.stream(rec, encoded, |_, _| Past::Sequence(begins))
    }

    /// The first `rows` of some tokens, each at its place in its sequence: the residual stream after the last block.
    fn cached(&self, rec: &mut Recorder, tokens: Tensor, places: Tensor, rows: usize) -> Stream {
        let wte = self.all.rows(self.shape.config.embedding());
        let wpe = self.wpe.map(|wpe| wpe.tensor);
        let encoded = rec.scoped("encoded", |r| embedding::at(r, tokens, places, rows, wte, wpe));
        let past = |rec: &mut Recorder, layer: &str| Past::Cache(self.shape.cache(rec, layer, places));
        self.stream(rec, encoded, past).0
    }

    /// Encoded tokens through every block.
    fn stream(
        &self,
        rec: &mut Recorder,
        encoded: Tensor,
        past: impl Fn(&mut Recorder, &str) -> Past,
    ) -> (Stream, Vec<Recorded<B>>) {
        let mut stream = Stream::of(encoded);
        let mut blocks = Vec::new();
        for (i, block) in self.blocks.iter().enumerate() {
            let layer = layer::<B>(i);
            let past = past(rec, &layer);
            rec.scoped(layer, |rec| {
                let kept = block.inner(rec, stream, past);
                let (next, rest) = block.rest(rec, &kept);
                blocks.push(Recorded { kept, rest });
                stream = next;
            });
        }
        (stream, blocks)
    }

    /// The way back through the blocks, as far as something trains.
    fn blocks_backward(&self, rec: &mut Recorder, recorded: &[Recorded<B>], dresidual: Tensor) {
        let begins = self.shape.begins(rec);
        let (lowest, recompute) = (self.shape.lowest(), self.shape.recompute == Recompute::Block);
        for (i, (block, of)) in self.blocks.iter().zip(recorded).enumerate().rev() {
            if Part::Block(i) < lowest {
                return;
            }
            let below = lowest < Part::Block(i);
            rec.scoped(layer::<B>(i), |rec| {
                let again = || {
                    let past = Past::Sequence(begins);
                    rec.scoped("again", |r| block.inner(r, Stream::of(B::residual(&of.kept)), past))
                };
                let again = recompute.then(again);
                block.backward(rec, again.as_ref().unwrap_or(&of.kept), of.rest, dresidual, below);
            });
        }
    }

    /// Tokens to the residual stream.
    fn embed(&self, rec: &mut Recorder, tokens: Tensor) -> Tensor {
        let wte = self.all.rows(self.shape.config.embedding());
        rec.scoped("encoded", |r| {
            let encoded = embedding::forward(r, tokens, self.shape.t, wte, self.wpe.map(|wpe| wpe.tensor));
            match self.shape.drops() {
                true => dropout::apply(r, "dropout", encoded, 0, Site::Embedding),
                false => encoded,
            }
        })
    }

    /// The embedding's gradient, where it trains.
    fn embed_backward(&self, rec: &mut Recorder, dresidual: Tensor) {
        let Some(dwte) = self.all.row_gradients(self.shape.config.embedding()) else { return };
        let buckets = self.shape.buckets(rec);
        rec.scoped("encoded", |r| {
            let dencoded = match self.shape.drops() {
                true => dropout::apply(r, "dropout_backward", dresidual, 0, Site::Embedding),
                false => dresidual,
            };
            embedding::backward_wte(r, buckets, dencoded, dwte);
            if let Some(dwpe) = self.wpe.and_then(|wpe| wpe.gradient) {
                embedding::backward_wpe(r, dencoded, self.shape.t, dwpe);
            }
        });
    }

    fn head(&self) -> Head<'_> {
        let wte = self.all.rows(self.shape.config.head());
        Head { wte, bias: self.head_bias.map(|bias| bias.tensor) }
    }

    fn head_gradients(&self) -> Option<Head<'_>> {
        let wte = self.all.row_gradients(self.shape.config.head())?;
        Some(Head { wte, bias: self.head_bias.and_then(|bias| bias.gradient) })
    }
}

/// What block i is called.
fn layer<B: Block>(i: usize) -> String {
    format!("{}.{i}", B::LIST)
}
