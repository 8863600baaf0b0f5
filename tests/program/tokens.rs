//! A checkpoint with tokens of its own, from its folder to a run's and back.

use std::path::Path;

use assert_cmd::Command;
use diarist::base::rng::Rng;
use diarist::base::{Config, Gpt2};
use diarist::tokens::{Ends, Tokenizer, files};
use diarist::weights::{Dtype, huggingface};
use serde_json::{Value, json};

/// A GPT-2 of bytes, with two names and a word behind them, whose texts end with `<|end|>` or a full stop.
fn checkpoint(dir: &Path) {
    std::fs::create_dir(dir).unwrap();
    let config = Config::from(Gpt2 { vocab_size: 261, block_size: 32, n_layer: 1, n_head: 2, n_embd: 16 });
    let ends = Ends { start: 256, stops: vec![257, 46], pad: Some(258) };
    let put = |name: &str, bytes: Vec<u8>| std::fs::write(dir.join(name), bytes).unwrap();
    put("config.json", huggingface::config_json(&config, 0.0, &Ends::at(256)).into_bytes());
    put("generation_config.json", huggingface::generation_config_json(&ends).into_bytes());
    // As the slow tokenizer of old saved them.
    for (name, bytes) in files::files(&Tokenizer::bytes(), 32) {
        if ["vocab.json", "merges.txt"].contains(&name) {
            put(name, bytes);
        }
    }
    put("added_tokens.json", json!({ "<|end|>": 257, "[PAD]": 258, "heron": 259 }).to_string().into_bytes());
    let names =
        json!({ "eos_token": "<|end|>", "pad_token": { "content": "[PAD]" }, "bos_token": "<|endoftext|>" });
    put("special_tokens_map.json", names.to_string().into_bytes());
    let mut writer = huggingface::writer(&dir.join("model.safetensors"), &config, Dtype::F32).unwrap();
    for p in config.table() {
        let mut rng = Rng::new(5, &p.name);
        writer.write_f32(&(0..p.numel()).map(|_| 0.3 * rng.normal()).collect::<Vec<f32>>()).unwrap();
    }
    writer.finish().unwrap();
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_checkpoints_own_tokens_are_kept_and_end_its_texts() {
    let place = tempfile::tempdir().unwrap();
    let cwd = place.path();
    checkpoint(&cwd.join("base"));
    std::fs::write(
        cwd.join("diary.txt"),
        "2021-05-01\nA heron. <|end|> is only text here.\n\n2021-05-02\nRain, tea.\n".repeat(3),
    )
    .unwrap();
    let run = |args: &[&str]| {
        let mut command = Command::cargo_bin("diarist").unwrap();
        let output = command.current_dir(cwd).env("NODEVICE_SELECT", "1").args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let train =
        ["train", "diary.txt", "--from", "base", "--no-cache", "--keep-duplicates", "--device", "cpu"];
    run(&[&train[..], &["--steps", "2", "--context", "16", "--out", "run"]].concat());

    // The journal's letters are letters, and `<|end|>` stands between its entries.
    let raw = std::fs::read(cwd.join("run/tokens.bin")).unwrap();
    let all: Vec<u16> = raw.chunks(2).map(|two| u16::from_le_bytes([two[0], two[1]])).collect();
    assert_eq!(all.iter().filter(|id| **id == 257).count(), 6);
    assert!(all.iter().all(|id| *id < 256 || *id == 257));

    // What is saved says it all: again from the run's folder, and on a resume that has lost the files.
    let ends = |file: &str| {
        let file = json(&cwd.join("run").join(file));
        (file["bos_token_id"].clone(), file["eos_token_id"].clone(), file["pad_token_id"].clone())
    };
    let saved = (json!(257), json!([257, 46]), json!(258));
    assert_eq!((ends("config.json"), ends("generation_config.json")), (saved.clone(), saved.clone()));
    let tokenizer = files::from_folder(&cwd.join("run"), 261).unwrap();
    assert_eq!(tokenizer.encode_prompt("a heron<|end|>[PAD]"), [97, 32, 259, 257, 258]);
    for name in
        ["tokenizer.json", "tokenizer_config.json", "generation_config.json", "special_tokens_map.json"]
    {
        std::fs::remove_file(cwd.join("run").join(name)).unwrap();
    }
    run(&["train", "--resume", "run", "--steps", "3"]);
    assert_eq!(ends("generation_config.json"), saved);
    assert_eq!(files::from_folder(&cwd.join("run"), 261).unwrap(), tokenizer);

    // A text ends where the checkpoint's do; ids without a text have names.
    let mut seen = String::new();
    for seed in 0..20 {
        let seed = seed.to_string();
        let args = [
            "sample",
            "base",
            "--prompt",
            "heron",
            "--max-tokens",
            "25",
            "--seed",
            &seed,
            "--json",
            "--device",
            "cpu",
        ];
        let sample: Value =
            serde_json::from_str(&run(&[&args[..], &["--top-k", "0", "--temperature", "1.5"]].concat()))
                .unwrap();
        let ids: Vec<u64> = serde_json::from_value(sample["samples"][0]["ids"].clone()).unwrap();
        let dots = ids.iter().filter(|id| **id == 46).count();
        assert!(!ids.contains(&257) && dots == usize::from(ids.last() == Some(&46)), "{ids:?}");
        for (id, name) in [(256, "<|endoftext|>"), (258, "[PAD]"), (259, "heron"), (260, "<id 260>")] {
            let text = sample["samples"][0]["text"].as_str().unwrap();
            assert!(!ids.contains(&id) || text.contains(name), "{ids:?} {text}");
        }
        seen += &format!("{ids:?}");
    }
    assert!(
        ["258", "259", "260"].iter().any(|id| seen.contains(id)),
        "nothing without a text was written: {seen}"
    );
}
