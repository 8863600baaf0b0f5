//! The keys and values of the positions decoded so far.
//!
//!   kcache[pos + p] = k[p]      vcache[pos + p] = v[p]      p in 0..P
//!
//! qkv (P,Q+2·KV): q | k | v, KV = NKV·HS numbers of key/value heads · kcache, vcache (T,KV). Positions at or past T are left
//! out: a padded block may reach there.

use crate::device::kernel::{read, write};
use crate::device::recorder::Launch;
use crate::device::variants::FLAT;
use crate::device::{Call, Choices, Kernel, Kind, Limits, Recorder, Tensor};
use crate::ops::case::{Case, Family};

/// The op's kernel and cases.
pub const FAMILY: Family = Family { name: "kv_cache", kernels: &[&APPEND], variants: FLAT, cases };

static APPEND: Kernel = Kernel {
    name: "kv_append",
    file: "kv_cache.wgsl",
    source: include_str!("../../shaders/kv_cache.wgsl"),
    lib: &[include_str!("../../shaders/lib/step.wgsl"), include_str!("../../shaders/lib/grid.wgsl")],
    bindings: &[read("qkv"), write("kcache"), write("vcache")],
    dims: &["P", "T", "Q", "KV"],
    step: true,
    // A copy.
    tolerance: 0.0,
    twin,
};

/// One layer's cache.
#[derive(Debug, Clone, Copy)]
pub struct Cache {
    /// (T,NKV·HS)
    pub k: Tensor,
    /// (T,NKV·HS)
    pub v: Tensor,
}

/// Records the append of qkv's rows at the step's position.
pub fn append(rec: &mut Recorder, qkv: Tensor, cache: Cache) {
    let [p, width] = rec.extents(qkv);
    let [t, kv] = rec.extents(cache.k);
    let variant = rec.pick("kv_cache", FLAT, &[]);
    let launch = Launch {
        kernel: &APPEND,
        consts: variant.with([]),
        args: &[qkv.read(), cache.k.update(), cache.v.update()],
        dims: &[p, t, width - 2 * kv, kv],
        workgroups: rec.groups(p * kv, variant.number("WG")),
        flops: 0,
    };
    rec.dispatch_moving("kv_append", launch, 16 * (p * kv) as u64);
}

fn twin(call: &mut Call) {
    let [_, t, q, kv] = call.dims();
    let pos = call.step.pos as usize;
    let ([qkv], [kcache, vcache]) = call.tensors();
    for (i, row) in qkv.chunks(q + 2 * kv).enumerate().take_while(|(i, _)| pos + i < t) {
        let (k, v) = row[q..].split_at(kv);
        kcache[(pos + i) * kv..][..kv].copy_from_slice(k);
        vcache[(pos + i) * kv..][..kv].copy_from_slice(v);
    }
}

fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    let one = |(p, t, q, kv): (usize, usize, usize, usize)| {
        Case::new(format!("kv_cache {p} of {t}x{kv} beside {q}"), limits, choices, vec![], |rec| {
            let qkv = rec.kept("qkv", Kind::Input, &[p, q + 2 * kv]);
            let [k, v] = ["k", "v"].map(|n| rec.kept(n, Kind::Cache, &[t, kv]));
            append(rec, qkv, Cache { k, v });
        })
    };
    // The checker's step has position 3: the second and third reach past the context.
    let sizes = [(1, 5, 1, 1), (7, 5, 13, 13), (2, 3, 32, 8), (5, 64, 291, 97), (32, 64, 256, 256)];
    sizes.into_iter().map(one).collect()
}
