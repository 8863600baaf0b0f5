//! How tokens are drawn: the arguments that `sample`, `likeness` and `quiz` share.

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
}

impl Choosing {
    /// As it was asked for.
    ///
    /// # Errors
    /// A number out of its range.
    pub fn choice(&self) -> Result<Choice> {
        let how = Choice { temperature: self.temperature, top_k: self.top_k, top_p: self.top_p };
        how.check()?;
        Ok(how)
    }
}
