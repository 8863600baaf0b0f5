//! A step as JSON, with every dispatch.

use serde_json::{Value, json};

use crate::base::Preset;
use crate::cli::explain::flops::{Flops, closed_form};
use crate::cli::explain::memory::{kinds, largest, slot_name};
use crate::device::kernel::Consts;
use crate::device::{Access, Arg, Choices, Const, Dispatch, Plan, Program, Recording};
use crate::model::Shape;

/// The step of a shape, its program and its plan.
pub(super) fn report(preset: Preset, shape: &Shape, program: &Program, plan: &Plan) -> Value {
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
        "preset": preset.name(),
        "config": shape.config,
        "parameters": shape.config.num_params(),
        "batch": shape.b,
        "context": shape.t,
        "dropout": shape.dropout,
        "freeze": shape.freeze,
        "lora": shape.lora,
        "adapter_parameters": shape.adapters().iter().map(|p| p.numel()).sum::<usize>(),
        "weights": shape.weights,
        "recompute": shape.recompute.name(),
        "precision": shape.precision.name(),
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

/// A kernel's constants.
pub(super) fn constants(consts: &Consts) -> Value {
    let value = |c: &Const| match c {
        Const::U32(x) => json!(x),
        Const::Bool(x) => json!(x),
        Const::Type(x) | Const::Body(x) => json!(x),
    };
    consts.iter().map(|(name, c)| (name.to_string(), value(c))).collect::<serde_json::Map<_, _>>().into()
}
