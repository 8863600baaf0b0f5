//! The norms of a model: LayerNorm, GPT-2's and Phi's, and RMSNorm, Llama's.
//!
//! Their outputs are cheap: backward computes them a second time from what forward left, unless they are to be kept.

use crate::device::{Recorder, Tensor};
use crate::model::parameters::{Parameters, Trained};
use crate::ops::{layernorm, rmsnorm};

/// A normalisation over channels: inp (B·T,C), out (B·T,C).
pub(super) trait Norm {
    /// What forward leaves for backward.
    type Stats: Copy;

    /// What its records are labelled.
    fn name(&self) -> &'static str;

    /// Records out and its statistics.
    fn forward(&self, rec: &mut Recorder, inp: Tensor) -> (Tensor, Self::Stats);

    /// Out as it was kept, or recorded once more.
    fn again(&self, rec: &mut Recorder, inp: Tensor, left: Self::Stats) -> Tensor;

    /// Records the gradients of what trains; and `dresidual` += dinp, where that is wanted.
    fn backward(
        &self,
        rec: &mut Recorder,
        inp: Tensor,
        stats: Self::Stats,
        dout: Tensor,
        dresidual: Option<Tensor>,
    );
}

/// What a norm's forward leaves for its backward.
#[derive(Debug, Clone, Copy)]
pub(super) struct Left<S> {
    stats: S,
    /// Its output, where that is kept.
    out: Option<Tensor>,
}

/// A LayerNorm.
#[derive(Debug, Clone, Copy)]
pub(super) struct LayerNorm {
    name: &'static str,
    /// (C)
    pub weight: Trained,
    /// (C)
    pub bias: Trained,
    keeps: bool,
}

impl LayerNorm {
    /// The one of that name in a block, whose keys begin with `layer`; outside of the blocks that is empty.
    pub fn of(all: &Parameters, layer: &str, name: &'static str) -> LayerNorm {
        let one = |what: &str| all.one(&format!("{layer}{name}.{what}"));
        LayerNorm { name, weight: one("weight"), bias: one("bias"), keeps: all.keeps() }
    }
}

impl Norm for LayerNorm {
    type Stats = Left<layernorm::Stats>;

    fn name(&self) -> &'static str {
        self.name
    }

    fn forward(&self, rec: &mut Recorder, inp: Tensor) -> (Tensor, Self::Stats) {
        let (weight, bias) = (self.weight.tensor, self.bias.tensor);
        let (out, stats) = rec.scoped(self.name, |r| layernorm::forward(r, inp, weight, bias));
        (out, Left { stats, out: self.keeps.then_some(out) })
    }

    fn again(&self, rec: &mut Recorder, inp: Tensor, left: Self::Stats) -> Tensor {
        let (weight, bias, stats) = (self.weight.tensor, self.bias.tensor, left.stats);
        let again = || rec.scoped(self.name, |r| layernorm::normalize(r, inp, weight, bias, stats));
        left.out.unwrap_or_else(again)
    }

    fn backward(
        &self,
        rec: &mut Recorder,
        inp: Tensor,
        Left { stats, .. }: Self::Stats,
        dout: Tensor,
        dresidual: Option<Tensor>,
    ) {
        let (weight, params) = (self.weight.tensor, self.weight.gradient.zip(self.bias.gradient));
        rec.scoped(self.name, |r| layernorm::backward(r, inp, weight, stats, dout, dresidual, params));
    }
}

/// An RMSNorm.
#[derive(Debug, Clone, Copy)]
pub(super) struct RmsNorm {
    name: &'static str,
    /// (C)
    pub weight: Trained,
    eps: f32,
    keeps: bool,
}

impl RmsNorm {
    /// As [`LayerNorm::of`], with its ε.
    pub fn of(all: &Parameters, layer: &str, name: &'static str, eps: f32) -> RmsNorm {
        RmsNorm { name, weight: all.one(&format!("{layer}{name}.weight")), eps, keeps: all.keeps() }
    }
}

impl Norm for RmsNorm {
    /// Of the statistics, 1/rms of each row, (B·T).
    type Stats = Left<Tensor>;

    fn name(&self) -> &'static str {
        self.name
    }

    fn forward(&self, rec: &mut Recorder, inp: Tensor) -> (Tensor, Self::Stats) {
        let (out, stats) = rec.scoped(self.name, |r| rmsnorm::forward(r, inp, self.weight.tensor, self.eps));
        (out, Left { stats, out: self.keeps.then_some(out) })
    }

    fn again(&self, rec: &mut Recorder, inp: Tensor, left: Self::Stats) -> Tensor {
        let weight = self.weight.tensor;
        let again = || rec.scoped(self.name, |r| rmsnorm::normalize(r, inp, weight, left.stats));
        left.out.unwrap_or_else(again)
    }

    fn backward(
        &self,
        rec: &mut Recorder,
        inp: Tensor,
        Left { stats: rstd, .. }: Self::Stats,
        dout: Tensor,
        dresidual: Option<Tensor>,
    ) {
        let Trained { tensor: weight, gradient } = self.weight;
        rec.scoped(self.name, |r| rmsnorm::backward(r, inp, weight, rstd, dout, dresidual, gradient));
    }
}
