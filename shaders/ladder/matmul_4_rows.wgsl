// The ladder of the matrix product, rung 4 of 7: a thread computes a column of TM elements.
//
//   c[m][n] = Σ a[m][k]·b[k][n] over k      a (M,K)  b (K,N)  c (M,N), any sizes
//
// Changed from rung 3: a thread keeps TM sums, of TM rows under one another. The word of b that it reads serves all of them.
// Why: a multiplication read two words of workgroup memory, and that memory serves a word a lane and cycle where the arithmetic
// could do several multiplications: reads were the limit. Now it is 1 + TM reads for TM multiplications, nearly half as many.
//
// Plan: one workgroup a BM × BN tile of c; one thread TM rows of a column of it in registers, neighbours in neighbouring columns,
// so that a's word is the same for all of them (a broadcast). K in steps of BK. Grid: x = ⌈N / BN⌉, y = ⌈M / BM⌉.
//
// FLOPs 2·M·K·N. Bytes loaded 4·M·K·N·(1/BM + 1/BN), 0.375 of rung 3's; stored 4·M·N.
// Workgroup memory 4·BK·(BM + BN) bytes = 3 KiB.
// Costs: TM registers, and a tile eight times as large: a small c has fewer workgroups to fill a GPU with.

const BM: u32 = 64u;
const BN: u32 = 32u;
const BK: u32 = 8u;
const TM: u32 = 8u;

const THREADS: u32 = BM / TM * BN;

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
fn ladder_matmul_4_rows(@builtin(workgroup_id) tile: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let m0 = tile.y * BM;
    let n0 = tile.x * BN;
    let row = thread / BN * TM;
    let col = thread % BN;
    var acc: array<f32, TM>;
    for (var i = 0u; i < TM; i++) { acc[i] = 0.0; }
    for (var k0 = 0u; k0 < d.K; k0 += BK) {
        workgroupBarrier(); // the last step's tiles have been read
        for (var e = thread; e < BM * BK; e += THREADS) { a_tile[e / BK][e % BK] = a_at(m0 + e / BK, k0 + e % BK); }
        for (var e = thread; e < BK * BN; e += THREADS) { b_tile[e / BN][e % BN] = b_at(k0 + e / BN, n0 + e % BN); }
        workgroupBarrier(); // both tiles are whole
        for (var k = 0u; k < BK; k++) {
            let right = b_tile[k][col];
            for (var i = 0u; i < TM; i++) { acc[i] = fma(a_tile[row + i][k], right, acc[i]); }
        }
    }
    for (var i = 0u; i < TM; i++) {
        if (m0 + row + i < d.M && n0 + col < d.N) { c[(m0 + row + i) * d.N + n0 + col] = acc[i]; }
    }
}
