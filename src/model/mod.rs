//! Room 3: a model as recordings.
//!
//! This file is neutral to the family: which recordings there are, what the host writes and reads, and what trains. A file a
//! family (`gpt2`) says what is recorded; its block is written once, for training, prefill and decode.

pub mod gpt2;
pub mod parameters;
pub mod store;

use crate::base::arch::{Freeze, Param};
use crate::base::{Config, Result};
use crate::device::{Choices, Element, Executor, Kind, Limits, Program, Recorder, Recording, Tensor};
use crate::ops::adamw::Slot;
use crate::ops::classifier::{Loss, scalar};
use crate::ops::embedding::Buckets;
use crate::ops::fill;
use crate::tokens::batch::buckets;

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
    /// What matrices are made of at rest: f32, or, where nothing trains, f16.
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
    pub const SCALARS: &str = "scalars";
    /// (1,V) what decoding gives.
    pub const LOGITS: &str = "logits";
}

/// Tokens of a prefill block. A prompt's length never makes a new recording: `prefill` takes so many tokens at the step's
/// position, padded at the end (what the padding computes is overwritten before it is read), and `decode` takes one token.
pub const PREFILL: usize = 32;

/// Writes a batch for `micro_step` or `evaluate`: what is computed from it is computed here, where the program has it.
///
/// # Errors
/// A lost device.
pub fn feed(exec: &mut dyn Executor, inputs: &[u32], targets: &[u32]) -> Result<()> {
    exec.write(input::TOKENS, 0, inputs)?;
    exec.write(input::TARGETS, 0, targets)?;
    if exec.plan().find(input::BUCKETS).is_some() {
        let (rows, order) = buckets(inputs);
        exec.write(input::BUCKETS, 0, &rows)?;
        exec.write(input::ORDER, 0, &order)?;
    }
    Ok(())
}

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

    /// What the optimizer updates: give it to `optim`'s `update`.
    pub fn slots(&self) -> Vec<Slot> {
        parameters::slots(self)
    }

    /// The program of a training step around the optimizer's `update`, with `evaluate`.
    ///
    /// # Errors
    /// An activation larger than the device's largest binding.
    pub fn training(&self, update: Recording) -> Result<Program> {
        let recordings = vec![self.zero()?, self.micro_step()?, update, self.evaluate()?];
        Ok(Program { recordings, flats: parameters::flats(self) })
    }

    /// Records `zero`: every gradient and the scalars; once an optimizer step.
    ///
    /// # Errors
    /// A range larger than the device's largest binding.
    pub fn zero(&self) -> Result<Recording> {
        let mut rec = self.recorder("zero");
        for slot in self.slots() {
            let d = rec.kept(format!("d.{}", slot.name), Kind::Gradient, &[slot.words]);
            fill::zero(&mut rec, &format!("{}.zero", slot.name), d);
        }
        let scalars = rec.kept(input::SCALARS, Kind::Output, &[scalar::COUNT]);
        fill::zero(&mut rec, "scalars.zero", scalars);
        rec.finish()
    }

    /// Records `micro_step`: forward and backward of one batch; gradients and loss accumulate.
    ///
    /// # Errors
    /// An activation larger than the device's largest binding.
    pub fn micro_step(&self) -> Result<Recording> {
        assert_eq!(self.weights, Element::F32, "what trains is kept in single precision");
        self.record("micro_step", gpt2::micro_step)
    }

    /// Records `evaluate`: forward alone, for the validation loss, without dropout; the loss accumulates.
    ///
    /// # Errors
    /// An activation larger than the device's largest binding.
    pub fn evaluate(&self) -> Result<Recording> {
        Shape { dropout: false, ..self.clone() }.record("evaluate", gpt2::evaluate)
    }

    /// Records `prefill`: keys and values of a block of tokens go to the cache.
    ///
    /// # Errors
    /// A tensor larger than the device's largest binding.
    pub fn prefill(&self) -> Result<Recording> {
        self.decoding("prefill", gpt2::prefill)
    }

    /// Records `decode`: the logits (V) of the token after one token.
    ///
    /// # Errors
    /// A tensor larger than the device's largest binding.
    pub fn decode(&self) -> Result<Recording> {
        self.decoding("decode", gpt2::decode)
    }

    fn recorder(&self, name: &'static str) -> Recorder {
        Recorder::new(name, self.limits, &self.choices)
    }

    /// A family's recording.
    fn record(&self, name: &'static str, gpt2: fn(&Shape, &mut Recorder)) -> Result<Recording> {
        let mut rec = self.recorder(name);
        match self.config {
            Config::Gpt2(_) => gpt2(self, &mut rec),
        }
        rec.finish()
    }

    fn decoding(&self, name: &'static str, gpt2: fn(&Shape, &mut Recorder)) -> Result<Recording> {
        Shape { dropout: false, ..self.clone() }.record(name, gpt2)
    }

    /// The inputs of a batch, and what its losses go to.
    fn batch(&self, rec: &mut Recorder) -> (Tensor, Loss) {
        let bt = self.b * self.t;
        let tokens = rec.kept_ids(input::TOKENS, Kind::Input, &[bt]);
        let targets = rec.kept_ids(input::TARGETS, Kind::Input, &[bt]);
        let scalars = rec.kept(input::SCALARS, Kind::Output, &[scalar::COUNT]);
        (tokens, Loss { targets, scalars })
    }

    /// What the embedding's backward goes by.
    fn buckets(&self, rec: &mut Recorder) -> Buckets {
        let bt = self.b * self.t;
        Buckets {
            buckets: rec.kept_ids(input::BUCKETS, Kind::Input, &[bt, 3]),
            order: rec.kept_ids(input::ORDER, Kind::Input, &[bt]),
        }
    }
}
