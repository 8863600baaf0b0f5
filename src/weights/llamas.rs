//! Models of Llama's shape against what transformers and the gguf package wrote (`tests/fixtures/llama`), and what is refused
//! of such.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::base::{Config, Llama, Result};
use crate::tokens::Ends;
use crate::weights::fixtures::all;
use crate::weights::safetensors::{self, Writer};
use crate::weights::{Checkpoint, Dtype, gguf, huggingface, llmc, nanogpt, open};

const LLAMA: Llama = Llama {
    vocab_size: 19,
    block_size: 16,
    n_layer: 2,
    n_head: 6,
    n_kv_head: 2,
    n_embd: 24,
    head_size: 4,
    n_ff: 20,
    rope_theta: 500.0,
    eps: 1e-5,
    window: None,
    tied: true,
};
const MISTRAL: Llama = Llama { head_size: 6, window: Some(5), tied: false, ..LLAMA };

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/llama").join(name)
}

/// The tensors of a file, by the keys that transformers gives them.
fn theirs(path: &Path) -> BTreeMap<String, Vec<f32>> {
    let mut tensors = safetensors::open(path).unwrap();
    let names: Vec<String> = tensors.entries().iter().map(|e| e.name.clone()).collect();
    let mut read = |name: String| {
        let mut out = Vec::new();
        tensors.read_f32(&name, &mut out).unwrap();
        (name, out)
    };
    names.into_iter().map(&mut read).collect()
}

/// Every parameter, under the keys that transformers gives them.
fn ours(checkpoint: &mut Checkpoint) -> BTreeMap<String, Vec<f32>> {
    let key = |name: String| if name == "lm_head.weight" { name } else { format!("model.{name}") };
    all(checkpoint).into_iter().map(|(name, data)| (key(name), data)).collect()
}

#[test]
fn folders_and_ggufs_of_others_are_read() {
    for (name, config) in [("llama", LLAMA), ("mistral", MISTRAL)] {
        let expected = theirs(&path(name).join("model.safetensors"));
        for place in [path(name), path(&format!("{name}.gguf"))] {
            let mut checkpoint = open(&place).unwrap();
            assert_eq!(*checkpoint.config(), Config::Llama(config), "{}", place.display());
            assert!(ours(&mut checkpoint) == expected, "{}", place.display());
        }
    }
    let mut sharded = open(&path("sharded")).unwrap();
    let config = Llama {
        n_layer: 1,
        n_head: 3,
        n_kv_head: 1,
        head_size: 8,
        rope_theta: 10_000.0,
        tied: false,
        ..LLAMA
    };
    assert_eq!(*sharded.config(), Config::Llama(config));
    let parts = (1..=3).map(|n| path("sharded").join(format!("model-0000{n}-of-00003.safetensors")));
    let expected: BTreeMap<_, _> = parts.flat_map(|part| theirs(&part)).collect();
    assert!(ours(&mut sharded) == expected && sharded.stored("layers.0.mlp.up_proj.weight").is_none());
}

#[test]
fn blocks_are_the_numbers_that_transformers_reads() {
    let mut checkpoint = open(&path("blocks.gguf")).unwrap();
    assert!(ours(&mut checkpoint) == theirs(&path("blocks.safetensors")));
    let attention = |name: &str| format!("layers.0.self_attn.{name}.weight");
    for (name, dtype) in [
        ("embed_tokens.weight".to_string(), Some(Dtype::Q8_0)),
        (attention("q_proj"), Some(Dtype::Q4_1)),
        (attention("k_proj"), Some(Dtype::Q8_0)),
        (attention("v_proj"), Some(Dtype::F16)),
        ("layers.0.mlp.down_proj.weight".into(), None),
        ("norm.weight".into(), None),
    ] {
        assert_eq!(checkpoint.stored(&name), dtype, "{name}");
        let Some(dtype) = dtype else { continue };
        let (mut bytes, mut numbers, mut read) = (Vec::new(), vec![0.0; 7 * 32], vec![1.0; 7 * 32]);
        checkpoint.read_stored(&name, 3..10, &mut bytes).unwrap();
        dtype.decode(&bytes, &mut numbers);
        checkpoint.read(&name, 3..10, &mut read).unwrap();
        assert_eq!(numbers, read, "{name}");
    }
}

#[test]
fn a_scale_that_is_no_number_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (name, at) = ("layers.0.self_attn.q_proj.weight", dir.path().join("x.gguf"));
    let entry = gguf::find(&path("blocks.gguf")).unwrap().tensors.entry(name).unwrap().clone();
    let mut bytes = std::fs::read(path("blocks.gguf")).unwrap();
    // Row 2 of the file is the second channel of the first half: row 1.
    bytes[entry.offset as usize + 2 * 20..][..2].copy_from_slice(&0x7e00_u16.to_le_bytes());
    std::fs::write(&at, bytes).unwrap();
    let told = open(&at).unwrap().read_stored(name, 0..4, &mut Vec::new()).unwrap_err().to_string();
    assert!(told.contains("NaN") && told.contains("row 1"), "{told}");
}

/// A folder of a Llama, its config and its tensors changed.
fn changed(
    config: impl FnOnce(&mut serde_json::Map<String, Value>),
    tensors: impl FnOnce(&mut BTreeMap<String, (Vec<usize>, Vec<f32>)>),
) -> (tempfile::TempDir, Result<Checkpoint>) {
    let dir = tempfile::tempdir().unwrap();
    let mut said: Value = serde_json::from_slice(&std::fs::read(path("llama/config.json")).unwrap()).unwrap();
    config(said.as_object_mut().unwrap());
    std::fs::write(dir.path().join("config.json"), said.to_string()).unwrap();
    let file = path("llama/model.safetensors");
    let shapes = safetensors::open(&file).unwrap();
    let mut all: BTreeMap<_, _> = (theirs(&file).into_iter())
        .map(|(name, data)| (name.clone(), (shapes.entry(&name).unwrap().shape.clone(), data)))
        .collect();
    tensors(&mut all);
    let table: Vec<_> = all.iter().map(|(name, (shape, _))| (name.clone(), shape.clone())).collect();
    let model = dir.path().join("model.safetensors");
    let mut writer = Writer::create(&model, &table, Dtype::F32, &BTreeMap::new()).unwrap();
    all.values().for_each(|(_, data)| writer.write_f32(data).unwrap());
    writer.finish().unwrap();
    let opened = huggingface::open(dir.path());
    (dir, opened)
}

#[test]
fn settings_of_other_networks_are_refused_by_name() {
    for (name, value, told) in [
        ("model_type", json!("qwen2"), "another architecture: qwen2"),
        ("rope_scaling", json!({"type": "linear", "factor": 2.0}), "rope_scaling is"),
        ("rope_parameters", json!({"rope_type": "llama3", "rope_theta": 500.0}), "rope_parameters is"),
        (
            "rope_parameters",
            json!({"rope_type": "default", "rope_theta": 500.0, "partial_rotary_factor": 0.5}),
            "rope_parameters is",
        ),
        ("rope_theta", json!(501.0), "says two"),
        ("attention_bias", json!(true), "attention_bias is true"),
        ("mlp_bias", json!(true), "mlp_bias is true"),
        ("hidden_act", json!("gelu"), "hidden_act is \"gelu\""),
        ("partial_rotary_factor", json!(0.25), "partial_rotary_factor is 0.25"),
        ("quantization_config", json!({"bits": 4}), "quantization_config"),
        ("num_local_experts", json!(8), "num_local_experts is 8"),
        ("layer_types", json!(["full_attention", "sliding_attention"]), "layer_types"),
        ("num_key_value_heads", json!(4), "no multiple of 4 heads"),
        ("num_key_value_heads", json!(0), "num_key_value_heads is 0, no size of a model"),
        ("num_attention_heads", json!(7), "no multiple of num_attention_heads 7"),
        ("intermediate_size", Value::Null, "does not say intermediate_size"),
        ("rms_norm_eps", json!("small"), "rms_norm_eps is"),
        ("rms_norm_eps", json!(0.0), "epsilon"),
        ("head_dim", json!(5), "5 channels"),
        ("vocab_size", json!(20), "embed_tokens.weight is [19, 24], not [20, 24]"),
        ("num_hidden_layers", json!(3), "9 of the 29"),
    ] {
        let change = |said: &mut serde_json::Map<String, Value>| {
            if name == "num_attention_heads" {
                said.remove("head_dim");
            }
            said.insert(name.into(), value);
        };
        let message = changed(change, |_| ()).1.unwrap_err().to_string();
        assert!(message.contains(told) && message.contains("next: "), "{name}: {message}");
    }
}

#[test]
fn what_may_be_absent_or_said_another_way() {
    let shape =
        |change: fn(&mut serde_json::Map<String, Value>)| *changed(change, |_| ()).1.unwrap().config();
    assert_eq!(shape(|said| drop(said.remove("head_dim"))), Config::Llama(LLAMA));
    assert_eq!(shape(|said| drop(said.insert("hidden_act".into(), json!("swish")))), Config::Llama(LLAMA));
    assert_eq!(shape(|said| drop(said.insert("pretraining_tp".into(), json!(2)))), Config::Llama(LLAMA));
    // As transformers 4 writes it.
    let four = |said: &mut serde_json::Map<String, Value>| {
        said.remove("rope_parameters");
        said.insert("rope_scaling".into(), Value::Null);
        said.insert("rope_theta".into(), json!(500));
        said.remove("model_type");
    };
    assert_eq!(shape(four), Config::Llama(LLAMA));
    // A Mistral's window is 4096 where it says nothing, and none where it says null.
    let mistral =
        |said: &mut serde_json::Map<String, Value>| drop(said.insert("model_type".into(), json!("mistral")));
    assert_eq!(shape(mistral).window(), Some(4096));
    let null = |said: &mut serde_json::Map<String, Value>| {
        said.insert("model_type".into(), json!("mistral"));
        said.insert("sliding_window".into(), Value::Null);
    };
    assert_eq!(shape(null), Config::Llama(LLAMA));
}

#[test]
fn a_head_is_tied_as_the_config_says() {
    const EMBEDDING: &str = "model.embed_tokens.weight";
    let tie = |tied: Option<bool>| {
        move |said: &mut serde_json::Map<String, Value>| match tied {
            Some(tied) => drop(said.insert("tie_word_embeddings".into(), json!(tied))),
            None => drop(said.remove("tie_word_embeddings")),
        }
    };
    let head = |by: f32| {
        move |all: &mut BTreeMap<String, (Vec<usize>, Vec<f32>)>| {
            let (shape, data) = all[EMBEDDING].clone();
            let data = data.iter().map(|x| x * by).collect();
            all.insert("lm_head.weight".into(), (shape, data));
        }
    };
    let expected = theirs(&path("llama/model.safetensors"));
    // Tied, and the head there too; or the head alone.
    let (_dir, both) = changed(tie(Some(true)), head(1.0));
    assert!(ours(&mut both.unwrap()) == expected);
    let (_dir, alone) = changed(tie(Some(true)), |all| {
        let embedding = all.remove(EMBEDDING).unwrap();
        all.insert("lm_head.weight".into(), embedding);
    });
    assert!(ours(&mut alone.unwrap()) == expected);
    let told = changed(tie(Some(true)), head(2.0)).1.unwrap_err().to_string();
    assert!(
        told.contains("differs from embed_tokens.weight") && told.contains("false in config.json"),
        "{told}"
    );
    // Not tied: a parameter like the others, even where it is the same.
    for by in [1.0, 2.0] {
        let (_dir, own) = changed(tie(Some(false)), head(by));
        let mut own = own.unwrap();
        assert_eq!(*own.config(), Config::Llama(Llama { tied: false, ..LLAMA }));
        let data = ours(&mut own);
        let doubled: Vec<f32> = expected[EMBEDDING].iter().map(|x| x * by).collect();
        assert!(data["lm_head.weight"] == doubled && data[EMBEDDING] == expected[EMBEDDING]);
    }
    for tied in [Some(false), None] {
        let told = changed(tie(tied), |_| ()).1.unwrap_err().to_string();
        assert!(told.contains("lm_head.weight is not in the file") && told.contains("next: "), "{told}");
    }
    let told = changed(tie(Some(true)), |all| drop(all.remove(EMBEDDING))).1.unwrap_err().to_string();
    assert!(told.contains("missing: embed_tokens.weight"), "{told}");
}

#[test]
fn what_does_not_belong_is_refused_and_angles_are_not() {
    let with = |name: &'static str| {
        changed(|_| (), move |all| drop(all.insert(name.into(), (vec![2], vec![0.5; 2])))).1
    };
    for name in [
        "model.layers.0.self_attn.q_proj.bias",
        "model.layers.1.self_attn.q_norm.weight",
        "model.layers.1.mlp.experts.0.up_proj.weight",
        "model.layers.0.self_attn.q_proj.lora_A.weight",
        "model.layers.2.input_layernorm.weight",
        "model.norm.bias",
        "lm_head.bias",
    ] {
        let told = with(name).unwrap_err().to_string();
        let key = name.trim_start_matches("model.");
        assert!(told.contains("1 tensors belong to no Llama") && told.contains(key), "{told}");
    }
    for name in ["model.layers.0.self_attn.rotary_emb.inv_freq", "score.weight"] {
        with(name).unwrap();
    }
}

#[test]
fn other_forms_say_that_they_are_gpt2s() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("x");
    let mut llama = open(&path("llama")).unwrap();
    for told in [
        llmc::write(&mut llama, &Dtype::F32, &out, &mut |_| ()).unwrap_err(),
        nanogpt::write(&mut llama, &Dtype::F32, &out, &mut |_| ()).unwrap_err(),
    ] {
        let told = told.to_string();
        assert!(told.contains("is for GPT-2 alone") && told.contains("--to hf or gguf"), "{told}");
    }
    assert!(!out.exists());
}

/// What we write of a model says what transformers said of it, and more only where older readers look.
#[test]
fn a_folder_is_written_as_transformers_writes_it() {
    for name in ["llama", "mistral"] {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let mut checkpoint = open(&path(name)).unwrap();
        huggingface::export(&mut checkpoint, None, &Dtype::F32, 0.1, &[], &out, &mut |_| ()).unwrap();
        let read = |path: &Path| -> serde_json::Map<String, Value> {
            serde_json::from_slice(&std::fs::read(path.join("config.json")).unwrap()).unwrap()
        };
        let (mut written, mut given) = (read(&out), read(&path(name)));
        assert_eq!(written.remove("rope_theta"), Some(json!(500.0)));
        for unknown in ["bos_token_id", "eos_token_id"] {
            assert_eq!(written.remove(unknown), Some(Value::Null));
            given.remove(unknown);
        }
        given.remove("transformers_version");
        // A factor that cuts products into parts: Llama 2's conversion used it, and it says nothing here.
        given.remove("pretraining_tp");
        assert_eq!(written, given, "{name}");
        let model = "model.safetensors";
        assert!(theirs(&out.join(model)) == theirs(&path(name).join(model)));
        assert_eq!(open(&out).unwrap().config(), checkpoint.config());
    }
    // Heads that do not divide the channels: transformers has that in a Mistral alone.
    let odd = Config::Llama(Llama { n_head: 10, n_kv_head: 2, ..LLAMA });
    let text = huggingface::config_json(&odd, 0.0, &Ends::at(3));
    assert!(text.contains("\"mistral\"") && text.contains("\"sliding_window\": null"), "{text}");
}
