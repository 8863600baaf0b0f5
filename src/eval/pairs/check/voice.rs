//! How far an answer is from the writer's hand, by sequences of three letters, on the scale of what they wrote themselves.

use crate::eval::likeness::delta::Trigrams;
use crate::eval::likeness::pieces::pieces;
use crate::eval::likeness::words::words;

/// Words of the pieces that set the scale: about what an answer has.
const PIECE: usize = 80;
/// An answer of fewer words says nothing of a hand.
const SHORTEST: usize = 30;
/// The writer's own pieces, at least: the hundredth that is furthest off is to be told from the rest.
const PIECES: usize = 100;
/// The share of the writer's own pieces that are nearer than the limit.
const NEARER: f64 = 0.99;

/// A writer's hand.
pub struct Voice {
    trigrams: Trigrams,
    /// The distance below which 99% of the writer's own pieces are.
    pub limit: f64,
}

impl Voice {
    /// Of what the writer wrote; none of too little. Half of the pieces make the hand, the others the scale.
    pub fn of(documents: &[(String, String)]) -> Option<Voice> {
        let texts: Vec<&str> = documents.iter().map(|(_, text)| &text[..]).collect();
        let pieces = pieces(&texts, PIECE);
        if pieces.len() < PIECES {
            return None;
        }
        let half = |odd: usize| pieces.iter().skip(odd).step_by(2).map(String::as_str).collect::<Vec<_>>();
        let trigrams = Trigrams::fit(&[&half(0)]);
        let mut distances: Vec<f64> =
            half(1).iter().filter_map(|piece| trigrams.distances(piece).first().copied().flatten()).collect();
        distances.sort_by(f64::total_cmp);
        let at = (NEARER * distances.len() as f64) as usize;
        let limit = *distances.get(at.min(distances.len().checked_sub(1)?))?;
        Some(Voice { trigrams, limit })
    }

    /// The distance of an answer; none of one too short to tell.
    pub fn distance(&self, answer: &str) -> Option<f64> {
        words(answer).nth(SHORTEST - 1)?;
        self.trigrams.distances(answer).first().copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::likeness::testing::barbellion;

    #[test]
    fn a_writers_own_pages_are_near_and_an_assistants_are_not() {
        let entries = barbellion();
        if entries.is_empty() {
            return;
        }
        let (own, rest): (Vec<_>, Vec<_>) = entries.into_iter().enumerate().partition(|(i, _)| i % 4 > 0);
        let documents: Vec<(String, String)> =
            own.into_iter().map(|(i, text)| (i.to_string(), text)).collect();
        let voice = Voice::of(&documents).unwrap();
        let off = |text: &str| voice.distance(text).is_some_and(|d| d > voice.limit);
        let texts: Vec<&str> = rest.iter().map(|(_, text)| &text[..]).collect();
        let pages = pieces(&texts, 80);
        let far = pages.iter().filter(|page| off(page)).count();
        // Of pages that set no scale one in a hundred is as far off; three in a hundred are within what chance gives of 250.
        assert!(far * 100 <= 3 * pages.len(), "{far} of {}", pages.len());
        let assistant = "- Utilize productivity strategies: prioritize objectives, optimize workflow efficiency, leverage \
                         technology. - Communicate expectations; facilitate feedback; implement actionable insights. - Evaluate \
                         performance metrics quarterly, identify improvement opportunities, and celebrate organizational success. \
                         - Implement sustainable prioritization frameworks; incentivize cross-functional collaboration.";
        assert!(off(assistant), "{:?} and {}", voice.distance(assistant), voice.limit);
        assert_eq!(voice.distance("Too short."), None);
        assert!(Voice::of(&documents[..2]).is_none());
    }
}
