//! `diarist eval DIR --text FILE`: how well a model predicts a text.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::base::{Error, memory, units};
use crate::cli::opening::Opening;
use crate::cli::out;
use crate::eval::score;

/// Arguments of `eval`.
#[derive(clap::Args)]
pub struct Args {
    /// A run's folder, or any GPT-2 folder
    dir: PathBuf,
    /// The text, taken as it stands: no entries, no cleaning
    #[arg(long)]
    text: PathBuf,
    /// Tokens from one window to the next; half the context where it is not given
    #[arg(long)]
    stride: Option<usize>,
    #[command(flatten)]
    opening: Opening,
    /// One line of JSON: {"loss":…,"perplexity":…,"tokens":…}
    #[arg(long)]
    json: bool,
}

/// Runs it.
///
/// # Errors
/// No model, no text, or a device that fails.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    // The text, its letters checked, and its tokens.
    let length = std::fs::metadata(&args.text).map_or(0, |text| text.len());
    memory::check(4 * length, memory::free(), &format!("a text of {}", units::bytes(length)), || {
        "give a shorter text, or one part after another".into()
    })?;
    let bytes = std::fs::read(&args.text).map_err(Error::typed("read", &args.text))?;
    let text = String::from_utf8(bytes)
        .map_err(|e| Error::file(&args.text, format!("not UTF-8 text: {e}"), "convert it, with iconv say"))?;
    let mut model = args.opening.open(&args.dir, |shape| Ok(vec![shape.evaluate()?]))?;
    let t = model.config.block_size();
    let stride = args.stride.unwrap_or((t / 2).max(1));
    if stride == 0 || stride > t {
        let problem = format!("--stride {stride} with a context of {t} tokens would leave tokens out");
        return Err(Error::usage(problem, format!("use 1 to {t}")).into());
    }
    let ids = model.tokenizer.encode(&text);
    if ids.len() < 2 {
        let problem = format!("{} token in it; the first of a text is never scored", ids.len());
        return Err(Error::file(&args.text, problem, "give a longer text").into());
    }
    let mut shown = 0;
    let score = score(model.exec.as_mut(), [1, t], &ids, stride, |done| {
        if (done * 10.0) as u32 > shown {
            shown = (done * 10.0) as u32;
            out::note(format!("{:.0}%", (done * 100.0).min(100.0)));
        }
    })?;
    if args.json {
        out::json(&score)?;
    } else {
        out::line(format!(
            "loss {:.4} nats/token, perplexity {:.2}, {} tokens",
            score.loss, score.perplexity, score.tokens
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
