//! Token and position embedding.
//!
//!   out[b,t] = wte[token[b,t]] + wpe[pos + t], or where positions are angles (`ops::rope`) wte[token[b,t]] alone;
//!   where tokens are decoded out[p] = wte[token[p]] + wpe[pos[p]]
//!   dwte[v] = Σ over the positions whose token is v of dout       dwpe[t] = Σ_b dout[b,t]
//!
//! tokens (B,T) ids · wte (V,C), in chunks of rows · wpe (positions,C) · out (B·T,C) · places (P,2): slots and positions
//! (`ops::kv_cache`).
//! dwte, dwpe accumulate (+=). The host sorts a batch's positions into one bucket a distinct token (`tokens::Batch`),
//! so that each row of dwte has one owner: deterministic, without atomics. An id that no chunk has, an end past the last
//! position and a position that does not exist are passed over: no number in a buffer leads a kernel out of its tensors.

use rayon::prelude::*;

use crate::device::element::BLOCK;
use crate::device::kernel::{ids, read, weights, write};
use crate::device::recorder::Launch;
use crate::device::variants::{FLAT, grid};
use crate::device::{Call, Choices, Element, Kernel, Kind, Limits, Recorder, Tensor};
use crate::ops::case::{Case, Family, Fill};
use crate::ops::load::{self, loads};
use crate::tokens::batch::buckets;

/// The op's kernels and cases.
pub const FAMILY: Family = Family {
    name: "embedding",
    kernels: &[&FORWARD, &AT, &LOOKUP, &BACKWARD_WTE, &BACKWARD_WPE],
    variants: FLAT,
    cases,
};

const LIB: &[&str] =
    &[load::LIB, include_str!("../../shaders/lib/step.wgsl"), include_str!("../../shaders/lib/grid.wgsl")];

static FORWARD: Kernel = Kernel {
    name: "embedding_forward",
    file: "embedding.wgsl",
    source: include_str!("../../shaders/embedding.wgsl"),
    lib: LIB,
    bindings: &[ids("tokens"), weights("wte"), read("wpe"), write("out")],
    dims: &["BT", "T", "C", "row0", "rows", "positions"],
    step: true,
    // One addition: the same bits.
    tolerance: 0.0,
    twin: forward_twin,
};

static AT: Kernel = Kernel {
    name: "embedding_at",
    bindings: &[ids("tokens"), weights("wte"), ids("places"), read("wpe_at"), write("out_at")],
    dims: &["P", "C", "row0", "rows", "positions"],
    step: false,
    // One addition: the same bits.
    tolerance: 0.0,
    twin: at_twin,
    ..FORWARD
};

static LOOKUP: Kernel = Kernel {
    name: "embedding_lookup",
    bindings: &[ids("tokens"), weights("wte"), write("looked_up")],
    dims: &["BT", "C", "row0", "rows"],
    step: false,
    // A copy.
    tolerance: 0.0,
    twin: lookup_twin,
    ..FORWARD
};

static BACKWARD_WTE: Kernel = Kernel {
    name: "embedding_backward_wte",
    bindings: &[ids("buckets"), ids("order"), read("dout"), write("dwte")],
    dims: &["BT", "C", "row0", "rows"],
    step: false,
    // The same additions in the same order.
    tolerance: 0.0,
    twin: backward_wte_twin,
    ..FORWARD
};

static BACKWARD_WPE: Kernel = Kernel {
    name: "embedding_backward_wpe",
    bindings: &[read("dencoded"), write("dwpe")],
    dims: &["B", "T", "C"],
    step: false,
    // The same additions in the same order.
    tolerance: 0.0,
    twin: backward_wpe_twin,
    ..FORWARD
};

/// A contiguous range of `wte`'s rows, in a tensor of its own because the whole may be larger than one binding.
#[derive(Debug, Clone, Copy)]
pub struct Chunk {
    /// (rows,C)
    pub tensor: Tensor,
    /// The first row.
    pub row0: usize,
    /// How many.
    pub rows: usize,
}

/// What the host says of a batch besides its tokens; see `tokens::Batch`.
#[derive(Debug, Clone, Copy)]
pub struct Buckets {
    /// (BT,3)
    pub buckets: Tensor,
    /// (BT)
    pub order: Tensor,
}

/// Records out (BT,C) for tokens (BT) in sequences of `t`; without a `wpe`, whatever their positions.
pub fn forward(rec: &mut Recorder, tokens: Tensor, t: usize, wte: &[Chunk], wpe: Option<Tensor>) -> Tensor {
    let [bt] = rec.extents(tokens);
    record(rec, (tokens, bt), Stand::Sequences(t), wte, wpe)
}

/// Records out (P,C) for the first `p` of some tokens, at their places (P,2) or more; without a `wpe`, whatever those are.
pub fn at(
    rec: &mut Recorder,
    tokens: Tensor,
    places: Tensor,
    p: usize,
    wte: &[Chunk],
    wpe: Option<Tensor>,
) -> Tensor {
    let ([n], [of, _]) = (rec.extents(tokens), rec.extents(places));
    assert!(p <= n && p <= of, "embedding: a token and a place a row");
    record(rec, (tokens, p), Stand::Places(places), wte, wpe)
}

/// Where tokens stand.
#[derive(Clone, Copy)]
enum Stand {
    /// In sequences of so many.
    Sequences(usize),
    /// At places (P,2) of their own.
    Places(Tensor),
}

fn record(
    rec: &mut Recorder,
    (tokens, n): (Tensor, usize),
    stand: Stand,
    wte: &[Chunk],
    wpe: Option<Tensor>,
) -> Tensor {
    let [_, c] = rec.extents(wte[0].tensor);
    let out = rec.scratch("out", &[n, c]);
    let variant = rec.pick("embedding", FLAT, &[]);
    for chunk in wte {
        let mut consts = variant.with([load::width(false)]);
        consts.extend(loads!("wte", "Stored", rec.element(chunk.tensor), false));
        let (row0, rows) = (chunk.row0, chunk.rows);
        let mut args = vec![tokens.read(), chunk.tensor.read()];
        let (kernel, dims) = match (wpe, stand) {
            (Some(wpe), Stand::Sequences(t)) => {
                args.push(wpe.read());
                (&FORWARD, vec![n, t, c, row0, rows, rec.extents::<2>(wpe)[0]])
            }
            (Some(wpe), Stand::Places(places)) => {
                args.extend([places.read(), wpe.read()]);
                (&AT, vec![n, c, row0, rows, rec.extents::<2>(wpe)[0]])
            }
            (None, _) => (&LOOKUP, vec![n, c, row0, rows]),
        };
        args.push(out.write());
        let moved = if wpe.is_some() { 12 } else { 8 };
        let launch = Launch {
            kernel,
            consts,
            args: &args,
            dims: &dims,
            workgroups: rec.groups(n * c, variant.number("WG")),
            flops: wpe.map_or(0, |_| (n * c / wte.len()) as u64),
        };
        rec.dispatch_moving("forward", launch, (moved * n * c / wte.len()) as u64);
    }
    out
}

/// Records dwte += … for each chunk.
pub fn backward_wte(rec: &mut Recorder, with: Buckets, dout: Tensor, dwte: &[Chunk]) {
    let [bt, c] = rec.extents(dout);
    let variant = rec.pick("embedding", FLAT, &[]);
    for chunk in dwte {
        let launch = Launch {
            kernel: &BACKWARD_WTE,
            consts: variant.with([]),
            args: &[with.buckets.read(), with.order.read(), dout.read(), chunk.tensor.update()],
            dims: &[bt, c, chunk.row0, chunk.rows],
            workgroups: grid(bt as u64, &rec.limits),
            flops: (bt * c / dwte.len()) as u64,
        };
        rec.dispatch_moving("backward_wte", launch, (12 * bt * c / dwte.len()) as u64);
    }
}

/// Records dwpe += … for sequences of `t`.
pub fn backward_wpe(rec: &mut Recorder, dout: Tensor, t: usize, dwpe: Tensor) {
    let [bt, c] = rec.extents(dout);
    let variant = rec.pick("embedding", FLAT, &[]);
    let launch = Launch {
        kernel: &BACKWARD_WPE,
        consts: variant.with([]),
        args: &[dout.read(), dwpe.update()],
        dims: &[bt / t, t, c],
        workgroups: rec.groups(t * c, variant.number("WG")),
        flops: (bt * c) as u64,
    };
    rec.dispatch_moving("backward_wpe", launch, 4 * (bt * c + 2 * t * c) as u64);
}

fn forward_twin(call: &mut Call) {
    let [_, t, c, row0, rows, positions] = call.dims();
    let pos = call.step.pos as usize;
    let ([tokens, wte, wpe], [out]) = call.views();
    let (tokens, wpe) = (tokens.u32(), wpe.f32());
    out.par_chunks_mut(c).enumerate().for_each(|(bt, out)| {
        let token = tokens[bt] as usize;
        if token < row0 || token >= row0 + rows {
            return;
        }
        let p = &wpe[(pos + bt % t).min(positions - 1) * c..][..c];
        wte.widen((token - row0) * c, out);
        add(out, p);
    });
}

fn at_twin(call: &mut Call) {
    let [_, c, row0, rows, positions] = call.dims();
    let ([tokens, wte, places, wpe], [out]) = call.views();
    let (tokens, places, wpe) = (tokens.u32(), places.u32(), wpe.f32());
    for ((out, &token), place) in out.chunks_mut(c).zip(tokens).zip(places.chunks(2)) {
        let token = token as usize;
        if token < row0 || token >= row0 + rows {
            continue;
        }
        wte.widen((token - row0) * c, out);
        let pos = (place[1] as usize).min(positions - 1);
        add(out, &wpe[pos * c..][..c]);
    }
}

fn lookup_twin(call: &mut Call) {
    let [_, c, row0, rows] = call.dims();
    let ([tokens, wte], [out]) = call.views();
    let tokens = tokens.u32();
    out.par_chunks_mut(c).zip(tokens).for_each(|(out, &token)| {
        let token = token as usize;
        if token >= row0 && token < row0 + rows {
            wte.widen((token - row0) * c, out);
        }
    });
}

fn backward_wte_twin(call: &mut Call) {
    let [positions, c, row0, rows] = call.dims();
    let ([buckets, order, dout], [dwte]) = call.views();
    let (buckets, order, dout) = (buckets.u32(), order.u32(), dout.f32());
    // Each task has some rows, and looks for their tokens' buckets.
    dwte[..rows * c].par_chunks_mut(ROWS * c).enumerate().for_each(|(i, dwte)| {
        let (row0, rows) = (row0 + i * ROWS, dwte.len() / c);
        load::with(&load::SUMS, |sum| {
            let sum = load::first(sum, c);
            for bucket in buckets.as_chunks::<3>().0 {
                let [token, first, end] = bucket.map(|word| word as usize);
                let end = end.min(positions);
                if first >= end || token < row0 || token >= row0 + rows {
                    continue;
                }
                sum.fill(0.0);
                for bt in order[first..end].iter().map(|&bt| bt as usize).filter(|&bt| bt < positions) {
                    add(sum, &dout[bt * c..][..c]);
                }
                add(&mut dwte[(token - row0) * c..][..c], sum);
            }
        });
    });
}

/// Rows of the gradient that a task takes.
const ROWS: usize = 2048;

fn backward_wpe_twin(call: &mut Call) {
    let [_, t, c] = call.dims();
    let ([dout], [dwpe]) = call.tensors();
    dwpe[..t * c].par_chunks_mut(c).enumerate().for_each(|(row, dwpe)| {
        load::with(&load::SUMS, |sum| {
            let sum = load::first(sum, c);
            sum.fill(0.0);
            for b in dout.chunks(t * c) {
                add(sum, &b[row * c..][..c]);
            }
            add(dwpe, sum);
        });
    });
}

fn add(into: &mut [f32], x: &[f32]) {
    for (a, b) in into.iter_mut().zip(x) {
        *a += b;
    }
}

fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    let sizes = [(1, 1, 1, 1), (2, 5, 7, 11), (2, 31, 65, 101), (3, 7, 96, 31), (1, 16, 768, 509)];
    let one = |(b, t, c, v): (usize, usize, usize, usize)| {
        let bt = b * t;
        // Every third position repeats a token, so that buckets have several members.
        let tokens: Vec<u32> = (0..bt).map(|i| (i / 3 * 7919 % v) as u32).collect();
        let (buckets, order) = buckets(&tokens);
        let fills = vec![
            ("tokens", Fill::Words(tokens)),
            ("buckets", Fill::Words(buckets)),
            ("order", Fill::Words(order)),
            // Past the last position too.
            ("places", Fill::Words((0..2 * bt as u32).map(|i| i * 7 % (t as u32 + 4)).collect())),
        ];
        Case::new(format!("embedding {b}x{t}x{c} of {v}"), limits, choices, fills, |rec| {
            let tokens = rec.kept_ids("tokens", Kind::Input, &[bt]);
            let with = Buckets {
                buckets: rec.kept_ids("buckets", Kind::Input, &[bt, 3]),
                order: rec.kept_ids("order", Kind::Input, &[bt]),
            };
            // Two chunks of unequal size wherever there are two rows.
            let cut = v.div_ceil(3);
            let ranges = if v > 1 { vec![(0, cut), (cut, v - cut)] } else { vec![(0, v)] };
            let mut chunks = |name: &str, element: Element| -> Vec<Chunk> {
                let chunk = |&(row0, rows): &(usize, usize)| Chunk {
                    tensor: rec.kept_of(format!("{name}.{row0}"), Kind::Input, &[rows, c], element),
                    row0,
                    rows,
                };
                ranges.iter().map(chunk).collect()
            };
            let wte = chunks("wte", Element::F32);
            let resting: Vec<Vec<Chunk>> = Element::WEIGHTS[1..]
                .iter()
                .filter(|element| !element.is_quantised() || c % BLOCK == 0)
                .map(|&element| chunks(element.name(), element))
                .collect();
            let dwte = chunks("dwte", Element::F32);
            let wpe = rec.kept("wpe", Kind::Input, &[t + 2, c]);
            let dwpe = rec.kept("dwpe", Kind::Input, &[t + 2, c]);
            let places = rec.kept_ids("places", Kind::Input, &[bt, 2]);
            for wte in resting.iter().chain([&wte]) {
                at(rec, tokens, places, bt, wte, Some(wpe));
                at(rec, tokens, places, bt.div_ceil(2), wte, None);
            }
            for wte in &resting {
                forward(rec, tokens, t, wte, Some(wpe));
                forward(rec, tokens, t, wte, None);
            }
            forward(rec, tokens, t, &wte, None);
            let out = forward(rec, tokens, t, &wte, Some(wpe));
            backward_wte(rec, with, out, &dwte);
            backward_wpe(rec, out, t, dwpe);
        })
    };
    sizes.into_iter().map(one).collect()
}
