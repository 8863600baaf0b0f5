//! One prompt a batch: some documents of one theme, and a request for pairs that are grounded in them.
//!
//! The numbers go round the themes, so that whoever stops after ten prompts has a little of everything. The batches of a theme are much of a
//! size, none above [`Plan::words_per_batch`]; a longer document is cut, and its parts stand under its name. Nothing is left out.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::base::rng::Rng;
use crate::base::{Error, Result};
use crate::eval::likeness::words::words;
use crate::eval::themes::{Theme, passages};
use kinds::Dealer;
pub use kinds::{KINDS, Kind, Mix};
pub use profile::{Author, ProfileFigures, draft_profile};
use prompt::{Parts, Shown, prompt};

mod figures;
mod kinds;
mod profile;
mod prompt;
#[cfg(test)]
mod tests;

/// A document to ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// By which pairs refer to it.
    pub name: String,
    /// The day it is of, as it is to be read.
    pub date: Option<String>,
    /// What it says.
    pub text: String,
}

/// What to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Pairs that a full batch asks for. A batch with less than half of the words asks for as many fewer.
    pub pairs_per_batch: usize,
    /// How the kinds of question are mixed.
    pub kinds: Mix,
    /// Words of sources in a batch, at most: what a model can read with attention.
    pub words_per_batch: usize,
    /// The language of the pairs, where it is not that of the sources.
    pub language: Option<String>,
}

impl Default for Plan {
    /// Twelve pairs of 3,000 words: some 6,000 tokens with the request, which a model with 8,192 can read and answer.
    fn default() -> Plan {
        Plan { pairs_per_batch: 12, kinds: Mix::default(), words_per_batch: 3_000, language: None }
    }
}

/// A prompt, and what it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The theme, by number.
    pub theme: usize,
    /// From 1, over all themes.
    pub number: usize,
    /// The documents that stand in it, by number, in their order.
    pub documents: Vec<usize>,
    /// Pairs that it asks for, of each of [`KINDS`].
    pub pairs: [usize; 4],
    /// What a model is to be told, or a person.
    pub prompt: String,
}

/// A prompt's file: `0001-navy-ships-fleet.txt`, of the folder `prompts`.
pub fn file_name(number: usize, theme: &str) -> String {
    format!("{number:04}-{}.txt", slug(theme))
}

/// A name in letters and digits with hyphens between, of forty characters at most; `theme` where none is left.
fn slug(name: &str) -> String {
    let lower = name.to_lowercase();
    let parts = lower.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
    let mut slug = String::new();
    for part in parts {
        let joined = if slug.is_empty() { part.to_string() } else { format!("{slug}-{part}") };
        if joined.chars().count() > 40 && !slug.is_empty() {
            break;
        }
        slug = joined.chars().take(40).collect();
    }
    if slug.is_empty() { "theme".into() } else { slug }
}

/// The prompts for documents and their themes, in the order of their numbers. The same input and seed give the same bytes.
///
/// # Errors
/// The plan asks for no pairs, for none of any kind, or for batches without a word.
pub fn batches(
    documents: &[Document],
    themes: &[Theme],
    author: &Author,
    plan: &Plan,
    seed: u64,
) -> Result<Vec<Batch>> {
    check(plan)?;
    let mut rng = Rng::new(seed, "batches");
    let mut dealt: Vec<std::vec::IntoIter<Vec<Unit>>> =
        themes.iter().map(|theme| deal(documents, theme, plan, &mut rng).into_iter()).collect();
    let mut dealer = Dealer::new(plan.kinds);
    let mut batches = Vec::new();
    loop {
        let before = batches.len();
        for (t, theme) in themes.iter().enumerate() {
            let Some(units) = dealt[t].next() else { continue };
            let pairs = dealer.deal(pairs_of(plan, units.iter().map(|unit| unit.words).sum()));
            let shown: Vec<Shown> = units.iter().map(|unit| unit.shown(documents)).collect();
            let parts = Parts {
                author: &author.text,
                theme: &theme.name,
                sources: &shown,
                counts: pairs,
                language: plan.language.as_deref(),
            };
            let prompt = prompt(&parts, &mut rng);
            let mut documents: Vec<usize> = units.iter().map(|unit| unit.document).collect();
            documents.dedup();
            batches.push(Batch { theme: t, number: batches.len() + 1, documents, pairs, prompt });
        }
        if batches.len() == before {
            return Ok(batches);
        }
    }
}

fn check(plan: &Plan) -> Result<()> {
    let zero =
        |what: &str, least: &str| Err(Error::usage(format!("a batch of no {what}"), least.to_string()));
    if plan.pairs_per_batch == 0 {
        return zero("pairs", "ask for at least one a batch");
    }
    if plan.words_per_batch == 0 {
        return zero("words", "give it a few thousand words of sources");
    }
    if plan.kinds.weights == [0; 4] {
        return zero("kind of question", "give at least one of the kinds a weight");
    }
    Ok(())
}

/// As many as the words bear: all from half a batch on, below that in proportion.
fn pairs_of(plan: &Plan, words: usize) -> usize {
    let share = (2.0 * words as f64 / plan.words_per_batch as f64).min(1.0);
    ((plan.pairs_per_batch as f64 * share).round() as usize).max(1)
}

/// A document or a part of one, which stays together.
struct Unit<'a> {
    document: usize,
    part: Option<(usize, usize)>,
    text: &'a str,
    words: usize,
}

impl<'a> Unit<'a> {
    fn shown(&self, documents: &'a [Document]) -> Shown<'a> {
        let document = &documents[self.document];
        Shown { name: &document.name, date: document.date.as_deref(), part: self.part, text: self.text }
    }
}

/// A theme's documents in batches: as few as hold them, filled evenly, which documents meet being drawn. Each batch is in the documents' order.
fn deal<'a>(documents: &'a [Document], theme: &Theme, plan: &Plan, rng: &mut Rng) -> Vec<Vec<Unit<'a>>> {
    let mut units: Vec<Unit> = Vec::new();
    for &document in &theme.documents {
        let Some(found) = documents.get(document) else { continue };
        let parts = passages(&found.text, plan.words_per_batch);
        let of = parts.len();
        units.extend(parts.into_iter().enumerate().map(|(i, text)| {
            let part = (of > 1).then_some((i + 1, of));
            Unit { document, part, text, words: words(text).count() }
        }));
    }
    rng.shuffle(&mut units);
    // The longest first, each into the emptiest: so the batches come out even.
    units.sort_by_key(|unit| Reverse(unit.words));
    let whole: usize = units.iter().map(|unit| unit.words).sum();
    let mut number = whole.div_ceil(plan.words_per_batch).max(1);
    let places = loop {
        match places(&units, number, plan.words_per_batch) {
            Some(places) => break places,
            // A tenth more at a time: one more each time would be slow in a theme of a million words.
            None => number += number.div_ceil(10),
        }
    };
    let mut batches: Vec<Vec<Unit>> = (0..number).map(|_| Vec::new()).collect();
    for (unit, place) in units.into_iter().zip(places) {
        batches[place].push(unit);
    }
    batches.retain(|batch| !batch.is_empty());
    for batch in &mut batches {
        batch.sort_by_key(|unit| (unit.document, unit.part));
    }
    rng.shuffle(&mut batches);
    batches
}

/// The batch of each unit, of so many, none above `most` words; `None` where they do not fit so.
fn places(units: &[Unit], number: usize, most: usize) -> Option<Vec<usize>> {
    let mut room: BinaryHeap<Reverse<(usize, usize)>> = (0..number).map(|i| Reverse((0, i))).collect();
    let place = |unit: &Unit| {
        let Reverse((held, emptiest)) = room.pop()?;
        let with = held + unit.words;
        room.push(Reverse((with, emptiest)));
        (with <= most).then_some(emptiest)
    };
    units.iter().map(place).collect()
}
