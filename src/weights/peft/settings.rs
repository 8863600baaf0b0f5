//! `adapter_config.json`, as peft writes it: which kind of adapter, on which model, and how much of it counts.

use std::path::Path;

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use crate::base::arch::lora::ALL_LINEAR;
use crate::base::{Error, Result};
use crate::weights::small;
use crate::weights::words::{quoted, short};

/// Patterns in one file: gpt2-xl has 192 matrices in its blocks, Mistral 7B 224.
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
    /// `revision`: which of the base's on the hub.
    pub revision: Option<String>,
    r: u64,
    alpha: f64,
    rslora: bool,
    ranks: Vec<(Regex, u64)>,
    alphas: Vec<(Regex, f64)>,
    /// `target_modules`; none where that is a pattern in a form that is not read.
    targets: Option<Modules>,
    /// `exclude_modules`.
    excluded: Option<Modules>,
    /// `layers_to_transform`.
    layers: Option<Vec<u64>>,
    /// `ensure_weight_tying`: a saved embedding is the head too.
    pub tied: bool,
}

/// Modules, as a setting names them.
#[derive(Debug)]
enum Modules {
    /// Names, or their ends from a dot on.
    Names(Vec<String>),
    /// A pattern of whole names.
    Pattern(Box<Regex>),
    /// Every linear layer but the head.
    AllLinear,
}

impl Modules {
    /// None of a setting that is not there, or is a pattern that is not read (Python's patterns know more than ours).
    fn of(value: Option<&Value>) -> Option<Modules> {
        match value? {
            Value::String(all) if all == ALL_LINEAR => Some(Modules::AllLinear),
            Value::String(pattern) => {
                let whole = format!("^(?:{pattern})$");
                let regex = RegexBuilder::new(&whole).size_limit(MOST_PATTERN).build().ok()?;
                Some(Modules::Pattern(Box::new(regex)))
            }
            Value::Array(names) => {
                let names: Option<_> = names.iter().map(|v| v.as_str().map(str::to_string)).collect();
                names.map(Modules::Names)
            }
            _ => None,
        }
    }

    /// Whether they name a module. `linear`: whether it is a linear layer.
    fn name(&self, module: &str, linear: bool) -> bool {
        match self {
            Modules::AllLinear => linear,
            Modules::Pattern(pattern) => pattern.is_match(module),
            Modules::Names(names) => names.iter().any(|name| {
                module.strip_suffix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }),
        }
    }
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
    let layers = match found.get("layers_to_transform").filter(|value| !value.is_null()) {
        None => None,
        Some(value) => {
            let one = value.as_u64().map(|one| vec![one]);
            let list = || value.as_array()?.iter().map(Value::as_u64).collect();
            Some(one.or_else(list).ok_or_else(|| {
                bad(format!("layers_to_transform is {}, no list of layers", short(&value.to_string())))
            })?)
        }
    };
    Ok(Settings {
        base: found.get("base_model_name_or_path").and_then(Value::as_str).map(String::from),
        revision: found
            .get("revision")
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
            .map(String::from),
        r: rank(found.get("r"), "r")?,
        alpha: number(found.get("lora_alpha"), "lora_alpha")?,
        rslora: found.get("use_rslora") == Some(&Value::Bool(true)),
        ranks: patterns(&found, "rank_pattern", path, rank)?,
        alphas: patterns(&found, "alpha_pattern", path, number)?,
        targets: Modules::of(found.get("target_modules")),
        excluded: Modules::of(found.get("exclude_modules").filter(|value| is_set(value))),
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
        let problem = format!("{name} has {} entries, more than a model has matrices", map.len());
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

    /// Why a module is not to be adapted, if it is not: the setting that leaves it out. A module is known by its whole name
    /// and by the one that it has in a model without a head; where `target_modules` is a pattern that is not read, the file's
    /// own matrices count.
    pub fn leave_out(&self, names: [&str; 2], layer: Option<usize>, linear: bool) -> Option<&'static str> {
        let name = |modules: &Modules| names.iter().any(|module| modules.name(module, linear));
        if self.excluded.as_ref().is_some_and(name) {
            return Some("exclude_modules names it");
        }
        if self.targets.as_ref().is_some_and(|targets| !name(targets)) {
            return Some("target_modules does not name it");
        }
        let within = |layers: &Vec<u64>| layer.is_some_and(|layer| layers.contains(&(layer as u64)));
        if self.layers.as_ref().is_some_and(|layers| !within(layers)) {
            return Some("layers_to_transform does not name its layer");
        }
        None
    }

    /// Whether it is known what is to be adapted.
    pub fn knows_targets(&self) -> bool {
        self.targets.is_some()
    }

    /// Rank and scale, as a person says them.
    pub fn shown(&self) -> String {
        let by = if self.rslora { ", by its root" } else { "" };
        let patterns =
            if self.ranks.is_empty() && self.alphas.is_empty() { "" } else { ", others by patterns" };
        format!("{}, α {}{by}{patterns}", self.r, self.alpha)
    }
}
