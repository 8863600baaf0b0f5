//! The reader against a file of the `gguf` package's, and against files that are cut, lying and random.

use ::safetensors::SafeTensors;
use proptest::prelude::*;

use super::metadata::{Metadata, Value};
use super::*;
use crate::weights::{Checkpoint, Dtype};

const TINY: &[u8] = include_bytes!("../../../tests/fixtures/gguf/tiny.gguf");
const DECODED: &[u8] = include_bytes!("../../../tests/fixtures/gguf/tiny.decoded.safetensors");

fn find_bytes(bytes: &[u8]) -> Result<Found> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.gguf");
    std::fs::write(&path, bytes).unwrap();
    find(&path)
}

fn metadata_of(bytes: &[u8]) -> Metadata {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.gguf");
    std::fs::write(&path, bytes).unwrap();
    header::open(&path).unwrap().metadata
}

/// Every refusal says what to do.
fn refusal(bytes: &[u8]) -> String {
    let message = find_bytes(bytes).unwrap_err().to_string();
    assert!(message.contains("next: "), "{message}");
    message
}

/// A GGUF made by hand.
#[derive(Clone)]
struct File {
    version: u32,
    counts: Option<(u64, u64)>,
    keys: Vec<Vec<u8>>,
    tensors: Vec<Vec<u8>>,
    data: Vec<u8>,
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

fn key(name: &str, kind: u32, value: &[u8]) -> Vec<u8> {
    [&text(name)[..], &kind.to_le_bytes(), value].concat()
}

fn tensor(name: &str, extents: &[u64], kind: u32, offset: u64) -> Vec<u8> {
    let extents_bytes: Vec<u8> = extents.iter().flat_map(|d| d.to_le_bytes()).collect();
    let count = (extents.len() as u32).to_le_bytes();
    [&text(name)[..], &count, &extents_bytes, &kind.to_le_bytes(), &offset.to_le_bytes()].concat()
}

impl File {
    fn new() -> File {
        let keys = vec![key("general.architecture", 8, &text("gpt2"))];
        File { version: 3, counts: None, keys, tensors: Vec::new(), data: Vec::new() }
    }

    fn bytes(&self) -> Vec<u8> {
        let (tensors, keys) = self.counts.unwrap_or((self.tensors.len() as u64, self.keys.len() as u64));
        let mut bytes =
            [&b"GGUF"[..], &self.version.to_le_bytes(), &tensors.to_le_bytes(), &keys.to_le_bytes()].concat();
        bytes.extend(self.keys.concat());
        bytes.extend(self.tensors.concat());
        bytes.resize(bytes.len().next_multiple_of(32), 0);
        bytes.extend(&self.data);
        bytes
    }

    fn with_key(mut self, name: &str, kind: u32, value: &[u8]) -> File {
        self.keys.push(key(name, kind, value));
        self
    }

    fn with_tensor(mut self, name: &str, extents: &[u64], kind: u32, offset: u64, data: usize) -> File {
        self.tensors.push(tensor(name, extents, kind, offset));
        self.data.resize(self.data.len() + data, 0);
        self
    }

    fn refusal(&self) -> String {
        refusal(&self.bytes())
    }
}

fn float(shape: &[usize], name: &str) -> Vec<f32> {
    let file = SafeTensors::deserialize(DECODED).unwrap();
    let tensor = file.tensor(name).unwrap();
    assert_eq!(tensor.shape(), shape);
    bytemuck::pod_collect_to_vec(tensor.data())
}

#[test]
fn a_file_of_the_gguf_package_is_read() {
    let found = find_bytes(TINY).unwrap();
    assert_eq!(found.format, "GGUF v3");
    let line = |name: &str| found.about.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
    assert_eq!(line("architecture"), Some("gpt2"));
    assert_eq!(line("size"), Some("1 layers, 32 wide, 2 heads, feed-forward 128"));
    assert_eq!((line("stored as"), line("context")), (Some("mostly Q8_0"), Some("16 tokens")));
    assert_eq!(line("tokenizer"), Some("gpt2, pre gpt-2, 257 tokens, 1 merges, end of text 256"));
    assert_eq!(line("chat template"), Some("65 characters"));
    let model = found.model.as_ref().unwrap();
    assert_eq!((model.config.vocab_size(), model.config.block_size(), model.config.n_head()), (257, 16, 2));

    let dtype = |name: &str| found.tensors.get(name).unwrap().dtype.clone();
    assert_eq!((dtype("wte.weight"), dtype("h.0.attn.c_attn.weight")), (Dtype::Q8_0, Dtype::Q4_1));
    let mut checkpoint = Checkpoint::new(found).unwrap();
    for param in checkpoint.config().table() {
        let mut ours = vec![0.0; param.numel()];
        checkpoint.read(&param.name, 0..param.shape[0], &mut ours).unwrap();
        let turned = param.shape.len() == 2 && param.name.starts_with("h.");
        let stored: Vec<usize> =
            if turned { param.shape.iter().rev().copied().collect() } else { param.shape.clone() };
        let theirs = float(&stored, &names::from_key(checkpoint.config(), &param.name));
        for (at, x) in ours.iter().enumerate() {
            let place = if turned { at % stored[0] * stored[1] + at / stored[0] } else { at };
            assert_eq!(x.to_bits(), theirs[place].to_bits(), "{} {at}", param.name);
        }
    }
}

#[test]
fn every_type_of_value_is_read() {
    let metadata = metadata_of(TINY);
    let get = |name: &str| metadata.get(&format!("test.{name}")).unwrap().clone();
    for (name, whole) in [
        ("u8", 200),
        ("i8", -100),
        ("u16", 60_000),
        ("i16", -30_000),
        ("u32", 4_000_000_000),
        ("i32", -2_000_000_000),
        ("u64", 1 << 63),
        ("i64", -(1 << 62)),
    ] {
        assert_eq!(get(name), Value::Whole(whole), "{name}");
    }
    assert_eq!((get("f32"), get("f64")), (Value::Float(0.5), Value::Float(0.1)));
    assert_eq!((get("bool"), get("text")), (Value::Bool(true), Value::Text("señor".into())));
    let numbers =
        |name: &str| metadata.get_numbers(&format!("test.{name}")).unwrap().iter().collect::<Vec<_>>();
    assert_eq!(numbers("numbers"), [Value::Whole(1), Value::Whole(-2), Value::Whole(3)]);
    assert_eq!(numbers("floats"), [Value::Float(0.5), Value::Float(1.5)]);
    assert_eq!(numbers("bools"), [Value::Bool(true), Value::Bool(false)]);
    let texts = metadata.get_texts("test.texts").unwrap();
    assert_eq!(texts.iter().collect::<Vec<_>>(), ["a", "", "ça"]);
    assert_eq!(get("arrays"), Value::Arrays(2));
    assert_eq!(
        (metadata.get_u32("test.i8"), metadata.get_u32("test.u64"), metadata.get_u32("test.u8")),
        (None, None, Some(200))
    );
}

#[test]
fn version_2_is_read_and_others_are_named() {
    let version = |version: u32| {
        let mut bytes = TINY.to_vec();
        bytes[4..8].copy_from_slice(&version.to_le_bytes());
        bytes
    };
    assert_eq!(find_bytes(&version(2)).unwrap().format, "GGUF v2");
    assert!(refusal(&version(1)).contains("version 1"));
    assert!(refusal(&version(4)).contains("version 4"));
    assert!(refusal(&version(3_u32.swap_bytes())).contains("big-endian"));
    assert!(refusal(b"GGML1234").contains("begins with \"GGML\""));
    assert!(refusal(b"version https://git-lfs.github.com/spec/v1\n").contains("git lfs pull"));
    assert!(refusal(b"GG").contains("cut short"));
    assert!(refusal(b"").contains("cut short"));
}

#[test]
fn every_cut_is_noticed() {
    let whole = find_bytes(TINY).unwrap();
    let last = whole.tensors.entries().iter().map(|e| e.offset + e.len).max().unwrap() as usize;
    for end in (0..last).step_by(37).chain([last - 1]) {
        refusal(&TINY[..end]);
    }
    assert!(find_bytes(&TINY[..last]).is_ok(), "padding behind the last tensor may be missing");
}

#[test]
fn lying_counts_and_lengths_are_refused_before_anything_is_made() {
    for huge in [u64::MAX, u64::MAX / 8, 1 << 40, 1000] {
        let count = huge.to_le_bytes();
        let array = |kind: u32| [&kind.to_le_bytes()[..], &count].concat();
        let lying = [
            File { counts: Some((huge, 1)), ..File::new() },
            File { counts: Some((0, huge)), ..File::new() },
            File::new().with_key("a", 8, &count),
            File::new().with_key("a", 9, &array(8)),
            File::new().with_key("a", 9, &array(9)),
            File::new().with_key("a", 9, &array(12)),
            File::new().with_key("a", 9, &array(0)),
        ];
        for file in lying {
            let told = file.refusal();
            assert!(told.contains("cut short or damaged") || told.contains("longer than any"), "{told}");
        }
    }
    let file = File { keys: vec![count_of_key(70_000)], ..File::new() };
    assert!(file.refusal().contains("a key of 70000 bytes"));
}

fn count_of_key(len: u64) -> Vec<u8> {
    [&len.to_le_bytes()[..], &[b'a'; 70_000]].concat()
}

#[test]
fn what_no_writer_writes_is_named() {
    let says = |file: File, told: &str| {
        let message = file.refusal();
        assert!(message.contains(told), "{message}");
    };
    says(File::new().with_key("a", 13, &[0; 8]), "\"a\" has a value of type 13");
    says(File::new().with_key("a", 7, &[2]), "a yes or no of value 2");
    says(File::new().with_key("a", 9, &[&77_u32.to_le_bytes()[..], &[0; 8]].concat()), "an array of type 77");
    says(File::new().with_key("general.architecture", 8, &text("gpt2")), "given twice");
    says(File::new().with_key("\u{1b}[2J", 13, &[]), "\"\\u{1b}[2J\"");
    let mut bad = File::new();
    bad.keys.push([&2_u64.to_le_bytes()[..], &[0xff, 0xfe]].concat());
    says(bad, "no UTF-8");
    let deep =
        (0..9).fold(Vec::new(), |inner, _| [&9_u32.to_le_bytes()[..], &1_u64.to_le_bytes(), &inner].concat());
    says(File::new().with_key("a", 9, &deep), "arrays in arrays");
    for alignment in [0_u32, 24, 33] {
        says(File::new().with_key("general.alignment", 4, &alignment.to_le_bytes()), "no power of two");
    }
}

#[test]
fn tensors_that_do_not_fit_are_named() {
    let says = |file: File, told: &str| {
        let message = file.refusal();
        assert!(message.contains(told), "{message}");
    };
    let one = || File::new().with_tensor("a", &[8], 0, 0, 32);
    assert!(find_bytes(&one().bytes()).is_ok());
    says(one().with_tensor("a", &[8], 0, 32, 32), "\"a\" is listed twice");
    says(one().with_tensor("b", &[8], 0, 0, 0), "\"a\" and \"b\" claim the same bytes");
    says(one().with_tensor("b", &[8], 0, 16, 32), "no multiple of 32");
    says(one().with_tensor("b", &[8], 0, 64, 0), "cut short");
    says(one().with_tensor("b", &[8], 0, u64::MAX - 31, 0), "cut short");
    says(one().with_tensor("b", &[1; 5], 0, 32, 32), "has 5 extents");
    says(one().with_tensor("b", &[u64::MAX, 8], 0, 32, 0), "larger than any file");
    says(one().with_tensor("b", &[1 << 40, 1 << 40], 0, 32, 0), "larger than any file");
    says(one().with_tensor("b", &[1 << 60], 0, 32, 0), "cut short");
    says(one().with_tensor("b", &[0, 1 << 63, 4], 0, 32, 0), "larger than any file");
    says(one().with_tensor("b", &[33], 8, 32, 64), "in blocks of 32, and its rows are 33 long");
    says(one().with_tensor("b", &[128, 2], 12, 32, 144), "in blocks of 256");
    let shape = |file: File, name: &str| {
        let entry = find_bytes(&file.bytes()).unwrap().tensors.entry(name).unwrap().clone();
        (entry.shape, entry.dtype.name().to_string(), entry.len)
    };
    assert_eq!(
        shape(one().with_tensor("b", &[64, 3], 10_000, 32, 0), "b"),
        (vec![3, 64], "ggml type 10000".into(), 0)
    );
    assert_eq!(
        shape(one().with_tensor("b", &[256, 2], 10, 32, 168), "b"),
        (vec![2, 256], "Q2_K".into(), 168)
    );
    assert_eq!(shape(one().with_tensor("b", &[], 0, 32, 4), "b"), (vec![], "F32".into(), 4));
    let wide = one().with_key("general.alignment", 4, &64_u32.to_le_bytes());
    let found = find_bytes(&[wide.bytes(), vec![0; 64]].concat()).unwrap();
    assert_eq!(found.tensors.entry("a").unwrap().offset % 64, 0);
}

/// The file with something else in a key's place.
fn changed(name: &str, kind: u32, value: &[u8]) -> File {
    let number = |n: u32| n.to_le_bytes();
    let mut file = File::new();
    for (key, value) in [
        ("context_length", 16),
        ("block_count", 1),
        ("embedding_length", 32),
        ("attention.head_count", 2),
        ("feed_forward_length", 128),
    ] {
        file = file.with_key(&format!("gpt2.{key}"), 4, &number(value));
    }
    file.keys.retain(|bytes| !bytes.starts_with(&text(name)));
    file.with_key(name, kind, value).with_tensor("token_embd.weight", &[32, 257], 0, 0, 4 * 32 * 257)
}

#[test]
fn a_model_that_is_not_computed_is_named_and_still_listed() {
    let says = |file: &File, told: &str| {
        let found = find_bytes(&file.bytes()).unwrap();
        assert!(!found.tensors.entries().is_empty() && !found.about.is_empty());
        let message = found.model.unwrap_err().to_string();
        assert!(message.contains(told) && message.contains("next: "), "{message}");
    };
    let number = |n: u32| n.to_le_bytes();
    let model = changed("a", 4, &number(0));
    assert!(find_bytes(&model.bytes()).unwrap().model.is_ok());
    says(&changed("general.architecture", 8, &text("qwen2")), "its architecture is \"qwen2\"");
    says(&changed("general.architecture", 4, &number(1)), "does not say its architecture");
    says(&changed("general.type", 8, &text("adapter")), "a LoRA adapter");
    says(&changed("general.type", 8, &text("mmproj")), "holds \"mmproj\"");
    says(&changed("gpt2.block_count", 8, &text("one")), "gpt2.block_count is no size");
    says(&changed("gpt2.block_count", 4, &number(u32::MAX)), "gpt2.block_count is 4294967295, no size");
    says(&changed("gpt2.attention.head_count", 4, &number(0)), "gpt2.attention.head_count is 0, no size");
    says(&changed("gpt2.attention.head_count", 4, &number(5)), "no multiple of 5 heads");
    says(&changed("gpt2.feed_forward_length", 4, &number(127)), "feed_forward_length is not 128");
    says(&changed("gpt2.attention.head_count_kv", 4, &number(1)), "head_count_kv is not 2");
    says(
        &changed("gpt2.attention.layer_norm_epsilon", 6, &1e-6_f32.to_le_bytes()),
        "layer_norm_epsilon is 0.00000",
    );
    let data = model.data.len() as u64;
    says(
        &model.clone().with_tensor("blk.0.attn_q.weight", &[32, 32], 0, data, 4096),
        "\"blk.0.attn_q.weight\"",
    );
    let threes = model.clone().with_tensor("blk.0.ffn_up.weight", &[256, 1], 11, data, 110);
    says(&threes, "\"blk.0.ffn_up.weight\" is stored as Q3_K");
    let mut none = model.clone();
    none.tensors = vec![tensor("output_norm.bias", &[32], 0, 0)];
    says(&none, "no token_embd.weight");
    let missing = Checkpoint::new(find_bytes(&model.bytes()).unwrap()).unwrap_err().to_string();
    assert!(missing.contains("missing: wpe.weight"), "{missing}");
    let layers = changed("gpt2.block_count", 4, &number(1 << 23));
    assert!(Checkpoint::new(find_bytes(&layers.bytes()).unwrap()).is_err());
}

#[test]
fn parts_are_joined_wherever_one_begins() {
    let part = |number: u16, count: u16, all: u16, tensor: &str| {
        File::new()
            .with_key("split.no", 2, &number.to_le_bytes())
            .with_key("split.count", 2, &count.to_le_bytes())
            .with_key("split.tensors.count", 5, &u32::from(all).to_le_bytes())
            .with_key("general.name", 8, &text(tensor))
            .with_tensor(tensor, &[8], 0, 0, 32)
            .bytes()
    };
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let put = |name: &str, bytes: Vec<u8>| std::fs::write(path(name), bytes).unwrap();
    put("m-00001-of-00002.gguf", part(0, 2, 2, "token_embd.weight"));
    let second = path("m-00002-of-00002.gguf");
    let told = find(&path("m-00001-of-00002.gguf")).unwrap_err().to_string();
    assert!(told.contains("part 2 of 2 is not there") && told.contains("m-00002-of-00002.gguf"), "{told}");
    put("m-00002-of-00002.gguf", part(1, 2, 2, "output_norm.bias"));
    let found = find(&second).unwrap();
    assert_eq!(found.format, "GGUF v3, in 2 parts");
    assert_eq!(found.about[0], ("name".into(), "token_embd.weight".into()), "the first part speaks");
    assert!(found.tensors.get("wte.weight").is_some() && found.tensors.get("ln_f.bias").is_some());
    put("m-00002-of-00002.gguf", part(1, 2, 3, "output_norm.bias"));
    put("m-00001-of-00002.gguf", part(0, 2, 3, "token_embd.weight"));
    assert!(find(&second).unwrap_err().to_string().contains("hold 3 tensors; they hold 2"));
    put("m-00002-of-00002.gguf", part(1, 2, 2, "token_embd.weight"));
    assert!(find(&second).unwrap_err().to_string().contains("and so does"));
    put("m-00002-of-00002.gguf", part(0, 2, 2, "output_norm.bias"));
    assert!(find(&path("m-00001-of-00002.gguf")).unwrap_err().to_string().contains("does not say so itself"));
    put("renamed.gguf", part(1, 2, 2, "output_norm.bias"));
    let told = find(&path("renamed.gguf")).unwrap_err().to_string();
    assert!(told.contains("llama-gguf-split --merge"), "{told}");
}

/// A GPT-2 whose head llama.cpp wrote in more bits than the embedding.
#[test]
fn a_head_in_other_blocks_is_the_embedding_and_the_finer_serves_as_both() {
    let mut file = find_bytes(TINY).unwrap();
    let mut rows = vec![0.0; 257 * 32];
    file.tensors.read_rows_f32("wte.weight", 0..257, &mut rows).unwrap();
    let with_head = |head: &[f32], dtype: Dtype| {
        let mut bytes = TINY.to_vec();
        let tensors = u64::from_le_bytes(bytes[8..16].try_into().unwrap());
        let keys = u64::from_le_bytes(bytes[16..24].try_into().unwrap());
        // The list of tensors grows by one, and the data by the head.
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.gguf");
        std::fs::write(&path, &bytes).unwrap();
        let opened = header::open(&path).unwrap();
        let start = opened.tensors.entries().iter().map(|e| e.offset).min().unwrap() as usize;
        let data = bytes.split_off(start);
        let info = tensor(
            "output.weight",
            &[32, 257],
            types::number(&dtype),
            data.len().next_multiple_of(32) as u64,
        );
        let unpadded = bytes.iter().rposition(|b| *b != 0).unwrap();
        // The last tensor's place is eight bytes, of which the high ones are zeros.
        let last = opened.tensors.entries().last().unwrap().offset as usize - start;
        let place = (unpadded - 15..=unpadded)
            .find(|&at| bytes[at..].starts_with(&(last as u64).to_le_bytes()))
            .unwrap();
        bytes.truncate(place + 8);
        bytes.extend(info);
        bytes[8..16].copy_from_slice(&(tensors + 1).to_le_bytes());
        bytes[16..24].copy_from_slice(&keys.to_le_bytes());
        bytes.resize(bytes.len().next_multiple_of(32), 0);
        bytes.extend(&data);
        bytes.resize(bytes.len().next_multiple_of(32), 0);
        dtype.encode(head, &mut bytes).unwrap();
        find_bytes(&bytes).and_then(Checkpoint::new)
    };
    let row = |checkpoint: &mut Checkpoint| {
        let mut row = vec![0.0; 32];
        checkpoint.read("wte.weight", 5..6, &mut row).unwrap();
        row
    };
    // `wte` is Q8_0: a head of four bits is coarser, one of floats finer.
    let mut coarser = with_head(&rows, Dtype::Q4_1).unwrap();
    assert_eq!(row(&mut coarser), rows[5 * 32..6 * 32]);
    let nearly: Vec<f32> = rows.iter().map(|x| x * 1.001).collect();
    let mut finer = with_head(&nearly, Dtype::F32).unwrap();
    assert_eq!(row(&mut finer), nearly[5 * 32..6 * 32]);
    let mut other = rows.clone();
    other[7 * 32..8 * 32].iter_mut().for_each(|x| *x = -*x);
    let told = with_head(&other, Dtype::Q4_0).unwrap_err().to_string();
    assert!(told.contains("more than quantising does (told in row 7)"), "{told}");
}

/// Opens and reads all there is to read: errors are fine, panics are not.
fn read_everything(bytes: &[u8]) {
    let Ok(found) = find_bytes(bytes) else { return };
    let mut out = Vec::new();
    let entries = found.tensors.entries().to_vec();
    assert!(entries.iter().all(|e| e.len == 0 || e.offset + e.len <= bytes.len() as u64));
    let held: usize = found.about.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(held < 20_000, "lines that can be printed");
    let mut tensors = found.tensors;
    for entry in entries {
        if tensors.read_f32(&entry.name, &mut out).is_ok() {
            // 18 bytes of Q4_0 are 32 numbers, 144 of Q4_K 256.
            assert!(out.len() * 9 <= bytes.len() * 16);
        }
    }
    if let Ok(found) = find_bytes(bytes) {
        let _ = Checkpoint::new(found);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn random_bytes_are_no_panic(version in 2_u32..4, counts in (0_u64..5, 0_u64..5), rest in prop::collection::vec(any::<u8>(), 0..400)) {
        let head = [&b"GGUF"[..], &version.to_le_bytes(), &counts.0.to_le_bytes(), &counts.1.to_le_bytes()].concat();
        read_everything(&[head, rest].concat());
    }

    /// All of the header lies in the first bytes, where damage means something.
    #[test]
    fn damage_is_no_panic(changes in prop::collection::vec((0_usize..7000, prop_oneof![any::<u8>(), Just(0), Just(255)]), 1..6), cut in prop::option::of(0_usize..37_504)) {
        let mut bytes = TINY.to_vec();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        bytes.truncate(cut.unwrap_or(bytes.len()));
        read_everything(&bytes);
    }

    #[test]
    fn made_up_tensors_are_no_panic(
        tensors in prop::collection::vec(("[a-c]|token_embd.weight|blk.0.ffn_up.weight", prop::collection::vec(prop_oneof![0_u64..70, any::<u64>(), Just(256)], 0..5), 0_u32..45, prop_oneof![(0_u64..8).prop_map(|n| 32 * n), any::<u64>()]), 0..4),
        data in 0_usize..600,
    ) {
        let mut file = File::new();
        for (name, extents, kind, offset) in tensors {
            file = file.with_tensor(&name, &extents, kind, offset, 0);
        }
        file.data = vec![0; data];
        read_everything(&file.bytes());
    }
}
