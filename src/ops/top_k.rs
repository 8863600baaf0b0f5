//! The k likeliest of a row of logits, so that a token is drawn from k numbers and not from the whole vocabulary.
//!
//!   top = the k of V logits that come first, the larger before the smaller, of equals the lower id before the higher
//!
//! logits (S,V), of which the first rows are looked at · top (S,k,2): a logit and its id, in the order of the ids, k = min(V,
//! [`CAPACITY`]). Ids are numbers there: an f32 holds each up to 2²⁴. The order is that of `f32::total_cmp`, but that a NaN comes
//! before every number, whatever its sign: a damaged model's shows among the k.
//!
//! A row is cut into parts, of each of which k are kept; what is left is cut again until it is one part. The k of a whole are
//! among the k of its parts, and parts follow one another by id, so the place among what is left decides a tie as the id does.

use std::cell::Cell;

use rayon::prelude::*;

use crate::device::kernel::{read, write};
use crate::device::recorder::Launch;
use crate::device::variants::plain;
use crate::device::{Call, Choices, Class, Const, Kernel, Kind, Limits, Recorder, Tensor, Variant};
use crate::ops::case::{Case, Family, Fill};

/// The op's kernels and cases.
pub const FAMILY: Family = Family { name: "top_k", kernels: &[&TOP_K], variants: VARIANTS, cases };

/// The most that is selected.
pub const CAPACITY: usize = 256;
/// The most that one workgroup selects from.
const PART: usize = 4096;

const VARIANTS: &[Variant] = &[
    plain("lanes", Class::Lanes, &[("WG", Const::U32(16))]),
    plain("tiles", Class::Tiles, &[("WG", Const::U32(256))]),
];

static TOP_K: Kernel = Kernel {
    name: "top_k",
    file: "top_k.wgsl",
    source: include_str!("../../shaders/top_k.wgsl"),
    lib: &[],
    bindings: &[read("numbers"), write("kept")],
    dims: &["R", "N", "K", "PARTS"],
    step: false,
    // A selection: nothing is computed.
    tolerance: 0.0,
    twin,
};

/// How many are selected of a vocabulary of `v`.
pub fn capacity(v: usize) -> usize {
    v.min(CAPACITY)
}

/// Records top (S,k,2) of the first `rows` rows of logits (S,V).
pub fn record(rec: &mut Recorder, logits: Tensor, rows: usize, top: Tensor) {
    let ([s, v], [of, k, _]) = (rec.extents(logits), rec.extents(top));
    assert!(rows <= s && s == of && k == capacity(v), "top_k: {k} of {v}, {rows} rows of {s} and of {of}");
    // Of logits first, then of what is kept of them.
    let (mut from, mut n, mut width) = (logits, v, 1);
    loop {
        let parts = n.div_ceil(PART);
        let to = if parts == 1 { top } else { rec.scratch("top_k.kept", &[rows, parts * k, 2]) };
        let variant = rec.pick("top_k", VARIANTS, &[]);
        let launch = Launch {
            kernel: &TOP_K,
            consts: variant.with([("WIDTH", Const::U32(width))]),
            args: &[from.read(), to.write()],
            dims: &[rows, n, k, parts],
            workgroups: [parts as u32, rows as u32, 1],
            flops: 0,
        };
        rec.dispatch_moving("top_k", launch, 4 * (rows * (width as usize * n + 2 * parts * k)) as u64);
        if parts == 1 {
            return;
        }
        (from, n, width) = (to, parts * k, 2);
    }
}

/// Part `i` of `parts` of n: its first, and how many it has. None has more than one fewer than another.
fn part(n: usize, parts: usize, i: usize) -> (usize, usize) {
    let (each, more) = (n / parts, n % parts);
    (i * each + i.min(more), each + usize::from(i < more))
}

/// A number that is larger the earlier a logit comes.
fn key(logit: f32) -> u32 {
    let bits = logit.to_bits();
    // All bits of a negative number are turned, and of a positive one the sign.
    let turned = bits ^ ((bits as i32 >> 31) as u32 | 1 << 31);
    if logit.is_nan() { u32::MAX } else { turned }
}

fn twin(call: &mut Call) {
    let dims: [usize; 4] = call.dims();
    let width = call.number("WIDTH");
    let ([numbers], [kept]) = call.tensors();
    match width {
        1 => select(dims, kept, numbers, |i, &[logit]| [logit, i as f32]),
        _ => select(dims, kept, numbers, |_, &pair: &[f32; 2]| pair),
    }
}

thread_local! {
    /// Keys and places of a part, a thread's own.
    static PLACES: Cell<Vec<u64>> = const { Cell::new(Vec::new()) };
}

/// Of each part of each row the first k, in the order of their places; `pair` is what is kept of one at its place in the row.
fn select<const W: usize>(
    [rows, n, k, parts]: [usize; 4],
    kept: &mut [f32],
    numbers: &[f32],
    pair: impl Fn(usize, &[f32; W]) -> [f32; 2] + Sync,
) {
    kept.par_chunks_mut(2 * k).take(rows * parts).enumerate().for_each(|(i, kept)| {
        let (row, (first, len)) = (i / parts, part(n, parts, i % parts));
        let part = &numbers.as_chunks::<W>().0[row * n + first..][..len];
        let mut places = PLACES.take();
        places.clear();
        // Behind the key, the place from behind: of equals the lower is the larger.
        let place = |(i, of): (u32, &[f32; W])| u64::from(key(of[0])) << 32 | u64::from(u32::MAX - i);
        places.extend((0..).zip(part).map(place));
        if k < len {
            places.select_nth_unstable_by(k, |a, b| b.cmp(a));
            places.truncate(k);
        }
        places.iter_mut().for_each(|place| *place = u64::from(u32::MAX - *place as u32));
        places.sort_unstable();
        for (kept, &place) in kept.as_chunks_mut().0.iter_mut().zip(&places) {
            *kept = pair(first + place as usize, &part[place as usize]);
        }
        PLACES.set(places);
    });
}

fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    // Rows, rows of the tensors, vocabulary. Workgroups have 16 and 256 invocations and take 4096 logits: one part, two, a part of
    // parts in the last but two.
    let sizes = [
        (1, 1, 1),
        (1, 1, 15),
        (3, 4, 17),
        (2, 2, 255),
        (1, 2, 257),
        (1, 1, 4095),
        (2, 3, 4097),
        (5, 5, 10_007),
        (1, 1, 70_001),
        (1, 1, 50_257),
        (8, 8, 49_152),
    ];
    let one = |rows: usize, s: usize, v: usize, fill: &str, fills: Vec<(&str, Fill)>| {
        Case::new(format!("top_k {rows} of {s}x{v}{fill}"), limits, choices, fills, |rec| {
            let logits = rec.kept("logits", Kind::Input, &[s, v]);
            let top = rec.kept("top", Kind::Output, &[s, capacity(v), 2]);
            record(rec, logits, rows, top);
        })
    };
    // Few numbers, of both signs and both zeros, so that ties are cut everywhere; and one number alone.
    let few = |n: usize| (0..n).map(|i| [-1.5, -0.0, 0.0, 2.5][i * i % 7 % 4]).map(f32::to_bits).collect();
    let tied = [(2, 1000), (1, 9001)].map(|(s, v): (usize, usize)| {
        one(s, s, v, " of four numbers", vec![("logits", Fill::Words(few(s * v)))])
    });
    let same = one(1, 1, 5000, " of one number", vec![("logits", Fill::Words(vec![1_f32.to_bits(); 5000]))]);
    let sizes = sizes.into_iter().map(|(rows, s, v)| one(rows, s, v, "", vec![]));
    sizes.chain(tied).chain([same]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_the_order_of_the_numbers() {
        let all = [f32::NEG_INFINITY, -2.0, -1e-40, -0.0, 0.0, 1e-40, 3.0, f32::INFINITY];
        assert!(all.windows(2).all(|w| key(w[0]) < key(w[1])));
        for bits in [0x7fc0_0000, 0xffc0_0000, 0x7f80_0001, 0xff80_0001] {
            assert!(key(f32::from_bits(bits)) > key(f32::INFINITY));
        }
    }

    #[test]
    fn parts_follow_one_another() {
        for (n, parts) in [(1, 1), (4097, 2), (50_257, 13), (10, 3)] {
            let mut next = 0;
            for i in 0..parts {
                let (first, len) = part(n, parts, i);
                assert_eq!(first, next);
                assert!(len == n / parts || len == n / parts + 1);
                next += len;
            }
            assert_eq!(next, n);
        }
    }
}
