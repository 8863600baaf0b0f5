// Rotary position embedding (Su et al. 2021, arXiv:2104.09864); the maths stands in src/ops/rope.rs, with why angles are
// turns in fixed point.
//
// One invocation a row (b,t) and pair: it works out one angle and turns that pair of every q and k head by it.
// Bytes moved: 2 BT (NH + NKV) ROT. FLOPs: 3 BT (NH + NKV) ROT, and the angles'.

const WG: u32 = 64u;            // invocations of a workgroup
const ADJACENT: bool = false;   // pairs are 2i, 2i + 1; else i, i + ROT/2
alias Act = f32;                // what qkv is made of: f32 or f16
// 1 / (2 pi), and theta^(-2 / ROT): fractions in 64 bits.
const FIRST_HI: u32 = 683565275u;
const FIRST_LO: u32 = 2475754826u;
const RATIO_HI: u32 = 3220771104u;
const RATIO_LO: u32 = 2330775552u;

struct Dims { BT: u32, T: u32, NH: u32, NKV: u32, HS: u32, ROT: u32 }
@group(1) @binding(0) var<uniform> d: Dims;
@group(1) @binding(1) var<uniform> step: Step;

/// (BT,(NH+2NKV)HS): q | k | v, or its gradient; q and k are turned in place
@group(0) @binding(0) var<storage, read_write> qkv: array<Act>;
/// of rows that are decoded (BT,2): a slot in the cache, and a position
@group(0) @binding(0) var<storage, read> places: array<u32>;
/// (BT,(NH+2NKV)HS): as qkv, of such rows
@group(0) @binding(1) var<storage, read_write> placed: array<f32>;

/// The high word of a * b, by halves.
fn mul_high(a: u32, b: u32) -> u32 {
    let a0 = a & 0xffffu;
    let a1 = a >> 16u;
    let b0 = b & 0xffffu;
    let b1 = b >> 16u;
    let m = a1 * b0;
    let n = a0 * b1;
    let carry = ((a0 * b0) >> 16u) + (m & 0xffffu) + (n & 0xffffu);
    return a1 * b1 + (m >> 16u) + (n >> 16u) + (carry >> 16u);
}

/// The product of two fractions of two words, the high one first; the low words' product is left out.
fn product(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let m = mul_high(a.x, b.y);
    let n = mul_high(a.y, b.x);
    let l = a.x * b.x + m;
    let low = l + n;
    let carry = u32(l < m) + u32(low < n);
    return vec2<u32>(mul_high(a.x, b.x) + carry, low);
}

// ANCHOR: angle
/// The angle of pair i at a position, in units of 2^-32 turns: first * ratio^i by squaring, then times the position.
fn angle(i: u32, pos: u32) -> u32 {
    var turns = vec2<u32>(FIRST_HI, FIRST_LO);
    var power = vec2<u32>(RATIO_HI, RATIO_LO);
    for (var n = i; n > 0u; n /= 2u) {
        if (n % 2u == 1u) { turns = product(turns, power); }
        power = product(power, power);
    }
    return turns.x * pos + mul_high(turns.y, pos);
}
// ANCHOR_END: angle

const RADIANS: f32 = 1.4629181e-9; // 2 pi 2^-32

/// cos and sin of an angle in units of 2^-32 turns: the nearest quarter turn, and Taylor's polynomials of what is left.
fn rotor(angle: u32) -> vec2<f32> {
    let quarter = (angle + (1u << 29u)) >> 30u;
    let x = f32(bitcast<i32>(angle - (quarter << 30u))) * RADIANS;
    let z = x * x;
    let s = x + x * (z * (((1.0 / 362880.0 * z - 1.0 / 5040.0) * z + 1.0 / 120.0) * z - 1.0 / 6.0));
    let c = 1.0 + z * ((((-1.0 / 3628800.0 * z + 1.0 / 40320.0) * z - 1.0 / 720.0) * z + 1.0 / 24.0) * z - 0.5);
    var r = vec2<f32>(c, s);
    if ((quarter & 1u) == 1u) { r = vec2<f32>(-s, c); }
    if ((quarter & 2u) == 2u) { r = -r; }
    return r;
}

/// Where a pair's two channels stand in a head: the first, and how much further the second.
fn channels(pair: u32) -> vec2<u32> {
    return select(vec2<u32>(pair, d.ROT / 2u), vec2<u32>(2u * pair, 1u), ADJACENT);
}

fn rotate(i: u32, sign: f32) {
    let half = d.ROT / 2u;
    let bt = i / half;
    if (bt >= d.BT) { return; }
    let by = rotor(angle(i % half, bt % d.T + step.pos));
    let c = by.x;
    let s = sign * by.y;
    let at_head = channels(i % half);
    let row = bt * (d.NH + 2u * d.NKV) * d.HS;
    for (var h = 0u; h < d.NH + d.NKV; h += 1u) {
        let at = row + h * d.HS + at_head.x;
        let x = f32(qkv[at]);
        let y = f32(qkv[at + at_head.y]);
        qkv[at] = Act(x * c - y * s);
        qkv[at + at_head.y] = Act(x * s + y * c);
    }
}

@compute @workgroup_size(WG)
fn rope_forward(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    rotate(linear_workgroup(workgroup, count) * WG + lane, 1.0);
}

@compute @workgroup_size(WG)
fn rope_backward(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    rotate(linear_workgroup(workgroup, count) * WG + lane, -1.0);
}

@compute @workgroup_size(WG)
fn rope_at(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) count: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = linear_workgroup(workgroup, count) * WG + lane;
    let half = d.ROT / 2u;
    let bt = i / half;
    if (bt >= d.BT) { return; }
    let by = rotor(angle(i % half, places[2u * bt + 1u]));
    let at_head = channels(i % half);
    let row = bt * (d.NH + 2u * d.NKV) * d.HS;
    for (var h = 0u; h < d.NH + d.NKV; h += 1u) {
        let at = row + h * d.HS + at_head.x;
        let x = placed[at];
        let y = placed[at + at_head.y];
        placed[at] = x * by.x - y * by.y;
        placed[at + at_head.y] = x * by.y + y * by.x;
    }
}
