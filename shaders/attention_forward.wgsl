// Causal multi-head attention that never stores a T×T matrix (FlashAttention, Dao et al. 2022, arXiv:2205.14135).
//
//   S = Q·Kᵀ/√HS    P = softmax(S), row by row over keys ≤ query    O = P̃·V    P̃ = P∘M·scale with dropout, else P
//   lse = max S + log Σ exp(S − max S), all that backward needs to know of the softmax:  P = exp(S − lse)
//
// qkv (B,T,3C): q | k | v, each with its heads side by side. A mask's bits belong to (b·NH+h, query·T+key).
//
// Plan: one workgroup owns OWNED queries of one head and streams the keys past them, up to the diagonal
// (lib/attention.wgsl has the streaming and the constants). Grid x = ⌈T / OWNED⌉, y = B·NH.
//
// Bytes: each workgroup streams two rows of HS words a visited key: 8·HS·n/OWNED for the n = B·NH·T(T+1)/2 pairs, mostly
// from cache; owned rows once, in and out. FLOPs: 4·HS·n, and as many exponentials as pairs.

/// Extents; `layer` only names the dropout mask.
struct Dims { B: u32, T: u32, C: u32, NH: u32, layer: u32 }

/// (B,T,3C)
@group(0) @binding(0) var<storage, read> qkv: array<Vec>;
/// (B,T,C)
@group(0) @binding(1) var<storage, read_write> out: array<Vec>;
/// (B,NH,T)
@group(0) @binding(2) var<storage, read_write> lse: array<f32>;

@group(1) @binding(0) var<uniform> d: Dims;
@group(1) @binding(1) var<uniform> step: Step;

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
