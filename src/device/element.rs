//! What a tensor is made of, and how a twin sees it. Memory is 32-bit words on every device: an f32 and an id are a word,
//! two f16 share one, the first in its low half, which is how WGSL's `unpack2x16float` reads them and needs no feature.
//!
//! Weights may also rest in ggml's blocks of 32 neighbours, which share a scale (llama.cpp's `Q8_0` and `Q4_1`):
//!
//! ```text
//! q8_0  9 words   d:f16 in the low half of the first, q:i8×32 in the others             x = d·q
//! q4_1  5 words   d:f16 and m:f16 in the first, byte j of the others q_j and q_(16+j)   x = d·q + m
//! ```
//!
//! A q4_1 block is ggml's 20 bytes as they are. ggml's q8_0 has 34 bytes, which no words divide; here it has 36, so that every
//! block begins with a word. d has 11 bits and q at most 8, so d·q is exact in f32, and x is rounded once, in the addition:
//! a device that contracts the two into one operation gives the same bits.

use half::f16;
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use rayon::prelude::*;

/// A tensor's element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(non_camel_case_types)] // ggml's names
pub enum Element {
    /// A single-precision number.
    F32,
    /// An id, a bound, a count.
    U32,
    /// A half-precision number; pairs packed in words, the last word's high half unused where their number is odd.
    F16,
    /// 8 bits of a block of [`BLOCK`], with a scale: 9 bits a number.
    Q8_0,
    /// 4 bits of a block of [`BLOCK`], with a scale and a minimum: 5 bits a number.
    Q4_1,
}

/// Numbers that share a scale. Rows of quantised tensors are whole blocks.
pub const BLOCK: usize = 32;
/// Words of a block of [`Element::Q8_0`].
const Q8_0: usize = 1 + BLOCK / 4;
/// Words of a block of [`Element::Q4_1`].
const Q4_1: usize = 1 + BLOCK / 8;

impl Element {
    /// What weights may be made of at rest.
    pub const WEIGHTS: [Element; 4] = [Element::F32, Element::F16, Element::Q8_0, Element::Q4_1];

    /// What activations may be made of.
    pub const ACTIVATIONS: [Element; 2] = [Element::F32, Element::F16];

    /// Words that hold `n` elements; of a quantised tensor whole blocks.
    pub fn words(self, n: usize) -> usize {
        match self {
            Element::F32 | Element::U32 => n,
            Element::F16 => n.div_ceil(2),
            Element::Q8_0 => n.div_ceil(BLOCK) * Q8_0,
            Element::Q4_1 => n.div_ceil(BLOCK) * Q4_1,
        }
    }

    /// Whether its numbers come in blocks.
    pub fn is_quantised(self) -> bool {
        matches!(self, Element::Q8_0 | Element::Q4_1)
    }

    /// Its name in listings and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Element::F32 => "f32",
            Element::U32 => "u32",
            Element::F16 => "f16",
            Element::Q8_0 => "q8_0",
            Element::Q4_1 => "q4_1",
        }
    }
}

/// A tensor that a twin reads.
#[derive(Clone, Copy)]
pub struct View<'a> {
    words: &'a [u32],
    element: Element,
    numel: usize,
}

impl<'a> View<'a> {
    pub(crate) fn new(words: &'a [u32], element: Element, numel: usize) -> View<'a> {
        View { words: &words[..element.words(numel)], element, numel }
    }

    /// What it is made of.
    pub fn element(&self) -> Element {
        self.element
    }

    /// Its numbers. Panics where it holds no f32: the recorder has checked what a kernel is given.
    pub fn f32(&self) -> &'a [f32] {
        assert_eq!(self.element, Element::F32);
        bytemuck::cast_slice(self.words)
    }

    /// Its ids.
    pub fn u32(&self) -> &'a [u32] {
        assert_eq!(self.element, Element::U32);
        self.words
    }

    /// The bits of its half-precision numbers.
    pub fn f16(&self) -> &'a [u16] {
        assert_eq!(self.element, Element::F16);
        &bytemuck::cast_slice(self.words)[..self.numel]
    }

    /// Elements `first..first + out.len()` of a tensor of numbers, as f32. Of a quantised one they are whole blocks: rows,
    /// or parts of rows cut at multiples of [`BLOCK`].
    #[inline(always)]
    pub fn widen(&self, first: usize, out: &mut [f32]) {
        let len = out.len();
        match self.element {
            Element::F32 | Element::U32 => out.copy_from_slice(&self.f32()[first..first + len]),
            Element::F16 => {
                of_f16(&self.f16()[first..first + len], out);
            }
            Element::Q8_0 => {
                let blocks = self.blocks::<Q8_0>(first, len).iter().zip(out.as_chunks_mut().0);
                blocks.for_each(|(block, out)| of_q8_0(block, out));
            }
            Element::Q4_1 => {
                let blocks = self.blocks::<Q4_1>(first, len).iter().zip(out.as_chunks_mut().0);
                blocks.for_each(|(block, out)| of_q4_1(block, out));
            }
        }
    }

    #[inline(always)]
    fn blocks<const WORDS: usize>(&self, first: usize, len: usize) -> &'a [[u32; WORDS]] {
        assert!(
            first.is_multiple_of(BLOCK) && len.is_multiple_of(BLOCK),
            "whole blocks of {}",
            self.element.name()
        );
        let blocks: &'a [[u32; WORDS]] = bytemuck::cast_slice(self.words);
        &blocks[first / BLOCK..(first + len) / BLOCK]
    }
}

/// The halves of a word.
#[inline(always)]
fn halves(word: u32) -> [f32; 2] {
    [word, word >> 16].map(|half| of_bits(half as u16))
}

/// The bytes of some words, the lowest first.
#[inline(always)]
fn bytes<const N: usize>(words: &[u32]) -> [u8; N] {
    let mut bytes = [0; N];
    for (b, word) in bytes.chunks_exact_mut(4).zip(words) {
        b.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// Half-precision numbers, exactly.
#[inline(always)]
fn of_f16(halves: &[u16], out: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("f16c") {
        // SAFETY: this processor has what the function is compiled for.
        return unsafe { of_f16_by_f16c(halves, out) };
    }
    of_f16_by_bits(halves, out);
}

/// By the instruction that is for it: a load and a conversion of eight in one, where the bits take seven operations.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx,f16c")]
fn of_f16_by_f16c(halves: &[u16], out: &mut [f32]) {
    let ((eights, rest), (wide, rest_wide)) = (halves.as_chunks::<8>(), out.as_chunks_mut::<8>());
    for (x, half) in wide.iter_mut().zip(eights) {
        *x = bytemuck::cast(std::arch::x86_64::_mm256_cvtph_ps(bytemuck::cast(*half)));
    }
    of_f16_by_bits(rest, rest_wide);
}

/// Without a branch and without a call: that is what makes vector code of it.
#[inline(always)]
fn of_f16_by_bits(halves: &[u16], out: &mut [f32]) {
    out.iter_mut().zip(halves).for_each(|(x, &half)| *x = of_bits(half));
}

/// A half-precision number's bits go where f32 has them, sign, exponent and fraction, and a multiplication by 2¹¹² makes up for
/// the other bias of the exponent, exactly, for numbers below the normal range too. Infinity and NaN come out at 2¹⁶ and above,
/// where no other half is.
#[inline(always)]
fn of_bits(half: u16) -> f32 {
    let bits = (i32::from(half as i16) << 13) as u32 & 0x8fff_e000;
    let value = f32::from_bits(bits) * f32::from_bits((127 + 112) << 23);
    let top = if value.abs() >= 65536.0 { 0x7f80_0000 } else { 0 };
    f32::from_bits(value.to_bits() | top)
}

// ANCHOR: blocks
// Both go through whole arrays of a known length: that is what makes vector code of them.

/// A block's numbers.
#[inline(always)]
fn of_q8_0(block: &[u32; Q8_0], out: &mut [f32; BLOCK]) {
    let ([d, _], q) = (halves(block[0]), bytes::<BLOCK>(&block[1..]));
    for i in 0..BLOCK {
        out[i] = d * f32::from(q[i] as i8);
    }
}

/// A block's numbers: the low halves of its bytes, then the high ones.
#[inline(always)]
fn of_q4_1(block: &[u32; Q4_1], out: &mut [f32; BLOCK]) {
    let ([d, m], pairs) = (halves(block[0]), bytes::<{ BLOCK / 2 }>(&block[1..]));
    for i in 0..BLOCK / 2 {
        out[i] = d * f32::from(pairs[i] & 15) + m;
        out[i + BLOCK / 2] = d * f32::from(pairs[i] >> 4) + m;
    }
}
// ANCHOR_END: blocks

/// Two f16 a word, rounded to nearest even. A value beyond f16's range becomes infinite: the caller looks for it.
pub fn pack_f16(values: &[f32]) -> Vec<u32> {
    let half = |x: f32| u32::from(f16::from_f32(x).to_bits());
    values.chunks(2).map(|pair| half(pair[0]) | pair.get(1).map_or(0, |&x| half(x) << 16)).collect()
}

/// Numbers that a task converts.
const CHUNK: usize = 1 << 14;

/// All numbers of a tensor of halves, as f32.
pub fn widened(words: &[u32], numel: usize) -> Vec<f32> {
    let view = View::new(words, Element::F16, numel);
    let mut wide = vec![0.0; numel];
    wide.par_chunks_mut(CHUNK).enumerate().for_each(|(i, out)| view.widen(i * CHUNK, out));
    wide
}

/// As [`pack_f16`], into the words of a tensor: the unused half of its last stays as it is.
pub fn pack_f16_into(values: &[f32], words: &mut [u32]) {
    let halves: &mut [u16] = &mut bytemuck::cast_slice_mut(words)[..values.len()];
    let halves: &mut [f16] = halves.reinterpret_cast_mut();
    let chunks = halves.par_chunks_mut(CHUNK).zip(values.par_chunks(CHUNK));
    chunks.for_each(|(halves, values)| halves.convert_from_f32_slice(values));
}

/// Rounds each number to the nearest that a half can hold.
pub fn round_f16(values: &mut [f32]) {
    let mut halves = [f16::ZERO; 256];
    for values in values.chunks_mut(256) {
        let halves = &mut halves[..values.len()];
        halves.convert_from_f32_slice(values);
        halves.convert_to_f32_slice(values);
    }
}

/// ggml's blocks as the words of [`Element::Q8_0`] or [`Element::Q4_1`].
///
/// # Panics
/// If the bytes are no whole blocks of 34 or 20, or the element has no blocks.
pub fn pack_blocks(element: Element, bytes: &[u8]) -> Vec<u32> {
    // Of q8_0, the scale's two bytes stand alone; of q4_1, the minimum's follow.
    let scales = match element {
        Element::Q8_0 => 2,
        Element::Q4_1 => 4,
        _ => unreachable!("{} has no blocks", element.name()),
    };
    let size = 4 * (element.words(BLOCK) - 1) + scales;
    assert_eq!(bytes.len() % size, 0, "whole blocks of {size} bytes");
    let mut words = Vec::with_capacity(element.words(bytes.len() / size * BLOCK));
    for block in bytes.chunks_exact(size) {
        let (head, quants) = block.split_at(scales);
        let mut first = [0; 4];
        first[..scales].copy_from_slice(head);
        words.push(u32::from_le_bytes(first));
        words.extend(quants.chunks_exact(4).map(|q| u32::from_le_bytes([q[0], q[1], q[2], q[3]])));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks made by hand: bytes as ggml lays them, numbers by the formula.
    #[test]
    fn blocks_are_ggmls() {
        let half = |x: f32| f16::from_f32(x).to_le_bytes();
        let (mut q8, mut q4) = (Vec::new(), Vec::new());
        let (mut of_q8, mut of_q4) = (Vec::new(), Vec::new());
        for (b, (d, m)) in [(0.5, -3.25), (-0.0123, 7e-6), (3e-7, 60_000.0)].into_iter().enumerate() {
            let [d16, m16] = [d, m].map(|x| f16::from_f32(x).to_f32());
            let q = |j: usize| (j * 37 + 11 * b) as u8;
            q8.extend(half(d));
            q8.extend((0..32).map(q));
            of_q8.extend((0..32).map(|j| d16 * f32::from(q(j) as i8)));
            q4.extend([half(d), half(m)].concat());
            q4.extend((0..16).map(|j| q(j) & 15 | q(16 + j) << 4));
            // Rounded once: from f64, where the sum of two such numbers is exact.
            let exact = |j| (f64::from(d16) * f64::from(q(j) & 15) + f64::from(m16)) as f32;
            of_q4.extend((0..32).map(exact));
        }
        for (element, bytes, expected) in [(Element::Q8_0, q8, of_q8), (Element::Q4_1, q4, of_q4)] {
            let words = pack_blocks(element, &bytes);
            assert_eq!(words.len(), element.words(96));
            let view = View::new(&words, element, 96);
            let mut all = [f32::NAN; 96];
            view.widen(0, &mut all);
            assert_eq!(
                all.map(f32::to_bits).to_vec(),
                expected.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
            );
            let mut last = [f32::NAN; 32];
            view.widen(64, &mut last);
            assert_eq!(last, all[64..]);
        }
    }

    /// Against the `half` crate, which does it number by number.
    #[test]
    fn every_half_is_widened() {
        let words: Vec<u32> = (0..1 << 15).map(|i| (2 * i) | (2 * i + 1) << 16).collect();
        let [mut all, mut by_bits] = [0, 1].map(|_| vec![0.0; 1 << 16]);
        View::new(&words, Element::F16, 1 << 16).widen(0, &mut all);
        of_f16_by_bits(bytemuck::cast_slice(&words), &mut by_bits);
        for widened in [all, by_bits] {
            for (bits, x) in (0..=u16::MAX).zip(widened) {
                let expected = f16::from_bits(bits).to_f32();
                let same = x.to_bits() == expected.to_bits() || x.is_nan() && expected.is_nan();
                assert!(same, "{bits:04x}: {x} {expected}");
            }
        }
    }

    #[test]
    fn packed_halves_are_seen_in_order() {
        let values = [1.0, -2.5, 65504.0, 6e-8, 0.333_333_34];
        let words = pack_f16(&values);
        assert_eq!(words.len(), Element::F16.words(5));
        assert_eq!(words[0], 0xc100_3c00, "1.0 in the low half, -2.5 in the high one");
        let seen = View::new(&words, Element::F16, 5).f16();
        let expected: Vec<u16> = values.iter().map(|&x| f16::from_f32(x).to_bits()).collect();
        assert_eq!(seen, expected);
        assert!(f16::from_bits((pack_f16(&[65520.0])[0] & 0xffff) as u16).is_infinite());
    }
}
