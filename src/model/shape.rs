//! What a model's recordings depend on, and the tensors between host and device.

use crate::base::Config;
use crate::base::arch::{Freeze, Lora, Optimizer, Param, Part, Precision, Recompute};
use crate::device::{Choices, Element, Kind, Limits, Recorder, Tensor};
use crate::ops::classifier::{Head, Loss, scalar};
use crate::ops::embedding::Buckets;
use crate::ops::kv_cache::Cache;
use crate::ops::matmul::{Layout, Operand, Product};
use crate::ops::{matvec, top_k};

/// Everything that a model's recordings depend on.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The model.
    pub config: Config,
    /// `B`: sequences of a micro-step.
    pub b: usize,
    /// `T`: positions of a sequence.
    pub t: usize,
    /// Positions that the cache of keys and values holds of each sequence.
    pub positions: usize,
    /// Sequences that are cached side by side and decoded together: [`STREAMS`] at most.
    pub streams: usize,
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
    /// (B·T) where in its sequence each position's text begins: 0 where a sequence is one text.
    pub const BEGINS: &str = "begins";
    /// (B·T) the loss of each position, nats; see `Shape::losses`.
    pub const LOSSES: &str = "losses";
    /// (B·T,3); see `tokens::batch::buckets`.
    pub const BUCKETS: &str = "buckets";
    /// (B·T); see `tokens::batch::buckets`.
    pub const ORDER: &str = "order";
    /// (PREFILL) ids.
    pub const PREFILL: &str = "prefill.tokens";
    /// (PREFILL,2) the slot and position of each, or `kv_cache::NOWHERE`.
    pub const PREFILL_PLACES: &str = "prefill.places";
    /// (streams) ids, a token of each sequence that is decoded.
    pub const TOKEN: &str = "decode.token";
    /// (streams,2) the slot and position of each, or `kv_cache::NOWHERE`.
    pub const PLACES: &str = "decode.places";
    /// What the host reads once a step; see `ops::classifier::scalar`.
    pub use crate::ops::classifier::scalar::NAME as SCALARS;
    /// (streams,V) what decoding gives.
    pub const LOGITS: &str = "logits";
    /// (streams,k,2) the likeliest of them, each with its id; see `ops::top_k`.
    pub const TOP: &str = "top";
}

/// Tokens of a prefill block. A prompt's length never makes a new recording: `prefill` takes so many tokens, each at its place, those
/// of the padding nowhere, and `decode` takes one token a sequence.
pub const PREFILL: usize = 32;

/// The most sequences that are decoded together.
pub const STREAMS: usize = matvec::ROWS;

/// What the recordings are called that decode one row, two, and so on to [`STREAMS`].
const DECODES: [&str; STREAMS] = [
    "decode", "decode2", "decode3", "decode4", "decode5", "decode6", "decode7", "decode8", "decode9",
    "decode10", "decode11", "decode12", "decode13", "decode14", "decode15", "decode16",
];

/// What the recording is called that decodes so many rows.
pub fn decode_name(rows: usize) -> &'static str {
    DECODES[rows - 1]
}

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
            streams: 1,
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

    /// The inputs and the targets of a batch.
    pub(super) fn ids(&self, rec: &mut Recorder) -> [Tensor; 2] {
        [input::TOKENS, input::TARGETS].map(|name| rec.kept_ids(name, Kind::Input, &[self.b * self.t]))
    }

    /// Where the texts of a batch begin.
    pub(super) fn begins(&self, rec: &mut Recorder) -> Tensor {
        rec.kept_ids(input::BEGINS, Kind::Input, &[self.b * self.t])
    }

    /// The inputs of a batch, and what the sum of its losses goes to.
    pub(super) fn batch(&self, rec: &mut Recorder) -> (Tensor, Loss) {
        let [tokens, targets] = self.ids(rec);
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

    /// For how many rows there are recordings that decode them, the fewest first: fewer than all streams, where not all are written, cost
    /// less on a processor.
    pub fn rows(&self) -> Vec<usize> {
        let powers = (0..).map(|i| 1 << i).take_while(|&rows| rows < self.streams);
        powers.chain([self.streams]).collect()
    }

    /// A layer's cache of keys and values, (streams, positions, NKV·HS) each, for rows at `places`.
    pub(super) fn cache(&self, rec: &mut Recorder, layer: &str, places: Tensor) -> Cache {
        let extents = [self.streams, self.positions, self.config.n_kv_head() * self.config.head_size()];
        let [k, v] = ["k", "v"].map(|s| rec.kept(format!("{layer}.cache.{s}"), Kind::Cache, &extents));
        Cache { k, v, places }
    }

    /// Records the logits (V) of each row from the last norm's output, and the likeliest of them.
    pub(super) fn logits(&self, rec: &mut Recorder, out: Tensor, head: Head) {
        let ([rows, c], v) = (rec.extents(out), self.config.vocab_size());
        let logits = rec.kept(input::LOGITS, Kind::Output, &[self.streams, v]);
        let top = rec.kept(input::TOP, Kind::Output, &[self.streams, top_k::capacity(v), 2]);
        rec.scoped("lm_head", |r| {
            for chunk in head.wte {
                let p = Product::new(Layout::NT, [rows, chunk.rows, c]);
                let place = Operand { tensor: logits, offset: chunk.row0, stride: Some(v) };
                matvec::product(r, "logits", p, out.into(), chunk.tensor, place, head.bias_of(chunk));
            }
            top_k::record(r, logits, rows, top);
        });
    }
}
