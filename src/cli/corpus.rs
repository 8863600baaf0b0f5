//! `diarist corpus PATH…`: what is in the journals, before a minute is spent training.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use similar::TextDiff;

use crate::base::units::{counted, shown, thousands};
use crate::base::{Error, Lora, Preset, Result, disk, shell};
use crate::cli::bar::Bar;
use crate::cli::out;
use crate::cli::reading::Reading;
use crate::dataset::{Tokenised, Wanted};
use crate::device::Element;
use crate::journal::overview::{Named, Overview, overview};
use crate::journal::secrets::{Names, Review};
use crate::journal::{self, Change, Corpus, Entry, OFTEN, Observer};
use crate::run::refuse_inside;
use crate::tokens::{Kind, Tokenizer};
use crate::train::cost::{Cost, cost};
use crate::train::options::{PRESET, presets, rests, tokenizers};
use crate::train::{self, not_whole};

/// Columns of the longest bar of the chart of years.
const BAR: usize = 32;
/// So many duplicates are named.
const SHOWN: usize = 20;

/// Arguments of `corpus`.
#[derive(clap::Args)]
pub struct Args {
    /// Journals: files, folders and zips, of any kinds, freely mixed
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// List every entry: number, day, words, where it stands, how it begins
    #[arg(long, group = "what")]
    list: bool,
    /// Show entry N whole
    #[arg(long, value_name = "N", group = "what")]
    show: Option<usize>,
    /// Show every change that was made to a text, before and after
    #[arg(long, group = "what")]
    diff: bool,
    /// Print all there is to know as one JSON object
    #[arg(long, group = "what")]
    json: bool,
    /// Write what a model should not learn to a new file, in the clear, with what is to become of each: edit it, then --secrets FILE
    #[arg(long, value_name = "FILE", group = "what")]
    review: Option<PathBuf>,
    /// Write the entries to a new folder: clean Markdown, one file an entry, and entries.jsonl
    #[arg(long, value_name = "DIR", group = "what")]
    export: Option<PathBuf>,
    /// The model to judge the text for: a shape from scratch
    #[arg(long, default_value = PRESET.name(), value_parser = presets())]
    preset: Preset,
    /// The model to judge the text for: a model's folder or file, an earlier run's folder, or a fetched model's name
    #[arg(long, value_name = "DIR|NAME", conflicts_with = "preset")]
    from: Option<String>,
    /// The training to judge it for: an adapter beside that model, with these settings, as `train` takes them
    #[arg(long, value_name = "SETTINGS", num_args = 0..=1, default_missing_value = "", requires = "from")]
    lora: Option<Lora>,
    /// What the model rests in beside the adapter
    #[arg(long, value_name = "f32|f16|q8_0|q4_1", default_value = Element::F32.name(), value_parser = rests(), requires = "lora")]
    weights: Element,
    /// The tokenizer to count tokens with, and of a model from scratch [default: gpt2 to count, bytes for a model]
    #[arg(long, value_parser = tokenizers())]
    tokenizer: Option<Kind>,
    /// The share of the text that would be held out
    #[arg(long, default_value_t = 0.1)]
    val_fraction: f64,
    /// Which entries would be held out: random, latest, or a FILE that lists days or sources
    #[arg(long, value_name = "random|latest|FILE", default_value = "random")]
    split: String,
    /// The seed that draws them
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// auto, cpu, gpu, gpu:1 or gpu:PART-OF-A-NAME
    #[arg(long, default_value = "auto")]
    device: String,
    #[command(flatten)]
    reading: Reading,
}

/// A line as `train` begins with it too.
fn aligned((what, line): &(&str, String)) -> String {
    format!("{what:8} {line}")
}

/// Runs it.
///
/// # Errors
/// Journals that cannot be read or hold no words; with `--strict`, anything doubtful.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let options = args.reading.options();
    for place in args.export.iter().chain(&args.review) {
        refuse_inside(place, &args.paths)?;
    }
    let mut watch = Watch { bar: Bar::new(), diff: args.diff, failed: None };
    let read = journal::read(&args.paths, &options, &mut watch);
    watch.bar.finish();
    if let Some(e) = watch.failed {
        return Err(e);
    }
    let mut corpus = read?;
    if args.list || args.diff || args.export.is_some() {
        corpus.report.doubts().iter().map(aligned).for_each(out::note);
    }
    if args.list {
        list(&mut corpus)?;
    } else if let Some(number) = args.show {
        show(&mut corpus, number)?;
    } else if let Some(folder) = &args.export {
        journal::export::write(&mut corpus, folder)?;
        out::note(format!("{} entries are in {}", thousands(corpus.len() as u64), shown(folder)));
    } else if let Some(file) = &args.review {
        review(&mut corpus, &options, file)?;
    } else if args.diff {
        changes(&corpus);
    } else {
        preview(args, &options, &mut corpus)?;
    }
    if args.reading.strict && !corpus.report.is_whole() {
        if args.show.is_some() {
            corpus.report.doubts().iter().map(aligned).for_each(out::note);
        }
        return Err(not_whole().into());
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows the bar, and the changes where they are asked for.
struct Watch {
    bar: Bar,
    diff: bool,
    /// The first error of stdout.
    failed: Option<anyhow::Error>,
}

impl Observer for Watch {
    fn progress(&mut self, what: &'static str, done: u64, of: u64) {
        self.bar.bytes(what, done, of);
    }

    fn wants_changes(&self) -> bool {
        self.diff
    }

    fn changed(&mut self, change: &Change) {
        let Change { source, place, what, before, after } = change;
        let diff = TextDiff::from_lines(*before, *after);
        let place = place.map_or(String::new(), |place| place.to_string());
        let mut lines = format!("{}{place}: {what}\n", shown(source));
        for part in diff.unified_diff().context_radius(0).missing_newline_hint(false).iter_hunks() {
            for line in part.iter_changes() {
                let value = line.value();
                lines += &format!("{}{value}{}", line.tag(), if value.ends_with('\n') { "" } else { "\n" });
            }
        }
        if let Err(e) = out::text(&lines) {
            self.failed.get_or_insert(e);
        }
    }
}

/// After `--diff`, on stderr: how many changes there were.
fn changes(corpus: &Corpus) {
    out::note(format!("journal  {}", corpus.report));
    for (what, line) in corpus.report.details() {
        out::note(format!("{what:8} {line}"));
    }
    let report = &corpus.report;
    if report.changes.is_empty() && report.left_out.is_empty() && report.boilerplate.is_empty() {
        out::note("nothing was changed");
    }
}

/// Writes all that should not be learned to a file, which nobody else may read.
fn review(corpus: &mut Corpus, options: &journal::Options, file: &Path) -> anyhow::Result<()> {
    out::check_new(file, "--review")?;
    let scanner = journal::scanner(&options.secrets)?;
    let (mut names, mut review) = (Names::new(), Review::new());
    for i in 0..corpus.len() {
        names.add(&corpus.entry(i)?.whole());
    }
    review.add_names(&names.often(OFTEN));
    for i in 0..corpus.len() {
        let entry = corpus.entry(i)?;
        let name = entry
            .day()
            .map_or_else(|| format!("{}{}", shown(&entry.source), entry.place), |day| day.to_string());
        let text = entry.whole();
        review.add(&name, &text, &scanner.scan(&text));
    }
    if review.is_empty() {
        return out::line("nothing was found that a model should not learn");
    }
    disk::write_new(file, review.write().as_bytes())?;
    out::note(format!(
        "{} in {}, in the clear: edit what is to become of each, then train --secrets {}; keep it where nobody else reads it, since \
         --continue reads it again",
        counted(review.len() as u64, "secret is", "secrets are"),
        shown(file),
        shell::path(file)
    ));
    Ok(())
}

fn list(corpus: &mut Corpus) -> anyhow::Result<()> {
    let width = corpus.len().to_string().len();
    for i in 0..corpus.len() {
        let entry = corpus.entry(i)?;
        let day = entry.day().map_or("undated   ".to_string(), |day| day.to_string());
        let beginning: String = entry.whole().split_whitespace().take(8).collect::<Vec<_>>().join(" ");
        let beginning: String = beginning.chars().take(60).collect();
        let (number, words) = (i + 1, corpus.words(i));
        out::line(format!(
            "{number:width$}  {day}  {words:6}  {}{}  {beginning}",
            shown(&entry.source),
            entry.place
        ))?;
    }
    Ok(())
}

fn show(corpus: &mut Corpus, number: usize) -> anyhow::Result<()> {
    if number == 0 || number > corpus.len() {
        let problem = format!("--show {number}, but there are entries 1 to {}", corpus.len());
        return Err(Error::usage(problem, "`--list` has them all with their numbers").into());
    }
    let Entry { when, title, text, tags, source, place } = corpus.entry(number - 1)?;
    out::line(format!("source  {}{place}", shown(&source)))?;
    out::line(format!("date    {}", when.map_or("none".to_string(), |when| when.to_string())))?;
    if !title.is_empty() {
        out::line(format!("title   {title}"))?;
    }
    if !tags.is_empty() {
        out::line(format!("tags    {}", tags.join(", ")))?;
    }
    out::line(format!("\n{text}"))
}

fn preview(args: &Args, options: &journal::Options, corpus: &mut Corpus) -> anyhow::Result<()> {
    let chosen = args.train_options();
    chosen.check()?;
    let scratch = args.from.is_none();
    let tokenizer = args.tokenizer(&chosen)?;
    let wanted = Wanted { paths: &args.paths, options, header: None, tokenizer: tokenizer.clone() };
    let mut watch = Watch { bar: Bar::new(), diff: false, failed: None };
    let tokenised = wanted.of(corpus, !args.reading.no_cache, &mut watch)?;
    watch.bar.finish();
    let seen = overview(corpus, &|i| u64::from(tokenised.entries[i].tokens))?;
    let cost = measure(args, options, corpus, &tokenised, &chosen, scratch);
    if args.json {
        return json(corpus, &seen, &tokenised, tokenizer, &cost);
    }
    let mut lines = vec![format!("journal  {}", corpus.report)];
    lines.extend(corpus.report.brief().map(|line| aligned(&line)));
    lines.extend(corpus.report.secret_lines().iter().map(aligned));
    lines.extend(twice(corpus));
    lines.extend(years(&seen));
    for gap in &seen.gaps {
        lines.push(format!("gap      {} days, {} to {}", thousands(gap.days as u64), gap.from, gap.to));
    }
    let (longest, mut shortest) = (&seen.longest[..seen.longest.len().min(3)], seen.shortest.clone());
    shortest.retain(|entry| longest.iter().all(|other| other.number != entry.number));
    lines.extend(longest.iter().map(|entry| named("longest", entry)));
    lines.extend(shortest.iter().take(3).map(|entry| named("shortest", entry)));
    if !seen.languages.is_empty() {
        let shown = seen.languages.iter().take(5).filter(|(_, share)| *share >= 0.005);
        let shares: Vec<String> =
            shown.map(|(name, share)| format!("{name} {:.0}%", share * 100.0)).collect();
        lines.push(format!("language {}", shares.join(", ")));
    }
    let tokens: u64 = tokenised.entries.iter().map(|entry| u64::from(entry.tokens)).sum();
    lines.push(format!("tokens   {} ({})", thousands(tokens), tokenizer.kind().name()));
    match &cost {
        Ok(cost) => {
            lines.push(format!("split    {}", cost.split));
            lines.extend(cost.lines().map(|line| format!("training {line}")));
        }
        Err(e) => lines.push(format!("training not measured: {e}")),
    }
    lines.into_iter().try_for_each(out::line)
}

fn named(what: &str, entry: &Named) -> String {
    let day = entry.date.map_or("undated".to_string(), |day| day.to_string());
    let words = counted(u64::from(entry.words), "word", "words");
    format!("{what:8} {words}, {day}, {} (--show {})", entry.source, entry.number)
}

/// The pairs of entries that stand twice.
fn twice(corpus: &Corpus) -> Vec<String> {
    let report = &corpus.report;
    let pair = |pair: &journal::Duplicate| match pair.likeness {
        l if l >= 1.0 => format!("twice    {} = {}", pair.kept, pair.dropped),
        l => format!("twice    {} ≈ {} ({:.0}% alike)", pair.kept, pair.dropped, l * 100.0),
    };
    let mut lines: Vec<String> = report.pairs.iter().take(SHOWN).map(pair).collect();
    if report.duplicates > SHOWN {
        lines.push(format!(
            "twice    {} more: --json names them",
            thousands((report.duplicates - SHOWN) as u64)
        ));
    }
    if report.duplicates > 0 {
        let least = journal::THRESHOLD * 100.0;
        lines.push(format!(
            "twice    the earlier stays, from {least:.0}% alike on; --keep-duplicates keeps both"
        ));
    }
    lines
}

/// A bar chart of words by year.
fn years(seen: &Overview) -> Vec<String> {
    let most = seen.years.values().chain([&seen.undated]).map(|year| year.words).max().unwrap_or(0).max(1);
    let row = |name: &str, year: &journal::overview::Year| {
        let eighths = (year.words as f64 / most as f64 * (BAR * 8) as f64).ceil() as usize;
        let partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
        let bar = "█".repeat(eighths / 8) + partial;
        format!(
            "{name:8} {bar:BAR$} {:>8} {:>10} {:>11}",
            thousands(year.entries as u64),
            thousands(year.words),
            thousands(year.tokens)
        )
    };
    let mut lines =
        vec![format!("{:8} {:BAR$} {:>8} {:>10} {:>11}", "year", "", "entries", "words", "tokens")];
    lines.extend(seen.years.iter().map(|(name, year)| row(&name.to_string(), year)));
    if seen.undated.entries > 0 {
        lines.push(row("undated", &seen.undated));
    }
    lines
}

/// What training would take. The tokens that were counted are taken where the model's tokenizer is the same.
fn measure(
    args: &Args,
    options: &journal::Options,
    corpus: &mut Corpus,
    tokenised: &Tokenised,
    chosen: &train::Options,
    scratch: bool,
) -> Result<Cost> {
    let counted = args.tokenizer(chosen)?;
    let model = train::tokenizer_of(chosen)?;
    if counted == model {
        return cost(tokenised, chosen, scratch);
    }
    let wanted = Wanted { paths: &args.paths, options, header: None, tokenizer: model };
    cost(&wanted.of(corpus, !args.reading.no_cache, &mut ())?, chosen, scratch)
}

fn json(
    corpus: &Corpus,
    seen: &Overview,
    tokenised: &Tokenised,
    tokenizer: Tokenizer,
    cost: &Result<Cost>,
) -> anyhow::Result<()> {
    let tokens: u64 = tokenised.entries.iter().map(|entry| u64::from(entry.tokens)).sum();
    out::json(&serde_json::json!({
        "report": corpus.report,
        "overview": seen,
        "tokens": tokens,
        "tokenizer": tokenizer.kind().name(),
        "duplicate_threshold": journal::THRESHOLD,
        "training": cost.as_ref().ok(),
        "not_measured": cost.as_ref().err().map(ToString::to_string),
    }))
}

impl Args {
    fn train_options(&self) -> train::Options {
        train::Options {
            paths: self.paths.clone(),
            from: Some(self.from.clone().unwrap_or_else(|| "scratch".into())),
            preset: self.from.is_none().then_some(self.preset),
            tokenizer: self.tokenizer,
            lora: self.lora.clone(),
            weights: self.weights,
            val_fraction: self.val_fraction,
            split: self.split.clone(),
            seed: self.seed,
            device: self.device.clone(),
            ..train::Options::default()
        }
    }

    /// The tokenizer that tokens are counted with.
    fn tokenizer(&self, chosen: &train::Options) -> Result<Tokenizer> {
        match self.tokenizer {
            Some(kind) => Ok(Tokenizer::new(kind)),
            None if self.from.is_some() => train::tokenizer_of(chosen),
            None => Ok(Tokenizer::gpt2()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::overview::Year;

    #[test]
    fn the_chart_is_to_scale() {
        let mut seen = Overview::default();
        let year = |words| Year { entries: 1, words, tokens: words };
        seen.years.insert(2019, year(1000));
        seen.years.insert(2020, year(500));
        seen.undated = year(1);
        let lines = years(&seen).split_off(1);
        let bars: Vec<usize> = lines.iter().map(|line| line.matches('█').count()).collect();
        assert_eq!(bars, [32, 16, 0]);
        assert!(lines[2].starts_with("undated  ▏"), "{}", lines[2]);
    }
}
