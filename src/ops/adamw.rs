//! AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101), as `torch.optim.AdamW` computes it.
//!
//!   g ← factor·g      p ← p·(1 − lr·λ)      m ← m + (1 − β₁)(g − m)      v ← β₂v + (1 − β₂)g²
//!   p ← p − (lr / (1 − β₁ᵗ))·m / (√v / √(1 − β₂ᵗ) + ε)
//!
//! grad, param, m, v of one shape: a range of parameters, or one. The clipping factor is the third scalar, below 0 where
//! the update is skipped and nothing changes; the rest stands in the step's uniform.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::device::kernel::{read, write};
use crate::device::recorder::Launch;
use crate::device::variants::FLAT;
use crate::device::{Call, Choices, Const, Kernel, Kind, Limits, Recorder, Tensor};
use crate::ops::case::{Case, Family, Fill};
use crate::ops::classifier::scalar;
use crate::ops::muon::Matrix;

/// The op's kernel and cases.
pub const FAMILY: Family = Family { name: "adamw", kernels: &[&ADAMW], variants: FLAT, cases };

static ADAMW: Kernel = Kernel {
    name: "adamw",
    file: "adamw.wgsl",
    source: include_str!("../../shaders/adamw.wgsl"),
    lib: &[include_str!("../../shaders/lib/step.wgsl"), include_str!("../../shaders/lib/grid.wgsl")],
    bindings: &[read("grad"), read("scalars"), write("param"), write("m"), write("v")],
    dims: &["N"],
    step: true,
    // WGSL's division and square root are within 2.5 units of 2⁻²³, contractions another; p moves by a part of itself.
    tolerance: 1e-6,
    twin,
};

/// Prefixes of the tensors of a trained parameter: the weight, its gradient, its two moments.
pub const STATE: [(&str, Kind); 4] =
    [("", Kind::Parameter), ("d.", Kind::Gradient), ("m.", Kind::Moment), ("v.", Kind::Moment)];

/// A range of words that are trained alike: a kept tensor of its name behind each prefix of [`STATE`], but the last where Muon
/// trains them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// The weights' name.
    pub name: String,
    /// Numbers.
    pub words: usize,
    /// Whether weight decay applies.
    pub decay: bool,
    /// The matrices it consists of where Muon trains them; of none where AdamW trains the whole.
    pub matrices: Vec<Matrix>,
}

/// Records one range's update.
pub fn record(
    rec: &mut Recorder,
    label: &str,
    grad: Tensor,
    scalars: Tensor,
    state: [Tensor; 3],
    decay: bool,
) {
    let n = rec.numel(grad);
    let variant = rec.pick("adamw", FLAT, &[]);
    let [param, m, v] = state;
    let launch = Launch {
        kernel: &ADAMW,
        consts: variant.with([("DECAY", Const::Bool(decay))]),
        args: &[grad.read(), scalars.read(), param.update(), m.update(), v.update()],
        dims: &[n],
        workgroups: rec.groups(n, variant.number("WG")),
        flops: 15 * n as u64,
    };
    rec.dispatch(label, launch);
}

/// Elements a task takes.
const CHUNK: usize = 1 << 15;

#[multiversion(targets = "simd")]
fn twin(call: &mut Call) {
    let s = call.step;
    let keep = if call.flag("DECAY") { 1.0 - s.lr * s.weight_decay } else { 1.0 };
    let ([grad, scalars], [param, m, v]) = call.tensors();
    let (factor, rate) = (scalars[scalar::CLIP], s.lr / s.bias1);
    if factor < 0.0 {
        return;
    }
    let state = param.par_chunks_mut(CHUNK).zip(m.par_chunks_mut(CHUNK)).zip(v.par_chunks_mut(CHUNK));
    state.zip(grad.par_chunks(CHUNK)).for_each(|(((param, m), v), grad)| {
        for (((p, m), v), g) in param.iter_mut().zip(m).zip(v).zip(grad) {
            let g = g * factor;
            *m += (1.0 - s.beta1) * (g - *m);
            *v = s.beta2 * *v + (1.0 - s.beta2) * g * g;
            *p = *p * keep - rate * *m / (v.sqrt() / s.bias2 + s.eps);
        }
    });
}

fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    let one = |(n, decay, factor): (usize, bool, f32)| {
        let scalars = Fill::Words([1.0, 2.0, factor, 0.0].map(f32::to_bits).to_vec());
        let fills = vec![("v", Fill::Positive(0.1)), ("scalars", scalars)];
        Case::new(format!("adamw {n} decay {decay} factor {factor}"), limits, choices, fills, |rec| {
            let [grad, param, m, v] = ["grad", "param", "m", "v"].map(|t| rec.kept(t, Kind::Input, &[n]));
            let scalars = rec.kept("scalars", Kind::Output, &[scalar::COUNT]);
            record(rec, "adamw", grad, scalars, [param, m, v], decay);
        })
    };
    let taken = [(1, true), (63, false), (257, true), (7919, true), (7919, false)];
    let skipped = [(257, true), (63, false)].map(|(n, decay)| (n, decay, scalar::SKIP));
    taken.map(|(n, decay)| (n, decay, 0.37)).into_iter().chain(skipped).map(one).collect()
}
