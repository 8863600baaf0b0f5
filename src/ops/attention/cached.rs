//! Attention over the keys and values decoded so far.

use multiversion::multiversion;
use rayon::prelude::*;

use super::head::scale;
use super::shape::Heads;
use super::variants::{LIB, head_consts};
use crate::device::kernel::{read, write};
use crate::device::recorder::Launch;
use crate::device::variants::plain;
use crate::device::{Call, Class, Const, Element, Kernel, Recorder, Tensor, Variant};
use crate::ops::kv_cache::Cache;
use crate::ops::load;
use crate::ops::math::{dot, exp, max, sum};

pub(super) static CACHED: Kernel = Kernel {
    name: "attention_cached",
    file: "attention_cached.wgsl",
    source: include_str!("../../../shaders/attention_cached.wgsl"),
    lib: LIB,
    bindings: &[read("qkv"), read("kcache"), read("vcache"), write("cached_out")],
    dims: &["P", "T", "NH", "NKV", "window"],
    step: true,
    // Scores as in forward; each thread's part is scaled by one exp more, at most 1, before the parts are added.
    tolerance: 5e-6,
    twin,
};

/// Threads that share a head's keys.
const VARIANTS: &[Variant] = &[
    plain("lanes", Class::Lanes, &[("WG", Const::U32(16))]),
    plain("tiles", Class::Tiles, &[("WG", Const::U32(64))]),
];

/// Records out (P,NH·HS) for P new queries of `nh` heads at the step's position, over a cache (T,NKV·HS) that already holds their
/// keys and values; `window` as [`Shape`](super::Shape) has it.
pub fn cached(rec: &mut Recorder, qkv: Tensor, cache: Cache, nh: usize, window: Option<usize>) -> Tensor {
    let ([p, width], [t, kv]) = (rec.extents(qkv), rec.extents(cache.k));
    let hs = (width - 2 * kv) / nh;
    let nkv = kv / hs;
    let heads = Heads::new(width, t, [nh, nkv], window);
    let out = rec.scratch("out", &[p, heads.out_width()]);
    let consts = rec.pick("attention_cached", VARIANTS, &[]).with(head_consts(hs, Element::F32));
    let launch = Launch {
        kernel: &CACHED,
        consts,
        args: &[qkv.read(), cache.k.read(), cache.v.read(), out.write()],
        dims: &[p, t, nh, nkv, heads.window],
        workgroups: [nh as u32, p as u32, 1],
        // Two products; of a position's keys as many as the mean of all positions.
        flops: heads.products(2, p) / t as u64,
    };
    // Every position that the queries see, at most, and of qkv only q.
    let seen = t.min(heads.window + p - 1);
    rec.dispatch_moving("cached", launch, 8 * (p * heads.out_width() + seen * kv) as u64);
    out
}

/// Products that are worth another thread: fewer are done before one that sleeps is awake.
const WORTH: usize = 1 << 16;

#[multiversion(targets = "simd")]
fn twin(call: &mut Call) {
    let [_, t, nh, nkv, window] = call.dims();
    let heads = Heads { t, nh, nkv, hs: call.number("HS"), window };
    let (hs, pos, scale) = (heads.hs, call.step.pos as usize, scale(heads.hs));
    let ([qkv, kcache, vcache], [out]) = call.tensors();
    let of_head = 2 * hs * (pos + 1).min(window);
    out.par_chunks_mut(hs).with_min_len(WORTH.div_ceil(of_head)).enumerate().for_each(|(i, out)| {
        let (p, h) = (i / nh, i % nh);
        out.fill(0.0);
        if pos + p >= t {
            return;
        }
        let q = &qkv[p * heads.width() + h * hs..][..hs];
        let at = |j: usize| (j * nkv + heads.group_of(h)) * hs;
        let seen = heads.seen(pos + p);
        let score = |j: usize| scale * dot(q, &kcache[at(j)..][..hs]);
        load::with(&load::ROWS, |scores| {
            let scores = load::first(scores, seen.len());
            seen.clone().zip(&mut *scores).for_each(|(j, s)| *s = score(j));
            let top = max(scores);
            scores.iter_mut().for_each(|s| *s = exp(*s - top));
            let total = sum([&*scores], |[s]| s);
            for (j, s) in seen.zip(scores) {
                let p = *s / total;
                for (o, v) in out.iter_mut().zip(&vcache[at(j)..][..hs]) {
                    *o += p * v;
                }
            }
        });
    });
}
