//! The ladder: every rung computes what the op computes that it leads to, which is held to PyTorch. (That each agrees with its
//! twin, `twins` sees to.)

use crate::common::{Bench, devices, relative, turn};
use diarist::base::rng::Rng;
use diarist::device::{Kind, Recorder, Step, Tensor};
use diarist::ops::ladder::{ATTENTION, BEGINS, Factors, MATMUL, Packed};

/// What each rung gives, in order, for one input of this many numbers a tensor, on each device; the last rung is the op.
fn all_agree(what: &str, inputs: &[(&str, usize)], record: impl Fn(&mut Recorder) -> Vec<Tensor>) {
    let _turn = turn();
    for (device, class) in devices() {
        let mut results = Vec::new();
        let mut bench = Bench::new(&device, class, |rec| results = record(rec));
        for &(name, numel) in inputs {
            let mut rng = Rng::new(1, name);
            bench.write(name, &(0..numel).map(|_| rng.normal()).collect::<Vec<_>>());
        }
        if let Some(begins) = bench.exec.plan().find(BEGINS).map(|kept| kept.words) {
            bench.write_ids(BEGINS, &vec![0; begins]);
        }
        // A later rung's buffer may be an earlier one's: each is read as soon as it is there.
        let list = bench.exec.program().recordings[0].dispatches.clone();
        let mut given = Vec::new();
        for (i, d) in list.iter().enumerate() {
            bench.exec.run_range("test", &Step::default(), i..i + 1).unwrap();
            if let Some(result) = results.iter().find(|r| d.args.contains(&r.write())) {
                given.push(bench.peek(*result));
            }
        }
        assert_eq!(given.len(), results.len());
        let op = given.last().unwrap();
        for (n, rung) in given.iter().enumerate() {
            let difference = relative(rung, op);
            assert!(
                difference < 1e-5,
                "{what}, rung {}: {difference:e} on {}, {class:?}",
                n + 1,
                device.line()
            );
        }
    }
}

#[test]
fn every_rung_is_the_product() {
    for (m, k, n) in [(1, 1, 1), (5, 3, 2), (65, 97, 33), (64, 128, 132)] {
        all_agree(&format!("{m}x{k}x{n}"), &[("a", m * k), ("b", k * n)], |rec| {
            let a = rec.kept("a", Kind::Input, &[m, k]);
            let b = rec.kept("b", Kind::Input, &[k, n]);
            MATMUL.iter().map(|rung| rung.record(rec, Factors { a, b })).collect()
        });
    }
}

#[test]
fn every_rung_is_attention() {
    for (b, t, nh, hs) in [(1, 1, 1, 1), (2, 19, 3, 5), (3, 65, 2, 16), (1, 130, 2, 64)] {
        all_agree(&format!("{b}x{t}x{nh}x{hs}"), &[("qkv", b * t * 3 * nh * hs)], |rec| {
            let qkv = rec.kept("qkv", Kind::Input, &[b * t, 3 * nh * hs]);
            ATTENTION.iter().map(|rung| rung.record(rec, Packed { qkv, t, nh })).collect()
        });
    }
}
