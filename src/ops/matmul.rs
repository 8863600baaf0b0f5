//! The matrix product, in the three layouts that a linear layer needs, with the bias added in the same dispatch.
//!
//!   NN  c = a·b (+ bias)    forward:          out (M,N)   = inp (M,K)·weight (K,N) + bias
//!   NT  c = a·bᵀ            backward_input:   dinp (M,K)  = dout (M,N)·weightᵀ
//!   TN  c = aᵀ·b            backward_weight:  dweight (K,N) += inpᵀ·dout
//!
//! Here the weight is Conv1D's [in, out]; of nn.Linear's [out, in] the same three serve in other places (`ops::linear`). No
//! transpose is ever stored: a layout is how a tile is loaded. Any of the three matrices may be a range of the columns of a
//! wider one, and the product may be scaled: c (+)= α·a·b. Three kernels: one for real GPUs, tiles in shared memory (`matmul`),
//! one for software adapters, tiles in registers (`matmul_lanes`), and one for units that multiply small matrices (`matmul_coop`).
//! The twin is the `gemm` crate, whose bits do not depend on the number of threads (tests hold it to that).

use crate::device::element::BLOCK;
use crate::device::kernel::{read, read_act, weights, write_act};
use crate::device::recorder::Launch;
use crate::device::variants::Problem;
use crate::device::{
    Call, Choices, Class, Const, Coop, Dispatch, Element, Kernel, Kind, Limits, Recorder, Tensor, Variant,
    View as Stored,
};
use crate::ops::case::{Case, Family};
use crate::ops::load::{self, loads};

/// The op's kernels and cases.
pub const FAMILY: Family = Family {
    name: "matmul",
    kernels: &[&TILES, &TILES_BIAS, &LANES, &LANES_BIAS, &COOP, &COOP_BIAS],
    variants: VARIANTS,
    cases,
};

static TILES: Kernel = Kernel {
    name: "matmul",
    file: "matmul.wgsl",
    source: include_str!("../../shaders/matmul.wgsl"),
    lib: &[load::LIB],
    bindings: &[read_act("a"), weights("b"), write_act("c")],
    dims: &["M", "K", "N", "a0", "b0", "c0", "lda", "ldb", "ldc", "alpha", "bias0"],
    step: false,
    // K products added in two orders: √K·2⁻²⁴ of the terms' norm, K ≤ 50,257.
    tolerance: 1.5e-5,
    twin: |call| {
        let ([a, b], [c]) = call.views();
        twin(call, a, b, None, c);
    },
};

static TILES_BIAS: Kernel = Kernel {
    name: "matmul_bias",
    bindings: &[read_act("a"), weights("b"), read("bias"), write_act("c_bias")],
    // matmul's sum, and one addition to it, of a bias that could cancel a bit of the sum.
    tolerance: 1.5e-5,
    twin: |call| {
        let ([a, b, bias], [c]) = call.views();
        twin(call, a, b, Some(bias.f32()), c);
    },
    ..TILES
};

static LANES: Kernel = Kernel {
    name: "matmul_lanes",
    file: "matmul_lanes.wgsl",
    source: include_str!("../../shaders/matmul_lanes.wgsl"),
    // K products one after the other, where the twin's order is by blocks: √K·2⁻²⁴ of the terms' norm, K ≤ 50,257.
    tolerance: 1.5e-5,
    ..TILES
};

static LANES_BIAS: Kernel = Kernel {
    name: "matmul_lanes_bias",
    file: "matmul_lanes.wgsl",
    source: include_str!("../../shaders/matmul_lanes.wgsl"),
    // matmul_lanes's sum, and one addition to it, of a bias that could cancel a bit of the sum.
    tolerance: 1.5e-5,
    ..TILES_BIAS
};

static COOP: Kernel = Kernel {
    name: "matmul_coop",
    file: "matmul_coop.wgsl",
    source: include_str!("../../shaders/matmul_coop.wgsl"),
    lib: &[],
    // The units that multiply cooperative matrices may cut off what they add, where others round: half of K·2⁻²⁴, K ≤ 1400 in the cases.
    tolerance: 5e-5,
    ..TILES
};

static COOP_BIAS: Kernel = Kernel {
    name: "matmul_coop_bias",
    file: "matmul_coop.wgsl",
    source: include_str!("../../shaders/matmul_coop.wgsl"),
    lib: &[],
    // matmul_coop's sum, and one addition to it.
    tolerance: 5e-5,
    ..TILES_BIAS
};

/// Which operand is stored transposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// a (M,K), b (K,N)
    NN = 0,
    /// a (M,K), b (N,K)
    NT = 1,
    /// a (K,M), b (K,N)
    TN = 2,
}

/// A matrix that starts `offset` elements into a tensor, its rows one after another or further apart.
#[derive(Debug, Clone, Copy)]
pub struct Operand {
    /// Where it lies.
    pub tensor: Tensor,
    /// Its first element.
    pub offset: usize,
    /// Elements from row to row, where that is not a row's length.
    pub stride: Option<usize>,
}

impl From<Tensor> for Operand {
    fn from(tensor: Tensor) -> Operand {
        Operand { tensor, offset: 0, stride: None }
    }
}

/// What is multiplied: c (m,n) = or += alpha·a·b over a depth of k.
#[derive(Debug, Clone, Copy)]
pub struct Product {
    /// How a and b are stored.
    pub layout: Layout,
    /// Rows of c.
    pub m: usize,
    /// Columns of c.
    pub n: usize,
    /// Terms of each sum.
    pub k: usize,
    /// Whether c is added to.
    pub accumulate: bool,
    /// The factor; a bias is added as it is.
    pub alpha: f32,
}

impl Product {
    /// The plain product.
    pub fn new(layout: Layout, [m, n, k]: [usize; 3]) -> Product {
        Product { layout, m, n, k, accumulate: false, alpha: 1.0 }
    }

    /// Rows and columns of a and of b as they are stored, and of c.
    fn stored(&self) -> [(usize, usize); 3] {
        let (m, n, k) = (self.m, self.n, self.k);
        let a = if self.layout == Layout::TN { (k, m) } else { (m, k) };
        let b = if self.layout == Layout::NT { (n, k) } else { (k, n) };
        [a, b, (m, n)]
    }
}

/// Records one product; a bias is n numbers from its offset on.
pub fn product(
    rec: &mut Recorder,
    label: &str,
    p: Product,
    a: Operand,
    b: Operand,
    c: Operand,
    bias: Option<Operand>,
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
    let bias0 = bias.map_or(0, |bias| bias.offset);
    assert!(bias.is_none_or(|bias| bias0 + n <= rec.numel(bias.tensor)), "{label}: a bias for every column");
    let blocks =
        !rec.element(b.tensor).is_quantised() || b.offset.is_multiple_of(BLOCK) && ldb.is_multiple_of(BLOCK);
    assert!(blocks, "{label}: rows of whole blocks");
    let wide = walked.iter().chain(&[a.offset, b.offset, lda, ldb]).all(|x| x % 4 == 0);
    let [a_of, b_of, c_of] = operands.map(|o| rec.element(o.tensor));
    let halves = [a_of, b_of] == [Element::F16; 2];
    let op = OPS[usize::from(halves)][layout as usize];
    let variant = rec.pick(op, VARIANTS, &[m, k, n]);
    let mut consts = variant.with([
        ("LAYOUT", Const::U32(layout as u32)),
        ("ACC", Const::Bool(p.accumulate)),
        load::width(wide),
        load::act("Out", c_of),
    ]);
    let cooperates = is_coop(variant);
    if cooperates {
        let vec = if wide { "vec4<f16>" } else { "f16" };
        consts.extend([("Vec", Const::Type(vec)), rec.limits.coop_threads()]);
    } else {
        consts.extend(loads!("a", "Vec", a_of, wide));
        consts.extend(loads!("b", "Stored", b_of, wide));
    }
    let (plain, biased) = match variant.class {
        Class::Lanes => (&LANES, &LANES_BIAS),
        Class::Tiles if cooperates => (&COOP, &COOP_BIAS),
        Class::Tiles => (&TILES, &TILES_BIAS),
    };
    let (a_, b_) = (a.tensor.read(), b.tensor.read());
    let c_ = if p.accumulate { c.tensor.update() } else { c.tensor.write() };
    let (rows, cols) = covered(variant);
    let launch = Launch {
        kernel: if bias.is_some() { biased } else { plain },
        consts,
        args: &match bias {
            Some(bias) => vec![a_, b_, bias.tensor.read(), c_],
            None => vec![a_, b_, c_],
        },
        dims: &[m, k, n, a.offset, b.offset, c.offset, lda, ldb, ldc, p.alpha.to_bits() as usize, bias0],
        workgroups: [m.div_ceil(rows) as u32, n.div_ceil(cols) as u32, 1],
        flops: 2 * (m * n * k) as u64,
    };
    let c_words = c_of.words(m * n) * if p.accumulate { 2 } else { 1 };
    rec.dispatch_moving(label, launch, 4 * (a_of.words(m * k) + b_of.words(k * n) + c_words) as u64);
}

// ANCHOR: tiles
/// A thread's rows in registers; 8 columns a thread, 8 threads a workgroup.
const fn lanes(
    name: &'static str,
    consts: &'static [(&'static str, Const)],
    suits: fn(&Variant, &Problem) -> bool,
) -> Variant {
    Variant { name, class: Class::Lanes, consts, valid: |_, _, _| true, suits }
}

/// As `lanes`, whose subgroup shares the loads of a.
const fn spread(name: &'static str, consts: &'static [(&'static str, Const)]) -> Variant {
    let valid = |v: &Variant, _: &Problem, limits: &Limits| limits.subgroup >= v.number("LANES");
    let suits = |v: &Variant, p: &Problem| p.extents[0] >= v.covers(&["ROWS"]);
    Variant { name, class: Class::Lanes, consts, valid, suits }
}

/// A tile in shared memory.
const fn tile(name: &'static str, consts: &'static [(&'static str, Const)]) -> Variant {
    // Two tiles a workgroup, and padding against bank conflicts; see the shader.
    let valid = |v: &Variant, _: &Problem, limits: &Limits| {
        let n = |name| v.number(name);
        let threads = n("BM") / n("TM") * (n("BN") / n("TN"));
        4 * n("BK") * (n("BM") + n("BN") + 8) <= limits.max_shared && threads <= limits.max_invocations
    };
    // A larger tile reads less, but there must be enough of them to fill a GPU's hundred and more cores.
    let suits = |v: &Variant, p: &Problem| {
        let (bm, bn) = covered(v);
        let enough = [0, 64, 128][usize::from(bm >= 64) + usize::from(bm >= 128)];
        p.extents[0].div_ceil(bm) * p.extents[2].div_ceil(bn) >= enough
    };
    Variant { name, class: Class::Tiles, consts, valid, suits }
}

/// Cooperative matrices of so many rows; what is measured may take it, and nothing does unmeasured.
const fn coop(
    name: &'static str,
    consts: &'static [(&'static str, Const)],
    valid: fn(&Variant, &Problem, &Limits) -> bool,
) -> Variant {
    Variant { name, class: Class::Tiles, consts, valid, suits: |_, _| false }
}

/// Whether a device has matrices of this kind, and room for a workgroup over them.
fn cooperates(v: &Variant, limits: &Limits, kind: Coop) -> bool {
    let size = v.number("SIZE");
    // A tile of a and one of b, by rows of a step's depths at most, and the sums; see the shader.
    let tiles = 2 * 2 * 4 * size * (2 * size + 8);
    let sums = 4 * (Coop::WORKERS + 1) * (2 * size).pow(2);
    limits.cooperates(kind) && tiles + sums <= limits.max_shared
}

/// Whether a variant is one of them.
fn is_coop(v: &Variant) -> bool {
    v.consts.iter().any(|(name, _)| *name == "MatC")
}

/// Whether a dispatch is a product of small matrices of halves.
pub fn cooperates_in_halves(d: &Dispatch) -> bool {
    d.kernel.name.starts_with(COOP.name)
}

/// The op's name, of the three layouts, and the same where both operands are halves, for which there are units.
const OPS: [[&str; 3]; 2] =
    [["matmul_nn", "matmul_nt", "matmul_tn"], ["matmul_nn_half", "matmul_nt_half", "matmul_tn_half"]];

/// Whether a problem's operands are halves.
fn are_halves(p: &Problem) -> bool {
    OPS[1].contains(&p.op)
}

/// Constants that are numbers.
macro_rules! numbers {
    ($($name:ident $value:literal),*) => { &[$((stringify!($name), Const::U32($value))),*] };
}

/// For problems M×K×N, the first that suits.
const VARIANTS: &[Variant] = &[
    spread(
        "spread32",
        &[
            ("ROWS", Const::U32(32)),
            ("COLS", Const::U32(8)),
            ("LANES", Const::U32(8)),
            ("SPREAD", Const::Bool(true)),
            ("from_lane", Const::Body("return subgroupShuffle(value, lane);")),
        ],
    ),
    lanes("lanes16", numbers!(ROWS 16, COLS 8, LANES 8), |_, p| {
        OPS.iter().any(|of| p.op == of[2]) || p.extents[0] >= 16
    }),
    lanes("lanes8", numbers!(ROWS 8, COLS 8, LANES 8), |_, _| true),
    coop("coop16", const { &Coop::F16_16.consts() }, |v, p, limits| {
        are_halves(p) && cooperates(v, limits, Coop::F16_16)
    }),
    coop("coop8", const { &Coop::F16_8.consts() }, |v, p, limits| {
        are_halves(p) && cooperates(v, limits, Coop::F16_8)
    }),
    tile("tile128", numbers!(BM 128, BN 128, BK 8, TM 8, TN 8)),
    tile("tile64", numbers!(BM 64, BN 64, BK 16, TM 8, TN 4)),
    tile("tile32", numbers!(BM 32, BN 32, BK 16, TM 4, TN 4)),
];

/// Rows and columns of c that a workgroup covers.
fn covered(v: &Variant) -> (usize, usize) {
    match v.class {
        Class::Lanes => (v.covers(&["ROWS"]), v.covers(&["COLS", "LANES"])),
        Class::Tiles if is_coop(v) => (4 * v.covers(&["SIZE"]), 4 * v.covers(&["SIZE"])),
        Class::Tiles => (v.covers(&["BM"]), v.covers(&["BN"])),
    }
}
// ANCHOR_END: tiles

/// A matrix for the `gemm` crate: its elements, and the steps from row to row and from column to column.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub data: &'a [f32],
    pub rs: usize,
    pub cs: usize,
}

/// c (m,n; rows `c_rs` apart) = or += scale·a·b, by the `gemm` crate.
pub(crate) fn gemm(
    [m, n, k]: [usize; 3],
    a: View,
    b: View,
    (c, c_rs): (&mut [f32], usize),
    (scale, accumulate): (f32, bool),
    parallel: bool,
) {
    let last = |rows: usize, rs: usize, cols: usize, cs: usize| (rows - 1) * rs + (cols - 1) * cs;
    assert!(last(m, a.rs, k, a.cs) < a.data.len(), "a lies within its slice");
    assert!(last(k, b.rs, n, b.cs) < b.data.len(), "b lies within its slice");
    assert!(last(m, c_rs, n, 1) < c.len(), "c lies within its slice");
    let parallelism = if parallel { gemm::Parallelism::Rayon(0) } else { gemm::Parallelism::None };
    let (a_step, b_step) = ((a.cs as isize, a.rs as isize), (b.cs as isize, b.rs as isize));
    let (a, b, c) = (a.data.as_ptr(), b.data.as_ptr(), c.as_mut_ptr());
    // SAFETY: the three asserts hold every index that gemm forms, (rows−1)·rs + (cols−1)·cs at most, inside its slice;
    // c is borrowed mutably, so it aliases neither operand.
    unsafe {
        let one = if accumulate { 1.0 } else { 0.0 };
        gemm::gemm(
            m,
            n,
            k,
            c,
            1,
            c_rs as isize,
            accumulate,
            a,
            a_step.0,
            a_step.1,
            b,
            b_step.0,
            b_step.1,
            one,
            scale,
            false,
            false,
            false,
            parallelism,
        );
    }
}

fn twin(call: &Call, a: Stored, b: Stored, bias: Option<&[f32]>, c: &mut [f32]) {
    let [m, k, n, a0, b0, c0, lda, ldb, ldc, alpha, bias0] = call.dims();
    let layout = call.number("LAYOUT");
    let row_major = |data, rs| View { data, rs, cs: 1 };
    let col_major = |data, cs| View { data, rs: 1, cs };
    let a = &a.f32()[a0..];
    let a = if layout == Layout::TN as usize { col_major(a, lda) } else { row_major(a, lda) };
    let b_steps = |stride| if layout == Layout::NT as usize { (1, stride) } else { (stride, 1) };
    let c = &mut c[c0..];
    let mut accumulate = call.flag("ACC");
    if let Some(bias) = bias {
        let bias = &bias[bias0..bias0 + n];
        for row in c.chunks_mut(ldc).take(m) {
            if accumulate {
                row.iter_mut().zip(bias).for_each(|(c, b)| *c += b);
            } else {
                row[..n].copy_from_slice(bias);
            }
        }
        accumulate = true;
    }
    let how = (f32::from_bits(alpha as u32), accumulate);
    if b.element() == Element::F32 {
        let (rs, cs) = b_steps(ldb);
        return gemm([m, n, k], a, View { data: &b.f32()[b0..], rs, cs }, (c, ldc), how, true);
    }
    load::with(&load::WIDENED, |buffer| {
        for columns in load::columns(m, k, n) {
            let (j, n) = (columns.start, columns.len());
            let (first, rows, cols) = if layout == Layout::NT as usize { (j * ldb, n, k) } else { (j, k, n) };
            let data = load::rectangle(&b, b0 + first, ldb, [rows, cols], buffer);
            let (rs, cs) = b_steps(cols);
            gemm([m, n, k], a, View { data, rs, cs }, (&mut c[j..], ldc), how, true);
        }
    });
}

fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
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
            product(rec, "forward", p, inp.into(), weight.into(), out.into(), Some(bias.into()));
            product(rec, "logits", p, inp.into(), weight.into(), logits.into(), None);
            let p = Product { accumulate: true, ..Product::new(Layout::NT, [m, k, n]) };
            product(rec, "backward_input", p, dout.into(), weight.into(), dinp.into(), None);
            let p = Product { accumulate: true, ..Product::new(Layout::TN, [k, n, m]) };
            product(rec, "backward_weight", p, inp.into(), dout.into(), dweight.into(), None);
            // The stream's gradient is of single precision, and an adapter's matrices are.
            let p = Product::new(Layout::NT, [m, k, n]);
            product(rec, "backward_logits", p, logits.into(), weight.into(), dinp.into(), None);
            let p = Product { accumulate: true, ..Product::new(Layout::TN, [k, n, m]) };
            product(rec, "backward_adapter", p, inp.into(), logits.into(), dweight.into(), None);
        })
    };
    // What a linear layer over (M,K) and its backward ask for, without the gradient of a weight at rest.
    let layer = |rec: &mut Recorder, [m, n, k]: [usize; 3], element: Element| {
        let inp = rec.kept("inp", Kind::Input, &[m, k]);
        let weight = rec.kept_of("weight", Kind::Input, &[k, n], element);
        let bias = rec.kept("bias", Kind::Input, &[n]);
        let [out, dinp] = [("out", n), ("dinp", k)].map(|(name, width)| rec.scratch(name, &[m, width]));
        let p = Product::new(Layout::NN, [m, n, k]);
        product(rec, "forward", p, inp.into(), weight.into(), out.into(), Some(bias.into()));
        let p = Product::new(Layout::NT, [m, k, n]);
        product(rec, "backward_input", p, out.into(), weight.into(), dinp.into(), None);
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
            product(rec, "backward_weight", p, inp.into(), out.into(), dweight.into(), None);
            // The second half of the rows on their own, into the second half of another matrix.
            let out = rec.kept("halves", Kind::Output, &[m, n]);
            let half = m / 2;
            let from = |tensor, offset| Operand { tensor, offset, stride: None };
            let p = Product { accumulate: true, ..Product::new(Layout::NN, [m - half, n, k]) };
            product(rec, "half", p, from(inp, half * k), weight.into(), from(out, half * n), None);
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
                product(rec, "range", p, a, b, c, None);
                let p = Product { accumulate: true, alpha: 2.5, ..p };
                let bias = Operand { tensor: bias, offset: at, stride: None };
                product(rec, "range_more", p, a, b, c, Some(bias));
                product(rec, "range_more_bare", p, a, b, c, None);
            }
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
    let cases = sizes.into_iter().map(one).chain(at_rest.map(resting)).chain(columns.into_iter().map(ranges));
    cases.chain(halves.into_iter().filter(|_| limits.f16).map(half)).collect()
}
