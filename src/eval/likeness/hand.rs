//! What the model writes beside what its writer wrote: whom it would be taken for, how its texts begin and end, and what in them is in no
//! entry.

use serde::Serialize;

use crate::eval::likeness::bootstrap::{Interval, wilson};
use crate::eval::likeness::delta::{Delta, Metric, Trigrams};
use crate::eval::likeness::invention::{Invention, Known, inventions};
use crate::eval::likeness::pieces::pieces;
use crate::eval::likeness::style::{Apart, Habit, Slips, apart, endings, openings};
use crate::eval::likeness::words::words;

/// Words of the pieces whose author is guessed.
const PIECE: usize = 200;

/// Beginnings and endings that are counted.
const SHOWN: usize = 8;

/// Words of an opening, and of an ending.
const EDGE: usize = 2;

/// Whom pieces of what the model wrote would be taken for, by what each of two wrote themselves.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TakenFor {
    /// The other.
    pub other: String,
    /// Pieces of about 200 words.
    pub pieces: usize,
    /// The share of them that is nearer to the writer, by the frequencies of 150 words (Cosine Delta).
    pub by_words: Interval,
    /// And by sequences of three letters.
    pub by_letters: Interval,
    /// The figures of style in which the two differ, and whom it is nearer to in each.
    pub by_style: Vec<Apart>,
}

impl TakenFor {
    /// Of the texts that a model wrote, by what it was trained on and what another wrote; by the figures of style, by what was held out,
    /// or is taken for it. None where the texts make no piece.
    pub fn of(
        generated: &[&str],
        trained: &[&str],
        (held_out, seen): (&[&str], Option<&Slips>),
        (name, other): (&str, &[&str]),
    ) -> Option<TakenFor> {
        let pieces = pieces(generated, PIECE);
        if pieces.is_empty() {
            return None;
        }
        let authors = [trained, other];
        let (delta, trigrams) = (Delta::fit(&authors, Metric::Cosine), Trigrams::fit(&authors));
        let share = |nearest: &dyn Fn(&str) -> Option<usize>| {
            wilson(pieces.iter().filter(|piece| nearest(piece) == Some(0)).count(), pieces.len())
        };
        Some(TakenFor {
            other: name.into(),
            pieces: pieces.len(),
            by_words: share(&|piece| delta.nearest(piece)),
            by_letters: share(&|piece| trigrams.nearest(piece)),
            by_style: apart(generated, held_out, other, seen),
        })
    }
}

/// How texts begin and end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Habits {
    /// The first two words of the model's, the most frequent first, each with how many of its texts have them.
    pub openings: Vec<Habit>,
    /// The writer's.
    pub own_openings: Vec<Habit>,
    /// The last two words of the model's.
    pub endings: Vec<Habit>,
    /// The writer's.
    pub own_endings: Vec<Habit>,
}

impl Habits {
    /// Of what a model wrote, and of its writer's own.
    pub fn of(generated: &[&str], own: &[&str]) -> Habits {
        let often = |mut habits: Vec<Habit>| {
            habits.retain(|habit| habit.count > 1);
            habits
        };
        Habits {
            openings: often(openings(generated, EDGE, SHOWN)),
            own_openings: often(openings(own, EDGE, SHOWN)),
            endings: often(endings(generated, EDGE, SHOWN)),
            own_endings: often(endings(own, EDGE, SHOWN)),
        }
    }
}

/// Names, dates, numbers and quotations that are in no entry that the model was trained on.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Invented {
    /// In a thousand words of the model's.
    pub generated: f64,
    /// In a thousand words of the writer's own that were held out: life goes on, too.
    pub own: f64,
    /// What each of the model's texts has of them, in its order.
    pub found: Vec<Vec<Invention>>,
}

impl Invented {
    /// Of what a model wrote, and of what was held out from it, against what it was trained on.
    pub fn of(generated: &[&str], held_out: &[&str], trained: &[&str]) -> Invented {
        let known = Known::new(trained);
        let all = |texts: &[&str]| -> Vec<Vec<Invention>> {
            texts.iter().map(|text| inventions(text, &known)).collect()
        };
        let rate = |found: &[Vec<Invention>], texts: &[&str]| {
            let found: usize = found.iter().map(Vec::len).sum();
            1000.0 * found as f64 / texts.iter().map(|text| words(text).count()).sum::<usize>().max(1) as f64
        };
        let found = all(generated);
        Invented { generated: rate(&found, generated), own: rate(&all(held_out), held_out), found }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::likeness::testing::{barbellion, pepys, views};

    #[test]
    fn a_text_is_taken_for_its_writers() {
        let (barbellion, pepys) = (barbellion(), pepys());
        if barbellion.is_empty() || pepys.is_empty() {
            return;
        }
        let (b, p) = (views(&barbellion), views(&pepys[..400]));
        let (own, text) = b.split_at(b.len() / 2);
        let (held_out, text) = text.split_at(text.len() / 2);
        let taken = TakenFor::of(text, own, (held_out, None), ("pepys", &p)).unwrap();
        assert!(taken.by_words.low > 0.7 && taken.by_letters.low > 0.7, "{taken:?}");
        // They differ in most figures, and what either writes is nearer to its writer in all of those.
        let of: Vec<_> = taken.by_style.iter().map(|apart| (apart.name, apart.is_nearer)).collect();
        assert!(of.len() > 10 && of.iter().all(|(_, nearer)| *nearer), "{:?}", taken.by_style);
        let taken = TakenFor::of(&p[..200], own, (held_out, None), ("pepys", &p[200..])).unwrap();
        assert!(taken.by_words.high < 0.3 && taken.by_letters.high < 0.3, "{taken:?}");
        // All but what he changes himself over a year: brackets, and how often a sentence begins with a capital.
        let nearer = taken.by_style.iter().filter(|apart| apart.is_nearer).count();
        assert!(taken.by_style.len() > 10 && nearer <= 2, "{:?}", taken.by_style);
        let invented = Invented::of(&p[..40], &text[..60], own);
        assert!(invented.generated > 1.5 * invented.own, "{} {}", invented.generated, invented.own);
    }
}
