//! The CPU executor: each kernel's twin, in the recording's order, on all cores.
//!
//! It is the tool's honest answer on a computer without a GPU, and the independent check of every kernel. Twins sum
//! over fixed chunks in index order, so the bits do not depend on the number of threads.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Instant;

use crate::base::{Error, Result, memory};
use crate::device::Step;
use crate::device::element::{Element, View, pack_f16_into, widened};
use crate::device::executor::{Clock, Executor, Options};
use crate::device::kernel::{Call, Few, Kernel, MOST};
use crate::device::plan::{Place, Plan, Slot};
use crate::device::recording::{Dispatch, Program, Recording, Tensor};

/// A program on the CPU.
pub struct Cpu {
    program: Program,
    plan: Plan,
    slots: Vec<Vec<u32>>,
    received: VecDeque<Vec<u32>>,
    pool: rayon::ThreadPool,
    poison: bool,
}

impl Cpu {
    /// Allocates a program's tensors.
    ///
    /// # Errors
    /// A program that cannot be planned; too little memory; no threads.
    pub fn new(program: Program, options: Options) -> Result<Cpu> {
        let plan = Plan::new(&program)?;
        plan.check(memory::free())?;
        if options.threads > 1024 {
            return Err(Error::usage(format!("--threads {}", options.threads), "use 0 for every core"));
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads).build().map_err(|e| {
            Error::device(
                format!("could not start {} threads: {e}", options.threads),
                "use a smaller --threads",
            )
        })?;
        let zeros = |s: &Slot| memory::zeros(s.bytes as usize / 4, &s.name);
        let slots = plan.slots.iter().map(zeros).collect::<Result<_>>()?;
        Ok(Cpu { program, plan, slots, received: VecDeque::new(), pool, poison: options.poison })
    }

    /// A kept tensor's words.
    fn kept(&mut self, name: &str) -> &mut [u32] {
        let Place { slot, first, words } = self.plan.kept(name);
        &mut self.slots[slot][first..first + words]
    }

    /// Runs the twins of a range of dispatches; `after` is told which ones have run, one or more at a time.
    fn replay(
        &mut self,
        recording: &str,
        step: &Step,
        range: Range<usize>,
        mut after: impl FnMut(&[Dispatch]) + Send,
    ) {
        let r = self.program.index(recording);
        let Cpu { program, plan, slots, pool, poison, .. } = self;
        let (recording, places, births) = (&program.recordings[r], &plan.places[r], &plan.births[r]);
        let range = range.start..range.end.min(recording.dispatches.len());
        pool.install(|| {
            let mut i = range.start;
            while i < range.end {
                if *poison {
                    for &t in &births[i] {
                        slots[places[t.index()].slot].fill(u32::MAX);
                    }
                }
                let rest = &recording.dispatches[i..range.end];
                let dispatch = &rest[0];
                let next = rest.get(1).filter(|next| births[i + 1].is_empty() && alike(dispatch, next));
                let places = dispatch.args.iter().map(|a| places[a.tensor.index()]);
                let tensors = words(slots, places, dispatch.kernel.reads());
                let took_next = run_twins(recording, dispatch, next.map(|d| d.kernel), step, tensors);
                let ran = if took_next { 2 } else { 1 };
                after(&rest[..ran]);
                i += ran;
            }
        });
    }

    /// Any tensor's words.
    fn words(&mut self, recording: &str, tensor: Tensor) -> &mut [u32] {
        let Place { slot, first, words } = self.plan.places[self.program.index(recording)][tensor.index()];
        &mut self.slots[slot][first..first + words]
    }
}

/// Whether two dispatches have the same tensors, dims and constants.
fn alike(a: &Dispatch, b: &Dispatch) -> bool {
    (&a.args, &a.dims, &a.consts) == (&b.args, &b.dims, &b.consts)
}

/// Runs one dispatch's twin on the words of its tensors: of those that are read, then of those that are written.
pub fn run_twin<'a>(
    recording: &Recording,
    dispatch: &Dispatch,
    step: &Step,
    tensors: (impl IntoIterator<Item = &'a [u32]>, impl IntoIterator<Item = &'a mut [u32]>),
) {
    run_twins(recording, dispatch, None, step, tensors);
}

/// As [`run_twin`]; `next` is the kernel of an [`alike`] dispatch behind it. Says whether the twin did that one's work too.
fn run_twins<'a>(
    recording: &Recording,
    dispatch: &Dispatch,
    next: Option<&'static Kernel>,
    step: &Step,
    (reads, writes): (impl IntoIterator<Item = &'a [u32]>, impl IntoIterator<Item = &'a mut [u32]>),
) -> bool {
    let (kernel, count) = (dispatch.kernel, dispatch.kernel.reads());
    let info = |i: usize| recording.info(dispatch.args[i].tensor);
    let half = |i: usize| kernel.bindings[i].widened && info(i).element == Element::F16;
    // Halves that the twin sees as f32 are widened before it and rounded behind it; for others no memory is asked.
    let (mut wide_reads, mut wide_writes): ([Vec<f32>; MOST], [Vec<f32>; MOST]) = Default::default();
    let views = reads.into_iter().zip(&mut wide_reads).enumerate().map(|(i, (words, wide))| {
        let numel = info(i).numel();
        if half(i) {
            *wide = widened(words, numel);
            return View::new(bytemuck::cast_slice(wide), Element::F32, numel);
        }
        View::new(words, info(i).element, numel)
    });
    let mut written: [&mut [u32]; MOST] = Default::default();
    written.iter_mut().zip(writes).for_each(|(place, words)| *place = words);
    let written = &mut written[..dispatch.args.len() - count];
    let slices = written.iter_mut().zip(&mut wide_writes).enumerate().map(|(i, (words, wide))| {
        if half(count + i) {
            *wide = widened(words, info(count + i).numel());
            return wide.as_mut_slice();
        }
        bytemuck::cast_slice_mut(words)
    });
    let mut call = Call {
        reads: views.collect(),
        writes: slices.collect(),
        dims: &dispatch.dims,
        consts: &dispatch.consts,
        step: *step,
        next,
        took_next: false,
    };
    (kernel.twin)(&mut call);
    let took_next = call.took_next;
    for (i, (words, wide)) in written.iter_mut().zip(&wide_writes).enumerate() {
        if half(count + i) {
            pack_f16_into(wide, words);
        }
    }
    took_next
}

/// The words of several places, which do not overlap, each as a slice of its own: so Rust sees that no two alias.
fn apart<'a>(mut slots: &'a mut [Vec<u32>], places: &[Place]) -> [&'a mut [u32]; MOST] {
    let mut order: [usize; MOST] = std::array::from_fn(|i| i);
    let order = &mut order[..places.len()];
    order.sort_unstable_by_key(|&i| (places[i].slot, places[i].first));
    let mut parts: [&mut [u32]; MOST] = Default::default();
    // What is not handed out yet: the slots from `slot + 1` on, and of that slot the words from `at` on.
    let (mut slot, mut at, mut rest) = (None, 0, Default::default());
    for &mut i in order {
        let Place { slot: wanted, first, words } = places[i];
        if slot != Some(wanted) {
            let skip = wanted - slot.map_or(0, |s| s + 1);
            let (this, after) =
                std::mem::take(&mut slots)[skip..].split_first_mut().expect("the plan's slots");
            (slot, at, rest, slots) = (Some(wanted), 0, this.as_mut_slice(), after);
        }
        let (part, after) = std::mem::take(&mut rest)[first - at..].split_at_mut(words);
        (parts[i], rest, at) = (part, after, first + words);
    }
    parts
}

/// The words of a dispatch's places: of the first `reads`, which are read and may be the same place twice, and of the others.
fn words(
    slots: &mut [Vec<u32>],
    places: impl Iterator<Item = Place>,
    reads: usize,
) -> (Few<&[u32]>, Few<&mut [u32]>) {
    // Each place once, and for each tensor that is read, which of them.
    let (mut once, mut distinct, mut read_at) = ([NOWHERE; MOST], 0, [0; MOST]);
    let mut all = 0;
    for (i, place) in places.enumerate() {
        let found = if i < reads { once[..distinct].iter().position(|p| *p == place) } else { None };
        if found.is_none() {
            once[all] = place;
            all += 1;
        }
        if i < reads {
            read_at[i] = found.unwrap_or(distinct);
            distinct = all;
        }
    }
    let mut parts = apart(slots, &once[..all]).into_iter();
    let mut read: [&[u32]; MOST] = Default::default();
    read.iter_mut().zip(parts.by_ref().take(distinct)).for_each(|(read, part)| *read = part);
    let reads = read_at[..reads].iter().map(|&at| read[at]).collect();
    (reads, parts.take(all - distinct).collect())
}

/// What an array of places is filled up with.
const NOWHERE: Place = Place { slot: 0, first: 0, words: 0 };

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

    fn write(&mut self, name: &str, first: usize, words: &[u32]) -> Result<()> {
        self.kept(name)[first..first + words.len()].copy_from_slice(words);
        Ok(())
    }

    fn read(&mut self, name: &str, first: usize, out: &mut [u32]) -> Result<()> {
        out.copy_from_slice(&self.kept(name)[first..first + out.len()]);
        Ok(())
    }

    fn run_range(&mut self, recording: &str, step: &Step, range: Range<usize>) -> Result<()> {
        self.replay(recording, step, range, |_| ());
        Ok(())
    }

    fn time_range(&mut self, recording: &str, step: &Step, range: Range<usize>) -> Result<Vec<f64>> {
        let mut seconds = Vec::new();
        let mut begun = Instant::now();
        self.replay(recording, step, range, |ran| {
            // Of those that ran at once, each takes the part that its arithmetic is.
            let took = begun.elapsed().as_secs_f64();
            let flops = ran.iter().map(|d| d.flops).sum::<u64>().max(1) as f64;
            let part = |d: &Dispatch| if ran.len() == 1 { took } else { took * d.flops as f64 / flops };
            seconds.extend(ran.iter().map(part));
            begun = Instant::now();
        });
        Ok(seconds)
    }

    fn clock(&self) -> Clock {
        Clock::Calls
    }

    fn request(&mut self, name: &str) -> Result<()> {
        let words = self.kept(name).to_vec();
        self.received.push_back(words);
        Ok(())
    }

    fn receive(&mut self) -> Result<Vec<u32>> {
        Ok(self.received.pop_front().expect("every receive follows its request"))
    }

    fn wait(&mut self) -> Result<()> {
        Ok(())
    }

    fn peek(&mut self, recording: &str, tensor: Tensor) -> Result<Vec<u32>> {
        Ok(self.words(recording, tensor).to_vec())
    }

    fn poke(&mut self, recording: &str, tensor: Tensor, words: &[u32]) -> Result<()> {
        self.words(recording, tensor)[..words.len()].copy_from_slice(words);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_any_order_come_apart() {
        let mut slots = vec![vec![0, 1, 2, 3], vec![4], vec![5, 6, 7]];
        let place = |slot, first, words| Place { slot, first, words };
        let places = [place(2, 1, 2), place(0, 2, 2), place(0, 0, 1), place(2, 0, 1)];
        let parts = apart(&mut slots, &places);
        assert_eq!(parts[..4], [&[6, 7][..], &[2, 3], &[0], &[5]]);
    }

    #[test]
    fn a_place_may_be_read_twice() {
        let mut slots = vec![vec![0, 1, 2, 3], vec![4]];
        let place = |slot, first, words| Place { slot, first, words };
        let places = [place(0, 2, 2), place(1, 0, 1), place(0, 2, 2), place(0, 0, 1)];
        let (reads, writes) = words(&mut slots, places.into_iter(), 3);
        assert_eq!(reads.into_iter().collect::<Vec<_>>(), [&[2, 3][..], &[4], &[2, 3]]);
        assert_eq!(writes.into_iter().collect::<Vec<_>>(), [&[0]]);
    }
}
