//! The CPU executor: each kernel's twin, in the recording's order, on all cores.
//!
//! It is the tool's honest answer on a computer without a GPU, and the independent check of every kernel. Twins sum
//! over fixed chunks in index order, so the bits do not depend on the number of threads.

use std::collections::VecDeque;
use std::ops::Range;

use crate::base::{Error, Result};
use crate::device::Step;
use crate::device::executor::{Executor, Options};
use crate::device::kernel::{Access, Call};
use crate::device::plan::Plan;
use crate::device::recording::{Dispatch, Program, Recording, Tensor};

/// A program on the CPU.
pub struct Cpu {
    program: Program,
    plan: Plan,
    slots: Vec<Vec<f32>>,
    received: VecDeque<Vec<f32>>,
    pool: rayon::ThreadPool,
    poison: bool,
}

impl Cpu {
    /// Allocates a program's tensors.
    ///
    /// # Errors
    /// A program that cannot be planned, or no threads.
    pub fn new(program: Program, options: Options) -> Result<Cpu> {
        let plan = Plan::new(&program)?;
        if options.threads > 1024 {
            return Err(Error::usage(format!("--threads {}", options.threads), "use 0 for every core"));
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads).build().map_err(|e| {
            Error::device(
                format!("could not start {} threads: {e}", options.threads),
                "use a smaller --threads",
            )
        })?;
        let slots = plan.slots.iter().map(|s| vec![0.0; s.bytes as usize / 4]).collect();
        Ok(Cpu { program, plan, slots, received: VecDeque::new(), pool, poison: options.poison })
    }

    fn kept(&self, name: &str) -> usize {
        self.plan.slot(name).unwrap_or_else(|| unreachable!("the program keeps no tensor {name}"))
    }
}

/// A recording's index in its program.
pub(crate) fn index_of(program: &Program, name: &str) -> usize {
    let found = program.recordings.iter().position(|r| r.name == name);
    found.unwrap_or_else(|| unreachable!("the program has no recording {name}"))
}

/// Runs one dispatch's twin over host slices: `slots[i]` holds the dispatch's i-th tensor, at its exact length.
pub fn run_twin(dispatch: &Dispatch, step: &Step, slots: &mut [Vec<f32>]) {
    let reads = dispatch.kernel.bindings.iter().filter(|b| b.access == Access::Read).count();
    let (r, w) = slots.split_at_mut(reads);
    let mut call = Call {
        reads: r.iter().map(Vec::as_slice).collect(),
        writes: w.iter_mut().map(Vec::as_mut_slice).collect(),
        dims: &dispatch.dims,
        consts: &dispatch.consts,
        step: *step,
    };
    (dispatch.kernel.twin)(&mut call);
}

impl Executor for Cpu {
    fn program(&self) -> &Program {
        &self.program
    }

    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn allocated(&self) -> u64 {
        self.slots.iter().map(|s| 4 * s.len() as u64).sum()
    }

    fn write(&mut self, name: &str, first: usize, data: &[f32]) -> Result<()> {
        let slot = self.kept(name);
        self.slots[slot][first..first + data.len()].copy_from_slice(data);
        Ok(())
    }

    fn read(&mut self, name: &str, first: usize, out: &mut [f32]) -> Result<()> {
        let slot = self.kept(name);
        out.copy_from_slice(&self.slots[slot][first..first + out.len()]);
        Ok(())
    }

    fn run_range(&mut self, recording: &str, step: &Step, range: Range<usize>) -> Result<()> {
        let r = index_of(&self.program, recording);
        let Cpu { program, plan, slots, pool, poison, .. } = self;
        let recording = &program.recordings[r];
        let range = range.start..range.end.min(recording.dispatches.len());
        pool.install(|| {
            for i in range {
                if *poison {
                    for &t in &plan.births[r][i] {
                        slots[plan.places[r][t.0 as usize]].fill(f32::from_bits(u32::MAX));
                    }
                }
                dispatch(recording, &plan.places[r], slots, i, step);
            }
        });
        Ok(())
    }

    fn request(&mut self, name: &str) -> Result<()> {
        let slot = self.kept(name);
        self.received.push_back(self.slots[slot].clone());
        Ok(())
    }

    fn receive(&mut self) -> Result<Vec<f32>> {
        Ok(self.received.pop_front().expect("every receive follows its request"))
    }

    fn wait(&mut self) -> Result<()> {
        Ok(())
    }

    fn peek(&mut self, recording: &str, tensor: Tensor) -> Result<Vec<f32>> {
        let r = index_of(&self.program, recording);
        let numel = self.program.recordings[r].info(tensor).numel();
        Ok(self.slots[self.plan.places[r][tensor.0 as usize]][..numel].to_vec())
    }

    fn poke(&mut self, recording: &str, tensor: Tensor, data: &[f32]) -> Result<()> {
        let r = index_of(&self.program, recording);
        self.slots[self.plan.places[r][tensor.0 as usize]][..data.len()].copy_from_slice(data);
        Ok(())
    }
}

/// Runs dispatch `i`: its slots are taken out, so that Rust sees that no two alias, and put back.
fn dispatch(recording: &Recording, place: &[usize], slots: &mut [Vec<f32>], i: usize, step: &Step) {
    let d = &recording.dispatches[i];
    let mut taken: Vec<Vec<f32>> =
        d.tensors.iter().map(|t| std::mem::take(&mut slots[place[t.0 as usize]])).collect();
    let reads = d.kernel.bindings.iter().filter(|b| b.access == Access::Read).count();
    let (r, w) = taken.split_at_mut(reads);
    let numel = |i: usize| recording.info(d.tensors[i]).numel();
    let mut call = Call {
        reads: r.iter().enumerate().map(|(i, s)| &s[..numel(i)]).collect(),
        writes: w.iter_mut().enumerate().map(|(i, s)| &mut s[..numel(reads + i)]).collect(),
        dims: &d.dims,
        consts: &d.consts,
        step: *step,
    };
    (d.kernel.twin)(&mut call);
    for (t, slot) in d.tensors.iter().zip(taken) {
        slots[place[t.0 as usize]] = slot;
    }
}
