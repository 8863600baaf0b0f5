//! Adapters as peft wrote them on a small base, merged as `merge_and_unload` merges them; and those that are refused.

use std::cell::Cell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::weights::checkpoint::Checkpoint;
use crate::weights::dtype::Dtype;
use crate::weights::fixtures::{CFG, all, base, copied, path};
use crate::weights::huggingface;
use crate::weights::safetensors::Writer;

/// A fixture's adapter on the base that it names.
fn found(dir: &Path) -> Result<Found> {
    find(dir, |name| huggingface::find(Path::new(name)))
}

/// The same of a folder that is elsewhere: its base is the fixture's.
fn found_elsewhere(dir: &Path) -> Result<Found> {
    find(dir, |_| huggingface::find(&path("peft/base")))
}

fn refusal(dir: &Path) -> String {
    let message = found_elsewhere(dir).unwrap_err().to_string();
    assert!(message.contains("next: "), "{message}");
    message
}

/// The refusal of `peft/all` with changed settings.
fn of_settings(change: impl Fn(&mut Value)) -> String {
    let dir = copied("peft/all");
    changed(dir.path(), change);
    refusal(dir.path())
}

fn changed(dir: &Path, change: impl Fn(&mut Value)) {
    let path = dir.join("adapter_config.json");
    let mut settings: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut settings);
    std::fs::write(&path, settings.to_string()).unwrap();
}

type Named = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// The tensors of an adapter's file.
fn tensors(dir: &Path) -> Named {
    let mut file = safetensors::open(dir.join("adapter_model.safetensors")).unwrap();
    let entries = file.entries().to_vec();
    let read = |e: crate::weights::TensorEntry| {
        let mut out = Vec::new();
        file.read_f32(&e.name, &mut out).unwrap();
        (e.name, (e.shape, out))
    };
    entries.into_iter().map(read).collect()
}

/// Writes an adapter's file anew.
fn write(dir: &Path, tensors: &Named) {
    let path = dir.join("adapter_model.safetensors");
    std::fs::remove_file(&path).unwrap();
    let list: Vec<_> = tensors.iter().map(|(name, (shape, _))| (name.clone(), shape.clone())).collect();
    let mut writer = Writer::create(&path, &list, Dtype::F32, &BTreeMap::new()).unwrap();
    tensors.values().for_each(|(_, data)| writer.write_f32(data).unwrap());
    writer.finish().unwrap();
}

/// The refusal of an adapter with changed tensors.
fn of_tensors(folder: &str, change: impl Fn(&mut Named)) -> String {
    let dir = copied(folder);
    let mut all = tensors(dir.path());
    change(&mut all);
    write(dir.path(), &all);
    refusal(dir.path())
}

const KEY: &str = "base_model.model.transformer.h.0.attn.c_attn.lora_A.weight";

/// Sums in another order than PyTorch's: differences of a rounding, of numbers around one.
#[test]
fn merged_as_peft_merges() {
    let mut merged = safetensors::open(path("peft/merged.safetensors")).unwrap();
    for name in ["all", "regex", "patterns", "positions", "saved"] {
        let found = found(&path("peft").join(name)).unwrap();
        assert_eq!(found.format, "PEFT adapter (LoRA) on a Hugging Face folder, safetensors");
        let mut model = Checkpoint::new(found).unwrap();
        let mut changed = 0;
        for ((param, ours), (_, plain)) in all(&mut model).into_iter().zip(base()) {
            let key = format!("{name}.{param}");
            let wanted = if merged.get(&key).is_some() {
                let mut wanted = Vec::new();
                merged.read_f32(&key, &mut wanted).unwrap();
                changed += 1;
                wanted
            } else {
                plain
            };
            for (a, b) in ours.iter().zip(&wanted) {
                assert!((a - b).abs() <= 1e-6 * b.abs().max(1.0), "{key}: {a} {b}");
            }
        }
        let expected = match name {
            "all" => 8,
            "regex" => 1,
            "patterns" => 4,
            "positions" => 3,
            // Two matrices, their biases, ln_f's two.
            _ => 6,
        };
        assert_eq!(changed, expected, "{name}");
    }
}

/// As older versions of peft saved them.
#[test]
fn a_pickled_adapter_is_the_same() {
    let of = |name: &str| all(&mut Checkpoint::new(found(&path(name)).unwrap()).unwrap());
    assert_eq!(of("peft/pickled"), of("peft/regex"));
}

#[test]
fn rows_from_anywhere_are_the_same() {
    let mut model = Checkpoint::new(found(&path("peft/all")).unwrap()).unwrap();
    let whole: BTreeMap<String, Vec<f32>> = all(&mut model).into_iter().collect();
    for (name, width, rows) in [("h.1.mlp.c_fc.weight", 48, 5..9), ("h.0.mlp.c_proj.weight", 12, 30..48)] {
        let mut out = vec![0.0; rows.len() * width];
        model.read(name, rows.clone(), &mut out).unwrap();
        assert_eq!(out, whole[name][rows.start * width..rows.end * width]);
    }
}

#[test]
fn the_adapters_name_in_its_keys_changes_nothing() {
    let dir = copied("peft/saved");
    let plain = all(&mut Checkpoint::new(found_elsewhere(dir.path()).unwrap()).unwrap());
    let named = |key: &str| {
        let key = key.replace(".lora_A.", ".lora_A.default.").replace(".lora_B.", ".lora_B.default.");
        key.replace("transformer.ln_f.", "transformer.ln_f.modules_to_save.default.")
    };
    let dressed = tensors(dir.path()).into_iter().map(|(key, data)| (named(&key), data)).collect();
    write(dir.path(), &dressed);
    assert_eq!(all(&mut Checkpoint::new(found_elsewhere(dir.path()).unwrap()).unwrap()), plain);
    // Of a GPT2Model, without a head.
    let bare =
        tensors(dir.path()).into_iter().map(|(key, data)| (key.replace("transformer.", ""), data)).collect();
    write(dir.path(), &bare);
    assert_eq!(all(&mut Checkpoint::new(found_elsewhere(dir.path()).unwrap()).unwrap()), plain);
}

/// A base whose matrices are (out, in): llm.c's.
#[test]
fn a_base_in_another_form_is_the_same_base() {
    let on = |base: &dyn Fn() -> Result<Found>| {
        all(&mut Checkpoint::new(find(&path("peft/all"), |_| base()).unwrap()).unwrap())
    };
    let plain = on(&|| huggingface::find(&path("peft/base")));
    assert_eq!(on(&|| crate::weights::llmc::find(&path("llmc_fp32.bin"))), plain);
    assert_eq!(on(&|| crate::weights::tensorflow::find(&path("tensorflow"))), plain);
}

#[test]
fn a_base_is_a_path_beside_it_or_what_the_caller_knows() {
    let asked = |name: &str| {
        let dir = copied("peft/all");
        changed(dir.path(), |s| s["base_model_name_or_path"] = name.into());
        let asked = Cell::new(None);
        let result = find(dir.path(), |name| {
            asked.set(Some(name.to_string()));
            Err(Error::file(name, "there is nothing", "look elsewhere"))
        });
        (asked.take(), result.unwrap_err().to_string())
    };
    let (name, message) = asked("someone/gpt2-odd");
    assert_eq!(name.as_deref(), Some("someone/gpt2-odd"));
    assert!(
        message.contains("\"someone/gpt2-odd\"") && message.contains("fetch someone/gpt2-odd"),
        "{message}"
    );
    let (_, message) = asked("/somewhere/else/gpt2");
    assert!(message.contains("not there") && !message.contains("fetch"), "{message}");
    for none in ["", "  "] {
        let (name, message) = asked(none);
        assert!(name.is_none() && message.contains("names no base model"), "{message}");
    }
    // Itself, by whatever way.
    for itself in [".", "./", "adapter_config.json"] {
        let (name, message) = asked(itself);
        assert!(name.is_none() && message.contains("itself"), "{message}");
    }
    // What is there and damaged says so itself.
    let broken = find(&path("peft/all"), |_| Err(Error::file("x", "damaged", "fetch it")));
    assert!(broken.unwrap_err().to_string().starts_with("x: damaged"));
    let nested = find(&path("peft/all"), |_| found(&path("peft/all"))).unwrap_err().to_string();
    assert!(nested.contains("is an adapter too") && nested.contains("convert"), "{nested}");
}

#[test]
fn other_kinds_of_adapters_are_named() {
    assert!(refusal(&path("peft/dora")).contains("use_dora is true"));
    assert!(refusal(&path("peft/embedding")).contains("one matrix for both"));
    assert!(of_settings(|s| s["peft_type"] = "IA3".into()).contains("\"IA3\""));
    assert!(of_settings(|s| s["peft_type"] = Value::Null).contains("unnamed"));
    for (name, value) in [
        ("lora_bias", json!(true)),
        ("use_qalora", json!(true)),
        ("layer_replication", json!([[0, 1]])),
        ("target_parameters", json!(["x"])),
        ("trainable_token_indices", json!([5])),
        ("alora_invocation_tokens", json!([5])),
        ("arrow_config", json!({"a": 1})),
    ] {
        let message = of_settings(|s| s[name] = value.clone());
        assert!(message.contains(name), "{message}");
    }
    for start in ["pissa", "pissa_niter_16", "olora", "corda", "loftq", "lora_ga"] {
        assert!(of_settings(|s| s["init_lora_weights"] = start.into()).contains("base was changed"));
    }
}

#[test]
fn settings_that_are_none_are_named() {
    assert!(of_settings(|s| s["r"] = 0.into()).contains("r is 0"));
    assert!(of_settings(|s| s["r"] = json!(1.5)).contains("r is 1.5"));
    assert!(of_settings(|s| s["r"] = 8.into()).contains("call for [8, 12]"));
    assert!(of_settings(|s| s["lora_alpha"] = "8".into()).contains("lora_alpha is \"8\""));
    assert!(of_settings(|s| s["lora_alpha"] = Value::Null).contains("lora_alpha is null"));
    assert!(of_settings(|s| s["rank_pattern"] = json!({"c_attn": -1})).contains("rank_pattern is -1"));
    assert!(of_settings(|s| s["alpha_pattern"] = json!({"(": 1})).contains("pattern \"(\""));
    assert!(of_settings(|s| s["alpha_pattern"] = json!({"(a{999}){999}": 1})).contains("not read"));
    let many: serde_json::Map<String, Value> = (0..600).map(|i| (i.to_string(), json!(1))).collect();
    assert!(of_settings(|s| s["rank_pattern"] = many.clone().into()).contains("600 entries"));
    assert!(
        of_settings(|s| s["target_modules"] = json!(["c_attn", "c_fc"]))
            .contains("does not name: \"h.0.attn.c_proj")
    );
    let dir = copied("peft/all");
    std::fs::write(dir.path().join("adapter_config.json"), vec![b' '; (1 << 20) + 1]).unwrap();
    assert!(refusal(dir.path()).contains("longer than 1 MiB"));
    std::fs::write(dir.path().join("adapter_config.json"), "{").unwrap();
    assert!(refusal(dir.path()).contains("not a JSON object"));
    std::fs::remove_file(dir.path().join("adapter_config.json")).unwrap();
    assert!(found_elsewhere(dir.path()).is_err());
}

#[test]
fn tensors_that_do_not_fit_are_named() {
    let module = KEY.replace(".lora_A.weight", "");
    let said = of_tensors("peft/all", |t| drop(t.remove(KEY)));
    assert!(said.contains("one is missing"), "{said}");
    let said = of_tensors("peft/all", |t| t.retain(|key, _| !key.starts_with(&module)));
    assert!(said.contains("have no adapter in it: h.0.attn.c_attn.weight"), "{said}");
    let said = of_tensors("peft/all", |t| drop(t.insert(KEY.into(), (vec![12, 4], vec![0.0; 48]))));
    assert!(said.contains("[12, 4], where"), "{said}");
    let twice = |t: &mut Named| drop(t.insert(KEY.replace("lora_A.", "lora_A.other."), t[KEY].clone()));
    assert!(of_tensors("peft/all", twice).contains("more than one adapter"));
    let renamed = |to: &'static str| {
        move |t: &mut Named| {
            let moved: Named =
                t.iter().map(|(key, data)| (key.replace("h.0.attn.c_attn", to), data.clone())).collect();
            *t = moved;
        }
    };
    assert!(of_tensors("peft/all", renamed("h.7.attn.c_attn")).contains("no matrix of the model"));
    assert!(of_tensors("peft/all", renamed("h.0.ln_1")).contains("no matrix of the model"));
    assert!(of_tensors("peft/all", renamed("../../x")).contains("no matrix of the model"));
    let unnamed = |t: &mut Named| drop(t.insert("h.0.attn.c_attn.lora_A.weight".into(), t[KEY].clone()));
    assert!(of_tensors("peft/all", unnamed).contains("not named as peft names"));
    let other =
        |t: &mut Named| drop(t.insert(KEY.replace("lora_A.weight", "lora_magnitude_vector"), t[KEY].clone()));
    assert!(of_tensors("peft/all", other).contains("another form"));
    assert!(of_tensors("peft/all", |t| t.clear()).contains("no tensors"));
    // An embedding trained whole, and its head left as it was; with its head, it is a model again.
    let wte = (vec![13, 12], vec![0.5; 13 * 12]);
    let alone = |t: &mut Named| drop(t.insert("base_model.model.transformer.wte.weight".into(), wte.clone()));
    assert!(of_tensors("peft/saved", alone).contains("one matrix for both"));
    let dir = copied("peft/saved");
    let mut both = tensors(dir.path());
    alone(&mut both);
    both.insert("base_model.model.lm_head.weight".into(), wte.clone());
    write(dir.path(), &both);
    let mut model = Checkpoint::new(found_elsewhere(dir.path()).unwrap()).unwrap();
    assert_eq!(all(&mut model)[0].1, wte.1);
    // A head that is another.
    both.insert("base_model.model.lm_head.weight".into(), (wte.0.clone(), vec![0.25; 13 * 12]));
    write(dir.path(), &both);
    let message = Checkpoint::new(found_elsewhere(dir.path()).unwrap()).unwrap_err().to_string();
    assert!(message.contains("tied"), "{message}");
    // Trained whole, in another shape or of another network.
    for (key, expected) in [("ln_f.weight", "have not the shape"), ("h.0.cross.weight", "belong to no GPT-2")]
    {
        let mut odd = tensors(&path("peft/saved"));
        odd.insert(format!("base_model.model.transformer.{key}"), (vec![3], vec![0.0; 3]));
        write(dir.path(), &odd);
        let message = Checkpoint::new(found_elsewhere(dir.path()).unwrap()).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn numbers_that_are_none_are_found_before_they_spread() {
    let dir = copied("peft/all");
    let mut broken = tensors(dir.path());
    broken.get_mut(KEY).unwrap().1[7] = f32::NAN;
    write(dir.path(), &broken);
    let mut model = Checkpoint::new(found_elsewhere(dir.path()).unwrap()).unwrap();
    let message = model.read("h.0.attn.c_attn.weight", 0..1, &mut [0.0; 36]).unwrap_err().to_string();
    assert!(message.contains("lora_A") && message.contains("not finite"), "{message}");
}

#[test]
fn missing_weights_are_named() {
    let dir = copied("peft/all");
    let weights = dir.path().join("adapter_model.safetensors");
    std::fs::remove_file(&weights).unwrap();
    assert!(refusal(dir.path()).contains("no adapter_model.safetensors"));
    let bytes = std::fs::read(path("peft/all/adapter_model.safetensors")).unwrap();
    for cut in (0..bytes.len()).step_by(61) {
        std::fs::write(&weights, &bytes[..cut]).unwrap();
        assert!(found_elsewhere(dir.path()).is_err(), "{cut}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn mutations_do_no_harm(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        settings in any::<bool>(),
    ) {
        let dir = copied("peft/patterns");
        let path = dir.path().join(if settings { "adapter_config.json" } else { "adapter_model.safetensors" });
        let mut bytes = std::fs::read(&path).unwrap();
        let end = bytes.len().min(1500);
        for (at, byte) in edits {
            bytes[at.index(end)] = byte;
        }
        std::fs::write(&path, bytes).unwrap();
        if let Ok(mut model) = found_elsewhere(dir.path()).and_then(Checkpoint::new) {
            for p in CFG.table() {
                let _ = model.read(&p.name, 0..p.shape[0], &mut vec![0.0; p.numel()]);
            }
        }
    }
}
