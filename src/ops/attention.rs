//! Causal multi-head attention (Vaswani et al. 2017), by blocks with an online softmax (Dao et al. 2022,
//! arXiv:2205.14135): no tensor of B·NH·T·T elements exists, only the log-sum-exp of each query is kept.
//!
//!   S = scale·q·kᵀ, scale = 1/√HS, keys up to the query      P = exp(S − lse)      P̃ = mask⊙P/(1 − p)      out = P̃·v
//!   dv = P̃ᵀ·dout      dP = mask⊙(dout·vᵀ)/(1 − p)      dot = Σ_HS dout⊙out      dS = P⊙(dP − dot)
//!   dq = scale·dS·k      dk = scale·dSᵀ·q
//!
//! qkv (B·T,3C): q | k | v, heads contiguous in each · out (B·T,C) · lse, dot (B,NH,T) · dqkv (B·T,3C).

use rayon::prelude::*;

use crate::base::rng::Site;
use crate::device::kernel::{Consts, read, write};
use crate::device::recorder::Launch;
use crate::device::variants::{Problem, plain};
use crate::device::{Arg, Call, Choices, Class, Const, Kernel, Kind, Limits, Recorder, Tensor, Variant};
use crate::ops::case::{Case, Family};
use crate::ops::dropout::Mask;
use crate::ops::kv_cache::Cache;
use crate::ops::math::{exp, max, sum};
use crate::ops::matmul::{View, gemm};

/// The op's kernels and cases.
pub const FAMILY: Family = Family {
    name: "attention",
    kernels: &[&FORWARD, &BACKWARD_DOT, &BACKWARD_KV, &BACKWARD_Q, &CACHED],
    variants: VARIANTS,
    cases,
};

const LIB: &[&str] = &[
    include_str!("../../shaders/lib/step.wgsl"),
    include_str!("../../shaders/lib/dropout.wgsl"),
    include_str!("../../shaders/lib/attention.wgsl"),
];

static FORWARD: Kernel = Kernel {
    name: "attention_forward",
    file: "attention_forward.wgsl",
    source: include_str!("../../shaders/attention_forward.wgsl"),
    lib: LIB,
    bindings: &[read("qkv"), write("out"), write("lse")],
    dims: &["B", "T", "C", "NH", "layer"],
    step: true,
    // exp of scores of size up to 20, each within 3 + 2·|x| units of 2⁻²³, averaged by the softmax.
    tolerance: 5e-6,
    twin: forward_twin,
};

static BACKWARD_KV: Kernel = Kernel {
    name: "attention_backward_kv",
    file: "attention_backward.wgsl",
    source: include_str!("../../shaders/attention_backward.wgsl"),
    bindings: &[
        read("qkv"),
        read("backward_lse"),
        read("backward_dout"),
        read("backward_dot"),
        write("dqkv"),
    ],
    // P again by one exp, as in forward; dP − dot cancels by about a digit, and dk sums what is left.
    tolerance: 2e-5,
    twin: backward_kv_twin,
    ..FORWARD
};

static BACKWARD_Q: Kernel = Kernel {
    name: "attention_backward_q",
    // dS with the digit that dP − dot costs it, as in kv, and nothing beside it (kv's dv has no such difference).
    tolerance: 2e-5,
    twin: backward_q_twin,
    ..BACKWARD_KV
};

static BACKWARD_DOT: Kernel = Kernel {
    name: "attention_backward_dot",
    bindings: &[read("dot_out"), read("dot_dout"), write("dot_rows")],
    step: false,
    // HS products in another order; they cancel, so the sum may be ten times smaller than its terms.
    tolerance: 5e-6,
    twin: dot_twin,
    ..BACKWARD_KV
};

static CACHED: Kernel = Kernel {
    name: "attention_cached",
    file: "attention_cached.wgsl",
    source: include_str!("../../shaders/attention_cached.wgsl"),
    bindings: &[read("qkv"), read("kcache"), read("vcache"), write("cached_out")],
    dims: &["P", "T", "C", "NH"],
    // Scores as in forward; each thread's part is scaled by one exp more, at most 1, before the parts are added.
    tolerance: 5e-6,
    twin: cached_twin,
    ..FORWARD
};

/// How attention is cut into heads and sequences.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Positions of a sequence.
    pub t: usize,
    /// Heads.
    pub nh: usize,
    /// The layer, for its dropout mask.
    pub layer: usize,
    /// Whether probabilities are dropped.
    pub dropout: bool,
}

/// Channels of a row that a thread's registers bear.
fn held(p: &Problem) -> usize {
    if p.op == "attention_forward" { 64 } else { 32 }
}

/// Registers alone, and few loads: a thread owns as many rows as 4 numbers a held channel allow.
const fn lanes(name: &'static str, consts: &'static [(&'static str, Const)]) -> Variant {
    let suits = |v: &Variant, p: &Problem| v.number("ROWS") as usize <= (4 * held(p) / p.extents[0]).max(1);
    Variant { name, class: Class::Lanes, consts, valid: |_, _, _| true, suits }
}

/// Rows staged in shared memory, where every thread of the workgroup reads them: `SPLIT` threads share a row.
const fn tiles(name: &'static str, consts: &'static [(&'static str, Const)]) -> Variant {
    let valid = |v: &Variant, p: &Problem, limits: &Limits| {
        let hs = p.extents[0];
        let loads = if hs.is_multiple_of(4) { hs / 4 } else { hs };
        loads.is_multiple_of(v.covers(&["SPLIT"])) && v.number("THREADS") <= limits.max_invocations
    };
    let suits = |v: &Variant, p: &Problem| p.extents[0] / v.covers(&["SPLIT"]) <= held(p);
    Variant { name, class: Class::Tiles, consts, valid, suits }
}

/// How the streaming kernels are cut: rows a thread owns, threads that share a row, threads a workgroup.
macro_rules! cut {
    (ROWS $rows:literal, SPLIT $split:literal, THREADS $threads:literal, STAGED $staged:literal) => {
        &[
            ("ROWS", Const::U32($rows)),
            ("SPLIT", Const::U32($split)),
            ("THREADS", Const::U32($threads)),
            ("STAGED", Const::Bool($staged)),
        ]
    };
}

/// For heads of HS channels, the first that suits.
const VARIANTS: &[Variant] = &[
    lanes("lanes8", cut!(ROWS 8, SPLIT 1, THREADS 8, STAGED false)),
    lanes("lanes4", cut!(ROWS 4, SPLIT 1, THREADS 8, STAGED false)),
    lanes("lanes2", cut!(ROWS 2, SPLIT 1, THREADS 8, STAGED false)),
    lanes("lanes1", cut!(ROWS 1, SPLIT 1, THREADS 8, STAGED false)),
    tiles("split1", cut!(ROWS 1, SPLIT 1, THREADS 64, STAGED true)),
    tiles("split2", cut!(ROWS 1, SPLIT 2, THREADS 128, STAGED true)),
    tiles("split4", cut!(ROWS 1, SPLIT 4, THREADS 256, STAGED true)),
];

/// Attention over the cache: threads that share a head's keys.
const CACHED_VARIANTS: &[Variant] = &[
    plain("lanes", Class::Lanes, &[("WG", Const::U32(16))]),
    plain("tiles", Class::Tiles, &[("WG", Const::U32(64))]),
];

/// Rows that a workgroup owns.
fn owned(v: &Variant) -> usize {
    v.covers(&["THREADS", "ROWS"]) / v.covers(&["SPLIT"])
}

/// A variant's constants for heads of `hs` channels, where a pair of rows needs `scores` numbers.
fn consts(v: &Variant, hs: usize, scores: usize, dropout: bool) -> Consts {
    let staged = v.consts.contains(&("STAGED", Const::Bool(true)));
    // Two streamed rows and the scores of a streamed row, in 16 KiB.
    let block = (4096 / (2 * hs + 2 + scores * v.covers(&["THREADS"]))).clamp(1, 16);
    let block = ("BLOCK", Const::U32(if staged { block as u32 } else { 1 }));
    v.with(head_consts(hs).into_iter().chain([block, ("DROPOUT", Const::Bool(dropout))]))
}

/// A head's channels and how they are loaded.
fn head_consts(hs: usize) -> Consts {
    let wide = hs.is_multiple_of(4);
    vec![
        ("HS", Const::U32(hs as u32)),
        ("W", Const::U32(if wide { 4 } else { 1 })),
        ("Vec", Const::Type(if wide { "vec4<f32>" } else { "f32" })),
    ]
}

/// Records out and lse.
pub fn forward(rec: &mut Recorder, qkv: Tensor, shape: Shape) -> (Tensor, Tensor) {
    let Shape { t, nh, layer, dropout } = shape;
    let [bt, c3] = rec.extents(qkv);
    let (b, c) = (bt / t, c3 / 3);
    let out = rec.scratch("out", &[bt, c]);
    let lse = rec.scratch("lse", &[b, nh, t]);
    let variant = rec.pick("attention_forward", VARIANTS, &[c / nh]);
    let launch = Launch {
        kernel: &FORWARD,
        consts: consts(variant, c / nh, 1, dropout),
        args: &[qkv.read(), out.write(), lse.write()],
        dims: &[b, t, c, nh, layer],
        workgroups: [t.div_ceil(owned(variant)) as u32, (b * nh) as u32, 1],
        flops: products(2, bt, t, c),
    };
    rec.dispatch("forward", launch);
    (out, lse)
}

/// Arithmetic of `n` products over the causal half: each is 2·HS operations a pair of query and key.
fn products(n: u64, bt: usize, t: usize, c: usize) -> u64 {
    n * (bt * c) as u64 * (t as u64 + 1)
}

/// Records dqkv.
pub fn backward(
    rec: &mut Recorder,
    qkv: Tensor,
    out: Tensor,
    lse: Tensor,
    dout: Tensor,
    shape: Shape,
) -> Tensor {
    let Shape { t, nh, layer, dropout } = shape;
    let [bt, c3] = rec.extents(qkv);
    let (b, c) = (bt / t, c3 / 3);
    let dims = [b, t, c, nh, layer];
    let dot = rec.scratch("dot", &[b, nh, t]);
    let dqkv = rec.scratch("dqkv", &[bt, c3]);
    let variant = rec.pick("attention_backward", VARIANTS, &[c / nh]);
    let (row_each, owned) = (variant.covers(&["THREADS"]), owned(variant));
    // What a dispatch touches: `wide` tensors' worth of (B·T,C) and `narrow` of (B,NH,T). Both passes read qkv whole,
    // dout, lse and dot; kv writes two thirds of dqkv, q one third.
    let moving = |wide: usize, narrow: usize| 4 * (bt * (wide * c + narrow * nh)) as u64;
    let mut pass = |label: &str, kernel: &'static Kernel, args: &[Arg], rows: usize, flops, bytes| {
        let consts = consts(variant, c / nh, 2, dropout);
        let workgroups = [t.div_ceil(rows) as u32, (b * nh) as u32, 1];
        let launch = Launch { kernel, consts, args, dims: &dims, workgroups, flops };
        rec.dispatch_moving(label, launch, bytes);
    };
    let rows = [out.read(), dout.read(), dot.write()];
    let pairs = [qkv.read(), lse.read(), dout.read(), dot.read(), dqkv.write()];
    pass("backward_dot", &BACKWARD_DOT, &rows, row_each, 2 * (bt * c) as u64, moving(2, 1));
    pass("backward_kv", &BACKWARD_KV, &pairs, owned, products(4, bt, t, c), moving(4 + 2, 2));
    pass("backward_q", &BACKWARD_Q, &pairs, owned, products(3, bt, t, c), moving(4 + 1, 2));
    dqkv
}

/// Records out (P,C) for P new queries at the step's position over a cache that already holds their keys and values.
pub fn cached(rec: &mut Recorder, qkv: Tensor, cache: Cache, nh: usize) -> Tensor {
    let ([p, _], [t, c]) = (rec.extents(qkv), rec.extents(cache.k));
    let out = rec.scratch("out", &[p, c]);
    let consts = rec.pick("attention_cached", CACHED_VARIANTS, &[]).with(head_consts(c / nh));
    let launch = Launch {
        kernel: &CACHED,
        consts,
        args: &[qkv.read(), cache.k.read(), cache.v.read(), out.write()],
        dims: &[p, t, c, nh],
        workgroups: [nh as u32, p as u32, 1],
        flops: products(2, p, t, c),
    };
    // The whole cache at most, and of qkv only q.
    rec.dispatch_moving("cached", launch, 8 * (c * (p + t)) as u64);
    out
}

/// Queries whose scores a task holds at once.
const BLOCK: usize = 64;

/// One head of one sequence, as the twins see it.
#[derive(Clone, Copy)]
struct Head<'a> {
    qkv: &'a [f32],
    t: usize,
    c: usize,
    hs: usize,
    /// h·HS
    col: usize,
    /// b·NH + h
    bh: usize,
    scale: f32,
    mask: Option<Mask>,
}

/// Every head of every sequence, in order.
fn heads<'a>(call: &Call, qkv: &'a [f32]) -> (Vec<Head<'a>>, [usize; 3]) {
    let [b, t, c, nh, layer] = call.dims();
    let hs = c / nh;
    let mask = call.flag("DROPOUT").then(|| Mask::new(&call.step, layer, Site::Attention as u32));
    let head = |bh: usize| Head {
        qkv: &qkv[bh / nh * t * 3 * c..][..t * 3 * c],
        t,
        c,
        hs,
        col: bh % nh * hs,
        bh,
        scale: 1.0 / (hs as f32).sqrt(),
        mask,
    };
    ((0..b * nh).map(head).collect(), [t, c, nh])
}

impl<'a> Head<'a> {
    /// q (part 0), k (1) or v (2) from position `first` on, (T−first, HS).
    fn part(&self, part: usize, first: usize) -> View<'a> {
        View { data: &self.qkv[first * 3 * self.c + part * self.c + self.col..], rs: 3 * self.c, cs: 1 }
    }

    /// P of queries `i0..i1`, (i1−i0, i1), zero above the diagonal; lse known.
    fn probabilities(&self, i0: usize, i1: usize, lse: &[f32], p: &mut [f32]) {
        self.scores(i0, i1, p);
        for (i, row) in (i0..i1).zip(p.chunks_mut(i1)) {
            row[..=i].iter_mut().for_each(|s| *s = exp(*s - lse[i]));
            row[i + 1..].fill(0.0);
        }
    }

    /// scale·q·kᵀ of queries `i0..i1` and keys `0..i1`.
    fn scores(&self, i0: usize, i1: usize, s: &mut [f32]) {
        let product = [i1 - i0, i1, self.hs];
        gemm(product, self.part(0, i0), transposed(self.part(1, 0)), (s, i1), (self.scale, false), false);
    }

    /// Masks rows `i0..` of a (·, i1) block, where there is dropout.
    fn drop(&self, i0: usize, i1: usize, p: &mut [f32]) {
        if let Some(mask) = self.mask {
            for (i, row) in (i0..i1).zip(p.chunks_mut(i1)) {
                mask.apply(self.bh, i * self.t, &mut row[..=i]);
            }
        }
    }

    // ANCHOR: dscores
    /// dS of queries `i0..i1`, (i1−i0, i1), zero above the diagonal, from their P.
    fn dscores(&self, i0: usize, i1: usize, dout: View, dot: &[f32], p: &[f32], ds: &mut [f32]) {
        gemm([i1 - i0, i1, self.hs], dout, transposed(self.part(2, 0)), (ds, i1), (1.0, false), false); // dP
        self.drop(i0, i1, ds);
        for (i, (ds, p)) in (i0..i1).zip(ds.chunks_mut(i1).zip(p.chunks(i1))) {
            for (ds, p) in ds[..=i].iter_mut().zip(p) {
                *ds = p * (*ds - dot[i]);
            }
            ds[i + 1..].fill(0.0);
        }
    }
    // ANCHOR_END: dscores
}

fn transposed(v: View) -> View {
    View { data: v.data, rs: v.cs, cs: v.rs }
}

fn contiguous(data: &[f32], cols: usize) -> View<'_> {
    View { data, rs: cols, cs: 1 }
}

/// Copies each head's (T,HS), `head(b·NH + h)`, into columns `part·C + h·HS..` of rows of `width`.
fn scatter<'a>(
    into: &mut [f32],
    width: usize,
    part: usize,
    [t, c, nh]: [usize; 3],
    head: impl Fn(usize) -> &'a [f32] + Sync,
) {
    let hs = c / nh;
    into.par_chunks_mut(width).enumerate().for_each(|(bt, row)| {
        for h in 0..nh {
            let from = &head(bt / t * nh + h)[bt % t * hs..][..hs];
            row[part * c + h * hs..][..hs].copy_from_slice(from);
        }
    });
}

fn forward_twin(call: &mut Call) {
    let ([qkv], [out, lse]) = call.tensors();
    let (heads, shape) = heads(call, qkv);
    let results: Vec<Vec<f32>> =
        heads.par_iter().zip(lse.par_chunks_mut(shape[0])).map(forward_head).collect();
    scatter(out, shape[1], 0, shape, |bh| &results[bh]);
}

fn forward_head((head, lse): (&Head, &mut [f32])) -> Vec<f32> {
    let (t, hs) = (head.t, head.hs);
    let mut out = vec![0.0; t * hs];
    let mut block = vec![0.0; BLOCK.min(t) * t];
    for i0 in (0..t).step_by(BLOCK) {
        let i1 = (i0 + BLOCK).min(t);
        let p = &mut block[..(i1 - i0) * i1];
        head.scores(i0, i1, p);
        for (i, row) in (i0..i1).zip(p.chunks_mut(i1)) {
            let (scored, above) = row.split_at_mut(i + 1);
            let top = max(scored);
            scored.iter_mut().for_each(|s| *s = exp(*s - top));
            let total = sum(scored.len(), |j| scored[j]);
            scored.iter_mut().for_each(|s| *s /= total);
            above.fill(0.0);
            lse[i] = top + total.ln();
        }
        head.drop(i0, i1, p);
        let o = &mut out[i0 * hs..i1 * hs];
        gemm([i1 - i0, hs, i1], contiguous(p, i1), head.part(2, 0), (o, hs), (1.0, false), false);
    }
    out
}

fn dot_twin(call: &mut Call) {
    let [_, t, c, nh, _] = call.dims();
    let hs = c / nh;
    let ([out, dout], [dot]) = call.tensors();
    dot.par_chunks_mut(t).enumerate().for_each(|(bh, dot)| {
        for (i, dot) in dot.iter_mut().enumerate() {
            let at = (bh / nh * t + i) * c + bh % nh * hs;
            *dot = sum(hs, |j| out[at + j] * dout[at + j]);
        }
    });
}

/// A block of a head's queries, `i0..i1`, as the backward passes see it.
struct Block<'a> {
    i0: usize,
    i1: usize,
    /// P, and a place for P̃; (i1−i0, i1), zero above the diagonal.
    p: &'a mut [f32],
    /// dS, as P.
    ds: &'a [f32],
    /// dO, (i1−i0, HS).
    dout: View<'a>,
}

/// A backward pass: walks every head's queries by blocks, lets `add` add each to the head's N sums, (T,HS) and zero at
/// first, and copies the sums into the `parts` of dqkv.
fn backward_twin<const N: usize>(
    call: &mut Call,
    parts: [usize; N],
    add: impl Fn(&Head, Block, &mut [Vec<f32>; N]) + Sync,
) {
    let ([qkv, lse, dout, dot], [dqkv]) = call.tensors();
    let (heads, shape) = heads(call, qkv);
    let [t, c, nh] = shape;
    let one = |head: &Head| {
        let (lse, dot) = (&lse[head.bh * t..][..t], &dot[head.bh * t..][..t]);
        let mut sums = [(); N].map(|()| vec![0.0; t * head.hs]);
        let mut buffer = vec![0.0; 2 * BLOCK.min(t) * t];
        for i0 in (0..t).step_by(BLOCK) {
            let i1 = (i0 + BLOCK).min(t);
            let (p, ds) = buffer[..2 * (i1 - i0) * i1].split_at_mut((i1 - i0) * i1);
            let dout = View { data: &dout[(head.bh / nh * t + i0) * c + head.col..], rs: c, cs: 1 };
            head.probabilities(i0, i1, lse, p);
            head.dscores(i0, i1, dout, dot, p, ds);
            add(head, Block { i0, i1, p, ds, dout }, &mut sums);
        }
        sums
    };
    let sums: Vec<[Vec<f32>; N]> = heads.par_iter().map(one).collect();
    for (n, part) in parts.into_iter().enumerate() {
        scatter(dqkv, 3 * c, part, shape, |bh| &sums[bh][n]);
    }
}

fn backward_kv_twin(call: &mut Call) {
    backward_twin(call, [1, 2], |head, Block { i0, i1, p, ds, dout }, [dk, dv]| {
        let product = [i1, head.hs, i1 - i0];
        let columns = transposed(contiguous(ds, i1));
        gemm(product, columns, head.part(0, i0), (dk, head.hs), (head.scale, true), false);
        head.drop(i0, i1, p);
        gemm(product, transposed(contiguous(p, i1)), dout, (dv, head.hs), (1.0, true), false);
    });
}

fn backward_q_twin(call: &mut Call) {
    backward_twin(call, [0], |head, Block { i0, i1, ds, .. }, [dq]| {
        let into = &mut dq[i0 * head.hs..i1 * head.hs];
        let product = [i1 - i0, head.hs, i1];
        gemm(product, contiguous(ds, i1), head.part(1, 0), (into, head.hs), (head.scale, false), false);
    });
}

fn cached_twin(call: &mut Call) {
    let [_, t, c, nh] = call.dims();
    let (hs, pos) = (c / nh, call.step.pos as usize);
    let scale = 1.0 / (hs as f32).sqrt();
    let ([qkv, kcache, vcache], [out]) = call.tensors();
    out.par_chunks_mut(hs).enumerate().for_each(|(i, out)| {
        let (p, col) = (i / nh, i % nh * hs);
        out.fill(0.0);
        if pos + p >= t {
            return;
        }
        let q = &qkv[p * 3 * c + col..][..hs];
        let score = |j: usize| scale * sum(hs, |i| q[i] * kcache[j * c + col + i]);
        let mut scores: Vec<f32> = (0..=pos + p).map(score).collect();
        let top = max(&scores);
        scores.iter_mut().for_each(|s| *s = exp(*s - top));
        let total = sum(scores.len(), |j| scores[j]);
        for (j, s) in scores.iter().enumerate() {
            for (o, v) in out.iter_mut().zip(&vcache[j * c + col..]) {
                *o += s / total * v;
            }
        }
    });
}

fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    let sizes = [
        (1, 1, 1, 1, false),
        (2, 5, 3, 1, true),
        (1, 7, 2, 3, false),
        (2, 19, 3, 12, true),
        (1, 63, 2, 17, false),
        (1, 65, 1, 16, true),
        (1, 130, 2, 64, false),
        (2, 97, 2, 32, true),
        (1, 17, 1, 128, false),
    ];
    let one = |(b, t, nh, hs, dropout): (usize, usize, usize, usize, bool)| {
        let name = format!("attention {b}x{t}x{nh}x{hs} dropout {dropout}");
        Case::new(name, limits, choices, vec![], |rec| {
            let (c, shape) = (nh * hs, Shape { t, nh, layer: 2, dropout });
            let qkv = rec.kept("qkv", Kind::Input, &[b * t, 3 * c]);
            let dout = rec.kept("dout", Kind::Input, &[b * t, c]);
            let (out, lse) = forward(rec, qkv, shape);
            backward(rec, qkv, out, lse, dout, shape);
        })
    };
    let cached_case = |(p, t, nh, hs): (usize, usize, usize, usize)| {
        Case::new(format!("attention cached {p} of {t}x{nh}x{hs}"), limits, choices, vec![], |rec| {
            let qkv = rec.kept("qkv", Kind::Input, &[p, 3 * nh * hs]);
            let [k, v] = ["k", "v"].map(|n| rec.kept(n, Kind::Cache, &[t, nh * hs]));
            cached(rec, qkv, Cache { k, v }, nh);
        })
    };
    // The checker's step has position 3: the third reaches past the context.
    let cached_sizes = [(1, 4, 1, 1), (1, 300, 3, 12), (7, 8, 2, 17), (32, 64, 2, 64), (5, 257, 1, 32)];
    sizes.into_iter().map(one).chain(cached_sizes.into_iter().map(cached_case)).collect()
}
