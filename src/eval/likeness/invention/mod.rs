//! What a generated text has that occurs nowhere in the diary: names, dates, numbers, quotations. Not that these are
//! wrong: they are what a reader should not take for remembered.
//!
//! Numbers in words ("fifteen miles") and names that begin a sentence are not looked at.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use crate::eval::likeness::names::names;
use crate::eval::likeness::words::words;
use dates::{Date, dates};
use found::{numbers, quotations};

mod dates;
mod found;
#[cfg(test)]
mod tests;

/// A quotation of fewer words than this may be anybody's.
const QUOTATION: usize = 4;

/// What kind of thing is invented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Words with a capital within a sentence, joined: the diary has them nowhere in this order.
    Name,
    /// A day, a month of a year: no date in the diary's text agrees with it.
    Date,
    /// Digits.
    Number,
    /// Words in quotation marks, four or more, that the diary does not have in a row.
    Quotation,
}

/// Something that occurs nowhere in the diary.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Invention {
    /// What it is.
    pub kind: Kind,
    /// As it is written.
    pub text: String,
    /// Its bytes in the generated text.
    pub range: Range<usize>,
}

/// What occurs in a diary.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// Each word's number. (Looked up only, never gone through.)
    ids: HashMap<String, u32>,
    /// The diary in numbers, a [`BREAK`] after each entry.
    text: Vec<u32>,
    /// Where each word stands in it.
    places: Vec<Vec<usize>>,
    dates: BTreeSet<Date>,
    numbers: BTreeSet<String>,
}

const BREAK: u32 = u32::MAX;

impl Known {
    /// Reads the diary's entries. 100,000 words take a few MB.
    pub fn new(entries: &[&str]) -> Known {
        let mut known = Known {
            ids: HashMap::new(),
            text: Vec::new(),
            places: Vec::new(),
            dates: BTreeSet::new(),
            numbers: BTreeSet::new(),
        };
        for entry in entries {
            known.read(entry);
        }
        known
    }

    fn read(&mut self, entry: &str) {
        for key in keys(entry) {
            let next = self.places.len() as u32;
            let id = match self.ids.get(&*key) {
                Some(id) => *id,
                None => *self.ids.entry(key.into_owned()).or_insert(next),
            };
            if id == next {
                self.places.push(Vec::new());
            }
            self.places[id as usize].push(self.text.len());
            self.text.push(id);
        }
        self.text.push(BREAK);
        let found = dates(entry);
        self.dates.extend(found.iter().flat_map(|(_, date)| date.less()));
        self.numbers.extend(numbers(entry, &[]).into_iter().map(|(_, number)| number));
    }

    /// Whether the words of a text stand in a row in some entry, whatever their capitals and the marks between them.
    pub fn has_run(&self, text: &str) -> bool {
        let Some(run) = keys(text).map(|key| self.ids.get(&*key).copied()).collect::<Option<Vec<u32>>>()
        else {
            return false;
        };
        // The rarest word has the fewest places to look at.
        let rarest = (0..run.len()).min_by_key(|&i| self.places[run[i] as usize].len());
        rarest.is_none_or(|i| {
            self.places[run[i] as usize].iter().any(|&place| {
                place.checked_sub(i).and_then(|start| self.text.get(start..start + run.len()))
                    == Some(&run[..])
            })
        })
    }
}

/// The words of a text without the possessive: `Crew’s` is Crew.
fn keys(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    words(text).map(|word| match word.key() {
        Cow::Borrowed(key) => Cow::Borrowed(key.strip_suffix("'s").unwrap_or(key)),
        Cow::Owned(key) => Cow::Owned(key.strip_suffix("'s").map(str::to_string).unwrap_or(key)),
    })
}

/// What of a generated text occurs nowhere in the diary, in the order of the text; a thing that comes twice is given twice.
pub fn inventions(generated: &str, known: &Known) -> Vec<Invention> {
    let mut inventions = Vec::new();
    let mut add = |kind, range: Range<usize>| {
        inventions.push(Invention { kind, text: generated[range.clone()].to_string(), range });
    };
    let dates = dates(generated);
    let taken: Vec<Range<usize>> = dates.iter().map(|(range, _)| range.clone()).collect();
    for (range, date) in dates {
        if !known.dates.contains(&date) {
            add(Kind::Date, range);
        }
    }
    for (range, number) in numbers(generated, &taken) {
        if !known.numbers.contains(&number) {
            add(Kind::Number, range);
        }
    }
    for range in names(generated) {
        let in_date = taken.iter().any(|date| date.start < range.end && range.start < date.end);
        let digits = generated[range.clone()].chars().any(char::is_numeric);
        if !in_date && !digits && !known.has_run(&generated[range.clone()]) {
            add(Kind::Name, range);
        }
    }
    for range in quotations(generated) {
        let text = &generated[range.clone()];
        if words(text).count() >= QUOTATION && !known.has_run(text) {
            add(Kind::Quotation, range);
        }
    }
    inventions.sort_by_key(|found| (found.range.start, found.kind));
    inventions
}
