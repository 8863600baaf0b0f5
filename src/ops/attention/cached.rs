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
use crate::ops::math::{dot, exp, max, prefetch, sum};

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

/// How many positions ahead of its use a key or a value is asked for. A position's lie a whole row of the cache behind the last's.
const AHEAD: usize = 2;

#[multiversion(targets = "simd")]
fn twin(call: &mut Call) {
    let [_, s, t, nh, nkv, window] = call.dims();
    let heads = Heads { t, nh, nkv, hs: call.number("HS"), window };
    let (hs, scale) = (heads.hs, scale(heads.hs));
    let ([places, qkv, kcache, vcache], [out]) = call.views();
    let (places, qkv, kcache, vcache) = (places.u32(), qkv.f32(), kcache.f32(), vcache.f32());
    // By the row that sees the most.
    let queries = out.len() / (nh * hs);
    let rows = places.chunks(2).take(queries).map(|place| place[1] as usize);
    let furthest = rows.filter(|&pos| pos < t).max().unwrap_or(0);
    let of_head = 2 * hs * (furthest + 1).min(window);
    // Some of a query's heads together, as far as every thread has a task: a position's lie side by side.
    let tasks = rayon::current_num_threads().div_ceil(queries);
    let together = nh.div_ceil(tasks).max(WORTH.div_ceil(of_head)).min(nh);
    let some_heads = |p: usize, first: usize, out: &mut [f32]| {
        let [slot, pos] = [0, 1].map(|i| places[2 * p + i] as usize);
        out.fill(0.0);
        if slot >= s || pos >= t {
            return;
        }
        let (here, seen) = (out.len() / hs, heads.seen(pos));
        let q = &qkv[p * heads.width() + first * hs..][..out.len()];
        let at = |j: usize, h: usize| ((slot * t + j) * nkv + heads.group_of(first + h)) * hs;
        let ask = |cache: &[f32], j: usize| {
            let line = at(j, 0)..at(j, here - 1) + hs;
            line.step_by(16).for_each(|i| prefetch(cache, i));
        };
        load::with(&load::ROWS, |scores| {
            // (heads, seen)
            let scores = load::first(scores, here * seen.len());
            for (i, j) in seen.clone().enumerate() {
                ask(kcache, j + AHEAD);
                for (h, q) in q.chunks_exact(hs).enumerate() {
                    scores[h * seen.len() + i] = scale * dot(q, &kcache[at(j, h)..][..hs]);
                }
            }
            for scores in scores.chunks_exact_mut(seen.len()) {
                let top = max(scores);
                scores.iter_mut().for_each(|s| *s = exp(*s - top));
                let total = sum([&*scores], |[s]| s);
                scores.iter_mut().for_each(|s| *s /= total);
            }
            for (i, j) in seen.clone().enumerate() {
                ask(vcache, j + AHEAD);
                for (h, out) in out.chunks_exact_mut(hs).enumerate() {
                    let p = scores[h * seen.len() + i];
                    out.iter_mut().zip(&vcache[at(j, h)..][..hs]).for_each(|(o, v)| *o += p * v);
                }
            }
        });
    };
    out.par_chunks_mut(nh * hs).enumerate().for_each(|(p, out)| {
        let tasks = out.par_chunks_mut(together * hs).enumerate();
        tasks.for_each(|(i, out)| some_heads(p, i * together, out));
    });
}
