//! Rotary position embedding (Su et al. 2021, arXiv:2104.09864), in place on the packed projection.
//!
//!   φ = pos·θ^(−2i/ROT)      pair i in 0..ROT/2 of each q and k head
//!   (x, y) ← (x·cos φ − y·sin φ, x·sin φ + y·cos φ)
//!
//! qkv (BT,(NH+2·NKV)·HS): q heads | k heads | v heads; v, and a head's channels from ROT on, stay as they are. Row bt
//! stands at position bt % T + pos, pos the step's; where tokens are decoded, at its place (`ops::kv_cache`). A rotation's
//! gradient is turned back by the same angle.
//!
//! **Angles are turns in fixed point.** φ grows to tens of thousands of radians, where an f32 has 1/500 left, and where
//! drivers' sin and cos are not to be trusted; an inverse frequency in f32 is off by 6·10⁻⁸ of itself, at position 8192
//! half a thousandth of a radian. So a frequency is a fraction of a turn in 64 bits: times a position it wraps at whole
//! turns by itself, exactly. The frequencies are a geometric series: two numbers, 1/2π and θ^(−2/ROT), constants of the
//! shader, give all of them by squaring, so that the host writes no table which could be forgotten. All of it is whole
//! numbers, with the same bits on every device. What is left of an angle, an eighth of a turn either way, goes to two
//! Taylor polynomials.

use std::cell::Cell;

use multiversion::multiversion;
use rayon::prelude::*;

use crate::device::kernel::{Consts, ids, write, write_act};
use crate::device::recorder::Launch;
use crate::device::variants::FLAT;
use crate::device::{Call, Choices, Const, Element, Kernel, Kind, Limits, Recorder, Tensor};
use crate::ops::case::{Case, Family, Fill, elements};
use crate::ops::load::{self, act};

/// The op's kernels and cases.
pub const FAMILY: Family =
    Family { name: "rope", kernels: &[&FORWARD, &BACKWARD, &AT], variants: FLAT, cases };

static FORWARD: Kernel = Kernel {
    name: "rope_forward",
    file: "rope.wgsl",
    source: include_str!("../../shaders/rope.wgsl"),
    lib: &[include_str!("../../shaders/lib/step.wgsl"), include_str!("../../shaders/lib/grid.wgsl")],
    bindings: &[write_act("qkv")],
    dims: &["BT", "T", "NH", "NKV", "HS", "ROT"],
    step: true,
    // The same angle to the bit; then polynomials and a rotation, whose products WGSL may fuse with their sums: an ulp of
    // the cosine, one of a product, 2·2⁻²³.
    tolerance: 2.5e-7,
    twin: forward_twin,
};

static BACKWARD: Kernel = Kernel {
    name: "rope_backward",
    // As forward, which it is, turned the other way.
    tolerance: 2.5e-7,
    twin: backward_twin,
    ..FORWARD
};

static AT: Kernel = Kernel {
    name: "rope_at",
    bindings: &[ids("places"), write("placed")],
    step: false,
    // As forward, which it is, at other positions.
    tolerance: 2.5e-7,
    twin: at_twin,
    ..FORWARD
};

/// Which two channels of a head are a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pairs {
    /// i and i + ROT/2: Hugging Face's.
    HalfSplit,
    /// 2i and 2i + 1: the paper's, and GGUF's for the Llama shape.
    Adjacent,
}

/// What is rotated, and how fast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rope {
    /// Query heads.
    pub nh: usize,
    /// Key heads, and as many value heads.
    pub nkv: usize,
    /// Channels a head.
    pub hs: usize,
    /// Of them rotated, from the first: even, at most `hs`.
    pub rot: usize,
    /// θ, the base of the frequencies: 1 or more.
    pub theta: f32,
    /// Which channels are a pair.
    pub pairs: Pairs,
}

/// The numbers of a turn in 64 bits that make every frequency.
const WORDS: [&str; 4] = ["FIRST_HI", "FIRST_LO", "RATIO_HI", "RATIO_LO"];

/// 1/2π·2⁶⁴: the turns a position of the first pair, which takes a radian.
const FIRST: u64 = 0x28BE_60DB_9391_054A;

impl Rope {
    /// θ^(−2/ROT)·2⁶⁴, from one pair's frequency to the next's; of a θ of 1 the last number below a whole.
    fn ratio(&self) -> u64 {
        (f64::from(self.theta).powf(-2.0 / self.rot as f64) * 2.0_f64.powi(64)) as u64
    }

    fn consts(&self) -> [(&'static str, Const); 5] {
        let halves = |x: u64| [(x >> 32) as u32, x as u32].map(Const::U32);
        let [[a, b], [c, d]] = [FIRST, self.ratio()].map(halves);
        let adjacent = Const::Bool(self.pairs == Pairs::Adjacent);
        [(WORDS[0], a), (WORDS[1], b), (WORDS[2], c), (WORDS[3], d), ("ADJACENT", adjacent)]
    }
}

fn record(
    rec: &mut Recorder,
    (kernel, label): (&'static Kernel, &str),
    places: Option<Tensor>,
    qkv: Tensor,
    rope: Rope,
    t: usize,
) {
    let Rope { nh, nkv, hs, rot, .. } = rope;
    let [bt, width] = rec.extents(qkv);
    assert_eq!(width, (nh + 2 * nkv) * hs, "{}: q, k and v heads of {rope:?}", rec.name(qkv));
    assert!(
        (2..=hs).contains(&rot) && rot.is_multiple_of(2),
        "{rope:?}: an even number of a head's channels"
    );
    let variant = rec.pick("rope", FLAT, &[]);
    let element = rec.element(qkv);
    let consts: Consts = variant.with(rope.consts().into_iter().chain([act("Act", element)]));
    let pairs = bt * rot / 2;
    let launch = Launch {
        kernel,
        consts,
        args: &match places {
            Some(places) => vec![places.read(), qkv.update()],
            None => vec![qkv.update()],
        },
        dims: &[bt, t, nh, nkv, hs, rot],
        workgroups: rec.groups(pairs, variant.number("WG")),
        flops: (pairs * (24 + 6 * (nh + nkv))) as u64,
    };
    rec.dispatch_moving(label, launch, 16 * (pairs * (nh + nkv)) as u64);
}

/// Records the rotation of the q and k heads, in place; sequences of `t` rows follow one another.
pub fn forward(rec: &mut Recorder, qkv: Tensor, rope: Rope, t: usize) {
    record(rec, (&FORWARD, "forward"), None, qkv, rope, t);
}

/// Records the rotation of rows that are decoded, each at its place of `places` (P,2) or more.
pub fn at(rec: &mut Recorder, qkv: Tensor, rope: Rope, places: Tensor) {
    let ([bt, _], [of, _]) = (rec.extents(qkv), rec.extents(places));
    assert!(bt <= of, "rope: a place a row");
    record(rec, (&AT, "forward"), Some(places), qkv, rope, bt);
}

/// Records the gradient of what [`forward`] rotated → the gradient of what it was given, in place.
pub fn backward(rec: &mut Recorder, dqkv: Tensor, rope: Rope, t: usize) {
    record(rec, (&BACKWARD, "backward"), None, dqkv, rope, t);
}

// ANCHOR: turns
/// The product of two fractions in 64 bits, less than 3·2⁻⁶⁴ too small: the low halves' product is left out.
fn product(a: u64, b: u64) -> u64 {
    const LOW: u64 = 0xFFFF_FFFF;
    let (ah, al, bh, bl) = (a >> 32, a & LOW, b >> 32, b & LOW);
    ah * bh + ((ah * bl) >> 32) + ((al * bh) >> 32)
}

/// Turns a position of pair i: first·ratioⁱ, by squaring.
fn turns(first: u64, ratio: u64, i: usize) -> u64 {
    let (mut turns, mut power, mut n) = (first, ratio, i);
    while n > 0 {
        if n % 2 == 1 {
            turns = product(turns, power);
        }
        power = product(power, power);
        n /= 2;
    }
    turns
}

/// The angle at a position, in units of 2⁻³² turns: what is more than a turn falls off the top.
fn angle(turns: u64, pos: u32) -> u32 {
    (turns.wrapping_mul(pos.into()) >> 32) as u32
}
// ANCHOR_END: turns

// ANCHOR: rotor
/// cos and sin of an angle in units of 2⁻³² turns: the nearest quarter turn, and Taylor's polynomials of what is left, at
/// most π/4, whose remainders are below 2·10⁻⁹.
#[inline(always)]
fn rotor(angle: u32) -> (f32, f32) {
    const RADIANS: f32 = 1.462_918_1e-9; // 2π·2⁻³²
    let quarter = angle.wrapping_add(1 << 29) >> 30;
    let x = angle.wrapping_sub(quarter << 30) as i32 as f32 * RADIANS;
    let z = x * x;
    let s = 1.0 / 362_880.0;
    let s = s * z - 1.0 / 5040.0;
    let s = s * z + 1.0 / 120.0;
    let s = s * z - 1.0 / 6.0;
    let s = x + x * (z * s);
    let c = -1.0 / 3_628_800.0;
    let c = c * z + 1.0 / 40_320.0;
    let c = c * z - 1.0 / 720.0;
    let c = c * z + 1.0 / 24.0;
    let c = 1.0 + z * (c * z - 0.5);
    let (c, s) = if quarter & 1 == 1 { (-s, c) } else { (c, s) };
    if quarter & 2 == 2 { (-c, -s) } else { (c, s) }
}
// ANCHOR_END: rotor

fn forward_twin(call: &mut Call) {
    let ([], [qkv]) = call.tensors();
    rotate(call, qkv, None, 1.0);
}

fn backward_twin(call: &mut Call) {
    let ([], [qkv]) = call.tensors();
    rotate(call, qkv, None, -1.0);
}

fn at_twin(call: &mut Call) {
    let ([places], [qkv]) = call.views();
    rotate(call, qkv, Some(places.u32()), 1.0);
}

/// By every angle times `sign`, 1 or −1, of rows that stand at their places, or in sequences.
#[multiversion(targets = "simd")]
fn rotate(call: &Call, qkv: &mut [f32], places: Option<&[u32]>, sign: f32) {
    let [_, t, nh, nkv, hs, rot] = call.dims();
    let pos = call.step.pos;
    let adjacent = call.flag("ADJACENT");
    let [first_hi, first_lo, ratio_hi, ratio_lo] = WORDS.map(|name| call.number(name) as u64);
    let (first, ratio) = ((first_hi << 32) | first_lo, (ratio_hi << 32) | ratio_lo);
    let half = rot / 2;
    let row = |(bt, row): (usize, &mut [f32]), turns: &[u64], rotors: &mut [[f32; 2]]| {
        let at = match places {
            Some(places) => places[2 * bt + 1],
            None => ((bt % t) as u32).wrapping_add(pos),
        };
        for (rotor_of, &turns) in rotors.iter_mut().zip(turns) {
            let (c, s) = rotor(angle(turns, at));
            *rotor_of = [c, sign * s];
        }
        for head in row[..(nh + nkv) * hs].chunks_mut(hs) {
            let head = &mut head[..rot];
            if adjacent {
                for (pair, &by) in head.chunks_exact_mut(2).zip(&*rotors) {
                    (pair[0], pair[1]) = turned(pair[0], pair[1], by);
                }
            } else {
                let (xs, ys) = head.split_at_mut(half);
                for ((x, y), &by) in xs.iter_mut().zip(ys).zip(&*rotors) {
                    (*x, *y) = turned(*x, *y, by);
                }
            }
        }
    };
    load::with(&TURNS, |all| {
        all.clear();
        all.extend((0..half).map(|i| turns(first, ratio, i)));
        let rows = qkv.par_chunks_mut((nh + 2 * nkv) * hs).enumerate();
        rows.for_each(|of| {
            load::with(&load::ROWS, |rotors| row(of, all, load::first(rotors, rot).as_chunks_mut().0));
        });
    });
}

thread_local! {
    /// Where the turns of a position are, pair by pair.
    static TURNS: Cell<Vec<u64>> = const { Cell::new(Vec::new()) };
}

#[inline(always)]
fn turned(x: f32, y: f32, [c, s]: [f32; 2]) -> (f32, f32) {
    (x * c - y * s, x * s + y * c)
}

fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    use Pairs::{Adjacent, HalfSplit};
    let rope = |nh, nkv, hs, rot, theta, pairs| Rope { nh, nkv, hs, rot, theta, pairs };
    let sizes = [
        (1, 1, rope(1, 1, 2, 2, 1e4, HalfSplit)),
        (1, 1, rope(1, 1, 2, 2, 1e4, Adjacent)),
        // Invocations, one a row and pair: 63, 65, 255, 257 with one pair.
        (63, 9, rope(2, 1, 3, 2, 1e4, HalfSplit)),
        (65, 13, rope(1, 1, 2, 2, 1e4, Adjacent)),
        (255, 51, rope(1, 1, 2, 2, 1.0, HalfSplit)),
        (257, 257, rope(1, 1, 2, 2, 1e6, Adjacent)),
        (22, 11, rope(3, 1, 13, 8, 1e4, HalfSplit)),
        (22, 11, rope(3, 1, 13, 8, 1e4, Adjacent)),
        (14, 7, rope(9, 3, 64, 64, 1e5, HalfSplit)),
        (5, 5, rope(4, 2, 128, 128, 1e6, Adjacent)),
    ];
    let one = |element: Element, (bt, t, rope): (usize, usize, Rope)| {
        let Rope { nh, nkv, hs, rot, theta, pairs } = rope;
        let name = format!("rope {bt}x({nh}+2·{nkv})x{hs}, {rot} by {theta}, {pairs:?} {}", element.name());
        // Nowhere too: what is computed there is finite, and never read.
        let positions = (0..bt as u32).flat_map(|row| [row, if row % 5 == 4 { u32::MAX } else { row * 31 }]);
        let fills = vec![("places", Fill::Words(positions.collect()))];
        Case::new(name, limits, choices, fills, |rec| {
            let [qkv, dqkv] =
                ["qkv", "dqkv"].map(|n| rec.kept_of(n, Kind::Input, &[bt, (nh + 2 * nkv) * hs], element));
            let placed = rec.kept("placed", Kind::Input, &[bt, (nh + 2 * nkv) * hs]);
            let places = rec.kept_ids("places", Kind::Input, &[bt, 2]);
            forward(rec, qkv, rope, t);
            backward(rec, dqkv, rope, t);
            at(rec, placed, rope, places);
        })
    };
    elements(&limits, &sizes, one)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// cos and sin as they are used, at every pair and at positions to 131,071, against float64.
    #[test]
    fn angles_are_right_to_the_last_position() {
        let mut worst = 0.0_f64;
        for (theta, rot) in [(1e4, 64), (1e4, 32), (1e5, 64), (1e6, 128), (5e5, 80), (1.0, 4), (1e4, 2)] {
            let rope = Rope { nh: 1, nkv: 1, hs: rot, rot, theta, pairs: Pairs::HalfSplit };
            for i in 0..rot / 2 {
                let turns = turns(FIRST, rope.ratio(), i);
                let frequency = f64::from(theta).powf(-2.0 * i as f64 / rot as f64);
                for pos in (0..2048).chain((2048..131_072).step_by(97)).chain([8191, 32_767, 131_071]) {
                    let (s, c) = (f64::from(pos) * frequency).sin_cos();
                    let (ours_c, ours_s) = rotor(angle(turns, pos));
                    worst = worst.max((f64::from(ours_c) - c).abs()).max((f64::from(ours_s) - s).abs());
                }
            }
        }
        // 1.07e-7 when this was written.
        // The reduced angle and the result rounded to f32, 2⁻²⁴ each, and the polynomial's own roundings.
        assert!(worst < 1.5e-7, "{worst:e}");
    }

    #[test]
    fn quarter_turns_are_exact() {
        let quarters = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)];
        for (quarter, (c, s)) in (0..4).zip(quarters) {
            assert_eq!(rotor(quarter << 30), (c, s));
        }
    }
}
