//! A LoRA adapter as GGUF, for llama.cpp's `--lora`: A (r, in) and B (out, r) beside each adapted tensor of the model, under its
//! name with `.lora_a` and `.lora_b`; what B·A counts is α/r, as elsewhere.
//!
//! llama.cpp keeps every matrix as (out, in), so that a GPT-2's pair needs no turning. Of a Llama's queries and keys it keeps the
//! rows of a head in pairs (row j and row j + HS/2 beside each other), and so it does with B's. Checked against llama.cpp itself:
//! `tests/interop/check_gguf_lora.py`. (Its own `convert_lora_to_gguf.py` turns a GPT-2's pair with its matrix, and llama.cpp
//! refuses the shapes.)

use std::collections::BTreeMap;
use std::path::Path;

use crate::base::{Config, Error, Result};
use crate::weights::gguf::header::{self, Opened};
use crate::weights::gguf::names;
use crate::weights::gguf::paired::heads;
use crate::weights::peft::adapter::{Adapter, Side};
use crate::weights::words::{quoted, short};

/// Opens an adapter for a model of this shape.
///
/// # Errors
/// No GGUF, or a damaged one; a whole model; an adapter of another kind, or for another architecture; one that does not fit.
pub(in crate::weights) fn open(path: &Path, config: &Config) -> Result<Adapter> {
    let Opened { metadata, tensors, .. } = header::open(path)?;
    let bad = |problem: String, next: &str| Err(Error::file(path, problem, next));
    let said = |key: &str| metadata.get_str(key).unwrap_or("an unnamed one");
    const ANOTHER: &str = "name a LoRA adapter that was made for this model";
    if said("general.type") != "adapter" {
        return bad(
            "a whole model, not an adapter".into(),
            "open it by its own name; --adapter is for what is laid on a model",
        );
    }
    if said("adapter.type") != "lora" || metadata.get("adapter.alora.invocation_tokens").is_some() {
        let kind = if said("adapter.type") == "lora" { "alora" } else { said("adapter.type") };
        return bad(format!("an adapter of the kind {}; lora is read", quoted(kind)), ANOTHER);
    }
    if said("general.architecture") != names::architecture(config) {
        let (theirs, ours) = (quoted(said("general.architecture")), config.family());
        return bad(format!("an adapter for the architecture {theirs}; the model is a {ours}"), ANOTHER);
    }
    let Some(alpha) = metadata.get_f64("adapter.lora.alpha").filter(|alpha| alpha.is_finite()) else {
        return bad(
            "does not say what it counts (adapter.lora.alpha)".into(),
            "convert the adapter to GGUF again",
        );
    };
    if !(alpha as f32).is_finite() {
        let problem = format!("adapter.lora.alpha is {alpha:e}, more than single precision holds");
        return bad(problem, "use an adapter of a smaller α");
    }
    let mut sides: BTreeMap<String, [Option<String>; 2]> = BTreeMap::new();
    for entry in tensors.entries() {
        let name = &entry.name;
        let (base, side) = match (name.strip_suffix(".lora_a"), name.strip_suffix(".lora_b")) {
            (Some(base), _) => (base, 0),
            (_, Some(base)) => (base, 1),
            _ => return bad(format!("tensor {} is no part of a LoRA", quoted(name)), ANOTHER),
        };
        let Some(key) = names::to_key(names::architecture(config), base) else {
            let problem = format!("tensor {} is beside none of a {}", quoted(name), config.family());
            return bad(problem, ANOTHER);
        };
        sides.entry(key).or_default()[side] = Some(name.clone());
    }
    let mut beside = Vec::new();
    for (param, [a, b]) in sides {
        let rank = a.as_ref().and_then(|a| tensors.get(a)).map_or(0, |a| a.rows());
        // As llama.cpp has it: no α counts once.
        let scale = if alpha == 0.0 || rank == 0 { 1.0 } else { alpha as f32 / rank as f32 };
        let module = param.trim_end_matches(".weight");
        beside.push(Side {
            module: short(module),
            heads: heads(config, module),
            param: param.clone(),
            a,
            b,
            scale,
            alpha,
        });
    }
    Adapter::of_gguf(tensors, beside, config)
}
