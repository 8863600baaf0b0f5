//! `diarist completions SHELL`: what a shell completes after `diarist`, from the definitions of the flags.

use std::process::ExitCode;

use clap_complete::Shell;

use crate::cli::out;

/// Arguments of `completions`.
#[derive(clap::Args)]
pub struct Args {
    /// The shell; bash reads it with: source <(diarist completions bash)
    shell: Shell,
}

/// Runs it for the whole command line.
///
/// # Errors
/// Output that cannot be written.
pub fn run(args: &Args, mut cli: clap::Command) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli, "diarist", &mut script);
    out::text(&String::from_utf8(script)?)?;
    Ok(ExitCode::SUCCESS)
}
