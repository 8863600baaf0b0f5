//! Products that try every kernel and variant.

use crate::device::{Choices, Element, Kind, Limits, Recorder};
use crate::ops::case::Case;
use crate::ops::matmul::record::product;
use crate::ops::matmul::shape::{Epilogue, Layout, Operand, Product};

pub(super) fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    let sizes = [
        (1, 1, 1),
        (15, 17, 3),
        (17, 63, 16),
        (31, 33, 65),
        (33, 65, 31),
        (97, 101, 37),
        (4, 8, 12),
        (128, 64, 16),
        (64, 192, 100),
        (127, 129, 64),
        (256, 768, 64),
        (1500, 1400, 12),
    ];
    // The three products of a layer, all its activations and its weight made of halves, its gradient not; from a wide load
    // and a single one, some rows of one matrix added to another's.
    let half = |(m, n, k): (usize, usize, usize)| {
        Case::new(format!("matmul {m}x{k}x{n} halves"), limits, choices, vec![], |rec| {
            let half = |rec: &mut Recorder, name, shape: &[usize]| {
                rec.kept_of(name, Kind::Input, shape, Element::F16)
            };
            let (inp, weight) = (half(rec, "inp", &[m, k]), half(rec, "weight", &[k, n]));
            let (out, dout) = (half(rec, "out", &[m, n]), half(rec, "dout", &[m, n]));
            let bias = rec.kept("bias", Kind::Input, &[n]);
            let dweight = rec.kept("dweight", Kind::Input, &[k, n]);
            let (dinp, logits) = (half(rec, "dinp", &[m, k]), rec.scratch("logits", &[m, n]));
            let p = Product::new(Layout::NN, [m, n, k]);
            product(rec, "forward", p, inp.into(), weight.into(), out.into(), Epilogue::Bias(bias.into()));
            product(rec, "logits", p, inp.into(), weight.into(), logits.into(), Epilogue::None);
            let p = Product { accumulate: true, ..Product::new(Layout::NT, [m, k, n]) };
            product(rec, "backward_input", p, dout.into(), weight.into(), dinp.into(), Epilogue::None);
            let p = Product { accumulate: true, ..Product::new(Layout::TN, [k, n, m]) };
            product(rec, "backward_weight", p, inp.into(), dout.into(), dweight.into(), Epilogue::None);
            // The stream's gradient is of single precision, and an adapter's matrices are.
            let p = Product::new(Layout::NT, [m, k, n]);
            product(rec, "backward_logits", p, logits.into(), weight.into(), dinp.into(), Epilogue::None);
            let p = Product { accumulate: true, ..Product::new(Layout::TN, [k, n, m]) };
            product(rec, "backward_adapter", p, inp.into(), logits.into(), dweight.into(), Epilogue::None);
        })
    };
    // What a linear layer over (M,K) and its backward ask for, without the gradient of a weight at rest.
    let layer = |rec: &mut Recorder, [m, n, k]: [usize; 3], element: Element| {
        let inp = rec.kept("inp", Kind::Input, &[m, k]);
        let weight = rec.kept_of("weight", Kind::Input, &[k, n], element);
        let bias = rec.kept("bias", Kind::Input, &[n]);
        let [out, dinp] = [("out", n), ("dinp", k)].map(|(name, width)| rec.scratch(name, &[m, width]));
        let p = Product::new(Layout::NN, [m, n, k]);
        product(rec, "forward", p, inp.into(), weight.into(), out.into(), Epilogue::Bias(bias.into()));
        let p = Product::new(Layout::NT, [m, k, n]);
        product(rec, "backward_input", p, out.into(), weight.into(), dinp.into(), Epilogue::None);
        (inp, weight, out)
    };
    // Weights at rest in fewer bits: both layouts that read them, wide loads and single ones.
    let resting = |(element, (m, n, k)): (Element, (usize, usize, usize))| {
        Case::new(format!("matmul {m}x{k}x{n} {}", element.name()), limits, choices, vec![], |rec| {
            layer(rec, [m, n, k], element);
        })
    };
    let one = |(m, n, k): (usize, usize, usize)| {
        Case::new(format!("matmul {m}x{k}x{n}"), limits, choices, vec![], |rec| {
            let (inp, weight, out) = layer(rec, [m, n, k], Element::F32);
            let dweight = rec.kept("dweight", Kind::Input, &[k, n]);
            let p = Product { accumulate: true, ..Product::new(Layout::TN, [k, n, m]) };
            product(rec, "backward_weight", p, inp.into(), out.into(), dweight.into(), Epilogue::None);
            // The second half of the rows on their own, into the second half of another matrix.
            let out = rec.kept("halves", Kind::Output, &[m, n]);
            let half = m / 2;
            let from = |tensor, offset| Operand { tensor, offset, stride: None };
            let p = Product { accumulate: true, ..Product::new(Layout::NN, [m - half, n, k]) };
            product(rec, "half", p, from(inp, half * k), weight.into(), from(out, half * n), Epilogue::None);
        })
    };
    // Each operand a range of the columns of a wider one, from its `at`-th on, the product scaled: every layout, added
    // and not, the bias a range too; with gaps of four words wide loads stay.
    let ranges = |((m, n, k), at): ((usize, usize, usize), usize)| {
        Case::new(format!("matmul {m}x{k}x{n} of columns {at}.."), limits, choices, vec![], |rec| {
            let bias = rec.kept("bias", Kind::Input, &[n + at + 2]);
            for layout in [Layout::NN, Layout::NT, Layout::TN] {
                let p = Product { alpha: -0.375, ..Product::new(layout, [m, n, k]) };
                let [a, b, c] = ["a", "b", "c"].map(|s| format!("{s}.{layout:?}"));
                let [of_a, of_b, of_c] = p.stored();
                let mut columns = |name: String, kind, (rows, cols): (usize, usize)| {
                    let stride = cols + at + 4;
                    let tensor = rec.kept(name, kind, &[rows, stride]);
                    Operand { tensor, offset: at, stride: Some(stride) }
                };
                let (a, b) = (columns(a, Kind::Input, of_a), columns(b, Kind::Input, of_b));
                let c = columns(c, Kind::Output, of_c);
                product(rec, "range", p, a, b, c, Epilogue::None);
                let p = Product { accumulate: true, alpha: 2.5, ..p };
                let bias = Operand { tensor: bias, offset: at, stride: None };
                // What is split is a weight's gradient, which has no bias.
                if layout != Layout::TN {
                    product(rec, "range_more", p, a, b, c, Epilogue::Bias(bias));
                }
                product(rec, "range_more_bare", p, a, b, c, Epilogue::None);
            }
        })
    };
    // A layer's product put through GELU, of single loads, and its gradient multiplied by GELU's slope, of wide ones: neither knows how
    // numbers are loaded.
    let gelu = |element: Element| {
        Case::new(format!("matmul and GELU {}", element.name()), limits, choices, vec![], |rec| {
            let one = |rec: &mut Recorder, name: &str, shape: [usize; 2]| {
                rec.kept_of(name, Kind::Input, &shape, element)
            };
            let (m, n, k) = (97, 101, 37);
            let (inp, weight) = (one(rec, "inp", [m, k]), one(rec, "weight", [k, n]));
            let bias = rec.kept("bias", Kind::Input, &[n]);
            let [pre, act] = ["pre", "act"].map(|name| rec.scratch_of(name, &[m, n], element));
            let then = Epilogue::Gelu { bias: bias.into(), act };
            let p = Product::new(Layout::NN, [m, n, k]);
            product(rec, "gelu", p, inp.into(), weight.into(), pre.into(), then);
            let (m, n, k) = (33, 64, 36);
            let (dout, weight) = (one(rec, "dout", [m, n]), one(rec, "weight2", [k, n]));
            let pre = one(rec, "pre2", [m, k]);
            let dpre = rec.scratch_of("dpre", &[m, k], element);
            let p = Product::new(Layout::NT, [m, k, n]);
            product(rec, "slope", p, dout.into(), weight.into(), dpre.into(), Epilogue::Slope { pre });
        })
    };
    let halves =
        [(1, 1, 1), (15, 17, 3), (17, 63, 16), (33, 64, 36), (97, 101, 37), (128, 64, 16), (65, 768, 64)];
    let columns =
        [((1, 1, 1), 1), ((17, 31, 33), 3), ((16, 64, 32), 4), ((36, 68, 128), 4), ((65, 129, 97), 8)];
    // Rows of whole blocks; in the second, a depth that is no multiple of four. In the last, several parts of columns.
    let blocks = [(1, 32, 5), (15, 64, 3), (17, 96, 31), (33, 32, 36), (97, 192, 100), (3, 1408, 804)];
    let blocks = [Element::Q8_0, Element::Q4_1].into_iter().flat_map(|e| blocks.map(|size| (e, size)));
    let at_rest = halves.into_iter().map(|size| (Element::F16, size)).chain(blocks);
    let gelus =
        [Element::F32, Element::F16].into_iter().filter(|e| *e == Element::F32 || limits.f16).map(gelu);
    let cases = sizes.into_iter().map(one).chain(at_rest.map(resting)).chain(columns.into_iter().map(ranges));
    cases.chain(gelus).chain(halves.into_iter().filter(|_| limits.f16).map(half)).collect()
}
