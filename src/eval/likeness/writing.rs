//! What a model writes when it is asked for entries: one below each header that it is given.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;

use crate::base::Result;
use crate::base::rng::Rng;
use crate::sample::stops::Stops;
use crate::sample::talk::Ends;
use crate::sample::{self, Choice, Event, Model, Streams, Texts, Until, Wish, kept};
use crate::tokens::Tokenizer;

/// Writes a text behind each of the openings (an empty one is where every text begins), of `most` tokens at most, drawn by the seed and
/// ended by the end of text, or by what `ends` one. The model was opened for text, with the recordings of `Shape::writing`; `progress`
/// is told of each that has ended. What is written is the continuation alone.
///
/// # Errors
/// A lost device, or logits that are not numbers.
pub fn write(
    model: &mut Model,
    tokenizer: &Tokenizer,
    (openings, ends): (&[Vec<u32>], &Ends),
    (most, how, seed): (usize, &Choice, u64),
    mut progress: impl FnMut(f64),
) -> Result<Vec<String>> {
    let positions = model.positions;
    let ended = Cell::new(0);
    let progress = RefCell::new(&mut progress);
    let written: RefCell<Vec<String>> = RefCell::new(vec![String::new(); openings.len()]);
    let mut texts = Texts::new(Streams::new(model.exec.as_ref(), positions));
    for (i, opening) in openings.iter().enumerate() {
        let prompt = sample::opening(kept(opening, positions, most), tokenizer);
        let (written, ended, progress) = (&written, &ended, &progress);
        let told = Until::new(move |event| {
            match event {
                Event::Piece { text, .. } => written.borrow_mut()[i] += &text,
                Event::Ended { .. } => {
                    ended.set(ended.get() + 1);
                    progress.borrow_mut()(ended.get() as f64 / openings.len() as f64);
                }
            }
            ControlFlow::Continue(())
        });
        let draws = vec![Rng::new(seed, &format!("likeness {i}"))];
        let mut wish = Wish::new(prompt, draws, (most, how), told);
        wish.ends.clone_from(&ends.ids);
        wish.stops = Stops::new(ends.strings.clone())?;
        texts.push(wish);
    }
    texts.finish(model.exec.as_mut(), tokenizer)?;
    drop(texts);
    Ok(written.into_inner())
}
