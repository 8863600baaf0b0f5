//! The op's test cases.

use super::backward::backward;
use super::cached::cached;
use super::forward::forward;
use super::shape::Shape;
use crate::device::{Choices, Element, Kind, Limits};
use crate::ops::case::{Case, Fill};
use crate::ops::kv_cache::{Cache, places};

/// [B, T], [NH, NKV], HS, window, dropout.
type Size = ([usize; 2], [usize; 2], usize, Option<usize>, bool);

const SIZES: &[Size] = &[
    ([1, 1], [1, 1], 1, None, false),
    ([2, 5], [3, 3], 1, None, true),
    ([1, 7], [2, 2], 3, None, false),
    ([2, 19], [3, 3], 12, None, true),
    ([1, 63], [2, 2], 17, None, false),
    ([1, 65], [1, 1], 16, None, true),
    ([1, 130], [2, 2], 64, None, false),
    ([2, 97], [2, 2], 32, None, true),
    ([1, 17], [1, 1], 128, None, false),
    // Grouped heads: 2, 3 and 8 to one, and all on one.
    ([2, 19], [4, 2], 7, None, true),
    ([1, 71], [9, 3], 64, None, false),
    ([1, 33], [8, 1], 80, None, true),
    ([1, 23], [16, 2], 128, None, false),
    // Windows: a query's own key, fewer than a workgroup's rows, more than them, all but one, T and beyond.
    ([2, 67], [2, 2], 5, Some(1), false),
    ([1, 130], [2, 1], 16, Some(2), true),
    ([1, 150], [3, 3], 8, Some(65), false),
    ([1, 19], [2, 2], 80, Some(18), true),
    ([1, 64], [1, 1], 9, Some(64), false),
    ([1, 31], [2, 2], 4, Some(1000), true),
    // Both.
    ([2, 97], [6, 2], 11, Some(13), true),
    ([1, 140], [9, 3], 64, Some(37), false),
    ([1, 40], [4, 1], 128, Some(9), true),
];

/// Those of them that are tried in halves too: in a kernel that is how a number is loaded and stored, whatever the extents. (A head's size
/// is a constant of the shader: each costs a software driver seconds, in every variant.)
const HALVES: &[usize] = &[3, 8, 10, 15];

/// [P, S, T], [NH, NKV], HS, window.
type CachedSize = ([usize; 3], [usize; 2], usize, Option<usize>);

const CACHED_SIZES: &[CachedSize] = &[
    ([1, 2, 4], [1, 1], 1, None),
    ([1, 2, 300], [3, 3], 12, None),
    ([7, 1, 8], [2, 2], 17, None), // some nowhere
    ([32, 3, 64], [2, 2], 64, None),
    ([5, 2, 257], [1, 1], 32, None),
    ([1, 2, 40], [9, 3], 64, None),
    ([32, 2, 64], [8, 1], 80, Some(1)),
    ([7, 2, 8], [4, 2], 13, Some(3)), // some nowhere
    ([90, 4, 128], [6, 2], 16, Some(65)),
    ([2, 2, 9], [2, 1], 128, Some(100)),
];

/// Where texts begin: of odd sequences at the start alone, of the others at the start, at 7, 8 and every 29 from there.
fn begins(b: usize, t: usize) -> Fill {
    let begin = |t: usize| match t {
        ..7 => 0,
        7 => 7,
        t => t - (t - 8) % 29,
    };
    Fill::Words((0..b * t).map(|bt| if bt / t % 2 == 1 { 0 } else { begin(bt % t) as u32 }).collect())
}

pub(super) fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    let named = |[nh, nkv]: [usize; 2], hs: usize, window: Option<usize>| {
        let groups = if nkv == nh { String::new() } else { format!("on{nkv}") };
        let window = window.map(|w| format!(" window {w}")).unwrap_or_default();
        format!("{nh}{groups}x{hs}{window}")
    };
    let one = |element: Element, ([b, t], [nh, nkv], hs, window, dropout): Size| {
        let name = format!(
            "attention {b}x{t}x{} dropout {dropout} {}",
            named([nh, nkv], hs, window),
            element.name()
        );
        Case::new(name, limits, choices, vec![("begins", begins(b, t))], |rec| {
            let shape = Shape { t, nh, nkv, layer: 2, dropout, window };
            let qkv = rec.kept_of("qkv", Kind::Input, &[b * t, (nh + 2 * nkv) * hs], element);
            let begins = rec.kept_ids("begins", Kind::Input, &[b * t]);
            let dout = rec.kept_of("dout", Kind::Input, &[b * t, nh * hs], element);
            let (out, lse) = forward(rec, qkv, begins, shape);
            backward(rec, [qkv, begins], [out, lse], dout, shape);
        })
    };
    let cached_case = |&([p, s, t], [nh, nkv], hs, window): &CachedSize| {
        let name = format!("attention cached {p} of {s}x{t}x{}", named([nh, nkv], hs, window));
        Case::new(name, limits, choices, vec![("places", places(p, s, t))], |rec| {
            let places = rec.kept_ids("places", Kind::Input, &[p, 2]);
            let qkv = rec.kept("qkv", Kind::Input, &[p, (nh + 2 * nkv) * hs]);
            let [k, v] = ["k", "v"].map(|n| rec.kept(n, Kind::Cache, &[s, t, nkv * hs]));
            cached(rec, qkv, Cache { k, v, places }, nh, window);
        })
    };
    let halves = HALVES.iter().filter(|_| limits.f16).map(|&i| one(Element::F16, SIZES[i]));
    let all = SIZES.iter().map(|&size| one(Element::F32, size)).chain(halves);
    all.chain(CACHED_SIZES.iter().map(cached_case)).collect()
}
