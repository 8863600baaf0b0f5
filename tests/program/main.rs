//! The program as a person runs it.

#[path = "../common/mod.rs"]
mod common;

#[cfg(unix)]
mod advice;
mod cli;
#[cfg(unix)]
mod crash;
mod explain;
mod first_model;
mod tokenizers;
mod tokens;
