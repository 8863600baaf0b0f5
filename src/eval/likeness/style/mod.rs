//! What a writer's hand looks like in figures, and how far off the writer's own range a set of generated texts lies.
//!
//! The scale is the writer: z counts standard deviations of single pieces of the writer's own entries, so that a figure
//! in which the writer varies much (semicolons) needs a large difference, and one in which they never vary (curly
//! quotes) a small one. Choices, and why:
//! - Both sides are cut into pieces of one length ([`pieces`]): the median length of the generated texts, but at least
//!   [`SHORTEST`] words, and if it can be so that own text makes [`FEWEST`] pieces. The scatter of a rate falls with the
//!   length of what it is counted in, so pieces of unlike lengths have no common scale.
//! - The lengths of entries and of paragraphs are taken on whole texts: cutting would set them. They are skew (a word one
//!   day, pages the next), so they are compared by logarithm, and their means are geometric.
//! - A mark that the writer never makes has no spread. The spread is taken to be at least what a single mark in all of the
//!   own pieces would make, s/√n for one of n pieces at s: so z stays finite, and one stray mark in all the own texts and
//!   none differ little.
//! - z is of a difference of *means* over the scatter of *pieces*: it does not grow with the number of samples.
//!   [`Measure::noise`] says how large it would be by chance.

use crate::eval::likeness::pieces::pieces;
use crate::eval::likeness::words::{paragraphs, words};
pub use figures::{Figure, figures};
pub use habits::{Habit, endings, openings};

mod figures;
mod habits;
mod marks;
mod richness;
#[cfg(test)]
mod tests;

/// Pieces have at least this many words: what MATTR's window needs, and below it most marks are absent by chance.
pub const SHORTEST: usize = 100;
/// Own text is cut into at least this many pieces where it suffices for it: a standard deviation from 20 is good to 16%.
pub const FEWEST: usize = 20;

/// One figure of generated texts beside the writer's own.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Measure {
    /// What is measured, with its unit.
    pub name: &'static str,
    /// Mean of the generated pieces; `None` where no piece has the figure (curly quotes where none are).
    pub generated: Option<f64>,
    /// Mean of the writer's own pieces.
    pub own: Option<f64>,
    /// Standard deviation of single own pieces, in the measure's unit; of lengths "an entry" and "a paragraph", of their
    /// natural logarithms. `None` for fewer than two pieces.
    pub sd_of_own: Option<f64>,
    /// How many standard deviations of own pieces the generated mean lies above the own mean.
    pub z: Option<f64>,
    /// The standard deviation that z would have if the generated pieces were the writer's: √(1/generated + 1/own) of the
    /// numbers of pieces. A |z| below twice this says nothing. (A little more where pieces come of few entries.)
    pub noise: Option<f64>,
}

/// All measures of generated texts against the writer's own, held out from what the generator has seen.
pub fn compare(generated: &[&str], own: &[&str]) -> Vec<Measure> {
    let mut measures = vec![
        logarithmic("words an entry", generated, own, |text| Some(words(text).count() as f64)),
        logarithmic("words a paragraph", generated, own, |text| {
            Some(words(text).count() as f64 / paragraphs(text).count() as f64)
        }),
    ];
    let length = piece_length(generated, own);
    let of = |texts: &[&str]| -> Vec<Vec<Figure>> {
        pieces(texts, length).iter().map(|piece| figures(piece)).collect()
    };
    let (generated, own) = (of(generated), of(own));
    let names = generated.first().or(own.first()).map_or(&[][..], Vec::as_slice);
    for (i, figure) in names.iter().enumerate() {
        let [a, b] =
            [&generated, &own].map(|side| Side::of(side.iter().filter_map(|figures| figures[i].value)));
        let steps = Side::of(own.iter().map(|figures| figures[i].step));
        let floor = steps.mean.unwrap_or(0.0) / (b.n as f64).sqrt();
        measures.push(a.against(&b, figure.name, floor));
    }
    measures
}

/// The words of a piece: what the generated texts have, within what the own ones can bear.
fn piece_length(generated: &[&str], own: &[&str]) -> usize {
    let mut lengths: Vec<usize> =
        generated.iter().map(|text| words(text).count()).filter(|&n| n > 0).collect();
    lengths.sort_unstable();
    let median = lengths.get(lengths.len() / 2).copied().unwrap_or(SHORTEST);
    let whole: usize = own.iter().map(|text| words(text).count()).sum();
    median.min(whole / FEWEST).max(SHORTEST)
}

/// A measure of whole texts, by its logarithm.
fn logarithmic(
    name: &'static str,
    generated: &[&str],
    own: &[&str],
    of: impl Fn(&str) -> Option<f64>,
) -> Measure {
    let [a, b] = [generated, own]
        .map(|texts| Side::of(texts.iter().filter_map(|text| of(text).filter(|x| *x > 0.0).map(f64::ln))));
    let measure = a.against(&b, name, 0.0);
    Measure { generated: measure.generated.map(f64::exp), own: measure.own.map(f64::exp), ..measure }
}

/// The mean of one side's pieces and their scatter.
struct Side {
    n: usize,
    mean: Option<f64>,
    sd: Option<f64>,
}

impl Side {
    fn of(values: impl Iterator<Item = f64>) -> Side {
        let values: Vec<f64> = values.filter(|x| x.is_finite()).collect();
        let n = values.len();
        let mean = (n > 0).then(|| values.iter().sum::<f64>() / n as f64);
        let sd = mean
            .filter(|_| n > 1)
            .map(|mean| (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n as f64 - 1.0)).sqrt());
        Side { n, mean, sd }
    }

    fn against(&self, own: &Side, name: &'static str, floor: f64) -> Measure {
        let z = || {
            let off = self.mean? - own.mean?;
            // Rounding can leave a scatter of 1e-17 where all pieces are alike.
            let scale = Some(own.sd?.max(floor)).filter(|sd| *sd > 1e-12);
            if off.abs() < 1e-12 { Some(0.0) } else { Some(off / scale?) }
        };
        let noise = (self.n > 0 && own.n > 0).then(|| (1.0 / self.n as f64 + 1.0 / own.n as f64).sqrt());
        Measure { name, generated: self.mean, own: own.mean, sd_of_own: own.sd, z: z(), noise }
    }
}
