//! `diarist explain`: the recorded training step as a list, with its price and its memory plan; and with `--fits`, what of a
//! model can be trained in the memory there is. It needs no device, and no weights.

mod args;
mod fits;
mod flops;
mod kernel;
mod listing;
mod memory;
mod report;

use std::process::ExitCode;

pub use args::Args;

use crate::base::arch::Recompute;
use crate::base::{Optimizer, Preset, Result, units};
use crate::cli::explain::flops::arithmetic;
use crate::cli::explain::listing::listing;
use crate::cli::out;
use crate::device::{Plan, Program};
use crate::model::Shape;
use crate::model::parameters::not_in_blocks;
use crate::optim::adamw::update;

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

/// The program of one optimizer step: gradients to zero, a micro-step, the update.
fn step(shape: &Shape) -> Result<Program> {
    let mut program = shape.training(update(&shape.slots(), shape.limits, &shape.choices)?)?;
    program.recordings.retain(|r| r.name != "evaluate");
    Ok(program)
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
            (Optimizer::Muon, Recompute::Block) => "Muon and AdamW, blocks computed twice, ",
            (Optimizer::Muon, _) => "Muon and AdamW, ",
            (Optimizer::Adamw, Recompute::Block) => "blocks computed twice, ",
            (Optimizer::Adamw, _) => "",
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
    if let Some(line) = not_in_blocks(&c, shape.weights) {
        out::line(line)?;
    }
    for recording in &program.recordings {
        out::line(format!("\n{}\n{}", recording.name, listing(recording, args.all)))?;
    }
    out::line(format!("\narithmetic\n{}", arithmetic(shape, program)))?;
    memory::print(program, plan)
}
