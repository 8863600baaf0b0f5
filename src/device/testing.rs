//! Troubles that tests order: the n-th replay of a recording fails, or the GPU is really lost.

use std::cell::RefCell;
use std::ops::Range;

use crate::base::{Error, Result};
use crate::device::Step;
use crate::device::executor::{Clock, Executor};
use crate::device::plan::Plan;
use crate::device::recording::{Program, Tensor};

/// After so many more replays, this error.
pub(crate) type Ordered = (u64, fn() -> Error);

thread_local! {
    static ORDERED: RefCell<Vec<Ordered>> = const { RefCell::new(Vec::new()) };
    pub(super) static OPENED: RefCell<Vec<wgpu::Device>> = const { RefCell::new(Vec::new()) };
}

/// From here on, on this thread, after so many more replays each, the next one fails so.
pub(crate) fn fail_after(replays: &[Ordered]) {
    ORDERED.set(replays.to_vec());
}

/// How many failures that were ordered have not come.
pub(crate) fn to_come() -> usize {
    ORDERED.with_borrow(Vec::len)
}

/// Destroys the device that this thread opened last: what it was given to do is not done, and it answers no more.
pub(crate) fn lose_gpu() {
    OPENED.with_borrow(|opened| opened.last().expect("a GPU was opened").destroy());
}

/// How many this thread has opened.
pub(crate) fn opened() -> usize {
    OPENED.with_borrow(Vec::len)
}

/// An executor that fails as ordered.
pub(super) struct Failing(pub Box<dyn Executor>);

impl Executor for Failing {
    fn program(&self) -> &Program {
        self.0.program()
    }

    fn plan(&self) -> &Plan {
        self.0.plan()
    }

    fn allocated(&self) -> u64 {
        self.0.allocated()
    }

    fn write(&mut self, name: &str, first: usize, words: &[u32]) -> Result<()> {
        self.0.write(name, first, words)
    }

    fn read(&mut self, name: &str, first: usize, out: &mut [u32]) -> Result<()> {
        self.0.read(name, first, out)
    }

    fn run_range(&mut self, recording: &str, step: &Step, range: Range<usize>) -> Result<()> {
        let fails = ORDERED.with_borrow_mut(|ordered| match ordered.first_mut() {
            Some((0, error)) => {
                let error = error();
                ordered.remove(0);
                Some(error)
            }
            Some((left, _)) => {
                *left -= 1;
                None
            }
            None => None,
        });
        fails.map_or_else(|| self.0.run_range(recording, step, range), Err)
    }

    fn time_range(&mut self, recording: &str, step: &Step, range: Range<usize>) -> Result<Vec<f64>> {
        self.0.time_range(recording, step, range)
    }

    fn clock(&self) -> Clock {
        self.0.clock()
    }

    fn request(&mut self, name: &str) -> Result<()> {
        self.0.request(name)
    }

    fn receive(&mut self) -> Result<Vec<u32>> {
        self.0.receive()
    }

    fn wait(&mut self) -> Result<()> {
        self.0.wait()
    }

    fn peek(&mut self, recording: &str, tensor: Tensor) -> Result<Vec<u32>> {
        self.0.peek(recording, tensor)
    }

    fn poke(&mut self, recording: &str, tensor: Tensor, words: &[u32]) -> Result<()> {
        self.0.poke(recording, tensor, words)
    }
}
