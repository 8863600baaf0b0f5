// y (=|+=) alpha x W (+ bias) for M rows of x, one of each sequence that is decoded: decoding's product. It reads each weight once
// for all rows; its floor is the weights' bytes over the memory's bandwidth. A row's sums are the same however many stand beside it.
//
// NN: a workgroup takes COLS neighbouring columns, so that a row of W is read coalesced, and cuts K into WG / COLS
// slices that are added up in order. NT: a workgroup takes RUN rows of W, reads them coalesced, and reduces in a tree.
//
// Bytes moved: W's, 4 K N, less where it rests in fewer bits (`lib/load.wgsl`). FLOPs: 2 M K N.

const WG: u32 = 64u;        // invocations of a workgroup
const COLS: u32 = 16u;      // NN: columns of a workgroup
const RUN: u32 = 1u;        // NT: columns of a workgroup, which are rows of W
const M: u32 = 1u;          // rows of x
const LAYOUT: u32 = 0u;     // 0 = NN, W (K,N); 1 = NT, W (N,K)
const ACC: bool = false;    // y += instead of y =
const W: u32 = 1u;          // elements a load
alias Stored = f32;

/// Extents, where x and y start in their buffers, a factor's bits, where bias starts, and how far apart rows of x and y are.
struct Dims { K: u32, N: u32, x0: u32, y0: u32, alpha: u32, bias0: u32, ldx: u32, ldy: u32 }
@group(1) @binding(0) var<uniform> d: Dims;

/// (M,K), from x0 on
@group(0) @binding(0) var<storage, read> x: array<f32>;
/// (K,N) or (N,K)
@group(0) @binding(1) var<storage, read> w: array<Stored>;
/// (N)
@group(0) @binding(2) var<storage, read> bias: array<f32>;
/// without bias: (M,N), from y0 on
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
/// with bias: (M,N), from y0 on
@group(0) @binding(3) var<storage, read_write> y_biased: array<f32>;

/// Element `at` of w, four times.
fn load_w(at: u32) -> vec4<f32> { return vec4<f32>(w[at / W]); }

/// Columns of a workgroup, and the sums that an invocation has.
const COLUMNS: u32 = COLS * u32(LAYOUT == 0u) + RUN * u32(LAYOUT == 1u);
const SUMS: u32 = M * (1u + (RUN - 1u) * u32(LAYOUT == 1u));
/// Every invocation's sums, one behind the other: (SUMS,WG).
var<workgroup> slices: array<f32, SUMS * WG>;

/// Leaves the workgroup's sums where `total` finds them.
fn product(group: u32, lane: u32) {
    var sums: array<f32, SUMS>;
    if (LAYOUT == 0u) {
        let n = group * COLS + lane % COLS;
        if (n < d.N) {
            for (var k = lane / COLS; k < d.K; k += WG / COLS) {
                let weight = load_w(k * d.N + n).x;
                for (var m = 0u; m < M; m += 1u) { sums[m] = fma(x[d.x0 + m * d.ldx + k], weight, sums[m]); }
            }
        }
    } else {
        for (var k = lane; k < d.K; k += WG) {
            var rows: array<f32, M>;
            for (var m = 0u; m < M; m += 1u) { rows[m] = x[d.x0 + m * d.ldx + k]; }
            for (var r = 0u; r < RUN; r += 1u) {
                // Past the last row of W the last one again: nobody asks for its sums.
                let weight = load_w(min(group * RUN + r, d.N - 1u) * d.K + k).x;
                for (var m = 0u; m < M; m += 1u) { sums[m * RUN + r] = fma(rows[m], weight, sums[m * RUN + r]); }
            }
        }
    }
    for (var s = 0u; s < SUMS; s += 1u) { slices[s * WG + lane] = sums[s]; }
    workgroupBarrier(); // every slice is in place
    if (LAYOUT == 1u) {
        for (var stride = WG / 2u; stride > 0u; stride /= 2u) {
            if (lane < stride) {
                for (var s = 0u; s < SUMS; s += 1u) { slices[s * WG + lane] += slices[s * WG + lane + stride]; }
            }
            workgroupBarrier(); // this level of the tree is done
        }
    }
}

/// The sum of row m and of the workgroup's column c.
fn total(m: u32, c: u32) -> f32 {
    if (LAYOUT == 1u) { return slices[(m * RUN + c) * WG]; }
    var sum = 0.0;
    for (var s = 0u; s < WG / COLS; s += 1u) { sum += slices[m * WG + s * COLS + c]; }
    return sum;
}

@compute @workgroup_size(WG)
fn matvec(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let group = linear_workgroup(workgroup, count);
    product(group, lane);
    for (var i = lane; i < M * COLUMNS; i += WG) {
        let n = group * COLUMNS + i % COLUMNS;
        if (n < d.N) {
            let value = bitcast<f32>(d.alpha) * total(i / COLUMNS, i % COLUMNS);
            let at = d.y0 + i / COLUMNS * d.ldy + n;
            if (ACC) { y[at] += value; } else { y[at] = value; }
        }
    }
}

@compute @workgroup_size(WG)
fn matvec_bias(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let group = linear_workgroup(workgroup, count);
    product(group, lane);
    for (var i = lane; i < M * COLUMNS; i += WG) {
        let n = group * COLUMNS + i % COLUMNS;
        if (n < d.N) {
            let value = bitcast<f32>(d.alpha) * total(i / COLUMNS, i % COLUMNS) + bias[d.bias0 + n];
            let at = d.y0 + i / COLUMNS * d.ldy + n;
            if (ACC) { y_biased[at] += value; } else { y_biased[at] = value; }
        }
    }
}
