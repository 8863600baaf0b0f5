//! dqkv, in two passes over the pairs: keys own dk and dv, queries own dq.

use std::ops::Range;

use multiversion::multiversion;
use rayon::prelude::*;

use super::head::{self, Head, contiguous, transposed};
use super::shape::{Block, Heads, Shape};
use super::variants::{LIB, VARIANTS, consts, owned};
use crate::device::kernel::{ids, read, read_act, write, write_act};
use crate::device::recorder::Launch;
use crate::device::{Arg, Call, Kernel, Recorder, Tensor};
use crate::ops::load;
use crate::ops::math;
use crate::ops::matmul::{View, gemm};

pub(super) static BACKWARD_KV: Kernel = Kernel {
    name: "attention_backward_kv",
    file: "attention_backward.wgsl",
    source: include_str!("../../../shaders/attention_backward.wgsl"),
    lib: LIB,
    bindings: &[
        read_act("qkv"),
        ids("begins"),
        read("backward_lse"),
        read_act("backward_dout"),
        read("backward_dot"),
        write_act("dqkv"),
    ],
    dims: &["B", "T", "NH", "NKV", "window", "layer"],
    step: true,
    // P again by one exp, as in forward; dP − dot cancels by about a digit, and dk sums what is left.
    tolerance: 2e-5,
    twin: kv_twin,
};

pub(super) static BACKWARD_Q: Kernel = Kernel {
    name: "attention_backward_q",
    // dS with the digit that dP − dot costs it, as in kv, and nothing beside it (kv's dv has no such difference).
    tolerance: 2e-5,
    twin: q_twin,
    ..BACKWARD_KV
};

pub(super) static BACKWARD_DOT: Kernel = Kernel {
    name: "attention_backward_dot",
    bindings: &[read_act("dot_out"), read_act("dot_dout"), write("dot_rows")],
    step: false,
    // HS products in another order; they cancel, so the sum may be ten times smaller than its terms.
    tolerance: 5e-6,
    twin: dot_twin,
    ..BACKWARD_KV
};

/// Records dqkv from what [`forward`](super::forward) read and wrote.
pub fn backward(
    rec: &mut Recorder,
    [qkv, begins]: [Tensor; 2],
    [out, lse]: [Tensor; 2],
    dout: Tensor,
    shape: Shape,
) -> Tensor {
    let Shape { t, nh, nkv, layer, dropout, window } = shape;
    let [bt, width] = rec.extents(qkv);
    let (b, heads) = (bt / t, Heads::new(width, t, [nh, nkv], window));
    let dims = [b, t, nh, nkv, heads.window, layer];
    let dot = rec.scratch("dot", &[b, nh, t]);
    let element = rec.element(qkv);
    let dqkv = rec.scratch_of("dqkv", &[bt, width], element);
    let variant = rec.pick("attention_backward", VARIANTS, &[heads.hs]);
    let (row_each, owned) = (variant.covers(&["THREADS"]), owned(variant));
    // What a dispatch touches: `wide` heads' worth of (B·T,HS) and `narrow` tensors of (B,NH,T). Both passes read qkv whole,
    // dout, lse and dot; kv writes the key and value heads of dqkv, q its query heads.
    let moving =
        |wide: usize, narrow: usize| 4 * (element.words(bt * wide * heads.hs) + bt * narrow * nh) as u64;
    let mut pass = |label: &str, kernel: &'static Kernel, args: &[Arg], grid: [usize; 2], flops, bytes| {
        let consts = consts(variant, heads.hs, 2, dropout, element);
        let workgroups = [t.div_ceil(grid[0]) as u32, (b * grid[1]) as u32, 1];
        let launch = Launch { kernel, consts, args, dims: &dims, workgroups, flops };
        rec.dispatch_moving(label, launch, bytes);
    };
    let rows = [out.read(), dout.read(), dot.write()];
    let pairs = [qkv.read(), begins.read(), lse.read(), dout.read(), dot.read(), dqkv.write()];
    let (all, kv) = (nh + 2 * nkv, 2 * nkv);
    let of_rows = 2 * (bt * heads.out_width()) as u64;
    pass("backward_dot", &BACKWARD_DOT, &rows, [row_each, nh], of_rows, moving(2 * nh, 1));
    let (three, four) = (heads.products(3, b), heads.products(4, b));
    pass("backward_kv", &BACKWARD_KV, &pairs, [owned, nkv], four, moving(all + nh + kv, 2));
    pass("backward_q", &BACKWARD_Q, &pairs, [owned, nh], three, moving(all + nh + nh, 2));
    dqkv
}

#[multiversion(targets = "simd")]
fn dot_twin(call: &mut Call) {
    let [_, t, nh, ..] = call.dims::<6>();
    let hs = call.number("HS");
    let ([out, dout], [dot]) = call.tensors();
    dot.par_chunks_mut(t).enumerate().for_each(|(bh, dot)| {
        for (i, dot) in dot.iter_mut().enumerate() {
            let at = ((bh / nh * t + i) * nh + bh % nh) * hs;
            *dot = math::dot(&out[at..][..hs], &dout[at..][..hs]);
        }
    });
}

/// What a backward pass adds to a head's sums from one block of its queries.
struct Part<'a> {
    block: Block,
    /// P, and a place for P̃; (queries, keys), zero where nothing is seen.
    p: &'a mut [f32],
    /// dS, as P.
    ds: &'a [f32],
    /// dO, (queries, HS).
    dout: View<'a>,
}

/// A backward pass: walks every head's queries by blocks and lets `add` add each to the head's N sums, (T,HS) and zero at
/// first. The sums go into dqkv's columns of heads `columns(heads)`.
#[multiversion(targets = "simd")]
fn pass<const N: usize>(
    call: &mut Call,
    columns: fn(Heads) -> [Range<usize>; N],
    add: impl Fn(&Head, Part, [&mut [f32]; N]) + Sync,
) {
    let ([qkv, begins, lse, dout, dot], [dqkv]) = call.views();
    let [lse, dout, dot] = [lse, dout, dot].map(|view| view.f32());
    let (count, heads, head) = head::every(call, qkv.f32(), begins.u32());
    let (t, each) = (heads.t, heads.t * heads.hs);
    let one = |head: &Head, sums: &mut [f32], buffer: &mut Vec<f32>| {
        let (lse, dot) = (&lse[head.bh * t..][..t], &dot[head.bh * t..][..t]);
        let buffer = load::first(buffer, 2 * heads.block_pairs());
        sums.fill(0.0);
        for block in head.blocks() {
            let pairs = block.queries() * block.keys();
            let (p, ds) = buffer[..2 * pairs].split_at_mut(pairs);
            let dout = head.of_out(dout, block.i0);
            head.probabilities(block, lse, p);
            head.dscores(block, dout, dot, p, ds);
            let mut sums = sums.chunks_exact_mut(each);
            let sums = std::array::from_fn(|_| sums.next().expect("N sums a head"));
            add(head, Part { block, p, ds, dout }, sums);
        }
    };
    load::with(&load::PARTS, |all| {
        let all = load::first(all, count * N * each);
        all.par_chunks_mut(N * each).enumerate().for_each(|(bh, sums)| {
            load::with(&load::ROWS, |buffer| one(&head(bh), sums, buffer));
        });
        for (n, columns) in columns(heads).into_iter().enumerate() {
            let of = |bh: usize| &all[(bh * N + n) * each..][..each];
            head::scatter(heads, (&mut *dqkv, heads.width()), columns, of);
        }
    });
}

/// dk += scale·dSᵀ·q and dv += P̃ᵀ·dO of a block.
#[inline(always)]
fn add_kv(head: &Head, Part { block, p, ds, dout }: Part, dk: &mut [f32], dv: &mut [f32]) {
    let (hs, keys) = (head.heads.hs, block.keys());
    let (dk, dv) = (&mut dk[block.j0 * hs..], &mut dv[block.j0 * hs..]);
    let product = [keys, hs, block.queries()];
    let columns = transposed(contiguous(ds, keys));
    gemm(product, columns, head.q(block.i0), (dk, hs), (head.scale, true), false);
    head.drop(block, p);
    gemm(product, transposed(contiguous(p, keys)), dout, (dv, hs), (1.0, true), false);
}

/// dq = scale·dS·k of a block.
#[inline(always)]
fn add_q(head: &Head, Part { block, ds, .. }: &Part, dq: &mut [f32]) {
    let (hs, keys) = (head.heads.hs, block.keys());
    let into = &mut dq[block.i0 * hs..block.i1 * hs];
    let product = [block.queries(), hs, keys];
    gemm(product, contiguous(ds, keys), head.k(block.j0), (into, hs), (head.scale, false), false);
}

/// The queries' gradients with the keys' where both are wanted: P and dS, four of nine products, are the same.
fn kv_twin(call: &mut Call) {
    if call.take_next(&BACKWARD_Q) {
        let columns = |heads: Heads| [heads.queries(), heads.keys(), heads.values()];
        pass(call, columns, |head, part, [dq, dk, dv]| {
            add_q(head, &part, dq);
            add_kv(head, part, dk, dv);
        });
    } else {
        let columns = |heads: Heads| [heads.keys(), heads.values()];
        pass(call, columns, |head, part, [dk, dv]| add_kv(head, part, dk, dv));
    }
}

fn q_twin(call: &mut Call) {
    pass(call, |heads| [heads.queries()], |head, part, [dq]| add_q(head, &part, dq));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::cpu::Cpu;
    use crate::device::{Choices, Class, Executor, Limits, Options, Program, Step};

    /// The queries' gradients computed along with the keys', and by themselves.
    #[test]
    fn both_passes_at_once_have_the_bits_of_each_alone() {
        let limits = Limits::DEFAULT;
        for case in super::super::cases::cases(limits, &Choices::of(Class::Lanes, &limits)) {
            let list = &case.recording;
            let step = Step { dropout_threshold: 1 << 29, dropout_scale: 8.0 / 7.0, ..Step::default() };
            let run = |at_once: bool| {
                let program = Program::from(vec![list.clone()]);
                let mut exec = Cpu::new(program, Options { poison: true, ..Options::default() }).unwrap();
                for t in list.tensors.iter().filter(|t| t.kind != crate::device::Kind::Scratch) {
                    exec.write(&t.name, 0, &case.data(t)).unwrap();
                }
                if at_once {
                    let each = exec.time_range(list.name, &step, 0..usize::MAX).unwrap();
                    let kv = list.dispatches.iter().position(|d| d.kernel.name == BACKWARD_KV.name);
                    if let Some(kv) = kv {
                        // One time, shared out by arithmetic: it was one call.
                        assert!((each[kv] / each[kv + 1] - 4.0 / 3.0).abs() < 1e-9, "{}", case.name);
                    }
                } else {
                    (0..list.dispatches.len())
                        .for_each(|i| exec.run_range(list.name, &step, i..i + 1).unwrap());
                }
                let tensors = (0..list.tensors.len()).map(|i| Tensor(i as u32));
                tensors.map(|t| exec.peek(list.name, t).unwrap()).collect::<Vec<_>>()
            };
            assert!(run(true) == run(false), "{}", case.name);
        }
    }
}
