//! `diarist pairs batch PATH…`: prompts of one's own documents.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::base::units::{counted, duration, shown, thousands};
use crate::base::{Error, Result, disk, shell};
use crate::cli::out::{self, note};
use crate::cli::pairs::documents;
use crate::cli::reading::Reading;
use crate::cli::train::on_interrupt;
use crate::dataset::pairs::pair::KINDS;
use crate::eval::pairs::ask::{Endpoint, Event, Manner, Outcome, ask_all};
use crate::eval::pairs::batch::{
    Author, Batch, Document, Plan, ProfileFigures, batches, draft_profile, file_name,
};
use crate::eval::themes::{Theme, cut_long, themes};
use crate::journal;

/// Arguments of `pairs batch`.
#[derive(clap::Args)]
pub struct Args {
    /// Your documents: journals of any kinds
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// The folder for prompts, and answers; a second call goes on in it
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// How the author is described: the draft that the first call writes, edited by you [default: the draft]
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Pairs that each prompt asks for
    #[arg(long, value_name = "N", default_value_t = Plan::default().pairs_per_batch)]
    per_batch: usize,
    /// Words of documents in each prompt
    #[arg(long, value_name = "N", default_value_t = Plan::default().words_per_batch)]
    words: usize,
    /// How many themes [default: as the documents have it]
    #[arg(long, value_name = "N")]
    themes: Option<usize>,
    /// The language of the pairs, where it is not that of the documents
    #[arg(long)]
    language: Option<String>,
    /// No more prompts than these
    #[arg(long, value_name = "N")]
    most: Option<usize>,
    /// The seed of themes and batches
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Send them to a model, at an address such as http://localhost:11434/v1 (any server that speaks as OpenAI's does)
    #[arg(long, value_name = "URL", requires = "model", help_heading = ASKING)]
    endpoint: Option<String>,
    /// The model's name there
    #[arg(long, value_name = "NAME", requires = "endpoint", help_heading = ASKING)]
    model: Option<String>,
    /// The environment variable that holds the key, where one is wanted
    #[arg(long, value_name = "VARIABLE", requires = "endpoint", help_heading = ASKING)]
    key_env: Option<String>,
    /// How freely it writes
    #[arg(long, default_value_t = Manner::default().temperature, requires = "endpoint", help_heading = ASKING)]
    temperature: f64,
    /// Tokens of an answer, at most
    #[arg(long, default_value_t = Manner::default().max_tokens, requires = "endpoint", help_heading = ASKING)]
    max_tokens: u32,
    /// The address may be of another computer: your diary, as it stands in the prompts, is sent there
    #[arg(long, requires = "endpoint", help_heading = ASKING)]
    yes_send_my_diary: bool,
    #[command(flatten)]
    reading: Reading,
}

/// The heading of the flags of asking.
const ASKING: &str = "Having a model answer";

/// Runs it.
///
/// # Errors
/// Documents that cannot be read; a folder that holds other prompts; a server that does not answer.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    // What may not be sent is known before anything is read.
    let endpoint = args.endpoint.as_deref().zip(args.model.as_deref());
    let endpoint = endpoint
        .map(|(url, model)| Endpoint::new(url, model, args.key_env.as_deref(), args.yes_send_my_diary))
        .transpose()?;
    let read = documents::read(&args.paths, &args.reading)?;
    let entries: Vec<_> = read.iter().map(|d| (d.day, &d.text[..])).collect();
    let author = author(args, &ProfileFigures::of(&entries))?;
    let named: Vec<(String, String)> = read.iter().map(|d| (d.name.clone(), d.text.clone())).collect();
    let cut = cut_long(&named);
    let themes = themes(&cut, args.themes, args.seed);
    // A passage has its document's name, which is its day where it has one.
    let is_day = |name: &String| {
        name.get(..10).filter(|day| day.parse::<jiff::civil::Date>().is_ok()).map(str::to_string)
    };
    let documents: Vec<Document> =
        cut.into_iter().map(|(name, text)| Document { date: is_day(&name), name, text }).collect();
    let plan = Plan {
        pairs_per_batch: args.per_batch,
        words_per_batch: args.words,
        language: args.language.clone(),
        ..Plan::default()
    };
    let mut batches = batches(&documents, &themes, &author, &plan, args.seed)?;
    batches.truncate(args.most.unwrap_or(usize::MAX));
    let prompts: Vec<(String, String)> = batches
        .iter()
        .map(|batch| (file_name(batch.number, &themes[batch.theme].name), batch.prompt.clone()))
        .collect();
    write(&args.out.join("prompts"), &prompts)?;
    told(args, &themes, &batches)?;
    match endpoint {
        Some(endpoint) => ask(args, &endpoint, &prompts),
        None => {
            note(format!(
                "next: paste each file of {} where a model answers, and save the answers in a folder; or --endpoint URL --model NAME. \
                 Then: {} pairs check ANSWERS --source {}",
                shown(&args.out.join("prompts")),
                shell::program(),
                args.paths.iter().map(shell::path).collect::<Vec<_>>().join(" --source ")
            ));
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Who writes: as the person has it, or the draft, which is left beside the prompts to be edited.
fn author(args: &Args, figures: &ProfileFigures) -> Result<Author> {
    if let Some(file) = &args.profile {
        return Ok(Author::from_file(&journal::read_list(file)?));
    }
    let draft = draft_profile(figures);
    disk::create_folder(&args.out)?;
    let file = args.out.join("profile.txt");
    if !file.exists() {
        disk::write_new(&file, draft.as_bytes())?;
        note(format!(
            "{} describes you as it was counted: edit it, and make the prompts anew in another folder with --profile {}",
            shown(&file),
            shell::path(&file)
        ));
    }
    Ok(Author::from_file(&draft))
}

/// Writes the prompts, but for those that are there; other prompts than these stay as they are, and are an error.
fn write(folder: &Path, prompts: &[(String, String)]) -> Result<()> {
    disk::create_folder(folder)?;
    for (name, text) in prompts {
        let file = folder.join(name);
        if !file.exists() {
            disk::write_new(&file, text.as_bytes())?;
        } else if disk::read_file(&file)? != text.as_bytes() {
            return Err(Error::file(
                file,
                "another prompt than the one that would be written now",
                "give a new --out",
            ));
        }
    }
    Ok(())
}

/// What was made.
fn told(args: &Args, themes: &[Theme], batches: &[Batch]) -> anyhow::Result<()> {
    for theme in themes {
        out::line(format!("{:4} {}", theme.documents.len(), theme.name))?;
    }
    let kind = |i: usize| batches.iter().map(|batch| batch.pairs[i]).sum::<usize>();
    let kinds: Vec<String> =
        KINDS.iter().enumerate().map(|(i, name)| format!("{} {name}", kind(i))).collect();
    out::line(format!(
        "{} in {}, for {} pairs: {}",
        counted(batches.len() as u64, "prompt", "prompts"),
        shown(&args.out.join("prompts")),
        thousands((0..KINDS.len()).map(kind).sum::<usize>() as u64),
        kinds.join(", ")
    ))
}

/// Sends them.
fn ask(args: &Args, endpoint: &Endpoint, prompts: &[(String, String)]) -> anyhow::Result<ExitCode> {
    if !endpoint.is_here() {
        note(
            "your diary, as it stands in the prompts, is sent to another computer: what is sent is kept in sent/",
        );
    }
    let stop = on_interrupt();
    let manner = Manner { temperature: args.temperature, max_tokens: args.max_tokens };
    let begun = std::time::Instant::now();
    let mut done = 0_u32;
    let outcome = ask_all(endpoint, prompts, &args.out, manner, &stop, |event| match event {
        Event::Asking(name, i, of) => {
            let left = (done > 0).then(|| begun.elapsed() / done * (of - i + 1) as u32);
            let left = left.map_or(String::new(), |left| format!(", about {} left", duration(left)));
            note(format!("{i} of {of}: {name}{left}"));
        }
        Event::Waiting(why, wait) => note(format!("  {why}: again in {}", duration(wait))),
        Event::Answered(_, cut) => {
            done += 1;
            if cut {
                note("  its answer ends in the middle: a larger --max-tokens lets it finish");
            }
        }
        Event::Failed(name, why) => note(format!("  {name}: {why}")),
    })?;
    let Outcome { answered, before, failed, stopped, .. } = outcome;
    let all = answered.len() + before.len();
    out::line(format!("{} of {} are answered, in {}", all, prompts.len(), shown(&args.out.join("answers"))))?;
    if stopped {
        note("stopped: the same command goes on");
        return Ok(ExitCode::from(130));
    }
    let sources = args.paths.iter().map(shell::path).collect::<Vec<_>>().join(" --source ");
    note(format!(
        "next: {} pairs check {} --source {sources}",
        shell::program(),
        shell::path(args.out.join("answers"))
    ));
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
