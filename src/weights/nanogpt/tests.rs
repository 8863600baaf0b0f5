//! nanoGPT's checkpoints as it writes them, and ours.

use std::path::PathBuf;

use super::*;
use crate::weights::checkpoint::Checkpoint;
use crate::weights::dtype::Dtype;
use crate::weights::safetensors;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pickle").join(name)
}

fn open(path: &Path) -> Result<Checkpoint> {
    Checkpoint::new(find(path)?)
}

/// All parameters, in the table's order.
fn all(checkpoint: &mut Checkpoint) -> Vec<(String, Vec<f32>)> {
    let table = checkpoint.config().table();
    let read = |p: crate::base::Param| {
        let mut out = vec![0.0; p.numel()];
        checkpoint.read(&p.name, 0..p.shape[0], &mut out).unwrap();
        (p.name, out)
    };
    table.into_iter().map(read).collect()
}

/// The same of the safetensors twin; zeros for what is left out.
fn twin(biases: bool) -> Vec<(String, Vec<f32>)> {
    let mut twin = safetensors::open(fixture("twin.safetensors")).unwrap();
    let config = Config::from(Gpt2 { vocab_size: 13, block_size: 5, n_layer: 2, n_head: 3, n_embd: 6 });
    let read = |p: crate::base::Param| {
        let mut out = vec![0.0; p.numel()];
        if biases || !p.name.ends_with(".bias") {
            twin.read_f32(&p.name, &mut out).unwrap();
        }
        (p.name, out)
    };
    config.table().into_iter().map(read).collect()
}

#[test]
fn a_checkpoint_is_the_model_that_it_says() {
    for (name, biases) in [("nanogpt.pt", true), ("nanogpt_no_bias.pt", false)] {
        let found = find(&fixture(name)).unwrap();
        assert_eq!(found.format, "nanoGPT checkpoint");
        assert_eq!(found.model.as_ref().unwrap().biases, biases);
        let about = |key: &str| found.about.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
        assert_eq!((about("iter num"), about("best val loss")), (Some("2000"), Some("2.5000")), "{name}");
        assert!(about("activation").is_some_and(|text| text.contains("erf")));
        assert_eq!(all(&mut Checkpoint::new(found).unwrap()), twin(biases), "{name}");
    }
}

#[test]
fn weights_without_a_shape_are_no_model_yet() {
    let found = find(&fixture("zip_f32.bin")).unwrap();
    assert_eq!(found.format, "PyTorch weights");
    let message = found.model.unwrap_err().to_string();
    assert!(message.contains("no model_args") && message.contains("config.json"), "{message}");
}

#[test]
fn what_is_written_is_the_same_model() {
    let dir = tempfile::tempdir().unwrap();
    for (name, biases) in [("nanogpt.pt", true), ("nanogpt_no_bias.pt", false)] {
        for dtype in [Dtype::F32, Dtype::F16, Dtype::BF16] {
            let path = dir.path().join(format!("{}.{name}", dtype.name()));
            let mut shares = Vec::new();
            write(&mut open(&fixture(name)).unwrap(), &dtype, &path, &mut |share| shares.push(share))
                .unwrap();
            assert!(shares.is_sorted() && shares.last() == Some(&1.0));
            let found = find(&path).unwrap();
            assert_eq!(found.model.as_ref().unwrap().biases, biases);
            let biased = found.tensors.entries().iter().filter(|e| e.name.ends_with(".bias")).count();
            assert_eq!(biased > 0, biases, "biases are written where there are some");
            assert!(
                found
                    .tensors
                    .entries()
                    .iter()
                    .all(|e| e.dtype == dtype && e.order == crate::weights::tensors::Order::Rows)
            );
            let [head, wte] =
                ["lm_head.weight", "wte.weight"].map(|n| found.tensors.entry(n).unwrap().offset);
            assert_eq!(head, wte, "one storage");
            // The twin's numbers are bfloat16's, but f16 rounds the smallest of them.
            let written = all(&mut Checkpoint::new(found).unwrap());
            for ((name, ours), (_, theirs)) in written.iter().zip(twin(biases)) {
                let close = |(a, b): (&f32, &f32)| {
                    if dtype == Dtype::F16 { *a == half::f16::from_f32(*b).to_f32() } else { a == b }
                };
                assert!(ours.iter().zip(&theirs).all(close), "{name} as {}", dtype.name());
            }
        }
    }
}

#[test]
fn a_failed_writing_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ckpt.pt");
    std::fs::write(&path, "kept").unwrap();
    let mut checkpoint = open(&fixture("nanogpt.pt")).unwrap();
    assert!(write(&mut checkpoint, &Dtype::F32, &path, &mut |_| {}).is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "kept", "nothing is overwritten");
}
