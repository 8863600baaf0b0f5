//! The norms of a model: LayerNorm, GPT-2's and Phi's, and RMSNorm, Llama's.
//!
//! Their outputs are cheap: backward computes them a second time from what forward left, unless they are to be kept.

use crate::device::{Recorder, Tensor};
use crate::model::parameters::{Parameters, Trained};
use crate::ops::residual::{Branch, MaskAt};
use crate::ops::{layernorm, rmsnorm};

/// The residual stream, and what a sublayer adds to it yet: the next norm makes the sum, in its own dispatch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream {
    /// (B·T,C)
    sum: Tensor,
    branch: Option<Branch>,
}

impl Stream {
    /// As it stands.
    pub fn of(sum: Tensor) -> Stream {
        Stream { sum, branch: None }
    }

    /// With a sublayer's output to be added, dropped out where there is a mask.
    pub fn adding(sum: Tensor, inp: Tensor, mask: MaskAt) -> Stream {
        Stream { sum, branch: Some(Branch { inp, mask }) }
    }
}

/// What a norm's forward gives.
pub(super) struct Normed<S> {
    /// The stream that was normalised, the sum made. (B·T,C)
    pub stream: Tensor,
    /// (B·T,C)
    pub out: Tensor,
    /// What it leaves for backward.
    pub left: S,
}

/// A normalisation over channels: inp (B·T,C), out (B·T,C).
pub(super) trait Norm {
    /// What forward leaves for backward.
    type Stats: Copy;

    /// What its records are labelled.
    fn name(&self) -> &'static str;

    /// Records the stream's sum, where it is to be made, out, and its statistics.
    fn forward(&self, rec: &mut Recorder, stream: Stream) -> Normed<Self::Stats>;

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

    fn forward(&self, rec: &mut Recorder, Stream { sum, branch }: Stream) -> Normed<Self::Stats> {
        let (weight, bias) = (self.weight.tensor, self.bias.tensor);
        let (stream, out, stats) = rec.scoped(self.name, |r| match branch {
            Some(branch) => layernorm::after(r, sum, branch, weight, bias),
            None => {
                let (out, stats) = layernorm::forward(r, sum, weight, bias);
                (sum, out, stats)
            }
        });
        Normed { stream, out, left: Left { stats, out: self.keeps.then_some(out) } }
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

    fn forward(&self, rec: &mut Recorder, Stream { sum, branch }: Stream) -> Normed<Self::Stats> {
        let weight = self.weight.tensor;
        let (stream, out, stats) = rec.scoped(self.name, |r| match branch {
            Some(branch) => rmsnorm::after(r, sum, branch, weight, self.eps),
            None => {
                let (out, rstd) = rmsnorm::forward(r, sum, weight, self.eps);
                (sum, out, rstd)
            }
        });
        Normed { stream, out, left: Left { stats, out: self.keeps.then_some(out) } }
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
