//! From a prompt to a text, a token at a time, with the keys and values of earlier positions cached on the device; and from one
//! prompt to several texts at once.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use crate::base::Result;
use crate::base::rng::Rng;
use crate::device::Executor;
use crate::sample::choose::Choice;
use crate::sample::streams::{Streams, Turn};
use crate::tokens::Tokenizer;

/// What of a prompt the model goes on from, with so many tokens to write: all that leaves room for them in a context of
/// `block_size`, and half the context in any case. The end stays, since the writing goes on from there.
pub fn kept(prompt: &[u32], block_size: usize, max_tokens: usize) -> &[u32] {
    let most = block_size - max_tokens.min(block_size / 2);
    &prompt[prompt.len().saturating_sub(most)..]
}

/// Which tokens may go on a text of which so much was written.
pub type Allows<'a> = dyn Fn(&[u32], u32) -> bool + 'a;

/// Any may.
pub fn any(_: &[u32], _: u32) -> bool {
    true
}

/// One text being written. The executor's program has the recordings `prefill` and `decode`.
pub struct Decoder<'a> {
    streams: Streams<'a>,
    text: usize,
    tokenizer: &'a Tokenizer,
}

/// A prompt, or where every text begins where that is empty.
fn opening(prompt: &[u32], tokenizer: &Tokenizer) -> Vec<u32> {
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
        let text = streams.begin(opening(prompt, tokenizer)).expect("the first of the places is free");
        Decoder { streams, text, tokenizer }
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
            let turn = Turn { text: self.text, how, rng, allows: Box::new(|_| true) };
            let token = self.streams.draw(&mut [turn])?[0].expect("all are allowed");
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

/// What happens to one of several texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Its next token.
    Token(u32),
    /// It has ended.
    End,
}

/// A text of several, while it is written.
struct Writing {
    /// Which it is.
    index: usize,
    /// Its place among the streams.
    text: usize,
    rng: Rng,
}

/// Writes texts, each from a prompt (as [`Decoder::new`] has it) with draws of its own, each what a [`Decoder`] alone would write
/// with them: as many at once as there are places, the next as soon as one has ended. `on_event` is told of each what happens, by
/// its index; where it breaks, all end. A text ends, too, where no likely token is allowed. Returns what was written.
///
/// # Errors
/// A lost device, or logits that are not numbers.
pub fn write_together(
    mut streams: Streams,
    tokenizer: &Tokenizer,
    (max_tokens, how, allows): (usize, &Choice, &Allows),
    texts: Vec<(Vec<u32>, Rng)>,
    mut on_event: impl FnMut(usize, Event) -> ControlFlow<()>,
) -> Result<Vec<Vec<u32>>> {
    let mut written = vec![Vec::new(); texts.len()];
    let mut waiting: VecDeque<(usize, (Vec<u32>, Rng))> = texts.into_iter().enumerate().collect();
    let mut writing: Vec<Writing> = Vec::new();
    loop {
        // One that may write nothing has ended when it begins.
        while let Some((index, _)) = waiting.front().filter(|_| max_tokens == 0) {
            if on_event(*index, Event::End).is_break() {
                return Ok(written);
            }
            waiting.pop_front();
        }
        while writing.len() < streams.places() {
            let Some((index, (prompt, rng))) = waiting.pop_front() else { break };
            let text = streams.begin(opening(&prompt, tokenizer)).expect("a place is free");
            writing.push(Writing { index, text, rng });
        }
        let turns = writing.iter_mut().map(|w| {
            let so_far: &[u32] = &written[w.index];
            let allows = Box::new(move |token| allows(so_far, token));
            Turn { text: w.text, how, rng: &mut w.rng, allows }
        });
        let tokens = streams.draw(&mut turns.collect::<Vec<Turn>>())?;
        if tokens.is_empty() {
            return Ok(written);
        }
        let mut tokens = tokens.into_iter();
        let mut broken = false;
        writing.retain(|w| {
            let token = tokens.next().expect("a turn's answer");
            let (is_told, is_end) = token.map_or((false, true), |token| judged(token, tokenizer));
            let text = &mut written[w.index];
            if let Some(token) = token.filter(|_| is_told && !broken) {
                streams.push(w.text, token);
                text.push(token);
                broken |= on_event(w.index, Event::Token(token)).is_break();
            }
            let ended = is_end || text.len() == max_tokens;
            if ended && !broken {
                streams.end(w.text);
                broken |= on_event(w.index, Event::End).is_break();
            }
            !ended
        });
        if broken {
            return Ok(written);
        }
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
