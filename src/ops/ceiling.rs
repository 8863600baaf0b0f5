//! What a device can do at most: multiply and add in registers, copy, read. The bench's ceilings, measured as any kernel is.
//!
//!   fma:  out[i] = Σ_c x_c, each of twelve chains x_c ← x_c·m + a taken 16·ROUNDS times
//!   copy: out = inp        read: out[j] = Σ inp over the elements that invocation j loads
//!
//!   coop: out = Σ_c X_c by subgroups, each of eight matrices X_c ← A·B + X_c taken ROUNDS times, A and B of halves
//!
//! inp (N), out (N) of fma and copy, out (N / (4·STEPS)) of read; N of copy and read a multiple of 4·STEPS·WG.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::device::kernel::{read as reads, write};
use crate::device::recorder::Launch;
use crate::device::variants::FLAT;
use crate::device::{Call, Choices, Coop, Kernel, Kind, Limits, Recorder, Tensor};
use crate::ops::case::{Case, Family};

/// The op's kernels and cases.
pub const FAMILY: Family =
    Family { name: "ceiling", kernels: &[&FMA, &COPY, &READ, &COOP], variants: FLAT, cases };

static FMA: Kernel = Kernel {
    name: "ceiling_fma",
    file: "ceiling.wgsl",
    source: include_str!("../../shaders/ceiling.wgsl"),
    lib: &[include_str!("../../shaders/lib/grid.wgsl")],
    bindings: &[write("out")],
    dims: &["N", "ROUNDS", "m", "a"],
    step: false,
    // Twelve numbers added in two orders; and where an adapter's fma is a product and a sum, each rounded, a chain ends a few
    // units away: it forgets all but its last steps, m being ½.
    tolerance: 1e-6,
    twin: fma_twin,
};

static COPY: Kernel = Kernel {
    name: "ceiling_copy",
    bindings: &[reads("inp"), write("copied")],
    // A copy is a copy.
    tolerance: 0.0,
    twin: |call| {
        let ([inp], [out]) = call.tensors();
        let chunks = out.par_chunks_mut(1 << 18).zip(inp.par_chunks(1 << 18));
        chunks.for_each(|(out, inp)| out.copy_from_slice(inp));
    },
    ..FMA
};

static READ: Kernel = Kernel {
    name: "ceiling_read",
    bindings: &[reads("inp"), write("sums")],
    // 4·STEPS numbers added in the same order.
    tolerance: 1e-6,
    twin: read_twin,
    ..FMA
};

static COOP: Kernel = Kernel {
    name: "ceiling_coop",
    file: "ceiling_coop.wgsl",
    source: include_str!("../../shaders/ceiling_coop.wgsl"),
    lib: &[],
    bindings: &[write("products")],
    dims: &["ROUNDS"],
    // Whole numbers below 2²⁴, whose products and sums are exact.
    tolerance: 0.0,
    twin: coop_twin,
    ..FMA
};

/// Chains of an invocation, and turns of each in a round.
const CHAINS: usize = 12;
const UNROLLED: usize = 16;
/// `STEPS` of the shader: vec4s that an invocation of `read` adds up.
pub const STEPS: usize = 16;
/// m and a: a chain ends near a / (1 − m).
const M: f32 = 0.5;
const A: f32 = 0.25;

/// Records `fma` over n invocations.
pub fn fma(rec: &mut Recorder, out: Tensor, rounds: usize) {
    let n = rec.numel(out);
    let flops = 2 * (CHAINS * UNROLLED * rounds * n) as u64;
    record(rec, &FMA, &[out.write()], [n, rounds], n, flops);
}

/// Records `copy`.
pub fn copy(rec: &mut Recorder, inp: Tensor, out: Tensor) {
    let n = rec.numel(inp);
    record(rec, &COPY, &[inp.read(), out.write()], [n, 0], n / 4, 0);
}

/// Records `read`.
pub fn read(rec: &mut Recorder, inp: Tensor, out: Tensor) {
    let n = rec.numel(inp);
    record(rec, &READ, &[inp.read(), out.write()], [n, 0], n / (4 * STEPS), n as u64);
}

fn record(
    rec: &mut Recorder,
    kernel: &'static Kernel,
    args: &[crate::device::Arg],
    [n, rounds]: [usize; 2],
    invocations: usize,
    flops: u64,
) {
    let variant = rec.pick("ceiling", FLAT, &[]);
    let launch = Launch {
        kernel,
        consts: variant.with([]),
        args,
        dims: &[n, rounds, M.to_bits() as usize, A.to_bits() as usize],
        workgroups: rec.groups(invocations, variant.number("WG")),
        flops,
    };
    let label = kernel.name.trim_start_matches("ceiling_");
    rec.dispatch(label, launch);
}

/// Matrices that a subgroup carries.
const MATRICES: usize = 8;

/// The largest matrices of halves that a device multiplies, where it does.
pub fn coop_kind(limits: &Limits) -> Option<Coop> {
    [Coop::F16_16, Coop::F16_8].into_iter().find(|kind| limits.cooperates(*kind))
}

/// Records `coop` over so many workgroups.
pub fn coop(rec: &mut Recorder, kind: Coop, groups: usize, rounds: usize) {
    let workers = groups * Coop::WORKERS as usize;
    let out = rec.kept("products", Kind::Output, &[workers, kind.size(), kind.size()]);
    let launch = Launch {
        kernel: &COOP,
        consts: kind.consts().into_iter().chain([rec.limits.coop_threads()]).collect(),
        args: &[out.write()],
        dims: &[rounds],
        workgroups: [groups as u32, 1, 1],
        flops: 2 * (workers * MATRICES * rounds * kind.size().pow(3)) as u64,
    };
    rec.dispatch("coop", launch);
}

/// Row i of A holds i % 3, column j of B holds j % 2 + 1: an element of the product is SIZE times what both hold.
fn coop_twin(call: &mut Call) {
    let size = call.number("SIZE");
    let ([], [out]) = call.tensors();
    let [rounds] = call.dims();
    out.par_chunks_mut(size * size).for_each(|product| {
        for (at, x) in product.iter_mut().enumerate() {
            let (row, col) = (at / size, at % size);
            *x = (MATRICES * rounds * size * (row % 3) * (col % 2 + 1)) as f32;
        }
    });
}

/// Invocations side by side: their chains are as many vectors as the widest unit has registers for.
const ABREAST: usize = 128;

fn fma_twin(call: &mut Call) {
    let ([], [out]) = call.tensors();
    let [_, rounds, m, a] = call.dims();
    let [m, a] = [m, a].map(|bits| f32::from_bits(bits as u32));
    let blocks = out.par_chunks_mut(ABREAST).enumerate();
    blocks.for_each(|(block, out)| chains(block * ABREAST, rounds, [m, a], out));
}

#[multiversion(targets = "simd")]
fn chains(first: usize, rounds: usize, [m, a]: [f32; 2], out: &mut [f32]) {
    let mut total = [0.0_f32; ABREAST];
    for chain in 0..CHAINS {
        let mut x = [0.0_f32; ABREAST];
        for (i, x) in x.iter_mut().enumerate() {
            *x = ((first + i) % 64) as f32 / 64.0 + chain as f32;
        }
        for _ in 0..rounds * UNROLLED {
            for x in &mut x {
                *x = x.mul_add(m, a);
            }
        }
        total.iter_mut().zip(x).for_each(|(total, x)| *total += x);
    }
    out.copy_from_slice(&total[..out.len()]);
}

fn read_twin(call: &mut Call) {
    let wg = call.number("WG");
    let ([inp], [out]) = call.tensors();
    let groups = out.par_chunks_mut(wg).zip(inp.par_chunks(4 * STEPS * wg));
    groups.for_each(|(out, inp)| group_sums(inp, out));
}

/// The sums of a workgroup: each of its invocations takes one vec4 of each row of inp.
#[multiversion(targets = "simd")]
fn group_sums(inp: &[f32], out: &mut [f32]) {
    let mut lanes = [0.0_f32; 4 * 256];
    let lanes = &mut lanes[..4 * out.len()];
    for row in inp.chunks_exact(lanes.len()) {
        lanes.iter_mut().zip(row).for_each(|(lane, x)| *lane += x);
    }
    for (out, lane) in out.iter_mut().zip(lanes.as_chunks::<4>().0) {
        *out = (lane[0] + lane[1]) + (lane[2] + lane[3]);
    }
}

fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    let chains = [(1, 1), (63, 2), (257, 3), (7919, 5)].map(|(n, rounds)| {
        Case::new(format!("ceiling {n}, {rounds} rounds"), limits, choices, vec![], |rec| {
            let out = rec.kept("out", Kind::Output, &[n]);
            fma(rec, out, rounds);
        })
    });
    let moves = [1, 3, 32].map(|groups| {
        // Whole workgroups of every class.
        let n = groups * 4 * STEPS * 256;
        Case::new(format!("ceiling {n}"), limits, choices, vec![], |rec| {
            let inp = rec.kept("inp", Kind::Input, &[n]);
            let [copied, sums] = [("copied", n), ("sums", n / (4 * STEPS))]
                .map(|(name, n)| rec.kept(name, Kind::Output, &[n]));
            copy(rec, inp, copied);
            read(rec, inp, sums);
        })
    });
    let products = coop_kind(&limits).into_iter().flat_map(|kind| {
        [(1, 1), (3, 7)].map(|(groups, rounds)| {
            let name = format!("ceiling {groups} of {kind:?}, {rounds} rounds");
            Case::new(name, limits, choices, vec![], |rec| coop(rec, kind, groups, rounds))
        })
    });
    chains.into_iter().chain(moves).chain(products).collect()
}
