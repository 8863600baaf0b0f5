//! `adapter_config.json`, as peft writes it: which kind of adapter, on which model, and how much of it counts.

use std::path::Path;

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use crate::base::arch::lora::ALL_LINEAR;
use crate::base::{Error, Result};
use crate::weights::peft::said::{MERGE, MOST_PATTERN, Said, is_set, strings};
use crate::weights::small;
use crate::weights::words::{quoted, short};

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
    /// `target_modules`; none where it says nothing.
    targets: Option<Modules>,
    /// `exclude_modules`.
    excluded: Option<Modules>,
    /// `layers_to_transform`.
    layers: Option<Vec<u64>>,
    /// `ensure_weight_tying`: a saved embedding is the head too.
    pub tied: bool,
    /// Whether `bias` lets biases be trained.
    pub biases: bool,
    /// `modules_to_save`: names, or their ends.
    pub saved: Vec<String>,
    /// `layers_pattern`: what stands before a layer's number.
    pub blocks: Vec<String>,
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
    /// A pattern that is not read: Python's know more than ours.
    Unread,
}

impl Modules {
    /// None of what names no modules.
    fn of(value: &Value) -> Option<Modules> {
        match value {
            Value::String(all) if all == ALL_LINEAR => Some(Modules::AllLinear),
            Value::String(pattern) => {
                let whole = format!("^(?:{pattern})$");
                let regex = RegexBuilder::new(&whole).size_limit(MOST_PATTERN).build();
                Some(regex.map_or(Modules::Unread, |regex| Modules::Pattern(Box::new(regex))))
            }
            list => strings(list).map(Modules::Names),
        }
    }

    /// Whether they name a module; none where that is not known. `linear`: whether it is a linear layer.
    fn name(&self, module: &str, linear: bool) -> Option<bool> {
        match self {
            Modules::AllLinear => Some(linear),
            Modules::Pattern(pattern) => Some(pattern.is_match(module)),
            Modules::Names(names) => Some(names.iter().any(|name| {
                module.strip_suffix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            })),
            Modules::Unread => None,
        }
    }
}

/// Reads an adapter's settings.
///
/// # Errors
/// No such file; another kind of adapter; a setting that changes what is computed, and that is not computed here.
pub(super) fn read(path: &Path) -> Result<Settings> {
    let found = &small::json(path)?;
    let said = Said { found, path };
    let bad = |problem: String| Error::file(path, problem, MERGE);
    let kind = found.get("peft_type").and_then(Value::as_str).unwrap_or("an unnamed one");
    if kind != "LORA" {
        return Err(bad(format!("an adapter of the kind {}; LORA is read", quoted(kind))));
    }
    if let Some((name, value)) = found.iter().find(|(name, value)| is_changing(name) && is_set(value)) {
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
    if !["", "gaussian", "eva", "orthogonal"].contains(&start.as_str()) {
        let what = quoted(&start);
        return Err(bad(format!(
            "init_lora_weights is {what}, which is not known here: it may have changed its base"
        )));
    }
    let bias = said.set("bias").cloned().unwrap_or("none".into());
    if !["none", "all", "lora_only"].iter().any(|known| bias == *known) {
        return Err(said.none("bias", &bias, "none of those that are read: none, all, lora_only"));
    }
    let modules = |name: &str| {
        let of = |value| Modules::of(value).ok_or_else(|| said.none(name, value, "no names of modules"));
        said.set(name).map(of).transpose()
    };
    Ok(Settings {
        base: found.get("base_model_name_or_path").and_then(Value::as_str).map(String::from),
        revision: found
            .get("revision")
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
            .map(String::from),
        r: said.rank("r", found.get("r"))?,
        alpha: said.number("lora_alpha", found.get("lora_alpha"))?,
        rslora: said.flag("use_rslora")?,
        ranks: said.patterns("rank_pattern", Said::rank)?,
        alphas: said.patterns("alpha_pattern", Said::number)?,
        targets: modules("target_modules")?,
        excluded: modules("exclude_modules")?,
        layers: said.layers("layers_to_transform")?,
        tied: said.flag("ensure_weight_tying")?,
        biases: bias != "none",
        saved: said.names("modules_to_save", None)?,
        blocks: said.names("layers_pattern", said.found.get("layers_pattern"))?,
    })
}

/// Whether a setting changes what an adapter computes, and is off in a plain LoRA. (`fan_in_fan_out` changes nothing: peft goes by
/// the layer that it finds, and sets it right.)
fn is_changing(name: &str) -> bool {
    // Those that are not known yet among them.
    name.starts_with("use_") && name != "use_rslora" || CHANGING.contains(&name)
}

const CHANGING: [&str; 9] = [
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

impl Settings {
    /// The rank of a module (`transformer.h.0.attn.c_attn`).
    pub fn rank(&self, module: &str) -> u64 {
        self.ranks.iter().find(|(pattern, _)| pattern.is_match(module)).map_or(self.r, |(_, r)| *r)
    }

    /// The α of a module.
    pub fn alpha(&self, module: &str) -> f64 {
        self.alphas.iter().find(|(pattern, _)| pattern.is_match(module)).map_or(self.alpha, |(_, a)| *a)
    }

    /// What its B·A is multiplied by: α/r, or α/√r (rsLoRA, arXiv:2312.03732).
    pub fn scale(&self, module: &str) -> f32 {
        let r = self.rank(module) as f64;
        (self.alpha(module) / if self.rslora { r.sqrt() } else { r }) as f32
    }

    /// Why a module is not to be adapted, if it is not: the setting that leaves it out. A module is known by its whole name
    /// and by the one that it has in a model without a head; where `target_modules` is a pattern that is not read, the file's
    /// own matrices count.
    pub fn leave_out(&self, names: [&str; 2], layer: Option<usize>, linear: bool) -> Option<&'static str> {
        let named = |modules: &Modules, wanted: bool| {
            let name = |module: &&str| modules.name(module, linear);
            names.iter().filter_map(name).reduce(|a, b| a || b) == Some(wanted)
        };
        if self.excluded.as_ref().is_some_and(|excluded| named(excluded, true)) {
            return Some("exclude_modules names it");
        }
        if self.targets.as_ref().is_some_and(|targets| named(targets, false)) {
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
        let read = |modules: &Modules| !matches!(modules, Modules::Unread);
        self.targets.as_ref().is_some_and(read) && self.excluded.as_ref().is_none_or(read)
    }

    /// Rank and scale, as a person says them.
    pub fn shown(&self) -> String {
        let by = if self.rslora { ", by its root" } else { "" };
        let patterns =
            if self.ranks.is_empty() && self.alphas.is_empty() { "" } else { ", others by patterns" };
        format!("{}, α {}{by}{patterns}", self.r, self.alpha)
    }
}
