//! How far pages lie from a writer's own mean: Burrows' Delta to the profile of what a model was trained on, by words and by letters, of the
//! pages that it wrote and of those that were held out.
//!
//! Tried on Barbellion and Pepys, a tenth of either held out, at random and as the latest: how many spreads of the held-out pages the other's
//! pages lie further off, at least and at most of the four.
//!
//! | words a page | 100 | 200 | 500 | 1,000 |
//! |---|---|---|---|---|
//! | Burrows' Delta, 150 words | −0.5 to 0.8 | 0.3 to 1.5 | 1.6 to 3.0 | 2.6 to 7.5 |
//! | Burrows' Delta, 500 sequences of letters | 0.2 to 0.8 | 0.9 to 2.2 | 2.0 to 4.5 | 3.0 to 9.5 |
//! | cosine of the shares, 150 words | 0.4 to 1.5 | 1.0 to 2.3 | 2.6 to 4.2 | 3.6 to 7.6 |
//! | cosine of the shares, 500 sequences | −0.3 to 2.0 | 0.5 to 2.7 | 2.5 to 4.4 | 3.6 to 7.1 |
//!
//! So pages are long: of short ones the distance is chance, and whose words are the more even is nearer to everybody. Of long ones
//! either metric will do. The cosine took Pepys's own last year for off (4.4 times chance, in pages of 500 words), which Burrows' Delta
//! did not (2.3). Cosine Delta itself, of z-scores, cannot be asked: z-scores from the writer's mean have no angle to it.
//!
//! A distance below the writer's own is no praise: its pages are more even than theirs, each nearer to the mean of all.

use crate::eval::likeness::delta::{Delta, Metric, Unit};
use crate::eval::likeness::pieces::{evenly, pieces};
use crate::eval::likeness::style::measure::{Measure, Side};
use crate::eval::likeness::words::words;

/// Words of a page, at least and at most.
const PAGE: [usize; 2] = [500, 1000];
/// Pages that each side is to make, if its words allow it: the generated, and the own, from which the spread is taken (from 10 good to 24%).
const PAGES: [usize; 2] = [4, 10];
/// Pages that a profile is made of, at most: from 300 a standard deviation is good to 4%.
const PROFILE: usize = 300;

/// The distance of generated pages to the profile of what was trained on, beside that of held-out ones, by words and by letters. None
/// where either side makes no two pages.
pub fn distances(generated: &[&str], held_out: &[&str], trained: &[&str]) -> Vec<Measure> {
    let count = |texts: &[&str]| texts.iter().map(|text| words(text).count()).sum::<usize>();
    let length = (count(generated) / PAGES[0]).min(count(held_out) / PAGES[1]).clamp(PAGE[0], PAGE[1]);
    let [generated, held_out, trained] = [generated, held_out, trained].map(|texts| pieces(texts, length));
    if generated.len() < 2 || held_out.len() < 2 {
        return Vec::new();
    }
    let profile: Vec<&str> = evenly(&trained, PROFILE).into_iter().map(String::as_str).collect();
    let one = |(unit, name): (Unit, &'static str)| {
        let delta = Delta::fit(&[&profile], unit, Metric::Burrows);
        let of = |pages: &[String]| Side::of(pages.iter().filter_map(|page| delta.distances(page)[0]));
        of(&generated).against(&of(&held_out), name, 0.0)
    };
    [(Unit::Words, "distance to you by words"), (Unit::Letters, "distance to you by letters")].map(one).into()
}
