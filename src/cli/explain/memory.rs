//! A step's memory plan: how much of what kind, and the largest buffers.

use crate::base::{memory, units};
use crate::cli::out;
use crate::cli::table::{Align, Table};
use crate::device::{Kind, Plan, Program};

/// A buffer by the name that says most: for shared scratch, the largest tensor that borrows it.
pub(super) fn slot_name(program: &Program, plan: &Plan, slot: usize) -> String {
    if plan.slots[slot].kind != Kind::Scratch {
        return plan.slots[slot].name.clone();
    }
    let placed =
        program.recordings.iter().zip(&plan.places).flat_map(|(r, place)| r.tensors.iter().zip(place));
    let here: Vec<_> = placed.filter(|(_, at)| at.slot == slot).map(|(t, _)| t).collect();
    match here.iter().max_by_key(|t| t.bytes()) {
        Some(t) if here.len() > 1 => format!("{} and {} after one another", t.name, here.len() - 1),
        Some(t) => t.name.clone(),
        None => plan.slots[slot].name.clone(),
    }
}

/// The kinds that a plan has buffers of: bytes, and how many.
pub(super) fn kinds(plan: &Plan) -> Vec<(Kind, u64, usize)> {
    let count = |kind| plan.slots.iter().filter(|s| s.kind == kind).count();
    let all = Kind::ALL.iter().map(|&kind| (kind, plan.bytes_of(kind), count(kind)));
    all.filter(|(_, _, count)| *count > 0).collect()
}

/// Buffers shown as the largest.
const LARGEST: usize = 12;

/// The places of the largest.
pub(super) fn largest(plan: &Plan) -> Vec<usize> {
    let mut order: Vec<usize> = (0..plan.slots.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(plan.slots[i].bytes));
    order.truncate(LARGEST);
    order
}

/// Prints it.
pub(super) fn print(program: &Program, plan: &Plan) -> anyhow::Result<()> {
    let total = plan.bytes();
    let mut table = Table::new(&[
        ("memory", Align::Left),
        ("buffers", Align::Right),
        ("bytes", Align::Right),
        ("", Align::Right),
    ]);
    for (kind, bytes, count) in kinds(plan) {
        let share = format!("{:.1}%", 100.0 * bytes as f64 / total as f64);
        table.row([kind.label().to_string(), count.to_string(), units::bytes(bytes), share]);
    }
    table.row(["total".to_string(), plan.slots.len().to_string(), units::bytes(total), "100.0%".to_string()]);
    out::line(format!("\n{table}"))?;
    out::line(format!(
        "planned = allocated: {} bytes for tensors, before the first step",
        units::thousands(total)
    ))?;
    if let Some(free) = memory::free() {
        out::line(format!("of memory, {free} now"))?;
    }
    let mut table =
        Table::new(&[("largest buffers", Align::Left), ("kind", Align::Left), ("bytes", Align::Right)]);
    for i in largest(plan) {
        let slot = &plan.slots[i];
        table.row([slot_name(program, plan, i), slot.kind.label().to_string(), units::bytes(slot.bytes)]);
    }
    out::line(format!("\n{table}"))
}
