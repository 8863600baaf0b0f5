//! `diarist eval DIR --text FILE`: how well a model predicts a text; with `--ids FILE`, tokens that need not be text.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::base::{Error, Result, memory, units};
use crate::cli::opening::Opening;
use crate::cli::out;
use crate::dataset;
use crate::dataset::pairs::Reading;
use crate::dataset::pairs::form::{Form, Written};
use crate::eval::{score, score_answers};
use crate::run::read_run;
use crate::sample::Reads;
use crate::tokens::Tokenizer;

/// Arguments of `eval`.
#[derive(clap::Args)]
pub struct Args {
    /// A run's folder, any other model's folder or file, or a fetched model's name
    dir: PathBuf,
    /// The text, taken as it stands: no entries, no cleaning
    #[arg(long, value_name = "FILE", conflicts_with = "ids", required_unless_present_any = ["ids", "pairs"])]
    text: Option<PathBuf>,
    /// Instead of a text, questions and their answers, of which the answers are scored, each alone
    #[arg(long, value_name = "FILE", conflicts_with_all = ["ids", "text", "stride"])]
    pairs: Option<PathBuf>,
    /// Instead of a text, the ids of its tokens: a JSON list of numbers, for a model of any tokenizer
    #[arg(long, value_name = "FILE")]
    ids: Option<PathBuf>,
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
    if let Some(file) = &args.pairs {
        return pairs(args, file);
    }
    let given = args.text.as_deref().or(args.ids.as_deref()).expect("clap asks for one of them");
    let bytes = whole(given)?;
    // What can be found wrong without the model is found before it is loaded.
    let (text, listed) = match args.ids {
        Some(_) => (None, list(given, &bytes)?),
        None => (Some(utf8(given, bytes)?), Vec::new()),
    };
    let reads = if text.is_some() { Reads::Text } else { Reads::Ids };
    let mut encoded = Vec::new();
    // The last token is a target alone; what one window holds needs no longer one.
    let inputs = |tokenizer: Option<&Tokenizer>| {
        encoded = tokenizer.zip(text).map_or_else(Vec::new, |(tokenizer, text)| tokenizer.encode(&text));
        let tokens = encoded.len().max(listed.len());
        if tokens < 2 {
            let problem = format!("{tokens} token in it; the first of a text is never scored");
            return Err(Error::file(given, problem, "give a longer text"));
        }
        Ok(Some(tokens - 1))
    };
    let mut model = args.opening.open(&args.dir, (reads, 1), inputs, |shape| {
        within(given, &listed, shape.config.vocab_size())?;
        Ok(vec![shape.losses()?])
    })?;
    let ids = if reads == Reads::Text { &encoded } else { &listed };
    let t = model.positions;
    let stride = args.stride.unwrap_or((t / 2).max(1));
    if stride == 0 || stride > t && ids.len() > t + 1 {
        let problem = format!("--stride {stride} with a context of {t} tokens would leave tokens out");
        return Err(Error::usage(problem, format!("use 1 to {t}")).into());
    }
    let mut shown = 0;
    let scored = score(model.exec.as_mut(), [1, t], ids, stride.min(t), |done| {
        if (done * 10.0) as u32 > shown {
            shown = (done * 10.0) as u32;
            out::note(format!("{:.0}%", (done * 100.0).min(100.0)));
        }
    });
    let score = scored.map_err(|e| model.told(e))?;
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

/// Scores answers.
fn pairs(args: &Args, file: &Path) -> anyhow::Result<ExitCode> {
    let Reading { pairs, problems, .. } = dataset::pairs::read(std::slice::from_ref(&file.to_path_buf()))?;
    for problem in &problems {
        out::note(format!("{}: {}", problem.place, problem.what));
    }
    // A run's own form, or the one that suits the model.
    let form = read_run(&args.dir).ok().and_then(|run| run.data.pairs).map(|pairs| pairs.form);
    let mut written: Vec<Written> = Vec::new();
    let most = |tokenizer: Option<&Tokenizer>| {
        let tokenizer = tokenizer.expect("it is opened to read text");
        let form = form.unwrap_or_else(|| Form::of(tokenizer));
        written = pairs.iter().map(|pair| form.write(pair, tokenizer)).collect();
        let longest = written.iter().map(|of| of.question.len() + of.answer.len()).max();
        longest
            .map(Some)
            .ok_or_else(|| Error::file(file, "no question with its answer", "see `diarist pairs check`"))
    };
    let mut model =
        args.opening.open(&args.dir, (Reads::Text, 1), most, |shape| Ok(vec![shape.losses()?]))?;
    let end = model.tokenizer.as_ref().expect("it was opened to read text").end_of_text();
    let cut = written.iter().filter(|of| of.question.len() + of.answer.len() > model.positions).count();
    if cut > 0 {
        out::note(format!(
            "{} longer than the {} tokens that the model sees: what stands behind those is not scored",
            units::counted(cut as u64, "pair is", "pairs are"),
            model.positions
        ));
    }
    let scored = score_answers(model.exec.as_mut(), model.positions, &written, end, |_| ());
    let score = scored.map_err(|e| model.told(e))?;
    if args.json {
        out::json(&score)?;
    } else {
        out::line(format!(
            "loss {:.4} nats/token, perplexity {:.2}, {} tokens of {}",
            score.loss,
            score.perplexity,
            score.tokens,
            units::counted(written.len() as u64, "answer", "answers")
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The bytes of a file, which has to fit the memory with what is made of it.
fn whole(path: &Path) -> Result<Vec<u8>> {
    let length = std::fs::metadata(path).map_or(0, |file| file.len());
    memory::check(4 * length, memory::free(), &format!("a text of {}", units::bytes(length)), || {
        "give a shorter text, or one part after another".into()
    })?;
    std::fs::read(path).map_err(Error::typed("read", path))
}

fn utf8(path: &Path, bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes)
        .map_err(|e| Error::file(path, format!("not UTF-8 text: {e}"), "convert it, with iconv say"))
}

/// The ids of a JSON list.
fn list(path: &Path, bytes: &[u8]) -> Result<Vec<u32>> {
    serde_json::from_slice(bytes).map_err(|e| {
        let problem = format!("not a list of token ids: {e}");
        Error::file(
            path,
            problem,
            "give a JSON list of whole numbers, such as [464, 3290]; for a text, use --text",
        )
    })
}

/// Each id is one of the model's.
fn within(path: &Path, ids: &[u32], vocab_size: usize) -> Result<()> {
    let foreign = ids.iter().enumerate().find(|(_, id)| **id as usize >= vocab_size);
    foreign.map_or(Ok(()), |(place, id)| {
        let problem = format!(
            "number {} of its ids is {id}, and the model's vocabulary has {} (0 to {})",
            units::thousands(place as u64 + 1),
            units::thousands(vocab_size as u64),
            units::thousands(vocab_size as u64 - 1)
        );
        Err(Error::file(path, problem, "give ids of this model's own tokenizer"))
    })
}
