//! The settings of an adapter's folder as peft opens it.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::base::arch::{Layout, Role};
use crate::base::{Config, Lora};

/// `adapter_config.json` of an adapter on the model `base`, a path or a name on the hub: the fields that peft (0.21) writes for
/// a causal language model, but for those that name newer kinds of LoRA, which older versions do not know. `target_modules` are
/// those of the adapter; for all linear layers, the last words of their names.
pub fn config_json(lora: &Lora, base: &str, config: &Config) -> String {
    // A struct and not `json!`, which would widen a dropout to f64: 0.05000000074505806.
    #[derive(Serialize)]
    struct LoraConfig<'a> {
        alpha_pattern: Map<String, Value>,
        auto_mapping: Option<()>,
        base_model_name_or_path: &'a str,
        bias: &'static str,
        exclude_modules: Option<()>,
        fan_in_fan_out: bool,
        inference_mode: bool,
        init_lora_weights: bool,
        layers_pattern: Option<()>,
        layers_to_transform: Option<()>,
        lora_alpha: Value,
        lora_dropout: f32,
        modules_to_save: Option<()>,
        peft_type: &'static str,
        r: usize,
        rank_pattern: Map<String, Value>,
        revision: Option<()>,
        target_modules: Vec<String>,
        task_type: &'static str,
        use_dora: bool,
        use_rslora: bool,
    }
    let linear: Vec<_> = config.table().into_iter().filter(|p| p.in_out().is_some()).collect();
    let mut targets = lora.targets.clone();
    if targets.is_empty() {
        let last = |module: &str| module.rsplit('.').next().unwrap_or_default().to_string();
        targets = linear.iter().map(|p| last(p.module())).collect();
    }
    targets.sort();
    targets.dedup();
    let settings = LoraConfig {
        alpha_pattern: Map::new(),
        auto_mapping: None,
        base_model_name_or_path: base,
        bias: "none",
        exclude_modules: None,
        fan_in_fan_out: linear.iter().any(|p| p.role == Role::Linear(Layout::InOut)),
        inference_mode: true,
        init_lora_weights: true,
        layers_pattern: None,
        layers_to_transform: None,
        // peft's is a whole number.
        lora_alpha: match lora.alpha.fract() == 0.0 && lora.alpha.abs() < 1e9 {
            true => (lora.alpha as i64).into(),
            false => serde_json::to_value(lora.alpha).expect("a finite number is JSON"),
        },
        lora_dropout: lora.dropout,
        modules_to_save: None,
        peft_type: "LORA",
        r: lora.r,
        rank_pattern: Map::new(),
        revision: None,
        target_modules: targets,
        task_type: "CAUSAL_LM",
        use_dora: false,
        use_rslora: false,
    };
    serde_json::to_string_pretty(&settings).expect("strings, numbers and booleans are JSON") + "\n"
}
