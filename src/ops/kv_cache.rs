//! The keys and values of the positions decoded so far.
//!
//!   kcache[pos + p] = k[p]      vcache[pos + p] = v[p]      p in 0..P
//!
//! qkv (P,3C) · kcache, vcache (T,C). Positions at or past T are left out: a padded block may reach there.

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
    dims: &["P", "T", "C"],
    step: true,
    // A copy.
    tolerance: 0.0,
    twin,
};

/// One layer's cache.
#[derive(Debug, Clone, Copy)]
pub struct Cache {
    /// (T,C)
    pub k: Tensor,
    /// (T,C)
    pub v: Tensor,
}

/// Records the append of qkv's rows at the step's position.
pub fn append(rec: &mut Recorder, qkv: Tensor, cache: Cache) {
    let [p, _] = rec.extents(qkv);
    let [t, c] = rec.extents(cache.k);
    let variant = rec.pick("kv_cache", FLAT, &[]);
    let launch = Launch {
        kernel: &APPEND,
        consts: variant.with([]),
        args: &[qkv.read(), cache.k.update(), cache.v.update()],
        dims: &[p, t, c],
        workgroups: rec.groups(p * c, variant.number("WG")),
        flops: 0,
    };
    rec.dispatch_moving("kv_append", launch, 16 * (p * c) as u64);
}

fn twin(call: &mut Call) {
    let [_, t, c] = call.dims();
    let pos = call.step.pos as usize;
    let ([qkv], [kcache, vcache]) = call.tensors();
    for (i, row) in qkv.chunks(3 * c).enumerate().take_while(|(i, _)| pos + i < t) {
        kcache[(pos + i) * c..][..c].copy_from_slice(&row[c..2 * c]);
        vcache[(pos + i) * c..][..c].copy_from_slice(&row[2 * c..]);
    }
}

fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    let one = |(p, t, c): (usize, usize, usize)| {
        Case::new(format!("kv_cache {p} of {t}x{c}"), limits, choices, vec![], |rec| {
            let qkv = rec.kept("qkv", Kind::Input, &[p, 3 * c]);
            let [k, v] = ["k", "v"].map(|n| rec.kept(n, Kind::Cache, &[t, c]));
            append(rec, qkv, Cache { k, v });
        })
    };
    // The checker's step has position 3: the second and third reach past the context.
    [(1, 5, 1), (7, 5, 13), (2, 3, 8), (5, 64, 97), (32, 64, 256)].into_iter().map(one).collect()
}
