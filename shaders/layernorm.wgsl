// LayerNorm over channels (Ba et al. 2016, arXiv:1607.06450); the maths stands in src/ops/layernorm.rs.
//
// forward and backward_input: one workgroup a row (b,t); WG invocations stride over the channels and reduce in a tree.
// after: forward over the stream with a branch added to it, inp + dropout(branch), which it stores as well: what would else be a dispatch
// of its own, and the stream read once more.
// normalize: a workgroup a row too, in one pass without a barrier: forward's last loop, from the statistics it kept.
// backward_params: one invocation a channel and a chunk of ROWS rows; reduce adds the chunks up in index order.
//
// Bytes moved: forward and normalize 2 BT C; after 4 BT C; backward_input 4 BT C (it adds into dinp); backward_params 2 BT C.
// FLOPs: forward 8 BT C; normalize 4 BT C; backward 15 BT C.

const WG: u32 = 64u;        // invocations that share a row
const FLAT: u32 = 64u;      // invocations of the kernels that take a channel each
const ROWS: u32 = 64u;      // rows of a chunk
const DROPOUT: bool = true; // whether the branch is masked
alias Act = f32;            // what out, branch, y, dout and dy are made of: f32 or f16

struct Dims { BT: u32, C: u32 }
@group(1) @binding(0) var<uniform> d: Dims;

/// (BT,C)
@group(0) @binding(0) var<storage, read> inp: array<f32>;
/// (C)
@group(0) @binding(1) var<storage, read> weight: array<f32>;
/// (C)
@group(0) @binding(2) var<storage, read> bias: array<f32>;
/// (BT,C)
@group(0) @binding(3) var<storage, read_write> out: array<Act>;
/// (BT)
@group(0) @binding(4) var<storage, read_write> mean: array<f32>;
/// (BT)
@group(0) @binding(5) var<storage, read_write> rstd: array<f32>;

@compute @workgroup_size(WG)
fn layernorm_forward(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let bt = linear_workgroup(workgroup, count);
    if (bt >= d.BT) { return; }
    let row = bt * d.C;

    // mu = sum(x) / C
    var sum = 0.0;
    for (var c = lane; c < d.C; c += WG) { sum += inp[row + c]; }
    let mu = workgroup_sum(sum, lane) / f32(d.C);

    // sigma^2 = sum((x - mu)^2) / C, over the centred values: the difference of two large sums would cancel
    var squares = 0.0;
    for (var c = lane; c < d.C; c += WG) {
        let centred = inp[row + c] - mu;
        squares = fma(centred, centred, squares);
    }
    let r = 1.0 / sqrt(workgroup_sum(squares, lane) / f32(d.C) + 1e-5);

    // y = gamma * xhat + beta
    for (var c = lane; c < d.C; c += WG) {
        let xhat = (inp[row + c] - mu) * r;
        out[row + c] = Act(fma(weight[c], xhat, bias[c]));
    }
    if (lane == 0u) {
        mean[bt] = mu;
        rstd[bt] = r;
    }
}

struct AfterDims { BT: u32, C: u32, layer: u32, site: u32 }
@group(1) @binding(0) var<uniform> a: AfterDims;
@group(1) @binding(1) var<uniform> step: Step;
/// (BT,C): what is added to the stream
@group(0) @binding(1) var<storage, read> branch: array<Act>;
/// (C)
@group(0) @binding(2) var<storage, read> weight_after: array<f32>;
/// (C)
@group(0) @binding(3) var<storage, read> bias_after: array<f32>;
/// (BT,C): the stream from here on
@group(0) @binding(4) var<storage, read_write> stream: array<f32>;
/// (BT,C)
@group(0) @binding(5) var<storage, read_write> out_after: array<Act>;
/// (BT)
@group(0) @binding(6) var<storage, read_write> mean_after: array<f32>;
/// (BT)
@group(0) @binding(7) var<storage, read_write> rstd_after: array<f32>;

/// Element c of what is added to the stream in a row: its mask's hash is `hash`.
fn added(at: u32, c: u32, hash: u32) -> f32 {
    let add = f32(branch[at]);
    if (!DROPOUT) { return add; }
    return select(0.0, add * step.dropout_scale, mask_bits(hash, c) >= step.dropout_threshold);
}

@compute @workgroup_size(WG)
fn layernorm_after(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let bt = linear_workgroup(workgroup, count);
    if (bt >= a.BT) { return; }
    let row = bt * a.C;
    let hash = mask_row(mask_key(step.dropout_key, a.layer, a.site), bt);

    // An invocation reads back only what it has stored itself: there is nothing to wait for.
    var sum = 0.0;
    for (var c = lane; c < a.C; c += WG) {
        let value = inp[row + c] + added(row + c, c, hash);
        stream[row + c] = value;
        sum += value;
    }
    let mu = workgroup_sum(sum, lane) / f32(a.C);
    var squares = 0.0;
    for (var c = lane; c < a.C; c += WG) {
        let centred = stream[row + c] - mu;
        squares = fma(centred, centred, squares);
    }
    let r = 1.0 / sqrt(workgroup_sum(squares, lane) / f32(a.C) + 1e-5);
    for (var c = lane; c < a.C; c += WG) {
        let xhat = (stream[row + c] - mu) * r;
        out_after[row + c] = Act(fma(weight_after[c], xhat, bias_after[c]));
    }
    if (lane == 0u) {
        mean_after[bt] = mu;
        rstd_after[bt] = r;
    }
}

/// (BT,C), the same tensor as the forward's
@group(0) @binding(0) var<storage, read> x: array<f32>;
/// (C)
@group(0) @binding(1) var<storage, read> gamma: array<f32>;
/// (BT)
@group(0) @binding(2) var<storage, read> mu_of: array<f32>;
/// (BT)
@group(0) @binding(3) var<storage, read> rstd_of: array<f32>;
/// (BT,C)
@group(0) @binding(4) var<storage, read> dout: array<Act>;
/// (BT,C): += into the residual stream's gradient
@group(0) @binding(5) var<storage, read_write> dinp: array<f32>;

@compute @workgroup_size(WG)
fn layernorm_backward_input(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let bt = linear_workgroup(workgroup, count);
    if (bt >= d.BT) { return; }
    let row = bt * d.C;
    let mu = mu_of[bt];
    let r = rstd_of[bt];

    // ANCHOR: backward_input
    // dxhat = gamma * dy; the two means that the row's normalisation brings in
    var sum_dxhat = 0.0;
    var sum_dxhat_xhat = 0.0;
    for (var c = lane; c < d.C; c += WG) {
        let xhat = (x[row + c] - mu) * r;
        let dxhat = gamma[c] * f32(dout[row + c]);
        sum_dxhat += dxhat;
        sum_dxhat_xhat = fma(dxhat, xhat, sum_dxhat_xhat);
    }
    let mean_dxhat = workgroup_sum(sum_dxhat, lane) / f32(d.C);
    let mean_dxhat_xhat = workgroup_sum(sum_dxhat_xhat, lane) / f32(d.C);

    // dx += rstd * (dxhat - mean(dxhat) - xhat * mean(dxhat * xhat))
    for (var c = lane; c < d.C; c += WG) {
        let xhat = (x[row + c] - mu) * r;
        let dxhat = gamma[c] * f32(dout[row + c]);
        dinp[row + c] += r * (dxhat - mean_dxhat - xhat * mean_dxhat_xhat);
    }
    // ANCHOR_END: backward_input
}

/// (C)
@group(0) @binding(4) var<storage, read> beta: array<f32>;
/// (BT,C)
@group(0) @binding(5) var<storage, read_write> y: array<Act>;

@compute @workgroup_size(WG)
fn layernorm_normalize(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let bt = linear_workgroup(workgroup, count);
    if (bt >= d.BT) { return; }
    let row = bt * d.C;
    let mu = mu_of[bt];
    let r = rstd_of[bt];

    // y = gamma * xhat + beta, as forward writes it, to the bit
    for (var c = lane; c < d.C; c += WG) {
        let xhat = (x[row + c] - mu) * r;
        y[row + c] = Act(fma(gamma[c], xhat, beta[c]));
    }
}

/// (P,2,C): each chunk's sums for dgamma, then for dbeta
@group(0) @binding(4) var<storage, read_write> chunks: array<f32>;
/// (BT,C)
@group(0) @binding(3) var<storage, read> dy: array<Act>;
/// (BT)
@group(0) @binding(1) var<storage, read> mean_of: array<f32>;
/// (BT)
@group(0) @binding(2) var<storage, read> r_of: array<f32>;

@compute @workgroup_size(FLAT)
fn layernorm_backward_params(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let c = workgroup.x * FLAT + lane;
    if (c >= d.C) { return; }
    let first = workgroup.y * ROWS;
    let last = min(first + ROWS, d.BT);
    var dgamma = 0.0;
    var dbeta = 0.0;
    for (var bt = first; bt < last; bt += 1u) {
        let g = f32(dy[bt * d.C + c]);
        let xhat = (x[bt * d.C + c] - mean_of[bt]) * r_of[bt];
        dgamma = fma(g, xhat, dgamma);
        dbeta += g;
    }
    chunks[(2u * workgroup.y) * d.C + c] = dgamma;
    chunks[(2u * workgroup.y + 1u) * d.C + c] = dbeta;
}

struct ReduceDims { P: u32, C: u32 }
@group(1) @binding(0) var<uniform> r: ReduceDims;
/// (P,2,C)
@group(0) @binding(0) var<storage, read> sums: array<f32>;
/// (C): +=
@group(0) @binding(1) var<storage, read_write> dweight: array<f32>;
/// (C): +=
@group(0) @binding(2) var<storage, read_write> dbias: array<f32>;

@compute @workgroup_size(FLAT)
fn layernorm_reduce_params(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let c = workgroup.x * FLAT + lane;
    if (c >= r.C) { return; }
    var dgamma = 0.0;
    var dbeta = 0.0;
    for (var p = 0u; p < r.P; p += 1u) {
        dgamma += sums[(2u * p) * r.C + c];
        dbeta += sums[(2u * p + 1u) * r.C + c];
    }
    dweight[c] += dgamma;
    dbias[c] += dbeta;
}
