// The ladder of the matrix product, rung 2 of 7: neighbouring threads along a row.
//
//   c[m][n] = Σ a[m][k]·b[k][n] over k      a (M,K)  b (K,N)  c (M,N), any sizes
//
// Changed from rung 1: x counts columns and y rows. Nothing else: not a word more or less is loaded.
// Why: neighbours wanted words of different lines, and a GPU fetches lines. Now, at each step along K, sixteen neighbours want
// sixteen words of b that lie side by side, one line of 64 bytes, and the same word of a: the hardware serves each with one
// access. That is what coalesced means. c is stored the same way.
//
// Plan: one thread an element of c; workgroups of SIDE × SIDE. Grid: x = ⌈N / SIDE⌉, y = ⌈M / SIDE⌉.
//
// FLOPs 2·M·K·N. Bytes loaded 8·M·K·N, as before, but in whole lines; stored 4·M·N.

const SIDE: u32 = 16u;

struct Dims { M: u32, K: u32, N: u32 }

/// (M,K)
@group(0) @binding(0) var<storage, read> a: array<f32>;
/// (K,N)
@group(0) @binding(1) var<storage, read> b: array<f32>;
/// (M,N)
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(1) @binding(0) var<uniform> d: Dims;

/// c = a·b
@compute @workgroup_size(SIDE, SIDE)
fn ladder_matmul_2_coalesced(@builtin(global_invocation_id) id: vec3<u32>) {
    let m = id.y;
    let n = id.x;
    if (m >= d.M || n >= d.N) { return; }
    var sum = 0.0;
    for (var k = 0u; k < d.K; k++) { sum = fma(a[m * d.K + k], b[k * d.N + n], sum); }
    c[m * d.N + n] = sum;
}
