//! `diarist merge ADAPTER --out DIR`: a model and its adapters as one plain model.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::base::units::shown;
use crate::base::{Error, shell};
use crate::cli::adapters::{self, Adapters};
use crate::cli::convert;
use crate::cli::target::{Target, dtypes};
use crate::weights;
use crate::weights::Dtype;

/// Arguments of `merge`.
#[derive(clap::Args)]
pub struct Args {
    /// A run with --lora, an adapter's folder or GGUF; or, with --adapter, the model that adapters are laid on
    #[arg(value_name = "ADAPTER")]
    input: PathBuf,
    /// The folder that is written, for `transformers` and for every command here; nothing is overwritten
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The model that the adapter is laid on, where it is not the one, or not in the place, that the adapter names
    #[arg(long, value_name = "MODEL")]
    base: Option<PathBuf>,
    /// How numbers are stored
    #[arg(long, default_value = "f32", value_parser = dtypes())]
    dtype: Dtype,
    #[command(flatten)]
    adapters: Adapters,
}

/// Runs it.
///
/// # Errors
/// No adapter; one that does not fit its base, or whose base is not there; as `convert`.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    convert::check(Target::HuggingFace, &args.dtype, &args.out)?;
    args.adapters.check()?;
    let mut checkpoint = match &args.base {
        Some(base) => {
            let mut checkpoint = weights::open(base)?;
            if checkpoint.is_adapted() {
                let next = "name the whole model as --base; several adapters are laid on it with --adapter";
                return Err(
                    Error::file(base, "an adapter itself, and no model to lay another on", next).into()
                );
            }
            checkpoint.add_adapter(&args.input, 1.0)?;
            checkpoint
        }
        None => adapters::open(&args.input)?,
    };
    args.adapters.lay_on(&mut checkpoint)?;
    if !checkpoint.is_adapted() {
        let (input, out) = (shell::path(&args.input), shell::path(&args.out));
        let next = format!(
            "name an adapter, or add one with --adapter; a model as it is: {} convert {input} {out} --to hf",
            shell::program()
        );
        let problem = format!("{}, with no adapter on it: there is nothing to merge", checkpoint.format());
        return Err(Error::file(shown(&args.input), problem, next).into());
    }
    let job = convert::Args::folder(args.input.clone(), args.out.clone(), args.dtype.clone());
    convert::write(&job, Target::HuggingFace, &args.dtype, checkpoint)
}
