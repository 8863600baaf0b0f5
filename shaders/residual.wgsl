// The residual sum: out = inp1 + dropout(inp2).
//
// One invocation an element. Bytes moved: 3 N. FLOPs: N, and N for the mask.

const WG: u32 = 64u;            // invocations of a workgroup
const DROPOUT: bool = true;     // whether inp2 is masked
alias Stream = f32;             // what inp1 and out are made of: f32 or f16
alias Act = f32;                // what inp2 is made of

struct Dims { N: u32, C: u32, layer: u32, site: u32 }
@group(1) @binding(0) var<uniform> d: Dims;
@group(1) @binding(1) var<uniform> step: Step;

/// (BT,C): the stream
@group(0) @binding(0) var<storage, read> inp1: array<Stream>;
/// (BT,C): what a sublayer adds to it
@group(0) @binding(1) var<storage, read> inp2: array<Act>;
/// (BT,C)
@group(0) @binding(2) var<storage, read_write> out: array<Stream>;

@compute @workgroup_size(WG)
fn residual_forward(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(workgroup, count) * WG + lane;
    if (i >= d.N) { return; }
    var add = f32(inp2[i]);
    if (DROPOUT) {
        let key = mask_key(step.dropout_key, d.layer, d.site);
        let keep = mask_bits(mask_row(key, i / d.C), i % d.C) >= step.dropout_threshold;
        add = select(0.0, add * step.dropout_scale, keep);
    }
    out[i] = Stream(f32(inp1[i]) + add);
}
