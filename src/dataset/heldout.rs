//! Which entries are held out: drawn by the seed, the latest ones, or those that a file lists.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::base::{Error, Result};
use crate::dataset::Tokenised;
use crate::journal::{self, split::validation};

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

/// True for each entry that is held out. Entries that are much alike are held out together or not at all.
///
/// # Errors
/// A list that cannot be read, or a line of it that no entry fits.
pub fn held_out(data: &Tokenised, split: &Split, fraction: f64, seed: u64) -> Result<Vec<bool>> {
    // Units: the entries of a group, at the place of the first.
    let mut unit_of_group = HashMap::new();
    let mut lengths: Vec<usize> = Vec::new();
    let units: Vec<usize> = data
        .entries
        .iter()
        .map(|entry| {
            let unit = *unit_of_group.entry(entry.group).or_insert_with(|| {
                lengths.push(0);
                lengths.len() - 1
            });
            lengths[unit] += entry.tokens as usize;
            unit
        })
        .collect();
    let held = match split {
        Split::Random => validation(&lengths, fraction, seed),
        Split::Latest => latest(data, &units, &lengths, fraction)?,
        Split::Listed(path) => listed(data, path, &units, lengths.len())?,
    };
    Ok(units.into_iter().map(|unit| held[unit]).collect())
}

/// The last dated units up to the fraction; at least one, and not all.
fn latest(data: &Tokenised, units: &[usize], lengths: &[usize], fraction: f64) -> Result<Vec<bool>> {
    let mut held = vec![false; lengths.len()];
    if fraction <= 0.0 || lengths.len() < 2 {
        return Ok(held);
    }
    let whole: usize = lengths.iter().sum();
    let target = whole as f64 * fraction;
    // A unit stands where its first entry does; undated entries stand last and are no one's future.
    let mut first = vec![false; lengths.len()];
    let dated: Vec<usize> = (0..units.len())
        .filter(|&i| !std::mem::replace(&mut first[units[i]], true) && data.entries[i].day.is_some())
        .map(|i| units[i])
        .collect();
    if dated.is_empty() {
        return Err(Error::usage("--split latest: no entry has a date", "leave --split out, or give a FILE"));
    }
    let mut total = 0;
    for (n, &unit) in dated.iter().rev().enumerate() {
        let nearer = ((total + lengths[unit]) as f64 - target).abs() < (total as f64 - target).abs();
        if (n > 0 && !nearer) || n + 1 == lengths.len() {
            break;
        }
        held[unit] = true;
        total += lengths[unit];
    }
    Ok(held)
}

/// The units that a file's lines name.
fn listed(data: &Tokenised, path: &std::path::Path, units: &[usize], count: usize) -> Result<Vec<bool>> {
    let text = journal::read_list(path).map_err(|e| match e {
        Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => Error::usage(
            format!("--split {}: neither random nor latest, and no file", path.display()),
            "give random, latest, or a FILE that lists what to hold out",
        ),
        other => other,
    })?;
    // What a line may name: an entry by its place, those of a file, of a day, of a month, of a year.
    let mut named: HashMap<String, Vec<usize>> = HashMap::new();
    for (entry, &unit) in data.entries.iter().zip(units) {
        let source = &data.sources[entry.source as usize];
        let days = entry.day.map(|day| day.to_string()).into_iter();
        let days = days.flat_map(|day| [day.len(), 7, 4].map(|length| day[..length].to_string()));
        let names = days.chain([source.clone(), format!("{source}{}", entry.place)]);
        names.for_each(|name| named.entry(name).or_default().push(unit));
    }
    let mut held = vec![false; count];
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some(units) = named.get(line) else {
            return Err(Error::file(
                path,
                format!("line {}: no entry is {line:?}", number + 1),
                "write a day (2024-01-05), a month (2024-01), a year, or a source as `diarist corpus --list` prints it",
            ));
        };
        units.iter().for_each(|&unit| held[unit] = true);
    }
    if !held.contains(&true) {
        return Err(Error::file(path, "it lists nothing", "write a line for each entry, day, month or year"));
    }
    if held.iter().all(|held| *held) {
        return Err(Error::file(path, "it holds out every entry", "leave some to train on"));
    }
    Ok(held)
}
