//! The mood of texts, and how it goes over the years: by a lexicon and a few rules, without any model, so that a writer's own entries
//! and what a model wrote under the same days' headers are held against the same thing.
//!
//! A word of the lexicon has a valence from −3 to 3. Words directly before it strengthen or weaken it ("very", "so", "hardly"); a
//! negation within the three words before it, and in the same clause, turns it and halves it; in a clause with a "but", what stands before
//! counts three quarters, and what follows five quarters. A text's mood is the sum of its valences in a hundred of its words. It has no
//! natural zero: writers differ in their words, and diaries say "good" more often than "bad". What is to be read is how it
//! goes up and down. Irony, and feelings told by what happens alone, it does not see.

use jiff::civil::Date;
use serde::Serialize;

use crate::base::rng::Rng;
use crate::eval::likeness::bootstrap::{Interval, ROUNDS, interval};
use calendar::Part;
use tally::Tally;

mod calendar;
mod lexicon;
mod tally;
#[cfg(test)]
mod tests;

/// A part of the calendar should have so many entries; fewer say little.
const ENTRIES: usize = 5;
/// A part with fewer than these is not told of: its interval would be of nothing.
const LEAST_ENTRIES: usize = 3;
/// So large a share of the parts should have [`ENTRIES`].
const FULL: f64 = 0.8;

/// The mood of a text: the sum of its words' valences in a hundred words. Nine in ten of Barbellion's entries lie between −11 and 9, nine in
/// ten of Pepys's between −3 and 5.
///
/// `None` of fewer than 20 words, where fewer than two words are of the lexicon or fewer than one in 200, and where English's commonest
/// words are not 15% of them: that is no English.
pub fn mood(text: &str) -> Option<f64> {
    Tally::of(text).mood()
}

/// A part of the calendar, and the mood of its entries.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Span {
    /// `1912`, `1912 Q3`, `Jul 1912`, `1910–1914`.
    pub label: String,
    /// Its first day.
    pub from: Date,
    /// Its last.
    pub to: Date,
    /// Entries that count.
    pub entries: usize,
    /// Their words.
    pub words: usize,
    /// The sum of all their words' valences, in a hundred words.
    pub mood: f64,
    /// The same with its 95% interval, by the bootstrap over entries.
    pub interval: Interval,
}

/// The mood of entries over equal parts of the calendar, in order: by months, quarters, years, or runs of years, the finest of which there
/// are at most `spans` with an entry, four in five of them with five entries; where none has that, the one that comes nearest.
///
/// An entry of a language other than English does not count. Parts with fewer than three entries, or with too few words to say
/// anything ([`mood`]), are left out. Nothing comes of no entries, or of `spans` = 0.
pub fn over_time(entries: &[(Date, &str)], spans: usize) -> Vec<Span> {
    let told = tallies(entries);
    part(&told, spans).map_or(Vec::new(), |part| by_part(&told, part))
}

/// The mood of entries over time, as [`over_time`] tells it, and beside each part that of others' entries of its days, where there is enough
/// of them: of what a model wrote under the same headers, say.
pub fn beside(entries: &[(Date, &str)], others: &[(Date, &str)], spans: usize) -> Vec<(Span, Option<Span>)> {
    let told = tallies(entries);
    let Some(part) = part(&told, spans) else { return Vec::new() };
    let others = by_part(&tallies(others), part);
    let with = |span: Span| {
        let other = others.iter().find(|other| other.from == span.from).cloned();
        (span, other)
    };
    by_part(&told, part).into_iter().map(with).collect()
}

/// What each entry says that counts, by day.
fn tallies(entries: &[(Date, &str)]) -> Vec<(Date, Tally)> {
    let mut told: Vec<(Date, Tally)> = entries.iter().map(|(day, text)| (*day, Tally::of(text))).collect();
    told.retain(|(_, tally)| tally.words > 0 && tally.may_be_english());
    told.sort_by_key(|(day, _)| *day);
    told
}

fn by_part(told: &[(Date, Tally)], part: Part) -> Vec<Span> {
    let within = |a: &(Date, Tally), b: &(Date, Tally)| part.number(a.0) == part.number(b.0);
    told.chunk_by(within).filter_map(|entries| span(part, entries)).collect()
}

/// The length of parts to tell of.
fn part(told: &[(Date, Tally)], spans: usize) -> Option<Part> {
    let mut nearest: Option<(Part, f64)> = None;
    for part in Part::all() {
        let counts: Vec<usize> =
            told.chunk_by(|a, b| part.number(a.0) == part.number(b.0)).map(<[_]>::len).collect();
        if counts.is_empty() || counts.len() > spans {
            continue;
        }
        let full = counts.iter().filter(|count| **count >= ENTRIES).count() as f64 / counts.len() as f64;
        if full >= FULL {
            return Some(part);
        }
        if nearest.is_none_or(|(_, best)| full > best) {
            nearest = Some((part, full));
        }
    }
    nearest.map(|(part, _)| part)
}

/// What is told of a part's entries.
fn span(part: Part, entries: &[(Date, Tally)]) -> Option<Span> {
    let (first, _) = *entries.first()?;
    let all = entries.iter().fold(Tally::default(), |sum, (_, tally)| sum.and(*tally));
    let mood = all.mood().filter(|_| entries.len() >= LEAST_ENTRIES)?;
    let mut rng = Rng::new(0, "mood");
    let rate =
        |sample: &[usize]| sample.iter().fold(Tally::default(), |sum, &i| sum.and(entries[i].1)).rate();
    let interval = interval(entries.len(), ROUNDS, &mut || rng.next_u64(), rate);
    let (from, to) = part.around(first);
    Some(Span {
        label: part.label(first),
        from,
        to,
        entries: entries.len(),
        words: all.words,
        mood,
        interval,
    })
}
