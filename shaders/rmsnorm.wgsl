// RMSNorm over channels (Zhang and Sennrich 2019, arXiv:1910.07467); the maths stands in src/ops/rmsnorm.rs.
//
// forward and backward_input: one workgroup a row (b,t); WG invocations stride over the channels and reduce in a tree.
// after: forward over the stream with a branch added to it, inp + dropout(branch), which it stores as well.
// normalize: a workgroup a row too, in one pass without a barrier: forward's last loop, from the rstd it kept.
// backward_params: one invocation a channel and a chunk of ROWS rows; reduce adds the chunks up in index order.
//
// Bytes moved: forward and normalize 2 BT C; after 4 BT C; backward_input 4 BT C (it adds into dinp); backward_params 2 BT C.
// FLOPs: forward 4 BT C; normalize 2 BT C; backward 12 BT C.

const WG: u32 = 64u;        // invocations that share a row
const FLAT: u32 = 64u;      // invocations of the kernels that take a channel each
const ROWS: u32 = 64u;      // rows of a chunk
const DROPOUT: bool = true; // whether the branch is masked
alias Act = f32;            // what out, branch, y, dout and dy are made of: f32 or f16

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

struct AfterDims { BT: u32, C: u32, EPS: u32, layer: u32, site: u32 }
@group(1) @binding(0) var<uniform> a: AfterDims;
@group(1) @binding(1) var<uniform> step: Step;
/// (BT,C): what is added to the stream
@group(0) @binding(1) var<storage, read> branch: array<Act>;
/// (C)
@group(0) @binding(2) var<storage, read> weight_after: array<f32>;
/// (BT,C): the stream from here on
@group(0) @binding(3) var<storage, read_write> stream: array<f32>;
/// (BT,C)
@group(0) @binding(4) var<storage, read_write> out_after: array<Act>;
/// (BT)
@group(0) @binding(5) var<storage, read_write> rstd_after: array<f32>;

/// Element c of what is added to the stream in a row: its mask's hash is `hash`.
fn added(at: u32, c: u32, hash: u32) -> f32 {
    let add = f32(branch[at]);
    if (!DROPOUT) { return add; }
    return select(0.0, add * step.dropout_scale, mask_bits(hash, c) >= step.dropout_threshold);
}

@compute @workgroup_size(WG)
fn rmsnorm_after(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let bt = linear_workgroup(workgroup, count);
    if (bt >= a.BT) { return; }
    let row = bt * a.C;
    let hash = mask_row(mask_key(step.dropout_key, a.layer, a.site), bt);

    // An invocation reads back only what it has stored itself: there is nothing to wait for.
    var squares = 0.0;
    for (var c = lane; c < a.C; c += WG) {
        let value = inp[row + c] + added(row + c, c, hash);
        stream[row + c] = value;
        squares = fma(value, value, squares);
    }
    let r = 1.0 / sqrt(workgroup_sum(squares, lane) / f32(a.C) + bitcast<f32>(a.EPS));
    for (var c = lane; c < a.C; c += WG) { out_after[row + c] = Act(weight_after[c] * (stream[row + c] * r)); }
    if (lane == 0u) { rstd_after[bt] = r; }
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
