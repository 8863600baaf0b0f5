// Attention's gradient, from qkv, the output and the log-sum-exp of each query (attention_forward.wgsl); no T×T matrix is
// stored here either (FlashAttention, Dao et al. 2022, arXiv:2205.14135).
//
//   P = exp(S − lse)    P̃ = P∘M·scale with dropout, else P    dV = P̃ᵀ·dO    dP = (dO·Vᵀ)∘M·scale
//   dot = Σ_HS dO∘O    dS = P∘(dP − dot)    dQ = dS·K/√HS    dK = dSᵀ·Q/√HS
//
// Plan: the pairs are walked twice, so that no sum needs an atomic: in `attention_backward_kv` one workgroup owns OWNED
// keys of a key/value head and streams the queries of each of its query heads past them, one head after the other, from the
// diagonal to the last query that sees one of them; in `attention_backward_q` it owns queries of a head and streams the keys, as
// forward does (lib/attention.wgsl has the streaming and the constants).
//   attention_backward_dot   one thread a row: grid x = ⌈T / THREADS⌉, y = B·NH
//   attention_backward_kv    grid x = ⌈T / OWNED⌉, y = B·NKV
//   attention_backward_q     grid x = ⌈T / OWNED⌉, y = B·NH
//
// Bytes: each workgroup of kv and q streams two rows of HS words a visited row: 8·HS·n/OWNED for the n = B·NH·w(2T−w+1)/2
// pairs of a window w, mostly from cache; owned rows once, in and out: kv writes dqkv's k and v heads, q its query heads.
// dot reads 8·B·T·NH·HS. FLOPs: kv 8·HS·n, q 6·HS·n, each with as many exponentials as pairs; dot 2·B·T·NH·HS.

/// Extents: NH query heads on NKV key/value heads; a query sees `window` keys. `layer` only names the dropout mask.
struct Dims { B: u32, T: u32, NH: u32, NKV: u32, window: u32, layer: u32 }

// attention_backward_dot: out, dout | dot
/// (B,T,NH·HS)
@group(0) @binding(0) var<storage, read> dot_out: array<Acts>;
/// (B,T,NH·HS)
@group(0) @binding(1) var<storage, read> dot_dout: array<Acts>;
/// (B,NH,T)
@group(0) @binding(2) var<storage, read_write> dot_rows: array<f32>;

// attention_backward_kv, attention_backward_q: qkv, begins, lse, dout, dot | dqkv
/// (B,T,(NH+2·NKV)·HS)
@group(0) @binding(0) var<storage, read> qkv: array<Acts>;
/// (B,T) where each query's text begins
@group(0) @binding(1) var<storage, read> begins: array<u32>;
/// (B,NH,T)
@group(0) @binding(2) var<storage, read> backward_lse: array<f32>;
/// (B,T,NH·HS)
@group(0) @binding(3) var<storage, read> backward_dout: array<Acts>;
/// (B,NH,T)
@group(0) @binding(4) var<storage, read> backward_dot: array<f32>;
/// (B,T,(NH+2·NKV)·HS); kv writes the key and value heads, q the query heads
@group(0) @binding(5) var<storage, read_write> dqkv: array<Acts>;

@group(1) @binding(0) var<uniform> d: Dims;
@group(1) @binding(1) var<uniform> step: Step;

/// Where the text of a query of sequence b begins.
fn begin_of(b: u32, query: u32) -> u32 { return begins[b * d.T + query]; }

/// (lse, dot) of a streamed query.
var<workgroup> shared_stats: array<vec2<f32>, SHARED_BLOCK>;
/// A thread's share of each dout·v, as lib's part_s of each score.
var<workgroup> part_dp: array<array<array<f32, THREADS>, ROWS>, SHARED_BLOCK>;
var<private> own_dp: array<array<f32, ROWS>, OWN_BLOCK>;

fn put_dp(j: u32, r: u32, thread: u32, share: f32) {
    if (STAGED) { part_dp[j][r][thread] = share; } else { own_dp[j][r] = share; }
}
/// The shares of all threads of the row, in their order.
fn get_dp(j: u32, r: u32, thread: u32) -> f32 {
    if (!STAGED) { return own_dp[j][r]; }
    var sum = 0.0;
    for (var g = 0u; g < SPLIT; g++) { sum += part_dp[j][r][thread - thread % SPLIT + g]; }
    return sum;
}

/// x, y = q, dout of head h's queries j0.. and their lse and dot; past the end the last query's, never used.
fn stream_queries(b: u32, h: u32, j0: u32, thread: u32) {
    if (STAGED) {
        workgroupBarrier(); // the last block has been read
        for (var n = thread; n < BLOCK * HV; n += THREADS) {
            let t = min(j0 + n / HV, d.T - 1u);
            shared_x[n / HV][n % HV] = Vec(qkv[query_at(b, t, h) + n % HV]);
            shared_y[n / HV][n % HV] = Vec(backward_dout[out_at(b, t, h) + n % HV]);
        }
        for (var n = thread; n < BLOCK; n += THREADS) {
            let row = (b * d.NH + h) * d.T + min(j0 + n, d.T - 1u);
            shared_stats[n] = vec2<f32>(backward_lse[row], backward_dot[row]);
        }
        workgroupBarrier(); // the block is whole
    } else {
        for (var j = 0u; j < BLOCK; j++) {
            let q = query_at(b, min(j0 + j, d.T - 1u), h);
            let dout = out_at(b, min(j0 + j, d.T - 1u), h);
            for (var i = 0u; i < HV; i++) {
                own_x[j][i] = Vec(qkv[q + i]);
                own_y[j][i] = Vec(backward_dout[dout + i]);
            }
        }
    }
}

/// (lse, dot) of streamed query j.
fn stats_at(j: u32, row: u32) -> vec2<f32> {
    if (STAGED) { return shared_stats[j]; }
    return vec2<f32>(backward_lse[row], backward_dot[row]);
}

/// dot = Σ_HS dout∘out, which is also Σ_keys dP∘P: what the softmax takes off every dP. One thread a row.
@compute @workgroup_size(THREADS)
fn attention_backward_dot(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let t = group.x * THREADS + thread;
    if (t < d.T) {
        let at = out_at(group.y / d.NH, t, group.y % d.NH);
        var sum = Vec(0.0);
        for (var i = 0u; i < HV; i++) { sum = fma(Vec(dot_dout[at + i]), Vec(dot_out[at + i]), sum); }
        dot_rows[group.y * d.T + t] = total(sum);
    }
}

/// dk, dv. Owners are keys; the queries of the group's heads stream, from the diagonal on.
@compute @workgroup_size(THREADS)
fn attention_backward_kv(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let b = group.y / d.NKV;
    let g = group.y % d.NKV;
    let first = group.x * OWNED;
    let end = min(min(first + OWNED, d.T) - 1u + d.window, d.T); // behind the last query that sees an owned key
    let mine = first + thread / SPLIT;
    let share = thread % SPLIT;
    let mask = mask_key(step.dropout_key, d.layer, ATTENTION_SITE);
    let scale = softmax_scale();

    var k: array<array<Vec, SHARE>, ROWS>;
    var v: array<array<Vec, SHARE>, ROWS>;
    var dk: array<array<Vec, SHARE>, ROWS>; // Σ ds·q
    var dv: array<array<Vec, SHARE>, ROWS>; // Σ p̃·dout
    for (var r = 0u; r < ROWS; r++) {
        let key = min(mine + r * STRIDE, d.T - 1u);
        let k_at = key_at(b, key, g) + share;
        let v_at = value_at(b, key, g) + share;
        for (var i = 0u; i < SHARE; i++) {
            k[r][i] = Vec(qkv[k_at + i * SPLIT]) * scale;
            v[r][i] = Vec(qkv[v_at + i * SPLIT]);
            dk[r][i] = Vec(0.0);
            dv[r][i] = Vec(0.0);
        }
    }

    let heads = d.NH / d.NKV;
    for (var h = g * heads; h < (g + 1u) * heads; h++) {
        let row = b * d.NH + h;
        let row_hash = mask_row(mask, row);
        for (var j0 = first; j0 < end; j0 += BLOCK) {
            // Of later texts no query sees an owned key.
            if (begin_of(b, j0) >= first + OWNED) { break; }
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
                let stats = stats_at(j, row * d.T + min(query, d.T - 1u));
                let begin = begin_of(b, min(query, d.T - 1u));
                var p: array<f32, ROWS>;
                var ds: array<f32, ROWS>;
                for (var r = 0u; r < ROWS; r++) {
                    let key = mine + r * STRIDE;
                    p[r] = select(0.0, exp(get_s(j, r, thread) - stats.x), sees(query, key, begin) && query < d.T);
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
    }

    for (var r = 0u; r < ROWS; r++) {
        let key = mine + r * STRIDE;
        if (key < d.T) {
            let k_at = key_at(b, key, g) + share;
            let v_at = value_at(b, key, g) + share;
            for (var i = 0u; i < SHARE; i++) {
                dqkv[k_at + i * SPLIT] = Acts(dk[r][i] * scale);
                dqkv[v_at + i * SPLIT] = Acts(dv[r][i]);
            }
        }
    }
}

/// dq. Owners are queries; the keys that they see stream, up to the diagonal.
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
    var begin: array<u32, ROWS>;
    for (var r = 0u; r < ROWS; r++) {
        let query = min(mine + r * STRIDE, d.T - 1u);
        let q_at = query_at(b, query, h) + share;
        let dout_at = out_at(b, query, h) + share;
        for (var i = 0u; i < SHARE; i++) {
            q[r][i] = Vec(qkv[q_at + i * SPLIT]) * scale;
            dout[r][i] = Vec(backward_dout[dout_at + i * SPLIT]);
            dq[r][i] = Vec(0.0);
        }
        let row = group.y * d.T + query;
        stats[r] = vec2<f32>(backward_lse[row], backward_dot[row]);
        begin[r] = begin_of(b, query);
    }

    for (var j0 = first_seen(first, begin_of(b, first)); j0 < end; j0 += BLOCK) {
        stream_keys(b, group_of(h), j0, thread);
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
                let p = select(0.0, exp(get_s(j, r, thread) - stats[r].x), sees(query, key, begin[r]));
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
            let at = query_at(b, query, h) + share;
            for (var i = 0u; i < SHARE; i++) { dqkv[at + i * SPLIT] = Acts(dq[r][i] * scale); }
        }
    }
}
