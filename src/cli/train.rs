//! `diarist train PATH…`: from journals to a model that writes.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::builder::PossibleValuesParser;

use crate::base::{Error, Preset};
use crate::cli::out;
use crate::cli::reading::Reading;
use crate::cli::watch::Watch;
use crate::journal;
use crate::tokens::Kind;
use crate::train::{self, Options, Outcome};

/// Arguments of `train`.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["paths", "resume"]))]
pub struct Args {
    /// Journals: files, folders and zips, of any kinds, freely mixed; `diarist corpus` shows what is in them
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Continue the run in DIR where its last saved state is; a larger --steps extends it
    #[arg(long, value_name = "DIR")]
    resume: Option<PathBuf>,
    /// What to start from: `scratch`, or a folder with GPT-2 (config.json, model.safetensors) or with an earlier run
    #[arg(long, value_name = "scratch|DIR")]
    from: Option<String>,
    /// The shape of a model from scratch [default: tiny]
    #[arg(long, value_parser = PossibleValuesParser::new(Preset::ALL.map(Preset::name)))]
    preset: Option<String>,
    /// The tokenizer of a model from scratch [default: bytes]
    #[arg(long, value_parser = PossibleValuesParser::new(Kind::ALL.map(Kind::name)))]
    tokenizer: Option<String>,
    /// The run's folder [default: checkpoints/NAME of the first PATH]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Optimizer steps
    #[arg(long)]
    steps: Option<u64>,
    /// Passes over the text [default: 3 from a checkpoint]
    #[arg(long)]
    epochs: Option<f32>,
    /// Tokens of a sequence
    #[arg(long, alias = "block-size")]
    context: Option<usize>,
    /// Sequences that are computed together
    #[arg(long)]
    batch: Option<usize>,
    /// Batches whose gradients are added up for one step
    #[arg(long, alias = "grad-accum")]
    accumulate: Option<usize>,
    /// The highest learning rate
    #[arg(long)]
    lr: Option<f32>,
    /// Steps over which the learning rate rises
    #[arg(long)]
    warmup: Option<u64>,
    /// AdamW's weight decay of matrices and embeddings [default: 0.1]
    #[arg(long)]
    weight_decay: Option<f32>,
    /// The largest global gradient norm; 0 for no clipping [default: 1]
    #[arg(long)]
    grad_clip: Option<f32>,
    /// The share of activations that is dropped [default: 0.1, from scratch 0]
    #[arg(long)]
    dropout: Option<f32>,
    /// The seed of everything random [default: 1]
    #[arg(long)]
    seed: Option<u64>,
    /// The share of the text that is held out, in whole entries [default: 0.1]
    #[arg(long)]
    val_fraction: Option<f64>,
    /// Which entries are held out: random, latest, or a FILE that lists days or sources [default: random]
    #[arg(long, value_name = "random|latest|FILE")]
    split: Option<String>,
    /// What stands before each entry, as "{date:%A, %B %-d, %Y}\n"; also {title}, {tags}, {source} and --label's keys
    #[arg(long, value_name = "TEMPLATE")]
    header: Option<String>,
    /// Say of everything below PATH what it is, for --header; repeatable
    #[arg(long, value_name = "PATH=KEY:VALUE", requires = "header")]
    label: Vec<String>,
    /// Leave the header out of the loss
    #[arg(long)]
    mask_header: bool,
    /// Steps between validations
    #[arg(long)]
    eval_every: Option<u64>,
    /// Steps between samples
    #[arg(long)]
    sample_every: Option<u64>,
    /// Steps between saves; there is one at least every ten minutes
    #[arg(long)]
    save_every: Option<u64>,
    /// auto, cpu, gpu, gpu:1 or gpu:PART-OF-A-NAME; auto takes the best real GPU, else the CPU
    #[arg(long)]
    device: Option<String>,
    /// Threads of the CPU; 0 for all
    #[arg(long, default_value_t = 0)]
    threads: usize,
    #[command(flatten)]
    reading: Reading,
}

impl Args {
    fn options(&self) -> Options {
        Options {
            paths: self.paths.clone(),
            journal: journal::Options { labels: self.label.clone(), ..self.reading.options() },
            header: self.header.clone(),
            mask_header: self.mask_header,
            split: self.split.clone(),
            cache: !self.reading.no_cache,
            strict: self.reading.strict,
            from: self.from.clone(),
            preset: self.preset.as_deref().and_then(Preset::from_name),
            tokenizer: self.tokenizer.as_deref().and_then(Kind::from_name),
            out: self.out.clone(),
            steps: self.steps,
            epochs: self.epochs,
            context: self.context,
            batch: self.batch,
            accumulate: self.accumulate,
            lr: self.lr,
            warmup: self.warmup,
            weight_decay: self.weight_decay,
            grad_clip: self.grad_clip,
            dropout: self.dropout,
            freeze: Default::default(),
            seed: self.seed,
            val_fraction: self.val_fraction,
            eval_every: self.eval_every,
            sample_every: self.sample_every,
            save_every: self.save_every,
            device: self.device.clone().unwrap_or_else(|| "auto".to_string()),
            threads: self.threads,
        }
    }

    /// The flags that a resumed run has no use for: it goes on as it was begun.
    fn refused_with_resume(&self) -> Vec<&'static str> {
        let flags = [
            ("PATH", !self.paths.is_empty()),
            ("--from", self.from.is_some()),
            ("--preset", self.preset.is_some()),
            ("--tokenizer", self.tokenizer.is_some()),
            ("--out", self.out.is_some()),
            ("--epochs", self.epochs.is_some()),
            ("--context", self.context.is_some()),
            ("--batch", self.batch.is_some()),
            ("--accumulate", self.accumulate.is_some()),
            ("--lr", self.lr.is_some()),
            ("--warmup", self.warmup.is_some()),
            ("--weight-decay", self.weight_decay.is_some()),
            ("--grad-clip", self.grad_clip.is_some()),
            ("--dropout", self.dropout.is_some()),
            ("--seed", self.seed.is_some()),
            ("--val-fraction", self.val_fraction.is_some()),
            ("--split", self.split.is_some()),
            ("--header", self.header.is_some()),
            ("--mask-header", self.mask_header),
            ("--label", !self.label.is_empty()),
            ("what is read of the journals", self.reading.is_asked()),
            ("--eval-every", self.eval_every.is_some()),
            ("--sample-every", self.sample_every.is_some()),
            ("--save-every", self.save_every.is_some()),
        ];
        flags.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect()
    }
}

/// Runs it.
///
/// # Errors
/// Whatever keeps it from training; what was saved is whole.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let stop = on_interrupt();
    let mut watch = Watch::new();
    let outcome = match &args.resume {
        Some(dir) => {
            let refused = args.refused_with_resume();
            if !refused.is_empty() {
                let problem =
                    format!("--resume goes on as the run was begun; {} cannot change", refused.join(", "));
                let next = "leave it out, or begin a new run with --from DIR";
                return Err(Error::usage(problem, next).into());
            }
            train::resume(dir, args.steps, args.device.as_deref(), args.threads, &mut watch, &stop)
        }
        None => train::start(&args.options(), &mut watch, &stop),
    };
    watch.finish();
    let Outcome { dir, interrupted } = outcome?;
    let program = std::env::args().next().unwrap_or_else(|| "diarist".to_string());
    let mut dir = dir.display().to_string();
    if dir.starts_with('-') {
        dir = format!("./{dir}"); // a folder, not a flag
    }
    let dir = quoted(&dir);
    let (line, code) = if interrupted {
        (format!("saved; to go on: {} train --resume {dir}", quoted(&program)), ExitCode::from(130))
    } else {
        (format!("{} sample {dir}", quoted(&program)), ExitCode::SUCCESS)
    };
    // The run is saved whether or not anyone still reads this; the exit code tells how it ended.
    let _ = writeln!(std::io::stdout(), "{line}");
    Ok(code)
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/\\._-+:".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_string()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Set by the first Ctrl-C (or a termination request); the second ends the process at once.
fn on_interrupt() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let seen = stop.clone();
    let handler = move || {
        if seen.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        out::note("\nfinishing this step, then saving; Ctrl-C again ends at once");
    };
    // Without a handler Ctrl-C ends the process, and a resume goes on from the last saved state: no reason to stop here.
    let _ = ctrlc::set_handler(handler);
    stop
}
