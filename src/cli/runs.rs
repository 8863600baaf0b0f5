//! `diarist runs [DIR]`: which runs there are, and how far each came.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::base::Result;
use crate::base::units::{shown, thousands};
use crate::cli::out;
use crate::cli::table::{Align, Table};
use crate::run::record::Run;
use crate::run::runs::{CHECKPOINTS, newest, runs};
use crate::run::{card, is_held, read_run};

/// Arguments of `runs`.
#[derive(clap::Args)]
pub struct Args {
    /// The folder that the runs are in
    #[arg(default_value = CHECKPOINTS)]
    dir: PathBuf,
    /// One line of JSON: a list, the newest first
    #[arg(long)]
    json: bool,
}

/// A folder that is a run's, and what its record says.
struct Listed {
    folder: PathBuf,
    held: bool,
    run: Result<Run>,
}

/// Runs it.
///
/// # Errors
/// There is no run in the folder. One whose record cannot be read is listed, and why.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut folders = runs(&args.dir);
    if folders.is_empty() {
        // It may be a run itself.
        folders = if read_run(&args.dir).is_ok() { vec![args.dir.clone()] } else { vec![newest(&args.dir)?] };
    }
    let listed: Vec<Listed> = folders
        .into_iter()
        .rev()
        .map(|folder| Listed { held: is_held(&folder), run: read_run(&folder), folder })
        .collect();
    if args.json {
        out::json(&listed.iter().map(Listed::json).collect::<Vec<_>>())?;
    } else {
        print(&listed)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What it began from, as short as it can be said.
fn from(run: &Run) -> String {
    let lora = if run.settings.lora.is_some() { ", LoRA" } else { "" };
    match (run.from.as_str(), &run.preset) {
        ("scratch", Some(preset)) => format!("scratch ({preset})"),
        ("scratch", None) => "scratch".into(),
        (from, _) => card::base(from).unwrap_or_else(|| shown(Path::new(from))) + lora,
    }
}

impl Listed {
    fn name(&self) -> String {
        self.folder.file_name().map_or_else(|| shown(&self.folder), |name| shown(Path::new(name)))
    }

    fn state(&self, run: &Run) -> &'static str {
        match (self.held, run.finished) {
            (true, _) => "in progress",
            (false, true) => "finished",
            (false, false) => "stopped",
        }
    }

    fn json(&self) -> Value {
        let path = self.folder.to_string_lossy();
        match &self.run {
            Ok(run) => json!({
                "name": self.name(),
                "path": path,
                "state": self.state(run),
                "begun": run.created,
                "from": run.from,
                "lora": run.settings.lora.is_some(),
                "preset": run.preset,
                "entries": run.data.entries,
                "words": run.data.words,
                "step": run.position.step,
                "steps": run.settings.steps,
                "best": run.best_eval,
                "last": run.last_eval,
            }),
            Err(e) => json!({ "name": self.name(), "path": path, "problem": e.to_string() }),
        }
    }
}

fn print(listed: &[Listed]) -> anyhow::Result<()> {
    let (left, right) = (Align::Left, Align::Right);
    let mut table = Table::new(&[
        ("run", left),
        ("begun", left),
        ("from", left),
        ("entries", right),
        ("words", right),
        ("step", right),
        ("of", right),
        ("lowest loss", right),
        ("at step", right),
        ("", left),
    ]);
    let mut unread = Vec::new();
    for one in listed {
        let Ok(run) = &one.run else {
            unread.push(one);
            continue;
        };
        let (loss, at) = run.best_eval.map_or(("–".into(), "–".into()), |best| {
            (format!("{:.4}", best.val_loss), thousands(best.step))
        });
        table.row([
            one.name(),
            run.created.get(..16).unwrap_or(&run.created).replace('T', " "),
            from(run),
            thousands(run.data.entries),
            thousands(run.data.words),
            thousands(run.position.step),
            thousands(run.settings.steps),
            loss,
            at,
            one.state(run).into(),
        ]);
    }
    if unread.len() < listed.len() {
        out::line(table)?;
    }
    for one in unread {
        let Err(e) = &one.run else { continue };
        out::line(e)?;
    }
    Ok(())
}
