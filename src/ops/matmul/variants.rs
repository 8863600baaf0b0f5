//! The ways to build a product: register tiles, tiles in shared memory, cooperative matrices, split depths.

use crate::device::variants::Problem;
use crate::device::{Class, Const, Coop, Limits, Variant};

// ANCHOR: tiles
/// A thread's rows in registers; 8 columns a thread, 8 threads a workgroup.
const fn lanes(
    name: &'static str,
    consts: &'static [(&'static str, Const)],
    suits: fn(&Variant, &Problem) -> bool,
) -> Variant {
    Variant { name, class: Class::Lanes, consts, valid: |_, _, _| true, suits }
}

/// As `lanes`, whose subgroup shares the loads of a.
const fn spread(name: &'static str, consts: &'static [(&'static str, Const)]) -> Variant {
    let valid = |v: &Variant, _: &Problem, limits: &Limits| limits.subgroup >= v.number("LANES");
    let suits = |v: &Variant, p: &Problem| p.extents[0] >= v.covers(&["ROWS"]);
    Variant { name, class: Class::Lanes, consts, valid, suits }
}

/// A tile in shared memory.
const fn tile(name: &'static str, consts: &'static [(&'static str, Const)]) -> Variant {
    // Two tiles a workgroup, and padding against bank conflicts; see the shader.
    let valid = |v: &Variant, _: &Problem, limits: &Limits| {
        let n = |name| v.number(name);
        let threads = n("BM") / n("TM") * (n("BN") / n("TN"));
        4 * n("BK") * (n("BM") + n("BN") + 8) <= limits.max_shared && threads <= limits.max_invocations
    };
    // A larger tile reads less, but there must be enough of them to fill a GPU's hundred and more cores.
    let suits = |v: &Variant, p: &Problem| {
        let (bm, bn) = covered(v);
        let enough = [0, 64, 128][usize::from(bm >= 64) + usize::from(bm >= 128)];
        p.extents[0].div_ceil(bm) * p.extents[2].div_ceil(bn) >= enough
    };
    Variant { name, class: Class::Tiles, consts, valid, suits }
}

/// As `tile`, its depths split among workgroups: for a weight's gradient so small that there would be few of them, an adapter's.
const fn split(name: &'static str, consts: &'static [(&'static str, Const)]) -> Variant {
    let valid = |v: &Variant, p: &Problem, limits: &Limits| {
        OPS.iter().any(|of| p.op == of[2]) && (tile("", &[]).valid)(v, p, limits)
    };
    // Some workgroups for each of a GPU's cores, each with some steps of its own at least.
    let suits = |v: &Variant, p: &Problem| {
        let (bm, bn) = covered(v);
        let tiles = p.extents[0].div_ceil(bm) * p.extents[2].div_ceil(bn);
        tiles < 64 && p.extents[1] >= splits(v) * 4 * v.covers(&["BK"])
    };
    Variant { name, class: Class::Tiles, consts, valid, suits }
}

/// Into how many parts a variant splits the depths.
pub(super) fn splits(v: &Variant) -> usize {
    if v.consts.iter().any(|(name, _)| *name == "SPLITS") { v.covers(&["SPLITS"]) } else { 1 }
}

/// Cooperative matrices of so many rows; what is measured may take it, and nothing does unmeasured.
const fn coop(
    name: &'static str,
    consts: &'static [(&'static str, Const)],
    valid: fn(&Variant, &Problem, &Limits) -> bool,
) -> Variant {
    Variant { name, class: Class::Tiles, consts, valid, suits: |_, _| false }
}

/// Whether a device has matrices of this kind, and room for a workgroup over them.
fn cooperates(v: &Variant, limits: &Limits, kind: Coop) -> bool {
    let size = v.number("SIZE");
    // A tile of a and one of b, by rows of a step's depths at most, and the sums; see the shader.
    let tiles = 2 * 2 * 4 * size * (2 * size + 8);
    let sums = 4 * (Coop::WORKERS + 1) * (2 * size).pow(2);
    limits.cooperates(kind) && tiles + sums <= limits.max_shared
}

/// Whether a variant is one of them.
pub(super) fn is_coop(v: &Variant) -> bool {
    v.consts.iter().any(|(name, _)| *name == "MatC")
}

/// The op's name, of the three layouts, and the same where both operands are halves, for which there are units.
pub(super) const OPS: [[&str; 3]; 2] =
    [["matmul_nn", "matmul_nt", "matmul_tn"], ["matmul_nn_half", "matmul_nt_half", "matmul_tn_half"]];

/// Whether a problem's operands are halves.
fn are_halves(p: &Problem) -> bool {
    OPS[1].contains(&p.op)
}

/// Constants that are numbers.
macro_rules! numbers {
    ($($name:ident $value:literal),*) => { &[$((stringify!($name), Const::U32($value))),*] };
}

/// For problems M×K×N, the first that suits.
pub(super) const VARIANTS: &[Variant] = &[
    spread(
        "spread32",
        &[
            ("ROWS", Const::U32(32)),
            ("COLS", Const::U32(8)),
            ("LANES", Const::U32(8)),
            ("SPREAD", Const::Bool(true)),
            ("from_lane", Const::Body("return subgroupShuffle(value, lane);")),
        ],
    ),
    lanes("lanes16", numbers!(ROWS 16, COLS 8, LANES 8), |_, p| {
        OPS.iter().any(|of| p.op == of[2]) || p.extents[0] >= 16
    }),
    lanes("lanes8", numbers!(ROWS 8, COLS 8, LANES 8), |_, _| true),
    coop("coop16", const { &Coop::F16_16.consts() }, |v, p, limits| {
        are_halves(p) && cooperates(v, limits, Coop::F16_16)
    }),
    coop("coop8", const { &Coop::F16_8.consts() }, |v, p, limits| {
        are_halves(p) && cooperates(v, limits, Coop::F16_8)
    }),
    tile("tile128", numbers!(BM 128, BN 128, BK 8, TM 8, TN 8)),
    tile("tile64", numbers!(BM 64, BN 64, BK 16, TM 8, TN 4)),
    split("split32x8", numbers!(BM 32, BN 32, BK 16, TM 4, TN 4, SPLITS 8)),
    tile("tile32", numbers!(BM 32, BN 32, BK 16, TM 4, TN 4)),
];

/// Rows and columns of c that a workgroup covers.
pub(super) fn covered(v: &Variant) -> (usize, usize) {
    match v.class {
        Class::Lanes => (v.covers(&["ROWS"]), v.covers(&["COLS", "LANES"])),
        Class::Tiles if is_coop(v) => (4 * v.covers(&["SIZE"]), 4 * v.covers(&["SIZE"])),
        Class::Tiles => (v.covers(&["BM"]), v.covers(&["BN"])),
    }
}
// ANCHOR_END: tiles
