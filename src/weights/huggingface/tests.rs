//! Folders as they come: whole, prefixed, split, tied, and wrong in every way a person meets.

use serde_json::{Value, json};

use super::*;
use crate::base::Preset;
use crate::base::rng::Rng;
use crate::tokens::Ends;
use crate::weights;

const CFG: Config =
    Config::Gpt2(crate::base::Gpt2 { vocab_size: 13, block_size: 6, n_layer: 2, n_head: 3, n_embd: 12 });

type Tensors = Vec<(String, Vec<usize>, Vec<f32>)>;

fn weights() -> Tensors {
    let mut rng = Rng::new(1, "weights");
    let fill = |n: usize, rng: &mut Rng| (0..n).map(|_| rng.normal()).collect();
    CFG.table()
        .into_iter()
        .map(|p| {
            let data = fill(p.numel(), &mut rng);
            (p.name, p.shape, data)
        })
        .collect()
}

fn write_file(path: &Path, tensors: &Tensors) {
    let list: Vec<_> = tensors.iter().map(|(n, s, _)| (n.clone(), s.clone())).collect();
    let mut writer = Writer::create(path, &list, Dtype::F32, &BTreeMap::new()).unwrap();
    for (_, _, data) in tensors {
        writer.write_f32(data).unwrap();
    }
    writer.finish().unwrap();
}

fn folder(tensors: &Tensors) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("config.json"), config_json(&CFG, 0.1, &Ends::at(12))).unwrap();
    write_file(&dir.path().join("model.safetensors"), tensors);
    dir
}

fn check_all(mut checkpoint: Checkpoint, tensors: &Tensors) {
    assert_eq!(*checkpoint.config(), CFG);
    for (name, shape, data) in tensors {
        let mut out = vec![0.0; data.len()];
        checkpoint.read(name, 0..shape[0], &mut out).unwrap();
        assert_eq!(out, *data, "{name}");
    }
}

fn refusal(tensors: &Tensors) -> String {
    let message = open(folder(tensors).path()).unwrap_err().to_string();
    assert!(message.contains("next: "), "{message}");
    message
}

#[test]
fn a_folder_is_read_with_or_without_prefix_masks_and_head() {
    let plain = weights();
    check_all(open(folder(&plain).path()).unwrap(), &plain);

    let mut dressed: Tensors =
        plain.iter().map(|(n, s, d)| (format!("transformer.{n}"), s.clone(), d.clone())).collect();
    dressed.push(("transformer.h.0.attn.bias".into(), vec![1, 1, 2, 2], vec![1.0; 4]));
    dressed.push(("transformer.h.0.attn.masked_bias".into(), vec![], vec![-1e4]));
    dressed.push(("lm_head.weight".into(), plain[0].1.clone(), plain[0].2.clone()));
    dressed.push(("score.weight".into(), vec![2, 12], vec![0.0; 24]));
    check_all(open(folder(&dressed).path()).unwrap(), &plain);

    // torch's save_model keeps one name of two tied ones, and it may be the head's.
    let mut swapped = plain.clone();
    swapped[0].0 = "lm_head.weight".into();
    check_all(open(folder(&swapped).path()).unwrap(), &plain);
}

/// As `nn.Linear` stores them: all matrices of the blocks as (out, in), the square ones too.
#[test]
fn turned_matrices_are_turned_back() {
    let plain = weights();
    let mut turned = plain.clone();
    for (_, shape, data) in turned.iter_mut().filter(|(n, s, _)| n.starts_with("h.") && s.len() == 2) {
        let (rows, width) = (shape[0], shape[1]);
        let columns = (0..width).flat_map(|j| (0..rows).map(move |i| i * width + j));
        *data = columns.map(|at| data[at]).collect();
        *shape = vec![width, rows];
    }
    let dir = folder(&turned);
    check_all(open(dir.path()).unwrap(), &plain);
    // Rows from the middle, and again from the start: the turned tensor is kept, and is the right one.
    let mut checkpoint = open(dir.path()).unwrap();
    let (name, _, data) = plain.iter().find(|(n, _, _)| n == "h.1.mlp.c_fc.weight").unwrap();
    let mut rows = vec![0.0; 3 * 48];
    for start in [5, 0, 9] {
        checkpoint.read(name, start..start + 3, &mut rows).unwrap();
        assert_eq!(rows, data[start * 48..(start + 3) * 48]);
    }
}

#[test]
fn a_split_checkpoint_is_read() {
    let all = weights();
    let dir = tempfile::tempdir().unwrap();
    let at = |n: &str| dir.path().join(n);
    std::fs::write(at("config.json"), config_json(&CFG, 0.1, &Ends::at(12))).unwrap();
    write_file(&at("model-00001-of-00002.safetensors"), &all[..9].to_vec());
    write_file(&at("model-00002-of-00002.safetensors"), &all[9..].to_vec());
    let map: BTreeMap<String, String> = all
        .iter()
        .enumerate()
        .map(|(i, t)| (t.0.clone(), format!("model-0000{}-of-00002.safetensors", 1 + i / 9 % 2)))
        .collect();
    let index = at("model.safetensors.index.json");
    std::fs::write(&index, json!({ "metadata": {}, "weight_map": map }).to_string()).unwrap();
    check_all(open(dir.path()).unwrap(), &all);
    for outside in ["../model.safetensors", "/etc/passwd", "..", "c:x"] {
        std::fs::write(&index, json!({ "weight_map": { "wte.weight": outside } }).to_string()).unwrap();
        let message = open(dir.path()).unwrap_err().to_string();
        assert!(message.contains("not a file beside it"), "{message}");
    }
}

#[test]
fn what_is_written_is_read_back() {
    let all = weights();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.safetensors");
    std::fs::write(dir.path().join("config.json"), config_json(&CFG, 0.0, &Ends::at(12))).unwrap();
    let mut out = writer(&path, &CFG, Dtype::F32).unwrap();
    all.iter().for_each(|(_, _, data)| out.write_f32(data).unwrap());
    out.finish().unwrap();
    let reader = safetensors::open(&path).unwrap();
    assert_eq!(
        safetensors::metadata(&path).unwrap(),
        BTreeMap::from([("format".to_string(), "pt".to_string())])
    );
    assert!(reader.entries().iter().all(|e| e.name.starts_with("transformer.")));
    check_all(open(dir.path()).unwrap(), &all);
    check_all(open_file(&path, CFG).unwrap(), &all);
}

#[test]
fn wrong_weights_are_named() {
    let all = weights();
    let missing: Tensors = all.iter().filter(|t| !t.0.contains("ln_")).cloned().collect();
    let message = refusal(&missing);
    assert!(message.contains("10 of the 28") && message.contains("h.0.ln_1.weight"), "{message}");
    assert!(message.contains("(5 more)"), "{message}");

    let mut transposed = all.clone();
    transposed[4].1.reverse();
    let message = refusal(&transposed);
    assert!(message.contains("h.0.attn.c_attn.weight is [36, 12], not [12, 36]"), "{message}");

    let mut extra = all.clone();
    extra.push(("h.0.crossattention.c_attn.weight".into(), vec![1], vec![0.0]));
    assert!(refusal(&extra).contains("h.0.crossattention.c_attn.weight"));

    let mut deeper = all.clone();
    deeper.push(("h.2.ln_1.weight".into(), vec![12], vec![0.0; 12]));
    assert!(refusal(&deeper).contains("h.2.ln_1.weight"));

    let mut twice = all.clone();
    twice.push(("transformer.wpe.weight".into(), all[1].1.clone(), all[1].2.clone()));
    assert!(refusal(&twice).contains("twice"));

    let mut head = all[0].2.clone();
    head[12 * 7 + 3] += 1.0;
    let mut untied = all.clone();
    untied.push(("lm_head.weight".into(), all[0].1.clone(), head));
    assert!(refusal(&untied).contains("row 7"));

    let mut padded = all.clone();
    padded.push(("lm_head.weight".into(), vec![16, 12], vec![0.0; 16 * 12]));
    assert!(refusal(&padded).contains("[16, 12], not [13, 12]"));
}

#[test]
fn quantized_weights_are_refused_at_once() {
    let dir = folder(&weights());
    let path = dir.path().join("model.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    // I32 is as wide as F32: only the header's letters change.
    let at = bytes.windows(5).position(|w| w == b"\"F32\"").unwrap();
    let changed = [&bytes[..at], b"\"I32\"", &bytes[at + 5..]].concat();
    std::fs::write(&path, changed).unwrap();
    let message = open(dir.path()).unwrap_err().to_string();
    assert!(message.contains(r#""wte.weight" is stored as "I32""#), "{message}");
}

#[test]
fn numbers_that_are_not_finite_are_found() {
    let mut all = weights();
    all[4].2[2 * 36 + 5] = f32::NAN;
    let dir = folder(&all);
    let mut checkpoint = open(dir.path()).unwrap();
    let mut out = vec![0.0; 2 * 36];
    checkpoint.read("h.0.attn.c_attn.weight", 0..2, &mut out).unwrap();
    let message = checkpoint.read("h.0.attn.c_attn.weight", 1..3, &mut out).unwrap_err().to_string();
    assert!(message.contains("h.0.attn.c_attn.weight") && message.contains("row 2"), "{message}");
}

#[test]
fn other_models_are_named() {
    let dir = folder(&weights());
    let path = dir.path().join("config.json");
    let ours: Value = serde_json::from_str(&config_json(&CFG, 0.1, &Ends::at(12))).unwrap();
    let cases = [
        ("model_type", json!("qwen2"), "another architecture: qwen2"),
        ("activation_function", json!("relu"), "activation_function is \"relu\""),
        ("layer_norm_epsilon", json!(1e-6), "layer_norm_epsilon"),
        ("n_inner", json!(47), "n_inner is 47"),
        ("scale_attn_weights", json!(false), "scale_attn_weights"),
        ("scale_attn_by_inverse_layer_idx", json!(true), "scale_attn_by_inverse_layer_idx"),
        ("activation_function", json!("gelu"), "activation_function is \"gelu\""),
        ("activation_function", json!("quick_gelu"), "activation_function is \"quick_gelu\""),
        ("tie_word_embeddings", json!(false), "lm_head.weight is not in the file"),
        ("tie_word_embeddings", Value::Null, "lm_head.weight is not in the file"),
        ("add_cross_attention", json!(true), "add_cross_attention"),
        ("quantization_config", json!({"load_in_8bit": true}), "quantization_config"),
        ("n_head", json!(5), "no multiple of 5 heads"),
        ("n_head", json!(0), "n_head is 0, no size of a model"),
        ("n_embd", json!("12"), "n_embd is"),
        ("n_embd", Value::Null, "does not say n_embd"),
        ("vocab_size", json!(70_000), "wte.weight is [13, 12]"),
        ("n_layer", json!(1_000_000), "speaks of 1000000 layers"),
        ("n_layer", json!(u64::MAX), "n_layer is"),
        ("n_layer", json!(3), "12 of the 40"),
    ];
    for (name, value, expect) in cases {
        let mut changed = ours.clone();
        changed[name] = value;
        std::fs::write(&path, changed.to_string()).unwrap();
        let message = open(dir.path()).unwrap_err().to_string();
        assert!(message.contains(expect) && message.contains("next: "), "{name}: {message}");
    }
    // What may be absent, or said another way.
    for name in ["model_type", "activation_function", "layer_norm_epsilon", "n_positions", "architectures"] {
        let mut changed = ours.clone();
        changed.as_object_mut().unwrap().remove(name);
        std::fs::write(&path, changed.to_string()).unwrap();
        assert_eq!(*open(dir.path()).unwrap().config(), CFG, "{name}");
    }
    let mut changed = ours.clone();
    changed["n_inner"] = json!(48);
    std::fs::write(&path, changed.to_string()).unwrap();
    open(dir.path()).unwrap();
    std::fs::write(&path, "not json").unwrap();
    assert!(open(dir.path()).unwrap_err().to_string().contains("not a JSON object"));
    std::fs::remove_file(&path).unwrap();
    assert!(open(dir.path()).unwrap_err().to_string().contains("config.json"));
    assert!(weights::open(&dir.path().join("no")).unwrap_err().to_string().contains("no such folder"));
}

#[test]
fn weights_that_are_not_there_are_told() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("config.json"), config_json(&CFG, 0.1, &Ends::at(12))).unwrap();
    assert!(open(dir.path()).unwrap_err().to_string().contains("no model.safetensors"));
    std::fs::write(dir.path().join("pytorch_model.bin"), "x").unwrap();
    assert!(open(dir.path()).unwrap_err().to_string().contains("neither a zip of PyTorch's"));
}

#[test]
fn the_config_reads_as_it_was_given() {
    let text = config_json(&Preset::Gpt2.config(50_257), 0.1, &Ends::at(50_256));
    let value: Value = serde_json::from_str(&text).unwrap();
    assert!(text.contains("\"attn_pdrop\": 0.1,"), "{text}");
    assert_eq!(value["n_positions"], 1024);
    assert_eq!(value["eos_token_id"], 50_256);
}

#[test]
fn one_function_under_other_names_is_accepted() {
    let dir = folder(&weights());
    let path = dir.path().join("config.json");
    let ours: Value = serde_json::from_str(&config_json(&CFG, 0.1, &Ends::at(12))).unwrap();
    for (name, value) in [
        ("activation_function", json!("gelu_fast")),
        ("activation_function", json!("gelu_pytorch_tanh")),
        ("activation_function", json!("gelu_python_tanh")),
        ("activation_function", json!("gelu_accurate")),
        ("reorder_and_upcast_attn", json!(true)),
    ] {
        let mut changed = ours.clone();
        changed[name] = value;
        std::fs::write(&path, changed.to_string()).unwrap();
        check_all(open(dir.path()).unwrap(), &weights());
    }
}

#[test]
fn prefixes_of_wrappers_are_taken_off() {
    let plain = weights();
    for before in ["_orig_mod.", "module.", "module._orig_mod.transformer.", "model.transformer."] {
        let dressed: Tensors =
            plain.iter().map(|(n, s, d)| (format!("{before}{n}"), s.clone(), d.clone())).collect();
        check_all(open(folder(&dressed).path()).unwrap(), &plain);
    }
    // Each block wrapped by itself.
    let inside =
        |n: &str| n.replace("h.0.", "h.0._orig_mod.").replace("h.1.", "h.1._checkpoint_wrapped_module.");
    let dressed: Tensors = plain.iter().map(|(n, s, d)| (inside(n), s.clone(), d.clone())).collect();
    check_all(open(folder(&dressed).path()).unwrap(), &plain);
    // An adapter's names are not a model's.
    let peft = |n: &str| format!("base_model.model.transformer.{n}");
    let dressed: Tensors = plain.iter().map(|(n, s, d)| (peft(n), s.clone(), d.clone())).collect();
    assert!(refusal(&dressed).contains("are missing"));
}

#[test]
fn a_rounded_head_is_tied_and_the_finer_one_serves() {
    use half::{bf16, f16};
    let to_bf16 = |x: &f32| bf16::from_f32(*x).to_f32();
    let to_f16 = |x: &f32| f16::from_f32(*x).to_f32();
    let mut plain = weights();
    // Small numbers, where f16 has fewer bits than bf16, zeros and signs.
    plain[0].2[..8].copy_from_slice(&[0.0, -0.0, 1e-7, -1e-7, 3.1e-5, -6.2e-6, 2e-8, 1.0]);
    let wte = plain[0].2.clone();
    let opened = |wte: Vec<f32>, head: Vec<f32>| {
        let mut all = plain.clone();
        all[0].2 = wte;
        all.push(("lm_head.weight".into(), all[0].1.clone(), head));
        let dir = folder(&all);
        let mut out = vec![0.0; all[0].2.len()];
        open(dir.path()).unwrap().read("wte.weight", 0..13, &mut out).unwrap();
        out
    };
    let bf: Vec<f32> = wte.iter().map(to_bf16).collect();
    let f: Vec<f32> = wte.iter().map(to_f16).collect();
    assert_eq!(opened(wte.clone(), bf.clone()), wte);
    assert_eq!(opened(wte.clone(), f.clone()), wte);
    assert_eq!(opened(bf.clone(), wte.clone()), wte);
    assert_eq!(opened(f.clone(), wte.clone()), wte);
    assert_eq!(opened(f.clone(), bf.clone()), f);
    assert_eq!(opened(bf, f.clone()), f);

    // A head with one row that was trained, or one that is merely near.
    let mut near = wte.clone();
    near[12 * 9 + 1] *= 1.02;
    let mut all = plain.clone();
    all.push(("lm_head.weight".into(), all[0].1.clone(), near));
    assert!(refusal(&all).contains("row 9"));
}

#[test]
fn without_a_tie_both_matrices_have_to_be_there() {
    let untie = |all: &Tensors| {
        let dir = folder(all);
        let untied = config_json(&CFG, 0.1, &Ends::at(12))
            .replace("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false");
        std::fs::write(dir.path().join("config.json"), untied).unwrap();
        dir
    };
    let plain = weights();
    assert!(
        open(untie(&plain).path()).unwrap_err().to_string().contains("lm_head.weight is not in the file")
    );
    let mut both = plain.clone();
    both.push(("lm_head.weight".into(), plain[0].1.clone(), plain[0].2.clone()));
    check_all(open(untie(&both).path()).unwrap(), &plain);
    both[0].0 = "score.weight".into();
    assert!(open(untie(&both).path()).unwrap_err().to_string().contains("wte.weight is not in the file"));
}

#[test]
fn what_is_no_checkpoint_is_told_for_what_it_is() {
    let open = weights::open;
    let says = |dir: &Path, expected: &[&str]| {
        let message = open(dir).unwrap_err().to_string();
        assert!(message.contains("next: ") && expected.iter().all(|e| message.contains(e)), "{message}");
    };
    for (file, expected) in [
        ("adapter_config.json", "adapter_config.json"),
        ("gpt2.Q4_K_M.gguf", "no model in a form that is read"),
        ("tf_model.h5", "another framework"),
        ("pytorch_model-00001-of-00002.bin", "pytorch_model.bin.index.json"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(file), "x").unwrap();
        says(dir.path(), &[expected]);
        std::fs::write(dir.path().join("config.json"), config_json(&CFG, 0.1, &Ends::at(12))).unwrap();
        says(dir.path(), &[expected]);
    }
    // The file itself is a way to name the folder.
    check_all(open(&folder(&weights()).path().join("model.safetensors")).unwrap(), &weights());

    let dir = tempfile::tempdir().unwrap();
    let put = |at: &str| {
        let to = dir.path().join(at);
        std::fs::create_dir_all(&to).unwrap();
        std::fs::write(to.join("config.json"), config_json(&CFG, 0.1, &Ends::at(12))).unwrap();
        write_file(&to.join("model.safetensors"), &weights());
    };
    put("hub/models--a--b/snapshots/0123");
    check_all(open(&dir.path().join("hub/models--a--b")).unwrap(), &weights());
    check_all(open(&dir.path().join("hub/models--a--b/snapshots")).unwrap(), &weights());
    std::fs::create_dir(dir.path().join("hub/models--a--b/blobs")).unwrap();
    check_all(open(&dir.path().join("hub/models--a--b/blobs")).unwrap(), &weights());
    says(&dir.path().join("hub"), &["models--a--b"]);
    put("hub/models--a--b/snapshots/4567");
    says(&dir.path().join("hub/models--a--b"), &["several snapshots", "0123", "4567"]);

    put("checkpoints/notes");
    std::fs::write(dir.path().join("checkpoints/notes/run.json"), "{}").unwrap();
    std::fs::create_dir_all(dir.path().join("checkpoints/notes/state/7")).unwrap();
    for inner in ["state", "state/7"] {
        says(&dir.path().join("checkpoints/notes").join(inner), &["inside a run", "notes"]);
    }
    says(&dir.path().join("checkpoints/gone"), &["no such folder", "checkpoints/notes"]);
    says(&dir.path().join("checkpoints"), &["checkpoints/notes"]);
}

#[test]
fn a_missing_part_is_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("config.json"), config_json(&CFG, 0.1, &Ends::at(12))).unwrap();
    write_file(&dir.path().join("model-00001-of-00002.safetensors"), &weights());
    let says = |expected: &str| {
        let message = open(dir.path()).unwrap_err().to_string();
        assert!(message.contains(expected) && message.contains("download"), "{message}");
    };
    says("no model.safetensors.index.json");
    let map = json!({ "a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors" });
    let index = dir.path().join("model.safetensors.index.json");
    std::fs::write(index, json!({ "weight_map": map }).to_string()).unwrap();
    says("1 of the 2 files of weights that it names are not there: model-00002-of-00002.safetensors");
}
