// Attention for P new queries, each of its own sequence, over keys and values that are already cached: decoding's case.
//
//   out = softmax(q·Kᵀ/√HS over the keys seen)·V, K and V of the query's slot
//
// Plan: one workgroup a query and head, a thread every WG-th key with an online softmax of its own; at the end the
// threads' parts are added in the threads' order. Grid x = NH, y = P. Keys before the window are not visited.
//
// Bytes: K and V of the n = min(pos+1, window) keys seen: 8·NKV·HS·n for one query, read again by each head of a group, mostly
// from cache; its own row in and out. FLOPs: 4·NH·HS·n a query, and NH·n pairs of exponentials.
//
// HS, W and Vec stand in lib/attention.wgsl.
// WG        threads a workgroup: a power of two is natural, any number is right.

const WG: u32 = 64u;

/// Extents: P new queries, S slots of T positions in the cache, NH query heads on NKV key/value heads; a query sees `window` keys.
struct Dims { P: u32, S: u32, T: u32, NH: u32, NKV: u32, window: u32 }

/// (P,2): a row's slot and its position there
@group(0) @binding(0) var<storage, read> places: array<u32>;
/// (P,(NH+2·NKV)·HS), of which q alone is read: the cache has the rest
@group(0) @binding(1) var<storage, read> qkv: array<Acts>;
/// (S,T,NKV·HS)
@group(0) @binding(2) var<storage, read> kcache: array<Vec>;
/// (S,T,NKV·HS)
@group(0) @binding(3) var<storage, read> vcache: array<Vec>;
/// (P,NH·HS)
@group(0) @binding(4) var<storage, read_write> cached_out: array<Vec>;

@group(1) @binding(0) var<uniform> d: Dims;
@group(1) @binding(1) var<uniform> step: Step;

/// Vecs of a head that are combined at a time: what 8 KiB hold for all threads.
const CHUNK: u32 = min(HV, max(1u, 2048u / (WG * W)));
var<workgroup> cached_top: array<f32, WG>;
var<workgroup> cached_sum: array<f32, WG>;
var<workgroup> cached_acc: array<array<Vec, CHUNK>, WG>;

/// out for P new queries, over the keys and values that are cached of their sequences up to their own positions and that they
/// see; zeros for a query that is nowhere: padding, or an idle row.
@compute @workgroup_size(WG)
fn attention_cached(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let h = group.x;
    let row = group.y;
    let slot = places[2u * row];
    let query = min(places[2u * row + 1u], d.T);
    let keys = select(0u, query + 1u, slot < d.S && query < d.T);
    let scale = softmax_scale();

    var q: array<Vec, HV>;
    var acc: array<Vec, HV>;
    for (var i = 0u; i < HV; i++) {
        q[i] = Vec(qkv[query_at(0u, row, h) + i]) * scale;
        acc[i] = Vec(0.0);
    }
    var top = LOWEST;
    var sum = 0.0;
    for (var key = first_seen(query, 0u) + thread; key < keys; key += WG) {
        let at = ((slot * d.T + key) * d.NKV + group_of(h)) * HV;
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
            // No key at all: the query is nowhere.
            cached_out[out_at(0u, row, h) + i0 + i] = select(Vec(0.0), value / max(all, 1.0e-30), keys > 0u);
        }
    }
}
