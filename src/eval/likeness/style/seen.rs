//! What a model has seen of its writer, to hold texts against: words, beginnings, endings.

use std::collections::BTreeSet;

use crate::eval::likeness::style::figures::Figure;
use crate::eval::likeness::style::habits::{EDGE, ending, endings, opening, openings};
use crate::eval::likeness::style::slips::Slips;

/// How many of the writer's beginnings, and endings, are usual ones. They are the most frequent, and each has been used twice.
const USUAL: usize = 50;

/// What the model was trained on, as texts are held against it.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    slips: Slips,
    openings: BTreeSet<String>,
    endings: BTreeSet<String>,
}

impl Seen {
    /// Reads the entries, in time and memory linear in their words.
    pub fn new(entries: &[&str]) -> Seen {
        let [openings, endings] = [openings, endings].map(|of: fn(&[&str], usize, usize) -> _| {
            let habits = of(entries, EDGE, USUAL).into_iter();
            habits.filter(|habit| habit.count > 1).map(|habit| habit.words).collect()
        });
        Seen { slips: Slips::new(entries), openings, endings }
    }

    /// Whether a text begins, and whether it ends, with two words that the writer's entries often do; none where it has no two words,
    /// or has not come to an end, and where the writer never begins or ends twice alike.
    pub(super) fn habits(&self, text: &str) -> [Figure; 2] {
        let figure = |name, usual: &BTreeSet<String>, edge: Option<String>| {
            let edge = edge.filter(|_| !usual.is_empty());
            let k = edge.as_ref().is_some_and(|edge| usual.contains(edge));
            Figure::part(name, usize::from(k), usize::from(edge.is_some()), 100.0)
        };
        [
            figure("begun as yours often are, of 100", &self.openings, opening(text, EDGE)),
            figure("ended as yours often are, of 100", &self.endings, ending(text, EDGE)),
        ]
    }

    /// Likely slips of the pen in a text.
    pub(super) fn slips(&self, text: &str) -> Figure {
        self.slips.figure(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_usual_where_it_was_used_twice() {
        let seen =
            Seen::new(&["Up early. So to bed.", "Up early! Then to bed", "Rose late; and to bed.", "Rose."]);
        let of = |text| seen.habits(text).map(|figure| figure.value);
        assert_eq!(of("Up, early in the day. We went to bed."), [Some(100.0), Some(100.0)]);
        assert_eq!(of("Rose late, and to church."), [Some(0.0), Some(0.0)]);
        // Cut before its end, it has no ending; a word is no beginning.
        assert_eq!(of("Up early and to"), [Some(100.0), None]);
        assert_eq!(of("Up."), [None, None]);
        assert_eq!(
            Seen::new(&["Never twice."]).habits("Never twice.").map(|figure| figure.value),
            [None, None]
        );
    }
}
