//! `diarist train PATH…`: from journals to a model that writes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::parser::ValueSource;
use clap::{Arg, ArgGroup, ArgMatches, Args as _, Command};

use crate::base::{Error, shell};
use crate::cli::events::Event;
use crate::cli::reading::Reading;
use crate::cli::watch::{How, Watch};
use crate::cli::{fetch, out};
use crate::journal;
use crate::run::read_run;
use crate::train::options::HEADER;
use crate::train::{self, Again, Estimate, Options, Outcome, Resume};

/// The flags that a resumed run takes: every other goes on as the run was begun.
const RESUMES: [&str; 16] = [
    "--resume",
    "--steps",
    "--lr-floor",
    "--batch",
    "--recompute",
    "--patience",
    "--allow-changed-data",
    "--on-spike",
    "--health",
    "--prompt-file",
    "--quiet",
    "--json",
    "--profile",
    "--base",
    "--device",
    "--threads",
];

/// The flags that a continued run takes: every other is as in the run before it.
const CONTINUES: [&str; 21] = [
    "--continue",
    "--mix",
    "--steps",
    "--epochs",
    "--lr",
    "--patience",
    "--batch",
    "--recompute",
    "--base",
    "--since",
    "--until",
    "--out",
    "--dry-run",
    "--quiet",
    "--json",
    "--profile",
    "--tune",
    "--device",
    "--threads",
    "--strict",
    "--no-cache",
];

/// And those that it has no use for, which say nothing of the run.
const ASIDE: [&str; 2] = ["--yes", "--offline"];

/// Arguments of `train`: [`Options`], how the journals are read, and a run to go on with.
#[derive(clap::Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(true).args(["paths", "resume", "again"]))]
pub struct Args {
    /// Continue the run in DIR where its last saved state is; a larger --steps extends it, a smaller --batch needs less memory
    #[arg(long, value_name = "DIR", conflicts_with = "paths")]
    resume: Option<PathBuf>,
    /// Train a new version of the run in RUN on what is new in its journals, or in PATH; the run itself stays as it is
    #[arg(long = "continue", value_name = "RUN", conflicts_with = "resume")]
    again: Option<PathBuf>,
    /// Of a run that --steps makes longer: leave the learning rate at its floor, where the run's own curve ends
    #[arg(long, requires = "resume")]
    lr_floor: bool,
    /// Go on with a tokens.bin that was changed since the run began, where it is long enough: its numbers are another run's then
    #[arg(long, requires = "resume")]
    allow_changed_data: bool,
    /// Of a run that trains an adapter: where the model that it stands beside is now
    #[arg(long, value_name = "PATH")]
    base: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
    /// Read the journals and say what would be trained, the memory by kind, the disk, the steps and the time that it takes, from a
    /// step that is tried, and whether it fits; nothing is trained, and nothing written
    #[arg(long, conflicts_with = "resume")]
    dry_run: bool,
    /// Say warnings, how the run went, and where the model is; nothing else
    #[arg(long)]
    quiet: bool,
    /// Tell what happens on stdout, a JSON object a line
    #[arg(long, conflicts_with = "dry_run")]
    json: bool,
    /// Write what each dispatch of the second step took to FILE, a trace that ui.perfetto.dev shows; the numbers stay the same
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    profile: Option<PathBuf>,
    /// Say of everything below PATH what it is, for --header; repeatable
    #[arg(long, value_name = "PATH=KEY:VALUE", requires = "header", help_heading = HEADER)]
    label: Vec<String>,
    #[command(flatten)]
    reading: Reading,
}

impl Args {
    fn how(&self) -> How {
        How { quiet: self.quiet, json: self.json, profile: self.profile.clone() }
    }

    fn options(&self) -> Options {
        Options {
            journal: journal::Options { labels: self.label.clone(), ..self.reading.options() },
            cache: !self.reading.no_cache,
            strict: self.reading.strict,
            ..self.options.clone()
        }
    }
}

/// The flags that were given on the command line.
fn given(matches: &ArgMatches) -> Vec<String> {
    let train = Args::augment_args(Command::new("train"));
    let typed = |arg: &&Arg| matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
    let flags = train.get_arguments().filter(typed).filter_map(Arg::get_long);
    flags.map(|long| format!("--{long}")).collect()
}

/// Runs it. `matches` are what `args` were read from.
///
/// # Errors
/// Whatever keeps it from training; what was saved is whole.
pub fn run(args: &Args, matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    if let Some(file) = &args.profile {
        out::check_new(file, "--profile")?;
    }
    if let Some(run) = &args.again {
        return again(args, run, matches);
    }
    if args.options.beside.is_empty() && given(matches).contains(&"--mix".to_string()) {
        let next = "leave it out, or say what is mixed: --continue RUN, or --pairs with --beside JOURNAL";
        return Err(Error::usage("--mix with one kind of text alone", next).into());
    }
    if args.dry_run {
        return dry_run(args);
    }
    let stop = on_interrupt();
    let mut watch = Watch::new(&args.options, args.how());
    let outcome = match &args.resume {
        Some(dir) => {
            let given = given(matches).into_iter().filter(|name| !ASIDE.contains(&name.as_str()));
            let (taken, refused): (Vec<String>, Vec<String>) =
                given.partition(|name| RESUMES.contains(&name.as_str()));
            if !refused.is_empty() {
                let problem =
                    format!("--resume goes on as the run was begun; {} cannot change", refused.join(", "));
                // An adapter is no model to begin from: the one that it stands beside is.
                let base = read_run(dir).ok().and_then(|run| run.base);
                let (whose, from) = match &base {
                    Some(base) => ("the model that it stands beside", base.path.as_path()),
                    None => ("this one's model", dir.as_path()),
                };
                let next = format!(
                    "leave it out, or begin a new run from {whose}, with the journals' paths and --from {}",
                    shell::path(from)
                );
                return Err(Error::usage(problem, next).into());
            }
            let asked = &args.options;
            let device = taken.contains(&"--device".to_string()).then_some(asked.device.as_str());
            let wanted = Resume {
                steps: asked.steps,
                lr_floor: args.lr_floor,
                batch: asked.batch,
                recompute: asked.recompute,
                patience: asked.patience,
                changed_data: args.allow_changed_data,
                on_spike: asked.on_spike,
                health: asked.health,
                prompts: &asked.prompt_file,
                base: args.base.as_deref(),
                device,
                threads: asked.threads,
            };
            train::resume(dir, wanted, &mut watch, &stop)
        }
        None => {
            // Clap does not ask for what cannot be beside a PATH.
            let lone = [
                ("--base", args.base.is_some()),
                ("--lr-floor", args.lr_floor),
                ("--allow-changed-data", args.allow_changed_data),
            ];
            if let Some((flag, _)) = lone.into_iter().find(|(_, given)| *given) {
                let next = "leave it out; what a new run starts from is --from";
                return Err(Error::usage(format!("{flag} is for a run that goes on"), next).into());
            }
            train::start(&args.options(), &mut watch, &stop)
        }
    };
    watch.finish();
    Ok(done(args, &watch, outcome?))
}

/// Says, to a person or a program, how a run ended.
fn done(args: &Args, watch: &Watch, outcome: Outcome) -> ExitCode {
    if !args.json {
        return ended(outcome);
    }
    let Outcome { dir, interrupted } = outcome;
    Event::Done { dir: &dir, interrupted, verdict: watch.verdict() }.write();
    if interrupted { ExitCode::from(130) } else { ExitCode::SUCCESS }
}

/// Says what can be done with a run now; the exit code tells how it ended.
pub fn ended(Outcome { dir, interrupted }: Outcome) -> ExitCode {
    let (program, dir) = (shell::program(), shell::path(dir));
    let (line, code) = if interrupted {
        (format!("saved; to go on: {program} train --resume {dir}"), ExitCode::from(130))
    } else {
        (format!("{program} sample {dir}"), ExitCode::SUCCESS)
    };
    // The run is saved whether or not anyone still reads this.
    let _ = writeln!(std::io::stdout(), "{line}");
    code
}

/// A new version of a run.
fn again(args: &Args, run: &Path, matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let given = given(matches).into_iter().filter(|name| !ASIDE.contains(&name.as_str()));
    let refused: Vec<String> = given.filter(|name| !CONTINUES.contains(&name.as_str())).collect();
    if !refused.is_empty() {
        let problem = format!(
            "--continue reads and trains as the run before it did; {} cannot change",
            refused.join(", ")
        );
        let next = format!(
            "leave it out, or begin a new run from this one's model, with the journals' paths and --from {}",
            shell::path(run)
        );
        return Err(Error::usage(problem, next).into());
    }
    let mut watch = Watch::new(&args.options, args.how());
    let options = args.options();
    let again = Again { run, mix: args.options.mix, base: args.base.as_deref(), options: &options };
    if args.dry_run {
        let lines = train::look_again(&again, &mut watch);
        watch.finish();
        lines?.into_iter().try_for_each(out::line)?;
        return Ok(ExitCode::SUCCESS);
    }
    let outcome = train::again(&again, &mut watch, &on_interrupt());
    watch.finish();
    match outcome? {
        Some(outcome) => Ok(done(args, &watch, outcome)),
        // Nothing is new: the run is what it was.
        None if args.json => Ok(done(args, &watch, Outcome { dir: run.to_path_buf(), interrupted: false })),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// Says what a run would be and take.
fn dry_run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut watch = Watch::new(&args.options, args.how());
    let estimate = train::dry_run(&args.options(), &mut watch);
    watch.finish();
    let Estimate { lines, problem } = estimate?;
    lines.into_iter().try_for_each(out::line)?;
    problem.map_or(Ok(ExitCode::SUCCESS), |problem| Err(problem.into()))
}

/// Set by the first Ctrl-C (or a termination request); the second ends the process at once.
pub fn on_interrupt() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let seen = stop.clone();
    let handler = move || {
        fetch::interrupted();
        if seen.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        out::note("\nfinishing this step, then saving; Ctrl-C again ends at once");
    };
    // Without a handler Ctrl-C ends the process, and a resume goes on from the last saved state: no reason to stop here.
    let _ = ctrlc::set_handler(handler);
    stop
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::record;

    /// A row of a table in the book's chapter of settings.
    struct Row {
        section: String,
        flags: Vec<String>,
        default: String,
        why: String,
    }

    fn page(name: &str) -> String {
        std::fs::read_to_string(format!("{}/book/src/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    /// Every `--flag` in a text.
    fn flags(text: &str) -> Vec<String> {
        let inner = text.split('`').skip(1).step_by(2);
        let words = inner.filter_map(|code| code.split_whitespace().next());
        words.filter(|word| word.starts_with("--")).map(str::to_string).collect()
    }

    fn rows() -> Vec<Row> {
        let (mut section, mut rows) = (String::new(), Vec::new());
        for line in page("settings.md").lines() {
            if let Some(title) = line.strip_prefix("## ") {
                section = title.to_string();
            }
            let escaped = line.replace(r"\|", "/");
            let cells: Vec<&str> = escaped.split('|').map(str::trim).collect();
            if let ["", name, default, why, ""] = cells[..]
                && name.contains("--")
            {
                let (section, why) = (section.clone(), why.to_string());
                rows.push(Row { section, flags: flags(name), default: default.replace('`', ""), why });
            }
        }
        rows
    }

    fn train() -> Command {
        Args::augment_args(Command::new("train"))
    }

    /// The default that the help tells.
    fn default(arg: &Arg) -> Option<String> {
        let values = if arg.is_hide_default_value_set() { &[] } else { arg.get_default_values() };
        let stated = values.first().map(|value| value.to_string_lossy().into_owned());
        stated.or_else(|| {
            let help = arg.get_help()?.to_string();
            let (_, told) = help.split_once(" [default: ")?;
            Some(told.strip_suffix(']')?.to_string())
        })
    }

    #[test]
    fn the_book_has_every_flag_and_its_default() {
        let rows = rows();
        let mut in_book: Vec<&str> = rows.iter().flat_map(|row| &row.flags).map(String::as_str).collect();
        let train = train();
        let mut in_help = Vec::new();
        for (arg, long) in
            train.get_arguments().filter_map(|arg| Some((arg, format!("--{}", arg.get_long()?))))
        {
            let row = rows.iter().find(|row| row.flags.contains(&long));
            let row = row.unwrap_or_else(|| panic!("{long} has no row in book/src/settings.md"));
            match default(arg) {
                Some(told) => assert_eq!(row.default.replace(" · ", "; from a checkpoint "), told, "{long}"),
                // all, off, none: nothing that could be another
                None => {
                    assert!(!row.default.contains(|c: char| c.is_ascii_digit()), "{long}: {}", row.default)
                }
            }
            in_help.push(long);
        }
        in_book.sort_unstable();
        in_help.sort_unstable();
        assert_eq!(in_book, in_help, "rows and flags");
    }

    #[test]
    fn what_shapes_a_run_is_recorded() {
        let run = serde_json::to_value(record::example()).unwrap();
        let recorded = |name: &str| {
            let places = [&run, &run["settings"], &run["data"], &run["data"]["continue"]];
            places.iter().any(|at| at.get(name).is_some())
        };
        for row in
            rows().iter().filter(|row| !["What is read", "Fetching a model"].contains(&row.section.as_str()))
        {
            for flag in row.flags.iter().filter(|flag| {
                ![
                    "--out",
                    "--resume",
                    "--insist",
                    "--full",
                    "--dry-run",
                    "--quiet",
                    "--json",
                    "--profile",
                    "--tune",
                    "--allow-changed-data",
                ]
                .contains(&flag.as_str())
            }) {
                // What stood in the file is recorded, wherever the file is by then.
                let name =
                    if flag == "--prompt-file" { "prompts".into() } else { flag[2..].replace('-', "_") };
                assert!(recorded(&name), "{flag} is not in run.json");
            }
        }
        let names: Vec<&str> = run["settings"].as_object().unwrap().keys().map(String::as_str).collect();
        assert!(
            page("formats.md").contains(&format!("`{}`", names.join(" "))),
            "{names:?} in book/src/formats.md"
        );
    }

    #[test]
    fn a_continued_run_takes_what_the_book_says() {
        let rows = rows();
        let row = rows.iter().find(|row| row.flags == ["--continue"]).unwrap();
        assert_eq!(flags(&row.why), CONTINUES[1..]);
        // What the page says of rate and length.
        assert_eq!((train::LOWER, train::EPOCHS), (0.25, 3.0));
    }

    #[test]
    fn a_resume_takes_what_the_book_says() {
        let rows = rows();
        let row = rows.iter().find(|row| row.flags == ["--resume"]).unwrap();
        assert_eq!(flags(&row.why), RESUMES[1..]);
        let typed =
            "train --resume a --steps 5 --batch 2 --device cpu --block-size 9 --no-cache -g *.md --seed 1";
        let matches = train().get_matches_from(typed.split(' '));
        let refused: Vec<String> =
            given(&matches).into_iter().filter(|name| !RESUMES.contains(&name.as_str())).collect();
        assert_eq!(refused, ["--context", "--seed", "--glob", "--no-cache"]);
    }
}
