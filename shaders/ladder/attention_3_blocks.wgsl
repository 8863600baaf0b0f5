// The ladder of causal attention, rung 3 of 3: keys and values in blocks, staged in workgroup memory (FlashAttention, Dao et al.
// 2022, arXiv:2205.14135).
//
//   S = q·kᵀ/√HS, for the keys j ≤ i of query i      P = softmax(S), row by row      out = P·v
//
// qkv (B,T,3·NH·HS): queries | keys | values, each NH heads of HS channels · out (B,T,NH·HS)
//
// Changed from rung 2: the WG queries of a workgroup walk the keys together, BLOCK at a time. All threads copy a block of keys and
// values into workgroup memory, then each meets the whole block: its scores, their largest, one shrinking, the values.
// Why: each thread fetched every key and value for itself, WG times the same words; and each key had its shrinking, which rests
// on the one before: a chain of exponentials to wait for. Now a block has one, and its scores do not wait for each other.
//
// Plan: one workgroup WG queries of a head, one thread a query; keys stream past in blocks up to the workgroup's last query: what
// is wholly above the diagonal is never visited. Grid: x = ⌈T / WG⌉, y = B·NH.
//
// With n = B·NH·T(T+1)/2 pairs. FLOPs 4·HS·n, and 1 + 1/BLOCK exponentials a pair. Bytes loaded 8·HS·n / WG; stored 4·B·T·NH·HS.
// Workgroup memory 8·BLOCK·HS bytes, 16 KiB at most.
// Costs: two barriers a block; 2·HS + BLOCK registers a thread; about WG/2 pairs a query that are above the diagonal, in the
// workgroup's last blocks: they are computed and weigh nothing.
// Next, in `attention_forward.wgsl`: four words a load, several threads a query where HS is large, the longest rows first, heads in
// groups, windows, dropout, and the log-sum-exp that backward needs.

const HS: u32 = 64u;
const WG: u32 = 64u;
const BLOCK: u32 = 16u;

/// Below every score; finite, because WGSL may assume that infinities never arise.
const LOWEST: f32 = -3.0e38;

struct Dims { B: u32, T: u32, NH: u32 }

/// (B,T,3·NH·HS)
@group(0) @binding(0) var<storage, read> qkv: array<f32>;
/// (B,T,NH·HS)
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(1) @binding(0) var<uniform> d: Dims;

/// The block's keys and values: [key][channel].
var<workgroup> k_block: array<array<f32, HS>, BLOCK>;
var<workgroup> v_block: array<array<f32, HS>, BLOCK>;

/// Where the query (part 0), key (1) or value (2) of head bh = b·NH + h begins at position t.
fn row_of(part: u32, bh: u32, t: u32) -> u32 {
    return (((bh / d.NH * d.T + t) * 3u + part) * d.NH + bh % d.NH) * HS;
}

/// out = P·v
@compute @workgroup_size(WG)
fn ladder_attention_3_blocks(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let bh = group.y;
    let end = min((group.x + 1u) * WG, d.T);
    let i = group.x * WG + thread; // a query past the end is the last one, and is not stored
    var q: array<f32, HS>;
    var acc: array<f32, HS>; // Σ exp(s − top)·v
    let mine = row_of(0u, bh, min(i, d.T - 1u));
    for (var c = 0u; c < HS; c++) {
        q[c] = qkv[mine + c] / sqrt(f32(HS));
        acc[c] = 0.0;
    }
    var top = LOWEST; // max of the scores so far
    var sum = 0.0; // Σ exp(s − top)
    for (var j0 = 0u; j0 < end; j0 += BLOCK) {
        workgroupBarrier(); // the last block has been read
        for (var e = thread; e < BLOCK * HS; e += WG) {
            let j = min(j0 + e / HS, d.T - 1u);
            k_block[e / HS][e % HS] = qkv[row_of(1u, bh, j) + e % HS];
            v_block[e / HS][e % HS] = qkv[row_of(2u, bh, j) + e % HS];
        }
        workgroupBarrier(); // the block is whole
        var s: array<f32, BLOCK>;
        var next = top;
        for (var j = 0u; j < BLOCK; j++) {
            s[j] = 0.0;
            for (var c = 0u; c < HS; c++) { s[j] = fma(q[c], k_block[j][c], s[j]); }
            // Every query sees key 0, in the first block: a score that is not seen is far below top, and its exponential 0.
            s[j] = select(LOWEST, s[j], j0 + j <= i);
            next = max(next, s[j]);
        }
        let shrink = exp(top - next);
        sum *= shrink;
        for (var c = 0u; c < HS; c++) { acc[c] *= shrink; }
        for (var j = 0u; j < BLOCK; j++) {
            let p = exp(s[j] - next);
            sum += p;
            for (var c = 0u; c < HS; c++) { acc[c] = fma(p, v_block[j][c], acc[c]); }
        }
        top = next;
    }
    if (i < d.T) {
        let to = ((bh / d.NH * d.T + i) * d.NH + bh % d.NH) * HS;
        for (var c = 0u; c < HS; c++) { out[to + c] = acc[c] / sum; }
    }
}
