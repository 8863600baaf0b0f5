//! The planner: which buffer holds which tensor, decided once, before anything is allocated.
//!
//! A kept tensor has a buffer of its own, or a part of one that it shares with its like ([`Flat`](crate::device::Flat)). A
//! scratch tensor borrows a buffer from the moment it is first written to the moment it is last read; then the next tensor of
//! about its size may have it. That is a whole buffer, never a range of one: wgpu refuses a buffer bound read-only and read-write in one
//! dispatch, even at disjoint ranges. (What shares a flat buffer is read together, or written together: weights, gradients,
//! moments.) Recordings never run at the same time, so they share the scratch slots.

use std::collections::{BTreeMap, HashMap};

use crate::base::memory::{self, Free};
use crate::base::{Error, Result};
use crate::device::kernel::Access;
use crate::device::recording::{Arg, Kind, Part, Program, Recording, Tensor, TensorInfo};

/// One buffer.
#[derive(Debug, Clone)]
pub struct Slot {
    /// A kept tensor's name, or `scratch.3`.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Where a tensor lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Which buffer.
    pub slot: usize,
    /// Its first word there.
    pub first: usize,
    /// How many words it has.
    pub words: usize,
}

/// Every buffer of a program, and each tensor's place.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The buffers.
    pub slots: Vec<Slot>,
    /// For each recording, the place of each tensor.
    pub places: Vec<Vec<Place>>,
    /// For each recording and each dispatch, the scratch tensors that come to life there.
    pub births: Vec<Vec<Vec<Tensor>>>,
    kept: HashMap<String, Place>,
}

impl Plan {
    /// Plans a program.
    ///
    /// # Errors
    /// A scratch tensor that is read before anything writes it, or a kept name with two shapes: bugs in a model.
    pub fn new(program: &Program) -> Result<Plan> {
        let mut plan =
            Plan { slots: Vec::new(), places: Vec::new(), births: Vec::new(), kept: HashMap::new() };
        let mut scratch: Vec<u64> = Vec::new(); // shared between recordings, largest first
        let mut local: Vec<(Vec<Option<usize>>, Vec<usize>)> = Vec::new();
        for recording in &program.recordings {
            let lives = lifetimes(recording)?;
            plan.births.push(births(recording, &lives));
            let (place, sizes) = assign(recording, &lives);
            // This recording's slots, largest first, lie over the shared ones, largest first.
            let mut order: Vec<usize> = (0..sizes.len()).collect();
            order.sort_by_key(|&i| std::cmp::Reverse(sizes[i]));
            let mut rank = vec![0; sizes.len()];
            for (r, &i) in order.iter().enumerate() {
                rank[i] = r;
                if r == scratch.len() {
                    scratch.push(0);
                }
                scratch[r] = scratch[r].max(sizes[i]);
            }
            local.push((place, rank));
        }
        for flat in &program.flats {
            let slot = plan.slots.len();
            plan.kept.insert(flat.name.clone(), Place { slot, first: 0, words: flat.words });
            let bytes = 4 * flat.words as u64;
            plan.slots.push(Slot { name: flat.name.clone(), kind: flat.kind, bytes });
            let mut free = 0;
            for Part { name, first, words } in &flat.parts {
                if *first < free || first + words > flat.words {
                    return Err(bug(format!(
                        "{name} does not lie within {}, after the part before it",
                        flat.name
                    )));
                }
                free = first + words;
                plan.kept.insert(name.clone(), Place { slot, first: *first, words: *words });
            }
        }
        for recording in &program.recordings {
            for t in recording.tensors.iter().filter(|t| t.kind != Kind::Scratch) {
                plan.keep(t)?;
            }
        }
        let first_scratch = plan.slots.len();
        plan.slots.extend(scratch.iter().enumerate().map(|(i, &bytes)| Slot {
            name: format!("scratch.{i}"),
            kind: Kind::Scratch,
            bytes,
        }));
        for (recording, (place, rank)) in program.recordings.iter().zip(local) {
            let place_of = |(t, p): (&TensorInfo, &Option<usize>)| match p {
                Some(i) => Place { slot: first_scratch + rank[*i], first: 0, words: t.words() },
                None => plan.kept[&t.name],
            };
            plan.places.push(recording.tensors.iter().zip(&place).map(place_of).collect());
        }
        Ok(plan)
    }

    /// Gives a kept tensor its place, or finds that it has it.
    fn keep(&mut self, t: &TensorInfo) -> Result<()> {
        match self.kept.get(&t.name) {
            Some(place) if place.words == t.words() => Ok(()),
            Some(place) => Err(bug(format!("{} has {} words and {}", t.name, place.words, t.words()))),
            None => {
                let place = Place { slot: self.slots.len(), first: 0, words: t.words() };
                self.kept.insert(t.name.clone(), place);
                self.slots.push(Slot { name: t.name.clone(), kind: t.kind, bytes: t.bytes() });
                Ok(())
            }
        }
    }

    /// The place of a kept tensor, where the program keeps one of that name.
    pub fn find(&self, name: &str) -> Option<Place> {
        self.kept.get(name).copied()
    }

    /// The place of a kept tensor, which the program's user knows to be there.
    pub fn kept(&self, name: &str) -> Place {
        self.find(name).unwrap_or_else(|| unreachable!("the program keeps no tensor {name}"))
    }

    /// Bytes of all buffers of a kind.
    pub fn bytes_of(&self, kind: Kind) -> u64 {
        self.slots.iter().filter(|s| s.kind == kind).map(|s| s.bytes).sum()
    }

    /// Checks that there is room for all buffers, before any is made.
    ///
    /// # Errors
    /// There is not: both figures are told.
    pub fn check(&self, free: Option<Free>) -> Result<()> {
        memory::check(self.bytes(), free, "a model of this size", || {
            "close other programs, or ask for less: a smaller model, batch or context".into()
        })
    }

    /// Bytes of all buffers.
    pub fn bytes(&self) -> u64 {
        self.slots.iter().map(|s| s.bytes).sum()
    }
}

fn bug(problem: String) -> Error {
    Error::bug(problem)
}

/// The first and the last dispatch that touches each tensor; `None` where none does.
fn lifetimes(recording: &Recording) -> Result<Vec<Option<(usize, usize)>>> {
    let mut lives: Vec<Option<(usize, usize)>> = vec![None; recording.tensors.len()];
    for (i, dispatch) in recording.dispatches.iter().enumerate() {
        for &Arg { tensor, access } in &dispatch.args {
            let info = recording.info(tensor);
            let life = &mut lives[tensor.index()];
            match life {
                Some((_, last)) => *last = i,
                None if access != Access::Write && info.kind == Kind::Scratch => {
                    return Err(bug(format!("{} reads {} before it is written", dispatch.label, info.name)));
                }
                None => *life = Some((i, i)),
            }
        }
    }
    Ok(lives)
}

/// The scratch tensors that each dispatch brings to life.
fn births(recording: &Recording, lives: &[Option<(usize, usize)>]) -> Vec<Vec<Tensor>> {
    let mut births = vec![Vec::new(); recording.dispatches.len()];
    for (i, (t, life)) in recording.tensors.iter().zip(lives).enumerate() {
        if let (Kind::Scratch, Some((first, _))) = (t.kind, life) {
            births[*first].push(Tensor(i as u32));
        }
    }
    births
}

/// Gives each scratch tensor a slot that nothing else holds while it lives; returns places and slot sizes. The largest tensors
/// choose first, and each takes the smallest slot it can have: then none is ever grown, and what is small never keeps a large
/// one from what comes later (Pisarchyk and Lee 2020, arXiv:2001.03288, "greedy by size").
fn assign(recording: &Recording, lives: &[Option<(usize, usize)>]) -> (Vec<Option<usize>>, Vec<u64>) {
    let mut place = vec![None; recording.tensors.len()];
    let mut sizes: Vec<u64> = Vec::new();
    // Of each slot the lives it holds: the last dispatch of each, by its first.
    let mut held: Vec<BTreeMap<usize, usize>> = Vec::new();
    let scratch = |i: &usize| recording.tensors[*i].kind == Kind::Scratch;
    let mut order: Vec<usize> = (0..recording.tensors.len()).filter(scratch).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(recording.tensors[i].bytes()));
    for i in order {
        let Some((first, last)) = lives[i] else { continue };
        let is_free = |slot: &BTreeMap<usize, usize>| {
            slot.range(..=last).next_back().is_none_or(|(_, &before)| before < first)
        };
        // Slots were made for ever smaller tensors: the last is the smallest.
        let slot = held.iter().rposition(is_free).unwrap_or_else(|| {
            sizes.push(recording.tensors[i].bytes());
            held.push(BTreeMap::new());
            sizes.len() - 1
        });
        held[slot].insert(first, last);
        place[i] = Some(slot);
    }
    // A scratch tensor that nothing touches still has a place, so that every tensor does.
    for (i, t) in recording.tensors.iter().enumerate() {
        if t.kind == Kind::Scratch && place[i].is_none() {
            sizes.push(t.bytes());
            place[i] = Some(sizes.len() - 1);
        }
    }
    (place, sizes)
}
