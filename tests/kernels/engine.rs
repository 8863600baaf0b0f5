//! The engine as a whole: memory as planned, `wte` in chunks, overfitting, bits that do not depend on threads, and a
//! 124M-shaped checkpoint.

use crate::common::{devices, gpu, relative, turn};
use diarist::base::{Config, Freeze, Gpt2, Preset};
use diarist::device::executor::{Executor, Options};
use diarist::device::select::Device;
use diarist::device::{Choices, Kind, Limits, Program, Step};
use diarist::model::parameters::all_pieces;
use diarist::model::{Shape, store};
use diarist::ops::classifier::scalar;
use diarist::optim::adamw::{Hyper, Slot, micro_step, update};
use diarist::tokens::batch::buckets;

const HYPER: Hyper = Hyper { beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.1, grad_clip: 1.0 };

fn shape(config: Config, b: usize, t: usize, limits: Limits, choices: Choices) -> Shape {
    Shape { config, b, t, dropout: false, limits, choices }
}

/// A training program on a device, with GPT-2's initialisation and zero moments.
fn load(device: &Device, shape: &Shape, options: Options) -> Box<dyn Executor> {
    let pieces = all_pieces(&shape.config, &shape.limits).into_iter().flat_map(|(_, p)| p);
    let slots: Vec<Slot> = pieces.map(|p| Slot { name: p.name, shape: p.shape, decay: p.decay }).collect();
    let train = shape.train().unwrap();
    let recordings = vec![train.zero, train.micro_step, update(&slots, shape.limits, shape.choices).unwrap()];
    let mut exec = device.load(Program { recordings }, options).unwrap();
    store::initialise(exec.as_mut(), &shape.config, &shape.limits, 11).unwrap();
    store::zero_moments(exec.as_mut(), &shape.config, &shape.limits).unwrap();
    exec
}

/// A batch that a model can learn by heart, and its loss scale.
fn feed(exec: &mut dyn Executor, shape: &Shape) -> f32 {
    let (n, v) = (shape.b * shape.t, shape.config.vocab_size());
    let text: Vec<u32> = (0..=n).map(|i| (i * i * 31 + i / 5 * 17) as u32 % v as u32).collect();
    let (rows, order) = buckets(&text[..n]);
    for (name, words) in
        [("tokens", &text[..n]), ("targets", &text[1..]), ("buckets", &rows[..]), ("order", &order[..])]
    {
        exec.write(name, 0, bytemuck::cast_slice(words)).unwrap();
    }
    1.0 / n as f32
}

/// One optimizer step; loss and gradient norm.
fn step(exec: &mut dyn Executor, shape: &Shape, t: u64, lr: f32) -> (f32, f32) {
    let scale = feed(exec, shape);
    exec.run("zero", &Step::default()).unwrap();
    exec.run("micro_step", &micro_step(scale, if shape.dropout { 0.1 } else { 0.0 }, 5, t)).unwrap();
    exec.run("update", &HYPER.step(t, lr)).unwrap();
    exec.request("scalars").unwrap();
    let scalars = exec.receive().unwrap();
    (scalars[scalar::LOSS], scalars[scalar::NORM])
}

fn gradients(exec: &mut dyn Executor, shape: &Shape) -> Vec<(String, Vec<f32>)> {
    let whole = |(param, pieces): (diarist::base::arch::Param, Vec<diarist::model::parameters::Piece>)| {
        let mut all = Vec::new();
        for p in pieces {
            let mut piece = vec![0.0; p.shape.iter().product()];
            exec.read(&format!("d.{}", p.name), 0, &mut piece).unwrap();
            all.extend(piece);
        }
        (param.name, all)
    };
    all_pieces(&shape.config, &shape.limits).into_iter().map(whole).collect()
}

/// Every byte of every kept tensor's bits.
fn bits(exec: &mut dyn Executor, kind: Kind) -> Vec<u32> {
    let names: Vec<(String, usize)> = (exec.plan().slots.iter())
        .filter(|s| s.kind == kind)
        .map(|s| (s.name.clone(), s.bytes as usize / 4))
        .collect();
    let mut all = Vec::new();
    for (name, n) in names {
        let mut data = vec![0.0; n];
        exec.read(&name, 0, &mut data).unwrap();
        all.extend(data.iter().map(|x| x.to_bits()));
    }
    all
}

/// A binding of 64 KiB, an odd number of channels and a prime vocabulary: `wte` comes in chunks, and every number is
/// what it is without them.
#[test]
fn wte_in_chunks_computes_the_same() {
    let _turn = turn();
    let config = Config::Gpt2(Gpt2 { vocab_size: 1009, block_size: 19, n_layer: 2, n_head: 3, n_embd: 33 });
    let small = Limits { max_binding: 64 << 10, ..Limits::DEFAULT };
    let whole = shape(config, 2, 19, Limits::DEFAULT, Choices::Lanes);
    let mut reference = load(&Device::Cpu(0), &whole, Options::default());
    let expected = step(reference.as_mut(), &whole, 1, 1e-3);
    let expected_gradients = gradients(reference.as_mut(), &whole);
    for (device, choices) in devices() {
        let cut = shape(config, 2, 19, small, choices);
        let chunks = all_pieces(&config, &small)[0].1.len();
        assert_eq!(chunks, 3, "1009·33·4 bytes over 64 KiB");
        let mut exec = load(&device, &cut, Options { poison: true, ..Options::default() });
        let (loss, norm) = step(exec.as_mut(), &cut, 1, 1e-3);
        // Another order of the same fp32 sums: the parity tests' tolerances.
        assert!(relative(&[loss], &[expected.0]) < 1e-5, "loss {loss} {}", expected.0);
        assert!(relative(&[norm], &[expected.1]) < 1e-4, "norm {norm} {}", expected.1);
        for ((name, ours), (_, theirs)) in gradients(exec.as_mut(), &cut).iter().zip(&expected_gradients) {
            // The key bias has no true gradient (softmax does not see it): what is there is rounding.
            assert!(name.ends_with("c_attn.bias") || relative(ours, theirs) < 1e-4, "{name}");
        }
    }
}

#[test]
fn memory_is_what_was_planned() {
    let _turn = turn();
    for (device, choices) in devices() {
        let s = shape(Preset::Tiny.config(257), 2, 64, device.limits(), choices);
        let exec = load(&device, &s, Options::default());
        assert_eq!(exec.allocated(), exec.plan().bytes());
        let params = 4 * s.config.num_params();
        assert_eq!(exec.plan().bytes_of(Kind::Parameter), params);
        assert_eq!(exec.plan().bytes_of(Kind::Gradient), params);
        assert_eq!(exec.plan().bytes_of(Kind::Moment), 2 * params);
    }
}

#[test]
fn one_batch_is_learned_by_heart() {
    let _turn = turn();
    let config = Config::Gpt2(Gpt2 { vocab_size: 101, block_size: 24, n_layer: 2, n_head: 4, n_embd: 64 });
    for (device, choices) in devices() {
        let s = shape(config, 2, 24, device.limits(), choices);
        let mut exec = load(&device, &s, Options::default());
        let first = step(exec.as_mut(), &s, 1, 3e-3).0;
        // An untrained model knows nothing: ln 101 = 4.6.
        assert!((first - 101_f32.ln()).abs() < 0.3, "{first}");
        // Learned is learned: the steps end there.
        let learned = (2..=120).find(|&t| step(exec.as_mut(), &s, t, 3e-3).0 < 0.1);
        println!("{}: learned after {learned:?} steps", device.line());
        assert!(learned.is_some(), "after 120 steps of {} the loss is still above 0.1", device.line());
    }
}

/// Large enough that every product of the twins is cut between threads.
#[test]
fn the_cpus_bits_do_not_depend_on_threads() {
    let config = Config::Gpt2(Gpt2 { vocab_size: 1009, block_size: 96, n_layer: 2, n_head: 3, n_embd: 192 });
    let run = |threads: usize| {
        let s = Shape { dropout: true, ..shape(config, 3, 96, Limits::DEFAULT, Choices::Lanes) };
        let mut exec = load(&Device::Cpu(threads), &s, Options::default());
        let scalars: Vec<_> = (1..=3).map(|t| step(exec.as_mut(), &s, t, 1e-3)).collect();
        (scalars, bits(exec.as_mut(), Kind::Parameter))
    };
    let one = run(1);
    for threads in [2, 3] {
        assert!(one == run(threads), "{threads} threads give other bits than one");
    }
}

#[test]
fn two_runs_on_one_device_give_the_same_bits() {
    let _turn = turn();
    let config = Config::Gpt2(Gpt2 { vocab_size: 307, block_size: 40, n_layer: 2, n_head: 2, n_embd: 48 });
    for (device, choices) in devices() {
        let run = || {
            let s = Shape { dropout: true, ..shape(config, 2, 40, device.limits(), choices) };
            let mut exec = load(&device, &s, Options { poison: true, ..Options::default() });
            (1..=4).for_each(|t| {
                step(exec.as_mut(), &s, t, 1e-3);
            });
            bits(exec.as_mut(), Kind::Parameter)
        };
        assert!(run() == run(), "{} with {choices:?}", device.line());
    }
}

/// GPT-2 124M's true shape with random weights from a seed: written as a Hugging Face folder, loaded, one step at B=1,
/// T=32, on the CPU and on the adapter.
#[test]
fn a_124m_checkpoint_loads_and_steps() {
    use diarist::weights::huggingface;
    let _turn = turn();
    let config = Preset::Gpt2.config(50_257);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("config.json"), huggingface::config_json(&config, 0.1, 50_256)).unwrap();
    let mut writer = huggingface::writer(&dir.path().join("model.safetensors"), &config).unwrap();
    for (i, param) in config.table().iter().enumerate() {
        // Uniform with GPT-2's deviation, gains around one: cheap to draw 124 million times.
        let mut x = 0x9e37_79b9_u32.wrapping_mul(i as u32 + 1);
        let gain = if param.init == diarist::base::arch::Init::Ones { 1.0 } else { 0.0 };
        let mut draw = || {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            gain + ((x >> 8) as f32 / 8_388_608.0 - 1.0) * 0.035
        };
        writer.write_f32(&(0..param.numel()).map(|_| draw()).collect::<Vec<f32>>()).unwrap();
    }
    writer.finish().unwrap();
    let mut results = Vec::new();
    for device in [Device::Cpu(0), gpu()] {
        let s = shape(config, 1, 32, device.limits(), device.choices());
        let mut exec = load(&device, &s, Options::default());
        store::load(exec.as_mut(), &mut huggingface::open(dir.path()).unwrap(), &s.limits).unwrap();
        results.push(step(exec.as_mut(), &s, 1, 1e-4));
    }
    let [(loss, norm), (gpu_loss, gpu_norm)] = results[..] else { unreachable!() };
    println!("loss {loss} and {gpu_loss}, norm {norm} and {gpu_norm}");
    assert!(loss > 5.0 && norm > 0.1, "a step of an untrained model: {loss} {norm}");
    assert!(relative(&[gpu_loss], &[loss]) < 1e-4 && relative(&[gpu_norm], &[norm]) < 1e-4);
}
