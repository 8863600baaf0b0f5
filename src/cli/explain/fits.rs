//! What can be trained here: the memory that training needs, for a model whole or with an adapter, by what the model rests in
//! and by context. All of it is planned, and nothing allocated.

use serde::Serialize;

use crate::base::arch::Recompute;
use crate::base::{Error, Lora, Preset, Result, memory, units};
use crate::cli::explain::args::Args;
use crate::cli::out;
use crate::cli::table::{Align, Table};
use crate::device::Element;
use crate::train::{CONTEXT, Options, fit};

/// Contexts of one preset's table.
const CONTEXTS: [usize; 4] = [256, 512, 1024, 2048];

/// A way to train.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Way {
    adapter: bool,
    weights: Element,
    recompute: Recompute,
}

/// Every way that keeps what backward needs, or that computes it again: the one that needs most first.
fn ways(recompute: Recompute) -> impl Iterator<Item = Way> {
    let beside = Element::WEIGHTS.map(|weights| Way { adapter: true, weights, recompute });
    [Way { adapter: false, weights: Element::F32, recompute }].into_iter().chain(beside)
}

impl Way {
    fn name(self) -> String {
        let how = if self.adapter { "LoRA" } else { "whole" };
        let again = if self.recompute == Recompute::Block { " --recompute" } else { "" };
        format!("{how}, {}{again}", self.weights.name())
    }
}

/// What one way of training needs.
#[derive(Debug, Clone, Serialize)]
struct Cell {
    preset: &'static str,
    /// The adapter, where one trains.
    lora: Option<Lora>,
    weights: Element,
    recompute: &'static str,
    batch: usize,
    context: usize,
    /// Bytes; none where a tensor of it is larger than the device's largest binding.
    bytes: Option<u64>,
    /// Whether that is there; none where nobody tells how much is free.
    fits: Option<bool>,
}

/// The memory that a run may have.
struct Room {
    bytes: Option<u64>,
    who: String,
}

impl Room {
    fn of(args: &Args) -> Room {
        match (args.memory, memory::free()) {
            (Some(bytes), _) => {
                Room { bytes: Some(bytes), who: format!("{} (--memory)", units::bytes(bytes)) }
            }
            (None, Some(free)) => Room { bytes: Some(free.for_tensors()), who: format!("what {free}") },
            (None, None) => Room { bytes: None, who: String::new() },
        }
    }
}

impl Args {
    /// What one way needs.
    fn cell(&self, preset: Preset, way: Way, context: usize, room: &Room) -> Result<Cell> {
        let config = self.config(preset);
        let (limits, choices) = self.device();
        let lora = way.adapter.then(|| self.lora.clone().unwrap_or_default());
        let options = Options {
            lora: lora.clone(),
            weights: way.weights,
            recompute: Some(way.recompute),
            optimizer: Some(self.optimizer),
            ..Options::default()
        };
        let batch = self.batch as usize;
        let settings = options.settings(&config, false, context, (batch, 1), 1, 0);
        let bytes = match fit::needs(limits, &choices, config, &settings) {
            Ok(bytes) => Some(bytes),
            Err(Error::Device { .. }) => None,
            Err(e) => return Err(e),
        };
        let fits = match (bytes, room.bytes) {
            (None, _) => Some(false),
            (Some(bytes), Some(free)) => Some(bytes <= free),
            (Some(_), None) => None,
        };
        Ok(Cell {
            preset: preset.name(),
            lora,
            weights: way.weights,
            recompute: way.recompute.name(),
            batch,
            context,
            bytes,
            fits,
        })
    }
}

/// Prints what fits.
///
/// # Errors
/// A context that the model does not know; an adapter that it cannot have.
pub(super) fn print(args: &Args) -> anyhow::Result<()> {
    let room = Room::of(args);
    let ((rows, names), without) = match args.preset {
        Some(preset) => (of_one(args, preset, &room)?, Vec::new()),
        None => of_all(args, &room)?,
    };
    if args.json {
        let cells: Vec<&Cell> = rows.iter().flat_map(|(_, cells)| cells).collect();
        return out::json(
            &serde_json::json!({ "free": room.bytes, "limits": args.device().0, "cells": cells, "without": without }),
        );
    }
    let lora = args.lora.clone().unwrap_or_default();
    let sequences = if args.batch == 1 { "1 sequence".into() } else { format!("{} sequences", args.batch) };
    out::line(format!("memory for training on {sequences} at a time; LoRA: {lora}"))?;
    let columns: Vec<(&str, Align)> = [("", Align::Left)]
        .into_iter()
        .chain(names.iter().map(|name| (name.as_str(), Align::Right)))
        .collect();
    let mut table = Table::new(&columns);
    for (name, cells) in &rows {
        table.cells([name.clone()].into_iter().chain(cells.iter().map(text)));
    }
    out::line(format!("\n{table}\n"))?;
    if room.bytes.is_some() {
        out::line(format!("in brackets: more than {}", room.who))?;
    }
    if rows.iter().any(|(_, cells)| cells.iter().any(|cell| cell.bytes.is_none())) {
        let most = units::bytes(args.limits);
        out::line(format!(
            "—: has a tensor that is larger than a binding of {most}, and is not cut (--limits)"
        ))?;
    }
    for Without { presets, problem, .. } in &without {
        out::line(format!("left out: {}: {problem}", presets.join(", ")))?;
    }
    Ok(())
}

fn text(cell: &Cell) -> String {
    match (cell.bytes, cell.fits) {
        (None, _) => "—".into(),
        (Some(bytes), Some(false)) => format!("({})", units::bytes(bytes)),
        (Some(bytes), _) => format!("{} ", units::bytes(bytes)),
    }
}

/// Rows by name, and the columns' names.
type Rows = (Vec<(String, Vec<Cell>)>, Vec<String>);

/// One preset: ways by contexts.
fn of_one(args: &Args, preset: Preset, room: &Room) -> Result<Rows> {
    let config = args.config(preset);
    args.check_context(preset, &config)?;
    if let Some(lora) = &args.lora {
        lora.check(&config)?;
    }
    let contexts = args.context.map_or(CONTEXTS.to_vec(), |t| vec![t]);
    let contexts: Vec<usize> = contexts.into_iter().filter(|&t| t <= config.block_size()).collect();
    let row = |way: Way| {
        let cells = contexts.iter().map(|&t| args.cell(preset, way, t, room)).collect::<Result<_>>()?;
        Ok((format!("{} {}", preset.name(), way.name()), cells))
    };
    let names = contexts.iter().map(|t| format!("T = {t} ")).collect();
    let all = [Recompute::Gelu, Recompute::Block].into_iter().flat_map(ways);
    Ok((all.map(row).collect::<Result<_>>()?, names))
}

/// Presets that cannot have the adapter that was asked for, all for one reason.
#[derive(Debug, Serialize)]
struct Without {
    presets: Vec<&'static str>,
    problem: String,
    #[serde(skip)]
    next: String,
}

/// The presets that can have the adapter, and those that cannot.
///
/// # Errors
/// None of them can.
fn that_can(args: &Args) -> Result<(Vec<Preset>, Vec<Without>)> {
    let (mut able, mut without): (Vec<Preset>, Vec<Without>) = Default::default();
    for preset in Preset::ALL {
        match args.lora.as_ref().map_or(Ok(()), |lora| lora.check(&args.config(preset))) {
            Ok(()) => able.push(preset),
            Err(Error::Usage { problem, next }) => {
                let same = without.iter_mut().find(|other| other.problem == problem && other.next == next);
                match same {
                    Some(same) => same.presets.push(preset.name()),
                    None => without.push(Without { presets: vec![preset.name()], problem, next }),
                }
            }
            Err(e) => return Err(e),
        }
    }
    if able.is_empty() {
        let of = |w: &Without| format!("for {}: {}", w.presets.join(", "), w.next);
        let next: Vec<String> = without.iter().map(of).collect();
        let problem = "no preset can have this adapter";
        let told = without.first().map(|w| format!("{problem}: {}", w.problem));
        return Err(Error::usage(told.unwrap_or(problem.into()), next.join("\n    ")));
    }
    Ok((able, without))
}

/// Every preset that can have the adapter: presets by ways, at one context.
fn of_all(args: &Args, room: &Room) -> Result<(Rows, Vec<Without>)> {
    if args.context == Some(0) {
        return Err(Error::usage("--context 0", "use 1 or more"));
    }
    let row = |preset: Preset| {
        let context = args.context.unwrap_or(CONTEXT).min(args.config(preset).block_size());
        let cells =
            ways(args.recompute).map(|way| args.cell(preset, way, context, room)).collect::<Result<_>>()?;
        Ok((format!("{}, T = {context}", preset.name()), cells))
    };
    let names = ways(args.recompute).map(|way| format!("{} ", way.name())).collect();
    let (able, without) = that_can(args)?;
    Ok(((able.into_iter().map(row).collect::<Result<_>>()?, names), without))
}
