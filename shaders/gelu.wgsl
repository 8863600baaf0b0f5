// GELU in its tanh form (Hendrycks and Gimpel 2016, arXiv:1606.08415), GPT-2's gelu_new.
//
// One invocation an element. tanh(u) is computed as 1 - 2 / (exp(2u) + 1) with u held to where it is not yet 1 in f32:
// some drivers' tanh overflows.
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

const S: f32 = 0.7978845608028654; // sqrt(2 / pi)

fn tanh_of(u: f32) -> f32 {
    return 1.0 - 2.0 / (exp(2.0 * clamp(u, -10.0, 10.0)) + 1.0);
}

@compute @workgroup_size(WG)
fn gelu_forward(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(workgroup, count) * WG + lane;
    if (i >= d.N) { return; }
    let x = f32(inp[i]);
    let t = tanh_of(S * (x + 0.044715 * x * x * x));
    out[i] = Act(0.5 * x * (1.0 + t));
}

@compute @workgroup_size(WG)
fn gelu_backward(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(workgroup, count) * WG + lane;
    if (i >= d.N) { return; }
    let x = f32(inp[i]);
    let t = tanh_of(S * (x + 0.044715 * x * x * x));
    let du = S * (1.0 + 3.0 * 0.044715 * x * x);
    dx[i] = Act(f32(dx[i]) * (0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * du));
}
