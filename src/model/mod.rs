//! Room 3: a model as recordings.
//!
//! This file and `shape` are neutral to the family: which recordings there are, what they depend on, what the host writes and
//! reads, what trains. A file a family (`gpt2`) says what it is: its parameters, and a block, written once, for training, prefill
//! and decode. `family` says what is recorded with the blocks of any; `linear`, `norm` and `attention` are parts of a block
//! that know what of them trains. `parameters` knows where weights lie on a device, `store` takes them there and back.

pub mod attention;
pub mod family;
pub mod gpt2;
pub mod grad_norms;
pub mod linear;
pub mod llama;
pub mod norm;
pub mod parameters;
pub mod phi;
pub mod shape;
pub mod store;

pub use shape::{POSITIONS, PREFILL, STREAMS, Shape, decode_name, input};

use crate::base::arch::Precision;
use crate::base::{Config, Result};
use crate::device::{Element, Executor, Kind, Program, Recorder, Recording};
use crate::model::family::Pass;
use crate::model::parameters::Parameters;
use crate::ops::adamw::Slot;
use crate::ops::classifier::scalar;
use crate::ops::{cast, fill};
use crate::tokens::batch::buckets;

/// Writes a batch of sequences that are one text each for `micro_step`, `evaluate` or `losses`.
///
/// # Errors
/// A lost device.
pub fn feed(exec: &mut dyn Executor, inputs: &[u32], targets: &[u32]) -> Result<()> {
    feed_packed(exec, inputs, targets, &vec![0; inputs.len()])
}

/// Writes a batch in whose sequences several texts may stand, each beginning where `begins` says: what is computed from it is computed
/// here, where the program has it.
///
/// # Errors
/// A lost device.
pub fn feed_packed(exec: &mut dyn Executor, inputs: &[u32], targets: &[u32], begins: &[u32]) -> Result<()> {
    exec.write(input::TOKENS, 0, inputs)?;
    exec.write(input::TARGETS, 0, targets)?;
    exec.write(input::BEGINS, 0, begins)?;
    if exec.plan().find(input::BUCKETS).is_some() {
        let (rows, order) = buckets(inputs);
        exec.write(input::BUCKETS, 0, &rows)?;
        exec.write(input::ORDER, 0, &order)?;
    }
    Ok(())
}

impl Shape {
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

    /// Records `zero`: every gradient and the scalars; in mixed precision the weights that the micro-steps read, too. Once an
    /// optimizer step.
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
        for (whole, half) in parameters::halves(self) {
            let [from, to] = [&whole, &half]
                .map(|piece| rec.kept_of(piece.name.clone(), Kind::Parameter, &piece.shape, piece.element));
            cast::half(&mut rec, &format!("{}.cast", whole.name), from, to);
        }
        rec.finish()
    }

    /// Records `micro_step`: forward and backward of one batch; gradients and loss accumulate.
    ///
    /// # Errors
    /// An activation larger than the device's largest binding.
    pub fn micro_step(&self) -> Result<Recording> {
        assert!(
            self.weights == Element::F32 || self.lora.is_some(),
            "what trains is kept in single precision"
        );
        self.record("micro_step", Pass::MicroStep)
    }

    /// Records `evaluate`: forward alone, for the validation loss, without dropout; the loss accumulates.
    ///
    /// # Errors
    /// An activation larger than the device's largest binding.
    pub fn evaluate(&self) -> Result<Recording> {
        self.without_dropout("evaluate", Pass::Evaluate)
    }

    /// Records `losses`: forward alone, without dropout; the loss of every position of a batch stays to be read.
    ///
    /// # Errors
    /// An activation larger than the device's largest binding.
    pub fn losses(&self) -> Result<Recording> {
        self.without_dropout("losses", Pass::Losses)
    }

    /// Records `prefill`: keys and values of a block of tokens go to the cache.
    ///
    /// # Errors
    /// A tensor larger than the device's largest binding.
    pub fn prefill(&self) -> Result<Recording> {
        self.without_dropout("prefill", Pass::Prefill)
    }

    /// Records `decode`: the logits (V) of the token after one token.
    ///
    /// # Errors
    /// A tensor larger than the device's largest binding.
    pub fn decode(&self) -> Result<Recording> {
        self.decode_rows(1)
    }

    /// Records what decodes a token of each of `rows` sequences, of `streams` at most; it is called [`decode_name`].
    ///
    /// # Errors
    /// A tensor larger than the device's largest binding.
    pub fn decode_rows(&self, rows: usize) -> Result<Recording> {
        assert!(rows <= self.streams && self.streams <= STREAMS, "{rows} rows of {} streams", self.streams);
        self.without_dropout(decode_name(rows), Pass::Decode(rows))
    }

    /// Records all that writing takes: `prefill`, and what decodes each of [`Shape::rows`].
    ///
    /// # Errors
    /// A tensor larger than the device's largest binding.
    pub fn writing(&self) -> Result<Vec<Recording>> {
        let decodes = self.rows().into_iter().map(|rows| self.decode_rows(rows));
        std::iter::once(self.prefill()).chain(decodes).collect()
    }

    /// Records `grad_norms`: the squares of all gradients, added up chunk by chunk; see [`grad_norms`].
    ///
    /// # Errors
    /// A tensor larger than the device's largest binding.
    pub fn grad_norms(&self) -> Result<Recording> {
        let mut rec = self.recorder(grad_norms::NAME);
        grad_norms::record(self, &mut rec);
        rec.finish()
    }

    fn recorder(&self, name: &'static str) -> Recorder {
        Recorder::new(name, self.limits, &self.choices)
    }

    /// A pass of the model of its family.
    fn record(&self, name: &'static str, pass: Pass) -> Result<Recording> {
        let mut rec = self.recorder(name);
        if pass == Pass::MicroStep && self.precision == Precision::Mixed {
            rec.activations = Element::F16;
        }
        let all = Parameters::declare(&mut rec, self, pass == Pass::MicroStep);
        match self.config {
            Config::Gpt2(_) => gpt2::model(self, &all).record(&mut rec, pass),
            Config::Llama(config) => llama::model(self, &config, &all).record(&mut rec, pass),
            Config::Phi(config) => phi::model(self, &config, &all).record(&mut rec, pass),
        }
        rec.finish()
    }

    fn without_dropout(&self, name: &'static str, pass: Pass) -> Result<Recording> {
        Shape { dropout: false, ..self.clone() }.record(name, pass)
    }
}
