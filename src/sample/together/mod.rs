//! Texts that one model writes side by side: of all [wishes](Wish) together as many at once as there are places, a token of each in one pass,
//! the next text as soon as one has ended. Each is what it would be alone.

mod growing;
mod said;
mod wish;

use std::collections::VecDeque;

use crate::base::Result;
use crate::base::rng::Rng;
use crate::device::Executor;
use crate::model::PREFILL;
use crate::sample::choose::{Choice, LogProbs, SoFar};
use crate::sample::streams::{Streams, Turn};
use crate::tokens::Tokenizer;
use growing::{Growing, Released};
pub use said::{Event, Finish, Likely, Listener, Until};
use wish::Course;
pub use wish::{Allows, Wish};

/// A text that has a place.
struct Text {
    /// Its wish.
    wish: u64,
    /// Which of the wish's.
    index: usize,
    /// Its place among the streams.
    place: usize,
    rng: Rng,
    growing: Growing,
    /// ln of the probability of all that was written.
    logprob: f64,
    /// Tokens of the prompt that are not read yet: one by one, where their probabilities are asked for.
    unread: VecDeque<u32>,
}

/// The texts of one model. The executor is lent to each pass, always the same one; its program has the recordings of `Shape::writing`.
pub struct Texts<'a> {
    streams: Streams,
    wishes: VecDeque<Course<'a>>,
    texts: Vec<Text>,
    next: u64,
}

impl<'a> Texts<'a> {
    /// None yet.
    pub fn new(streams: Streams) -> Texts<'a> {
        Texts { streams, wishes: VecDeque::new(), texts: Vec::new(), next: 0 }
    }

    /// Takes a wish, behind those that are there.
    pub fn push(&mut self, wish: Wish<'a>) {
        self.next += 1;
        self.wishes.push_back(Course::new(self.next, wish));
    }

    /// Whether there is nothing to write.
    pub fn is_idle(&self) -> bool {
        self.wishes.is_empty()
    }

    /// Writes until all wishes are fulfilled, or given up.
    ///
    /// # Errors
    /// A lost device, or logits that are not numbers.
    pub fn finish(&mut self, exec: &mut dyn Executor, tokenizer: &Tokenizer) -> Result<()> {
        while !self.is_idle() {
            self.pass(exec, tokenizer)?;
        }
        Ok(())
    }

    /// A token of each text that has a place and was read so far that one can be drawn; of a longer prompt a block is read meanwhile, so that
    /// it does not hold up the others.
    ///
    /// # Errors
    /// A lost device, or logits that are not numbers.
    pub fn pass(&mut self, exec: &mut dyn Executor, tokenizer: &Tokenizer) -> Result<()> {
        self.forget_the_forsaken();
        self.begin(tokenizer);
        let is_long = |streams: &Streams, text: &Text| streams.unread(text.place) > PREFILL;
        if let Some(text) = self.texts.iter().find(|text| is_long(&self.streams, text)) {
            self.streams.read(exec, &[text.place])?;
        }
        let (mut texts, waiting): (Vec<Text>, Vec<Text>) =
            std::mem::take(&mut self.texts).into_iter().partition(|text| !is_long(&self.streams, text));
        self.texts = waiting;
        if texts.is_empty() {
            return Ok(());
        }
        let greedy = Choice { temperature: 0.0, ..Choice::default() };
        let wishes = &self.wishes;
        let turns = texts.iter_mut().map(|text| {
            let wish =
                &wishes.iter().find(|course| course.id == text.wish).expect("a text is of a wish").wish;
            let written = &text.growing.written;
            let so_far = SoFar { prompt: &wish.prompt, written };
            // What is given is not drawn: the likeliest needs no draw.
            let how = if text.unread.is_empty() { &wish.how } else { &greedy };
            let allows: Box<dyn Fn(u32) -> bool + Send> = match &wish.allows {
                Some(allows) if text.unread.is_empty() => Box::new(move |token| allows(written, token)),
                _ => Box::new(|_| true),
            };
            Turn { text: text.place, so_far, how, rng: &mut text.rng, allows }
        });
        let mut turns: Vec<Turn> = turns.collect();
        let (drawn, logits) = match wishes.iter().any(Course::is_weighed) {
            true => self.streams.weigh(exec, &mut turns)?,
            false => (self.streams.draw(exec, &mut turns)?, Vec::new()),
        };
        drop(turns);
        let v = logits.len() / self.streams.places();
        for (row, (mut text, drawn)) in texts.into_iter().zip(drawn).enumerate() {
            let logits = logits.get(row * v..(row + 1) * v).filter(|logits| !logits.is_empty());
            match self.take(&mut text, drawn, logits, tokenizer) {
                true => self.streams.end(text.place),
                false => self.texts.push(text),
            }
        }
        self.wishes.retain(|course| !course.is_done());
        Ok(())
    }

    /// Takes a text's next token, of the logits (V) it was drawn from where these are needed; whether the text has ended.
    fn take(
        &mut self,
        text: &mut Text,
        drawn: Option<u32>,
        logits: Option<&[f32]>,
        tokenizer: &Tokenizer,
    ) -> bool {
        let course = self.wishes.iter_mut().find(|of| of.id == text.wish).expect("a text is of a wish");
        let (weighed, beside) = (course.is_weighed(), course.wish.logprobs.unwrap_or(0));
        let likely = |token: u32| {
            let of = logits.filter(|_| weighed)?;
            let all = LogProbs::new(of);
            let instead = all.likeliest(beside).into_iter();
            let instead = instead.map(|(id, ln)| (tokenizer.shown(id).into_owned(), ln)).collect();
            let bytes = tokenizer.shown(token).into_owned();
            Some(Likely { id: token, bytes, logprob: Some(all.of(token)), instead })
        };
        if let Some(token) = text.unread.pop_front() {
            let tokens = likely(token).into_iter().collect();
            course.tell(text.index, Released { tokens, ..Released::default() });
            self.streams.push(text.place, token);
            let done = text.unread.is_empty() && course.wish.most == 0;
            if done {
                course.end(text.index, Finish::Length, Vec::new(), 0.0);
            }
            return done;
        }
        let ends = |token: u32| tokenizer.is_end(token) || course.wish.ends.contains(&token);
        let mut finish = drawn.is_none_or(ends).then_some(Finish::Stop);
        // An end is told only if it is text too.
        if let Some(token) = drawn.filter(|&token| finish.is_none() || tokenizer.is_text(token)) {
            let likely = likely(token);
            text.logprob += likely.as_ref().and_then(|of| of.logprob).map_or(0.0, f64::from);
            let released = text.growing.take(token, &tokenizer.shown(token), likely);
            self.streams.push(text.place, token);
            if released.stopped {
                finish = Some(Finish::Stop);
            } else if finish.is_none() && text.growing.written.len() >= course.wish.most {
                finish = Some(Finish::Length);
            }
            course.tell(text.index, released);
        }
        if let Some(finish) = finish {
            course.tell(text.index, text.growing.end());
            course.end(text.index, finish, std::mem::take(&mut text.growing.written), text.logprob);
        }
        finish.is_some()
    }

    /// Texts of wishes that nobody waits for are ended.
    fn forget_the_forsaken(&mut self) {
        let gone = |course: &Course| course.wish.listener.is_gone();
        let forsaken: Vec<u64> = self.wishes.iter().filter(|course| gone(course)).map(|c| c.id).collect();
        for text in self.texts.extract_if(.., |text| forsaken.contains(&text.wish)) {
            self.streams.end(text.place);
        }
        self.wishes.retain(|course| !forsaken.contains(&course.id));
    }

    /// Begins as many texts as there are places, the wishes in their order.
    fn begin(&mut self, tokenizer: &Tokenizer) {
        'wishes: for course in &mut self.wishes {
            while let Some(rng) = course.wish.draws.get(course.begun).cloned() {
                let (index, wish) = (course.begun, &course.wish);
                // Where the prompt is told with its probabilities, it is read a token at a time, its first one given.
                let read = if wish.echo && wish.logprobs.is_some() { 1 } else { wish.prompt.len() };
                if wish.most == 0 && read == wish.prompt.len() {
                    // One that may write nothing has ended when it begins.
                    echo(course, index, tokenizer);
                    course.begun += 1;
                    course.end(index, Finish::Length, Vec::new(), 0.0);
                    continue;
                }
                let Some(place) = self.streams.begin(wish.prompt[..read].to_vec()) else { break 'wishes };
                let (unread, growing) =
                    (wish.prompt[read..].iter().copied().collect(), Growing::new(wish.stops.clone()));
                echo(course, index, tokenizer);
                course.begun += 1;
                self.texts.push(Text { wish: course.id, index, place, rng, growing, logprob: 0.0, unread });
            }
        }
        self.wishes.retain(|course| !course.is_done());
    }
}

/// Tells the prompt before a text, where that is asked for: its words at once, its first token with no probability.
fn echo(course: &mut Course, index: usize, tokenizer: &Tokenizer) {
    if course.wish.echo {
        let text = tokenizer.decode_start(&course.wish.prompt);
        let token = |&id: &u32| Likely {
            id,
            bytes: tokenizer.shown(id).into_owned(),
            logprob: None,
            instead: Vec::new(),
        };
        let tokens = course.wish.prompt.first().map(token).into_iter().collect();
        course.tell(index, Released { text, tokens, stopped: false });
    }
}
