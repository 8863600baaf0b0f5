//! Models of Phi's shape against what transformers and the gguf package wrote (`tests/fixtures/phi`), and what is refused of such.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::base::{Config, Phi, Result};
use crate::tokens::Tokenizer;
use crate::weights::fixtures::all;
use crate::weights::gguf::Description;
use crate::weights::{Checkpoint, Dtype, gguf, huggingface, llmc, nanogpt, open, safetensors};

const PHI: Phi = Phi {
    vocab_size: 19,
    block_size: 16,
    n_layer: 2,
    n_head: 4,
    n_kv_head: 2,
    n_embd: 40,
    n_ff: 28,
    rotary: 4,
    rope_theta: 500.0,
};
const FUSED: Phi = Phi { n_embd: 64, n_layer: 1, rotary: 8, ..PHI };

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/phi").join(name)
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
    let key = |name: String| if name.starts_with("lm_head.") { name } else { format!("model.{name}") };
    all(checkpoint).into_iter().map(|(name, data)| (key(name), data)).collect()
}

#[test]
fn folders_and_ggufs_of_others_are_read() {
    let expected = theirs(&path("phi/model.safetensors"));
    assert_eq!(expected.len(), 5 + 14 * 2);
    for place in [path("phi"), path("phi.gguf")] {
        let mut checkpoint = open(&place).unwrap();
        assert_eq!(*checkpoint.config(), Config::Phi(PHI), "{}", place.display());
        assert!(ours(&mut checkpoint) == expected, "{}", place.display());
    }
}

/// Queries, keys and values in one tensor, its blocks too.
#[test]
fn what_is_fused_is_read_as_three() {
    let mut checkpoint = open(&path("fused.gguf")).unwrap();
    assert_eq!(*checkpoint.config(), Config::Phi(FUSED));
    assert!(ours(&mut checkpoint) == theirs(&path("fused.safetensors")));
    let name = "layers.0.self_attn.k_proj.weight";
    assert_eq!(checkpoint.stored(name), Some(Dtype::Q8_0));
    let (mut bytes, mut numbers, mut read) = (Vec::new(), vec![0.0; 5 * 64], vec![1.0; 5 * 64]);
    checkpoint.read_stored(name, 3..8, &mut bytes).unwrap();
    Dtype::Q8_0.decode(&bytes, &mut numbers);
    checkpoint.read(name, 3..8, &mut read).unwrap();
    assert_eq!(numbers, read);
}

/// A Phi's folder, its config changed.
fn changed(change: impl FnOnce(&mut Map<String, Value>)) -> Result<Config> {
    let dir = tempfile::tempdir().unwrap();
    let mut said: Value = serde_json::from_slice(&std::fs::read(path("phi/config.json")).unwrap()).unwrap();
    change(said.as_object_mut().unwrap());
    std::fs::write(dir.path().join("config.json"), said.to_string()).unwrap();
    std::fs::copy(path("phi/model.safetensors"), dir.path().join("model.safetensors")).unwrap();
    huggingface::open(dir.path()).map(|checkpoint| *checkpoint.config())
}

#[test]
fn settings_of_other_networks_are_refused_by_name() {
    let rope =
        |factor: Value| json!({"rope_type": "default", "rope_theta": 500.0, "partial_rotary_factor": factor});
    for (name, value, told) in [
        ("model_type", json!("phi3"), "another architecture: phi3"),
        ("model_type", json!("phi-msft"), "another architecture: phi-msft"),
        ("qk_layernorm", json!(true), "qk_layernorm is true"),
        ("tie_word_embeddings", json!(true), "tie_word_embeddings is true"),
        ("hidden_act", json!("gelu"), "hidden_act is \"gelu\""),
        ("layer_norm_eps", json!(1e-6), "layer_norm_eps is"),
        ("rope_scaling", json!({"type": "linear", "factor": 2.0}), "rope_scaling is"),
        ("rope_parameters", json!({"rope_type": "yarn", "rope_theta": 500.0}), "rope_parameters is"),
        ("rope_theta", json!(501.0), "says two"),
        ("partial_rotary_factor", json!(0.5), "says two"),
        ("rope_parameters", rope(json!("half")), "partial_rotary_factor is \"half\""),
        ("rope_parameters", rope(json!(0.3)), "3 of a head's 10 channels turn"),
        ("rope_parameters", rope(json!(1.2)), "12 of a head's 10 channels turn"),
        ("rope_parameters", rope(json!(-0.4)), "rotary is zero"),
        ("quantization_config", json!({"bits": 4}), "quantization_config"),
        ("head_dim", json!(12), "head_dim is 12"),
        ("num_key_value_heads", json!(3), "no multiple of 3 heads"),
        ("num_attention_heads", json!(7), "no multiple of num_attention_heads 7"),
        ("intermediate_size", Value::Null, "does not say intermediate_size"),
        ("vocab_size", json!(20), "embed_tokens.weight is [19, 40], not [20, 40]"),
        ("num_hidden_layers", json!(3), "14 of the 47"),
    ] {
        let message = changed(|said| drop(said.insert(name.into(), value))).unwrap_err().to_string();
        assert!(message.contains(told) && message.contains("next: "), "{name}: {message}");
    }
}

#[test]
fn what_may_be_absent_or_said_another_way() {
    // As transformers 4 writes it, by the class alone.
    let four = |said: &mut Map<String, Value>| {
        said.remove("rope_parameters");
        said.remove("model_type");
        said.insert("rope_scaling".into(), Value::Null);
        said.insert("rope_theta".into(), json!(500));
        said.insert("partial_rotary_factor".into(), json!(0.4));
        said.insert("hidden_act".into(), json!("gelu_pytorch_tanh"));
        said.insert("head_dim".into(), json!(10));
        said.insert("resid_pdrop".into(), json!(0.1));
        said.remove("tie_word_embeddings");
    };
    assert_eq!(changed(four).unwrap(), Config::Phi(PHI));
    // Phi-1's factor is the class's own.
    let by_class = |said: &mut Map<String, Value>| {
        said.remove("rope_parameters");
        said.insert("hidden_size".into(), json!(40));
    };
    let told = changed(by_class).unwrap_err().to_string();
    assert!(told.contains("5 of a head's 10 channels turn"), "{told}");
}

/// What we write of a model says what transformers said of it, and more only where older readers look.
#[test]
fn a_folder_is_written_as_transformers_writes_it() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let mut checkpoint = open(&path("phi")).unwrap();
    huggingface::export(&mut checkpoint, None, &Dtype::F32, 0.1, &[], &out, &mut |_| ()).unwrap();
    let read = |path: &Path| -> Map<String, Value> {
        serde_json::from_slice(&std::fs::read(path.join("config.json")).unwrap()).unwrap()
    };
    let (mut written, mut given) = (read(&out), read(&path("phi")));
    assert_eq!(written.remove("rope_theta"), Some(json!(500.0)));
    assert_eq!(written.remove("partial_rotary_factor"), Some(json!(0.4)));
    for unknown in ["bos_token_id", "eos_token_id"] {
        assert_eq!(written.remove(unknown), Some(Value::Null));
        given.remove(unknown);
    }
    given.remove("transformers_version");
    assert_eq!(written, given);
    let model = "model.safetensors";
    assert!(theirs(&out.join(model)) == theirs(&path("phi").join(model)));
    assert_eq!(open(&out).unwrap().config(), checkpoint.config());
}

#[test]
fn a_gguf_comes_back_with_its_biases() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::Phi(Phi { vocab_size: 257, ..FUSED });
    let state = dir.path().join("model.safetensors");
    let mut writer = huggingface::writer(&state, &config, Dtype::F32).unwrap();
    let numbers = |n: usize| (0..n).map(|i| (i * 37 % 101) as f32 / 64.0 - 0.5).collect::<Vec<_>>();
    config.table().iter().for_each(|p| writer.write_f32(&numbers(p.numel())).unwrap());
    writer.finish().unwrap();
    let mut checkpoint = huggingface::open_file(&state, config).unwrap();
    let (file, about) = (dir.path().join("x.gguf"), Description { name: "me", chat_template: None });
    gguf::write(&mut checkpoint, &Tokenizer::bytes(), &Dtype::F32, &about, &file, &mut |_| ()).unwrap();
    let mut again = open(&file).unwrap();
    assert_eq!(*again.config(), config);
    assert!(all(&mut again) == all(&mut checkpoint));
}

#[test]
fn other_forms_say_that_they_are_gpt2s() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("x");
    let mut phi = open(&path("phi")).unwrap();
    for told in [
        llmc::write(&mut phi, &Dtype::F32, &out, &mut |_| ()).unwrap_err(),
        nanogpt::write(&mut phi, &Dtype::F32, &out, &mut |_| ()).unwrap_err(),
    ] {
        let told = told.to_string();
        assert!(told.contains("is for GPT-2 alone") && told.contains("--to hf or gguf"), "{told}");
    }
    assert!(!out.exists());
}
