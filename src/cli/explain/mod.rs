//! `diarist explain`: the recorded training step as a list, with its price and its memory plan. It needs no device.

mod listing;

use std::fmt::Write;
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};

use crate::base::{Error, Freeze, Optimizer, Preset, Result, memory, units};
use crate::cli::explain::listing::listing;
use crate::cli::out;
use crate::cli::table::{Align, Table};
use crate::device::kernel::Consts;
use crate::device::{Access, Arg, Choices, Class, Const, Dispatch, Kind, Limits, Plan, Program, Recording};
use crate::model::Shape;
use crate::optim::adamw::update;
use crate::tokens::{self, Tokenizer};

/// Arguments of `explain`.
#[derive(clap::Args)]
pub struct Args {
    /// The model's shape
    #[arg(long, default_value = Preset::Gpt2.name(), value_parser = PossibleValuesParser::new(Preset::ALL.map(Preset::name)))]
    preset: String,
    /// Sequences that are computed together
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4096))]
    batch: u32,
    /// Tokens of a sequence [default: all that the model knows]
    #[arg(long, alias = "block-size")]
    context: Option<usize>,
    /// The device's largest binding: a number of bytes, or 64KiB, 128MiB, 2GiB
    #[arg(long, default_value = "128MiB", value_name = "BYTES", value_parser = bytes)]
    limits: u64,
    /// Whose vocabulary [default: bytes for tiny and small, else gpt2]
    #[arg(long, value_parser = PossibleValuesParser::new(tokens::Kind::ALL.map(tokens::Kind::name)))]
    tokenizer: Option<String>,
    /// Record the step with dropout
    #[arg(long)]
    dropout: bool,
    /// What does not train: embeddings, first=N blocks, or both with a comma between
    #[arg(long, value_name = "PARTS", default_value_t, hide_default_value = true)]
    freeze: Freeze,
    /// What moves the weights: AdamW all of them, or Muon the matrices of the blocks and AdamW the rest
    #[arg(long, default_value = Optimizer::Adamw.name(), value_parser = PossibleValuesParser::new(Optimizer::ALL.map(Optimizer::name)))]
    optimizer: String,
    /// The kernels for real GPUs (tiles), or for software adapters (lanes)
    #[arg(long, default_value = "tiles", value_parser = ["lanes", "tiles"])]
    kernels: String,
    /// List every layer, also where it is as the one before
    #[arg(long)]
    all: bool,
    /// Print this kernel's whole WGSL instead, as it is built for this model
    #[arg(long, value_name = "NAME")]
    kernel: Option<String>,
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
    let shape = args.shape()?;
    let program = step(&shape)?;
    if let Some(name) = &args.kernel {
        print_kernel(name, &shape, program.recordings, args.json)?;
        return Ok(ExitCode::SUCCESS);
    }
    let plan = Plan::new(&program)?;
    if args.json {
        out::json(&report(args, &shape, &program, &plan))?;
    } else {
        print(args, &shape, &program, &plan)?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Args {
    fn shape(&self) -> Result<Shape> {
        let preset = Preset::from_name(&self.preset).expect("clap takes the presets' names alone");
        let default = match preset {
            Preset::Tiny | Preset::Small => tokens::Kind::Bytes,
            _ => tokens::Kind::Gpt2,
        };
        let kind = self.tokenizer.as_deref().and_then(tokens::Kind::from_name).unwrap_or(default);
        let config = preset.config(Tokenizer::new(kind).vocab_size());
        let t = self.context.unwrap_or(config.block_size());
        if !(1..=config.block_size()).contains(&t) {
            return Err(Error::setting(
                format!("--context {t}: {} knows {} positions", self.preset, config.block_size()),
                format!("use 1 to {}", config.block_size()),
            ));
        }
        let limits = Limits { max_binding: self.limits, ..Limits::DEFAULT };
        let class = if self.kernels == Class::Lanes.name() { Class::Lanes } else { Class::Tiles };
        config.check_freeze(self.freeze)?;
        let shape = Shape::new(config, self.batch as usize, t, limits, Choices::of(class, &limits));
        let optimizer =
            Optimizer::from_name(&self.optimizer).expect("clap takes the optimizers' names alone");
        Ok(Shape { dropout: self.dropout, freeze: self.freeze, optimizer, ..shape })
    }
}

/// The program of one optimizer step: gradients to zero, a micro-step, the update.
fn step(shape: &Shape) -> Result<Program> {
    let mut program = shape.training(update(&shape.slots(), shape.limits, &shape.choices)?)?;
    program.recordings.retain(|r| r.name != "evaluate");
    Ok(program)
}

/// The arithmetic of recordings, as the closed form sees it.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize)]
struct Flops {
    /// What the closed form counts: each linear layer's three products, attention's six.
    products: u64,
    /// Attention's products that backward forms again instead of keeping T×T numbers.
    recomputed: u64,
    /// Everything elementwise, reductions and the update.
    other: u64,
}

impl Flops {
    fn of(d: &Dispatch) -> Flops {
        let f = d.flops;
        match d.kernel.name {
            "attention_forward" => Flops { products: f, ..Flops::default() },
            // Four products: S (forward's, again), dV, dP, dK.
            "attention_backward_kv" => Flops { products: f / 4 * 3, recomputed: f / 4, other: 0 },
            // Three: S and dP (both again), dQ.
            "attention_backward_q" => Flops { products: f / 3, recomputed: f / 3 * 2, other: 0 },
            name if name.starts_with("matmul") => Flops { products: f, ..Flops::default() },
            _ => Flops { other: f, ..Flops::default() },
        }
    }

    fn of_all(recordings: &[Recording]) -> Flops {
        // The update's products are Muon's, which no closed form of a model counts.
        let of = |r: &Recording, d: &Dispatch| match r.name {
            "update" => Flops { other: d.flops, ..Flops::default() },
            _ => Flops::of(d),
        };
        let all = recordings.iter().flat_map(|r| r.dispatches.iter().map(move |d| of(r, d)));
        all.fold(Flops::default(), |a, b| Flops {
            products: a.products + b.products,
            recomputed: a.recomputed + b.recomputed,
            other: a.other + b.other,
        })
    }

    fn total(&self) -> u64 {
        self.products + self.recomputed + self.other
    }
}

/// The closed form for the recorded tokens.
fn closed_form(shape: &Shape) -> f64 {
    shape.config.train_flops_per_token(shape.t) * (shape.b * shape.t) as f64
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

fn print(args: &Args, shape: &Shape, program: &Program, plan: &Plan) -> anyhow::Result<()> {
    let c = shape.config;
    out::line(format!(
        "{}: {} layers of {} channels in {} heads, {} tokens; {} parameters",
        args.preset,
        c.n_layer(),
        c.n_embd(),
        c.n_head(),
        units::thousands(c.vocab_size() as u64),
        units::thousands(c.num_params()),
    ))?;
    out::line(format!(
        "one step of B = {} × T = {}, dropout {}, {}{}kernels: {}, bindings of {} at most",
        shape.b,
        shape.t,
        if shape.dropout { "on" } else { "off" },
        if shape.freeze.any() { format!("frozen: {}, ", shape.freeze) } else { String::new() },
        if shape.optimizer == Optimizer::Muon { "Muon and AdamW, " } else { "" },
        args.kernels,
        units::bytes(shape.limits.max_binding),
    ))?;
    for recording in &program.recordings {
        out::line(format!("\n{}\n{}", recording.name, listing(recording, args.all)))?;
    }
    out::line(format!("\narithmetic\n{}", arithmetic(shape, program)))?;
    print_memory(program, plan)
}

fn arithmetic(shape: &Shape, program: &Program) -> Table {
    let flops = Flops::of_all(&program.recordings);
    let closed = closed_form(shape);
    let mut table = Table::new(&[("", Align::Left), ("FLOPs", Align::Right), ("", Align::Left)]);
    let mut row = |what: &str, flops: f64, note: String| table.row([what.into(), units::si(flops), note]);
    row("products of matrices and of attention", flops.products as f64, "what the closed form counts".into());
    let ratio = format!(
        "6·(N − wpe) + 12·L·C·(T+1)/2 a token; recorded/closed = {:.4}",
        flops.products as f64 / closed
    );
    let ratio = if shape.freeze.any() { format!("{ratio}, which trains all") } else { ratio };
    row("closed form", closed, ratio);
    let again = "backward forms S twice and dP once more, so that no T×T numbers are kept";
    row("attention's products, again", flops.recomputed as f64, again.into());
    row("everything else", flops.other as f64, format!("elementwise work, reductions, {}", updates(shape)));
    row("total", flops.total() as f64, String::new());
    table
}

/// What updates the weights, in words.
fn updates(shape: &Shape) -> &'static str {
    match shape.optimizer {
        Optimizer::Adamw => "AdamW",
        Optimizer::Muon => "Muon and AdamW",
    }
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

fn report(args: &Args, shape: &Shape, program: &Program, plan: &Plan) -> Value {
    let recording = |r: &Recording| {
        let dispatches: Vec<Value> = r.dispatches.iter().map(|d| dispatch(r, d)).collect();
        json!({ "name": r.name, "flops": r.flops(), "bytes": r.bytes(), "dispatches": dispatches })
    };
    let flops = Flops::of_all(&program.recordings);
    let closed = closed_form(shape);
    let by_kind: serde_json::Map<String, Value> =
        kinds(plan).into_iter().map(|(kind, bytes, _)| (kind.label().to_string(), bytes.into())).collect();
    let slot = |i: usize| {
        let s = &plan.slots[i];
        json!({ "name": slot_name(program, plan, i), "kind": s.kind.label(), "bytes": s.bytes })
    };
    json!({
        "preset": args.preset,
        "config": shape.config,
        "parameters": shape.config.num_params(),
        "batch": shape.b,
        "context": shape.t,
        "dropout": shape.dropout,
        "freeze": shape.freeze,
        "optimizer": shape.optimizer,
        "kernels": Choices { picks: program.picks(), ..shape.choices.clone() },
        "limits": shape.limits,
        "recordings": program.recordings.iter().map(recording).collect::<Vec<_>>(),
        "flops": {
            "products": flops.products,
            "closed_form": closed,
            "ratio": flops.products as f64 / closed,
            "recomputed": flops.recomputed,
            "other": flops.other,
            "total": flops.total(),
        },
        "memory": {
            "bytes": plan.bytes(),
            "buffers": plan.slots.len(),
            "by_kind": by_kind,
            "largest": largest(plan).into_iter().map(slot).collect::<Vec<_>>(),
        },
    })
}

fn dispatch(recording: &Recording, d: &Dispatch) -> Value {
    let tensor = |arg: &Arg| {
        let info = recording.info(arg.tensor);
        let access = match arg.access {
            Access::Read => "read",
            Access::Write => "write",
            Access::Update => "update",
        };
        json!({ "name": info.name, "shape": info.shape, "element": info.element, "access": access })
    };
    json!({
        "label": d.label,
        "kernel": d.kernel.name,
        "constants": constants(&d.consts),
        "tensors": d.args.iter().map(tensor).collect::<Vec<_>>(),
        "workgroups": d.workgroups,
        "flops": d.flops,
        "bytes": d.bytes,
    })
}

fn constants(consts: &Consts) -> Value {
    let value = |c: &Const| match c {
        Const::U32(x) => json!(x),
        Const::Bool(x) => json!(x),
        Const::Type(x) | Const::Load(x) => json!(x),
    };
    consts.iter().map(|(name, c)| (name.to_string(), value(c))).collect::<serde_json::Map<_, _>>().into()
}

/// Prints every text that a kernel is built to for this model: one for each set of constants.
fn print_kernel(name: &str, shape: &Shape, mut recordings: Vec<Recording>, json: bool) -> anyhow::Result<()> {
    recordings.extend([shape.evaluate()?, shape.prefill()?, shape.decode()?]);
    let all = || recordings.iter().flat_map(|r| r.dispatches.iter().map(move |d| (r.name, d)));
    let mut built: Vec<(&Dispatch, Vec<String>)> = Vec::new();
    for (recording, d) in all().filter(|(_, d)| d.kernel.name == name) {
        let user = format!("{recording}: {}", d.label);
        match built.iter_mut().find(|(first, _)| first.consts == d.consts) {
            Some((_, users)) => users.push(user),
            None => built.push((d, vec![user])),
        }
    }
    if built.is_empty() {
        let known: std::collections::BTreeSet<&str> = all().map(|(_, d)| d.kernel.name).collect();
        let known: Vec<&str> = known.into_iter().collect();
        return Err(Error::setting(
            format!("this model's recordings have no kernel {name}"),
            format!("use one of {}", known.join(", ")),
        )
        .into());
    }
    let mut reports = Vec::new();
    for (d, users) in &built {
        let wgsl = d.kernel.wgsl(&d.consts)?;
        if json {
            reports.push(json!({ "constants": constants(&d.consts), "used_by": users, "wgsl": wgsl }));
            continue;
        }
        let mut head = format!("// {name}, as {} has it", users[0]);
        if users.len() > 1 {
            write!(head, ", and {} more", units::thousands(users.len() as u64 - 1))?;
        }
        out::line(format!("{head}\n// with {}\n\n{wgsl}", constants(&d.consts)))?;
    }
    if json { out::json(&json!({ "kernel": name, "built": reports })) } else { Ok(()) }
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
