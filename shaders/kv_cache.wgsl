// Appends the keys and values of P new positions of one sequence to its cache.
//
// One invocation an element (p,c). Bytes moved: 4 P C. FLOPs: none.

const WG: u32 = 64u;        // invocations of a workgroup

struct Dims { P: u32, T: u32, C: u32 }
@group(1) @binding(0) var<uniform> d: Dims;
@group(1) @binding(1) var<uniform> step: Step;

/// (P,3C): q | k | v
@group(0) @binding(0) var<storage, read> qkv: array<f32>;
/// (T,C): rows pos..pos+P
@group(0) @binding(1) var<storage, read_write> kcache: array<f32>;
/// (T,C)
@group(0) @binding(2) var<storage, read_write> vcache: array<f32>;

@compute @workgroup_size(WG)
fn kv_append(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(workgroup, count) * WG + lane;
    let p = i / d.C;
    let t = min(step.pos, d.T) + p;
    if (p >= d.P || t >= d.T) { return; }   // a padded block may reach past the context
    let c = i % d.C;
    kcache[t * d.C + c] = qkv[p * 3u * d.C + d.C + c];
    vcache[t * d.C + c] = qkv[p * 3u * d.C + 2u * d.C + c];
}
