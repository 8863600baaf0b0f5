//! `diarist explain`: the recorded training step as a list, with its price and its memory plan; and with `--fits`, what of a
//! model can be trained in the memory there is. It needs no device, and no weights.

mod fits;
mod flops;
mod kernel;
mod listing;
mod report;

use std::process::ExitCode;

use crate::base::{Config, Error, Freeze, Lora, Optimizer, Preset, Result, memory, units};
use crate::cli::explain::flops::arithmetic;
use crate::cli::explain::listing::listing;
use crate::cli::out;
use crate::cli::table::{Align, Table};
use crate::device::{Choices, Class, Element, Kind, Limits, Plan, Program};
use crate::model::{POSITIONS, Shape};
use crate::optim::adamw::update;
use crate::tokens::{self, Tokenizer};
use crate::train::options::{optimizers, presets, rests, tokenizers};

/// Arguments of `explain`.
#[derive(clap::Args)]
pub struct Args {
    /// The model's shape [default: gpt2; of --fits every one]
    #[arg(long, value_parser = presets())]
    preset: Option<Preset>,
    /// Sequences that are computed together
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4096))]
    batch: u32,
    /// Tokens of a sequence [default: all that the model knows, 2,048 at most; of --fits 256, 512, 1024 and 2048, or 512 of every preset]
    #[arg(long, alias = "block-size")]
    context: Option<usize>,
    /// The device's largest binding: a number of bytes, or 64KiB, 128MiB, 2GiB
    #[arg(long, default_value = "128MiB", value_name = "BYTES", value_parser = bytes)]
    limits: u64,
    /// Whose vocabulary [default: the model's own; bytes for tiny and small]
    #[arg(long, value_parser = tokenizers())]
    tokenizer: Option<tokens::Kind>,
    /// Record the step with dropout
    #[arg(long)]
    dropout: bool,
    /// What does not train: embeddings, first=N blocks, or both with a comma between
    #[arg(long, value_name = "PARTS", default_value_t, hide_default_value = true)]
    freeze: Freeze,
    /// Train an adapter beside the model: r=16,alpha=32,dropout=0.05,targets=all-linear, or some of them
    #[arg(long, value_name = "SETTINGS", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["freeze", "dropout"])]
    lora: Option<Lora>,
    /// What the model rests in beside the adapter
    #[arg(long, value_name = "f32|f16|q8_0|q4_1", default_value = Element::F32.name(), value_parser = rests(), requires = "lora")]
    weights: Element,
    /// Keep of each block its input alone, and compute it a second time in backward
    #[arg(long)]
    recompute: bool,
    /// What moves the weights: AdamW all of them, or Muon the matrices of the blocks and AdamW the rest
    #[arg(long, default_value = Optimizer::Adamw.name(), value_parser = optimizers())]
    optimizer: Optimizer,
    /// The kernels for real GPUs (tiles), or for software adapters and the CPU (lanes)
    #[arg(long, default_value = "tiles", value_parser = ["lanes", "tiles"])]
    kernels: String,
    /// List every layer, also where it is as the one before
    #[arg(long)]
    all: bool,
    /// Print this kernel's whole WGSL instead, as it is built for this model
    #[arg(long, value_name = "NAME")]
    kernel: Option<String>,
    /// Print instead what can be trained in the memory that is free: whole or with an adapter, resting in what, at which context
    #[arg(long, conflicts_with_all = ["freeze", "dropout", "weights", "all", "kernel"])]
    fits: bool,
    /// The memory of another computer: a number of bytes, or 8GB, 16GiB
    #[arg(long, value_name = "BYTES", value_parser = bytes, requires = "fits")]
    memory: Option<u64>,
    /// One line of JSON, with every dispatch
    #[arg(long)]
    json: bool,
}

/// `128MiB` in bytes.
fn bytes(text: &str) -> std::result::Result<u64, String> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return Err(format!("{text} is no size: use bytes, or a number with KiB, MiB or GiB")),
    };
    let number: u64 = number.parse().map_err(|_| format!("{text} does not start with a whole number"))?;
    number.checked_mul(factor).ok_or_else(|| format!("{text} is more than any device has"))
}

/// Runs it.
///
/// # Errors
/// A shape that cannot be recorded within the limits, or a kernel that it has not.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.fits {
        fits::print(args)?;
        return Ok(ExitCode::SUCCESS);
    }
    let preset = args.preset.unwrap_or(Preset::Gpt2);
    let shape = args.shape(preset)?;
    let program = step(&shape)?;
    if let Some(name) = &args.kernel {
        kernel::print(name, &shape, program.recordings, args.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let plan = Plan::new(&program)?;
    if args.json {
        out::json(&report::report(preset, &shape, &program, &plan))?;
    } else {
        print(args, preset, &shape, &program, &plan)?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Args {
    /// The shape of a preset, with its own vocabulary unless another is asked for.
    fn config(&self, preset: Preset) -> Config {
        let own = preset.vocab_size().filter(|_| self.tokenizer.is_none());
        let size = || Tokenizer::new(self.tokenizer.unwrap_or(tokens::Kind::Bytes)).vocab_size();
        preset.config(own.unwrap_or_else(size))
    }

    /// What a device may be relied on for, and the kernels it runs.
    fn device(&self) -> (Limits, Choices) {
        let limits = Limits { max_binding: self.limits, ..Limits::DEFAULT };
        let class = if self.kernels == Class::Lanes.name() { Class::Lanes } else { Class::Tiles };
        (limits, Choices::of(class, &limits))
    }

    fn shape(&self, preset: Preset) -> Result<Shape> {
        let config = self.config(preset);
        let t = self.context.unwrap_or(config.block_size().min(POSITIONS));
        self.check_context(preset, &config)?;
        config.check_freeze(self.freeze)?;
        if let Some(lora) = &self.lora {
            lora.check(&config)?;
        }
        let (limits, choices) = self.device();
        Ok(Shape {
            dropout: self.lora.as_ref().map_or(self.dropout, |lora| lora.dropout > 0.0),
            freeze: self.freeze,
            lora: self.lora.clone(),
            weights: self.weights,
            recompute: self.recompute,
            optimizer: self.optimizer,
            ..Shape::new(config, self.batch as usize, t, limits, choices)
        })
    }

    fn check_context(&self, preset: Preset, config: &Config) -> Result<()> {
        match self.context {
            Some(t) if !(1..=config.block_size()).contains(&t) => Err(Error::setting(
                format!("--context {t}: {} knows {} positions", preset.name(), config.block_size()),
                format!("use 1 to {}", config.block_size()),
            )),
            _ => Ok(()),
        }
    }
}

/// The program of one optimizer step: gradients to zero, a micro-step, the update.
fn step(shape: &Shape) -> Result<Program> {
    let mut program = shape.training(update(&shape.slots(), shape.limits, &shape.choices)?)?;
    program.recordings.retain(|r| r.name != "evaluate");
    Ok(program)
}

/// A buffer by the name that says most: for shared scratch, the largest tensor that borrows it.
fn slot_name(program: &Program, plan: &Plan, slot: usize) -> String {
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

const KINDS: [Kind; 7] =
    [Kind::Parameter, Kind::Gradient, Kind::Moment, Kind::Scratch, Kind::Input, Kind::Output, Kind::Cache];

/// The kinds that a plan has buffers of: bytes, and how many.
fn kinds(plan: &Plan) -> Vec<(Kind, u64, usize)> {
    let count = |kind| plan.slots.iter().filter(|s| s.kind == kind).count();
    let all = KINDS.iter().map(|&kind| (kind, plan.bytes_of(kind), count(kind)));
    all.filter(|(_, _, count)| *count > 0).collect()
}

/// Buffers shown as the largest.
const LARGEST: usize = 12;

fn largest(plan: &Plan) -> Vec<usize> {
    let mut order: Vec<usize> = (0..plan.slots.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(plan.slots[i].bytes));
    order.truncate(LARGEST);
    order
}

fn print(args: &Args, preset: Preset, shape: &Shape, program: &Program, plan: &Plan) -> anyhow::Result<()> {
    let c = shape.config;
    out::line(format!(
        "{}: {} layers of {} channels in {} heads{}, {} tokens; {} parameters",
        preset.name(),
        c.n_layer(),
        c.n_embd(),
        c.n_head(),
        if c.n_kv_head() < c.n_head() {
            format!(" on {} of keys and values", c.n_kv_head())
        } else {
            String::new()
        },
        units::thousands(c.vocab_size() as u64),
        units::thousands(c.num_params()),
    ))?;
    out::line(format!(
        "one step of B = {} × T = {}, dropout {}, {}{}kernels: {}, bindings of {} at most",
        shape.b,
        shape.t,
        if shape.dropout { "on" } else { "off" },
        if shape.freeze.any() { format!("frozen: {}, ", shape.freeze) } else { String::new() },
        match (shape.optimizer, shape.recompute) {
            (Optimizer::Muon, true) => "Muon and AdamW, blocks computed twice, ",
            (Optimizer::Muon, false) => "Muon and AdamW, ",
            (Optimizer::Adamw, true) => "blocks computed twice, ",
            (Optimizer::Adamw, false) => "",
        },
        args.kernels,
        units::bytes(shape.limits.max_binding),
    ))?;
    if let Some(lora) = &shape.lora {
        let of: u64 = shape.adapters().iter().map(|p| p.numel() as u64).sum();
        out::line(format!(
            "an adapter of {} parameters trains ({lora}), beside the model in {}",
            units::thousands(of),
            shape.weights.name()
        ))?;
    }
    for recording in &program.recordings {
        out::line(format!("\n{}\n{}", recording.name, listing(recording, args.all)))?;
    }
    out::line(format!("\narithmetic\n{}", arithmetic(shape, program)))?;
    print_memory(program, plan)
}

fn print_memory(program: &Program, plan: &Plan) -> anyhow::Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!(bytes("128MiB"), Ok(128 << 20));
        assert_eq!(bytes("64 kib"), Ok(65_536));
        assert_eq!(bytes("1000"), Ok(1000));
        assert_eq!(bytes("2GB"), Ok(2_000_000_000));
        for bad in ["", "MiB", "-1", "1.5GiB", "12 parsecs", "99999999999GiB", "99999999999999999999"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
    }
}
