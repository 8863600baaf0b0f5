//! How surprised a model is by a text, a window of it at a time, so that others have their turns between two.

use tokio::sync::oneshot;

use crate::base::Result;
use crate::device::Executor;
use crate::eval;
use crate::serve::job::{Likely, Refusal};
use crate::tokens::Tokenizer;

/// A text that is being scored.
pub(super) struct Scoring {
    /// Its tokens below where every text begins.
    ids: Vec<u32>,
    /// Nats of each token after the first, as far as they are known.
    losses: Vec<f32>,
    /// Where the next window begins.
    start: usize,
    reply: oneshot::Sender<std::result::Result<Vec<Likely>, Refusal>>,
}

impl Scoring {
    /// Of these tokens below where every text begins.
    pub fn new(
        ids: &[u32],
        tokenizer: &Tokenizer,
        reply: oneshot::Sender<std::result::Result<Vec<Likely>, Refusal>>,
    ) -> Scoring {
        let ids = std::iter::once(tokenizer.start()).chain(ids.iter().copied()).collect();
        Scoring { ids, losses: Vec::new(), start: 0, reply }
    }

    /// Whether nothing is left to do: all is known, or nobody waits for it.
    pub fn is_over(&self) -> bool {
        self.losses.len() + 1 >= self.ids.len() || self.reply.is_closed()
    }

    /// Scores the next window of `t` tokens. Windows begin every half of one, as in [`eval::losses`], and give each token what they
    /// would there.
    ///
    /// # Errors
    /// A lost device; a loss that is no number.
    pub fn step(&mut self, exec: &mut dyn Executor, t: usize) -> Result<()> {
        let end = (self.start + t + 1).min(self.ids.len());
        let window = &self.ids[self.start..end];
        let whole = 0..window.len();
        let losses = eval::losses(exec, [1, t], (window, &[whole]), t, |_| ())?;
        let known = self.losses.len() - self.start;
        self.losses.extend(&losses[known..]);
        self.start += (t / 2).max(1);
        Ok(())
    }

    /// Answers.
    pub fn end(self, tokenizer: &Tokenizer) {
        let token = |(&id, &loss): (&u32, &f32)| Likely {
            id,
            bytes: tokenizer.shown(id).into_owned(),
            logprob: Some(-loss),
            instead: Vec::new(),
        };
        let _gone = self.reply.send(Ok(self.ids[1..].iter().zip(&self.losses).map(token).collect()));
    }

    /// Says that it cannot be done.
    pub fn refuse(self, refusal: Refusal) {
        let _gone = self.reply.send(Err(refusal));
    }
}
