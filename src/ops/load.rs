//! Weights at rest in f32, f16 or quantised blocks, and activations in f32 or f16: how a kernel's WGSL is built to read them
//! (`shaders/lib/load.wgsl`), and how its twin does.

use std::cell::Cell;
use std::ops::Range;
use std::thread::LocalKey;

use multiversion::multiversion;
use rayon::prelude::*;

use crate::device::element::BLOCK;
use crate::device::{Const, Element, View};

/// The text of `shaders/lib/load.wgsl`.
pub const LIB: &str = include_str!("../../shaders/lib/load.wgsl");

/// The constants with which a kernel reads the binding `$name`, `wide` or one by one, at rest in `element`: what a load
/// takes (`alias $stored`), and the line `fn load_$name(at)`.
macro_rules! loads {
    ($name:literal, $stored:literal, $element:expr, $wide:expr) => {{
        use $crate::device::{Const, Element};
        const FN: &str = concat!("load_", $name);
        let (stored, body) = match ($element, $wide) {
            (Element::F16, true) => ("vec2<u32>", concat!("return load_f16x4(", $name, "[at / W]);")),
            (Element::F16, false) => ("u32", concat!("return load_f16(", $name, "[at / 2u], at);")),
            (Element::Q8_0, true) => ("u32", concat!("return ", $crate::ops::load::q8_0!($name), ";")),
            (Element::Q8_0, false) => {
                ("u32", concat!("return vec4<f32>(", $crate::ops::load::q8_0!($name), "[at % 4u]);"))
            }
            (Element::Q4_1, true) => ("u32", concat!("return ", $crate::ops::load::q4_1!($name), ";")),
            (Element::Q4_1, false) => {
                ("u32", concat!("return vec4<f32>(", $crate::ops::load::q4_1!($name), "[at % 4u]);"))
            }
            (_, wide) => {
                let stored = if wide { "vec4<f32>" } else { "f32" };
                (stored, concat!("return vec4<f32>(", $name, "[at / W]);"))
            }
        };
        [($stored, Const::Type(stored)), (FN, Const::Body(body))]
    }};
}
pub(crate) use loads;

/// The four neighbours among which element `at` is, of a binding at rest in q8_0: the block's scale, and a word of its numbers.
macro_rules! q8_0 {
    ($name:literal) => {
        concat!("load_q8_0x4(", $name, "[at / 32u * 9u], ", $name, "[at / 32u * 9u + 1u + at / 4u % 8u])")
    };
}
pub(crate) use q8_0;

/// As `q8_0`, at rest in q4_1: numbers 0 to 15 of a block are the low halves of its bytes, the others the high ones.
macro_rules! q4_1 {
    ($name:literal) => {
        concat!(
            "load_q4_1x4(",
            $name,
            "[at / 32u * 5u], ",
            $name,
            "[at / 32u * 5u + 1u + at / 4u % 4u], at / 16u % 2u)"
        )
    };
}
pub(crate) use q4_1;

/// The constant with which a kernel writes, and where it reads them one by one reads, activations made of `element`: `alias $alias`.
pub fn act(alias: &'static str, element: Element) -> (&'static str, Const) {
    (alias, Const::Type(if element == Element::F16 { "f16" } else { "f32" }))
}

/// The width of a load.
pub fn width(wide: bool) -> (&'static str, Const) {
    ("W", Const::U32(if wide { 4 } else { 1 }))
}

/// Numbers that a twin widens at once: 4 MiB of them.
const CHUNK: usize = 1 << 20;
/// The fewest columns of a product that is one of several.
const COLUMNS: usize = 160;

/// Cuts the n columns of a product over a depth of k into ranges, of which one at a time is widened. Each has more than
/// `COLUMNS` − 32 columns and begins at a multiple of a block. The `gemm` crate sums each element in an order that depends
/// on k alone in products of more than 64 columns, of more than 256 elements and of more than one row: so a product of two
/// rows or more has the bits of the whole, whatever the weights are made of (the tests hold it to that).
pub fn columns(m: usize, k: usize, n: usize) -> impl Iterator<Item = Range<usize>> {
    let parts = if m < 2 { 1 } else { (k * n).div_ceil(CHUNK).min(n / COLUMNS).max(1) };
    let start = move |i: usize| if i == parts { n } else { i * n / parts / BLOCK * BLOCK };
    (0..parts).map(move |i| start(i)..start(i + 1))
}

/// A thread's own buffer for one purpose: what is handed back to the system after each product would be fetched from it, page
/// by page, for the next.
pub type Buffer<N = f32> = LocalKey<Cell<Vec<N>>>;

thread_local! {
    /// Where a rectangle of a matrix is widened.
    pub static WIDENED: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
    /// Where some rows are, one after the other.
    pub static ROWS: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
    /// Where sums are that will be added up.
    pub static SUMS: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
    /// Where the parts of a result are before each goes to its place.
    pub static PARTS: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// Runs with one of this thread's buffers.
#[inline(always)]
pub fn with<N, T>(buffer: &'static Buffer<N>, run: impl FnOnce(&mut Vec<N>) -> T) -> T {
    // Taken out meanwhile: another call on this thread, if there were one, would begin with a buffer of its own.
    let mut taken = buffer.take();
    let out = run(&mut taken);
    buffer.set(taken);
    out
}

/// The first `n` numbers of a buffer, whatever they are.
pub fn first(buffer: &mut Vec<f32>, n: usize) -> &mut [f32] {
    if buffer.len() < n {
        buffer.resize(n, 0.0);
    }
    &mut buffer[..n]
}

/// A rectangle of a matrix whose rows are `stride` elements apart, widened row by row into a buffer.
#[multiversion(targets = "simd")]
pub fn rectangle<'a>(
    view: &View<'_>,
    first: usize,
    stride: usize,
    [rows, cols]: [usize; 2],
    buffer: &'a mut Vec<f32>,
) -> &'a [f32] {
    buffer.resize(rows * cols, 0.0);
    // Some rows a task, so that a task is worth its start.
    let at_once = (CHUNK / 64 / cols).max(1);
    buffer.par_chunks_mut(at_once * cols).enumerate().for_each(|(i, out)| {
        for (r, out) in out.chunks_mut(cols).enumerate() {
            view.widen(first + (i * at_once + r) * stride, out);
        }
    });
    buffer
}

/// Rows of a matrix that are `stride` elements apart, from element `first` on, `len` elements of each; widened into `buffer` where
/// they rest in fewer bits.
#[inline(always)]
pub fn rows<'a, const N: usize>(
    view: &View<'a>,
    (first, stride): (usize, usize),
    len: usize,
    buffer: &'a mut Vec<f32>,
) -> [&'a [f32]; N] {
    if view.element() == Element::F32 {
        let all = view.f32();
        return std::array::from_fn(|i| &all[first + i * stride..][..len]);
    }
    if buffer.len() < N * len {
        buffer.resize(N * len, 0.0);
    }
    for (i, row) in buffer.chunks_exact_mut(len.max(1)).take(N).enumerate() {
        view.widen(first + i * stride, row);
    }
    let rows = &*buffer;
    std::array::from_fn(|i| &rows[i * len..][..len])
}
