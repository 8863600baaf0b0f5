// half = x, two halves a word. One invocation a word: no device feature is asked, and no two write one word.
// Bytes moved: 4 N read, 2 N written.

const WG: u32 = 64u;        // invocations of a workgroup

struct Dims { N: u32 }
@group(1) @binding(0) var<uniform> d: Dims;

/// (N)
@group(0) @binding(0) var<storage, read> x: array<f32>;
/// (N), packed; the high half of the last word is unused where N is odd
@group(0) @binding(1) var<storage, read_write> half: array<u32>;

@compute @workgroup_size(WG)
fn cast_half(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(workgroup, count) * WG + lane;
    if (2u * i >= d.N) { return; }
    half[i] = pack2x16float(vec2<f32>(x[2u * i], x[min(2u * i + 1u, d.N - 1u)]));
}
