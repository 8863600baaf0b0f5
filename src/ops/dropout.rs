//! Dropout (Srivastava et al. 2014) without a stored mask.
//!
//!   out[bt,c] = keep(seed, micro-step, layer, site, bt, c) · inp[bt,c] / (1 − p)
//!
//! inp, out (BT,C). The mask is a pure function ([`crate::base::rng`]), so backward is the same function applied to dout.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::base::rng::{Site, chain32, mask_key};
use crate::device::kernel::{read_act, write_act};
use crate::device::recorder::Launch;
use crate::device::variants::FLAT;
use crate::device::{Call, Choices, Element, Kernel, Kind, Limits, Recorder, Step, Tensor};
use crate::ops::case::{Case, Family, elements};
use crate::ops::load::act;

/// The op's kernel and cases.
pub const FAMILY: Family = Family { name: "dropout", kernels: &[&DROPOUT], variants: FLAT, cases };

/// What kernels that draw masks stand on.
pub(crate) const LIB: &[&str] = &[
    include_str!("../../shaders/lib/step.wgsl"),
    include_str!("../../shaders/lib/grid.wgsl"),
    include_str!("../../shaders/lib/dropout.wgsl"),
];

static DROPOUT: Kernel = Kernel {
    name: "dropout",
    file: "dropout.wgsl",
    source: include_str!("../../shaders/dropout.wgsl"),
    lib: LIB,
    bindings: &[read_act("inp"), write_act("out")],
    dims: &["N", "C", "layer", "site"],
    step: true,
    // One multiplication: the same bits.
    tolerance: 0.0,
    twin,
};

/// Records the masked tensor, of its element; for backward, of the gradient.
pub fn apply(rec: &mut Recorder, label: &str, inp: Tensor, layer: usize, site: Site) -> Tensor {
    let [bt, c] = rec.extents(inp);
    let element = rec.element(inp);
    let out = rec.scratch_of(label, &[bt, c], element);
    let variant = rec.pick("dropout", FLAT, &[]);
    let launch = Launch {
        kernel: &DROPOUT,
        consts: variant.with([act("Act", element)]),
        args: &[inp.read(), out.write()],
        dims: &[bt * c, c, layer, site as usize],
        workgroups: rec.groups(bt * c, variant.number("WG")),
        flops: (bt * c) as u64,
    };
    rec.dispatch(label, launch);
    out
}

/// One mask of one micro-step, for the twins.
#[derive(Clone, Copy)]
pub(crate) struct Mask {
    key: u32,
    threshold: u32,
    scale: f32,
}

impl Mask {
    pub(crate) fn new(step: &Step, layer: usize, site: u32) -> Mask {
        let key = mask_key(step.dropout_key, layer as u32, site);
        Mask { key, threshold: step.dropout_threshold, scale: step.dropout_scale }
    }

    /// Multiplies columns `col..` of a row by their factors.
    #[inline(always)]
    pub(crate) fn apply(&self, row: usize, col: usize, x: &mut [f32]) {
        let row = chain32(self.key, row as u32);
        for (i, x) in x.iter_mut().enumerate() {
            let keep = chain32(row, (col + i) as u32) >= self.threshold;
            *x = if keep { *x * self.scale } else { 0.0 };
        }
    }
}

#[multiversion(targets = "simd")]
fn twin(call: &mut Call) {
    let [_, c, layer, site] = call.dims();
    let mask = Mask::new(&call.step, layer, site as u32);
    let ([inp], [out]) = call.tensors();
    out.par_chunks_mut(c).zip(inp.par_chunks(c)).enumerate().for_each(|(bt, (out, inp))| {
        out.copy_from_slice(inp);
        mask.apply(bt, 0, out);
    });
}

fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    let one = |element: Element, (bt, c): (usize, usize)| {
        Case::new(format!("dropout {bt}x{c} {}", element.name()), limits, choices, vec![], |rec| {
            let inp = rec.kept_of("inp", Kind::Input, &[bt, c], element);
            apply(rec, "out", inp, 3, Site::MlpResidual);
        })
    };
    elements(&limits, &[(1, 1), (1, 63), (5, 13), (7, 257), (16, 768)], one)
}
