// The ladder of the matrix product, rung 3 of 7: tiles in workgroup memory.
//
//   c[m][n] = Σ a[m][k]·b[k][n] over k      a (M,K)  b (K,N)  c (M,N), any sizes
//
// Changed from rung 2: the workgroup first copies a SIDE × SIDE tile of each operand into memory of its own, one word a thread,
// then everyone multiplies out of there; and so on along K.
// Why: the sixteen threads of a row of c each fetched the same row of a, those of a column the same column of b: every word came
// SIDE times, from a cache at best. Now it comes once a workgroup.
//
// Plan: one workgroup a SIDE × SIDE tile of c, one thread an element of it, K in steps of SIDE.
// Grid: x = ⌈N / SIDE⌉, y = ⌈M / SIDE⌉.
//
// FLOPs 2·M·K·N. Bytes loaded 8·M·K·N / SIDE; stored 4·M·N. Workgroup memory 8·SIDE² bytes = 2 KiB.
// Costs: two barriers a step; and a multiplication still reads two words, only from nearer by.

const SIDE: u32 = 16u;

struct Dims { M: u32, K: u32, N: u32 }

/// (M,K)
@group(0) @binding(0) var<storage, read> a: array<f32>;
/// (K,N)
@group(0) @binding(1) var<storage, read> b: array<f32>;
/// (M,N)
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(1) @binding(0) var<uniform> d: Dims;

/// a_tile[row][depth], b_tile[depth][column].
var<workgroup> a_tile: array<array<f32, SIDE>, SIDE>;
var<workgroup> b_tile: array<array<f32, SIDE>, SIDE>;

/// An element of an operand. Rows and columns past the edge are read from the last one: what they give is never stored. A
/// depth past the edge is zero and adds nothing.
fn a_at(m: u32, k: u32) -> f32 { return select(0.0, a[min(m, d.M - 1u) * d.K + min(k, d.K - 1u)], k < d.K); }
fn b_at(k: u32, n: u32) -> f32 { return select(0.0, b[min(k, d.K - 1u) * d.N + min(n, d.N - 1u)], k < d.K); }

/// c = a·b
@compute @workgroup_size(SIDE, SIDE)
fn ladder_matmul_3_shared(@builtin(workgroup_id) tile: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let m = tile.y * SIDE + local.y;
    let n = tile.x * SIDE + local.x;
    var sum = 0.0;
    for (var k0 = 0u; k0 < d.K; k0 += SIDE) {
        workgroupBarrier(); // the last step's tiles have been read
        a_tile[local.y][local.x] = a_at(m, k0 + local.x);
        b_tile[local.y][local.x] = b_at(k0 + local.y, n);
        workgroupBarrier(); // both tiles are whole
        for (var k = 0u; k < SIDE; k++) { sum = fma(a_tile[local.y][k], b_tile[k][local.x], sum); }
    }
    if (m < d.M && n < d.N) { c[m * d.N + n] = sum; }
}
