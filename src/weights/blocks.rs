//! Quantised blocks, as ggml stores them: a few numbers share a scale, and each keeps a small whole number.
//!
//! ```text
//! Q8_0  32 in 34 bytes    d:f16 q:i8×32                        x = d·q
//! Q4_0  32 in 18 bytes    d:f16 q:u4×32                        x = d·(q−8)
//! Q4_1  32 in 20 bytes    d:f16 m:f16 q:u4×32                  x = d·q + m
//! Q5_0  32 in 22 bytes    d:f16 q:high 1×32 q:low 4×32         x = d·(q−16)
//! Q5_1  32 in 24 bytes    d:f16 m:f16 q:high 1×32 q:low 4×32   x = d·q + m
//! Q4_K 256 in 144 bytes   d:f16 e:f16 (s,t):u6×8 q:u4×256      x = (d·s)·q − e·t      s, t of every 32
//! Q5_K 256 in 176 bytes   the same with q:high 1×256 before    x = (d·s)·q − e·t      s, t of every 32
//! Q6_K 256 in 210 bytes   q:low 4×256 q:high 2×256 s:i8×16 d   x = (d·s)·(q−32)       s of every 16
//! ```
//!
//! Of 32 four-bit numbers, the first 16 are the low halves of their bytes and the others the high halves. Products and sums
//! are f32's, in this order, so that a block gives the very numbers that ggml's own reference gives. Quantising is that
//! reference's too (`quantize_row_q8_0_ref` and its like): the scale is that of the farthest number, before it is rounded to f16.

use half::f16;

/// Numbers in a small block.
const SMALL: usize = 32;
/// Numbers in a block of blocks.
const LARGE: usize = 256;

/// Numbers and bytes of a Q8_0 block.
pub(super) const Q8_0: (usize, usize) = (SMALL, 2 + SMALL);
/// Numbers and bytes of a Q4_0 block.
pub(super) const Q4_0: (usize, usize) = (SMALL, 2 + SMALL / 2);
/// Numbers and bytes of a Q4_1 block.
pub(super) const Q4_1: (usize, usize) = (SMALL, 4 + SMALL / 2);
/// Numbers and bytes of a Q5_0 block.
pub(super) const Q5_0: (usize, usize) = (SMALL, 2 + SMALL / 8 + SMALL / 2);
/// Numbers and bytes of a Q5_1 block.
pub(super) const Q5_1: (usize, usize) = (SMALL, 4 + SMALL / 8 + SMALL / 2);
/// Numbers and bytes of a Q4_K block.
pub(super) const Q4_K: (usize, usize) = (LARGE, 4 + 12 + LARGE / 2);
/// Numbers and bytes of a Q5_K block.
pub(super) const Q5_K: (usize, usize) = (LARGE, 4 + 12 + LARGE / 8 + LARGE / 2);
/// Numbers and bytes of a Q6_K block.
pub(super) const Q6_K: (usize, usize) = (LARGE, LARGE / 2 + LARGE / 4 + LARGE / 16 + 2);

/// An f16 from its two bytes.
fn half(bytes: &[u8]) -> f32 {
    f16::from_le_bytes([bytes[0], bytes[1]]).to_f32()
}

/// Q8_0's numbers.
pub(super) fn decode_q8_0(block: &[u8], out: &mut [f32]) {
    let d = half(block);
    for (x, &q) in out.iter_mut().zip(&block[2..]) {
        *x = d * f32::from(q as i8);
    }
}

/// Q4_0's numbers.
pub(super) fn decode_q4_0(block: &[u8], out: &mut [f32]) {
    let d = half(block);
    nibbles(&block[2..], out, |q| d * f32::from(q as i8 - 8));
}

/// Q4_1's numbers.
pub(super) fn decode_q4_1(block: &[u8], out: &mut [f32]) {
    let (d, m) = (half(block), half(&block[2..]));
    nibbles(&block[4..], out, |q| d * f32::from(q) + m);
}

/// The low halves of some bytes, then the high ones.
fn nibbles(bytes: &[u8], out: &mut [f32], number: impl Fn(u8) -> f32) {
    let (low, high) = out.split_at_mut(bytes.len());
    for ((&byte, low), high) in bytes.iter().zip(low).zip(high) {
        (*low, *high) = (number(byte & 15), number(byte >> 4));
    }
}

/// Q5_0's numbers.
pub(super) fn decode_q5_0(block: &[u8], out: &mut [f32]) {
    let d = half(block);
    five_bits(&block[2..], out, |q| d * f32::from(q as i8 - 16));
}

/// Q5_1's numbers.
pub(super) fn decode_q5_1(block: &[u8], out: &mut [f32]) {
    let (d, m) = (half(block), half(&block[2..]));
    five_bits(&block[4..], out, |q| d * f32::from(q) + m);
}

/// The high bits of 32 numbers, in order, and then the low ones.
fn five_bits(bytes: &[u8], out: &mut [f32], number: impl Fn(u8) -> f32) {
    let (high, low) = bytes.split_at(SMALL / 8);
    for (i, x) in out.iter_mut().enumerate() {
        let low = low[i % 16] >> (4 * (i / 16)) & 15;
        *x = number(low | (high[i / 8] >> (i % 8) & 1) << 4);
    }
}

/// Q4_K's numbers.
pub(super) fn decode_q4_k(block: &[u8], out: &mut [f32]) {
    parts(block, &block[16..], out, |_, _| 0);
}

/// Q5_K's numbers: of the same 32 bytes, every part has one bit.
pub(super) fn decode_q5_k(block: &[u8], out: &mut [f32]) {
    let (high, low) = block[16..].split_at(LARGE / 8);
    parts(block, low, out, |part, i| (high[i] >> part & 1) << 4);
}

/// Eight parts of 32 numbers with scales and minima of their own; two share the bytes of their low bits.
fn parts(block: &[u8], low: &[u8], out: &mut [f32], high: impl Fn(usize, usize) -> u8) {
    let (d, e) = (half(block), half(&block[2..]));
    for (part, out) in out.chunks_exact_mut(SMALL).enumerate() {
        let (s, t) = six_bits(&block[4..16], part);
        let (scale, min) = (d * f32::from(s), e * f32::from(t));
        let low = &low[part / 2 * SMALL..][..SMALL];
        for (i, (x, low)) in out.iter_mut().zip(low).enumerate() {
            let q = low >> (4 * (part % 2)) & 15 | high(part, i);
            *x = scale * f32::from(q) - min;
        }
    }
}

/// A part's scale and minimum, of six bits each: those of the first four parts stand in bytes 0 to 7; of the others, the
/// low four bits stand in bytes 8 to 11, and the high two are the high bits of bytes 0 to 7.
fn six_bits(scales: &[u8], part: usize) -> (u8, u8) {
    match part.checked_sub(4) {
        None => (scales[part] & 63, scales[part + 4] & 63),
        Some(j) => (scales[8 + j] & 15 | scales[j] >> 6 << 4, scales[8 + j] >> 4 | scales[4 + j] >> 6 << 4),
    }
}

/// Q6_K's numbers.
pub(super) fn decode_q6_k(block: &[u8], out: &mut [f32]) {
    let (low, rest) = block.split_at(LARGE / 2);
    let (high, rest) = rest.split_at(LARGE / 4);
    let (scales, d) = rest.split_at(LARGE / 16);
    let d = half(d);
    for (i, x) in out.iter_mut().enumerate() {
        // Each half of the block is four runs of 32: of the low bits, two runs share their bytes; of the high ones, all four.
        let (side, run, at) = (i / 128, i % 128 / 32, i % 32);
        let low = low[64 * side + 32 * (run % 2) + at] >> (4 * (run / 2)) & 15;
        let high = high[32 * side + at] >> (2 * run) & 3;
        let scale = d * f32::from(scales[i / 16] as i8);
        *x = scale * f32::from((low | high << 4) as i8 - 32);
    }
}

/// A block as Q8_0.
///
/// # Errors
/// Its scale does not fit in f16.
pub(super) fn encode_q8_0(block: &[f32], out: &mut Vec<u8>) -> Result<(), f32> {
    let most = block.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    let d = most / 127.0;
    let by = inverse(d);
    out.extend(scale(d, most)?);
    out.extend(block.iter().map(|x| (x * by).round() as i8 as u8));
    Ok(())
}

/// A block as Q4_0: the farthest number becomes −8.
///
/// # Errors
/// Its scale does not fit in f16.
pub(super) fn encode_q4_0(block: &[f32], out: &mut Vec<u8>) -> Result<(), f32> {
    let farthest = block.iter().fold(0.0_f32, |far, &x| if x.abs() > far.abs() { x } else { far });
    let d = farthest / -8.0;
    let by = inverse(d);
    out.extend(scale(d, farthest)?);
    four_bits(block, out, |x| x * by + 8.5);
    Ok(())
}

/// A block as Q4_1: the smallest number becomes 0 and the greatest 15.
///
/// # Errors
/// Its scale or its smallest number does not fit in f16.
pub(super) fn encode_q4_1(block: &[f32], out: &mut Vec<u8>) -> Result<(), f32> {
    let least = block.iter().fold(f32::MAX, |a, &x| if x < a { x } else { a });
    let most = block.iter().fold(f32::MIN, |a, &x| if x > a { x } else { a });
    let d = (most - least) / 15.0;
    let by = inverse(d);
    out.extend(scale(d, most)?);
    out.extend(scale(least, least)?);
    four_bits(block, out, |x| (x - least) * by + 0.5);
    Ok(())
}

/// By what numbers are multiplied that `d` divides; nothing is left of a block of zeros.
fn inverse(d: f32) -> f32 {
    if d == 0.0 { 0.0 } else { 1.0 / d }
}

/// A scale's two bytes; where it does not fit, the number that it comes from.
fn scale(d: f32, of: f32) -> Result<[u8; 2], f32> {
    let d = f16::from_f32(d);
    if d.is_finite() { Ok(d.to_le_bytes()) } else { Err(of) }
}

/// Numbers that are cut to whole ones, 0 to 15, two in a byte.
fn four_bits(block: &[f32], out: &mut Vec<u8>, number: impl Fn(f32) -> f32) {
    let (low, high) = block.split_at(block.len() / 2);
    let q = |x: f32| (number(x) as u8).min(15);
    out.extend(low.iter().zip(high).map(|(&low, &high)| q(low) | q(high) << 4));
}
