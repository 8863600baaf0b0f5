//! What a person sees of a run: a progress bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::base::Result;
use crate::base::units::{bytes, duration, thousands};
use crate::cli::{fetch, out};
use crate::train::{Observer, Options, Progress};
use crate::weights::hub::{Hub, Name};

/// A bar on a terminal, and nothing elsewhere: for what takes a while before anything else is said.
pub struct Bar(Option<ProgressBar>);

impl Bar {
    /// For this process's stderr.
    pub fn new() -> Bar {
        Bar(std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:24} {msg}").expect("the template is well formed");
            ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr()).with_style(style)
        }))
    }

    /// Something is so far, in bytes.
    pub fn bytes(&self, what: &str, done: u64, of: u64) {
        if let Some(bar) = &self.0 {
            bar.set_length(of.max(1));
            bar.set_position(done);
            let left = match bar.eta() {
                left if done > 0 && left.as_secs() > 1 => format!(", {} left", duration(left)),
                _ => String::new(),
            };
            bar.set_message(format!("{what} {} of {}{left}", bytes(done), bytes(of)));
        }
    }

    /// Something is so far, in words; whether there is a bar to say it.
    pub fn message(&self, done: u64, of: u64, words: &str) -> bool {
        if let Some(bar) = &self.0 {
            bar.set_length(of.max(1));
            bar.set_position(done);
            bar.set_message(words.to_string());
        }
        self.0.is_some()
    }

    /// A line that stays, above the bar if there is one.
    pub fn print(&self, text: &str) {
        match &self.0 {
            Some(bar) => bar.suspend(|| out::note(text)),
            None => out::note(text),
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Shows a run on stderr.
pub struct Watch {
    bar: Bar,
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
    pub fn new(options: &Options) -> Watch {
        let Options { yes, device, threads, .. } = options.clone();
        Watch { bar: Bar::new(), shown: None, yes, device, threads }
    }

    /// Ends the bar, leaving it as it stands.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar.0 {
            bar.abandon();
        }
    }

    fn print(&self, text: &str) {
        self.bar.print(text);
    }
}

fn describe(p: &Progress) -> String {
    let val = p.val_loss.map_or(String::new(), |v| format!("  val {v:.3}"));
    format!(
        "step {}/{}  loss {:.3}{val}  {} tokens/s  {} left",
        thousands(p.step),
        thousands(p.steps),
        p.loss,
        thousands(p.tokens_per_second as u64),
        duration(Duration::from_secs_f64(p.seconds_left.max(0.0)))
    )
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

    fn doing(&mut self, what: &str) {
        match &self.bar.0 {
            Some(bar) => bar.set_message(format!("{what}…")),
            None => out::note(format!("{what}…")),
        }
    }

    fn step(&mut self, p: &Progress) {
        if let Some(bar) = &self.bar.0 {
            bar.set_length(p.steps);
            bar.set_position(p.step);
            bar.set_message(describe(p));
        } else if p.step == p.steps || self.shown.is_none_or(|t| t.elapsed() >= LINE_EVERY) {
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

    fn sampled(&mut self, step: u64, text: &str) {
        let quoted: String = text.trim().lines().map(|l| format!("  | {l}\n")).collect();
        self.print(&format!("step {}  a sample:\n{quoted}", thousands(step)));
    }
}
