//! What the model writes beside what its writer wrote: whom it would be taken for, how its texts begin and end, and what in them is in no
//! entry.

use serde::Serialize;

use crate::eval::likeness::bootstrap::{Interval, wilson};
use crate::eval::likeness::delta::{Delta, Metric, Trigrams, Unit};
use crate::eval::likeness::invention::{Invention, Known, inventions};
use crate::eval::likeness::pieces::{evenly, pieces};
use crate::eval::likeness::style::{Apart, EDGE, Habit, apart, endings, openings};
use crate::eval::likeness::words::words;

/// Words of the pieces whose author is guessed.
const PIECE: usize = 200;

/// Pieces that an author is known by, at most: 200,000 words.
const KNOWN_BY: usize = 1000;

/// Beginnings and endings that are counted.
const SHOWN: usize = 8;

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
    /// Of the texts that a model wrote, by what it was trained on and what another wrote, in pieces of the same length; by the figures
    /// of style, by what was held out, or is taken for it. None where the texts make no piece.
    pub fn of(
        generated: &[&str],
        (trained, held_out): (&[&str], &[&str]),
        (name, other): (&str, &[&str]),
    ) -> Option<TakenFor> {
        let judged = pieces(generated, PIECE);
        if judged.is_empty() {
            return None;
        }
        let authors = [trained, other].map(|texts| pieces(texts, PIECE));
        let authors = authors
            .each_ref()
            .map(|cut| -> Vec<&str> { evenly(cut, KNOWN_BY).into_iter().map(String::as_str).collect() });
        let authors = authors.each_ref().map(Vec::as_slice);
        let delta = Delta::fit(&authors, Unit::Words, Metric::Cosine);
        let trigrams = Trigrams::fit(&authors);
        let share = |nearest: &dyn Fn(&str) -> Option<usize>| {
            wilson(judged.iter().filter(|piece| nearest(piece) == Some(0)).count(), judged.len())
        };
        Some(TakenFor {
            other: name.into(),
            pieces: judged.len(),
            by_words: share(&|piece| delta.nearest(piece)),
            by_letters: share(&|piece| trigrams.nearest(piece)),
            by_style: apart(generated, held_out, other),
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

/// Names, dates, numbers and quotations that stand in no entry. What a model wrote is looked up twice: in all entries, to say what in
/// it is of no day of the writer's, and in those that it was trained on alone, which is how the held-out ones are looked up. Those two
/// rates can be compared.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Invented {
    /// In a thousand words of the model's: what stands in no entry, trained on or held out.
    pub generated: f64,
    /// In a thousand words of the model's: what stands in no entry that it was trained on.
    pub unseen: f64,
    /// The same in the writer's own held-out entries: life goes on, too. None where nothing was held out.
    pub own: Option<f64>,
    /// What each of the model's texts has that stands in no entry, in its order.
    pub found: Vec<Vec<Invention>>,
}

impl Invented {
    /// Of what a model wrote, and of what was held out from it, against what it was trained on and against all.
    pub fn of(generated: &[&str], held_out: &[&str], trained: &[&str]) -> Invented {
        let all = |texts: &[&str], known: &Known| -> Vec<Vec<Invention>> {
            texts.iter().map(|text| inventions(text, known)).collect()
        };
        let rate = |found: &[Vec<Invention>], texts: &[&str]| {
            let found: usize = found.iter().map(Vec::len).sum();
            1000.0 * found as f64 / texts.iter().map(|text| words(text).count()).sum::<usize>().max(1) as f64
        };
        let seen = Known::new(trained);
        let found = all(generated, &Known::new(&[trained, held_out].concat()));
        Invented {
            generated: rate(&found, generated),
            unseen: rate(&all(generated, &seen), generated),
            own: (!held_out.is_empty()).then(|| rate(&all(held_out, &seen), held_out)),
            found,
        }
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
        let taken = TakenFor::of(text, (own, held_out), ("pepys", &p)).unwrap();
        assert!(taken.by_words.low > 0.7 && taken.by_letters.low > 0.7, "{taken:?}");
        // They differ in most figures, and what either writes is nearer to its writer in all of those.
        let of: Vec<_> = taken.by_style.iter().map(|apart| (apart.name, apart.is_nearer)).collect();
        assert!(of.len() > 10 && of.iter().all(|(_, nearer)| *nearer == Some(true)), "{:?}", taken.by_style);
        let taken = TakenFor::of(&p[..200], (own, held_out), ("pepys", &p[200..])).unwrap();
        assert!(taken.by_words.high < 0.3 && taken.by_letters.high < 0.3, "{taken:?}");
        // All but what he changes himself over a year: brackets, and how often a sentence begins with a capital.
        let nearer = taken.by_style.iter().filter(|apart| apart.is_nearer == Some(true)).count();
        assert!(taken.by_style.len() > 10 && nearer <= 2, "{:?}", taken.by_style);
        let invented = Invented::of(&p[..40], &text[..60], own);
        assert!(invented.unseen > 1.5 * invented.own.unwrap(), "{} {:?}", invented.unseen, invented.own);
    }

    /// Of what two wrote in the second half of their diaries, the shares that are taken for their writers by what they wrote in the
    /// first: Barbellion's by words and by letters, Pepys's.
    fn home(barbellion: &[&str], pepys: &[&str]) -> [f64; 4] {
        let [(b, of_b), (p, of_p)] = [barbellion, pepys].map(|all| all.split_at(all.len() / 2));
        let taken = |texts| TakenFor::of(texts, (b, &[]), ("pepys", p)).unwrap();
        let (his, pepyss) = (taken(of_b), taken(of_p));
        [his.by_words.value, his.by_letters.value, 1.0 - pepyss.by_words.value, 1.0 - pepyss.by_letters.value]
    }

    #[test]
    fn pages_go_home() {
        let (barbellion, pepys) = (barbellion(), pepys());
        if barbellion.is_empty() || pepys.is_empty() {
            return;
        }
        let home = home(&views(&barbellion), &views(&pepys[..600]));
        // Of the whole of Pepys's 98% at least; of so few a page or two is a hundredth.
        assert!(home.iter().all(|share| *share > 0.95), "{home:?}");
    }

    #[test]
    #[ignore = "a measurement: both diaries whole, 1.28 million words"]
    fn pages_go_home_as_often_as_the_book_says() {
        let (barbellion, pepys) = (barbellion(), pepys());
        let home = home(&views(&barbellion), &views(&pepys));
        assert_eq!(home.map(|share| (100.0 * share).round()), [100.0, 100.0, 98.0, 99.0], "{home:?}");
    }

    #[test]
    fn what_stands_in_a_held_out_entry_is_not_made_up() {
        let (trained, held_out) = (["We saw Ada at the weir."], ["Then came Ben with 40 sheep."]);
        let invented = Invented::of(&["We saw Ada, Ben and Carl with 40."], &held_out, &trained);
        let found: Vec<&str> = invented.found[0].iter().map(|of| &of.text[..]).collect();
        // Of eight words three are unknown to the trained entries, one to all; of the held-out six, two.
        assert_eq!(found, ["Carl"]);
        assert_eq!((invented.generated, invented.unseen), (125.0, 375.0));
        assert_eq!(invented.own, Some(1000.0 * 2.0 / 6.0));
        assert_eq!(Invented::of(&["We saw Ada."], &[], &trained).own, None);
    }
}
