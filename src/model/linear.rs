//! A linear layer of a model, with the adapter that may stand beside it (LoRA: Hu et al. 2021, arXiv:2106.09685).
//!
//!   y = W·x + b + B·u        u = s·A·drop(x)        s = α/r
//!
//!   dB += dyᵀ·u        du = dy·B        dA += s·duᵀ·drop(x)        dx = dy·W + drop(s·du·A)
//!
//! x (M,in) · y (M,out) · u, du (M,r) · A (r,in), B (out,r), as PEFT has them. W lies as its family has it. What does not train
//! has no gradient, and no dispatch that would compute one.

use crate::base::rng::Site;
use crate::device::{Recorder, Tensor};
use crate::ops::linear::{self, Columns};
use crate::ops::{bias, dropout, gelu, residual};

/// A linear layer.
#[derive(Debug, Clone, Copy)]
pub struct Linear {
    /// Its name in its block, and what its records are labelled.
    pub name: &'static str,
    /// W and b.
    pub layer: linear::Linear,
    /// The gradient of W.
    pub dweight: Option<Tensor>,
    /// The gradient of b.
    pub dbias: Option<Tensor>,
    /// The adapter.
    pub beside: Option<Beside>,
}

/// An adapter.
#[derive(Debug, Clone, Copy)]
pub struct Beside {
    /// s·A, (r,in).
    pub a: linear::Linear,
    /// B, (out,r).
    pub b: linear::Linear,
    /// The gradients of A and B.
    pub gradients: Option<[Tensor; 2]>,
    /// Where its input's mask is drawn; none without dropout.
    pub mask: Option<(usize, Site)>,
}

/// What a layer's gradient goes to.
#[derive(Debug, Clone, Copy)]
pub enum Dinp {
    /// Nothing below trains.
    Unwanted,
    /// A tensor of its own.
    Fresh,
    /// What another layer over the same input has left: it is added.
    Onto(Tensor),
    /// The gradient of what GELU was given, from which it made the input; of a layer without an adapter, which would add to it.
    BeforeGelu(Tensor),
}

/// What GELU's records are labelled, where they stand alone.
pub const GELU: &str = "mlp.gelu";

impl Dinp {
    /// A tensor of its own, where it is wanted.
    pub fn fresh(wanted: bool) -> Dinp {
        if wanted { Dinp::Fresh } else { Dinp::Unwanted }
    }

    /// What another layer's backward returned.
    pub fn onto(dinp: Option<Tensor>) -> Dinp {
        dinp.map_or(Dinp::Unwanted, Dinp::Onto)
    }
}

impl Linear {
    /// Records y (M,out), and returns u beside it where there is an adapter.
    pub fn forward(&self, rec: &mut Recorder, inp: Tensor) -> (Tensor, Option<Tensor>) {
        let ([m, _], (_, n)) = (rec.extents(inp), self.layer.extents(rec));
        let out = rec.scoped(self.name, |r| r.activation("out", &[m, n]));
        let u = self.forward_into(rec, inp, out.into());
        (out, u)
    }

    /// Records y and GELU(y), each (M,out), and returns u beside them: in one dispatch where nothing else adds to y.
    pub fn forward_gelu(&self, rec: &mut Recorder, inp: Tensor) -> (Tensor, Tensor, Option<Tensor>) {
        if self.beside.is_none()
            && let Some((out, act)) = rec.scoped(self.name, |r| self.layer.forward_gelu(r, inp))
        {
            return (out, act, None);
        }
        let (out, u) = self.forward(rec, inp);
        let act = rec.scoped(GELU, |r| gelu::forward(r, out));
        (out, act, u)
    }

    // ANCHOR: forward_into
    /// Records y into columns of a tensor.
    pub fn forward_into(&self, rec: &mut Recorder, inp: Tensor, out: Columns) -> Option<Tensor> {
        rec.scoped(self.name, |rec| {
            self.layer.forward_into(rec, inp, out, false);
            let beside = self.beside?;
            let x = beside.drop(rec, inp);
            let u = rec.scoped("lora_A", |r| beside.a.forward(r, x));
            rec.scoped("lora_B", |r| beside.b.forward_into(r, u, out, true));
            Some(u)
        })
    }
    // ANCHOR_END: forward_into

    /// Whether its backward has a use for its input.
    pub fn wants_input(&self) -> bool {
        self.dweight.is_some() || self.beside.is_some_and(|b| b.gradients.is_some())
    }

    // ANCHOR: backward
    /// Records the gradients of what trains, and of the input where that is wanted. `inp` is there where [`Linear::wants_input`]
    /// says so; `u` is what forward returned.
    pub fn backward(
        &self,
        rec: &mut Recorder,
        inp: Option<Tensor>,
        u: Option<Tensor>,
        dout: Columns,
        dinp: Dinp,
    ) -> Option<Tensor> {
        rec.scoped(self.name, |rec| {
            if let (Some(dweight), Some(inp)) = (self.dweight, inp) {
                self.layer.backward_weight(rec, inp, dout, dweight);
            }
            if let Some(dbias) = self.dbias {
                bias::backward(rec, dout.operand(rec), rec.numel(dbias), dbias.into());
            }
            let dinp = match dinp {
                Dinp::Unwanted => None,
                Dinp::Fresh => Some(self.layer.backward_input(rec, dout)),
                Dinp::BeforeGelu(pre) => Some(self.layer.backward_input_before_gelu(rec, dout, pre)),
                Dinp::Onto(dinp) => {
                    self.layer.backward_input_into(rec, dout, dinp, true);
                    Some(dinp)
                }
            };
            match self.beside.zip(u) {
                Some((beside, u)) => beside.backward(rec, inp, u, dout, dinp),
                None => dinp,
            }
        })
    }
    // ANCHOR_END: backward

    /// As [`Linear::backward`], of a layer whose input GELU made from `pre`: with the gradient of that.
    pub fn backward_before_gelu(
        &self,
        rec: &mut Recorder,
        inp: Option<Tensor>,
        u: Option<Tensor>,
        dout: Tensor,
        pre: Tensor,
    ) -> Tensor {
        if self.beside.is_none() {
            let dinp = Dinp::BeforeGelu(pre);
            return self.backward(rec, inp, u, dout.into(), dinp).expect("it was asked for");
        }
        let dinp = self.backward_through(rec, inp, u, dout, None);
        rec.scoped(GELU, |r| gelu::backward(r, pre, dinp));
        dinp
    }

    /// As [`Linear::backward`], with the gradient of an input that is wanted: a tensor of its own, or added `onto` what another
    /// layer over the same input has left.
    pub fn backward_through(
        &self,
        rec: &mut Recorder,
        inp: Option<Tensor>,
        u: Option<Tensor>,
        dout: Tensor,
        onto: Option<Tensor>,
    ) -> Tensor {
        let dinp = onto.map_or(Dinp::Fresh, Dinp::Onto);
        self.backward(rec, inp, u, dout.into(), dinp).expect("it was asked for")
    }
}

impl Beside {
    /// Its input.
    fn drop(&self, rec: &mut Recorder, inp: Tensor) -> Tensor {
        match self.mask {
            Some((layer, site)) => dropout::apply(rec, "lora_dropout", inp, layer, site),
            None => inp,
        }
    }

    // ANCHOR: beside_backward
    /// Records its gradients; returns dinp with its share in it.
    fn backward(
        &self,
        rec: &mut Recorder,
        inp: Option<Tensor>,
        u: Tensor,
        dout: Columns,
        dinp: Option<Tensor>,
    ) -> Option<Tensor> {
        let [da, db] = self.gradients.map_or([None; 2], |both| both.map(Some));
        let du = rec.scoped("lora_B", |r| {
            if let Some(db) = db {
                self.b.backward_weight(r, u, dout, db);
            }
            self.b.backward_input(r, dout)
        });
        if let (Some(da), Some(inp)) = (da, inp) {
            let x = self.drop(rec, inp);
            rec.scoped("lora_A", |r| self.a.backward_weight(r, x, du, da));
        }
        let dinp = dinp?;
        rec.scoped("lora_A", |r| match self.mask {
            None => {
                self.a.backward_input_into(r, du, dinp, true);
                Some(dinp)
            }
            mask => {
                let share = self.a.backward_input(r, du);
                Some(residual::forward(r, dinp, share, mask))
            }
        })
    }
    // ANCHOR_END: beside_backward
}
