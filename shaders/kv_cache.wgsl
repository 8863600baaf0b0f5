// Appends the keys and values of P new positions to the caches of their sequences.
//
// One invocation an element (p,c) of each. Bytes moved: 16 P KV. FLOPs: none.

const WG: u32 = 64u;        // invocations of a workgroup

/// Extents: S slots of T positions; rows of Q words of queries, then KV of keys and KV of values.
struct Dims { P: u32, S: u32, T: u32, Q: u32, KV: u32 }
@group(1) @binding(0) var<uniform> d: Dims;

/// (P,2): a row's slot and its position there
@group(0) @binding(0) var<storage, read> places: array<u32>;
/// (P,Q+2·KV): q | k | v
@group(0) @binding(1) var<storage, read> qkv: array<f32>;
/// (S,T,KV): the rows at `places`
@group(0) @binding(2) var<storage, read_write> kcache: array<f32>;
/// (S,T,KV)
@group(0) @binding(3) var<storage, read_write> vcache: array<f32>;

@compute @workgroup_size(WG)
fn kv_append(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(workgroup, count) * WG + lane;
    let p = i / d.KV;
    if (p >= d.P) { return; }
    let slot = places[2u * p];
    let pos = places[2u * p + 1u];
    if (slot >= d.S || pos >= d.T) { return; }      // padding, or an idle row
    let c = i % d.KV;
    let to = (slot * d.T + pos) * d.KV + c;
    let k = p * (d.Q + 2u * d.KV) + d.Q + c;
    kcache[to] = qkv[k];
    vcache[to] = qkv[k + d.KV];
}
