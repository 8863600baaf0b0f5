//! `diarist sample [DIR]`: let a trained model write.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use crate::base::rng::Rng;
use crate::base::units::{shown, thousands};
use crate::base::{Error, Result};
use crate::cli::choosing::Choosing;
use crate::cli::opening::Opening;
use crate::cli::out;
use crate::eval::likeness::copying::Source;
use crate::eval::likeness::diary::Diary;
use crate::run::{newest, read_run};
use crate::sample::{Event, Reads, Streams, kept, write_together};
use crate::tokens::{Tokenizer, Utf8Stream};

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
    let diary = args.no_copy.map(|most| anyhow::Ok((most, trained_on(&dir)?))).transpose()?;
    let mut model = args.opening.open(
        &dir,
        (Reads::Text, args.num_samples.min(AT_ONCE)),
        |_| Ok(None),
        |shape| shape.writing(),
    )?;
    let seed = args.seed.unwrap_or_else(clock);
    let tokenizer = model.tokenizer.take().expect("it was opened to read text");
    // A model of questions and answers is asked.
    let pairs = read_run(&dir).ok().and_then(|run| run.data.pairs).filter(|_| !args.prompt.is_empty());
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
    let draws = (0..args.num_samples).map(|i| Rng::new(seed, &format!("sample {i}")));
    let texts = draws.map(|rng| (prompt.to_vec(), rng)).collect();
    // What goes on from a prompt stands behind it; an answer stands below its question.
    let before = if pairs.is_some() { format!("{}\n\n", args.prompt) } else { args.prompt.clone() };
    let mut page = Page::new(args, before, &tokenizer);
    let mut failed = page.open().err();
    let streams = Streams::new(model.exec.as_mut(), model.positions);
    let allows = |so_far: &[u32], next: u32| {
        diary.as_ref().is_none_or(|(most, diary)| {
            let text = tokenizer.decode(&[so_far, &[next]].concat());
            !diary.runs_on(&text, *most)
        })
    };
    let written = write_together(streams, &tokenizer, (args.max_tokens, &how, &allows), texts, |i, event| {
        if failed.is_none() {
            failed = page.take(i, event).err();
        }
        if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let written = written.map_err(|e| model.told(e))?;
    if let Some(e) = failed {
        return Err(e);
    }
    if args.json {
        let sample = |ids: &Vec<u32>| json!({ "ids": ids, "text": tokenizer.decode(ids) });
        out::json(&json!({ "samples": written.iter().map(sample).collect::<Vec<_>>() }))?;
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
    tokenizer: &'a Tokenizer,
    /// Which is shown, and what of it is not a whole character yet.
    shown: usize,
    stream: Utf8Stream,
    /// Of those that are not shown yet, what was written, and whether they have ended.
    later: Vec<(Vec<u32>, bool)>,
}

impl<'a> Page<'a> {
    fn new(args: &'a Args, before: String, tokenizer: &'a Tokenizer) -> Page<'a> {
        let later = vec![(Vec::new(), false); args.num_samples];
        Page { args, before, tokenizer, shown: 0, stream: Utf8Stream::default(), later }
    }

    /// Begins to show a text, if there is one more; all of it, and the next, where it has ended.
    fn open(&mut self) -> anyhow::Result<()> {
        while let Some((ids, ended)) = self.later.get_mut(self.shown).map(std::mem::take) {
            if self.args.json {
                return Ok(());
            }
            if self.shown > 0 {
                out::text("\n---\n\n")?;
            }
            out::text(&self.before)?;
            for id in ids {
                self.show(id)?;
            }
            if !ended {
                return Ok(());
            }
            self.close()?;
        }
        Ok(())
    }

    fn show(&mut self, id: u32) -> anyhow::Result<()> {
        out::text(&self.stream.push(&self.tokenizer.shown(id)))
    }

    fn close(&mut self) -> anyhow::Result<()> {
        self.shown += 1;
        out::text(&(std::mem::take(&mut self.stream).finish() + "\n"))
    }

    /// What happened to text i.
    fn take(&mut self, i: usize, event: Event) -> anyhow::Result<()> {
        match event {
            _ if self.args.json => Ok(()),
            Event::Token(id) if i == self.shown => self.show(id),
            Event::Token(id) => {
                self.later[i].0.push(id);
                Ok(())
            }
            Event::End if i == self.shown => {
                self.close()?;
                self.open()
            }
            Event::End => {
                self.later[i].1 = true;
                Ok(())
            }
        }
    }
}

/// A seed that differs from one call to the next.
fn clock() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |d| d.as_nanos() as u64)
}
