//! The funhouse mirror: what a model comes back to much more, or much less, than its writer does.

use serde::Serialize;

use crate::eval::likeness::keyness::{Key, PRIOR, Unit, example, keyness, log_odds};
use crate::eval::likeness::words::words;
use crate::eval::themes::{Theme, cut_long, themes};

/// Words, turns and names that are kept of each kind, at each end.
const SHOWN: usize = 8;

/// The least z of a word that is shown: with thousands of words looked at, one in a diary of chance alone.
const SURE: f64 = 3.5;

/// The least z of a theme: of the twenty or so that a diary has, one in ten diaries is so far off by chance.
const SURE_OF_A_THEME: f64 = 2.8;

/// The weight, in texts, of the belief that both come to a theme equally often.
const PRIOR_TEXTS: f64 = 20.0;

/// A theme that the model comes to much more, or much less, often than the writer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Leaning {
    /// Its most telling words.
    pub theme: String,
    /// The share of the model's texts that are on it.
    pub generated: f64,
    /// The share of the writer's.
    pub own: f64,
    /// The log-odds of the two in their standard deviations: positive where the model comes to it more.
    pub z: f64,
    /// From the side that comes to it more.
    pub example: String,
}

/// The words, turns, names and themes that the model comes to much more, or much less, than the writer.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Mirror {
    /// Words more, the most certain first.
    pub overused: Vec<Key>,
    /// Words less, the most certain first.
    pub forgotten: Vec<Key>,
    /// Themes, those that are overused first.
    pub themes: Vec<Leaning>,
}

impl Mirror {
    /// Of what a model wrote, against all that the writer wrote. The seed is of the division into themes.
    pub fn of(generated: &[&str], own: &[&str], seed: u64) -> Mirror {
        let mut mirror = Mirror { themes: leanings(generated, own, seed), ..Mirror::default() };
        for unit in [Unit::Word, Unit::Bigram, Unit::Name] {
            let keys = keyness(generated, own, unit, PRIOR);
            let more = keys.iter().filter(|key| key.z >= SURE).take(SHOWN);
            mirror.overused.extend(more.cloned());
            let less = keys.iter().rev().filter(|key| key.z <= -SURE).take(SHOWN);
            mirror.forgotten.extend(less.cloned());
        }
        for keys in [&mut mirror.overused, &mut mirror.forgotten] {
            keys.sort_by(|a, b| b.z.abs().total_cmp(&a.z.abs()).then_with(|| a.word.cmp(&b.word)));
            // A name is a word too.
            let mut seen = std::collections::BTreeSet::new();
            keys.retain(|key| seen.insert(key.word.to_lowercase()));
        }
        mirror
    }

    /// Whether nothing stands out.
    pub fn is_empty(&self) -> bool {
        self.overused.is_empty() && self.forgotten.is_empty() && self.themes.is_empty()
    }
}

/// Which themes of both together either side comes to more. They are found in all texts at once, so that a theme of the model's own making
/// is one too.
fn leanings(generated: &[&str], own: &[&str], seed: u64) -> Vec<Leaning> {
    let documents = |texts: &[&str]| -> Vec<(String, String)> {
        let all: Vec<_> = texts.iter().map(|text| (String::new(), text.to_string())).collect();
        cut_long(&all)
    };
    let mut all = documents(generated);
    let n = all.len();
    all.extend(documents(own));
    let sizes = [n as f64, (all.len() - n) as f64];
    let leaning = |theme: &Theme| {
        // What says nothing is put with the largest theme: only a text with one of its words counts.
        let on: Vec<(usize, String)> =
            theme.documents.iter().filter_map(|&i| Some((i, shown(theme, &all[i].1)?))).collect();
        let of_model = on.iter().filter(|(i, _)| *i < n).count();
        let counts = [of_model as f64, (on.len() - of_model) as f64];
        let (_, z) = log_odds(counts, sizes, PRIOR_TEXTS)?;
        let example = on.into_iter().find(|(i, _)| (*i < n) == (z > 0.0)).map(|(_, text)| text)?;
        let [generated, own] = [0, 1].map(|side| counts[side] / sizes[side].max(1.0));
        (z.abs() >= SURE_OF_A_THEME).then(|| Leaning {
            theme: theme.name.clone(),
            generated,
            own,
            z,
            example,
        })
    };
    let mut found: Vec<Leaning> = themes(&all, None, seed).iter().filter_map(leaning).collect();
    found.sort_by(|a, b| b.z.total_cmp(&a.z));
    found
}

/// Where a text first has one of its theme's words.
fn shown(theme: &Theme, text: &str) -> Option<String> {
    let is_of_it = |key: &str| theme.words.iter().any(|word| word.to_lowercase() == key);
    words(text).find(|word| is_of_it(&word.key())).map(|word| example(text, word.range()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::likeness::testing::{barbellion, pepys, views};

    #[test]
    fn another_writers_words_and_themes_stand_out_and_ones_own_do_not() {
        let (barbellion, pepys) = (barbellion(), pepys());
        if barbellion.is_empty() || pepys.is_empty() {
            return;
        }
        let (b, p) = (views(&barbellion), views(&pepys[..400]));
        let mirror = Mirror::of(&p[..40], &b, 1);
        assert!(mirror.overused.iter().any(|key| key.word == "my wife"), "{:?}", mirror.overused);
        let most = mirror.themes.first().expect("forty days of Pepys are on other things");
        assert!(most.z > 5.0 && most.generated > 0.3 && most.own < 0.1, "{:?}", mirror.themes);
        assert!(!most.example.is_empty());
        // Every tenth of his own days, against the others: what stands out is chance.
        let (mut some, mut others) = (Vec::new(), Vec::new());
        for (i, text) in b.iter().enumerate() {
            if i % 10 == 3 { some.push(*text) } else { others.push(*text) }
        }
        let mirror = Mirror::of(&some, &others, 1);
        assert!(mirror.themes.len() <= 1, "{:?}", mirror.themes);
    }

    #[test]
    fn a_theme_that_is_never_left_is_one() {
        let own: Vec<String> = (0..240)
            .map(|i| match i % 3 {
                0 => format!("The garden {i}: roses, beans, weeding; mother cut the hedge and the lawn."),
                1 => {
                    format!("At the office {i} with ledgers, invoices, the clerk and a letter from the bank.")
                }
                _ => format!("Rowing {i} on the river, oars and boats, past the lock and the island."),
            })
            .collect();
        let generated: Vec<String> = (0..24)
            .map(|i| format!("The clerk {i} and the ledgers, the bank, invoices, at the office."))
            .collect();
        let [generated, own] = [&generated, &own].map(|of| of.iter().map(String::as_str).collect::<Vec<_>>());
        let mirror = Mirror::of(&generated, &own, 1);
        let first = &mirror.themes[0];
        // Texts that are all alike may be a theme of their own, beside that of the office.
        assert!(first.z > 0.0 && first.generated == 1.0 && first.own < 0.34, "{first:?}");
        assert!(first.example.contains("clerk"), "{first:?}");
        assert!(Mirror::of(&[], &[], 1).is_empty());
    }
}
