// The ladder of the matrix product, rung 1 of 7: the equation and nothing else.
//
//   c[m][n] = Σ a[m][k]·b[k][n] over k      a (M,K)  b (K,N)  c (M,N), any sizes
//
// Plan: one thread an element of c; workgroups of SIDE × SIDE. Threads are numbered along x first, and here x goes *down a
// column* of c: at each step along K, sixteen neighbours want one word each of sixteen rows of a, K words apart, and the
// same word of b. Memory hands over whole lines, of 32 to 128 bytes: for each word of a that is used, 7 to 31 come along.
// Grid: x = ⌈M / SIDE⌉, y = ⌈N / SIDE⌉.
//
// FLOPs 2·M·K·N. Bytes loaded 8·M·K·N: two words for each multiplication, each asked for by itself; stored 4·M·N, each word
// into a line of its own.

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
fn ladder_matmul_1_naive(@builtin(global_invocation_id) id: vec3<u32>) {
    let m = id.x;
    let n = id.y;
    if (m >= d.M || n >= d.N) { return; }
    var sum = 0.0;
    for (var k = 0u; k < d.K; k++) { sum = fma(a[m * d.K + k], b[k * d.N + n], sum); }
    c[m * d.N + n] = sum;
}
