//! What a product records: one dispatch, and where its depths are split another that adds up the parts.

use crate::device::element::BLOCK;
use crate::device::recorder::Launch;
use crate::device::{Access, Class, Const, Dispatch, Element, Recorder, Tensor};
use crate::ops::load::{self, loads};
use crate::ops::matmul::kernels::{COOP, LANES, REDUCE, TILES};
use crate::ops::matmul::shape::{Epilogue, Layout, Operand, Product};
use crate::ops::matmul::variants::{OPS, VARIANTS, covered, is_coop, splits};

/// Records one product.
pub fn product(
    rec: &mut Recorder,
    label: &str,
    p: Product,
    a: Operand,
    b: Operand,
    c: Operand,
    then: Epilogue,
) {
    // Loads are four words wide where the rows that are walked, and where they start, are multiples of four.
    let Product { layout, m, n, k, .. } = p;
    let walked: &[usize] = match layout {
        Layout::NN => &[k, n],
        Layout::NT => &[k],
        Layout::TN => &[m, k, n],
    };
    let operands = [a, b, c];
    let strides: [usize; 3] = std::array::from_fn(|i| {
        let (rows, cols) = p.stored()[i];
        let stride = operands[i].stride.unwrap_or(cols);
        let end = operands[i].offset + (rows - 1) * stride + cols;
        assert!(
            stride >= cols && end <= rec.numel(operands[i].tensor),
            "{label}: operand {i} lies within its tensor"
        );
        stride
    });
    let [lda, ldb, ldc] = strides;
    let blocks =
        !rec.element(b.tensor).is_quantised() || b.offset.is_multiple_of(BLOCK) && ldb.is_multiple_of(BLOCK);
    assert!(blocks, "{label}: rows of whole blocks");
    let wide = walked.iter().chain(&[a.offset, b.offset, lda, ldb]).all(|x| x % 4 == 0);
    let [a_of, b_of, c_of] = operands.map(|o| rec.element(o.tensor));
    let halves = [a_of, b_of] == [Element::F16; 2];
    let op = OPS[usize::from(halves)][layout as usize];
    let variant = rec.pick(op, VARIANTS, &[m, k, n]);
    let parts = splits(variant);
    // The parts of a product are stored as they are, one behind the other.
    let (to, acc, out, c0, apart) = match parts {
        1 => (c.tensor, p.accumulate, c_of, c.offset, ldc),
        _ => (rec.scratch("parts", &[parts, m, n]), false, Element::F32, 0, n),
    };
    let mut consts = variant.with([
        ("LAYOUT", Const::U32(layout as u32)),
        ("ACC", Const::Bool(acc)),
        load::width(wide),
        load::act("Out", out),
    ]);
    let cooperates = is_coop(variant);
    if cooperates {
        let vec = if wide { "vec4<f16>" } else { "f16" };
        consts.extend([("Vec", Const::Type(vec)), rec.limits.coop_threads()]);
    } else {
        consts.extend(loads!("a", "Vec", a_of, wide));
        consts.extend(loads!("b", "Stored", b_of, wide));
    }
    let kernels = match variant.class {
        Class::Lanes => LANES,
        Class::Tiles if cooperates => COOP,
        Class::Tiles => TILES,
    };
    let mut args = vec![a.tensor.read(), b.tensor.read()];
    let written = if acc { to.update() } else { to.write() };
    // A bias, and what is as large as c and read or written beside it.
    let (bias, beside) = match then {
        Epilogue::None => (None, None),
        Epilogue::Bias(bias) => (Some(bias), None),
        Epilogue::Gelu { bias, act } => (Some(bias), Some(act.write())),
        Epilogue::Slope { pre } => (None, Some(pre.read())),
    };
    args.extend(bias.map(|bias| bias.tensor.read()));
    args.extend(beside.filter(|arg| arg.access == Access::Read));
    args.push(written);
    args.extend(beside.filter(|arg| arg.access == Access::Write));
    let bias0 = bias.map_or(0, |bias| bias.offset);
    assert!(bias.is_none_or(|bias| bias0 + n <= rec.numel(bias.tensor)), "{label}: a bias for every column");
    let alike = |t| rec.numel(t) == m * n && rec.element(t) == c_of && !p.accumulate;
    assert!(beside.is_none_or(|arg| alike(arg.tensor)), "{label}: GELU is of the whole product");
    assert!(parts == 1 || matches!(then, Epilogue::None), "{label}: what is in parts is not whole yet");
    let (rows, cols) = covered(variant);
    let launch = Launch {
        kernel: kernels[then.kernel()],
        consts,
        args: &args,
        dims: &[m, k, n, a.offset, b.offset, c0, lda, ldb, apart, p.alpha.to_bits() as usize, bias0],
        workgroups: [m.div_ceil(rows) as u32, n.div_ceil(cols) as u32, parts as u32],
        flops: 2 * (m * n * k) as u64,
    };
    let c_words = out.words(parts * m * n) * if acc { 2 } else { 1 };
    let words = a_of.words(m * k) + b_of.words(k * n) + c_words + beside.map_or(0, |_| c_of.words(m * n));
    rec.dispatch_moving(label, launch, 4 * words as u64);
    if parts > 1 {
        reduce(rec, label, p, (to, parts), c, ldc);
    }
}

/// Records c (=|+=) the sum of a product's parts.
fn reduce(rec: &mut Recorder, label: &str, p: Product, (parts, of): (Tensor, usize), c: Operand, ldc: usize) {
    /// Invocations of a workgroup.
    const WG: u32 = 64;
    let Product { m, n, accumulate, .. } = p;
    let element = rec.element(c.tensor);
    let launch = Launch {
        kernel: &REDUCE,
        consts: vec![
            ("WG", Const::U32(WG)),
            ("SPLITS", Const::U32(of as u32)),
            ("ACC", Const::Bool(accumulate)),
            load::act("Out", element),
        ],
        args: &[parts.read(), if accumulate { c.tensor.update() } else { c.tensor.write() }],
        dims: &[m, n, c.offset, ldc],
        workgroups: rec.groups(m * n, WG),
        flops: (of * m * n) as u64,
    };
    let c_words = element.words(m * n) * if accumulate { 2 } else { 1 };
    rec.dispatch_moving(&format!("{label}.reduce"), launch, 4 * (of * m * n + c_words) as u64);
}

/// Whether a dispatch is a product of small matrices of halves.
pub fn cooperates_in_halves(d: &Dispatch) -> bool {
    d.kernel.file == COOP[0].file
}
