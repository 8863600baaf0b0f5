//! A corpus at a glance: years, gaps, the longest and the shortest entries, languages.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use super::store::Corpus;
use crate::base::Result;
use crate::base::units::shown;

/// Spans without an entry are gaps from this many days on.
const GAP_DAYS: i32 = 30;
/// So many gaps, longest and shortest entries are shown.
const SHOWN: usize = 5;
/// Languages are told from so many entries, evenly spread.
const SAMPLED: usize = 2000;
/// An entry with fewer words than this says too little about its language.
const FEWEST_WORDS: u32 = 8;

/// A year, or all that has no date.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Year {
    /// Entries.
    pub entries: usize,
    /// Words.
    pub words: u64,
    /// Tokens, where they were counted.
    pub tokens: u64,
}

/// A span of days without an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The entry before it.
    pub from: Date,
    /// The entry after it.
    pub to: Date,
    /// Days from one to the other.
    pub days: i32,
}

/// An entry that is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Named {
    /// Its number, from 1, as `--list` and `--show` have it.
    pub number: usize,
    /// Its day.
    pub date: Option<Date>,
    /// Its words.
    pub words: u32,
    /// Where it stands.
    pub source: String,
}

/// A corpus at a glance.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Overview {
    /// By year; `None` for what has no date.
    pub years: BTreeMap<i16, Year>,
    /// What has no date.
    pub undated: Year,
    /// The longest spans without an entry, the longest first.
    pub gaps: Vec<Gap>,
    /// The entries with the most words.
    pub longest: Vec<Named>,
    /// The entries with the fewest.
    pub shortest: Vec<Named>,
    /// Languages by their English names, with their share of the sampled entries that show one.
    pub languages: Vec<(String, f32)>,
}

/// Looks a corpus over. `tokens(i)` are entry `i`'s.
///
/// # Errors
/// The disk, where the spool lies in a file.
pub fn overview(corpus: &mut Corpus, tokens: &dyn Fn(usize) -> u64) -> Result<Overview> {
    let mut overview = Overview::default();
    let mut before: Option<Date> = None;
    for i in 0..corpus.len() {
        let day = corpus.day(i);
        let year = day.map_or(&mut overview.undated, |day| overview.years.entry(day.year()).or_default());
        year.entries += 1;
        year.words += u64::from(corpus.words(i));
        year.tokens += tokens(i);
        if let (Some(from), Some(to)) = (before, day) {
            let days = (to - from).get_days();
            if days >= GAP_DAYS {
                overview.gaps.push(Gap { from, to, days });
            }
        }
        before = day.or(before);
    }
    overview.gaps.sort_by_key(|gap| std::cmp::Reverse(gap.days));
    overview.gaps.truncate(SHOWN);

    let mut by_words: Vec<usize> = (0..corpus.len()).collect();
    by_words.sort_by_key(|&i| corpus.words(i));
    let named = |i: &usize| Named {
        number: i + 1,
        date: corpus.day(*i),
        words: corpus.words(*i),
        source: format!("{}{}", shown(corpus.origin(*i).0), corpus.place(*i)),
    };
    overview.longest = by_words.iter().rev().take(SHOWN).map(named).collect();
    overview.shortest = by_words.iter().take(SHOWN).map(named).collect();
    overview.languages = languages(corpus)?;
    Ok(overview)
}

fn languages(corpus: &mut Corpus) -> Result<Vec<(String, f32)>> {
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    for i in (0..corpus.len()).step_by(corpus.len().div_ceil(SAMPLED).max(1)) {
        if corpus.words(i) < FEWEST_WORDS {
            continue;
        }
        let text: String = corpus.entry(i)?.text.chars().take(600).collect();
        if let Some(found) = whatlang::detect(&text).filter(|found| found.is_reliable()) {
            *counts.entry(found.lang().eng_name()).or_default() += 1;
        }
    }
    let all: usize = counts.values().sum();
    let mut shares: Vec<(String, f32)> =
        counts.into_iter().map(|(name, n)| (name.to_string(), n as f32 / all as f32)).collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Ok(shares)
}
