//! Near copies: stretches of a text that are an entry's but for a few words put in, left out or replaced.
//!
//! Seed and extend, as BLAST does (Altschul et al. 1990): every shared run of four words is a seed, extended both ways
//! by edit distance over words in a band. Of 20 words with 2 edits, 18 stand in at most 3 runs, so that one has 6: up to
//! 0.2 edits a word, no near copy is without a seed, and what is missed is missed by the caps below alone.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;

use crate::eval::likeness::copying::source::{Reading, Run, Source};

/// Words in a row that make a seed.
const SEED: usize = 4;
/// A seed is looked at in at most this many places. One that has more is made longer, word by word, up to `LONGEST_SEED`
/// words or until the text goes on in no place; if there are still more, the first so many are taken, in the order of
/// what follows there. So "and then I went" costs 64 looks. Missed may be a near copy of which every run of four words
/// stands in more places than that.
const PLACES: usize = 64;
/// Beyond this many words in more than 64 places, an entry is a template.
const LONGEST_SEED: usize = 16;
/// The words put in may exceed those left out by this many, or the other way, on each side of a seed.
const BAND: usize = 16;
/// A side is left when it has this many edits more than its words allow: eight words put in at one place end a copy.
const DROP: f64 = 8.0;

/// A stretch of a text that nearly stands in an entry; one that stands there word for word has the distance 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Near {
    /// Where it stands, in the text and in the entry.
    pub run: Run,
    /// Words put in, left out or replaced between the two (Levenshtein).
    pub edits: usize,
    /// Edits a word of the text.
    pub distance: f64,
}

/// A shared run at one place, as long as it goes.
#[derive(Debug, Clone, Copy)]
struct Seed {
    at: usize,
    place: usize,
    length: usize,
}

/// A seed with what it was extended by.
struct Stretch {
    words: Range<usize>,
    places: Range<usize>,
    edits: usize,
}

/// One side of a seed: how far it goes, in the text and in the entry, and at how many edits.
#[derive(Debug, Clone, Copy)]
struct Arm {
    words: usize,
    places: usize,
    edits: usize,
}

impl Source {
    /// The stretches of at least `least` words, that is at least 4, which are an entry's but for at most `edits` edits a
    /// word of the text (0.1: two in 20 words). They begin and end with a word of the entry, come in the order of the
    /// text and do not overlap: the longest is taken first, of equals the one with fewer edits.
    pub fn near(&self, text: &str, least: usize, edits: f64) -> Vec<Near> {
        self.near_in(&self.read(text), least, edits)
    }

    pub(super) fn near_in(&self, reading: &Reading, least: usize, edits: f64) -> Vec<Near> {
        let seeds = self.seeds(&reading.symbols, least);
        let whole = 0..reading.symbols.len();
        let (mut gaps, mut taken) = (vec![whole], Vec::new());
        while let Some(gap) = gaps.pop() {
            let clipped = seeds.iter().filter_map(|seed| seed.clipped(&gap));
            let stretches = clipped.map(|seed| self.stretch(&reading.symbols, seed, &gap, edits));
            let long = stretches.filter(|stretch| stretch.words.len() >= least);
            let rank = |stretch: &Stretch| (stretch.words.len(), Reverse(stretch.edits));
            let best = long.reduce(|best, other| if rank(&other) > rank(&best) { other } else { best });
            if let Some(best) = best {
                gaps.extend([gap.start..best.words.start, best.words.end..gap.end]);
                taken.push(best);
            }
        }
        taken.sort_unstable_by_key(|stretch| stretch.words.start);
        let near = |Stretch { words, places, edits }| {
            let distance = edits as f64 / words.len() as f64;
            Near { run: self.placed(reading, words, places), edits, distance }
        };
        taken.into_iter().map(near).collect()
    }

    /// The seeds of a text, the longest first. Those within a longer one of `least` words are left out: what they say is
    /// said.
    fn seeds(&self, symbols: &[u32], least: usize) -> Vec<Seed> {
        let mut seeds = Vec::new();
        // For each shift between text and source, where its last seed ends.
        let mut ends = HashMap::<usize, usize>::new();
        let mut maximal = self.maximal(symbols, SEED).into_iter().peekable();
        for at in 0..symbols.len() {
            let longest = maximal.next_if(|run| run.start == at);
            let longest = longest.map(|run| self.suffixes.longest(&symbols[run]).1);
            let rare = self.rare(&symbols[at..]).iter().map(|&place| place as usize);
            for place in longest.into_iter().chain(rare) {
                let shift = place + symbols.len() - at;
                if ends.get(&shift).is_none_or(|&end| at >= end) {
                    let seed = self.whole(symbols, at, place);
                    ends.insert(shift, seed.at + seed.length);
                    seeds.push(seed);
                }
            }
        }
        seeds.sort_unstable_by_key(|seed| (Reverse(seed.length), seed.at, seed.place));
        let mut long: Vec<Range<usize>> = Vec::new();
        seeds.retain(|seed| {
            let (at, end) = (seed.at, seed.at + seed.length);
            let said = long.iter().any(|run| run.start <= at && end <= run.end);
            if seed.length >= least && !said {
                long.push(at..end);
            }
            !said
        });
        seeds
    }

    /// At most `PLACES` places of the first words.
    fn rare(&self, symbols: &[u32]) -> &[u32] {
        let Some(first) = symbols.get(..SEED) else { return &[] };
        let (length, mut places) = self.suffixes.matching(first);
        if length < SEED {
            return &[];
        }
        for (depth, &symbol) in symbols.iter().enumerate().take(LONGEST_SEED).skip(SEED) {
            let narrower = self.suffixes.narrow(places, depth, symbol);
            if places.len() <= PLACES || narrower.is_empty() {
                break;
            }
            places = narrower;
        }
        &places[..places.len().min(PLACES)]
    }

    /// A shared run, made as long as it goes. The symbol between entries is no word's, so it stays within one.
    fn whole(&self, symbols: &[u32], at: usize, place: usize) -> Seed {
        let theirs = self.suffixes.text();
        let equal = |(one, other): &(&u32, &u32)| one == other;
        let before = symbols[..at].iter().rev().zip(theirs[..place].iter().rev()).take_while(equal).count();
        let after = symbols[at..].iter().zip(&theirs[place..]).take_while(equal).count();
        Seed { at: at - before, place: place - before, length: before + after }
    }

    /// The longest stretch around a seed that has few enough edits and stays in the gap.
    fn stretch(&self, symbols: &[u32], seed: Seed, gap: &Range<usize>, edits: f64) -> Stretch {
        let (at, end) = (seed.at, seed.at + seed.length);
        let (place, close) = (seed.place, seed.place + seed.length);
        let entry = self.places_around(place);
        let theirs = self.suffixes.text();
        let left = arms(
            [at - gap.start, place - entry.start],
            |i| symbols[at - 1 - i],
            |i| theirs[place - 1 - i],
            edits,
        );
        let right =
            arms([gap.end - end, entry.end - close], |i| symbols[end + i], |i| theirs[close + i], edits);
        let (left, right) = longest_pair(seed.length, &left, &right, edits);
        Stretch {
            words: at - left.words..end + right.words,
            places: place - left.places..close + right.places,
            edits: left.edits + right.edits,
        }
    }
}

impl Seed {
    /// What of it stands in a gap, if that is still a seed.
    fn clipped(self, gap: &Range<usize>) -> Option<Seed> {
        let (at, end) = (self.at.max(gap.start), (self.at + self.length).min(gap.end));
        let clipped = Seed { at, place: self.place + (at - self.at), length: end.checked_sub(at)? };
        (clipped.length >= SEED).then_some(clipped)
    }
}

/// How far a seed may be extended to one side: for each number of words at which a match ends, the fewest edits. `mine`
/// and `theirs` give the words outward, of which there are `limits`.
fn arms(
    limits: [usize; 2],
    mine: impl Fn(usize) -> u32,
    theirs: impl Fn(usize) -> u32,
    edits: f64,
) -> Vec<Arm> {
    const FAR: usize = usize::MAX / 2;
    let mut arms = vec![Arm { words: 0, places: 0, edits: 0 }];
    // row[k]: the edits between the first `words` here and the first `words + k − BAND` there.
    let mut row: [usize; 2 * BAND + 1] = std::array::from_fn(|k| k.checked_sub(BAND).unwrap_or(FAR));
    for words in 1..=limits[0] {
        let word = mine(words - 1);
        let (mut matched, mut fewest): (Option<Arm>, usize) = (None, FAR);
        for k in 0..row.len() {
            let Some(places) = (words + k).checked_sub(BAND).filter(|&places| places <= limits[1]) else {
                row[k] = FAR;
                continue;
            };
            let equal = places > 0 && theirs(places - 1) == word;
            // The row still has the last word's edits from k on, and this word's before.
            if equal && matched.is_none_or(|arm| row[k] < arm.edits) && row[k] < FAR {
                matched = Some(Arm { words, places, edits: row[k] });
            }
            let replaced = if places > 0 { row[k] + usize::from(!equal) } else { FAR };
            let put_in = row.get(k + 1).map_or(FAR, |edits| edits + 1);
            let left_out = if k > 0 { row[k - 1] + 1 } else { FAR };
            row[k] = replaced.min(put_in).min(left_out).min(FAR);
            fewest = fewest.min(row[k]);
        }
        arms.extend(matched);
        if fewest as f64 > edits * words as f64 + DROP {
            break;
        }
    }
    arms
}

/// The two arms that make the longest stretch within the edits allowed; of equals, one with the fewest edits.
fn longest_pair(seed: usize, left: &[Arm], right: &[Arm], edits: f64) -> (Arm, Arm) {
    let none = Arm { words: 0, places: 0, edits: 0 };
    let mut best = (none, none);
    let rank = |(left, right): (Arm, Arm)| (left.words + right.words, Reverse(left.edits + right.edits));
    for &left in left.iter().rev() {
        for &right in right.iter().rev() {
            let pair = (left, right);
            if rank(pair).0 < rank(best).0 {
                break;
            }
            // The least more, as 0.1 of 30 words is not exactly 3.
            let allowed = edits * (seed + left.words + right.words) as f64 + 1e-9;
            if rank(pair) > rank(best) && (left.edits + right.edits) as f64 <= allowed {
                best = pair;
            }
        }
    }
    best
}
