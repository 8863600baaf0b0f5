//! Room 8: the command line, one file a command.

mod about;
mod adapters;
mod ask;
mod bar;
mod bench;
mod chat;
mod choosing;
mod compare;
mod completions;
mod convert;
mod corpus;
mod devices;
mod doctor;
mod eval;
mod events;
mod explain;
mod fetch;
mod forget;
mod info;
mod likeness;
mod man;
mod merge;
mod opening;
pub mod out;
mod pairs;
mod quiz;
mod reading;
mod recalling;
mod runs;
mod sample;
mod serve;
mod table;
mod talking;
mod target;
mod train;
mod version;
mod watch;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

/// Train GPT-2, or a newer small model, on your own journals, at home, on any GPU or none.
#[derive(Parser)]
#[command(name = "diarist", version, max_term_width = 100)]
struct Cli {
    /// With --version: also what this program was built for, and what of it may open a connection
    #[arg(long, requires = "version")]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// See what is in journals before training: entries, words, years, what was left out, what it would cost
    Corpus(Box<corpus::Args>),
    /// Train a model on journals: files, folders and zips of them, from whatever apps
    Train(Box<train::Args>),
    /// Get a model from the Hugging Face hub into its cache on this computer, to start from
    Fetch(fetch::Args),
    /// Let a trained model write
    Sample(sample::Args),
    /// Talk with a model at the terminal, or over a pipe
    Chat(Box<chat::Args>),
    /// Ask your own entries: they answer, quoted and dated, or a model from them
    Ask(Box<ask::Args>),
    /// Serve models to other programs on this computer, as OpenAI's servers speak, and on a page of its own
    Serve(Box<serve::Args>),
    /// List the runs: from what, on how much, how far, how well
    Runs(runs::Args),
    /// Put runs side by side: what differs, how well each learned, what each writes
    Compare(compare::Args),
    /// Train a run again without some of its entries, and measure that they are forgotten
    Forget(forget::Args),
    /// Measure how well a model predicts a text
    Eval(eval::Args),
    /// Measure how like the writer a run's model is: on what it never saw, and in what it writes
    Likeness(likeness::Args),
    /// Make a page that asks which of two passages is the diary's, and which the model's
    Quiz(quiz::Args),
    /// Make questions and answers of your own documents, check them, divide them: `train --pairs` learns from them
    Pairs(pairs::Args),
    /// Write a model in the form that another tool reads: transformers, llama.cpp, Ollama, llm.c, nanoGPT
    Convert(convert::Args),
    /// Make one plain model of a model and the LoRA adapters on it
    Merge(merge::Args),
    /// Say what is at a path: a model of any kind, a run, an adapter
    Info(info::Args),
    /// List this computer's devices
    Devices(devices::Args),
    /// Check that a device, with its driver, computes this right
    Doctor(doctor::Args),
    /// Measure how fast a device is at this, and how near its ceilings
    Bench(bench::Args),
    /// Show the recorded training step: every dispatch, its price, and the memory plan
    Explain(explain::Args),
    /// Print completions for a shell
    Completions(completions::Args),
    /// Print a manual page
    Man(man::Args),
}

/// Runs the command line; the exit code is 0 for success, 1 for a failure, 2 for a usage error, 130 when interrupted.
pub fn main() -> ExitCode {
    let matches = Cli::command().try_get_matches().unwrap_or_else(|e| {
        if e.kind() == ErrorKind::DisplayVersion && std::env::args_os().any(|arg| arg == "--verbose") {
            let printed = version::run();
            std::process::exit(i32::from(printed.is_err()));
        }
        e.exit()
    });
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|e| e.exit());
    let result = match &cli.command {
        Command::Corpus(args) => corpus::run(args),
        Command::Train(args) => train::run(args, matches.subcommand_matches("train").unwrap_or(&matches)),
        Command::Fetch(args) => fetch::run(args),
        Command::Sample(args) => sample::run(args),
        Command::Chat(args) => chat::run(args),
        Command::Ask(args) => ask::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Runs(args) => runs::run(args),
        Command::Compare(args) => compare::run(args),
        Command::Forget(args) => forget::run(args),
        Command::Eval(args) => eval::run(args),
        Command::Likeness(args) => likeness::run(args),
        Command::Quiz(args) => quiz::run(args),
        Command::Pairs(args) => pairs::run(args),
        Command::Convert(args) => convert::run(args),
        Command::Merge(args) => merge::run(args),
        Command::Info(args) => info::run(args),
        Command::Devices(args) => devices::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Completions(args) => completions::run(args, Cli::command()),
        Command::Man(args) => man::run(args, Cli::command()),
    };
    result.unwrap_or_else(|e| {
        // Our own errors say everything themselves; a chain of contexts is printed whole.
        match e.downcast_ref::<crate::base::Error>() {
            Some(own) => {
                out::note(format!("error: {own}"));
                if matches!(own, crate::base::Error::Usage { .. }) {
                    return ExitCode::from(2);
                }
            }
            None => out::note(format!("error: {e:#}")),
        }
        ExitCode::FAILURE
    })
}
