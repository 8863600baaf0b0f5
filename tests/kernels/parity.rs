//! Our numbers against PyTorch's, computed in float64 (`tests/fixtures/`), on the CPU and on the adapter with each set
//! of kernels. Tolerances are the issue's: forward 1e-5, gradients 1e-4, losses 1e-5 relative; what fp32 itself costs
//! is under 1e-6 (`tests/fixtures/README.md`).

use crate::common::{Bench, Fixture, devices, load, relative, shape, turn};
use diarist::base::rng::{Site, dropout_key, dropout_threshold, mask_bits, mask_key};
use diarist::base::{Config, Gpt2};
use diarist::device::executor::Options;
use diarist::device::select::Device;
use diarist::device::{Choices, Class, Element, Executor, Kind, Limits, Program, Step};
use diarist::model::parameters::pieces;
use diarist::model::{self, Shape};
use diarist::ops::adamw::Slot;
use diarist::ops::classifier::{Loss, scalar};
use diarist::ops::embedding::{Buckets, Chunk};
use diarist::ops::kv_cache::{self, Cache};
use diarist::ops::{attention, bias, classifier, embedding, gelu, layernorm, matmul, residual};
use diarist::optim::adamw::{Hyper, micro_step, update};
use diarist::tokens::Tokenizer;
use diarist::tokens::batch::buckets;

const FORWARD: f64 = 1e-5;
const GRADIENT: f64 = 1e-4;

/// Runs a test on every device, naming the one that fails.
fn everywhere(test: impl Fn(&Device, Class)) {
    let _turn = turn();
    for (device, choices) in devices() {
        println!("on {} with {choices:?}", device.line());
        test(&device, choices);
    }
}

fn close(what: &str, ours: &[f32], theirs: &[f32], tolerance: f64) {
    let r = relative(ours, theirs);
    println!("  {what}: {r:.1e}");
    assert!(r <= tolerance, "{what}: relative difference {r:e} > {tolerance:e}");
}

#[test]
fn the_dropout_hash() {
    let f = Fixture::open("dropout_mask");
    // Words up to 2³² do not fit in f32: read them as they are stored.
    let bytes =
        std::fs::read(format!("{}/tests/fixtures/dropout_mask.safetensors", env!("CARGO_MANIFEST_DIR")))
            .unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let column = |name: &str| -> Vec<f64> {
        let data = tensors.tensor(name).unwrap();
        data.data().chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
    };
    let table = column("table");
    assert_eq!(f.shape("table"), [49, 11]);
    for row in table.chunks(11) {
        let w: Vec<u64> = row.iter().map(|&x| x as u64).collect();
        let key = dropout_key(w[0] << 32 | w[1], w[2] << 32 | w[3]);
        assert_eq!(u64::from(key), w[6]);
        let mask = mask_key(key, w[4] as u32, w[5] as u32);
        assert_eq!(u64::from(mask), w[7]);
        assert_eq!(u64::from(mask_bits(mask, w[8] as u32, w[9] as u32)), w[10]);
    }
    for (p, word) in f.get("thresholds.p").iter().zip(column("thresholds.word")) {
        assert_eq!(f64::from(dropout_threshold(*p)), word);
    }
}

#[test]
fn embedding_matches() {
    let f = Fixture::open("embedding");
    let (b, t, c, v) = (2, 19, 36, 101);
    everywhere(|device, choices| {
        let mut out = None;
        let cut = 41;
        let mut bench = Bench::new(device, choices, |rec| {
            let tokens = rec.kept_ids("tokens", Kind::Input, &[b * t]);
            let mut chunks = |n: &str| {
                [(0, cut), (cut, v - cut)].map(|(row0, rows)| Chunk {
                    tensor: rec.kept(format!("{n}{row0}"), Kind::Input, &[rows, c]),
                    row0,
                    rows,
                })
            };
            let (wte, dwte) = (chunks("wte"), chunks("dwte"));
            let [wpe, dwpe] = ["wpe", "dwpe"].map(|n| rec.kept(n, Kind::Input, &[23, c]));
            let with = Buckets {
                buckets: rec.kept_ids("buckets", Kind::Input, &[b * t, 3]),
                order: rec.kept_ids("order", Kind::Input, &[b * t]),
            };
            let dout = rec.kept("dout", Kind::Input, &[b * t, c]);
            out = Some(embedding::forward(rec, tokens, t, &wte, wpe));
            embedding::backward_wte(rec, with, dout, &dwte);
            embedding::backward_wpe(rec, dout, t, dwpe);
        });
        let tokens = f.ids("tokens");
        let (rows, order) = buckets(&tokens);
        bench.write_ids("tokens", &tokens);
        bench.write_ids("buckets", &rows);
        bench.write_ids("order", &order);
        let wte = f.get("wte");
        bench.write("wte0", &wte[..cut * c]);
        bench.write(&format!("wte{cut}"), &wte[cut * c..]);
        bench.write("wpe", &f.get("wpe"));
        bench.write("dout", &f.get("dout"));
        bench.run(&Step::default());
        close("out", &bench.peek(out.unwrap()), &f.get("out"), FORWARD);
        let dwte = [bench.peek_name("dwte0"), bench.peek_name(&format!("dwte{cut}"))].concat();
        close("dwte", &dwte, &f.get("dwte"), GRADIENT);
        close("dwpe", &bench.peek_name("dwpe"), &f.get("dwpe"), GRADIENT);
    });
}

#[test]
fn layernorm_matches() {
    let f = Fixture::open("layernorm");
    everywhere(|device, choices| {
        let mut outs = None;
        let mut bench = Bench::new(device, choices, |rec| {
            let [inp, dout, dinp] = ["inp", "dout", "dinp"].map(|n| rec.kept(n, Kind::Input, &[38, 36]));
            let [w, b, dw, db] =
                ["weight", "bias", "dweight", "dbias"].map(|n| rec.kept(n, Kind::Input, &[36]));
            let (out, stats) = layernorm::forward(rec, inp, w, b);
            layernorm::backward(rec, inp, w, stats, dout, Some(dinp), Some((dw, db)));
            outs = Some((out, stats));
        });
        for name in ["inp", "dout", "weight", "bias"] {
            bench.write(name, &f.get(name));
        }
        // Accumulation is part of the contract: start from ones.
        bench.write("dinp", &[1.0; 38 * 36]);
        bench.run(&Step::default());
        let (out, stats) = outs.unwrap();
        // out's buffer may have been given to a later tensor; the statistics live to the end.
        let _ = out;
        close("mean", &bench.peek(stats.mean), &f.get("mean"), FORWARD);
        close("rstd", &bench.peek(stats.rstd), &f.get("rstd"), FORWARD);
        let dinp: Vec<f32> = bench.peek_name("dinp").iter().map(|x| x - 1.0).collect();
        close("dinp", &dinp, &f.get("dinp"), GRADIENT);
        close("dweight", &bench.peek_name("dweight"), &f.get("dweight"), GRADIENT);
        close("dbias", &bench.peek_name("dbias"), &f.get("dbias"), GRADIENT);
        let mut bench = Bench::new(device, choices, |rec| {
            let inp = rec.kept("inp", Kind::Input, &[38, 36]);
            let [w, b] = ["weight", "bias"].map(|n| rec.kept(n, Kind::Input, &[36]));
            outs = Some(layernorm::forward(rec, inp, w, b));
        });
        for name in ["inp", "weight", "bias"] {
            bench.write(name, &f.get(name));
        }
        bench.run(&Step::default());
        close("out", &bench.peek(outs.unwrap().0), &f.get("out"), FORWARD);
    });
}

#[test]
fn matmul_matches() {
    let f = Fixture::open("matmul");
    everywhere(|device, choices| {
        let mut outs = None;
        let mut bench = Bench::new(device, choices, |rec| {
            let inp = rec.kept("inp", Kind::Input, &[38, 36]);
            let [weight, dweight] = ["weight", "dweight"].map(|n| rec.kept(n, Kind::Input, &[36, 61]));
            let [b, db] = ["bias", "dbias"].map(|n| rec.kept(n, Kind::Input, &[61]));
            let dout = rec.kept("dout", Kind::Input, &[38, 61]);
            let dinp = matmul::backward_input(rec, dout, weight);
            matmul::backward_weight(rec, inp, dout, dweight);
            bias::backward(rec, dout, db);
            outs = Some((matmul::forward(rec, inp, weight, b), dinp));
        });
        for name in ["inp", "weight", "bias", "dout"] {
            bench.write(name, &f.get(name));
        }
        // dinp's life ends at once; look at it before anything else is born in its place.
        bench.exec.run_range("test", &Step::default(), 0..1).unwrap();
        close("dinp", &bench.peek(outs.unwrap().1), &f.get("dinp"), GRADIENT);
        bench.run(&Step::default());
        close("out", &bench.peek(outs.unwrap().0), &f.get("out"), FORWARD);
        close("dweight", &bench.peek_name("dweight"), &f.get("dweight"), GRADIENT);
        close("dbias", &bench.peek_name("dbias"), &f.get("dbias"), GRADIENT);
    });
}

/// The micro-step whose masks the fixtures draw.
fn dropout_step(f: &Fixture) -> Step {
    let step = micro_step(
        1.0,
        f.number("dropout.p"),
        f.number("dropout.seed") as u64,
        f.number("dropout.micro_step") as u64,
    );
    assert_eq!(step.dropout_scale, f.number("dropout.keep_scale"));
    step
}

#[test]
fn attention_matches_with_dropout_and_without() {
    let f = Fixture::open("attention");
    let step = dropout_step(&f);
    everywhere(|device, choices| {
        for (dropout, prefix) in [(false, ""), (true, "dropout.")] {
            let layer = f.number("dropout.layer") as usize;
            let shape = attention::Shape { t: 19, nh: 3, nkv: 3, layer, dropout, window: None };
            let mut outs = None;
            let mut bench = Bench::new(device, choices, |rec| {
                let qkv = rec.kept("qkv", Kind::Input, &[38, 108]);
                let dout = rec.kept("dout", Kind::Input, &[38, 36]);
                let (out, lse) = attention::forward(rec, qkv, shape);
                outs = Some((out, lse, attention::backward(rec, qkv, out, lse, dout, shape)));
            });
            bench.write("qkv", &f.get("qkv"));
            bench.write("dout", &f.get("dout"));
            bench.exec.run_range("test", &step, 0..1).unwrap();
            let (out, lse, dqkv) = outs.unwrap();
            close("out", &bench.peek(out), &f.get(&format!("{prefix}out")), FORWARD);
            close("lse", &bench.peek(lse), &f.get("lse"), FORWARD);
            bench.run(&step);
            close("dqkv", &bench.peek(dqkv), &f.get(&format!("{prefix}dqkv")), GRADIENT);
        }
    });
}

#[test]
fn grouped_attention_in_a_window_matches() {
    let f = Fixture::open("attention_grouped");
    let step = dropout_step(&f);
    let (b, t, nh, nkv, hs) = (2, 17, 6, 2, 7);
    let width = (nh + 2 * nkv) * hs;
    assert_eq!(f.shape("qkv"), [b, t, width]);
    let near = Some(f.number("window") as usize);
    everywhere(|device, choices| {
        for (prefix, dropout, window) in
            [("", false, near), ("dropout.", true, near), ("whole.", false, None)]
        {
            let layer = f.number("dropout.layer") as usize;
            let shape = attention::Shape { t, nh, nkv, layer, dropout, window };
            let mut outs = None;
            let mut bench = Bench::new(device, choices, |rec| {
                let qkv = rec.kept("qkv", Kind::Input, &[b * t, width]);
                let dout = rec.kept("dout", Kind::Input, &[b * t, nh * hs]);
                let (out, lse) = attention::forward(rec, qkv, shape);
                outs = Some((out, lse, attention::backward(rec, qkv, out, lse, dout, shape)));
            });
            bench.write("qkv", &f.get("qkv"));
            bench.write("dout", &f.get("dout"));
            bench.exec.run_range("test", &step, 0..1).unwrap();
            let (out, lse, dqkv) = outs.unwrap();
            let expected = |name: &str| f.get(&format!("{prefix}{name}"));
            close("out", &bench.peek(out), &expected("out"), FORWARD);
            let of_scores = if dropout { f.get("lse") } else { expected("lse") };
            close("lse", &bench.peek(lse), &of_scores, FORWARD);
            bench.run(&step);
            // dq, dk and dv apart: the smallest would hide behind the largest.
            let (ours, theirs) = (bench.peek(dqkv), expected("dqkv"));
            let [q, kv] = [nh * hs, nkv * hs];
            for (name, columns) in [("dq", 0..q), ("dk", q..q + kv), ("dv", q + kv..width)] {
                let part = |x: &[f32]| {
                    x.chunks(width).flat_map(|row| row[columns.clone()].to_vec()).collect::<Vec<_>>()
                };
                close(name, &part(&ours), &part(&theirs), GRADIENT);
            }
        }
    });
}

/// A row that is visited spreads its NaN, masked or not (0·NaN = NaN): so the first position's may reach no query, and the last
/// position's no key, that is further away than the window and the 64 rows that are worked on together.
#[test]
fn what_no_window_reaches_is_not_visited() {
    let (t, nh, nkv, hs, window) = (300, 4, 2, 4, 5);
    let width = (nh + 2 * nkv) * hs;
    let shape = attention::Shape { t, nh, nkv, layer: 0, dropout: false, window: Some(window) };
    let numbers = |n: usize| (0..n).map(|i| (i * 37 % 101) as f32 / 101.0 - 0.5).collect::<Vec<_>>();
    let (mut qkv, mut dout) = (numbers(t * width), numbers(t * nh * hs));
    qkv[..width].fill(f32::NAN);
    dout[(t - 1) * nh * hs..].fill(f32::NAN);
    everywhere(|device, choices| {
        let mut outs = None;
        let mut bench = Bench::new(device, choices, |rec| {
            let qkv = rec.kept("qkv", Kind::Input, &[t, width]);
            let dout = rec.kept("dout", Kind::Input, &[t, nh * hs]);
            let (out, lse) = attention::forward(rec, qkv, shape);
            outs = Some((out, attention::backward(rec, qkv, out, lse, dout, shape)));
        });
        bench.write("qkv", &qkv);
        bench.write("dout", &dout);
        let (out, dqkv) = outs.unwrap();
        bench.exec.run_range("test", &Step::default(), 0..1).unwrap();
        let out = bench.peek(out);
        assert!(out[0].is_nan() && out[64 * nh * hs..].iter().all(|x| x.is_finite()));
        bench.run(&Step::default());
        let dqkv = bench.peek(dqkv);
        assert!(dqkv[0].is_nan() && dqkv[64 * width..(256 - window) * width].iter().all(|x| x.is_finite()));
    });
}

/// A sequence decoded as a prompt and single tokens over the cache of grouped heads gives what the whole gives; no key is
/// looked at that is not there yet, nor one before the window.
#[test]
fn grouped_attention_over_a_cache_matches() {
    let f = Fixture::open("attention_grouped");
    let (t, nh, nkv, hs) = (17, 6, 2, 7);
    let width = (nh + 2 * nkv) * hs;
    let qkv = f.get("qkv");
    let near = Some(f.number("window") as usize);
    everywhere(|device, choices| {
        for (prefix, window) in [("", near), ("whole.", None)] {
            let mut out = Vec::new();
            // One cache a piece length: a block of 9 positions, then one at a time.
            let row = nkv * hs;
            let mut caches = [vec![f32::NAN; t * row], vec![f32::NAN; t * row]];
            for (pos, p) in std::iter::once((0, 9)).chain((9..t).map(|pos| (pos, 1))) {
                let mut new = None;
                let mut bench = Bench::new(device, choices, |rec| {
                    let qkv = rec.kept("qkv", Kind::Input, &[p, width]);
                    let [k, v] = ["k", "v"].map(|n| rec.kept(n, Kind::Cache, &[t, row]));
                    kv_cache::append(rec, qkv, Cache { k, v });
                    new = Some(attention::cached(rec, qkv, Cache { k, v }, nh, window));
                });
                bench.write("qkv", &qkv[pos * width..][..p * width]);
                ["k", "v"].iter().zip(&caches).for_each(|(n, cache)| bench.write(n, cache));
                bench.run(&Step { pos: pos as u32, ..Step::default() });
                caches = ["k", "v"].map(|n| bench.peek_name(n));
                let unseen = window.map_or(0, |w| (pos + p + 1).saturating_sub(w));
                caches.iter_mut().for_each(|cache| cache[..unseen * row].fill(f32::NAN));
                out.extend(bench.peek(new.unwrap()));
            }
            close("out", &out, &f.get(&format!("{prefix}out"))[..t * nh * hs], FORWARD);
        }
    });
}

#[test]
fn gelu_matches() {
    let f = Fixture::open("gelu");
    everywhere(|device, choices| {
        let mut out = None;
        let mut bench = Bench::new(device, choices, |rec| {
            let [inp, dinp] = ["inp", "dinp"].map(|n| rec.kept(n, Kind::Input, &[1, 213]));
            out = Some(gelu::forward(rec, inp));
            gelu::backward(rec, inp, dinp);
        });
        bench.write("inp", &f.get("inp"));
        bench.write("dinp", &f.get("dout"));
        bench.run(&Step::default());
        close("out", &bench.peek(out.unwrap()), &f.get("out"), FORWARD);
        close("dinp", &bench.peek_name("dinp"), &f.get("dinp"), GRADIENT);
    });
}

#[test]
fn residual_matches_with_dropout_and_without() {
    let f = Fixture::open("residual");
    let step = dropout_step(&f);
    everywhere(|device, choices| {
        let at = Some((f.number("dropout.layer") as usize, Site::AttentionResidual));
        for (mask, prefix) in [(None, ""), (at, "dropout.")] {
            let mut outs = None;
            let mut bench = Bench::new(device, choices, |rec| {
                let [a, b, dout] = ["inp1", "inp2", "dout"].map(|n| rec.kept(n, Kind::Input, &[6, 36]));
                let dinp2 = residual::backward(rec, dout, mask);
                outs = Some((residual::forward(rec, a, b, mask), dinp2));
            });
            for name in ["inp1", "inp2", "dout"] {
                bench.write(name, &f.get(name));
            }
            let (out, dinp2) = outs.unwrap();
            bench.exec.run_range("test", &step, 0..1).unwrap();
            close("dinp2", &bench.peek(dinp2), &f.get(&format!("{prefix}dinp2")), GRADIENT);
            bench.run(&step);
            close("out", &bench.peek(out), &f.get(&format!("{prefix}out")), FORWARD);
        }
    });
}

#[test]
fn the_classifier_matches() {
    let f = Fixture::open("cross_entropy");
    everywhere(|device, choices| {
        // One chunk of the vocabulary, and three of unequal size.
        for cuts in [vec![101], vec![10, 50, 41]] {
            let mut dx = None;
            let mut bench = Bench::new(device, choices, |rec| {
                let x = rec.kept("x", Kind::Input, &[38, 36]);
                let targets = rec.kept_ids("targets", Kind::Input, &[38]);
                let scalars = rec.kept("scalars", Kind::Output, &[scalar::COUNT]);
                let mut chunks = |n: &str| -> Vec<Chunk> {
                    let mut row0 = 0;
                    let mut chunk = |(i, &rows): (usize, &usize)| {
                        row0 += rows;
                        let tensor = rec.kept(format!("{n}{i}"), Kind::Input, &[rows, 36]);
                        Chunk { tensor, row0: row0 - rows, rows }
                    };
                    cuts.iter().enumerate().map(&mut chunk).collect()
                };
                let (wte, dwte) = (chunks("wte"), chunks("dwte"));
                dx = Some(classifier::backward(rec, x, &wte, Loss { targets, scalars }, Some(&dwte)));
            });
            bench.write("x", &f.get("x"));
            bench.write_ids("targets", &f.ids("targets"));
            let (wte, mut row) = (f.get("wte"), 0);
            for (i, rows) in cuts.iter().enumerate() {
                bench.write(&format!("wte{i}"), &wte[row * 36..(row + rows) * 36]);
                row += rows;
            }
            let scale = f.number("scale");
            bench.run(&Step { loss_scale: scale, ..Step::default() });
            let loss = bench.peek_name("scalars")[scalar::LOSS];
            close("loss", &[loss], &[f.number("loss_sum") * scale], FORWARD);
            close("dx", &bench.peek(dx.unwrap()), &f.get("dx"), GRADIENT);
            let dwte: Vec<f32> = (0..cuts.len()).flat_map(|i| bench.peek_name(&format!("dwte{i}"))).collect();
            close("dwte", &dwte, &f.get("dwte"), GRADIENT);
        }
    });
}

#[test]
fn norm_clip_and_adamw_match_torch() {
    let f = Fixture::open("adamw");
    let names = ["weight", "bias", "gain"];
    let slots: Vec<Slot> = (names.iter())
        .map(|n| {
            let words = f.shape(&format!("{n}.param.0")).iter().product();
            Slot { name: n.to_string(), words, decay: *n == "weight" }
        })
        .collect();
    let hyper = Hyper {
        beta1: f.number("beta1"),
        beta2: f.number("beta2"),
        eps: f.number("eps"),
        weight_decay: f.number("weight_decay"),
        grad_clip: f.number("clip"),
    };
    everywhere(|device, choices| {
        let limits = device.limits();
        let update = update(&slots, limits, &Choices::of(choices, &limits)).unwrap();
        let program = Program::from(vec![update]);
        let mut exec = device.load(program, Options { poison: true, ..Options::default() }).unwrap();
        for n in names {
            let start = f.get(&format!("{n}.param.0"));
            exec.write_f32(n, 0, &start).unwrap();
            exec.write_f32(&format!("m.{n}"), 0, &vec![0.0; start.len()]).unwrap();
            exec.write_f32(&format!("v.{n}"), 0, &vec![0.0; start.len()]).unwrap();
        }
        for (s, (lr, norm)) in (1..).zip(f.get("lrs").into_iter().zip(f.get("norms"))) {
            for n in names {
                exec.write_f32(&format!("d.{n}"), 0, &f.get(&format!("{n}.grad.{s}"))).unwrap();
            }
            exec.run("update", &hyper.step(s, lr)).unwrap();
            let mut scalars = [0.0; scalar::COUNT];
            exec.read_f32("scalars", 0, &mut scalars).unwrap();
            close("norm", &[scalars[scalar::NORM]], &[norm], FORWARD);
            for n in names {
                for (ours, theirs) in
                    [(n.to_string(), "param"), (format!("m.{n}"), "m"), (format!("v.{n}"), "v")]
                {
                    let expected = f.get(&format!("{n}.{theirs}.{s}"));
                    let mut got = vec![0.0; expected.len()];
                    exec.read_f32(&ours, 0, &mut got).unwrap();
                    close(&format!("{ours} after {s}"), &got, &expected, FORWARD);
                }
            }
        }
    });
}

const ODD: Config = Config::Gpt2(Gpt2 { vocab_size: 101, block_size: 23, n_layer: 2, n_head: 3, n_embd: 36 });

/// The fixture's weights onto a device.
fn write_odd(f: &Fixture, exec: &mut dyn Executor, limits: &Limits) {
    for param in ODD.table() {
        let data = f.get(&param.name);
        for p in pieces(&param, limits, Element::F32) {
            exec.write_f32(&p.name, 0, &data[p.row0 * ODD.n_embd()..][..p.words()]).unwrap();
        }
    }
}

/// The fixture's model on a device.
fn odd_model(f: &Fixture, device: &Device, class: Class) -> Box<dyn Executor> {
    let shape = shape(ODD, 2, 19, device, class);
    let mut exec = load(device, &shape, Options { poison: true, ..Options::default() });
    write_odd(f, exec.as_mut(), &shape.limits);
    exec
}

/// Every position's logits, by the recordings that decode: against transformers' logits, token by token and after a
/// prefill of all earlier tokens.
#[test]
fn decoding_gives_transformers_logits() {
    let f = Fixture::open("gpt2_small_odd");
    let (tokens, expected) = (f.ids("tokens"), f.get("logits"));
    let v = ODD.vocab_size();
    everywhere(|device, choices| {
        let shape = shape(ODD, 1, 23, device, choices);
        let recordings = vec![shape.prefill().unwrap(), shape.decode().unwrap()];
        let mut exec =
            device.load(recordings.into(), Options { poison: true, ..Options::default() }).unwrap();
        write_odd(&f, exec.as_mut(), &shape.limits);
        for (b, sequence) in tokens.chunks(19).enumerate() {
            for prefilled in [0, 1, 11, 18] {
                let mut block = [0_u32; diarist::model::PREFILL];
                block[..prefilled].copy_from_slice(&sequence[..prefilled]);
                exec.write("prefill.tokens", 0, &block).unwrap();
                exec.run("prefill", &Step::default()).unwrap();
                for (t, &token) in sequence.iter().enumerate().skip(prefilled) {
                    exec.write("decode.token", 0, &[token]).unwrap();
                    exec.run("decode", &Step { pos: t as u32, ..Step::default() }).unwrap();
                    exec.request("logits").unwrap();
                    let theirs = &expected[(b * 19 + t) * v..][..v];
                    let r = relative(&exec.receive_f32().unwrap(), theirs);
                    assert!(r <= FORWARD, "position {t} after a prefill of {prefilled}: {r:e}");
                }
            }
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
        let mut decoder = Decoder::new(exec.as_mut(), config, &tokenizer, &prompt);
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
                    loss_sum(exec.as_mut(), &inputs, &targets).unwrap()
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

fn feed(exec: &mut dyn Executor, tokens: &[u32], targets: &[u32]) -> f32 {
    model::feed(exec, tokens, targets).unwrap();
    1.0 / targets.iter().filter(|&&t| t != u32::MAX).count() as f32
}

#[test]
fn a_whole_gpt2_matches_transformers() {
    let f = Fixture::open("gpt2_small_odd");
    everywhere(|device, choices| {
        let mut exec = odd_model(&f, device, choices);
        let scale = feed(exec.as_mut(), &f.ids("tokens"), &f.ids("targets"));
        exec.run("zero", &Step::default()).unwrap();
        exec.run("micro_step", &Step { loss_scale: scale, ..Step::default() }).unwrap();
        let mut scalars = [0.0; scalar::COUNT];
        exec.read_f32("scalars", 0, &mut scalars).unwrap();
        close("loss", &scalars[..1], &f.get("loss"), FORWARD);
        for param in ODD.table() {
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

#[test]
fn ten_adamw_steps_match_torch() {
    let f = Fixture::open("gpt2_small_odd");
    let hyper = Hyper { beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.1, grad_clip: 1.0 };
    everywhere(|device, choices| {
        let mut exec = odd_model(&f, device, choices);
        let (tokens, targets) = (f.ids("steps.tokens"), f.ids("steps.targets"));
        let (losses, norms) = (f.get("steps.loss"), f.get("steps.grad_norm"));
        for (i, lr) in f.get("steps.lr").into_iter().enumerate() {
            let range = i * 38..(i + 1) * 38;
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
