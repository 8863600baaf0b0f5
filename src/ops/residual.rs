//! The residual sum.
//!
//!   out = inp1 + dropout(inp2)        dinp1 = dout        dinp2 = mask⊙dout/(1 − p)
//!
//! inp1, inp2, out (BT,C). dinp1 is dout itself, so nothing is recorded for it; dinp2 is [`dropout::apply`] of dout, or
//! dout itself without dropout.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::base::rng::Site;
use crate::device::kernel::{read_act, write_act};
use crate::device::recorder::Launch;
use crate::device::variants::FLAT;
use crate::device::{Call, Choices, Const, Element, Kernel, Kind, Limits, Recorder, Tensor};
use crate::ops::case::{Case, Family, elements};
use crate::ops::dropout::{self, Mask};
use crate::ops::load::act;

/// The op's kernel and cases.
pub const FAMILY: Family = Family { name: "residual", kernels: &[&FORWARD], variants: FLAT, cases };

static FORWARD: Kernel = Kernel {
    name: "residual_forward",
    file: "residual.wgsl",
    source: include_str!("../../shaders/residual.wgsl"),
    lib: dropout::LIB,
    bindings: &[read_act("inp1"), read_act("inp2"), write_act("out")],
    dims: &["N", "C", "layer", "site"],
    step: true,
    // A product and a sum, which a driver may contract into one rounding: 2⁻²⁴ an element.
    tolerance: 1e-7,
    twin: forward_twin,
};

/// Where a residual's mask is drawn; `None` without dropout.
pub type MaskAt = Option<(usize, Site)>;

/// What a sublayer adds to the stream: (BT,C), and its mask. The norm behind it makes the sum in its own dispatch
/// ([`layernorm::after`](crate::ops::layernorm::after)).
#[derive(Debug, Clone, Copy)]
pub struct Branch {
    /// (BT,C)
    pub inp: Tensor,
    /// Of what is added.
    pub mask: MaskAt,
}

impl Branch {
    /// The constant and the two dims with which a kernel that makes the sum draws the mask.
    pub(crate) fn draws(&self) -> ((&'static str, Const), [usize; 2]) {
        let (layer, site) = self.mask.map_or((0, 0), |(layer, site)| (layer, site as usize));
        (("DROPOUT", Const::Bool(self.mask.is_some())), [layer, site])
    }
}

/// The mask that a call of such a kernel draws, where it draws one.
pub(crate) fn mask(call: &Call, layer: usize, site: usize) -> Option<Mask> {
    call.flag("DROPOUT").then(|| Mask::new(&call.step, layer, site as u32))
}

/// out = inp1 + dropout(inp2), of row bt.
#[inline(always)]
pub(crate) fn add_row(mask: Option<Mask>, bt: usize, [inp1, inp2]: [&[f32]; 2], out: &mut [f32]) {
    out.copy_from_slice(inp2);
    if let Some(mask) = mask {
        mask.apply(bt, 0, out);
    }
    for (o, x) in out.iter_mut().zip(inp1) {
        *o += x;
    }
}

/// Records inp1 + dropout(inp2), of inp1's element.
pub fn forward(rec: &mut Recorder, inp1: Tensor, inp2: Tensor, mask: MaskAt) -> Tensor {
    let [bt, c] = rec.extents(inp1);
    let [stream, added] = [inp1, inp2].map(|t| rec.element(t));
    let out = rec.scratch_of("out", &[bt, c], stream);
    let variant = rec.pick("residual", FLAT, &[]);
    let (dropout, [layer, site]) = Branch { inp: inp2, mask }.draws();
    let launch = Launch {
        kernel: &FORWARD,
        consts: variant.with([dropout, act("Stream", stream), act("Act", added)]),
        args: &[inp1.read(), inp2.read(), out.write()],
        dims: &[bt * c, c, layer, site],
        workgroups: rec.groups(bt * c, variant.number("WG")),
        flops: (bt * c) as u64,
    };
    rec.dispatch("forward", launch);
    out
}

/// The gradient of inp2: a masked copy of dout, or dout itself.
pub fn backward(rec: &mut Recorder, dout: Tensor, mask: MaskAt) -> Tensor {
    match mask {
        Some((layer, site)) => dropout::apply(rec, "backward", dout, layer, site),
        None => dout,
    }
}

#[multiversion(targets = "simd")]
fn forward_twin(call: &mut Call) {
    let [_, c, layer, site] = call.dims();
    let mask = mask(call, layer, site);
    let ([inp1, inp2], [out]) = call.tensors();
    out.par_chunks_mut(c).enumerate().for_each(|(bt, out)| {
        add_row(mask, bt, [inp1, inp2].map(|x| &x[bt * c..][..c]), out);
    });
}

fn cases(limits: Limits, choices: &Choices) -> Vec<Case> {
    let one = |element: Element, (bt, c, mask): (usize, usize, MaskAt)| {
        let name = format!("residual {bt}x{c} dropout {} {}", mask.is_some(), element.name());
        Case::new(name, limits, choices, vec![], |rec| {
            let [inp1, dout] = ["inp1", "dout"].map(|n| rec.kept(n, Kind::Input, &[bt, c]));
            let inp2 = rec.kept_of("inp2", Kind::Input, &[bt, c], element);
            forward(rec, inp1, inp2, mask);
            // Both of them activations, as the shares of an adapter's input are.
            forward(rec, inp2, inp2, mask);
            backward(rec, dout, mask);
        })
    };
    let at = Some((2, Site::AttentionResidual));
    elements(&limits, &[(1, 1, None), (1, 65, at), (5, 51, None), (7, 97, at), (16, 768, at)], one)
}
