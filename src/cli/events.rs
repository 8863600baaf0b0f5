//! `train --json`: what happens, on stdout, a JSON object a line, for a program that watches.

use std::io::Write;
use std::path::Path;

use serde::Serialize;

use crate::train::Progress;

/// What happened. The book's chapter on reports lists the keys.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event<'a> {
    /// An optimizer step is done.
    Step {
        step: u64,
        steps: u64,
        loss: f32,
        lr: f32,
        grad_norm: f32,
        tokens_per_second: f32,
        seconds_left: f32,
        memory: u64,
    },
    /// The validation loss was measured.
    Eval { step: u64, val_loss: f32 },
    /// The model wrote `text`, going on from `prompt`.
    Sample { step: u64, prompt: &'a str, text: &'a str },
    /// A state is safe in `dir`.
    Saved { step: u64, dir: &'a Path },
    /// What a person should know.
    Warning { text: &'a str },
    /// The run is over, or was interrupted; both times it was saved.
    Done { dir: &'a Path, interrupted: bool, verdict: &'a [String] },
}

impl From<&Progress> for Event<'_> {
    fn from(p: &Progress) -> Self {
        Event::Step {
            step: p.step,
            steps: p.steps,
            loss: p.loss,
            lr: p.lr,
            grad_norm: p.grad_norm,
            tokens_per_second: p.tokens_per_second as f32,
            seconds_left: p.seconds_left as f32,
            memory: p.memory,
        }
    }
}

impl Event<'_> {
    /// Writes it. A reader that has gone is no reason to end a run.
    pub fn write(&self) {
        // A path that is no text is the one thing that JSON cannot say.
        if let Ok(line) = serde_json::to_string(self) {
            let _ = writeln!(std::io::stdout(), "{line}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_what_the_book_says() {
        let text = |event: Event| serde_json::to_string(&event).unwrap();
        let p = Progress {
            step: 7,
            steps: 9,
            loss: 2.35,
            lr: 1e-3,
            grad_norm: 0.5,
            val_loss: None,
            tokens_per_second: 100.0,
            seconds_left: 1.5,
            memory: 64,
        };
        assert_eq!(
            text((&p).into()),
            r#"{"event":"step","step":7,"steps":9,"loss":2.35,"lr":0.001,"grad_norm":0.5,"tokens_per_second":100.0,"seconds_left":1.5,"memory":64}"#
        );
        assert_eq!(
            text(Event::Eval { step: 7, val_loss: 2.5 }),
            r#"{"event":"eval","step":7,"val_loss":2.5}"#
        );
        let done = Event::Done { dir: Path::new("a"), interrupted: false, verdict: &["good".into()] };
        assert_eq!(text(done), r#"{"event":"done","dir":"a","interrupted":false,"verdict":["good"]}"#);
        let page =
            std::fs::read_to_string(format!("{}/book/src/report.md", env!("CARGO_MANIFEST_DIR"))).unwrap();
        for name in ["step", "eval", "sample", "saved", "warning", "done"] {
            assert!(page.contains(&format!("| `{name}` |")), "{name}");
        }
    }
}
