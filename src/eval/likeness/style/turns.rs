//! Turns of speech that come back: sequences of three words that stand on several pages.

use std::collections::HashMap;

use crate::eval::likeness::pieces::evenly;
use crate::eval::likeness::style::measure::{Measure, Side};
use crate::eval::likeness::words::words;

/// What the measure is called.
const NAME: &str = "three-word turns that stand on another page too, in 100";

/// Words of a turn.
const TURN: usize = 3;

/// How much of a page is made of turns that stand on another page of the same side, on both sides. Of the longer side so many pages are
/// taken as the other has: the more pages, the more come back.
pub(super) fn measure(generated: &[String], own: &[String]) -> Measure {
    let most = generated.len().min(own.len());
    let [a, b] = [generated, own].map(|pages| returning(&evenly(pages, most)));
    // As with a mark that is never made: what one turn in a page would add to it.
    let steps = b.iter().filter_map(|(_, n)| (*n > 0).then_some(100.0 / *n as f64));
    let floor = Side::of(steps).mean.unwrap_or(0.0) / (b.len() as f64).sqrt();
    let side = |pages: &[(usize, usize)]| {
        Side::of(pages.iter().filter(|(_, n)| *n > 0).map(|(k, n)| 100.0 * *k as f64 / *n as f64))
    };
    side(&a).against(&side(&b), NAME, floor)
}

/// Of each page, how many of its turns stand on another, and how many it has.
fn returning(pages: &[&String]) -> Vec<(usize, usize)> {
    let keys: Vec<Vec<_>> = pages.iter().map(|page| words(page).map(|word| word.key()).collect()).collect();
    // Looked up only, never gone through: by turn, the page that has it, or none where several have.
    let mut on = HashMap::new();
    for (page, keys) in keys.iter().enumerate() {
        for turn in keys.windows(TURN) {
            let of = on.entry(turn).or_insert(Some(page));
            *of = of.filter(|of| *of == page);
        }
    }
    let count = |keys: &Vec<_>| {
        let turns = keys.windows(TURN);
        (turns.clone().filter(|turn| on.get(turn).is_some_and(Option::is_none)).count(), turns.len())
    };
    keys.iter().map(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_on_two_pages_comes_back() {
        let pages =
            ["And so to bed.", "and so, to bed we went", "we went on and on and", "so"].map(String::from);
        // "and so to" and "so to bed" stand on the first two; "and on and" stands once; twice on one page would not count.
        assert_eq!(returning(&pages.each_ref()), [(2, 2), (2, 4), (0, 4), (0, 0)]);
        assert_eq!(returning(&[&"a b c a b c".to_string()]), [(0, 4)]);
    }

    #[test]
    fn a_phrase_of_the_models_is_seen_and_the_writers_are_no_more() {
        let page = |i: usize, more: &str| {
            (0..40).map(|j| format!("w{i}x{j}")).collect::<Vec<_>>().join(" ") + " and so to bed " + more
        };
        let own: Vec<String> = (0..30).map(|i| page(i, "")).collect();
        let alike: Vec<String> = (50..60).map(|i| page(i, "")).collect();
        let worn: Vec<String> = (50..60).map(|i| page(i, "as I have always said and shall say")).collect();
        assert_eq!(measure(&alike, &own).z, Some(0.0));
        assert!(measure(&worn, &own).is_off(), "{:?}", measure(&worn, &own));
    }
}
