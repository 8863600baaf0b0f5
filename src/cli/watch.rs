//! What a person sees of a run: a progress bar on a terminal, plain lines elsewhere.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::base::units::{bytes, duration, shown, thousands};
use crate::base::{Result, disk};
use crate::check::profile::{Span, trace};
use crate::cli::bar::Bar;
use crate::cli::events::Event;
use crate::cli::{fetch, out};
use crate::train::{Observer, Options, Progress};
use crate::weights::hub::{Hub, Name};

/// How much is shown, and to whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct How {
    /// Warnings, and how it went; nothing else.
    pub quiet: bool,
    /// Events on stdout too, for a program.
    pub json: bool,
    /// Where a step's profile goes, if one is wanted.
    pub profile: Option<PathBuf>,
}

/// Shows a run on stderr.
pub struct Watch {
    bar: Bar,
    how: How,
    /// How the run went.
    verdict: Vec<String>,
    /// Whether the profile that was wanted has been written.
    profiled: bool,
    shown: Option<Instant>,
    /// A model that is to be fetched is, without a question.
    yes: bool,
    /// Where it is tried out.
    device: String,
    threads: usize,
}

/// Without a terminal, a line at least this often.
const LINE_EVERY: Duration = Duration::from_secs(10);

impl Watch {
    /// For this process's stderr, and a run with these options.
    pub fn new(options: &Options, how: How) -> Watch {
        let Options { yes, device, threads, .. } = options.clone();
        let bar = if how.quiet { Bar(None) } else { Bar::new() };
        Watch { bar, how, verdict: Vec::new(), profiled: false, shown: None, yes, device, threads }
    }

    /// How the run went, as far as it was told.
    pub fn verdict(&self) -> &[String] {
        &self.verdict
    }

    /// Ends the bar, leaving it as it stands.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar.0 {
            bar.abandon();
        }
        if self.how.profile.is_some() && !self.profiled {
            self.print("profile  none was written: it is of the second step, and this ended before it");
        }
    }

    fn print(&self, text: &str) {
        if !self.how.quiet {
            self.bar.print(text);
        }
    }

    fn event(&self, event: &Event) {
        if self.how.json {
            event.write();
        }
    }
}

fn describe(p: &Progress) -> String {
    let val = p.val_loss.map_or(String::new(), |v| format!("  val {v:.3}"));
    format!(
        "step {}/{}  loss {:.3}{val}  {} tokens/s  {}  {} left",
        thousands(p.step),
        thousands(p.steps),
        p.loss,
        thousands(p.tokens_per_second as u64),
        bytes(p.memory),
        duration(Duration::from_secs_f64(p.seconds_left.max(0.0)))
    )
}

/// A line without the word that stands before it, in a column of eight letters.
fn sentence(line: &str) -> &str {
    line.split_at_checked(9)
        .filter(|(word, _)| word.ends_with(' '))
        .map_or(line, |(_, rest)| rest.trim_start())
}

impl crate::journal::Observer for Watch {
    fn progress(&mut self, what: &'static str, done: u64, of: u64) {
        self.bar.bytes(what, done, of);
    }
}

impl Observer for Watch {
    fn say(&mut self, line: &str) {
        self.print(line);
    }

    fn warn(&mut self, line: &str) {
        self.event(&Event::Warning { text: sentence(line) });
        self.bar.print(line);
    }

    fn wants_profile(&self) -> bool {
        self.how.profile.is_some() && !self.profiled
    }

    fn profiled(&mut self, step: u64, spans: &[Span]) {
        let Some(file) = &self.how.profile else { return };
        self.profiled = true;
        let (written, file) = (disk::replace(file, trace(spans).to_string().as_bytes()), shown(file));
        match written {
            Ok(()) => self.print(&format!(
                "profile  step {step}'s dispatches are in {file}: open it at https://ui.perfetto.dev"
            )),
            // No reason to end a run.
            Err(e) => self.warn(&format!("profile  none was written: {e}")),
        }
    }

    fn conclude(&mut self, line: &str) {
        self.verdict.push(sentence(line).to_string());
        self.bar.print(line);
    }

    fn doing(&mut self, what: &str) {
        match &self.bar.0 {
            Some(bar) => bar.set_message(format!("{what}…")),
            None if self.how.quiet => {}
            None => out::note(format!("{what}…")),
        }
    }

    fn step(&mut self, p: &Progress) {
        self.event(&p.into());
        if let Some(bar) = &self.bar.0 {
            bar.set_length(p.steps);
            bar.set_position(p.step);
            bar.set_message(describe(p));
        } else if !self.how.quiet
            && (p.step == p.steps || self.shown.is_none_or(|t| t.elapsed() >= LINE_EVERY))
        {
            out::note(describe(p));
            self.shown = Some(Instant::now());
        }
    }

    fn evaluating(&mut self, done: usize, of: usize) {
        if let Some(bar) = &self.bar.0 {
            let (done, of) = (thousands(done as u64), thousands(of as u64));
            bar.set_message(format!("validating: {done} of {of} windows"));
        }
    }

    fn evaluated(&mut self, step: u64, val_loss: f32) {
        self.event(&Event::Eval { step, val_loss });
        self.print(&format!("step {}  validation loss {val_loss:.4}", thousands(step)));
    }

    fn can_ask(&self) -> bool {
        fetch::can_ask()
    }

    fn fetch(&mut self, hub: &Hub, name: &Name) -> Result<PathBuf> {
        let offer = || fetch::offer(hub, name, self.yes, &self.device, self.threads);
        match &self.bar.0 {
            Some(bar) => bar.suspend(offer),
            None => offer(),
        }
    }

    fn saved(&mut self, step: u64, dir: &Path) {
        self.event(&Event::Saved { step, dir });
    }

    fn sampled(&mut self, step: u64, prompt: &str, text: &str) {
        self.event(&Event::Sample { step, prompt, text });
        let whole = format!("{prompt}{text}");
        let quoted: String = whole.trim().lines().map(|l| format!("  | {l}\n")).collect();
        self.print(&format!("step {}  a sample:\n{quoted}", thousands(step)));
    }
}
