//! `diarist ask "QUESTION" --journal PATH…`: one's own entries answer.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use jiff::Zoned;
use jiff::civil::Date;
use serde_json::json;

use crate::base::Error;
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

/// Of a word so many characters are shown.
const LONGEST: usize = 40;

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
    #[arg(short = 'k', long, default_value = "5")]
    count: NonZeroUsize,
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
    check(args)?;
    let library = library(&args.journals, &args.reading.options(), args.embeddings.as_deref())?;
    let by = match args.by {
        Way::Words => By::Words,
        Way::Meaning => By::Meaning,
        Way::Both => By::Both,
    };
    let asked = library.ask(&args.question, Zoned::now().date(), by, args.count.get())?;
    let days = library.days();
    if let Some(said) = asked.said.as_ref().filter(|_| !args.json) {
        note(format!("when     {said}"));
    }
    if !asked.unknown.is_empty() && !args.json {
        let unknown: Vec<String> = asked.unknown.iter().map(|word| short(word)).collect();
        note(format!("unknown  in no entry: {}", unknown.join(", ")));
    }
    if asked.is_of_days_alone && !asked.found.is_empty() && !args.json {
        note("no entry of then has your words; these are of then, in order:");
    }
    if asked.found.is_empty() && !args.json {
        note(nothing(&asked, days));
        return Ok(ExitCode::SUCCESS);
    }
    let passages: Vec<Passage> = asked.found.iter().map(passage).collect();
    let answer = match &args.model {
        Some(model) if !passages.is_empty() => Some(answer(args, model, &how, library, &passages)?),
        _ => None,
    };
    let (answer, has_room) = match answer {
        Some(answer) if answer.passages.is_empty() => (None, false),
        answer => (answer, true),
    };
    if !has_room {
        note("none of these entries fits in the model's context beside the question, so it was not asked:");
        note("  next: lower --max-tokens, ask more shortly, or take a model with a longer context");
    }
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

/// What can be told to be wrong before anything is read.
fn check(args: &Args) -> Result<(), Error> {
    if !args.question.contains(char::is_alphanumeric) {
        return Err(Error::usage(
            "the question has no word",
            "ask for something: diarist ask \"When was I most anxious?\" --journal PATH",
        ));
    }
    if matches!(args.by, Way::Meaning) && args.embeddings.is_none() {
        return Err(Error::usage(
            "--by meaning without embeddings",
            "name a folder of them: --embeddings DIR; or search --by words",
        ));
    }
    Ok(())
}

/// What is said where no entry answers.
fn nothing(asked: &Asked, days: Option<(Date, Date)>) -> String {
    match (&asked.said, days) {
        (Some(_), Some((first, last))) => {
            format!("no entry is of then: yours are from {first} to {last}")
        }
        (Some(_), None) => "no entry has a date: ask without a time".to_string(),
        (None, _) => "no entry answers: ask in the words that you would have used then".to_string(),
    }
}

/// A word, or its beginning where it is long.
fn short(word: &str) -> String {
    let mut shown: String = word.chars().take(LONGEST).collect();
    if shown.len() < word.len() {
        shown.push('…');
    }
    shown
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
    let (jobs, thread) = talking::start(&args.opening, talking::places(&args.opening, &models), 1)?;
    let spoken = args.opening.spoken(model);
    let mut speaker = Model::new(jobs, (&models[0].0, spoken), Some(library))?.keeping_to_passages();
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
    out::json(
        &json!({ "when": asked.said, "unknown": asked.unknown, "entries": entries, "answer": answer }),
    )?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use jiff::civil::date;

    use super::*;

    #[derive(Parser)]
    struct Asking {
        #[command(flatten)]
        args: Args,
    }

    fn parsed(args: &[&str]) -> Result<Args, clap::Error> {
        // Behind the question, for it takes all that follow.
        let all = ["ask"].iter().chain(args).chain(&["--journal", "diary.txt"]);
        Asking::try_parse_from(all).map(|asking| asking.args)
    }

    #[test]
    fn what_cannot_be_answered_is_told_before_anything_is_read() {
        for question in ["", "  ", "?!"] {
            let told = check(&parsed(&[question]).unwrap()).unwrap_err().to_string();
            assert!(told.contains("has no word"), "{told}");
        }
        let told = check(&parsed(&["the sea", "--by", "meaning"]).unwrap()).unwrap_err().to_string();
        assert!(told.contains("--embeddings DIR"), "{told}");
        assert!(check(&parsed(&["the sea"]).unwrap()).is_ok());
        assert!(parsed(&["the sea", "-k", "0"]).is_err(), "no entry would answer");
    }

    #[test]
    fn a_question_of_another_time_is_told_from_when_the_entries_are() {
        let asked = |said: Option<&str>| Asked {
            said: said.map(str::to_string),
            found: Vec::new(),
            is_of_days_alone: false,
            unknown: Vec::new(),
        };
        let days = Some((date(1660, 1, 11), date(1669, 6, 10)));
        let told = nothing(&asked(Some("1950")), days);
        assert_eq!(told, "no entry is of then: yours are from 1660-01-11 to 1669-06-10");
        assert!(nothing(&asked(Some("1950")), None).contains("has a date"));
        assert!(nothing(&asked(None), days).contains("words"));
        assert_eq!(short(&"é".repeat(50)), format!("{}…", "é".repeat(40)));
        assert_eq!(short("zebra"), "zebra");
    }
}
