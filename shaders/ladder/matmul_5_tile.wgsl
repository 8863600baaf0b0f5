// The ladder of the matrix product, rung 5 of 7: a thread computes a tile of TM × TN.
//
//   c[m][n] = Σ a[m][k]·b[k][n] over k      a (M,K)  b (K,N)  c (M,N), any sizes
//
// Changed from rung 4: a thread keeps TM × TN sums. Of a step along K it reads TM words of a and TN of b into registers, and
// multiplies each with each.
// Why: every word of a still served one multiplication, so reads of workgroup memory were still the limit. Now TM + TN reads serve
// TM·TN multiplications: 12 for 32, where rung 4 made 9 for 8 and rung 3 two for one.
//
// Plan: one workgroup a BM × BN tile of c; one thread TM × TN neighbours of it in registers. K in steps of BK.
// Grid: x = ⌈N / BN⌉, y = ⌈M / BM⌉.
//
// FLOPs 2·M·K·N. Bytes loaded 4·M·K·N·(1/BM + 1/BN), two thirds of rung 4's; stored 4·M·N.
// Workgroup memory 4·BK·(BM + BN) bytes = 8 KiB.
// Costs: TM·TN + TM + TN registers, so fewer threads at once to hide a wait behind. And neighbouring threads now read words TN
// apart: workgroup memory lies in banks, word by word, 32 of them or so; words TN apart are spread over a TN-th of the banks, and
// those that meet in one are served one after another. c is stored in words TN apart too.

const BM: u32 = 64u;
const BN: u32 = 64u;
const BK: u32 = 16u;
const TM: u32 = 8u;
const TN: u32 = 4u;

const THREADS_N: u32 = BN / TN;
const THREADS: u32 = BM / TM * THREADS_N;

struct Dims { M: u32, K: u32, N: u32 }

/// (M,K)
@group(0) @binding(0) var<storage, read> a: array<f32>;
/// (K,N)
@group(0) @binding(1) var<storage, read> b: array<f32>;
/// (M,N)
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(1) @binding(0) var<uniform> d: Dims;

/// a_tile[row][depth], b_tile[depth][column].
var<workgroup> a_tile: array<array<f32, BK>, BM>;
var<workgroup> b_tile: array<array<f32, BN>, BK>;

/// An element of an operand; edges as in rung 3.
fn a_at(m: u32, k: u32) -> f32 { return select(0.0, a[min(m, d.M - 1u) * d.K + min(k, d.K - 1u)], k < d.K); }
fn b_at(k: u32, n: u32) -> f32 { return select(0.0, b[min(k, d.K - 1u) * d.N + min(n, d.N - 1u)], k < d.K); }

/// c = a·b
@compute @workgroup_size(THREADS)
fn ladder_matmul_5_tile(@builtin(workgroup_id) tile: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let m0 = tile.y * BM;
    let n0 = tile.x * BN;
    let row = thread / THREADS_N * TM;
    let col = thread % THREADS_N * TN;
    var acc: array<array<f32, TN>, TM>;
    for (var i = 0u; i < TM; i++) {
        for (var j = 0u; j < TN; j++) { acc[i][j] = 0.0; }
    }
    for (var k0 = 0u; k0 < d.K; k0 += BK) {
        workgroupBarrier(); // the last step's tiles have been read
        for (var e = thread; e < BM * BK; e += THREADS) { a_tile[e / BK][e % BK] = a_at(m0 + e / BK, k0 + e % BK); }
        for (var e = thread; e < BK * BN; e += THREADS) { b_tile[e / BN][e % BN] = b_at(k0 + e / BN, n0 + e % BN); }
        workgroupBarrier(); // both tiles are whole
        for (var k = 0u; k < BK; k++) {
            var right: array<f32, TN>;
            for (var j = 0u; j < TN; j++) { right[j] = b_tile[k][col + j]; }
            for (var i = 0u; i < TM; i++) {
                let left = a_tile[row + i][k];
                for (var j = 0u; j < TN; j++) { acc[i][j] = fma(left, right[j], acc[i][j]); }
            }
        }
    }
    for (var i = 0u; i < TM; i++) {
        for (var j = 0u; j < TN; j++) {
            let m = m0 + row + i;
            let n = n0 + col + j;
            if (m < d.M && n < d.N) { c[m * d.N + n] = acc[i][j]; }
        }
    }
}
