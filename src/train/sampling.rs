//! Samples while training: the same prompts and the same draws each time, so that what changes from one to the next is the model.

use std::ops::ControlFlow;

use crate::base::rng::Rng;
use crate::base::{Error, Result};
use crate::sample::{Choice, Decoder, kept};
use crate::train::session::{Bad, Session};

/// Tokens of a sample shown during training.
const SAMPLE_TOKENS: usize = 240;
/// The seed of those samples: the same draws at every step show what has changed.
const SAMPLE_SEED: u64 = 1;

impl Session<'_> {
    /// Lets the model write, from each prompt, into `samples.md` and to the observer.
    ///
    /// # Errors
    /// A lost device; logits that are no numbers; the file cannot be written.
    pub(super) fn sample(&mut self) -> Result<()> {
        self.receive_all()?;
        let step = self.run.position.step;
        let positions = self.engine.shape.positions;
        // With no prompts, one sample that begins where every text begins.
        let prompts = match self.run.settings.prompts.clone() {
            none if none.is_empty() => vec![String::new()],
            prompts => prompts,
        };
        for (i, prompt) in prompts.iter().enumerate() {
            let mut rng = Rng::new(SAMPLE_SEED, &format!("sample {i}"));
            let ids = match self.run.data.pairs {
                // A model of pairs is asked.
                Some(pairs) => pairs.form.before(None, &[], prompt, &self.tokenizer),
                None => self.tokenizer.encode_prompt(prompt),
            };
            let ids = kept(&ids, positions, SAMPLE_TOKENS);
            let mut decoder = Decoder::new(self.engine.exec.as_mut(), positions, &self.tokenizer, ids);
            let keep_on = |_| ControlFlow::Continue(());
            let ids = match decoder.write(SAMPLE_TOKENS, &Choice::default(), &mut rng, keep_on) {
                Err(Error::NotFinite { what, value, .. }) => {
                    return Err(self.not_finite(step, what, value, Bad::After));
                }
                other => other?,
            };
            let text = self.tokenizer.decode(&ids);
            self.samples.append(step, prompt, &text)?;
            self.observer.sampled(step, prompt, &text);
        }
        Ok(())
    }
}
