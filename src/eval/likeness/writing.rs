//! What a model writes when it is asked for entries: one below each header that it is given.

use std::ops::ControlFlow;

use crate::base::Result;
use crate::base::rng::Rng;
use crate::sample::{Choice, Event, Model, Streams, any, kept, write_together};
use crate::tokens::Tokenizer;

/// Writes a text for each of the openings (an empty one is where every text begins), of `most` tokens at most, drawn by the seed. The model was opened for text,
/// with the recordings of `Shape::writing`; `progress` is told of each that has ended. What is written is the continuation alone.
///
/// # Errors
/// A lost device, or logits that are not numbers.
pub fn write(
    model: &mut Model,
    tokenizer: &Tokenizer,
    openings: &[&str],
    (most, how, seed): (usize, &Choice, u64),
    mut progress: impl FnMut(f64),
) -> Result<Vec<String>> {
    let positions = model.positions;
    let text = |(i, opening): (usize, &&str)| {
        let prompt = kept(&tokenizer.encode_prompt(opening), positions, most).to_vec();
        (prompt, Rng::new(seed, &format!("likeness {i}")))
    };
    let texts: Vec<(Vec<u32>, Rng)> = openings.iter().enumerate().map(text).collect();
    let mut ended = 0;
    let streams = Streams::new(model.exec.as_mut(), positions);
    let written = write_together(streams, tokenizer, (most, how, &any), texts, |_, event| {
        if event == Event::End {
            ended += 1;
            progress(ended as f64 / openings.len() as f64);
        }
        ControlFlow::Continue(())
    })?;
    Ok(written.iter().map(|ids| tokenizer.decode(ids)).collect())
}
