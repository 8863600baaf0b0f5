//! `diarist pairs`: questions and answers from one's own documents, to train on.

mod batch;
mod check;
mod documents;
mod export;
mod split;

use std::process::ExitCode;

use clap::Subcommand;

/// Arguments of `pairs`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Write prompts of your documents, by theme, of which a model makes questions and answers; or have one answer them
    Batch(Box<batch::Args>),
    /// Check questions and answers against the documents that they are of
    Check(Box<check::Args>),
    /// Divide them into what is trained on and what is held out
    Split(split::Args),
    /// Write them as OpenAI's `messages`
    Export(export::Args),
}

/// Runs it.
///
/// # Errors
/// As each of its commands.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.what {
        What::Batch(args) => batch::run(args),
        What::Check(args) => check::run(args),
        What::Split(args) => split::run(args),
        What::Export(args) => export::run(args),
    }
}
