//! `diarist pairs split FILE…`: what is trained on, and what is held out.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::base::units::{counted, shown};
use crate::base::{Error, disk, shell};
use crate::cli::out;
use crate::cli::pairs::documents;
use crate::dataset::pairs::{own_jsonl, split};

/// Arguments of `pairs split`.
#[derive(clap::Args)]
pub struct Args {
    /// Files of pairs, or folders of them
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// A new folder, for train.jsonl and held.jsonl
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The share that is held out, of every theme; what asks nearly the same stays together
    #[arg(long, default_value_t = 0.1)]
    fraction: f64,
    /// The seed that draws them
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs it.
///
/// # Errors
/// No pairs; a folder that is there already; a fraction that leaves nothing on one side.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if !(args.fraction > 0.0 && args.fraction < 1.0) {
        return Err(Error::usage(
            format!("--fraction {}", args.fraction),
            "use more than 0, and less than 1",
        )
        .into());
    }
    out::check_new(&args.out, "--out")?;
    let (pairs, _) = documents::pairs(&args.files)?;
    let (train, held) = split(pairs, args.fraction, args.seed);
    if train.is_empty() || held.is_empty() {
        let problem = "they cannot be divided: too few of them are not much alike";
        return Err(Error::file(&args.files[0], problem, "make more, or use a larger --fraction").into());
    }
    disk::create_folder(&args.out)?;
    for (name, pairs) in [("train.jsonl", &train), ("held.jsonl", &held)] {
        let file = args.out.join(name);
        disk::write_new(&file, own_jsonl(pairs).as_bytes())?;
        out::line(format!("{}: {}", shown(&file), counted(pairs.len() as u64, "pair", "pairs")))?;
    }
    let [program, train, held] = [
        shell::program(),
        shell::path(args.out.join("train.jsonl")),
        shell::path(args.out.join("held.jsonl")),
    ];
    out::note(format!("next: {program} train {train} --pairs; then {program} eval RUN --pairs {held}"));
    Ok(ExitCode::SUCCESS)
}
