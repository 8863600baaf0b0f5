//! What a model's recordings depend on, and the tensors between host and device.

use crate::base::Config;
use crate::base::arch::{Freeze, Param};
use crate::device::{Choices, Element, Kind, Limits, Recorder, Tensor};
use crate::ops::classifier::{Loss, scalar};
use crate::ops::embedding::Buckets;

/// Everything that a model's recordings depend on.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The model.
    pub config: Config,
    /// `B`: sequences of a micro-step.
    pub b: usize,
    /// `T`: positions of a sequence.
    pub t: usize,
    /// Whether dropout is on.
    pub dropout: bool,
    /// What does not train.
    pub freeze: Freeze,
    /// What matrices are made of at rest: f32, or, where nothing trains, f16, q8_0 or q4_1.
    pub weights: Element,
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

impl Shape {
    /// A shape without dropout, in f32, of which everything trains.
    pub fn new(config: Config, b: usize, t: usize, limits: Limits, choices: Choices) -> Shape {
        let freeze = Freeze::default();
        Shape { config, b, t, dropout: false, freeze, weights: Element::F32, limits, choices }
    }

    /// The parameters that train, in the table's order.
    pub fn trained(&self) -> Vec<Param> {
        self.config.table().into_iter().filter(|p| self.freeze.trains(p.part)).collect()
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
}
