//! From a prompt to a text, a token at a time, with the keys and values of earlier positions cached on the device.

use std::ops::ControlFlow;

use crate::base::Result;
use crate::base::rng::Rng;
use crate::device::Executor;
use crate::sample::choose::{Choice, SoFar};
use crate::sample::streams::{Streams, Turn};
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
    streams: Streams,
    text: usize,
    tokenizer: &'a Tokenizer,
    prompt: Vec<u32>,
}

/// A prompt, or where every text begins where that is empty.
pub fn opening(prompt: &[u32], tokenizer: &Tokenizer) -> Vec<u32> {
    if prompt.is_empty() { vec![tokenizer.start()] } else { prompt.to_vec() }
}

/// Whether a token is the text's, and whether it ends the text: an end of text is told only if it is text too.
fn judged(token: u32, tokenizer: &Tokenizer) -> (bool, bool) {
    let is_end = tokenizer.is_end(token);
    (!is_end || tokenizer.is_text(token), is_end)
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
        let mut streams = Streams::new(exec, positions);
        let prompt = opening(prompt, tokenizer);
        let text = streams.begin(prompt.clone()).expect("the first of the places is free");
        Decoder { exec, streams, text, tokenizer, prompt }
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
            let so_far = SoFar { prompt: &self.prompt, written: &written };
            let turn = Turn { text: self.text, so_far, how, rng, allows: Box::new(|_| true) };
            // None where every token would repeat what may not be repeated.
            let Some(token) = self.streams.draw(self.exec, &mut [turn])?[0] else { break };
            let (is_told, is_end) = judged(token, self.tokenizer);
            if !is_told {
                break;
            }
            self.streams.push(self.text, token);
            written.push(token);
            if on_token(token).is_break() || is_end {
                break;
            }
        }
        Ok(written)
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
