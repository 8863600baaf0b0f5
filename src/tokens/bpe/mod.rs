//! Byte-pair encoding (Sennrich et al. 2016; of bytes, Radford et al. 2019) of one word, in time n·log n whatever the word.
//!
//! A word that is a token is that token. Any other starts as its bytes. Of the neighbours that merge, those of the lowest
//! rank are merged, the leftmost first, until no two are. In here, bytes and merges are numbered together: byte b is
//! symbol b, and what the first merge makes is symbol 256.
//!
//! GPT-2's own tokens are numbered so already, but for the order of the bytes: a token's rank is its id. There, as in
//! tiktoken, all neighbours merge that together are a token; elsewhere, only the pairs that a file lists.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// Tokens up to this length are looked up by a number that holds their bytes and their length.
const SHORT: usize = 15;

/// Words up to this many bytes are merged by scanning them for the lowest rank, longer ones with a heap.
const SCANNED: usize = 128;

/// The number of a symbol, which is also a rank: 16 bits where so many suffice, since half the bytes are twice as fast.
pub trait Symbol: Copy + Ord + Into<u32> {
    /// The rank of two that do not merge.
    const NONE: Self;
    /// Two of them as one number.
    type Pair: Copy + Default + Eq + Into<u128>;
    /// The symbol of a number, which fits.
    fn numbered(number: usize) -> Self;
    /// Two of them as one number.
    fn pair(left: Self, right: Self) -> Self::Pair;
    /// The lowest rank and where it first stands, of at most [`SCANNED`].
    fn lowest(ranks: &[Self]) -> Option<(Self, usize)>;
}

impl Symbol for u16 {
    const NONE: u16 = u16::MAX;
    type Pair = u32;

    fn numbered(number: usize) -> u16 {
        u16::try_from(number).expect("so many symbols have 16 bits")
    }

    fn pair(left: u16, right: u16) -> u32 {
        u32::from(left) << 16 | u32::from(right)
    }

    fn lowest(ranks: &[u16]) -> Option<(u16, usize)> {
        let both = ranks.iter().zip(0..).map(|(&rank, at)| u32::from(rank) << 16 | at).min()?;
        let rank = (both >> 16) as u16;
        (rank != u16::NONE).then_some((rank, both as usize & 0xffff))
    }
}

impl Symbol for u32 {
    const NONE: u32 = u32::MAX;
    type Pair = u64;

    fn numbered(number: usize) -> u32 {
        u32::try_from(number).expect("a file has fewer than 2³² merges")
    }

    fn pair(left: u32, right: u32) -> u64 {
        u64::from(left) << 32 | u64::from(right)
    }

    fn lowest(ranks: &[u32]) -> Option<(u32, usize)> {
        let both = ranks.iter().zip(0..).map(|(&rank, at)| u64::from(rank) << 16 | at).min()?;
        let rank = (both >> 16) as u32;
        (rank != u32::NONE).then_some((rank, both as usize & 0xffff))
    }
}

/// The tables of an encoding; made once.
pub struct Bpe<S: Symbol> {
    /// Words that are a token, by their bytes.
    short: Table<u128, u32>,
    long: HashMap<Vec<u8>, u32>,
    /// The symbol of each byte.
    bytes: [S; 256],
    /// The rank of two symbols.
    pairs: Table<S::Pair, S>,
    /// The symbol that a merge of a rank makes, where that is not its rank: two merges may make one token.
    makes: Option<Box<[S]>>,
    /// The id of a symbol, where that is not its number.
    ids: Option<Box<[u32]>>,
}

impl Bpe<u16> {
    /// The encoding with these tokens, in the order of their ranks, which are their ids: at most 65,535, every byte among
    /// them. All pairs that make a token merge, not only the one by which it was found in training.
    pub fn of_ranks(tokens: &[Vec<u8>]) -> Bpe<u16> {
        let ids: HashMap<&[u8], u16> =
            tokens.iter().enumerate().map(|(id, token)| (token.as_slice(), u16::numbered(id))).collect();
        let mut pairs = Vec::new();
        for (token, &id) in &ids {
            for (left, right) in (1..token.len()).map(|at| token.split_at(at)) {
                if let (Some(&left), Some(&right)) = (ids.get(left), ids.get(right)) {
                    pairs.push((u16::pair(left, right), id));
                }
            }
        }
        let (short, long) = whole(ids.iter().map(|(token, &id)| (*token, u32::from(id))));
        let bytes = std::array::from_fn(|byte| ids[[byte as u8].as_slice()]);
        Bpe { short, long, bytes, pairs: Table::new(pairs, u16::NONE), makes: None, ids: None }
    }
}

impl Bpe<u32> {
    /// The encoding whose bytes have these ids (none, where no word has such a byte) and which merges these pairs of tokens, in the order of their ranks: left,
    /// right, and what they make, by their ids. A pair that is listed twice has the later rank, as `tokenizers` has it. No
    /// word is a token yet: see [`Bpe::know`].
    pub fn of_merges(bytes: &[Option<u32>; 256], merges: &[(u32, u32, u32)]) -> Bpe<u32> {
        let mut symbols: HashMap<u32, u32> =
            bytes.iter().zip(0..).filter_map(|(id, byte)| Some(((*id)?, byte))).collect();
        let mut ids: Vec<u32> = bytes.iter().map(|id| id.unwrap_or(u32::MAX)).collect();
        let mut makes: Vec<u32> = (0..256).collect();
        for (symbol, &(_, _, made)) in (256..).zip(merges) {
            ids.push(made);
            makes.push(*symbols.entry(made).or_insert(symbol));
        }
        let pairs: HashMap<u64, u32> = (256..)
            .zip(merges)
            // A token that nothing makes never stands in a word.
            .filter_map(|(rank, (left, right, _))| {
                Some((u32::pair(*symbols.get(left)?, *symbols.get(right)?), rank))
            })
            .collect();
        Bpe {
            short: Table::new(Vec::new(), u32::MAX),
            long: HashMap::new(),
            bytes: std::array::from_fn(|byte| byte as u32),
            pairs: Table::new(pairs.into_iter().collect(), u32::NONE),
            makes: Some(makes.into()),
            ids: Some(ids.into()),
        }
    }

    /// The encoding that merges these pairs of tokens, in the order of their ranks: left, right, and what they make, by their
    /// ids, which are the symbols. It knows no bytes: see [`Bpe::merge`].
    pub fn of_pairs(merges: &[(u32, u32, u32)]) -> Bpe<u32> {
        let pairs: HashMap<u64, u32> =
            (0..).zip(merges).map(|(rank, (left, right, _))| (u32::pair(*left, *right), rank)).collect();
        Bpe {
            short: Table::new(Vec::new(), u32::MAX),
            long: HashMap::new(),
            bytes: [u32::NONE; 256],
            pairs: Table::new(pairs.into_iter().collect(), u32::NONE),
            makes: Some(merges.iter().map(|(_, _, made)| *made).collect()),
            ids: None,
        }
    }

    /// Whether merging makes one token of these bytes, and that one.
    pub fn is_made(&self, bytes: &[u8], id: u32) -> bool {
        let mut ids = Vec::new();
        self.merge(self.symbols(bytes), &mut ids);
        ids == [id]
    }

    /// Takes words for tokens without a look at the merges: those that merging makes of them anyway, and, where an encoding
    /// asks for it, all.
    pub fn know<'a>(&mut self, words: impl Iterator<Item = (&'a [u8], u32)>) {
        (self.short, self.long) = whole(words);
    }
}

/// The tables of words that are tokens: the short ones, and the others.
fn whole<'a>(words: impl Iterator<Item = (&'a [u8], u32)>) -> (Table<u128, u32>, HashMap<Vec<u8>, u32>) {
    let (short, long): (Vec<_>, Vec<_>) = words.partition(|(word, _)| word.len() <= SHORT);
    let short = short.into_iter().map(|(word, id)| (key(word, word.len()), id)).collect();
    (Table::new(short, u32::MAX), long.into_iter().map(|(word, id)| (word.to_vec(), id)).collect())
}

impl<S: Symbol> Bpe<S> {
    /// Adds the ids of a word: the first `length` bytes, which are some. What stands behind them in the same text is looked
    /// at and left alone; that is faster.
    #[inline]
    pub fn encode(&self, bytes: &[u8], length: usize, out: &mut Vec<u32>) {
        match self.token(bytes, length) {
            Some(id) => out.push(id),
            None => self.merge(self.symbols(&bytes[..length]), out),
        }
    }

    /// The token that the first bytes are, if they are one.
    #[inline]
    fn token(&self, bytes: &[u8], length: usize) -> Option<u32> {
        if length <= SHORT {
            return Some(self.short.get(key(bytes, length))).filter(|id| *id != u32::MAX);
        }
        self.long.get(&bytes[..length]).copied()
    }

    /// The symbols that a word starts as.
    fn symbols<'a>(&'a self, word: &'a [u8]) -> impl ExactSizeIterator<Item = S> + 'a {
        word.iter().map(|&byte| self.bytes[usize::from(byte)])
    }

    /// Adds the ids of what merging makes of symbols, of which there are some.
    pub fn merge(&self, word: impl ExactSizeIterator<Item = S>, out: &mut Vec<u32>) {
        if word.len() <= SCANNED { self.merge_by_scan(word, out) } else { self.merge_by_heap(word, out) }
    }

    fn rank(&self, left: S, right: S) -> S {
        self.pairs.get(S::pair(left, right))
    }

    fn made(&self, rank: S) -> S {
        self.makes.as_ref().map_or(rank, |makes| makes[rank.into() as usize])
    }

    fn id(&self, symbol: S) -> u32 {
        let number = symbol.into();
        self.ids.as_ref().map_or(number, |ids| ids[number as usize])
    }

    fn merge_by_scan(&self, word: impl ExactSizeIterator<Item = S>, out: &mut Vec<u32>) {
        let (mut symbols, mut ranks) = ([S::NONE; SCANNED], [S::NONE; SCANNED]);
        let mut count = word.len();
        symbols.iter_mut().zip(word).for_each(|(symbol, first)| *symbol = first);
        for left in 0..count - 1 {
            ranks[left] = self.rank(symbols[left], symbols[left + 1]);
        }
        // ranks[i] is that of symbols[i] with its right neighbour; the last has none.
        while let Some((rank, left)) = S::lowest(&ranks[..count - 1]) {
            let made = self.made(rank);
            symbols[left] = made;
            symbols.copy_within(left + 2..count, left + 1);
            ranks.copy_within(left + 2..count, left + 1);
            count -= 1;
            ranks[left] = if left + 1 < count { self.rank(made, symbols[left + 1]) } else { S::NONE };
            if left > 0 {
                ranks[left - 1] = self.rank(symbols[left - 1], made);
            }
        }
        out.extend(symbols[..count].iter().map(|&symbol| self.id(symbol)));
    }

    fn merge_by_heap(&self, word: impl ExactSizeIterator<Item = S>, out: &mut Vec<u32>) {
        let mut symbols: Vec<S> = word.collect();
        let end = symbols.len();
        let mut ranks: Vec<S> = symbols.windows(2).map(|two| self.rank(two[0], two[1])).collect();
        ranks.push(S::NONE);
        let mut previous: Vec<usize> = (0..end).map(|at| at.saturating_sub(1)).collect();
        let mut next: Vec<usize> = (1..=end).collect();
        let mut heap: BinaryHeap<Reverse<(S, usize)>> = ranks
            .iter()
            .zip(0..)
            .filter(|(rank, _)| **rank != S::NONE)
            .map(|(&rank, at)| Reverse((rank, at)))
            .collect();

        while let Some(Reverse((rank, left))) = heap.pop() {
            if ranks[left] != rank {
                continue; // a neighbour was merged with another meanwhile
            }
            let right = next[left];
            let after = next[right];
            let made = self.made(rank);
            (symbols[left], next[left], ranks[right]) = (made, after, S::NONE);
            ranks[left] = S::NONE;
            if after < end {
                previous[after] = left;
                ranks[left] = self.rank(made, symbols[after]);
            }
            let before = previous[left];
            if left > 0 {
                ranks[before] = self.rank(symbols[before], made);
            }
            for at in [before, left] {
                if ranks[at] != S::NONE {
                    heap.push(Reverse((ranks[at], at)));
                }
            }
        }
        let all = std::iter::successors(Some(0), |&at| Some(next[at]).filter(|&at| at < end));
        out.extend(all.map(|at| self.id(symbols[at])));
    }
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

/// A hash table of numbers, under half full, with linear probing.
struct Table<K, V> {
    slots: Vec<(K, V)>,
    shift: u32,
    none: V,
}

impl<K: Copy + Default + Eq + Into<u128>, V: Copy + Eq> Table<K, V> {
    /// Of keys that differ, and values that are not `none`.
    fn new(entries: Vec<(K, V)>, none: V) -> Table<K, V> {
        let size = (2 * entries.len() + 2).next_power_of_two();
        let mut table =
            Table { slots: vec![(K::default(), none); size], shift: u64::BITS - size.ilog2(), none };
        for (key, value) in entries {
            let slot = table.slot(key);
            table.slots[slot] = (key, value);
        }
        table
    }

    #[inline]
    fn get(&self, key: K) -> V {
        self.slots[self.slot(key)].1
    }

    /// Where a key is, or the vacant slot where it would be.
    #[inline]
    fn slot(&self, key: K) -> usize {
        let number: u128 = key.into();
        let (low, high) = (number as u64, (number >> 64) as u64);
        let mixed = low ^ high.wrapping_mul(0xd6e8_feb8_6659_fd93);
        let mut slot = (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize;
        while self.slots[slot].0 != key && self.slots[slot].1 != self.none {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        slot
    }
}

#[cfg(test)]
mod tests;
