//! `diarist serve [DIR…]`: the models for other programs on this computer, and a page.

use std::net::SocketAddr;
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
use crate::serve::manner::{self, Place};
use crate::serve::settings::TOKENS;
use crate::serve::shelf::Shelf;
use crate::serve::{self, Entries, Limits, Recall, Settings};

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
    /// The most tokens of one text, however many are asked for
    #[arg(long, value_name = "N", default_value_t = TOKENS, value_parser = clap::value_parser!(u32).range(1..))]
    max_tokens: u32,
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
    let (models, embeds) = named(&dirs, &args.opening, args.recalling.embeddings());
    let places = talking::places(&args.opening, &models);
    let shelf = shelf(&places)?;
    let settings = Settings {
        host: args.host.clone(),
        port: args.port,
        token: args.token.clone().or_else(|| std::env::var("DIARIST_TOKEN").ok()),
        names: args.allow_host.clone(),
        origins: args.allow_origin.clone(),
        log: args.log.clone(),
        limits: Limits { tokens: args.max_tokens as usize, ..Limits::default() },
        ..Settings::default()
    };
    let listening = serve::listen(&settings)?;
    let on_loopback = listening.is_loopback();
    let spoken: Vec<PathBuf> = places.iter().map(|place| place.run.clone()).collect();
    let library = args.recalling.open(&spoken)?;
    let library = library.map(|library| Arc::new(Entries::new(library, embeds)) as Arc<dyn Recall>);
    let (jobs, models_thread) = talking::start(&args.opening, places, args.streams as usize)?;
    let stop = settings.stop.clone();
    // Without a handler Ctrl-C ends the process all the same.
    let _ = ctrlc::set_handler(move || {
        if stop.swap(true, std::sync::atomic::Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    let served = serve::run(listening, &settings, shelf, jobs, library, |at| {
        let host = if settings.host == "localhost" { "localhost".to_string() } else { at.ip().to_string() };
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        let names: Vec<&str> = models.iter().map(|(name, _)| &name[..]).collect();
        note(format!("models   {}", names.join(", ")));
        note(match &settings.log {
            Some(file) => format!("log      {}: all that is said is written there", shown(file)),
            None => "log      none: nothing of what is said is written down".into(),
        });
        note(listens(on_loopback, settings.token.is_some(), at));
        // Whoever reads stdout knows by it that requests are taken.
        let _ = out::line(format!("http://{host}:{}/", at.port()));
        note(format!("         for programs that speak as OpenAI's: http://{host}:{}/v1", at.port()));
    });
    let _ended = models_thread.join();
    served?;
    Ok(ExitCode::SUCCESS)
}

/// Names for the models, and for the embedding model where there is one. One model with a run's adapter on it is called as that run.
fn named(
    dirs: &[PathBuf],
    opening: &Opening,
    embeddings: Option<&Path>,
) -> (Vec<(String, PathBuf)>, Option<String>) {
    let called: Vec<PathBuf> = match dirs {
        [one] => vec![opening.spoken(one).to_path_buf()],
        several => several.to_vec(),
    };
    let all: Vec<PathBuf> = called.into_iter().chain(embeddings.map(Path::to_path_buf)).collect();
    let mut names = talking::names(&all).into_iter().map(|(name, _)| name);
    let models = names.by_ref().take(dirs.len()).zip(dirs.iter().cloned()).collect();
    (models, names.next())
}

/// The models as they are listed, now and whenever one was saved anew.
fn shelf(places: &[Place]) -> Result<Shelf> {
    let listed = places.iter().map(manner::listed).collect::<Result<_>>()?;
    let places = places.to_vec();
    Ok(Shelf::new(
        listed,
        Box::new(move |last| {
            let place = places.iter().find(|place| place.name == last.name)?;
            manner::listed_again(place, last)
        }),
    ))
}

/// To whom it listens.
fn listens(on_loopback: bool, with_token: bool, at: SocketAddr) -> String {
    let who = match (on_loopback, with_token) {
        (true, false) => "this computer alone".into(),
        (true, true) => "this computer alone, and there to whoever has the token".into(),
        (false, _) => format!("whoever reaches {} and has the token", at.ip()),
    };
    format!("listens  to {who}; Ctrl-C ends it")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::run::record::{State, example};

    #[derive(clap::Parser)]
    struct Typed {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn one_model_with_a_runs_adapter_is_called_and_spoken_to_as_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("letters");
        std::fs::create_dir(&run).unwrap();
        let mut record = example();
        (record.state.folder, record.best_eval) = (State::folder_of(0), None);
        std::fs::write(run.join("run.json"), serde_json::to_string(&record).unwrap()).unwrap();
        let of = |dirs: &[&str]| {
            let run = run.to_str().unwrap();
            let typed = [&["serve"], dirs, &["--adapter", "other", "--adapter", run]].concat();
            let args = Typed::parse_from(typed).args;
            let (models, embeds) = named(&args.dirs, &args.opening, Some(Path::new("vectors/letters")));
            let places = talking::places(&args.opening, &models);
            assert!(places.iter().all(|place| place.run == Path::new(run)));
            let names: Vec<String> = models.into_iter().map(|(name, _)| name).collect();
            (names.join(" "), embeds.unwrap())
        };
        assert_eq!(of(&["gpt2"]), ("letters".into(), "letters-2".into()));
        assert_eq!(of(&["gpt2", "b/small"]), ("gpt2 small".into(), "letters".into()), "which are told apart");
    }

    #[test]
    fn an_address_of_this_computer_by_number_is_this_computer_alone() {
        let told = |host: &str, token| {
            let token = if token { Some("s3cret".to_string()) } else { None };
            let settings = Settings { host: host.into(), token, ..Settings::default() };
            let listening = serve::listen(&settings).unwrap();
            listens(listening.is_loopback(), settings.token.is_some(), ([127, 0, 0, 1], 1).into())
        };
        let alone = "listens  to this computer alone; Ctrl-C ends it";
        assert_eq!([told("localhost", false), told("127.0.0.1", false)], [alone, alone]);
        assert!(told("127.0.0.1", true).contains("this computer alone, and there to whoever has the token"));
        assert!(told("0.0.0.0", true).contains("to whoever reaches"), "{}", told("0.0.0.0", true));
    }
}
