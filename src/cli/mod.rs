//! Room 8: the command line, one file a command.

mod corpus;
mod devices;
mod doctor;
mod eval;
mod explain;
pub mod out;
mod reading;
mod sample;
mod table;
mod train;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Train GPT-2 on your own journals, at home, on any GPU or none.
#[derive(Parser)]
#[command(name = "diarist", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// See what is in journals before training: entries, words, years, what was left out, what it would cost
    Corpus(Box<corpus::Args>),
    /// Train a model on journals: files, folders and zips of them, from whatever apps
    Train(Box<train::Args>),
    /// Let a trained model write
    Sample(sample::Args),
    /// Measure how well a model predicts a text
    Eval(eval::Args),
    /// List this computer's devices
    Devices(devices::Args),
    /// Check that a device, with its driver, computes this right
    Doctor(doctor::Args),
    /// Show the recorded training step: every dispatch, its price, and the memory plan
    Explain(explain::Args),
}

/// Runs the command line; the exit code is 0 for success, 1 for a failure, 2 for a usage error, 130 when interrupted.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match &cli.command {
        Command::Corpus(args) => corpus::run(args),
        Command::Train(args) => train::run(args),
        Command::Sample(args) => sample::run(args),
        Command::Eval(args) => eval::run(args),
        Command::Devices(args) => devices::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Explain(args) => explain::run(args),
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
