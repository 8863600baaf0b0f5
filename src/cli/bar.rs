//! A progress bar, where somebody sees it.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::base::units::{bytes, duration};
use crate::cli::out;

/// A bar on a terminal, and nothing elsewhere: for what takes a while before anything else is said.
pub struct Bar(pub Option<ProgressBar>);

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
