//! out and lse.

use multiversion::multiversion;
use rayon::prelude::*;

use super::head::{self, Head, contiguous};
use super::shape::{Heads, Shape};
use super::variants::{LIB, VARIANTS, consts, owned};
use crate::device::kernel::{ids, read_act, write, write_act};
use crate::device::recorder::Launch;
use crate::device::{Call, Kernel, Recorder, Tensor};
use crate::ops::load;
use crate::ops::math::{exp, max, sum};
use crate::ops::matmul::gemm;

pub(super) static FORWARD: Kernel = Kernel {
    name: "attention_forward",
    file: "attention_forward.wgsl",
    source: include_str!("../../../shaders/attention_forward.wgsl"),
    lib: LIB,
    bindings: &[read_act("qkv"), ids("begins"), write_act("out"), write("lse")],
    dims: &["B", "T", "NH", "NKV", "window", "layer"],
    step: true,
    // exp of scores of size up to 20, each within 3 + 2·|x| units of 2⁻²³, averaged by the softmax.
    tolerance: 5e-6,
    twin,
};

/// Records out and lse. `begins` (B·T) says of each position where in its sequence its text begins; it never falls along one.
pub fn forward(rec: &mut Recorder, qkv: Tensor, begins: Tensor, shape: Shape) -> (Tensor, Tensor) {
    let Shape { t, nh, nkv, layer, dropout, window } = shape;
    let [bt, width] = rec.extents(qkv);
    let (b, heads) = (bt / t, Heads::new(width, t, [nh, nkv], window));
    let element = rec.element(qkv);
    let out = rec.scratch_of("out", &[bt, heads.out_width()], element);
    let lse = rec.scratch("lse", &[b, nh, t]);
    let variant = rec.pick("attention_forward", VARIANTS, &[heads.hs]);
    let launch = Launch {
        kernel: &FORWARD,
        consts: consts(variant, heads.hs, 1, dropout, element),
        args: &[qkv.read(), begins.read(), out.write(), lse.write()],
        dims: &[b, t, nh, nkv, heads.window, layer],
        workgroups: [t.div_ceil(owned(variant)) as u32, (b * nh) as u32, 1],
        flops: heads.products(2, b),
    };
    rec.dispatch("forward", launch);
    (out, lse)
}

fn twin(call: &mut Call) {
    let ([qkv, begins], [out, lse]) = call.views();
    let (count, heads, head) = head::every(call, qkv.f32(), begins.u32());
    let each = heads.t * heads.hs;
    load::with(&load::PARTS, |results| {
        let results = load::first(results, count * each);
        let all = results.par_chunks_mut(each).zip(lse.par_chunks_mut(heads.t)).enumerate();
        all.for_each(|(bh, (out, lse))| one_head(&head(bh), out, lse));
        let of = |bh: usize| &results[bh * each..][..each];
        head::scatter(heads, (out, heads.out_width()), heads.queries(), of);
    });
}

#[multiversion(targets = "simd")]
fn one_head(head: &Head, out: &mut [f32], lse: &mut [f32]) {
    let Heads { hs, .. } = head.heads;
    load::with(&load::ROWS, |buffer| {
        let buffer = load::first(buffer, head.heads.block_pairs());
        for block in head.blocks() {
            let keys = block.keys();
            let p = &mut buffer[..block.queries() * keys];
            head.scores(block, p);
            head.each_seen(block, p, |i, row| {
                let top = max(row);
                row.iter_mut().for_each(|s| *s = exp(*s - top));
                let total = sum([row], |[p]| p);
                row.iter_mut().for_each(|s| *s /= total);
                lse[i] = top + total.ln();
            });
            head.drop(block, p);
            let o = &mut out[block.i0 * hs..block.i1 * hs];
            let product = [block.queries(), hs, keys];
            gemm(product, contiguous(p, keys), head.v(block.j0), (o, hs), (1.0, false), false);
        }
    });
}
