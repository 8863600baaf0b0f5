//! The small model of `tests/fixtures/forms`, as other programs wrote it, for the tests of their formats' readers.

use std::path::{Path, PathBuf};

use crate::base::{Config, Gpt2};
use crate::weights::checkpoint::Checkpoint;
use crate::weights::huggingface;

/// Its shape.
pub(super) const CFG: Config =
    Config::Gpt2(Gpt2 { vocab_size: 13, block_size: 6, n_layer: 2, n_head: 3, n_embd: 12 });

/// A file or a folder of the fixtures.
pub(super) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/forms").join(name)
}

/// Every parameter, as transformers' folder has it.
pub(super) fn base() -> Vec<(String, Vec<f32>)> {
    all(&mut huggingface::open(&path("peft/base")).unwrap())
}

/// Every parameter of a checkpoint, whole.
pub(super) fn all(checkpoint: &mut Checkpoint) -> Vec<(String, Vec<f32>)> {
    let table = checkpoint.config().table();
    let read = |p: crate::base::Param| {
        let mut out = vec![0.0; p.numel()];
        checkpoint.read(&p.name, 0..p.shape[0], &mut out).unwrap();
        (p.name, out)
    };
    table.into_iter().map(read).collect()
}

/// A copy of some files in a folder that goes with the test.
pub(super) fn copied(folder: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(path(folder)).unwrap() {
        let from = entry.unwrap().path();
        std::fs::copy(&from, dir.path().join(from.file_name().unwrap())).unwrap();
    }
    dir
}
