// y (=|+=) alpha x W (+ bias) for one row x: decoding's product. It reads each weight once; its floor is the weights' bytes over
// the memory's bandwidth.
//
// NN: a workgroup takes COLS neighbouring columns, so that a row of W is read coalesced, and cuts K into WG / COLS
// slices that are added up in order. NT: a workgroup takes one row of W, reads it coalesced, and reduces in a tree.
//
// Bytes moved: W's, 4 K N, less where it rests in fewer bits (`lib/load.wgsl`). FLOPs: 2 K N.

const WG: u32 = 64u;        // invocations of a workgroup
const COLS: u32 = 16u;      // NN: columns of a workgroup
const LAYOUT: u32 = 0u;     // 0 = NN, W (K,N); 1 = NT, W (N,K)
const ACC: bool = false;    // y += instead of y =
const W: u32 = 1u;          // elements a load
alias Stored = f32;

/// Extents, where x and y start in their buffers, and a factor's bits.
struct Dims { K: u32, N: u32, x0: u32, y0: u32, alpha: u32, bias0: u32 }
@group(1) @binding(0) var<uniform> d: Dims;

/// (K), from x0 on
@group(0) @binding(0) var<storage, read> x: array<f32>;
/// (K,N) or (N,K)
@group(0) @binding(1) var<storage, read> w: array<Stored>;
/// (N)
@group(0) @binding(2) var<storage, read> bias: array<f32>;
/// without bias: (N), from y0 on
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
/// with bias: (N), from y0 on
@group(0) @binding(3) var<storage, read_write> y_biased: array<f32>;

/// Element `at` of w, four times.
fn load_w(at: u32) -> vec4<f32> { return vec4<f32>(w[at / W]); }

var<workgroup> slices: array<f32, WG>;

/// The column this invocation answers for (d.N or more: none) and its value.
struct Result { n: u32, value: f32 }

fn product(group: u32, lane: u32) -> Result {
    if (LAYOUT == 0u) {
        let n = group * COLS + lane % COLS;
        var sum = 0.0;
        if (n < d.N) {
            for (var k = lane / COLS; k < d.K; k += WG / COLS) { sum = fma(x[d.x0 + k], load_w(k * d.N + n).x, sum); }
        }
        slices[lane] = sum;
        workgroupBarrier(); // every slice is in place
        if (lane >= COLS) { return Result(d.N, 0.0); }
        var total = 0.0;
        for (var s = 0u; s < WG / COLS; s += 1u) { total += slices[s * COLS + lane]; }
        return Result(n, total);
    }
    var sum = 0.0;
    if (group < d.N) {
        for (var k = lane; k < d.K; k += WG) { sum = fma(x[d.x0 + k], load_w(group * d.K + k).x, sum); }
    }
    let total = workgroup_sum(sum, lane);
    if (lane != 0u) { return Result(d.N, 0.0); }
    return Result(group, total);
}

@compute @workgroup_size(WG)
fn matvec(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let r = product(linear_workgroup(workgroup, count), lane);
    if (r.n < d.N) {
        let value = bitcast<f32>(d.alpha) * r.value;
        if (ACC) { y[d.y0 + r.n] += value; } else { y[d.y0 + r.n] = value; }
    }
}

@compute @workgroup_size(WG)
fn matvec_bias(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let r = product(linear_workgroup(workgroup, count), lane);
    if (r.n < d.N) {
        let value = bitcast<f32>(d.alpha) * r.value + bias[d.bias0 + r.n];
        if (ACC) { y_biased[d.y0 + r.n] += value; } else { y_biased[d.y0 + r.n] = value; }
    }
}
