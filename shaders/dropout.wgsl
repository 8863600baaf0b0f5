// Dropout (Srivastava et al. 2014) without a stored mask: out = keep(seed, micro-step, layer, site, bt, c) * inp / (1-p).
// The same function serves forward and backward, because the mask is its own derivative.
//
// One invocation an element. Bytes moved: 2 N. FLOPs: N.

const WG: u32 = 64u;        // invocations of a workgroup
alias Act = f32;            // what both are made of: f32 or f16

struct Dims { N: u32, C: u32, layer: u32, site: u32 }
@group(1) @binding(0) var<uniform> d: Dims;
@group(1) @binding(1) var<uniform> step: Step;

/// (BT,C)
@group(0) @binding(0) var<storage, read> inp: array<Act>;
/// (BT,C)
@group(0) @binding(1) var<storage, read_write> out: array<Act>;

@compute @workgroup_size(WG)
fn dropout(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(workgroup, count) * WG + lane;
    if (i >= d.N) { return; }
    let key = mask_key(step.dropout_key, d.layer, d.site);
    let keep = mask_bits(mask_row(key, i / d.C), i % d.C) >= step.dropout_threshold;
    out[i] = Act(select(0.0, f32(inp[i]) * step.dropout_scale, keep));
}
