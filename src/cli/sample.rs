//! `diarist sample [DIR]`: let a trained model write.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use crate::base::rng::{Rng, seed_of_the_clock};
use crate::base::units::{shown, thousands};
use crate::base::{Error, Result};
use crate::cli::choosing::Choosing;
use crate::cli::opening::Opening;
use crate::cli::out;
use crate::eval::likeness::copying::Source;
use crate::eval::likeness::diary::Diary;
use crate::run::{newest, read_run};
use crate::sample::stops::Stops;
use crate::sample::talk::{Manner, ends};
use crate::sample::{Event, Reads, Streams, Texts, Until, Wish, kept, opening};

/// Texts that are written at once, at most: weights are read once for all of them, but each has a cache of its own.
const AT_ONCE: usize = 8;

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
    #[command(flatten)]
    choosing: Choosing,
    /// The same seed writes the same text; without it, a new one each time
    #[arg(long)]
    seed: Option<u64>,
    /// How many texts to write: up to 8 at once where memory has room for them, each what it would be alone
    #[arg(long, default_value_t = 1)]
    num_samples: usize,
    /// End a text before this string; repeatable
    #[arg(long, value_name = "STRING", allow_hyphen_values = true)]
    stop: Vec<String>,
    /// Write N texts, and show the likeliest of them by the model's own probabilities
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    best_of: Option<u32>,
    /// Let no more than N words in a row stand in an entry that the model was trained on; of a run's folder, which has its diary
    #[arg(long, value_name = "N")]
    no_copy: Option<usize>,
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
    let how = args.choosing.choice()?;
    let dir = args.dir.clone().map_or_else(|| newest(Path::new("checkpoints")), Ok)?;
    let texts = args.best_of.map_or(args.num_samples, |of| args.num_samples.max(of as usize));
    let diary = args.no_copy.map(|most| anyhow::Ok((most, trained_on(&dir)?))).transpose()?;
    let mut model =
        args.opening.open(&dir, (Reads::Text, texts.min(AT_ONCE)), |_| Ok(None), |shape| shape.writing())?;
    let seed = args.seed.unwrap_or_else(seed_of_the_clock);
    let tokenizer = model.tokenizer.take().expect("it was opened to read text");
    // A model of questions and answers is asked.
    let pairs = read_run(args.opening.spoken(&dir))
        .ok()
        .and_then(|run| run.data.pairs)
        .filter(|_| !args.prompt.is_empty());
    let prompt = match pairs {
        Some(pairs) => pairs.form.before(None, &[], &args.prompt, &tokenizer),
        None => tokenizer.encode_prompt(&args.prompt),
    };
    let (all, context) = (prompt.len(), model.positions);
    let prompt = kept(&prompt, context, args.max_tokens);
    if prompt.len() < all {
        out::note(format!(
            "prompt   {} tokens, and the model sees {context} with those it writes: the first {} are left out",
            thousands(all as u64),
            thousands((all - prompt.len()) as u64)
        ));
    }
    let prompt = opening(prompt, &tokenizer);
    let draws = (0..texts).map(|i| Rng::new(seed, &format!("sample {i}"))).collect();
    // What goes on from a prompt stands behind it; an answer stands below its question.
    let before = if pairs.is_some() { format!("{}\n\n", args.prompt) } else { args.prompt.clone() };
    let mut page = Page::new(args, before);
    page.open()?;
    let mut failed = None;
    let mut wish = Wish::new(
        prompt,
        draws,
        (args.max_tokens, &how),
        Until::new(|event| match page.take(event) {
            Ok(()) => ControlFlow::Continue(()),
            Err(e) => {
                failed = Some(e);
                ControlFlow::Break(())
            }
        }),
    );
    wish.given = args.num_samples;
    let ends = ends(&pairs.map_or(Manner::Diary, |pairs| Manner::Pairs(pairs.form)), &tokenizer);
    wish.stops = Stops::new([args.stop.clone(), ends.strings].concat())?;
    wish.ends = ends.ids;
    if let Some((most, diary)) = &diary {
        wish.allows = Some(Box::new(|so_far, next| {
            let text = tokenizer.decode(&[so_far, &[next]].concat());
            !diary.runs_on(&text, *most)
        }));
    }
    let mut texts = Texts::new(Streams::new(model.exec.as_ref(), model.positions));
    texts.push(wish);
    let written = texts.finish(model.exec.as_mut(), &tokenizer);
    drop(texts);
    written.map_err(|e| model.told(e))?;
    if let Some(e) = failed {
        return Err(e);
    }
    if args.json {
        let sample = |(text, ids): &(String, Vec<u32>)| json!({ "ids": ids, "text": text });
        out::json(&json!({ "samples": page.texts.iter().map(sample).collect::<Vec<_>>() }))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What the model of a run was trained on.
fn trained_on(dir: &Path) -> Result<Source> {
    if !dir.join("run.json").is_file() {
        return Err(Error::usage(
            format!("--no-copy with {}, which has no diary beside it", shown(dir)),
            "name the run's folder, as `train` left it",
        ));
    }
    Ok(Diary::of_run(dir)?.source())
}

/// Texts that are written side by side, shown one behind the other: the first that has not ended as it is written, the others when
/// their turn comes.
struct Page<'a> {
    args: &'a Args,
    /// What stands before each.
    before: String,
    /// Which is shown.
    shown: usize,
    /// What was written of each, and its tokens once it has ended.
    texts: Vec<(String, Vec<u32>)>,
    ended: Vec<bool>,
}

impl<'a> Page<'a> {
    fn new(args: &'a Args, before: String) -> Page<'a> {
        let n = args.num_samples;
        Page { args, before, shown: 0, texts: vec![Default::default(); n], ended: vec![false; n] }
    }

    /// Begins to show a text, if there is one more; all of it, and the next, where it has ended.
    fn open(&mut self) -> anyhow::Result<()> {
        while let Some((text, _)) = self.texts.get(self.shown) {
            if self.args.json {
                return Ok(());
            }
            if self.shown > 0 {
                out::text("\n---\n\n")?;
            }
            out::text(&self.before)?;
            out::text(text)?;
            if !self.ended[self.shown] {
                return Ok(());
            }
            self.close()?;
        }
        Ok(())
    }

    fn close(&mut self) -> anyhow::Result<()> {
        self.shown += 1;
        out::text("\n")
    }

    /// What happened to a text.
    fn take(&mut self, event: Event) -> anyhow::Result<()> {
        match event {
            Event::Piece { index, text, .. } => {
                if index == self.shown && !self.args.json {
                    out::text(&text)?;
                }
                self.texts[index].0 += &text;
                Ok(())
            }
            Event::Ended { index, ids, .. } => {
                self.texts[index].1 = ids;
                self.ended[index] = true;
                if index != self.shown || self.args.json {
                    return Ok(());
                }
                self.close()?;
                self.open()
            }
        }
    }
}
