//! x = 0: how gradients start a step.
//!
//! x of any shape.

use rayon::prelude::*;

use crate::device::kernel::write;
use crate::device::recorder::Launch;
use crate::device::variants::FLAT;
use crate::device::{Choices, Kernel, Kind, Limits, Recorder, Tensor};
use crate::ops::case::{Case, Family};

/// The op's kernel and cases.
pub const FAMILY: Family = Family { name: "fill", kernels: &[&ZERO], variants: FLAT, cases };

static ZERO: Kernel = Kernel {
    name: "fill_zero",
    file: "fill.wgsl",
    source: include_str!("../../shaders/fill.wgsl"),
    lib: &[include_str!("../../shaders/lib/grid.wgsl")],
    bindings: &[write("x")],
    dims: &["N"],
    step: false,
    // Zero is zero.
    tolerance: 0.0,
    twin: |call| {
        let ([], [x]) = call.tensors();
        x.par_chunks_mut(1 << 16).for_each(|x| x.fill(0.0));
    },
};

/// Records x = 0.
pub fn zero(rec: &mut Recorder, label: &str, x: Tensor) {
    let n = rec.numel(x);
    let variant = rec.pick("fill", FLAT, &[]);
    let launch = Launch {
        kernel: &ZERO,
        consts: variant.with([]),
        args: &[x.write()],
        dims: &[n],
        workgroups: rec.groups(n, variant.number("WG")),
        flops: 0,
    };
    rec.dispatch(label, launch);
}

fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    let one = |n: usize| {
        Case::new(format!("fill {n}"), limits, choices, vec![], |rec| {
            let x = rec.kept("x", Kind::Input, &[n]);
            zero(rec, "zero", x);
        })
    };
    [1, 63, 257, 7919].into_iter().map(one).collect()
}
