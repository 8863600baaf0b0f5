//! `diarist pairs export FILE…`: for other trainers.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::base::disk;
use crate::base::units::{counted, shown};
use crate::cli::out;
use crate::cli::pairs::documents;
use crate::dataset::pairs::{Pair, messages_jsonl};
use crate::journal;

/// Arguments of `pairs export`.
#[derive(clap::Args)]
pub struct Args {
    /// Files of pairs, or folders of them
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// A new file: JSONL of OpenAI's `messages`
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// A describing prompt, which stands as the system's message in each
    #[arg(long, value_name = "FILE", conflicts_with = "no_system")]
    system: Option<PathBuf>,
    /// No system's message, though the pairs have their own
    #[arg(long)]
    no_system: bool,
}

/// Runs it.
///
/// # Errors
/// No pairs; a file that is there already.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    out::check_new(&args.out, "--out")?;
    let system = args.system.as_deref().map(journal::read_list).transpose()?;
    let (mut pairs, _) = documents::pairs(&args.files)?;
    if args.no_system {
        pairs = pairs.into_iter().map(|pair| Pair { system: None, ..pair }).collect();
    }
    disk::write_new(&args.out, messages_jsonl(&pairs, system.as_deref().map(str::trim)).as_bytes())?;
    out::line(format!("{}: {}", shown(&args.out), counted(pairs.len() as u64, "pair", "pairs")))?;
    Ok(ExitCode::SUCCESS)
}
