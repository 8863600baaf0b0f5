//! A whole optimizer step (zero, forward, backward, norm, clip, AdamW): `cargo bench --bench train_step`.
//! Throughput is tokens/s (criterion's "elem/s"). The char GPT has 6 layers, 6 heads, 384 channels, 8×256 tokens; GPT-2
//! is 124M at 1×256, all of it and by LoRA (r=16 beside every linear layer) over a base that rests in f32, f16, q8_0 or q4_1.
//! Weights are random, from a seed. On the adapter and on the CPU; `DIARIST_DEVICE` picks one device. The bytes of each plan are
//! told beside the name.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use diarist::base::{Config, Lora, Preset};
use diarist::device::executor::Options;
use diarist::device::select::Device;
use diarist::device::{Element, Executor, Step};
use diarist::model::{Shape, feed, store};
use diarist::optim::Hyper;
use diarist::optim::adamw::micro_step;
use diarist::train::engine::program;

const HYPER: Hyper = Hyper { beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.1, grad_clip: 1.0 };

fn load(device: &Device, config: Config, [b, t]: [usize; 2], lora: Option<Element>) -> Box<dyn Executor> {
    let base = Shape::new(config, b, t, device.limits(), device.choices());
    let adapter = lora.map(|_| Lora { dropout: 0.0, ..Lora::default() });
    let shape = Shape { lora: adapter, weights: lora.unwrap_or(Element::F32), positions: t, ..base };
    let mut exec = device.load(program(&shape).expect("recorded"), Options::default()).expect("loaded");
    store::initialise(exec.as_mut(), &shape, 1).expect("written");
    store::initialise_adapter(exec.as_mut(), &shape, 1).expect("written");
    store::zero_moments(exec.as_mut(), &shape).expect("written");
    let v = config.vocab_size() as u32;
    let text: Vec<u32> = (0..=(b * t) as u32).map(|i| i.wrapping_mul(2_654_435_761) % v).collect();
    feed(exec.as_mut(), &text[..b * t], &text[1..]).expect("written");
    exec
}

fn step(exec: &mut dyn Executor, tokens: usize, t: u64) {
    exec.run("zero", &Step::default()).expect("it runs");
    exec.run("micro_step", &micro_step(1.0 / tokens as f32, 0.0, 1, t)).expect("it runs");
    exec.run("update", &HYPER.step(t, 1e-4)).expect("it runs");
    exec.request("scalars").expect("asked");
    exec.receive().expect("received");
}

fn steps(c: &mut Criterion) {
    let devices = std::env::var("DIARIST_DEVICE").map_or(vec!["cpu".into(), "gpu".into()], |d| vec![d]);
    let char_gpt = Preset::Small.config(257);
    let gpt2 = Preset::Gpt2.config(50_257);
    let mut models = vec![
        ("char GPT 8x256".to_string(), char_gpt, [8, 256], None),
        ("gpt2 1x256".into(), gpt2, [1, 256], None),
    ];
    let by_lora = |rests: Element| (format!("gpt2 1x256 LoRA {}", rests.name()), gpt2, [1, 256], Some(rests));
    models.extend(Element::WEIGHTS.map(by_lora));
    for wanted in &devices {
        let device = Device::open(wanted, 0).expect("a device to measure");
        let mut group = c.benchmark_group(format!("step on {}", device.name()));
        group.sample_size(10);
        for (name, config, [b, t], lora) in models.clone() {
            let mut exec = load(&device, config, [b, t], lora);
            let name = format!("{name} ({} MB)", exec.plan().bytes() / 1_000_000);
            group.throughput(Throughput::Elements((b * t) as u64));
            let mut count = 0;
            group.bench_function(name, |bench| {
                bench.iter(|| {
                    count += 1;
                    step(exec.as_mut(), b * t, count);
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, steps);
criterion_main!(benches);
