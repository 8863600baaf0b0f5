//! `diarist quiz RUN`: a page that asks which of two passages is the diary's.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::base::units::{counted, shown};
use crate::base::{Error, Result, disk};
use crate::cli::bar::Bar;
use crate::cli::choosing::Choosing;
use crate::cli::likeness::models::{self, Asked};
use crate::cli::opening::Opening;
use crate::cli::out::{self, note};
use crate::eval::likeness::diary::{Diary, Entry};
use crate::eval::likeness::pieces::evenly;
use crate::eval::likeness::quiz::{Question, Quiz, page};
use crate::eval::likeness::words::words;
use crate::run::record;

/// Words of an entry that are shown before the two passages: enough to say what day it is.
const OPENING: usize = 12;

/// Words that a passage has at least: fewer tell nothing.
const SHORTEST: usize = 25;

/// A model may take so many times the tokens that the diary takes for its words.
const ROOM: usize = 2;

/// Arguments of `quiz`.
#[derive(clap::Args)]
pub struct Args {
    /// A run's folder
    run: PathBuf,
    /// Let this model write instead of the run's best
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// How many pairs of passages, at most
    #[arg(long, default_value_t = 20)]
    pairs: usize,
    /// Words of a passage, at most
    #[arg(long, default_value_t = 70)]
    words: usize,
    /// The page [default: quiz-SEED.html in the run's folder]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    choosing: Choosing,
    /// The same seed asks the same
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    opening: Opening,
}

/// Runs it.
///
/// # Errors
/// No run's folder; nothing held out that is long enough; a page that is there already; a device that fails.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let how = args.choosing.choice()?;
    let out = args.out.clone().unwrap_or_else(|| args.run.join(format!("quiz-{}.html", args.seed)));
    out::check_new(&out, "--out")?;
    let diary = Diary::of_run(&args.run)?;
    let openings = openings(&diary, args)?;
    let prompts: Vec<_> = openings.iter().map(|of| (&of.entry.header, of.opening)).collect();
    let bar = Bar::new();
    let mut model = Asked::open(&args.opening, args.model.as_deref().unwrap_or(&args.run), prompts.len())?;
    let most = ROOM * args.words * tokens_a_word(&diary);
    let texts = model.write(&prompts, (most, &how, args.seed), &bar, "writing the other passages")?;
    bar.finish();
    let questions: Vec<Question> = openings
        .iter()
        .zip(&texts)
        .filter_map(|(of, text)| of.question(text, args.words))
        .take(args.pairs)
        .collect();
    if questions.is_empty() {
        let next = "let it write otherwise, --temperature 1 say, or train it longer";
        return Err(
            Error::file(&args.run, "the model wrote nothing long enough to be asked about", next).into()
        );
    }
    let n = questions.len();
    let quiz = Quiz {
        title: "Can you tell?".into(),
        run: models::name(&args.run),
        made: record::now().chars().take(10).collect(),
        questions,
    };
    disk::write_new(&out, page(&quiz, args.seed).as_bytes())?;
    note(format!(
        "this page holds {} of your diary, in the clear, beside as many of the model's: give it to nobody who may not read them",
        counted(n as u64, "passage", "passages")
    ));
    out::line(shown(&out))?;
    Ok(ExitCode::SUCCESS)
}

/// How many tokens a word of the diary takes, rounded up: with bytes for tokens six.
fn tokens_a_word(diary: &Diary) -> usize {
    let all = || diary.train.iter().chain(&diary.held_out);
    let tokens: usize = all().map(|entry| entry.range.len()).sum();
    tokens.div_ceil(all().map(|entry| words(&entry.text).count()).sum::<usize>().max(1))
}

/// An entry that nobody but its writer has read, cut after its first words.
#[derive(Clone, Copy)]
struct Begun<'a> {
    entry: &'a Entry,
    opening: &'a str,
    rest: &'a str,
}

impl<'a> Begun<'a> {
    /// Cuts an entry; an answer follows its question and is not cut. None of one that is too short.
    fn of(entry: &'a Entry, pairs: bool) -> Option<Begun<'a>> {
        let at = match pairs {
            true => 0,
            false => words(&entry.text).nth(OPENING - 1)?.range().end,
        };
        let (opening, rest) = entry.text.split_at(at);
        (words(rest).count() >= SHORTEST).then_some(Begun { entry, opening, rest })
    }

    /// What the model is given, a question without its form: preferences are of any form.
    fn prompt(&self) -> String {
        format!("{}{}", self.entry.header.shown(), self.opening)
    }

    /// What is asked, both passages cut at the same number of words, which are `most` at most; none where the model wrote too little.
    fn question(&self, model: &str, most: usize) -> Option<Question> {
        let n = most.min(words(self.rest).count()).min(words(model).count());
        if n < SHORTEST {
            return None;
        }
        let opening =
            if self.opening.is_empty() { self.entry.header.shown().trim() } else { self.opening.trim() };
        Some(Question {
            opening: opening.into(),
            prompt: self.prompt(),
            diary: cut(self.rest, n).into(),
            model: cut(model, n).into(),
            date: self.entry.day.map(|day| day.to_string()),
        })
    }
}

/// The first `n` words of a text, and what stands before them.
fn cut(text: &str, n: usize) -> &str {
    let end = words(text).nth(n.saturating_sub(1)).map_or(text.len(), |word| word.range().end);
    &text[..end]
}

/// Held-out entries that are long enough, evenly from first to last: a few more than are asked for, since the model may write too little.
fn openings<'a>(diary: &'a Diary, args: &Args) -> Result<Vec<Begun<'a>>> {
    if diary.held_out.is_empty() {
        let problem =
            "nothing of this run's journal was held out, and what the model has seen is no fair question";
        return Err(Error::file(&args.run, problem, "train with --val-fraction 0.1"));
    }
    let pairs = diary.run.data.pairs.is_some();
    let all: Vec<Begun> = diary.held_out.iter().filter_map(|entry| Begun::of(entry, pairs)).collect();
    if all.is_empty() {
        let opening = if pairs { 0 } else { OPENING };
        let problem = format!("none of what is held out has {} words", opening + SHORTEST);
        return Err(Error::file(&args.run, problem, "train with a larger --val-fraction"));
    }
    Ok(evenly(&all, args.pairs + args.pairs.div_ceil(4)).into_iter().copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::likeness::given::Given;

    fn entry(text: &str) -> Entry {
        Entry {
            name: String::new(),
            day: None,
            header: Given::Header("2021-03-04\n".into()),
            text: text.into(),
            range: 0..1,
        }
    }

    #[test]
    fn both_passages_follow_the_opening_and_are_as_long() {
        let long = entry(&"one two three four five six seven eight. ".repeat(6));
        let begun = Begun::of(&long, false).unwrap();
        assert_eq!(begun.opening, "one two three four five six seven eight. one two three four");
        let model = " and so on".repeat(20);
        let question = begun.question(&model, 30).unwrap();
        let count = |text: &str| words(text).count();
        assert_eq!((count(&question.diary), count(&question.model)), (30, 30));
        // The entry goes on from the prompt as it stands, and nothing is put to either.
        assert_eq!(question.prompt, format!("2021-03-04\n{}", begun.opening));
        let whole = format!("{}{}", long.header.shown(), long.text);
        assert!(whole.starts_with(&format!("{}{}", question.prompt, question.diary)));
        assert!(question.diary.starts_with(" five six") && question.diary.ends_with("two"));
        assert!(model.starts_with(&question.model));
        assert_eq!(begun.question("and so on", 30), None);
        assert!(Begun::of(&entry("too short"), false).is_none());
        // An answer follows its question.
        let asked = Begun::of(&long, true).unwrap().question(&model, 30).unwrap();
        assert!(asked.opening == "2021-03-04" && asked.diary.starts_with("one two"));
        assert_eq!(asked.prompt, "2021-03-04\n");
    }
}
