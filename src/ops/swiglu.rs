//! SwiGLU, the gate of the Llama shape's MLP (Shazeer 2020, arXiv:2002.05202).
//!
//!   σ = 1/(1 + e⁻ˣ)       silu(x) = x·σ       y = silu(x)⊙u       x the gate, u the value ("up")
//!   du = dy⊙silu(x)       dx = dy⊙u⊙σ·(1 + x·(1 − σ))
//!
//! gate, up, out (BT,FF). Backward turns gate into dgate and up into dup, in place.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::device::kernel::{read_act, write_act};
use crate::device::recorder::Launch;
use crate::device::variants::FLAT;
use crate::device::{Arg, Call, Choices, Element, Kernel, Kind, Limits, Recorder, Tensor};
use crate::ops::case::{Case, Family, Fill, elements};
use crate::ops::load::act;
use crate::ops::math::exp;

/// The op's kernels and cases.
pub const FAMILY: Family = Family { name: "swiglu", kernels: &[&FORWARD, &BACKWARD], variants: FLAT, cases };

static FORWARD: Kernel = Kernel {
    name: "swiglu_forward",
    file: "swiglu.wgsl",
    source: include_str!("../../shaders/swiglu.wgsl"),
    lib: &[include_str!("../../shaders/lib/grid.wgsl")],
    bindings: &[read_act("gate"), read_act("up"), write_act("out")],
    dims: &["N"],
    step: false,
    // WGSL allows exp an error of 3 + 2·|x| units in the last place, |x| ≤ 20 here: 43·2⁻²³ at the worst element.
    tolerance: 5e-6,
    twin: forward_twin,
};

static BACKWARD: Kernel = Kernel {
    name: "swiglu_backward",
    bindings: &[read_act("dout"), write_act("dgate"), write_act("dup")],
    // σ by the same exp; where 1 + x·(1 − σ) cancels, near −1.28, what is left is small beside the tensor's others.
    tolerance: 5e-6,
    twin: backward_twin,
    ..FORWARD
};

fn record(rec: &mut Recorder, kernel: &'static Kernel, label: &str, args: &[Arg], flops: u64) {
    let (n, element) = (rec.numel(args[0].tensor), rec.element(args[0].tensor));
    let variant = rec.pick("swiglu", FLAT, &[]);
    let launch = Launch {
        kernel,
        consts: variant.with([act("Act", element)]),
        args,
        dims: &[n],
        workgroups: rec.groups(n, variant.number("WG")),
        flops: flops * n as u64,
    };
    rec.dispatch(label, launch);
}

/// Records y.
pub fn forward(rec: &mut Recorder, gate: Tensor, up: Tensor) -> Tensor {
    let shape = rec.shape(gate).to_vec();
    let out = rec.scratch_of("out", &shape, rec.element(gate));
    record(rec, &FORWARD, "forward", &[gate.read(), up.read(), out.write()], 6);
    out
}

/// Records gate → dgate and up → dup, in place, and gives the two under their new names: backward is the last that asks
/// for either, so that it needs no memory of its own.
pub fn backward(rec: &mut Recorder, gate: Tensor, up: Tensor, dout: Tensor) -> (Tensor, Tensor) {
    record(rec, &BACKWARD, "backward", &[dout.read(), gate.update(), up.update()], 12);
    (gate, up)
}

// ANCHOR: silu
/// Past ±EDGE σ is 0 or 1 in f32, and e^EDGE still has a reciprocal that is no subnormal.
const EDGE: f32 = 87.0;

/// silu(x) and its derivative.
#[inline(always)]
fn silu(x: f32) -> (f32, f32) {
    let w = x.clamp(-EDGE, EDGE);
    let e = exp(-w);
    let s = 1.0 / (1.0 + e);
    // x·σ, of a very negative x a zero; 1 − σ = e·σ, which does not cancel.
    (x.max(-EDGE) * s, s * (1.0 + w * (e * s)))
}
// ANCHOR_END: silu

/// Elements a task takes.
const CHUNK: usize = 1 << 14;

#[multiversion(targets = "simd")]
fn forward_twin(call: &mut Call) {
    let ([gate, up], [out]) = call.tensors();
    out.par_chunks_mut(CHUNK).zip(gate.par_chunks(CHUNK).zip(up.par_chunks(CHUNK))).for_each(
        |(y, (x, u))| {
            for (y, (&x, &u)) in y.iter_mut().zip(x.iter().zip(u)) {
                *y = silu(x).0 * u;
            }
        },
    );
}

#[multiversion(targets = "simd")]
fn backward_twin(call: &mut Call) {
    let ([dout], [gate, up]) = call.tensors();
    let both = gate.par_chunks_mut(CHUNK).zip(up.par_chunks_mut(CHUNK));
    both.zip(dout.par_chunks(CHUNK)).for_each(|((x, u), dy)| {
        for ((x, u), &dy) in x.iter_mut().zip(u).zip(dy) {
            let (y, slope) = silu(*x);
            (*x, *u) = (dy * *u * slope, dy * y);
        }
    });
}

fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    let one = |element: Element, (rows, c): (usize, usize)| {
        // Scale 5: the flat end of the curve and the straight one as well as the bend.
        let fills = vec![("gate", Fill::Normal(5.0))];
        Case::new(format!("swiglu {rows}x{c} {}", element.name()), limits, choices, fills, |rec| {
            let [gate, up, dout] =
                ["gate", "up", "dout"].map(|n| rec.kept_of(n, Kind::Input, &[rows, c], element));
            forward(rec, gate, up);
            backward(rec, gate, up, dout);
        })
    };
    elements(&limits, &[(1, 1), (1, 63), (1, 65), (1, 255), (1, 257), (7, 97), (16, 1536)], one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silu_is_right_from_end_to_end() {
        for i in -120_000..=120_000 {
            let x = i as f32 * 1e-3;
            let e = (-f64::from(x)).exp();
            let s = 1.0 / (1.0 + e);
            let exact = [f64::from(x) * s, s * (1.0 + f64::from(x) * e * s)];
            for (ours, exact) in [silu(x).0, silu(x).1].into_iter().zip(exact) {
                // Two units of exp and one of each operation: 6·2⁻²³; where the derivative's two terms cancel, of them; past
                // −87 both are as good as zero.
                let off = (f64::from(ours) - exact).abs();
                assert!(off < 7e-7 * exact.abs().max(s) + 2e-36, "{x}: {ours:e}, {exact:e}");
            }
        }
        for (x, y, slope) in [(1e4, 1e4, 1.0), (3e38, 3e38, 1.0), (-1e4, 0.0, 0.0), (-3e38, 0.0, 0.0)] {
            let (ours, slope_of) = silu(x);
            assert!(
                (ours - y).abs() <= 2e-36 && (slope_of - slope).abs() <= 2e-36,
                "{x}: {ours}, {slope_of}"
            );
        }
    }
}
