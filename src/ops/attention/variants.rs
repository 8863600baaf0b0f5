//! How the kernels are built: what they stand on, the ways to cut them, and their constants.

use crate::device::kernel::Consts;
use crate::device::variants::Problem;
use crate::device::{Class, Const, Element, Limits, Variant};

/// What every kernel of attention stands on.
pub(super) const LIB: &[&str] = &[
    include_str!("../../../shaders/lib/step.wgsl"),
    include_str!("../../../shaders/lib/dropout.wgsl"),
    include_str!("../../../shaders/lib/attention.wgsl"),
];

/// Channels of a row that a thread's registers bear.
fn held(p: &Problem) -> usize {
    if p.op == "attention_forward" { 64 } else { 32 }
}

/// Registers alone, and few loads: a thread owns as many rows as 4 numbers a held channel allow.
const fn lanes(name: &'static str, consts: &'static [(&'static str, Const)]) -> Variant {
    let suits = |v: &Variant, p: &Problem| v.number("ROWS") as usize <= (4 * held(p) / p.extents[0]).max(1);
    Variant { name, class: Class::Lanes, consts, valid: |_, _, _| true, suits }
}

/// Rows staged in shared memory, where every thread of the workgroup reads them: `SPLIT` threads share a row.
const fn tiles(name: &'static str, consts: &'static [(&'static str, Const)]) -> Variant {
    let valid = |v: &Variant, p: &Problem, limits: &Limits| {
        let hs = p.extents[0];
        let loads = if hs.is_multiple_of(4) { hs / 4 } else { hs };
        loads.is_multiple_of(v.covers(&["SPLIT"])) && v.number("THREADS") <= limits.max_invocations
    };
    let suits = |v: &Variant, p: &Problem| p.extents[0] / v.covers(&["SPLIT"]) <= held(p);
    Variant { name, class: Class::Tiles, consts, valid, suits }
}

/// How the streaming kernels are cut: rows a thread owns, threads that share a row, threads a workgroup.
macro_rules! cut {
    (ROWS $rows:literal, SPLIT $split:literal, THREADS $threads:literal, STAGED $staged:literal) => {
        &[
            ("ROWS", Const::U32($rows)),
            ("SPLIT", Const::U32($split)),
            ("THREADS", Const::U32($threads)),
            ("STAGED", Const::Bool($staged)),
        ]
    };
}

/// For heads of HS channels, the first that suits.
pub(super) const VARIANTS: &[Variant] = &[
    lanes("lanes8", cut!(ROWS 8, SPLIT 1, THREADS 8, STAGED false)),
    lanes("lanes4", cut!(ROWS 4, SPLIT 1, THREADS 8, STAGED false)),
    lanes("lanes2", cut!(ROWS 2, SPLIT 1, THREADS 8, STAGED false)),
    lanes("lanes1", cut!(ROWS 1, SPLIT 1, THREADS 8, STAGED false)),
    tiles("split1", cut!(ROWS 1, SPLIT 1, THREADS 64, STAGED true)),
    tiles("split2", cut!(ROWS 1, SPLIT 2, THREADS 128, STAGED true)),
    tiles("split4", cut!(ROWS 1, SPLIT 4, THREADS 256, STAGED true)),
];

/// Rows that a workgroup owns.
pub(super) fn owned(v: &Variant) -> usize {
    v.covers(&["THREADS", "ROWS"]) / v.covers(&["SPLIT"])
}

/// A variant's constants for heads of `hs` channels made of `element`, where a pair of rows needs `scores` numbers.
pub(super) fn consts(v: &Variant, hs: usize, scores: usize, dropout: bool, element: Element) -> Consts {
    let staged = v.consts.contains(&("STAGED", Const::Bool(true)));
    // Two streamed rows and the scores of a streamed row, in 16 KiB.
    let block = (4096 / (2 * hs + 2 + scores * v.covers(&["THREADS"]))).clamp(1, 16);
    let block = ("BLOCK", Const::U32(if staged { block as u32 } else { 1 }));
    v.with(head_consts(hs, element).into_iter().chain([block, ("DROPOUT", Const::Bool(dropout))]))
}

/// A head's channels and how they are loaded, from tensors made of `element`.
pub(super) fn head_consts(hs: usize, element: Element) -> Consts {
    let wide = hs.is_multiple_of(4);
    let acts = match (element, wide) {
        (Element::F16, true) => "vec4<f16>",
        (Element::F16, false) => "f16",
        (_, true) => "vec4<f32>",
        (_, false) => "f32",
    };
    vec![
        ("HS", Const::U32(hs as u32)),
        ("W", Const::U32(if wide { 4 } else { 1 })),
        ("Vec", Const::Type(if wide { "vec4<f32>" } else { "f32" })),
        ("Acts", Const::Type(acts)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_that_models_have_find_a_variant_that_suits() {
        for (op, class, expected) in [
            ("attention_forward", Class::Lanes, ["lanes4", "lanes2", "lanes2"]),
            ("attention_backward", Class::Lanes, ["lanes2", "lanes1", "lanes1"]),
            ("attention_forward", Class::Tiles, ["split1", "split2", "split2"]),
            ("attention_backward", Class::Tiles, ["split2", "split4", "split4"]),
        ] {
            let suiting = |hs: usize| {
                let p = Problem { op, extents: &[hs] };
                let valid = |v: &&Variant| v.class == class && (v.valid)(v, &p, &Limits::DEFAULT);
                VARIANTS.iter().filter(valid).find(|v| (v.suits)(v, &p)).map(|v| v.name)
            };
            assert_eq!([64, 80, 128].map(suiting), expected.map(Some), "{op} {class:?}");
        }
    }
}
