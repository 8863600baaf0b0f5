//! The diary as one text of word ids, and the runs of words that another text shares with it.

use std::collections::HashMap;
use std::ops::Range;

use crate::eval::likeness::suffix::Suffixes;
use crate::eval::likeness::words::words;

/// A word that the diary does not have: no symbol of its text.
const UNKNOWN: u32 = u32::MAX;

/// The entries to look for. Words are compared by `Word::key`: marks and case do not count. After each entry stands a
/// symbol of its own, so that no run goes on into the next.
#[derive(Debug, Clone)]
pub struct Source {
    /// Only ever asked, never walked: its order reaches no result.
    ids: HashMap<Box<str>, u32>,
    entries: Vec<Entry>,
    pub(super) suffixes: Suffixes,
}

#[derive(Debug, Clone)]
struct Entry {
    name: String,
    text: String,
    /// The place of its first symbol.
    start: u32,
}

/// Words in a row of a text that stand in an entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its bytes in the text.
    pub text_bytes: Range<usize>,
    /// Its words in the text.
    pub words: usize,
    /// The entry, numbered as the source was given them: the first of those that have it.
    pub entry: usize,
    /// Its bytes in the entry's text.
    pub entry_bytes: Range<usize>,
}

/// A text in the source's symbols.
pub(super) struct Reading {
    pub symbols: Vec<u32>,
    /// Each word's bytes.
    pub bytes: Vec<Range<usize>>,
}

impl Source {
    /// Takes the entries, each a name (`1914-03-02`) and its text, which are kept. Beside them: 8 bytes a word, 12 while
    /// it is built, and the words that differ.
    pub fn new(entries: impl IntoIterator<Item = (String, String)>) -> Source {
        let (mut ids, mut symbols, mut kept) = (HashMap::<Box<str>, u32>::new(), Vec::new(), Vec::new());
        let mut fresh = 0;
        for (name, text) in entries {
            let start = symbols.len() as u32;
            for word in words(&text) {
                let key = word.key();
                let known = ids.get(&*key).copied();
                symbols.push(known.unwrap_or(fresh));
                if known.is_none() {
                    ids.insert(key.into(), fresh);
                    fresh += 1;
                }
            }
            symbols.push(fresh);
            fresh += 1;
            kept.push(Entry { name, text, start });
        }
        symbols.shrink_to_fit();
        Source { ids, entries: kept, suffixes: Suffixes::new(symbols) }
    }

    /// An entry's name and text.
    pub fn entry(&self, number: usize) -> Option<(&str, &str)> {
        self.entries.get(number).map(|entry| (entry.name.as_str(), entry.text.as_str()))
    }

    /// The runs of at least `least` words that stand word for word in one entry, in the order of the text, none
    /// overlapping another. The longest is taken first (of equals the first), then the longest of what is left before it
    /// and after it, and so on: a longer run is never cut by a shorter one.
    pub fn verbatim(&self, text: &str, least: usize) -> Vec<Run> {
        let reading = self.read(text);
        let least = least.max(1);
        let maximal = self.maximal(&reading.symbols, least);
        let whole = 0..reading.symbols.len();
        let (mut gaps, mut taken) = (vec![whole], Vec::new());
        while let Some(gap) = gaps.pop() {
            // Starts and ends both rise, so those that reach into the gap are neighbours.
            let first = maximal.partition_point(|run| run.end <= gap.start);
            let runs = maximal[first..].iter().take_while(|run| run.start < gap.end);
            let clipped = runs.map(|run| run.start.max(gap.start)..run.end.min(gap.end));
            let longest = clipped.reduce(|best, run| if run.len() > best.len() { run } else { best });
            if let Some(run) = longest.filter(|run| run.len() >= least) {
                gaps.extend([gap.start..run.start, run.end..gap.end]);
                taken.push(run);
            }
        }
        taken.sort_unstable_by_key(|run| run.start);
        taken.into_iter().map(|run| self.run(&reading, run)).collect()
    }

    /// The longest run that stands in one entry, of equals the first; None if no word does.
    pub fn longest(&self, text: &str) -> Option<Run> {
        let reading = self.read(text);
        let runs = self.maximal(&reading.symbols, 1).into_iter();
        let longest = runs.reduce(|best, run| if run.len() > best.len() { run } else { best })?;
        Some(self.run(&reading, longest))
    }

    /// A text in the source's symbols.
    pub(super) fn read(&self, text: &str) -> Reading {
        let (symbols, bytes) = words(text).map(|word| (self.symbol(&word.key()), word.range())).unzip();
        Reading { symbols, bytes }
    }

    /// A word's symbol, by its key.
    pub(super) fn symbol(&self, key: &str) -> u32 {
        self.ids.get(key).copied().unwrap_or(UNKNOWN)
    }

    /// The shared runs of at least `least` words that go on in neither direction, wherever they stand. They may overlap;
    /// both their starts and their ends rise.
    pub(super) fn maximal(&self, symbols: &[u32], least: usize) -> Vec<Range<usize>> {
        let (mut runs, mut start) = (Vec::new(), 0);
        while start < symbols.len() {
            let end = start + self.suffixes.matching(&symbols[start..]).0;
            if end - start >= least.max(1) {
                runs.push(start..end);
            }
            if end == symbols.len() {
                break;
            }
            // The next run is the longest that has the word at which this one ended.
            start = end + 1 - self.tail(&symbols[start..=end]);
        }
        runs
    }

    /// How many of the last symbols stand in the source, if all do not. By doubling and halving: a page that was copied
    /// is not read again from each of its words.
    fn tail(&self, symbols: &[u32]) -> usize {
        let stands = |length| self.stands(&symbols[symbols.len() - length..]);
        let (mut low, mut high) = (0, 1);
        while high < symbols.len() && stands(high) {
            (low, high) = (high, high * 2);
        }
        high = high.min(symbols.len());
        while high - low > 1 {
            let middle = usize::midpoint(low, high);
            if stands(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Whether the symbols stand in the source in a row.
    pub(super) fn stands(&self, symbols: &[u32]) -> bool {
        self.suffixes.matching(symbols).0 == symbols.len()
    }

    /// A run that stands in the source, with its first place there.
    fn run(&self, reading: &Reading, words: Range<usize>) -> Run {
        let (length, place) = self.suffixes.longest(&reading.symbols[words.clone()]);
        self.placed(reading, words, place..place + length)
    }

    /// Words of a text and the symbols of one entry, as bytes of both.
    pub(super) fn placed(&self, reading: &Reading, words: Range<usize>, places: Range<usize>) -> Run {
        let entry = self.entry_at(places.start);
        let text_bytes = spanned(reading.bytes[words.clone()].iter().cloned());
        let Entry { text, start, .. } = &self.entries[entry];
        let theirs = self::words(text).skip(places.start - *start as usize).take(places.len());
        let entry_bytes = spanned(theirs.map(|word| word.range()));
        Run { text_bytes, words: words.len(), entry, entry_bytes }
    }

    /// The entry that has a place.
    fn entry_at(&self, place: usize) -> usize {
        self.entries.partition_point(|entry| entry.start as usize <= place).saturating_sub(1)
    }

    /// The places of the entry that has this one, without the symbol after it.
    pub(super) fn places_around(&self, place: usize) -> Range<usize> {
        let entry = self.entry_at(place);
        let next = self.entries.get(entry + 1).map_or(self.suffixes.text().len(), |next| next.start as usize);
        self.entries[entry].start as usize..next - 1
    }
}

/// From the first of some ranges to the last.
fn spanned(mut ranges: impl Iterator<Item = Range<usize>>) -> Range<usize> {
    let first = ranges.next().unwrap_or(0..0);
    let end = ranges.last().map_or(first.end, |last| last.end);
    first.start..end
}
