//! What can be counted of an author, for the draft of a profile.

use jiff::civil::Date;

use crate::eval::likeness::keyness::{Key, PRIOR, Unit, keyness};
use crate::eval::likeness::report::Set;
use crate::eval::likeness::style::{figures, openings};
use crate::eval::likeness::words::words;
use crate::eval::pairs::batch::profile::ProfileFigures;

/// Words, and turns, that are named.
const NAMED: [usize; 2] = [12, 6];
/// An opening stands in as many entries, at least.
const AGAIN: usize = 3;
/// A mark is a habit where it stands so often in a thousand words.
const HABITS: [(&str, f64, &str); 5] = [
    ("dashes in 1,000 words", 6.0, "many dashes"),
    ("semicolons in 1,000 words", 4.0, "many semicolons"),
    ("exclamation marks in 1,000 words", 4.0, "many exclamation marks"),
    ("question marks in 1,000 words", 5.0, "questions put to oneself"),
    ("ellipses in 1,000 words", 2.0, "sentences that trail off in dots"),
];

impl ProfileFigures {
    /// Of entries, each with its day; what makes them the author's own is told by the public-domain text that ships with diarist.
    pub fn of(entries: &[(Option<Date>, &str)]) -> ProfileFigures {
        let texts: Vec<&str> = entries.iter().map(|(_, text)| *text).collect();
        let whole = texts.join("\n\n");
        let figures = figures(&whole);
        let figure = |name: &str| figures.iter().find(|f| f.name == name).and_then(|f| f.value);
        let days = || entries.iter().filter_map(|(day, _)| *day);
        let general = Set::general();
        let others: Vec<&str> = general.texts.iter().map(|(_, text)| &text[..]).collect();
        let own = |unit: Unit, most: usize| -> Vec<String> {
            let keys = keyness(&texts, &others, unit, PRIOR);
            keys.into_iter().filter(|key: &Key| key.z > 2.0).take(most).map(|key| key.word).collect()
        };
        let often = openings(&texts, 2, NAMED[1]).into_iter().filter(|habit| habit.count >= AGAIN);
        ProfileFigures {
            words: words(&whole).count() as u64,
            entries: entries.len() as u64,
            from: days().min().map(|day| day.to_string()),
            to: days().max().map(|day| day.to_string()),
            sentence_length: figure("words a sentence"),
            openings: often.map(|habit| habit.words).collect(),
            tics: own(Unit::Trigram, NAMED[1]),
            punctuation: HABITS
                .iter()
                .filter(|(name, least, _)| figure(name).is_some_and(|rate| rate >= *least))
                .map(|(_, _, told)| (*told).to_string())
                .collect(),
            richness: figure("different words in 100 (MATTR)").map(|share| 100.0 * share),
            typical_words: own(Unit::Word, NAMED[0]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_counts_what_is_there() {
        let entry = "Up betimes, and to the office — where we sat all the morning; and so home. Up again! "
            .repeat(20);
        let entries: Vec<(Option<Date>, &str)> =
            (1..=20).map(|day| (Date::new(1660, 3, day).ok(), &entry[..])).collect();
        let of = ProfileFigures::of(&entries);
        assert_eq!((of.entries, of.words, of.from.as_deref()), (20, 20 * 20 * 17, Some("1660-03-01")));
        assert_eq!(of.openings, ["up betimes"]);
        assert!(of.punctuation.contains(&"many dashes".to_string()), "{:?}", of.punctuation);
        assert!(of.typical_words.iter().any(|word| word == "betimes"), "{:?}", of.typical_words);
        let none = ProfileFigures::of(&[]);
        assert_eq!((none.words, none.from), (0, None));
    }
}
