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
//! - How a text begins and ends is asked of whole texts as well: whether as the writer's often do ([`Seen`]).
//! - A mark that the writer never makes has no spread. The spread is taken to be at least what a single mark in all of the
//!   own pieces would make, s/√n for one of n pieces at s: so z stays finite, and one stray mark in all the own texts and
//!   none differ little.
//! - z is of a difference of *means* over the scatter of *pieces*: it does not grow with the number of samples.
//!   [`Measure::noise`] says how large it would be by chance.

use crate::eval::likeness::pieces::pieces;
use crate::eval::likeness::words::{paragraphs, words};
pub use distance::distances;
pub use figures::{Figure, figures};
pub use habits::{EDGE, Habit, endings, openings};
pub use measure::Measure;
use measure::Side;
pub use seen::Seen;

mod distance;
mod figures;
mod habits;
mod marks;
mod measure;
mod richness;
mod seen;
mod slips;
#[cfg(test)]
mod tests;
mod turns;

/// Pieces have at least this many words: what MATTR's window needs, and below it most marks are absent by chance.
pub const SHORTEST: usize = 100;
/// Own text is cut into at least this many pieces where it suffices for it: a standard deviation from 20 is good to 16%.
pub const FEWEST: usize = 20;

/// All measures of generated texts against the writer's own, held out from what the generator has seen. Where that is given, slips of the pen
/// are among them, and how many texts begin and end as the writer's often do.
pub fn compare(generated: &[&str], own: &[&str], seen: Option<&Seen>) -> Vec<Measure> {
    let length = piece_length(generated, own);
    let [cut, own_cut] = [generated, own].map(|texts| pieces(texts, length));
    let mut measures = of_texts(generated, own, seen);
    measures.extend(of_pieces(&cut, &own_cut, seen));
    measures.push(turns::measure(&cut, &own_cut));
    measures
}

/// A figure in which two writers differ, and which of them a set of generated texts is nearer to.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Apart {
    /// What is measured, with its unit.
    pub name: &'static str,
    /// Mean of the generated pieces; none where no piece has the figure.
    pub generated: Option<f64>,
    /// Mean of the writer's own pieces.
    pub own: f64,
    /// Mean of the other's.
    pub other: f64,
    /// Whether the first lies nearer to the second than to the third; none where there is no first.
    pub is_nearer: Option<bool>,
}

/// The figures that tell the writer from another, by the rule by which generated texts are off ([`Measure::is_off`]), and on which side
/// of the middle the generated texts are in each.
///
/// Only what is counted within pieces is evidence. The lengths of whole texts are none: the program sets how long a text may be, by the
/// writer's own entries, and a model of the other would have the writer's lengths. What is counted by the writer's entries (slips of
/// the pen, usual beginnings and endings) is none either: it says of the other that they are not the writer, not what they do.
pub fn apart(generated: &[&str], own: &[&str], other: &[&str]) -> Vec<Apart> {
    let length = piece_length(generated, own);
    let [generated, own, other] = [generated, own, other].map(|texts| pieces(texts, length));
    let [it, they] = [generated, other].map(|cut| of_pieces(&cut, &own, None));
    let told = it.into_iter().zip(they).filter(|(_, they)| they.is_off());
    told.filter_map(|(it, they)| {
        Some(Apart {
            name: it.name,
            generated: it.generated,
            own: they.own?,
            other: they.generated?,
            // Both are so many of one unit off the writer.
            is_nearer: it.z.zip(they.z).map(|(it, they)| it.abs() < (it - they).abs()),
        })
    })
    .collect()
}

/// The measures that are taken on whole texts.
fn of_texts(generated: &[&str], own: &[&str], seen: Option<&Seen>) -> Vec<Measure> {
    let mut measures = vec![
        logarithmic("words an entry", generated, own, |text| Some(words(text).count() as f64)),
        logarithmic("words a paragraph", generated, own, |text| {
            Some(words(text).count() as f64 / paragraphs(text).count() as f64)
        }),
    ];
    if let Some(seen) = seen {
        let of = |texts: &[&str]| texts.iter().map(|text| seen.habits(text).to_vec()).collect::<Vec<_>>();
        measures.extend(figure_by_figure(&of(generated), &of(own)));
    }
    measures
}

/// The measures that are taken within pieces of one length.
fn of_pieces(generated: &[String], own: &[String], seen: Option<&Seen>) -> Vec<Measure> {
    let of = |cut: &[String]| -> Vec<Vec<Figure>> {
        let figures = |piece: &String| {
            let mut all = figures(piece);
            all.extend(seen.map(|seen| seen.slips(piece)));
            all
        };
        cut.iter().map(figures).collect()
    };
    figure_by_figure(&of(generated), &of(own))
}

/// A measure of each figure, of what has the same ones in the same order.
fn figure_by_figure(generated: &[Vec<Figure>], own: &[Vec<Figure>]) -> Vec<Measure> {
    let names = generated.first().or(own.first()).map_or(&[][..], Vec::as_slice);
    let one = |(i, figure): (usize, &Figure)| {
        let [a, b] =
            [generated, own].map(|side| Side::of(side.iter().filter_map(|figures| figures[i].value)));
        let steps = Side::of(own.iter().map(|figures| figures[i].step));
        let floor = steps.mean.unwrap_or(0.0) / (b.values.len() as f64).sqrt();
        a.against(&b, figure.name, floor)
    };
    names.iter().enumerate().map(one).collect()
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
