//! The last steps of a run as its log has them: what the next ones are held against.

use crate::base::Result;
use crate::optim::Spikes;
use crate::optim::spike::Seen;
use crate::run::RunFolder;
use crate::run::log::{self, Line};
use crate::run::record::Run;
use crate::run::runs::LOG;

/// What a run's log says of its last steps, up to its position.
///
/// # Errors
/// The log cannot be read.
pub fn spikes_of(folder: &RunFolder, run: &Run) -> Result<Spikes> {
    let seen = |line| match line {
        Line::Step(line) if line.step <= run.position.step && !line.overflow => {
            Some(Seen { step: line.step, loss: line.loss, norm: line.grad_norm, spike: line.spike })
        }
        _ => None,
    };
    Ok(Spikes::new(log::read(&folder.path().join(LOG))?.into_iter().filter_map(seen), run.lowered))
}
