// Matrix product without shared memory, for adapters whose lanes are a CPU's (llvmpipe and its like).
//
//   LAYOUT 0, NN:  c = a·b      a (M,K)  b (K,N)
//   LAYOUT 1, NT:  c = a·bᵀ     a (M,K)  b (N,K)
//   LAYOUT 2, TN:  c = aᵀ·b     a (K,M)  b (K,N)          c (M,N); the product times alpha; ACC: c += instead of c =
//
// Before it is stored, a product may have a bias added, become what GELU is given and be put through it too, or be multiplied by
// GELU's slope: an entry point each.
//
// Each may be a range of the columns of a wider matrix: rows of a lie lda elements apart, those of b ldb, those of c ldc.
//
// Plan: one workgroup of LANES threads a strip of ROWS × LANES·COLS of c; one thread a tile of ROWS × COLS, kept in
// registers over the whole of K. A step along K loads ROWS·W of a and COLS·W of b and multiplies all their pairs. There is
// no barrier and no shared memory: a software adapter pays dearly for both, and its cost is the *number of loads* (each
// one is walked lane by lane), so the tile is as large as its compiler bears and a load is W words wide.
// Grid: x = ⌈M / ROWS⌉, y = ⌈N / (LANES·COLS)⌉. Neighbours in x share the strip of b, which then stays in the cache.
//
// SPREAD: the lanes of a workgroup, which are one subgroup, share the loads of a: a row is loaded by one of them, and handed to the
// others through their registers. Of a step's loads, ROWS for a become ROWS / LANES.
//
// FLOPs 2·M·K·N. Bytes loaded 4·M·K·N·(1/ROWS + 1/COLS), nearly all from cache; stored 4·M·N (ACC reads as many).
//
// LAYOUT, ACC   as above.
// Vec, W        the width of a load: vec4<f32> and 4, or f32 and 1. (What a and b are made of may have fewer bits, and Vec and Stored
//               fewer words: `lib/load.wgsl`. Out is f32, or f16.) W = 4 asks that a0, b0, lda, ldb and these extents
//               be multiples of 4: K and N for NN, K for NT, M, K and N for TN. W = 1 takes any sizes. c is always stored by the word.
// ROWS, COLS    a thread's tile; COLS a multiple of W, and for TN ROWS too.
// LANES         threads a workgroup: the adapter's SIMD width.
// SPREAD        as above; asks for subgroups of at least LANES, and ROWS = 4·LANES.

const LAYOUT: u32 = 0u;
const ACC: bool = false;
const W: u32 = 4u;
const ROWS: u32 = 16u;
const COLS: u32 = 8u;
const LANES: u32 = 8u;
const SPREAD: bool = false;
alias Vec = vec4<f32>;
alias Stored = vec4<f32>;
alias Out = f32;

/// Extents, where each matrix starts in its buffer and how far apart its rows lie (in elements), a factor's bits, and where the bias starts.
struct Dims { M: u32, K: u32, N: u32, a0: u32, b0: u32, c0: u32, lda: u32, ldb: u32, ldc: u32, alpha: u32, bias0: u32 }

/// (M,K), or (K,M) for TN; W elements a load
@group(0) @binding(0) var<storage, read> a: array<Vec>;
/// (K,N), or (N,K) for NT; W elements a load
@group(0) @binding(1) var<storage, read> b: array<Stored>;
/// (M,N), of `matmul_lanes`
@group(0) @binding(2) var<storage, read_write> c: array<Out>;
/// (N) from bias0 on, of `matmul_lanes_bias` and `matmul_lanes_gelu`
@group(0) @binding(2) var<storage, read> bias: array<f32>;
/// (M,N): what GELU was given, of `matmul_lanes_slope`
@group(0) @binding(2) var<storage, read> pre: array<Out>;
/// (M,N), of those three
@group(0) @binding(3) var<storage, read_write> c_after: array<Out>;
/// (M,N): what GELU made of it, of `matmul_lanes_gelu`
@group(0) @binding(4) var<storage, read_write> act: array<Out>;
@group(1) @binding(0) var<uniform> d: Dims;

/// Word `at` of a or b (W = 1), four times, or the vec4 that starts there (W = 4).
fn load_a(at: u32) -> vec4<f32> { return vec4<f32>(a[at / W]); }
fn load_b(at: u32) -> vec4<f32> { return vec4<f32>(b[at / W]); }

/// The value of another lane: a variant that spreads loads brings the subgroup's own.
fn from_lane(value: f32, lane: u32) -> f32 { return value; }

/// The thread's tile of the product.
var<private> acc: array<array<f32, COLS>, ROWS>;

/// acc = the rows m0.. and columns n0.. of the product. Rows and columns past the edge are loaded from the last ones, so
/// that no read is out of bounds; what they give is never stored.
fn multiply_tile(m0: u32, n0: u32, lane: u32) {
    for (var r = 0u; r < ROWS; r++) {
        for (var j = 0u; j < COLS; j++) { acc[r][j] = 0.0; }
    }
    // ANCHOR: bound
    // A bound that rests on the workgroup, not on the uniforms alone: Mesa's software Vulkan (22.3) would otherwise take
    // K for a constant of the shader, and may then compile it anew at every dispatch.
    let depth = select(d.K, 0u, m0 >= d.M);
    for (var k = 0u; k < depth; k += W) {
        // Every loop below has as many turns as the array it indexes is long: that is what makes Mesa unroll it and
        // keep the arrays in registers.
        var ak: array<array<f32, ROWS>, W>; // ak[i][r] = a at row m0+r and depth k+i
        var bk: array<array<f32, COLS>, W>; // bk[i][j] = b at depth k+i and column n0+j
    // ANCHOR_END: bound
        if (SPREAD) {
            // Four loads a lane: of TN's wide rows four neighbours at each depth; else of every LANES-th row.
            var own: array<vec4<f32>, 4>;
            for (var g = 0u; g < 4u; g++) {
                let row = min(m0 + g * LANES + lane, d.M - 1u);
                if (LAYOUT == 2u && W == 4u) {
                    own[g] = load_a(d.a0 + (k + g) * d.lda + min(m0 + 4u * lane, d.M - 4u));
                } else if (LAYOUT == 2u) {
                    own[g] = load_a(d.a0 + k * d.lda + row);
                } else {
                    own[g] = load_a(d.a0 + row * d.lda + k);
                }
            }
            for (var i = 0u; i < W; i++) {
                for (var r = 0u; r < ROWS; r++) {
                    if (LAYOUT == 2u && W == 4u) {
                        ak[i][r] = from_lane(own[i][r % 4u], r / 4u);
                    } else {
                        ak[i][r] = from_lane(own[r / LANES][i], r % LANES);
                    }
                }
            }
        } else if (LAYOUT == 2u) {
            for (var i = 0u; i < W; i++) {
                let line = d.a0 + (k + i) * d.lda;
                var v: vec4<f32>;
                for (var r = 0u; r < ROWS; r++) {
                    if (r % W == 0u) { v = load_a(line + min(m0 + r, d.M - W)); }
                    ak[i][r] = v[r % W];
                }
            }
        } else {
            for (var r = 0u; r < ROWS; r++) {
                let v = load_a(d.a0 + min(m0 + r, d.M - 1u) * d.lda + k);
                for (var i = 0u; i < W; i++) { ak[i][r] = v[i]; }
            }
        }
        if (LAYOUT == 1u) {
            for (var j = 0u; j < COLS; j++) {
                let v = load_b(d.b0 + min(n0 + j, d.N - 1u) * d.ldb + k);
                for (var i = 0u; i < W; i++) { bk[i][j] = v[i]; }
            }
        } else {
            for (var i = 0u; i < W; i++) {
                let line = d.b0 + (k + i) * d.ldb;
                var v: vec4<f32>;
                for (var j = 0u; j < COLS; j++) {
                    if (j % W == 0u) { v = load_b(line + min(n0 + j, d.N - W)); }
                    bk[i][j] = v[j % W];
                }
            }
        }
        for (var i = 0u; i < W; i++) {
            for (var r = 0u; r < ROWS; r++) {
                for (var j = 0u; j < COLS; j++) { acc[r][j] = fma(ak[i][r], bk[i][j], acc[r][j]); }
            }
        }
    }
}

/// c (=|+=) alpha·a·b
@compute @workgroup_size(LANES)
fn matmul_lanes(@builtin(workgroup_id) tile: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let m0 = tile.x * ROWS;
    let n0 = (tile.y * LANES + lane) * COLS;
    multiply_tile(m0, n0, lane);
    for (var j = 0u; j < COLS; j++) {
        for (var r = 0u; r < ROWS; r++) {
            let row = m0 + r;
            let col = n0 + j;
            if (row < d.M && col < d.N) {
                let at = d.c0 + row * d.ldc + col;
                let value = bitcast<f32>(d.alpha) * acc[r][j];
                if (ACC) { c[at] = Out(f32(c[at]) + value); } else { c[at] = Out(value); }
            }
        }
    }
}

/// c (=|+=) alpha·a·b + bias
@compute @workgroup_size(LANES)
fn matmul_lanes_bias(@builtin(workgroup_id) tile: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let m0 = tile.x * ROWS;
    let n0 = (tile.y * LANES + lane) * COLS;
    multiply_tile(m0, n0, lane);
    for (var j = 0u; j < COLS; j++) {
        let of_column = bias[d.bias0 + min(n0 + j, d.N - 1u)];
        for (var r = 0u; r < ROWS; r++) {
            let row = m0 + r;
            let col = n0 + j;
            if (row < d.M && col < d.N) {
                let at = d.c0 + row * d.ldc + col;
                let value = bitcast<f32>(d.alpha) * acc[r][j] + of_column;
                if (ACC) { c_after[at] = Out(f32(c_after[at]) + value); } else { c_after[at] = Out(value); }
            }
        }
    }
}

/// c = alpha·a·b + bias, act = GELU(c as it is stored): what a backward makes of that again
@compute @workgroup_size(LANES)
fn matmul_lanes_gelu(@builtin(workgroup_id) tile: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let m0 = tile.x * ROWS;
    let n0 = (tile.y * LANES + lane) * COLS;
    multiply_tile(m0, n0, lane);
    for (var j = 0u; j < COLS; j++) {
        let of_column = bias[d.bias0 + min(n0 + j, d.N - 1u)];
        for (var r = 0u; r < ROWS; r++) {
            let row = m0 + r;
            let col = n0 + j;
            if (row < d.M && col < d.N) {
                let value = bitcast<f32>(d.alpha) * acc[r][j] + of_column;
                c_after[d.c0 + row * d.ldc + col] = Out(value);
                act[row * d.N + col] = Out(gelu(f32(Out(value))));
            }
        }
    }
}

/// c = alpha·a·b ⊙ GELU'(pre)
@compute @workgroup_size(LANES)
fn matmul_lanes_slope(@builtin(workgroup_id) tile: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let m0 = tile.x * ROWS;
    let n0 = (tile.y * LANES + lane) * COLS;
    multiply_tile(m0, n0, lane);
    for (var j = 0u; j < COLS; j++) {
        for (var r = 0u; r < ROWS; r++) {
            let row = m0 + r;
            let col = n0 + j;
            if (row < d.M && col < d.N) {
                let value = bitcast<f32>(d.alpha) * acc[r][j];
                c_after[d.c0 + row * d.ldc + col] = Out(value * gelu_slope(f32(pre[row * d.N + col])));
            }
        }
    }
}
