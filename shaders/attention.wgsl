// Causal multi-head attention that never stores a T×T matrix (FlashAttention, Dao et al. 2022, arXiv:2205.14135).
//
//   S = Q·Kᵀ/√HS    P = softmax(S), row by row over keys ≤ query    O = P̃·V    P̃ = P∘M·scale with dropout, else P
//   lse = max S + log Σ exp(S − max S), all that backward needs to know of the softmax:  P = exp(S − lse)
//   dV = P̃ᵀ·dO    dP = (dO·Vᵀ)∘M·scale    dot = Σ_HS dO∘O    dS = P∘(dP − dot)    dQ = dS·K/√HS    dK = dSᵀ·Q/√HS
//
// qkv (B,T,3C): q | k | v, each with its heads side by side. A mask's bits belong to (b·NH+h, query·T+key).
//
// Plan: one workgroup owns OWNED rows of one head (queries; keys in `attention_backward_kv`), a thread ROWS of them, with
// operands and sums in registers, and streams the rows of the other kind past them, BLOCK at a time. A streamed row is
// read once for all owned rows: STAGED puts the block into workgroup memory, where threads read it as broadcasts; without
// it each thread loads the rows for itself (software adapters: barriers are dear there, ROWS makes loads few). SPLIT
// threads may share a row's channels where registers are short; they meet in `part_s`, in a fixed order.
// Backward runs twice over the pairs, once with keys as owners and once with queries, so that no sum needs an atomic.
// Blocks wholly above the diagonal are never visited.
//   attention_forward, _backward_kv, _backward_q   grid x = ⌈T / OWNED⌉, y = B·NH, where OWNED = THREADS/SPLIT·ROWS
//   attention_backward_dot                         grid x = ⌈T / THREADS⌉, y = B·NH
//   attention_cached                               grid x = NH, y = P
//
// FLOPs for the n = B·NH·T(T+1)/2 pairs: forward 4·HS·n, kv 8·HS·n, q 6·HS·n, and as many exponentials as pairs.
// Bytes: each workgroup streams two rows of HS words a visited row: 8·HS·n/OWNED, mostly from cache; owned rows once.
// For one decoded query all K and V up to its position are read once: 8·C·(pos+1).
//
// HS        channels a head, any number from 1.
// Vec, W    the width of a load: vec4<f32> and 4 if HS is a multiple of 4, else f32 and 1.
// ROWS      rows a thread owns.          SPLIT    threads that share a row; divides HS/W and THREADS; 1 unless STAGED.
// THREADS   threads a workgroup.         BLOCK    rows streamed at a time.
// STAGED    stream through workgroup memory: 2·BLOCK·HS words for the rows, BLOCK·ROWS·THREADS (twice that in backward)
//           for scores.
// DROPOUT   whether the probabilities are masked.
// WG        threads a workgroup of `attention_cached`: a power of two is natural, any number is right.

const HS: u32 = 64u;
const W: u32 = 4u;
const ROWS: u32 = 1u;
const SPLIT: u32 = 1u;
const THREADS: u32 = 64u;
const BLOCK: u32 = 8u;
const STAGED: bool = true;
const DROPOUT: bool = false;
const WG: u32 = 64u;
alias Vec = vec4<f32>;

/// Vecs a head, and of them a thread's share.
const HV: u32 = HS / W;
const SHARE: u32 = HV / SPLIT;
/// Rows a workgroup owns, and how far apart a thread's rows are.
const STRIDE: u32 = THREADS / SPLIT;
const OWNED: u32 = STRIDE * ROWS;
/// Rows of the two places a block can be in; the one not used shrinks to a row.
const SHARED_BLOCK: u32 = u32(STAGED) * (BLOCK - 1u) + 1u;
const OWN_BLOCK: u32 = u32(!STAGED) * (BLOCK - 1u) + 1u;
/// Below every score; finite, because WGSL may assume that infinities never arise.
const LOWEST: f32 = -3.0e38;
const ATTENTION_SITE: u32 = 1u;

/// Extents; `layer` only names the dropout mask. `attention_cached` reads B as P, the number of new queries.
struct Dims { B: u32, T: u32, C: u32, NH: u32, layer: u32 }

// attention_forward: qkv | out, lse
/// (B,T,3C); in `attention_cached` (P,3C)
@group(0) @binding(0) var<storage, read> qkv: array<Vec>;
/// (B,T,C)
@group(0) @binding(1) var<storage, read_write> out: array<Vec>;
/// (B,NH,T)
@group(0) @binding(2) var<storage, read_write> lse: array<f32>;

// attention_backward_dot: out, dout | dot
/// (B,T,C)
@group(0) @binding(0) var<storage, read> dot_out: array<Vec>;
/// (B,T,C)
@group(0) @binding(1) var<storage, read> dot_dout: array<Vec>;
/// (B,NH,T)
@group(0) @binding(2) var<storage, read_write> dot_rows: array<f32>;

// attention_backward_kv, attention_backward_q: qkv, lse, dout, dot | dqkv
/// (B,NH,T)
@group(0) @binding(1) var<storage, read> backward_lse: array<f32>;
/// (B,T,C)
@group(0) @binding(2) var<storage, read> backward_dout: array<Vec>;
/// (B,NH,T)
@group(0) @binding(3) var<storage, read> backward_dot: array<f32>;
/// (B,T,3C); kv writes the k and v parts, q the q part
@group(0) @binding(4) var<storage, read_write> dqkv: array<Vec>;

// attention_cached: qkv, kcache, vcache | out
/// (T,C)
@group(0) @binding(1) var<storage, read> kcache: array<Vec>;
/// (T,C)
@group(0) @binding(2) var<storage, read> vcache: array<Vec>;
/// (P,C)
@group(0) @binding(3) var<storage, read_write> cached_out: array<Vec>;

@group(1) @binding(0) var<uniform> d: Dims;
@group(1) @binding(1) var<uniform> step: Step;

/// Part of the packed projection: q, k or v.
const Q: u32 = 0u;
const K: u32 = 1u;
const V: u32 = 2u;

/// Where head h's channels of part `part` begin at position t of sequence b, in Vecs.
fn qkv_at(b: u32, t: u32, part: u32, h: u32) -> u32 { return ((b * d.T + t) * 3u + part) * (d.C / W) + h * HV; }
/// The same in a (B,T,C) tensor.
fn btc_at(b: u32, t: u32, h: u32) -> u32 { return (b * d.T + t) * (d.C / W) + h * HV; }

/// Σ of a Vec's words.
fn total(v: Vec) -> f32 {
    let w = vec4<f32>(v);
    if (W == 1u) { return w.x; }
    return (w.x + w.y) + (w.z + w.w);
}

/// 1/√HS
fn softmax_scale() -> f32 { return 1.0 / sqrt(f32(HS)); }

/// What a probability is multiplied by: 0 if dropped, 1/(1−p) if kept.
fn keep(row_hash: u32, query: u32, key: u32) -> f32 {
    return select(0.0, step.dropout_scale, mask_bits(row_hash, query * d.T + key) >= step.dropout_threshold);
}

// The streamed block: two rows, x and y, a position (k and v of a key; q and dout of a query).
var<workgroup> shared_x: array<array<Vec, HV>, SHARED_BLOCK>;
var<workgroup> shared_y: array<array<Vec, HV>, SHARED_BLOCK>;
var<private> own_x: array<array<Vec, HV>, OWN_BLOCK>;
var<private> own_y: array<array<Vec, HV>, OWN_BLOCK>;
/// (lse, dot) of a streamed query.
var<workgroup> shared_stats: array<vec2<f32>, SHARED_BLOCK>;
/// A thread's share of each score q·k, and of each dout·v.
var<workgroup> part_s: array<array<array<f32, THREADS>, ROWS>, SHARED_BLOCK>;
var<workgroup> part_dp: array<array<array<f32, THREADS>, ROWS>, SHARED_BLOCK>;
var<private> own_s: array<array<f32, ROWS>, OWN_BLOCK>;
var<private> own_dp: array<array<f32, ROWS>, OWN_BLOCK>;

/// The i-th Vec of the thread's share of streamed row j.
fn x_at(j: u32, i: u32, thread: u32) -> Vec {
    if (STAGED) { return shared_x[j][i * SPLIT + thread % SPLIT]; }
    return own_x[j][i];
}
fn y_at(j: u32, i: u32, thread: u32) -> Vec {
    if (STAGED) { return shared_y[j][i * SPLIT + thread % SPLIT]; }
    return own_y[j][i];
}

fn put_s(j: u32, r: u32, thread: u32, share: f32) {
    if (STAGED) { part_s[j][r][thread] = share; } else { own_s[j][r] = share; }
}
fn put_dp(j: u32, r: u32, thread: u32, share: f32) {
    if (STAGED) { part_dp[j][r][thread] = share; } else { own_dp[j][r] = share; }
}
/// The shares of all threads of the row, in their order.
fn get_s(j: u32, r: u32, thread: u32) -> f32 {
    if (!STAGED) { return own_s[j][r]; }
    var sum = 0.0;
    for (var g = 0u; g < SPLIT; g++) { sum += part_s[j][r][thread - thread % SPLIT + g]; }
    return sum;
}
fn get_dp(j: u32, r: u32, thread: u32) -> f32 {
    if (!STAGED) { return own_dp[j][r]; }
    var sum = 0.0;
    for (var g = 0u; g < SPLIT; g++) { sum += part_dp[j][r][thread - thread % SPLIT + g]; }
    return sum;
}

/// x, y = k, v of the keys j0..; past the end the last key's, never used.
fn stream_keys(b: u32, h: u32, j0: u32, thread: u32) {
    if (STAGED) {
        workgroupBarrier(); // the last block has been read
        for (var n = thread; n < BLOCK * HV; n += THREADS) {
            let t = min(j0 + n / HV, d.T - 1u);
            shared_x[n / HV][n % HV] = qkv[qkv_at(b, t, K, h) + n % HV];
            shared_y[n / HV][n % HV] = qkv[qkv_at(b, t, V, h) + n % HV];
        }
        workgroupBarrier(); // the block is whole
    } else {
        for (var j = 0u; j < BLOCK; j++) {
            let k = qkv_at(b, min(j0 + j, d.T - 1u), K, h);
            let v = qkv_at(b, min(j0 + j, d.T - 1u), V, h);
            for (var i = 0u; i < HV; i++) {
                own_x[j][i] = qkv[k + i];
                own_y[j][i] = qkv[v + i];
            }
        }
    }
}

/// x, y = q, dout of the queries j0.. and their lse and dot; past the end the last query's, never used.
fn stream_queries(b: u32, h: u32, j0: u32, thread: u32) {
    if (STAGED) {
        workgroupBarrier(); // the last block has been read
        for (var n = thread; n < BLOCK * HV; n += THREADS) {
            let t = min(j0 + n / HV, d.T - 1u);
            shared_x[n / HV][n % HV] = qkv[qkv_at(b, t, Q, h) + n % HV];
            shared_y[n / HV][n % HV] = backward_dout[btc_at(b, t, h) + n % HV];
        }
        for (var n = thread; n < BLOCK; n += THREADS) {
            let row = (b * d.NH + h) * d.T + min(j0 + n, d.T - 1u);
            shared_stats[n] = vec2<f32>(backward_lse[row], backward_dot[row]);
        }
        workgroupBarrier(); // the block is whole
    } else {
        for (var j = 0u; j < BLOCK; j++) {
            let q = qkv_at(b, min(j0 + j, d.T - 1u), Q, h);
            let dout = btc_at(b, min(j0 + j, d.T - 1u), h);
            for (var i = 0u; i < HV; i++) {
                own_x[j][i] = qkv[q + i];
                own_y[j][i] = backward_dout[dout + i];
            }
        }
    }
}

/// (lse, dot) of streamed query j.
fn stats_at(j: u32, row: u32) -> vec2<f32> {
    if (STAGED) { return shared_stats[j]; }
    return vec2<f32>(backward_lse[row], backward_dot[row]);
}

/// out = P̃·V, lse. Owners are queries; keys stream.
@compute @workgroup_size(THREADS)
fn attention_forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let b = group.y / d.NH;
    let h = group.y % d.NH;
    // The last rows see the most keys: they go first, so that no long workgroup is left for the end.
    let first = ((d.T - 1u) / OWNED - group.x) * OWNED;
    let end = min(first + OWNED, d.T);
    let mine = first + thread / SPLIT;
    let share = thread % SPLIT;
    let row_hash = mask_row(mask_key(step.dropout_key, d.layer, ATTENTION_SITE), group.y);
    let scale = softmax_scale();

    var q: array<array<Vec, SHARE>, ROWS>;
    var acc: array<array<Vec, SHARE>, ROWS>; // Σ exp(s − top)·v
    var top: array<f32, ROWS>; // max of the scores so far
    var sum: array<f32, ROWS>; // Σ exp(s − top)
    for (var r = 0u; r < ROWS; r++) {
        let at = qkv_at(b, min(mine + r * STRIDE, d.T - 1u), Q, h) + share;
        for (var i = 0u; i < SHARE; i++) {
            q[r][i] = qkv[at + i * SPLIT] * scale;
            acc[r][i] = Vec(0.0);
        }
        top[r] = LOWEST;
        sum[r] = 0.0;
    }

    for (var j0 = 0u; j0 < end; j0 += BLOCK) {
        stream_keys(b, h, j0, thread);
        for (var j = 0u; j < BLOCK; j++) {
            var s: array<Vec, ROWS>;
            for (var r = 0u; r < ROWS; r++) { s[r] = Vec(0.0); }
            for (var i = 0u; i < SHARE; i++) {
                let k = x_at(j, i, thread);
                for (var r = 0u; r < ROWS; r++) { s[r] = fma(q[r][i], k, s[r]); }
            }
            for (var r = 0u; r < ROWS; r++) { put_s(j, r, thread, total(s[r])); }
        }
        if (SPLIT > 1u) { workgroupBarrier(); } // all shares of a score are there
        // ANCHOR: online_softmax
        for (var r = 0u; r < ROWS; r++) {
            let query = min(mine + r * STRIDE, d.T - 1u);
            var next = top[r];
            for (var j = 0u; j < BLOCK; j++) { next = max(next, select(LOWEST, get_s(j, r, thread), j0 + j <= query)); }
            let shrink = exp(top[r] - next);
            sum[r] *= shrink;
            for (var i = 0u; i < SHARE; i++) { acc[r][i] *= shrink; }
            top[r] = next;
        }
        // ANCHOR_END: online_softmax
        for (var j = 0u; j < BLOCK; j++) {
            let key = j0 + j;
            var p: array<f32, ROWS>;
            for (var r = 0u; r < ROWS; r++) {
                let query = min(mine + r * STRIDE, d.T - 1u);
                p[r] = select(0.0, exp(get_s(j, r, thread) - top[r]), key <= query);
                sum[r] += p[r];
                if (DROPOUT) { p[r] *= keep(row_hash, query, key); }
            }
            for (var i = 0u; i < SHARE; i++) {
                let v = y_at(j, i, thread);
                for (var r = 0u; r < ROWS; r++) { acc[r][i] = fma(Vec(p[r]), v, acc[r][i]); }
            }
        }
    }

    for (var r = 0u; r < ROWS; r++) {
        let query = mine + r * STRIDE;
        if (query < d.T) {
            let at = btc_at(b, query, h) + share;
            let inverse = 1.0 / sum[r];
            for (var i = 0u; i < SHARE; i++) { out[at + i * SPLIT] = acc[r][i] * inverse; }
            if (share == 0u) { lse[group.y * d.T + query] = top[r] + log(sum[r]); }
        }
    }
}

/// dot = Σ_HS dout∘out, which is also Σ_keys dP∘P: what the softmax takes off every dP. One thread a row.
@compute @workgroup_size(THREADS)
fn attention_backward_dot(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let t = group.x * THREADS + thread;
    if (t < d.T) {
        let at = btc_at(group.y / d.NH, t, group.y % d.NH);
        var sum = Vec(0.0);
        for (var i = 0u; i < HV; i++) { sum = fma(dot_dout[at + i], dot_out[at + i], sum); }
        dot_rows[group.y * d.T + t] = total(sum);
    }
}

/// dk, dv. Owners are keys; queries stream, from the diagonal on.
@compute @workgroup_size(THREADS)
fn attention_backward_kv(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let b = group.y / d.NH;
    let h = group.y % d.NH;
    let first = group.x * OWNED;
    let mine = first + thread / SPLIT;
    let share = thread % SPLIT;
    let row_hash = mask_row(mask_key(step.dropout_key, d.layer, ATTENTION_SITE), group.y);
    let scale = softmax_scale();

    var k: array<array<Vec, SHARE>, ROWS>;
    var v: array<array<Vec, SHARE>, ROWS>;
    var dk: array<array<Vec, SHARE>, ROWS>; // Σ ds·q
    var dv: array<array<Vec, SHARE>, ROWS>; // Σ p̃·dout
    for (var r = 0u; r < ROWS; r++) {
        let key = min(mine + r * STRIDE, d.T - 1u);
        let k_at = qkv_at(b, key, K, h) + share;
        let v_at = qkv_at(b, key, V, h) + share;
        for (var i = 0u; i < SHARE; i++) {
            k[r][i] = qkv[k_at + i * SPLIT] * scale;
            v[r][i] = qkv[v_at + i * SPLIT];
            dk[r][i] = Vec(0.0);
            dv[r][i] = Vec(0.0);
        }
    }

    for (var j0 = first; j0 < d.T; j0 += BLOCK) {
        stream_queries(b, h, j0, thread);
        for (var j = 0u; j < BLOCK; j++) {
            var s: array<Vec, ROWS>;
            var dp: array<Vec, ROWS>;
            for (var r = 0u; r < ROWS; r++) {
                s[r] = Vec(0.0);
                dp[r] = Vec(0.0);
            }
            for (var i = 0u; i < SHARE; i++) {
                let q = x_at(j, i, thread);
                let dout = y_at(j, i, thread);
                for (var r = 0u; r < ROWS; r++) {
                    s[r] = fma(k[r][i], q, s[r]);
                    dp[r] = fma(v[r][i], dout, dp[r]);
                }
            }
            for (var r = 0u; r < ROWS; r++) {
                put_s(j, r, thread, total(s[r]));
                put_dp(j, r, thread, total(dp[r]));
            }
        }
        if (SPLIT > 1u) { workgroupBarrier(); } // all shares of a score are there
        for (var j = 0u; j < BLOCK; j++) {
            let query = j0 + j;
            let stats = stats_at(j, group.y * d.T + min(query, d.T - 1u));
            var p: array<f32, ROWS>;
            var ds: array<f32, ROWS>;
            for (var r = 0u; r < ROWS; r++) {
                let key = mine + r * STRIDE;
                p[r] = select(0.0, exp(get_s(j, r, thread) - stats.x), key <= query && query < d.T);
                let dp = get_dp(j, r, thread);
                var kept = 1.0;
                if (DROPOUT) { kept = keep(row_hash, query, key); }
                ds[r] = p[r] * (dp * kept - stats.y);
                p[r] *= kept;
            }
            for (var i = 0u; i < SHARE; i++) {
                let q = x_at(j, i, thread);
                let dout = y_at(j, i, thread);
                for (var r = 0u; r < ROWS; r++) {
                    dv[r][i] = fma(Vec(p[r]), dout, dv[r][i]);
                    dk[r][i] = fma(Vec(ds[r]), q, dk[r][i]);
                }
            }
        }
    }

    for (var r = 0u; r < ROWS; r++) {
        let key = mine + r * STRIDE;
        if (key < d.T) {
            let k_at = qkv_at(b, key, K, h) + share;
            let v_at = qkv_at(b, key, V, h) + share;
            for (var i = 0u; i < SHARE; i++) {
                dqkv[k_at + i * SPLIT] = dk[r][i] * scale;
                dqkv[v_at + i * SPLIT] = dv[r][i];
            }
        }
    }
}

/// dq. Owners are queries; keys stream, up to the diagonal.
@compute @workgroup_size(THREADS)
fn attention_backward_q(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let b = group.y / d.NH;
    let h = group.y % d.NH;
    let first = ((d.T - 1u) / OWNED - group.x) * OWNED; // the longest first, as in forward
    let end = min(first + OWNED, d.T);
    let mine = first + thread / SPLIT;
    let share = thread % SPLIT;
    let row_hash = mask_row(mask_key(step.dropout_key, d.layer, ATTENTION_SITE), group.y);
    let scale = softmax_scale();

    var q: array<array<Vec, SHARE>, ROWS>;
    var dout: array<array<Vec, SHARE>, ROWS>;
    var dq: array<array<Vec, SHARE>, ROWS>; // Σ ds·k
    var stats: array<vec2<f32>, ROWS>; // (lse, dot)
    for (var r = 0u; r < ROWS; r++) {
        let query = min(mine + r * STRIDE, d.T - 1u);
        let q_at = qkv_at(b, query, Q, h) + share;
        let dout_at = btc_at(b, query, h) + share;
        for (var i = 0u; i < SHARE; i++) {
            q[r][i] = qkv[q_at + i * SPLIT] * scale;
            dout[r][i] = backward_dout[dout_at + i * SPLIT];
            dq[r][i] = Vec(0.0);
        }
        let row = group.y * d.T + query;
        stats[r] = vec2<f32>(backward_lse[row], backward_dot[row]);
    }

    for (var j0 = 0u; j0 < end; j0 += BLOCK) {
        stream_keys(b, h, j0, thread);
        for (var j = 0u; j < BLOCK; j++) {
            var s: array<Vec, ROWS>;
            var dp: array<Vec, ROWS>;
            for (var r = 0u; r < ROWS; r++) {
                s[r] = Vec(0.0);
                dp[r] = Vec(0.0);
            }
            for (var i = 0u; i < SHARE; i++) {
                let k = x_at(j, i, thread);
                let v = y_at(j, i, thread);
                for (var r = 0u; r < ROWS; r++) {
                    s[r] = fma(q[r][i], k, s[r]);
                    dp[r] = fma(dout[r][i], v, dp[r]);
                }
            }
            for (var r = 0u; r < ROWS; r++) {
                put_s(j, r, thread, total(s[r]));
                put_dp(j, r, thread, total(dp[r]));
            }
        }
        if (SPLIT > 1u) { workgroupBarrier(); } // all shares of a score are there
        for (var j = 0u; j < BLOCK; j++) {
            let key = j0 + j;
            var ds: array<f32, ROWS>;
            for (var r = 0u; r < ROWS; r++) {
                let query = min(mine + r * STRIDE, d.T - 1u);
                let p = select(0.0, exp(get_s(j, r, thread) - stats[r].x), key <= query);
                var dp = get_dp(j, r, thread);
                if (DROPOUT) { dp *= keep(row_hash, query, key); }
                ds[r] = p * (dp - stats[r].y);
            }
            for (var i = 0u; i < SHARE; i++) {
                let k = x_at(j, i, thread);
                for (var r = 0u; r < ROWS; r++) { dq[r][i] = fma(Vec(ds[r]), k, dq[r][i]); }
            }
        }
    }

    for (var r = 0u; r < ROWS; r++) {
        let query = mine + r * STRIDE;
        if (query < d.T) {
            let at = qkv_at(b, query, Q, h) + share;
            for (var i = 0u; i < SHARE; i++) { dqkv[at + i * SPLIT] = dq[r][i] * scale; }
        }
    }
}

/// Vecs of a head that `attention_cached` combines at a time: what 8 KiB hold for all threads.
const CHUNK: u32 = min(HV, max(1u, 2048u / (WG * W)));
var<workgroup> cached_top: array<f32, WG>;
var<workgroup> cached_sum: array<f32, WG>;
var<workgroup> cached_acc: array<array<Vec, CHUNK>, WG>;

/// out for P new queries of one sequence, the first at step.pos, over the keys and values cached up to their own
/// positions; zeros for a query past the context. One workgroup a query and head, a thread every WG-th key with an online
/// softmax of its own; at the end the threads' parts are added in the threads' order.
@compute @workgroup_size(WG)
fn attention_cached(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let h = group.x;
    let row = group.y;
    let query = step.pos + row;
    let keys = select(0u, query + 1u, query < d.T);
    let CV = d.C / W;
    let scale = softmax_scale();

    var q: array<Vec, HV>;
    var acc: array<Vec, HV>;
    for (var i = 0u; i < HV; i++) {
        q[i] = qkv[row * 3u * CV + h * HV + i] * scale;
        acc[i] = Vec(0.0);
    }
    var top = LOWEST;
    var sum = 0.0;
    for (var key = thread; key < keys; key += WG) {
        let at = key * CV + h * HV;
        var part = Vec(0.0);
        for (var i = 0u; i < HV; i++) { part = fma(q[i], kcache[at + i], part); }
        let s = total(part);
        let next = max(top, s);
        let shrink = exp(top - next);
        let p = exp(s - next);
        sum = fma(sum, shrink, p);
        for (var i = 0u; i < HV; i++) { acc[i] = fma(acc[i], Vec(shrink), p * vcache[at + i]); }
        top = next;
    }

    cached_top[thread] = top;
    workgroupBarrier(); // every thread's max is there
    var highest = LOWEST;
    for (var n = 0u; n < WG; n++) { highest = max(highest, cached_top[n]); }
    // A thread with no key has sum and acc 0; its factor must only be finite.
    let factor = exp(top - highest);
    cached_sum[thread] = sum * factor;
    for (var i0 = 0u; i0 < HV; i0 += CHUNK) {
        workgroupBarrier(); // the last chunk has been read
        // A loop over all i whose bounds do not change lets acc stay in registers.
        for (var i = 0u; i < HV; i++) {
            if (i >= i0 && i < i0 + CHUNK) { cached_acc[thread][i - i0] = acc[i] * factor; }
        }
        workgroupBarrier(); // the chunk, and every thread's sum, are there
        for (var i = thread; i < min(CHUNK, HV - i0); i += WG) {
            var all = 0.0;
            var value = Vec(0.0);
            for (var n = 0u; n < WG; n++) {
                all += cached_sum[n];
                value += cached_acc[n][i];
            }
            // No key at all: the query is past the context.
            cached_out[row * CV + h * HV + i0 + i] = select(Vec(0.0), value / max(all, 1.0e-30), keys > 0u);
        }
    }
}
