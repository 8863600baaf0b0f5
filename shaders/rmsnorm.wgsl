// RMSNorm over channels (Zhang and Sennrich 2019, arXiv:1910.07467); the maths stands in src/ops/rmsnorm.rs.
//
// forward and backward_input: one workgroup a row (b,t); WG invocations stride over the channels and reduce in a tree.
// normalize: a workgroup a row too, in one pass without a barrier: forward's last loop, from the rstd it kept.
// backward_params: one invocation a channel and a chunk of ROWS rows; reduce adds the chunks up in index order.
//
// Bytes moved: forward and normalize 2 BT C; backward_input 4 BT C (it adds into dinp); backward_params 2 BT C.
// FLOPs: forward 4 BT C; normalize 2 BT C; backward 12 BT C.

const WG: u32 = 64u;        // invocations that share a row
const FLAT: u32 = 64u;      // invocations of the kernels that take a channel each
const ROWS: u32 = 64u;      // rows of a chunk
alias Act = f32;            // what out, y, dout and dy are made of: f32 or f16

struct ForwardDims { BT: u32, C: u32, EPS: u32 }    // EPS: the bits of a f32
@group(1) @binding(0) var<uniform> f: ForwardDims;

/// (BT,C)
@group(0) @binding(0) var<storage, read> inp: array<f32>;
/// (C)
@group(0) @binding(1) var<storage, read> weight: array<f32>;
/// (BT,C)
@group(0) @binding(2) var<storage, read_write> out: array<Act>;
/// (BT)
@group(0) @binding(3) var<storage, read_write> rstd: array<f32>;

@compute @workgroup_size(WG)
fn rmsnorm_forward(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let bt = linear_workgroup(workgroup, count);
    if (bt >= f.BT) { return; }
    let row = bt * f.C;

    // rstd = 1 / sqrt(mean(x^2) + eps)
    var squares = 0.0;
    for (var c = lane; c < f.C; c += WG) { squares = fma(inp[row + c], inp[row + c], squares); }
    let r = 1.0 / sqrt(workgroup_sum(squares, lane) / f32(f.C) + bitcast<f32>(f.EPS));

    // y = gamma * xhat
    for (var c = lane; c < f.C; c += WG) { out[row + c] = Act(weight[c] * (inp[row + c] * r)); }
    if (lane == 0u) { rstd[bt] = r; }
}

struct Dims { BT: u32, C: u32 }
@group(1) @binding(0) var<uniform> d: Dims;
/// (BT)
@group(0) @binding(2) var<storage, read> rstd_of: array<f32>;
/// (BT,C)
@group(0) @binding(3) var<storage, read_write> y: array<Act>;

@compute @workgroup_size(WG)
fn rmsnorm_normalize(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let bt = linear_workgroup(workgroup, count);
    if (bt >= d.BT) { return; }
    let row = bt * d.C;
    let r = rstd_of[bt];

    // y = gamma * xhat, as forward writes it, to the bit
    for (var c = lane; c < d.C; c += WG) { y[row + c] = Act(weight[c] * (inp[row + c] * r)); }
}

/// (BT,C)
@group(0) @binding(3) var<storage, read> dout: array<Act>;
/// (BT,C): += into the residual stream's gradient
@group(0) @binding(4) var<storage, read_write> dinp: array<f32>;

@compute @workgroup_size(WG)
fn rmsnorm_backward_input(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let bt = linear_workgroup(workgroup, count);
    if (bt >= d.BT) { return; }
    let row = bt * d.C;
    let r = rstd_of[bt];

    // ANCHOR: backward_input
    // dxhat = gamma * dy; the one mean that the row's normalisation brings in
    var sum_dxhat_xhat = 0.0;
    for (var c = lane; c < d.C; c += WG) {
        let xhat = inp[row + c] * r;
        sum_dxhat_xhat = fma(weight[c] * f32(dout[row + c]), xhat, sum_dxhat_xhat);
    }
    let mean_dxhat_xhat = workgroup_sum(sum_dxhat_xhat, lane) / f32(d.C);

    // dx += rstd * (dxhat - xhat * mean(dxhat * xhat))
    for (var c = lane; c < d.C; c += WG) {
        let xhat = inp[row + c] * r;
        dinp[row + c] += r * (weight[c] * f32(dout[row + c]) - xhat * mean_dxhat_xhat);
    }
    // ANCHOR_END: backward_input
}

/// (BT)
@group(0) @binding(1) var<storage, read> r_of: array<f32>;
/// (BT,C)
@group(0) @binding(2) var<storage, read> dy: array<Act>;
/// (P,C): each chunk's sums
@group(0) @binding(3) var<storage, read_write> chunks: array<f32>;

@compute @workgroup_size(FLAT)
fn rmsnorm_backward_params(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let c = workgroup.x * FLAT + lane;
    if (c >= d.C) { return; }
    let first = workgroup.y * ROWS;
    let last = min(first + ROWS, d.BT);
    var dgamma = 0.0;
    for (var bt = first; bt < last; bt += 1u) {
        let xhat = inp[bt * d.C + c] * r_of[bt];
        dgamma = fma(f32(dy[bt * d.C + c]), xhat, dgamma);
    }
    chunks[workgroup.y * d.C + c] = dgamma;
}

struct ReduceDims { P: u32, C: u32 }
@group(1) @binding(0) var<uniform> r: ReduceDims;
/// (P,C)
@group(0) @binding(0) var<storage, read> sums: array<f32>;
/// (C): +=
@group(0) @binding(1) var<storage, read_write> dweight: array<f32>;

@compute @workgroup_size(FLAT)
fn rmsnorm_reduce_params(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let c = workgroup.x * FLAT + lane;
    if (c >= r.C) { return; }
    var dgamma = 0.0;
    for (var p = 0u; p < r.P; p += 1u) { dgamma += sums[p * r.C + c]; }
    dweight[c] += dgamma;
}
