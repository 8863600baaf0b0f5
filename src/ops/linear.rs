//! A linear layer over rows: which matrix products its forward and backward are, for either way that its weight lies.
//!
//!   y = s·x·W + bias        dx = s·dy·Wᵀ        dW += s·xᵀ·dy
//!
//! x (rows,in) · y (rows,out), each a whole tensor or a range of a wider one's columns: three projections write one packed
//! (rows,q+k+v) tensor side by side, and read such ranges of its gradient. A second layer's y or dx can add to a first's,
//! which with a scale s is all that LoRA asks of the products (Hu et al. 2021, arXiv:2106.09685). dW accumulates (+=).
//! A few rows are a product that reads each weight once.

use crate::base::arch::Layout;
use crate::device::{Element, Recorder, Tensor};
use crate::ops::matmul::{self, Epilogue, Operand, Product};
use crate::ops::matvec;

/// A linear layer of one recording.
#[derive(Debug, Clone, Copy)]
pub struct Linear {
    /// (in,out) or (out,in)
    pub weight: Tensor,
    /// Which of the two.
    pub layout: Layout,
    /// (out)
    pub bias: Option<Tensor>,
    /// s: what the product is multiplied by; 1 but for an adapter. The bias is added as it is.
    pub scale: f32,
}

/// The columns of a (rows,width) tensor from `first` on, as many as the layer has to do with.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    /// (rows,width)
    pub tensor: Tensor,
    /// The first column.
    pub first: usize,
}

impl From<Tensor> for Columns {
    fn from(tensor: Tensor) -> Columns {
        Columns { tensor, first: 0 }
    }
}

impl Columns {
    fn rows(self, rec: &Recorder) -> usize {
        let [rows, _] = rec.extents(self.tensor);
        rows
    }

    /// It as a product takes it.
    pub fn operand(self, rec: &Recorder) -> Operand {
        let [_, width] = rec.extents(self.tensor);
        Operand { tensor: self.tensor, offset: self.first, stride: Some(width) }
    }
}

impl Linear {
    /// A layer as GPT-2 stores it, (in,out).
    pub fn conv1d(weight: Tensor, bias: Option<Tensor>) -> Linear {
        Linear { weight, layout: Layout::InOut, bias, scale: 1.0 }
    }

    /// A layer as nn.Linear stores it, (out,in).
    pub fn nn_linear(weight: Tensor, bias: Option<Tensor>) -> Linear {
        Linear { weight, layout: Layout::OutIn, bias, scale: 1.0 }
    }

    /// in and out.
    pub fn extents(&self, rec: &Recorder) -> (usize, usize) {
        let [rows, cols] = rec.extents(self.weight);
        if self.layout == Layout::InOut { (rows, cols) } else { (cols, rows) }
    }

    /// Records y, a new tensor (rows,out).
    pub fn forward(&self, rec: &mut Recorder, inp: impl Into<Columns>) -> Tensor {
        let inp = inp.into();
        let out = rec.activation("out", &[inp.rows(rec), self.extents(rec).1]);
        self.forward_into(rec, inp, out, false);
        out
    }

    /// Records `out` = y, or += y.
    pub fn forward_into(
        &self,
        rec: &mut Recorder,
        inp: impl Into<Columns>,
        out: impl Into<Columns>,
        accumulate: bool,
    ) {
        let (inp, out) = (inp.into(), out.into());
        let (k, n) = self.extents(rec);
        let layout = if self.layout == Layout::InOut { matmul::Layout::NN } else { matmul::Layout::NT };
        let m = inp.rows(rec);
        let p = Product { accumulate, alpha: self.scale, ..Product::new(layout, [m, n, k]) };
        let (x, y, bias) = (inp.operand(rec), out.operand(rec), self.bias.map(Operand::from));
        // A training step may have so few rows too, but its activations may be of halves.
        let whole = [x, y].iter().all(|of| rec.element(of.tensor) == Element::F32);
        match m {
            1..=matvec::ROWS if whole => matvec::product(rec, "forward", p, x, self.weight, y, bias),
            _ => matmul::product(rec, "forward", p, x, self.weight.into(), y, Epilogue::bias(bias)),
        }
    }

    /// Records y and GELU(y), two new tensors (rows,out), in one dispatch; none where that is not how so few rows, or a layer without
    /// a bias, are multiplied.
    pub fn forward_gelu(&self, rec: &mut Recorder, inp: impl Into<Columns>) -> Option<(Tensor, Tensor)> {
        let inp = inp.into();
        let (m, (k, n)) = (inp.rows(rec), self.extents(rec));
        let bias = self.bias.filter(|_| m > matvec::ROWS)?.into();
        let [out, act] = ["out", "gelu"].map(|name| rec.activation(name, &[m, n]));
        let layout = if self.layout == Layout::InOut { matmul::Layout::NN } else { matmul::Layout::NT };
        let p = Product { alpha: self.scale, ..Product::new(layout, [m, n, k]) };
        let x = inp.operand(rec);
        matmul::product(rec, "forward", p, x, self.weight.into(), out.into(), Epilogue::Gelu { bias, act });
        Some((out, act))
    }

    /// Records dx, a new tensor (rows,in).
    pub fn backward_input(&self, rec: &mut Recorder, dout: impl Into<Columns>) -> Tensor {
        let dout = dout.into();
        let dinp = rec.activation("dinp", &[dout.rows(rec), self.extents(rec).0]);
        self.backward_input_into(rec, dout, dinp, false);
        dinp
    }

    /// Records `dinp` = dx, or += dx.
    pub fn backward_input_into(
        &self,
        rec: &mut Recorder,
        dout: impl Into<Columns>,
        dinp: impl Into<Columns>,
        accumulate: bool,
    ) {
        self.backward_input_then(rec, dout.into(), dinp.into(), accumulate, Epilogue::None);
    }

    /// Records the gradient of what GELU was given, `pre`, from which it made x: a new tensor (rows,in).
    pub fn backward_input_before_gelu(
        &self,
        rec: &mut Recorder,
        dout: impl Into<Columns>,
        pre: Tensor,
    ) -> Tensor {
        let dout = dout.into();
        let dpre = rec.activation("dinp", &[dout.rows(rec), self.extents(rec).0]);
        self.backward_input_then(rec, dout, dpre.into(), false, Epilogue::Slope { pre });
        dpre
    }

    fn backward_input_then(
        &self,
        rec: &mut Recorder,
        dout: Columns,
        dinp: Columns,
        accumulate: bool,
        then: Epilogue,
    ) {
        let (k, n) = self.extents(rec);
        let layout = if self.layout == Layout::InOut { matmul::Layout::NT } else { matmul::Layout::NN };
        let p = Product { accumulate, alpha: self.scale, ..Product::new(layout, [dout.rows(rec), k, n]) };
        let (dy, dx) = (dout.operand(rec), dinp.operand(rec));
        matmul::product(rec, "backward_input", p, dy, self.weight.into(), dx, then);
    }

    /// Records `dweight` += dW, which lies as the weight does.
    pub fn backward_weight(
        &self,
        rec: &mut Recorder,
        inp: impl Into<Columns>,
        dout: impl Into<Columns>,
        dweight: Tensor,
    ) {
        let (inp, dout) = (inp.into(), dout.into());
        let (k, n) = self.extents(rec);
        let (x, dy) = (inp.operand(rec), dout.operand(rec));
        let (m, n, a, b) = if self.layout == Layout::InOut { (k, n, x, dy) } else { (n, k, dy, x) };
        let p = Product::new(matmul::Layout::TN, [m, n, inp.rows(rec)]);
        let p = Product { accumulate: true, alpha: self.scale, ..p };
        matmul::product(rec, "backward_weight", p, a, b, dweight.into(), Epilogue::None);
    }
}
