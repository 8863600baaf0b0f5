//! Which of the entries that were read an earlier run does not know yet.

use std::collections::HashSet;

use jiff::civil::Date;

use crate::dataset::index::{Line, Side};
use crate::dataset::tokenised::{Item, Tokenised};

/// What an entry is to a run that continues another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum New {
    /// The other one knows it.
    No,
    /// New, and held out: it is, or may be, another wording of what was held out before.
    Held,
    /// New.
    Free,
}

/// Holds what was read against an index. With `whole`, all that the index knows was to be read again: then a new entry of a day
/// from which a held-out one is gone is taken for what became of that.
pub fn of(data: &Tokenised, index: &[Line], whole: bool) -> Vec<New> {
    let known: HashSet<u64> = index.iter().map(|line| line.hash).collect();
    let held_out = || index.iter().filter(|line| line.side == Side::Val);
    let held: HashSet<u64> = held_out().map(|line| line.hash).collect();
    let here: HashSet<u64> = data.entries.iter().map(|entry| entry.hash).collect();
    let gone = held_out().filter(|line| whole && !here.contains(&line.hash));
    let changed: HashSet<Date> = gone.filter_map(|line| line.date).collect();
    let alike: HashSet<u32> =
        data.entries.iter().filter(|entry| held.contains(&entry.hash)).map(|entry| entry.group).collect();
    let of = |entry: &Item| {
        if known.contains(&entry.hash) {
            New::No
        } else if alike.contains(&entry.group) || entry.day.is_some_and(|day| changed.contains(&day)) {
            New::Held
        } else {
            New::Free
        }
    };
    data.entries.iter().map(of).collect()
}
