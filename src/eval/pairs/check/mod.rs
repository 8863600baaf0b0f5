//! Are these pairs fit to be trained on? Each is checked against what it rests on, and the set as a whole.
//!
//! A pair's own sources are its context: passages, and the documents that it names. A pair without any is checked against all
//! documents. What is told is to be read, not obeyed: that a sentence has no support does not make it untrue, and a question may be
//! asked twice on purpose.

mod facts;
mod finding;
mod limits;
mod manners;
mod report;
mod single;
mod sources;
mod stems;
mod stop;
mod support;
#[cfg(test)]
mod tests;
mod voice;
mod whole;

use crate::dataset::pairs::Pair;
use crate::dataset::pairs::near::near;
pub use finding::{Finding, Found, Part};
pub use limits::{Distance, Limits};
pub use report::Report;
use single::Checker;
use sources::Sources;
pub use voice::Voice;
pub use whole::{Coverage, Lengths, Remark, Whole};

/// Checks pairs against the person's documents, each a name and its text. `voice` gives an answer's distance from the person's own
/// style, where it is long enough to have one; [`Limits::voice`] is compared with it.
///
/// Linear in the words of pairs and documents, but for pairs that rest on whole long documents.
pub fn check(
    pairs: &[Pair],
    documents: &[(String, String)],
    limits: &Limits,
    voice: Option<&Distance>,
) -> Report {
    let sources = Sources::new(pairs, documents);
    let checker = Checker::new(pairs, &sources, limits, voice);
    let mut used = vec![false; documents.len()];
    let mut found = Vec::new();
    for (i, pair) in pairs.iter().enumerate() {
        for finding in checker.check(i, &mut used) {
            found.push(Found { pair: i, place: pair.place.clone(), finding });
        }
    }
    found.extend(doubles(pairs, limits));
    found.sort_by_key(|found| found.pair);
    Report { pairs: pairs.len(), found, whole: Whole::of(pairs, documents, &used, limits) }
}

/// Answers, and questions with what was said before them, that are nearly the same as an earlier one.
fn doubles(pairs: &[Pair], limits: &Limits) -> Vec<Found> {
    let answers: Vec<&str> = pairs.iter().map(|pair| pair.response.as_str()).collect();
    let asked: Vec<String> = pairs.iter().map(Pair::asked).collect();
    let mut found = Vec::new();
    let both = [
        (Part::Answer, near(&answers, limits.near, false)),
        (Part::Question, near(&asked, limits.near, true)),
    ];
    for (part, near) in both {
        for near in near {
            let (other, at) = (near.earlier, pairs[near.earlier].place.clone());
            let finding = Finding::Double { part, other, at, similarity: near.similarity };
            found.push(Found { pair: near.later, place: pairs[near.later].place.clone(), finding });
        }
    }
    found
}
