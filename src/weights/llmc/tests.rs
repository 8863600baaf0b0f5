//! What llm.c's own `write_model` wrote, read and written again; and files that are cut, lying, and something else.

use half::bf16;
use proptest::prelude::*;

use super::*;
use crate::weights::fixtures::{CFG, all, base, path};

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap()
}

fn find_bytes(bytes: &[u8]) -> Result<Found> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.bin");
    std::fs::write(&path, bytes).unwrap();
    find(&path)
}

/// What is said of bytes that are refused.
fn refusal(bytes: &[u8]) -> String {
    let message = find_bytes(bytes).unwrap_err().to_string();
    assert!(message.contains("x.bin: ") && message.contains("next: "), "{message}");
    message
}

/// llm.c's fp32 file with some numbers of the header changed.
fn with(numbers: &[(usize, i32)]) -> Vec<u8> {
    let mut all = bytes("llmc_fp32.bin");
    for (at, number) in numbers {
        all[4 * at..4 * at + 4].copy_from_slice(&number.to_le_bytes());
    }
    all
}

#[test]
fn what_llmc_wrote_is_the_model() {
    let mut fp32 = Checkpoint::new(find(&path("llmc_fp32.bin")).unwrap()).unwrap();
    assert_eq!((*fp32.config(), fp32.format()), (CFG, "llm.c model (version 3, fp32)"));
    assert_eq!(all(&mut fp32), base());
    let mut half = Checkpoint::new(find(&path("llmc_bf16.bin")).unwrap()).unwrap();
    assert_eq!(half.format(), "llm.c model (version 5, bf16)");
    for ((name, ours), (_, exact)) in all(&mut half).into_iter().zip(base()) {
        let rounded: Vec<f32> = exact.into_iter().map(|x| bf16::from_f32(x).to_f32()).collect();
        assert_eq!(ours, rounded, "{name}");
    }
}

#[test]
fn what_is_written_is_what_llmc_writes() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out.bin");
    for (dtype, name) in [(Dtype::F32, "llmc_fp32.bin"), (Dtype::BF16, "llmc_bf16.bin")] {
        let mut from = crate::weights::huggingface::open(&path("peft/base")).unwrap();
        let mut shares = Vec::new();
        let written = write(&mut from, &dtype, &out, &mut |share| shares.push(share)).unwrap();
        assert!(std::fs::read(&out).unwrap() == bytes(name), "{name}");
        assert_eq!(written, bytes(name).len() as u64);
        assert!(shares.is_sorted() && shares.last() == Some(&1.0));
        // From one of its own kind too.
        let mut again = Checkpoint::new(find(&out).unwrap()).unwrap();
        let second = dir.path().join("second.bin");
        write(&mut again, &dtype, &second, &mut |_| {}).unwrap();
        assert!(std::fs::read(&second).unwrap() == bytes(name), "{name}");
        std::fs::remove_file(&out).unwrap();
        std::fs::remove_file(&second).unwrap();
    }
}

#[test]
fn nothing_is_overwritten_and_nothing_unfinished_stays() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out.bin");
    let mut model = Checkpoint::new(find(&path("llmc_fp32.bin")).unwrap()).unwrap();
    let f16 = write(&mut model, &Dtype::F16, &out, &mut |_| {}).unwrap_err().to_string();
    assert!(f16.contains("no files of f16") && f16.contains("f32 or bf16") && !out.exists(), "{f16}");
    std::fs::write(&out, "mine").unwrap();
    assert!(write(&mut model, &Dtype::F32, &out, &mut |_| {}).is_err());
    assert_eq!(std::fs::read(&out).unwrap(), b"mine");
    // A model with a number that is none, near its end: the file is begun, and gone.
    let mut broken = bytes("llmc_fp32.bin");
    let end = broken.len();
    broken[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    let from = dir.path().join("from.bin");
    std::fs::write(&from, broken).unwrap();
    let mut model = Checkpoint::new(find(&from).unwrap()).unwrap();
    let second = dir.path().join("second.bin");
    let error = write(&mut model, &Dtype::F32, &second, &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("not finite") && !second.exists(), "{error}");
}

#[test]
fn every_other_file_is_told_for_what_it_is() {
    for (magic, what) in [
        (20_240_327, "test_gpt2"),
        (20_240_328, "tokenizer"),
        (20_240_520, "tokens"),
        (20_240_522, "evaluation"),
        (20_240_527, "optimizer"),
        (20_240_801, "Llama 3"),
        (20_240_803, "Llama 3"),
        (7, "does not begin"),
    ] {
        let said = refusal(&with(&[(0, magic)]));
        assert!(said.contains(what), "{said}");
        assert_eq!(is_magic(magic), magic != 7);
    }
    assert!(is_magic(MAGIC) && !is_magic(0));
    assert!(refusal(b"").contains("0 bytes"));
    assert!(refusal(b"abc").contains("3 bytes"));
    for version in [0, 1, 2, 4, 6, -1] {
        let said = refusal(&with(&[(1, version)]));
        assert!(said.contains(&format!("version {version};")), "{said}");
    }
    let dir = tempfile::tempdir().unwrap();
    assert!(find(dir.path()).unwrap_err().to_string().contains("not a file"));
    assert!(find(&dir.path().join("no.bin")).unwrap_err().to_string().contains("no.bin"));
}

#[test]
fn a_header_that_does_not_fit_is_refused() {
    for (at, name) in
        [(2, "max_seq_len"), (3, "vocab_size"), (4, "num_layers"), (5, "num_heads"), (6, "channels")]
    {
        for number in [0, -1, i32::MIN, i32::MAX] {
            let said = refusal(&with(&[(at, number)]));
            assert!(said.contains(&format!("{name} {number}")), "{said}");
        }
    }
    // The largest numbers that are believed at first: the file is not as long, and nothing was allocated.
    let most = (1 << 20, 1 << 12);
    let huge = with(&[(2, most.0), (3, most.0), (4, most.1), (6, most.0), (7, most.0)]);
    assert!(refusal(&huge).contains("cut short"));
    assert!(refusal(&with(&[(7, 12)])).contains("padded to less: 12"));
    assert!(refusal(&with(&[(4, 3)])).contains("cut short"));
    assert!(refusal(&with(&[(4, 1)])).contains("behind the weights"));
    let mut long = bytes("llmc_fp32.bin");
    long.push(0);
    assert!(refusal(&long).contains("behind the weights"));
    // Heads that do not divide the channels: a model that is none, told when it is to be used.
    let found = find_bytes(&with(&[(5, 5)])).unwrap();
    assert!(found.model.unwrap_err().to_string().contains("no multiple of 5 heads"));
}

#[test]
fn every_truncation_is_an_error() {
    let whole = bytes("llmc_bf16.bin");
    for cut in (0..whole.len()).step_by(97).chain(1000..1040) {
        assert!(find_bytes(&whole[..cut]).is_err(), "{cut}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn mutated_headers_do_no_harm(edits in prop::collection::vec((0_usize..40, any::<u8>()), 1..6), cut in 0_usize..2000) {
        let mut bytes = bytes("llmc_bf16.bin");
        for (at, byte) in edits {
            bytes[at] = byte;
        }
        if cut < bytes.len() && cut % 3 == 0 {
            bytes.truncate(bytes.len() - cut);
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.bin");
        std::fs::write(&path, &bytes).unwrap();
        if let Ok(found) = find(&path) {
            let told: u64 = found.tensors.entries().iter().map(|e| e.len).sum();
            assert!(told <= bytes.len() as u64);
            if let Ok(mut checkpoint) = Checkpoint::new(found) {
                let width = checkpoint.config().n_embd();
                let _ = checkpoint.read("wpe.weight", 0..1, &mut vec![0.0; width]);
            }
        }
    }
}
