// The k likeliest of a row of logits, by the digits of their keys; the order, and why parts may be selected first, stand in
// src/ops/top_k.rs.
//
// One workgroup a part and row; an invocation takes neighbours and keeps their keys in registers. Four times, from the highest
// byte of a key to the lowest: the invocations count which bytes there are among the keys that are alike so far, and each finds
// the byte of the k-th key by itself. Then they count what comes before that key and what equals it, and write, each behind those
// before it: so the order is that of the places. Counts are whole numbers: whoever adds first, their sum is the same.
//
// Bytes moved: 4 N of logits, 8 N of pairs; 8 K a part. FLOPs: none.

const WG: u32 = 64u;        // invocations of a workgroup
const PART: u32 = 4096u;    // the most that one takes; a multiple of WG

/// R rows of N, of which each of PARTS keeps K.
struct Dims { R: u32, N: u32, K: u32, PARTS: u32 }
@group(1) @binding(0) var<uniform> d: Dims;

/// (R,N)
@group(0) @binding(0) var<storage, read> logits: array<f32>;
/// (R,N,2): a logit and its id
@group(0) @binding(0) var<storage, read> pairs: array<f32>;
/// (R,PARTS,K,2): a logit and its id
@group(0) @binding(1) var<storage, read_write> kept: array<f32>;

/// Neighbours that an invocation takes.
const EACH: u32 = PART / WG;
/// Values of a byte, and how many of them are counted together first.
const BYTES: u32 = 256u;
const SOME: u32 = 16u;

var<private> keys: array<u32, EACH>;
var<workgroup> bins: array<atomic<u32>, BYTES>;
var<workgroup> sums: array<u32, SOME>;
var<workgroup> firsts: array<u32, WG>;
var<workgroup> ties: array<u32, WG>;

/// A number that is larger the earlier a logit comes: its bits, those of negative numbers turned, NaN before all. By the bits
/// alone, because WGSL may assume that there is no NaN.
fn key(logit: f32) -> u32 {
    let bits = bitcast<u32>(logit);
    if ((bits & 0x7fffffffu) > 0x7f800000u) { return 0xffffffffu; }
    return select(bits | 0x80000000u, ~bits, bits >> 31u == 1u);
}

/// The first of a part's places, and how many there are.
fn places(part: u32) -> vec2<u32> {
    let more = d.N % d.PARTS;
    return vec2<u32>(part * (d.N / d.PARTS) + min(part, more), d.N / d.PARTS + u32(part < more));
}

/// The K-th key of the workgroup's n, in the order in which they come, and how many that equal it are among the K.
fn last_kept(lane: u32, n: u32) -> vec2<u32> {
    let mine = min(n - min(n, lane * EACH), EACH);
    var prefix = 0u;
    var mask = 0u;
    var left = d.K;
    for (var byte = 0u; byte < 4u; byte += 1u) {
        let shift = 24u - 8u * byte;
        for (var b = lane; b < BYTES; b += WG) { atomicStore(&bins[b], 0u); }
        workgroupBarrier(); // nothing is counted yet
        for (var i = 0u; i < EACH; i += 1u) {
            if (i < mine && (keys[i] & mask) == prefix) { atomicAdd(&bins[(keys[i] >> shift) & 255u], 1u); }
        }
        workgroupBarrier(); // every key is counted
        for (var s = lane; s < SOME; s += WG) {
            var sum = 0u;
            for (var b = 0u; b < BYTES / SOME; b += 1u) { sum += atomicLoad(&bins[s * (BYTES / SOME) + b]); }
            sums[s] = sum;
        }
        workgroupBarrier(); // the sums are there
        // From the highest: the byte up to which `left` keys come. Every invocation finds the same.
        var s = SOME - 1u;
        while (s > 0u && sums[s] < left) {
            left -= sums[s];
            s -= 1u;
        }
        var b = (s + 1u) * (BYTES / SOME) - 1u;
        while (b > s * (BYTES / SOME) && atomicLoad(&bins[b]) < left) {
            left -= atomicLoad(&bins[b]);
            b -= 1u;
        }
        prefix |= b << shift;
        mask |= 255u << shift;
        workgroupBarrier(); // all have read the counts
    }
    return vec2<u32>(prefix, left);
}

/// How many pairs of the workgroup's stand before this invocation's, and how many of them equal the last.
fn before(lane: u32, n: u32, last: u32) -> vec2<u32> {
    let mine = min(n - min(n, lane * EACH), EACH);
    var first = 0u;
    var equal = 0u;
    for (var i = 0u; i < EACH; i += 1u) {
        if (i < mine) {
            first += u32(keys[i] > last);
            equal += u32(keys[i] == last);
        }
    }
    firsts[lane] = first;
    ties[lane] = equal;
    workgroupBarrier(); // every invocation's counts are there
    var all = vec2<u32>(0u);
    for (var l = 0u; l < lane; l += 1u) { all += vec2<u32>(firsts[l], ties[l]); }
    return all;
}

@compute @workgroup_size(WG)
fn top_k_of_logits(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let part = places(workgroup.x);
    let begin = part.x + lane * EACH;
    let row = workgroup.y * d.N;
    for (var i = 0u; i < EACH; i += 1u) {
        if (lane * EACH + i < part.y) { keys[i] = key(logits[row + begin + i]); }
    }
    let last = last_kept(lane, part.y);
    var at = before(lane, part.y, last.x);
    let to = (workgroup.y * d.PARTS + workgroup.x) * d.K;
    for (var i = 0u; i < EACH; i += 1u) {
        if (lane * EACH + i < part.y) {
            if (keys[i] > last.x || (keys[i] == last.x && at.y < last.y)) {
                let pair = 2u * (to + at.x + min(at.y, last.y));
                kept[pair] = logits[row + begin + i];
                kept[pair + 1u] = f32(begin + i);
            }
            at += vec2<u32>(u32(keys[i] > last.x), u32(keys[i] == last.x));
        }
    }
}

@compute @workgroup_size(WG)
fn top_k_of_kept(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let part = places(workgroup.x);
    let begin = 2u * (workgroup.y * d.N + part.x + lane * EACH);
    for (var i = 0u; i < EACH; i += 1u) {
        if (lane * EACH + i < part.y) { keys[i] = key(pairs[begin + 2u * i]); }
    }
    let last = last_kept(lane, part.y);
    var at = before(lane, part.y, last.x);
    let to = (workgroup.y * d.PARTS + workgroup.x) * d.K;
    for (var i = 0u; i < EACH; i += 1u) {
        if (lane * EACH + i < part.y) {
            if (keys[i] > last.x || (keys[i] == last.x && at.y < last.y)) {
                let pair = 2u * (to + at.x + min(at.y, last.y));
                kept[pair] = pairs[begin + 2u * i];
                kept[pair + 1u] = pairs[begin + 2u * i + 1u];
            }
            at += vec2<u32>(u32(keys[i] > last.x), u32(keys[i] == last.x));
        }
    }
}
