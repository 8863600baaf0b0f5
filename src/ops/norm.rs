//! The global gradient norm, and the factor that clips it.
//!
//!   norm = √ Σ g² / s      factor = min(1, clip / (norm + 10⁻⁶)) / s, or 1 / s where clip is 0
//!   factor = −1 where norm or loss is above the step's limit, or norm no finite number: the update is skipped
//!
//! s is what the gradients were multiplied by (`grad_scale`), a power of two: to divide by it is exact.
//!
//! The factor is as `torch.nn.utils.clip_grad_norm_` has it. Gradients of any shape; norm and factor go to the scalars.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::device::kernel::{Consts, read, write};
use crate::device::recorder::Launch;
use crate::device::variants::{OTHER_LANE, grid, plain, sharing};
use crate::device::{Call, Choices, Class, Const, Kernel, Kind, Limits, Recorder, Tensor, Variant};
use crate::ops::case::{Case, Family, Fill};
use crate::ops::classifier::scalar;
use crate::ops::math::{dot, sum};

/// The op's kernels and cases.
pub const FAMILY: Family = Family { name: "norm", kernels: &[&PARTIAL, &FINAL], variants: VARIANTS, cases };

const VARIANTS: &[Variant] = &[
    sharing("sharing8", Class::Lanes, &[("WG", Const::U32(8)), ("SHARING", Const::U32(8)), OTHER_LANE]),
    plain("lanes", Class::Lanes, &[("WG", Const::U32(8))]),
    plain("tiles", Class::Tiles, &[("WG", Const::U32(128))]),
    sharing("sharing8x16", Class::Tiles, &[("WG", Const::U32(128)), ("SHARING", Const::U32(8)), OTHER_LANE]),
];

/// Elements of a chunk: 7,600 partial sums for GPT-2 124M, few enough for one workgroup to finish.
const CHUNK: usize = 16_384;

static PARTIAL: Kernel = Kernel {
    name: "norm_partial",
    file: "norm.wgsl",
    source: include_str!("../../shaders/norm.wgsl"),
    lib: &[
        include_str!("../../shaders/lib/step.wgsl"),
        include_str!("../../shaders/lib/grid.wgsl"),
        include_str!("../../shaders/lib/reduce.wgsl"),
    ],
    bindings: &[read("g"), write("squares")],
    dims: &["N", "first"],
    step: false,
    // A sum of up to 16,384 squares in two orders; eight lanes add 2,048 each one after the other: 2,048·2⁻²⁴ at most.
    tolerance: 2e-5,
    twin: partial_twin,
};

static FINAL: Kernel = Kernel {
    name: "norm_final",
    bindings: &[read("all_squares"), write("scalars")],
    dims: &["P"],
    step: true,
    // A sum of P positive numbers in two orders.
    tolerance: 5e-6,
    twin: final_twin,
    ..PARTIAL
};

/// Records norm and factor of these gradients together.
pub fn record(rec: &mut Recorder, gradients: &[Tensor], scalars: Tensor) {
    let labelled: Vec<_> = gradients.iter().map(|&g| (format!("{}.norm", rec.name(g)), g)).collect();
    let squares = squares(rec, &labelled);
    let chunks = rec.numel(squares);
    let launch = Launch {
        kernel: &FINAL,
        consts: consts(rec),
        args: &[squares.read(), scalars.update()],
        dims: &[chunks],
        workgroups: [1, 1, 1],
        flops: chunks as u64,
    };
    rec.dispatch("norm", launch);
}

fn consts(rec: &mut Recorder) -> Consts {
    rec.pick("norm", VARIANTS, &[]).with([("CHUNK", Const::U32(CHUNK as u32))])
}

/// Records the sums of squares of these tensors, each with its dispatch's label, chunk by chunk: (chunks of all).
pub(crate) fn squares(rec: &mut Recorder, of: &[(String, Tensor)]) -> Tensor {
    let count = of.iter().map(|(_, g)| chunks(rec.numel(*g))).sum();
    let squares = rec.scratch("squares", &[count]);
    squares_into(rec, of, squares);
    squares
}

/// How many chunks so many elements are.
pub(crate) fn chunks(numel: usize) -> usize {
    numel.div_ceil(CHUNK)
}

/// As [`squares`], into a tensor that is there.
pub(crate) fn squares_into(rec: &mut Recorder, of: &[(String, Tensor)], squares: Tensor) {
    let consts = consts(rec);
    let mut first = 0;
    for (label, g) in of {
        let n = rec.numel(*g);
        let launch = Launch {
            kernel: &PARTIAL,
            consts: consts.clone(),
            args: &[g.read(), squares.write()],
            dims: &[n, first],
            workgroups: grid(n.div_ceil(CHUNK) as u64, &rec.limits),
            flops: 2 * n as u64,
        };
        rec.dispatch_moving(label, launch, 4 * n as u64);
        first += chunks(n);
    }
}

#[multiversion(targets = "simd")]
fn partial_twin(call: &mut Call) {
    let [n, first] = call.dims();
    let ([g], [squares]) = call.tensors();
    let own = &mut squares[first..first + n.div_ceil(CHUNK)];
    own.par_iter_mut().zip(g.par_chunks(CHUNK)).for_each(|(s, g)| *s = dot(g, g));
}

fn final_twin(call: &mut Call) {
    let step = call.step;
    let clip = step.grad_clip;
    let ([squares], [scalars]) = call.tensors();
    let norm = sum([squares], |[square]| square).sqrt() / step.grad_scale;
    scalars[scalar::NORM] = norm;
    let factor = clip / (norm + 1e-6);
    let spike = norm > step.norm_limit || scalars[scalar::LOSS] > step.loss_limit;
    let factor = if clip == 0.0 || factor >= 1.0 { 1.0 } else { factor };
    let skipped = spike || !norm.is_finite();
    scalars[scalar::CLIP] = if skipped { scalar::SKIP } else { factor / step.grad_scale };
}

fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    // The doctor's step skips what has a norm above 100, as the larger have, or a loss above 2.
    let one = |(sizes, loss): (&[usize], f32)| {
        let fills = vec![("scalars", Fill::Words([loss, 0.0, 0.0, 0.0].map(f32::to_bits).to_vec()))];
        Case::new(format!("norm of {sizes:?}, loss {loss}"), limits, choices, fills, |rec| {
            let g: Vec<Tensor> = sizes
                .iter()
                .enumerate()
                .map(|(i, &n)| rec.kept(format!("g.{i}"), Kind::Input, &[n]))
                .collect();
            let scalars = rec.kept("scalars", Kind::Output, &[scalar::COUNT]);
            record(rec, &g, scalars);
        })
    };
    let sizes = [&[1][..], &[127, 129, 1], &[16_383, 16_384, 16_385], &[50_021]];
    sizes.map(|sizes| (sizes, 0.5)).into_iter().chain([(&[127, 129, 1][..], 3.0)]).map(one).collect()
}
