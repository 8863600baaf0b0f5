//! Causal multi-head attention (Vaswani et al. 2017), by blocks with an online softmax (Dao et al. 2022,
//! arXiv:2205.14135): no tensor of B·NH·T·T elements exists, only the log-sum-exp of each query is kept.
//!
//!   S = scale·q·kᵀ, scale = 1/√HS, keys seen      P = exp(S − lse)      P̃ = mask⊙P/(1 − p)      out = P̃·v
//!   dv = P̃ᵀ·dout      dP = mask⊙(dout·vᵀ)/(1 − p)      dot = Σ_HS dout⊙out      dS = P⊙(dP − dot)
//!   dq = scale·dS·k      dk = scale·dSᵀ·q
//!
//! Heads may be grouped (Ainslie et al. 2023, arXiv:2305.13245): NH query heads attend to NKV key/value heads, NH/NKV
//! neighbours to each, whose dk and dv are their sum. Query i sees the keys j ≤ i, in a window (Mistral, arXiv:2310.06825)
//! those with i − window < j ≤ i.
//!
//! qkv (B·T,(NH+2·NKV)·HS): query heads | key heads | value heads · out (B·T,NH·HS) · lse, dot (B,NH,T) · dqkv as qkv.

mod backward;
mod cached;
mod cases;
mod forward;
mod head;
mod shape;
mod variants;

pub use backward::backward;
pub use cached::cached;
pub use forward::forward;
pub use shape::Shape;

use crate::ops::case::Family;

/// The op's kernels and cases.
pub const FAMILY: Family = Family {
    name: "attention",
    kernels: &[
        &forward::FORWARD,
        &backward::BACKWARD_DOT,
        &backward::BACKWARD_KV,
        &backward::BACKWARD_Q,
        &cached::CACHED,
    ],
    variants: variants::VARIANTS,
    cases: cases::cases,
};
