//! What TensorFlow's own Saver wrote; tables made here, right and wrong; and damage.

use proptest::prelude::*;

use super::table::{MAGIC, crc32c, masked};
use super::*;
use crate::weights::checkpoint::Checkpoint;
use crate::weights::fixtures::{CFG, all, base, copied, path};

/// A number in seven bits a byte.
fn varint(mut n: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
    out
}

/// A field that is a number.
fn number(field: u64, n: u64) -> Vec<u8> {
    [varint(field << 3), varint(n)].concat()
}

/// A field that is bytes.
fn message(field: u64, bytes: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(bytes.len() as u64), bytes.to_vec()].concat()
}

/// An entry of an index: one extent, `kind` a TensorFlow type.
fn entry(kind: u64, extent: u64, offset: u64, len: u64) -> Vec<u8> {
    let shape = message(2, &message(2, &number(1, extent)));
    [number(1, kind), shape, number(4, offset), number(5, len)].concat()
}

/// The whole checkpoint's entry.
fn head(shards: u64) -> (Vec<u8>, Vec<u8>) {
    (Vec::new(), [number(1, shards), message(3, &number(1, 1))].concat())
}

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// A block's content: every key whole.
fn content(pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (key, value) in pairs {
        out.extend([varint(0), varint(key.len() as u64), varint(value.len() as u64)].concat());
        out.extend(key);
        out.extend(value);
    }
    out.extend([[0; 4], [1, 0, 0, 0]].concat());
    out
}

/// Puts a block behind a file, with its trailer, and returns its handle.
fn put(file: &mut Vec<u8>, content: &[u8], kind: u8) -> Vec<u8> {
    let at = file.len();
    file.extend(content);
    file.push(kind);
    let crc = masked(crc32c(&file[at..]));
    file.extend(crc.to_le_bytes());
    [varint(at as u64), varint(content.len() as u64)].concat()
}

/// A table of these blocks' contents.
fn table_of(blocks: &[Vec<u8>], kind: u8) -> Vec<u8> {
    let mut file = Vec::new();
    let handles: Pairs =
        (blocks.iter().enumerate()).map(|(i, b)| (vec![i as u8 + 1], put(&mut file, b, kind))).collect();
    finished(file, &handles)
}

/// The index block and the footer.
fn finished(mut file: Vec<u8>, handles: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let index = put(&mut file, &content(handles), 0);
    let mut footer = [varint(0), varint(0), index].concat();
    footer.resize(40, 0);
    footer.extend(MAGIC.to_le_bytes());
    file.extend(footer);
    file
}

/// A checkpoint of this index with 64 bytes of data: what is found, or the refusal.
fn found(index: &[u8]) -> std::result::Result<Found, String> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("m.index"), index).unwrap();
    std::fs::write(dir.path().join("m.data-00000-of-00001"), [0; 64]).unwrap();
    find(dir.path()).map_err(|e| e.to_string())
}

fn refusal(index: &[u8]) -> String {
    let message = found(index).unwrap_err();
    assert!(message.contains("next: "), "{message}");
    message
}

/// The refusal of one entry beside the head.
fn of_entry(name: &str, value: Vec<u8>) -> String {
    refusal(&table_of(&[content(&[head(1), (name.into(), value)])], 0))
}

#[test]
fn what_tensorflow_wrote_is_the_model() {
    let dir = path("tensorflow");
    for place in
        ["", "checkpoint", "hparams.json", "model-1000", "model-1000.index", "model-1000.data-00000-of-00001"]
    {
        let mut model = Checkpoint::new(find(&dir.join(place)).unwrap()).unwrap();
        assert_eq!(*model.config(), CFG);
        assert_eq!(all(&mut model), base(), "{place}");
    }
    let found = find(&dir).unwrap();
    assert_eq!(found.format, "TensorFlow checkpoint");
    let names: Vec<&str> = found.tensors.entries().iter().map(|e| e.name.as_str()).collect();
    assert!(!names.iter().any(|n| n.contains("Adam")), "{names:?}");
    assert!(names.contains(&"beta1_power") && names.contains(&"global_step"), "{names:?}");
}

/// The one checksum that is known from elsewhere (RFC 3720, B.4), and one that TensorFlow wrote.
#[test]
fn checksums_are_those_of_castagnoli() {
    assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
    assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    let index = std::fs::read(path("tensorflow/model-1000.index")).unwrap();
    let entries = table::entries(&index).unwrap();
    let (_, value) = entries.iter().find(|(key, _)| key == b"model/wte").unwrap();
    let stored = proto::fields(value).unwrap().into_iter().find(|(n, _)| *n == 6).unwrap().1;
    let wte: Vec<u8> = base()[0].1.iter().flat_map(|x| x.to_le_bytes()).collect();
    assert_eq!(stored, proto::Field::Fixed32(masked(crc32c(&wte))));
}

#[test]
fn names_are_gpt2s() {
    for (name, wanted) in [
        ("model/wte", Some("wte.weight")),
        ("model/h0/ln_1/g", Some("h.0.ln_1.weight")),
        ("model/h11/attn/c_attn/b", Some("h.11.attn.c_attn.bias")),
        ("model/ln_f/b", Some("ln_f.bias")),
        ("model/h0/odd", Some("h.0.odd")),
        ("model/h00/ln_1/g", None),
        ("model/h0", None),
        ("model/score/w", None),
        ("wte", None),
    ] {
        assert_eq!(key(name).as_deref(), wanted, "{name}");
    }
    for slot in ["model/wte/Adam", "model/h0/ln_1/g/Adam_1", "model/h3/mlp/c_fc/w/Momentum"] {
        assert!(is_slot(slot), "{slot}");
    }
    assert!(!is_slot("model/h0/attn/c_attn/w") && !is_slot("model/h0/w2/extra"));
}

#[test]
fn a_folder_says_which_checkpoint_or_is_told_what_is_missing() {
    let dir = copied("tensorflow");
    let at = |name: &str| dir.path().join(name);
    let says = |path: &Path, expected: &[&str]| {
        let message = find(path).unwrap_err().to_string();
        assert!(message.contains("next: ") && expected.iter().all(|e| message.contains(e)), "{message}");
    };
    for name in ["model.index", "../model", "C:\\old\\model"] {
        // Only what stands beside it is ever looked at.
        std::fs::write(at("checkpoint"), format!("model_checkpoint_path: \"{name}\"\n")).unwrap();
        says(dir.path(), &["is not there"]);
    }
    for name in ["", "..", "a/", "c:x"] {
        std::fs::write(at("checkpoint"), format!("model_checkpoint_path: \"{name}\"\n")).unwrap();
        says(dir.path(), &["names no model_checkpoint_path"]);
    }
    std::fs::write(at("checkpoint"), vec![b'x'; (1 << 20) + 1]).unwrap();
    says(dir.path(), &["longer than 1 MiB"]);
    std::fs::remove_file(at("checkpoint")).unwrap();
    assert!(find(dir.path()).is_ok(), "the only one");
    std::fs::write(at("other.index"), "x").unwrap();
    says(dir.path(), &["several checkpoints", "model-1000", "other"]);
    says(&at("other.index"), &["cut short"]);
    // The form before: one file, which is a table.
    std::fs::copy(at("model-1000.index"), at("old")).unwrap();
    says(&at("old"), &["V1"]);
    std::fs::write(at("checkpoint"), "model_checkpoint_path: \"old\"\n").unwrap();
    says(dir.path(), &["V1"]);
    says(&at("nothing"), &["no file of a TensorFlow checkpoint"]);
    let data = at("model-1000.data-00000-of-00001");
    let whole = std::fs::read(&data).unwrap();
    std::fs::write(&data, &whole[..whole.len() - 9]).unwrap();
    says(&at("model-1000.index"), &["cut short", "data-00000"]);
    std::fs::remove_file(&data).unwrap();
    says(&at("model-1000.index"), &["not there", "data-00000"]);
    let empty = tempfile::tempdir().unwrap();
    says(empty.path(), &["no TensorFlow checkpoint in it"]);
}

#[test]
fn hparams_are_checked() {
    let dir = copied("tensorflow");
    let hparams = dir.path().join("hparams.json");
    std::fs::remove_file(dir.path().join("checkpoint")).unwrap();
    let says = |text: &str, expected: &str| {
        std::fs::write(&hparams, text).unwrap();
        let message = find(dir.path()).unwrap().model.unwrap_err().to_string();
        assert!(message.contains(expected) && message.contains("next: "), "{message}");
    };
    says("[]", "not a JSON object");
    says("{\"n_vocab\": 13}", "does not say n_ctx, n_embd, n_head, n_layer");
    let with = |heads: &str| {
        format!("{{\"n_vocab\":13,\"n_ctx\":6,\"n_embd\":12,\"n_head\":{heads},\"n_layer\":2}}")
    };
    says(&with("-3"), "n_head is -3");
    says(&with("\"three\""), "n_head is");
    says(&with("5"), "no multiple of 5 heads");
    std::fs::write(&hparams, with("3").replace("\"n_layer\":2", "\"n_layer\":16000000")).unwrap();
    let many = Checkpoint::new(find(dir.path()).unwrap()).unwrap_err().to_string();
    assert!(many.contains("16000000 layers"), "{many}");
    std::fs::remove_file(&hparams).unwrap();
    let none = find(dir.path()).unwrap().model.unwrap_err().to_string();
    assert!(none.contains("there is none"), "{none}");
}

#[test]
fn a_tokenizer_beside_it_that_is_another_is_not_taken_for_gpt2s() {
    let dir = copied("tensorflow");
    std::fs::write(dir.path().join("encoder.json"), "{\"a\": 0, \"b\": 1}").unwrap();
    let model = Checkpoint::new(find(dir.path()).unwrap()).unwrap();
    let message = model.tokenizer().unwrap_err().to_string();
    assert!(message.contains("encoder.json"), "{message}");
}

#[test]
fn a_right_table_of_several_blocks_is_read() {
    let one = entry(1, 3, 0, 12);
    let two = entry(14, 2, 12, 4);
    let index = table_of(&[content(&[head(1), ("a".into(), one)]), content(&[("b".into(), two)])], 0);
    let found = found(&index).unwrap();
    let told: Vec<_> =
        found.tensors.entries().iter().map(|e| (e.name.as_str(), e.dtype.name(), e.offset)).collect();
    assert_eq!(told, [("a", "F32", 0), ("b", "BF16", 12)]);
}

#[test]
fn every_wrong_entry_is_named() {
    assert!(
        of_entry("a", entry(1, 3, 0, 8)).contains("has 8 bytes, which is not what F32 of shape [3] takes")
    );
    assert!(of_entry("a", entry(1, 3, 56, 12)).contains("cut short"));
    assert!(of_entry("a", entry(1, 3, u64::MAX, 12)).contains("cut short"));
    assert!(of_entry("a", entry(1, u64::MAX, 0, 12)).contains("negative"));
    assert!(of_entry("a", entry(1, 1 << 62, 0, 12)).contains("not what F32"));
    let in_shard = [entry(1, 3, 0, 12), number(3, 1)].concat();
    assert!(of_entry("a", in_shard).contains("in data file 1"));
    assert!(of_entry("a", [entry(1, 3, 0, 12), message(7, &[])].concat()).contains("slices"));
    let unknown = [number(1, 1), message(2, &number(3, 1))].concat();
    assert!(of_entry("a", unknown).contains("shape is unknown"));
    assert!(of_entry("a", vec![0x0b]).contains("wire type 3"));
    assert!(of_entry("a", vec![0x08]).contains("middle of an entry"));
    assert!(of_entry("a", [vec![0x08], vec![0xff; 10]].concat()).contains("64 bits"));
    assert!(of_entry(&"a".repeat(600), entry(1, 3, 0, 12)).contains("512 bytes"));

    let one = || ("a".into(), entry(1, 3, 0, 12));
    let said = |pairs: &[(Vec<u8>, Vec<u8>)]| refusal(&table_of(&[content(pairs)], 0));
    assert!(said(&[head(1), one(), ("b".into(), entry(1, 3, 8, 12))]).contains("claim the same bytes"));
    assert!(said(&[head(1), one(), one()]).contains("out of order"));
    assert!(said(&[head(1), ("b".into(), entry(1, 3, 0, 12)), one()]).contains("out of order"));
    assert!(said(&[head(1), (vec![0xff], entry(1, 3, 0, 12))]).contains("not text"));
    assert!(said(&[one()]).contains("no entry for the checkpoint"));
    assert!(said(&[head(0), one()]).contains("0 data files"));
    assert!(said(&[head(65), one()]).contains("65 data files"));
    assert!(said(&[head(1)]).contains("no variables"));
    let big = (Vec::new(), [number(1, 1), number(2, 1)].concat());
    assert!(said(&[big, one()]).contains("big-endian"));
    let newer = (Vec::new(), [number(1, 1), message(3, &number(2, 9))].concat());
    assert!(said(&[newer, one()]).contains("newer reader"));
    // One parameter under two names.
    let (a, b) = ("model/h0/x.ln_1/b", "model/h0/x/ln_1/b");
    assert!(
        said(&[head(1), (a.into(), entry(1, 3, 0, 12)), (b.into(), entry(1, 3, 12, 12))]).contains("twice")
    );
}

#[test]
fn every_wrong_table_is_named() {
    let good = table_of(&[content(&[head(1), ("a".into(), entry(1, 3, 0, 12))])], 0);
    assert!(found(&good).is_ok());
    for cut in 0..good.len() {
        assert!(found(&good[..cut]).is_err(), "{cut}");
    }
    let mut flipped = good.clone();
    flipped[9] ^= 1;
    assert!(refusal(&flipped).contains("checksum"));
    assert!(refusal(&table_of(&[content(&[head(1)])], 1)).contains("snappy"));
    assert!(refusal(&table_of(&[content(&[head(1)])], 7)).contains("way 7"));
    assert!(refusal(&table_of(&[vec![1, 2]], 0)).contains("without an end"));
    assert!(refusal(&table_of(&[vec![0xff; 8]], 0)).contains("without an end"));
    let continuing = [vec![3, 1, 0, b'a'], vec![0; 4]].concat();
    assert!(refusal(&table_of(&[continuing], 0)).contains("continues nothing"));
    // The same block many times over: little bytes, much work.
    let mut file = Vec::new();
    let block = put(&mut file, &content(&[head(1)]), 0);
    let twice = finished(file, &[(vec![1], block.clone()), (vec![2], block)]);
    assert!(refusal(&twice).contains("in one place"));
    let outside = finished(Vec::new(), &[(vec![1], [varint(1 << 40), varint(u64::MAX)].concat())]);
    assert!(refusal(&outside).contains("cut short or damaged"));
    assert!(refusal(&vec![0; (1 << 20) + 1]).contains("longer than 1 MiB"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Blocks of damaged entries with right checksums, so that what stands behind those is reached.
    #[test]
    fn mutations_do_no_harm(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5)) {
        let real = std::fs::read(path("tensorflow/model-1000.index")).unwrap();
        let pairs: Pairs = table::entries(&real).unwrap().into_iter().map(|(k, v)| (k, v.to_vec())).collect();
        let mut block = content(&pairs);
        for (at, byte) in &edits {
            let at = at.index(block.len());
            block[at] = *byte;
        }
        let dir = copied("tensorflow");
        std::fs::write(dir.path().join("model-1000.index"), table_of(&[block], 0)).unwrap();
        if let Ok(found) = find(dir.path()) {
            let length = std::fs::metadata(dir.path().join("model-1000.data-00000-of-00001")).unwrap().len();
            prop_assert!(found.tensors.entries().iter().all(|e| e.offset + e.len <= length));
            if let Ok(mut model) = Checkpoint::new(found) {
                for p in model.config().table() {
                    let _ = model.read(&p.name, 0..p.shape[0], &mut vec![0.0; p.numel()]);
                }
            }
        }
    }

    #[test]
    fn random_bytes_do_no_harm(mut bytes in prop::collection::vec(any::<u8>(), 0..200), ends in any::<bool>()) {
        if ends {
            bytes.extend(MAGIC.to_le_bytes());
        }
        let _ = found(&bytes);
    }
}
