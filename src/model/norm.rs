//! The norms of a model: LayerNorm, GPT-2's and Phi's, and RMSNorm, Llama's.
//!
//! Their outputs are cheap: backward computes them a second time from what forward left, instead of keeping them.

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

    /// Records out once more.
    fn again(&self, rec: &mut Recorder, inp: Tensor, stats: Self::Stats) -> Tensor;

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

/// A LayerNorm.
#[derive(Debug, Clone, Copy)]
pub(super) struct LayerNorm {
    name: &'static str,
    /// (C)
    pub weight: Trained,
    /// (C)
    pub bias: Trained,
}

impl LayerNorm {
    /// The one of that name in a block, whose keys begin with `layer`; outside of the blocks that is empty.
    pub fn of(all: &Parameters, layer: &str, name: &'static str) -> LayerNorm {
        let one = |what: &str| all.one(&format!("{layer}{name}.{what}"));
        LayerNorm { name, weight: one("weight"), bias: one("bias") }
    }
}

impl Norm for LayerNorm {
    type Stats = layernorm::Stats;

    fn name(&self) -> &'static str {
        self.name
    }

    fn forward(&self, rec: &mut Recorder, inp: Tensor) -> (Tensor, Self::Stats) {
        rec.scoped(self.name, |r| layernorm::forward(r, inp, self.weight.tensor, self.bias.tensor))
    }

    fn again(&self, rec: &mut Recorder, inp: Tensor, stats: Self::Stats) -> Tensor {
        rec.scoped(self.name, |r| layernorm::normalize(r, inp, self.weight.tensor, self.bias.tensor, stats))
    }

    fn backward(
        &self,
        rec: &mut Recorder,
        inp: Tensor,
        stats: Self::Stats,
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
}

impl RmsNorm {
    /// As [`LayerNorm::of`], with its ε.
    pub fn of(all: &Parameters, layer: &str, name: &'static str, eps: f32) -> RmsNorm {
        RmsNorm { name, weight: all.one(&format!("{layer}{name}.weight")), eps }
    }
}

impl Norm for RmsNorm {
    /// 1/rms of each row, (B·T).
    type Stats = Tensor;

    fn name(&self) -> &'static str {
        self.name
    }

    fn forward(&self, rec: &mut Recorder, inp: Tensor) -> (Tensor, Tensor) {
        rec.scoped(self.name, |r| rmsnorm::forward(r, inp, self.weight.tensor, self.eps))
    }

    fn again(&self, rec: &mut Recorder, inp: Tensor, rstd: Tensor) -> Tensor {
        rec.scoped(self.name, |r| rmsnorm::normalize(r, inp, self.weight.tensor, rstd))
    }

    fn backward(
        &self,
        rec: &mut Recorder,
        inp: Tensor,
        rstd: Tensor,
        dout: Tensor,
        dresidual: Option<Tensor>,
    ) {
        let Trained { tensor: weight, gradient } = self.weight;
        rec.scoped(self.name, |r| rmsnorm::backward(r, inp, weight, rstd, dout, dresidual, gradient));
    }
}
