//! Finds entries that came twice: from two apps, or pasted again. Every pair is proved on the real texts; what is kept
//! in memory (80 bytes an entry) only says which texts are worth comparing.
//!
//! Two entries are compared if both are of one local day, or if both are long: "Toothache." on three days running is a
//! diary. Compared are their words alone (NFKC, lower case): marks, quotes and white space do not count. An entry
//! without words is like no other.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use jiff::civil::Date;

use crate::base::Result;
use words::{each_word, mix};

mod words;

/// From this likeness on, two entries are duplicates (Jaccard of their shingles).
pub const THRESHOLD: f32 = 0.8;

/// With fewer words, an entry is only ever the same as another, never nearly.
const NEAR_WORDS: u32 = 8;
/// From this many words on, an entry is compared with those of other days too.
const LONG_WORDS: u32 = 40;

/// A band of equal rows makes a candidate: 0.8-alike entries agree in a row with probability 0.8, so in one band of 4
/// with 0.8⁴ = 0.41, and in at least one of 16 with 1 − (1 − 0.8⁴)¹⁶ = 0.9998.
const BANDS: usize = 16;
const ROWS: usize = 4;

/// In a bucket, an entry is compared with this many unlike ones at most: one template in thousands stays linear.
const REPRESENTATIVES: usize = 8;
/// Texts read in vain for one entry, over all its buckets, before it is left in peace (the same template again).
const VAIN: u8 = 48;

/// Collects entries, then tells which of them are duplicates.
#[derive(Debug, Default)]
pub struct Finder {
    entries: Vec<Entry>,
}

/// A dropped entry and the one that stays, both numbered in the order of `add`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// The entry that stays.
    pub kept: usize,
    /// The entry that goes.
    pub dropped: usize,
    /// 1.0: the same after normalisation. Below `THRESHOLD`: alike only by way of entries between the two.
    pub likeness: f32,
}

#[derive(Debug)]
struct Entry {
    print: u64,
    words: u32,
    day: Option<NonZeroU32>,
    bands: [u32; BANDS],
}

impl Finder {
    /// Takes the next entry: its local day and its whole text.
    pub fn add(&mut self, day: Option<Date>, text: &str) {
        let mut sketch = Sketch::default();
        each_word(text, |word| sketch.add(word));
        self.entries.push(Entry {
            print: sketch.print,
            words: sketch.words,
            day: day.and_then(packed),
            bands: sketch.bands(),
        });
    }

    /// `rank[i]` is entry i's place in the corpus: the earlier stays. `fetch(i)` gives entry i's text again. Pairs come
    /// by rank of the dropped one; every dropped entry occurs once as dropped, and `kept` is never itself dropped.
    pub fn pairs(self, rank: &[u32], fetch: &mut dyn FnMut(usize) -> Result<String>) -> Result<Vec<Pair>> {
        let mut search = Search::new(self.entries, rank, fetch);
        for scope in [Scope::Day, Scope::Long] {
            search.run(scope, 1, |entry| entry.print)?;
        }
        // The days go first, so that a template's vain comparisons never hide a copy of the same day.
        for scope in [Scope::Day, Scope::Long] {
            for band in 0..BANDS {
                search.run(scope, NEAR_WORDS, |entry| u64::from(entry.bands[band]))?;
            }
        }
        search.pairs()
    }
}

/// A date in four bytes: no month is 0, so no date is 0.
fn packed(date: Date) -> Option<NonZeroU32> {
    let [high, low] = date.year().to_be_bytes();
    NonZeroU32::new(u32::from_be_bytes([high, low, date.month().unsigned_abs(), date.day().unsigned_abs()]))
}

/// Which entries are compared with each other.
#[derive(Clone, Copy)]
enum Scope {
    /// Those of one day.
    Day,
    /// Long ones, whatever their days.
    Long,
}

impl Scope {
    /// Entries of different days have different scopes in `Day`; `None` is not compared at all.
    fn of(self, entry: &Entry) -> Option<u32> {
        match self {
            Scope::Day => entry.day.map(NonZeroU32::get),
            Scope::Long => (entry.words >= LONG_WORDS).then_some(0),
        }
    }
}

/// The search proper. It counts in places: an entry's position by rank, so that the smaller place is the one that stays.
struct Search<'a> {
    entries: Vec<Entry>,
    /// The entry at each place.
    order: Vec<u32>,
    /// For each place an earlier one that it is like, or itself.
    parent: Vec<u32>,
    vain: Vec<u8>,
    /// What the texts said, by (earlier, later) place.
    proved: BTreeMap<(u32, u32), f32>,
    fetch: &'a mut dyn FnMut(usize) -> Result<String>,
}

impl<'a> Search<'a> {
    fn new(
        entries: Vec<Entry>,
        rank: &[u32],
        fetch: &'a mut dyn FnMut(usize) -> Result<String>,
    ) -> Search<'a> {
        let count = u32::try_from(entries.len()).expect("a corpus has fewer than 2^32 entries");
        let mut order: Vec<u32> = (0..count).collect();
        order.sort_by_key(|&entry| rank[entry as usize]);
        let vain = vec![0; entries.len()];
        Search { entries, order, parent: (0..count).collect(), vain, proved: BTreeMap::new(), fetch }
    }

    /// Compares the entries that have a scope and a key in common.
    fn run(&mut self, scope: Scope, least: u32, key: impl Fn(&Entry) -> u64) -> Result<()> {
        let mut list: Vec<(u32, u64, u32)> = (0u32..)
            .zip(&self.order)
            .map(|(place, &entry)| (place, &self.entries[entry as usize]))
            .filter(|(_, entry)| entry.words >= least)
            .filter_map(|(place, entry)| Some((scope.of(entry)?, key(entry), place)))
            .collect();
        list.sort_unstable();
        for bucket in list.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1)) {
            if bucket.len() > 1 {
                self.bucket(bucket.iter().map(|&(_, _, place)| place))?;
            }
        }
        Ok(())
    }

    fn bucket(&mut self, places: impl Iterator<Item = u32>) -> Result<()> {
        let mut representatives: Vec<(u32, Option<Reading>)> = Vec::new();
        for place in places {
            let root = self.root(place);
            let known = representatives.iter().any(|&(other, _)| self.root_of(other) == root);
            if known {
                continue;
            }
            let (joined, reading) = self.compare(place, &mut representatives)?;
            if !joined && representatives.len() < REPRESENTATIVES {
                representatives.push((place, reading));
            }
        }
        Ok(())
    }

    /// Joins an entry to the first representative that it is like; else gives its reading back, if it was read.
    fn compare(
        &mut self,
        place: u32,
        representatives: &mut [(u32, Option<Reading>)],
    ) -> Result<(bool, Option<Reading>)> {
        let mut mine = None;
        for (other, reading) in representatives {
            if self.vain[place as usize] >= VAIN {
                break;
            }
            let theirs = self.read_into(reading, *other)?;
            let likeness = self.read_into(&mut mine, place)?.likeness(theirs);
            if likeness >= THRESHOLD {
                self.proved.insert((*other, place), likeness);
                self.join(*other, place);
                return Ok((true, None));
            }
            self.vain[place as usize] += 1;
        }
        Ok((false, mine))
    }

    fn read_into<'r>(&mut self, reading: &'r mut Option<Reading>, place: u32) -> Result<&'r Reading> {
        let read = match reading.take() {
            Some(read) => read,
            None => Reading::of(&(self.fetch)(self.order[place as usize] as usize)?),
        };
        Ok(reading.insert(read))
    }

    /// The earliest place of the chain, with the way there shortened.
    fn root(&mut self, place: u32) -> u32 {
        let root = self.root_of(place);
        let mut step = place;
        while step != root {
            step = std::mem::replace(&mut self.parent[step as usize], root);
        }
        root
    }

    fn root_of(&self, mut place: u32) -> u32 {
        while self.parent[place as usize] != place {
            place = self.parent[place as usize];
        }
        place
    }

    fn join(&mut self, one: u32, other: u32) {
        let (one, other) = (self.root(one), self.root(other));
        self.parent[one.max(other) as usize] = one.min(other);
    }

    fn pairs(mut self) -> Result<Vec<Pair>> {
        let mut pairs = Vec::new();
        let mut kept: Option<(u32, Option<Reading>)> = None;
        for place in 0..self.parent.len() as u32 {
            let root = self.root(place);
            if root == place {
                continue;
            }
            let likeness = match self.proved.get(&(root, place)) {
                Some(&likeness) => likeness,
                None => {
                    let mut reading =
                        kept.take().filter(|(place, _)| *place == root).and_then(|(_, read)| read);
                    let theirs = self.read_into(&mut reading, root)?;
                    let likeness = self.read_into(&mut None, place)?.likeness(theirs);
                    kept = Some((root, reading));
                    likeness
                }
            };
            let [kept, dropped] = [root, place].map(|place| self.order[place as usize] as usize);
            pairs.push(Pair { kept, dropped, likeness });
        }
        Ok(pairs)
    }
}

/// What of a text is compared: its words in their order, as a print, and the set of its shingles, as hashes of 64 bits: of
/// ten million shingles, two are taken for the same by chance once in 300,000 such texts.
struct Reading {
    words: u32,
    print: [u64; 2],
    shingles: Vec<u64>,
}

impl Reading {
    fn of(text: &str) -> Reading {
        let (mut words, mut print, mut last, mut shingles) = (0_u32, [0; 2], [0; 2], Vec::new());
        each_word(text, |word| {
            words = words.saturating_add(1);
            print = [mix(print[0] ^ word), mix(print[1].rotate_left(7) ^ word.rotate_left(32))];
            let [first, second] = last;
            last = [second, word];
            if words >= 3 {
                shingles.push(mix(mix(first ^ second.rotate_left(21)) ^ word));
            }
        });
        shingles.sort_unstable();
        shingles.dedup();
        Reading { words, print, shingles }
    }

    /// 1.0 only for the same words in the same order: "ha" a hundred times has the shingles of "ha" ninety times.
    fn likeness(&self, other: &Reading) -> f32 {
        if (self.words, self.print) == (other.words, other.print) {
            return 1.0;
        }
        if self.words.min(other.words) < NEAR_WORDS {
            return 0.0;
        }
        let common = common(&self.shingles, &other.shingles);
        let all = self.shingles.len() + other.shingles.len() - common;
        (common as f32 / all as f32).min(1.0f32.next_down())
    }
}

/// How many items two sorted sets share.
fn common(one: &[u64], other: &[u64]) -> usize {
    let mut rest = other.iter().peekable();
    one.iter()
        .filter(|&item| {
            while rest.next_if(|&theirs| theirs < item).is_some() {}
            rest.peek() == Some(&item)
        })
        .count()
}

/// MinHash, by 64 real hash functions and not by one permutation in 64 bins: a diary's entries are short, and with ten
/// shingles most bins would be filled from others, so that the bands would fail together.
struct Sketch {
    print: u64,
    words: u32,
    last: [u64; 2],
    least: [i32; BANDS * ROWS],
}

impl Default for Sketch {
    fn default() -> Sketch {
        Sketch { print: 0, words: 0, last: [0; 2], least: [i32::MAX; BANDS * ROWS] }
    }
}

impl Sketch {
    fn add(&mut self, word: u64) {
        self.print = mix(self.print.rotate_left(5) ^ word);
        self.words = self.words.saturating_add(1);
        let [first, second] = self.last;
        self.last = [second, word];
        if self.words < 3 {
            return;
        }
        let shingle = mix(first ^ second.rotate_left(21) ^ word.rotate_left(42)) as i32;
        for (least, factor) in self.least.iter_mut().zip(&FACTORS) {
            *least = (*least).min(shingle.wrapping_mul(*factor));
        }
    }

    fn bands(&self) -> [u32; BANDS] {
        let (rows, _) = self.least.as_chunks::<ROWS>();
        std::array::from_fn(|band| {
            rows[band].iter().fold(0, |hash, &row| mix(hash ^ u64::from(row.cast_unsigned()))) as u32
        })
    }
}

/// Odd factors, fixed, so that the same journals always give the same pairs.
const FACTORS: [i32; BANDS * ROWS] = {
    let mut factors = [0; BANDS * ROWS];
    let mut i = 0;
    while i < factors.len() {
        factors[i] = mix(i as u64 + 1) as i32 | 1;
        i += 1;
    }
    factors
};

#[cfg(test)]
mod tests;
