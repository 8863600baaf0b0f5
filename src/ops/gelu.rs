//! GELU in its tanh form (Hendrycks and Gimpel 2016, arXiv:1606.08415), GPT-2's `gelu_new`.
//!
//!   u = √(2/π)·(x + 0.044715·x³)      y = ½·x·(1 + tanh u)
//!   dy/dx = ½·(1 + tanh u) + ½·x·(1 − tanh² u)·√(2/π)·(1 + 3·0.044715·x²)
//!
//! inp, out (BT,4C). Backward turns dout into dinp in place.

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
pub const FAMILY: Family = Family { name: "gelu", kernels: &[&FORWARD, &BACKWARD], variants: FLAT, cases };

// ANCHOR: kernel
static FORWARD: Kernel = Kernel {
    name: "gelu_forward",
    file: "gelu.wgsl",
    source: include_str!("../../shaders/gelu.wgsl"),
    lib: &[include_str!("../../shaders/lib/grid.wgsl"), include_str!("../../shaders/lib/gelu.wgsl")],
    bindings: &[read_act("inp"), write_act("out")],
    dims: &["N"],
    step: false,
    // WGSL allows exp an error of 3 + 2·|x| units in the last place, |x| ≤ 20 here: 43·2⁻²³ at the worst element.
    tolerance: 5e-6,
    twin: forward_twin,
};

static BACKWARD: Kernel = Kernel {
    name: "gelu_backward",
    bindings: &[read_act("inp"), write_act("dx")],
    // tanh by the same exp; where 1 + tanh or 1 − tanh² cancels, what is left is small beside the tensor's other elements.
    tolerance: 5e-6,
    twin: backward_twin,
    ..FORWARD
};
// ANCHOR_END: kernel

fn record(rec: &mut Recorder, kernel: &'static Kernel, label: &str, args: &[Arg], flops: u64) {
    let (n, element) = (rec.numel(args[0].tensor), rec.element(args[0].tensor));
    let variant = rec.pick("gelu", FLAT, &[]);
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
pub fn forward(rec: &mut Recorder, inp: Tensor) -> Tensor {
    let shape = rec.shape(inp).to_vec();
    let out = rec.scratch_of("out", &shape, rec.element(inp));
    record(rec, &FORWARD, "forward", &[inp.read(), out.write()], 10);
    out
}

/// Records dout → dinp, in place.
pub fn backward(rec: &mut Recorder, inp: Tensor, dout: Tensor) {
    record(rec, &BACKWARD, "backward", &[inp.read(), dout.update()], 16);
}

const S: f32 = 0.797_884_6; // √(2/π)

#[inline(always)]
fn tanh(u: f32) -> f32 {
    1.0 - 2.0 / (exp(2.0 * u.clamp(-10.0, 10.0)) + 1.0)
}

/// y = GELU(x)
#[inline(always)]
fn gelu(x: &[f32], y: &mut [f32]) {
    for (y, &x) in y.iter_mut().zip(x) {
        let t = tanh(S * (x + 0.044715 * x * x * x));
        *y = 0.5 * x * (1.0 + t);
    }
}

/// dx ← dx⊙GELU′(x)
#[inline(always)]
fn times_slope(x: &[f32], dx: &mut [f32]) {
    for (dx, &x) in dx.iter_mut().zip(x) {
        let t = tanh(S * (x + 0.044715 * x * x * x));
        let du = S * (1.0 + 3.0 * 0.044715 * x * x);
        *dx *= 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * du;
    }
}

/// y = GELU(x), for the twin of a product that ends so.
#[multiversion(targets = "simd")]
pub(crate) fn apply(x: &[f32], y: &mut [f32]) {
    gelu(x, y);
}

/// dx ← dx⊙GELU′(x), for the twin of a product that ends so.
#[multiversion(targets = "simd")]
pub(crate) fn slope(x: &[f32], dx: &mut [f32]) {
    times_slope(x, dx);
}

/// Elements a task takes.
const CHUNK: usize = 1 << 14;

#[multiversion(targets = "simd")]
fn forward_twin(call: &mut Call) {
    let ([inp], [out]) = call.tensors();
    out.par_chunks_mut(CHUNK).zip(inp.par_chunks(CHUNK)).for_each(|(y, x)| gelu(x, y));
}

#[multiversion(targets = "simd")]
fn backward_twin(call: &mut Call) {
    let ([inp], [dx]) = call.tensors();
    dx.par_chunks_mut(CHUNK).zip(inp.par_chunks(CHUNK)).for_each(|(dx, x)| times_slope(x, dx));
}

// ANCHOR: cases
fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    let one = |element: Element, (rows, c): (usize, usize)| {
        // Scale 5: the flat ends of the curve as well as its bend.
        let fills = vec![("inp", Fill::Normal(5.0))];
        Case::new(format!("gelu {rows}x{c} {}", element.name()), limits, choices, fills, |rec| {
            let [inp, dout] = ["inp", "dout"].map(|n| rec.kept_of(n, Kind::Input, &[rows, c], element));
            forward(rec, inp);
            backward(rec, inp, dout);
        })
    };
    elements(&limits, &[(1, 1), (1, 63), (1, 257), (7, 97), (16, 3072)], one)
}
// ANCHOR_END: cases
