// AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101), as torch.optim.AdamW computes it.
//
// One invocation an element of a range of parameters that decay alike. Bytes moved: 7 N (p, m, v both ways, g once). FLOPs: about 15 N.

const WG: u32 = 64u;            // invocations of a workgroup
const DECAY: bool = true;       // whether weight decay applies to this range

struct Dims { N: u32 }
@group(1) @binding(0) var<uniform> d: Dims;
@group(1) @binding(1) var<uniform> step: Step;

/// (N)
@group(0) @binding(0) var<storage, read> grad: array<f32>;
/// scalars: the third is the clipping factor; below 0 nothing changes
@group(0) @binding(1) var<storage, read> scalars: array<f32>;
/// (N)
@group(0) @binding(2) var<storage, read_write> param: array<f32>;
/// (N)
@group(0) @binding(3) var<storage, read_write> m: array<f32>;
/// (N)
@group(0) @binding(4) var<storage, read_write> v: array<f32>;

@compute @workgroup_size(WG)
fn adamw(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(workgroup, count) * WG + lane;
    if (i >= d.N) { return; }
    let factor = scalars[2];
    if (factor < 0.0) { return; }
    let g = grad[i] * factor;
    var p = param[i];
    if (DECAY) { p *= 1.0 - step.lr * step.weight_decay; }
    let m1 = m[i] + (1.0 - step.beta1) * (g - m[i]);
    let v1 = step.beta2 * v[i] + (1.0 - step.beta2) * g * g;
    m[i] = m1;
    v[i] = v1;
    param[i] = p - (step.lr / step.bias1) * m1 / (sqrt(v1) / step.bias2 + step.eps);
}
