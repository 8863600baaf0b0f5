//! The update of an optimizer step: global norm, clipping factor, AdamW on every range.

use crate::base::Result;
use crate::base::rng::{dropout_key, dropout_threshold};
use crate::device::{Choices, Kind, Limits, Recorder, Recording, Step, Tensor};
use crate::ops::adamw::{self, STATE, Slot};
use crate::ops::classifier::scalar;
use crate::ops::norm;

/// AdamW's settings that stay the same for a whole run.
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

/// Records `update`: the norm of all gradients, then AdamW range by range.
///
/// # Errors
/// A tensor larger than the device's largest binding.
pub fn update(slots: &[Slot], limits: Limits, choices: &Choices) -> Result<Recording> {
    let mut rec = Recorder::new("update", limits, choices);
    let scalars = rec.kept(scalar::NAME, Kind::Output, &[scalar::COUNT]);
    let declared: Vec<[Tensor; 4]> = (slots.iter())
        .map(|s| STATE.map(|(prefix, kind)| rec.kept(format!("{prefix}{}", s.name), kind, &[s.words])))
        .collect();
    let gradients: Vec<Tensor> = declared.iter().map(|[_, gradient, ..]| *gradient).collect();
    norm::record(&mut rec, &gradients, scalars);
    for (slot, [param, gradient, m, v]) in slots.iter().zip(declared) {
        let label = format!("{}.adamw", slot.name);
        adamw::record(&mut rec, &label, gradient, scalars, [param, m, v], slot.decay);
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
