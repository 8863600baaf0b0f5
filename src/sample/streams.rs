//! Several texts being written at once, each with a place of its own in the cache of keys and values: a token of each is one pass
//! through the model, which reads its weights once for all of them. What a text becomes does not depend on the others.

use rayon::prelude::*;

use crate::base::rng::Rng;
use crate::base::{Error, Result};
use crate::device::{Executor, Step};
use crate::model::{PREFILL, STREAMS, decode_name, input};
use crate::ops::kv_cache::NOWHERE;
use crate::sample::choose::{Choice, SoFar, choose, choose_likely};

/// What the model sees of a text, and, of one that has ended, what of it is still in the cache.
#[derive(Default)]
struct Text {
    /// Whether it is being written.
    open: bool,
    /// At most as many tokens as there are positions.
    context: Vec<u32>,
    /// How many of them are in the cache.
    cached: usize,
    /// How many of these came there with a prompt. A text that begins as this one did keeps those: whichever text they were cached for,
    /// they have the same bits, which those of tokens that were drawn one at a time need not have.
    prefilled: usize,
}

impl Text {
    /// With how many tokens of a prompt it begins that are in the cache already; its last token is always read.
    fn shares(&self, prompt: &[u32]) -> usize {
        let same = self.context.iter().zip(prompt).take_while(|(a, b)| a == b).count();
        same.min(self.prefilled).min(prompt.len() - 1)
    }
}

// ANCHOR: turn
/// A text that is to have its next token, and how that is drawn.
pub struct Turn<'t> {
    /// What [`Streams::begin`] gave.
    pub text: usize,
    /// What stands before it: penalties count it.
    pub so_far: SoFar<'t>,
    /// How it is drawn.
    pub how: &'t Choice,
    /// The text's own draws.
    pub rng: &'t mut Rng,
    /// Which tokens may come next.
    pub allows: Box<dyn Fn(u32) -> bool + Send + 't>,
}
// ANCHOR_END: turn

/// The texts that a model is writing. The executor's program has the recordings of `Shape::writing`.
///
/// A text [begins](Streams::begin) with a prompt, has token after token [drawn](Streams::draw) and [taken](Streams::push), and
/// [ends](Streams::end), each at its own time; one that has no turn waits. Which tokens end a text is the caller's to say. A text that
/// begins as one before it did finds that beginning in the cache. The executor is lent to each call that computes, always the same one.
pub struct Streams {
    /// Positions of the cache, of each text.
    positions: usize,
    /// For how many rows there are recordings, the fewest first.
    rows: Vec<usize>,
    /// By slot.
    texts: Vec<Text>,
}

impl Streams {
    /// No text yet, of as many as the program was recorded for, and with so many `positions`.
    pub fn new(exec: &dyn Executor, positions: usize) -> Streams {
        let slots = exec.plan().kept(input::TOKEN).words;
        let recorded = |&rows: &usize| exec.program().find(decode_name(rows)).is_some();
        let rows = (1..=slots.min(STREAMS)).filter(recorded).collect();
        Streams { positions, rows, texts: (0..slots).map(|_| Text::default()).collect() }
    }

    /// How many texts there is a place for.
    pub fn places(&self) -> usize {
        self.texts.len()
    }

    /// Begins a text with a prompt of one token or more, [`kept`](crate::sample::kept) short enough; none where all places are
    /// taken. Nothing is computed before its first turn.
    pub fn begin(&mut self, prompt: Vec<u32>) -> Option<usize> {
        assert!(!prompt.is_empty(), "a text begins with a token");
        // Of the free places the one that has most of it cached, of equals the one where least would be lost.
        let free = (0..self.texts.len()).filter(|&i| !self.texts[i].open);
        let of = |i: &usize| (self.texts[*i].shares(&prompt), std::cmp::Reverse(self.texts[*i].prefilled));
        let best = free.max_by_key(|i| (of(i), std::cmp::Reverse(*i)))?;
        let cached = self.texts[best].shares(&prompt);
        self.texts[best] = Text { open: true, context: prompt, cached, prefilled: cached };
        Some(best)
    }

    /// How many of a text's tokens are in the cache: of one that has begun and had no turn, those that it shares with one before it.
    pub fn cached(&self, text: usize) -> usize {
        self.texts[text].cached
    }

    /// Ends a text: its place is free.
    pub fn end(&mut self, text: usize) {
        self.texts[text].open = false;
    }

    /// Takes a token as the next of a text.
    pub fn push(&mut self, text: usize, token: u32) {
        self.of(text).context.push(token);
    }

    /// Draws a token for each turn, in their order: the text's next, if it is [`push`](Streams::push)ed; none where none is allowed
    /// of those that are likely. Texts with different turns
    /// in one call stand side by side in one pass; two turns of one text are the caller's mistake.
    ///
    /// # Errors
    /// A lost device, or logits that are not numbers.
    pub fn draw(&mut self, exec: &mut dyn Executor, turns: &mut [Turn]) -> Result<Vec<Option<u32>>> {
        let (v, k) = self.widths(exec);
        // The likeliest are a hundredth of all; all are asked for where one may be drawn that is not among them.
        if turns.iter().all(|turn| turn.how.is_among(k, v)) {
            let top = self.run(exec, turns, input::TOP)?;
            let draw = |row: &[f32], turn: &mut Turn| choose_likely(row, turn.how, turn.rng, &turn.allows);
            return each(&top, 2 * k, turns, draw);
        }
        Ok(self.weigh(exec, turns)?.0)
    }

    /// As [`draw`](Streams::draw), the same tokens, with the logits (V) of each turn, one behind the other.
    ///
    /// # Errors
    /// A lost device, or logits that are not numbers.
    pub fn weigh(
        &mut self,
        exec: &mut dyn Executor,
        turns: &mut [Turn],
    ) -> Result<(Vec<Option<u32>>, Vec<f32>)> {
        let (v, _) = self.widths(exec);
        let logits = self.run(exec, turns, input::LOGITS)?;
        let draw = |row: &[f32], turn: &mut Turn| choose(row, &turn.so_far, turn.how, turn.rng, &turn.allows);
        Ok((each(&logits, v, turns, draw)?, logits))
    }

    /// How many logits each text has, and how many of the likeliest.
    fn widths(&self, exec: &dyn Executor) -> (usize, usize) {
        let words = |name: &str, each: usize| exec.plan().kept(name).words / (each * self.texts.len());
        (words(input::LOGITS, 1), words(input::TOP, 2))
    }

    /// One pass, with a row for each turn; what it leaves in a tensor.
    fn run(&mut self, exec: &mut dyn Executor, turns: &[Turn], what: &str) -> Result<Vec<f32>> {
        if turns.is_empty() {
            return Ok(Vec::new());
        }
        let rows = *self.rows.iter().find(|&&rows| turns.len() <= rows).expect("no more turns than places");
        let (mut tokens, mut places) = (vec![0; rows], vec![NOWHERE; rows]);
        let texts: Vec<usize> = turns.iter().map(|turn| turn.text).collect();
        while self.read(exec, &texts)? {}
        for (i, turn) in turns.iter().enumerate() {
            let text = self.of(turn.text);
            let last = text.context.len() - 1;
            tokens[i] = text.context[last];
            places[i] = [turn.text as u32, last as u32];
            text.cached = last + 1;
        }
        exec.write(input::TOKEN, 0, &tokens)?;
        exec.write(input::PLACES, 0, places.as_flattened())?;
        exec.run(decode_name(rows), &Step::default())?;
        exec.request(what)?;
        exec.receive_f32()
    }

    fn of(&mut self, text: usize) -> &mut Text {
        let of = &mut self.texts[text];
        assert!(of.open, "a text that has begun and not ended");
        of
    }

    /// How many of a text's tokens are to be read before its next turn can be taken.
    pub fn unread(&self, text: usize) -> usize {
        let Text { context, cached, .. } = &self.texts[text];
        let (all, t) = (context.len(), self.positions);
        // Full: see `read`.
        if all > t { (t / 2).max(1) - 1 } else { all - 1 - cached.min(&(all - 1)) }
    }

    /// Reads a block of some texts' tokens before the last of each, where there are some that are not in the cache; whether there were
    /// any. A turn reads whatever is left: whoever reads a long prompt beforehand, block by block, lets others have their turns
    /// meanwhile.
    ///
    /// # Errors
    /// A lost device.
    pub fn read(&mut self, exec: &mut dyn Executor, texts: &[usize]) -> Result<bool> {
        let t = self.positions;
        let (mut block, mut places, mut filled) = ([0; PREFILL], [NOWHERE; PREFILL], 0);
        for &text in texts {
            let of = self.of(text);
            if of.context.len() > t {
                // Full: the last half stays, and is read again from position 0.
                let keep = (t / 2).max(1);
                of.context.drain(..of.context.len() - keep);
                (of.cached, of.prefilled) = (0, 0);
            }
            // Short prompts share a block.
            let (first, last) = (of.cached, of.context.len() - 1);
            let end = last.min(first + PREFILL - filled);
            if first >= end {
                continue;
            }
            // Behind a token that was drawn nothing is as a prompt would leave it.
            of.prefilled = if of.prefilled == first { end } else { of.prefilled };
            of.cached = end;
            for pos in first..end {
                block[filled] = of.context[pos];
                places[filled] = [text as u32, pos as u32];
                filled += 1;
            }
        }
        if filled == 0 {
            return Ok(false);
        }
        exec.write(input::PREFILL, 0, &block)?;
        exec.write(input::PREFILL_PLACES, 0, places.as_flattened())?;
        exec.run("prefill", &Step::default())?;
        Ok(true)
    }
}

/// A draw for each turn, from its row of what was received.
fn each(
    all: &[f32],
    width: usize,
    turns: &mut [Turn],
    draw: impl Fn(&[f32], &mut Turn) -> Option<u32> + Sync,
) -> Result<Vec<Option<u32>>> {
    let rows = all.par_chunks_exact(width).zip(turns);
    rows.map(|(row, turn)| {
        // A NaN comes before every number, and an infinity before the others: they are among the likeliest. An id is neither.
        match row.iter().find(|x| x.is_nan() || **x == f32::INFINITY) {
            Some(x) => Err(not_finite(*x)),
            None => Ok(draw(row, turn)),
        }
    })
    .collect()
}

fn not_finite(value: f32) -> Error {
    Error::NotFinite {
        step: None,
        what: "the model's logits",
        value,
        found: String::new(),
        next: "the checkpoint is damaged, or the driver computes wrongly: see `diarist doctor`".into(),
    }
}
