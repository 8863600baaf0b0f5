//! Several texts being written at once, each with a place of its own in the cache of keys and values: a token of each is one pass
//! through the model, which reads its weights once for all of them. What a text becomes does not depend on the others.

use crate::base::rng::Rng;
use crate::base::{Error, Result};
use crate::device::{Executor, Step};
use crate::model::{PREFILL, STREAMS, decode_name, input};
use crate::ops::kv_cache::NOWHERE;
use crate::sample::choose::{Choice, choose, choose_likely};

/// What the model sees of a text.
struct Text {
    /// At most as many tokens as there are positions.
    context: Vec<u32>,
    /// How many of them are in the cache.
    cached: usize,
}

// ANCHOR: turn
/// A text that is to have its next token, and how that is drawn.
pub struct Turn<'t> {
    /// What [`Streams::begin`] gave.
    pub text: usize,
    /// How it is drawn.
    pub how: &'t Choice,
    /// The text's own draws.
    pub rng: &'t mut Rng,
    /// Which tokens may come next.
    pub allows: Box<dyn Fn(u32) -> bool + 't>,
}
// ANCHOR_END: turn

/// The texts that a model is writing. The executor's program has the recordings of `Shape::writing`.
///
/// A text [begins](Streams::begin) with a prompt, has token after token [drawn](Streams::draw) and [taken](Streams::push), and
/// [ends](Streams::end), each at its own time; one that has no turn waits. Which tokens end a text is the caller's to say.
pub struct Streams<'a> {
    exec: &'a mut dyn Executor,
    /// Positions of the cache, of each text.
    positions: usize,
    /// For how many rows there are recordings, the fewest first.
    rows: Vec<usize>,
    /// By slot.
    texts: Vec<Option<Text>>,
}

impl<'a> Streams<'a> {
    /// No text yet, of as many as the program was recorded for, and with so many `positions`.
    pub fn new(exec: &'a mut dyn Executor, positions: usize) -> Streams<'a> {
        let slots = exec.plan().kept(input::TOKEN).words;
        let recorded = |&rows: &usize| exec.program().find(decode_name(rows)).is_some();
        let rows = (1..=slots.min(STREAMS)).filter(recorded).collect();
        Streams { exec, positions, rows, texts: (0..slots).map(|_| None).collect() }
    }

    /// How many texts there is a place for.
    pub fn places(&self) -> usize {
        self.texts.len()
    }

    /// Begins a text with a prompt of one token or more, [`kept`](crate::sample::kept) short enough; none where all places are
    /// taken. Nothing is computed before its first turn.
    pub fn begin(&mut self, prompt: Vec<u32>) -> Option<usize> {
        assert!(!prompt.is_empty(), "a text begins with a token");
        let free = self.texts.iter().position(Option::is_none)?;
        self.texts[free] = Some(Text { context: prompt, cached: 0 });
        Some(free)
    }

    /// Ends a text: its place is free.
    pub fn end(&mut self, text: usize) {
        self.texts[text] = None;
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
    pub fn draw(&mut self, turns: &mut [Turn]) -> Result<Vec<Option<u32>>> {
        if turns.is_empty() {
            return Ok(Vec::new());
        }
        let rows = *self.rows.iter().find(|&&rows| turns.len() <= rows).expect("no more turns than places");
        let (mut tokens, mut places) = (vec![0; rows], vec![NOWHERE; rows]);
        for (i, turn) in turns.iter().enumerate() {
            let last = self.prefill(turn.text)?;
            let text = self.of(turn.text);
            tokens[i] = text.context[last];
            places[i] = [turn.text as u32, last as u32];
            text.cached = last + 1;
        }
        self.exec.write(input::TOKEN, 0, &tokens)?;
        self.exec.write(input::PLACES, 0, places.as_flattened())?;
        self.exec.run(decode_name(rows), &Step::default())?;
        let words = |name: &str, each: usize| self.exec.plan().kept(name).words / (each * self.texts.len());
        let (v, k) = (words(input::LOGITS, 1), words(input::TOP, 2));
        // The likeliest are a hundredth of all; all are asked for where one may be drawn that is not among them.
        let among = turns.iter().all(|turn| turn.how.is_among(k, v));
        let (name, width) = if among { (input::TOP, 2 * k) } else { (input::LOGITS, v) };
        self.exec.request(name)?;
        let all = self.exec.receive_f32()?;
        let rows = all.chunks_exact(width).zip(turns);
        rows.map(|(row, turn)| {
            // A NaN comes before every number: it is among the likeliest. An id is none.
            match row.iter().find(|x| x.is_nan()) {
                Some(x) => Err(not_finite(*x)),
                None if among => Ok(choose_likely(row, turn.how, turn.rng, &turn.allows)),
                None => Ok(choose(row, turn.how, turn.rng, &turn.allows)),
            }
        })
        .collect()
    }

    /// The logits (V) of the last turns, one behind the other, and of places without a turn what is left there.
    ///
    /// # Errors
    /// A lost device.
    pub fn logits(&mut self) -> Result<Vec<f32>> {
        self.exec.request(input::LOGITS)?;
        self.exec.receive_f32()
    }

    fn of(&mut self, text: usize) -> &mut Text {
        self.texts[text].as_mut().expect("a text that has begun and not ended")
    }

    /// Caches a text's context up to its last token, whose place it returns.
    fn prefill(&mut self, text: usize) -> Result<usize> {
        let t = self.positions;
        let of = self.of(text);
        if of.context.len() > t {
            // Full: the last half stays, and is read again from position 0.
            let keep = (t / 2).max(1);
            of.context.drain(..of.context.len() - keep);
            of.cached = 0;
        }
        let last = of.context.len() - 1;
        loop {
            let of = self.of(text);
            let (first, end) = (of.cached, last.min(of.cached + PREFILL));
            if first >= end {
                return Ok(last);
            }
            of.cached = end;
            let (mut block, mut places) = ([0; PREFILL], [NOWHERE; PREFILL]);
            for (i, pos) in (first..end).enumerate() {
                block[i] = of.context[pos];
                places[i] = [text as u32, pos as u32];
            }
            self.exec.write(input::PREFILL, 0, &block)?;
            self.exec.write(input::PREFILL_PLACES, 0, places.as_flattened())?;
            self.exec.run("prefill", &Step::default())?;
        }
    }
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
