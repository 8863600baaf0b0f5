//! The writer against the reader: what it writes comes back, with its tokenizer, or nothing is left of it.

use std::collections::BTreeMap;

use super::metadata::Metadata;
use super::write::PASS_THROUGH;
use super::*;
use crate::base::rng::Rng;
use crate::base::{Config, Gpt2, Llama};
use crate::tokens::vocabulary::tests::parts;
use crate::tokens::{AddedToken, Additions, Ends, Pre, Tokenizer};
use crate::weights::{Checkpoint, Dtype, huggingface};

fn config(vocab_size: usize, n_embd: usize) -> Config {
    Config::Gpt2(Gpt2 { vocab_size, block_size: 6, n_layer: 2, n_head: 2, n_embd })
}

type Weights = BTreeMap<String, Vec<f32>>;

fn weights(config: &Config) -> Weights {
    let mut rng = Rng::new(3, "weights");
    let draws = |n: usize, rng: &mut Rng| (0..n).map(|_| 0.3 * rng.normal()).collect();
    config.table().into_iter().map(|p| (p.name.clone(), draws(p.numel(), &mut rng))).collect()
}

/// A Hugging Face folder of a model.
fn folder(config: &Config, weights: &Weights) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let end = Ends::at(config.vocab_size() as _);
    std::fs::write(dir.path().join("config.json"), huggingface::config_json(config, 0.1, &end)).unwrap();
    let mut writer = huggingface::writer(&dir.path().join("model.safetensors"), config, Dtype::F32).unwrap();
    config.table().iter().for_each(|p| writer.write_f32(&weights[&p.name]).unwrap());
    writer.finish().unwrap();
    dir
}

/// Writes a model beside its folder.
fn written(dir: &Path, tokenizer: &Tokenizer, dtype: Dtype) -> Result<(PathBuf, Written)> {
    let path = dir.join(format!("{}.gguf", dtype.name()));
    let about = Description { name: "me", chat_template: None };
    let mut shares = Vec::new();
    let mut checkpoint = huggingface::open(dir).unwrap();
    let written = write(&mut checkpoint, tokenizer, &dtype, &about, &path, &mut |share| shares.push(share))?;
    assert!(shares.is_sorted() && shares.last() == Some(&1.0));
    assert_eq!(written.bytes, std::fs::metadata(&path).unwrap().len());
    Ok((path, written))
}

fn all(checkpoint: &mut Checkpoint) -> Weights {
    let table = checkpoint.config().table();
    let read = |param: crate::base::Param| {
        let mut out = vec![0.0; param.numel()];
        checkpoint.read(&param.name, 0..param.shape[0], &mut out).unwrap();
        (param.name, out)
    };
    table.into_iter().map(read).collect()
}

/// A parameter as the file has it: a matrix of a block as its transpose, stored as `dtype`.
fn through(dtype: &Dtype, shape: &[usize], data: &[f32]) -> Vec<f32> {
    let turn = |data: &[f32], [rows, columns]: [usize; 2]| {
        let mut out = vec![0.0; data.len()];
        crate::weights::tensors::transpose(data, rows, columns, &mut out);
        out
    };
    let mut bytes = Vec::new();
    dtype.encode(&turn(data, [shape[0], shape[1]]), &mut bytes).unwrap();
    let mut out = vec![0.0; data.len()];
    dtype.decode(&bytes, &mut out);
    turn(&out, [shape[1], shape[0]])
}

#[test]
fn what_is_written_is_read_exactly_as_its_type_has_it() {
    let config = config(257, 64);
    let weights = weights(&config);
    let dir = folder(&config, &weights);
    for dtype in [Dtype::F32, Dtype::F16, Dtype::BF16, Dtype::Q8_0, Dtype::Q4_0, Dtype::Q4_1] {
        let (path, written) = written(dir.path(), &Tokenizer::bytes(), dtype.clone()).unwrap();
        assert_eq!((written.tensors, written.not_quantised), (config.table().len(), Vec::new()));
        let found = find(&path).unwrap();
        let stored = |name: &str| found.tensors.get(name).unwrap().dtype.clone();
        assert_eq!((stored("wpe.weight"), stored("h.1.ln_2.weight")), (Dtype::F32, Dtype::F32));
        assert_eq!(stored("h.1.mlp.c_fc.weight"), dtype);
        let embedding = if [Dtype::Q4_0, Dtype::Q4_1].contains(&dtype) { Dtype::Q8_0 } else { dtype.clone() };
        assert_eq!(stored("wte.weight"), embedding);
        assert_eq!(found.tensors.get("h.1.mlp.c_fc.weight").unwrap().shape, [256, 64], "(out, in)");

        let mut checkpoint = Checkpoint::new(found).unwrap();
        assert_eq!(*checkpoint.config(), config);
        for (param, (name, read)) in config.table().iter().map(|p| (p, (&p.name, &weights[&p.name]))) {
            let expected = match name.as_str() {
                "wte.weight" => {
                    let mut bytes = Vec::new();
                    embedding.encode(read, &mut bytes).unwrap();
                    let mut out = vec![0.0; read.len()];
                    embedding.decode(&bytes, &mut out);
                    out
                }
                name if name != "wpe.weight" && param.shape.len() == 2 => through(&dtype, &param.shape, read),
                _ => read.clone(),
            };
            let mut ours = vec![0.0; read.len()];
            checkpoint.read(name, 0..param.shape[0], &mut ours).unwrap();
            assert!(ours == expected, "{name} as {}", dtype.name());
        }
        if dtype == Dtype::F32 {
            assert_eq!(all(&mut checkpoint), weights);
        }
        #[cfg(unix)]
        {
            let mode =
                std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}

#[test]
fn rows_that_are_no_whole_blocks_are_halves() {
    let config = config(257, 24);
    let dir = folder(&config, &weights(&config));
    let (path, written) = written(dir.path(), &Tokenizer::bytes(), Dtype::Q8_0).unwrap();
    // 24 and 72 are no multiples of 32; the 96 of `ffn_down` are.
    let names = ["attn_qkv", "attn_output", "ffn_up"];
    let blocks = [0, 1].map(|block| names.map(|name| format!("blk.{block}.{name}.weight"))).concat();
    assert_eq!(written.not_quantised, [&["token_embd.weight".to_string()][..], &blocks].concat());
    let found = find(&path).unwrap();
    assert_eq!(found.tensors.get("h.0.mlp.c_proj.weight").unwrap().dtype, Dtype::Q8_0);
    assert!(Checkpoint::new(found).is_ok());
}

#[test]
fn nothing_is_overwritten_and_nothing_half_written_is_left() {
    let config = config(257, 32);
    let mut weights = weights(&config);
    weights.get_mut("h.1.mlp.c_fc.weight").unwrap()[7] = -70_000.0;
    let dir = folder(&config, &weights);
    let bytes = Tokenizer::bytes();
    let told = written(dir.path(), &bytes, Dtype::F16).unwrap_err().to_string();
    assert!(told.contains("\"h.1.mlp.c_fc.weight\" holds -70000, beyond what F16 holds"), "{told}");
    assert!(told.contains("next: use --dtype bf16 or f32"), "{told}");
    assert!(!dir.path().join("F16.gguf").exists());
    let (path, _) = written(dir.path(), &bytes, Dtype::BF16).unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(written(dir.path(), &bytes, Dtype::BF16).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), before);
    for dtype in [Dtype::Q6_K, Dtype::F64, Dtype::Other("I8".into())] {
        let told = written(dir.path(), &bytes, dtype).unwrap_err().to_string();
        assert!(told.contains("next: choose f32, f16"), "{told}");
    }
    let told = written(dir.path(), &Tokenizer::gpt2(), Dtype::F32).unwrap_err().to_string();
    assert!(told.contains("50257 tokens, and the model 257 rows"), "{told}");
}

fn metadata(path: &Path) -> Metadata {
    header::open(path).unwrap().metadata
}

#[test]
fn a_tokenizer_goes_with_its_model() {
    let user = AddedToken::special(260, "<|user|>");
    let names = vec![("eos_token".to_string(), "<|endoftext|>".to_string())];
    let tokens = vec![AddedToken::special(256, "<|endoftext|>"), user];
    let additions =
        Additions { tokens, names, pad: Some(260), end_of_text: 256, stops: vec![256, 260], start: 260 };
    let more = Tokenizer::bytes().with(Some(additions));
    let mut own = parts(&["<s>", "<|user|>"], &["the", "heron", "again"]);
    own.pre = Pre::from_gguf("smollm").unwrap();
    own.added = vec![AddedToken::special(0, "<s>"), AddedToken::special(1, "<|user|>")];
    own.ends = Some(Ends { start: 1, stops: vec![0], pad: Some(1) });
    let rows = own.tokens.len();
    let own = Tokenizer::from_parts(own).unwrap();
    let fixture = |name: &str| {
        let all = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizers");
        crate::tokens::files::from_folder(&all.join(name), 430).unwrap()
    };
    for (tokenizer, rows) in [
        (fixture("llama"), 430),
        (fixture("bare"), 435),
        (Tokenizer::bytes(), 257),
        (Tokenizer::bytes(), 300),
        (more, 261),
        (Tokenizer::gpt2(), 50_304),
        (own.clone(), rows),
        (own, rows + 5),
    ] {
        let config = config(rows, 4);
        let dir = folder(&config, &weights(&config));
        let (path, _) = written(dir.path(), &tokenizer, Dtype::F32).unwrap();
        let metadata = metadata(&path);
        assert_eq!(metadata.get_str("tokenizer.chat_template"), Some(PASS_THROUGH));
        assert_eq!(metadata.get_texts("tokenizer.ggml.tokens").unwrap().len(), rows);
        let found = Checkpoint::new(find(&path).unwrap()).unwrap().tokenizer().unwrap();
        assert_eq!((found.kind(), found.end_of_text()), (tokenizer.kind(), tokenizer.end_of_text()));
        assert_eq!((found.start(), found.stops()), (tokenizer.start(), tokenizer.stops()));
        assert_eq!(found.ends(), tokenizer.ends());
        let page = "A heron, again.\r\n\n<|endoftext|>  <|user|> 1234 — «ça»\u{200b}";
        assert_eq!(found.encode(page), tokenizer.encode(page));
        assert_eq!(found.encode_prompt(page), tokenizer.encode_prompt(page));
    }
}

#[test]
fn a_tokenizer_that_is_not_read_is_named() {
    let config = config(257, 4);
    let dir = folder(&config, &weights(&config));
    let (path, _) = written(dir.path(), &Tokenizer::bytes(), Dtype::F32).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    // Keys and values of the same length in each other's place.
    let opened = |changes: &[(&[u8], &[u8])]| {
        let mut bytes = bytes.clone();
        for (from, to) in changes {
            let at = bytes.windows(from.len()).position(|window| window == *from).unwrap();
            bytes[at..at + to.len()].copy_from_slice(to);
        }
        let path = dir.path().join("other.gguf");
        std::fs::write(&path, bytes).unwrap();
        Checkpoint::new(find(&path).unwrap()).unwrap().tokenizer()
    };
    let told = |from: &[u8], to: &[u8]| {
        let told = opened(&[(from, to)]).unwrap_err().to_string();
        assert!(told.contains("next: "), "{told}");
        told
    };
    let model = b"\x04\0\0\0\0\0\0\0gpt2\x12\0\0\0\0\0\0\0tokenizer.ggml.pre";
    let bert = b"\x04\0\0\0\0\0\0\0bert\x12\0\0\0\0\0\0\0tokenizer.ggml.pre";
    assert!(told(model, bert).contains("its tokenizer is \"bert\""));
    assert!(told(b"tokenizer.ggml.model", b"tokenizer.ggml.medal").contains("holds no tokenizer"));
    assert!(told(b"gpt-2", b"gpt-9").contains("\"gpt-9\""));
    assert!(
        told(b"tokenizer.ggml.tokens", b"tokenizer.ggml.tokenz")
            .contains("does not say tokenizer.ggml.tokens")
    );
    // Bytes need no merges; another vocabulary does.
    let without: (&[u8], &[u8]) = (b"tokenizer.ggml.merges", b"tokenizer.ggml.murges");
    assert_eq!(opened(&[without]).unwrap(), Tokenizer::bytes());
    let other = opened(&[without, (b"gpt-2", b"qwen2")]).unwrap_err().to_string();
    assert!(other.contains("does not say tokenizer.ggml.merges"), "{other}");
    assert!(told("ÿ ÿ".as_bytes(), "ÿ_ÿ".as_bytes()).contains("not of two"));
    let eos = b"tokenizer.ggml.eos_token_id\x04\0\0\0";
    let beyond = [&eos[..], &[1, 1, 0, 0]].concat();
    assert!(told(eos, &beyond).contains("eos_token_id is the id of no token"));
    // U+010A is a new line.
    assert!(told("\u{10a}".as_bytes(), "\u{17f}".as_bytes()).contains("0x0a has no token"));
}

#[test]
fn ollamas_file_names_the_model_and_its_end() {
    assert_eq!(
        modelfile("me.gguf", 1024, &["<|endoftext|>", "a \"b"], None),
        "FROM ./me.gguf\nTEMPLATE \"{{ .Prompt }}\"\nPARAMETER num_ctx 1024\nPARAMETER stop \"<|endoftext|>\"\n\
         PARAMETER stop \"\"\"a \"b\"\"\"\n"
    );
}

/// A Llama's head has rows in pairs in the file and in halves here, whatever they are stored as.
#[test]
fn a_llama_comes_back_and_its_blocks_are_copied() {
    let tied = Llama {
        vocab_size: 257,
        block_size: 8,
        n_layer: 2,
        n_head: 4,
        n_kv_head: 2,
        n_embd: 64,
        head_size: 32,
        n_ff: 96,
        rope_theta: 500.0,
        eps: 1e-6,
        window: None,
        tied: true,
    };
    let untied = Llama { tied: false, window: Some(5), n_ff: 32, ..tied };
    for (config, dtype) in [tied, untied].into_iter().flat_map(|config| {
        [Dtype::F32, Dtype::F16, Dtype::Q8_0, Dtype::Q4_0, Dtype::Q4_1].map(|d| (Config::Llama(config), d))
    }) {
        let weights = weights(&config);
        let dir = folder(&config, &weights);
        let (path, told) = written(dir.path(), &Tokenizer::bytes(), dtype.clone()).unwrap();
        assert_eq!((told.tensors, told.not_quantised), (config.table().len(), Vec::new()));
        let mut checkpoint = Checkpoint::new(find(&path).unwrap()).unwrap();
        assert_eq!(*checkpoint.config(), config);
        let four = [Dtype::Q4_0, Dtype::Q4_1].contains(&dtype);
        for param in config.table() {
            let stored = match &param.name {
                _ if param.shape.len() == 1 => Dtype::F32,
                name if four && (name == config.embedding() || name == config.head()) => Dtype::Q8_0,
                _ => dtype.clone(),
            };
            let (mut bytes, mut expected) = (Vec::new(), vec![0.0; param.numel()]);
            stored.encode(&weights[&param.name], &mut bytes).unwrap();
            stored.decode(&bytes, &mut expected);
            let mut ours = vec![0.0; param.numel()];
            checkpoint.read(&param.name, 0..param.shape[0], &mut ours).unwrap();
            assert!(ours == expected, "{} as {}", param.name, dtype.name());
            // As blocks, of some rows in the middle of a head.
            let given = [Dtype::F16, Dtype::Q8_0, Dtype::Q4_1].contains(&stored);
            assert_eq!(checkpoint.stored(&param.name), Some(stored).filter(|_| given), "{}", param.name);
            if given {
                let (row, mut some) = (bytes.len() / param.shape[0], vec![7]);
                checkpoint.read_stored(&param.name, 3..21, &mut some).unwrap();
                assert!(some == bytes[3 * row..21 * row], "{} as {}", param.name, dtype.name());
            }
        }
        let again = dir.path().join("again.gguf");
        let about = Description { name: "me", chat_template: None };
        write(&mut checkpoint, &Tokenizer::bytes(), &dtype, &about, &again, &mut |_| {}).unwrap();
        // Q4_0 is read and written, and not copied: what it had is what it has, but for the sign of a scale.
        if dtype != Dtype::Q4_0 {
            assert!(std::fs::read(&again).unwrap() == std::fs::read(&path).unwrap(), "{}", dtype.name());
        }
    }
}
