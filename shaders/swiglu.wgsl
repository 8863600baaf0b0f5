// SwiGLU, the gate of the Llama shape's MLP (Shazeer 2020, arXiv:2002.05202); the maths stands in src/ops/swiglu.rs.
//
// One invocation an element. The sigmoid is computed as 1 / (1 + exp(-x)) with x held to where e^-x and its reciprocal
// are ordinary numbers.
// Bytes moved: forward 3 N; backward 5 N. FLOPs: about 6 N and 12 N.

const WG: u32 = 64u;        // invocations of a workgroup
alias Act = f32;            // what its tensors are made of: f32 or f16; what is computed is in f32

struct Dims { N: u32 }
@group(1) @binding(0) var<uniform> d: Dims;

/// (N)
@group(0) @binding(0) var<storage, read> gate: array<Act>;
/// (N)
@group(0) @binding(1) var<storage, read> up: array<Act>;
/// (N)
@group(0) @binding(2) var<storage, read_write> out: array<Act>;

/// (N)
@group(0) @binding(0) var<storage, read> dout: array<Act>;
/// (N): the gate, becomes dgate in place
@group(0) @binding(1) var<storage, read_write> dgate: array<Act>;
/// (N): up, becomes dup in place
@group(0) @binding(2) var<storage, read_write> dup: array<Act>;

const EDGE: f32 = 87.0;

/// silu(x) and its derivative.
fn silu(x: f32) -> vec2<f32> {
    let w = clamp(x, -EDGE, EDGE);
    let e = exp(-w);
    let s = 1.0 / (1.0 + e);
    // x * sigmoid, of a very negative x a zero; 1 - sigmoid = e * sigmoid, which does not cancel
    return vec2<f32>(max(x, -EDGE) * s, s * (1.0 + w * (e * s)));
}

@compute @workgroup_size(WG)
fn swiglu_forward(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(workgroup, count) * WG + lane;
    if (i >= d.N) { return; }
    out[i] = Act(silu(f32(gate[i])).x * f32(up[i]));
}

@compute @workgroup_size(WG)
fn swiglu_backward(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(workgroup, count) * WG + lane;
    if (i >= d.N) { return; }
    let dy = f32(dout[i]);
    let u = f32(dup[i]);
    let y = silu(f32(dgate[i]));
    dgate[i] = Act(dy * u * y.y);
    dup[i] = Act(dy * y.x);
}
