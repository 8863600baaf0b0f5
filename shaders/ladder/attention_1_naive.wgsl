// The ladder of causal attention, rung 1 of 3: the equation, a kernel a line, every score in memory.
//
//   S = q·kᵀ/√HS, for the keys j ≤ i of query i      P = softmax(S), row by row      out = P·v
//
// qkv (B,T,3·NH·HS): queries | keys | values, each NH heads of HS channels · att (B,NH,T,T), S and then P · out (B,T,NH·HS)
//
// Plan: three dispatches. scores: one thread a pair (i,j), workgroups of SIDE × SIDE, x along the keys; above the diagonal it
// writes zero. softmax: one thread a row, which walks it three times (largest, exponentials and their sum, quotients), in place;
// neighbouring threads are T words apart. values: one thread an element of out, x along the channels.
// Grids: ⌈T/SIDE⌉ × ⌈T/SIDE⌉ × B·NH; ⌈T/WG⌉ × B·NH; ⌈HS/SIDE⌉ × ⌈T/SIDE⌉ × B·NH.
//
// With n = B·NH·T(T+1)/2 pairs. FLOPs: 2·HS·n, 5·n and 2·HS·n. Bytes loaded: 8·HS·n by scores, 12·n by softmax, 8·HS·n by
// values; stored 4·B·NH·T², 8·n, 4·B·T·NH·HS.
// Costs: memory. att is 4·B·NH·T² bytes in every layer, and backward would want it again: at T = 1,024 and 12 heads 48 MiB a
// sequence.

const HS: u32 = 64u;
const SIDE: u32 = 16u;
const WG: u32 = 64u;

/// Below every score; finite, because WGSL may assume that infinities never arise.
const LOWEST: f32 = -3.0e38;

struct Dims { B: u32, T: u32, NH: u32 }
@group(1) @binding(0) var<uniform> d: Dims;

/// (B,T,3·NH·HS), of `scores` and `values`
@group(0) @binding(0) var<storage, read> qkv: array<f32>;
/// (B,NH,T,T), of `scores`
@group(0) @binding(1) var<storage, read_write> scores: array<f32>;
/// (B,NH,T,T), S that becomes P, of `softmax`
@group(0) @binding(0) var<storage, read_write> att: array<f32>;
/// (B,NH,T,T), P, of `values`
@group(0) @binding(1) var<storage, read> p: array<f32>;
/// (B,T,NH·HS), of `values`
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

/// Where the query (part 0), key (1) or value (2) of head bh = b·NH + h begins at position t.
fn row_of(part: u32, bh: u32, t: u32) -> u32 {
    return (((bh / d.NH * d.T + t) * 3u + part) * d.NH + bh % d.NH) * HS;
}

/// S
@compute @workgroup_size(SIDE, SIDE)
fn ladder_attention_1_scores(@builtin(global_invocation_id) id: vec3<u32>) {
    let j = id.x;
    let i = id.y;
    if (i >= d.T || j >= d.T) { return; }
    var s = 0.0;
    if (j <= i) {
        let q = row_of(0u, id.z, i);
        let k = row_of(1u, id.z, j);
        for (var c = 0u; c < HS; c++) { s = fma(qkv[q + c], qkv[k + c], s); }
    }
    scores[(id.z * d.T + i) * d.T + j] = s / sqrt(f32(HS));
}

/// S → P, in place, of the keys that are seen.
@compute @workgroup_size(WG)
fn ladder_attention_1_softmax(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.x;
    if (i >= d.T) { return; }
    let row = (id.y * d.T + i) * d.T;
    var top = LOWEST;
    for (var j = 0u; j <= i; j++) { top = max(top, att[row + j]); }
    var sum = 0.0;
    for (var j = 0u; j <= i; j++) {
        let e = exp(att[row + j] - top);
        att[row + j] = e;
        sum += e;
    }
    for (var j = 0u; j <= i; j++) { att[row + j] /= sum; }
}

/// out = P·v
@compute @workgroup_size(SIDE, SIDE)
fn ladder_attention_1_values(@builtin(global_invocation_id) id: vec3<u32>) {
    let c = id.x;
    let i = id.y;
    if (i >= d.T || c >= HS) { return; }
    var sum = 0.0;
    for (var j = 0u; j <= i; j++) {
        sum = fma(p[(id.z * d.T + i) * d.T + j], qkv[row_of(2u, id.z, j) + c], sum);
    }
    // The head's channels lie side by side in out, (B,T,NH·HS).
    out[((id.z / d.NH * d.T + i) * d.NH + id.z % d.NH) * HS + c] = sum;
}
