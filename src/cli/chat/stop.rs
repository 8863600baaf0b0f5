//! Ctrl-C stops the sentence, not the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// A Ctrl-C that comes so soon after a sentence was meant for it, in milliseconds.
const LATE: u64 = 500;

/// A second Ctrl-C within so long ends a program that reads from a pipe, in milliseconds.
const TWICE: u64 = 1000;

/// Whether a sentence is being said, and whether it is to stop.
pub struct Stop {
    /// A person types, rather than a program: at its prompt Ctrl-C is a key.
    typed: bool,
    speaking: AtomicBool,
    asked: AtomicBool,
    start: Instant,
    /// When the last sentence ended and when the last Ctrl-C came, in milliseconds from `start`, plus 1; 0 for never.
    ended: AtomicU64,
    pressed: AtomicU64,
}

impl Stop {
    /// Nothing is said yet.
    pub fn new(typed: bool) -> Arc<Stop> {
        let [ended, pressed] = [0, 0].map(AtomicU64::new);
        let [speaking, asked] = [false, false].map(AtomicBool::new);
        Arc::new(Stop { typed, speaking, asked, start: Instant::now(), ended, pressed })
    }

    /// From now on Ctrl-C, or a termination request, stops the sentence that is being said. Where none is, or a second comes
    /// before the first was heeded, it ends the process, with 130.
    pub fn on_interrupt(self: &Arc<Stop>) {
        let stop = self.clone();
        // Without a handler Ctrl-C ends the process: no reason not to talk.
        let _ = ctrlc::set_handler(move || {
            let now = u64::try_from(stop.start.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
            if stop.ends(now) {
                if stop.typed && !stop.speaking.load(Ordering::Relaxed) {
                    give_back();
                }
                std::process::exit(130);
            }
        });
    }

    /// Whether a Ctrl-C at `now` ends the process.
    fn ends(&self, now: u64) -> bool {
        let within = |then: u64, most: u64| then > 0 && now + 1 - then.min(now + 1) < most;
        let pressed = self.pressed.swap(now + 1, Ordering::Relaxed);
        if self.speaking.load(Ordering::Relaxed) {
            let again = self.asked.swap(true, Ordering::Relaxed);
            return again || (!self.typed && within(pressed, TWICE));
        }
        !(self.typed && within(self.ended.load(Ordering::Relaxed), LATE))
    }

    /// A sentence begins.
    pub fn begin(&self) {
        self.asked.store(false, Ordering::Relaxed);
        self.speaking.store(true, Ordering::Relaxed);
    }

    /// Whether it is to stop.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// It has ended. Whether it was to stop.
    pub fn end(&self) -> bool {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        self.ended.store(now + 1, Ordering::Relaxed);
        self.speaking.store(false, Ordering::Relaxed);
        self.asked()
    }
}

/// Gives the terminal back as a shell wants it: the line editor, which is ended in the midst of a line, has no time to.
fn give_back() {
    #[cfg(unix)]
    {
        use std::io::Write;
        // The end of bracketed paste, which the line editor had begun; then echo and the keys' meaning.
        let mut stderr = std::io::stderr();
        let _ = stderr.write_all(b"\x1b[?2004l\n").and_then(|()| stderr.flush());
        let _ = std::process::Command::new("stty").arg("sane").status();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_stops_the_sentence_and_the_second_the_program() {
        for typed in [true, false] {
            let stop = Stop::new(typed);
            stop.begin();
            assert!(!stop.asked());
            assert!(!stop.ends(10));
            assert!(stop.asked());
            assert!(stop.ends(5000), "it did not heed the first");
            assert!(stop.end());
            stop.begin();
            assert!(!stop.asked(), "the next sentence is not stopped");
            assert!(!stop.end());
        }
    }

    #[test]
    fn one_that_comes_just_too_late_for_a_sentence_does_not_end_the_program_of_one_who_types() {
        let stop = Stop::new(true);
        stop.begin();
        stop.end();
        assert!(!stop.ends(LATE - 100));
        assert!(stop.ends(60_000));
        let piped = Stop::new(false);
        piped.begin();
        piped.end();
        assert!(piped.ends(1));
    }

    #[test]
    fn two_in_a_row_end_a_program_that_reads_from_a_pipe_though_they_meet_two_sentences() {
        let stop = Stop::new(false);
        stop.begin();
        assert!(!stop.ends(1000));
        stop.end();
        stop.begin();
        assert!(stop.ends(1500));
        stop.end();
        stop.begin();
        assert!(!stop.ends(9000));
    }
}
