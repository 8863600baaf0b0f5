//! The kernels: three ways to multiply, with each of four things that may follow, and what adds up split depths.

use crate::device::Kernel;
use crate::device::kernel::{Binding, read, read_act, weights, write_act};
use crate::ops::load;
use crate::ops::matmul::twin;

/// All of them.
pub(super) const ALL: &[&Kernel] = &[
    &TILES_PLAIN,
    &TILES_BIAS,
    &TILES_GELU,
    &TILES_SLOPE,
    &LANES_PLAIN,
    &LANES_BIAS,
    &LANES_GELU,
    &LANES_SLOPE,
    &COOP_PLAIN,
    &COOP_BIAS,
    &COOP_GELU,
    &COOP_SLOPE,
    &REDUCE,
];

/// For real GPUs, by `Epilogue::kernel`, as the next two.
pub(super) const TILES: [&Kernel; 4] = [&TILES_PLAIN, &TILES_BIAS, &TILES_GELU, &TILES_SLOPE];
/// For software adapters.
pub(super) const LANES: [&Kernel; 4] = [&LANES_PLAIN, &LANES_BIAS, &LANES_GELU, &LANES_SLOPE];
/// For units that multiply small matrices.
pub(super) const COOP: [&Kernel; 4] = [&COOP_PLAIN, &COOP_BIAS, &COOP_GELU, &COOP_SLOPE];

const BIAS: &[Binding] = &[read_act("a"), weights("b"), read("bias"), write_act("c_after")];
const GELU: &[Binding] = &[read_act("a"), weights("b"), read("bias"), write_act("c_after"), write_act("act")];
const SLOPE: &[Binding] = &[read_act("a"), weights("b"), read_act("pre"), write_act("c_after")];

static TILES_PLAIN: Kernel = Kernel {
    name: "matmul",
    file: "matmul.wgsl",
    source: include_str!("../../../shaders/matmul.wgsl"),
    lib: &[load::LIB, include_str!("../../../shaders/lib/gelu.wgsl")],
    bindings: &[read_act("a"), weights("b"), write_act("c")],
    dims: &["M", "K", "N", "a0", "b0", "c0", "lda", "ldb", "ldc", "alpha", "bias0"],
    step: false,
    // K products added in two orders: √K·2⁻²⁴ of the terms' norm, K ≤ 50,257.
    tolerance: 1.5e-5,
    twin: twin::plain,
};

static TILES_BIAS: Kernel = Kernel {
    name: "matmul_bias",
    bindings: BIAS,
    // matmul's sum, and one addition to it, of a bias that could cancel a bit of the sum.
    tolerance: 1.5e-5,
    twin: twin::bias,
    ..TILES_PLAIN
};

static TILES_GELU: Kernel = Kernel {
    name: "matmul_gelu",
    bindings: GELU,
    // matmul's sum and bias; GELU's exp is within 43·2⁻²³, and its slope at most 1.13.
    tolerance: 1.5e-5,
    twin: twin::gelu,
    ..TILES_PLAIN
};

static TILES_SLOPE: Kernel = Kernel {
    name: "matmul_slope",
    bindings: SLOPE,
    // matmul's sum, times a slope whose exp is within 43·2⁻²³.
    tolerance: 1.5e-5,
    twin: twin::slope,
    ..TILES_PLAIN
};

static LANES_PLAIN: Kernel = Kernel {
    name: "matmul_lanes",
    file: "matmul_lanes.wgsl",
    source: include_str!("../../../shaders/matmul_lanes.wgsl"),
    // K products one after the other, where the twin's order is by blocks: √K·2⁻²⁴ of the terms' norm, K ≤ 50,257.
    tolerance: 1.5e-5,
    ..TILES_PLAIN
};

static LANES_BIAS: Kernel = Kernel {
    name: "matmul_lanes_bias",
    bindings: BIAS,
    // matmul_lanes's sum, and one addition to it, of a bias that could cancel a bit of the sum.
    tolerance: 1.5e-5,
    twin: twin::bias,
    ..LANES_PLAIN
};

static LANES_GELU: Kernel = Kernel {
    name: "matmul_lanes_gelu",
    bindings: GELU,
    // matmul_lanes's sum and bias; GELU's exp is within 43·2⁻²³, and its slope at most 1.13.
    tolerance: 1.5e-5,
    twin: twin::gelu,
    ..LANES_PLAIN
};

static LANES_SLOPE: Kernel = Kernel {
    name: "matmul_lanes_slope",
    bindings: SLOPE,
    // matmul_lanes's sum, times a slope whose exp is within 43·2⁻²³.
    tolerance: 1.5e-5,
    twin: twin::slope,
    ..LANES_PLAIN
};

static COOP_PLAIN: Kernel = Kernel {
    name: "matmul_coop",
    file: "matmul_coop.wgsl",
    source: include_str!("../../../shaders/matmul_coop.wgsl"),
    // The units that multiply cooperative matrices may cut off what they add, where others round: half of K·2⁻²⁴, K ≤ 1400 in the
    // cases.
    tolerance: 5e-5,
    ..TILES_PLAIN
};

static COOP_BIAS: Kernel = Kernel {
    name: "matmul_coop_bias",
    bindings: BIAS,
    // matmul_coop's sum, and one addition to it, of a bias that could cancel a bit of the sum.
    tolerance: 5e-5,
    twin: twin::bias,
    ..COOP_PLAIN
};

static COOP_GELU: Kernel = Kernel {
    name: "matmul_coop_gelu",
    bindings: GELU,
    // matmul_coop's sum and bias; GELU's exp is within 43·2⁻²³, and its slope at most 1.13.
    tolerance: 5e-5,
    twin: twin::gelu,
    ..COOP_PLAIN
};

static COOP_SLOPE: Kernel = Kernel {
    name: "matmul_coop_slope",
    bindings: SLOPE,
    // matmul_coop's sum, times a slope whose exp is within 43·2⁻²³.
    tolerance: 5e-5,
    twin: twin::slope,
    ..COOP_PLAIN
};

pub(super) static REDUCE: Kernel = Kernel {
    name: "matmul_reduce",
    file: "matmul_reduce.wgsl",
    source: include_str!("../../../shaders/matmul_reduce.wgsl"),
    lib: &[include_str!("../../../shaders/lib/grid.wgsl")],
    bindings: &[read("parts"), write_act("c")],
    dims: &["M", "N", "c0", "ldc"],
    step: false,
    // The parts in their order, then one addition into c: the same bits.
    tolerance: 0.0,
    twin: twin::reduce,
};
