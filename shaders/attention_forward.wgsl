// Causal multi-head attention that never stores a T×T matrix (FlashAttention, Dao et al. 2022, arXiv:2205.14135).
//
//   S = Q·Kᵀ/√HS    P = softmax(S), row by row over the keys seen    O = P̃·V    P̃ = P∘M·scale with dropout, else P
//   lse = max S + log Σ exp(S − max S), all that backward needs to know of the softmax:  P = exp(S − lse)
//
// qkv (B,T,(NH+2·NKV)·HS): NH query heads | NKV key heads | NKV value heads; query head h attends to key/value head
// h/(NH/NKV). A query sees itself and the window − 1 keys before it, of its own text. A mask's bits belong to (b·NH+h, query·T+key).
//
// Plan: one workgroup owns OWNED queries of one head and streams the keys past them, from the first that its first query sees
// up to the diagonal (lib/attention.wgsl has the streaming and the constants). Grid x = ⌈T / OWNED⌉, y = B·NH.
//
// Bytes: each workgroup streams two rows of HS words a visited key: 8·HS·n/OWNED for the n = B·NH·w(2T−w+1)/2 pairs of a window
// w (B·NH·T(T+1)/2 where it is T), mostly from cache; owned rows once, in and out. FLOPs: 4·HS·n, and as many exponentials as
// pairs.

/// Extents: NH query heads on NKV key/value heads; a query sees `window` keys. `layer` only names the dropout mask.
struct Dims { B: u32, T: u32, NH: u32, NKV: u32, window: u32, layer: u32 }

/// (B,T,(NH+2·NKV)·HS)
@group(0) @binding(0) var<storage, read> qkv: array<Acts>;
/// (B,T) where each query's text begins
@group(0) @binding(1) var<storage, read> begins: array<u32>;
/// (B,T,NH·HS)
@group(0) @binding(2) var<storage, read_write> out: array<Acts>;
/// (B,NH,T)
@group(0) @binding(3) var<storage, read_write> lse: array<f32>;

@group(1) @binding(0) var<uniform> d: Dims;
@group(1) @binding(1) var<uniform> step: Step;

/// Where the text of a query of sequence b begins.
fn begin_of(b: u32, query: u32) -> u32 { return begins[b * d.T + query]; }

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
    var begin: array<u32, ROWS>;
    for (var r = 0u; r < ROWS; r++) {
        let at = query_at(b, min(mine + r * STRIDE, d.T - 1u), h) + share;
        for (var i = 0u; i < SHARE; i++) {
            q[r][i] = Vec(qkv[at + i * SPLIT]) * scale;
            acc[r][i] = Vec(0.0);
        }
        top[r] = LOWEST;
        sum[r] = 0.0;
        begin[r] = begin_of(b, min(mine + r * STRIDE, d.T - 1u));
    }

    for (var j0 = first_seen(first, begin_of(b, first)); j0 < end; j0 += BLOCK) {
        stream_keys(b, group_of(h), j0, thread);
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
            for (var j = 0u; j < BLOCK; j++) { next = max(next, select(LOWEST, get_s(j, r, thread), sees(query, j0 + j, begin[r]))); }
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
                // Of a seen key the difference is 0 at most; of others, before a row's first, it could be beyond exp.
                p[r] = select(0.0, exp(min(get_s(j, r, thread) - top[r], 0.0)), sees(query, key, begin[r]));
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
            let at = out_at(b, query, h) + share;
            let inverse = 1.0 / sum[r];
            for (var i = 0u; i < SHARE; i++) { out[at + i * SPLIT] = Acts(acc[r][i] * inverse); }
            if (share == 0u) { lse[group.y * d.T + query] = top[r] + log(sum[r]); }
        }
    }
}
