//! How tokens are drawn: the arguments that `sample`, `chat`, `likeness` and `quiz` share.

use crate::base::Result;
use crate::sample::Choice;

/// Arguments of every command that lets a model write.
#[derive(clap::Args)]
pub struct Choosing {
    /// 0 always takes the likeliest token; 1 draws as the model believes; more is wilder
    #[arg(long, default_value_t = 0.8)]
    temperature: f32,
    /// Draw from the K likeliest tokens only; 0 for all
    #[arg(long, default_value_t = 200)]
    top_k: usize,
    /// Of those, draw from the fewest whose probabilities reach P
    #[arg(long, default_value_t = 1.0)]
    top_p: f32,
    /// Of those, draw from the ones that are at least P times as likely as the likeliest; 0 for all
    #[arg(long, value_name = "P", default_value_t = 0.0)]
    min_p: f32,
    /// Of those, draw from the ones whose surprise is nearest to what is expected, as many as reach P; 1 for all
    #[arg(long, value_name = "P", default_value_t = 1.0)]
    typical_p: f32,
    /// Divide the likelihood of what stands in the prompt or was written: 1.1 repeats less, 1 is off
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    repetition_penalty: f32,
    /// Take so much from a token's logit for each time that it was written; 0 is off
    #[arg(long, value_name = "X", default_value_t = 0.0, allow_negative_numbers = true)]
    frequency_penalty: f32,
    /// Take so much from a token's logit if it was written at all; 0 is off
    #[arg(long, value_name = "X", default_value_t = 0.0, allow_negative_numbers = true)]
    presence_penalty: f32,
    /// Write no N tokens in a row a second time; 0 is off
    #[arg(long, value_name = "N", default_value_t = 0)]
    no_repeat_ngram: usize,
    /// Add X to the logit of a token, by its id: -100 never, 100 always; repeatable
    #[arg(long, value_name = "ID:X", value_parser = bias, allow_hyphen_values = true)]
    logit_bias: Vec<(u32, f32)>,
}

/// `50256:-100`.
///
/// # Errors
/// It is no such thing.
pub fn bias(typed: &str) -> std::result::Result<(u32, f32), String> {
    let parts =
        typed.split_once(':').and_then(|(id, x)| Some((id.trim().parse().ok()?, x.trim().parse().ok()?)));
    parts.ok_or_else(|| "give a token's id and what is added to its logit: 50256:-100".into())
}

impl Choosing {
    /// As it was asked for.
    ///
    /// # Errors
    /// A number out of its range.
    pub fn choice(&self) -> Result<Choice> {
        let how = Choice {
            temperature: self.temperature,
            top_k: self.top_k,
            top_p: self.top_p,
            min_p: self.min_p,
            typical_p: self.typical_p,
            repetition_penalty: self.repetition_penalty,
            frequency_penalty: self.frequency_penalty,
            presence_penalty: self.presence_penalty,
            no_repeat_ngram: self.no_repeat_ngram,
            logit_bias: self.logit_bias.clone(),
        };
        how.check()?;
        Ok(how)
    }
}
