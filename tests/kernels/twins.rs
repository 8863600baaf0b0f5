//! Rule 3: every kernel against its CPU twin, at every size and for every set of constants it ships with, with the shader
//! checks on and off, every scratch tensor poisoned with NaN where its life begins.

use crate::common::{Bench, devices, gpu, turn};
use diarist::base::rng::Rng;
use diarist::check::doctor;
use diarist::device::executor::Options;
use diarist::device::select::Device;
use diarist::device::{Class, Kernel, Kind, Recorder, Step, Tensor};
use diarist::ops::classifier::Loss;
use diarist::ops::embedding::{Buckets, Chunk};
use diarist::ops::kv_cache::{self, Cache};
use diarist::ops::muon::Matrix;
use diarist::ops::{
    FAMILIES, adamw, attention, ceiling, classifier, embedding, layernorm, muon, norm, rmsnorm,
};

fn agree(class: Class, checked: bool) {
    let _turn = turn();
    let options = Options { checked, ..Options::default() };
    let report = doctor(&gpu(), class, options, None, |_| ()).unwrap();
    for row in report.rows() {
        println!(
            "{:28} {:4} {:9.1e} {:9.1e}  {}",
            row.kernel, row.compared, row.worst, row.tolerance, row.at
        );
    }
    assert_eq!(report.wrong(), Vec::<&str>::new());
    let known: Vec<&str> = FAMILIES.iter().flat_map(|f| f.kernels).map(|k| k.name).collect();
    assert!(report.rows().all(|r| known.contains(&r.kernel)));
    // Every kernel that this set of constants uses was run: all but the other ways to multiply, and what is tried by its name. The ceiling
    // of cooperative matrices is measured where there are such (`tests/adapters/run`).
    let run: Vec<&str> = report.rows().map(|row| row.kernel).collect();
    let (unused, used): (Vec<&str>, Vec<&str>) = known.into_iter().partition(|name| match class {
        Class::Lanes => name.starts_with("matmul") && !name.starts_with("matmul_lanes"),
        Class::Tiles => name.starts_with("matmul_lanes") || name.starts_with("matmul_coop"),
    });
    assert!(unused.iter().all(|name| !run.contains(name)), "{unused:?}");
    let missing: Vec<&str> = used.into_iter().filter(|name| !run.contains(name)).collect();
    let cooperates = ceiling::coop_kind(&gpu().limits()).is_some();
    assert_eq!(missing, if cooperates { vec![] } else { vec!["ceiling_coop"] });
}

#[test]
fn kernels_for_software_adapters() {
    agree(Class::Lanes, false);
}

#[test]
fn kernels_for_gpus() {
    agree(Class::Tiles, false);
}

#[test]
fn kernels_for_software_adapters_checked() {
    agree(Class::Lanes, true);
}

#[test]
fn kernels_for_gpus_checked() {
    agree(Class::Tiles, true);
}

#[test]
fn the_cpu_agrees_with_itself() {
    let report = doctor(&Device::Cpu(0), Class::Lanes, Options::default(), None, |_| ()).unwrap();
    assert_eq!(report.wrong(), Vec::<&str>::new());
}

/// Those that a class does not take by itself, or not everywhere: a tuner may.
#[test]
fn every_variant_by_its_name() {
    let _turn = turn();
    for name in doctor::variants() {
        let report = doctor::doctor_variant(&gpu(), name, Options::default(), |_| ()).unwrap();
        assert_eq!(report.wrong(), Vec::<&str>::new(), "{name}");
        // Matrices that a device has not are tried on one that has (`tests/run` says where there is such a one).
        let tried = report.rows().count() > 0;
        assert!(tried || name.starts_with("coop"), "{name} is valid for no case on this adapter");
    }
}

/// Breaks two kernels: in one a ½ of its derivative becomes 0.6, the other returns before it writes anything.
fn corrupt(kernel: &Kernel, wgsl: String) -> String {
    let mut broken = wgsl;
    if kernel.name == "gelu_backward" {
        let at = broken.rfind("0.5 * (1.0 + t)").expect("gelu's derivative has its ½");
        broken.replace_range(at..at + 3, "0.6");
    }
    if kernel.name == "gelu_forward" {
        let start = broken.find("fn gelu_forward").expect("the entry point is there");
        let body = start + broken[start..].find("{\n").expect("it has a body") + 1;
        // Behind a condition that always holds, so that the rest is not unreachable.
        broken.insert_str(body, "\n    if (workgroup.x < 100000u) { return; }");
    }
    broken
}

/// The poison in a tensor that nothing wrote is seen, and neither the kernels after it nor any other are blamed.
#[test]
fn doctor_names_the_kernels_that_were_corrupted() {
    let _turn = turn();
    let report = doctor(&gpu(), Class::Lanes, Options::default(), Some(corrupt), |_| ()).unwrap();
    assert_eq!(report.wrong(), ["gelu_backward", "gelu_forward"]);
}

/// Backward multiplies by what forward multiplied by: y made again from the statistics is forward's y to the bit.
#[test]
fn layernorm_normalize_is_its_forward() {
    let _turn = turn();
    for (device, choices) in devices() {
        for (bt, c) in [(1, 1), (3, 7), (5, 65), (65, 97), (4, 768)] {
            let mut both: Option<[Tensor; 2]> = None;
            let mut bench = Bench::new(&device, choices, |rec| {
                let inp = rec.kept("inp", Kind::Input, &[bt, c]);
                let [weight, bias] = ["weight", "bias"].map(|n| rec.kept(n, Kind::Parameter, &[c]));
                let (out, stats) = layernorm::forward(rec, inp, weight, bias);
                both = Some([out, layernorm::normalize(rec, inp, weight, bias, stats)]);
            });
            for (name, numel) in [("inp", bt * c), ("weight", c), ("bias", c)] {
                let mut rng = Rng::new(1, name);
                bench.write(name, &(0..numel).map(|_| 3.0 * rng.normal() + 0.5).collect::<Vec<_>>());
            }
            let step = Step::default();
            // The second's buffer may be the first's: each is read as soon as it is there.
            bench.exec.run_range("test", &step, 0..1).unwrap();
            let [out, again] = both.unwrap();
            let out = bench.peek(out);
            bench.exec.run_range("test", &step, 1..2).unwrap();
            let bits = |x: Vec<f32>| x.into_iter().map(f32::to_bits).collect::<Vec<_>>();
            assert_eq!(bits(out), bits(bench.peek(again)), "{bt}x{c} on {} with {choices:?}", device.line());
        }
    }
}

/// The same of RMSNorm.
#[test]
fn rmsnorm_normalize_is_its_forward() {
    let _turn = turn();
    for (device, choices) in devices() {
        for (bt, c) in [(1, 1), (3, 7), (5, 65), (65, 97), (4, 576)] {
            let mut both: Option<[Tensor; 2]> = None;
            let mut bench = Bench::new(&device, choices, |rec| {
                let inp = rec.kept("inp", Kind::Input, &[bt, c]);
                let weight = rec.kept("weight", Kind::Parameter, &[c]);
                let (out, rstd) = rmsnorm::forward(rec, inp, weight, 1e-5);
                both = Some([out, rmsnorm::normalize(rec, inp, weight, rstd)]);
            });
            for (name, numel) in [("inp", bt * c), ("weight", c)] {
                let mut rng = Rng::new(1, name);
                bench.write(name, &(0..numel).map(|_| 3.0 * rng.normal() + 0.5).collect::<Vec<_>>());
            }
            let step = Step::default();
            // The second's buffer may be the first's: each is read as soon as it is there.
            bench.exec.run_range("test", &step, 0..1).unwrap();
            let [out, again] = both.unwrap();
            let out = bench.peek(out);
            bench.exec.run_range("test", &step, 1..2).unwrap();
            let bits = |x: Vec<f32>| x.into_iter().map(f32::to_bits).collect::<Vec<_>>();
            assert_eq!(bits(out), bits(bench.peek(again)), "{bt}x{c} on {} with {choices:?}", device.line());
        }
    }
}

/// One recording on the CPU and on the adapter, its shaders without the driver's checks: what `read` gives must have the
/// same bits everywhere; returned is the CPU's.
fn alike(
    what: &str,
    step: &Step,
    record: impl Fn(&mut Recorder),
    fill: impl Fn(&mut Bench),
    read: impl Fn(&mut Bench) -> Vec<f32>,
) -> Vec<f32> {
    let _turn = turn();
    let mut first: Option<Vec<f32>> = None;
    for (device, choices) in devices() {
        let mut bench = Bench::new(&device, choices, &record);
        fill(&mut bench);
        bench.run(step);
        let x = read(&mut bench);
        let expected = first.get_or_insert_with(|| x.clone());
        let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&x), bits(expected), "{what} on {} with {choices:?}", device.line());
    }
    first.unwrap()
}

/// Numbers that differ, exact in f32, as are their sums.
fn ramp(numel: usize) -> Vec<f32> {
    (0..numel).map(|i| i as f32 + 1.0).collect()
}

/// The hostile tests' wte: (7,3), in two chunks.
fn wte_chunks(rec: &mut Recorder, name: &str) -> Vec<Chunk> {
    let chunk = |(row0, rows): (usize, usize)| Chunk {
        tensor: rec.kept(format!("{name}.{row0}"), Kind::Input, &[rows, 3]),
        row0,
        rows,
    };
    [(0, 4), (4, 3)].map(chunk).to_vec()
}

/// No bucket, whatever its words, leads the kernel or its twin out of a tensor or into a loop without end.
#[test]
fn hostile_buckets_reach_nothing() {
    const MAX: u32 = u32::MAX;
    let (bt, c) = (8, 3);
    // (token, first, end); two buckets of one token would race, and the host writes none.
    let buckets = [
        [0, 0, 2],         // honest: positions 0 and 1
        [1, 2, MAX],       // ends past everything: as far as there are positions
        [2, 5, 4],         // begins after its end: empty
        [3, MAX, MAX],     // empty
        [4, 6, 9],         // ends just past the last position
        [5, MAX - 1, MAX], // begins past everything: empty
        [7, 0, 8],         // a token that no chunk has
        [MAX, 0, MAX],     // the same
    ];
    let order = [0, 1, MAX, 8, 4, 1 << 31, 6, MAX / 3 + 1]; // 0, 1, 4 and 6 exist
    let got = alike(
        "dwte",
        &Step::default(),
        |rec| {
            let with = Buckets {
                buckets: rec.kept_ids("buckets", Kind::Input, &[bt, 3]),
                order: rec.kept_ids("order", Kind::Input, &[bt]),
            };
            let dout = rec.kept("dout", Kind::Input, &[bt, c]);
            let dwte = wte_chunks(rec, "dwte");
            embedding::backward_wte(rec, with, dout, &dwte);
        },
        |bench| {
            bench.write_ids("buckets", &buckets.concat());
            bench.write_ids("order", &order);
            bench.write("dout", &ramp(bt * c));
        },
        |bench| [bench.peek_name("dwte.0"), bench.peek_name("dwte.4")].concat(),
    );
    let dout = ramp(bt * c);
    let mut expected = vec![0.0; 7 * c];
    for (token, positions) in [(0, &[0, 1][..]), (1, &[4, 6]), (4, &[6])] {
        for (bt, i) in positions.iter().flat_map(|bt| (0..c).map(move |i| (bt, i))) {
            expected[token * c + i] += dout[bt * c + i];
        }
    }
    assert_eq!(got, expected);
}

/// An id that no chunk has leaves its row alone; a position past the last is the last's.
#[test]
fn hostile_tokens_and_positions_reach_nothing() {
    let (bt, c) = (6, 3);
    let tokens = [0, 7, 6, u32::MAX, 3, 1 << 31];
    for pos in [0, 4, 5, u32::MAX - 1, u32::MAX] {
        let step = Step { pos, ..Step::default() };
        let got = alike(
            "encoded",
            &step,
            |rec| {
                let tokens = rec.kept_ids("tokens", Kind::Input, &[bt]);
                let wte = wte_chunks(rec, "wte");
                let wpe = rec.kept("wpe", Kind::Input, &[5, c]);
                embedding::forward(rec, tokens, 3, &wte, Some(wpe));
            },
            |bench| {
                bench.write_ids("tokens", &tokens);
                bench.write("wte.0", &ramp(4 * c));
                bench.write("wte.4", &ramp(3 * c));
                bench.write("wpe", &ramp(5 * c));
            },
            |bench| bench.peek_name("out"),
        );
        // The poison is still there in rows that nobody wrote.
        for (row, token) in got.chunks(c).zip(tokens) {
            assert!(row.iter().all(|x| x.is_nan() == (token >= 7)), "token {token} at {pos}: {row:?}");
        }
    }
}

/// A place that there is none of, up to where a product would wrap to one that there is, writes nothing and sees nothing.
#[test]
fn hostile_places_reach_nothing() {
    let (p, s, t, nh, c) = (3, 2, 5, 2, 8);
    for place in HOSTILE_PLACES {
        let names = ["k", "v"];
        let got = alike(
            "cache and out",
            &Step::default(),
            |rec| {
                let places = rec.kept_ids("places", Kind::Input, &[p, 2]);
                let qkv = rec.kept("qkv", Kind::Input, &[p, 3 * c]);
                let [k, v] = names.map(|n| rec.kept(n, Kind::Cache, &[s, t, c]));
                kv_cache::append(rec, qkv, Cache { k, v, places });
                attention::cached(rec, qkv, Cache { k, v, places }, nh, None);
            },
            |bench| {
                bench.write_ids("places", &[place; 3].concat());
                bench.write("qkv", &ramp(p * 3 * c));
                names.iter().for_each(|n| bench.write(n, &ramp(s * t * c)));
            },
            |bench| ["k", "v", "out"].map(|n| bench.peek_name(n)).concat(),
        );
        let cache = ramp(s * t * c);
        assert_eq!(got, [cache.clone(), cache, vec![0.0; p * c]].concat(), "at {place:?}");
    }
}

/// Slots and positions of a cache of two times five that there are none of; in the last the slot times the context wraps to 4.
const HOSTILE_PLACES: [[u32; 2]; 8] = {
    const MAX: u32 = u32::MAX;
    [[0, 5], [0, 6], [2, 0], [MAX, 0], [0, MAX], [MAX, MAX], [1, MAX - 4], [0x3333_3334, 0]]
};

/// A position past the last is the last's where tokens are decoded, too, and an id that no chunk has leaves its row alone.
#[test]
fn hostile_places_of_tokens_reach_nothing() {
    for place in HOSTILE_PLACES {
        let got = alike(
            "encoded",
            &Step::default(),
            |rec| {
                let places = rec.kept_ids("places", Kind::Input, &[3, 2]);
                let tokens = rec.kept_ids("tokens", Kind::Input, &[3]);
                let wte = wte_chunks(rec, "wte");
                let wpe = rec.kept("wpe", Kind::Input, &[5, 3]);
                embedding::at(rec, tokens, places, 3, &wte, Some(wpe));
            },
            |bench| {
                bench.write_ids("places", &[place; 3].concat());
                bench.write_ids("tokens", &[6, 7, u32::MAX]);
                bench.write("wte.0", &ramp(4 * 3));
                bench.write("wte.4", &ramp(3 * 3));
                bench.write("wpe", &ramp(5 * 3));
            },
            |bench| bench.peek_name("out"),
        );
        let pos = place[1].min(4) as f32;
        assert_eq!(got[..3], [1.0, 2.0, 3.0].map(|i| 6.0 + i + 3.0 * pos + i), "at {place:?}");
        // The poison is still there.
        assert!(got[3..].iter().all(|x| x.is_nan()), "{got:?}");
    }
}

/// A NaN of either sign, wherever it stands, is among the likeliest, as is infinity; and ids come in order.
#[test]
fn the_likeliest_show_what_is_no_number() {
    use diarist::ops::top_k;
    let v = 9001;
    for (bits, at) in [(0x7fc0_0000, 0), (0xffc0_0000, 4500), (0xff80_0001, 9000), (0x7f80_0000, 77)] {
        let bad = f32::from_bits(bits);
        let got = alike(
            "top",
            &Step::default(),
            |rec| {
                let logits = rec.kept("logits", Kind::Input, &[1, v]);
                let top = rec.kept("top", Kind::Output, &[1, top_k::capacity(v), 2]);
                top_k::record(rec, logits, 1, top);
            },
            |bench| {
                let mut logits = ramp(v);
                logits[at] = bad;
                bench.write("logits", &logits);
            },
            // A NaN's payload is the device's own.
            |bench| bench.peek_name("top").iter().map(|x| if x.is_nan() { -1.0 } else { *x }).collect(),
        );
        let mut expected: Vec<usize> = (0..v).rev().filter(|&i| i != at).take(255).chain([at]).collect();
        expected.sort_unstable();
        let ids: Vec<usize> = got.chunks(2).map(|pair| pair[1] as usize).collect();
        assert_eq!(ids, expected, "{bits:x}");
        for pair in got.chunks(2) {
            let expected = match pair[1] as usize {
                i if i == at && bad.is_nan() => -1.0,
                i if i == at => bad,
                i => i as f32 + 1.0,
            };
            assert_eq!(pair[0], expected);
        }
    }
}

/// A target that no chunk of the vocabulary has and that is not `IGNORE` is nobody's logit: the kernels and their twins
/// give one loss and one gradient for it, within their tolerance, and touch nothing else.
#[test]
fn hostile_targets_reach_nothing() {
    let _turn = turn();
    let (bt, c) = (5, 3);
    let targets = [0, 7, 6, u32::MAX - 1, classifier::IGNORE];
    let mut first: Option<[Vec<f32>; 2]> = None;
    for (device, choices) in devices() {
        let mut dx: Option<Tensor> = None;
        let mut bench = Bench::new(&device, choices, |rec| {
            let x = rec.kept("x", Kind::Input, &[bt, c]);
            let targets = rec.kept_ids("targets", Kind::Input, &[bt]);
            let scalars = rec.kept("scalars", Kind::Output, &[classifier::scalar::COUNT]);
            let wte = wte_chunks(rec, "wte");
            dx = Some(classifier::backward(rec, x, wte[..].into(), Loss { targets, scalars }, None));
        });
        let small = |numel: usize| ramp(numel).iter().map(|x| x / 16.0 - 0.5).collect::<Vec<_>>();
        bench.write("x", &small(bt * c));
        bench.write_ids("targets", &targets);
        bench.write("wte.0", &small(4 * c));
        bench.write("wte.4", &small(3 * c));
        bench.run(&Step::default());
        let got = [bench.peek_name("scalars"), bench.peek(dx.unwrap())];
        assert!(got.iter().flatten().all(|x| x.is_finite()), "{got:?}");
        let expected = first.get_or_insert_with(|| got.clone());
        for (got, expected) in got.iter().zip(expected) {
            assert!(crate::common::relative(got, expected) < 1e-5, "{choices:?}: {got:?}, {expected:?}");
        }
    }
}

/// A factor below 0, which a spike leaves where it is to be skipped: no bit of weights or moments changes, whatever the gradient
/// is; and with the next factor they move again.
#[test]
fn a_skipped_update_changes_no_bit() {
    let matrix = Matrix { name: "p".into(), rows: 7, cols: 15, parts: 3 };
    let n = matrix.words();
    for factor in [classifier::scalar::SKIP, 1.0] {
        let got = alike(
            "weights and moments",
            &Step { lr: 0.5, weight_decay: 0.5, beta1: 0.5, beta2: 0.5, ..Step::default() },
            |rec| {
                let scalars = rec.kept("scalars", Kind::Output, &[classifier::scalar::COUNT]);
                let [g, p, m, v] = ["g", "p", "m", "v"].map(|name| rec.kept(name, Kind::Input, &[n]));
                adamw::record(rec, "adamw", g, scalars, [p, m, v], true);
                let state = ["muon.p", "g", "muon.m"].map(|name| rec.kept(name, Kind::Input, &[n]));
                muon::record(rec, &matrix, true, scalars, state);
            },
            |bench| {
                bench.write("scalars", &[1.0, 2.0, factor, 0.0]);
                bench.write("g", &ramp(n).iter().map(|x| x * x - 40.0).collect::<Vec<_>>());
                ["p", "m", "v", "muon.p", "muon.m"].iter().for_each(|name| bench.write(name, &ramp(n)));
            },
            |bench| {
                let moved = |x: Vec<f32>| -> Vec<f32> {
                    x.iter().zip(ramp(n)).map(|(x, was)| f32::from(*x != was)).collect()
                };
                ["p", "m", "v", "muon.p", "muon.m"].map(|name| moved(bench.peek_name(name))).concat()
            },
        );
        let expected = if factor < 0.0 { 0.0 } else { 1.0 };
        assert!(got.iter().all(|&moved| moved == expected), "factor {factor}: {got:?}");
    }
}

/// The limits of norm and loss: at them nothing is skipped, just above either it is, and infinity skips nothing.
#[test]
fn a_spike_is_what_is_above_a_limit() {
    let none = f32::INFINITY;
    for (norm_limit, loss_limit, skips) in
        [(5.0, 3.0, false), (4.999, 3.0, true), (5.0, 2.999, true), (none, none, false)]
    {
        let got = alike(
            "scalars",
            &Step { norm_limit, loss_limit, ..Step::default() },
            |rec| {
                let g = rec.kept("g", Kind::Input, &[2]);
                let scalars = rec.kept("scalars", Kind::Output, &[classifier::scalar::COUNT]);
                norm::record(rec, &[g], scalars);
            },
            |bench| {
                bench.write("g", &[3.0, 4.0]);
                bench.write("scalars", &[3.0, 0.0, 0.0, 0.0]);
            },
            |bench| bench.peek_name("scalars"),
        );
        let factor = if skips { classifier::scalar::SKIP } else { 1.0 };
        assert_eq!(got, [3.0, 5.0, factor, 0.0], "{norm_limit} {loss_limit}");
    }
}
