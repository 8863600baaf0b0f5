//! Whole models, and adapters beside them, against transformers and peft in float64 (`tests/fixtures/`): the logits of every
//! position, one batch's loss and every gradient, ten AdamW steps; on the CPU and on the adapter with each set of kernels.

use crate::common::{Fixture, load, relative, shape};
use crate::parity::{FORWARD, GRADIENT, close, everywhere};
use diarist::base::arch::{Precision, Recompute};
use diarist::base::{Config, Gpt2, Llama, Lora, Optimizer, Param, Phi};
use diarist::device::executor::Options;
use diarist::device::select::Device;
use diarist::device::{Class, Element, Executor, Kind, Step};
use diarist::model::parameters::pieces;
use diarist::model::{self, Shape};
use diarist::ops::classifier::scalar;
use diarist::ops::kv_cache::NOWHERE;
use diarist::optim::adamw::{Hyper, micro_step};
use diarist::tokens::Tokenizer;

const GPT2: Config =
    Config::Gpt2(Gpt2 { vocab_size: 101, block_size: 23, n_layer: 2, n_head: 3, n_embd: 36 });
const LLAMA: Llama = Llama {
    vocab_size: 101,
    block_size: 64,
    n_layer: 2,
    n_head: 6,
    n_kv_head: 2,
    n_embd: 36,
    head_size: 10,
    n_ff: 53,
    rope_theta: 500.0,
    eps: 1e-6,
    window: None,
    tied: true,
};
const MISTRAL: Llama = Llama { rope_theta: 1e4, window: Some(7), tied: false, ..LLAMA };

const PHI: Phi = Phi {
    vocab_size: 101,
    block_size: 64,
    n_layer: 2,
    n_head: 3,
    n_kv_head: 1,
    n_embd: 36,
    n_ff: 53,
    rotary: 6,
    rope_theta: 700.0,
};

/// Sequences and positions of a fixture's batches.
const B: usize = 2;
const T: usize = 19;

/// A model of the fixtures: what it is, and where its weights are.
struct Whole {
    name: &'static str,
    base: &'static str,
    config: Config,
    lora: Option<Lora>,
}

fn all() -> Vec<Whole> {
    let lora = || Some("r=4,alpha=6,dropout=0".parse().unwrap());
    let whole = |name, base, config, lora| Whole { name, base, config, lora };
    vec![
        whole("gpt2_small_odd", "gpt2_small_odd", GPT2, None),
        whole("llama_small_odd", "llama_small_odd", LLAMA.into(), None),
        whole("mistral_small_odd", "mistral_small_odd", MISTRAL.into(), None),
        whole("phi_small_odd", "phi_small_odd", PHI.into(), None),
        whole("gpt2_lora", "gpt2_small_odd", GPT2, lora()),
        whole("llama_lora", "llama_small_odd", LLAMA.into(), lora()),
        whole("phi_lora", "phi_small_odd", PHI.into(), lora()),
    ]
}

impl Whole {
    fn shape(&self, t: usize, b: usize, device: &Device, class: Class) -> Shape {
        Shape { lora: self.lora.clone(), ..shape(self.config, b, t, device, class) }
    }

    fn fixture(&self) -> Fixture {
        println!("{}", self.name);
        Fixture::open(self.name)
    }

    /// The fixture's weights onto a device.
    fn write(&self, exec: &mut dyn Executor, shape: &Shape) {
        let files = [Fixture::open(self.base), Fixture::open(self.name)];
        for (file, params) in files.iter().zip([self.config.table(), shape.adapters()]) {
            for param in params {
                write(exec, shape, &param, &file.get(&param.name));
            }
        }
    }

    /// It on a device, to be trained.
    fn load(&self, device: &Device, class: Class, optimizer: Optimizer) -> (Shape, Box<dyn Executor>) {
        let shape = Shape { optimizer, ..self.shape(T, B, device, class) };
        let mut exec = load(device, &shape, Options { poison: true, ..Options::default() });
        self.write(exec.as_mut(), &shape);
        (shape, exec)
    }
}

fn write(exec: &mut dyn Executor, shape: &Shape, param: &Param, data: &[f32]) {
    let width = param.shape[1..].iter().product::<usize>();
    for p in pieces(param, &shape.limits, Element::F32) {
        exec.write_f32(&p.name, 0, &data[p.row0 * width..][..p.words()]).unwrap();
    }
}

/// Every position's logits, by the recordings that decode: against transformers' logits, token by token and after a
/// prefill of all earlier tokens.
#[test]
fn decoding_gives_transformers_logits() {
    for whole in all() {
        let f = whole.fixture();
        let (tokens, expected) = (f.ids("tokens"), f.get("logits"));
        let v = whole.config.vocab_size();
        everywhere(|device, class| {
            let shape = whole.shape(23, 1, device, class);
            let recordings = vec![shape.prefill().unwrap(), shape.decode().unwrap()];
            let mut exec =
                device.load(recordings.into(), Options { poison: true, ..Options::default() }).unwrap();
            whole.write(exec.as_mut(), &shape);
            for (b, sequence) in tokens.chunks(T).enumerate() {
                for prefilled in [0, 1, 11, 18] {
                    let mut block = [0_u32; diarist::model::PREFILL];
                    block[..prefilled].copy_from_slice(&sequence[..prefilled]);
                    exec.write("prefill.tokens", 0, &block).unwrap();
                    let mut places = [NOWHERE; diarist::model::PREFILL];
                    (0..prefilled).for_each(|pos| places[pos] = [0, pos as u32]);
                    exec.write("prefill.places", 0, places.as_flattened()).unwrap();
                    exec.run("prefill", &Step::default()).unwrap();
                    for (t, &token) in sequence.iter().enumerate().skip(prefilled) {
                        exec.write("decode.token", 0, &[token]).unwrap();
                        exec.write("decode.places", 0, &[0, t as u32]).unwrap();
                        exec.run("decode", &Step::default()).unwrap();
                        exec.request("logits").unwrap();
                        let theirs = &expected[(b * T + t) * v..][..v];
                        let r = relative(&exec.receive_f32().unwrap(), theirs);
                        assert!(r <= FORWARD, "position {t} after a prefill of {prefilled}: {r:e}");
                    }
                }
            }
        });
    }
}

fn feed(exec: &mut dyn Executor, tokens: &[u32], targets: &[u32]) -> f32 {
    model::feed(exec, tokens, targets).unwrap();
    1.0 / targets.iter().filter(|&&t| t != u32::MAX).count() as f32
}

#[test]
fn a_whole_model_matches_transformers() {
    for whole in all() {
        let f = whole.fixture();
        everywhere(|device, class| {
            let (shape, mut exec) = whole.load(device, class, Optimizer::Adamw);
            let scale = feed(exec.as_mut(), &f.ids("tokens"), &f.ids("targets"));
            exec.run("zero", &Step::default()).unwrap();
            exec.run("micro_step", &Step { loss_scale: scale, ..Step::default() }).unwrap();
            let mut scalars = [0.0; scalar::COUNT];
            exec.read_f32("scalars", 0, &mut scalars).unwrap();
            close("loss", &scalars[..1], &f.get("loss"), FORWARD);
            for param in shape.trained() {
                let mut grad = Vec::new();
                for p in pieces(&param, &device.limits(), Element::F32) {
                    let mut piece = vec![0.0; p.words()];
                    exec.read_f32(&format!("d.{}", p.name), 0, &mut piece).unwrap();
                    grad.extend(piece);
                }
                close(&format!("d {}", param.name), &grad, &f.get(&format!("grad.{}", param.name)), GRADIENT);
            }
        });
    }
}

/// The same dispatches over the same numbers: not close, but the same, with dropout on.
#[test]
fn a_block_that_is_computed_twice_gives_the_same_bits() {
    for whole in all() {
        let f = whole.fixture();
        everywhere(|device, class| {
            let gradients = |recompute| {
                let shape = Shape { recompute, dropout: true, ..whole.shape(T, B, device, class) };
                let mut exec = load(device, &shape, Options { poison: true, ..Options::default() });
                whole.write(exec.as_mut(), &shape);
                let scale = feed(exec.as_mut(), &f.ids("tokens"), &f.ids("targets"));
                exec.run("zero", &Step::default()).unwrap();
                exec.run("micro_step", &micro_step(scale, 0.3, 7, 2)).unwrap();
                let mut scalars = vec![0.0; scalar::COUNT];
                exec.read_f32("scalars", 0, &mut scalars).unwrap();
                let mut bits: Vec<u32> = scalars[..1].iter().map(|x| x.to_bits()).collect();
                for p in shape.trained().iter().flat_map(|p| pieces(p, &device.limits(), Element::F32)) {
                    let mut piece = vec![0.0; p.words()];
                    exec.read_f32(&format!("d.{}", p.name), 0, &mut piece).unwrap();
                    bits.extend(piece.iter().map(|x| x.to_bits()));
                }
                let scratch = exec.plan().bytes_of(Kind::Scratch);
                (bits, scratch, exec.program().find("micro_step").unwrap().flops())
            };
            let all = Recompute::ALL.map(gradients);
            for pair in all.windows(2) {
                let [(kept, memory, work), (again, less, more)] = pair else { unreachable!() };
                assert!(kept == again, "{}", whole.name);
                assert!(less < memory && more > work, "{less} of {memory} bytes, {more} of {work} FLOPs");
            }
        });
    }
}

/// What passes through halves keeps eleven bits, and a gradient is rounded some thirty times on its way through two blocks: √30·2⁻¹¹, and
/// of one that cancels a few times that.
const HALVES: f64 = 1e-2;

/// The scale goes through every gradient and is taken off by the update alone: it is a power of two.
#[test]
fn mixed_precision_is_near_single_and_its_scale_is_taken_off() {
    const SCALE: f32 = 1024.0;
    for whole in all() {
        let f = whole.fixture();
        everywhere(|device, class| {
            let gradients = |precision, grad_scale: f32| {
                let shape = Shape { precision, ..whole.shape(T, B, device, class) };
                let mut exec = load(device, &shape, Options { poison: true, ..Options::default() });
                whole.write(exec.as_mut(), &shape);
                let scale = feed(exec.as_mut(), &f.ids("tokens"), &f.ids("targets"));
                exec.run("zero", &Step::default()).unwrap();
                exec.run("micro_step", &Step { loss_scale: scale, grad_scale, ..Step::default() }).unwrap();
                let mut all = Vec::new();
                for p in shape.trained().iter().flat_map(|p| pieces(p, &device.limits(), Element::F32)) {
                    let mut piece = vec![0.0; p.words()];
                    exec.read_f32(&format!("d.{}", p.name), 0, &mut piece).unwrap();
                    all.push((p.name, piece.into_iter().map(|x| x / grad_scale).collect::<Vec<f32>>()));
                }
                // An update at a rate of zero computes the norm and moves nothing.
                exec.run("update", &Step { grad_scale, grad_clip: 1e-3, ..Step::default() }).unwrap();
                let mut scalars = [0.0; scalar::COUNT];
                exec.read_f32("scalars", 0, &mut scalars).unwrap();
                (all, scalars, exec.plan().bytes_of(Kind::Scratch))
            };
            let (single, [loss, norm, clip, _], whole_bytes) = gradients(Precision::F32, 1.0);
            let (mixed, [mixed_loss, mixed_norm, mixed_clip, _], bytes) = gradients(Precision::Mixed, SCALE);
            let far = |a: f32, b: f32| f64::from((a - b) / b).abs();
            assert!(far(mixed_loss, loss) < HALVES && far(mixed_norm, norm) < HALVES, "{mixed_norm} {norm}");
            assert!(far(mixed_clip * SCALE, clip) < HALVES, "{mixed_clip} {clip}");
            assert!(loss != mixed_loss && bytes < whole_bytes, "{}: nothing was in halves", whole.name);
            for ((name, mixed), (_, single)) in mixed.iter().zip(&single) {
                let r = relative(mixed, single);
                assert!(r < HALVES, "{} d {name}: {r:e}", whole.name);
            }
            // What overflows is skipped, whatever its loss.
            let (_, [loss, norm, clip, _], _) = gradients(Precision::Mixed, 2f32.powi(60));
            assert!(loss.is_finite() && !norm.is_finite() && clip == scalar::SKIP, "{loss} {norm} {clip}");
        });
    }
}

#[test]
fn ten_adamw_steps_match_torch() {
    for whole in all() {
        let f = whole.fixture();
        ten_steps(&whole, &f, &f, Optimizer::Adamw);
    }
}

#[test]
fn ten_muon_steps_match_torch() {
    let gpt2 = &all()[0];
    ten_steps(gpt2, &gpt2.fixture(), &Fixture::open("muon"), Optimizer::Muon);
}

/// Losses and norms of ten steps over the batches of its own fixture, against what another expects of them.
fn ten_steps(whole: &Whole, f: &Fixture, expected: &Fixture, optimizer: Optimizer) {
    let hyper = Hyper { beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.1, grad_clip: 1.0 };
    everywhere(|device, class| {
        let (_, mut exec) = whole.load(device, class, optimizer);
        let (tokens, targets) = (f.ids("steps.tokens"), f.ids("steps.targets"));
        let (losses, norms) = (expected.get("steps.loss"), expected.get("steps.grad_norm"));
        for (i, lr) in f.get("steps.lr").into_iter().enumerate() {
            let range = i * B * T..(i + 1) * B * T;
            let scale = feed(exec.as_mut(), &tokens[range.clone()], &targets[range]);
            exec.run("zero", &Step::default()).unwrap();
            exec.run("micro_step", &Step { loss_scale: scale, ..Step::default() }).unwrap();
            exec.run("update", &hyper.step(i as u64 + 1, lr)).unwrap();
            exec.request("scalars").unwrap();
            let scalars = exec.receive_f32().unwrap();
            close(&format!("loss of step {}", i + 1), &[scalars[scalar::LOSS]], &losses[i..=i], FORWARD);
            close(&format!("norm of step {}", i + 1), &[scalars[scalar::NORM]], &norms[i..=i], GRADIENT);
        }
    });
}

/// A prompt of several blocks, a chunked `wte`, and a context that slides: the greedy continuation is the one that
/// whole forward passes give.
#[test]
fn a_long_prompt_decodes_as_a_whole_pass_does() {
    use diarist::base::rng::Rng;
    use diarist::eval::loss_sum;
    use diarist::model::store;
    use diarist::ops::classifier::IGNORE;
    use diarist::sample::{Choice, Decoder};
    use diarist::tokens::Batch;
    let config = Config::Gpt2(Gpt2 { vocab_size: 307, block_size: 70, n_layer: 2, n_head: 3, n_embd: 36 });
    let t = config.block_size();
    let prompt: Vec<u32> = (0..66).map(|i| i * i % 307).collect();
    everywhere(|device, choices| {
        // 36,864 bytes hold 256 rows of wte: two chunks.
        let mut limits = device.limits();
        limits.max_binding = 41_000;
        let shape = Shape { limits, ..shape(config, 1, t, device, choices) };
        let recordings = vec![shape.prefill().unwrap(), shape.decode().unwrap(), shape.evaluate().unwrap()];
        let mut exec =
            device.load(recordings.into(), Options { poison: true, ..Options::default() }).unwrap();
        store::initialise(exec.as_mut(), &shape, 5).unwrap();
        let greedy = Choice { temperature: 0.0, ..Choice::default() };
        // Its end of text is none of so small a model's ids.
        let tokenizer = Tokenizer::gpt2();
        let mut decoder = Decoder::new(exec.as_mut(), shape.positions, &tokenizer, &prompt);
        let written = decoder
            .write(40, &greedy, &mut Rng::new(1, ""), |_| std::ops::ControlFlow::Continue(()))
            .unwrap();
        assert_eq!(written.len(), 40);
        // Each token is the likeliest after its context by a whole pass, too: no other token has a smaller loss.
        let mut context = prompt.clone();
        for (i, &token) in written.iter().enumerate() {
            if context.len() > t {
                context.drain(..context.len() - t / 2);
            }
            // Whole passes are slow to do for every rival: look at a few positions, the slide's neighbours among them.
            if [0, 1, 4, 5, 6, 38, 39].contains(&i) {
                let n = context.len();
                let mut loss_of = |id: u32| {
                    let (mut inputs, mut targets) = (vec![0; t], vec![IGNORE; t]);
                    inputs[..n].copy_from_slice(&context);
                    targets[n - 1] = id;
                    loss_sum(exec.as_mut(), &Batch::of_texts(inputs, targets)).unwrap()
                };
                let ours = loss_of(token);
                for rival in (0..307).step_by(9) {
                    // Rounding may put a rival level: 1e-5 of a loss of six.
                    assert!(ours <= loss_of(rival) + 6e-5, "token {i}: {token} against {rival}");
                }
            }
            context.push(token);
        }
    });
}

/// Texts that are written side by side, of every family, with an adapter and in f16: begun and ended at their own times, more of them
/// than there are places, each the very text that it is alone, by the likeliest as by all logits; and its logits have the same bits.
#[test]
fn texts_side_by_side_are_those_that_are_written_alone() {
    use diarist::base::rng::Rng;
    use diarist::device::Program;
    use diarist::model::input;
    use diarist::sample::{Choice, Decoder, SoFar, Streams, Turn};
    use std::ops::ControlFlow;
    let tokenizer = Tokenizer::gpt2();
    let lengths = [3, 17, 9, 1, 30];
    let prompts = [1, 40, 7, 2, 33].map(|n: u32| (0..n).map(|i| (i * i + n) % 101).collect::<Vec<_>>());
    let how = [
        Choice { temperature: 1.0, top_k: 20, ..Choice::default() },
        Choice { temperature: 0.0, ..Choice::default() },
        Choice { temperature: 1.5, top_k: 0, top_p: 0.9, ..Choice::default() },
        Choice { temperature: 1.0, top_k: 0, ..Choice::default() },
        Choice { temperature: 1.2, typical_p: 0.9, ..Choice::default() },
    ];
    for (whole, weights) in
        all().into_iter().zip([Element::F32, Element::F16, Element::F32].into_iter().cycle())
    {
        everywhere(|device, class| {
            let mut config = whole.config;
            config = config.with_n_layer(1);
            let shape = |streams| Shape {
                streams,
                weights,
                positions: config.block_size(),
                lora: whole.lora.clone(),
                ..shape(config, 1, 23, device, class)
            };
            let open = |streams: usize| {
                let shape = shape(streams);
                let program = Program::from(shape.writing().unwrap());
                let mut exec = device.load(program, Options { poison: true, ..Options::default() }).unwrap();
                diarist::model::store::initialise(exec.as_mut(), &shape, 5).unwrap();
                diarist::model::store::initialise_adapter(exec.as_mut(), &shape, 5).unwrap();
                exec
            };
            let rng = |i: usize| Rng::new(7, &format!("sample {i}"));
            let mut exec = open(1);
            // Alone, and the bits of the last logits.
            let alone: Vec<(Vec<u32>, Vec<u32>)> = (0..prompts.len())
                .map(|i| {
                    let prompt = diarist::sample::kept(&prompts[i], config.block_size(), lengths[i]);
                    let mut decoder = Decoder::new(exec.as_mut(), config.block_size(), &tokenizer, prompt);
                    let keep_on = |_| ControlFlow::Continue(());
                    let ids = decoder.write(lengths[i], &how[i], &mut rng(i), keep_on).unwrap();
                    exec.request(input::LOGITS).unwrap();
                    (ids, exec.receive().unwrap())
                })
                .collect();
            let mut exec = open(3);
            let v = config.vocab_size();
            let mut draws: Vec<Rng> = (0..prompts.len()).map(rng).collect();
            let mut written = vec![Vec::new(); prompts.len()];
            let (mut next, mut writing) = (0, Vec::<(usize, usize)>::new());
            let mut turns_of = [0; 4];
            let mut streams = Streams::new(exec.as_ref(), config.block_size());
            loop {
                while next < prompts.len() {
                    let prompt = diarist::sample::kept(&prompts[next], config.block_size(), lengths[next]);
                    let Some(text) = streams.begin(prompt.to_vec()) else { break };
                    writing.push((next, text));
                    next += 1;
                }
                if writing.is_empty() {
                    break;
                }
                turns_of[writing.len()] += 1;
                let mut of: Vec<Option<&mut Rng>> = draws.iter_mut().map(Some).collect();
                let mut turns: Vec<Turn> = writing
                    .iter()
                    .map(|&(i, text)| {
                        let rng = of[i].take().unwrap();
                        let so_far = SoFar::default();
                        Turn { text, so_far, how: &how[i], rng, allows: Box::new(|_| true) }
                    })
                    .collect();
                let tokens = streams.draw(exec.as_mut(), &mut turns).unwrap();
                exec.request(input::LOGITS).unwrap();
                let logits = exec.receive_f32().unwrap();
                let mut rows = tokens.into_iter().zip(logits.chunks(v));
                writing.retain(|&(i, text)| {
                    let (token, logits) = rows.next().unwrap();
                    let token = token.expect("all are allowed");
                    streams.push(text, token);
                    written[i].push(token);
                    let ended = written[i].len() == lengths[i];
                    if ended {
                        let bits: Vec<u32> = logits.iter().map(|x| x.to_bits()).collect();
                        let same = bits == alone[i].1;
                        assert!(same, "{}: the last logits of text {i}", whole.name);
                        streams.end(text);
                    }
                    !ended
                });
            }
            assert!(turns_of[1..].iter().all(|&n| n > 0), "one, two and three at once: {turns_of:?}");
            for (i, (ids, _)) in alone.iter().enumerate() {
                assert_eq!(&written[i], ids, "{}: text {i}", whole.name);
            }
            // One that begins as a text did that has ended, and then goes another way: it finds the beginning in the cache, and its logits
            // have the bits that they have without.
            let most = config.block_size() - 2;
            let first: Vec<u32> = (0..most as u32 - 5).map(|i| (i * i + 3) % 101).collect();
            let then = [&first[..most - 9], &[9, 8, 7, 6, 5]].concat();
            let logits = |exec: &mut dyn Executor, streams: &mut Streams, prompt: &[u32]| {
                let text = streams.begin(prompt.to_vec()).unwrap();
                let cached = streams.cached(text);
                let mut last = Vec::new();
                for _ in 0..2 {
                    let (so_far, rng) = (SoFar::default(), &mut rng(0));
                    let turn = Turn { text, so_far, how: &how[1], rng, allows: Box::new(|_| true) };
                    let (tokens, logits) = streams.weigh(exec, &mut [turn]).unwrap();
                    let token = tokens[0].unwrap();
                    streams.push(text, token);
                    last = logits[..v].iter().map(|x| x.to_bits()).collect();
                }
                streams.end(text);
                (cached, last)
            };
            logits(exec.as_mut(), &mut streams, &first);
            let (cached, shared) = logits(exec.as_mut(), &mut streams, &then);
            assert_eq!(cached, most - 9, "{}", whole.name);
            let mut fresh = open(1);
            let mut anew = Streams::new(fresh.as_ref(), config.block_size());
            assert_eq!(logits(fresh.as_mut(), &mut anew, &then), (0, shared), "{}", whole.name);
        });
    }
}
