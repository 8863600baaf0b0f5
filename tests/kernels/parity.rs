//! Our numbers against PyTorch's, computed in float64 (`tests/fixtures/`), on the CPU and on the adapter with each set
//! of kernels. Tolerances are the issue's: forward 1e-5, gradients 1e-4, losses 1e-5 relative; what fp32 itself costs
//! is under 1e-6 (`tests/fixtures/README.md`).

use crate::common::{Bench, Fixture, devices, relative, turn};
use diarist::base::rng::{Site, dropout_key, dropout_threshold, mask_bits, mask_key};
use diarist::device::executor::Options;
use diarist::device::select::Device;
use diarist::device::{Choices, Class, Kind, Program, Step};
use diarist::ops::adamw::Slot;
use diarist::ops::classifier::{Head, Loss, scalar};
use diarist::ops::embedding::{Buckets, Chunk};
use diarist::ops::kv_cache::{self, Cache};
use diarist::ops::linear::Linear;
use diarist::ops::muon::Matrix;
use diarist::ops::rope::{Pairs, Rope};
use diarist::ops::{
    attention, bias, classifier, embedding, gelu, layernorm, residual, rmsnorm, rope, swiglu,
};
use diarist::optim::adamw::{Hyper, micro_step, update};
use diarist::tokens::batch::buckets;

pub const FORWARD: f64 = 1e-5;
pub const GRADIENT: f64 = 1e-4;

/// Runs a test on every device, naming the one that fails.
pub fn everywhere(test: impl Fn(&Device, Class)) {
    let _turn = turn();
    for (device, choices) in devices() {
        println!("on {} with {choices:?}", device.line());
        test(&device, choices);
    }
}

pub fn close(what: &str, ours: &[f32], theirs: &[f32], tolerance: f64) {
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
            out = Some(embedding::forward(rec, tokens, t, &wte, Some(wpe)));
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
fn rmsnorm_matches() {
    let f = Fixture::open("rmsnorm");
    everywhere(|device, choices| {
        for prefix in ["", "coarse."] {
            let of = |name: &str| f.get(&format!("{prefix}{name}"));
            let mut outs = None;
            let mut bench = Bench::new(device, choices, |rec| {
                let [inp, dout, dinp] = ["inp", "dout", "dinp"].map(|n| rec.kept(n, Kind::Input, &[38, 36]));
                let [weight, dweight] = ["weight", "dweight"].map(|n| rec.kept(n, Kind::Input, &[36]));
                let (out, rstd) = rmsnorm::forward(rec, inp, weight, of("eps")[0]);
                rmsnorm::backward(rec, inp, weight, rstd, dout, Some(dinp), Some(dweight));
                outs = Some((out, rstd));
            });
            for name in ["inp", "dout", "weight"] {
                bench.write(name, &f.get(name));
            }
            // Accumulation is part of the contract: start from ones.
            bench.write("dinp", &[1.0; 38 * 36]);
            bench.write("dweight", &[1.0; 36]);
            let (out, rstd) = outs.unwrap();
            bench.exec.run_range("test", &Step::default(), 0..1).unwrap();
            close("out", &bench.peek(out), &of("out"), FORWARD);
            close("rstd", &bench.peek(rstd), &of("rstd"), FORWARD);
            bench.run(&Step::default());
            for name in ["dinp", "dweight"] {
                let gradient: Vec<f32> = bench.peek_name(name).iter().map(|x| x - 1.0).collect();
                close(name, &gradient, &of(name), GRADIENT);
            }
        }
    });
}

/// Both ways to pair channels, a rotation of a part of a head, and positions at the end of a long context.
#[test]
fn rope_matches() {
    let f = Fixture::open("rope");
    let runs = [
        ("half", Pairs::HalfSplit),
        ("half_far", Pairs::HalfSplit),
        ("partial", Pairs::HalfSplit),
        ("adjacent", Pairs::Adjacent),
        ("adjacent_far", Pairs::Adjacent),
    ];
    everywhere(|device, choices| {
        for (run, pairs) in runs {
            let number = |name: &str| f.number(&format!("{run}.{name}"));
            let rot = number("rot") as usize;
            let turned = Rope { nh: 3, nkv: 1, hs: 12, rot, theta: number("theta"), pairs };
            let mut bench = Bench::new(device, choices, |rec| {
                let [qkv, dqkv] = ["qkv", "dqkv"].map(|n| rec.kept(n, Kind::Input, &[14, 60]));
                rope::forward(rec, qkv, turned, 7);
                rope::backward(rec, dqkv, turned, 7);
            });
            bench.write("qkv", &f.get("qkv"));
            bench.write("dqkv", &f.get("dout"));
            bench.run(&Step { pos: number("pos") as u32, ..Step::default() });
            // A rotation is no long sum: both directions within a few roundings, at position 32,767 as at 0.
            close(&format!("{run} out"), &bench.peek_name("qkv"), &f.get(&format!("{run}.out")), 3e-7);
            close(&format!("{run} dqkv"), &bench.peek_name("dqkv"), &f.get(&format!("{run}.dqkv")), 3e-7);
        }
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
            let layer = Linear::conv1d(weight, Some(b));
            let dinp = layer.backward_input(rec, dout);
            layer.backward_weight(rec, inp, dout, dweight);
            bias::backward(rec, dout.into(), rec.numel(db), db.into());
            outs = Some((layer.forward(rec, inp), dinp));
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
                let begins = rec.kept_ids("begins", Kind::Input, &[38]);
                let (out, lse) = attention::forward(rec, qkv, begins, shape);
                outs = Some((out, lse, attention::backward(rec, [qkv, begins], [out, lse], dout, shape)));
            });
            bench.write("qkv", &f.get("qkv"));
            bench.write_ids("begins", &[0; 38]);
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
                let begins = rec.kept_ids("begins", Kind::Input, &[b * t]);
                let (out, lse) = attention::forward(rec, qkv, begins, shape);
                outs = Some((out, lse, attention::backward(rec, [qkv, begins], [out, lse], dout, shape)));
            });
            bench.write("qkv", &f.get("qkv"));
            bench.write_ids("begins", &vec![0; b * t]);
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

/// Texts that share a row, of lengths that workgroups and blocks divide and do not, are each as if alone: the row's results are theirs,
/// and nothing of one reaches another.
#[test]
fn texts_that_share_a_row_are_as_if_alone() {
    let (nh, nkv, hs) = (4, 2, 8);
    let width = (nh + 2 * nkv) * hs;
    let lengths = [1, 70, 3, 64, 29, 133];
    let t: usize = lengths.iter().sum();
    let numbers =
        |n: usize, by: usize| (0..n).map(|i| (i * by % 101) as f32 / 50.0 - 1.0).collect::<Vec<_>>();
    let (qkv, dout) = (numbers(t * width, 37), numbers(t * nh * hs, 53));
    let starts: Vec<usize> =
        lengths.iter().scan(0, |end, n| Some(std::mem::replace(end, *end + n))).collect();
    everywhere(|device, choices| {
        for window in [None, Some(20)] {
            let run = |rows: std::ops::Range<usize>, begins: &[u32]| {
                let t = rows.len();
                let shape = attention::Shape { t, nh, nkv, layer: 0, dropout: false, window };
                let mut outs = None;
                let mut bench = Bench::new(device, choices, |rec| {
                    let qkv = rec.kept("qkv", Kind::Input, &[t, width]);
                    let dout = rec.kept("dout", Kind::Input, &[t, nh * hs]);
                    let begins = rec.kept_ids("begins", Kind::Input, &[t]);
                    let (out, lse) = attention::forward(rec, qkv, begins, shape);
                    outs = Some((out, attention::backward(rec, [qkv, begins], [out, lse], dout, shape)));
                });
                bench.write("qkv", &qkv[rows.start * width..rows.end * width]);
                bench.write("dout", &dout[rows.start * nh * hs..rows.end * nh * hs]);
                bench.write_ids("begins", begins);
                let (out, dqkv) = outs.unwrap();
                bench.exec.run_range("test", &Step::default(), 0..1).unwrap();
                let out = bench.peek(out);
                bench.run(&Step::default());
                [out, bench.peek(dqkv)]
            };
            let begins: Vec<u32> =
                starts.iter().zip(lengths).flat_map(|(&start, n)| vec![start as u32; n]).collect();
            let [out, dqkv] = run(0..t, &begins);
            for (start, n) in starts.iter().zip(lengths) {
                let [alone, dalone] = run(*start..start + n, &vec![0; n]);
                close("out", &out[start * nh * hs..][..n * nh * hs], &alone, FORWARD);
                close("dqkv", &dqkv[start * width..][..n * width], &dalone, GRADIENT);
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
            let begins = rec.kept_ids("begins", Kind::Input, &[t]);
            let (out, lse) = attention::forward(rec, qkv, begins, shape);
            outs = Some((out, attention::backward(rec, [qkv, begins], [out, lse], dout, shape)));
        });
        bench.write("qkv", &qkv);
        bench.write_ids("begins", &vec![0; t]);
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
                    let places = rec.kept_ids("places", Kind::Input, &[p, 2]);
                    let qkv = rec.kept("qkv", Kind::Input, &[p, width]);
                    let [k, v] = ["k", "v"].map(|n| rec.kept(n, Kind::Cache, &[1, t, row]));
                    kv_cache::append(rec, qkv, Cache { k, v, places });
                    new = Some(attention::cached(rec, qkv, Cache { k, v, places }, nh, window));
                });
                let places: Vec<u32> = (pos as u32..).take(p).flat_map(|pos| [0, pos]).collect();
                bench.write_ids("places", &places);
                bench.write("qkv", &qkv[pos * width..][..p * width]);
                ["k", "v"].iter().zip(&caches).for_each(|(n, cache)| bench.write(n, cache));
                bench.run(&Step::default());
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
fn swiglu_matches() {
    let f = Fixture::open("swiglu");
    everywhere(|device, choices| {
        for prefix in ["", "edge."] {
            let of = |name: &str| f.get(&format!("{prefix}{name}"));
            let mut outs = None;
            let mut bench = Bench::new(device, choices, |rec| {
                let n = of("gate").len();
                let [gate, up, dout] =
                    ["gate", "up", "dout"].map(|n_of| rec.kept(n_of, Kind::Input, &[1, n]));
                let out = swiglu::forward(rec, gate, up);
                outs = Some((out, swiglu::backward(rec, gate, up, dout)));
            });
            for name in ["gate", "up", "dout"] {
                bench.write(name, &of(name));
            }
            bench.run(&Step::default());
            let (out, (dgate, dup)) = outs.unwrap();
            for (name, tensor) in [("out", out), ("dgate", dgate), ("dup", dup)] {
                let (ours, theirs) = (bench.peek(tensor), of(name));
                if prefix.is_empty() {
                    close(name, &ours, &theirs, if name == "out" { FORWARD } else { GRADIENT });
                    continue;
                }
                // One by one, for 1e30 hides all others: WGSL's exp may be off by 3 + 2·87 units, 2.2e-5, and below
                // −87 all is as good as zero. −1.2784645 is where the derivative all but cancels.
                for ((x, ours), theirs) in of("gate").into_iter().zip(ours).zip(theirs) {
                    let off = (ours - theirs).abs();
                    assert!(
                        off <= 2.2e-5 * theirs.abs() + 1e-34 + if x == -1.2784645 { 1e-6 } else { 0.0 },
                        "{name} at {x}: {ours:e}, {theirs:e}"
                    );
                }
            }
        }
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
                dx = Some(classifier::backward(
                    rec,
                    x,
                    wte[..].into(),
                    Loss { targets, scalars },
                    Some(dwte[..].into()),
                ));
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

/// A head with a bias is a plain one over one channel more, which is 1 in every row: loss and gradients are the same.
#[test]
fn a_biased_head_is_a_plain_one_over_a_channel_more() {
    let f = Fixture::open("cross_entropy");
    let bias: Vec<f32> = (0..101).map(|v| (v * 37 % 101) as f32 / 50.0 - 1.0).collect();
    everywhere(|device, choices| {
        for cuts in [vec![101], vec![10, 50, 41]] {
            // Loss, dx, dwte and dbias; of the plain head the bias is the last channel of wte.
            let run = |biased: bool| -> [Vec<f32>; 4] {
                let c = if biased { 36 } else { 37 };
                let mut dx = None;
                let mut bench = Bench::new(device, choices, |rec| {
                    let x = rec.kept("x", Kind::Input, &[38, c]);
                    let targets = rec.kept_ids("targets", Kind::Input, &[38]);
                    let scalars = rec.kept("scalars", Kind::Output, &[scalar::COUNT]);
                    let mut chunks = |n: &str| -> Vec<Chunk> {
                        let mut row0 = 0;
                        let mut chunk = |(i, &rows): (usize, &usize)| {
                            row0 += rows;
                            let tensor = rec.kept(format!("{n}{i}"), Kind::Input, &[rows, c]);
                            Chunk { tensor, row0: row0 - rows, rows }
                        };
                        cuts.iter().enumerate().map(&mut chunk).collect()
                    };
                    let (wte, dwte) = (chunks("wte"), chunks("dwte"));
                    let mut vector = |name| biased.then(|| rec.kept(name, Kind::Input, &[101]));
                    let head = Head { wte: &wte, bias: vector("bias") };
                    let dhead = Head { wte: &dwte, bias: vector("dbias") };
                    let out = classifier::backward(rec, x, head, Loss { targets, scalars }, Some(dhead));
                    // It lives on, or the bias's sums take its place before it is looked at.
                    let zero = rec.kept("zero", Kind::Input, &[38, c]);
                    dx = Some(residual::forward(rec, zero, out, None));
                });
                bench.write("zero", &vec![0.0; 38 * c]);
                // Rows of 36, and behind each what belongs there.
                let rows = |data: &[f32], last: &dyn Fn(usize) -> f32| -> Vec<f32> {
                    let row = |(i, row): (usize, &[f32])| [row, &vec![last(i); c - 36]].concat();
                    data.chunks(36).enumerate().flat_map(row).collect()
                };
                bench.write("x", &rows(&f.get("x"), &|_| 1.0));
                bench.write_ids("targets", &f.ids("targets"));
                let (wte, mut row) = (rows(&f.get("wte"), &|v| bias[v]), 0);
                for (i, rows) in cuts.iter().enumerate() {
                    bench.write(&format!("wte{i}"), &wte[row * c..(row + rows) * c]);
                    row += rows;
                }
                if biased {
                    bench.write("bias", &bias);
                }
                bench.run(&Step { loss_scale: f.number("scale"), ..Step::default() });
                let of_rows = |data: Vec<f32>, part: std::ops::Range<usize>| -> Vec<f32> {
                    data.chunks(c).flat_map(|row| row[part.clone()].to_vec()).collect()
                };
                let dwte: Vec<f32> =
                    (0..cuts.len()).flat_map(|i| bench.peek_name(&format!("dwte{i}"))).collect();
                let dbias = if biased { bench.peek_name("dbias") } else { of_rows(dwte.clone(), 36..37) };
                let loss = bench.peek_name("scalars")[scalar::LOSS];
                [vec![loss], of_rows(bench.peek(dx.unwrap()), 0..36), of_rows(dwte, 0..36), dbias]
            };
            let (ours, plain) = (run(true), run(false));
            assert!(
                relative(&ours[0], &[f.number("loss_sum") * f.number("scale")]) > 1e-3,
                "the bias counts"
            );
            for (name, (ours, plain)) in ["loss", "dx", "dwte", "dbias"].iter().zip(ours.iter().zip(&plain)) {
                close(name, ours, plain, if *name == "loss" { FORWARD } else { GRADIENT });
            }
        }
    });
}

/// The settings of an optimizer's fixture.
fn hyper(f: &Fixture) -> Hyper {
    Hyper {
        beta1: f.number("beta1"),
        beta2: f.number("beta2"),
        eps: f.number("eps"),
        weight_decay: f.number("weight_decay"),
        grad_clip: f.number("clip"),
    }
}

#[test]
fn norm_clip_and_adamw_match_torch() {
    let f = Fixture::open("adamw");
    let names = ["weight", "bias", "gain"];
    let slots: Vec<Slot> = (names.iter())
        .map(|n| {
            let words = f.shape(&format!("{n}.param.0")).iter().product();
            Slot { name: n.to_string(), words, decay: *n == "weight", matrices: Vec::new() }
        })
        .collect();
    let hyper = hyper(&f);
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

#[test]
fn muon_matches_torch() {
    let f = Fixture::open("muon");
    let names = [("wide", 1), ("tall", 1), ("fused", 3), ("bias", 0)];
    let slot = |(name, parts): (&str, usize)| {
        let shape = f.shape(&format!("{name}.param.0"));
        let matrix = || Matrix { name: name.into(), rows: shape[0], cols: shape[1], parts };
        let matrices = (parts > 0).then(matrix).into_iter().collect();
        Slot { name: name.into(), words: shape.iter().product(), decay: parts > 0, matrices }
    };
    let slots = names.map(slot);
    let hyper = hyper(&f);
    everywhere(|device, choices| {
        let limits = device.limits();
        let update = update(&slots, limits, &Choices::of(choices, &limits)).unwrap();
        assert!(update.find("v.bias").is_some() && update.find("v.wide").is_none(), "Muon has one moment");
        let options = Options { poison: true, ..Options::default() };
        let mut exec = device.load(Program::from(vec![update]), options).unwrap();
        for (n, _) in names {
            exec.write_f32(n, 0, &f.get(&format!("{n}.param.0"))).unwrap();
        }
        for (s, lr) in (1..).zip(f.get("lrs")) {
            for (n, _) in names {
                exec.write_f32(&format!("d.{n}"), 0, &f.get(&format!("{n}.grad.{s}"))).unwrap();
            }
            exec.run("update", &hyper.step(s, lr)).unwrap();
            let mut read = |name: &str, n: usize| {
                let mut got = vec![0.0; n];
                exec.read_f32(name, 0, &mut got).unwrap();
                got
            };
            for (n, parts) in names {
                let (before, after) =
                    (f.get(&format!("{n}.param.{}", s - 1)), f.get(&format!("{n}.param.{s}")));
                let ours = read(n, after.len());
                close(&format!("{n} after {s}"), &ours, &after, FORWARD);
                // What it moved by is a hundredth of it: 1e-7 of the weights is 1e-5 of that.
                let moved = |to: &[f32]| -> Vec<f32> { to.iter().zip(&before).map(|(a, b)| a - b).collect() };
                close(&format!("{n} in step {s}"), &moved(&ours), &moved(&after), GRADIENT);
                if parts > 0 {
                    let m = f.get(&format!("{n}.m.{s}"));
                    close(&format!("m.{n} after {s}"), &read(&format!("m.{n}"), m.len()), &m, FORWARD);
                }
            }
        }
    });
}
