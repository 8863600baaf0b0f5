//! The engine as a whole: memory as planned, `wte` in chunks, overfitting, bits that do not depend on threads, and a
//! 124M-shaped checkpoint.

use crate::common::{devices, gpu, load, relative, shape, training, turn};
use diarist::base::Param;
use diarist::base::{Config, Freeze, Gpt2, Lora, Optimizer, Phi, Preset};
use diarist::check::health::{self, Layer};
use diarist::device::executor::{Executor, Options};
use diarist::device::select::Device;
use diarist::device::{Class, Element, Kind, Limits, Step};
use diarist::eval::loss_sum;
use diarist::model::parameters::pieces;
use diarist::model::{self, Shape, grad_norms, store};
use diarist::ops::classifier::scalar;
use diarist::optim::adamw::{Hyper, micro_step};
use diarist::tokens::{Batch, Ends};
use diarist::weights::Dtype;

const HYPER: Hyper = Hyper { beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.1, grad_clip: 1.0 };

/// A batch that a model can learn by heart, and its loss scale.
fn feed(exec: &mut dyn Executor, shape: &Shape) -> f32 {
    let (n, v) = (shape.b * shape.t, shape.config.vocab_size());
    let text: Vec<u32> = (0..=n).map(|i| (i * i * 31 + i / 5 * 17) as u32 % v as u32).collect();
    model::feed(exec, &text[..n], &text[1..]).unwrap();
    1.0 / n as f32
}

/// One optimizer step; loss and gradient norm.
fn step(exec: &mut dyn Executor, shape: &Shape, t: u64, lr: f32) -> (f32, f32) {
    let scale = feed(exec, shape);
    exec.run("zero", &Step::default()).unwrap();
    exec.run("micro_step", &micro_step(scale, if shape.dropout { 0.1 } else { 0.0 }, 5, t)).unwrap();
    exec.run("update", &HYPER.step(t, lr)).unwrap();
    exec.request("scalars").unwrap();
    let scalars = exec.receive_f32().unwrap();
    (scalars[scalar::LOSS], scalars[scalar::NORM])
}

/// The gradients of what trains, by parameter.
fn gradients(exec: &mut dyn Executor, shape: &Shape) -> Vec<(String, Vec<f32>)> {
    let whole = |param: Param| {
        let mut all = Vec::new();
        for p in pieces(&param, &shape.limits, Element::F32) {
            let mut piece = vec![0.0; p.words()];
            exec.read_f32(&format!("d.{}", p.name), 0, &mut piece).unwrap();
            all.extend(piece);
        }
        (param.name, all)
    };
    shape.trained().into_iter().map(whole).collect()
}

/// Every byte of every kept tensor's bits.
fn bits(exec: &mut dyn Executor, kind: Kind) -> Vec<u32> {
    let names: Vec<(String, usize)> = (exec.plan().slots.iter())
        .filter(|s| s.kind == kind)
        .map(|s| (s.name.clone(), s.bytes as usize / 4))
        .collect();
    let mut all = Vec::new();
    for (name, n) in names {
        let mut data = vec![0; n];
        exec.read(&name, 0, &mut data).unwrap();
        all.extend(data);
    }
    all
}

const PHI: Phi = Phi {
    vocab_size: 101,
    block_size: 24,
    n_layer: 3,
    n_head: 2,
    n_kv_head: 1,
    n_embd: 32,
    n_ff: 53,
    rotary: 6,
    rope_theta: 1e4,
};

/// A binding of 64 KiB, an odd number of channels and a prime vocabulary: `wte` comes in chunks, and every number is
/// what it is without them; of a Phi the embedding and the head, each with its part of the bias.
#[test]
fn wte_in_chunks_computes_the_same() {
    let _turn = turn();
    let gpt2 = Gpt2 { vocab_size: 1009, block_size: 19, n_layer: 2, n_head: 3, n_embd: 33 };
    for config in [gpt2.into(), Phi { vocab_size: 1009, n_layer: 2, n_head: 3, n_embd: 36, ..PHI }.into()] {
        chunks_compute_the_same(config);
    }
}

fn chunks_compute_the_same(config: Config) {
    let small = Limits { max_binding: 64 << 10, ..Limits::DEFAULT };
    let whole = shape(config, 2, 19, &Device::Cpu(0), Class::Lanes);
    let mut reference = load(&Device::Cpu(0), &whole, Options::default());
    let expected = step(reference.as_mut(), &whole, 1, 1e-3);
    let expected_gradients = gradients(reference.as_mut(), &whole);
    let logits = |shape: &Shape, from: &mut dyn Executor, device: &Device| {
        let mut exec = device.load(vec![shape.decode().unwrap()].into(), Options::default()).unwrap();
        for piece in config.table().iter().flat_map(|p| pieces(p, &shape.limits, Element::F32)) {
            let mut words = vec![0; piece.words()];
            from.read(&piece.name, 0, &mut words).unwrap();
            exec.write(&piece.name, 0, &words).unwrap();
        }
        exec.write("decode.token", 0, &[7]).unwrap();
        exec.run("decode", &Step::default()).unwrap();
        exec.request("logits").unwrap();
        exec.receive_f32().unwrap()
    };
    let expected_logits = logits(&whole, reference.as_mut(), &Device::Cpu(0));
    for (device, choices) in devices() {
        let cut = Shape { limits: small, ..shape(config, 2, 19, &device, choices) };
        let chunks = pieces(&config.table()[0], &small, Element::F32).len();
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
        // One step of AdamW away from the start, where its bias is no longer zero; a sign that rounding turned is 2e-3 of
        // a weight there.
        let r = relative(&logits(&cut, exec.as_mut(), &device), &expected_logits);
        assert!(r < 1e-3, "logits: {r:e}");
    }
}

#[test]
fn memory_is_what_was_planned() {
    let _turn = turn();
    for (device, class) in devices() {
        let s = shape(Preset::Tiny.config(257), 2, 64, &device, class);
        let exec = load(&device, &s, Options::default());
        assert_eq!(exec.allocated(), exec.plan().bytes());
        let params = 4 * s.config.num_params();
        // Parts of flat buffers start at multiples of 256 bytes.
        let gaps = 255 * s.config.table().len() as u64;
        for (kind, times) in [(Kind::Parameter, 1), (Kind::Gradient, 1), (Kind::Moment, 2)] {
            let bytes = exec.plan().bytes_of(kind);
            assert!((times * params..=times * (params + gaps)).contains(&bytes), "{kind:?}: {bytes}");
        }
    }
}

#[test]
fn one_batch_is_learned_by_heart() {
    let _turn = turn();
    let config = Config::Gpt2(Gpt2 { vocab_size: 101, block_size: 24, n_layer: 2, n_head: 4, n_embd: 64 });
    for (device, choices) in devices() {
        let s = shape(config, 2, 24, &device, choices);
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
        let s = shape(config, 3, 96, &Device::Cpu(0), Class::Lanes);
        let s = Shape { dropout: true, optimizer: Optimizer::Muon, ..s };
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
            let s = Shape { dropout: true, ..shape(config, 2, 40, &device, choices) };
            let mut exec = load(&device, &s, Options { poison: true, ..Options::default() });
            (1..=4).for_each(|t| {
                step(exec.as_mut(), &s, t, 1e-3);
            });
            bits(exec.as_mut(), Kind::Parameter)
        };
        assert!(run() == run(), "{} with {choices:?}", device.line());
    }
}

/// Two steps, a state on the disk, two more steps on another executor: the same bits as four without a break, and no second
/// moment where Muon trains.
#[test]
fn a_state_is_all_that_a_resume_needs() {
    use diarist::run::state::optimizer_tensors;
    use diarist::weights::{huggingface, safetensors};
    let _turn = turn();
    let config = Config::Gpt2(Gpt2 { vocab_size: 101, block_size: 24, n_layer: 2, n_head: 2, n_embd: 32 });
    for (device, class) in devices() {
        for optimizer in Optimizer::ALL {
            let s = Shape { dropout: true, optimizer, ..shape(config, 2, 24, &device, class) };
            let options = Options { poison: true, ..Options::default() };
            let mut whole = load(&device, &s, options);
            (1..=2).for_each(|t| {
                step(whole.as_mut(), &s, t, 1e-3);
            });
            let dir = tempfile::tempdir().unwrap();
            let [model, moments] = ["model.safetensors", "optimizer.safetensors"].map(|n| dir.path().join(n));
            let mut writer = huggingface::writer(&model, &config, Dtype::F32).unwrap();
            store::save(whole.as_mut(), &s, 2, &mut writer).unwrap();
            writer.finish().unwrap();
            let tensors = optimizer_tensors(&s.trained(), optimizer);
            let mut writer =
                safetensors::Writer::create(&moments, &tensors, Dtype::F32, &Default::default()).unwrap();
            store::save_moments(whole.as_mut(), &s, 2, &mut writer).unwrap();
            writer.finish().unwrap();
            let second = |kept: &str| tensors.iter().any(|(name, _)| name == kept);
            assert!(second("v.h.1.attn.c_proj.bias") && second("m.h.1.attn.c_proj.weight"));
            assert_eq!(second("v.h.1.attn.c_proj.weight"), optimizer == Optimizer::Adamw);

            let mut resumed = load(&device, &s, options);
            store::load(resumed.as_mut(), &s, &mut huggingface::open_file(&model, config).unwrap()).unwrap();
            store::load_moments(resumed.as_mut(), &s, &mut safetensors::open(&moments).unwrap()).unwrap();
            for exec in [&mut whole, &mut resumed] {
                (3..=4).for_each(|t| {
                    step(exec.as_mut(), &s, t, 1e-3);
                });
            }
            for kind in [Kind::Parameter, Kind::Moment] {
                let same = bits(whole.as_mut(), kind) == bits(resumed.as_mut(), kind);
                assert!(same, "{kind:?} of {optimizer:?} on {} with {class:?}", device.line());
            }
        }
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
    std::fs::write(dir.path().join("config.json"), huggingface::config_json(&config, 0.1, &Ends::at(50_256)))
        .unwrap();
    let mut writer = huggingface::writer(&dir.path().join("model.safetensors"), &config, Dtype::F32).unwrap();
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
        let s = shape(config, 1, 32, &device, device.class());
        let mut exec = load(&device, &s, Options::default());
        store::load(exec.as_mut(), &s, &mut huggingface::open(dir.path()).unwrap()).unwrap();
        results.push(step(exec.as_mut(), &s, 1, 1e-4));
    }
    let [(loss, norm), (gpu_loss, gpu_norm)] = results[..] else { unreachable!() };
    println!("loss {loss} and {gpu_loss}, norm {norm} and {gpu_norm}");
    assert!(loss > 5.0 && norm > 0.1, "a step of an untrained model: {loss} {norm}");
    assert!(relative(&[gpu_loss], &[loss]) < 1e-4 && relative(&[gpu_norm], &[norm]) < 1e-4);
}

/// What is frozen keeps its bits, has no gradient, no moments and no dispatch; what trains has the gradients that it has
/// when all train.
#[test]
fn a_frozen_parameter_has_nothing() {
    let _turn = turn();
    let gpt2 = Gpt2 { vocab_size: 101, block_size: 24, n_layer: 3, n_head: 2, n_embd: 32 };
    frozen_has_nothing(gpt2.into(), "h");
    frozen_has_nothing(PHI.into(), "layers");
}

fn frozen_has_nothing(config: Config, block: &str) {
    for (device, class) in devices() {
        let whole = Shape { dropout: true, ..shape(config, 2, 24, &device, class) };
        let mut all = load(&device, &whole, Options { poison: true, ..Options::default() });
        step(all.as_mut(), &whole, 1, 0.0);
        let expected = gradients(all.as_mut(), &whole);
        for words in ["embeddings", "first=2", "embeddings,first=1", "embeddings,first=3"] {
            let freeze: Freeze = words.parse().unwrap();
            let s = Shape { freeze, ..whole.clone() };
            let mut exec = load(&device, &s, Options { poison: true, ..Options::default() });
            let frozen: Vec<Param> = config.table().into_iter().filter(|p| !freeze.trains(p.part)).collect();
            let of = |exec: &mut dyn Executor, p: &Param| {
                let mut words = vec![0; p.numel()];
                exec.read(&p.name, 0, &mut words).unwrap();
                words
            };
            let before: Vec<_> = frozen.iter().map(|p| of(exec.as_mut(), p)).collect();
            step(exec.as_mut(), &s, 1, 0.0);
            let ours = gradients(exec.as_mut(), &s);
            assert_eq!(ours.len() + frozen.len(), expected.len());
            for (name, gradient) in &ours {
                let theirs = &expected.iter().find(|(n, _)| n == name).unwrap().1;
                assert!(gradient == theirs, "{words}: the gradient of {name} is another");
            }
            step(exec.as_mut(), &s, 2, 1e-2);
            for (p, before) in frozen.iter().zip(before) {
                assert!(of(exec.as_mut(), p) == before, "{words}: {} moved", p.name);
                for prefix in ["d.", "m.", "v."] {
                    assert!(exec.plan().find(&format!("{prefix}{}", p.name)).is_none(), "{prefix}{}", p.name);
                }
            }
            // No dispatch writes to anything of theirs, and where nothing below trains, nothing is walked back there.
            let micro_step = exec.program().find("micro_step").unwrap();
            let backward = |i: usize| {
                let prefix = format!("{block}.{i}.");
                let labels = micro_step.dispatches.iter().map(|d| d.label.as_str());
                labels.filter(|l| l.starts_with(&prefix) && l.contains("backward")).count()
            };
            let counts: Vec<usize> = (0..3).map(backward).collect();
            match words {
                "first=2" => assert!(counts[0] > 0 && counts[0] == counts[1] && counts[1] < counts[2]),
                // The stream's gradient ends in the first block that trains.
                "embeddings,first=1" => assert!(counts[0] == 0 && counts[1] + 1 == counts[2]),
                "embeddings,first=3" => assert_eq!(counts, [0, 0, 0]),
                "embeddings" => assert!(counts[0] + 1 == counts[1] && counts[1] == counts[2]),
                _ => unreachable!(),
            }
        }
    }
}

/// Weights at rest in fewer bits compute what an f32 tensor of the numbers they stand for computes, to the bit, on both
/// executors: losses, prefilled keys and values, logits; at odd sizes and at even ones (single loads and wide ones), and with
/// `wte` in chunks. Quantised blocks where there are whole ones.
#[test]
fn fewer_bits_at_rest_are_exact() {
    use diarist::device::Program;
    let _turn = turn();
    let odd = Gpt2 { vocab_size: 701, block_size: 40, n_layer: 2, n_head: 3, n_embd: 33 };
    let even = Gpt2 { vocab_size: 1000, block_size: 40, n_layer: 2, n_head: 2, n_embd: 64 };
    // The block's products have whole blocks along one side and no multiple of four along the other.
    let mixed = Gpt2 { vocab_size: 301, block_size: 40, n_layer: 2, n_head: 3, n_embd: 72 };
    let all = [(odd, 128 << 20), (even, 128 << 20), (even, 70 << 10), (odd, 22 << 10)];
    let cases = all.map(|(config, binding)| (Element::F16, config, binding)).into_iter();
    let blocks = [(even, 128 << 20), (mixed, 128 << 20)].into_iter();
    let blocks = blocks.flat_map(|(c, b)| [Element::Q8_0, Element::Q4_1].map(|e| (e, c, b)));
    for (at_rest, config, max_binding) in cases.chain(blocks) {
        for (device, class) in devices() {
            let base = shape(config.into(), 1, 40, &device, class);
            let limits = Limits { max_binding, ..base.limits };
            let mut results: Vec<Vec<u32>> = Vec::new();
            for weights in [Element::F32, at_rest] {
                let s = Shape { weights, limits, ..base.clone() };
                let recordings = [s.evaluate(), s.prefill(), s.decode()].map(Result::unwrap).to_vec();
                let program = Program::from(recordings);
                let mut exec = device.load(program, Options { poison: true, ..Options::default() }).unwrap();
                let dir = tempfile::tempdir().unwrap();
                let mut checkpoint = rounded(&s.config, at_rest, dir.path());
                store::load(exec.as_mut(), &s, &mut checkpoint).unwrap();
                let text: Vec<u32> = (0..41).map(|i| i * 7919 % config.vocab_size as u32).collect();
                let mut got = vec![
                    loss_sum(exec.as_mut(), &Batch::of_texts(text[..40].to_vec(), text[1..].to_vec()))
                        .unwrap()
                        .to_bits(),
                ];
                exec.write(model::input::PREFILL, 0, &text[..model::PREFILL]).unwrap();
                let places: Vec<u32> = (0..model::PREFILL as u32).flat_map(|pos| [0, pos]).collect();
                exec.write(model::input::PREFILL_PLACES, 0, &places).unwrap();
                exec.run("prefill", &Step::default()).unwrap();
                exec.write(model::input::TOKEN, 0, &[text[32]]).unwrap();
                exec.write(model::input::PLACES, 0, &[0, 32]).unwrap();
                exec.run("decode", &Step::default()).unwrap();
                for name in ["h.1.cache.k", "h.1.cache.v", model::input::LOGITS] {
                    exec.request(name).unwrap();
                    got.extend(exec.receive().unwrap());
                }
                results.push(got);
                let matrices: usize =
                    s.config.table().iter().filter(|p| p.may_rest()).map(Param::numel).sum();
                let rest = s.config.num_params() as usize - matrices;
                let bytes = exec.plan().bytes_of(Kind::Parameter) as usize;
                // One word more, at most, a matrix or chunk of an odd number of halves; of quantised ones, the embedding in
                // eight bits, and halves where there are no whole blocks.
                let least = 4 * (rest + weights.words(matrices));
                let spare = 4 * 2 * s.config.table().len();
                let most = match weights {
                    Element::Q8_0 | Element::Q4_1 => 4 * (rest + Element::F16.words(matrices)),
                    _ => least + spare,
                };
                assert!((least..=most).contains(&bytes), "{bytes} bytes");
            }
            let what = format!("{config:?} in {} on {}", at_rest.name(), device.line());
            assert!(results[0].len() > 100 && results[0] == results[1], "{what}");
            assert!(results[0].iter().any(|&w| f32::from_bits(w).abs() > 1e-3), "{what}");
        }
    }
}

/// A checkpoint whose matrices hold nothing that `weights` does not.
fn rounded(config: &Config, weights: Element, dir: &std::path::Path) -> diarist::weights::Checkpoint {
    use diarist::base::rng::Rng;
    use diarist::weights::huggingface;
    std::fs::write(dir.join("config.json"), huggingface::config_json(config, 0.0, &Ends::at(0))).unwrap();
    let mut writer = huggingface::writer(&dir.join("model.safetensors"), config, Dtype::F32).unwrap();
    for p in config.table() {
        let mut rng = Rng::new(2, &p.name);
        let element = pieces(&p, &Limits::DEFAULT, weights)[0].element;
        let mut data: Vec<f32> = (0..p.numel()).map(|_| 0.2 * rng.normal()).collect();
        match element {
            Element::F16 => data.iter_mut().for_each(|x| *x = half::f16::from_f32(*x).to_f32()),
            // Blocks that have the least and the greatest number there is, and a power of two for their scale: then the
            // encoder finds that scale, and the numbers again.
            Element::Q8_0 | Element::Q4_1 => {
                for block in data.chunks_mut(32) {
                    let (most, e) = if element == Element::Q8_0 { (254, -9) } else { (15, -5) };
                    let d = 2_f32.powi(e - rng.below(3) as i32);
                    let least = if element == Element::Q8_0 {
                        -127.0 * d
                    } else {
                        -d * (rng.below(120) as f32 / 8.0)
                    };
                    for (j, x) in block.iter_mut().enumerate() {
                        let q = [0, most].get(j).copied().unwrap_or_else(|| rng.below(most + 1));
                        *x = least + d * q as f32;
                    }
                }
            }
            _ => {}
        }
        writer.write_f32(&data).unwrap();
    }
    writer.finish().unwrap();
    huggingface::open(dir).unwrap()
}

/// The CPU widens a large matrix in parts; its products have the bits of the whole, in any number of parts.
#[test]
fn products_of_widened_parts_are_those_of_the_whole() {
    use diarist::base::rng::Rng;
    use diarist::device::{Choices, Program, Recorder};
    use diarist::ops::matmul::{self, Epilogue, Layout, Product};
    let device = Device::Cpu(0);
    // From 2 rows to more than a tile; depths below and above 512, where the sums are cut; 2 parts, 3 and 6, some that end in
    // an odd number of columns (which is the number of rows of an NT weight, and free).
    for (m, k, n) in [(2, 3296, 800), (5, 1600, 2080), (67, 704, 4512), (9, 6400, 992)] {
        for (layout, n) in [(Layout::NN, n), (Layout::NT, n + 7)] {
            let b_shape = if layout == Layout::NN { [k, n] } else { [n, k] };
            // Numbers of few bits are exact in every element.
            let mut rng = Rng::new(5, "parts");
            let b: Vec<f32> = (0..k * n).map(|_| rng.below(15) as f32 - 7.0).collect();
            let a: Vec<f32> = (0..m * k).map(|_| rng.normal()).collect();
            let of = |element: Element| {
                let limits = Limits::DEFAULT;
                let mut rec = Recorder::new("product", limits, &Choices::of(Class::Lanes, &limits));
                let [ta, tc] =
                    [("a", [m, k]), ("c", [m, n])].map(|(name, s)| rec.kept(name, Kind::Input, &s));
                let tb = rec.kept_of("b", Kind::Input, &b_shape, element);
                let p = Product::new(layout, [m, n, k]);
                matmul::product(&mut rec, "product", p, ta.into(), tb.into(), tc.into(), Epilogue::None);
                let program = Program::from(vec![rec.finish().unwrap()]);
                let mut exec = device.load(program, Options::default()).unwrap();
                exec.write_f32("a", 0, &a).unwrap();
                match element {
                    Element::F32 => exec.write_f32("b", 0, &b).unwrap(),
                    Element::F16 => exec.write("b", 0, &diarist::device::element::pack_f16(&b)).unwrap(),
                    _ => {
                        let d = half::f16::ONE.to_le_bytes();
                        let block = |b: &[f32]| {
                            [&d[..], &b.iter().map(|x| *x as i8 as u8).collect::<Vec<u8>>()].concat()
                        };
                        let bytes: Vec<u8> = b.chunks(32).flat_map(block).collect();
                        exec.write("b", 0, &diarist::device::element::pack_blocks(element, &bytes)).unwrap();
                    }
                }
                exec.run("product", &Step::default()).unwrap();
                exec.request("c").unwrap();
                exec.receive().unwrap()
            };
            let whole = of(Element::F32);
            for element in [Element::F16, Element::Q8_0] {
                assert!(of(element) == whole, "{m}x{k}x{n} {layout:?} in {}", element.name());
            }
        }
    }
}

/// Block by block what the host makes of the gradients, and together the global norm; of an adapter, its own matrices'.
#[test]
fn the_gradients_norms_are_those_of_the_blocks() {
    let _turn = turn();
    // `wte` in three chunks, as above.
    let config = Gpt2 { vocab_size: 1009, block_size: 19, n_layer: 2, n_head: 3, n_embd: 33 }.into();
    let limits = Limits { max_binding: 64 << 10, ..Limits::DEFAULT };
    for (device, choices) in devices() {
        for lora in [None, Some(Lora::default())] {
            let places: &[&str] =
                if lora.is_some() { &["h.0", "h.1"] } else { &["h.0", "h.1", "ln_f", "wpe", "wte"] };
            let s = Shape { limits, lora, ..shape(config, 2, 19, &device, choices) };
            let mut program = training(&s);
            program.recordings.push(s.grad_norms().unwrap());
            let mut exec = device.load(program, Options { poison: true, ..Options::default() }).unwrap();
            store::initialise(exec.as_mut(), &s, 11).unwrap();
            store::initialise_adapter(exec.as_mut(), &s, 11).unwrap();
            store::zero_moments(exec.as_mut(), &s).unwrap();
            let (_, norm) = step(exec.as_mut(), &s, 1, 1e-3);
            let norms = grad_norms::read(exec.as_mut(), &s).unwrap();
            assert_eq!(norms.keys().collect::<Vec<_>>(), places);
            let all = gradients(exec.as_mut(), &s);
            for (place, ours) in &norms {
                let of = all.iter().filter(|(name, _)| name.starts_with(&format!("{place}.")));
                let squares: f64 = of.flat_map(|(_, x)| x).map(|x| f64::from(*x).powi(2)).sum();
                // Sums of squares in f32, of chunks of 16,384: the norm kernel's tolerance.
                assert!(relative(&[*ours], &[squares.sqrt() as f32]) < 2e-5, "{place}: {ours} {squares}");
            }
            let together = norms.values().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt() as f32;
            assert!(relative(&[together], &[norm]) < 2e-5, "{together} {norm}");
        }
    }
}

/// A unit whose bias is far below every input is dead, one whose is far above is saturated; a fresh model has neither.
#[test]
fn a_dead_unit_is_found_in_its_block() {
    let _turn = turn();
    let gpt2 = Gpt2 { vocab_size: 101, block_size: 24, n_layer: 2, n_head: 2, n_embd: 32 };
    for (device, choices) in devices() {
        for (config, block, bias) in
            [(gpt2.into(), "h.1", "h.1.mlp.c_fc.bias"), (PHI.into(), "layers.1", "layers.1.mlp.fc1.bias")]
        {
            let config: Config = config;
            let s = shape(config, 2, 24, &device, choices);
            let mut exec = load(&device, &s, Options { poison: true, ..Options::default() });
            feed(exec.as_mut(), &s);
            let rows: Vec<usize> = (0..40).collect();
            let fresh = health::layers(exec.as_mut(), &rows).unwrap();
            assert_eq!(fresh.len(), config.n_layer());
            assert!(fresh.iter().all(|l| (l.dead, l.saturated) == (0, 0)), "{fresh:?}");
            exec.write_f32(bias, 3, &[-50.0, 50.0]).unwrap();
            let found = health::layers(exec.as_mut(), &rows).unwrap();
            let Layer { units, .. } = fresh[1];
            assert_eq!(found[1], Layer { block: block.into(), units, dead: 1, saturated: 1 });
            assert_eq!(found[0], fresh[0]);
        }
    }
}
