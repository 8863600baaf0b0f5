// GELU in its tanh form (Hendrycks and Gimpel 2016, arXiv:1606.08415), GPT-2's gelu_new.
//
// One invocation an element; the curve itself stands in lib/gelu.wgsl.
// Bytes moved: forward 2 N; backward 3 N. FLOPs: about 10 N and 16 N.

const WG: u32 = 64u;        // invocations of a workgroup
alias Act = f32;            // what its tensors are made of: f32 or f16; what is computed is in f32

struct Dims { N: u32 }
@group(1) @binding(0) var<uniform> d: Dims;

/// (N)
@group(0) @binding(0) var<storage, read> inp: array<Act>;
/// (N)
@group(0) @binding(1) var<storage, read_write> out: array<Act>;
/// (N): dout, becomes dinp in place
@group(0) @binding(1) var<storage, read_write> dx: array<Act>;

@compute @workgroup_size(WG)
fn gelu_forward(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(workgroup, count) * WG + lane;
    if (i >= d.N) { return; }
    out[i] = Act(gelu(f32(inp[i])));
}

@compute @workgroup_size(WG)
fn gelu_backward(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(workgroup, count) * WG + lane;
    if (i >= d.N) { return; }
    dx[i] = Act(f32(dx[i]) * gelu_slope(f32(inp[i])));
}
