//! `adapter_config.json`, as peft writes it: which kind of adapter, on which model, and how much of it counts.

use std::path::Path;

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use crate::base::{Error, Result};
use crate::weights::small;
use crate::weights::words::{quoted, short};

/// Patterns in one file: gpt2-xl has 192 matrices in its blocks.
const MOST_PATTERNS: usize = 512;
/// What a compiled pattern may take, in bytes.
const MOST_PATTERN: usize = 1 << 18;
/// No rank comes near this.
const MOST_RANK: u64 = 1 << 20;

/// What to do with an adapter that is not merged here.
pub(super) const MERGE: &str = "merge it with Python: python -c \"import sys, peft; \
     peft.AutoPeftModelForCausalLM.from_pretrained(sys.argv[1]).merge_and_unload().save_pretrained(sys.argv[2])\" \
     ADAPTER MERGED; then name the folder MERGED";

/// An adapter's settings, checked to be those of a plain LoRA.
#[derive(Debug)]
pub(super) struct Settings {
    /// `base_model_name_or_path`.
    pub base: Option<String>,
    r: u64,
    alpha: f64,
    rslora: bool,
    ranks: Vec<(Regex, u64)>,
    alphas: Vec<(Regex, f64)>,
    /// `target_modules`, where it is a list of names.
    pub targets: Option<Vec<String>>,
    /// Whether some of those are left out by `exclude_modules`.
    pub excluding: bool,
    /// `layers_to_transform`.
    pub layers: Option<Vec<u64>>,
    /// `ensure_weight_tying`: a saved embedding is the head too.
    pub tied: bool,
}

/// Reads an adapter's settings.
///
/// # Errors
/// No such file; another kind of adapter; a setting that changes what is computed, and that is not computed here.
pub(super) fn read(path: &Path) -> Result<Settings> {
    let found = small::json(path)?;
    let bad = |problem: String| Error::file(path, problem, MERGE);
    let kind = found.get("peft_type").and_then(Value::as_str).unwrap_or("an unnamed one");
    if kind != "LORA" {
        return Err(bad(format!("an adapter of the kind {}; LORA is read", quoted(kind))));
    }
    if let Some((name, value)) =
        found.iter().find(|(name, value)| CHANGING.contains(&name.as_str()) && is_set(value))
    {
        return Err(bad(format!(
            "{name} is {}: a LoRA of another form than the plain one",
            short(&value.to_string())
        )));
    }
    // These leave something else than the base to be added to.
    let start = found.get("init_lora_weights").and_then(Value::as_str).unwrap_or("").to_lowercase();
    if ["pissa", "corda", "olora", "loftq", "lora_ga"].iter().any(|name| start.starts_with(name)) {
        return Err(bad(format!(
            "init_lora_weights is {}: its base was changed when the training began, and is not the one that it names",
            quoted(&start)
        )));
    }
    let number = |value: Option<&Value>, name: &str| {
        let found = value.and_then(Value::as_f64).filter(|x| x.is_finite());
        found.ok_or_else(|| {
            bad(format!(
                "{name} is {}, no number",
                value.map_or("not there".into(), |v| short(&v.to_string()))
            ))
        })
    };
    let rank = |value: Option<&Value>, name: &str| match value.and_then(Value::as_u64) {
        Some(r) if (1..=MOST_RANK).contains(&r) => Ok(r),
        _ => Err(bad(format!(
            "{name} is {}, no rank",
            value.map_or("not there".into(), |v| short(&v.to_string()))
        ))),
    };
    let strings = |value: &Value| -> Option<Vec<String>> {
        value.as_array()?.iter().map(|v| Some(v.as_str()?.to_string())).collect()
    };
    let layers = match found.get("layers_to_transform") {
        None | Some(Value::Null) => None,
        Some(Value::Number(one)) => one.as_u64().map(|one| vec![one]),
        Some(list) => list.as_array().and_then(|list| list.iter().map(Value::as_u64).collect()),
    };
    Ok(Settings {
        base: found.get("base_model_name_or_path").and_then(Value::as_str).map(String::from),
        r: rank(found.get("r"), "r")?,
        alpha: number(found.get("lora_alpha"), "lora_alpha")?,
        rslora: found.get("use_rslora") == Some(&Value::Bool(true)),
        ranks: patterns(&found, "rank_pattern", path, rank)?,
        alphas: patterns(&found, "alpha_pattern", path, number)?,
        targets: found.get("target_modules").and_then(strings),
        excluding: found.get("exclude_modules").is_some_and(is_set),
        layers,
        tied: found.get("ensure_weight_tying") == Some(&Value::Bool(true)),
    })
}

/// Settings that change what an adapter computes, each off in a plain LoRA.
const CHANGING: [&str; 12] = [
    "use_dora",
    "use_qalora",
    "use_bdlora",
    "lora_bias",
    "layer_replication",
    "alora_invocation_tokens",
    "trainable_token_indices",
    "target_parameters",
    "arrow_config",
    "kasa_config",
    "monteclora_config",
    "velora_config",
];

fn is_set(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    }
}

/// A map from patterns of modules' names to numbers. A pattern holds of a name, or of the end of one from a dot on.
fn patterns<T>(
    found: &Map<String, Value>,
    name: &str,
    path: &Path,
    number: impl Fn(Option<&Value>, &str) -> Result<T>,
) -> Result<Vec<(Regex, T)>> {
    let empty = Map::new();
    let map = found.get(name).and_then(Value::as_object).unwrap_or(&empty);
    if map.len() > MOST_PATTERNS {
        let problem = format!("{name} has {} entries, more than a GPT-2 has matrices", map.len());
        return Err(Error::file(path, problem, MERGE));
    }
    let pattern = |(key, value): (&String, &Value)| {
        let whole = format!("^(?:.*\\.)?(?:{key})$");
        let regex = RegexBuilder::new(&whole).size_limit(MOST_PATTERN).build().map_err(|_| {
            Error::file(path, format!("{name} has the pattern {}, which is not read", quoted(key)), MERGE)
        })?;
        Ok((regex, number(Some(value), name)?))
    };
    map.iter().map(pattern).collect()
}

impl Settings {
    /// The rank of a module (`transformer.h.0.attn.c_attn`).
    pub fn rank(&self, module: &str) -> u64 {
        self.ranks.iter().find(|(pattern, _)| pattern.is_match(module)).map_or(self.r, |(_, r)| *r)
    }

    /// What its B·A is multiplied by: α/r, or α/√r (rsLoRA, arXiv:2312.03732).
    pub fn scale(&self, module: &str) -> f32 {
        let alpha =
            self.alphas.iter().find(|(pattern, _)| pattern.is_match(module)).map_or(self.alpha, |(_, a)| *a);
        let r = self.rank(module) as f64;
        (alpha / if self.rslora { r.sqrt() } else { r }) as f32
    }

    /// Rank and scale, as a person says them.
    pub fn shown(&self) -> String {
        let by = if self.rslora { ", by its root" } else { "" };
        let patterns =
            if self.ranks.is_empty() && self.alphas.is_empty() { "" } else { ", others by patterns" };
        format!("{}, α {}{by}{patterns}", self.r, self.alpha)
    }
}
