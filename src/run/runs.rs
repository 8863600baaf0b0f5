//! Which runs there are, and what to do where one is not, or not whole.

use std::fs;
use std::path::{Path, PathBuf};

use crate::base::{Error, Result, shell};
use crate::weights::peft;

/// The record; a folder is a run's if it has one.
pub const RECORD: &str = "run.json";
/// A line a step, a line an evaluation.
pub const LOG: &str = "log.jsonl";
/// What the model wrote on the way.
pub(super) const SAMPLES: &str = "samples.md";
/// The run as a page for a person.
pub const REPORT: &str = "report.html";
/// Held by the process that works in the folder; it has no bytes.
pub(super) const LOCK: &str = "lock";
/// The file that root and state share: a model,
pub const MODEL: &str = "model.safetensors";
/// or the adapter that was trained beside one. What PEFT calls it.
pub const ADAPTER: &str = peft::WEIGHTS;
/// Where runs go, unless another place is given.
pub const CHECKPOINTS: &str = "checkpoints";

/// What to do where a part of a run is lost.
pub fn restore_or_begin(what: &str, run: &Path) -> String {
    let run = shell::path(run);
    format!("restore {what} from a backup, or begin a new run from this one's model: give it as --from {run}")
}

/// The runs that may have been meant instead of one that is not there, or how to begin one.
pub(super) fn instead(path: &Path) -> String {
    let places = [Some(path), path.parent(), Some(Path::new(CHECKPOINTS))].into_iter().flatten();
    let runs = places.map(runs).find(|runs| !runs.is_empty()).unwrap_or_default();
    let named: Vec<String> = runs.iter().rev().take(5).map(shell::path).collect();
    if named.is_empty() {
        begin()
    } else {
        format!("name a run's folder, the newest first: {}", named.join(" "))
    }
}

fn begin() -> String {
    format!("train one: {} train PATH --from scratch, where PATH holds the journals", shell::program())
}

/// The runs in a folder, the newest last: the one that was saved last.
pub fn runs(folder: &Path) -> Vec<PathBuf> {
    let mut runs: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let written = fs::metadata(entry.path().join(RECORD)).ok()?.modified().ok()?;
            Some((written, entry.path()))
        })
        .collect();
    runs.sort();
    runs.into_iter().map(|(_, path)| path).collect()
}

/// The run in `checkpoints` whose `run.json` is the newest.
///
/// # Errors
/// There is none.
pub fn newest(checkpoints: &Path) -> Result<PathBuf> {
    runs(checkpoints).pop().ok_or_else(|| Error::file(checkpoints, "there is no run in it yet", begin()))
}
