//! From a prompt to a text, a token at a time, with the keys and values of earlier positions cached on the device.

use std::ops::ControlFlow;

use crate::base::rng::Rng;
use crate::base::{Error, Result};
use crate::device::{Executor, Step};
use crate::model::{PREFILL, input};
use crate::sample::choose::{Choice, choose};
use crate::tokens::Tokenizer;

/// What of a prompt the model goes on from, with so many tokens to write: all that leaves room for them in a context of
/// `block_size`, and half the context in any case. The end stays, since the writing goes on from there.
pub fn kept(prompt: &[u32], block_size: usize, max_tokens: usize) -> &[u32] {
    let most = block_size - max_tokens.min(block_size / 2);
    &prompt[prompt.len().saturating_sub(most)..]
}

/// One text being written. The executor's program has the recordings `prefill` and `decode`.
pub struct Decoder<'a> {
    exec: &'a mut dyn Executor,
    /// Positions of the cache.
    positions: usize,
    tokenizer: &'a Tokenizer,
    /// What the model sees: at most `positions` tokens.
    context: Vec<u32>,
    /// How many of them are in the cache.
    cached: usize,
}

impl<'a> Decoder<'a> {
    /// A text that begins with `prompt` (which is [`kept`] short enough), or where every text begins where that is empty. The
    /// program was recorded with so many `positions`.
    pub fn new(
        exec: &'a mut dyn Executor,
        positions: usize,
        tokenizer: &'a Tokenizer,
        prompt: &[u32],
    ) -> Decoder<'a> {
        let context = if prompt.is_empty() { vec![tokenizer.start()] } else { prompt.to_vec() };
        Decoder { exec, positions, tokenizer, context, cached: 0 }
    }

    /// Writes at most `max_tokens` tokens, telling each to `on_token`; stops at an end of text, which is told
    /// only if it is text too, or where `on_token` breaks. Returns what was written.
    ///
    /// # Errors
    /// A lost device, or logits that are not numbers.
    pub fn write(
        &mut self,
        max_tokens: usize,
        how: &Choice,
        rng: &mut Rng,
        mut on_token: impl FnMut(u32) -> ControlFlow<()>,
    ) -> Result<Vec<u32>> {
        let mut written = Vec::new();
        while written.len() < max_tokens {
            let token = choose(&self.logits()?, how, rng);
            let is_end = self.tokenizer.is_end(token);
            if is_end && !self.tokenizer.is_text(token) {
                break;
            }
            self.context.push(token);
            written.push(token);
            if on_token(token).is_break() || is_end {
                break;
            }
        }
        Ok(written)
    }

    /// The logits (V) after the context.
    fn logits(&mut self) -> Result<Vec<f32>> {
        let t = self.positions;
        if self.context.len() > t {
            // Full: the last half stays, and is read again from position 0.
            let keep = (t / 2).max(1);
            self.context.drain(..self.context.len() - keep);
            self.cached = 0;
        }
        let last = self.context.len() - 1;
        while self.cached < last {
            self.prefill(last)?;
        }
        self.exec.write(input::TOKEN, 0, &[self.context[last]])?;
        self.exec.run("decode", &Step { pos: last as u32, ..Step::default() })?;
        self.cached = self.context.len();
        self.exec.request(input::LOGITS)?;
        let logits = self.exec.receive_f32()?;
        if let Some(x) = logits.iter().find(|x| x.is_nan()) {
            return Err(Error::NotFinite {
                step: None,
                what: "the model's logits",
                value: *x,
                found: String::new(),
                next: "the checkpoint is damaged, or the driver computes wrongly: see `diarist doctor`"
                    .into(),
            });
        }
        Ok(logits)
    }

    /// Caches one block of the context, up to position `last` exclusive.
    fn prefill(&mut self, last: usize) -> Result<()> {
        let end = last.min(self.cached + PREFILL);
        let mut block = [0_u32; PREFILL];
        block[..end - self.cached].copy_from_slice(&self.context[self.cached..end]);
        self.exec.write(input::PREFILL, 0, &block)?;
        self.exec.run("prefill", &Step { pos: self.cached as u32, ..Step::default() })?;
        self.cached = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_prompt_leaves_room_for_what_is_to_be_written() {
        let prompt: Vec<u32> = (0..100).collect();
        assert_eq!(kept(&prompt[..60], 64, 4).len(), 60);
        assert_eq!(kept(&prompt, 64, 4), &prompt[40..]);
        assert_eq!(kept(&prompt, 64, 300), &prompt[68..]);
        assert_eq!(kept(&prompt, 1, 300), &prompt[99..]);
        assert_eq!(kept(&prompt, 64, 0), &prompt[36..]);
        assert!(kept(&[], 64, 4).is_empty());
    }
}
