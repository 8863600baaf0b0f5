//! Weights at rest in f32 or f16: how a kernel's WGSL is built to read them (`shaders/lib/load.wgsl`), and how its twin does.

use std::borrow::Cow;

use half::slice::HalfFloatSliceExt;
use rayon::prelude::*;

use crate::device::{Const, Element, View};

/// The text of `shaders/lib/load.wgsl`.
pub const LIB: &str = include_str!("../../shaders/lib/load.wgsl");

/// The constants with which a kernel reads the binding `$name`, `wide` or one by one, at rest in `element`: what a load
/// takes (`Stored`), and the line `fn load_$name(at)`.
macro_rules! loads {
    ($name:literal, $element:expr, $wide:expr) => {{
        use $crate::device::{Const, Element};
        const FN: &str = concat!("load_", $name);
        let (stored, body) = match ($element, $wide) {
            (Element::F16, true) => ("vec2<u32>", concat!("return load_f16x4(", $name, "[at / W]);")),
            (Element::F16, false) => ("u32", concat!("return load_f16(", $name, "[at / 2u], at);")),
            (_, wide) => {
                let stored = if wide { "vec4<f32>" } else { "f32" };
                (stored, concat!("return vec4<f32>(", $name, "[at / W]);"))
            }
        };
        [("Stored", Const::Type(stored)), (FN, Const::Load(body))]
    }};
}
pub(crate) use loads;

/// The width of a load.
pub fn width(wide: bool) -> (&'static str, Const) {
    ("W", Const::U32(if wide { 4 } else { 1 }))
}

/// Elements that a task widens at once.
const CHUNK: usize = 1 << 16;

/// All of a tensor's numbers, widened where they rest in half precision.
pub fn widened(view: View<'_>) -> Cow<'_, [f32]> {
    if view.element() != Element::F16 {
        return Cow::Borrowed(view.f32());
    }
    let halves = view.f16();
    let mut wide = vec![0.0; halves.len()];
    wide.par_chunks_mut(CHUNK).zip(halves.par_chunks(CHUNK)).for_each(|(w, h)| h.convert_to_f32_slice(w));
    Cow::Owned(wide)
}

/// Elements `first..first + len`, widened into `buffer` where they rest in half precision.
#[inline]
pub fn row<'a>(view: &View<'a>, first: usize, len: usize, buffer: &'a mut Vec<f32>) -> &'a [f32] {
    if view.element() != Element::F16 {
        return &view.f32()[first..first + len];
    }
    buffer.resize(len, 0.0);
    view.f16()[first..first + len].convert_to_f32_slice(buffer);
    buffer
}
