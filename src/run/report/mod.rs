//! `report.html`: a run on a page, for the person whose run it is. One file, readable in any browser without a script or a
//! connection, light or dark; written anew while the run trains. And two or more runs beside each other.

pub mod beside;
pub mod chart;
pub mod curves;
pub mod html;
mod reading;
pub mod settings;
mod single;
pub mod text;
pub mod told;
mod watched;

use std::path::Path;
use std::time::{Duration, Instant};

use crate::base::{Error, Result, disk};
use crate::run::record::Run;
use crate::run::runs::REPORT;

pub use reading::reading;
pub use told::Told;

/// Writing takes at most this share of a run's time: a run that evaluates after every step does not write so often.
const SHARE: u32 = 50;

/// Who writes a run's report while it trains.
#[derive(Debug, Default)]
pub struct Reporter {
    /// Not before this moment, but at the end.
    next: Option<Instant>,
    /// Whether it was said that it cannot be written.
    said: bool,
}

impl Reporter {
    /// Writes `report.html` into the run's folder, whole or not at all (mode 0600 on Unix), unless it was written a moment ago;
    /// at the end in any case. A report that cannot be written is no reason to end a run: the first such error is
    /// returned, for the person to be told, and no other.
    pub fn write(&mut self, folder: &Path, run: &Run, end: bool) -> Option<Error> {
        let began = Instant::now();
        if !end && self.next.is_some_and(|next| began < next) {
            return None;
        }
        let written = write(folder, run);
        self.next =
            Some(Instant::now() + began.elapsed().saturating_mul(SHARE).min(Duration::from_secs(600)));
        written.err().filter(|_| !std::mem::replace(&mut self.said, true))
    }
}

/// Writes a run's report into its folder.
///
/// # Errors
/// Its log or samples cannot be read, or the report cannot be written; then an earlier one stands.
pub fn write(folder: &Path, run: &Run) -> Result<()> {
    let page = single::page(&Told::of(folder, run.clone())?);
    disk::replace(&folder.join(REPORT), page.as_bytes())
}

#[cfg(test)]
mod tests;
