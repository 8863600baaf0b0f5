//! `diarist sample [DIR]`: let a trained model write.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use crate::base::rng::Rng;
use crate::base::units::thousands;
use crate::cli::opening::Opening;
use crate::cli::out;
use crate::run::newest;
use crate::sample::{Choice, Decoder, Reads, kept};
use crate::tokens::Utf8Stream;

/// Arguments of `sample`.
#[derive(clap::Args)]
pub struct Args {
    /// A run's folder, any other model's folder or file, or a fetched model's name; without it, the newest run of checkpoints/
    dir: Option<PathBuf>,
    /// What the text begins with; without it, the model begins an entry of its own
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    prompt: String,
    /// The most tokens to write
    #[arg(long, default_value_t = 300)]
    max_tokens: usize,
    /// 0 always takes the likeliest token; 1 draws as the model believes; more is wilder
    #[arg(long, default_value_t = 0.8)]
    temperature: f32,
    /// Draw from the K likeliest tokens only; 0 for all
    #[arg(long, default_value_t = 200)]
    top_k: usize,
    /// Of those, draw from the fewest whose probabilities reach P
    #[arg(long, default_value_t = 1.0)]
    top_p: f32,
    /// The same seed writes the same text; without it, a new one each time
    #[arg(long)]
    seed: Option<u64>,
    /// How many texts to write
    #[arg(long, default_value_t = 1)]
    num_samples: usize,
    #[command(flatten)]
    opening: Opening,
    /// One line of JSON: {"samples":[{"ids":[…],"text":"…"}]}, of the continuations alone
    #[arg(long)]
    json: bool,
}

/// Runs it.
///
/// # Errors
/// No model, or a device that fails.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let how = Choice { temperature: args.temperature, top_k: args.top_k, top_p: args.top_p };
    how.check()?;
    let dir = args.dir.clone().map_or_else(|| newest(Path::new("checkpoints")), Ok)?;
    let mut model = args.opening.open(
        &dir,
        Reads::Text,
        |_| Ok(None),
        |shape| Ok(vec![shape.prefill()?, shape.decode()?]),
    )?;
    let seed = args.seed.unwrap_or_else(clock);
    let tokenizer = model.tokenizer.take().expect("it was opened to read text");
    let prompt = tokenizer.encode_prompt(&args.prompt);
    let (all, context) = (prompt.len(), model.positions);
    let prompt = kept(&prompt, context, args.max_tokens);
    if prompt.len() < all {
        out::note(format!(
            "prompt   {} tokens, and the model sees {context} with those it writes: the first {} are left out",
            thousands(all as u64),
            thousands((all - prompt.len()) as u64)
        ));
    }
    let mut samples = Vec::new();
    for i in 0..args.num_samples {
        let mut rng = Rng::new(seed, &format!("sample {i}"));
        let mut decoder = Decoder::new(model.exec.as_mut(), model.positions, &tokenizer, prompt);
        if args.json {
            let written = decoder.write(args.max_tokens, &how, &mut rng, |_| ControlFlow::Continue(()));
            let ids = written.map_err(|e| model.told(e))?;
            samples.push(json!({ "ids": ids, "text": tokenizer.decode(&ids) }));
            continue;
        }
        if i > 0 {
            out::text("\n---\n\n")?;
        }
        out::text(&args.prompt)?;
        let mut stream = Utf8Stream::default();
        let mut failed = None;
        let written = decoder.write(args.max_tokens, &how, &mut rng, |id| {
            match out::text(&stream.push(&tokenizer.shown(id))) {
                Ok(()) => ControlFlow::Continue(()),
                Err(e) => {
                    failed = Some(e);
                    ControlFlow::Break(())
                }
            }
        });
        written.map_err(|e| model.told(e))?;
        if let Some(e) = failed {
            return Err(e);
        }
        out::text(&(stream.finish() + "\n"))?;
    }
    if args.json {
        out::json(&json!({ "samples": samples }))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A seed that differs from one call to the next.
fn clock() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |d| d.as_nanos() as u64)
}
