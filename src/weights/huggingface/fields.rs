//! What the configs of all families have in common: which kind of model one is of, its extents, how values are told and written.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::base::{Error, Result};
use crate::tokens::Ends;
use crate::weights::dtype::Dtype;
use crate::weights::words::short;

/// No extent of any model comes near this; up to it, no product of two extents overflows.
const MOST_EXTENT: u64 = 1 << 24;

/// A size, under the first of its names that is there.
pub(super) fn extent(found: &Map<String, Value>, names: &[&str], path: &Path) -> Result<usize> {
    let again = "download config.json again";
    let said = names.iter().find_map(|&name| Some((name, found.get(name).filter(|v| !v.is_null())?)));
    match said.map(|(name, v)| (name, v, v.as_u64())) {
        Some((_, _, Some(n))) if (1..=MOST_EXTENT).contains(&n) => Ok(n as usize),
        Some((name, v, _)) => {
            Err(Error::file(path, format!("{name} is {}, no size of a model", shown(v)), again))
        }
        None => Err(Error::file(path, format!("does not say {}", names.join(" or ")), again)),
    }
}

/// The kinds of model that we compute, as `transformers` tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::weights) enum Kind {
    Gpt2,
    Llama,
    /// A Llama whose queries may see a window of keys.
    Mistral,
    Phi,
}

/// Their names, as `config.json` has them.
pub(in crate::weights) const KINDS: &str = "gpt2, llama, mistral and phi";

impl Kind {
    /// Of a `config.json`: by its `model_type`, or, where it has none, by the class that wrote it. What it is called instead,
    /// if anything.
    pub(in crate::weights) fn of(found: &Map<String, Value>) -> std::result::Result<Kind, Option<String>> {
        let classes = found.get("architectures").and_then(Value::as_array).into_iter().flatten();
        let classes: Vec<&str> = classes.filter_map(Value::as_str).collect();
        let of_class = |class: &&str| match () {
            () if class.starts_with("GPT2") => Some(Kind::Gpt2),
            () if ["LlamaFor", "LlamaModel"].iter().any(|c| class.starts_with(c)) => Some(Kind::Llama),
            () if ["MistralFor", "MistralModel"].iter().any(|c| class.starts_with(c)) => Some(Kind::Mistral),
            () if ["PhiFor", "PhiModel"].iter().any(|c| class.starts_with(c)) => Some(Kind::Phi),
            () => None,
        };
        let said = found.get("model_type").and_then(Value::as_str);
        let kind = match said {
            Some("gpt2") => Some(Kind::Gpt2),
            Some("llama") => Some(Kind::Llama),
            Some("mistral") => Some(Kind::Mistral),
            Some("phi") => Some(Kind::Phi),
            Some(_) => None,
            None => classes.iter().find_map(of_class),
        };
        kind.ok_or_else(|| said.or(classes.first().copied()).map(short))
    }
}

/// A setting that makes another network of a model; `family` is its name, and where to start from instead.
pub(super) fn refused(family: (&str, &str), name: &str, value: &Value, ours: &str, path: &Path) -> Error {
    let (family, next) = family;
    let problem = format!("{name} is {}; diarist computes {family} with {ours} only", shown(value));
    Error::file(path, problem, next)
}

/// Where transformers 4 and 5 write how positions turn.
const ROPE: [&str; 2] = ["rope_parameters", "rope_scaling"];

/// A setting of how positions turn: beside the others as transformers 4 writes it, or among the rotary settings as 5 does. Where
/// it is said twice, and not alike, the other one is the error.
pub(super) fn rotary_setting<'a>(
    found: &'a Map<String, Value>,
    key: &str,
) -> std::result::Result<Option<&'a Value>, &'a Value> {
    let inner = ROPE.iter().filter_map(|name| found.get(*name)?.get(key));
    let mut all = inner.chain(found.get(key)).filter(|v| !v.is_null());
    let first = all.next();
    match all.find(|other| Some(*other) != first) {
        None => Ok(first),
        Some(other) => Err(other),
    }
}

/// Whether positions turn at one speed for each pair of channels, that of the base. `free` may have any value.
pub(super) fn plain_rope(value: &Value, free: &[&str]) -> bool {
    let whole = |value: &Value| value.is_null() || value.as_f64() == Some(1.0);
    value.as_object().is_some_and(|said| {
        said.iter().all(|(key, inner)| match key.as_str() {
            key if free.contains(&key) => true,
            "rope_type" | "type" => inner == "default" || inner.is_null(),
            // Of the plain kind, all else is 1 or says nothing.
            _ => whole(inner),
        })
    })
}

/// `transformers`' names of one function, GELU's tanh form. They differ in how √(2/π) and the cube are rounded: by 4.8e-7 at
/// most in f32 over [−12, 12], measured, where `gelu_new` itself is 4.3e-7 from its exact value. Not among them: `gelu`, by
/// erf (4.7e-4 away), `quick_gelu` (2e-2), `relu`, `silu`. What is saved says `gelu_new`, which is what was computed.
pub(super) fn is_gelu_new(name: &str) -> bool {
    ["gelu_new", "gelu_fast", "gelu_pytorch_tanh", "gelu_python_tanh", "gelu_accurate"].contains(&name)
}

pub(super) fn shown(value: &Value) -> String {
    short(&value.to_string())
}

/// torch's name of a type.
pub(super) fn torch(dtype: &Dtype) -> &'static str {
    match dtype {
        Dtype::F16 => "float16",
        Dtype::BF16 => "bfloat16",
        _ => "float32",
    }
}

/// One id, or a list of them.
pub(super) fn eos(ends: &Ends) -> Value {
    match ends.stops[..] {
        [one] => one.into(),
        _ => ends.stops.clone().into(),
    }
}

pub(super) fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("strings, numbers and booleans are JSON") + "\n"
}
