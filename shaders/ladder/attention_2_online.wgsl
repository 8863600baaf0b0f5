// The ladder of causal attention, rung 2 of 3: the softmax carried along, nothing stored (Milakov and Gimelshein 2018,
// arXiv:1805.02867).
//
//   S = q·kᵀ/√HS, for the keys j ≤ i of query i      P = softmax(S), row by row      out = P·v
//
// qkv (B,T,3·NH·HS): queries | keys | values, each NH heads of HS channels · out (B,T,NH·HS)
//
// Changed from rung 1: one kernel for three. A thread walks the keys once and carries the largest score so far, the sum of the
// exponentials relative to it and the sum of values that they weigh. When a larger score comes, both sums are too large by a
// known factor: they shrink by it, and go on. At the end one is divided by the other.
// Why: rung 1 wrote every score to memory, went over all of them three times more, and then read each once a channel; and it
// needed room for them, B·NH·T² numbers where qkv and out are 4·B·T·NH·HS. It waited for memory, and long contexts did not fit.
//
// Plan: one thread a query of a head; its q and its sums in registers. Grid: x = ⌈T / WG⌉, y = B·NH.
//
// With n = B·NH·T(T+1)/2 pairs. FLOPs 4·HS·n, and two exponentials a pair. Bytes loaded 8·HS·n, a key and a value for each pair,
// the same for all threads at a time; stored 4·B·T·NH·HS.
// Costs: 2·HS registers a thread; and every key makes the sums shrink, by 1 nearly always: HS multiplications for nothing.

const HS: u32 = 64u;
const WG: u32 = 64u;

/// Below every score; finite, because WGSL may assume that infinities never arise.
const LOWEST: f32 = -3.0e38;

struct Dims { B: u32, T: u32, NH: u32 }

/// (B,T,3·NH·HS)
@group(0) @binding(0) var<storage, read> qkv: array<f32>;
/// (B,T,NH·HS)
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(1) @binding(0) var<uniform> d: Dims;

/// Where the query (part 0), key (1) or value (2) of head bh = b·NH + h begins at position t.
fn row_of(part: u32, bh: u32, t: u32) -> u32 {
    return (((bh / d.NH * d.T + t) * 3u + part) * d.NH + bh % d.NH) * HS;
}

/// out = P·v
@compute @workgroup_size(WG)
fn ladder_attention_2_online(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.x;
    let bh = id.y;
    if (i >= d.T) { return; }
    var q: array<f32, HS>;
    var acc: array<f32, HS>; // Σ exp(s − top)·v
    let mine = row_of(0u, bh, i);
    for (var c = 0u; c < HS; c++) {
        q[c] = qkv[mine + c] / sqrt(f32(HS));
        acc[c] = 0.0;
    }
    var top = LOWEST; // max of the scores so far
    var sum = 0.0; // Σ exp(s − top)
    for (var j = 0u; j <= i; j++) {
        let k = row_of(1u, bh, j);
        let v = row_of(2u, bh, j);
        var s = 0.0;
        for (var c = 0u; c < HS; c++) { s = fma(q[c], qkv[k + c], s); }
        let next = max(top, s);
        let shrink = exp(top - next);
        let p = exp(s - next);
        sum = fma(sum, shrink, p);
        for (var c = 0u; c < HS; c++) { acc[c] = fma(acc[c], shrink, p * qkv[v + c]); }
        top = next;
    }
    let to = ((bh / d.NH * d.T + i) * d.NH + bh % d.NH) * HS;
    for (var c = 0u; c < HS; c++) { out[to + c] = acc[c] / sum; }
}
