//! What a tensor is made of, and how a twin sees it. Memory is 32-bit words on every device: an f32 and an id are a word,
//! two f16 share one, the first in its low half, which is how WGSL's `unpack2x16float` reads them and needs no feature.

use half::f16;

/// A tensor's element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Element {
    /// A single-precision number.
    F32,
    /// An id, a bound, a count.
    U32,
    /// A half-precision number; pairs packed in words, the last word's high half unused where their number is odd.
    F16,
}

impl Element {
    /// TEMPORARY
    pub const RESTS: [Element; 2] = [Element::F32, Element::F16];

    /// Words that hold `n` elements.
    pub fn words(self, n: usize) -> usize {
        match self {
            Element::F32 | Element::U32 => n,
            Element::F16 => n.div_ceil(2),
        }
    }

    /// Its name in listings and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Element::F32 => "f32",
            Element::U32 => "u32",
            Element::F16 => "f16",
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

    /// Its half-precision numbers.
    pub fn f16(&self) -> &'a [f16] {
        assert_eq!(self.element, Element::F16);
        &bytemuck::cast_slice(self.words)[..self.numel]
    }
}

/// Two f16 a word, rounded to nearest even. A value beyond f16's range becomes infinite: the caller looks for it.
pub fn pack_f16(values: &[f32]) -> Vec<u32> {
    let half = |x: f32| u32::from(f16::from_f32(x).to_bits());
    values.chunks(2).map(|pair| half(pair[0]) | pair.get(1).map_or(0, |&x| half(x) << 16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_halves_are_seen_in_order() {
        let values = [1.0, -2.5, 65504.0, 6e-8, 0.333_333_34];
        let words = pack_f16(&values);
        assert_eq!(words.len(), Element::F16.words(5));
        assert_eq!(words[0], 0xc100_3c00, "1.0 in the low half, -2.5 in the high one");
        let seen = View::new(&words, Element::F16, 5).f16();
        let expected: Vec<f16> = values.iter().map(|&x| f16::from_f32(x)).collect();
        assert_eq!(seen, expected);
        assert!(f16::from_bits((pack_f16(&[65520.0])[0] & 0xffff) as u16).is_infinite());
    }
}
