//! The matrix product on the adapter at 256×768×3072, in the three layouts: `cargo bench --bench kernels`.
//! Throughput is FLOP/s (criterion's "elem/s"). `DIARIST_DEVICE` picks another device than the first adapter.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use diarist::base::rng::Rng;
use diarist::device::executor::Options;
use diarist::device::select::Device;
use diarist::device::{Kind, Program, Recorder, Step};
use diarist::ops::matmul::{self, Layout, Product};

const M: usize = 256;
const K: usize = 768;
const N: usize = 3072;

fn products(c: &mut Criterion) {
    let wanted = std::env::var("DIARIST_DEVICE").unwrap_or_else(|_| "gpu".to_string());
    let device = Device::open(&wanted, 0).expect("a device to measure");
    let mut group = c.benchmark_group(format!("matmul {M}x{K}x{N} on {}", device.name()));
    group.sample_size(20).throughput(Throughput::Elements(2 * (M * K * N) as u64));
    for layout in [Layout::NN, Layout::NT, Layout::TN] {
        let mut rec = Recorder::new("product", device.limits(), &device.choices());
        let a = rec.kept("a", Kind::Input, &[M * K]);
        let b = rec.kept("b", Kind::Input, &[K * N]);
        let out = rec.kept("c", Kind::Output, &[M * N]);
        let p = Product::new(layout, [M, N, K]);
        matmul::product(&mut rec, "product", p, a.into(), b.into(), out.into(), None);
        let program = Program::from(vec![rec.finish().expect("it fits")]);
        let mut exec = device.load(program, Options::default()).expect("it loads");
        let mut rng = Rng::new(1, "bench");
        for (name, n) in [("a", M * K), ("b", K * N)] {
            let data: Vec<f32> = (0..n).map(|_| rng.normal()).collect();
            exec.write_f32(name, 0, &data).expect("written");
        }
        group.bench_function(format!("{layout:?}"), |bench| {
            bench.iter(|| {
                exec.run("product", &Step::default()).expect("it runs");
                exec.wait().expect("it ends");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, products);
criterion_main!(benches);
