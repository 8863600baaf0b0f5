//! `diarist pairs check FILE…`: are these fit to be trained on?

use std::path::PathBuf;
use std::process::ExitCode;

use crate::base::units::counted;
use crate::cli::out;
use crate::cli::pairs::documents;
use crate::cli::reading::Reading;
use crate::cli::table::{Align, Table};
use crate::dataset::pairs::Pair;
use crate::eval::pairs::check::{Distance, Limits, Report, Voice, check};

/// Findings that are shown, unless all are asked for.
const SHOWN: usize = 40;
/// Documents without a pair that are named.
const UNUSED: usize = 10;

/// Arguments of `pairs check`.
#[derive(clap::Args)]
pub struct Args {
    /// Files of pairs, or folders of them: JSON, JSONL, CSV, OpenAI `messages`, Alpaca, ShareGPT
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The documents that they are of: journals; repeatable
    #[arg(long, value_name = "PATH")]
    source: Vec<PathBuf>,
    /// Words of an answer, at least
    #[arg(long, default_value_t = Limits::default().words)]
    least_words: usize,
    /// A run of so many words that stands in a document is copied; 0 says nothing of it
    #[arg(long, default_value_t = Limits::default().copied)]
    copied: usize,
    /// Show all findings
    #[arg(long)]
    all: bool,
    /// Print them as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: Reading,
}

/// Runs it.
///
/// # Errors
/// No pairs; documents that cannot be read.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (pairs, problems) = documents::pairs(&args.files)?;
    let documents: Vec<(String, String)> = match args.source.is_empty() {
        true => Vec::new(),
        false => {
            documents::read(&args.source, &args.reading)?.into_iter().map(|d| (d.name, d.text)).collect()
        }
    };
    let voice = Voice::of(&documents);
    let limits = Limits {
        words: args.least_words,
        copied: args.copied,
        voice: voice.as_ref().map_or(f64::INFINITY, |voice| voice.limit),
        ..Limits::default()
    };
    let distance = voice.as_ref().map(|voice| |answer: &str| voice.distance(answer));
    let distance: Option<&Distance> = distance.as_ref().map(|f| f as _);
    let report = check(&pairs, &documents, &limits, distance);
    if args.json {
        out::json(&serde_json::json!({ "check": report, "problems": problems }))?;
    } else {
        told(args, &pairs, &report)?;
    }
    let clean = problems.is_empty() || !args.reading.strict;
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn told(args: &Args, pairs: &[Pair], report: &Report) -> anyhow::Result<()> {
    let most = if args.all { usize::MAX } else { SHOWN };
    for found in report.found.iter().take(most) {
        out::line(format!("{}: {}", found.place, found.finding.sentence()))?;
    }
    if report.found.len() > most {
        out::line(format!("and {} more: --all shows them", report.found.len() - most))?;
    }
    let marked: std::collections::BTreeSet<usize> = report.found.iter().map(|found| found.pair).collect();
    let whole = &report.whole;
    let mut table = Table::new(&[("", Align::Left), ("pairs", Align::Right)]);
    table.row(["in all".into(), pairs.len().to_string()]);
    table.row(["to look at".into(), marked.len().to_string()]);
    for (what, counts) in [("kind", &whole.kinds), ("theme", &whole.themes)] {
        for (name, count) in counts.iter().filter(|(name, _)| !name.is_empty()) {
            table.row([format!("{what} {name}"), count.to_string()]);
        }
    }
    out::line(format!("\n{table}"))?;
    let lengths = whole.lengths;
    out::line(format!(
        "answers of {} words by half; a tenth have fewer than {}, a tenth more than {}",
        lengths.median, lengths.tenth, lengths.ninetieth
    ))?;
    if let Some(share) = whole.coverage.share {
        let unused: Vec<&str> = whole.coverage.unused.iter().take(UNUSED).map(String::as_str).collect();
        let more = if whole.coverage.unused.len() > UNUSED { ", …" } else { "" };
        let without =
            if unused.is_empty() { String::new() } else { format!("; none of {}{more}", unused.join(", ")) };
        out::line(format!(
            "{:.0}% of {} are used{without}",
            100.0 * share,
            counted(whole.coverage.documents as u64, "document", "documents")
        ))?;
    }
    for remark in &whole.remarks {
        out::line(remark.sentence())?;
    }
    Ok(())
}
