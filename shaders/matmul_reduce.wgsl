// The parts of a product whose depths were split, added up in order: c (=|+=) parts[0] + parts[1] + …
//
// One invocation an element. Bytes moved: 4·SPLITS·M·N of parts; 4·M·N, or 2·M·N of halves (ACC reads as many). FLOPs: SPLITS·M·N.

const WG: u32 = 64u;        // invocations of a workgroup
const SPLITS: u32 = 8u;     // parts
const ACC: bool = false;    // c += instead of c =
alias Out = f32;            // what c is made of: f32 or f16

/// Extents of c, where it starts in its buffer, and how far apart its rows lie.
struct Dims { M: u32, N: u32, c0: u32, ldc: u32 }
@group(1) @binding(0) var<uniform> d: Dims;

/// (SPLITS,M,N)
@group(0) @binding(0) var<storage, read> parts: array<f32>;
/// (M,N)
@group(0) @binding(1) var<storage, read_write> c: array<Out>;

@compute @workgroup_size(WG)
fn matmul_reduce(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(workgroup, count) * WG + lane;
    if (i >= d.M * d.N) { return; }
    var sum = 0.0;
    for (var part = 0u; part < SPLITS; part += 1u) { sum += parts[part * d.M * d.N + i]; }
    let at = d.c0 + i / d.N * d.ldc + i % d.N;
    if (ACC) { c[at] = Out(f32(c[at]) + sum); } else { c[at] = Out(sum); }
}
