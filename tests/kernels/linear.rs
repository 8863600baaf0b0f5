//! A linear layer's forward and backward against its equations in float64: both ways its weight lies, of whole tensors and
//! of ranges of packed ones, scaled, written and added; and its bias's gradient.

use crate::common::{Bench, devices, relative, turn};
use diarist::base::arch::Layout;
use diarist::base::rng::Rng;
use diarist::device::{Kind, Step};
use diarist::ops::bias;
use diarist::ops::linear::{Columns, Linear};
use diarist::ops::matmul::Operand;

fn numbers(name: &str, n: usize) -> Vec<f32> {
    let mut rng = Rng::new(3, name);
    (0..n).map(|_| rng.normal()).collect()
}

#[test]
fn a_linear_layer_is_its_equations() {
    let _turn = turn();
    for (device, choices) in devices() {
        for (m, k, n) in [(1, 12, 20), (7, 12, 20), (33, 13, 5), (20, 96, 64)] {
            for (layout, before) in
                [Layout::InOut, Layout::OutIn].into_iter().flat_map(|l| [(l, 0), (l, 3), (l, 4)])
            {
                // x, dx: (m, k + before); y, dy: (m, n + before + 1), or exactly (m,n) where nothing stands before.
                let (wide_k, wide_n) = (k + before, n + before + usize::from(before > 0));
                let wshape = if layout == Layout::InOut { [k, n] } else { [n, k] };
                let mut fresh = None;
                let mut bench = Bench::new(&device, choices, |rec| {
                    let x = rec.kept("x", Kind::Input, &[m, wide_k]);
                    let [y, dy] = ["y", "dy"].map(|s| rec.kept(s, Kind::Input, &[m, wide_n]));
                    let [w, dw] = ["w", "dw"].map(|s| rec.kept(s, Kind::Input, &wshape));
                    let dx = rec.kept("dx", Kind::Input, &[m, wide_k]);
                    let bias = rec.kept("bias", Kind::Input, &[n]);
                    let layer = Linear { weight: w, layout, bias: Some(bias), scale: -0.75 };
                    let of = |tensor| Columns { tensor, first: before };
                    fresh = Some(layer.backward_input(rec, of(dy)));
                    layer.forward_into(rec, of(x), of(y), true);
                    layer.backward_input_into(rec, of(dy), of(dx), true);
                    layer.backward_weight(rec, of(x), of(dy), dw);
                    let once = rec.kept("once", Kind::Output, &[m, wide_n]);
                    Linear { bias: None, scale: 1.0, ..layer }.forward_into(rec, of(x), of(once), false);
                });
                let sizes = [("x", m * wide_k), ("dx", m * wide_k), ("y", m * wide_n), ("dy", m * wide_n)];
                let sizes =
                    sizes.into_iter().chain([("w", k * n), ("dw", k * n), ("bias", n), ("once", m * wide_n)]);
                for (name, n) in sizes.clone() {
                    bench.write(name, &numbers(name, n));
                }
                bench.exec.run_range("test", &Step::default(), 0..1).unwrap();
                let got_fresh = bench.peek(fresh.unwrap());
                bench.run(&Step::default());

                let all = |name: &str| -> Vec<f64> {
                    let (_, n) = sizes.clone().find(|(s, _)| *s == name).unwrap();
                    numbers(name, n).into_iter().map(f64::from).collect()
                };
                let (x, dy, w, bias) = (all("x"), all("dy"), all("w"), all("bias"));
                let [mut y, mut dx, mut dw, mut once] = ["y", "dx", "dw", "once"].map(all);
                let mut new = vec![0.0; m * k];
                let at = |i: usize, j: usize| if layout == Layout::InOut { i * n + j } else { j * k + i };
                for r in 0..m {
                    let (xr, yr) = (r * wide_k + before, r * wide_n + before);
                    for j in 0..n {
                        let sum: f64 = (0..k).map(|i| x[xr + i] * w[at(i, j)]).sum();
                        y[yr + j] += -0.75 * sum + bias[j];
                        once[yr + j] = sum;
                    }
                    for i in 0..k {
                        let sum: f64 = (0..n).map(|j| dy[yr + j] * w[at(i, j)]).sum();
                        new[r * k + i] = -0.75 * sum;
                        dx[xr + i] += -0.75 * sum;
                    }
                    for (i, j) in (0..k).flat_map(|i| (0..n).map(move |j| (i, j))) {
                        dw[at(i, j)] += -0.75 * x[xr + i] * dy[yr + j];
                    }
                }
                let single = |x: &[f64]| x.iter().map(|&x| x as f32).collect::<Vec<f32>>();
                let ours = [("y", y), ("dx", dx), ("dw", dw), ("once", once)];
                let what =
                    format!("{m}x{k}x{n} {layout:?} from {before} on {} with {choices:?}", device.line());
                for (name, expected) in ours {
                    // Sums of at most 96 products in f32: √96·2⁻²⁴, doubled for a cancelling addition.
                    let r = relative(&bench.peek_name(name), &single(&expected));
                    assert!(r < 2e-6, "{name} of {what}: {r:e}");
                }
                let r = relative(&got_fresh, &single(&new));
                assert!(r < 2e-6, "a new dx of {what}: {r:e}");
            }
        }
    }
}

/// Of columns in the middle of a wider matrix, added to words in the middle of a longer bias.
#[test]
fn a_bias_has_the_sums_of_its_columns() {
    let _turn = turn();
    for (device, choices) in devices() {
        for (m, n, before, bias0) in [(1, 1, 0, 0), (7, 20, 3, 2), (65, 67, 5, 64), (131, 13, 0, 1)] {
            let (width, words) = (before + n + 2, bias0 + n + 3);
            let mut bench = Bench::new(&device, choices, |rec| {
                let dout = rec.kept("dout", Kind::Input, &[m, width]);
                let dbias = rec.kept("dbias", Kind::Input, &[words]);
                let from = |tensor, offset| Operand { tensor, offset, stride: None };
                bias::backward(rec, from(dout, before), n, from(dbias, bias0));
            });
            let (dout, mut expected) = (numbers("dout", m * width), numbers("dbias", words));
            bench.write("dout", &dout);
            bench.write("dbias", &expected);
            bench.run(&Step::default());
            for (j, sum) in expected[bias0..bias0 + n].iter_mut().enumerate() {
                let column = (0..m).map(|r| f64::from(dout[r * width + before + j]));
                *sum = (f64::from(*sum) + column.sum::<f64>()) as f32;
            }
            // At most 132 numbers in f32: √132·2⁻²⁴, doubled for a cancelling addition.
            let r = relative(&bench.peek_name("dbias"), &expected);
            assert!(r < 2e-6, "{m}x{n} from {before} on {} with {choices:?}: {r:e}", device.line());
        }
    }
}
