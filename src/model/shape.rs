//! What a model's recordings depend on, and the tensors between host and device.

use crate::base::Config;
use crate::base::arch::{Freeze, Lora, Optimizer, Param, Part, Precision, Recompute};
use crate::device::{Choices, Element, Kind, Limits, Recorder, Tensor};
use crate::ops::classifier::{Head, Loss, scalar};
use crate::ops::embedding::Buckets;
use crate::ops::kv_cache::Cache;
use crate::ops::matmul::{Layout, Operand, Product};
use crate::ops::matvec;

/// Everything that a model's recordings depend on.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The model.
    pub config: Config,
    /// `B`: sequences of a micro-step.
    pub b: usize,
    /// `T`: positions of a sequence.
    pub t: usize,
    /// Positions that the cache of keys and values holds.
    pub positions: usize,
    /// Whether dropout is on: of the model where it trains itself, of the adapter's inputs where that is what trains.
    pub dropout: bool,
    /// What does not train.
    pub freeze: Freeze,
    /// The adapter beside the model. Where there is one, it alone trains.
    pub lora: Option<Lora>,
    /// What moves the weights.
    pub optimizer: Optimizer,
    /// What the model's matrices are made of at rest: f32, or, where they do not train, f16, q8_0 or q4_1.
    pub weights: Element,
    /// What backward computes a second time instead of keeping it: less memory for more work, and the same bits.
    pub recompute: Recompute,
    /// What a micro-step computes with; whatever else is recorded is in f32.
    pub precision: Precision,
    /// The device's limits.
    pub limits: Limits,
    /// Which variants it runs.
    pub choices: Choices,
}

/// The tensors between host and device, by name.
pub mod input {
    /// (B·T) ids.
    pub const TOKENS: &str = "tokens";
    /// (B·T) ids, or `IGNORE`.
    pub const TARGETS: &str = "targets";
    /// (B·T,3); see `tokens::batch::buckets`.
    pub const BUCKETS: &str = "buckets";
    /// (B·T); see `tokens::batch::buckets`.
    pub const ORDER: &str = "order";
    /// (PREFILL) ids.
    pub const PREFILL: &str = "prefill.tokens";
    /// (1) an id.
    pub const TOKEN: &str = "decode.token";
    /// What the host reads once a step; see `ops::classifier::scalar`.
    pub use crate::ops::classifier::scalar::NAME as SCALARS;
    /// (1,V) what decoding gives.
    pub const LOGITS: &str = "logits";
}

/// Tokens of a prefill block. A prompt's length never makes a new recording: `prefill` takes so many tokens at the step's
/// position, padded at the end (what the padding computes is overwritten before it is read), and `decode` takes one token.
pub const PREFILL: usize = 32;

/// Positions that are cached at most unless more are asked for: a Llama may know 32,768, whose keys and values are larger than
/// its weights.
pub const POSITIONS: usize = 2048;

impl Shape {
    /// A shape without dropout, in f32, of which AdamW trains everything.
    pub fn new(config: Config, b: usize, t: usize, limits: Limits, choices: Choices) -> Shape {
        Shape {
            config,
            b,
            t,
            positions: config.block_size().min(POSITIONS),
            dropout: false,
            freeze: Freeze::default(),
            lora: None,
            optimizer: Optimizer::default(),
            weights: Element::F32,
            recompute: Recompute::default(),
            precision: Precision::default(),
            limits,
            choices,
        }
    }

    /// The adapter's matrices, in the table's order of what they stand beside.
    pub fn adapters(&self) -> Vec<Param> {
        self.lora.as_ref().map_or_else(Vec::new, |lora| lora.table(&self.config))
    }

    /// The parameters that train, in the table's order.
    pub fn trained(&self) -> Vec<Param> {
        match self.lora {
            Some(_) => self.adapters(),
            None => self.config.table().into_iter().filter(|p| self.freeze.trains(p.part)).collect(),
        }
    }

    /// What a run saves: the adapter, or the whole model.
    pub fn saved(&self) -> Vec<Param> {
        if self.lora.is_some() { self.adapters() } else { self.config.table() }
    }

    /// Whether the model's own activations are dropped.
    pub(super) fn drops(&self) -> bool {
        self.dropout && self.lora.is_none() && self.config.has_dropout()
    }

    /// Where the first of what trains stands: no gradient goes further down.
    pub(super) fn lowest(&self) -> Part {
        self.trained().iter().map(|p| p.part).min().unwrap_or(Part::Head)
    }

    /// The moments of what trains: each parameter behind its moment's prefix, all `m.` first, then all `v.`, in the table's
    /// order.
    pub fn moments(&self) -> Vec<(&'static str, Param)> {
        let first = self.trained();
        let second: Vec<Param> =
            first.iter().filter(|p| self.optimizer.has_second_moment(p)).cloned().collect();
        first.into_iter().map(|p| ("m.", p)).chain(second.into_iter().map(|p| ("v.", p))).collect()
    }

    /// The inputs of a batch, and what its losses go to.
    pub(super) fn batch(&self, rec: &mut Recorder) -> (Tensor, Loss) {
        let bt = self.b * self.t;
        let tokens = rec.kept_ids(input::TOKENS, Kind::Input, &[bt]);
        let targets = rec.kept_ids(input::TARGETS, Kind::Input, &[bt]);
        let scalars = rec.kept(input::SCALARS, Kind::Output, &[scalar::COUNT]);
        (tokens, Loss { targets, scalars })
    }

    /// What the embedding's backward goes by.
    pub(super) fn buckets(&self, rec: &mut Recorder) -> Buckets {
        let bt = self.b * self.t;
        Buckets {
            buckets: rec.kept_ids(input::BUCKETS, Kind::Input, &[bt, 3]),
            order: rec.kept_ids(input::ORDER, Kind::Input, &[bt]),
        }
    }

    /// A layer's cache of keys and values, (positions, NKV·HS) each.
    pub(super) fn cache(&self, rec: &mut Recorder, layer: &str) -> Cache {
        let extents = [self.positions, self.config.n_kv_head() * self.config.head_size()];
        let [k, v] = ["k", "v"].map(|s| rec.kept(format!("{layer}.cache.{s}"), Kind::Cache, &extents));
        Cache { k, v }
    }

    /// Records the logits (V) of one token from the last norm's output.
    pub(super) fn logits(&self, rec: &mut Recorder, out: Tensor, head: Head) {
        let logits = rec.kept(input::LOGITS, Kind::Output, &[1, self.config.vocab_size()]);
        for chunk in head.wte {
            let p = Product::new(Layout::NT, [1, chunk.rows, self.config.n_embd()]);
            let place = Operand { tensor: logits, offset: chunk.row0, stride: None };
            rec.scoped("lm_head", |r| {
                matvec::product(r, "logits", p, out.into(), chunk.tensor, place, head.bias_of(chunk));
            });
        }
    }
}
