//! All patterns over one text.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::{Regex, RegexSet, RegexSetBuilder};

use crate::journal::text::secrets::found::Found;
use crate::journal::text::secrets::kind::Kind;
use crate::journal::text::secrets::pattern::{self, Pattern};
use crate::journal::text::secrets::rule::Rule;

/// How large the program of all patterns may grow, and what its automaton may keep of its states, in bytes.
const SIZE: usize = 64 << 20;

/// Finds secrets in texts. One automaton over all patterns says which of them can match a text at all, in one pass; only those are
/// then run.
#[derive(Debug)]
pub struct Scanner {
    set: RegexSet,
    rules: Vec<Rule>,
}

/// A placeholder: `[phone 2]`.
static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| {
    let stems: Vec<&str> = Kind::ALL.iter().map(|kind| kind.stem()).collect();
    Regex::new(&format!(r"\[(?:{}) \d+\]", stems.join("|"))).expect("stems are words")
});

impl Scanner {
    /// The built-in patterns, and those of a person's own file, given as its text.
    ///
    /// # Errors
    /// What is wrong with that file, and with which of its patterns.
    pub fn new(extra: Option<&str>) -> Result<Scanner, String> {
        let (built_in, own) = pattern::read(extra)?;
        for pattern in &own {
            try_examples(pattern).map_err(|problem| format!("pattern {}: {problem}", pattern.id))?;
        }
        Scanner::of(&[built_in, own].concat())
    }

    /// These patterns alone.
    pub(super) fn of(patterns: &[Pattern]) -> Result<Scanner, String> {
        let rule = |pattern: &Pattern| {
            Rule::new(pattern).map_err(|problem| format!("pattern {}: {problem}", pattern.id))
        };
        let rules = patterns.iter().map(rule).collect::<Result<_, _>>()?;
        let regexes = patterns.iter().map(|pattern| &pattern.regex);
        let set = RegexSetBuilder::new(regexes).size_limit(SIZE).dfa_size_limit(SIZE).build();
        Ok(Scanner {
            set: set.map_err(|error| format!("the patterns together are too large: {error}"))?,
            rules,
        })
    }

    /// The secrets of a text, in order. Where two lie over each other, the surer stands; of equally sure ones the longer, then the one
    /// whose pattern comes first.
    pub fn scan(&self, text: &str) -> Vec<Found> {
        let mut found = Vec::new();
        for rule in self.set.matches(text).iter().filter_map(|i| self.rules.get(i)) {
            rule.find(text, &mut found);
        }
        // What we put there ourselves is no secret.
        let ours: Vec<Range<usize>> = PLACEHOLDER.find_iter(text).map(|of| of.range()).collect();
        found.retain(|f| ours.iter().all(|of| f.range.end <= of.start || of.end <= f.range.start));
        without_overlaps(found)
    }
}

/// Tries a pattern alone at its examples.
///
/// # Errors
/// One in which it finds nothing; a counterexample in which it finds something.
pub(super) fn try_examples(pattern: &Pattern) -> Result<(), String> {
    let rule = Rule::new(pattern)?;
    let finds = |text: &String| {
        let mut found = Vec::new();
        rule.find(text, &mut found);
        found.into_iter().next().map(|f| f.text)
    };
    if let Some(missed) = pattern.example.all().iter().find(|text| finds(text).is_none()) {
        return Err(format!("it finds nothing in its example “{missed}”"));
    }
    for text in pattern.counterexample.all() {
        if let Some(wrong) = finds(text) {
            return Err(format!("it finds “{wrong}” in its counterexample “{text}”"));
        }
    }
    Ok(())
}

/// Of finds that lie over each other the surest, then the longest, then the first given; in order.
pub(super) fn without_overlaps(mut found: Vec<Found>) -> Vec<Found> {
    if found.len() < 2 {
        return found;
    }
    found.sort_by_key(|f| (!f.sure, Reverse(f.range.len())));
    let mut taken: BTreeMap<usize, Found> = BTreeMap::new();
    for one in found {
        let before = taken.range(..one.range.end).next_back();
        if before.is_none_or(|(_, other)| other.range.end <= one.range.start) {
            taken.insert(one.range.start, one);
        }
    }
    taken.into_values().collect()
}
