//! Which entries are held out: drawn by the seed, the latest ones, or those that a file lists.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::base::{Error, Result};
use crate::dataset::Tokenised;
use crate::dataset::divide::{Division, Place, divide};
use crate::dataset::listed::{List, Names};
use crate::journal::split::validation;
use crate::tokens::Tokenizer;

/// How the entries that are held out are chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Split {
    /// Drawn by the seed.
    #[default]
    Random,
    /// The newest: what a model that is trained on the past makes of the future.
    Latest,
    /// Those that a file lists: a line a day, a month, a year, or a source as `corpus --list` prints it.
    Listed(PathBuf),
}

impl Split {
    /// As it is typed.
    pub fn parse(typed: &str) -> Split {
        match typed {
            "random" => Split::Random,
            "latest" => Split::Latest,
            file => Split::Listed(file.into()),
        }
    }
}

/// What of an entry is held out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// Nothing.
    Not,
    /// All of it.
    Whole,
    /// A stretch of its text.
    Stretch(Division),
}

/// What is held out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldOut {
    /// Of each entry.
    pub entries: Vec<Held>,
    /// Why it is nothing, where it is and was not asked to be.
    pub nothing: Option<&'static str>,
}

/// More than so many times the share that was asked for is not held out for want of smaller entries: it would be missed in
/// training.
const MOST: f64 = 3.0;

/// Entries that are much alike, which are held out together or not at all.
struct Unit {
    /// By number; the first stands for all.
    entries: Vec<usize>,
    tokens: usize,
}

/// Chooses what is held out, of the entries that `among` picks. Entries that are much alike are held out together or not at all; a single one that is larger
/// than the share is divided at its paragraphs, and gives its own share.
///
/// # Errors
/// A list that cannot be read, or a line of it that no entry fits; tokens that cannot be read again.
pub fn held_out(
    data: &Tokenised,
    tokenizer: &Tokenizer,
    split: &Split,
    fraction: f64,
    seed: u64,
    among: impl Fn(usize) -> bool,
) -> Result<HeldOut> {
    let units = units(data, among);
    let mut held = HeldOut { entries: vec![Held::Not; data.entries.len()], nothing: None };
    if let Split::Listed(path) = split {
        for entry in listed(data, path, &units)?.into_iter().flat_map(|unit| &units[unit].entries) {
            held.entries[*entry] = Held::Whole;
        }
        return Ok(held);
    }
    if fraction.is_nan() || fraction <= 0.0 {
        return Ok(held);
    }
    let share = units.iter().map(|unit| unit.tokens as f64).sum::<f64>() * fraction;
    let divided = |unit: &Unit, wanted: f64, place: Place| -> Result<Option<Division>> {
        let [entry] = unit.entries[..] else { return Ok(None) };
        let text = data.entry(entry)?.split_off(data.entries[entry].header as usize);
        Ok(divide(&text, tokenizer, wanted, place))
    };
    match split {
        Split::Latest => {
            // A unit stands where its first entry does; undated entries stand last and are no one's future.
            let dated: Vec<&Unit> =
                units.iter().filter(|unit| data.entries[unit.entries[0]].day.is_some()).collect();
            if dated.is_empty() && !units.is_empty() {
                let next = "leave --split out, or give a FILE";
                return Err(Error::usage("--split latest: no entry has a date", next));
            }
            let mut total = 0.0;
            for unit in dated.into_iter().rev() {
                let (wanted, tokens) = (share - total, unit.tokens as f64);
                if tokens > share
                    && let Some(division) = divided(unit, wanted, Place::End)?
                {
                    held.entries[unit.entries[0]] = Held::Stretch(division);
                    break;
                }
                if (tokens - wanted).abs() >= wanted && (total > 0.0 || tokens > MOST * share) {
                    break;
                }
                unit.entries.iter().for_each(|entry| held.entries[*entry] = Held::Whole);
                total += tokens;
                if total >= share {
                    break;
                }
            }
        }
        _ => {
            let mut rest = Vec::new();
            for (n, unit) in units.iter().enumerate() {
                let place = Place::Drawn(seed.wrapping_add(n as u64));
                match unit.tokens as f64 > share {
                    true if let Some(division) = divided(unit, fraction * unit.tokens as f64, place)? => {
                        held.entries[unit.entries[0]] = Held::Stretch(division);
                    }
                    _ => rest.push(unit),
                }
            }
            let lengths: Vec<usize> = rest.iter().map(|unit| unit.tokens).collect();
            let chosen = validation(&lengths, fraction, seed);
            let total: usize =
                lengths.iter().zip(&chosen).filter(|(_, chosen)| **chosen).map(|(n, _)| n).sum();
            if total as f64 <= MOST * share {
                let chosen = rest.iter().zip(&chosen).filter(|(_, chosen)| **chosen);
                for entry in chosen.flat_map(|(unit, _)| &unit.entries) {
                    held.entries[*entry] = Held::Whole;
                }
            }
        }
    }
    if held.entries.iter().all(|held| *held == Held::Not) {
        held.nothing = Some(match units.len() {
            1 if units[0].entries.len() > 1 => "all entries are much alike, and would be held out together",
            1 => "there is one entry, of too few paragraphs to divide it at one",
            _ => "each entry is far larger than that share, and has too few paragraphs to divide it at one",
        });
    }
    Ok(held)
}

/// The units among some entries, in the order of their first ones.
fn units(data: &Tokenised, among: impl Fn(usize) -> bool) -> Vec<Unit> {
    let (mut unit_of_group, mut units) = (HashMap::new(), Vec::<Unit>::new());
    for (n, entry) in data.entries.iter().enumerate().filter(|(n, _)| among(*n)) {
        let unit = *unit_of_group.entry(entry.group).or_insert_with(|| {
            units.push(Unit { entries: Vec::new(), tokens: 0 });
            units.len() - 1
        });
        units[unit].entries.push(n);
        units[unit].tokens += entry.tokens as usize;
    }
    units
}

/// The units that a file's lines name.
fn listed(data: &Tokenised, path: &std::path::Path, units: &[Unit]) -> Result<Vec<usize>> {
    let lines = List::read(path).map_err(|e| match e {
        Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => Error::usage(
            format!("--split {}: neither random nor latest, and no file", path.display()),
            "give random, latest, or a FILE that lists what to hold out",
        ),
        other => other,
    })?;
    let numbered =
        units.iter().enumerate().flat_map(|(unit, of)| of.entries.iter().map(move |entry| (unit, *entry)));
    let mut names = Names::default();
    for (unit, entry) in numbered {
        names.add_entry(data, entry, unit);
    }
    let held = lines.find(&names)?;
    if held.len() == units.len() {
        return Err(Error::file(path, "it holds out every entry", "leave some to train on"));
    }
    Ok(held)
}
