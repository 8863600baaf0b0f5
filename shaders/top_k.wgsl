// The likeliest of a row of logits, by the digits of their keys; the order, and why parts may be selected first, stand in
// src/ops/top_k.rs.
//
// One workgroup a part and row; an invocation takes neighbours. Four times, from the highest byte of a key to the lowest: the
// invocations count which bytes there are among the keys that are alike so far, and each finds the byte of the k-th key by itself.
// Then they count what comes before that key and what equals it, and write, each behind those before it: so the order is that of
// the places. Counts are whole numbers: whoever adds first, their sum is the same. A key is made anew each time it is looked at: kept
// over barriers, some hundreds of them an invocation would be put away and taken up again on a software adapter, whose
// compiler would take minutes over it.
//
// Bytes moved: 4 N of logits, 8 N of pairs, from memory once; 8 K a part. FLOPs: none.

const WG: u32 = 64u;        // invocations of a workgroup
const WIDTH: u32 = 1u;      // words of what is selected from: 1, a logit, whose id is its place; 2, a logit and its id

/// R rows of N, of which each of PARTS keeps K.
struct Dims { R: u32, N: u32, K: u32, PARTS: u32 }
@group(1) @binding(0) var<uniform> d: Dims;

/// (R,N,WIDTH)
@group(0) @binding(0) var<storage, read> numbers: array<f32>;
/// (R,PARTS,K,2): a logit and its id
@group(0) @binding(1) var<storage, read_write> kept: array<f32>;

/// Values of a byte, and how many of them are counted together first.
const BYTES: u32 = 256u;
const SOME: u32 = 16u;

var<workgroup> bins: array<atomic<u32>, BYTES>;
var<workgroup> sums: array<u32, SOME>;
var<workgroup> firsts: array<u32, WG>;
var<workgroup> ties: array<u32, WG>;

/// The places of a row that one invocation looks at: from the first to before the second.
fn own_places(part: u32, lane: u32) -> vec2<u32> {
    let more = d.N % d.PARTS;
    let begin = part * (d.N / d.PARTS) + min(part, more);
    let end = begin + d.N / d.PARTS + u32(part < more);
    let each = (end - begin + WG - 1u) / WG;
    return min(vec2<u32>(begin + lane * each, begin + (lane + 1u) * each), vec2<u32>(end));
}

/// A number that is larger the earlier a logit comes: its bits, those of negative numbers turned, NaN before all. By the bits
/// alone, because WGSL may assume that there is no NaN.
fn key_at(row: u32, place: u32) -> u32 {
    let bits = bitcast<u32>(numbers[WIDTH * (row * d.N + place)]);
    if ((bits & 0x7fffffffu) > 0x7f800000u) { return 0xffffffffu; }
    return select(bits | 0x80000000u, ~bits, bits >> 31u == 1u);
}

/// The K-th key of the workgroup's, in the order in which they come, and how many that equal it are among the K.
fn last_kept(row: u32, own: vec2<u32>, lane: u32) -> vec2<u32> {
    var prefix = 0u;
    var mask = 0u;
    var left = d.K;
    for (var byte = 0u; byte < 4u; byte += 1u) {
        let shift = 24u - 8u * byte;
        for (var b = lane; b < BYTES; b += WG) { atomicStore(&bins[b], 0u); }
        workgroupBarrier(); // nothing is counted yet
        for (var at = own.x; at < own.y; at += 1u) {
            let key = key_at(row, at);
            if ((key & mask) == prefix) { atomicAdd(&bins[(key >> shift) & 255u], 1u); }
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
fn before(row: u32, own: vec2<u32>, lane: u32, last: u32) -> vec2<u32> {
    var first = 0u;
    var equal = 0u;
    for (var at = own.x; at < own.y; at += 1u) {
        let key = key_at(row, at);
        first += u32(key > last);
        equal += u32(key == last);
    }
    firsts[lane] = first;
    ties[lane] = equal;
    workgroupBarrier(); // every invocation's counts are there
    var all = vec2<u32>(0u);
    for (var l = 0u; l < lane; l += 1u) { all += vec2<u32>(firsts[l], ties[l]); }
    return all;
}

@compute @workgroup_size(WG)
fn top_k(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row = workgroup.y;
    let own = own_places(workgroup.x, lane);
    let last = last_kept(row, own, lane);
    var done = before(row, own, lane, last.x);
    let to = (row * d.PARTS + workgroup.x) * d.K;
    for (var at = own.x; at < own.y; at += 1u) {
        let key = key_at(row, at);
        if (key > last.x || (key == last.x && done.y < last.y)) {
            let pair = 2u * (to + done.x + min(done.y, last.y));
            kept[pair] = numbers[WIDTH * (row * d.N + at)];
            if (WIDTH == 1u) { kept[pair + 1u] = f32(at); } else { kept[pair + 1u] = numbers[WIDTH * (row * d.N + at) + 1u]; }
        }
        done += vec2<u32>(u32(key > last.x), u32(key == last.x));
    }
}
