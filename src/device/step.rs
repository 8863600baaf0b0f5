//! What changes from one replay to the next: one small uniform, the same words in `shaders/lib/step.wgsl`.

use bytemuck::{Pod, Zeroable};

/// The step's uniform. `tests/kernels/shader_contract.rs` holds it to the WGSL struct, field by field.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Pod, Zeroable)]
pub struct Step {
    /// Learning rate of this update.
    pub lr: f32,
    /// Adam's decay of the first moment.
    pub beta1: f32,
    /// Adam's decay of the second moment.
    pub beta2: f32,
    /// Adam's ε, added to the root of the corrected second moment.
    pub eps: f32,
    /// Decoupled weight decay, times `lr`.
    pub weight_decay: f32,
    /// `1 − beta1^t`: the first moment's bias correction divides by it.
    pub bias1: f32,
    /// `√(1 − beta2^t)`: the root of the second moment's bias correction.
    pub bias2: f32,
    /// The largest global gradient norm; 0 leaves gradients as they are.
    pub grad_clip: f32,
    /// What the sum of the losses is multiplied by: 1 / (scored targets of the whole optimizer step).
    pub loss_scale: f32,
    /// The micro-step's part of every dropout key ([`crate::base::rng::dropout_key`]).
    pub dropout_key: u32,
    /// An element is dropped where its random word is below this.
    pub dropout_threshold: u32,
    /// `1 / (1 − p)`: what kept elements are multiplied by.
    pub dropout_scale: f32,
    /// The position of a sequence's first row. What is decoded has places instead (`ops::kv_cache`).
    pub pos: u32,
    /// An update whose gradient norm is above this is skipped; infinity for none.
    pub norm_limit: f32,
    /// The same of its loss.
    pub loss_limit: f32,
    /// What gradients are multiplied by from the logits' on until the update takes it off: a power of two, 1 but where they pass
    /// through half precision, whose smallest number is 6e-8.
    pub grad_scale: f32,
}

impl Default for Step {
    /// No update, no dropout, position 0, nothing skipped.
    fn default() -> Step {
        let none = f32::INFINITY;
        let ones = Step {
            loss_scale: 1.0,
            grad_scale: 1.0,
            dropout_scale: 1.0,
            bias1: 1.0,
            bias2: 1.0,
            ..Step::zeroed()
        };
        Step { norm_limit: none, loss_limit: none, ..ones }
    }
}
