//! How often each word occurs in a set of texts, and where first.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::eval::likeness::names::names;
use crate::eval::likeness::words::{Word, words};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Single words.
    Word,
    /// Two words with nothing but white space between them.
    Bigram,
    /// Three of them.
    Trigram,
    /// Names: words with a capital within a sentence, joined (`names`). Their odds are against all words.
    Name,
}

/// The longest example, in characters.
const EXAMPLE: usize = 90;

/// One word.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Tally {
    pub count: usize,
    /// Texts that have it.
    pub texts: usize,
    /// The text it first occurs in, and its bytes there.
    pub text: usize,
    pub range: Range<usize>,
    /// The text it last occurred in.
    last: usize,
}

/// One side.
pub(super) struct Side {
    pub words: BTreeMap<String, Tally>,
    /// How many words (or bigrams, or trigrams) there are; of names, the words.
    pub size: usize,
}

pub(super) fn tally(texts: &[&str], unit: Unit) -> Side {
    let mut side = Side { words: BTreeMap::new(), size: 0 };
    for (i, text) in texts.iter().enumerate() {
        let found: Vec<Word> = words(text).collect();
        match unit {
            Unit::Name => {
                side.size += found.len();
                for range in names(text) {
                    let keys: Vec<_> = words(&text[range.clone()]).map(|word| word.key()).collect();
                    side.add(keys.join(" "), i, range);
                }
            }
            Unit::Word => side.runs(1, text, i, &found),
            Unit::Bigram => side.runs(2, text, i, &found),
            Unit::Trigram => side.runs(3, text, i, &found),
        }
    }
    side
}

impl Side {
    fn runs(&mut self, length: usize, text: &str, number: usize, found: &[Word]) {
        let adjoin = |pair: &[Word]| {
            let gap = &text[pair[0].range().end..pair[1].at];
            gap.chars().all(char::is_whitespace) && !gap.contains("\n\n")
        };
        for run in found.windows(length).filter(|run| run.windows(2).all(adjoin)) {
            let keys: Vec<_> = run.iter().map(Word::key).collect();
            self.size += 1;
            self.add(keys.join(" "), number, run[0].at..run[length - 1].range().end);
        }
    }

    fn add(&mut self, word: String, text: usize, range: Range<usize>) {
        let fresh = Tally { count: 0, texts: 0, text, range, last: usize::MAX };
        let tally = self.words.entry(word).or_insert(fresh);
        tally.count += 1;
        tally.texts += usize::from(tally.last != text);
        tally.last = text;
    }
}

/// The surroundings of a range of a text: as many whole words, first behind it, then before it, as make up to 90
/// characters, on one line. A word that is longer itself is cut.
pub fn example(text: &str, range: Range<usize>) -> String {
    let fits = |from: usize, to: usize| text[from..to].chars().take(EXAMPLE + 1).count() <= EXAMPLE;
    let start = text[..range.start].rfind(char::is_whitespace).map_or(0, |i| after(text, i));
    let end = text[range.end..].find(char::is_whitespace).map_or(text.len(), |i| range.end + i);
    if !fits(start, end) {
        return on_one_line(&text[range].chars().take(EXAMPLE).collect::<String>());
    }
    let (mut from, mut to) = (start, end);
    // A third of the room is left for what goes before, which says more of how a word is used than its sentence's end.
    let room = |from: usize, to: usize| text[from..to].chars().take(EXAMPLE).count() < EXAMPLE * 2 / 3;
    while let Some(next) = next_end(text, to).filter(|&next| fits(from, next) && room(start, next)) {
        to = next;
    }
    while let Some(next) = previous_start(text, from).filter(|&next| fits(next, to)) {
        from = next;
    }
    while let Some(next) = next_end(text, to).filter(|&next| fits(from, next)) {
        to = next;
    }
    on_one_line(&text[from..to])
}

/// A stretch with single spaces for white space and control characters.
fn on_one_line(text: &str) -> String {
    let parts = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

/// The byte after the character at `i`.
fn after(text: &str, i: usize) -> usize {
    i + text[i..].chars().next().map_or(0, char::len_utf8)
}

/// The end of the next stretch without white space.
fn next_end(text: &str, from: usize) -> Option<usize> {
    let start = from + text[from..].find(|c: char| !c.is_whitespace())?;
    Some(text[start..].find(char::is_whitespace).map_or(text.len(), |i| start + i))
}

/// The start of the stretch without white space before this one.
fn previous_start(text: &str, from: usize) -> Option<usize> {
    let end = text[..from].trim_end().len();
    (end > 0).then(|| text[..end].rfind(char::is_whitespace).map_or(0, |i| after(text, i)))
}
