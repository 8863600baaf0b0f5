//! `diarist likeness RUN`: how like the writer is the model?

mod words;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::base::units::shown;
use crate::base::{Error, Result, disk};
use crate::cli::bar::Bar;
use crate::cli::opening::Opening;
use crate::cli::out::{self, note};
use crate::eval::likeness::diary::{Diary, Entry};
use crate::eval::likeness::prediction::predict;
use crate::eval::likeness::report::{BASE, OWN, Report, Row, Set, THIS};
use crate::eval::likeness::writing;
use crate::journal;
use crate::model::Shape;
use crate::run::Run;
use crate::sample::{Choice, Model, Reads};
use crate::tokens::Tokenizer;

/// Texts that are written at once, at most.
const AT_ONCE: usize = 8;

/// Words of each set of texts that are predicted, at most: enough for an interval of a hundredth of a bit.
const WORDS: usize = 20_000;

/// Tokens that an entry of the model's has, at least and at most, where the writer's own do not say otherwise.
const LENGTHS: [usize; 2] = [64, 400];

/// Arguments of `likeness`.
#[derive(clap::Args)]
pub struct Args {
    /// A run's folder
    run: PathBuf,
    /// Measure this model on the run's diary instead of the run's best: its last state, say
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Someone else's text, which the model should find harder: journals, or another run's folder, of which the held-out entries are
    /// taken; repeatable
    #[arg(long, value_name = "RUN|PATH")]
    against: Vec<PathBuf>,
    /// How many entries to let it write
    #[arg(long, default_value_t = 40)]
    texts: usize,
    /// The most tokens of each [default: as long as half of the writer's own are, 64 to 400]
    #[arg(long)]
    max_tokens: Option<usize>,
    /// As of `sample`
    #[arg(long, default_value_t = 0.8)]
    temperature: f32,
    /// As of `sample`
    #[arg(long, default_value_t = 200)]
    top_k: usize,
    /// As of `sample`
    #[arg(long, default_value_t = 1.0)]
    top_p: f32,
    /// The same seed measures the same
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    opening: Opening,
    /// Write all of it to this file as JSON, what the model wrote too; - for stdout, instead of the words
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs it.
///
/// # Errors
/// No run's folder, or one without an index of its entries; no model, or a device that fails.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let how = Choice { temperature: args.temperature, top_k: args.top_k, top_p: args.top_p };
    how.check()?;
    let to_stdout = args.json.as_deref().is_some_and(|file| file.as_os_str() == "-");
    if let Some(file) = args.json.as_ref().filter(|_| !to_stdout) {
        out::check_new(file, "--json")?;
    }
    let diary = Diary::of_run(&args.run)?;
    let others: Vec<Set> = args.against.iter().map(|path| other(path)).collect::<Result<_>>()?;
    let sets = sets(&diary, &others);
    let bar = Bar::new();
    let (mut model, tokenizer) =
        open(&args.opening, args.model.as_deref().unwrap_or(&args.run), args.texts.min(AT_ONCE))?;
    let mut prediction = rows(THIS, (&mut model, &tokenizer), &sets, args.seed, &bar)?;
    let openings = openings(&diary, args.texts);
    let most = args.max_tokens.unwrap_or_else(|| usual_length(&diary));
    let written = writing::write(&mut model, &tokenizer, &openings, (most, &how, args.seed), |done| {
        bar.message((done * 1000.0) as u64, 1000, &format!("writing {} entries", openings.len()));
    });
    let texts = written.map_err(|e| model.told(e))?;
    drop(model);
    if let Some(base) = base(&diary.run) {
        let (mut model, tokenizer) = open(&args.opening.without_adapters(), base, 0)?;
        prediction.extend(rows(BASE, (&mut model, &tokenizer), &sets, args.seed, &bar)?);
    }
    bar.message(0, 1, "comparing");
    let report = Report::of((shown(&args.run).to_string(), args.seed), &diary, (prediction, texts), &others);
    bar.finish();
    if to_stdout {
        out::json(&report)?;
        return Ok(ExitCode::SUCCESS);
    }
    out::line(words::told(&report))?;
    if let Some(file) = &args.json {
        disk::write_new(file, &serde_json::to_vec_pretty(&report)?)?;
        note(format!("all of it is in {}", shown(file)));
    }
    Ok(ExitCode::SUCCESS)
}

/// What is predicted: the writer's held-out entries, others' text, the general one.
fn sets(diary: &Diary, others: &[Set]) -> Vec<Set> {
    if diary.held_out.is_empty() {
        note(
            "nothing of this run's journal was held out, so nothing tells what it knows from what it remembers: train with \
             --val-fraction 0.1",
        );
    }
    let all =
        std::iter::once(Set::of(OWN, &diary.held_out)).chain(others.iter().cloned()).chain([Set::general()]);
    all.filter(|set| !set.texts.is_empty()).map(|set| set.at_most(WORDS)).collect()
}

/// Someone else's text.
fn other(path: &Path) -> Result<Set> {
    let name = shown(path).to_string();
    if path.join("run.json").is_file() {
        let diary = Diary::of_run(path)?;
        return match diary.held_out.is_empty() {
            false => Ok(Set::of(&name, &diary.held_out)),
            true => Err(Error::file(
                path,
                "nothing of this run's journal was held out",
                "name the journal itself",
            )),
        };
    }
    let mut corpus = journal::read(&[path.to_path_buf()], &journal::Options::default(), &mut ())?;
    let texts = (0..corpus.len()).map(|i| Ok((String::new(), corpus.entry(i)?.text)));
    Ok(Set { name, texts: texts.collect::<Result<_>>()? })
}

/// Opens a model to predict, and to write so many texts at once.
fn open(opening: &Opening, dir: &Path, streams: usize) -> Result<(Model, Tokenizer)> {
    let program = |shape: &Shape| {
        let mut recordings = if streams > 0 { shape.writing()? } else { Vec::new() };
        recordings.push(shape.losses()?);
        Ok(recordings)
    };
    let mut model = opening.open(dir, (Reads::Text, streams.max(1)), |_| Ok(None), program)?;
    let tokenizer = model.tokenizer.take().expect("it was opened to read text");
    Ok((model, tokenizer))
}

/// What a model makes of each set.
fn rows(
    name: &str,
    (model, tokenizer): (&mut Model, &Tokenizer),
    sets: &[Set],
    seed: u64,
    bar: &Bar,
) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for set in sets {
        let words = format!("{name}: {}", set.name);
        let predicted = predict(model, tokenizer, &set.passages(), |done| {
            bar.message((done * 1000.0) as u64, 1000, &words);
        });
        rows.push(Row::new(name, &set.name, &predicted.map_err(|e| model.told(e))?, seed));
    }
    Ok(rows)
}

/// Where the model is that a run began with; none of a run from scratch, or whose model has gone since.
fn base(run: &Run) -> Option<&Path> {
    let path = run.base.as_ref().map_or(Path::new(&run.from), |base| &base.path);
    (run.from != "scratch" && path.exists()).then_some(path)
}

/// The headers that the model is to write below: of entries that are held out, or else of the others, evenly from first to last.
fn openings(diary: &Diary, n: usize) -> Vec<&str> {
    let entries: &[Entry] = if diary.held_out.is_empty() { &diary.train } else { &diary.held_out };
    (0..n).map(|i| &entries[i * entries.len() / n].header[..]).collect()
}

/// Tokens of the writer's median entry.
fn usual_length(diary: &Diary) -> usize {
    let mut lengths: Vec<usize> = diary.train.iter().map(|entry| entry.range.len()).collect();
    lengths.sort_unstable();
    lengths[lengths.len() / 2].clamp(LENGTHS[0], LENGTHS[1])
}
