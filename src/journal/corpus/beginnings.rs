//! Long posts that X keeps twice: whole, and among the others cut off with `…`.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;

use super::store::Corpus;
use crate::base::Result;
use crate::journal::entry::Entry;
use crate::journal::format::Format;
use crate::journal::formats::x_archive::XArchive;

/// As the report names them.
pub const WHAT: &str = "beginnings of long posts";

/// X cuts at some 275 characters; with fewer, `…` is the writer's own.
const LEAST: usize = 200;

/// Posts that begin with the same characters, so many, are looked at closely; of one day not more than so many.
const SAME: usize = 60;
const MOST_ALIKE: usize = 8;

/// The posts that were cut off, each with one of its day that goes on where it ends, by number.
///
/// # Errors
/// The disk.
pub fn find(corpus: &mut Corpus) -> Result<BTreeMap<usize, usize>> {
    let mut cut: HashMap<(Date, String), Vec<(usize, String)>> = HashMap::new();
    each_post(corpus, |i, day, entry| {
        if let Some(begun) = begun(&entry.text) {
            let alike = cut.entry((day, start(begun))).or_default();
            if alike.len() < MOST_ALIKE {
                alike.push((i, begun.to_string()));
            }
        }
    })?;
    let mut found = BTreeMap::new();
    if !cut.is_empty() {
        each_post(corpus, |i, day, entry| {
            let alike = cut.get(&(day, start(&entry.text))).into_iter().flatten();
            let begins = |(_, begun): &&(usize, String)| {
                let rest = entry.text.strip_prefix(begun.as_str());
                rest.is_some_and(|rest| !rest.trim().is_empty() && rest.trim() != "…")
            };
            found.extend(alike.filter(begins).map(|(begun, _)| (*begun, i)));
        })?;
    }
    Ok(found)
}

fn each_post(corpus: &mut Corpus, mut take: impl FnMut(usize, Date, &Entry)) -> Result<()> {
    for i in 0..corpus.len() {
        if let (true, Some(day)) = (corpus.origin(i).1 == XArchive.name(), corpus.day(i)) {
            take(i, day, &corpus.entry(i)?);
        }
    }
    Ok(())
}

/// What stands before the sign that a text was cut off.
fn begun(text: &str) -> Option<&str> {
    let begun = text.strip_suffix('…')?.trim_end();
    (begun.chars().count() >= LEAST).then_some(begun)
}

fn start(text: &str) -> String {
    text.chars().take(SAME).collect()
}
