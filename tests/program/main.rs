//! The program as a person runs it.

mod cli;
#[cfg(unix)]
mod crash;
mod explain;
mod first_model;
