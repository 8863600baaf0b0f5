//! `diarist fetch NAME`: a model from the Hugging Face hub, into its cache on this computer. With `diarist train`, where it
//! offers the same, this is all that opens a connection, beside `pairs batch` with an address.

use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use crate::base::units::{bytes, duration, shown};
use crate::base::{Error, Result};
use crate::check::continuation::{GPT2, check};
use crate::cli::bar::Bar;
use crate::cli::out;
use crate::device::select::Device;
use crate::train::origin::megabytes;
use crate::weights::hub::{Hub, Name, Watcher};

/// Arguments of `fetch`.
#[derive(clap::Args)]
pub struct Args {
    /// gpt2, gpt2-medium, gpt2-large, gpt2-xl, distilgpt2, or OWNER/NAME of a GPT-2, a Llama or a Phi on huggingface.co
    name: String,
    /// Open no connection: only tell where the model is, if it is here
    #[arg(long)]
    offline: bool,
    /// Where the model is tried out once it is here: auto, cpu, gpu, gpu:1 or gpu:PART-OF-A-NAME
    #[arg(long, default_value = "auto")]
    device: String,
    /// Threads of the CPU; 0 for all
    #[arg(long, default_value_t = 0)]
    threads: usize,
}

/// Runs it: the model's folder is the one line of stdout.
///
/// # Errors
/// No such model, no network, or what came is not what the hub says; a device that computes it wrongly.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let name = Name::parse(&args.name)?;
    let mut hub = Hub::from_env()?;
    hub.offline |= args.offline;
    let folder = match hub.local(&name) {
        Some(folder) => {
            out::note(format!("{name} is here already; nothing was fetched"));
            folder
        }
        None if hub.offline => return Err(hub.not_here(&name).into()),
        None => {
            let device = Device::open(&args.device, args.threads)?;
            // Without a handler Ctrl-C ends the process, and what came stays all the same.
            let _ = ctrlc::set_handler(|| {
                interrupted();
                std::process::exit(130)
            });
            describe(&hub, &name);
            get(&hub, &name, &device)?
        }
    };
    out::line(folder.display())?;
    Ok(ExitCode::SUCCESS)
}

/// What would be fetched, from where, to where.
fn describe(hub: &Hub, name: &Name) {
    let size = name
        .about()
        .map_or("the hub says how large it is".into(), |size| format!("about {}", megabytes(size)));
    out::note(format!(
        "fetch    {} ({size})\nto       {}\n         nothing of yours is sent",
        hub.url(name),
        shown(&hub.cache.folder(name))
    ));
}

/// Asks a person whether to fetch a model, unless they said yes before, and fetches it.
///
/// # Errors
/// They do not want it; as [`run`].
pub fn offer(hub: &Hub, name: &Name, yes: bool, device: &str, threads: usize) -> Result<PathBuf> {
    let device = Device::open(device, threads)?;
    describe(hub, name);
    if !yes {
        out::ask("fetch it now? [y/N] ");
        let mut answer = String::new();
        // Nothing that can be read is no yes.
        let _ = ending(QUESTION, || std::io::stdin().lock().read_line(&mut answer));
        if !["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()) {
            return Err(Error::setting(
                "nothing was fetched",
                "`--from scratch` trains a small model, which needs no download; `--from DIR` starts from a folder's",
            ));
        }
    }
    get(hub, name, &device)
}

/// What an interrupt finds: nothing of this file's, a question, or a model that is coming.
static AT: AtomicU8 = AtomicU8::new(NOTHING);
const NOTHING: u8 = 0;
const QUESTION: u8 = 1;
const COMING: u8 = 2;

/// Ends the process, with the exit code of an interrupt, if it asks or is fetching: nothing is half done then.
pub fn interrupted() {
    match AT.load(Ordering::Relaxed) {
        NOTHING => return,
        QUESTION => out::note("\nnothing was fetched"),
        _ => out::note("\nstopped; what came stays, and the same command goes on from there"),
    }
    std::process::exit(130);
}

/// Does something that an interrupt ends at once.
fn ending<T>(at: u8, f: impl FnOnce() -> T) -> T {
    AT.store(at, Ordering::Relaxed);
    let done = f();
    AT.store(NOTHING, Ordering::Relaxed);
    done
}

/// Fetches a model, and tries it out.
fn get(hub: &Hub, name: &Name, device: &Device) -> Result<PathBuf> {
    let mut coming = Coming { bar: Bar::new(), begun: None, told: Instant::now() };
    let fetched = ending(COMING, || hub.fetch(name, &mut coming));
    coming.bar.finish();
    let folder = fetched?;
    try_out(&folder, name, device)?;
    Ok(folder)
}

/// The model's first words on this device, against those that are known of it.
fn try_out(folder: &Path, name: &Name, device: &Device) -> Result<()> {
    let known = Some(GPT2).filter(|_| *name == Name::gpt2());
    out::note(format!("trying it on {}", device.line()));
    match check(folder, device, known) {
        Ok(()) if known.is_some() => out::note("it goes on from \"The dog\" as GPT-2 does"),
        Ok(()) => out::note(
            "it writes; no known answer exists to compare with, but its files are the hub's, byte for byte",
        ),
        // What is too large to try is whole all the same.
        Err(Error::Memory { problem, .. }) => out::note(format!("not tried out: {problem}")),
        Err(e) => return Err(e),
    }
    Ok(())
}

/// Shows a download: a bar on a terminal, a line now and then elsewhere.
struct Coming {
    bar: Bar,
    /// When it began, and with how many bytes there already.
    begun: Option<(Instant, u64)>,
    told: Instant,
}

/// Without a terminal, a line at least this often.
const LINE_EVERY: Duration = Duration::from_secs(10);

impl Watcher for Coming {
    fn progress(&mut self, done: u64, of: u64) {
        let (begun, before) = *self.begun.get_or_insert((Instant::now(), done));
        let rate = (done - before.min(done)) as f64 / begun.elapsed().as_secs_f64().max(1e-3);
        let left = Duration::from_secs_f64(((of - done) as f64 / rate.max(1.0)).min(1e8));
        let line =
            format!("{} of {}, {}/s, {} left", bytes(done), bytes(of), bytes(rate as u64), duration(left));
        if self.bar.message(done, of, &line) {
            return;
        }
        if self.told.elapsed() >= LINE_EVERY {
            self.told = Instant::now();
            out::note(line);
        }
    }

    fn say(&mut self, line: &str) {
        self.begun = None;
        self.bar.print(line);
    }
}

/// Whether a person sits there to be asked.
pub fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}
