//! `diarist forget RUN --entries FILE`: the run again without some entries, and the measured proof.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::base::arch::Recompute;
use crate::base::units::thousands;
use crate::base::{disk, shell};
use crate::cli::out;
use crate::cli::table::{Align, Table};
use crate::cli::train::{ended, on_interrupt};
use crate::cli::watch::{How, Watch};
use crate::run::read_run;
use crate::train::options::recomputes;
use crate::train::{self, Forget, Forgotten, Options, Proof};

/// Arguments of `forget`.
#[derive(clap::Args)]
pub struct Args {
    /// The run's folder; it stays as it is
    run: PathBuf,
    /// What to forget, a line each: a day, a month, a year, a source as `diarist corpus --list` prints it, or a hash of the run's
    /// entries.jsonl
    #[arg(long, value_name = "FILE")]
    entries: PathBuf,
    /// The new run's folder [default: beside the run, under the next number]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Sequences that are computed together: fewer than the run had need less memory
    #[arg(long)]
    batch: Option<usize>,
    /// What backward computes a second time: none, gelu, or each block, which needs the least memory; the numbers are the same
    #[arg(long, value_name = "none|gelu|block", num_args = 0..=1, default_missing_value = "block", value_parser = recomputes())]
    recompute: Option<Recompute>,
    /// auto, cpu, gpu, gpu:1 or gpu:PART-OF-A-NAME
    #[arg(long, default_value = "auto")]
    device: String,
    /// Threads of the CPU; 0 for all
    #[arg(long, default_value_t = 0)]
    threads: usize,
}

/// Runs it.
///
/// # Errors
/// A run that cannot be trained again, or entries that it does not have.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Args { run, entries, out, batch, recompute, device, threads } = args;
    let options = Options { device: device.clone(), threads: *threads, ..Options::default() };
    let mut watch = Watch::new(&options, How::default());
    let wanted = Forget {
        run,
        list: entries,
        out: out.as_deref(),
        batch: *batch,
        recompute: *recompute,
        device,
        threads: *threads,
    };
    let forgotten = train::forget(wanted, &mut watch, &on_interrupt());
    watch.finish();
    let Forgotten { outcome, proof, others } = forgotten?;
    match proof {
        Some(proof) => told(&proof)?,
        None => out::note("not measured: the training was interrupted"),
    }
    holders(args, &others)?;
    Ok(ended(outcome))
}

/// The measured proof.
fn told(proof: &Proof) -> anyhow::Result<()> {
    let Proof { forgotten, unseen, tokens } = proof;
    let loss = |loss: f64| format!("{loss:.4}");
    let columns = [("nats/token", Align::Left), ("old model", Align::Right), ("new model", Align::Right)];
    let mut table = Table::new(&[&columns[..], &[("tokens", Align::Right)]].concat());
    let mut row = |what: &str, [old, new]: [f64; 2], tokens: usize| {
        table.row([what.to_string(), loss(old), loss(new), thousands(tokens as u64)]);
    };
    row("forgotten", *forgotten, tokens[0]);
    if let Some(unseen) = unseen {
        row("never seen", *unseen, tokens[1]);
    }
    out::line(&table)?;
    let Some(unseen) = unseen else {
        return out::line("Nothing is held out, so no text that neither model saw stands beside it.");
    };
    let better = |i: usize| unseen[i] - forgotten[i];
    let than = |by: f64| format!("{:.4} nats/token {}", by.abs(), if by < 0.0 { "worse" } else { "better" });
    out::line(format!(
        "The old model predicts the forgotten text {} than text it never saw, the new one {}. The new one was trained on \
         neither: what is left between them is how hard each text is, and what other entries say of it.",
        than(better(0)),
        than(better(1))
    ))
}

/// What still holds the text, and how each is removed.
fn holders(args: &Args, others: &[PathBuf]) -> anyhow::Result<()> {
    out::line("\nThe text is still in what you do not remove:")?;
    out::line(format!("  the run that learned it   rm -r {}", shell::path(&args.run)))?;
    for other in others {
        out::line(format!("  another run that has it   rm -r {}", shell::path(other)))?;
    }
    let cache = disk::cache_folder().map(|cache| cache.join("tokens")).filter(|cache| cache.exists());
    if let Some(cache) = cache {
        let cache = shell::path(cache);
        out::line(format!("  tokens of journals        rm -r {cache} (--no-cache keeps none there)"))?;
    }
    let paths = read_run(&args.run).map(|run| run.data.paths).unwrap_or_default();
    out::line(format!(
        "  the journals themselves   {}",
        paths.iter().map(shell::path).collect::<Vec<_>>().join(" ")
    ))?;
    out::line("  and in what was made of the run: by convert, by merge, or in another place by train")
}
