//! Files that torch.save wrote (`tests/fixtures/pickle/generate.py`) against their safetensors twin; pickles made by hand,
//! good and bad; and both kinds of files damaged at random.

use std::path::PathBuf;

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use super::value::Value;
use super::write::{Pickler, TorchWriter};
use super::*;
use crate::weights::dtype::Dtype;
use crate::weights::huggingface::bare;
use crate::weights::safetensors;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pickle").join(name)
}

/// Every tensor of the twin stands in that file, number for number; the file's own names.
fn compare(name: &str) -> (Tensors, Pickle) {
    let mut twin = safetensors::open(fixture("twin.safetensors")).unwrap();
    let (tensors, pickle) = open(&fixture(name)).unwrap();
    let names: Vec<String> = tensors.entries().iter().map(|e| e.name.clone()).collect();
    assert!(names.len() >= twin.entries().len(), "{name}: {names:?}");
    let mut bared = tensors.renamed(bare).unwrap();
    for entry in twin.entries().to_vec() {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        twin.read_f32(&entry.name, &mut theirs).unwrap();
        assert_eq!(bared.entry(&entry.name).unwrap().shape, entry.shape, "{name}: {}", entry.name);
        bared.read_f32(&entry.name, &mut ours).unwrap();
        assert_eq!(ours, theirs, "{name}: {}", entry.name);
    }
    (bared, pickle)
}

fn refusal(path: &Path) -> String {
    let message = open(path).unwrap_err().to_string();
    assert!(message.contains("\n  next: "), "{message}");
    message
}

fn has(message: &str, words: &[&str]) {
    for word in words {
        assert!(message.contains(word), "{word:?} is not in: {message}");
    }
}

#[test]
fn every_number_is_torchs_in_both_forms_of_the_file() {
    for name in ["zip_f32.bin", "legacy_f32.bin", "zip_protocol4.bin", "legacy_protocol4.bin"] {
        let (tensors, _) = compare(name);
        let [head, wte] = ["lm_head.weight", "wte.weight"].map(|n| tensors.entry(n).unwrap());
        assert_eq!((head.offset, &head.dtype), (wte.offset, &Dtype::F32), "{name}: one storage");
    }
    for (name, dtype) in
        [("zip_f16.bin", Dtype::F16), ("legacy_bf16.bin", Dtype::BF16), ("zip_f64.bin", Dtype::F64)]
    {
        let (tensors, _) = compare(name);
        assert!(tensors.entries().iter().all(|e| e.dtype == dtype), "{name}");
    }
}

#[test]
fn transposed_views_are_read_from_where_they_begin() {
    for name in ["zip_views.bin", "legacy_views.bin"] {
        let (tensors, _) = compare(name);
        assert!(
            tensors
                .entries()
                .iter()
                .all(|e| (e.order == crate::weights::tensors::Order::Columns) == (e.shape.len() == 2)),
            "{name}"
        );
    }
}

#[test]
fn parameters_are_tensors_and_masks_are_listed_but_not_read() {
    for name in ["zip_masks.bin", "legacy_masks.bin"] {
        let (mut tensors, _) = compare(name);
        let mask = tensors.entry("h.1.attn.bias").unwrap();
        assert_eq!((mask.dtype.name(), mask.shape.as_slice(), mask.len), ("uint8", &[1, 1, 5, 5][..], 25));
        let mut fill = Vec::new();
        tensors.read_f32("h.1.attn.masked_bias", &mut fill).unwrap();
        assert_eq!(fill, [-1e4]);
    }
}

#[test]
fn what_else_a_trainer_keeps_can_be_asked_for() {
    let (_, pickle) = compare("zip_f64.bin");
    assert_eq!(pickle.get(pickle.root(), "epoch"), Some(Value::Int(3)));
    for (name, key, value) in [
        ("nanogpt.pt", "dataset", "openwebtext"),
        // An argparse.Namespace, and the loss a number of numpy's where the other's is a tensor.
        ("nanogpt_no_bias.pt", "dataset", "shakespeare"),
    ] {
        let (tensors, pickle) = open(&fixture(name)).unwrap();
        let get = |key| pickle.get(pickle.root(), key).unwrap();
        assert_eq!(get("best_val_loss"), Value::Float(2.5), "{name}");
        assert_eq!(get("iter_num"), Value::Int(2000));
        let found = pickle.get(get("config"), key).and_then(|v| pickle.text(v));
        assert_eq!(found, Some(value), "{name}");
        assert!(
            tensors.entries().iter().all(|e| e.name.contains("transformer.") || e.name.contains("lm_head"))
        );
    }
}

#[test]
fn what_is_not_plain_weights_is_refused_by_name() {
    for (name, words) in [
        (
            "os_system_zip.bin",
            &["posix.system", "diarist runs nothing", "torch.save(model.state_dict(), NEW)"][..],
        ),
        ("os_system_legacy.bin", &["posix.system", "diarist runs nothing"]),
        ("whole_model.bin", &["torch.nn.modules.linear.Linear"]),
        ("sparse.bin", &["sparse tensor", "to_dense"]),
        ("quantized.bin", &["quantized tensor", "unquantized float version"]),
        ("strided.bin", &["\"a\" of shape [4, 3] has strides [6, 2]", "contiguous()"]),
        ("negative.bin", &["negative", "resolve_neg"]),
        ("script.pt", &["TorchScript", "state_dict"]),
        ("meta.pkl", &["a pickle of another program than torch.save"]),
        ("generate.py", &["neither a zip of PyTorch's nor"]),
        ("", &["not a file"]),
    ] {
        has(&refusal(&fixture(name)), words);
    }
    assert!(!Path::new("/tmp/diarist-was-had").exists(), "a pickle ran something");
}

/// A zip as torch lays it out.
fn zip_of(members: &[(&str, &[u8])], method: zip::CompressionMethod) -> Vec<u8> {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

const STORED: zip::CompressionMethod = zip::CompressionMethod::Stored;
const DEFLATED: zip::CompressionMethod = zip::CompressionMethod::Deflated;

/// What is said of these bytes.
fn said_of(bytes: &[u8]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.bin");
    std::fs::write(&path, bytes).unwrap();
    refusal(&path)
}

/// What is said of a zip with that pickle.
fn said_of_pickle(pickle: &[u8]) -> String {
    said_of(&zip_of(&[("a/data.pkl", pickle)], STORED))
}

/// `{"t": a tensor of these claims}` with a float storage.
fn claims(key: &str, numel: i64, offset: i64, shape: &[i64], stride: &[i64]) -> Vec<u8> {
    let int = |n: i64| [&[0x8a, 8][..], &n.to_le_bytes()].concat();
    let text = |s: &str| [b"X", &(s.len() as u32).to_le_bytes()[..], s.as_bytes()].concat();
    let ints = |all: &[i64]| [b"(", &all.iter().flat_map(|n| int(*n)).collect::<Vec<_>>()[..], b"t"].concat();
    [
        b"\x80\x02}".to_vec(),
        text("t"),
        b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
        text("storage"),
        b"ctorch\nFloatStorage\n".to_vec(),
        text(key),
        text("cuda:0"),
        int(numel),
        b"tQ".to_vec(),
        int(offset),
        ints(shape),
        ints(stride),
        b"\x89ccollections\nOrderedDict\n)RtRs.".to_vec(),
    ]
    .concat()
}

#[test]
fn a_tensors_claims_are_held_against_its_storage() {
    let of = |pickle: Vec<u8>| zip_of(&[("a/data.pkl", &pickle), ("a/data/0", &[0; 24])], STORED);
    let good = of(claims("0", 6, 2, &[2, 2], &[2, 1]));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("good.bin");
    std::fs::write(&path, good).unwrap();
    assert_eq!(open(&path).unwrap().0.entry("t").unwrap().len, 16);
    let far = i64::MAX;
    for (pickle, words) in [
        (claims("0", 6, 3, &[2, 2], &[2, 1]), "reaches out of its storage of 24 bytes"),
        (claims("0", 6, far, &[2, 2], &[2, 1]), "reaches out"),
        (claims("0", 6, 0, &[far, far], &[far, 1]), "reaches out"),
        (claims("0", 6, 0, &[far, 0], &[1, 1]), "holds no tensors"),
        (claims("0", 7, 0, &[2], &[1]), "has 24 bytes, which is not what 7 elements of float32 take"),
        (claims("0", far, 0, &[2], &[1]), "a storage of 9223372036854775807 elements"),
        (claims("0", -1, 0, &[2], &[1]), "a storage of -1 elements"),
        (claims("0", 6, -1, &[2], &[1]), "arguments that it does not take"),
        (claims("0", 6, 0, &[-2], &[1]), "arguments that it does not take"),
        (claims("0", 6, 0, &[2, 1], &[1]), "arguments that it does not take"),
        (claims("0", 6, 0, &[1; 17], &[1; 17]), "17 extents"),
        (claims("0", 6, 0, &[2, 2], &[0, 0]), "strides"),
        (claims("1", 6, 0, &[2], &[1]), "storage \"1\", which is not in it"),
        (claims("../0", 6, 0, &[2], &[1]), "\"../0\", which is no name"),
        (claims("/etc/passwd", 6, 0, &[2], &[1]), "no name"),
    ] {
        if words == "holds no tensors" {
            // No elements: nothing is read, wherever they would be.
            std::fs::write(&path, of(pickle)).unwrap();
            assert_eq!(open(&path).unwrap().0.entry("t").unwrap().len, 0);
            continue;
        }
        has(&said_of(&of(pickle)), &[words]);
    }
}

#[test]
fn bad_zips_are_named() {
    let pickle = claims("0", 6, 0, &[6], &[1]);
    let (p, data) = (("a/data.pkl", &pickle[..]), ("a/data/0", &[0; 24][..]));
    has(&said_of(&zip_of(&[p, data], DEFLATED)), &["\"0\" is compressed", "zip -0"]);
    has(&said_of(&zip_of(&[("a/readme", b"")], STORED)), &["a zip without a data.pkl"]);
    has(&said_of(&zip_of(&[p, data, ("b/data.pkl", b"")], STORED)), &["two folders"]);
    has(&said_of(&zip_of(&[p, data, ("a/byteorder", b"big")], STORED)), &["big-endian"]);
    has(&said_of(&zip_of(&[p, data, ("a/byteorder", b"middle")], STORED)), &["neither little nor big"]);
    // A hundred mebibytes in a hundred kilobytes.
    let bomb = vec![0x80; 100 << 20];
    has(&said_of(&zip_of(&[("a/data.pkl", &bomb), data], DEFLATED)), &["104857600 bytes", "zip bomb"]);
    // Declared smaller than it is.
    let mut lies = zip_of(&[("a/data.pkl", &bomb[..1 << 20]), data], DEFLATED);
    let from = (1_u32 << 20).to_le_bytes();
    let at: Vec<usize> = (0..lies.len() - 4).filter(|&i| lies[i..i + 4] == from).collect();
    at.iter().for_each(|&i| lies[i..i + 4].copy_from_slice(&100_u32.to_le_bytes()));
    has(&said_of(&lies), &["does not unpack to what the zip says"]);
    // Two members of one name, and one whose name leads away.
    let mut twice = zip_of(&[p, data, ("a/data/1", &[1; 24])], STORED);
    let at: Vec<usize> = (0..twice.len() - 8).filter(|&i| twice[i..].starts_with(b"a/data/1")).collect();
    at.iter().for_each(|&i| twice[i + 7] = b'0');
    has(&said_of(&twice), &["two members of one name"]);
    has(&said_of(&zip_of(&[p, data], STORED)[..300]), &["cut short"]);
}

#[test]
fn storages_that_overlap_are_refused() {
    // Two tensors, and the second member's entry in the directory leads to the first's header.
    let mut p = Pickler::new();
    p.begin_dict();
    for (key, name) in ["a", "b"].into_iter().enumerate() {
        p.text(name);
        p.tensor(key, &Dtype::F32, &[6]);
    }
    p.end_dict();
    let pickle = p.finish();
    let mut bytes =
        zip_of(&[("x/data.pkl", &pickle), ("x/data/0", &[0; 24]), ("x/data/1", &[1; 24])], STORED);
    let entry = |bytes: &[u8], name: &[u8]| {
        (0..bytes.len() - 46)
            .find(|&i| bytes[i..].starts_with(b"PK\x01\x02") && bytes[i + 46..].starts_with(name))
            .unwrap()
    };
    let (first, second) = (entry(&bytes, b"x/data/0"), entry(&bytes, b"x/data/1"));
    let place: [u8; 4] = bytes[first + 42..first + 46].try_into().unwrap();
    bytes[second + 42..second + 46].copy_from_slice(&place);
    has(&said_of(&bytes), &["two of its storages claim the byte"]);
}

#[test]
fn bad_legacy_files_are_named() {
    let good = std::fs::read(fixture("legacy_f32.bin")).unwrap();
    let damaged = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        said_of(&bytes)
    };
    has(&said_of(&good[..good.len() - 1]), &["ends within its storage", "cut short"]);
    has(&said_of(&good[..200]), &["end in the middle"]);
    // The version, 1001.
    has(&damaged(18, 0), &["version"]);
    let at = good.windows(13).position(|w| w == b"little_endian").unwrap() + 13;
    let flag = at + good[at..].iter().position(|&b| b == 0x88).unwrap();
    has(&damaged(flag, 0x89), &["big-endian"]);
    let mut tar = vec![0; 600];
    tar[257..262].copy_from_slice(b"ustar");
    has(&said_of(&tar), &["a tar"]);
    has(&said_of(b"version https://git-lfs.github.com/spec/v1\n"), &["Git LFS pointer", "git lfs pull"]);
    has(&said_of(b""), &["neither"]);
}

#[test]
fn bad_pickles_are_named() {
    let claimed = |op: u8, n: &[u8]| [b"\x80\x02".as_slice(), &[op], n, b"abc."].concat();
    let long = u64::MAX.to_le_bytes();
    for (pickle, words) in [
        (claimed(b'X', &long[..4]), "ends in the middle"),
        (claimed(0x8d, &long), "ends in the middle"),
        (claimed(0x8e, &long), "ends in the middle"),
        (claimed(0x8b, &long[..4]), "ends in the middle"),
        (claimed(0x95, &long), "ends in the middle"),
        (b"\x80\x02}".to_vec(), "ends in the middle"),
        (b"\x80\x02".to_vec(), "ends in the middle"),
        (b"\x80\x02.".to_vec(), "a value is taken that is not there"),
        (b"\x80\x02(0.".to_vec(), "a value is taken that is not there"),
        (b"\x80\x02t.".to_vec(), "there is no mark"),
        (b"\x80\x02N\x87.".to_vec(), "a tuple of values"),
        (b"\x80\x02N(\x85.".to_vec(), "a tuple of values"),
        (b"\x80\x02h\x07.".to_vec(), "nothing was noted under 7"),
        (b"\x80\x02q\x07.".to_vec(), "a value is asked for"),
        (b"\x80\x02](N\x88u.".to_vec(), "no dict"),
        (b"\x80\x02}(Nu.".to_vec(), "a key without a value"),
        (b"\x80\x02)Na.".to_vec(), "no list"),
        (b"\x80\x02N)R.".to_vec(), "something that was not named"),
        (b"\x80\x02}}b.".to_vec(), "attributes for a plain dict"),
        (b"\x80\x02)Q.".to_vec(), "persistent id"),
        (b"\x80\x09N.".to_vec(), "protocol 9"),
        (b"\x80\x02X\x02\0\0\0\xff\xfe.".to_vec(), "not UTF-8"),
        (b"\x80\x02\x82\x07.".to_vec(), "instruction 0x82"),
        (b"\x80\x02N.N.".to_vec(), "follows its pickle"),
        (b"\x80\x02N.".to_vec(), "no tensors"),
        (b"\x80\x02ctorch\nFloatStorage\n(K\x01tR.".to_vec(), "arguments that it does not take"),
        (b"\x80\x02cbuiltins\neval\n(X\x01\0\0\x001tR.".to_vec(), "\"builtins.eval\""),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.".to_vec(), "\"os.system\""),
        (b"(ios\nsystem\n.".to_vec(), "\"os.system\""),
        (b"ctorch\n\x1b[31mload\n.".to_vec(), "\"torch.\\u{1b}[31mload\""),
        (b"c__main__\nGPTConfig\n)\x81.".to_vec(), "\"__main__.GPTConfig\""),
        ([b"c", "x".repeat(2000).as_bytes()].concat(), "a line without an end"),
    ] {
        has(&said_of_pickle(&pickle), &[words]);
    }
}

/// Lists of lists of lists, ten of the one before in each: 10^60 elements to somebody who walks them all, and one that
/// holds itself.
#[test]
fn a_memo_bomb_stays_small() {
    let mut pickle = b"\x80\x02]q\x00(K\x01K\x02K\x03e0".to_vec();
    for level in 1..=60_u8 {
        pickle.extend([b']', b'q', level, b'(']);
        pickle.extend([b'h', level - 1].repeat(10));
        pickle.extend(b"e0");
    }
    pickle.extend(b"h\x3ch\x3ca}(X\x01\0\0\0xh\x3cu.");
    let (root, heap, used) = machine::read(&pickle).unwrap();
    assert_eq!(used, pickle.len());
    assert_eq!(heap.sequences.iter().map(Vec::len).sum::<usize>(), 3 + 60 * 10 + 1);
    assert!(matches!(root, Value::Dict(_)));
    has(&said_of_pickle(&pickle), &["holds no tensors"]);
    // Python 2's OrderedDict copies its list: a list of a million, a thousand times.
    let mut copies = b"\x80\x02]q\x00(".to_vec();
    copies.extend(b")K\x01\x86".repeat(1000).iter().map(|b| if *b == b')' { b'N' } else { *b }));
    copies.extend(b"e0ccollections\nOrderedDict\nq\x01h\x00\x85q\x020");
    copies.extend(b"h\x01h\x02R0".repeat(100_000));
    copies.extend(b"N.");
    has(&said_of_pickle(&copies), &["steps", "pickle bomb"]);
    // As many instructions as one likes.
    has(&said_of_pickle(&vec![b'('; machine::MOST_STEPS + 1]), &["steps"]);
}

#[test]
fn depth_is_nothing() {
    // A tuple of a tuple of a tuple…: nothing here goes down into it.
    let deep = [b"\x80\x02)".as_slice(), &[0x85; 1_000_000], b"."].concat();
    has(&said_of_pickle(&deep), &["holds no tensors"]);
}

#[test]
fn the_protocols_ways_of_writing_a_number_are_read() {
    for (pickle, value) in [
        (&b"I01\n."[..], Value::Bool(true)),
        (b"I-7\n.", Value::Int(-7)),
        (b"L12L\n.", Value::Int(12)),
        (b"F1.5\n.", Value::Float(1.5)),
        (b"\x8a\x00.", Value::Int(0)),
        (b"\x8a\x01\xff.", Value::Int(-1)),
        (b"\x8a\x02\xff\x00.", Value::Int(255)),
        (b"J\xff\xff\xff\xff.", Value::Int(-1)),
        (b"cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nU\x02i2\x89\x88\x87R(K\x03U\x01<NNNtbC\x02\xfe\xff\x86R.", Value::Int(-2)),
        (b"cnumpy._core.multiarray\nscalar\ncnumpy\ndtype\nU\x02f4\x89\x88\x87Rc_codecs\nencode\nX\x05\0\0\0\0\0\xc3\x80?U\x06latin1\x86R\x86R.", Value::Float(1.5)),
    ] {
        match machine::read(pickle) {
            Ok((root, _, _)) => assert_eq!(root, value, "{}", pickle.escape_ascii()),
            Err(e) => panic!("{}: {e:?}", pickle.escape_ascii()),
        }
    }
}

#[test]
fn what_is_written_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ckpt.pt");
    let mut p = Pickler::new();
    p.begin_dict();
    p.text("a");
    p.tensor(0, &Dtype::F32, &[2, 3]);
    p.text("n");
    p.int(1 << 40);
    p.end_dict();
    let mut writer = TorchWriter::create(&path, &p.finish()).unwrap();
    writer.storage(0, 24).unwrap();
    let data: Vec<u8> = (0..6).flat_map(|i| (i as f32).to_le_bytes()).collect();
    data.chunks(7).for_each(|part| writer.write(part).unwrap());
    let length = writer.finish().unwrap();
    assert_eq!(length, std::fs::metadata(&path).unwrap().len());
    let (mut tensors, pickle) = open(&path).unwrap();
    assert_eq!(tensors.entry("a").unwrap().offset % 64, 0);
    let mut out = Vec::new();
    tensors.read_f32("a", &mut out).unwrap();
    assert_eq!(out, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(pickle.get(pickle.root(), "n"), Some(Value::Int(1 << 40)));
    // Every check sum is right: the crate compares them as it reads.
    let mut zip = zip::ZipArchive::new(File::open(&path).unwrap()).unwrap();
    for i in 0..zip.len() {
        std::io::copy(&mut zip.by_index(i).unwrap(), &mut std::io::sink()).unwrap();
    }
    // Nothing is overwritten; what is not finished is gone.
    assert!(TorchWriter::create(&path, b"").is_err());
    let other = dir.path().join("other.pt");
    let writer = TorchWriter::create(&other, b"N.").unwrap();
    assert!(other.exists());
    drop(writer);
    assert!(!other.exists());
}

/// A way to damage bytes. Places are shares of their length, in 65,536ths.
#[derive(Debug, Clone)]
enum Damage {
    Cut(u16),
    Byte(u16, u8),
    Gap(u16, u16),
    Again(u16, u16, u16),
    Long(u16, u64),
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let at = |share: u16| usize::from(share) * bytes.len() / 65_536;
        match *self {
            Damage::Cut(end) => bytes.truncate(at(end)),
            Damage::Byte(place, byte) => {
                let i = at(place);
                bytes.iter_mut().skip(i).take(1).for_each(|b| *b = byte);
            }
            Damage::Gap(from, to) => drop(bytes.drain(at(from.min(to))..at(from.max(to)))),
            Damage::Again(from, to, place) => {
                let (place, piece) = (at(place), bytes[at(from.min(to))..at(from.max(to))].to_vec());
                bytes.splice(place..place, piece);
            }
            Damage::Long(place, n) => {
                let i = at(place);
                bytes.iter_mut().skip(i).zip(n.to_le_bytes()).for_each(|(b, n)| *b = n);
            }
        }
    }
}

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    let long = prop_oneof![Just(u64::MAX), Just(1 << 31), Just(1 << 62), any::<u64>()];
    let one = prop_oneof![
        1 => any::<u16>().prop_map(Damage::Cut),
        6 => (any::<u16>(), any::<u8>()).prop_map(|(p, b)| Damage::Byte(p, b)),
        1 => any::<(u16, u16)>().prop_map(|(a, b)| Damage::Gap(a, b)),
        1 => any::<(u16, u16, u16)>().prop_map(|(a, b, c)| Damage::Again(a, b, c)),
        2 => (any::<u16>(), long).prop_map(|(p, n)| Damage::Long(p, n)),
    ];
    prop::collection::vec(one, 1..4)
}

/// The same cases on every run; `DIARIST_FUZZ=100000` asks for as many others.
fn runner(cases: u32) -> TestRunner {
    let asked: Option<u32> = std::env::var("DIARIST_FUZZ").ok().and_then(|n| n.parse().ok());
    let config = proptest::test_runner::Config {
        cases: asked.unwrap_or(cases),
        failure_persistence: None,
        ..Default::default()
    };
    match asked {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    }
}

/// Whatever opens is inside its file, and can be read.
fn open_and_read(path: &Path) {
    let Ok((mut tensors, _)) = open(path) else { return };
    let length = std::fs::metadata(path).unwrap().len();
    for entry in tensors.entries().to_vec() {
        assert!(entry.offset + entry.len <= length, "{entry:?}");
        if entry.dtype.block().is_some() {
            let mut out = Vec::new();
            tensors.read_f32(&entry.name, &mut out).unwrap();
        }
    }
}

#[test]
fn damaged_files_are_no_panic() {
    let names =
        ["zip_f32.bin", "legacy_f32.bin", "legacy_masks.bin", "nanogpt_no_bias.pt", "zip_protocol4.bin"];
    let files: Vec<Vec<u8>> = names.map(|name| std::fs::read(fixture(name)).unwrap()).into();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.bin");
    let case = (0..files.len(), any::<bool>(), damages());
    let outcome = runner(1500).run(&case, |(which, inside, damages)| {
        let mut bytes = files[which].clone();
        // The beginning alone, where the pickles of most are: damage to numbers is nothing to find.
        let kept = if inside { bytes.split_off(bytes.len().min(3000)) } else { Vec::new() };
        damages.iter().for_each(|damage| damage.apply(&mut bytes));
        bytes.extend(kept);
        std::fs::write(&path, bytes).unwrap();
        open_and_read(&path);
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn any_bytes_as_a_pickle_are_no_panic() {
    let pieces = prop::collection::vec(
        prop_oneof![
            4 => any::<u8>().prop_map(|b| vec![b]),
            4 => prop::sample::select(b"()]}NtlsuaeRbQ012\x81\x85\x86\x87\x88\x93\x94".to_vec()).prop_map(|b| vec![b]),
            2 => (prop::sample::select(b"qhK".to_vec()), 0..8_u8).prop_map(|(op, n)| vec![op, n]),
            2 => prop::sample::select(vec![
                &b"ccollections\nOrderedDict\n"[..],
                b"ctorch._utils\n_rebuild_tensor_v2\n",
                b"ctorch\nFloatStorage\n",
                b"cargparse\nNamespace\n)\x81",
                b"cnumpy\ndtype\n",
                b"X\x07\0\0\0storage",
                b"X\x01\0\0\x000",
                b"U\x02f8",
            ])
            .prop_map(<[u8]>::to_vec),
        ],
        0..60,
    );
    let outcome = runner(20_000).run(&pieces, |pieces| {
        let bytes = [pieces.concat(), b".".to_vec()].concat();
        if let Ok((_, heap, used)) = machine::read(&bytes) {
            assert!(used <= bytes.len());
            assert!(heap.sequences.iter().map(Vec::len).sum::<usize>() <= bytes.len());
        }
        Ok(())
    });
    outcome.unwrap();
}
