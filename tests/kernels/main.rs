//! The numbers: kernels against their twins and against PyTorch, shaders against their kernels, and the engine whole.

#[path = "../common/mod.rs"]
mod common;

mod engine;
mod ladder;
mod linear;
mod models;
mod parity;
mod shader_contract;
mod twins;
