//! The update of an optimizer step: global norm, clipping factor, then AdamW, or Muon on each matrix, range by range.

use crate::base::Result;
use crate::base::rng::{dropout_key, dropout_threshold};
use crate::device::{Choices, Kind, Limits, Recorder, Recording, Step, Tensor};
use crate::ops::adamw::{self, STATE, Slot};
use crate::ops::classifier::scalar;
use crate::ops::{muon, norm};

/// The settings that stay the same for a whole run: AdamW's, of which Muon takes the weight decay. Muon's own are constants
/// of [`crate::ops::muon`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hyper {
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub eps: f32,
    /// Decoupled weight decay.
    pub weight_decay: f32,
    /// Largest global gradient norm; 0 for none.
    pub grad_clip: f32,
}

/// Records `update`: the norm of all gradients, then range by range what trains it. The clipping factor is one for all.
///
/// # Errors
/// A tensor larger than the device's largest binding.
pub fn update(slots: &[Slot], limits: Limits, choices: &Choices) -> Result<Recording> {
    let mut rec = Recorder::new("update", limits, choices);
    let scalars = rec.kept(scalar::NAME, Kind::Output, &[scalar::COUNT]);
    let kept = |rec: &mut Recorder, of: usize, name: &str, words: usize| {
        let (prefix, kind) = STATE[of];
        rec.kept(format!("{prefix}{name}"), kind, &[words])
    };
    let gradients: Vec<Tensor> = slots.iter().map(|s| kept(&mut rec, 1, &s.name, s.words)).collect();
    norm::record(&mut rec, &gradients, scalars);
    for (slot, gradient) in slots.iter().zip(gradients) {
        for matrix in &slot.matrices {
            let state = [0, 1, 2].map(|of| kept(&mut rec, of, &matrix.name, matrix.words()));
            muon::record(&mut rec, matrix, slot.decay, scalars, state);
        }
        if slot.matrices.is_empty() {
            let [param, m, v] = [0, 2, 3].map(|of| kept(&mut rec, of, &slot.name, slot.words));
            let label = format!("{}.adamw", slot.name);
            adamw::record(&mut rec, &label, gradient, scalars, [param, m, v], slot.decay);
        }
    }
    rec.finish()
}

impl Hyper {
    /// The step's uniform for the update of step `t` (from 1) with learning rate `lr`. The bias corrections are computed
    /// in f64, as torch does.
    pub fn step(&self, t: u64, lr: f32) -> Step {
        let power = |beta: f32| f64::from(beta).powf(t as f64);
        Step {
            lr,
            beta1: self.beta1,
            beta2: self.beta2,
            eps: self.eps,
            weight_decay: self.weight_decay,
            bias1: (1.0 - power(self.beta1)) as f32,
            bias2: (1.0 - power(self.beta2)).sqrt() as f32,
            grad_clip: self.grad_clip,
            ..Step::default()
        }
    }
}

/// The step's uniform of one micro-step: how losses are scaled, and the dropout masks' key.
pub fn micro_step(loss_scale: f32, dropout: f32, seed: u64, micro_step: u64) -> Step {
    Step {
        loss_scale,
        dropout_key: dropout_key(seed, micro_step),
        dropout_threshold: dropout_threshold(dropout),
        dropout_scale: 1.0 / (1.0 - dropout),
        ..Step::default()
    }
}
