//! A wish for texts from one prompt while it is fulfilled: which of them have begun, which have ended, and, of more than were asked for, the
//! likeliest.

use crate::base::rng::Rng;
use crate::sample::choose::{Choice, best};
use crate::sample::stops::Stops;
use crate::sample::together::growing::Released;
use crate::sample::together::said::{Event, Finish, Likely, Listener};

/// Which tokens may go on a text of which so much was written.
pub type Allows<'a> = Box<dyn Fn(&[u32], u32) -> bool + Send + Sync + 'a>;

// ANCHOR: wish
/// A wish for texts from one prompt.
pub struct Wish<'a> {
    /// The tokens that each text goes on from: one or more, [`kept`](crate::sample::kept) short enough.
    pub prompt: Vec<u32>,
    /// The draws of each text: so many are written.
    pub draws: Vec<Rng>,
    /// How many of them are given: where these are fewer, the likeliest.
    pub given: usize,
    /// The most tokens of each.
    pub most: usize,
    /// How tokens are drawn.
    pub how: Choice,
    /// Which may be.
    pub allows: Option<Allows<'a>>,
    /// Tokens that end a text besides the end of text.
    pub ends: Vec<u32>,
    /// Strings that do.
    pub stops: Stops,
    /// Whether the probability of each token is told, and of so many of the likeliest beside it.
    pub logprobs: Option<usize>,
    /// Whether the prompt is told before each text, with its probabilities where these are.
    pub echo: bool,
    /// Who hears of it.
    pub listener: Box<dyn Listener + 'a>,
}
// ANCHOR_END: wish

impl<'a> Wish<'a> {
    /// A wish for a text with each of some draws, all of which are given.
    pub fn new(
        prompt: Vec<u32>,
        draws: Vec<Rng>,
        (most, how): (usize, &Choice),
        listener: impl Listener + 'a,
    ) -> Wish<'a> {
        Wish {
            prompt,
            given: draws.len(),
            draws,
            most,
            how: how.clone(),
            allows: None,
            ends: Vec::new(),
            stops: Stops::default(),
            logprobs: None,
            echo: false,
            listener: Box::new(listener),
        }
    }
}

/// A text that waits for the others.
#[derive(Debug, Default)]
struct Candidate {
    text: String,
    tokens: Vec<Likely>,
    ended: Option<(Finish, Vec<u32>)>,
    logprob: f64,
}

/// A wish while it is fulfilled.
pub(super) struct Course<'a> {
    /// Its number, by which its texts know it.
    pub id: u64,
    pub wish: Wish<'a>,
    /// Texts that have begun.
    pub begun: usize,
    /// Texts that have ended.
    ended: usize,
    /// Where more are written than are given: all of them.
    kept: Vec<Candidate>,
}

impl<'a> Course<'a> {
    pub fn new(id: u64, wish: Wish<'a>) -> Course<'a> {
        let kept = if wish.given < wish.draws.len() { wish.draws.len() } else { 0 };
        let kept = (0..kept).map(|_| Candidate::default()).collect();
        Course { id, wish, begun: 0, ended: 0, kept }
    }

    /// Whether probabilities are needed of each token that is drawn.
    pub fn is_weighed(&self) -> bool {
        self.wish.logprobs.is_some() || !self.kept.is_empty()
    }

    /// Whether all its texts have ended.
    pub fn is_done(&self) -> bool {
        self.ended == self.wish.draws.len()
    }

    /// More of a text.
    pub fn tell(&mut self, index: usize, piece: Released) {
        let Released { text, mut tokens, .. } = piece;
        if self.wish.logprobs.is_none() {
            tokens.clear();
        }
        match self.kept.get_mut(index) {
            Some(candidate) => {
                candidate.text += &text;
                candidate.tokens.extend(tokens);
            }
            None if text.is_empty() && tokens.is_empty() => {}
            None => self.wish.listener.hear(Event::Piece { index, text, tokens }),
        }
    }

    /// A text has ended; ln of the probability of all of it is `logprob`.
    pub fn end(&mut self, index: usize, finish: Finish, ids: Vec<u32>, logprob: f64) {
        self.ended += 1;
        match self.kept.get_mut(index) {
            Some(candidate) => (candidate.ended, candidate.logprob) = (Some((finish, ids)), logprob),
            None => self.wish.listener.hear(Event::Ended { index, finish, ids, beside: 0 }),
        }
        if self.is_done() {
            self.give_best();
        }
    }

    /// Of those that were kept, the likeliest a token.
    fn give_best(&mut self) {
        let written = |of: &Candidate| of.ended.as_ref().map_or(0, |(_, ids)| ids.len());
        let weights: Vec<(f64, usize)> = self.kept.iter().map(|of| (of.logprob, written(of))).collect();
        let mut kept: Vec<Option<Candidate>> = std::mem::take(&mut self.kept).into_iter().map(Some).collect();
        let best = best(&weights);
        let mut beside = best.iter().skip(self.wish.given).map(|&chosen| weights[chosen].1).sum();
        for (index, chosen) in best.into_iter().take(self.wish.given).enumerate() {
            let Some(Candidate { text, tokens, ended: Some((finish, ids)), .. }) = kept[chosen].take() else {
                continue;
            };
            self.wish.listener.hear(Event::Piece { index, text, tokens });
            let beside = std::mem::take(&mut beside);
            self.wish.listener.hear(Event::Ended { index, finish, ids, beside });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::together::said::Until;

    #[test]
    fn what_was_written_and_is_not_given_is_counted_once() {
        let (told, heard) = std::sync::mpsc::channel();
        let listener = Until::new(move |event| {
            told.send(event).unwrap();
            std::ops::ControlFlow::Continue(())
        });
        let draws = (0..4).map(|i| Rng::new(i, "text")).collect();
        let wish = Wish::new(vec![1], draws, (9, &Choice::default()), listener);
        let mut course = Course::new(1, Wish { given: 2, ..wish });
        // A token of the third is the likeliest, then one of the second.
        for (index, logprob) in [-9.0, -4.0, -3.0, -40.0].into_iter().enumerate() {
            course.end(index, Finish::Length, vec![7; index + 1], logprob);
        }
        let ended = |event| match event {
            Event::Ended { ids, beside, .. } => Some((ids.len(), beside)),
            Event::Piece { .. } => None,
        };
        assert_eq!(heard.try_iter().filter_map(ended).collect::<Vec<_>>(), [(3, 1 + 4), (2, 0)]);
    }
}
