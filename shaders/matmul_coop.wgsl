enable f16;
enable wgpu_cooperative_matrix;

// Matrix product of halves by cooperative matrices: a subgroup multiplies small square matrices together, on units that a GPU has for it.
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
// Plan: one workgroup a BM × BN tile of c, a quarter of it a worker, which is a subgroup: 2 × 2 matrices of SIZE × SIZE, summed in
// single precision, in whatever registers the device keeps them. Along K in steps of BK: all threads copy a tile of a and one of b
// into workgroup memory as they lie in theirs, and every worker loads its matrices from there, by rows or by columns. At the end the sums go
// through workgroup memory too: which lane holds which element only the device knows, and alpha, the bias and the edges ask for that.
// Subgroups may be smaller than the largest that the device has, and then there are more than four of them: the others compute what
// a worker computes, and write it where nothing reads.
// Grid: x = ⌈M / BM⌉, y = ⌈N / BN⌉. Threads: four times the largest subgroup.
//
// FLOPs 2·M·K·N. Bytes loaded 2·M·K·N·(1/BM + 1/BN); stored 4·M·N, or 2·M·N of halves (ACC reads as many).
//
// LAYOUT, ACC          as above.
// MatA, MatB, MatC     the matrices: SIZE × SIZE, of f16 twice, of f32.
// Vec, W               the width of a load: vec4<f16> and 4, or f16 and 1; W = 4 asks as in `matmul.wgsl`.
// Out                  what c is made of: f32, or f16.
// THREADS              threads a workgroup.

const LAYOUT: u32 = 0u;
const ACC: bool = false;
const W: u32 = 4u;
const SIZE: u32 = 8u;
const THREADS: u32 = 128u;
alias MatA = coop_mat8x8<f16, A>;
alias MatB = coop_mat8x8<f16, B>;
alias MatC = coop_mat8x8<f32, C>;
alias Vec = vec4<f16>;
alias Out = f32;

/// Rows and columns of a worker's quarter, of the tile, and depths of a step.
const QUARTER: u32 = 2u * SIZE;
const BM: u32 = 2u * QUARTER;
const BN: u32 = 2u * QUARTER;
const BK: u32 = 2u * SIZE;
const WORKERS: u32 = 4u;
/// Elements behind each line of a tile, so that the lines of a matrix do not all begin in one bank.
const PAD: u32 = 8u;
/// Lines of the tiles, and from each to the next: a's are its rows, or for TN its depths; b's its depths, or for NT its columns.
const A_TURNED: u32 = u32(LAYOUT == 2u);
const A_LINES: u32 = BM + A_TURNED * BK - A_TURNED * BM;
const A_LENGTH: u32 = BK + A_TURNED * BM - A_TURNED * BK;
const A_LINE: u32 = A_LENGTH + PAD;
const B_TURNED: u32 = u32(LAYOUT == 1u);
const B_LINES: u32 = BK + B_TURNED * BN - B_TURNED * BK;
const B_LENGTH: u32 = BN + B_TURNED * BK - B_TURNED * BN;
const B_LINE: u32 = B_LENGTH + PAD;

/// Extents, where each matrix starts in its buffer and how far apart its rows lie (in elements), a factor's bits, and where the bias starts.
struct Dims { M: u32, K: u32, N: u32, a0: u32, b0: u32, c0: u32, lda: u32, ldb: u32, ldc: u32, alpha: u32, bias0: u32 }

/// (M,K), or (K,M) for TN; W elements a load
@group(0) @binding(0) var<storage, read> a: array<Vec>;
/// (K,N), or (N,K) for NT; W elements a load
@group(0) @binding(1) var<storage, read> b: array<Vec>;
/// (M,N), of `matmul_coop`
@group(0) @binding(2) var<storage, read_write> c: array<Out>;
/// (N) from bias0 on, of `matmul_coop_bias` and `matmul_coop_gelu`
@group(0) @binding(2) var<storage, read> bias: array<f32>;
/// (M,N): what GELU was given, of `matmul_coop_slope`
@group(0) @binding(2) var<storage, read> pre: array<Out>;
/// (M,N), of those three
@group(0) @binding(3) var<storage, read_write> c_after: array<Out>;
/// (M,N): what GELU made of it, of `matmul_coop_gelu`
@group(0) @binding(4) var<storage, read_write> act: array<Out>;
@group(1) @binding(0) var<uniform> d: Dims;

var<workgroup> a_tile: array<f16, A_LINES * A_LINE>;
var<workgroup> b_tile: array<f16, B_LINES * B_LINE>;
/// A quarter after the other, each by rows; in the last what nothing reads.
var<workgroup> sums: array<f32, (WORKERS + 1u) * QUARTER * QUARTER>;

/// Element `at` four times (W = 1), or the four that start there (W = 4).
fn load_a(at: u32) -> vec4<f16> { return vec4<f16>(a[at / W]); }
fn load_b(at: u32) -> vec4<f16> { return vec4<f16>(b[at / W]); }

/// The line and the place in it are clamped to what there is: what a row or a column past the edge gives is never stored, and a depth
/// past the edge is zero.
fn stage(m0: u32, n0: u32, k0: u32, thread: u32) {
    for (var i = thread; i < A_LINES * (A_LENGTH / W); i += THREADS) {
        let line = i / (A_LENGTH / W);
        let at = W * (i % (A_LENGTH / W));
        var v: vec4<f16>;
        if (LAYOUT == 2u) {
            v = load_a(d.a0 + min(k0 + line, d.K - 1u) * d.lda + min(m0 + at, d.M - W));
            v = select(vec4<f16>(), v, k0 + line < d.K);
        } else {
            v = load_a(d.a0 + min(m0 + line, d.M - 1u) * d.lda + min(k0 + at, d.K - W));
            v = select(vec4<f16>(), v, k0 + at < d.K);
        }
        for (var j = 0u; j < W; j++) { a_tile[line * A_LINE + at + j] = v[j]; }
    }
    for (var i = thread; i < B_LINES * (B_LENGTH / W); i += THREADS) {
        let line = i / (B_LENGTH / W);
        let at = W * (i % (B_LENGTH / W));
        var v: vec4<f16>;
        if (LAYOUT == 1u) {
            v = load_b(d.b0 + min(n0 + line, d.N - 1u) * d.ldb + min(k0 + at, d.K - W));
            v = select(vec4<f16>(), v, k0 + at < d.K);
        } else {
            v = load_b(d.b0 + min(k0 + line, d.K - 1u) * d.ldb + min(n0 + at, d.N - W));
            v = select(vec4<f16>(), v, k0 + line < d.K);
        }
        for (var j = 0u; j < W; j++) { b_tile[line * B_LINE + at + j] = v[j]; }
    }
}

/// The matrix of the tile of a that begins at row m and depth k. (coopLoad takes columns that lie a line apart, coopLoadT rows.)
fn mat_a(m: u32, k: u32) -> MatA {
    if (LAYOUT == 2u) { return coopLoad<MatA>(&a_tile[k * A_LINE + m], A_LINE); }
    return coopLoadT<MatA>(&a_tile[m * A_LINE + k], A_LINE);
}

/// The same of b, at depth k and column n.
fn mat_b(k: u32, n: u32) -> MatB {
    if (LAYOUT == 1u) { return coopLoad<MatB>(&b_tile[n * B_LINE + k], B_LINE); }
    return coopLoadT<MatB>(&b_tile[k * B_LINE + n], B_LINE);
}

/// sums = the tile whose first row is m0 and first column n0.
fn multiply_tile(m0: u32, n0: u32, thread: u32, subgroup: u32) {
    let m = (subgroup / 2u % 2u) * QUARTER;
    let n = (subgroup % 2u) * QUARTER;
    var c00 = MatC();
    var c01 = MatC();
    var c10 = MatC();
    var c11 = MatC();
    for (var k0 = 0u; k0 < d.K; k0 += BK) {
        workgroupBarrier(); // the last step's tiles have been read
        stage(m0, n0, k0, thread);
        workgroupBarrier(); // both tiles are whole
        for (var k = 0u; k < BK; k += SIZE) {
            let a0 = mat_a(m, k);
            let a1 = mat_a(m + SIZE, k);
            let b0 = mat_b(k, n);
            let b1 = mat_b(k, n + SIZE);
            c00 = coopMultiplyAdd(a0, b0, c00);
            c01 = coopMultiplyAdd(a0, b1, c01);
            c10 = coopMultiplyAdd(a1, b0, c10);
            c11 = coopMultiplyAdd(a1, b1, c11);
        }
    }
    let quarter = min(subgroup, WORKERS) * QUARTER * QUARTER;
    coopStoreT(c00, &sums[quarter], QUARTER);
    coopStoreT(c01, &sums[quarter + SIZE], QUARTER);
    coopStoreT(c10, &sums[quarter + SIZE * QUARTER], QUARTER);
    coopStoreT(c11, &sums[quarter + SIZE * QUARTER + SIZE], QUARTER);
    workgroupBarrier(); // every quarter is there
}

/// alpha times what the workers found, for a row and a column of the tile.
fn value_at(row: u32, col: u32) -> f32 {
    let quarter = 2u * (row / QUARTER) + col / QUARTER;
    return bitcast<f32>(d.alpha) * sums[(quarter * QUARTER + row % QUARTER) * QUARTER + col % QUARTER];
}

/// c_after (=|+=) value
fn store_after(row: u32, col: u32, value: f32) {
    let at = d.c0 + row * d.ldc + col;
    if (ACC) { c_after[at] = Out(f32(c_after[at]) + value); } else { c_after[at] = Out(value); }
}

/// c (=|+=) alpha·a·b
@compute @workgroup_size(THREADS)
fn matmul_coop(
    @builtin(workgroup_id) tile: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
    @builtin(subgroup_id) subgroup: u32,
) {
    multiply_tile(tile.x * BM, tile.y * BN, thread, subgroup);
    for (var i = thread; i < BM * BN; i += THREADS) {
        let row = tile.x * BM + i / BN;
        let col = tile.y * BN + i % BN;
        if (row < d.M && col < d.N) {
            let at = d.c0 + row * d.ldc + col;
            let value = value_at(i / BN, i % BN);
            if (ACC) { c[at] = Out(f32(c[at]) + value); } else { c[at] = Out(value); }
        }
    }
}

/// c (=|+=) alpha·a·b + bias
@compute @workgroup_size(THREADS)
fn matmul_coop_bias(
    @builtin(workgroup_id) tile: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
    @builtin(subgroup_id) subgroup: u32,
) {
    multiply_tile(tile.x * BM, tile.y * BN, thread, subgroup);
    for (var i = thread; i < BM * BN; i += THREADS) {
        let row = tile.x * BM + i / BN;
        let col = tile.y * BN + i % BN;
        if (row < d.M && col < d.N) {
            store_after(row, col, value_at(i / BN, i % BN) + bias[d.bias0 + col]);
        }
    }
}

/// c = alpha·a·b + bias, act = GELU(c)
@compute @workgroup_size(THREADS)
fn matmul_coop_gelu(
    @builtin(workgroup_id) tile: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
    @builtin(subgroup_id) subgroup: u32,
) {
    multiply_tile(tile.x * BM, tile.y * BN, thread, subgroup);
    for (var i = thread; i < BM * BN; i += THREADS) {
        let row = tile.x * BM + i / BN;
        let col = tile.y * BN + i % BN;
        if (row < d.M && col < d.N) {
            let value = value_at(i / BN, i % BN) + bias[d.bias0 + col];
            store_after(row, col, value);
            act[row * d.N + col] = Out(gelu(f32(Out(value)))); // of what was stored, as a backward makes it again
        }
    }
}

/// c = alpha·a·b ⊙ GELU'(pre)
@compute @workgroup_size(THREADS)
fn matmul_coop_slope(
    @builtin(workgroup_id) tile: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
    @builtin(subgroup_id) subgroup: u32,
) {
    multiply_tile(tile.x * BM, tile.y * BN, thread, subgroup);
    for (var i = thread; i < BM * BN; i += THREADS) {
        let row = tile.x * BM + i / BN;
        let col = tile.y * BN + i % BN;
        if (row < d.M && col < d.N) {
            store_after(row, col, value_at(i / BN, i % BN) * gelu_slope(f32(pre[row * d.N + col])));
        }
    }
}
