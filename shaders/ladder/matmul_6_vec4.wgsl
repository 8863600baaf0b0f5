// The ladder of the matrix product, rung 6 of 7: four words a load.
//
//   c[m][n] = Σ a[m][k]·b[k][n] over k      a (M,K)  b (K,N)  c (M,N), any sizes
//
// Changed from rung 5: memory is read four words at a time, from the buffers and from the tiles. For that a's tile is turned as it
// is staged, depth first like b's, so that four rows of a depth are one vec4; a thread's TM rows are two groups of four, BM/2
// apart, so that neighbouring threads read neighbouring vec4s; and a depth is padded by one vec4.
// Why: a load is an instruction whatever its width, and twelve of them stood beside the 32 multiplications of a step: now three do.
// The order of rows and the padding are against the banks in which threads met: without them those that read a row of the tile side
// by side, and those that write a's, four depths apart, would ask the same ones.
//
// Plan: one workgroup a BM × BN tile of c; one thread TM × 4 of it in registers. K in steps of BK.
// Grid: x = ⌈N / BN⌉, y = ⌈M / BM⌉.
//
// FLOPs 2·M·K·N. Bytes loaded 4·M·K·N·(1/BM + 1/BN), as rung 5, in a quarter of the loads; stored 4·M·N by the word.
// Workgroup memory 4·BK·(BM + BN + 8) bytes = 8.5 KiB.
// Costs: rows of whole vec4s. Where K or N is no multiple of 4 the kernel is built with W = 1 and gathers a vec4 from four loads.

const W: u32 = 4u;
const BM: u32 = 64u;
const BN: u32 = 64u;
const BK: u32 = 16u;
const TM: u32 = 8u;
alias Vec = vec4<f32>;

/// vec4s of a tile's rows and columns, of its depths, and of a thread's rows.
const BM4: u32 = BM / 4u;
const BN4: u32 = BN / 4u;
const BK4: u32 = BK / 4u;
const TM4: u32 = TM / 4u;
const THREADS_M: u32 = BM / TM;
const THREADS: u32 = THREADS_M * BN4;

struct Dims { M: u32, K: u32, N: u32 }

/// (M,K), W words a load
@group(0) @binding(0) var<storage, read> a: array<Vec>;
/// (K,N), W words a load
@group(0) @binding(1) var<storage, read> b: array<Vec>;
/// (M,N)
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(1) @binding(0) var<uniform> d: Dims;

/// a_tile[depth][row/4], b_tile[depth][column/4].
var<workgroup> a_tile: array<array<vec4<f32>, BM4 + 1u>, BK>;
var<workgroup> b_tile: array<array<vec4<f32>, BN4 + 1u>, BK>;

/// Four depths of a row of a, four columns of a row of b; edges as in rung 3.
fn a_at(m: u32, k: u32) -> vec4<f32> {
    let row = min(m, d.M - 1u) * d.K;
    if (W == 4u) { return select(vec4<f32>(), vec4<f32>(a[(row + min(k, d.K - 4u)) / W]), k < d.K); }
    var v: vec4<f32>;
    for (var i = 0u; i < 4u; i++) { v[i] = select(0.0, vec4<f32>(a[row + min(k + i, d.K - 1u)]).x, k + i < d.K); }
    return v;
}
fn b_at(k: u32, n: u32) -> vec4<f32> {
    let row = min(k, d.K - 1u) * d.N;
    if (W == 4u) { return select(vec4<f32>(), vec4<f32>(b[(row + min(n, d.N - 4u)) / W]), k < d.K); }
    var v: vec4<f32>;
    for (var i = 0u; i < 4u; i++) { v[i] = select(0.0, vec4<f32>(b[row + min(n + i, d.N - 1u)]).x, k < d.K); }
    return v;
}

/// c = a·b
@compute @workgroup_size(THREADS)
fn ladder_matmul_6_vec4(@builtin(workgroup_id) tile: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let m0 = tile.y * BM;
    let n0 = tile.x * BN;
    let row4 = thread / BN4;
    let col4 = thread % BN4;
    var acc: array<array<vec4<f32>, 4>, TM4>; // acc[group of rows][row in it] = four columns
    for (var p = 0u; p < TM4; p++) {
        for (var i = 0u; i < 4u; i++) { acc[p][i] = vec4<f32>(); }
    }
    for (var k0 = 0u; k0 < d.K; k0 += BK) {
        workgroupBarrier(); // the last step's tiles have been read
        for (var e = thread; e < BM4 * BK4; e += THREADS) {
            // Four rows of four depths, turned. A vec4 is written whole: a lone component's write may touch its neighbours.
            let m = m0 + 4u * (e / BK4);
            let k = 4u * (e % BK4);
            var rows: array<vec4<f32>, 4>;
            for (var i = 0u; i < 4u; i++) { rows[i] = a_at(m + i, k0 + k); }
            for (var i = 0u; i < 4u; i++) {
                a_tile[k + i][e / BK4] = vec4<f32>(rows[0][i], rows[1][i], rows[2][i], rows[3][i]);
            }
        }
        for (var e = thread; e < BK * BN4; e += THREADS) {
            b_tile[e / BN4][e % BN4] = b_at(k0 + e / BN4, n0 + 4u * (e % BN4));
        }
        workgroupBarrier(); // both tiles are whole
        for (var k = 0u; k < BK; k++) {
            let right = b_tile[k][col4];
            for (var p = 0u; p < TM4; p++) {
                let left = a_tile[k][p * THREADS_M + row4];
                acc[p][0] = fma(vec4<f32>(left.x), right, acc[p][0]);
                acc[p][1] = fma(vec4<f32>(left.y), right, acc[p][1]);
                acc[p][2] = fma(vec4<f32>(left.z), right, acc[p][2]);
                acc[p][3] = fma(vec4<f32>(left.w), right, acc[p][3]);
            }
        }
    }
    for (var p = 0u; p < TM4; p++) {
        for (var i = 0u; i < 4u; i++) {
            let m = m0 + 4u * (p * THREADS_M + row4) + i;
            for (var s = 0u; s < 4u; s++) {
                let n = n0 + 4u * col4 + s;
                if (m < d.M && n < d.N) { c[m * d.N + n] = acc[p][i][s]; }
            }
        }
    }
}
