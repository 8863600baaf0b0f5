//! `diarist serve [DIR…]`: the models for other programs on this computer, and a page.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use crate::base::Result;
use crate::base::units::shown;
use crate::cli::opening::Opening;
use crate::cli::out::{self, note};
use crate::cli::recalling::Recalling;
use crate::cli::talking;
use crate::model::STREAMS;
use crate::run::newest;
use crate::run::runs::CHECKPOINTS;
use crate::serve::{self, Listed, Recall, Settings, manner};

/// Where it listens, where nobody says.
const PORT: u16 = 4747;

/// Arguments of `serve`.
#[derive(clap::Args)]
pub struct Args {
    /// Runs' folders, other models' folders or files, or fetched models' names; without any, the newest run of checkpoints/
    dirs: Vec<PathBuf>,
    /// The port to listen on; 0 takes one that is free
    #[arg(long, default_value_t = PORT)]
    port: u16,
    /// Let other computers reach it at this address or name of yours; a --token is demanded then
    #[arg(long, value_name = "ADDRESS", default_value = "localhost")]
    host: String,
    /// What clients have to show as their API key [default: what DIARIST_TOKEN holds, which other users of this computer do not see]
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// Another name under which clients reach it (host.docker.internal, say); repeatable
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// Let a web page of another server ask, as http://localhost:3000; repeatable
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// How many texts are written at once, of each model
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=STREAMS as i64))]
    streams: u32,
    /// Write a line about each request to this file, with all that was said; without it nothing is written down
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    #[command(flatten)]
    opening: Opening,
    #[command(flatten)]
    recalling: Recalling,
}

/// Runs it.
///
/// # Errors
/// No model, a device that fails, journals that cannot be read, a port in use.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let dirs = match args.dirs.is_empty() {
        true => vec![newest(Path::new(CHECKPOINTS))?],
        false => args.dirs.clone(),
    };
    let models = talking::names(&dirs);
    let listed: Vec<Listed> =
        models.iter().map(|(name, path)| manner::listed(name.clone(), path)).collect::<Result<_>>()?;
    let settings = Settings {
        host: args.host.clone(),
        port: args.port,
        token: args.token.clone().or_else(|| std::env::var("DIARIST_TOKEN").ok()),
        names: args.allow_host.clone(),
        origins: args.allow_origin.clone(),
        log: args.log.clone(),
        ..Settings::default()
    };
    let listening = serve::listen(&settings)?;
    let library = args.recalling.open(&dirs)?.map(|library| Arc::new(library) as Arc<dyn Recall>);
    let (jobs, models_thread) = talking::start(&args.opening, &models, args.streams as usize)?;
    let stop = settings.stop.clone();
    // Without a handler Ctrl-C ends the process all the same.
    let _ = ctrlc::set_handler(move || {
        if stop.swap(true, std::sync::atomic::Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    let served = serve::run(listening, &settings, listed, jobs, library, |at| {
        let host = if settings.host == "localhost" { "localhost".to_string() } else { at.ip().to_string() };
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        let names: Vec<&str> = models.iter().map(|(name, _)| &name[..]).collect();
        note(format!("models   {}", names.join(", ")));
        note(match &settings.log {
            Some(file) => format!("log      {}: all that is said is written there", shown(file)),
            None => "log      none: nothing of what is said is written down".into(),
        });
        note(match settings.host == "localhost" {
            true => "listens  to this computer alone; Ctrl-C ends it".into(),
            false => format!("listens  to whoever reaches {} and has the token; Ctrl-C ends it", at.ip()),
        });
        // Whoever reads stdout knows by it that requests are taken.
        let _ = out::line(format!("http://{host}:{}/", at.port()));
        note(format!("         for programs that speak as OpenAI's: http://{host}:{}/v1", at.port()));
    });
    let _ended = models_thread.join();
    served?;
    Ok(ExitCode::SUCCESS)
}
