//! The keys and values of the positions decoded so far, of several sequences.
//!
//!   kcache[slot[p], pos[p]] = k[p]      vcache[slot[p], pos[p]] = v[p]      p in 0..P
//!
//! qkv (P,Q+2·KV): q | k | v, KV = NKV·HS numbers of key/value heads · kcache, vcache (S,T,KV), a slot a sequence · places (P,2):
//! a row's slot and position. A row whose slot or position there is none of is left out: so a block is padded, and a row is idle.

use crate::device::kernel::{ids, read, write};
use crate::device::recorder::Launch;
use crate::device::variants::FLAT;
use crate::device::{Call, Choices, Kernel, Kind, Limits, Recorder, Tensor};
use crate::ops::case::{Case, Family, Fill};

/// The op's kernel and cases.
pub const FAMILY: Family = Family { name: "kv_cache", kernels: &[&APPEND], variants: FLAT, cases };

static APPEND: Kernel = Kernel {
    name: "kv_append",
    file: "kv_cache.wgsl",
    source: include_str!("../../shaders/kv_cache.wgsl"),
    lib: &[include_str!("../../shaders/lib/grid.wgsl")],
    bindings: &[ids("places"), read("qkv"), write("kcache"), write("vcache")],
    dims: &["P", "S", "T", "Q", "KV"],
    step: false,
    // A copy.
    tolerance: 0.0,
    twin,
};

/// What a row's place is where it has none.
pub const NOWHERE: [u32; 2] = [u32::MAX; 2];

/// One layer's cache, and where new rows of it go.
#[derive(Debug, Clone, Copy)]
pub struct Cache {
    /// (S,T,NKV·HS)
    pub k: Tensor,
    /// (S,T,NKV·HS)
    pub v: Tensor,
    /// (P,2) or more rows: slots and positions.
    pub places: Tensor,
}

/// Records the append of qkv's rows at their places.
pub fn append(rec: &mut Recorder, qkv: Tensor, cache: Cache) {
    let [p, width] = rec.extents(qkv);
    let [s, t, kv] = rec.extents(cache.k);
    let [places, _] = rec.extents(cache.places);
    assert!(p <= places, "kv_cache: a place a row");
    let variant = rec.pick("kv_cache", FLAT, &[]);
    let launch = Launch {
        kernel: &APPEND,
        consts: variant.with([]),
        args: &[cache.places.read(), qkv.read(), cache.k.update(), cache.v.update()],
        dims: &[p, s, t, width - 2 * kv, kv],
        workgroups: rec.groups(p * kv, variant.number("WG")),
        flops: 0,
    };
    rec.dispatch_moving("kv_append", launch, 16 * (p * kv) as u64);
}

fn twin(call: &mut Call) {
    let [p, s, t, q, kv] = call.dims();
    let ([places, qkv], [kcache, vcache]) = call.views();
    for (row, place) in qkv.f32().chunks(q + 2 * kv).zip(places.u32().chunks(2)).take(p) {
        let [slot, pos] = [place[0], place[1]].map(|word| word as usize);
        if slot < s && pos < t {
            let (k, v) = row[q..].split_at(kv);
            kcache[(slot * t + pos) * kv..][..kv].copy_from_slice(k);
            vcache[(slot * t + pos) * kv..][..kv].copy_from_slice(v);
        }
    }
}

/// Places of test cases: two rows of three in one slot, a third in another, some in none; each place once.
pub(crate) fn places(p: usize, s: usize, t: usize) -> Fill {
    let place = |i: usize| match (i % 3, i / 3) {
        (2, i) if i < t => [(s - 1) as u32, i as u32],
        (j @ 0..2, i) if 2 * i + j + 3 < t && s > 1 => [(s / 2 - 1) as u32, (2 * i + j + 3) as u32],
        (_, i) if i % 2 == 0 => [0, t as u32],
        _ => NOWHERE,
    };
    Fill::Words((0..p).flat_map(place).collect())
}

fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    let one = |(p, s, t, q, kv): (usize, usize, usize, usize, usize)| {
        let name = format!("kv_cache {p} of {s}x{t}x{kv} beside {q}");
        Case::new(name, limits, choices, vec![("places", places(p, s, t))], |rec| {
            let places = rec.kept_ids("places", Kind::Input, &[p, 2]);
            let qkv = rec.kept("qkv", Kind::Input, &[p, q + 2 * kv]);
            let [k, v] = ["k", "v"].map(|n| rec.kept(n, Kind::Cache, &[s, t, kv]));
            append(rec, qkv, Cache { k, v, places });
        })
    };
    let sizes = [
        (1, 2, 5, 1, 1),
        (7, 2, 5, 13, 13),
        (3, 1, 3, 32, 8),
        (5, 3, 64, 291, 97),
        (32, 4, 64, 256, 256),
        (13, 2, 9, 5, 5),
    ];
    sizes.into_iter().map(one).collect()
}
