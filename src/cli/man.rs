//! `diarist man [COMMAND]`: a manual page, from the definitions of the flags.

use std::process::ExitCode;

use crate::base::Error;
use crate::cli::out;

/// What stands at a page's foot.
const SOURCE: &str = concat!("diarist ", env!("CARGO_PKG_VERSION"));

/// Arguments of `man`.
#[derive(clap::Args)]
pub struct Args {
    /// The command; without it, the page of diarist itself. To read one: diarist man train | man -l -
    command: Option<String>,
}

/// Runs it for the whole command line.
///
/// # Errors
/// No such command; output that cannot be written.
pub fn run(args: &Args, mut cli: clap::Command) -> anyhow::Result<ExitCode> {
    cli.build();
    let page = match &args.command {
        None => cli,
        Some(name) => match cli.find_subcommand(name) {
            Some(command) => command.clone(),
            None => {
                return Err(Error::usage(format!("no command {name:?}"), "diarist --help lists them").into());
            }
        },
    };
    let mut roff = Vec::new();
    clap_mangen::Man::new(page).source(SOURCE).render(&mut roff)?;
    out::text(&String::from_utf8(roff)?)?;
    Ok(ExitCode::SUCCESS)
}
