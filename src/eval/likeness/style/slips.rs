//! Slips of the pen: words that a writer's entries never have, one slip away from a word that they often have.
//!
//! There is no dictionary of anyone's own words but their diary. A word counts that is not in it, has six letters or more, and becomes
//! by one slip (a letter too few, too many or wrong, two that have changed places; Damerau 1964, "A technique for computer detection
//! and correction of spelling errors") a word that it has [`OFTEN`]. The first letter is hardly ever slipped on, and a change in the
//! last one is mostly an inflection, so both stay as they are, but for two last letters that have changed places. Some true words are
//! counted (`shorted` for `shouted`): in the writer's held-out entries as in the model's, so that the two can be compared.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::eval::likeness::style::figures::Figure;
use crate::eval::likeness::words::words;

/// Occurrences from which a word is one that the writer knows how to spell.
const OFTEN: usize = 5;

/// Letters from which a word is looked at: shorter ones have true words all around them.
const SHORTEST: usize = 6;

/// What the figure is called.
const NAME: &str = "likely slips of the pen in 1,000 words";

/// The words of a writer's entries.
#[derive(Debug, Clone, Default)]
pub(super) struct Slips {
    known: HashSet<String>,
    often: HashSet<String>,
    letters: BTreeSet<char>,
}

impl Slips {
    /// Reads the entries, in time and memory linear in their words.
    pub fn new(entries: &[&str]) -> Slips {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for word in entries.iter().flat_map(|entry| words(entry)) {
            *counts.entry(word.key().into_owned()).or_default() += 1;
        }
        let is_long = |word: &str| word.chars().nth(SHORTEST - 2).is_some();
        let often: HashSet<String> = counts
            .iter()
            .filter(|(word, n)| **n >= OFTEN && is_long(word))
            .map(|(word, _)| word.clone())
            .collect();
        let letters = often.iter().flat_map(|word| word.chars()).filter(|c| c.is_alphabetic()).collect();
        Slips { known: counts.into_keys().collect(), often, letters }
    }

    /// What a word was to be, where it is a slip. It is given in lower case.
    pub fn meant(&self, word: &str) -> Option<&str> {
        let letters: Vec<char> = word.chars().collect();
        if letters.len() < SHORTEST || !letters.iter().all(|c| c.is_lowercase()) || self.known.contains(word)
        {
            return None;
        }
        let last = letters.len() - 1;
        let of = |letters: &[char]| {
            let word: String = letters.iter().collect();
            self.often.get(&word).map(String::as_str)
        };
        let changed = |change: &dyn Fn(&mut Vec<char>)| {
            let mut letters = letters.clone();
            change(&mut letters);
            of(&letters)
        };
        let swapped = (1..last).find_map(|i| changed(&|word| word.swap(i, i + 1)));
        let too_many = || (1..last).find_map(|i| changed(&|word| _ = word.remove(i)));
        let any = |at: std::ops::Range<usize>, change: fn(&mut Vec<char>, usize, char)| {
            let mut each = at.flat_map(|i| self.letters.iter().map(move |&c| (i, c)));
            each.find_map(|(i, c)| changed(&|word| change(word, i, c)))
        };
        swapped
            .or_else(too_many)
            .or_else(|| any(1..last, |word, i, c| word[i] = c))
            .or_else(|| any(1..last + 1, |word, i, c| word.insert(i, c)))
    }

    /// How many there are in a text.
    pub(super) fn figure(&self, text: &str) -> Figure {
        let (mut slips, mut all) = (0, 0);
        for word in words(text) {
            all += 1;
            // A name is nobody's slip.
            slips +=
                usize::from(word.text.chars().all(char::is_lowercase) && self.meant(word.text).is_some());
        }
        Figure::part(NAME, slips, all, 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::likeness::testing::{barbellion, draws, views};

    #[test]
    fn one_slip_is_seen_and_a_true_word_is_not() {
        let entry = "yesterday morning walked letter through walking ".repeat(OFTEN) + "planner";
        let slips = Slips::new(&[&entry]);
        for (slip, meant) in [
            ("yestreday", "yesterday"),
            ("yesteday", "yesterday"),
            ("mornning", "morning"),
            ("mosning", "morning"),
            ("lettre", "letter"),
            ("thrugh", "through"),
        ] {
            assert_eq!(slips.meant(slip), Some(meant), "{slip}");
        }
        for word in [
            "morning",
            "walker",
            "mornings",
            "talking",
            "planner",
            "wolkeng",
            "leter",
            "Morninng",
            "",
            "йцукен",
        ] {
            assert_eq!(slips.meant(word), None, "{word}");
        }
        let figure = slips.figure("The mornning was cold; Mornning and Co. wrote a lettre");
        assert_eq!(figure.value, Some(1000.0 * 2.0 / 10.0));
    }

    #[test]
    fn slips_made_in_a_diary_are_counted() {
        let diary = barbellion();
        if diary.is_empty() {
            return;
        }
        let all = views(&diary);
        let (train, held_out) = all.split_at(all.len() * 9 / 10);
        let slips = Slips::new(train);
        let own = held_out.join("\n");
        let n = words(&own).count() as f64;
        let clean = slips.figure(&own).value.unwrap();
        // In one of a hundred words two letters within change places.
        let mut draw = draws(7);
        let (mut made, mut spoilt) = (0.0, String::new());
        for word in own.split(' ') {
            let mut letters: Vec<char> = word.chars().collect();
            if letters.len() > 6
                && letters.iter().all(|c| c.is_lowercase())
                && draw().is_multiple_of(20)
                && letters[2] != letters[3]
            {
                letters.swap(2, 3);
                made += 1000.0 / n;
            }
            spoilt.extend(letters);
            spoilt.push(' ');
        }
        let found = slips.figure(&spoilt).value.unwrap() - clean;
        // A true word of his is spelled as another in one of a thousand; of the slips, those in words that he has often are found.
        assert!(clean < 2.0, "{clean}");
        assert!(found > 0.3 * made && found <= made, "{found} of {made}");
    }
}
