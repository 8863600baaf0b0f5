//! A lesson.

use crate::device::{Recorder, Tensor};

/// One way to compute what its ladder computes, from `I`; frozen, so that it can be read and timed beside the others.
pub struct Rung<I> {
    /// Its file's stem; of the last rung the op's.
    pub name: &'static str,
    /// Its file under `shaders/`; of the last rung the files, one after another.
    pub file: &'static str,
    /// What changed from the rung before, in a line.
    pub lesson: &'static str,
    pub(super) record: fn(&mut Recorder, I) -> Tensor,
}

impl<I> Rung<I> {
    /// Records this rung's dispatches, labelled by its name, and gives the result.
    pub fn record(&self, rec: &mut Recorder, inputs: I) -> Tensor {
        rec.scoped(self.name, |rec| (self.record)(rec, inputs))
    }
}
