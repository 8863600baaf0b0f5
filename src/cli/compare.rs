//! `diarist compare RUN RUN…`: runs beside each other, versions of oneself.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use crate::base::disk;
use crate::base::units::{shown, thousands};
use crate::cli::out;
use crate::cli::table::{Align, Table};
use crate::run::report::beside::Beside;

/// Arguments of `compare`.
#[derive(clap::Args)]
pub struct Args {
    /// The folders of two runs or more
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Also write it as a page, with the curves in one drawing; nothing is overwritten
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

/// Runs it.
///
/// # Errors
/// A folder that is no run's; a page that cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let beside = Beside::read(&args.runs)?;
    if let Some(file) = &args.html {
        disk::new_with(file, |fresh| disk::write_new(fresh, beside.page().as_bytes()))?;
        out::note(format!("the page is {}", shown(file)));
    }
    if args.json {
        json(&beside)?
    } else {
        print(&beside)?
    }
    Ok(ExitCode::SUCCESS)
}

fn print(beside: &Beside) -> anyhow::Result<()> {
    let names = beside.names();
    let columns: Vec<(&str, Align)> = [("", Align::Left)]
        .into_iter()
        .chain(names.iter().map(|name| (name.as_str(), Align::Left)))
        .collect();
    let table = |rows: Vec<(String, Vec<String>)>| {
        let mut table = Table::new(&columns);
        for (what, values) in rows {
            // A setting of several lines, a header, stays in its cell.
            let values = values.into_iter().map(|value| value.replace('\n', "\\n"));
            table.cells([what].into_iter().chain(values));
        }
        table
    };
    out::line(table(beside.losses()))?;
    if let Some(why) = beside.why_not() {
        out::line(format!("\nThe losses cannot be compared: {why}."))?;
    }
    match beside.differences() {
        none if none.is_empty() => out::line("\nThe runs were given the same.")?,
        some => out::line(format!("\nwhat differs\n{}", table(some)))?,
    }
    for (when, texts) in beside.samples() {
        out::line(format!("\nsamples {when}, from the same draws"))?;
        for (name, text) in names.iter().zip(texts) {
            match text {
                Some((step, text)) => {
                    out::line(format!("\n{name}, step {}", thousands(step)))?;
                    for line in text.trim().lines() {
                        // A model may write what a terminal would obey.
                        let line: String = line.chars().filter(|c| !c.is_control() || *c == '\t').collect();
                        out::line(format!("  | {line}").trim_end())?;
                    }
                }
                None => out::line(format!("\n{name}: no sample"))?,
            }
        }
    }
    Ok(())
}

fn json(beside: &Beside) -> anyhow::Result<()> {
    let runs: Vec<_> = (beside.runs.iter().zip(beside.names()).enumerate())
        .map(|(i, (told, name))| {
            json!({
                "name": name,
                "path": told.folder,
                "step": told.run.position.step,
                "steps": told.run.settings.steps,
                "finished": told.run.finished,
                "best": beside.best(i),
                "last": beside.last(i),
            })
        })
        .collect();
    let differences: serde_json::Map<String, serde_json::Value> =
        beside.differences().into_iter().map(|(what, values)| (what, values.into())).collect();
    let samples: Vec<_> = (beside.samples().into_iter())
        .map(|(when, texts)| {
            let texts: Vec<_> = texts
                .into_iter()
                .map(|text| text.map(|(step, text)| json!({ "step": step, "text": text })))
                .collect();
            json!({ "when": when, "runs": texts })
        })
        .collect();
    out::json(&json!({
        "runs": runs,
        "one_tokenizer": beside.one_tokenizer(),
        "not_comparable": beside.why_not(),
        "differences": differences,
        "samples": samples,
    }))
}
