//! The arithmetic of a step, by what it is for, against the closed form.

use crate::base::arch::Recompute;
use crate::base::{Config, Optimizer, units};
use crate::cli::table::{Align, Table};
use crate::device::{Dispatch, Program, Recording};
use crate::model::Shape;

/// The arithmetic of recordings, as the closed form sees it.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize)]
pub(super) struct Flops {
    /// What the closed form counts: each linear layer's three products, attention's six.
    pub products: u64,
    /// What backward computes again instead of keeping it: attention's products, of T×T numbers; with `--recompute`, blocks.
    pub recomputed: u64,
    /// Everything elementwise, reductions and the update.
    pub other: u64,
}

impl Flops {
    fn of(d: &Dispatch) -> Flops {
        let f = d.flops;
        if d.label.contains(".again.") {
            // A block that is computed a second time.
            return Flops { recomputed: f, ..Flops::default() };
        }
        match d.kernel.name {
            "attention_forward" => Flops { products: f, ..Flops::default() },
            // Four products: S (forward's, again), dV, dP, dK.
            "attention_backward_kv" => Flops { products: f / 4 * 3, recomputed: f / 4, other: 0 },
            // Three: S and dP (both again), dQ.
            "attention_backward_q" => Flops { products: f / 3, recomputed: f / 3 * 2, other: 0 },
            // The parts of a product, added up.
            "matmul_reduce" => Flops { other: f, ..Flops::default() },
            name if name.starts_with("matmul") => Flops { products: f, ..Flops::default() },
            _ => Flops { other: f, ..Flops::default() },
        }
    }

    pub fn of_all(recordings: &[Recording]) -> Flops {
        // The update's products are Muon's, which no closed form of a model counts.
        let of = |r: &Recording, d: &Dispatch| match r.name {
            "update" => Flops { other: d.flops, ..Flops::default() },
            _ => Flops::of(d),
        };
        let all = recordings.iter().flat_map(|r| r.dispatches.iter().map(move |d| of(r, d)));
        all.fold(Flops::default(), |a, b| Flops {
            products: a.products + b.products,
            recomputed: a.recomputed + b.recomputed,
            other: a.other + b.other,
        })
    }

    pub fn total(&self) -> u64 {
        self.products + self.recomputed + self.other
    }
}

/// The closed form for the recorded tokens.
pub(super) fn closed_form(shape: &Shape) -> f64 {
    shape.config.train_flops_per_token(&shape.trained(), shape.t) * (shape.b * shape.t) as f64
}

/// The table of it.
pub(super) fn arithmetic(shape: &Shape, program: &Program) -> Table {
    let flops = Flops::of_all(&program.recordings);
    let closed = closed_form(shape);
    let mut table = Table::new(&[("", Align::Left), ("FLOPs", Align::Right), ("", Align::Left)]);
    let mut row = |what: &str, flops: f64, note: String| table.row([what.into(), units::si(flops), note]);
    row("products of matrices and of attention", flops.products as f64, "what the closed form counts".into());
    let ratio = flops.products as f64 / closed;
    let note = format!("{}; recorded/closed = {ratio:.4}", in_words(shape));
    row("closed form", closed, note);
    let (what, why) = match shape.recompute {
        Recompute::None | Recompute::Gelu => (
            "attention's products, again",
            "backward forms S twice and dP once more, so that no T×T numbers are kept",
        ),
        Recompute::Block => {
            ("blocks and attention's products, again", "backward computes each block from its input")
        }
    };
    row(what, flops.recomputed as f64, why.into());
    row("everything else", flops.other as f64, format!("elementwise work, reductions, {}", updates(shape)));
    row("total", flops.total() as f64, String::new());
    table
}

/// The closed form as a formula: N parameters that multiply, A of the adapter, which moves alone.
fn in_words(shape: &Shape) -> String {
    let seen = match shape.config.window() {
        Some(window) if window < shape.t => "keys",
        _ => "(T+1)/2",
    };
    let n = match shape.config {
        Config::Gpt2(_) => "(N − wpe)",
        _ if shape.config.head() == shape.config.embedding() => "N",
        Config::Llama(_) | Config::Phi(_) => "(N − embed_tokens)",
    };
    let c = if matches!(shape.config, Config::Gpt2(_)) { "C" } else { "NH·HS" };
    let moved = if shape.lora.is_some() { format!("4·{n} + 6·A") } else { format!("6·{n}") };
    let form = format!("{moved} + 12·L·{c}·{seen} a token");
    let partly = shape.lora.as_ref().is_some_and(|lora| !lora.targets.is_empty());
    if shape.freeze.any() || partly { format!("{form}, less what needs no gradient") } else { form }
}

/// What updates the weights, in words.
fn updates(shape: &Shape) -> &'static str {
    match shape.optimizer {
        Optimizer::Adamw => "AdamW",
        Optimizer::Muon => "Muon and AdamW",
    }
}
