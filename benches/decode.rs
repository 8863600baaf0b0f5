//! A decoded token of GPT-2 124M at position 128, its matrices at rest in f32 and in f16: `cargo bench --bench decode`.
//! Throughput is tokens/s (criterion's "elem/s"); the floor is the weights' bytes over the memory's bandwidth. Weights are
//! random, from a seed. On the CPU; `DIARIST_DEVICE` picks another device.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use diarist::base::Preset;
use diarist::device::executor::Options;
use diarist::device::select::Device;
use diarist::device::{Element, Kind, Program, Step};
use diarist::model::{Shape, input, store};

fn tokens(c: &mut Criterion) {
    let wanted = std::env::var("DIARIST_DEVICE").unwrap_or_else(|_| "cpu".to_string());
    let device = Device::open(&wanted, 0).expect("a device to measure");
    let config = Preset::Gpt2.config(50_257);
    let mut group = c.benchmark_group(format!("decode gpt2 on {}", device.name()));
    group.sample_size(20).throughput(Throughput::Elements(1));
    for weights in [Element::F32, Element::F16] {
        let base = Shape::new(config, 1, config.block_size(), device.limits(), device.choices());
        let shape = Shape { weights, ..base };
        let program = Program::from(vec![shape.decode().expect("recorded")]);
        let moved = program.recordings[0].bytes();
        let mut exec = device.load(program, Options::default()).expect("loaded");
        store::initialise(exec.as_mut(), &shape, 1).expect("written");
        let kept = exec.plan().bytes_of(Kind::Parameter);
        println!("{}: {kept} bytes of weights, {moved} bytes moved a token", weights.name());
        exec.write(input::TOKEN, 0, &[464]).expect("written");
        group.bench_function(weights.name(), |bench| {
            bench.iter(|| {
                exec.run("decode", &Step { pos: 128, ..Step::default() }).expect("it runs");
                exec.request(input::LOGITS).expect("asked");
                exec.receive().expect("received");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, tokens);
criterion_main!(benches);
