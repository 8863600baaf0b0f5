//! The same steps in less memory.

use crate::base::arch::Recompute;
use crate::base::{Error, Result};
use crate::run::record::Settings;
use crate::train::Observer;

/// The same sequences a step, so many at a time.
pub(super) fn in_pieces_of(batch: usize, settings: &mut Settings, observer: &mut dyn Observer) -> Result<()> {
    let Settings { batch: before, accumulate, .. } = *settings;
    let total = before * accumulate;
    if batch == 0 || !total.is_multiple_of(batch) {
        let all: Vec<String> =
            (1..=total).filter(|b| total.is_multiple_of(*b)).map(|b| b.to_string()).collect();
        let problem =
            format!("--batch {batch}: a step of this run has {total} sequences, which that does not divide");
        return Err(Error::usage(problem, format!("use one of {}", all.join(", "))));
    }
    settings.batch = batch;
    settings.accumulate = total / batch;
    observer.say(&format!(
        "batch    {batch} × {} sequences a step instead of {before} × {accumulate}: the last bits of the numbers may \
         differ, and what dropout drops",
        settings.accumulate
    ));
    Ok(())
}

/// What needs less memory for the same steps: half of the batch, twice as often; where that is one sequence, each block
/// computed twice.
///
/// # Errors
/// There is nothing less: what was short.
pub(super) fn less(settings: &mut Settings, observer: &mut dyn Observer, error: Error) -> Result<()> {
    observer.warn(&format!("memory   {}", problem(&error)));
    let total = settings.batch * settings.accumulate;
    match (1..=settings.batch / 2).rev().find(|half| total.is_multiple_of(*half)) {
        Some(half) => in_pieces_of(half, settings, observer),
        None if settings.recompute < Recompute::Block => {
            settings.recompute = Recompute::Block;
            observer
                .warn("memory   each block is computed twice from here on, instead of kept (--recompute)");
            Ok(())
        }
        None => Err(error),
    }
}

/// What an error says, without what to do: it is being done.
pub(super) fn problem(error: &Error) -> String {
    let text = error.to_string();
    text.split("\n  next:").next().unwrap_or_default().trim_start_matches("device: ").to_string()
}
