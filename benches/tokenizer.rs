//! GPT-2's tokenizer on one core: `cargo bench --bench tokenizer`, in bytes of text a second. `DIARIST_TEXT` names another
//! file than the example journal; `benches/peers/tiktoken_encode.py` is the peer.

use std::path::{Path, PathBuf};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use diarist::tokens::Tokenizer;

/// The example journal, whole.
fn example() -> String {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/journal")];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the example is there") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files.iter().map(|path| std::fs::read_to_string(path).expect("a text")).collect()
}

fn encode(c: &mut Criterion) {
    let text = match std::env::var("DIARIST_TEXT") {
        Ok(path) => std::fs::read_to_string(path).expect("a text to measure"),
        Err(_) => example(),
    };
    let tokenizer = Tokenizer::gpt2();
    let mut group = c.benchmark_group("gpt2");
    group.sample_size(20).throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("encode", |bench| bench.iter(|| tokenizer.encode(&text)));
}

criterion_group!(benches, encode);
criterion_main!(benches);
