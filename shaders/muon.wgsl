// Muon (Jordan et al. 2024): what surrounds the products of its Newton-Schulz steps. The products are matmul's.
//
// A matrix that is several side by side (GPT-2's q, k and v) is taken part by part: its rows are `stride` apart and the part
// begins `first` columns in, while x, the direction, is dense. All but the norm: one invocation an element. The norm: one workgroup
// adds the partial sums of squares up in a fixed order. Numbers that the host gives stand in the dims as bits.
// Bytes moved: momentum 4 N (g, m both ways, x), scale 2 N, polynomial 3 n², update 3 N. FLOPs: 7 N, N, 4 n², 3 N.

const WG: u32 = 8u;             // invocations of the norm's workgroup
const FLAT: u32 = 64u;          // invocations of the others' workgroups
const DECAY: bool = true;       // whether weight decay applies to this matrix

struct MomentumDims { N: u32, cols: u32, stride: u32, first: u32, mu: u32 }
@group(1) @binding(0) var<uniform> d: MomentumDims;
@group(1) @binding(1) var<uniform> step: Step;

/// (rows, stride)
@group(0) @binding(0) var<storage, read> grad: array<f32>;
/// scalars: the third is the clipping factor; below 0 the update is skipped: neither m nor param changes
@group(0) @binding(1) var<storage, read> scalars: array<f32>;
/// (rows, stride)
@group(0) @binding(2) var<storage, read_write> m: array<f32>;
/// (rows, cols)
@group(0) @binding(3) var<storage, read_write> x: array<f32>;

@compute @workgroup_size(FLAT)
fn muon_momentum(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(workgroup, count) * FLAT + lane;
    if (i >= d.N) { return; }
    let at = i / d.cols * d.stride + d.first + i % d.cols;
    let mu = bitcast<f32>(d.mu);
    let factor = scalars[2];
    if (factor < 0.0) {
        x[i] = 0.0; // what is computed of it must be a number, though nothing comes of it
        return;
    }
    let g = grad[at] * factor;
    let m1 = m[at] + (1.0 - mu) * (g - m[at]);
    m[at] = m1;
    x[i] = g + mu * (m1 - g);
}

struct NormDims { P: u32, eps: u32 }
@group(1) @binding(0) var<uniform> dn: NormDims;
/// (P)
@group(0) @binding(0) var<storage, read> all_squares: array<f32>;
/// (1)
@group(0) @binding(1) var<storage, read_write> inverse: array<f32>;

@compute @workgroup_size(WG)
fn muon_norm(@builtin(local_invocation_index) lane: u32) {
    var sum = 0.0;
    for (var i = lane; i < dn.P; i += WG) { sum += all_squares[i]; }
    let norm = sqrt(workgroup_sum(sum, lane));
    if (lane == 0u) { inverse[0] = 1.0 / max(norm, bitcast<f32>(dn.eps)); }
}

struct ScaleDims { N: u32 }
@group(1) @binding(0) var<uniform> ds: ScaleDims;
/// (1)
@group(0) @binding(0) var<storage, read> factor: array<f32>;
/// (rows, cols)
@group(0) @binding(1) var<storage, read_write> scaled: array<f32>;

@compute @workgroup_size(FLAT)
fn muon_scale(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(workgroup, count) * FLAT + lane;
    if (i >= ds.N) { return; }
    scaled[i] *= factor[0];
}

struct PolynomialDims { N: u32, n: u32, a: u32, b: u32, c: u32 }
@group(1) @binding(0) var<uniform> dp: PolynomialDims;
/// (n, n)
@group(0) @binding(0) var<storage, read> gram: array<f32>;
/// (n, n): gram's square, which becomes the polynomial
@group(0) @binding(1) var<storage, read_write> square: array<f32>;

@compute @workgroup_size(FLAT)
fn muon_polynomial(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(workgroup, count) * FLAT + lane;
    if (i >= dp.N) { return; }
    // The diagonal's elements are n + 1 apart.
    let identity = select(0.0, bitcast<f32>(dp.a), i % (dp.n + 1u) == 0u);
    square[i] = identity + bitcast<f32>(dp.b) * gram[i] + bitcast<f32>(dp.c) * square[i];
}

struct UpdateDims { N: u32, cols: u32, stride: u32, first: u32, scale: u32 }
@group(1) @binding(0) var<uniform> du: UpdateDims;
/// (rows, cols)
@group(0) @binding(0) var<storage, read> direction: array<f32>;
/// (rows, stride)
@group(0) @binding(2) var<storage, read_write> param: array<f32>;

@compute @workgroup_size(FLAT)
fn muon_update(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(workgroup, count) * FLAT + lane;
    if (i >= du.N || scalars[2] < 0.0) { return; }
    let at = i / du.cols * du.stride + du.first + i % du.cols;
    var p = param[at];
    if (DECAY) { p *= 1.0 - step.lr * step.weight_decay; }
    param[at] = p - step.lr * bitcast<f32>(du.scale) * direction[i];
}
