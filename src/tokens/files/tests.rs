//! What is written is what was published, and what is read is what was written.

use super::*;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::fs;

use crate::tokens::tokenizer::END_OF_TEXT;
use crate::tokens::vocabulary::tests::parts;
use crate::tokens::{Parts, Pre};

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn file(tok: &Tokenizer, wanted: &str) -> Vec<u8> {
    files(tok, 1024).into_iter().find(|(name, _)| *name == wanted).unwrap().1
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, b| {
        write!(hex, "{b:02x}").unwrap();
        hex
    })
}

/// The hashes by which tiktoken checks the files that OpenAI published with GPT-2 (`encoder.json`, `vocab.bpe`).
#[test]
fn gpt2_files_are_those_that_openai_published() {
    let tok = Tokenizer::gpt2();
    assert_eq!(
        sha256(&file(&tok, "vocab.json")),
        "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783"
    );
    assert_eq!(
        sha256(&file(&tok, "merges.txt")),
        "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5"
    );
}

#[test]
fn bytes_files_give_every_byte_its_own_id() {
    let tok = Tokenizer::bytes();
    let vocab: Map<String, Value> = serde_json::from_slice(&file(&tok, "vocab.json")).unwrap();
    assert_eq!(vocab.len(), 257);
    assert_eq!(
        (&vocab["A"], &vocab["Ġ"], &vocab["Ċ"], &vocab["ÿ"]),
        (&json!(65), &json!(32), &json!(10), &json!(255))
    );
    assert_eq!(vocab[END_OF_TEXT], 256);
    assert_eq!(file(&tok, "merges.txt"), b"#version: 0.2\n");
    let json: Value = serde_json::from_slice(&file(&tok, "tokenizer.json")).unwrap();
    assert_eq!(json["model"]["vocab"], Value::from(vocab));
    assert_eq!(json["model"]["merges"], json!([]));
    assert_eq!(json["added_tokens"][0]["id"], 256);
}

#[test]
fn our_own_folders_are_recognised() {
    for tok in Kind::ALL.map(Tokenizer::new) {
        for name in ["vocab.json", "tokenizer.json"] {
            let folder = folder(&[(name, &file(&tok, name))]);
            assert_eq!(from_folder(folder.path(), tok.vocab_size()).unwrap(), tok, "{name}");
            // Rows that pad the vocabulary do no harm; rows that are missing would.
            assert_eq!(from_folder(folder.path(), tok.vocab_size() + 47).unwrap(), tok);
            let error = from_folder(folder.path(), tok.vocab_size() - 1).unwrap_err().to_string();
            assert!(error.contains("different checkpoints"), "{error}");
        }
    }
}

#[test]
fn without_files_the_vocabulary_decides() {
    let folder = folder(&[]);
    assert_eq!(from_folder(folder.path(), 50_257).unwrap(), Tokenizer::gpt2());
    for other in [257, 50_304] {
        let error = from_folder(folder.path(), other).unwrap_err().to_string();
        assert!(error.contains("copy the checkpoint's tokenizer files"), "{error}");
    }
}

#[test]
fn end_of_text_may_stand_among_the_added_tokens_and_others_beside_it() {
    let tok = Tokenizer::bytes();
    let mut json: Value = serde_json::from_slice(&file(&tok, "tokenizer.json")).unwrap();
    json["model"]["vocab"].as_object_mut().unwrap().shift_remove(END_OF_TEXT);
    json["added_tokens"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "id": 257, "content": "<pad>", "special": true }));
    let folder = folder(&[("tokenizer.json", json.to_string().as_bytes())]);
    let found = from_folder(folder.path(), 258).unwrap();
    assert_eq!((found.kind(), found.encode_prompt("<pad>")), (tok.kind(), vec![257]));
    assert_eq!(found.end_of_text(), tok.end_of_text());
}

#[test]
fn other_tokenizers_and_damaged_files_are_refused() {
    let swapped = String::from_utf8(file(&Tokenizer::bytes(), "vocab.json"))
        .unwrap()
        .replace("\"A\": 65", "\"A\": 66")
        .replace("\"B\": 66", "\"B\": 65");
    let model = |more: &str| {
        format!(r#"{{"pre_tokenizer": {{"type": "ByteLevel"}}, "model": {{"type": "BPE", {more}}}}}"#)
    };
    let holes = model(r#""vocab": {"a": 0, "b": 7}, "merges": []"#);
    let cases: [(&str, &str, &str); 22] = [
        ("vocab.json", &swapped, "no merges.txt beside it"),
        ("vocab.json", r#"{"a": 0, "b": 1}"#, "the byte 0x09 has no token"),
        ("vocab.json", r#"{"a": 0, "#, "not JSON"),
        ("vocab.json", "[1, 2]", "not a map"),
        ("vocab.json", r#"{"a": -1}"#, "no whole number"),
        ("vocab.json", r#"{"a": 0.5}"#, "no whole number"),
        ("vocab.json", r#"{"a": 4294967296}"#, "has the id 4,294,967,296, and there are 1 tokens"),
        ("vocab.json", r#"{"a": 1, "b": 1}"#, r#"two tokens have the id 1: "a" and "b""#),
        ("vocab.json", r#"{"a": 1, "a": 2}"#, r#""a" has two ids, 1 and 2"#),
        ("tokenizer.json", r#"{"model": {"vocab": [["a", -1.0]]}}"#, "model.vocab is not a map"),
        (
            "tokenizer.json",
            r#"{"model": {"type": "Unigram", "vocab": [["a", -1.0]]}}"#,
            "of the kind Unigram",
        ),
        ("tokenizer.json", r#"{"model": {"type": "WordPiece", "vocab": {"a": 1}}}"#, "of the kind WordPiece"),
        ("tokenizer.json", r#"{"model": {"vocab": 7}}"#, "no tokenizer's"),
        (
            "tokenizer.json",
            &model(r#""byte_fallback": true, "vocab": {}"#),
            "its pre-tokenizer is ByteLevel, with byte_fallback",
        ),
        ("tokenizer.json", &model(r#""end_of_word_suffix": "</w>""#), "BPE with end_of_word_suffix"),
        ("tokenizer.json", &holes, "the byte 0x09 has no token"),
        ("tokenizer.json", &model(r#""vocab": {"a": 0}, "merges": ["a b c"]"#), "merge 1 is no pair"),
        ("tokenizer.json", &model(r#""vocab": {"a": 0}, "merges": [["a"]]"#), "no tokenizer's"),
        (
            "tokenizer.json",
            r#"{"normalizer": {"type": "Lowercase"}, "model": {"vocab": {}}}"#,
            "normalizer is Lowercase",
        ),
        (
            "tokenizer.json",
            r#"{"pre_tokenizer": {"type": "Metaspace"}, "model": {"vocab": {}}}"#,
            "ends with Metaspace",
        ),
        ("tokenizer.json", r#"{"model": {}}"#, "model.vocab is not a map"),
        ("tokenizer.json", "{}", "model.vocab is not a map"),
    ];
    for (name, text, expected) in cases {
        let folder = folder(&[(name, text.as_bytes())]);
        let error = from_folder(folder.path(), 50_257).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("next: "), "{text:.40}: {error}");
    }
}

/// A tokenizer of a model's own: its bytes not at the beginning, a hole, words that merge.
fn own() -> Tokenizer {
    let parts = parts(&["<|endoftext|>", "", "<s>"], &["the", "heron", " heron", "é"]);
    let pre = Pre::from_gguf("smollm").unwrap();
    Tokenizer::from_parts(Parts { pre, normalizer: Normalizer::Nfc, ignore_merges: true, ..parts }).unwrap()
}

#[test]
fn a_tokenizer_of_its_own_is_read_as_it_was_written() {
    let tok = own();
    let all = files(&tok, 64);
    let all: Vec<(&str, &[u8])> = all.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    let dir = folder(&all);
    let read = from_folder(dir.path(), tok.vocab_size()).unwrap();
    assert_eq!((read.merges(), read.pre(), read.ends()), (tok.merges(), tok.pre(), tok.ends()));
    let text = "In 2024, the heron: e\u{301}, <|endoftext|>";
    assert_eq!(read.encode_prompt(text), tok.encode_prompt(text));
    assert_eq!(read.fingerprint(), from_folder(dir.path(), 300).unwrap().fingerprint());
    assert!(
        from_folder(dir.path(), tok.rows() - 1).unwrap_err().to_string().contains("different checkpoints")
    );

    // What a run's record keeps of it.
    let hash = hash(&tok, dir.path()).unwrap().unwrap();
    fs::write(dir.path().join("run.json"), json!({ "tokenizer_file": hash }).to_string()).unwrap();
    assert!(from_folder(dir.path(), 300).is_ok());
    fs::write(dir.path().join(WHOLE), [all[2].1, b"\n"].concat()).unwrap();
    let error = from_folder(dir.path(), 300).unwrap_err().to_string();
    assert!(error.contains("its hash is not the one in run.json"), "{error}");
    fs::remove_file(dir.path().join(WHOLE)).unwrap();
    assert!(from_folder(dir.path(), 300).unwrap_err().to_string().contains("missing, or its hash"));
}

#[test]
fn two_files_are_read_by_the_class_that_they_are_for() {
    let tok = own();
    let [vocab, merges] = ["vocab.json", "merges.txt"].map(|name| file(&tok, name));
    let of = |settings: Value| {
        let settings = settings.to_string().into_bytes();
        let dir =
            folder(&[("vocab.json", &vocab), ("merges.txt", &merges), ("tokenizer_config.json", &settings)]);
        from_folder(dir.path(), 300)
    };
    assert_eq!(of(json!({})).unwrap().pre(), Pre::gpt2());
    assert_eq!(of(json!({ "add_prefix_space": true })).unwrap().pre(), Pre::new(Vec::new(), true, true));
    let qwen = of(json!({ "tokenizer_class": "Qwen2TokenizerFast" })).unwrap();
    assert_eq!((qwen.pre().to_gguf(false), qwen.normalizer()), (Some("qwen2"), Normalizer::Nfc));
    assert!(
        of(json!({ "tokenizer_class": "LlamaTokenizer" }))
            .unwrap_err()
            .to_string()
            .contains("LlamaTokenizer's")
    );
    // An end that only a name or the model's settings tell.
    assert_eq!(of(json!({ "eos_token": "<s>" })).unwrap().stops(), [2]);
    let dir = folder(&[("vocab.json", &vocab), ("merges.txt", b"no merge of three\n")]);
    assert!(from_folder(dir.path(), 300).unwrap_err().to_string().contains("line 1 is no merge"));
}

#[test]
fn a_vocabulary_without_an_end_asks_for_one() {
    let whole = String::from_utf8(file(&own(), WHOLE)).unwrap().replace("<|endoftext|>", "<|other|>");
    let dir = folder(&[(WHOLE, whole.as_bytes())]);
    let error = from_folder(dir.path(), 300).unwrap_err().to_string();
    assert!(error.contains("no token ends a text"), "{error}");
    fs::write(dir.path().join("config.json"), r#"{"eos_token_id": 2}"#).unwrap();
    let tok = from_folder(dir.path(), 300).unwrap();
    assert_eq!((tok.end_of_text(), tok.stops()), (2, vec![2]));
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let dir = folder(&[]);
    for name in ["vocab.json", "tokenizer.json", "tokenizer_config.json"] {
        let path = dir.path().join(name);
        fs::File::create(&path).unwrap().set_len(100 << 20).unwrap();
        let error = from_folder(dir.path(), 50_257).unwrap_err().to_string();
        assert!(error.contains("larger than 64.0 MiB"), "{error}");
        fs::remove_file(&path).unwrap();
    }
}

/// The invented tokenizers of `tests/fixtures/tokenizers`, against the ids that Python's `tokenizers` gives.
#[test]
fn ids_are_those_of_tokenizers() {
    #[derive(serde::Deserialize)]
    struct Case {
        text: String,
        ids: Vec<u32>,
        prompt: Vec<u32>,
    }
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizers");
    let forms = [
        ("gpt2", Some("gpt-2")),
        ("smollm", Some("smollm")),
        ("llama3", Some("llama-bpe")),
        ("qwen2", Some("qwen2")),
        ("prefix", None),
        ("splits", None),
    ];
    for (name, gguf) in forms {
        let dir = all.join(name);
        let tok = from_folder(&dir, 600).unwrap();
        assert_eq!((tok.kind(), tok.pre().to_gguf(tok.ignore_merges())), (Kind::Bpe, gguf), "{name}");
        let cases: Vec<Case> = serde_json::from_slice(&fs::read(dir.join("ids.json")).unwrap()).unwrap();
        // What is written from it is the same again.
        let written = files(&tok, 64);
        let written: Vec<(&str, &[u8])> =
            written.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
        let again = folder(&written);
        let again = from_folder(again.path(), 600).unwrap();
        assert_eq!(again.fingerprint(), tok.fingerprint(), "{name}");
        for Case { text, ids, prompt } in cases {
            assert_eq!(tok.encode(&text), ids, "{name}: the letters of {text:?}");
            assert_eq!(tok.encode_prompt(&text), prompt, "{name}: the prompt {text:?}");
            assert_eq!((again.encode(&text), again.encode_prompt(&text)), (ids.clone(), prompt));
            if tok.pre().keeps_text() && tok.normalizer() == Normalizer::None {
                assert_eq!(tok.decode(&ids), text, "{name}");
            }
        }
    }
}

/// More ids than 16 bits hold: made here, since the file has some megabytes.
#[test]
fn a_vocabulary_of_more_than_65536_tokens_is_read() {
    // Ten thousand ids that nothing leads to, the bytes, and every pair of bytes.
    let first: Vec<&str> =
        std::iter::once("<|endoftext|>").chain(std::iter::repeat("")).take(10_000).collect();
    let mut made = parts(&first, &[]);
    let chars = crate::tokens::alphabet::byte_chars();
    for (left, right) in (0..65_536).map(|pair| (chars[pair / 256], chars[pair % 256])) {
        made.tokens.push(format!("{left}{right}"));
        made.merges.push((left.into(), right.into()));
    }
    let tok = Tokenizer::from_parts(made).unwrap();
    let all = files(&tok, 64);
    let all: Vec<(&str, &[u8])> = all.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    let dir = folder(&all[..3]);
    let tok = from_folder(dir.path(), 80_000).unwrap();
    assert_eq!((tok.vocab_size(), tok.width()), (75_792, crate::tokens::Width::U32));
    // U+07FF is the bytes df bf.
    assert_eq!(tok.encode("\u{7ff}z"), [10_256 + 0xdfbf, 10_000 + 0x7a]);
    assert!(tok.fingerprint().ends_with(" u32"));
}

mod fuzz {
    use super::*;
    use proptest::prelude::*;

    /// A sound file: byte-level, or SentencePiece's.
    fn sound(pieces: bool) -> Vec<u8> {
        let llama = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizers/llama");
        if pieces { fs::read(llama.join(WHOLE)).unwrap() } else { file(&own(), WHOLE) }
    }

    /// A change to some bytes of it.
    #[derive(Debug, Clone)]
    enum Change {
        Cut(u16),
        Gap(u16, u16),
        Byte(u16, u8),
        Word(u16, &'static str),
    }

    fn changes() -> impl Strategy<Value = Vec<Change>> {
        let words = [
            "null",
            "[",
            "{",
            "\"",
            "-1",
            "1e999",
            "4294967295",
            "99999999999999999999",
            "\"\\ud800\"",
            "true",
            "[[[[[[[[",
        ];
        let change = prop_oneof![
            any::<u16>().prop_map(Change::Cut),
            (any::<u16>(), 0_u16..400).prop_map(|(at, length)| Change::Gap(at, length)),
            (any::<u16>(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
            (any::<u16>(), prop::sample::select(words.to_vec()))
                .prop_map(|(at, word)| Change::Word(at, word)),
        ];
        prop::collection::vec(change, 1..4)
    }

    fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
        for change in changes {
            let of = |share: &u16| usize::from(*share) * bytes.len() / 65_536;
            match change {
                Change::Cut(at) => bytes.truncate(of(at)),
                Change::Gap(at, length) => {
                    drop(bytes.drain(of(at)..bytes.len().min(of(at) + usize::from(*length))))
                }
                Change::Byte(at, byte) => {
                    let at = of(at);
                    if let Some(cell) = bytes.get_mut(at) {
                        *cell = *byte;
                    }
                }
                Change::Word(at, word) => {
                    let at = of(at);
                    drop(bytes.splice(at..at, word.bytes()));
                }
            }
        }
        bytes
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// A damaged file is an error, or a tokenizer that still encodes every text; never a panic.
        #[test]
        fn a_damaged_file_is_an_error_or_a_tokenizer(
            changes in changes(), pieces in any::<bool>(), text in "(heron|[ a-z0-9é])*"
        ) {
            let dir = folder(&[(WHOLE, &changed(sound(pieces), &changes))]);
            match from_folder(dir.path(), 500) {
                Ok(tok) => {
                    let ids = tok.encode(&text);
                    prop_assert!(ids.iter().all(|id| tok.is_text(*id)));
                    tok.decode(&ids);
                }
                Err(error) => prop_assert!(error.to_string().contains("next: "), "{error}"),
            }
        }
    }
}
