// Softmax, cross-entropy and the logits' gradient, over a chunk of rows and, where wte spans several tensors, of the
// vocabulary; the maths stands in src/ops/classifier.rs. Logits live for one chunk of rows only.
//
// stats: one workgroup a row reads the chunk once, each invocation carrying a running (max, sum) (Milakov and
// Gimelshein 2018, arXiv:1805.02867); chunks combine the same way, in order.
// loss: one invocation a row. backward: one invocation a logit, in place: stats has already taken what it needs of every
// logit, in a dispatch of its own, so no invocation overwrites what another still reads.
// sum: one workgroup adds the losses up.
//
// Bytes moved: stats R V; backward 2 R V. FLOPs: stats 5 R V; backward 5 R V.

const WG: u32 = 64u;            // invocations that share a row
const FLAT: u32 = 64u;          // invocations of the elementwise kernels
const FIRST: bool = true;       // whether this is the first chunk of the vocabulary

const IGNORE: u32 = 0xffffffffu;    // a target that is not scored
const LEAST: f32 = -3.0e38;         // below every logit, and finite

struct Dims { R: u32, V: u32, row0: u32, v0: u32 }
@group(1) @binding(0) var<uniform> d: Dims;
@group(1) @binding(1) var<uniform> step: Step;

/// (R,V): logits of rows row0.. for tokens v0..
@group(0) @binding(0) var<storage, read> logits: array<f32>;
/// (BT)
@group(0) @binding(1) var<storage, read> targets: array<u32>;
/// (R,3): max, sum of exp(logit - max), the target's logit
@group(0) @binding(2) var<storage, read_write> stats: array<f32>;

@compute @workgroup_size(WG)
fn classifier_stats(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let r = linear_workgroup(workgroup, count);
    if (r >= d.R) { return; }
    let row = r * d.V;
    var m = LEAST;
    var s = 0.0;
    for (var v = lane; v < d.V; v += WG) {
        let x = logits[row + v];
        let e = exp(-abs(x - m));               // one exponential whichever of the two is larger
        s = select(s + e, fma(s, e, 1.0), x > m);
        m = max(m, x);
    }
    var top = workgroup_max(m, lane);
    var sum = workgroup_sum(s * exp(m - top), lane);
    if (lane == 0u) {
        if (!FIRST) {
            let before = stats[3u * r];
            let both = max(before, top);
            sum = stats[3u * r + 1u] * exp(before - both) + sum * exp(top - both);
            top = both;
        }
        stats[3u * r] = top;
        stats[3u * r + 1u] = sum;
        let target_v = targets[d.row0 + r];
        if (target_v >= d.v0 && target_v < d.v0 + d.V) {
            stats[3u * r + 2u] = logits[row + target_v - d.v0];
        } else if (FIRST) {
            stats[3u * r + 2u] = 0.0;           // another chunk has it, or nobody asks
        }
    }
}

struct LossDims { R: u32, row0: u32 }
@group(1) @binding(0) var<uniform> dl: LossDims;
/// (R,3)
@group(0) @binding(0) var<storage, read> stats_of: array<f32>;
/// (BT): rows row0.. are written
@group(0) @binding(2) var<storage, read_write> losses: array<f32>;

@compute @workgroup_size(FLAT)
fn classifier_loss(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let r = linear_workgroup(workgroup, count) * FLAT + lane;
    if (r >= dl.R) { return; }
    // -log softmax(target) = log sum exp(logit - max) + max - logit[target]
    let loss = log(stats_of[3u * r + 1u]) + stats_of[3u * r] - stats_of[3u * r + 2u];
    losses[dl.row0 + r] = select(loss, 0.0, targets[dl.row0 + r] == IGNORE);
}

/// (R,V): logits, become their gradient in place
@group(0) @binding(2) var<storage, read_write> dlogits: array<f32>;

@compute @workgroup_size(FLAT)
fn classifier_backward(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(workgroup, count) * FLAT + lane;
    let r = i / d.V;
    if (r >= d.R) { return; }
    let v = d.v0 + i % d.V;
    let target_v = targets[d.row0 + r];
    // dlogit = (softmax - onehot(target)) * loss_scale, and what keeps gradients within f16
    let p = exp(dlogits[i] - stats_of[3u * r]) / stats_of[3u * r + 1u];
    let g = (p - select(0.0, 1.0, v == target_v)) * step.loss_scale * step.grad_scale;
    dlogits[i] = select(g, 0.0, target_v == IGNORE);
}

struct SumDims { BT: u32 }
@group(1) @binding(0) var<uniform> ds: SumDims;
/// (BT)
@group(0) @binding(0) var<storage, read> terms: array<f32>;
/// scalars: the first += loss_scale * sum(losses)
@group(0) @binding(1) var<storage, read_write> scalars: array<f32>;

@compute @workgroup_size(WG)
fn classifier_sum(@builtin(local_invocation_index) lane: u32) {
    var sum = 0.0;
    for (var i = lane; i < ds.BT; i += WG) { sum += terms[i]; }
    let total = workgroup_sum(sum, lane);
    if (lane == 0u) { scalars[0] += total * step.loss_scale; }
}
