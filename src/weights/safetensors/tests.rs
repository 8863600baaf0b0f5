//! The reader against files that are whole, cut, lying and random; the writer against the reader.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;

use half::f16;

use super::*;

fn shape(name: &str, dims: &[usize]) -> (String, Vec<usize>) {
    (name.to_string(), dims.to_vec())
}

fn pt() -> BTreeMap<String, String> {
    [("format".to_string(), "pt".to_string())].into()
}

/// The bytes of a file with this header and that many bytes of data.
fn file_of(json: &str, data: usize) -> Vec<u8> {
    let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
    bytes.extend(json.as_bytes());
    bytes.extend((0..data).map(|i| i as u8));
    bytes
}

fn open_bytes(bytes: &[u8]) -> Result<Tensors> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.safetensors");
    std::fs::write(&path, bytes).unwrap();
    open(&path)
}

/// Opens and reads all there is to read: errors are fine, panics are not.
fn read_everything(bytes: &[u8]) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.safetensors");
    std::fs::write(&path, bytes).unwrap();
    let Ok(mut reader) = open(&path) else { return };
    let mut out = Vec::new();
    for entry in reader.entries().to_vec() {
        assert!(entry.offset + entry.len <= bytes.len() as u64);
        if reader.read_f32(&entry.name, &mut out).is_ok() {
            // Two bytes an element at the least: never more memory than twice the file.
            assert!(out.len() * 2 <= bytes.len());
            let half = entry.rows() / 2;
            let mut rows = vec![0.0; half * entry.row_len()];
            reader.read_rows_f32(&entry.name, 0..half, &mut rows).unwrap();
            let same = rows.iter().zip(&out).all(|(a, b)| a.to_bits() == b.to_bits());
            assert!(same, "rows are the beginning of the whole");
        }
    }
}

fn sample(path: &Path) -> String {
    let tensors = [shape("b", &[3, 2]), shape("a", &[]), shape("none", &[0, 5]), shape("c", &[4])];
    let mut writer = Writer::create(path, &tensors, Dtype::F32, &pt()).unwrap();
    writer.write_f32(&[1.0, -2.5]).unwrap();
    writer.write_f32(&[f32::MIN_POSITIVE, 4.0, 5.0, 6.0, 7.0]).unwrap();
    writer.write_f32(&[8.0, 9.0, 10.0, -0.0]).unwrap();
    writer.finish().unwrap()
}

#[test]
fn what_is_written_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.safetensors");
    let hash = sample(&path);
    assert_eq!(hash, crate::base::disk::sha256(&path).unwrap());
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(u64::from_le_bytes(bytes[..8].try_into().unwrap()) % 8, 0);

    let mut reader = open(&path).unwrap();
    assert_eq!(metadata(&path).unwrap(), pt());
    let mut out = Vec::new();
    reader.read_f32("b", &mut out).unwrap();
    assert_eq!(out, [1.0, -2.5, f32::MIN_POSITIVE, 4.0, 5.0, 6.0]);
    let mut rows = [0.0; 4];
    reader.read_rows_f32("b", 1..3, &mut rows).unwrap();
    assert_eq!(rows, out[2..]);
    reader.read_f32("a", &mut out).unwrap();
    assert_eq!(out, [7.0]);
    reader.read_f32("none", &mut out).unwrap();
    assert!(out.is_empty());
    assert!(reader.read_rows_f32("b", 2..4, &mut rows).is_err());
    assert!(reader.read_f32("d", &mut out).is_err());

    // The safetensors crate, an independent reader, agrees with the whole file.
    let other = ::safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(other.len(), 4);
    assert_eq!(other.tensor("b").unwrap().shape(), [3, 2]);
    let c: Vec<u8> = [8.0_f32, 9.0, 10.0, -0.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    assert_eq!(other.tensor("c").unwrap().data(), c);
}

#[test]
fn nothing_is_overwritten_and_nothing_unfinished_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.safetensors");
    let mut writer = Writer::create(&path, &[shape("a", &[2])], Dtype::F32, &pt()).unwrap();
    writer.write_f32(&[1.0]).unwrap();
    assert!(path.exists());
    drop(writer);
    assert!(!path.exists());
    sample(&path);
    let before = std::fs::read(&path).unwrap();
    assert!(Writer::create(&path, &[shape("a", &[2])], Dtype::F32, &pt()).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

/// Every f16 and bf16, and f64s, over more than one piece.
#[test]
fn other_floats_are_converted() {
    let n = 65_536_usize;
    let repeat = 9; // 9 · 65,536 · 2 bytes: more than one piece of 1 MiB
    let json = format!(
        r#"{{"h":{{"dtype":"F16","shape":[{m}],"data_offsets":[0,{a}]}},"b":{{"dtype":"BF16","shape":[{m}],"data_offsets":[{a},{b}]}},"d":{{"dtype":"F64","shape":[2],"data_offsets":[{b},{c}]}},"i":{{"dtype":"U8","shape":[1],"data_offsets":[{c},{e}]}}}}"#,
        m = n * repeat,
        a = 2 * n * repeat,
        b = 4 * n * repeat,
        c = 4 * n * repeat + 16,
        e = 4 * n * repeat + 17,
    );
    let mut bytes = file_of(&json, 0);
    for _ in 0..2 * repeat {
        bytes.extend((0..n as u32).flat_map(|x| (x as u16).to_le_bytes()));
    }
    bytes.extend([0.1_f64, 1e300].iter().flat_map(|x| x.to_le_bytes()));
    bytes.push(1);
    let mut reader = open_bytes(&bytes).unwrap();
    let mut out = Vec::new();
    for (name, expect) in [
        ("h", (|x| f16::from_bits(x).to_f32()) as fn(u16) -> f32),
        ("b", |x| f32::from_bits(u32::from(x) << 16)),
    ] {
        reader.read_f32(name, &mut out).unwrap();
        assert_eq!(out.len(), n * repeat);
        for (i, x) in out.iter().enumerate() {
            let want = expect((i % n) as u16);
            assert!(x.to_bits() == want.to_bits() || (x.is_nan() && want.is_nan()), "{name} {i}");
        }
    }
    reader.read_f32("d", &mut out).unwrap();
    assert_eq!(out, [0.1_f32, f32::INFINITY]);
    let refusal = reader.read_f32("i", &mut out).unwrap_err().to_string();
    assert!(refusal.contains("U8"), "{refusal}");
}

#[test]
fn lies_are_named() {
    let huge = r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#;
    let hidden = r#"{"a":{"dtype":"F32","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}}"#;
    let cases: &[(&str, usize, &str)] = &[
        (r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 7, "cut short"),
        (r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, 8, "before it begins"),
        (r#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, 8, "which is not what"),
        (r#"{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}}"#, 8, "which is not what"),
        (huge, 8, "which is not what"),
        (hidden, 8, "which is not what"),
        (r#"{"a":{"dtype":"F99","shape":[2],"data_offsets":[0,8]}}"#, 8, "unknown variant"),
        (r#"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, 8, "its header"),
        (
            r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#,
            8,
            "twice",
        ),
        (
            r#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#,
            8,
            "the same bytes",
        ),
        (r#"{"__metadata__":{"a":1}}"#, 0, "its header"),
        ("[]", 0, "its header"),
        ("{", 0, "its header"),
    ];
    for (json, data, expect) in cases {
        let message = open_bytes(&file_of(json, *data)).unwrap_err().to_string();
        assert!(message.contains(expect), "{json}: {message}");
        assert!(message.contains("x.safetensors") && message.contains("next: "), "{message}");
    }
    // A file whose length field asks for more than there is, or for all the memory there is.
    for n in [1, 1 << 20, 100_000_001, u64::MAX] {
        let message = open_bytes(&n.to_le_bytes()).unwrap_err().to_string();
        assert!(message.contains("announce"), "{message}");
    }
    assert!(open_bytes(b"abc").unwrap_err().to_string().contains("3 bytes long"));
    let pointer = open_bytes(b"version https://git-lfs.github.com/spec/v1\n").unwrap_err().to_string();
    assert!(pointer.contains("git lfs pull"), "{pointer}");
}

#[test]
fn holes_and_a_long_tail_are_fine() {
    let json = r#"{"b":{"dtype":"U8","shape":[2],"data_offsets":[6,8]},"a":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#;
    let reader = open_bytes(&file_of(json, 100)).unwrap();
    let names: Vec<&str> = reader.entries().iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
}

/// Every cut of a valid file is an error: the last tensor ends at the file's end.
#[test]
fn every_truncation_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.safetensors");
    sample(&path);
    let bytes = std::fs::read(&path).unwrap();
    for cut in 0..bytes.len() {
        assert!(open_bytes(&bytes[..cut]).is_err(), "{cut}");
    }
}

/// A header's JSON made of the format's own words, with numbers at the edges.
fn json_header() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        (0_u64..40).prop_map(|x| x.to_string()),
        Just(u64::MAX.to_string()),
        Just("18446744073709551616".to_string()),
        Just((1_u64 << 62).to_string()),
        Just("-1".to_string()),
        Just("1.5".to_string()),
    ];
    let dtype = prop_oneof![
        Just("F32"),
        Just("F16"),
        Just("BF16"),
        Just("F64"),
        Just("U8"),
        Just("F4"),
        Just("F6_E2M3"),
        Just("X")
    ];
    let tensor = (
        "[a-c]|__metadata__",
        dtype,
        prop::collection::vec(number.clone(), 0..4),
        prop::collection::vec(number, 1..4),
    );
    prop::collection::vec(tensor, 0..4).prop_map(|tensors| {
        let items: Vec<String> = tensors
            .iter()
            .map(|(name, dtype, shape, at)| {
                format!(
                    r#""{name}":{{"dtype":"{dtype}","shape":[{}],"data_offsets":[{}]}}"#,
                    shape.join(","),
                    at.join(",")
                )
            })
            .collect();
        format!("{{{}}}", items.join(","))
    })
}

/// Headers that are nearly right: the lengths fit the shapes, the places are random.
fn plausible_header() -> impl Strategy<Value = String> {
    let tensor =
        (prop_oneof![Just(("F32", 4)), Just(("F16", 2)), Just(("F64", 8))], 0_u64..4, 0_u64..4, 0_u64..30);
    prop::collection::vec(tensor, 0..4).prop_map(|tensors| {
        let items: Vec<String> = tensors
            .iter()
            .enumerate()
            .map(|(i, ((dtype, size), a, b, at))| {
                let end = at + a * b * size;
                format!(r#""{i}":{{"dtype":"{dtype}","shape":[{a},{b}],"data_offsets":[{at},{end}]}}"#)
            })
            .collect();
        format!("{{{}}}", items.join(","))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn random_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_everything(&bytes);
    }

    #[test]
    fn random_headers_do_no_harm(json in json_header(), data in 0_usize..200) {
        read_everything(&file_of(&json, data));
    }

    #[test]
    fn plausible_headers_do_no_harm(json in plausible_header(), data in 0_usize..100) {
        read_everything(&file_of(&json, data));
    }

    #[test]
    fn mutations_do_no_harm(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("w.safetensors");
        sample(&path);
        let mut bytes = std::fs::read(&path).unwrap();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        read_everything(&bytes);
    }
}
