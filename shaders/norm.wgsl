// The global gradient norm and the factor that clips it, as torch.nn.utils.clip_grad_norm_ computes them; a factor below 0
// says that this update is skipped. Gradients may have been multiplied by a scale, which the norm is freed of, and the factor takes off.
//
// partial: one workgroup a chunk of CHUNK elements of one range of gradients. final: one workgroup adds every chunk
// of every range up in a fixed order. Bytes moved: the gradients, once. FLOPs: 2 N.

const WG: u32 = 64u;            // invocations of a workgroup
const CHUNK: u32 = 16384u;      // elements of a chunk

struct Dims { N: u32, first: u32 }
@group(1) @binding(0) var<uniform> d: Dims;

/// (N)
@group(0) @binding(0) var<storage, read> g: array<f32>;
/// (chunks of all gradients): from `first` on
@group(0) @binding(1) var<storage, read_write> squares: array<f32>;

@compute @workgroup_size(WG)
fn norm_partial(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let chunk = linear_workgroup(workgroup, count);
    let first = chunk * CHUNK;
    if (first >= d.N) { return; }
    let last = min(first + CHUNK, d.N);
    var sum = 0.0;
    for (var i = first + lane; i < last; i += WG) { sum = fma(g[i], g[i], sum); }
    let total = workgroup_sum(sum, lane);
    if (lane == 0u) { squares[d.first + chunk] = total; }
}

struct FinalDims { P: u32 }
@group(1) @binding(0) var<uniform> df: FinalDims;
@group(1) @binding(1) var<uniform> step: Step;
/// (P)
@group(0) @binding(0) var<storage, read> all_squares: array<f32>;
/// scalars: the first is the loss; the second becomes the norm, the third the factor
@group(0) @binding(1) var<storage, read_write> scalars: array<f32>;

@compute @workgroup_size(WG)
fn norm_final(@builtin(local_invocation_index) lane: u32) {
    var sum = 0.0;
    for (var i = lane; i < df.P; i += WG) { sum += all_squares[i]; }
    // A power of two: the division is exact.
    let norm = sqrt(workgroup_sum(sum, lane)) / step.grad_scale;
    if (lane == 0u) {
        scalars[1] = norm;
        let factor = select(1.0, min(1.0, step.grad_clip / (norm + 1e-6)), step.grad_clip > 0.0);
        let spike = norm > step.norm_limit || scalars[0] > step.loss_limit;
        // Infinite or NaN, by its bits: a compiler may take it that neither arises. Such a step changes nothing.
        let broken = (bitcast<u32>(norm) & 0x7f800000u) == 0x7f800000u;
        scalars[2] = select(factor / step.grad_scale, -1.0, spike || broken);
    }
}
