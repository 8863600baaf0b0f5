// Matrix product in shared-memory tiles, for GPUs.
//
//   LAYOUT 0, NN:  c = a·b      a (M,K)  b (K,N)
//   LAYOUT 1, NT:  c = a·bᵀ     a (M,K)  b (N,K)
//   LAYOUT 2, TN:  c = aᵀ·b     a (K,M)  b (K,N)          c (M,N); the product times alpha; ACC: c += instead of c =
//
// Before it is stored, a product may have a bias added, become what GELU is given and be put through it too, or be multiplied by
// GELU's slope: an entry point each. What an entry point stores it stores in one loop over its part: each branch of such a
// loop, behind barriers and unrolled, is dear to a software driver's compiler.
//
// Each may be a range of the columns of a wider matrix: rows of a lie lda elements apart, those of b ldb, those of c ldc.
//
// Plan: one workgroup a BM × BN tile of c; one thread TM × TN of it in registers. Along K in steps of BK: all threads copy
// a BM × BK and a BN × BK tile into workgroup memory, both with depth as the outer axis whatever the layout was, then every
// thread multiplies its rows and columns out of there. Consecutive threads load along each operand's contiguous axis.
// A thread's rows and columns come in groups of four, BM/(TM/4) and BN/(TN/4) apart, so that neighbouring threads read
// neighbouring vec4s (no bank is asked twice) and store neighbouring words. A depth is padded by one vec4 for the same end.
// Where c is small and K long, few workgroups would each have much to do: the depths are cut into SPLITS parts, a workgroup takes one,
// and c is (SPLITS,M,N), which `matmul_reduce` adds up in order.
// Grid: x = ⌈M / BM⌉, y = ⌈N / BN⌉, z = SPLITS. Threads: BM/TM · BN/TN.
//
// FLOPs 2·M·K·N. Bytes loaded 4·M·K·N·(1/BM + 1/BN); stored 4·M·N (ACC reads as many).
// Workgroup memory 4·BK·(BM + BN + 8) bytes.
//
// LAYOUT, ACC   as above.
// Vec, W        the width of a global load: vec4<f32> and 4, or f32 and 1. (What a and b are made of may have fewer bits, and Vec and Stored
//               fewer words: `lib/load.wgsl`. Out is f32, or f16.) W = 4 asks that a0, b0, lda, ldb and these extents
//               be multiples of 4: K and N for NN, K for NT, M, K and N for TN. W = 1 takes any sizes. c is stored by the word.
// BM, BN, BK    the tile; BK a multiple of 4.
// TM, TN        a thread's part of it; multiples of 4, and BM of TM, BN of TN.
// SPLITS        parts of the depth.

const LAYOUT: u32 = 0u;
const ACC: bool = false;
const W: u32 = 4u;
const BM: u32 = 64u;
const BN: u32 = 64u;
const BK: u32 = 16u;
const TM: u32 = 8u;
const TN: u32 = 4u;
const SPLITS: u32 = 1u;
alias Vec = vec4<f32>;
alias Stored = vec4<f32>;
alias Out = f32;

const THREADS_N: u32 = BN / TN;
const THREADS_M: u32 = BM / TM;
const THREADS: u32 = THREADS_M * THREADS_N;
/// Groups of four rows and of four columns: in the tile, and of a thread.
const BM4: u32 = BM / 4u;
const BN4: u32 = BN / 4u;
const TM4: u32 = TM / 4u;
const TN4: u32 = TN / 4u;

/// Extents, where each matrix starts in its buffer and how far apart its rows lie (in elements), a factor's bits, and where the bias starts.
struct Dims { M: u32, K: u32, N: u32, a0: u32, b0: u32, c0: u32, lda: u32, ldb: u32, ldc: u32, alpha: u32, bias0: u32 }

/// (M,K), or (K,M) for TN; W elements a load
@group(0) @binding(0) var<storage, read> a: array<Vec>;
/// (K,N), or (N,K) for NT; W elements a load
@group(0) @binding(1) var<storage, read> b: array<Stored>;
/// (M,N), of `matmul`
@group(0) @binding(2) var<storage, read_write> c: array<Out>;
/// (N) from bias0 on, of `matmul_bias` and `matmul_gelu`
@group(0) @binding(2) var<storage, read> bias: array<f32>;
/// (M,N): what GELU was given, of `matmul_slope`
@group(0) @binding(2) var<storage, read> pre: array<Out>;
/// (M,N), of those three
@group(0) @binding(3) var<storage, read_write> c_after: array<Out>;
/// (M,N): what GELU made of it, of `matmul_gelu`
@group(0) @binding(4) var<storage, read_write> act: array<Out>;
@group(1) @binding(0) var<uniform> d: Dims;

/// a_tile[k][m/4], b_tile[k][n/4]: four neighbours of a depth in a vec4, written whole (a lone component's write may touch
/// its neighbours, which other threads own).
var<workgroup> a_tile: array<array<vec4<f32>, BM4 + 1u>, BK>;
var<workgroup> b_tile: array<array<vec4<f32>, BN4 + 1u>, BK>;

/// The thread's part of the product: acc[group of rows][row in it][group of columns].
var<private> acc: array<array<array<vec4<f32>, TN4>, 4>, TM4>;

/// Word `at` of a (W = 1), or the vec4 that starts there (W = 4).
fn load_a(at: u32) -> vec4<f32> { return vec4<f32>(a[at / W]); }
fn load_b(at: u32) -> vec4<f32> { return vec4<f32>(b[at / W]); }

/// a_tile = rows m0.. of a, depths k0... Rows past the edge are read from the last one: what they give is never stored.
/// Depths past the edge are zero.
fn stage_a(m0: u32, k0: u32, thread: u32) {
    if (LAYOUT == 2u) {
        // Contiguous along m: four neighbours are one load.
        for (var n = thread; n < BK * BM4; n += THREADS) {
            let k = k0 + n / BM4;
            let m = m0 + 4u * (n % BM4);
            let line = d.a0 + min(k, d.K - 1u) * d.lda;
            var v: vec4<f32>;
            if (W == 4u) {
                v = load_a(line + min(m, d.M - 4u));
            } else {
                for (var i = 0u; i < 4u; i++) { v[i] = load_a(line + min(m + i, d.M - 1u)).x; }
            }
            a_tile[n / BM4][n % BM4] = select(vec4<f32>(), v, k < d.K);
        }
    } else {
        // Contiguous along k: four rows of W depths are loaded, and turned.
        for (var n = thread; n < BM4 * (BK / W); n += THREADS) {
            let k = k0 + W * (n % (BK / W));
            let m = m0 + 4u * (n / (BK / W));
            var rows: array<vec4<f32>, 4>;
            for (var i = 0u; i < 4u; i++) {
                let v = load_a(d.a0 + min(m + i, d.M - 1u) * d.lda + min(k, d.K - W));
                rows[i] = select(vec4<f32>(), v, k < d.K);
            }
            for (var i = 0u; i < W; i++) {
                a_tile[k - k0 + i][n / (BK / W)] = vec4<f32>(rows[0][i], rows[1][i], rows[2][i], rows[3][i]);
            }
        }
    }
}

/// b_tile = columns n0.. of the right operand, depths k0..; edges as in `stage_a`.
fn stage_b(n0: u32, k0: u32, thread: u32) {
    if (LAYOUT == 1u) {
        // Contiguous along k: four columns of W depths are loaded, and turned.
        for (var n = thread; n < BN4 * (BK / W); n += THREADS) {
            let k = k0 + W * (n % (BK / W));
            let col = n0 + 4u * (n / (BK / W));
            var cols: array<vec4<f32>, 4>;
            for (var i = 0u; i < 4u; i++) {
                let v = load_b(d.b0 + min(col + i, d.N - 1u) * d.ldb + min(k, d.K - W));
                cols[i] = select(vec4<f32>(), v, k < d.K);
            }
            for (var i = 0u; i < W; i++) {
                b_tile[k - k0 + i][n / (BK / W)] = vec4<f32>(cols[0][i], cols[1][i], cols[2][i], cols[3][i]);
            }
        }
    } else {
        // Contiguous along n: four neighbours are one load.
        for (var n = thread; n < BK * BN4; n += THREADS) {
            let k = k0 + n / BN4;
            let col = n0 + 4u * (n % BN4);
            let line = d.b0 + min(k, d.K - 1u) * d.ldb;
            var v: vec4<f32>;
            if (W == 4u) {
                v = load_b(line + min(col, d.N - 4u));
            } else {
                for (var i = 0u; i < 4u; i++) { v[i] = load_b(line + min(col + i, d.N - 1u)).x; }
            }
            b_tile[n / BN4][n % BN4] = select(vec4<f32>(), v, k < d.K);
        }
    }
}

/// acc = the thread's part of the tile whose first row is m0 and first column n0, over one part of the depths.
fn multiply_tile(m0: u32, n0: u32, part: u32, thread: u32) {
    let row4 = thread / THREADS_N;
    let col4 = thread % THREADS_N;
    for (var p = 0u; p < TM4; p++) {
        for (var i = 0u; i < 4u; i++) {
            for (var q = 0u; q < TN4; q++) { acc[p][i][q] = vec4<f32>(); }
        }
    }
    let span = (d.K + SPLITS * BK - 1u) / (SPLITS * BK) * BK;
    let end = min((part + 1u) * span, d.K);
    for (var k0 = part * span; k0 < end; k0 += BK) {
        workgroupBarrier(); // the last step's tiles have been read
        stage_a(m0, k0, thread);
        stage_b(n0, k0, thread);
        workgroupBarrier(); // both tiles are whole
        for (var k = 0u; k < BK; k++) {
            var right: array<vec4<f32>, TN4>;
            for (var q = 0u; q < TN4; q++) { right[q] = b_tile[k][q * THREADS_N + col4]; }
            for (var p = 0u; p < TM4; p++) {
                let left = a_tile[k][p * THREADS_M + row4];
                for (var q = 0u; q < TN4; q++) {
                    acc[p][0][q] = fma(vec4<f32>(left.x), right[q], acc[p][0][q]);
                    acc[p][1][q] = fma(vec4<f32>(left.y), right[q], acc[p][1][q]);
                    acc[p][2][q] = fma(vec4<f32>(left.z), right[q], acc[p][2][q]);
                    acc[p][3][q] = fma(vec4<f32>(left.w), right[q], acc[p][3][q]);
                }
            }
        }
    }
}

/// Row of c that acc[p][i] belongs to, and first column of acc[..][..][q].
fn row_of(m0: u32, thread: u32, p: u32, i: u32) -> u32 { return m0 + 4u * (p * THREADS_M + thread / THREADS_N) + i; }
fn col_of(n0: u32, thread: u32, q: u32) -> u32 { return n0 + 4u * (q * THREADS_N + thread % THREADS_N); }

/// c (=|+=) alpha·a·b; of several parts of the depths, one of the products that are to be added up
@compute @workgroup_size(THREADS)
fn matmul(@builtin(workgroup_id) tile: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let m0 = tile.x * BM;
    let n0 = tile.y * BN;
    multiply_tile(m0, n0, tile.z, thread);
    for (var q = 0u; q < TN4; q++) {
        for (var s = 0u; s < 4u; s++) {
            let col = col_of(n0, thread, q) + s;
            for (var p = 0u; p < TM4; p++) {
                for (var i = 0u; i < 4u; i++) {
                    let row = row_of(m0, thread, p, i);
                    if (row < d.M && col < d.N) {
                        let at = d.c0 + (tile.z * d.M + row) * d.ldc + col;
                        let value = bitcast<f32>(d.alpha) * acc[p][i][q][s];
                        if (ACC) { c[at] = Out(f32(c[at]) + value); } else { c[at] = Out(value); }
                    }
                }
            }
        }
    }
}

/// c (=|+=) alpha·a·b + bias
@compute @workgroup_size(THREADS)
fn matmul_bias(@builtin(workgroup_id) tile: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let m0 = tile.x * BM;
    let n0 = tile.y * BN;
    multiply_tile(m0, n0, 0u, thread);
    for (var q = 0u; q < TN4; q++) {
        for (var s = 0u; s < 4u; s++) {
            let col = col_of(n0, thread, q) + s;
            let of_column = bias[d.bias0 + min(col, d.N - 1u)];
            for (var p = 0u; p < TM4; p++) {
                for (var i = 0u; i < 4u; i++) {
                    let row = row_of(m0, thread, p, i);
                    if (row < d.M && col < d.N) {
                        let at = d.c0 + row * d.ldc + col;
                        let value = bitcast<f32>(d.alpha) * acc[p][i][q][s] + of_column;
                        if (ACC) { c_after[at] = Out(f32(c_after[at]) + value); } else { c_after[at] = Out(value); }
                    }
                }
            }
        }
    }
}

/// c = alpha·a·b + bias, act = GELU(c as it is stored): what a backward makes of that again
@compute @workgroup_size(THREADS)
fn matmul_gelu(@builtin(workgroup_id) tile: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let m0 = tile.x * BM;
    let n0 = tile.y * BN;
    multiply_tile(m0, n0, 0u, thread);
    for (var q = 0u; q < TN4; q++) {
        for (var s = 0u; s < 4u; s++) {
            let col = col_of(n0, thread, q) + s;
            let of_column = bias[d.bias0 + min(col, d.N - 1u)];
            for (var p = 0u; p < TM4; p++) {
                for (var i = 0u; i < 4u; i++) {
                    let row = row_of(m0, thread, p, i);
                    if (row < d.M && col < d.N) {
                        let value = bitcast<f32>(d.alpha) * acc[p][i][q][s] + of_column;
                        c_after[d.c0 + row * d.ldc + col] = Out(value);
                        act[row * d.N + col] = Out(gelu(f32(Out(value))));
                    }
                }
            }
        }
    }
}

/// c = alpha·a·b ⊙ GELU'(pre)
@compute @workgroup_size(THREADS)
fn matmul_slope(@builtin(workgroup_id) tile: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let m0 = tile.x * BM;
    let n0 = tile.y * BN;
    multiply_tile(m0, n0, 0u, thread);
    for (var q = 0u; q < TN4; q++) {
        for (var s = 0u; s < 4u; s++) {
            let col = col_of(n0, thread, q) + s;
            for (var p = 0u; p < TM4; p++) {
                for (var i = 0u; i < 4u; i++) {
                    let row = row_of(m0, thread, p, i);
                    if (row < d.M && col < d.N) {
                        let value = bitcast<f32>(d.alpha) * acc[p][i][q][s];
                        c_after[d.c0 + row * d.ldc + col] = Out(value * gelu_slope(f32(pre[row * d.N + col])));
                    }
                }
            }
        }
    }
}
