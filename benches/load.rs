//! A model's way from a file into an executor, and into other files, beside what the disk takes for the same bytes:
//! `cargo bench --bench load`. GPT-2 124M with random weights, on the CPU; `DIARIST_DEVICE` picks another device. Each round
//! does everything once, in turn; medians of the rounds. The files are read once before, so that reading is the page cache's.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Instant;

use diarist::base::Preset;
use diarist::base::rng::Rng;
use diarist::device::executor::Options;
use diarist::device::select::Device;
use diarist::model::{Shape, store};
use diarist::tokens::Tokenizer;
use diarist::weights::{Dtype, gguf, huggingface};

const ROUNDS: usize = 7;

fn main() {
    let wanted = std::env::var("DIARIST_DEVICE").unwrap_or_else(|_| "cpu".to_string());
    let device = Device::open(&wanted, 0).expect("a device to measure");
    let dir = tempfile::tempdir().expect("a folder");
    let tokenizer = Tokenizer::gpt2();
    let config = Preset::Gpt2.config(50_257);
    let model = dir.path().join("model.safetensors");
    let text = huggingface::config_json(&config, 0.1, &tokenizer.ends());
    std::fs::write(dir.path().join("config.json"), text).expect("written");
    let mut writer = huggingface::writer(&model, &config, Dtype::F32).expect("created");
    for param in config.table() {
        let mut rng = Rng::new(1, &param.name);
        let data: Vec<f32> = (0..param.numel()).map(|_| 0.02 * rng.normal()).collect();
        writer.write_f32(&data).expect("written");
    }
    writer.finish().expect("written");

    let shape = Shape::new(config, 1, config.block_size(), device.limits(), device.choices());
    let program = vec![shape.decode().expect("recorded")].into();
    let mut exec = device.load(program, Options::default()).expect("loaded");
    let out = dir.path().join("out");
    let mut whole = vec![1_u8; std::fs::metadata(&model).expect("there").len() as usize];
    let mut rows: [(&str, Vec<f64>); 5] = [
        "read the file, a piece at a time",
        "read it into memory",
        "load it",
        "write f16's bytes, synced",
        "convert to GGUF f16",
    ]
    .map(|what| (what, Vec::new()));
    let mut size = 1;
    for round in 0..=ROUNDS {
        let times = [
            timed(|| read(&model)),
            timed(|| File::open(&model).and_then(|mut file| file.read_exact(&mut whole)).expect("read")),
            timed(|| {
                let mut checkpoint = huggingface::open(dir.path()).expect("opened");
                store::load(exec.as_mut(), &shape, &mut checkpoint).expect("loaded");
            }),
            timed(|| write(&out, size)),
            timed(|| {
                let mut checkpoint = huggingface::open(dir.path()).expect("opened");
                let about = gguf::Description { name: "bench", chat_template: None };
                let path = dir.path().join("out.gguf");
                size = gguf::write(&mut checkpoint, &tokenizer, &Dtype::F16, &about, &path, &mut |_| ())
                    .expect("written")
                    .bytes;
            }),
        ];
        std::fs::remove_file(&out).expect("removed");
        std::fs::remove_file(dir.path().join("out.gguf")).expect("removed");
        // The first round warms the cache, and tells how much a GGUF is.
        for (row, time) in rows.iter_mut().zip(times).filter(|_| round > 0) {
            row.1.push(time);
        }
    }
    println!("{}, {} MB in, {} MB out, {ROUNDS} rounds", device.line(), file_mb(&model), size / 1_000_000);
    let medians = rows.map(|(what, mut times)| {
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        println!(
            "{what:34} {:7.1} ms  ({:.1} to {:.1})",
            1e3 * median,
            1e3 * times[0],
            1e3 * times[times.len() - 1]
        );
        median
    });
    println!(
        "loading is {:.2} times reading into memory, converting {:.2} times writing",
        medians[2] / medians[1],
        medians[4] / medians[3]
    );
}

fn timed(run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64()
}

fn file_mb(path: &Path) -> u64 {
    std::fs::metadata(path).expect("there").len() / 1_000_000
}

/// All bytes of a file, through one buffer of a mebibyte.
fn read(path: &Path) {
    let mut file = File::open(path).expect("opened");
    let mut buffer = vec![0; 1 << 20];
    while file.read(&mut buffer).expect("read") > 0 {}
}

/// So many bytes to a file, and to the disk.
fn write(path: &Path, size: u64) {
    let buffer = vec![7; 1 << 20];
    let mut file = File::create(path).expect("created");
    let mut left = size as usize;
    while left > 0 {
        let n = left.min(buffer.len());
        file.write_all(&buffer[..n]).expect("written");
        left -= n;
    }
    file.sync_all().expect("synced");
}
