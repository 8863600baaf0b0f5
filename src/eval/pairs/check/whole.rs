//! A set of pairs as a whole: its kinds, themes and lengths, and which documents it is of.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::base::units::counted;
use crate::dataset::pairs::Pair;
use crate::dataset::pairs::pair::KINDS;
use crate::eval::likeness::words::words;
use crate::eval::pairs::check::limits::Limits;

/// The set as a whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Whole {
    /// Pairs of each kind; "" is none.
    pub kinds: BTreeMap<String, usize>,
    /// Pairs of each theme; "" is none.
    pub themes: BTreeMap<String, usize>,
    /// Which documents are used.
    pub coverage: Coverage,
    /// How long the answers are.
    pub lengths: Lengths,
    /// What is to be looked at.
    pub remarks: Vec<Remark>,
}

/// Which documents some pair rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coverage {
    /// All of them.
    pub documents: usize,
    /// Those that are used.
    pub used: usize,
    /// Their share, 0 to 1; none where there are no documents.
    pub share: Option<f64>,
    /// The names of the others.
    pub unused: Vec<String>,
}

/// Words of the answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Lengths {
    /// A tenth are shorter.
    pub tenth: usize,
    /// Half are shorter.
    pub median: usize,
    /// A tenth are longer.
    pub ninetieth: usize,
}

/// Something to look at in the set.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Remark {
    /// No pair says of what kind it is.
    NoKinds,
    /// A kind is nearly missing.
    FewOfKind {
        /// The kind.
        kind: String,
        /// Pairs of it.
        count: usize,
        /// Of how many.
        of: usize,
    },
    /// Documents that no pair rests on.
    Unused {
        /// How many.
        count: usize,
        /// Of how many.
        of: usize,
    },
}

impl Remark {
    /// As a sentence.
    pub fn sentence(&self) -> String {
        match self {
            Remark::NoKinds => {
                let kinds = KINDS.join(", ");
                format!("No pair says of what kind it is ({kinds}): is the mix as you want it?")
            }
            Remark::FewOfKind { kind, count, of } => {
                format!(
                    "Of {} {count} {} {kind}: do you want more of them?",
                    counted(*of as u64, "pair", "pairs"),
                    are(*count)
                )
            }
            Remark::Unused { count, of } => {
                format!(
                    "{count} of {} {} used by no pair.",
                    counted(*of as u64, "document", "documents"),
                    are(*count)
                )
            }
        }
    }
}

fn are(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

impl Whole {
    /// Of some pairs; `used` tells of each document whether some pair rests on it.
    pub fn of(pairs: &[Pair], documents: &[(String, String)], used: &[bool], limits: &Limits) -> Whole {
        let count = |of: fn(&Pair) -> Option<&String>| {
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            for pair in pairs {
                *counts.entry(of(pair).cloned().unwrap_or_default()).or_default() += 1;
            }
            counts
        };
        let (kinds, themes) = (count(|pair| pair.kind.as_ref()), count(|pair| pair.theme.as_ref()));
        let unused: Vec<String> = documents
            .iter()
            .zip(used)
            .filter(|(_, used)| !**used)
            .map(|((name, _), _)| name.clone())
            .collect();
        let of = documents.len();
        let coverage = Coverage {
            documents: of,
            used: of - unused.len(),
            share: (of > 0).then(|| (of - unused.len()) as f64 / of as f64),
            unused,
        };
        let mut remarks = few(&kinds, pairs.len(), limits.kind);
        if !coverage.unused.is_empty() {
            remarks.push(Remark::Unused { count: coverage.unused.len(), of });
        }
        Whole { kinds, themes, coverage, lengths: lengths(pairs), remarks }
    }
}

fn few(kinds: &BTreeMap<String, usize>, of: usize, least: f64) -> Vec<Remark> {
    if kinds.keys().all(String::is_empty) {
        return if of == 0 { Vec::new() } else { vec![Remark::NoKinds] };
    }
    let counts = KINDS.iter().map(|kind| (kind, kinds.get(*kind).copied().unwrap_or_default()));
    counts
        .filter(|(_, count)| (*count as f64) < least * of as f64)
        .map(|(kind, count)| Remark::FewOfKind { kind: (*kind).to_string(), count, of })
        .collect()
}

/// The percentiles by the nearest rank.
fn lengths(pairs: &[Pair]) -> Lengths {
    let mut lengths: Vec<usize> = pairs.iter().map(|pair| words(&pair.response).count()).collect();
    lengths.sort_unstable();
    let at = |share: f64| {
        let rank = (share * lengths.len() as f64).ceil() as usize;
        lengths.get(rank.max(1) - 1).copied().unwrap_or_default()
    };
    Lengths { tenth: at(0.1), median: at(0.5), ninetieth: at(0.9) }
}
