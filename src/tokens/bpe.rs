//! GPT-2's byte-pair encoding (Radford et al. 2019), in time n·log n whatever the text.
//!
//! A text is split into pieces by a pattern, read here by hand:
//! `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
//! A piece that is a token is that token. Any other starts as its bytes. Of the neighbours that together are
//! a token, those of the lowest rank are merged, the leftmost first, until no two are. A token's rank is its
//! id.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::ops::Range;

use regex_syntax::hir::{Class as HirClass, HirKind};

/// The id and rank of what is no token.
const NONE: u16 = u16::MAX;

/// Tokens up to this length are looked up by a number that holds their bytes and their length.
const SHORT: usize = 15;

/// Pieces up to this many bytes are merged by scanning them for the lowest rank, longer ones with a heap.
const SCANNED: usize = 128;

/// The number of code points.
const CHARS: usize = char::MAX as usize + 1;

/// The tables of an encoding; made once.
pub struct Bpe {
    classes: Box<[Class; CHARS]>,
    short: Table<u128>,
    long: HashMap<Vec<u8>, u16>,
    bytes: [u16; 256],
    pairs: Table<u32>,
}

impl Bpe {
    /// The encoding with these tokens, in the order of their ranks: at most 65,535, every byte among them.
    pub fn new(tokens: &[Vec<u8>]) -> Bpe {
        assert!(tokens.len() <= usize::from(NONE), "more tokens than ids");
        let ids: HashMap<&[u8], u16> = tokens.iter().map(Vec::as_slice).zip(0..).collect();
        let (short, long): (Vec<_>, Vec<_>) = ids.iter().partition(|(token, _)| token.len() <= SHORT);
        Bpe {
            classes: classes(),
            short: Table::new(short.into_iter().map(|(token, &id)| (key(token, token.len()), id)).collect()),
            long: long.into_iter().map(|(token, &id)| (token.to_vec(), id)).collect(),
            bytes: std::array::from_fn(|byte| ids[[byte as u8].as_slice()]),
            pairs: Table::new(pairs(&ids)),
        }
    }

    /// Adds the ids of a text to `out`.
    pub fn encode(&self, text: &str, out: &mut Vec<u32>) {
        let pieces = Pieces { text, classes: &self.classes, at: 0 };
        for Range { start, end } in pieces {
            match self.token(&text.as_bytes()[start..], end - start) {
                NONE => self.merge(&text.as_bytes()[start..end], out),
                id => out.push(id.into()),
            }
        }
    }

    /// The token that the first bytes are, if they are one.
    fn token(&self, bytes: &[u8], length: usize) -> u16 {
        if length <= SHORT {
            return self.short.get(key(bytes, length));
        }
        self.long.get(&bytes[..length]).copied().unwrap_or(NONE)
    }

    fn merge(&self, piece: &[u8], out: &mut Vec<u32>) {
        if piece.len() <= SCANNED { self.merge_by_scan(piece, out) } else { self.merge_by_heap(piece, out) }
    }

    fn rank(&self, left: u16, right: u16) -> u16 {
        self.pairs.get(pair(left, right))
    }

    fn merge_by_scan(&self, piece: &[u8], out: &mut Vec<u32>) {
        let (mut ids, mut ranks) = ([NONE; SCANNED], [NONE; SCANNED]);
        let mut count = piece.len();
        for (id, &byte) in ids.iter_mut().zip(piece) {
            *id = self.bytes[usize::from(byte)];
        }
        for left in 0..count - 1 {
            ranks[left] = self.rank(ids[left], ids[left + 1]);
        }
        // ranks[i] is that of ids[i] with its right neighbour; the last has none.
        while let Some((rank, left)) = lowest(&ranks[..count - 1]) {
            ids[left] = rank;
            ids.copy_within(left + 2..count, left + 1);
            ranks.copy_within(left + 2..count, left + 1);
            count -= 1;
            ranks[left] = if left + 1 < count { self.rank(rank, ids[left + 1]) } else { NONE };
            if left > 0 {
                ranks[left - 1] = self.rank(ids[left - 1], rank);
            }
        }
        out.extend(ids[..count].iter().map(|&id| u32::from(id)));
    }

    fn merge_by_heap(&self, piece: &[u8], out: &mut Vec<u32>) {
        let end = piece.len();
        let mut ids: Vec<u16> = piece.iter().map(|&byte| self.bytes[usize::from(byte)]).collect();
        let mut ranks: Vec<u16> = ids.windows(2).map(|two| self.rank(two[0], two[1])).collect();
        ranks.push(NONE);
        let mut previous: Vec<usize> = (0..end).map(|at| at.saturating_sub(1)).collect();
        let mut next: Vec<usize> = (1..=end).collect();
        let mut heap: BinaryHeap<Reverse<(u16, usize)>> = ranks
            .iter()
            .zip(0..)
            .filter(|(rank, _)| **rank != NONE)
            .map(|(&rank, at)| Reverse((rank, at)))
            .collect();

        while let Some(Reverse((rank, left))) = heap.pop() {
            if ranks[left] != rank {
                continue; // a neighbour was merged with another meanwhile
            }
            let right = next[left];
            let after = next[right];
            (ids[left], next[left], ranks[right]) = (rank, after, NONE);
            ranks[left] = NONE;
            if after < end {
                previous[after] = left;
                ranks[left] = self.rank(rank, ids[after]);
            }
            let before = previous[left];
            if left > 0 {
                ranks[before] = self.rank(ids[before], rank);
            }
            for at in [before, left] {
                if ranks[at] != NONE {
                    heap.push(Reverse((ranks[at], at)));
                }
            }
        }
        out.extend(
            std::iter::successors(Some(0), |&at| Some(next[at]).filter(|&at| at < end))
                .map(|at| u32::from(ids[at])),
        );
    }
}

/// The lowest rank and where it first stands.
fn lowest(ranks: &[u16]) -> Option<(u16, usize)> {
    let both = ranks.iter().zip(0..).map(|(&rank, at)| u32::from(rank) << 16 | at).min()?;
    let rank = (both >> 16) as u16;
    (rank != NONE).then_some((rank, both as usize & 0xffff))
}

/// All pairs that make a token, not only the one by which it was found in training: tiktoken merges them all.
fn pairs(ids: &HashMap<&[u8], u16>) -> Vec<(u32, u16)> {
    let mut pairs = Vec::new();
    for (token, &id) in ids {
        for at in 1..token.len() {
            let (left, right) = token.split_at(at);
            if let (Some(&left), Some(&right)) = (ids.get(left), ids.get(right)) {
                pairs.push((pair(left, right), id));
            }
        }
    }
    pairs
}

fn pair(left: u16, right: u16) -> u32 {
    u32::from(left) << 16 | u32::from(right)
}

/// The first bytes, at most 15, and how many they are.
#[inline]
fn key(bytes: &[u8], length: usize) -> u128 {
    let chunk = bytes.first_chunk::<16>().copied().unwrap_or_else(|| {
        let mut chunk = [0; 16];
        chunk[..length].copy_from_slice(&bytes[..length]);
        chunk
    });
    let mask = (1_u128 << (8 * length)) - 1;
    u128::from_le_bytes(chunk) & mask | (length as u128) << 120
}

/// A hash table from numbers to ids, under half full, with linear probing.
struct Table<K> {
    slots: Vec<(K, u16)>,
    shift: u32,
}

impl<K: Copy + Default + Eq + Into<u128>> Table<K> {
    fn new(entries: Vec<(K, u16)>) -> Table<K> {
        let size = (2 * entries.len() + 2).next_power_of_two();
        let mut table = Table { slots: vec![(K::default(), NONE); size], shift: u64::BITS - size.ilog2() };
        for (key, id) in entries {
            let slot = table.slot(key);
            table.slots[slot] = (key, id);
        }
        table
    }

    #[inline]
    fn get(&self, key: K) -> u16 {
        self.slots[self.slot(key)].1
    }

    /// Where a key is, or the vacant slot where it would be.
    #[inline]
    fn slot(&self, key: K) -> usize {
        let number: u128 = key.into();
        let (low, high) = (number as u64, (number >> 64) as u64);
        let mixed = low ^ high.wrapping_mul(0xd6e8_feb8_6659_fd93);
        let mut slot = (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize;
        while self.slots[slot].0 != key && self.slots[slot].1 != NONE {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        slot
    }
}

/// What the pattern tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Other,
    Letter,
    Number,
    Space,
}

/// The class of every character, by the Unicode tables that tiktoken's pattern engine uses too.
fn classes() -> Box<[Class; CHARS]> {
    let mut classes = vec![Class::Other; CHARS];
    for (pattern, class) in [(r"\p{L}", Class::Letter), (r"\p{N}", Class::Number), (r"\s", Class::Space)] {
        let parsed = regex_syntax::parse(pattern).expect("the pattern is one class");
        let HirKind::Class(HirClass::Unicode(set)) = parsed.kind() else {
            unreachable!("the pattern is one class")
        };
        for range in set.iter() {
            classes[range.start() as usize..=range.end() as usize].fill(class);
        }
    }
    classes.try_into().expect("one class a character")
}

/// Where the pattern's matches lie in a text. Together they are the whole text.
struct Pieces<'a> {
    text: &'a str,
    classes: &'a [Class; CHARS],
    at: usize,
}

impl Iterator for Pieces<'_> {
    type Item = Range<usize>;

    #[inline]
    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        let first = *self.text.as_bytes().get(start)?;
        let word = start + usize::from(first == b' ');
        self.at = match self.class(word) {
            None | Some((Class::Space, _)) => self.end_of_space(start),
            Some((class, after)) => {
                let contraction =
                    if first == b'\'' { contraction(&self.text.as_bytes()[after..]) } else { 0 };
                if contraction > 0 { after + contraction } else { self.end_of_run(class, after) }
            }
        };
        Some(start..self.at)
    }
}

impl Pieces<'_> {
    /// The class of the character at a place, and where the next one stands.
    #[inline]
    fn class(&self, at: usize) -> Option<(Class, usize)> {
        let byte = *self.text.as_bytes().get(at)?;
        if byte.is_ascii() {
            return Some((self.classes[usize::from(byte)], at + 1));
        }
        let c = self.text[at..].chars().next()?;
        Some((self.classes[c as usize], at + c.len_utf8()))
    }

    #[inline]
    fn end_of_run(&self, class: Class, mut at: usize) -> usize {
        while let Some((next, after)) = self.class(at)
            && next == class
        {
            at = after;
        }
        at
    }

    /// Two or more white-space characters before a word leave it the last one: a space, it takes.
    fn end_of_space(&self, start: usize) -> usize {
        let end = self.end_of_run(Class::Space, start);
        let last = self.text[start..end].char_indices().next_back().map_or(0, |(at, _)| at);
        if end < self.text.len() && last > 0 { start + last } else { end }
    }
}

/// How long the ending after an apostrophe is, if it is one of `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll`, `'d`.
fn contraction(after: &[u8]) -> usize {
    match after {
        [b's' | b't' | b'm' | b'd', ..] => 1,
        [b'r' | b'v', b'e', ..] | [b'l', b'l', ..] => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use tiktoken_rs::r50k_base_singleton;

    use super::*;

    static BPE: LazyLock<Bpe> = LazyLock::new(|| Bpe::new(&tokens()));

    fn tokens() -> Vec<Vec<u8>> {
        (0..50_256).map(|rank| r50k_base_singleton().decode_bytes(&[rank]).unwrap()).collect()
    }

    fn ours(text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        BPE.encode(text, &mut ids);
        ids
    }

    fn tiktokens(text: &str) -> Vec<u32> {
        r50k_base_singleton().encode_ordinary(text)
    }

    /// Text as journals have it and as they should not.
    fn texts() -> impl Strategy<Value = String> {
        let parts = prop_oneof![
            "[ ’'!]{0,2}(s|t|re|ve|m|ll|d|S|T|RE|Ve|M|LL|lL|D|r|v|l)",
            "[ \t\n\r\u{b}\u{85}\u{a0}\u{2028}\u{3000}\u{200b}\u{feff}]{1,6}",
            "[ ']?[A-Za-zßéİſ日ªʰ\u{301}]{1,12}",
            "[ ]?[0-9½٣Ⅷ²]{1,5}",
            "[ ]?[—“”…<|>'\"=-]{1,6}",
            "[ ]?(👩\u{200d}👩\u{200d}👧|🏳\u{fe0f}\u{200d}🌈|👍🏽|\u{10ffff}|\u{0}|\u{e000})",
            "\\PC{1,4}",
            "[a-z=]{100,160}",
            any::<char>().prop_map(String::from),
        ];
        prop::collection::vec(parts, 0..40).prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn ids_are_those_of_tiktoken(text in texts()) {
            prop_assert_eq!(ours(&text), tiktokens(&text));
        }

        #[test]
        fn both_ways_to_merge_agree(piece in prop::collection::vec(any::<u8>(), 1..=SCANNED)) {
            let (mut by_scan, mut by_heap) = (Vec::new(), Vec::new());
            BPE.merge_by_scan(&piece, &mut by_scan);
            BPE.merge_by_heap(&piece, &mut by_heap);
            prop_assert_eq!(by_scan, by_heap);
        }
    }

    #[test]
    fn every_token_is_itself_and_every_merge_agrees() {
        for (token, id) in tokens().iter().zip(0..) {
            assert_eq!(BPE.token(token, token.len()), id);
            let (mut by_scan, mut by_heap) = (Vec::new(), Vec::new());
            BPE.merge_by_scan(token, &mut by_scan);
            BPE.merge_by_heap(token, &mut by_heap);
            assert_eq!(by_scan, by_heap, "{:?}", String::from_utf8_lossy(token));
        }
    }

    /// Every character alone, doubled, after a space and inside a word: its class is right in all of them.
    #[test]
    fn every_character_has_its_class() {
        for first in (0..=u32::from(char::MAX)).step_by(256) {
            let text: String = (first..first + 256)
                .filter_map(char::from_u32)
                .map(|c| format!("{c} {c}{c}a{c}1{c}!{c}  "))
                .collect();
            assert_eq!(ours(&text), tiktokens(&text), "characters from U+{first:04X}");
        }
        let space = |c: char| classes()[c as usize] == Class::Space;
        assert!(['\u{85}', '\u{a0}', '\u{3000}'].into_iter().all(space));
    }

    #[test]
    fn long_runs_of_one_kind_take_no_longer_than_words() {
        for run in [" ", "\n", " \n\t", "\u{3000}", "a", "-", "7", "日本", "😀", "ab", "\u{10ffff}", "' "]
        {
            let run_of = |length: usize| format!("a{}b", run.repeat(length / run.chars().count()));
            assert_eq!(ours(&run_of(20_000)), tiktokens(&run_of(20_000)), "a run of {run:?}");
            let text = run_of(1_200_000);
            let bytes: usize = ours(&text).iter().map(|&id| tokens_length(id)).sum();
            assert_eq!(bytes, text.len(), "a run of {run:?}");
        }
    }

    fn tokens_length(id: u32) -> usize {
        static LENGTHS: LazyLock<Vec<usize>> = LazyLock::new(|| tokens().iter().map(Vec::len).collect());
        LENGTHS[id as usize]
    }
}
