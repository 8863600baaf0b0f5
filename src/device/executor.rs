//! What runs a program: the same interface for the GPU and the CPU.

use std::ops::Range;

use crate::base::Result;
use crate::device::Step;
use crate::device::plan::Plan;
use crate::device::recording::{Program, Tensor};

/// How an executor runs, beyond what is recorded.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Fill every scratch tensor with NaN where its life begins, on every replay: what is read before it is written shows.
    pub poison: bool,
    /// Let the driver check every index (the GPU alone; slower).
    pub checked: bool,
    /// Threads of the CPU executor; 0 takes every core.
    pub threads: usize,
}

/// What a dispatch's time is measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Clock {
    /// The device writes down when a dispatch begins and when it ends.
    Timestamps,
    /// The device has none: each dispatch is a submit of its own and is waited for, and what an empty submit takes is taken off.
    Submits,
    /// The dispatch is a function of this program.
    Calls,
}

/// A device with a program on it.
pub trait Executor {
    /// The program it holds.
    fn program(&self) -> &Program;

    /// Where its tensors lie.
    fn plan(&self) -> &Plan;

    /// Bytes it has allocated for tensors; equal to the plan's.
    fn allocated(&self) -> u64;

    /// Writes words of a kept tensor, from word `first` on.
    ///
    /// # Errors
    /// A lost device.
    fn write(&mut self, name: &str, first: usize, words: &[u32]) -> Result<()>;

    /// Reads words of a kept tensor, from word `first` on, after everything that was submitted.
    ///
    /// # Errors
    /// A lost device.
    fn read(&mut self, name: &str, first: usize, out: &mut [u32]) -> Result<()>;

    /// [`write`](Self::write) of numbers.
    ///
    /// # Errors
    /// A lost device.
    fn write_f32(&mut self, name: &str, first: usize, data: &[f32]) -> Result<()> {
        self.write(name, first, bytemuck::cast_slice(data))
    }

    /// [`read`](Self::read) of numbers.
    ///
    /// # Errors
    /// A lost device.
    fn read_f32(&mut self, name: &str, first: usize, out: &mut [f32]) -> Result<()> {
        self.read(name, first, bytemuck::cast_slice_mut(out))
    }

    /// Replays the dispatches `range` of a recording; may return before they have run.
    ///
    /// # Errors
    /// A lost device.
    fn run_range(&mut self, recording: &str, step: &Step, range: Range<usize>) -> Result<()>;

    /// Replays a recording.
    ///
    /// # Errors
    /// A lost device.
    fn run(&mut self, recording: &str, step: &Step) -> Result<()> {
        self.run_range(recording, step, 0..usize::MAX)
    }

    /// Replays a range of a recording and says how long each of its dispatches took, in seconds, by [`Executor::clock`]: of two
    /// that ran as one, each the part that its arithmetic is. A GPU poisons nothing meanwhile.
    ///
    /// # Errors
    /// A lost device.
    fn time_range(&mut self, recording: &str, step: &Step, range: Range<usize>) -> Result<Vec<f64>>;

    /// What [`Executor::time_range`] measures by.
    fn clock(&self) -> Clock;

    /// Asks for a kept tensor as it is after everything submitted so far, without waiting for it.
    ///
    /// # Errors
    /// A lost device.
    fn request(&mut self, name: &str) -> Result<()>;

    /// The oldest tensor that was requested and not yet received, waiting for it where needed.
    ///
    /// # Errors
    /// A lost device.
    fn receive(&mut self) -> Result<Vec<u32>>;

    /// [`receive`](Self::receive) of numbers.
    ///
    /// # Errors
    /// A lost device.
    fn receive_f32(&mut self) -> Result<Vec<f32>> {
        Ok(bytemuck::cast_vec(self.receive()?))
    }

    /// Waits until everything that was submitted has run.
    ///
    /// # Errors
    /// A lost device.
    fn wait(&mut self) -> Result<()>;

    /// Reads any tensor of a recording, scratch too, as the last replayed range left it.
    ///
    /// # Errors
    /// A lost device.
    fn peek(&mut self, recording: &str, tensor: Tensor) -> Result<Vec<u32>>;

    /// Writes any tensor of a recording.
    ///
    /// # Errors
    /// A lost device.
    fn poke(&mut self, recording: &str, tensor: Tensor, words: &[u32]) -> Result<()>;
}
