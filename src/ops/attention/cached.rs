//! Attention over the keys and values decoded so far, each row's over those of its own sequence.

use multiversion::multiversion;
use rayon::prelude::*;

use super::head::scale;
use super::shape::Heads;
use super::variants::{LIB, head_consts};
use crate::device::kernel::{ids, read, write};
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
    bindings: &[ids("places"), read("qkv"), read("kcache"), read("vcache"), write("cached_out")],
    dims: &["P", "S", "T", "NH", "NKV", "window"],
    step: false,
    // Scores as in forward; each thread's part is scaled by one exp more, at most 1, before the parts are added.
    tolerance: 5e-6,
    twin,
};

/// Threads that share a head's keys.
const VARIANTS: &[Variant] = &[
    plain("lanes", Class::Lanes, &[("WG", Const::U32(16))]),
    plain("tiles", Class::Tiles, &[("WG", Const::U32(64))]),
];

/// Records out (P,NH·HS) for P new queries of `nh` heads at their places, over caches (S,T,NKV·HS) that already hold their
/// keys and values; `window` as [`Shape`](super::Shape) has it. Zeros for a query that is nowhere.
pub fn cached(rec: &mut Recorder, qkv: Tensor, cache: Cache, nh: usize, window: Option<usize>) -> Tensor {
    let ([p, width], [s, t, kv]) = (rec.extents(qkv), rec.extents(cache.k));
    let [places, _] = rec.extents(cache.places);
    assert!(p <= places, "attention: a place a row");
    let hs = (width - 2 * kv) / nh;
    let nkv = kv / hs;
    let heads = Heads::new(width, t, [nh, nkv], window);
    let out = rec.scratch("out", &[p, heads.out_width()]);
    let consts = rec.pick("attention_cached", VARIANTS, &[]).with(head_consts(hs, Element::F32));
    let launch = Launch {
        kernel: &CACHED,
        consts,
        args: &[cache.places.read(), qkv.read(), cache.k.read(), cache.v.read(), out.write()],
        dims: &[p, s, t, nh, nkv, heads.window],
        workgroups: [nh as u32, p as u32, 1],
        // Two products; of a position's keys as many as the mean of all positions.
        flops: heads.products(2, p) / t as u64,
    };
    // Every position that the queries see, at most, and of qkv only q. Of one slot they see the same; of several, each its own.
    let seen = if s == 1 { t.min(heads.window + p - 1) } else { p * t.min(heads.window) };
    rec.dispatch_moving("cached", launch, 8 * (p * heads.out_width() + seen * kv) as u64);
    out
}

/// Products that are worth another thread: fewer are done before one that sleeps is awake.
const WORTH: usize = 1 << 16;

#[multiversion(targets = "simd")]
fn twin(call: &mut Call) {
    let [_, s, t, nh, nkv, window] = call.dims();
    let heads = Heads { t, nh, nkv, hs: call.number("HS"), window };
    let (hs, scale) = (heads.hs, scale(heads.hs));
    let ([places, qkv, kcache, vcache], [out]) = call.views();
    let (places, qkv, kcache, vcache) = (places.u32(), qkv.f32(), kcache.f32(), vcache.f32());
    // By the row that sees the most.
    let rows = places.chunks(2).take(out.len() / (nh * hs)).map(|place| place[1] as usize);
    let furthest = rows.filter(|&pos| pos < t).max().unwrap_or(0);
    let of_head = 2 * hs * (furthest + 1).min(window);
    out.par_chunks_mut(hs).with_min_len(WORTH.div_ceil(of_head)).enumerate().for_each(|(i, out)| {
        let (p, h) = (i / nh, i % nh);
        let [slot, pos] = [0, 1].map(|i| places[2 * p + i] as usize);
        out.fill(0.0);
        if slot >= s || pos >= t {
            return;
        }
        let q = &qkv[p * heads.width() + h * hs..][..hs];
        let at = |j: usize| ((slot * t + j) * nkv + heads.group_of(h)) * hs;
        let seen = heads.seen(pos);
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
