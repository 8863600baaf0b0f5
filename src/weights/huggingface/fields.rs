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
}

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
            () => None,
        };
        let said = found.get("model_type").and_then(Value::as_str);
        let kind = match said {
            Some("gpt2") => Some(Kind::Gpt2),
            Some("llama") => Some(Kind::Llama),
            Some("mistral") => Some(Kind::Mistral),
            Some(_) => None,
            None => classes.iter().find_map(of_class),
        };
        kind.ok_or_else(|| said.or(classes.first().copied()).map(short))
    }
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
