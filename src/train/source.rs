//! Where a run's weights and its tokenizer come from: nothing, or a checkpoint.

use std::path::Path;

use crate::base::{Config, Error, Result};
use crate::tokens::Tokenizer;
use crate::train::Options;
use crate::train::options::{PRESET, TOKENIZER};
use crate::weights::{Checkpoint, huggingface};

/// Where the weights and the tokenizer come from.
pub(super) struct Source {
    pub config: Config,
    pub tokenizer: Tokenizer,
    pub checkpoint: Option<Checkpoint>,
}

/// The tokenizer of the model that would be trained.
///
/// # Errors
/// A checkpoint that cannot be read; settings that cannot go together.
pub fn tokenizer_of(options: &Options) -> Result<Tokenizer> {
    Ok(Source::open(options)?.tokenizer)
}

/// What the model is called: a preset's name, or where it comes from.
pub(super) fn name(options: &Options) -> String {
    match options.from.as_deref() {
        Some("scratch") | None => options.preset.unwrap_or(PRESET).name().to_string(),
        Some(folder) => format!("from {folder}"),
    }
}

impl Source {
    pub fn open(options: &Options) -> Result<Source> {
        let from = options.source()?;
        if from == "scratch" {
            let tokenizer = Tokenizer::new(options.tokenizer.unwrap_or(TOKENIZER));
            let config = options.preset.unwrap_or(PRESET).config(tokenizer.vocab_size());
            return Ok(Source { config, tokenizer, checkpoint: None });
        }
        if options.preset.is_some() {
            return Err(Error::usage(
                "--preset is the shape of a model from scratch; a checkpoint has its own",
                "leave --preset out, or use --from scratch",
            ));
        }
        let checkpoint = huggingface::open(Path::new(from))?;
        let config = *checkpoint.config();
        let tokenizer = checkpoint.tokenizer()?.for_entries();
        if let Some(kind) = options.tokenizer.filter(|k| *k != tokenizer.kind()) {
            return Err(Error::usage(
                format!("--tokenizer {}, but this checkpoint's is {}", kind.name(), tokenizer.kind().name()),
                "leave --tokenizer out: a checkpoint has its own",
            ));
        }
        Ok(Source { config, tokenizer, checkpoint: Some(checkpoint) })
    }
}
