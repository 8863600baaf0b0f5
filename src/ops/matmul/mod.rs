//! The matrix product, in the three layouts that a linear layer needs, and what may follow it in the same dispatch.
//!
//!   NN  c = a·b             forward:          out (M,N)   = inp (M,K)·weight (K,N) + bias
//!   NT  c = a·bᵀ            backward_input:   dinp (M,K)  = dout (M,N)·weightᵀ
//!   TN  c = aᵀ·b            backward_weight:  dweight (K,N) += inpᵀ·dout
//!
//! Here the weight is Conv1D's [in, out]; of nn.Linear's [out, in] the same three serve in other places (`ops::linear`). No
//! transpose is ever stored: a layout is how a tile is loaded. Any of the three matrices may be a range of the columns of a
//! wider one, and the product may be scaled: c (+)= α·a·b. An [`Epilogue`] is done while c is in registers, so that it is not
//! read again for it. Three ways to multiply: for real GPUs, tiles in shared memory (`matmul`), for software adapters, tiles in
//! registers (`matmul_lanes`), and for units that multiply small matrices (`matmul_coop`); `variants` has their forms.

mod cases;
mod kernels;
mod record;
mod shape;
mod twin;
mod variants;

pub use record::{cooperates_in_halves, product};
pub use shape::{Epilogue, Layout, Operand, Product};
pub(crate) use twin::{View, gemm};

use crate::ops::case::Family;

/// The op's kernels and cases.
pub const FAMILY: Family =
    Family { name: "matmul", kernels: kernels::ALL, variants: variants::VARIANTS, cases: cases::cases };
