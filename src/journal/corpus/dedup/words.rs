//! The words of a text as hashes: what two entries are compared by.

use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

/// SplitMix64's last step: every bit of the input moves every bit of the outcome.
pub const fn mix(seed: u64) -> u64 {
    let seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    seed ^ (seed >> 31)
}

/// Hands over the hash of each normalised word, in order.
pub fn each_word(text: &str, mut take: impl FnMut(u64)) {
    // White space composes with nothing, so each piece may be normalised by itself, and most are ASCII.
    for piece in text.split_ascii_whitespace() {
        if piece.is_ascii() {
            ascii_words(piece.as_bytes(), &mut take);
        } else if is_nfkc_quick(piece.chars()) == IsNormalized::Yes {
            unicode_words(piece.chars(), &mut take);
        } else {
            unicode_words(piece.nfkc(), &mut take);
        }
    }
}

fn ascii_words(piece: &[u8], take: &mut impl FnMut(u64)) {
    let mut word = Word::default();
    for &byte in piece {
        match LOWER[usize::from(byte)] {
            0 => word.end(take),
            lower => word.push(lower),
        }
    }
    word.end(take);
}

fn unicode_words(piece: impl Iterator<Item = char>, take: &mut impl FnMut(u64)) {
    let mut word = Word::default();
    for char in piece.flat_map(char::to_lowercase) {
        if !(char.is_alphanumeric() || word.begun() && is_combining_mark(char)) {
            word.end(take);
            continue;
        }
        if stands_alone(char) {
            word.end(take);
        }
        for &byte in char.encode_utf8(&mut [0; 4]).as_bytes() {
            word.push(byte);
        }
    }
    word.end(take);
}

/// Chinese and Japanese put no space between words: each character counts as one.
fn stands_alone(char: char) -> bool {
    matches!(char, '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}

/// A word's hash in the making (FNV-1a); 0 before its first byte.
#[derive(Default)]
struct Word(u64);

impl Word {
    fn begun(&self) -> bool {
        self.0 != 0
    }

    fn push(&mut self, byte: u8) {
        let state = if self.begun() { self.0 } else { 0xcbf2_9ce4_8422_2325 };
        self.0 = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }

    fn end(&mut self, take: &mut impl FnMut(u64)) {
        if self.begun() {
            take(mix(self.0));
            self.0 = 0;
        }
    }
}

/// Each ASCII letter or digit in lower case; 0 for what is neither.
const LOWER: [u8; 256] = {
    let mut lower = [0; 256];
    let mut byte = 0u8;
    while byte < 128 {
        if byte.is_ascii_alphanumeric() {
            lower[byte as usize] = byte.to_ascii_lowercase();
        }
        byte += 1;
    }
    lower
};
