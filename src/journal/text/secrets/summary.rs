//! How many secrets of each kind there are, and where, without showing them.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use crate::journal::text::secrets::found::{Found, masked};
use crate::journal::text::secrets::kind::Kind;

/// Counts of secrets by kind, with some of their places.
#[derive(Debug, Clone)]
pub struct Summary {
    most_places: usize,
    kinds: BTreeMap<Kind, OfKind>,
    seen: HashSet<(Kind, String)>,
}

/// What was found of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OfKind {
    /// How often one was found.
    pub count: usize,
    /// How many different ones.
    pub distinct: usize,
    /// How many of the finds are sure.
    pub sure: usize,
    /// The first places, each of a secret that none before it shows.
    pub places: Vec<Place>,
}

/// Where a secret stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Place {
    /// The entry's name.
    pub entry: String,
    /// The line in the entry, from 1.
    pub line: usize,
    /// What of the secret may be shown.
    pub masked: String,
    /// Whether it is sure.
    pub sure: bool,
}

impl Summary {
    /// Nothing counted; up to `places` places a kind are to be named.
    pub fn new(places: usize) -> Summary {
        Summary { most_places: places, kinds: BTreeMap::new(), seen: HashSet::new() }
    }

    /// Counts what was found in an entry, given in order.
    pub fn add(&mut self, entry_name: &str, text: &str, found: &[Found]) {
        let (mut line, mut at) = (1, 0);
        for f in found {
            line += text.get(at..f.range.start).unwrap_or_default().bytes().filter(|b| *b == b'\n').count();
            at = at.max(f.range.start);
            let of_kind = self.kinds.entry(f.kind).or_default();
            of_kind.count += 1;
            of_kind.sure += usize::from(f.sure);
            if self.seen.insert((f.kind, f.key())) {
                of_kind.distinct += 1;
                if of_kind.places.len() < self.most_places {
                    let entry = entry_name.to_string();
                    of_kind.places.push(Place { entry, line, masked: masked(&f.text), sure: f.sure });
                }
            }
        }
    }

    /// What was found, by kind, in the order of [`Kind::ALL`].
    pub fn kinds(&self) -> impl Iterator<Item = (Kind, &OfKind)> {
        self.kinds.iter().map(|(kind, of_kind)| (*kind, of_kind))
    }

    /// What was found of one kind, if anything.
    pub fn of(&self, kind: Kind) -> Option<&OfKind> {
        self.kinds.get(&kind)
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }
}

impl fmt::Display for Summary {
    /// A line a kind, then a line a place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, of_kind) in self.kinds() {
            let OfKind { count, distinct, sure, places } = of_kind;
            let name = if *count == 1 { kind.name() } else { kind.plural() };
            write!(f, "{count} {name}")?;
            if distinct != count {
                write!(f, ", {distinct} different")?;
            }
            match count - sure {
                0 => writeln!(f)?,
                unsure if unsure == *count => writeln!(f, ", not sure")?,
                unsure => writeln!(f, ", {unsure} of them not sure")?,
            }
            for Place { entry, line, masked, .. } in places {
                writeln!(f, "  {entry}, line {line}: {masked}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_counts_and_shows_no_secret() {
        let text = "a\nb hunter2\nc hunter2 d";
        let at = |start: usize, sure| Found {
            kind: Kind::Password,
            range: start..start + 7,
            text: "hunter2".into(),
            sure,
        };
        let mut summary = Summary::new(3);
        summary.add("2020-05-05", text, &[at(4, true), at(14, false)]);
        let of_kind = summary.of(Kind::Password).unwrap();
        assert_eq!((of_kind.count, of_kind.distinct, of_kind.sure), (2, 1, 1));
        let said = summary.to_string();
        assert_eq!(said, "2 passwords, 1 different, 1 of them not sure\n  2020-05-05, line 2: h•••••2\n");
        assert!(summary.of(Kind::Key).is_none() && !summary.is_empty());
    }
}
