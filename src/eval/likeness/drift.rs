//! What a model that was trained too long, or not long enough, does beside forgetting: it repeats itself, and leaves its language.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use crate::eval::likeness::words::words;

/// Words of a sequence that counts as repeated (seq-rep-4 of Welleck et al. 2020, arXiv:1908.04319).
const SEQUENCE: usize = 4;

/// Of the model's texts and the writer's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drift {
    /// The share of sequences of four words that stood in the same text already, 0 to 1: the model's, the writer's.
    pub repeated: [f64; 2],
    /// The language that most of the writer's texts are in, as an ISO 639-3 code; none where none can be told.
    pub language: Option<String>,
    /// The share of texts whose language can be told that are in another: the model's, the writer's.
    pub elsewhere: [f64; 2],
}

impl Drift {
    /// Of what a model wrote, and of its writer's own.
    pub fn of(generated: &[&str], own: &[&str]) -> Drift {
        let [there, here] =
            [generated, own].map(|texts| texts.iter().filter_map(|t| language(t)).collect::<Vec<_>>());
        let mut counts = BTreeMap::<&str, usize>::new();
        here.iter().for_each(|code| *counts.entry(code).or_default() += 1);
        let most = counts.into_iter().max_by_key(|(_, count)| *count).map(|(code, _)| code);
        let elsewhere = |of: &[&str]| match most {
            Some(most) if !of.is_empty() => {
                of.iter().filter(|code| **code != most).count() as f64 / of.len() as f64
            }
            _ => 0.0,
        };
        Drift {
            repeated: [generated, own].map(repeated),
            elsewhere: [elsewhere(&there), elsewhere(&here)],
            language: most.map(str::to_string),
        }
    }
}

fn language(text: &str) -> Option<&'static str> {
    whatlang::detect(text).filter(whatlang::Info::is_reliable).map(|found| found.lang().code())
}

/// Of all sequences in texts, how many stood in the same text before.
fn repeated(texts: &[&str]) -> f64 {
    let (mut again, mut all) = (0, 0);
    for text in texts {
        let keys: Vec<_> = words(text).map(|word| word.key()).collect();
        let mut seen = HashSet::new();
        for sequence in keys.windows(SEQUENCE) {
            all += 1;
            again += usize::from(!seen.insert(sequence));
        }
    }
    again as f64 / (all as f64).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_round_is_repeated() {
        // Seven words make four sequences, of which the last is the first again.
        let of = Drift::of(&["a b c d a b c d", "one two three four"], &["a b c d e f g"]);
        assert_eq!(of.repeated, [1.0 / 6.0, 0.0]);
    }

    #[test]
    fn another_language_is_elsewhere() {
        let english = "I went down to the river with my brother, and we talked of nothing but the weather all afternoon.";
        let german = "Ich bin gestern mit meinem Bruder zum Fluss gegangen, und wir haben den ganzen Nachmittag geredet.";
        let of = Drift::of(&[english, german], &[english, english]);
        assert_eq!((of.language.as_deref(), of.elsewhere), (Some("eng"), [0.5, 0.0]));
        assert_eq!(Drift::of(&[], &[]), Drift { repeated: [0.0; 2], language: None, elsewhere: [0.0; 2] });
    }
}
