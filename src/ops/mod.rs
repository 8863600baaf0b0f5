//! Room 2: the ops, one file or folder each: the maths, what is recorded for forward and backward, the CPU twin, the test cases.
//!
//! [`FAMILIES`] lists every kernel with its variants and cases: doctor and the tests read that list and nothing else.

pub mod adamw;
pub mod attention;
pub mod bias;
pub mod case;
pub mod cast;
pub mod ceiling;
pub mod classifier;
pub mod dropout;
pub mod embedding;
pub mod fill;
pub mod gelu;
pub mod kv_cache;
pub mod ladder;
pub mod layernorm;
pub mod linear;
pub(crate) mod load;
pub mod math;
pub mod matmul;
pub mod matvec;
pub mod muon;
pub mod norm;
pub mod residual;
pub mod rmsnorm;
pub mod rope;
mod simd;
pub mod swiglu;
pub mod top_k;

use crate::ops::case::Family;

/// Every op of the project.
pub const FAMILIES: &[Family] = &[
    embedding::FAMILY,
    layernorm::FAMILY,
    rmsnorm::FAMILY,
    matmul::FAMILY,
    matvec::FAMILY,
    bias::FAMILY,
    rope::FAMILY,
    attention::FAMILY,
    kv_cache::FAMILY,
    gelu::FAMILY,
    swiglu::FAMILY,
    residual::FAMILY,
    dropout::FAMILY,
    classifier::FAMILY,
    top_k::FAMILY,
    norm::FAMILY,
    adamw::FAMILY,
    muon::FAMILY,
    fill::FAMILY,
    cast::FAMILY,
    ceiling::FAMILY,
    ladder::FAMILY,
];
