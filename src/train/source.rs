//! Where a run's weights and its tokenizer come from: nothing, or a checkpoint.

use crate::base::units::shown;
use crate::base::{Config, Error, Preset, Result, shell};
use crate::tokens::Tokenizer;
use crate::train::Options;
use crate::train::options::{PRESET, TOKENIZER};
use crate::train::origin::Origin;
use crate::weights::{self, Checkpoint};

/// Where the weights and the tokenizer come from.
pub(super) struct Source {
    pub config: Config,
    pub tokenizer: Tokenizer,
    pub checkpoint: Option<Checkpoint>,
}

/// The tokenizer of the model that would be trained.
///
/// # Errors
/// A checkpoint that is not here or cannot be read; settings that cannot go together.
pub fn tokenizer_of(options: &Options) -> Result<Tokenizer> {
    Ok(Source::here(options)?.0.tokenizer)
}

/// What the model is called: a preset's name, or where it comes from.
pub(super) fn name(options: &Options, origin: &Origin) -> String {
    match origin {
        Origin::Scratch => options.preset.unwrap_or(PRESET).name().to_string(),
        Origin::Folder(folder) => format!("from {}", shown(folder)),
        Origin::Cache(name, _) | Origin::Hub(_, name) => format!("from {name}"),
    }
}

impl Source {
    /// Whether its weights are a model and an adapter beside it.
    pub fn is_adapted(&self) -> bool {
        self.checkpoint.as_ref().is_some_and(Checkpoint::is_adapted)
    }

    /// Opens what a run would start from, if it is on this computer.
    pub fn here(options: &Options) -> Result<(Source, Origin)> {
        match options.source()? {
            Origin::Hub(hub, name) => Err(hub.not_here(&name)),
            origin => Ok((Source::open(options, &origin)?, origin)),
        }
    }

    /// Opens what a run starts from. Of a model that is still to be fetched, what GPT-2's are: its tokenizer and its shape;
    /// then this is to be asked again.
    pub fn open(options: &Options, origin: &Origin) -> Result<Source> {
        if let Origin::Scratch = origin {
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
        let source = match origin {
            Origin::Folder(folder) | Origin::Cache(_, folder) => {
                let checkpoint = weights::open(folder)?;
                if options.lora.is_some() && checkpoint.is_adapted() {
                    return Err(Error::file(
                        checkpoint.path(),
                        "an adapter already, and a new one trains beside a whole model",
                        format!(
                            "make one model of it and its base: {} merge {} --out MODEL; then --from MODEL",
                            shell::program(),
                            shell::path(folder)
                        ),
                    ));
                }
                let config = *checkpoint.config();
                let tokenizer = checkpoint.tokenizer()?.for_entries();
                Source { config, tokenizer, checkpoint: Some(checkpoint) }
            }
            Origin::Scratch | Origin::Hub(..) => {
                let tokenizer = Tokenizer::gpt2();
                Source { config: Preset::Gpt2.config(tokenizer.vocab_size()), tokenizer, checkpoint: None }
            }
        };
        let kind = source.tokenizer.kind();
        if let Some(wanted) = options.tokenizer.filter(|wanted| *wanted != kind) {
            return Err(Error::usage(
                format!("--tokenizer {}, but this checkpoint's is {}", wanted.name(), kind.name()),
                "leave --tokenizer out: a checkpoint has its own",
            ));
        }
        Ok(source)
    }
}
