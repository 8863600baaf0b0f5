//! How fast a device gets through priced work, to cut submits by: one that runs for seconds trips a watchdog.

use std::time::Instant;

use crate::device::recording::Dispatch;

/// Aim of a submit's running time, in seconds: desktop watchdogs bite at two.
const SUBMIT_SECONDS: f64 = 0.5;

/// One number for a dispatch's price: a byte moved counts as much as eight operations, roughly every GPU's balance.
pub(super) fn work(d: &Dispatch) -> f64 {
    d.flops as f64 + 8.0 * d.bytes as f64
}

/// Work submitted, work done, and the rate between.
pub(super) struct Meter {
    /// Work a second.
    rate: f64,
    /// When a result was last received, and what had been submitted when that was asked for.
    since: Instant,
    received: f64,
    /// All work submitted so far.
    pub(super) submitted: f64,
}

impl Meter {
    /// A meter that believes `rate` until it has measured.
    pub(super) fn new(rate: f64) -> Meter {
        Meter { rate, since: Instant::now(), received: 0.0, submitted: 0.0 }
    }

    /// Work that one submit may have.
    pub(super) fn at_once(&self) -> f64 {
        SUBMIT_SECONDS * self.rate
    }

    /// A result was received that was asked for after `submitted` work: all of that has run.
    pub(super) fn receive(&mut self, submitted: f64) {
        let (seconds, work) = (self.since.elapsed().as_secs_f64(), submitted - self.received);
        if work > 0.0 && seconds > 1e-3 {
            self.rate = 0.5 * self.rate + 0.5 * work / seconds;
        }
        self.since = Instant::now();
        self.received = submitted;
    }
}
