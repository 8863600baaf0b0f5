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

use crate::base::rng::Rng;
use crate::eval::likeness::bootstrap::{Interval, interval_of_two};
use crate::eval::likeness::pieces::pieces;
use crate::eval::likeness::words::{paragraphs, words};
pub use figures::{Figure, figures};
pub use habits::{Habit, endings, openings};
pub use slips::Slips;

mod figures;
mod habits;
mod marks;
mod richness;
mod slips;
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
    /// numbers of pieces. Entries of one writer, taken apart, were up to four times as far apart: days hang together.
    pub noise: Option<f64>,
    /// 95% of z, were other pieces drawn on both sides: by bootstrap, on the scale of the own pieces as they are.
    pub interval: Option<Interval>,
}

impl Measure {
    /// How many times its own chance z is.
    pub fn off(&self) -> f64 {
        self.z.zip(self.noise).map_or(0.0, |(z, noise)| z.abs() / noise.max(f64::MIN_POSITIVE))
    }

    /// Whether the generated texts are off in it: by more than entries of one writer are.
    pub fn is_off(&self) -> bool {
        self.off() >= OFF && self.interval.is_none_or(|of| of.low > 0.0 || of.high < 0.0)
    }
}

/// How often its own chance z has to be to be told.
const OFF: f64 = 4.0;
/// Bootstrap samples of an interval.
const ROUNDS: usize = 400;

/// All measures of generated texts against the writer's own, held out from what the generator has seen. Slips of the pen are among them
/// where what it has seen is given.
pub fn compare(generated: &[&str], own: &[&str], seen: Option<&Slips>) -> Vec<Measure> {
    measures(generated, own, seen, piece_length(generated, own))
}

/// A figure in which two writers differ, and which of them a set of generated texts is nearer to.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Apart {
    /// What is measured, with its unit.
    pub name: &'static str,
    /// Mean of the generated pieces.
    pub generated: f64,
    /// Mean of the writer's own pieces.
    pub own: f64,
    /// Mean of the other's.
    pub other: f64,
    /// Whether the first lies nearer to the second than to the third; of lengths of whole texts, by their logarithms.
    pub is_nearer: bool,
}

/// The figures that tell the writer from another, by the rule by which generated texts are off ([`Measure::is_off`]), and on which side
/// of the middle the generated texts are in each.
pub fn apart(generated: &[&str], own: &[&str], other: &[&str], seen: Option<&Slips>) -> Vec<Apart> {
    let length = piece_length(generated, own);
    let [it, they] = [generated, other].map(|texts| measures(texts, own, seen, length));
    let told = it.into_iter().zip(they).filter(|(_, they)| they.is_off());
    told.filter_map(|(it, they)| {
        Some(Apart {
            name: it.name,
            generated: it.generated?,
            own: it.own?,
            other: they.generated?,
            // Both are so many of one unit off the writer.
            is_nearer: it.z?.abs() < (it.z? - they.z?).abs(),
        })
    })
    .collect()
}

/// All measures, in pieces of so many words.
fn measures(generated: &[&str], own: &[&str], seen: Option<&Slips>, length: usize) -> Vec<Measure> {
    let mut measures = vec![
        logarithmic("words an entry", generated, own, |text| Some(words(text).count() as f64)),
        logarithmic("words a paragraph", generated, own, |text| {
            Some(words(text).count() as f64 / paragraphs(text).count() as f64)
        }),
    ];
    let of = |texts: &[&str]| -> Vec<Vec<Figure>> {
        let figures = |piece: &String| {
            let mut all = figures(piece);
            all.extend(seen.map(|slips| slips.figure(piece)));
            all
        };
        pieces(texts, length).iter().map(figures).collect()
    };
    let (generated, own) = (of(generated), of(own));
    let names = generated.first().or(own.first()).map_or(&[][..], Vec::as_slice);
    for (i, figure) in names.iter().enumerate() {
        let [a, b] =
            [&generated, &own].map(|side| Side::of(side.iter().filter_map(|figures| figures[i].value)));
        let steps = Side::of(own.iter().map(|figures| figures[i].step));
        let floor = steps.mean.unwrap_or(0.0) / (b.values.len() as f64).sqrt();
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
    values: Vec<f64>,
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
        Side { values, mean, sd }
    }

    fn against(&self, own: &Side, name: &'static str, floor: f64) -> Measure {
        let [n, m] = [self, own].map(|side| side.values.len());
        // Rounding can leave a scatter of 1e-17 where all pieces are alike.
        let scale = own.sd.map(|sd| sd.max(floor)).filter(|sd| *sd > 1e-12);
        let z = || {
            let off = self.mean? - own.mean?;
            if off.abs() < 1e-12 { Some(0.0) } else { Some(off / scale?) }
        };
        let mean = |of: &[f64], at: &[usize]| at.iter().map(|&i| of[i]).sum::<f64>() / at.len() as f64;
        let interval = |scale: f64| {
            let mut rng = Rng::new(0, name);
            interval_of_two([n, m], ROUNDS, &mut || rng.next_u64(), |a, b| {
                (mean(&self.values, a) - mean(&own.values, b)) / scale
            })
        };
        let interval = scale.filter(|_| n > 1 && m > 1).map(interval);
        let noise = (n > 0 && m > 0).then(|| (1.0 / n as f64 + 1.0 / m as f64).sqrt());
        Measure { name, generated: self.mean, own: own.mean, sd_of_own: own.sd, z: z(), noise, interval }
    }
}
