// The gradient of a bias: the column sums of dout, in two deterministic stages.
//
// partial: one invocation a column and a chunk of ROWS rows. reduce: one invocation a column adds the chunks up in order.
// Bytes moved: M N. FLOPs: M N.

const WG: u32 = 64u;        // invocations of a workgroup
const ROWS: u32 = 64u;      // rows of a chunk
alias Act = f32;            // what dout is made of: f32 or f16

/// N columns from `first` on of a matrix whose rows are `width` long.
struct Dims { M: u32, N: u32, first: u32, width: u32 }
@group(1) @binding(0) var<uniform> d: Dims;

/// (M,width)
@group(0) @binding(0) var<storage, read> dout: array<Act>;
/// (P,N)
@group(0) @binding(1) var<storage, read_write> chunks: array<f32>;

@compute @workgroup_size(WG)
fn bias_partial(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let n = workgroup.x * WG + lane;
    if (n >= d.N) { return; }
    let first = workgroup.y * ROWS;
    let last = min(first + ROWS, d.M);
    var sum = 0.0;
    for (var m = first; m < last; m += 1u) { sum += f32(dout[m * d.width + d.first + n]); }
    chunks[workgroup.y * d.N + n] = sum;
}

struct ReduceDims { P: u32, N: u32, first: u32 }
@group(1) @binding(0) var<uniform> dr: ReduceDims;
/// (P,N)
@group(0) @binding(0) var<storage, read> sums: array<f32>;
/// (N) from `first` on: +=
@group(0) @binding(1) var<storage, read_write> dbias: array<f32>;

@compute @workgroup_size(WG)
fn bias_reduce(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let n = workgroup.x * WG + lane;
    if (n >= dr.N) { return; }
    var sum = 0.0;
    for (var p = 0u; p < dr.P; p += 1u) { sum += sums[p * dr.N + n]; }
    dbias[dr.first + n] += sum;
}
