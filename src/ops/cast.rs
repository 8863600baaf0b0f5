//! half = x, rounded to half precision: the weights that a micro-step in mixed precision reads.
//!
//! x (N) in f32 · half (N) in f16, packed in words.

use rayon::prelude::*;

use crate::device::kernel::{read, write_act};
use crate::device::recorder::Launch;
use crate::device::variants::FLAT;
use crate::device::{Choices, Element, Kernel, Kind, Limits, Recorder, Tensor};
use crate::ops::case::{Case, Family, Fill};

/// The op's kernel and cases.
pub const FAMILY: Family = Family { name: "cast", kernels: &[&HALF], variants: FLAT, cases };

static HALF: Kernel = Kernel {
    name: "cast_half",
    file: "cast.wgsl",
    source: include_str!("../../shaders/cast.wgsl"),
    lib: &[include_str!("../../shaders/lib/grid.wgsl")],
    bindings: &[read("x"), write_act("half")],
    dims: &["N"],
    step: false,
    // Nothing is computed; what rounding may differ by is allowed to every tensor of halves.
    tolerance: 0.0,
    twin: |call| {
        let ([x], [half]) = call.tensors();
        half.par_chunks_mut(1 << 16).zip(x.par_chunks(1 << 16)).for_each(|(half, x)| half.copy_from_slice(x));
    },
};

/// Records half = x.
pub fn half(rec: &mut Recorder, label: &str, x: Tensor, half: Tensor) {
    let n = rec.numel(x);
    assert!(rec.element(half) == Element::F16 && rec.numel(half) == n, "{label}: a half for each number");
    let variant = rec.pick("cast", FLAT, &[]);
    let launch = Launch {
        kernel: &HALF,
        consts: variant.with([]),
        args: &[x.read(), half.write()],
        dims: &[n],
        workgroups: rec.groups(n.div_ceil(2), variant.number("WG")),
        flops: 0,
    };
    rec.dispatch(label, launch);
}

fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    let one = |(n, scale): (usize, f32)| {
        Case::new(format!("cast {n} of {scale}"), limits, choices, vec![("x", Fill::Normal(scale))], |rec| {
            let x = rec.kept("x", Kind::Input, &[n]);
            let to = rec.kept_of("half", Kind::Output, &[n], Element::F16);
            half(rec, "cast", x, to);
        })
    };
    // The smallest that f16 has in full, and the largest.
    [(1, 1.0), (2, 1.0), (127, 1e-3), (513, 1e4), (7919, 1.0)].into_iter().map(one).collect()
}
