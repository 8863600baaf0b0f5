// The ladder of the matrix product, rung 7 of 7: no workgroup memory at all, for adapters that are a processor.
//
//   c[m][n] = Σ a[m][k]·b[k][n] over k      a (M,K)  b (K,N)  c (M,N), any sizes
//
// Changed from rung 6: the tiles in workgroup memory are gone, and the barriers with them. A thread loads its own words, four at a
// time, and keeps a tile four times as large, ROWS × COLS; a workgroup is one vector of the processor.
// Why: a software adapter runs a workgroup's threads as lanes of vector instructions and one such vector after another. Its
// workgroup memory is ordinary memory, no nearer than the buffers in the processor's cache, and at a barrier every vector has to
// put its registers away and take them up again. What counts is the number of loads (each is walked lane by lane), so the tile
// in registers is as large as its compiler bears: 24 loads of four words serve 512 multiplications.
// Not a step up on a GPU: there eight threads fill a quarter of a vector of 32, and their loads are not coalesced.
//
// Plan: one workgroup of LANES threads a strip of ROWS × LANES·COLS of c; one thread a tile of ROWS × COLS over the whole of K, in
// steps of W. Grid: x = ⌈M / ROWS⌉, y = ⌈N / (LANES·COLS)⌉: neighbours in x share the strip of b, which then stays in the cache.
//
// FLOPs 2·M·K·N. Bytes loaded 4·M·K·N·(1/ROWS + 1/COLS), six times rung 6's but nearly all from the processor's cache; stored 4·M·N.
// Costs: rows of whole vec4s, as rung 6; and registers that only a processor's compiler can spill without grief.

const W: u32 = 4u;
const ROWS: u32 = 16u;
const COLS: u32 = 8u;
const LANES: u32 = 8u;
alias Vec = vec4<f32>;

struct Dims { M: u32, K: u32, N: u32 }

/// (M,K), W words a load
@group(0) @binding(0) var<storage, read> a: array<Vec>;
/// (K,N), W words a load
@group(0) @binding(1) var<storage, read> b: array<Vec>;
/// (M,N)
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(1) @binding(0) var<uniform> d: Dims;

/// c = a·b
@compute @workgroup_size(LANES)
fn ladder_matmul_7_lanes(@builtin(workgroup_id) tile: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let m0 = tile.x * ROWS;
    let n0 = (tile.y * LANES + lane) * COLS;
    var acc: array<array<f32, COLS>, ROWS>;
    for (var r = 0u; r < ROWS; r++) {
        for (var j = 0u; j < COLS; j++) { acc[r][j] = 0.0; }
    }
    // Always K. Mesa's software Vulkan (22.3) takes a bound that rests on uniforms alone for a constant of the shader, and may
    // then compile it anew at every dispatch.
    let depth = select(d.K, 0u, m0 >= d.M);
    for (var k = 0u; k < depth; k += W) {
        // Every loop has as many turns as the array it indexes is long: only then does Mesa keep the arrays in registers.
        var ak: array<array<f32, ROWS>, W>; // ak[i][r] = a at row m0+r and depth k+i
        var bk: array<array<f32, COLS>, W>; // bk[i][j] = b at depth k+i and column n0+j
        // Rows and columns past the edge are loaded from the last ones: what they give is never stored.
        for (var r = 0u; r < ROWS; r++) {
            let v = vec4<f32>(a[(min(m0 + r, d.M - 1u) * d.K + k) / W]);
            for (var i = 0u; i < W; i++) { ak[i][r] = v[i]; }
        }
        for (var i = 0u; i < W; i++) {
            var v: vec4<f32>;
            for (var j = 0u; j < COLS; j++) {
                if (j % W == 0u) { v = vec4<f32>(b[((k + i) * d.N + min(n0 + j, d.N - W)) / W]); }
                bk[i][j] = v[j % W];
            }
        }
        for (var i = 0u; i < W; i++) {
            for (var r = 0u; r < ROWS; r++) {
                for (var j = 0u; j < COLS; j++) { acc[r][j] = fma(ak[i][r], bk[i][j], acc[r][j]); }
            }
        }
    }
    for (var r = 0u; r < ROWS; r++) {
        for (var j = 0u; j < COLS; j++) {
            if (m0 + r < d.M && n0 + j < d.N) { c[(m0 + r) * d.N + n0 + j] = acc[r][j]; }
        }
    }
}
