//! `diarist ask "QUESTION" --journal PATH…`: one's own entries answer.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use jiff::Zoned;
use serde_json::json;

use crate::base::rng::seed_of_the_clock;
use crate::cli::chat::model::Model;
use crate::cli::chat::speaker::{Answer, Passage, Speaker, Wish};
use crate::cli::choosing::Choosing;
use crate::cli::opening::Opening;
use crate::cli::out::{self, note};
use crate::cli::reading::Reading;
use crate::cli::recalling::library;
use crate::cli::talking;
use crate::recall::{Asked, By, Found, Library};
use crate::sample::Choice;
use crate::serve::job::{Message, Role};

/// By what entries are found.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Way {
    /// By the words that they share with the question
    Words,
    /// By what they mean
    Meaning,
    /// By both
    Both,
}

/// Arguments of `ask`.
#[derive(clap::Args)]
pub struct Args {
    /// What you want to know; a time in it counts: `in 2014`, `last spring`, `on this day`
    question: String,
    /// Your journals; repeatable
    #[arg(long = "journal", value_name = "PATH", required = true, num_args = 1..)]
    journals: Vec<PathBuf>,
    /// How many entries to show
    #[arg(short = 'k', long, default_value_t = 5)]
    count: usize,
    /// A folder of static embeddings, in model2vec's form, to find entries by what they mean, too
    #[arg(long, value_name = "DIR")]
    embeddings: Option<PathBuf>,
    /// By what entries are found
    #[arg(long, value_enum, default_value = "both")]
    by: Way,
    /// Let this model answer from the entries: a run's folder, a model's folder or file, or a fetched model's name
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// The most tokens of its answer
    #[arg(long, default_value_t = 200, requires = "model")]
    max_tokens: usize,
    /// The same seed gives the same answer
    #[arg(long, requires = "model")]
    seed: Option<u64>,
    #[command(flatten)]
    choosing: Choosing,
    #[command(flatten)]
    opening: Opening,
    /// One line of JSON: how the question was understood, the entries, the answer
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: Reading,
}

/// Runs it.
///
/// # Errors
/// Journals or embeddings that cannot be read; no model, or a device that fails.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let how = args.choosing.choice()?;
    let library = library(&args.journals, &args.reading.options(), args.embeddings.as_deref())?;
    let by = match args.by {
        Way::Words => By::Words,
        Way::Meaning => By::Meaning,
        Way::Both => By::Both,
    };
    let asked = library.ask(&args.question, Zoned::now().date(), by, args.count)?;
    if let Some(said) = asked.said.as_ref().filter(|_| !args.json) {
        note(format!("when     {said}"));
    }
    if asked.is_of_days_alone && !asked.found.is_empty() && !args.json {
        note("no entry of then has your words; these are of then, in order:");
    }
    if asked.found.is_empty() && !args.json {
        note("no entry answers: ask in the words that you would have used then, or for another time");
        return Ok(ExitCode::SUCCESS);
    }
    let passages: Vec<Passage> = asked.found.iter().map(passage).collect();
    let answer = match &args.model {
        Some(model) if !passages.is_empty() => Some(answer(args, model, &how, library, &passages)?),
        _ => None,
    };
    if args.json {
        return as_json(&asked, answer.as_ref());
    }
    if let Some(answer) = &answer {
        out::text("\n\n")?;
        for range in &answer.unsupported {
            note(format!("in no source, though it is quoted: {}", &answer.text[range.clone()]));
        }
        note("it was written by a model from these entries:");
    }
    let stood = |i: &usize| answer.as_ref().is_none_or(|answer| answer.passages.contains(i));
    let shown: Vec<String> = (0..passages.len()).filter(stood).map(|i| indented(&passages[i])).collect();
    out::text(&shown.join("\n"))?;
    Ok(ExitCode::SUCCESS)
}

fn passage(found: &Found) -> Passage {
    Passage { name: found.name.clone(), date: found.day.map(|day| day.to_string()), text: found.text.clone() }
}

/// An entry's name, and below it what it says.
fn indented(passage: &Passage) -> String {
    let line = |line: &str| if line.trim().is_empty() { "\n".into() } else { format!("    {line}\n") };
    format!("{}\n{}", passage.name, passage.text.lines().map(line).collect::<String>())
}

/// What a model answers from some entries, shown as it is written.
fn answer(
    args: &Args,
    model: &PathBuf,
    how: &Choice,
    library: Library,
    passages: &[Passage],
) -> anyhow::Result<Answer> {
    let models = talking::names(std::slice::from_ref(model));
    let (jobs, thread) = talking::start(&args.opening, &models, 1)?;
    let mut speaker = Model::new(jobs, (&models[0].0, args.opening.spoken(model)), Some(library))?;
    let conversation = [Message::new(Role::User, &args.question[..])];
    let wish = Wish {
        conversation: &conversation,
        passages,
        how,
        seed: args.seed.unwrap_or_else(seed_of_the_clock),
        max_tokens: args.max_tokens,
        stop: &[],
    };
    let mut failed = None;
    let answer = speaker.say(&wish, &mut |piece| {
        failed = if args.json { None } else { out::text(piece).err() };
        if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    drop(speaker);
    let _ended = thread.join();
    failed.map_or(Ok(answer?), Err)
}

fn as_json(asked: &Asked, answer: Option<&Answer>) -> anyhow::Result<ExitCode> {
    let entry = |found: &Found| json!({ "name": found.name, "date": found.day, "text": found.text, "score": found.score });
    let entries: Vec<_> = asked.found.iter().map(entry).collect();
    let answer = answer.map(|answer| {
        let invented: Vec<&str> =
            answer.unsupported.iter().map(|range| &answer.text[range.clone()]).collect();
        json!({ "text": answer.text, "sources": answer.passages, "unsupported": invented })
    });
    out::json(&json!({ "when": asked.said, "entries": entries, "answer": answer }))?;
    Ok(ExitCode::SUCCESS)
}
