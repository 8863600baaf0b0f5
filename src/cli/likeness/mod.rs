//! `diarist likeness RUN`: how like the writer is the model?

pub(super) mod models;
mod words;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::base::units::shown;
use crate::base::{Error, Result, disk};
use crate::cli::bar::Bar;
use crate::cli::choosing::Choosing;
use crate::cli::opening::Opening;
use crate::cli::out::{self, note};
use crate::eval::likeness::diary::{Diary, Entry};
use crate::eval::likeness::exposure::{self, Secrets};
use crate::eval::likeness::given::Given;
use crate::eval::likeness::page;
use crate::eval::likeness::questions;
use crate::eval::likeness::report::{BASE, Measured, OWN, Report, Row, Set, THIS};
use crate::journal;
use crate::sample::Choice;
use models::Asked;

/// Words of each set of texts that are predicted, at most: enough for an interval of a hundredth of a bit.
const WORDS: usize = 20_000;

/// Tokens that an entry of the model's has, at least and at most, where the writer's own do not say otherwise.
const LENGTHS: [usize; 2] = [64, 400];

/// Of the positions of a model that is told whom it is to be, the share that examples take, in words a token.
const EXAMPLES: f64 = 0.3;

/// Arguments of `likeness`.
#[derive(clap::Args)]
pub struct Args {
    /// A run's folder
    run: PathBuf,
    /// Measure this model on the run's diary instead of the run's best: its last state, say
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Someone else's text, which the model should find harder: journals, or another run's folder, of which the held-out entries are
    /// taken, and whose model is asked whose each passage is; repeatable
    #[arg(long, value_name = "RUN|PATH")]
    against: Vec<PathBuf>,
    /// Questions, a line each, that are put to the model, to the one that it began with, and to that one again when it is told whom it is
    /// to be
    #[arg(long, value_name = "FILE")]
    questions: Option<PathBuf>,
    /// Another run or model to put the questions to; repeatable
    #[arg(long, value_name = "DIR", requires = "questions")]
    beside: Vec<PathBuf>,
    /// What tells the model that it began with whom it is to be [default: made of the diary: when it is from, how long its sentences are,
    /// three of its entries]
    #[arg(long, value_name = "FILE", requires = "questions")]
    describe: Option<PathBuf>,
    /// Lines that stand in the diary, the secret of each in square brackets: can the model be brought to say it?
    #[arg(long, value_name = "FILE")]
    canaries: Option<PathBuf>,
    /// How many entries to let it write
    #[arg(long, default_value_t = 40)]
    texts: usize,
    /// The most tokens of each [default: as long as half of the writer's own are, 64 to 400]
    #[arg(long)]
    max_tokens: Option<usize>,
    #[command(flatten)]
    choosing: Choosing,
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
    let how = args.choosing.choice()?;
    let to_stdout = args.json.as_deref().is_some_and(|file| file.as_os_str() == "-");
    if let Some(file) = args.json.as_ref().filter(|_| !to_stdout) {
        out::check_new(file, "--json")?;
    }
    let diary = Diary::of_run(&args.run)?;
    let others: Vec<Other> = args.against.iter().map(|path| Other::read(path)).collect::<Result<_>>()?;
    let asking = Asking::read(args, &diary)?;
    let secrets = secrets(args, &diary)?;
    let openings = openings(&diary, args.texts);
    let bar = Bar::new();
    let measured = measure(args, &how, (&diary, &others), (&openings, &secrets, &asking), &bar)?;
    bar.message(0, 1, "comparing");
    let model = args.model.as_deref().unwrap_or(&args.run);
    let sets: Vec<Set> = others.into_iter().map(|other| other.set).collect();
    let report = Report::of((shown(&args.run), shown(model), args.seed), &diary, &openings, measured, &sets);
    bar.finish();
    match page::write(&args.run, &report) {
        Ok(page) => note(format!("page     {}", shown(&page))),
        Err(e) => note(format!("page     {e}")),
    }
    if to_stdout {
        out::json(&report)?;
        return Ok(ExitCode::SUCCESS);
    }
    out::line(words::all(&report))?;
    if let Some(file) = &args.json {
        disk::write_new(file, &serde_json::to_vec_pretty(&report)?)?;
        note(format!("all of it is in {}", shown(file)));
    }
    Ok(ExitCode::SUCCESS)
}

/// All that models are asked for.
fn measure(
    args: &Args,
    how: &Choice,
    (diary, others): (&Diary, &[Other]),
    (openings, secrets, asking): (&[&Entry], &Secrets, &Asking),
    bar: &Bar,
) -> Result<Measured> {
    let dir = args.model.as_deref().unwrap_or(&args.run);
    let sets = sets(diary, others);
    let most = args.max_tokens.unwrap_or_else(|| usual_length(diary));
    let headers: Vec<_> = openings.iter().map(|entry| (&entry.header, "")).collect();
    let plain = args.opening.without_adapters();
    let ask = |model: &mut Asked, system: Option<&str>, name: &str| {
        if asking.questions.is_empty() {
            return Ok(Vec::new());
        }
        let asked = (system, &asking.questions[..]);
        model.answer(asked, (most, how, args.seed), bar, &format!("asking {name}"))
    };
    let mut said = Vec::new();

    let mut model = Asked::open(&args.opening, dir, openings.len().max(1))?;
    let mut prediction = model.rows(THIS, &sets, args.seed, bar)?;
    bar.message(0, 1, "counting letters");
    let letters = Row::of_letters(&diary.train, &sets, args.seed);
    let texts =
        model.write(&headers, (most, how, args.seed), bar, &format!("writing {} entries", headers.len()))?;
    said.push((models::name(dir), ask(&mut model, None, "it")?));
    drop(model);
    for dir in &args.beside {
        let name = models::name(dir);
        let texts = ask(&mut Asked::open(&plain, dir, asking.questions.len())?, None, &name)?;
        said.push((name, texts));
    }
    let exposure = models::expose(&args.opening, (dir, diary), (&secrets.all, &texts), bar)?;
    if let Some(base) = models::base(&diary.run) {
        let mut model = Asked::open(&plain, base, asking.questions.len())?;
        prediction.extend(model.rows(BASE, &sets, args.seed, bar)?);
        said.push((BASE.to_string(), ask(&mut model, None, BASE)?));
        let told = asking.describing(diary, model.positions());
        said.push((
            format!("{BASE}, told whom to be"),
            ask(&mut model, Some(&told), "it again, told whom to be")?,
        ));
    }
    prediction.extend(letters);
    let runs = others
        .iter()
        .filter_map(|other| Some((other.set.name.clone(), other.run.clone()?, views(&other.set))));
    let own: Vec<&str> = diary.held_out.iter().map(|entry| &entry.text[..]).collect();
    let authors: Vec<_> =
        std::iter::once((models::name(&args.run), dir.to_path_buf(), own)).chain(runs).collect();
    let attribution = match authors.len() > 1 && !diary.held_out.is_empty() {
        true => models::attribute(&args.opening, &authors, bar)?,
        false => Vec::new(),
    };
    let questions = questions::Asked::all(&asking.questions, &said);
    Ok(Measured { prediction, attribution, texts, exposure, secrets: secrets.sought, questions })
}

/// The questions that are put to several models.
struct Asking {
    questions: Vec<String>,
    /// What was said that tells a model whom it is to be.
    described: Option<String>,
}

impl Asking {
    fn read(args: &Args, diary: &Diary) -> Result<Asking> {
        let questions = match &args.questions {
            Some(path) => questions::read(path, &journal::read_list(path)?)?,
            None => Vec::new(),
        };
        if !questions.is_empty() && models::base(&diary.run).is_none() {
            note(
                "this run began with no model that is still here: the questions are put to the others alone",
            );
        }
        let described = args.describe.as_deref().map(journal::read_list).transpose()?;
        Ok(Asking { questions, described })
    }

    /// What tells a model of so many positions whom it is to be.
    fn describing(&self, diary: &Diary, positions: usize) -> String {
        match &self.described {
            Some(text) => text.trim_end().to_string(),
            None => questions::describing(diary, (EXAMPLES * positions as f64) as usize),
        }
    }
}

/// What is predicted: the writer's held-out entries, others' text, the general one.
fn sets(diary: &Diary, others: &[Other]) -> Vec<Set> {
    if diary.held_out.is_empty() {
        note(
            "nothing of this run's journal was held out, so nothing tells what it knows from what it remembers: train with \
             --val-fraction 0.1",
        );
    }
    let others = others.iter().map(|other| other.set.clone());
    let all = std::iter::once(Set::of(OWN, &diary.held_out)).chain(others).chain([Set::general()]);
    all.filter(|set| !set.texts.is_empty()).map(|set| set.at_most(WORDS)).collect()
}

/// What the model should not be brought to say.
fn secrets(args: &Args, diary: &Diary) -> Result<Secrets> {
    let canaries = match &args.canaries {
        Some(path) => {
            let canaries = exposure::canaries(path, &journal::read_list(path)?, args.seed)?;
            for canary in &canaries {
                let line = format!("{}{}", canary.before, canary.all[0]);
                if !diary.train.iter().any(|entry| entry.text.contains(&line)) {
                    note(format!("{} stands in no entry that the model was trained on", canary.name));
                }
            }
            canaries
        }
        None => Vec::new(),
    };
    let options = &diary.run.data.reading.secrets;
    let scanner = journal::scanner(options)?;
    let taken_away = options.what != journal::Secrets::Keep;
    Ok(Secrets::of(canaries, &diary.train, (&scanner, taken_away), args.seed))
}

/// Someone else.
struct Other {
    /// Their text, that their model, if there is one, did not see.
    set: Set,
    /// Their model.
    run: Option<PathBuf>,
}

impl Other {
    fn read(path: &Path) -> Result<Other> {
        let name = models::name(path);
        if path.join("run.json").is_file() {
            let diary = Diary::of_run(path)?;
            return match diary.held_out.is_empty() {
                false => Ok(Other { set: Set::of(&name, &diary.held_out), run: Some(path.to_path_buf()) }),
                true => Err(Error::file(
                    path,
                    "nothing of this run's journal was held out",
                    "name the journal itself",
                )),
            };
        }
        let mut corpus = journal::read(&[path.to_path_buf()], &journal::Options::default(), &mut ())?;
        let texts = (0..corpus.len()).map(|i| Ok((Given::NOTHING, corpus.entry(i)?.text)));
        Ok(Other { set: Set { name, texts: texts.collect::<Result<_>>()? }, run: None })
    }
}

fn views(set: &Set) -> Vec<&str> {
    set.texts.iter().map(|(_, text)| &text[..]).collect()
}

/// The entries below whose headers the model is to write: those that are held out, or else of the others, evenly from first to last.
fn openings(diary: &Diary, n: usize) -> Vec<&Entry> {
    let entries: &[Entry] = if diary.held_out.is_empty() { &diary.train } else { &diary.held_out };
    (0..n).map(|i| &entries[i * entries.len() / n]).collect()
}

/// Tokens of the writer's median entry.
fn usual_length(diary: &Diary) -> usize {
    let mut lengths: Vec<usize> = diary.train.iter().map(|entry| entry.range.len()).collect();
    lengths.sort_unstable();
    lengths[lengths.len() / 2].clamp(LENGTHS[0], LENGTHS[1])
}
