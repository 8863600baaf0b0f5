//! `diarist chat [DIR]`: a conversation at the terminal, or over a pipe.

pub mod command;
pub mod editor;
pub mod input;
pub mod lines;
pub mod model;
pub mod page;
pub mod session;
pub mod settings;
pub mod speaker;
pub mod stop;
pub mod talk;
pub mod transcript;
pub mod turns;
pub mod visible;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::base::rng::seed_of_the_clock;
use crate::base::{Error, Result};
use crate::cli::choosing::Choosing;
use crate::cli::opening::Opening;
use crate::cli::recalling::Recalling;
use crate::cli::talking;
use crate::run::newest;
use crate::run::runs::CHECKPOINTS;
use crate::sample::stops::Stops;
use editor::{Editor, PROMPT};
use input::Input;
use lines::Lines;
use model::Model;
use page::Page;
use session::{NO_HEADERS, Session};
use settings::Settings;
use speaker::{Manner, Speaker};
use stop::Stop;
use talk::{Ended, Talk};

/// Arguments of `chat`.
#[derive(clap::Args)]
pub struct Args {
    /// A run's folder, any other model's folder or file, or a fetched model's name; without it, the newest run of checkpoints/
    dir: Option<PathBuf>,
    /// What stands before everything: who the model is to be, or how a diary's text begins
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
    /// The day or the header under which a diary's model writes
    #[arg(long, value_name = "DAY|HEADER")]
    voice: Option<String>,
    /// The most tokens of an answer
    #[arg(long, default_value_t = 300)]
    max_tokens: usize,
    /// The same seed gives the same answers; without it, new ones each time
    #[arg(long)]
    seed: Option<u64>,
    /// End an answer before this string; repeatable
    #[arg(long, value_name = "STRING", allow_hyphen_values = true)]
    stop: Vec<String>,
    #[command(flatten)]
    choosing: Choosing,
    #[command(flatten)]
    opening: Opening,
    #[command(flatten)]
    recalling: Recalling,
}

/// Runs it.
///
/// # Errors
/// No model, a device that fails, journals that cannot be read.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let how = args.choosing.choice()?;
    // One that cannot be is refused before a model is opened.
    Stops::new(args.stop.clone())?;
    let dir = args.dir.clone().map_or_else(|| newest(Path::new(CHECKPOINTS)), Ok)?;
    let models = talking::names(&[dir]);
    let library = args.recalling.open(&[models[0].1.clone()])?;
    let (jobs, models_thread) = talking::start(&args.opening, talking::places(&args.opening, &models), 1)?;
    let (name, path) = (&models[0].0, args.opening.spoken(&models[0].1));
    let mut model = Model::new(jobs, (name, path), library)?;
    let settings = Settings { how, max_tokens: args.max_tokens, stop: args.stop.clone() };
    let seed = args.seed.unwrap_or_else(|| seed_of_the_clock() >> 32);
    let mut session = Session::new(model.manner(), model.voices(), settings, seed);
    put_before(&mut session, &model, [args.prompt.as_deref(), args.voice.as_deref()])?;
    let ended = converse(&mut session, &mut model, name);
    drop(model);
    // It ends when nobody can ask it any more.
    let _ended = models_thread.join();
    ended
}

/// Puts a prompt and a voice before everything, where they are given.
///
/// # Errors
/// A voice for a model that writes under no headers; no header can be made of it.
fn put_before(
    session: &mut Session,
    speaker: &dyn Speaker,
    [prompt, voice]: [Option<&str>; 2],
) -> Result<()> {
    if let Some(prompt) = prompt {
        session.set_prompt(prompt.to_string());
    }
    if let Some(voice) = voice {
        if speaker.manner() != Manner::Diary {
            let next = "leave --voice out; --prompt says who the model is to be";
            return Err(Error::usage(format!("--voice {voice:?}: {NO_HEADERS}"), next));
        }
        session.set_voice(speaker.header(voice)?);
    }
    Ok(())
}

/// Terminals on which lines cannot be edited.
const PLAIN: [&str; 3] = ["dumb", "cons25", "emacs"];

/// Talks with `speaker`, which is called `model`: with a line editor where a person types, a line a turn over a pipe. Exit code 1 where,
/// over a pipe, something could not be answered.
///
/// # Errors
/// What is said cannot be read, or the answers cannot be written.
pub fn converse(session: &mut Session, speaker: &mut dyn Speaker, model: &str) -> anyhow::Result<ExitCode> {
    let typed = io::stdin().is_terminal();
    let is_terminal = io::stdout().is_terminal();
    let plain = std::env::var("TERM").is_ok_and(|term| PLAIN.contains(&&*term.to_ascii_lowercase()));
    let mut input: Box<dyn Input> = match (typed, plain) {
        (true, false) => Box::new(Editor::open(!is_terminal)?),
        (true, true) => Box::new(Lines::typed(io::stdin().lock(), before)),
        (false, _) => Box::new(Lines::piped(io::stdin().lock())),
    };
    // Where lines are edited Ctrl-C is a key, but for the moment in which an answer ends.
    let stop = Stop::new(input.edits());
    stop.on_interrupt();
    let (mut answers, mut notes) = (io::stdout().lock(), io::stderr());
    let page = Page::new(&mut answers, &mut notes, is_terminal);
    let ended = Talk::new(session, speaker, model, page, &stop).run(input.as_mut())?;
    Ok(if ended == Ended::Well || typed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The prompt of a terminal on which lines cannot be edited.
fn before() {
    let mut stderr = io::stderr();
    let _ = stderr.write_all(PROMPT.as_bytes()).and_then(|()| stderr.flush());
}
