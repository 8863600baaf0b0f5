//! Adapters as peft wrote them on a small base, merged as `merge_and_unload` merges them; and those that are refused.

use std::cell::Cell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::weights::checkpoint::Checkpoint;
use crate::weights::dtype::Dtype;
use crate::weights::fixtures::{CFG, all, base, copied, path};
use crate::weights::gguf;
use crate::weights::huggingface;
use crate::weights::safetensors::Writer;

/// A fixture's adapter on the base that it names.
fn found(dir: &Path) -> Result<Found> {
    find(dir, dir, |name| huggingface::find(Path::new(name)))
}

/// The same of a folder that is elsewhere: its base is the fixture's.
fn found_elsewhere(dir: &Path) -> Result<Found> {
    find(dir, dir, |_| huggingface::find(&path("peft/base")))
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
    named(&dir.join(WEIGHTS))
}

fn named(file: &Path) -> Named {
    let mut file = safetensors::open(file).unwrap();
    let entries = file.entries().to_vec();
    let read = |e: crate::weights::TensorEntry| {
        let mut out = Vec::new();
        file.read_f32(&e.name, &mut out).unwrap();
        (e.name, (e.shape, out))
    };
    entries.into_iter().map(read).collect()
}

/// The small Llama of `peft_llama`.
fn llama() -> Checkpoint {
    let config = Config::Llama(crate::base::Llama {
        vocab_size: 13,
        block_size: 6,
        n_layer: 2,
        n_head: 4,
        n_kv_head: 2,
        n_embd: 12,
        head_size: 2,
        n_ff: 20,
        rope_theta: 10_000.0,
        eps: 1e-6,
        window: None,
        tied: true,
    });
    huggingface::open_file(&path("peft_llama/base/model.safetensors"), config).unwrap()
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

/// Writes adapters as one, on `../base`.
fn write_stacked(adapters: &mut Stacked, config: &Config, dir: &Path) {
    let table = adapters.lora.table(config);
    let list: Vec<_> = table.iter().map(|p| (key(&p.name, config), p.shape.clone())).collect();
    let mut writer = Writer::create(dir.join(WEIGHTS), &list, Dtype::F32, &BTreeMap::new()).unwrap();
    table.iter().for_each(|p| writer.write_f32(&adapters.read(&p.name).unwrap()).unwrap());
    writer.finish().unwrap();
    std::fs::write(dir.join(CONFIG), config_json(&adapters.lora, "../base", config)).unwrap();
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

/// A base whose matrices lie (out, in), as peft merges it; one adapter, another with patterns, both.
#[test]
fn merged_beside_a_llama_as_peft_merges() {
    let merged = named(&path("peft_llama/merged.safetensors"));
    let plain = all(&mut llama());
    for (name, adapters, expected) in
        [("all", &["all"][..], 14), ("patterns", &["patterns"], 6), ("both", &["all", "patterns"], 14)]
    {
        let mut model = llama();
        adapters.iter().for_each(|name| model.add_adapter(&path("peft_llama").join(name), 1.0).unwrap());
        let mut changed = 0;
        for ((param, ours), (_, plain)) in all(&mut model).into_iter().zip(&plain) {
            let wanted = merged.get(&format!("{name}.{param}"));
            changed += usize::from(wanted.is_some());
            for (a, b) in ours.iter().zip(wanted.map_or(plain, |(_, wanted)| wanted)) {
                assert!((a - b).abs() <= 1e-6 * b.abs().max(1.0), "{name}, {param}: {a} {b}");
            }
        }
        assert_eq!(changed, expected, "{name}");
    }
}

/// On the base that it names, and on one that is open: the same numbers; scales count, and nothing of 0 is left.
#[test]
fn several_adapters_each_count_as_they_are_asked_to() {
    let add = |adapters: &[(&str, f32)]| {
        let mut model = huggingface::open(&path("peft/base")).unwrap();
        for (name, scale) in adapters {
            model.add_adapter(&path("peft").join(name), *scale).unwrap();
        }
        all(&mut model)
    };
    assert_eq!(add(&[("all", 1.0)]), all(&mut Checkpoint::new(found(&path("peft/all")).unwrap()).unwrap()));
    assert_eq!(add(&[("all", 0.0)]), base());
    assert_eq!(add(&[("saved", 1.0), ("regex", 1.0)]).len(), base().len());
    let three = add(&[("all", 0.5), ("regex", -2.0), ("positions", 3.0)]);
    let one = |name: &str| add(&[(name, 1.0)]);
    let (a, b, c) = (one("all"), one("regex"), one("positions"));
    for (i, (name, plain)) in base().into_iter().enumerate() {
        for (at, x) in plain.iter().enumerate() {
            let wanted = x + 0.5 * (a[i].1[at] - x) - 2.0 * (b[i].1[at] - x) + 3.0 * (c[i].1[at] - x);
            // Three sums of numbers around one, each rounded a few times more.
            assert!((three[i].1[at] - wanted).abs() <= 4e-6 * wanted.abs().max(1.0), "{name}");
        }
    }
    let mut model = huggingface::open(&path("peft/base")).unwrap();
    let said = model.add_adapter(&path("peft/saved"), 0.5).unwrap_err().to_string();
    assert!(said.contains("ln_f") && said.contains("0.5 times"), "{said}");
    let said = model.add_adapter(&path("peft/base"), 1.0).unwrap_err().to_string();
    assert!(said.contains("no adapter_config.json"), "{said}");
    let said = model.add_adapter(&path("peft/none"), 1.0).unwrap_err().to_string();
    assert!(said.contains("no such adapter"), "{said}");
    let said = model.add_adapter(&path("peft_llama/all"), 1.0).unwrap_err().to_string();
    assert!(
        said.contains("layers.0.mlp.down_proj")
            && said.contains("a gpt2 of 2 layers and 12")
            && said.contains("\"../base\""),
        "{said}"
    );
    let said = llama().add_adapter(&path("peft_llama/head"), 1.0).unwrap_err().to_string();
    assert!(said.contains("lm_head") && said.contains("one matrix is both"), "{said}");
}

/// W + B·A of the one adapter that runs beside is W with all of them merged; the base is then as it was.
#[test]
fn adapters_stacked_are_the_adapters_merged() {
    type Adapters = &'static [(&'static str, f32)];
    let opened: [(Checkpoint, Checkpoint, Adapters, usize, usize); 3] = [
        (llama(), llama(), &[("peft_llama/all", 0.5), ("peft_llama/patterns", -2.0)], 5, 0),
        (llama(), llama(), &[("peft_llama/patterns", 1.0)], 2, 6),
        (
            huggingface::open(&path("peft/base")).unwrap(),
            huggingface::open(&path("peft/base")).unwrap(),
            &[("peft/patterns", 1.0), ("peft/saved", 1.0), ("peft/regex", 3.0), ("peft/positions", 2.0)],
            5,
            5,
        ),
    ];
    for (mut merged, mut beside, adapters, r, targets) in opened {
        for (name, scale) in adapters {
            merged.add_adapter(&path(name), *scale).unwrap();
            beside.add_adapter(&path(name), *scale).unwrap();
        }
        let config = *beside.config();
        let mut stacked = beside.take_adapters().unwrap();
        assert!(beside.take_adapters().is_none());
        let lora = stacked.lora.clone();
        assert_eq!((lora.r, lora.scale(), lora.targets.len()), (r, 1.0, targets), "{adapters:?}");
        let (merged, plain) = (all(&mut merged), all(&mut beside));
        for ((param, merged), (_, mut plain)) in config.table().into_iter().zip(merged).zip(plain) {
            if let Some([a, b]) = lora.beside(&param) {
                let (a, b) = (stacked.read(&a.name).unwrap(), stacked.read(&b.name).unwrap());
                let (inputs, outputs) = param.in_out().unwrap();
                assert_eq!((a.len(), b.len()), (r * inputs, outputs * r));
                let out_in = param.shape == [outputs, inputs] && config.family() == "llama";
                for (o, b) in b.chunks(r).enumerate() {
                    for i in 0..inputs {
                        let sum: f32 = (0..r).map(|k| b[k] * a[k * inputs + i]).sum();
                        plain[if out_in { o * inputs + i } else { i * outputs + o }] += sum;
                    }
                }
            }
            for (x, y) in plain.iter().zip(&merged.1) {
                // The same products in another order, of numbers around one, some of them times 3.
                assert!((x - y).abs() <= 3e-6 * y.abs().max(1.0), "{}: {x} {y}", param.name);
            }
        }
        for none in [
            "wpe.lora_A.weight",
            "lora_A.weight",
            "h.0.attn.c_attn.weight",
            "layers.9.mlp.up_proj.lora_B.weight",
        ] {
            assert!(stacked.read(none).is_err(), "{none}");
        }
    }
    let mut none = huggingface::open(&path("peft/base")).unwrap();
    assert!(none.take_adapters().is_none());
}

/// What is written is what peft writes: its fields, of its types; its keys; and read again it is the same adapter.
#[test]
fn written_as_peft_writes() {
    let linear = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
    for (folder, mut model, words) in [
        ("peft/all", huggingface::open(&path("peft/base")).unwrap(), linear(&["c_attn", "c_fc", "c_proj"])),
        (
            "peft_llama/all",
            llama(),
            linear(&["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"]),
        ),
    ] {
        let (config, theirs) = (*model.config(), path(folder));
        model.add_adapter(&theirs, 1.0).unwrap();
        let merged = all(&mut model);
        let dir = tempfile::tempdir().unwrap();
        let mut stacked = model.take_adapters().unwrap();
        assert!(stacked.lora.targets.is_empty());
        write_stacked(&mut stacked, &config, dir.path());
        let of = |dir: &Path| -> serde_json::Map<String, Value> {
            serde_json::from_slice(&std::fs::read(dir.join(CONFIG)).unwrap()).unwrap()
        };
        let (ours, peft) = (of(dir.path()), of(&theirs));
        for (name, value) in &ours {
            let theirs = &peft[name];
            match name.as_str() {
                // Folded into B.
                "lora_alpha" => assert_eq!(*value, peft["r"]),
                "target_modules" => assert_eq!(*value, json!(words)),
                _ => assert_eq!(value, theirs, "{name}"),
            }
        }
        let shapes =
            |tensors: Named| tensors.into_iter().map(|(name, (shape, _))| (name, shape)).collect::<Vec<_>>();
        assert_eq!(shapes(tensors(dir.path())), shapes(tensors(&theirs)));
        model.add_adapter(dir.path(), 1.0).unwrap();
        for ((name, ours), (_, theirs)) in all(&mut model).iter().zip(&merged) {
            let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-6 * b.abs().max(1.0);
            assert!(ours.iter().zip(theirs).all(close), "{name}");
        }
    }
    let some: crate::base::Lora = "r=4,alpha=2.5,dropout=0.05,targets=mlp.c_proj+c_attn".parse().unwrap();
    let some: Value = serde_json::from_str(&config_json(&some, "gpt2", &CFG)).unwrap();
    assert_eq!(some["target_modules"], json!(["c_attn", "mlp.c_proj"]));
    assert_eq!((&some["lora_alpha"], &some["lora_dropout"]), (&json!(2.5), &json!(0.05)));
}

/// A GGUF of an adapter, and back: the same numbers, whichever way the base lies and whatever the order of its rows.
#[test]
fn through_a_gguf_and_back_an_adapter_is_the_same() {
    let gpt2 = || huggingface::open(&path("peft/base")).unwrap();
    let models: [(&str, &dyn Fn() -> Checkpoint); 3] =
        [("peft/all", &gpt2), ("peft_llama/all", &llama), ("peft_llama/patterns", &llama)];
    for (name, model) in models {
        let (mut merged, mut taken, mut back) = (model(), model(), model());
        merged.add_adapter(&path(name), 1.0).unwrap();
        taken.add_adapter(&path(name), 1.0).unwrap();
        let config = *taken.config();
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.gguf");
        let mut stacked = taken.take_adapters().unwrap();
        gguf::write_lora(&mut stacked, &config, &Dtype::F32, "a", &file, &mut |_| {}).unwrap();
        assert!(gguf::write_lora(&mut stacked, &config, &Dtype::F32, "a", &file, &mut |_| {}).is_err());
        back.add_adapter(&file, 1.0).unwrap();
        for ((name, a), (_, b)) in all(&mut merged).iter().zip(all(&mut back)) {
            // α/r is in B there, and outside of the sum here.
            assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() <= 1e-6 * a.abs().max(1.0)), "{name}");
        }
        let mut half = model();
        let file = dir.path().join("half.gguf");
        gguf::write_lora(&mut stacked, &config, &Dtype::F16, "a", &file, &mut |_| {}).unwrap();
        half.add_adapter(&file, 1.0).unwrap();
        let mut furthest = 0.0_f32;
        for ((_, a), (_, b)) in all(&mut merged).iter().zip(all(&mut half)) {
            furthest = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(furthest, f32::max);
        }
        // Two factors rounded to 11 bits, sums of three products around one.
        assert!(furthest > 0.0 && furthest < 5e-3, "{furthest}");
    }
}

#[test]
fn ggufs_that_are_no_adapter_of_this_model_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.gguf");
    let mut taken = llama();
    taken.add_adapter(&path("peft_llama/all"), 1.0).unwrap();
    let config = *taken.config();
    gguf::write_lora(&mut taken.take_adapters().unwrap(), &config, &Dtype::F32, "a", &file, &mut |_| {})
        .unwrap();
    let good = std::fs::read(&file).unwrap();
    let with = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let mut bytes = good.clone();
        let at = bytes.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        std::fs::write(&file, bytes).unwrap();
        let said = llama().add_adapter(&file, 1.0).unwrap_err().to_string();
        assert!(said.contains("next: "), "{said}");
        said
    };
    let said =
        huggingface::open(&path("peft/base")).unwrap().add_adapter(&file, 1.0).unwrap_err().to_string();
    assert!(said.contains("\"llama\"; the model is a gpt2"), "{said}");
    assert!(with("general.type", "general.tyqe").contains("whole model"));
    assert!(with("adapter.type", "adapter.tyqe").contains("an unnamed one"));
    assert!(with("adapter.lora.alpha", "adapter.lora.alphx").contains("adapter.lora.alpha"));
    assert!(with("weight.lora_a", "weight.lora_x").contains("no part of a LoRA"));
    assert!(with("attn_q.weight.lora_a", "attn_y.weight.lora_a").contains("beside none of a llama"));
    assert!(with("blk.1.attn_q.weight.lora_a", "blk.0.attn_q.weight.lora_a").contains("twice"));
    assert!(with("blk.1.attn_q.weight.lora_a", "blk.7.attn_q.weight.lora_a").contains("one is missing"));
    let mut bytes = good.clone();
    // Behind the last matrix there are 16 zeros.
    let end = bytes.len();
    bytes[end - 20..end - 16].copy_from_slice(&f32::INFINITY.to_le_bytes());
    std::fs::write(&file, &bytes).unwrap();
    let mut broken = llama();
    broken.add_adapter(&file, 1.0).unwrap();
    let said = broken.read("layers.1.mlp.down_proj.weight", 0..1, &mut [0.0; 20]).unwrap_err().to_string();
    assert!(said.contains("not finite"), "{said}");
    for cut in (0..good.len() - 32).step_by(97) {
        std::fs::write(&file, &good[..cut]).unwrap();
        assert!(llama().add_adapter(&file, 1.0).is_err(), "{cut}");
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
        all(&mut Checkpoint::new(find(&path("peft/all"), &path("peft/all"), |_| base()).unwrap()).unwrap())
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
        let result = find(dir.path(), dir.path(), |name| {
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
    let broken = find(&path("peft/all"), &path("peft/all"), |_| Err(Error::file("x", "damaged", "fetch it")));
    assert!(broken.unwrap_err().to_string().starts_with("x: damaged"));
    let nested =
        find(&path("peft/all"), &path("peft/all"), |_| found(&path("peft/all"))).unwrap_err().to_string();
    assert!(nested.contains("is an adapter too") && nested.contains("convert"), "{nested}");
}

#[test]
fn a_base_of_another_revision_is_another_base() {
    let hub = tempfile::tempdir().unwrap();
    let model = hub.path().join("models--a--b");
    let snapshot = model.join("snapshots/0123456789abcdef");
    std::fs::create_dir_all(&snapshot).unwrap();
    std::fs::create_dir_all(model.join("refs/pr")).unwrap();
    std::fs::write(model.join("refs/main"), "0123456789abcdef").unwrap();
    std::fs::write(model.join("refs/pr/1"), "fedcba9876543210").unwrap();
    for name in ["config.json", "model.safetensors"] {
        std::fs::copy(path("peft/base").join(name), snapshot.join(name)).unwrap();
    }
    let of = |revision: Value, base: &Path| {
        let dir = copied("peft/all");
        changed(dir.path(), |s| s["revision"] = revision.clone());
        find(dir.path(), dir.path(), |_| huggingface::find(base))
    };
    for same in [json!(null), json!("main"), json!("0123456789abcdef"), json!("0123456")] {
        let found = of(same.clone(), &snapshot).unwrap();
        assert!(found.about.iter().all(|(what, _)| what != "revision"), "{same}");
    }
    for other in ["pr/1", "0123", "fedcba9876543210", "v1", "../refs/main", "/etc/hostname"] {
        let said = of(other.into(), &snapshot).unwrap_err().to_string();
        assert!(
            said.contains(other) && said.contains("in the cache is \"0123") && said.contains("--base"),
            "{said}"
        );
    }
    let found = of("v1".into(), &path("peft/base")).unwrap();
    assert!(found.about.iter().any(|(what, value)| what == "revision" && value.contains("\"v1\"")));
}

#[test]
fn other_kinds_of_adapters_are_named() {
    assert!(refusal(&path("peft/dora")).contains("use_dora is true"));
    assert!(refusal(&path("peft/embedding")).contains("one matrix is both"));
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
    assert!(of_settings(|s| s["init_lora_weights"] = "next_year".into()).contains("not known here"));
}

#[test]
fn settings_that_contradict_the_file_are_named() {
    let of_saved = |change: &dyn Fn(&mut Value)| {
        let dir = copied("peft/saved");
        changed(dir.path(), change);
        refusal(dir.path())
    };
    let said = of_saved(&|s| s["bias"] = "none".into());
    assert!(said.contains("\"h.0.attn.c_attn.bias\" anew, though bias is \"none\""), "{said}");
    let said = of_saved(&|s| s["modules_to_save"] = json!(["ln_f", "ln_1"]));
    assert!(said.contains("modules_to_save names what is not in it: h.0.ln_1.weight"), "{said}");
    let said = of_settings(|s| s["modules_to_save"] = json!(["lm_head"]));
    assert!(said.contains("modules_to_save names what is not in it: lm_head.weight"), "{said}");
    // Of a classifier peft writes both names that its head may have.
    let dir = copied("peft/saved");
    changed(dir.path(), |s| s["modules_to_save"] = json!(["ln_f", "classifier", "score"]));
    assert!(found_elsewhere(dir.path()).is_ok());
    let dir = copied("peft/patterns");
    let said = |pattern: Value| {
        changed(dir.path(), |s| s["layers_pattern"] = pattern.clone());
        found_elsewhere(dir.path()).map(|_| ()).map_err(|e| e.to_string())
    };
    assert!(said(json!(["layers"])).unwrap_err().contains("this model's layers are called h"));
    for ours in [json!("h"), json!(["layers", "h"]), json!([]), json!("")] {
        said(ours).unwrap();
    }
}

/// peft sets it right by the kind of layer that it finds (`dispatch_default` of its LoRA).
#[test]
fn fan_in_fan_out_says_nothing() {
    let plain = all(&mut Checkpoint::new(found(&path("peft/all")).unwrap()).unwrap());
    let dir = copied("peft/all");
    changed(dir.path(), |s| s["fan_in_fan_out"] = false.into());
    assert_eq!(all(&mut Checkpoint::new(found_elsewhere(dir.path()).unwrap()).unwrap()), plain);
}

#[test]
fn settings_that_are_none_are_named() {
    for (name, value, why) in [
        ("use_rslora", json!("true"), "neither true nor false"),
        ("ensure_weight_tying", json!(1), "neither true nor false"),
        ("use_what_is_not_known_yet", json!(true), "another form"),
        ("bias", json!("some"), "none of those that are read"),
        ("rank_pattern", json!([1]), "no numbers by modules"),
        ("alpha_pattern", json!(8), "no numbers by modules"),
        ("target_modules", json!({"c_attn": 1}), "no names of modules"),
        ("exclude_modules", json!([1]), "no names of modules"),
        ("modules_to_save", json!("ln_f"), "no list of names"),
        ("layers_pattern", json!(1), "no list of names"),
    ] {
        let said = of_settings(|s| s[name] = value.clone());
        assert!(said.contains(&format!("{name} is {value}")) && said.contains(why), "{said}");
    }
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
            .contains("\"h.0.attn.c_proj.weight\", though target_modules does not name it")
    );
    let said = of_settings(|s| s["layers_to_transform"] = json!([1]));
    assert!(said.contains("\"h.0.attn.c_attn.weight\", though layers_to_transform"), "{said}");
    let said = of_settings(|s| s["layers_to_transform"] = json!("1"));
    assert!(said.contains("no list of layers"), "{said}");
    for excluded in [json!(["c_fc"]), json!(r".*\.c_fc")] {
        let said = of_settings(|s| s["exclude_modules"] = excluded.clone());
        assert!(said.contains("\"h.0.mlp.c_fc.weight\", though exclude_modules"), "{said}");
    }
    for all in [json!("all-linear"), json!(r".*\.(c_attn|c_fc|c_proj)"), json!(r"(?=lookahead).*")] {
        let dir = copied("peft/all");
        changed(dir.path(), |s| s["target_modules"] = all.clone());
        assert!(found_elsewhere(dir.path()).is_ok(), "{all}");
    }
    let said = of_settings(|s| s["target_modules"] = json!(r".*\.c_attn"));
    assert!(said.contains("though target_modules does not name it"), "{said}");
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
    assert!(
        of_tensors("peft/all", renamed("h.7.attn.c_attn")).contains("no matrix of the model (a gpt2 of 2")
    );
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
    assert!(of_tensors("peft/saved", alone).contains("one matrix is both"));
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
    let message = refusal(dir.path());
    assert!(message.contains("no longer tied") && message.contains("adapter_model"), "{message}");
    // A head alone, which is no fault of the base's.
    let head = |t: &mut Named| drop(t.insert("base_model.model.lm_head.weight".into(), wte.clone()));
    assert!(of_tensors("peft/saved", head).contains("one matrix is both"));
    // Tied by peft, it is the embedding.
    both = tensors(&path("peft/saved"));
    head(&mut both);
    write(dir.path(), &both);
    changed(dir.path(), |s| s["ensure_weight_tying"] = true.into());
    let mut model = Checkpoint::new(found_elsewhere(dir.path()).unwrap()).unwrap();
    assert_eq!(all(&mut model)[0].1, wte.1);
    // Trained whole, in another shape or of another network.
    for (key, expected) in [("ln_f.weight", "as [3]; the model's is [12]"), ("h.0.cross.weight", "has not")] {
        let said = of_tensors("peft/saved", |t| {
            t.insert(format!("base_model.model.transformer.{key}"), (vec![3], vec![0.0; 3]));
        });
        assert!(said.contains(expected), "{said}");
    }
    let mask = |t: &mut Named| {
        t.insert("base_model.model.transformer.h.0.attn.bias".into(), (vec![1, 1, 2, 2], vec![0.0; 4]));
        t.insert("base_model.model.score.weight".into(), (vec![2, 12], vec![0.0; 24]));
    };
    both = tensors(&path("peft/saved"));
    mask(&mut both);
    write(dir.path(), &both);
    assert!(Checkpoint::new(found_elsewhere(dir.path()).unwrap()).is_ok());
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
fn what_counts_too_much_is_the_adapters_fault() {
    // Finite in single precision, and beyond it where B·A is not small.
    let dir = copied("peft/all");
    changed(dir.path(), |s| s["lora_alpha"] = json!(3e38));
    let mut large = tensors(dir.path());
    large.values_mut().for_each(|(_, data)| data.fill(100.0));
    write(dir.path(), &large);
    let mut model = Checkpoint::new(found_elsewhere(dir.path()).unwrap()).unwrap();
    let merged = model.read("h.0.attn.c_attn.weight", 0..1, &mut [0.0; 36]).unwrap_err().to_string();
    assert!(model.adapters_told().unwrap().contains("α 3e38, B·A counts 7.5e37 times"));
    let beside =
        model.take_adapters().unwrap().read("h.0.attn.c_attn.lora_B.weight").unwrap_err().to_string();
    for said in [merged, beside] {
        assert!(
            said.contains("adapter_model.safetensors: what it adds to \"h.0.attn.c_attn.weight\""),
            "{said}"
        );
        assert!(said.contains("its α is 3e38, and B·A counts 7.5e37 times"), "{said}");
    }
    assert!(of_settings(|s| s["lora_alpha"] = json!(1e39)).contains("lora_alpha is 1e39, more than single"));
    // A base that holds no number is the base's.
    let (base, dir) = (copied("peft/base"), copied("peft/all"));
    let file = base.path().join("model.safetensors");
    let mut broken = named(&file);
    let name = broken.keys().find(|name| name.ends_with("h.0.attn.c_attn.weight")).unwrap().clone();
    broken.get_mut(&name).unwrap().1[7] = f32::INFINITY;
    let list: Vec<_> = broken.iter().map(|(name, (shape, _))| (name.clone(), shape.clone())).collect();
    std::fs::remove_file(&file).unwrap();
    let mut writer = Writer::create(&file, &list, Dtype::F32, &BTreeMap::new()).unwrap();
    broken.values().for_each(|(_, data)| writer.write_f32(data).unwrap());
    writer.finish().unwrap();
    let mut model =
        Checkpoint::new(find(dir.path(), dir.path(), |_| huggingface::find(base.path())).unwrap()).unwrap();
    let said = model.read("h.0.attn.c_attn.weight", 0..1, &mut [0.0; 36]).unwrap_err().to_string();
    assert!(
        said.contains("model.safetensors: tensor") && said.contains("not finite (inf) in row 0"),
        "{said}"
    );
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
