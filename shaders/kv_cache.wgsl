// Appends the keys and values of P new positions of one sequence to its cache.
//
// One invocation an element (p,c) of each. Bytes moved: 16 P KV. FLOPs: none.

const WG: u32 = 64u;        // invocations of a workgroup

/// Extents: rows of Q words of queries, then KV of keys and KV of values.
struct Dims { P: u32, T: u32, Q: u32, KV: u32 }
@group(1) @binding(0) var<uniform> d: Dims;
@group(1) @binding(1) var<uniform> step: Step;

/// (P,Q+2·KV): q | k | v
@group(0) @binding(0) var<storage, read> qkv: array<f32>;
/// (T,KV): rows pos..pos+P
@group(0) @binding(1) var<storage, read_write> kcache: array<f32>;
/// (T,KV)
@group(0) @binding(2) var<storage, read_write> vcache: array<f32>;

@compute @workgroup_size(WG)
fn kv_append(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(workgroup, count) * WG + lane;
    let p = i / d.KV;
    let t = min(step.pos, d.T) + p;
    if (p >= d.P || t >= d.T) { return; }   // a padded block may reach past the context
    let c = i % d.KV;
    let k = p * (d.Q + 2u * d.KV) + d.Q + c;
    kcache[t * d.KV + c] = qkv[k];
    vcache[t * d.KV + c] = qkv[k + d.KV];
}
